"""T29, T30: who is let in, as the provisioning server and the owner say."""

import pytest

from harness import wire
from harness.modbus import TCP, unit
from harness.procs import wait_until
from harness.programs import node
from harness.reader import read, refused
from harness.wire import DISCO_INFO, DISCOVERY, attrs, bare, condition, local, payload

PROV = "urn:xmpp:iot:provisioning"
S = "MeteringTopology"
PLANT = TCP + unit("a", "generic.xy-md02", temperature="21.7", humidity="45.0") + unit(
    "b", "generic.xy-md02", address=2, temperature="-3.0", humidity="80.5")
NODES = node("a", bus="plc", poll="1s") + node("b", bus="plc", address=2, poll="1s")


def provision(fakereg, **answers):
    """The registry is the provisioning server too (XEP-0347 lets it)."""
    fakereg.answers["query"] = lambda el: (
        "<query xmlns='%s'><identity category='component' type='x'/>"
        "<feature var='%s'/><feature var='%s'/></query>" % (DISCO_INFO, DISCOVERY, PROV)
        if payload(el).tag.startswith("{%s}" % DISCO_INFO)
        else "<query xmlns='%s'/>" % wire.DISCO_ITEMS)
    fakereg.answers.update(answers)


def says(name, result, inner="", **more):
    """An answer to isFriend, canRead or canControl about whom was asked."""
    return lambda el: "<%sResponse xmlns='%s'%s>%s</%sResponse>" % (
        name, PROV, attrs(jid=payload(el).get("jid"), result=result, **more), inner, name)


@pytest.fixture
def site(make_sim, make_gateway, fakereg, client):
    class Site:
        pass

    def make(**answers):
        s = Site()
        provision(fakereg, **answers)
        sim = make_sim(PLANT)
        s.g = make_gateway(NODES, registry=fakereg.jid,
                           buses="[bus plc]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["plc"])
        s.jid = s.g.jid
        s.me = client("me")
        s.g.wait_online()
        for n in ("a", "b"):
            fakereg.wait("register", n)
            fakereg.claimed(s.jid, bare(s.me.jid), n, S)
            s.g.wait_claim(n, "public")
            wait_until(n, lambda: s.g.node_list()[n]["device"] == "online", 20, 0.1)
        found(s.g, fakereg)
        return s

    return make


def found(g, fakereg):
    wait_until("the provisioning server is found", lambda: any(
        p["jid"] == fakereg.jid and p["online"]
        for p in g.control("registry")["provisioning"]), 20)


def test_T29_subscriptions_are_judged(site, fakereg, client):
    """Yes lets in; no does not, and no answer neither."""
    will = {}

    def judge(el):
        result = will[payload(el).get("jid")]
        return result and says("isFriend", result)(el)

    s = site(isFriend=judge)
    people = [(client("p"), result) for result in ("false", "true", None)]
    will.update((bare(c.jid), result) for c, result in people)
    for c, _ in people:
        c.presence(s.g.bare, "subscribe")
    for c, result in people:
        p = c.expect(lambda el: local(el) == "presence" and
                     el.get("type") in ("subscribed", "unsubscribed"), 20)
        assert p.get("type") == ("subscribed" if result == "true" else "unsubscribed")
        assert bare(p.get("from")) == s.g.bare
    assert {payload(el).get("jid") for el in fakereg.got("isFriend")} == set(will)


def test_T30_reduced_remembered_and_cleared(site, fakereg, client):
    """Fewer nodes and fields; not asked twice, not even after a start, until
    the server says so."""
    s = site(canRead=says("canRead", "true", "<node nodeId='a' sourceId='%s'/>"
                          "<node nodeId='z' sourceId='%s'/><field name='humidity'/>" % (S, S)))
    guest = client("guest")
    for _ in range(2):
        got = read(guest, s.jid, "momentary", nodes=["a", "b"], deviceToken="dt")
        assert {(v.node, v.name) for v in got.values} == {("a", "humidity")}
    (asked,) = fakereg.got("canRead")
    assert payload(asked).get("deviceToken") == "dt"
    assert payload(asked).get("jid") == bare(guest.jid)
    assert payload(asked).get("momentary") == "true"
    s.g.stop()
    s.g.start()
    s.g.wait_online()
    found(s.g, fakereg)
    wait_until("a", lambda: s.g.node_list()["a"]["device"] == "online", 20, 0.1)
    again = read(guest, s.jid, "momentary", nodes=["a", "b"], deviceToken="dt")
    assert [v.node for v in again.values] == ["a"]
    assert len(fakereg.got("canRead")) == 1
    fakereg.answers["canRead"] = says("canRead", "false")
    clear = "<clearCache xmlns='%s'/>" % PROV
    for who in (guest, s.me):
        assert condition(who.iq("set", s.jid, clear)) == "forbidden"
    read(guest, s.jid, "momentary", nodes=["a", "b"], deviceToken="dt")
    answer = fakereg.iq("set", s.jid, clear)
    assert answer.get("type") == "result" and local(payload(answer)) == "clearCacheResponse"
    refused(guest, s.jid, "momentary", nodes=["a", "b"], deviceToken="dt")
    read(s.me, s.jid, "momentary", nodes=["a", "b"])


def test_T30_no_answer_means_no(site, fakereg, client):
    s = site(canRead=None, canControl=("error", "item-not-found"))
    guest = client("guest")
    key = guest.request("get", s.jid, "<req xmlns='urn:xmpp:iot:sensordata' seqnr='1' "
                        "momentary='true'><node nodeId='a'/></req>")
    fakereg.wait("canRead")
    read(s.me, s.jid, "momentary", nodes=["a"])  # the owner is not held up
    assert condition(guest.wait_answer(key, 20)) == "forbidden"
    # what would have been an answer comes too late, and from a stranger never counts
    late = fakereg.got("canRead")[0]
    fakereg.give(late, says("canRead", "true")(late))
    fakereg.answers["canRead"] = says("canRead", "false")
    assert condition(refused(guest, s.jid, "momentary", nodes=["a"])) == "forbidden"


def test_T30_the_server_itself_is_refused(site, fakereg):
    s = site(canRead=says("canRead", "true"))
    iq = fakereg.iq("get", s.jid, "<req xmlns='urn:xmpp:iot:sensordata' seqnr='1' "
                    "momentary='true'><node nodeId='a'/></req>")
    assert condition(iq) == "forbidden"
    assert not fakereg.got("canRead")


def roster_presence(client, type_, seconds=10):
    return client.expect(lambda el: local(el) == "presence" and el.get("type") == type_, seconds)


def test_friend_and_unfriend_of_the_server_alone(site, fakereg, client):
    s = site(isFriend=None)
    guest, rogue = client("guest"), client("rogue")
    message = "<message to='%s'><%s xmlns='%s' jid='%s'/></message>"
    for name in ("friend", "unfriend"):
        rogue.send(message % (s.jid, name, PROV, bare(guest.jid)))
    s.me.presence(s.g.bare, "subscribe")
    roster_presence(s.me, "subscribed")
    guest.expect_nothing(1, lambda el: local(el) == "presence" and el.get("type") == "subscribe")
    fakereg.send("<message from='%s' to='%s'><friend xmlns='%s' jid='%s'/></message>" % (
        fakereg.jid, s.jid, PROV, bare(guest.jid)))
    roster_presence(guest, "subscribe")
    fakereg.answers["isFriend"] = says("isFriend", "true")
    guest.presence(s.g.bare, "subscribe")
    roster_presence(guest, "subscribed")
    for who in (guest, s.me):
        fakereg.send("<message from='%s' to='%s'><unfriend xmlns='%s' jid='%s'/></message>" % (
            fakereg.jid, s.jid, PROV, bare(who.jid)))
    roster_presence(guest, "unsubscribed")
    fakereg.forget()
    guest.presence(s.g.bare, "subscribe")
    fakereg.wait("isFriend")  # its yes of before holds no more
    s.me.expect_nothing(0, lambda el: local(el) == "presence" and el.get("type") == "unsubscribed")
