"""Control of devices over XMPP (XEP-0325): what is written, what is refused
before anything is, and what is said when a device does not do as it should."""

import asyncio
import threading
import time

import pytest

from harness.procs import wait_until
from harness.wire import (
    CONTROL, DISCO_INFO, DISCOVERY, PROVISIONING, attrs, condition, find, find_all, op, payload)

PLANT = """\
[bus plc]
type = modbus-tcp
listen = 127.0.0.1:0
[unit board]
bus = plc
address = 1
template = generic.relay8
[unit heat]
bus = plc
address = 2
template = stiebel.wpm
value.mode = program
value.hk1_comfort = 21.5
value.sg_input1 = 0
[unit cold]
bus = plc
address = 3
template = generic.xy-md02
[unit cold2]
bus = plc
address = 4
template = generic.xy-md02
[unit cold3]
bus = plc
address = 5
template = generic.xy-md02
"""
TEMPLATES = {"board": "generic.relay8", "heat": "stiebel.wpm", "cold": "generic.xy-md02",
             "cold2": "generic.xy-md02", "cold3": "generic.xy-md02"}
FORM = "jabber:x:data"
OWNED = ("board", "heat", "cold", "cold3")


def sections(names=TEMPLATES):
    return "".join(
        "[node %s]\nbus = plc\naddress = %d\ntemplate = %s\npoll = 500ms\nclaim.SN = %s\n"
        % (n, list(TEMPLATES).index(n) + 1, TEMPLATES[n], n) for n in names)


class Site:
    """A gateway on a simulated plant; `owner` has all nodes but cold2, which
    another has."""

    def __init__(self, make_sim, make_gateway, fakereg, client, tmp):
        self.sim = make_sim(PLANT)
        self.g = make_gateway(
            sections(), registry=fakereg.jid,
            buses="[bus plc]\ntype = modbus-tcp\nhost = %s\n" % self.sim.bus["plc"])
        self.owner, self.other = client("owner"), client("other")
        self.log = tmp / "requests"
        for n in TEMPLATES:
            self.source = source = payload(fakereg.wait("register", n)).get("sourceId")
            owner = self.owner if n in OWNED else self.other
            got = fakereg.claimed(self.g.jid, owner.bare, n, source)
            assert got.get("type") == "result", condition(got)
        wait_until("all devices answer", lambda: all(
            n["device"] == "online" for n in self.g.node_list().values()), 20, 0.1)

    def set(self, *args, who=None, **kw):
        return (who or self.owner).iq("set", self.g.jid, set_xml(*args, **kw), 15)

    def form(self, *nodes, who=None):
        return (who or self.owner).iq(
            "get", self.g.jid, "<getForm xmlns='%s'>%s</getForm>" % (CONTROL, nodes_xml(nodes)))

    def writes(self, unit="board"):
        """[(function, address)] of the writes since they are logged."""
        time.sleep(0.2)
        words = [line.split() for line in self.log.read_text().splitlines()]
        return [(int(w[2]), int(w[3])) for w in words
                if w[1] == unit and int(w[2]) in (5, 6, 15, 16, 22)]

    def log_requests(self, *units):
        for u in units or ["board"]:
            self.sim.control("log %s on %s" % (u, self.log))

    def audit(self, *needles):
        def found():
            return [line for line in self.g.log().splitlines()
                    if "set: " in line and all(n in line for n in needles)]
        return wait_until("the log has %s" % (needles,), found, 10, 0.05)


@pytest.fixture
def site(make_sim, make_gateway, fakereg, client, tmp):
    return Site(make_sim, make_gateway, fakereg, client, tmp)


@pytest.fixture
def one(prosody, server, request):
    """For what does not hang on the server."""
    if server is not prosody:
        pytest.skip("once is enough")
    return request.getfixturevalue("site")


def nodes_xml(nodes):
    return "".join("<node nodeId='%s'/>" % n for n in nodes)


def set_xml(nodes, *params):
    nodes = nodes.split() if isinstance(nodes, str) else nodes
    return "<set xmlns='%s'>%s%s</set>" % (
        CONTROL, nodes_xml(nodes),
        "".join("<%s%s/>" % (t, attrs(name=n, value=v)) for t, n, v in params))


def form_xml(node, type_="submit", **fields):
    return "<set xmlns='%s'>%s<x xmlns='%s' type='%s'>%s</x></set>" % (
        CONTROL, nodes_xml([node]), FORM, type_, "".join(
            "<field var='%s'><value>%s</value></field>" % kv for kv in fields.items()))


def param_error(got):
    el = find(got, "paramError")
    return (el.get("var"), el.text) if el is not None else None


def is_done(got):
    return got.get("type") == "result" and op(got) == "setResponse" and len(payload(got)) == 0


def text_of(got):
    el = find(got, "text")
    return el.text if el is not None else ""


# T34 ... T36

def test_T34_nothing_is_written_when_one_value_is_wrong(site):
    site.log_requests("cold")
    got = site.set("cold", ("double", "temp_offset", "1.5"), ("double", "hum_offset", "11"))
    assert condition(got) == "bad-request"
    var, text = param_error(got)
    assert var == "hum_offset" and "10" in text and "-10 to 10" in text
    assert site.writes("cold") == []
    site.audit("hum_offset", site.owner.jid, "bad-request")


def test_T34_on_any_of_the_nodes(site):
    site.log_requests("cold")
    got = site.set("cold board", ("double", "temp_offset", "1.5"))
    assert condition(got) == "item-not-found" and "board" in text_of(got)
    assert site.writes("cold") == []


def test_T35_written_once_in_document_order(site):
    site.log_requests()
    got = site.set("board", ("boolean", "relay3", "true"), ("boolean", "relay1", "1"),
                   ("bool", "relay2", "true"))
    assert is_done(got)
    assert site.writes() == [(5, 2), (5, 0), (5, 1)]
    assert [site.sim.get("board", "relay%d" % i) for i in (1, 2, 3, 4)] == ["on"] * 3 + ["off"]
    line, = site.audit("relay3", "verified")
    assert site.owner.jid in line and "board" in line and '"true"' in line and "was false" in line


def test_T35_registers_words_and_other_types(site):
    assert is_done(site.set("heat", ("string", "mode", "comfort"), ("double", "hk1_comfort", "2.15e1"),
                            ("boolean", "sg_input1", "true"), ("long", "sg_input2", " 001 ")))
    assert site.sim.get("heat", "mode") == "comfort"
    assert float(site.sim.get("heat", "hk1_comfort")) == 21.5
    assert (site.sim.get("heat", "sg_input1"), site.sim.get("heat", "sg_input2")) == ("1", "1")


def test_T36_a_message_is_executed_and_never_answered(site):
    site.owner.send("<message to='%s'>%s</message>" % (
        site.g.jid, set_xml("board", ("boolean", "relay1", "true"))))
    wait_until("it is on", lambda: site.sim.get("board", "relay1") == "on", 10, 0.05)
    site.owner.send("<message to='%s'>%s</message>" % (
        site.g.jid, set_xml("board", ("boolean", "relay9", "true"))))
    site.audit("relay9", "item-not-found")
    site.other.send("<message to='%s'>%s</message>" % (
        site.g.jid, set_xml("board", ("boolean", "relay2", "true"))))
    site.audit(site.other.jid, "forbidden")
    assert site.sim.get("board", "relay2") == "off"
    site.owner.expect_nothing(0.5, "message")
    site.other.expect_nothing(0.1, "message")


def test_T36_messages_for_one_node_wait_for_each_other(site):
    for i in range(1, 9):
        site.owner.send("<message to='%s'>%s</message>" % (
            site.g.jid, set_xml("board", ("boolean", "relay%d" % i, "true"))))
    wait_until("all are on", lambda: all(
        site.sim.get("board", "relay%d" % i) == "on" for i in range(1, 9)), 20, 0.1)


# who, and what

def test_features(site):
    got = site.owner.iq("get", site.g.jid, "<query xmlns='%s'/>" % DISCO_INFO)
    assert {CONTROL, FORM} <= {f.get("var") for f in find_all(got, "feature")}


def test_others_are_refused(site, client):
    stranger = client("stranger")
    on = ("boolean", "relay1", "true")
    got = [site.set(n, on, who=stranger) for n in ("board", "nothing")]
    assert [condition(g) for g in got] == ["forbidden"] * 2
    assert text_of(got[0]) == text_of(got[1]) != ""
    many = [("boolean", "r%d" % i, "true") for i in range(257)]
    got = [site.set(n, *many, who=stranger) for n in ("board", "nothing")]
    assert condition(got[0]) == condition(got[1]) and text_of(got[0]) == text_of(got[1])
    assert condition(site.set("board", on, who=site.other)) == "forbidden"
    assert condition(site.form("board", who=stranger)) == "forbidden"
    assert condition(site.set("nothing", on)) == "item-not-found"
    assert condition(site.set([], on)) == "bad-request"
    assert site.sim.get("board", "relay1") == "off"
    site.audit(stranger.jid, "forbidden", "board")


def test_what_is_not_allowed_is_left_out_and_said(site):
    got = site.set("cold cold2", ("double", "temp_offset", "2"))
    assert got.get("type") == "result"
    assert [n.get("nodeId") for n in find_all(got, "node")] == ["cold"]
    assert [p.get("name") for p in find_all(got, "parameter")] == ["temp_offset"]
    assert float(site.sim.get("cold", "temp_offset")) == 2
    assert float(site.sim.get("cold2", "temp_offset")) == 0
    assert condition(site.form("cold", "cold2")) == "forbidden"


REFUSED = [
    ("cold", "double", "temp_offset", "NaN", "double"),
    ("cold", "double", "temp_offset", "INF", "finite"),
    ("cold", "double", "temp_offset", "1e400", "finite"),
    ("cold", "double", "temp_offset", "0.05", "multiple of 0.1"),
    ("cold", "double", "temp_offset", "1e-30", "digits"),
    ("cold", "double", "temp_offset", "", "double"),
    ("cold", "double", "temp_offset", "1,5", "double"),
    ("cold", "double", "temp_offset", "0x1", "double"),
    ("cold", "int", "temp_offset", "4294967296", "int"),
    ("cold", "long", "temp_offset", "9223372036854775808", "digits"),
    ("cold", "int", "temp_offset", "1.0", "int"),
    ("cold", "string", "temp_offset", "1", "Invalid parameter type."),
    ("cold", "dateTime", "temp_offset", "2026-01-01T00:00:00Z", "Invalid parameter type."),
    ("heat", "int", "mode", "1", "Invalid parameter type."),
    ("heat", "string", "mode", "boil", "emergency, standby"),
    ("heat", "int", "sg_input1", "2", "0 to 1"),
    ("board", "boolean", "relay1", "on", "boolean"),
    ("board", "int", "relay1", "2", "neither 0 nor 1"),
    ("board", "color", "relay1", "FF0000", "Invalid parameter type."),
]


def test_values_that_are_refused(one):
    one.log_requests(*OWNED)
    for node, type_, name, value, says in REFUSED:
        got = one.set(node, (type_, name, value))
        assert condition(got) == "bad-request", (name, value)
        assert param_error(got)[0] == name and says in param_error(got)[1], param_error(got)
    assert not any(one.writes(n) for n in OWNED)


def test_long_texts_are_cut_between_letters(site):
    for n in range(50, 70):
        long = "x" * (n % 4) + "\u20ac" * n
        assert condition(site.set("cold", ("double", "temp_offset", long))) == "bad-request"
        assert condition(site.set("cold", ("double", long, "1"))) == "item-not-found"
        assert condition(site.set([long], ("double", long, "1"))) == "item-not-found"
    got = site.set("cold", ("double", "temp_offset", "&#10;&#27;[2J"))
    assert condition(got) == "bad-request"
    assert site.g.log().count("online as") == 1 and "\x1b" not in site.g.log()


def judged_by(site, fakereg, judge):
    """The registry is the provisioning server, too."""
    fakereg.answers["canControl"] = judge
    fakereg.answers["query"] = (
        "<query xmlns='%s'><identity category='component' type='generic'/>"
        "<feature var='%s'/><feature var='%s'/></query>" % (DISCO_INFO, DISCOVERY, PROVISIONING))
    site.g.stop()
    site.g.start()
    site.g.wait_online()
    wait_until("the devices answer", lambda: all(
        n["device"] == "online" for n in site.g.node_list().values()), 20, 0.1)


def test_a_server_decides_on_parameters(site, fakereg, server, client):
    """The provisioning server grants a friend one relay of two."""
    asked = []

    def judge(el):
        asked.append(el)
        return ("<canControlResponse xmlns='%s' jid='%s' result='true'>"
                "<node nodeId='board' sourceId='%s'/><parameter name='relay2'/>"
                "</canControlResponse>" % (PROVISIONING, payload(el).get("jid"),
                                           find(el, "node").get("sourceId", "")))

    friend = client("friend")
    judged_by(site, fakereg, judge)
    both = ("boolean", "relay1", "true"), ("boolean", "relay2", "true")
    got = []
    wait_until("the server is asked", lambda: got.append(
        site.set("board", *both, who=friend)) or op(got[-1]) == "setResponse", 20, 0.2)
    got = got[-1]
    assert [p.get("name") for p in find_all(got, "parameter")] == ["relay2"]
    assert site.sim.get("board", "relay2") == "on" and site.sim.get("board", "relay1") == "off"
    assert {p.get("name") for p in find_all(asked[0], "parameter")} == {"relay1", "relay2"}


def test_many_parameters(one):
    for n in (257, 1000, 1001):
        got = one.set("board", *[("boolean", "r%d" % i, "true") for i in range(n)])
        assert condition(got) == "bad-request"
    got = one.set("board", *[("boolean", "r%d" % i, "true") for i in range(256)])
    assert condition(got) == "item-not-found"
    got = one.set("board", ("boolean", "relay1", "true"), ("boolean", "relay1", "false"))
    assert condition(got) == "bad-request"
    assert one.sim.get("board", "relay1") == "off"
    assert is_done(one.set("board", ("boolean", "relay1", "true")))


# forms

def fields_of(got):
    x = payload(got)
    assert x.tag == "{%s}x" % FORM and x.get("type") == "form"
    return {f.get("var"): f for f in find_all(x, "field")}


def test_form_says_what_can_be_set(site):
    f = fields_of(site.form("heat"))
    assert list(f)[:3] == ["mode", "hk1_comfort", "hk1_eco"]
    assert f["mode"].get("type") == "list-single" and find(f["mode"], "value") is not None
    assert [find(o, "value").text for o in find_all(f["mode"], "option")][:3] == [
        "emergency", "standby", "program"]
    k = f["hk1_comfort"]
    assert "(C)" in k.get("label") and find(k, "desc").text == "5 to 30 in steps of 0.1"
    assert find(k, "validate").get("datatype") == "xs:double"
    assert find(k, "range").attrib == {"min": "5", "max": "30"}
    assert [v.text for v in k if v.tag == "{%s}value" % FORM] == ["21.5"]
    assert all(find(k, "notSame") is not None for k in f.values())
    assert find(f["sg_input1"], "validate").get("datatype") == "xs:int"


def test_a_form_holds_no_value_of_before(one):
    """Who submits it whole would write what may long have been changed."""
    def now():
        return [v.text for v in find_all(fields_of(one.form("board"))["relay1"], "value")]
    assert now() == ["false"]
    one.sim.fault("board", "silent")
    wait_until("it is offline", lambda: one.g.node_list()["board"]["device"] == "offline", 30, 0.1)
    assert now() == []


def test_form_of_a_relay_has_its_time(site):
    f = fields_of(site.form("board"))
    assert list(f)[:3] == ["relay1", "relay1, pulse", "relay2"]
    assert f["relay1"].get("type") == "boolean"
    assert find(f["relay1, pulse"], "validate").get("datatype") == "xs:duration"
    assert find(f["relay1"], "parameterGroup").get("name") == "relay1"
    assert find(f["relay1, pulse"], "parameterGroup").get("name") == "relay1"


def test_form_of_several_has_what_they_share(one):
    assert list(fields_of(one.form("cold", "cold3"))) == ["temp_offset", "hum_offset"]
    assert condition(one.form("cold", "board")) == "feature-not-implemented"


def test_a_form_is_submitted(site):
    assert is_done(site.owner.iq("set", site.g.jid, form_xml("heat", **{
        "xdd session": "7", "mode": "eco", "hk1_comfort": "20.5"})))
    assert site.sim.get("heat", "mode") == "eco"
    got = site.owner.iq("set", site.g.jid, form_xml("heat", mode="comfort", colour="red"))
    assert condition(got) == "item-not-found" and "colour" in text_of(got)
    got = site.owner.iq("set", site.g.jid, form_xml("heat", "cancel", mode="comfort"))
    assert condition(got) == "bad-request"
    assert site.sim.get("heat", "mode") == "eco"


# for a time

def test_a_relay_is_set_for_a_time(site):
    assert is_done(site.set("board", ("boolean", "relay1", "true"),
                            ("duration", "relay1, pulse", "PT0.8S")))
    assert site.sim.get("board", "relay1") == "on"
    site.audit("relay1", "for 800 ms", "verified")
    wait_until("it is off again", lambda: site.sim.get("board", "relay1") == "off", 10, 0.05)
    assert is_done(site.set("board", ("boolean", "relay2", "true"),
                            ("duration", "relay2, pulse", "PT0S")))


TIMES_REFUSED = [
    ([("boolean", "relay1", "true"), ("duration", "relay1, pulse", "PT2H")],
     "bad-request", "3600000"),
    ([("boolean", "relay1", "true"), ("duration", "relay1, pulse", "P1M")],
     "bad-request", "duration"),
    ([("boolean", "relay1", "true"), ("duration", "relay1, pulse", "-PT1S")],
     "bad-request", "duration"),
    ([("boolean", "relay1", "true"), ("int", "relay1, pulse", "5")],
     "bad-request", "Invalid parameter type."),
    ([("duration", "relay1, pulse", "PT5S")], "bad-request", "value of relay1"),
    ([("duration", "relay9, pulse", "PT5S")], "item-not-found", "relay9"),
]


def test_times_that_are_refused(one):
    for params, cond, says in TIMES_REFUSED:
        got = one.set("board", *params)
        assert condition(got) == cond and says in text_of(got), text_of(got)
    assert one.sim.get("board", "relay1") == "off"


# devices that do not as they should

def test_what_was_written_before_a_fault_is_told(site):
    site.sim.fault("cold3", "exception", 4, "on writes")
    got = site.set("cold cold3", ("double", "temp_offset", "3"), ("double", "hum_offset", "2"))
    assert condition(got) == "internal-server-error"
    assert find(got, "error").get("type") == "wait"
    says = text_of(got)
    assert "written before: temp_offset of cold, hum_offset of cold" in says, says
    assert "not tried: hum_offset of cold3" in says and "exception 4" in says
    assert float(site.sim.get("cold", "temp_offset")) == 3
    assert float(site.sim.get("cold3", "temp_offset")) == 0
    site.audit("cold3", "temp_offset", "exception 4")


def test_a_device_falls_silent_in_the_middle(one):
    one.sim.fault("cold", "late", 200)
    key = one.owner.request("set", one.g.jid, set_xml(
        "cold", ("double", "temp_offset", "3"), ("double", "hum_offset", "2")))
    wait_until("the first is written", lambda: float(one.sim.get("cold", "temp_offset")) == 3, 10, 0.01)
    one.audit("temp_offset", "verified")
    one.sim.fault("cold", "silent")
    got = one.owner.wait_answer(key, 20)
    assert condition(got) == "remote-server-timeout"
    assert "written before: temp_offset of cold" in text_of(got), text_of(got)
    one.audit("hum_offset", "not known")


def test_a_device_that_is_gone_is_not_written_to(one):
    one.sim.fault("board", "silent")
    wait_until("it is offline", lambda: one.g.node_list()["board"]["device"] == "offline", 30, 0.1)
    got = one.set("board", ("boolean", "relay1", "true"))
    assert condition(got) == "remote-server-timeout" and "nothing was sent" in text_of(got)


def test_a_write_that_is_not_done_is_not_called_done(one):
    one.sim.fault("cold", "write-ignored")
    got = one.set("cold", ("double", "temp_offset", "4"))
    assert condition(got) == "internal-server-error" and "read back" in text_of(got)


def test_one_request_of_a_node_at_a_time(site):
    site.sim.fault("board", "late", 200)
    key = site.owner.request("set", site.g.jid, set_xml("board", ("boolean", "relay1", "true")))
    got = site.owner.iq("set", site.g.jid, set_xml("board", ("boolean", "relay2", "true")))
    assert condition(got) == "conflict" and find(got, "error").get("type") == "wait"
    assert is_done(site.set("cold", ("double", "temp_offset", "1")))
    assert is_done(site.owner.wait_answer(key, 20))
    assert site.sim.get("board", "relay2") == "off"


def test_a_node_is_removed_in_the_middle(one):
    one.sim.fault("cold", "late", 200)
    key = one.owner.request("set", one.g.jid, set_xml(
        "cold cold3", ("double", "temp_offset", "3"), ("double", "hum_offset", "1")))
    wait_until("the first is written", lambda: float(one.sim.get("cold", "temp_offset")) == 3, 10, 0.01)
    one.g.write(nodes=sections([n for n in TEMPLATES if n != "cold3"]))
    one.g.reload()
    got = one.owner.wait_answer(key, 20)
    assert condition(got) == "item-not-found"
    assert "written before: temp_offset of cold" in text_of(got), text_of(got)
    assert float(one.sim.get("cold3", "temp_offset")) == 0


def test_a_node_changes_hands_in_the_middle(one, fakereg):
    """What its owner asked of it is not done to the next one's."""
    one.sim.fault("cold", "late", 300)
    key = one.owner.request("set", one.g.jid, set_xml(
        "cold cold3", ("double", "temp_offset", "3"), ("double", "hum_offset", "1")))
    wait_until("the first is written", lambda: float(one.sim.get("cold", "temp_offset")) == 3, 10, 0.01)
    fakereg.tell(one.g.jid, "disowned", "cold3", one.source)
    fakereg.claimed(one.g.jid, one.other.bare, "cold3", one.source)
    got = one.owner.wait_answer(key, 20)
    assert condition(got) == "forbidden", text_of(got)
    assert "written before: temp_offset of cold" in text_of(got), text_of(got)
    assert float(one.sim.get("cold3", "temp_offset")) == 0
    assert is_done(one.set("cold3", ("double", "temp_offset", "1"), who=one.other))


def test_a_right_is_taken_in_the_middle(one, fakereg, client):
    """What a server has granted is not done once it says that it changed."""
    friend = client("friend")
    judged_by(one, fakereg, lambda el: "<canControlResponse xmlns='%s' jid='%s' result='true'/>" % (
        PROVISIONING, payload(el).get("jid")))
    wait_until("the server is asked", lambda: is_done(one.set(
        "cold", ("double", "temp_offset", "1"), who=friend)), 20, 0.2)
    one.sim.fault("cold", "late", 300)
    key = friend.request("set", one.g.jid, set_xml(
        "cold", ("double", "temp_offset", "3"), ("double", "hum_offset", "1")))
    wait_until("the first is written", lambda: float(one.sim.get("cold", "temp_offset")) == 3, 10, 0.01)
    clear = fakereg.iq("set", one.g.jid, "<clearCache xmlns='%s'/>" % PROVISIONING)
    assert clear.get("type") == "result"
    got = friend.wait_answer(key, 20)
    assert condition(got) == "conflict" and "was changed meanwhile" in text_of(got), text_of(got)
    assert "written before: temp_offset of cold" in text_of(got), text_of(got)
    assert float(one.sim.get("cold", "hum_offset")) == 0


def test_a_node_is_another_device_in_the_middle(one):
    one.sim.fault("cold", "late", 300)
    key = one.owner.request("set", one.g.jid, set_xml(
        "cold cold3", ("double", "temp_offset", "3"), ("double", "hum_offset", "1")))
    wait_until("the first is written", lambda: float(one.sim.get("cold", "temp_offset")) == 3, 10, 0.01)
    one.g.write(nodes=sections([n for n in TEMPLATES if n != "cold2"]).replace(
        "address = 5", "address = 4"))
    one.g.reload()
    got = one.owner.wait_answer(key, 20)
    assert condition(got) == "conflict" and "configured anew" in text_of(got), text_of(got)
    assert float(one.sim.get("cold2", "temp_offset")) == 0


def test_a_slow_device_is_answered_for_in_time(one):
    """Requesters wait five seconds; what is under way is ended, and no more is begun."""
    one.sim.fault("board", "late", 400)
    one.log_requests()
    began = time.monotonic()
    key = one.owner.request("set", one.g.jid, set_xml("board", *[
        ("boolean", "relay%d" % i, "true") for i in range(1, 9)]))
    got = one.owner.wait_answer(key, 20)
    assert 3 < time.monotonic() - began < 5
    assert condition(got) == "conflict" and find(got, "error").get("type") == "wait"
    says = text_of(got)
    assert "written before: relay1 of board" in says and "relay8" in says, says
    time.sleep(1.5)
    assert 2 <= len(one.writes()) < 8
    wait_until("others may set it again", lambda: is_done(
        one.set("board", ("boolean", "relay8", "false"))), 10, 0.2)


def test_a_message_that_was_kept_is_not_executed(one):
    """A server keeps messages for who is away: what was meant then may harm now."""
    one.owner.send("<message to='%s'>%s<delay xmlns='urn:xmpp:delay' "
                   "stamp='2026-01-01T00:00:00Z'/></message>" % (
                       one.g.jid, set_xml("board", ("boolean", "relay1", "true"))))
    one.audit(one.owner.jid, "too late")
    assert one.sim.get("board", "relay1") == "off"


def test_who_leaves_is_logged_all_the_same(site):
    site.sim.fault("board", "late", 200)
    jid = site.owner.jid
    site.owner.request("set", site.g.jid, set_xml(
        "board", ("boolean", "relay1", "true"), ("boolean", "relay2", "true")))
    time.sleep(0.2)
    site.owner.close()
    site.audit("relay1", jid, "verified")
    site.audit("relay2", jid, "verified")
    assert site.sim.get("board", "relay2") == "on"


def test_it_stops_in_the_middle(one):
    one.sim.fault("board", "late", 200)
    keys = [one.owner.request("set", one.g.jid, set_xml(n, *p)) for n, p in [
        ("board", [("boolean", "relay1", "true"), ("duration", "relay1, pulse", "PT60S"),
                   ("boolean", "relay2", "true")]),
        ("cold", [("double", "temp_offset", "1")])]]
    wait_until("it is on", lambda: one.sim.get("board", "relay1") == "on", 10, 0.01)
    one.g.stop()
    assert one.sim.get("board", "relay1") == "off" and one.sim.get("board", "relay2") == "off"
    with pytest.raises(AssertionError):
        one.owner.wait_answer(keys[0], 0.5)


def test_a_requester_has_so_many_at_once(one):
    one.sim.fault("board", "late", 200)
    for i in range(30):
        one.owner.send("<message to='%s'>%s</message>" % (
            one.g.jid, set_xml("board", ("boolean", "relay%d" % (i % 8 + 1), "true"))))
    one.audit("resource-constraint", one.owner.jid)
    assert condition(one.set("board", ("boolean", "relay1", "true"))) == "resource-constraint"
    assert condition(one.set("cold2", ("double", "temp_offset", "1"), who=one.other)) == ""


# slixmpp's own plugin

def slix(server, account, work, timeout=20):
    """Runs work(client) once a slixmpp client is online."""
    import slixmpp

    result = {}

    async def main():
        c = slixmpp.ClientXMPP("%s@%s/slix" % (account[0], server.domain), account[1])
        c.register_plugin("xep_0325")
        c.ca_certs = str(server.cafile)
        ready = asyncio.get_running_loop().create_future()
        c.add_event_handler("session_start", lambda _: ready.set_result(None))
        c.connect((server.host.rsplit(":", 1)[0], server.c2s_port))
        await asyncio.wait_for(ready, timeout)
        c.send_presence()
        result["got"] = await asyncio.wait_for(work(c), timeout)
        await c.disconnect()

    def run():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    t = threading.Thread(target=run)
    t.start()
    t.join(timeout * 2)
    return result["got"]


def test_slixmpp_sets_by_request_and_by_message(site, server, fakereg):
    account = server.new_account("slix")
    bare = "%s@%s" % (account[0], server.domain)
    got = fakereg.tell(site.g.jid, "disowned", "board",
                       payload(fakereg.wait("register", "board")).get("sourceId"))
    assert got.get("type") == "result"
    source = payload(fakereg.wait("register", "board", 2)).get("sourceId")
    assert fakereg.claimed(site.g.jid, bare, "board", source).get("type") == "result"

    async def work(c):
        done = asyncio.get_running_loop().create_future()
        c["xep_0325"].set_request(
            c.boundjid.full, site.g.jid,
            lambda **kw: done.done() or done.set_result(kw),
            [("relay1", "boolean", "true"), ("relay3", "boolean", "true")], ["board"])
        answer = await done
        c["xep_0325"].set_command(
            c.boundjid.full, site.g.jid, [("relay2", "boolean", "true")], ["board"])
        await asyncio.sleep(0.5)
        return answer

    answer = slix(server, account, work)
    assert answer["result"] in ("", "OK")
    assert site.sim.get("board", "relay1") == site.sim.get("board", "relay3") == "on"
    wait_until("the message was executed", lambda: site.sim.get("board", "relay2") == "on", 10, 0.05)
