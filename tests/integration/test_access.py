"""T29, T30: who is let in, as the provisioning server and the owner say."""

import itertools
import time

import pytest

from harness import wire
from harness.fakereg import FakeRegistry
from harness.modbus import TCP, unit
from harness.procs import wait_until
from harness.programs import node
from harness.reader import Readout, read, refused, request
from harness.wire import DISCO_INFO, DISCOVERY, attrs, bare, condition, find, local, payload

PROV = "urn:xmpp:iot:provisioning"
S = "MeteringTopology"
SEQNRS = itertools.count(5000)
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
        s.sim = sim = make_sim(PLANT)
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
    """Yes lets in; no does not, at once."""
    will = {}
    s = site(isFriend=lambda el: says("isFriend", will[payload(el).get("jid")])(el))
    people = [(client("p"), result) for result in ("false", "true")]
    will.update((bare(c.jid), result) for c, result in people)
    for c, _ in people:
        c.presence(s.g.bare, "subscribe")
    for c, result in people:
        p = c.expect(lambda el: local(el) == "presence" and
                     el.get("type") in ("subscribed", "unsubscribed"), 5)
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


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
@pytest.mark.parametrize("still", ["true", "false"])
def test_T30_a_right_that_is_taken_ends_what_is_under_way(site, fakereg, client, still):
    """One device is waited for meanwhile: what it says then is asked for again."""
    s = site(canRead=says("canRead", "true"))
    s.g.write(nodes=NODES.replace("1s", "1h") + "field.temperature.max_age = 100ms\n",  # of b
              buses=s.g.buses + "timeout = 8s\n")
    s.g.reload()
    guest = client("guest")
    read(guest, s.jid, "momentary", nodes=["a", "b"])
    s.sim.fault("b", "late", 2000)
    time.sleep(0.2)
    r = Readout(guest, s.jid, "momentary", nodes=["a", "b"]).accepted()
    while not r.values:  # what is known is told, and not kept for the rest
        r.next(5)
    assert {v.node for v in r.values} == {"a"} and not r.done
    fakereg.answers["canRead"] = says("canRead", still)
    assert fakereg.iq("set", s.jid, "<clearCache xmlns='%s'/>" % PROV).get("type") == "result"
    r.read()
    assert len(fakereg.got("canRead")) == 2
    if still == "true":
        assert {v.node for v in r.values} == {"a", "b"} and not r.failures
    else:
        assert {v.node for v in r.values} == {"a"}
        assert r.failures == {"b": "access is no longer granted"}


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_T30_what_a_former_friend_was_granted_ends(site, fakereg, client):
    s = site(canRead=says("canRead", "true"))
    guest = client("guest")
    read(guest, s.jid, "momentary", nodes=["a"])
    fakereg.answers["canRead"] = says("canRead", "false")
    fakereg.send("<message from='%s' to='%s'><unfriend xmlns='%s' jid='%s'/></message>" % (
        fakereg.jid, s.jid, PROV, bare(guest.jid)))
    time.sleep(0.5)
    assert condition(refused(guest, s.jid, "momentary", nodes=["a"])) == "forbidden"


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_T30_no_answer_means_no(site, fakereg, client):
    s = site(canRead=None, canControl=("error", "item-not-found"), isFriend=None)
    guest = client("guest")
    guest.presence(s.g.bare, "subscribe")
    key = guest.request("get", s.jid, "<req xmlns='urn:xmpp:iot:sensordata' seqnr='1' "
                        "momentary='true'><node nodeId='a'/></req>")
    fakereg.wait("canRead")
    read(s.me, s.jid, "momentary", nodes=["a"])  # the owner is not held up
    assert condition(guest.wait_answer(key, 20)) == "forbidden"
    roster_presence(guest, "unsubscribed")
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


# Who may do what with a node in which state: every cell.  r read, c control, h history,
# b browse, e be told of events, p see the gateway's presence (by all that is his there).

STATES = ("unclaimed", "public", "private", "removed", "self", "disowned")
OWNED = STATES[1:4]
WHO = ("owner", "other", "friend", "stranger", "registry", "provisioning", "account")
NOT_HIS = "------ -----p ------ ------ -----p -----p -----p"
CELLS = {
    "unclaimed": NOT_HIS, "disowned": NOT_HIS,
    "public": "rchbep -----p r-hbep ------ -----p -----p -----p",
    "private": "rchbep -----p r-hbep ------ -----p -----p -----p",
    "removed": "rchbep -----p r-hbep ------ -----p -----p -----p",
    "self": "------ -----p r-hbep ------ -----p -----p rchbep",
}


def matrix_nodes(poll):
    return "".join(node(n, bus="plc", address=i + 1, template="generic.relay8", poll=poll,
                        self_owned="yes" if n == "self" else "no",
                        **{"field.relay1.keep": "1d"})
                   for i, n in enumerate(STATES + ("others",)))


class Matrix:
    def __init__(self, make_sim, make_gateway, fakereg, prov, client, server):
        sim = make_sim(TCP + "".join(unit(n, "generic.relay8", address=i + 1)
                                     for i, n in enumerate(STATES + ("others",))))
        self.g = make_gateway(
            matrix_nodes("100ms"), registry=fakereg.jid,
            buses="[bus plc]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["plc"],
            extra="[history]\nflush = 1s\n[provisioning]\njid = %s\n" % prov.jid)
        self.jid, self.reg = self.g.jid, fakereg
        common = {"other": client("other"), "stranger": client("stranger"), "registry": fakereg,
                  "provisioning": prov, "account": wire.Client(
                      server, self.g.user, self.g.password, "second", presence=False)}
        self.who = {s: dict(common, owner=client("owner"), friend=client("friend"))
                    for s in STATES}
        self.g.wait_online()
        found(self.g, prov)
        self.claim("others", common["other"])
        for s in OWNED + ("disowned",):
            self.claim(s, self.who[s]["owner"], "false" if s == "private" else "true")
        self.g.wait_claim("self", "self-owned")
        for s in OWNED + ("disowned",):
            self.share(s, self.who[s]["owner"])
        self.share("self", common["account"])
        for name in ("removed", "disowned"):
            self.tell(name, name)
        self.g.wait_claim("disowned", "unclaimed")
        wait_until("all answer", lambda: all(
            n["device"] == "online" for n in self.g.node_list().values()), 20, 0.1)

    def tell(self, what, name, **more):
        assert self.reg.tell(self.jid, what, name, S, **more).get("type") == "result"

    def claim(self, name, owner, public="true"):
        self.reg.wait("register", name)
        wait_until("it is claimed", lambda: self.reg.claimed(
            self.jid, bare(owner.jid), name, S, public).get("type") == "result", 10, 0.1)

    def share(self, name, owner):
        got = owner.iq("set", self.jid, "<executeNodeCommand xmlns='%s' nodeId='%s' sourceId='%s' "
                       "command='share'><x xmlns='jabber:x:data' type='submit'><field var='jid'>"
                       "<value>%s</value></field></x></executeNodeCommand>" % (
                           wire.CONCENTRATOR, name, S, bare(self.who[name]["friend"].jid)))
        assert got.get("type") == "result", wire.text(got)

    def reads(self, who, name, *types):
        """Whether it is accepted; then values come."""
        seqnr = next(SEQNRS)
        iq = who.iq("get", self.jid, request(seqnr, *types, nodes=[name]), 15)
        if iq.get("type") == "error":
            assert condition(iq) == "forbidden"
            return False
        got = who.expect(lambda el: local(el) == "message" and payload(el) is not None
                         and payload(el).get("seqnr") == str(seqnr), 15)
        assert find(got, "boolean") is not None, wire.text(got)
        return True

    def controls(self, who, name):
        iq = who.iq("set", self.jid, "<set xmlns='%s'><node nodeId='%s'/><boolean name='relay1' "
                    "value='true'/></set>" % (wire.CONTROL, name), 15)
        assert iq.get("type") == "result" or condition(iq) == "forbidden", wire.text(iq)
        return iq.get("type") == "result"

    def browses(self, who, name):
        iq = who.iq("get", self.jid, "<containsNode xmlns='%s' nodeId='%s' sourceId='%s'/>" % (
            wire.CONCENTRATOR, name, S))
        return payload(iq).text == "true"

    def subscribe(self, who):
        who.iq("set", self.jid, "<subscribe xmlns='%s' sourceId='%s' nodeUpdated='true'/>" % (
            wire.CONCENTRATOR, S))

    def people(self):
        return {id(w): w for row in self.who.values() for w in row.values()}.values()

    def told(self):
        """{who: nodes} of the events of a change to all nodes."""
        for w in self.people():
            self.subscribe(w)
            w.drain()
        self.g.write(nodes=matrix_nodes("200ms"))
        self.g.reload()
        time.sleep(2)
        return {id(w): {payload(el).get("nodeId") for el in w.drain()
                        if wire.op(el) == "nodeUpdated"} for w in self.people()}

    def friends(self):
        """Who may see the presence."""
        for w in self.people():
            w.presence(self.g.bare, "subscribe")

        def let_in(w):
            if w is self.who["self"]["account"]:  # its server tells it, and asks nobody
                w.expect_nothing(1, lambda el: el.get("from") == self.jid)
                w.presence()
                return w.expect(lambda el: local(el) == "presence" and
                                el.get("from") == self.jid, 8).get("type") is None
            if isinstance(w, FakeRegistry):
                return w.wait_presence(self.g.bare, "subscribed")
            return w.expect(lambda el: local(el) == "presence" and el.get("type") in (
                "subscribed", "unsubscribed"), 8).get("type") == "subscribed"
        return {id(w) for w in self.people() if let_in(w) is not False}


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_who_may_what_in_which_state(make_sim, make_gateway, fakereg, client, server):
    prov = FakeRegistry(server, "prov.localhost")
    no = {n: says(n, "false") for n in ("isFriend", "canRead", "canControl")}
    provision(prov, **no)
    m = Matrix(make_sim, make_gateway, fakereg, prov, client, server)
    time.sleep(1)  # the history is written
    cells = {}
    for s in STATES:
        for name, who in m.who[s].items():
            cells[s, name] = [
                "r" if m.reads(who, s, "status") else "-",
                "c" if m.controls(who, s) else "-",
                "h" if m.reads(who, s, "historical") else "-",
                "b" if m.browses(who, s) else "-"]
    told, friends = m.told(), m.friends()
    for (s, name), cell in cells.items():
        cell += "e" if s in told[id(m.who[s][name])] else "-"
        cell += "p" if id(m.who[s][name]) in friends else "-"
    got = {s: " ".join("".join(cells[s, w]) for w in WHO) for s in STATES}
    assert got == CELLS
    assert told[id(m.who["public"]["other"])] == {"others"}
    prov.close()


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_revoked_events_end(site, fakereg, client):
    """Who is told of events of a node is told that it went when the server
    revokes that, and nothing more; a yes again changes nothing."""
    s = site(canRead=says("canRead", "true", "<node nodeId='a' sourceId='%s'/>" % S))
    guest = client("guest")
    read(guest, s.jid, "momentary", nodes=["a", "b"])
    sub = "<subscribe xmlns='%s' sourceId='%s' nodeUpdated='true' nodeRemoved='true'/>" % (
        wire.CONCENTRATOR, S)
    assert guest.iq("set", s.jid, sub).get("type") == "result"
    clear = "<clearCache xmlns='%s'/>" % PROV
    assert fakereg.iq("set", s.jid, clear).get("type") == "result"
    fakereg.wait("canRead", count=2)
    s.g.write(nodes=NODES.replace("1s", "2s"))
    s.g.reload()
    assert payload(guest.expect("nodeUpdated")).get("nodeId") == "a"
    guest.expect_nothing(1, lambda el: local(el) == "message")
    fakereg.answers["canRead"] = says("canRead", "false")
    assert fakereg.iq("set", s.jid, clear).get("type") == "result"
    assert payload(guest.expect("nodeRemoved")).get("nodeId") == "a"
    s.g.write(nodes=NODES)
    s.g.reload()
    guest.expect_nothing(2, lambda el: local(el) == "message")
