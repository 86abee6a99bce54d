"""T30 to T33 and T38: owners read their nodes, and nobody else does."""

import asyncio
import datetime
import os
import pty
import time

import pytest

from harness import slix
from harness.modbus import TCP, own_template, unit
from harness.procs import wait_until
from harness.programs import node
from harness.reader import SENSOR, Readout, read, refused
from harness.wire import DISCO_INFO, condition, find, find_all, local, payload

from test_access import found, provision

PLANT = TCP + unit("a", "generic.xy-md02", temperature="21.7", humidity="45.0") + unit(
    "b", "generic.xy-md02", address=2, temperature="-3.0", humidity="80.5")
NODES = node("a", bus="plc", source="S", poll="1s") + node(
    "b", bus="plc", source="S", address=2, poll="1s")
ON_ONE = pytest.mark.parametrize("server", ["prosody"], indirect=True)
FUTURE = datetime.timedelta(seconds=2)


def bus_of(sim):
    return "[bus plc]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["plc"]


def claim(fakereg, g, owner, *names):
    for n in names:
        fakereg.wait("register", n)
        fakereg.claimed(g.jid, owner, n, "S")
        g.wait_claim(n, "public")


def wait_device(g, name, state="online"):
    wait_until("%s is %s" % (name, state),
               lambda: g.node_list()[name]["device"] == state, 20, 0.1)


@pytest.fixture
def site(make_sim, make_gateway, fakereg, client):
    """A gateway with the nodes a and b, claimed by the client `me`."""

    class Site:
        pass

    def make(nodes=NODES, plant=PLANT, names=("a", "b"), **kw):
        s = Site()
        s.sim = make_sim(plant)
        s.g = make_gateway(nodes, registry=fakereg.jid, buses=bus_of(s.sim), **kw)
        s.jid = s.g.jid
        s.me = client("me")
        s.g.wait_online()
        claim(fakereg, s.g, s.me.jid.split("/")[0], *names)
        for n in names:
            wait_device(s.g, n)
        return s

    return make


def test_T30_owner_is_served_strangers_are_not(site, client):
    s = site()
    got = read(s.me, s.jid, "momentary", nodes=["a"])
    assert got.by_name() == {"temperature": "21.7", "humidity": "45.0"}
    stranger = client("stranger")
    for n in ("a", "is-none"):
        iq = refused(stranger, s.jid, "momentary", nodes=[n])
        assert condition(iq) == "forbidden" and find(iq, "error").get("type") == "cancel"
    assert condition(refused(stranger, s.jid, "momentary")) == "forbidden"
    stranger.expect_nothing(1, "message")


def test_T30_two_owners_behind_one_jid(site, client, fakereg):
    s = site(names=("a",))
    other = client("other")
    claim(fakereg, s.g, other.jid.split("/")[0], "b")
    wait_device(s.g, "b")
    for who, name in ((s.me, "a"), (other, "b")):
        assert {v.node for v in read(who, s.jid, "momentary").values} == {name}
        both = read(who, s.jid, "momentary", nodes=["a", "b"])
        assert {v.node for v in both.values} == {name}
    assert condition(refused(s.me, s.jid, "momentary", nodes=["b"])) == "forbidden"
    assert condition(refused(other, s.jid, "momentary", nodes=["a"])) == "forbidden"


def test_T31_unknown_node(site):
    s = site()
    for nodes in (["x"], ["a", "x"], [("a", "other")]):
        iq = refused(s.me, s.jid, "momentary", nodes=nodes)
        assert condition(iq) == "item-not-found" and find(iq, "accepted") is None
    s.me.expect_nothing(0.5, "message")


def test_T32_accepted_then_fields_then_done(site):
    s = site()
    got = read(s.me, s.jid, "momentary", nodes=[("a", "S"), "b"], seqnr=-7)
    assert not got.failures
    assert {(v.node, v.name): v.value for v in got.values} == {
        ("a", "temperature"): "21.7", ("a", "humidity"): "45.0",
        ("b", "temperature"): "-3.0", ("b", "humidity"): "80.5"}
    for v in got.values:
        assert v.kind == "numeric" and v.types == ("momentary",)
        assert v.attrs["automaticReadout"] == "true" and v.attrs["writable"] == "false"
    units = {v.name: v.attrs["unit"] for v in got.values}
    assert units == {"temperature": "C", "humidity": "%RH"}
    nodes = [n for m in got.messages for n in find_all(m, "node")]
    assert {n.get("sourceId") for n in nodes} == {"S"}


def test_T32_every_value_is_of_a_type_that_was_asked(site):
    s = site(plant=TCP + unit("a", "eastron.sdm630", voltage_l1="230.1", serial="4294967295"),
             nodes=node("a", "plc", source="S", template="eastron.sdm630", poll="1s"),
             names=("a",))
    assert {v.types for v in read(s.me, s.jid, "identity").values} == {("identity",)}
    some = read(s.me, s.jid, "momentary", "identity", nodes=["a"])
    assert {v.types for v in some.values} == {("identity",), ("momentary",)}
    assert some.by_name()["serial"] == "4294967295"
    one = read(s.me, s.jid, "momentary", nodes=["a"], fields=["voltage_l1", "no such"])
    assert one.by_name() == {"voltage_l1": "230.1"}
    assert read(s.me, s.jid, "peak", nodes=["a"]).values == []


@ON_ONE
def test_without_a_type_momentary_values_are_meant(site):
    s = site()
    assert read(s.me, s.jid, nodes=["b"]).by_name()["humidity"] == "80.5"


def test_T33_one_of_two_devices_is_silent(site):
    s = site()
    s.sim.fault("b", "silent")
    wait_device(s.g, "b", "offline")
    got = read(s.me, s.jid, "momentary", nodes=["a", "b"])
    assert {v.node for v in got.values} == {"a"}
    assert list(got.failures) == ["b"] and got.failures["b"]
    assert local(got.messages[-1]) == "failure" and got.messages[-1].get("done") == "true"
    s.sim.fault("b", "none")
    wait_device(s.g, "b")
    wait_until("b is read again", lambda: not read(
        s.me, s.jid, "momentary", nodes=["b"]).failures, 10, 0.3)


@ON_ONE
def test_T33_a_value_that_is_too_old_is_read_anew(site):
    """Polled once an hour, good for 200 ms: each readout asks the device."""
    slow = NODES.replace("poll = 1s", "poll = 1h\nfield.temperature.max_age = 200ms\n"
                         "field.humidity.max_age = 200ms")
    s = site(nodes=slow)
    wait_until("a was read", lambda: read(s.me, s.jid, "momentary", nodes=["a"]).values, 10, 0.2)
    for t in ("30.1", "31.2"):
        s.sim.set("a", "temperature", t)
        time.sleep(0.3)
        got = read(s.me, s.jid, "momentary", nodes=["a"])
        assert got.by_name()["temperature"] == t and not got.failures
    s.sim.fault("a", "silent")
    time.sleep(0.3)
    got = read(s.me, s.jid, "momentary", nodes=["a", "b"])
    assert {v.node for v in got.values} == {"b"} and list(got.failures) == ["a"]


@ON_ONE
def test_T33_line_that_is_down(make_gateway, fakereg, client):
    g = make_gateway(node("a", source="S"), registry=fakereg.jid)
    me = client("me")
    g.wait_online()
    claim(fakereg, g, me.jid.split("/")[0], "a")
    wait_until("the line is down", lambda: g.control("status")["buses"][0]["trouble"], 10, 0.1)
    got = read(me, g.jid, "momentary", nodes=["a"])
    assert not got.values and "refuses" in got.failures["a"]


DIRTY = """\
kind = text
[tag]
MAN = T
MODEL = T
[frame]
mode = listen
end = \\n
[parse]
format = csv
[field]
text = col:1 str
number = col:2 dec=1
"""


def test_T38_what_a_device_says_cannot_break_the_stream(
        tmp, monkeypatch, make_gateway, fakereg, client):
    own_template(tmp, monkeypatch, dirty=DIRTY)
    master, slave = pty.openpty()
    g = make_gateway(
        node("a", "line", source="S", template="test.dirty"), registry=fakereg.jid,
        buses="[bus line]\ntype = serial\nport = %s\nserial = 9600 8N1\n" % os.ttyname(slave))
    me = client("me")
    g.wait_online()
    claim(fakereg, g, me.jid.split("/")[0], "a")

    def value():
        os.write(master, b"a\x07<&'\"]]>\xff\x01b,1.5\n")
        return read(me, g.jid, "momentary", nodes=["a"]).by_name()

    got = wait_until("a text came", lambda: value().get("text") and value(), 15, 0.3)
    assert "\x07" not in got["text"] and "<&'\"]]>" in got["text"]
    assert got["number"] == "1.5"
    assert me.iq("get", g.jid, "<query xmlns='%s'/>" % DISCO_INFO).get("type") == "result"


@ON_ONE
def test_disco_tells_of_sensor_data(site):
    s = site(names=("a",))
    iq = s.me.iq("get", s.jid, "<query xmlns='%s'/>" % DISCO_INFO)
    assert SENSOR in [f.get("var") for f in find_all(payload(iq), "feature")]


def utc(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def cpu_s(pid):
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1e9


@ON_ONE
def test_when_is_queued_and_started(site):
    s = site()
    when = datetime.datetime.utcnow() + FUTURE
    r = Readout(s.me, s.jid, "momentary", nodes=["a"], when=utc(when)).accepted(queued="true")
    s.me.expect_nothing(0.3, r.mine)
    r.read()
    assert r.started and local(r.messages[0]) == "started"
    assert datetime.datetime.utcnow() >= when.replace(microsecond=0)
    assert r.by_name()["temperature"] == "21.7"
    past = read(s.me, s.jid, "momentary", nodes=["a"], when="2020-01-01T00:00:00Z")
    assert past.values and not past.started


@ON_ONE
def test_requests_that_are_queued_cost_nothing(site):
    s = site()
    when = utc(datetime.datetime.utcnow() + datetime.timedelta(hours=1))
    for _ in range(10):
        Readout(s.me, s.jid, "momentary", nodes=["a"], when=when).accepted("true")
    begin = cpu_s(s.g.proc.pid)
    time.sleep(1)
    assert cpu_s(s.g.proc.pid) - begin < 0.4


@ON_ONE
def test_owner_lost_while_queued(site, fakereg):
    s = site()
    when = utc(datetime.datetime.utcnow() + FUTURE)
    r = Readout(s.me, s.jid, "momentary", nodes=["a"], when=when).accepted(queued="true")
    fakereg.tell(s.jid, "disowned", "a", "S")
    r.read()
    assert not r.values and list(r.failures) == ["a"]


@ON_ONE
def test_cancel_while_access_is_asked_for(site, fakereg, client):
    """The provisioning server does not answer, so neither request hangs."""
    provision(fakereg, canRead=None)
    s = site()
    found(s.g, fakereg)
    stranger = client("stranger")
    r = Readout(stranger, s.jid, "momentary", nodes=["a"])
    fakereg.wait("canRead")
    assert local(payload(r.cancel())) == "cancelled"
    assert condition(r.answer()) == "undefined-condition"
    stranger.expect_nothing(0.5, r.mine)


@ON_ONE
@pytest.mark.parametrize("state", ["queued", "waiting", "none"])
def test_cancel(site, state):
    slow = NODES.replace("poll = 1s", "poll = 1h\nfield.temperature.max_age = 100ms")
    s = site(nodes=slow)
    if state == "none":
        iq = s.me.iq("get", s.jid, "<cancel xmlns='%s' seqnr='99'/>" % SENSOR)
        assert condition(iq) == "item-not-found"
        return
    more = {}
    if state == "queued":
        more["when"] = utc(datetime.datetime.utcnow() + FUTURE)
    s.sim.fault("a", "silent")
    time.sleep(0.2)
    r = Readout(s.me, s.jid, "momentary", nodes=["a"], **more)
    r.accepted(queued="true" if state == "queued" else None)
    again = Readout(s.me, s.jid, "momentary", nodes=["b"], seqnr=r.seqnr).answer()
    assert condition(again) == "conflict"
    iq = r.cancel()
    assert local(payload(iq)) == "cancelled" and payload(iq).get("seqnr") == str(r.seqnr)
    s.me.expect_nothing(2.5, r.mine)
    assert condition(r.cancel()) == "item-not-found"


MALFORMED = [
    "<req xmlns='%s'/>", "<req xmlns='%s' seqnr='x'/>", "<req xmlns='%s' seqnr='2147483648'/>",
    "<req xmlns='%s' seqnr='1' momentary='yes'/>", "<req xmlns='%s' seqnr='1' when='soon'/>",
    "<req xmlns='%s' seqnr='1'><node/></req>", "<req xmlns='%s' seqnr='1'><field/></req>",
    "<req xmlns='%s' seqnr='1' from='2026-01-02T00:00:00Z' to='2026-01-01T00:00:00Z'/>",
    "<cancel xmlns='%s'/>",
]


def test_malformed_requests(site):
    s = site(names=("a",))
    for xml in MALFORMED:
        assert condition(s.me.iq("get", s.jid, xml % SENSOR)) == "bad-request", xml


def test_a_thousand_requests_at_once(site):
    """Each is served or refused; nobody's is lost."""
    s = site()
    runs = [Readout(s.me, s.jid, "momentary", nodes=["a"]) for _ in range(1000)]
    served = 0
    for r in runs:
        iq = r.answer(60)
        if iq.get("type") == "result":
            assert r.read().by_name()["humidity"] == "45.0"
            served += 1
        else:
            assert condition(iq) == "resource-constraint"
    assert served >= 32
    assert read(s.me, s.jid, "momentary", nodes=["a"]).values


@ON_ONE
def test_giant_lists(site):
    s = site()
    many = ["a", "b"] * 500
    got = read(s.me, s.jid, "momentary", nodes=many, fields=["humidity"] * 1000)
    assert sorted(v.value for v in got.values) == ["45.0", "80.5"]
    iq = refused(s.me, s.jid, "momentary", nodes=["a"] * 1001)
    assert condition(iq) == "bad-request"


def test_client_that_leaves(site, client):
    """Its request ends, so its seqnr is free again."""
    slow = NODES.replace("poll = 1s", "poll = 1h\nfield.temperature.max_age = 100ms")
    s = site(nodes=slow)
    when = utc(datetime.datetime.utcnow() + datetime.timedelta(hours=1))
    s.me.presence(to=s.jid)
    Readout(s.me, s.jid, "momentary", nodes=["a"], when=when, seqnr=5).accepted("true")
    assert condition(refused(s.me, s.jid, "momentary", nodes=["a"], seqnr=5)) == "conflict"
    s.me.presence(to=s.jid, type_="unavailable")
    wait_until("seqnr 5 is free", lambda: Readout(
        s.me, s.jid, "momentary", nodes=["b"], seqnr=5).answer().get("type") == "result", 5, 0.2)
    assert s.g.alive()


@ON_ONE
def test_bounced_message_ends_a_request(site):
    s = site()
    when = utc(datetime.datetime.utcnow() + datetime.timedelta(hours=1))
    Readout(s.me, s.jid, "momentary", nodes=["a"], when=when, seqnr=5).accepted("true")
    s.me.send("<message to='%s' type='error'><error type='cancel'>"
              "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
              "</error></message>" % s.jid)
    wait_until("seqnr 5 is free", lambda: Readout(
        s.me, s.jid, "momentary", nodes=["b"], seqnr=5).answer().get("type") == "result", 5, 0.2)


@ON_ONE
def test_reload_takes_the_node_away_meanwhile(site):
    s = site(nodes=NODES.replace("poll = 1s", "poll = 1h\nfield.humidity.max_age = 100ms"))
    s.sim.fault("b", "silent")
    time.sleep(0.2)
    r = Readout(s.me, s.jid, "momentary", nodes=["a", "b"]).accepted()
    s.g.write(nodes=s.g.nodes.split("[node b]")[0])
    s.g.reload()
    r.read()
    assert {v.node for v in r.values} == {"a"} and "no longer" in r.failures["b"]


@ON_ONE
def test_stop_in_the_middle(site):
    s = site(nodes=NODES.replace("poll = 1s", "poll = 1h\nfield.humidity.max_age = 100ms"))
    s.sim.fault("b", "silent")
    time.sleep(0.2)
    Readout(s.me, s.jid, "momentary", nodes=["b"]).accepted()
    when = utc(datetime.datetime.utcnow() + datetime.timedelta(hours=1))
    Readout(s.me, s.jid, "momentary", nodes=["a"], when=when).accepted("true")
    s.g.stop()


@ON_ONE
def test_legacy_rejected(site, client):
    s = site(xmpp_keys={"legacy_rejected": "yes"})
    stranger = client("stranger")
    iq = refused(stranger, s.jid, "momentary", nodes=["a"], seqnr=77)
    assert condition(iq) == "forbidden"
    rejected = find(iq, "rejected")
    assert rejected.get("seqnr") == "77" and find(rejected, "error").text


def slix_read(server, account, jid, **kw):
    """What slixmpp's plugin tells of a readout: [(result, details)]."""

    async def work(c):
        told, end = [], asyncio.get_running_loop().create_future()

        def callback(from_jid, result, **more):
            told.append((result, more))
            if result in ("done", "failure", "rejected") and not end.done():
                end.set_result(told)

        c["xep_0323"].request_data(c.boundjid.full, jid, callback, **kw)
        return await end

    return slix.run(server, account, "xep_0323", work)


def test_slixmpp_reads(site, server, fakereg, client):
    s = site(names=("a",), xmpp_keys={"legacy_rejected": "yes"})
    account = server.new_account("slix")
    claim(fakereg, s.g, "%s@%s" % (account[0], server.domain), "b")
    wait_device(s.g, "b")
    told = slix_read(server, account, s.jid, nodeIds=["b"], flags={"momentary": "true"})
    assert [r for r, _ in told] == ["accepted", "fields", "done"]
    fields = {f["name"]: f for f in told[1][1]["fields"]}
    assert told[1][1]["nodeId"] == "b"
    assert fields["temperature"]["value"] == "-3.0" and fields["temperature"]["unit"] == "C"
    assert fields["temperature"]["typename"] == "numeric"
    assert fields["temperature"]["flags"]["momentary"] == "true"
    told = slix_read(server, account, s.jid, nodeIds=["a"], flags={"momentary": "true"})
    assert [r for r, _ in told] == ["rejected"] and "may not" in told[0][1]["error_msg"]
    s.sim.fault("b", "silent")
    wait_device(s.g, "b", "offline")
    told = slix_read(server, account, s.jid, nodeIds=["b"], flags={"momentary": "true"})
    assert [r for r, _ in told] == ["accepted", "failure"] and told[1][1]["nodeId"] == "b"
