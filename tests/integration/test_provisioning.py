"""thingregistryd as the provisioning server (XEP-0324): owners allow and deny,
thingbridged asks and remembers, and hears of every change."""

import json

import pytest

from harness import programs, wire
from harness.hosted import Hosted
from harness.modbus import TCP, unit
from harness.procs import wait_until
from harness.programs import node
from harness.reader import Readout
from harness.wire import (DISCO_INFO, DISCO_ITEMS, DISCOVERY, attrs, bare, condition, find,
                          find_all, local, payload, text)

from test_control_xmpp import set_xml

PROV = "urn:xmpp:iot:provisioning"
COMMANDS = "http://jabber.org/protocol/commands"
PLANT = (TCP + unit("a", "generic.xy-md02", temperature="21.7", humidity="45.0")
         + unit("b", "generic.xy-md02", address=2, temperature="-3.0", humidity="80.5")
         + unit("r", "generic.relay8", address=3))
NODES = (node("a", bus="plc", poll="1s") + node("b", bus="plc", address=2, poll="1s")
         + node("r", bus="plc", address=3, poll="1s", template="generic.relay8"))
ON_ONE = pytest.mark.parametrize("server", ["prosody"], indirect=True)


SOURCE = "MeteringTopology"


class Site:
    """A gateway with the nodes a, b and r; a and r are anna's, b is bert's."""

    def __init__(self, make_sim, make_gateway, registry, make_owner):
        self.sim, self.registry = make_sim(PLANT), registry
        self.g = make_gateway(NODES, registry=wire.bare(registry.jid), buses=(
            "[bus plc]\ntype = modbus-tcp\nhost = %s\n" % self.sim.bus["plc"]))
        self.anna, self.bert = make_owner(), make_owner()
        self.g.wait_online()
        for o, names in ((self.anna, "ar"), (self.bert, "b")):
            for n in names:
                self.g.wait_claim(n, "unclaimed")
                ok(o, "claim", stdin=self.g.claim_text(n))
        for n in "abr":
            self.g.wait_claim(n, "public")
        self.ready()

    def ready(self):
        """What a start takes: devices that answer, the server found."""
        for n in "abr":
            wait_until(n, lambda: self.g.node_list()[n]["device"] == "online", 20, 0.05)
        wait_until("the provisioning server is found", lambda: any(
            p["jid"] == bare(self.registry.jid) and p["online"]
            for p in self.g.control("registry")["provisioning"]), 20, 0.05)

    def read(self, who, nodes="a", fields=()):
        """{(node, field)} of a readout, None when it is forbidden."""
        r = Readout(who, self.g.jid, "momentary", "status", nodes=list(nodes), fields=fields)
        if r.answer().get("type") == "error":
            assert condition(r.iq) == "forbidden", text(r.iq)
            return None
        return {(v.node, v.name) for v in r.read().values}

    def set(self, who, *relays):
        return who.iq("set", self.g.jid, set_xml("r", *[("boolean", x, "true") for x in relays]), 15)

    def cleared(self, owner, *args):
        """A change of the rules, of which the gateway then has heard."""
        mark = len(self.g.log())
        out = ok(owner, *args)
        self.g.wait_log("has changed its decisions", 15, mark)
        return out


@pytest.fixture
def site(make_sim, make_gateway, registry, make_owner):
    return Site(make_sim, make_gateway, registry, make_owner)


def ok(owner, *args, stdin=""):
    status, out, err = owner.run(*args, stdin=stdin)
    assert status == 0, "%s: %d\n%s\n%s" % (args, status, out, err)
    return out


T, H = ("a", "temperature"), ("a", "humidity")


def test_allow_then_deny(site, client):
    """T30: nobody by default; allowed he reads, as much as is allowed; denied he
    does not, although the gateway remembers a yes.  Each owner for himself."""
    s, guest, other = site, client("guest"), client("other")
    assert s.read(guest) is None
    s.cleared(s.anna, "allow", "a", guest.bare)
    assert s.read(guest) == {T, H} and s.read(guest, "ab") == {T, H}
    assert s.read(guest, "b") is None and s.read(other) is None
    s.cleared(s.bert, "deny", "--all", "*")  # has no say on what is anna's
    assert s.read(guest) == {T, H}
    s.cleared(s.anna, "deny", "a", guest.bare)
    assert s.read(guest) is None and s.read(guest, fields=["humidity"]) is None
    s.cleared(s.anna, "allow", "a", "@" + s.g.server.domain, "humidity", "pressure")
    assert s.read(other) == {H} and s.read(other, fields=["temperature", "humidity"]) == {H}
    assert s.read(guest) is None


@ON_ONE
def test_control_friends_and_absence(site, client):
    """canControl with fewer parameters, and to control is to read; who may read
    something may see the gateway."""
    s, guest = site, client("guest")
    for wrong in (["r"], ["r", guest.bare, ""], ["--all"], ["r", "a b"]):
        assert s.anna.run("allow", *wrong)[0] in (1, 2)
    assert s.bert.run("allow", s.g.bare, "r", guest.bare, "--source", SOURCE)[0] == 5
    ok(s.anna, "allow", "r", guest.bare, "relay2", "--control")
    got = s.set(guest, "relay1", "relay2")
    assert [p.get("name") for p in find_all(got, "parameter")] == ["relay2"]
    assert (s.sim.get("r", "relay1"), s.sim.get("r", "relay2")) == ("off", "on")
    assert s.read(guest, "r") == {("r", "relay2")}
    guest.presence(s.g.bare, "subscribe")
    presence(s, guest, "subscribed")
    s.cleared(s.anna, "deny", "r", guest.bare, "relay2", "--control")
    assert condition(s.set(guest, "relay2")) == "forbidden"
    assert s.read(guest, "r") == {("r", "relay2")}
    s.cleared(s.anna, "deny", "--all", guest.bare)
    assert s.read(guest, "r") is None
    presence(s, guest, "unsubscribed")
    gateway_away_and_registry_killed(s, guest)


def presence(s, who, type_):
    who.expect(lambda el: local(el) == "presence" and el.get("type") == type_
               and bare(el.get("from")) == s.g.bare, 15)


def gateway_away_and_registry_killed(s, guest):
    """The gateway is told when it is back, also by a registry that was killed."""
    rules = s.anna.json("rules")["rules"]
    assert [(r["effect"], r["who"], r["what"], r["jid"], r["node"], r["fields"]) for r in rules] == [
        ("allow", guest.bare, "control", s.g.bare, "r", ["relay2"]),
        ("deny", guest.bare, "control", s.g.bare, "r", ["relay2"]),
        ("deny", guest.bare, "read", "", "", [])]
    number = rules[-1]["rule"]
    assert ok(s.anna, "rules", "--delete", str(number)) == "deleted: rule %d\n" % number
    assert len(ok(s.anna, "rules", "r").splitlines()) == 3
    assert "a: reading allowed to %s (rule %d)\n" % (guest.bare, number + 1) == ok(
        s.anna, "allow", "a", guest.bare)
    wait_until("he may", lambda: s.read(guest) == {T, H}, 10, 0.1)
    s.cleared(s.anna, "remove", "r")  # and its rules with it
    assert s.read(guest, "r") is None and s.read(guest) == {T, H}
    assert [r["node"] for r in s.anna.json("rules")["rules"]] == ["a"]
    s.g.stop()
    ok(s.anna, "deny", "a", guest.bare)
    s.registry.kill()
    s.registry.start()
    mark = len(s.g.log())
    s.g.start()
    s.g.wait_log("has changed its decisions", 20, mark)
    s.ready()
    assert s.read(guest) is None


# ---- the registry alone: things and owners of the test's own -----------------


def can(thing, registry, who, what="canRead", nodes=("n",), names=(), **more):
    """(result, nodes, names) of an answer, or the condition of an error."""
    child = "field" if what == "canRead" else "parameter"
    iq = thing.iq("get", registry.jid, "<%s xmlns='%s'%s>%s%s</%s>" % (
        what, PROV, attrs(jid=who, **more), "".join("<node nodeId='%s'/>" % n for n in nodes),
        "".join("<%s name='%s'/>" % (child, n) for n in names), what))
    if iq.get("type") == "error":
        return condition(iq)
    el = payload(iq)
    assert local(el) == what + "Response" and el.get("jid") == who
    return (el.get("result"), [n.get("nodeId") for n in find_all(el, "node")],
            [n.get("name") for n in find_all(el, child)])


def command(client, registry, name, action="execute", session=None, **fields):
    """The answer to an ad-hoc command; a list is a field of several values."""
    form = "".join("<field var='%s'>%s</field>" % (k, "".join(
        "<value>%s</value>" % v for v in (v if isinstance(v, list) else [v])))
        for k, v in fields.items())
    return client.iq("set", registry.jid, "<command xmlns='%s'%s>%s</command>" % (
        COMMANDS, attrs(node=name, action=action, sessionid=session),
        fields and "<x xmlns='jabber:x:data' type='submit'>%s</x>" % form or ""))


def rule(client, registry, effect, **fields):
    if "who" in fields:
        fields.setdefault("jid", "*")
    got = command(client, registry, effect, **fields)
    return condition(got) if got.get("type") == "error" else payload(got).get("status")


def table(client, registry, **fields):
    """The rules as (effect, who, what, node, names)."""
    got = payload(command(client, registry, "rules", **fields))
    rows = []
    for item in find_all(got, "item"):
        f = {x.get("var"): [v.text or "" for v in find_all(x, "value")]
             for x in find_all(item, "field")}
        rows.append((f["effect"][0], f["who"][0], f["what"][0], f["node"][0],
                     [n for n in f["names"] if n]))
    return rows


def is_set(name):
    return lambda el: (local(el) == "iq" and el.get("type") == "set"
                       and local(payload(el)) == name)


class Alone:
    def __init__(self, registry, client):
        self.r = registry
        self.thing, self.owner, self.other = client("thing"), client("owner"), client("other")
        for n in "nm":
            self.register(self.thing, n)
        self.claim("n", self.owner), self.claim("m", self.owner)

    def tags(self, n):
        return "<str name='KEY' value='%s'/>" % n

    def register(self, thing, n):
        got = thing.iq("set", self.r.jid, "<register xmlns='%s' nodeId='%s'>%s</register>" % (
            DISCOVERY, n, self.tags(n)))
        assert got.get("type") == "result"

    def claim(self, n, who):
        got = who.iq("set", self.r.jid, "<mine xmlns='%s'>%s</mine>" % (DISCOVERY, self.tags(n)))
        assert got.get("type") == "result"

    def clears(self, thing=None, seconds=5):
        """The thing hears clearCache, and answers."""
        thing = thing or self.thing
        el = thing.expect(is_set("clearCache"), seconds)
        assert el.get("from") == self.r.jid
        thing.answer(el, "<clearCacheResponse xmlns='%s'/>" % PROV)


@pytest.fixture
def alone(prosody, registry, client):
    return Alone(registry, client)


@pytest.fixture(params=["component", "account"])
def of_each_kind(prosody, client, tmp, request):
    made = programs.Registry if request.param == "component" else Hosted
    return Alone(made(prosody, tmp / "registry"), client)


@ON_ONE
def test_who_is_answered(alone, client):
    """Only the account of the thing is told anything, and rules are set by its
    owner alone."""
    a, anybody = alone, client("anybody")
    who = anybody.bare
    for n in "nm":
        assert rule(a.owner, a.r, "allow", jid=a.thing.bare, node=n, who=who) == "completed"
    assert can(a.thing, a.r, who) == ("true", [], [])
    for asker in (anybody, a.owner, a.other):
        assert can(asker, a.r, who) == ("false", [], [])
        assert can(asker, a.r, who, nodes=()) == ("false", [], [])
    for wrong in (dict(jid=a.thing.bare, node="n"), dict(jid=a.thing.bare, node="x"),
                  dict(jid=a.owner.bare), {}):
        for effect in ("allow", "deny"):
            assert rule(a.other, a.r, effect, who=who, **wrong) == "item-not-found"
    assert table(a.other, a.r) == []
    ((_, number),) = a.r.select("SELECT count(*), min(id) FROM rule WHERE owner = ?", a.owner.bare)
    assert rule(a.other, a.r, "delete", rule=number) == "item-not-found"
    assert len(table(a.owner, a.r)) == 2
    # of an account that holds things, each is known by its whole name
    assert can(a.thing, a.r, who, nodes=("n", "x")) == ("true", ["n"], [])
    assert can(a.thing, a.r, a.owner.bare + "/any", nodes=("n", "m")) == ("true", [], [])
    assert a.r.select("SELECT jid FROM peer WHERE asked") == [(a.thing.bare,)]


RULES = [  # rules; asked; answer to canRead and to canControl
    ([], [], "", ""),
    (["allow W"], [], "*", ""),
    (["allow W control"], [], "*", "*"),
    (["allow @D"], [], "*", ""),
    (["allow @elsewhere.example"], [], "", ""),
    (["allow * A B"], [], "A B", ""),
    (["allow * A B"], ["B", "C"], "B", ""),
    (["allow * A B"], ["C"], "", ""),
    (["allow *", "deny W"], [], "", ""),
    (["allow W", "deny @D"], ["A"], "", ""),
    (["allow W control", "deny W control A"], ["A", "B"], "*", "B"),
    (["allow W", "deny * A"], ["A", "B"], "B", ""),
    (["allow W", "deny * A"], [], "", ""),  # what else there is, nobody here knows
    (["allow W A", "allow @D B", "deny * A"], [], "B", ""),
    (["allow W control", "deny W"], [], "", ""),
    (["deny W", "allow W"], [], "*", ""),
    (["deny W", "allow W control"], [], "*", "*"),
    (["allow W control", "deny W control"], [], "*", ""),
    (["allow @D/all control", "deny W A"], ["A", "B"], "B", "B"),
]


@ON_ONE
def test_what_remains(alone, client):
    a, guest = alone, client("guest")
    for rules, asked, reads, controls in RULES:
        for text_ in rules:
            effect, who, *rest = text_.split()
            everything = who.endswith("/all")
            who = who.replace("/all", "").replace("W", guest.bare).replace(
                "@D", "@" + a.r.server.domain)
            fields = dict(who=who, control=str("control" in rest).lower(),
                          names=[r for r in rest if r != "control"])
            if not everything:
                fields.update(jid=a.thing.bare, node="n")
            assert rule(a.owner, a.r, effect, **fields) == "completed", text_
        for what, want in (("canRead", reads), ("canControl", controls)):
            got = can(a.thing, a.r, guest.bare, what, names=asked)
            assert got == (str(want != "").lower(), [], [] if want == "*" else want.split()), (
                rules, asked, what)
        for (number,) in a.r.select("SELECT id FROM rule"):
            assert rule(a.owner, a.r, "delete", rule=number) == "completed"
    # of several nodes the names that they have in common
    for n, names in (("n", ["A", "B"]), ("m", ["B", "C"])):
        rule(a.owner, a.r, "allow", jid=a.thing.bare, node=n, who="*", names=names)
    assert can(a.thing, a.r, guest.bare, nodes="nm") == ("true", [], ["B"])
    assert can(a.thing, a.r, guest.bare, nodes="nm", names=["C"]) == ("true", ["m"], [])
    friend = "<isFriend xmlns='%s' jid='%s'/>"
    for who, result in ((guest.bare, "true"), ("nobody@elsewhere.example/x", "true")):
        assert payload(a.thing.iq("get", a.r.jid, friend % (PROV, who))).get("result") == result
    assert payload(a.other.iq("get", a.r.jid, friend % (PROV, guest.bare))).get("result") == "false"


@ON_ONE
def test_a_client_of_commands(alone):
    """Any client that knows XEP-0050 finds and uses them."""
    a = alone
    got = a.owner.iq("get", a.r.jid, "<query xmlns='%s' node='%s'/>" % (DISCO_ITEMS, COMMANDS))
    assert [i.get("node") for i in find_all(got, "item")] == ["allow", "deny", "rules", "delete"]
    assert {i.get("jid") for i in find_all(got, "item")} == {a.r.jid}
    got = a.owner.iq("get", a.r.jid, "<query xmlns='%s' node='deny'/>" % DISCO_INFO)
    assert find(got, "identity").get("category") == "automation"
    got = payload(command(a.owner, a.r, "deny"))
    assert got.get("status") == "executing" and got.get("sessionid")
    assert "who" in [f.get("var") for f in find_all(got, "field")]
    got = command(a.owner, a.r, "deny", "cancel", got.get("sessionid"))
    assert payload(got).get("status") == "canceled"
    for fields in (dict(who="a b"), dict(who="@"), dict(who="x@y/z"), dict(who=""),
                   dict(who="*", control="maybe"), dict(who="*", jid=""),
                   dict(who="*", names=["x" * 257]), dict(who="*", names=["n%d" % i for i in range(33)])):
        assert rule(a.owner, a.r, "allow", **fields) == "bad-request", fields
    assert rule(a.owner, a.r, "prev") == "item-not-found"
    for i in range(16):
        assert rule(a.owner, a.r, "allow", who="*", names=["f%d" % i]) == "completed"
    assert rule(a.owner, a.r, "allow", who="*", names=["f16"]) == "resource-constraint"
    for i in range(80):
        assert rule(a.owner, a.r, "deny", who="u%d@x.example" % i, names=[
            "%d %s" % (k, "\u00fc" * 50) for k in range(4)]) == "completed"
    first = payload(command(a.owner, a.r, "rules"))
    rows = len(find_all(first, "item"))
    after = [f for f in find_all(first, "field") if f.get("var") == "after"][-1]
    rest = table(a.owner, a.r, after=find(after, "value").text)
    assert 0 < rows < 96 and rows + len(rest) <= 96


@ON_ONE
def test_a_claim_does_not_wait_for_it(alone, client):
    """A thing that cannot do clearCache still hears who owns it."""
    a = alone
    a.thing.iq("set", a.r.jid, "<register xmlns='%s'>%s</register>" % (DISCOVERY, a.tags("own")))
    can(a.thing, a.r, "x@y.example")
    rule(a.owner, a.r, "allow", who="*")
    a.thing.answer_error(a.thing.expect(is_set("clearCache")), "feature-not-implemented")
    a.claim("own", a.owner)
    told = a.thing.expect(lambda el: is_set("claimed")(el) and not payload(el).get("nodeId"))
    a.thing.answer(told)
    wait_until("it is settled", lambda: a.r.select(
        "SELECT kind FROM notice WHERE node = ''") == [(100,)], 10, 0.05)


@ON_ONE
def test_not_where_it_is_switched_off(prosody, registry, client):
    registry.stop()
    registry.conf.write_text(registry.conf.read_text() + "[provisioning]\nenabled = no\n")
    registry.start()
    thing = client("thing")
    got = thing.iq("get", registry.jid, "<query xmlns='%s'/>" % DISCO_INFO)
    assert not {PROV, COMMANDS} & {f.get("var") for f in find_all(got, "feature")}
    assert can(thing, registry, thing.bare) == "service-unavailable"
    assert rule(thing, registry, "allow", who="*") == "service-unavailable"


@ON_ONE
def test_the_cache_is_cleared(of_each_kind, client):
    """Whoever may remember an answer is told, and nobody else; by a killed
    registry too; the rules and who is to be told are in an export."""
    a, guest = of_each_kind, client("guest")
    rule(a.owner, a.r, "allow", jid=a.thing.bare, node="n", who=guest.bare)
    a.thing.expect_nothing(0.3, lambda el: b"clearCache" in wire.ET.tostring(el))
    assert can(a.thing, a.r, guest.bare) == ("true", [], [])
    rule(a.owner, a.r, "deny", who=guest.bare, names=["X"])
    a.clears()
    assert can(a.thing, a.r, guest.bare, names=["X", "Y"]) == ("true", [], ["Y"])
    a.r.kill()
    a.r.start()
    assert len(table(a.owner, a.r)) == 2
    rule(a.owner, a.r, "deny", jid=a.thing.bare, node="n", who=guest.bare)
    a.r.stop()  # before it is acknowledged
    out = a.r.dir / "all.jsonl"
    argv = [a.r.bin / "thingregistryd", "-c", a.r.conf]
    assert programs.run(argv + ["--export", out])[0] == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[0]["rules"] == len([x for x in lines if x.get("kind") == "rule"]) == 2
    assert [x["told"] for x in lines if x.get("kind") == "notice"][-1] == "clearCache"
    for end in ("", "-wal", "-shm"):
        (a.r.dir / (a.r.store.name + end)).unlink(missing_ok=True)
    assert programs.run(argv + ["--import", out])[0] == 0
    assert programs.run(argv + ["--export"])[1] == out.read_text()
    a.r.start()
    a.thing.iq("get", a.r.jid, "<ping xmlns='urn:xmpp:ping'/>")
    a.clears(seconds=10)
    assert can(a.thing, a.r, guest.bare) == ("false", [], [])


@ON_ONE
def test_whose_it_is_no_more(alone, client):
    """Who may remember that somebody is let in hears when the owner who let him
    in is the owner no more: by disown, by unregister."""
    a, guest = alone, client("guest")
    rule(a.owner, a.r, "allow", who=guest.bare)
    for node, end in (("n", "disown"), ("m", "unregister")):
        assert can(a.thing, a.r, guest.bare, nodes=node) == ("true", [], [])
        by, more = (a.owner, " jid='%s'" % a.thing.bare) if end == "disown" else (a.thing, "")
        asked = by.request("set", a.r.jid, "<%s xmlns='%s' nodeId='%s'%s/>" % (
            end, DISCOVERY, node, more))
        if end == "disown":
            a.thing.answer(a.thing.expect(is_set("disowned")))
        assert by.wait_answer(asked).get("type") == "result"
        a.clears()
        assert can(a.thing, a.r, guest.bare, nodes=node) == ("false", [], [])


@ON_ONE
def test_a_form_that_is_no_order(alone):
    """Only what is submitted is carried out, and of two fields of one name
    neither."""
    a = alone
    field = "<field var='%s'><value>%s</value></field>"
    fields = field % ("jid", "*") + field % ("who", "*")
    for form in ("<x xmlns='jabber:x:data' type='cancel'>%s</x>" % fields,
                 "<x xmlns='jabber:x:data' type='form'>%s</x>" % fields,
                 "<x xmlns='jabber:x:data'>%s</x>" % fields,
                 "<x xmlns='jabber:x:data' type='submit'>%s%s%s</x>" % (
                     fields, "<field var='names'/>", field % ("names", "A"))):
        got = a.owner.iq("set", a.r.jid, "<command xmlns='%s' node='allow' action='complete'>%s"
                         "</command>" % (COMMANDS, form))
        assert condition(got) == "bad-request", form
    assert table(a.owner, a.r) == []


@ON_ONE
def test_a_copy_brought_back(alone, client):
    """What was asked after an export or a backup is forgotten when it is brought
    back: it does not know whom to tell."""
    a, guest = alone, client("guest")
    argv = [a.r.bin / "thingregistryd", "-c", a.r.conf]
    export, backup = a.r.dir / "all.jsonl", a.r.dir / "copy.db"
    assert programs.run(argv + ["--export", export])[0] == 0
    assert programs.run(argv + ["--backup", backup])[0] == 0
    for way in ("import", "backup"):
        rule(a.owner, a.r, "allow", who=guest.bare)
        assert can(a.thing, a.r, guest.bare) == ("true", [], [])
        a.r.stop()
        for end in ("", "-wal", "-shm"):
            (a.r.dir / (a.r.store.name + end)).unlink(missing_ok=True)
        if way == "import":
            assert programs.run(argv + ["--import", export])[0] == 0
        else:
            a.r.store.write_bytes(backup.read_bytes())
        a.r.start()
        a.thing.iq("get", a.r.jid, "<ping xmlns='urn:xmpp:ping'/>")
        a.clears(seconds=10)
        assert can(a.thing, a.r, guest.bare) == ("false", [], [])
