"""thingowner read, set, form, browse, share: against a thing whose every answer
is the test's.  With a gateway they are in the demo and in test_readout.py."""

import json

import pytest

from harness import wire
from harness.wire import CONCENTRATOR, CONTROL, DISCO_INFO, SENSORDATA, bare, payload

FEATURES = "".join("<feature var='%s'/>" % f
                   for f in (DISCO_INFO, SENSORDATA, CONTROL, CONCENTRATOR))


class Thing:
    """An account that is a thing: lets everybody in, and has answers[element],
    the payload of a result, ("error", condition, more), or a function."""

    def __init__(self, client):
        self.c = client("thing", "gateway", presence=False)
        self.bare = bare(self.c.jid)
        self.answers, self.got = {}, []
        self.c.on("presence", self._presence)
        self.c.on(lambda el: wire.local(el) == "iq" and el.get("type") in ("get", "set"), self._iq)
        self.c.presence()

    def _presence(self, el):
        if el.get("type") == "subscribe":
            self.c.presence(to=bare(el.get("from")), type_="subscribed")

    def _iq(self, el):
        name = wire.op(el)
        if payload(el) is None:
            return
        if name == "query":
            disco = payload(el).tag.startswith("{" + DISCO_INFO)
            self.c.answer(el, "<query xmlns='%s'><identity category='x' type='x'/>%s</query>" % (
                DISCO_INFO, FEATURES) if disco else "")
            return
        self.got.append(el)
        answer = self.answers.get(name, ("error", "feature-not-implemented", ""))
        if callable(answer):
            answer(el)
        elif isinstance(answer, tuple):
            self.c.answer_error(el, answer[1], "modify", answer[2])
        else:
            self.c.answer(el, answer)

    def say(self, el, *messages):
        """Accepts a readout, then tells."""
        seqnr = payload(el).get("seqnr")
        self.c.answer(el, "<accepted xmlns='%s' seqnr='%s'/>" % (SENSORDATA, seqnr))
        for m in messages:
            self.c.send("<message to='%s'>%s</message>" % (
                el.get("from"), m.replace("SEQ", "xmlns='%s' seqnr='%s'" % (SENSORDATA, seqnr))))


def fields(values, done=False, at="2026-01-31T12:00:00Z"):
    return "<fields SEQ%s><node nodeId='n' sourceId='S'><timestamp value='%s'>%s</timestamp>" \
        "</node></fields>" % (" done='true'" if done else "", at, values)


T = "<numeric name='T' value='21.40' unit='C' momentary='true' automaticReadout='true'/>"
H = "<numeric name='H' value='48' unit='%' momentary='true' writable='true'/>"
SERIAL = "<string name='SN' value='1' identity='true'/>"


@pytest.fixture
def thing(client):
    return Thing(client)


@pytest.fixture
def owner(make_owner):
    return make_owner()


def test_O16(thing, owner):
    thing.answers["req"] = lambda el: thing.say(el, fields(T), fields(H + SERIAL, done=True))
    status, out, err = owner.run("--json", "read", thing.bare, "n", "--source", "S")
    assert status == 0, err
    d = json.loads(out)
    assert [(f["name"], f["value"], f["unit"]) for f in d["fields"]] == [
        ("T", "21.40", "C"), ("H", "48", "%")]  # SN was not asked for
    assert d["fields"][1]["writable"] is True and d["fields"][0]["at"] == "2026-01-31T12:00:00.000Z"
    req = payload(thing.got[0])
    assert req.get("momentary") == "true" and thing.got[0].get("type") == "get"
    assert [wire.node_of(n)[:2] for n in req if wire.local(n) == "node"] == [("n", "S")]
    status, out, err = owner.run("read", thing.bare, "n", "T")
    assert status == 0 and "21.40" in out and "48" not in out


def test_O16_failure_of_one(thing, owner):
    thing.answers["req"] = lambda el: thing.say(
        el, fields(T), "<failure SEQ done='true'><error nodeId='m' timestamp="
        "'2026-01-31T12:00:00Z'>it does not answer</error></failure>")
    status, out, err = owner.run("read", thing.bare, "n")
    assert status == 4 and "21.40" in out and "m: it does not answer" in err


def test_O17(thing, owner):
    thing.answers["req"] = lambda el: thing.say(el, fields(T))
    status, out, err = owner.run("--timeout", "3", "read", thing.bare, "n")
    assert status == 3 and "21.40" in out and "not all" in err


def test_O17_nothing_at_all(thing, owner):
    thing.answers["req"] = lambda el: thing.say(el)
    status, out, err = owner.run("--timeout", "3", "read", thing.bare, "n")
    assert status == 3 and not out and "no value came" in err


def test_O18(thing, owner):
    thing.answers["set"] = ("error", "bad-request", "<paramError xmlns='%s' var='Level'>"
                            "0 to 10</paramError>" % CONTROL)
    status, out, err = owner.run("set", thing.bare, "n", "Level=11")
    assert status == 1 and not out and "Level: 0 to 10" in err


def test_set(thing, owner):
    thing.answers["set"] = "<setResponse xmlns='%s'/>" % CONTROL
    status, out, err = owner.run("set", thing.bare, "n", "A b=1=2", "C=")
    assert status == 0 and out == "A b = 1=2\nC = \n", err
    x = [c for c in payload(thing.got[0]) if wire.local(c) == "x"][0]
    assert [(f.get("var"), f[0].text) for f in x] == [("A b", "1=2"), ("C", None)]
    thing.answers["set"] = "<setResponse xmlns='%s'><parameter name='C'/></setResponse>" % CONTROL
    status, out, err = owner.run("set", thing.bare, "n", "A=1", "C=2")
    assert status == 4 and out == "C = 2\n" and "A was not set" in err
    thing.answers["set"] = "<accepted xmlns='%s'/>" % CONTROL
    status, out, err = owner.run("set", thing.bare, "n", "A=1")
    assert status == 1 and not out and "not known: read it" in err


@pytest.mark.parametrize("words", [["A"], ["=1"], ["A=1", "A=2"], []])
def test_set_is_checked_first(thing, owner, words):
    status, out, err = owner.run("set", thing.bare, "n", *words)
    assert status == 2 and not out and not thing.got


def test_refused(thing, owner):
    for verb, name, more in (("read", "req", []), ("set", "set", ["A=1"]), ("form", "getForm", [])):
        thing.answers[name] = ("error", "forbidden", "")
        status, out, err = owner.run(verb, thing.bare, "n", *more)
        assert status == 6 and "no right" in err, (verb, err)


def test_form(thing, owner):
    thing.answers["getForm"] = (
        "<x type='form' xmlns='jabber:x:data'><field var='xdd session' type='hidden'><value>1</value>"
        "</field><field var='Level' label='Level (%)'><validate "
        "xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:int'><range min='0' max='10'/>"
        "</validate><value>3</value></field></x>")
    status, out, err = owner.run("form", thing.bare, "n")
    assert status == 0 and "0..10" in out and "Level (%)" in out and "xdd" not in out, err


def test_browse(thing, owner):
    ns = "xmlns='%s' result='OK'" % CONCENTRATOR
    thing.answers["getAllDataSources"] = (
        "<getAllDataSourcesResponse %s><dataSource sourceId='S' name='S'/>"
        "</getAllDataSourcesResponse>" % ns)
    thing.answers["getRootNodes"] = (
        "<getRootNodesResponse %s><node nodeId='bus1' state='None' hasChildren='true'/>"
        "<node nodeId='bus2' state='None' hasChildren='true'/></getRootNodesResponse>" % ns)
    thing.answers["getChildNodes"] = lambda el: thing.c.answer(
        el, "<getChildNodesResponse %s><node nodeId='%s.1' state='ErrorUnsigned' hasChildren='false'"
        " isReadable='true'/></getChildNodesResponse>" % (ns, payload(el).get("nodeId")))
    status, out, err = owner.run("--json", "browse", thing.bare)
    assert status == 0, err
    assert [(n["node"], n["depth"]) for n in json.loads(out)["nodes"]] == [
        ("bus1", 0), ("bus1.1", 1), ("bus2", 0), ("bus2.1", 1)]


def test_what_cannot_be_meant(thing, owner):
    """Said before anybody is asked."""
    for args, word in ((("share", thing.bare, "n", "bert"), "NAME@SERVER"),
                       (("share", thing.bare, "n", "example.org", "--source", "S"), "NAME@SERVER"),
                       (("update", thing.bare, "n", "S", "KEY=x"), "makes a new one")):
        status, _, err = owner.run(*args)
        assert status == 2 and word in err, err


def test_share(thing, owner):
    thing.answers["executeNodeCommand"] = (
        "<executeNodeCommandResponse xmlns='%s' result='OK'/>" % CONCENTRATOR)
    status, out, err = owner.run("share", thing.bare, "n", "a@example.org/x", "--source", "S",
                                 "--control")
    assert status == 0 and "a@example.org" in out, err
    rq = payload(thing.got[0])
    assert rq.get("command") == "share" and rq.get("nodeId") == "n"
    assert {f.get("var"): f[0].text for f in rq[0]} == {"jid": "a@example.org", "control": "true"}


def test_not_there(make_owner, client):
    o = make_owner()
    c = client("nobody")
    c.close()
    status, out, err = o.run("--timeout", "5", "read", bare(c.jid), "n")
    assert status == 9 and "is not reached" in err


@pytest.mark.parametrize("words", [
    ["--history", "yesterday"], ["--to", "2026-01-01"], ["--history", "1d", "--watch", "2"],
    ["--history", "2026-02-01", "--to", "2026-01-01"], ["--every", "day"], ["--type", "colour"],
    ["--history", "1d", "--every", "decade"], ["--watch", "0"]])
def test_read_is_checked_first(make_owner, words):
    status, out, err = make_owner().run("read", "a@example.org", "n", *words)
    assert status == 2 and not out, err


def test_history_as_csv(thing, owner):
    thing.answers["req"] = lambda el: thing.say(el, fields(
        "<numeric name='Power, L1' value='1.5' unit='W' historicalDay='true' computed='true'/>",
        done=True))
    status, out, err = owner.run("read", thing.bare, "n", "--history", "2026-01-01", "--to",
                                 "2026-02-01T00:00:00Z", "--every", "day", "--csv")
    assert status == 0 and out == (
        "at,field,value,unit\n2026-01-31T12:00:00.000Z,\"Power, L1\",1.5,W\n"), err
    req = payload(thing.got[0])
    assert req.get("historicalDay") == "true" and req.get("to") == "2026-02-01T00:00:00.000Z"
