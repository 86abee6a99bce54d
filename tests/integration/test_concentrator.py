"""The concentrator (XEP-0326): who sees what, events, commands, refusals."""

import pytest

from harness import wire
from harness.plant import gateway_of
from harness.procs import wait_until
from harness.programs import node
from harness.wire import CONCENTRATOR, attrs, condition, find, find_all, op, payload

SOURCE = "MeteringTopology"
PLANT = """\
[bus b0]
type = modbus-tcp
listen = 127.0.0.1:0
[unit one]
bus = b0
address = 1
template = generic.xy-md02
[unit two]
bus = b0
address = 2
template = generic.xy-md02
"""
SERVED = [
    "getCapabilities", "getAllDataSources", "getRootDataSources", "getChildDataSources",
    "containsNode", "containsNodes", "getNode", "getNodes", "getAllNodes",
    "getNodeInheritance", "getRootNodes", "getChildNodes", "getAncestors", "subscribe",
    "unsubscribe", "getNodeCommands", "getCommandParameters", "executeNodeCommand",
]
OTHERS = [
    "executeNodeQuery", "abortNodeQuery", "getCommonNodeCommands", "getCommonCommandParameters",
    "executeCommonNodeCommand", "executeCommonNodeQuery", "abortCommonNodeQuery",
    "getNodeParametersForEdit", "setNodeParametersAfterEdit", "getCommonNodeParametersForEdit",
    "setCommonNodeParametersAfterEdit", "getAddableNodeTypes", "getParametersForNewNode",
    "createNewNode", "destroyNode", "moveNodeUp", "moveNodeDown", "moveNodesUp", "moveNodesDown",
    "getIndices", "getNodesFromIndex", "getNodesFromIndices", "getAllIndexValues",
    "getDatabases", "getDatabaseReadoutParameters", "startDatabaseReadout",
]
EVENTS = ("nodeAdded", "nodeUpdated", "nodeStatusChanged", "nodeRemoved")
ALL_EVENTS = {e: "true" for e in EVENTS}


def refs(*names, source=SOURCE):
    return "".join("<node%s/>" % attrs(nodeId=n, sourceId=source) for n in names)


def submit(**values):
    return "<x xmlns='jabber:x:data' type='submit'>%s</x>" % "".join(
        "<field%s><value>%s</value></field>" % (attrs(var=k), v) for k, v in values.items())


class Site:
    """A gateway with two devices on one bus and a browser's requests to it."""

    def __init__(self, g, sim, reg):
        self.g, self.sim, self.reg = g, sim, reg

    def claim(self, name, owner):
        self.reg.wait("register", name)
        wait_until("%s is claimed" % name, lambda: self.reg.claimed(
            self.g.jid, owner, name, SOURCE).get("type") == "result", 10, 0.1)
        self.g.wait_claim(name, "public")

    def online(self, *names):
        for n in names:
            wait_until("%s is online" % n,
                       lambda n=n: self.g.node_list()[n]["device"] == "online", 30, 0.05)

    def raw(self, who, name, inner="", type_="get", **at):
        return who.iq(type_, self.g.jid, "<%s xmlns='%s'%s>%s</%s>" % (
            name, CONCENTRATOR, attrs(**at), inner, name))

    def ask(self, who, name, inner="", type_="get", **at):
        """The response; its result is checked to be OK."""
        got = self.raw(who, name, inner, type_, **at)
        assert got.get("type") == "result", wire.text(got)
        p = payload(got)
        assert op(got) == name + "Response" and p.get("result") == "OK", wire.text(got)
        return p

    def of(self, who, name, id_, inner="", type_="get", **at):
        return self.ask(who, name, inner, type_, nodeId=id_, sourceId=SOURCE, **at)

    def refused(self, who, name, result, cond, inner="", type_="get", **at):
        got = self.raw(who, name, inner, type_, **at)
        assert got.get("type") == "error" and condition(got) == cond, wire.text(got)
        assert op(got) == name + "Response" and payload(got).get("result") == result
        return got

    def run(self, who, id_, command, inner=""):
        return self.of(who, "executeNodeCommand", id_, inner, "set", command=command)

    def subscribe(self, who, **at):
        self.ask(who, "subscribe", "", "set", sourceId=SOURCE, **(at or ALL_EVENTS))


def ids(el):
    return [n.get("nodeId") for n in find_all(el, "node")]


@pytest.fixture
def site(make_sim, make_gateway, fakereg):
    sim = make_sim(PLANT)
    buses, nodes = gateway_of(sim, {"b0": ["one", "two"]}, poll="200ms")
    g = make_gateway(nodes, buses=buses + "timeout = 100ms\n", registry=fakereg.jid)
    g.wait_online()
    return Site(g, sim, fakereg)


def changed(who, state):
    """The event of that state; values may fail before their device is given up."""
    for _ in range(3):
        e = payload(who.expect("nodeStatusChanged", 30))
        if e.get("state") == state:
            return e
        assert e.get("state") == "WarningUnsigned"
    raise AssertionError("not " + state)


def params(el):
    return {p.get("id"): p.get("value") for p in el if p.get("id") is not None}


def test_every_command_of_a_walk(site, client):
    me = client("owner")
    key = site.g.key("one")
    site.claim("one", me.bare)
    site.claim("two", me.bare)
    site.online("one", "two")
    assert [v.text for v in find_all(site.ask(me, "getCapabilities"), "value")] == SERVED
    for name in ("getAllDataSources", "getRootDataSources"):
        sources = find_all(site.ask(me, name), "dataSource")
        assert [s.get("sourceId") for s in sources] == [SOURCE]
        assert sources[0].get("lastChanged").endswith("Z")
    assert len(site.ask(me, "getChildDataSources", sourceId=SOURCE)) == 0
    assert site.of(me, "containsNode", "one").text == "true"
    assert site.of(me, "containsNode", "bus/b0").text == "true"
    assert site.of(me, "containsNode", "three").text == "false"
    got = site.ask(me, "containsNodes", refs("two", "x", "bus/b0", "bus/b1"))
    assert [v.text for v in got] == ["true", "false", "true", "false"]

    n = site.of(me, "getNode", "one", parameters="true", messages="true")
    want = {"nodeId": "one", "sourceId": SOURCE, "nodeType": "Modbus.Unit", "state": "None",
            "hasChildren": "false", "isReadable": "true", "hasCommands": "true",
            "parentId": "bus/b0"}
    assert {k: n.get(k) for k in want} == want
    p = params(n)
    assert p["address"] == "1" and p["template"] == "generic.xy-md02"
    assert p["serialNumber"] == "sn-one" and int(p["answers"]) > 0 and p["lastAnswer"]
    assert not find_all(n, "message") and key not in wire.text(n)
    assert not params(site.of(me, "getNode", "one"))

    bus = site.of(me, "getNode", "bus/b0", parameters="true")
    assert (bus.get("nodeType"), bus.get("hasChildren")) == ("Modbus.TcpGateway", "true")
    assert bus.get("parentId") is None and not params(bus)
    assert ids(site.ask(me, "getNodes", refs("two", "bus/b0", "one"))) == ["two", "bus/b0", "one"]
    assert ids(site.ask(me, "getAllNodes", sourceId=SOURCE)) == ["bus/b0", "one", "two"]
    for base, want in (("Unit", ["one", "two"]), ("Modbus.TcpGateway", ["bus/b0"]), ("Meter", [])):
        got = site.ask(me, "getAllNodes", "<onlyIfDerivedFrom>%s</onlyIfDerivedFrom>" % base,
                       sourceId=SOURCE)
        assert ids(got) == want
    assert find(site.of(me, "getNodeInheritance", "one"), "value").text == "Unit"
    assert find(site.of(me, "getNodeInheritance", "bus/b0"), "value").text == "Bus"
    assert ids(site.ask(me, "getRootNodes", sourceId=SOURCE)) == ["bus/b0"]
    assert ids(site.of(me, "getChildNodes", "bus/b0")) == ["one", "two"]
    assert ids(site.of(me, "getChildNodes", "one")) == []
    for order, want in ((("address", "false"), ["two", "one"]), (("Address", "true"), ["one", "two"]),
                        (("serialNumber", "false"), ["two", "one"]), (("none", "false"), ["one", "two"])):
        asked = "<sortOrder%s/>" % attrs(parameterName=order[0], ascending=order[1])
        assert ids(site.of(me, "getChildNodes", "bus/b0", asked)) == want
        asked = "<sortOrder parameterName='template'/>" + asked
        assert ids(site.of(me, "getChildNodes", "bus/b0", asked)) == want
    assert ids(site.of(me, "getAncestors", "one")) == ["one", "bus/b0"]
    assert ids(site.of(me, "getAncestors", "bus/b0")) == ["bus/b0"]

    info = me.iq("get", site.g.jid, "<query xmlns='%s'/>" % wire.DISCO_INFO)
    assert CONCENTRATOR in [f.get("var") for f in find_all(info, "feature")]


def test_what_is_not_served(site, client):
    me = client("owner")
    site.claim("one", me.bare)
    for name in OTHERS:
        for type_ in ("get", "set"):
            got = site.raw(me, name, "", type_, nodeId="one", sourceId=SOURCE)
            assert got.get("type") == "result", wire.text(got)
            assert op(got) == name + "Response"
            assert payload(got).get("result") == "NotImplemented"
    got = site.raw(me, "getWeather")
    assert condition(got) == "feature-not-implemented" and payload(got) is None
    for name in ("subscribe", "unsubscribe", "executeNodeCommand"):
        site.refused(me, name, "OtherError", "bad-request", nodeId="one", sourceId=SOURCE,
                     command="readNow", nodeAdded="true")
    for at in ({}, {"nodeId": "one"}, {"sourceId": SOURCE}, {"nodeId": "x" * 200, "sourceId": "y"},
               {"nodeId": "one", "sourceId": SOURCE, "parameters": "maybe"}):
        site.refused(me, "getNode", "OtherError", "bad-request", **at)
    site.refused(me, "getNodes", "OtherError", "bad-request", "<node sourceId='x'/>")
    site.refused(me, "containsNodes", "OtherError", "bad-request", refs(*["n"] * 1001))
    site.refused(me, "getNodes", "OtherError", "bad-request", refs(*["one"] * 401))
    got = site.refused(me, "getNodes", "OtherError", "bad-request", refs(*["one"] * 390),
                       parameters="true")
    assert "getChildNodes" in find(got, "text").text
    for name in ("getNode", "getChildNodes", "getAncestors", "getNodeInheritance",
                 "getNodeCommands"):
        for id_ in ("none", "bus/none", "bus/", "two"):
            site.refused(me, name, "NotFound", "item-not-found", nodeId=id_, sourceId=SOURCE)
        site.refused(me, name, "NotFound", "item-not-found", nodeId="one", sourceId="Other")
        site.refused(me, name, "NotFound", "item-not-found", nodeId="bus/b0", sourceId=SOURCE,
                     cacheType="x")
    site.refused(me, "getNodes", "NotFound", "item-not-found", refs("one", "two"))
    for name in ("getRootNodes", "getAllNodes", "getChildDataSources"):
        site.refused(me, name, "NotFound", "item-not-found", sourceId="Other")
    got = site.raw(me, "subscribe", "", "set", sourceId=SOURCE, nodeStatusChanged="true",
                   getEventsSince="2026-01-01T00:00:00Z")
    assert payload(got).get("result") == "NotImplemented"
    site.refused(me, "subscribe", "OtherError", "bad-request", "", "set", sourceId=SOURCE)


def test_each_sees_his_own(site, client):
    one, two, stranger = client("one"), client("two"), client("stranger")
    site.claim("one", one.bare)
    site.claim("two", two.bare)
    for who, mine, other in ((one, "one", "two"), (two, "two", "one")):
        assert ids(site.ask(who, "getAllNodes", sourceId=SOURCE)) == ["bus/b0", mine]
        assert ids(site.of(who, "getChildNodes", "bus/b0")) == [mine]
        assert site.of(who, "containsNode", other).text == "false"
        site.refused(who, "executeNodeCommand", "NotFound", "item-not-found", "", "set",
                     nodeId=other, sourceId=SOURCE, command="readNow")
    assert find(site.ask(stranger, "getAllDataSources"), "dataSource") is None
    for id_ in ("one", "bus/b0"):
        assert site.of(stranger, "containsNode", id_).text == "false"
        site.refused(stranger, "getNode", "NotFound", "item-not-found", nodeId=id_,
                     sourceId=SOURCE)
    for name, type_ in (("getRootNodes", "get"), ("getAllNodes", "get"), ("subscribe", "set")):
        site.refused(stranger, name, "NotFound", "item-not-found", "", type_, sourceId=SOURCE,
                     nodeAdded="true")
    got = site.reg.iq("get", site.g.jid, "<getAllDataSources xmlns='%s'/>" % CONCENTRATOR)
    assert find(got, "dataSource") is None


def test_state_and_its_events(site, client):
    me, other = client("owner"), client("other")
    site.claim("one", me.bare)
    site.claim("two", other.bare)
    site.online("one", "two")
    site.subscribe(me, messages="true", **ALL_EVENTS)
    site.subscribe(other)
    site.sim.fault("one", "silent")
    e = changed(me, "ErrorUnsigned")
    assert wire.node_of(e) == ("one", SOURCE, "")
    assert find(e, "message").get("type") == "Error" and find(e, "message").text
    n = site.of(me, "getNode", "one", messages="true")
    assert n.get("state") == "ErrorUnsigned" and find(n, "message") is not None
    site.run(me, "one", "acknowledge")
    changed(me, "ErrorSigned")
    assert site.of(me, "getNode", "one").get("state") == "ErrorSigned"
    site.run(me, "one", "acknowledge")
    me.expect_nothing(1.5, "nodeStatusChanged")
    site.sim.fault("one", "none")
    changed(me, "None")
    other.expect_nothing(0.2, "nodeStatusChanged")


def test_a_reload_and_claims_are_told(site, client):
    me = client("owner")
    site.claim("one", me.bare)
    site.subscribe(me, parameters="true", **ALL_EVENTS)
    site.claim("two", me.bare)
    e = payload(me.expect("nodeAdded"))
    assert e.get("nodeId") == "two" and e.get("parentId") == "bus/b0"
    assert params(e)["serialNumber"] == "sn-two"
    nodes = site.g.nodes
    site.g.write(nodes=nodes.replace("[node two]", "[node two]\nname = Kitchen"))
    site.g.reload()
    e = payload(me.expect("nodeUpdated"))
    assert (e.get("nodeId"), e.get("displayName")) == ("two", "Kitchen")
    site.g.write(nodes=nodes[:nodes.index("[node two]")])
    site.g.reload()
    e = payload(me.expect("nodeRemoved"))
    assert wire.node_of(e) == ("two", SOURCE, "")
    assert site.of(me, "containsNode", "two").text == "false"
    site.reg.tell(site.g.jid, "disowned", "one", SOURCE)
    assert payload(me.expect("nodeRemoved")).get("nodeId") == "one"
    assert find(site.ask(me, "getAllDataSources"), "dataSource") is None


def test_subscriptions_merge_and_end(site, client):
    me = client("owner", "a")
    site.claim("one", me.bare)
    nodes = site.g.nodes

    def change(name):
        site.g.write(nodes=nodes.replace("[node one]", "[node one]\nname = " + name))
        site.g.reload()

    def nothing():
        me.expect_nothing(1.3, lambda el: op(el) in EVENTS)

    site.subscribe(me, nodeAdded="true")
    change("A")
    nothing()
    site.subscribe(me, nodeUpdated="true")
    site.subscribe(me, nodeUpdated="true")
    for name in ("B", "C", "D"):  # B at once, the others a second later
        change(name)
    told = [payload(me.expect("nodeUpdated")).get("displayName")]
    while told[-1] != "D":
        told.append(payload(me.expect("nodeUpdated")).get("displayName"))
    assert told == sorted(set(told))
    nothing()
    site.ask(me, "unsubscribe", "", "set", sourceId=SOURCE, nodeUpdated="true")
    change("E")
    nothing()
    site.subscribe(me)
    site.ask(me, "unsubscribe", "", "set", sourceId=SOURCE)
    change("e")
    nothing()
    site.subscribe(me)
    me.presence(type_="unavailable", to=site.g.jid)
    me.iq("get", site.g.jid, "<ping xmlns='urn:xmpp:ping'/>")
    change("F")
    nothing()
    site.subscribe(me)
    me.abort()
    change("G")
    assert site.of(client("other"), "containsNode", "one").text == "false"


def test_too_many_subscriptions(site):
    c = site.reg
    owner = "o@%s" % c.jid
    site.claim("one", owner)

    def subscribe(i):
        return c.iq("set", site.g.jid, "<subscribe xmlns='%s' sourceId='%s' nodeAdded='true'/>"
                    % (CONCENTRATOR, SOURCE), from_="%s/%d" % (owner, i))

    for i in range(32):
        assert payload(subscribe(i)).get("result") == "OK"
    assert payload(subscribe(0)).get("result") == "OK"
    assert payload(subscribe(99)).get("result") == "OtherError"


def test_commands_of_a_node(site, client):
    me, friend = client("owner"), client("friend")
    site.claim("one", me.bare)
    site.claim("two", me.bare)
    site.online("one")
    got = {c.get("command"): c.get("type") for c in site.of(me, "getNodeCommands", "one")}
    assert got == {"acknowledge": "Simple", "readNow": "Simple", "share": "Parameterized",
                   "unshare": "Parameterized"}
    assert len(site.of(me, "getNodeCommands", "bus/b0")) == 0
    site.refused(me, "executeNodeCommand", "NotFound", "item-not-found", "", "set",
                 nodeId="bus/b0", sourceId=SOURCE, command="readNow")
    site.refused(me, "executeNodeCommand", "NotFound", "item-not-found", "", "set",
                 nodeId="one", sourceId=SOURCE, command="reset")
    form = site.of(me, "getCommandParameters", "one", command="share")
    assert [(f.get("var"), f.get("type")) for f in find_all(form, "field")] == [
        ("jid", "jid-single"), ("control", "boolean")]
    site.refused(me, "getCommandParameters", "OtherError", "bad-request", nodeId="one",
                 sourceId=SOURCE, command="readNow")
    site.run(me, "one", "readNow")

    for inner, var in (("", "jid"), (submit(jid="@@"), "jid"), (submit(control="1"), "jid"),
                       (submit(jid=friend.bare, control="si"), "control"),
                       (submit(jid=me.bare), "jid"),
                       (submit(jid=friend.bare).replace("submit", "cancel"), "jid")):
        got = site.refused(me, "executeNodeCommand", "FormError", "bad-request", inner, "set",
                           nodeId="one", sourceId=SOURCE, command="share")
        assert [e.get("var") for e in payload(got)] == [var]
    assert site.of(friend, "containsNode", "one").text == "false"
    site.run(me, "one", "share", submit(jid=friend.jid))
    assert params(site.of(me, "getNode", "one", parameters="true"))[
        "share/" + friend.bare] == friend.bare + " read"
    assert ids(site.ask(friend, "getAllNodes", sourceId=SOURCE)) == ["bus/b0", "one"]
    n = site.of(friend, "getNode", "one", parameters="true")
    assert n.get("hasCommands") is None
    assert not {"serialNumber", "answers", "share/" + friend.bare} & set(params(n))
    for name, type_ in (("getNodeCommands", "get"), ("getCommandParameters", "get"),
                        ("executeNodeCommand", "set")):
        site.refused(friend, name, "InsufficientPrivileges", "forbidden", "", type_,
                     nodeId="one", sourceId=SOURCE, command="unshare")
    site.subscribe(friend)
    site.run(me, "two", "share", submit(jid=friend.bare, control="true"))
    assert payload(friend.expect("nodeAdded")).get("nodeId") == "two"
    for name in ("one", "two"):
        site.run(me, name, "unshare", submit(jid=friend.bare))
        assert payload(friend.expect("nodeRemoved")).get("nodeId") == name
    site.refused(me, "executeNodeCommand", "FormError", "bad-request", submit(jid=friend.bare),
                 "set", nodeId="one", sourceId=SOURCE, command="unshare")
    site.run(me, "one", "share", submit(jid=friend.bare))
    friend.expect_nothing(1.2, "nodeAdded")


def test_a_bus_that_is_full(make_gateway, fakereg, client):
    """247 units are one answer; with their parameters they are not."""
    me = client("owner")
    names = ["u%03d" % i for i in range(1, 248)]
    fakereg.answers["register"] = "<claimed xmlns='%s' jid='%s' public='true'/>" % (
        wire.DISCOVERY, me.bare)
    g = make_gateway("".join(
        node(n, address=i + 1, source=SOURCE) for i, n in enumerate(names)), registry=fakereg.jid)
    site = Site(g, None, fakereg)
    wait_until("all are claimed", lambda: all(
        n["claim"] == "public" for n in g.node_list().values()), 40, 0.2)
    assert ids(site.of(me, "getChildNodes", "bus/dead")) == names
    got = site.refused(me, "getChildNodes", "OtherError", "bad-request", nodeId="bus/dead",
                       sourceId=SOURCE, parameters="true")
    assert "fewer nodes" in find(got, "text").text
    assert site.of(me, "getNode", "bus/dead").get("state") == "ErrorUnsigned"
    g.stop()
