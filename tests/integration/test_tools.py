"""The tools for whoever commissions a plant: scan, probe, set, trace, plan and
what status says, over the control socket, while the daemon goes on polling."""

import json
import os
import socket
import stat
import struct
import threading
import time

import pytest

from harness.procs import wait_until

PLANT = """\
[bus plc]
type = modbus-tcp
listen = 127.0.0.1:0
[bus rs485]
type = modbus-rtu
link = {dir}/rs485
[bus wx]
type = serial
link = {dir}/wx
[unit board]
bus = plc
address = 1
template = generic.relay8
value.relay1 = on
[unit incomer]
bus = plc
address = 7
template = eastron.sdm630
value.voltage_l1 = 230.1
value.serial = 4294967295
[unit cold]
bus = rs485
address = 11
template = generic.xy-md02
value.temperature = -12.3
value.humidity = 99.9
value.unit_id = 11
[unit warm]
bus = rs485
address = 12
template = generic.xy-md02
value.temperature = 45.6
[unit mast]
bus = wx
address = 3
template = vaisala.wxt
value.temperature = -3.4
value.humidity = 81.5
value.wind_dir = 215
"""

SITE = """\
[bus plc]
type = modbus-tcp
host = {plc}
[bus rs485]
type = modbus-rtu
port = {dir}/rs485
serial = 19200 8N1
[bus wx]
type = serial
port = {dir}/wx
[bus dead]
type = modbus-tcp
host = 127.0.0.1:1
"""

NODES = [("board", "plc", 1, "generic.relay8"), ("cold", "rs485", 11, "generic.xy-md02")]


@pytest.fixture
def server(prosody):
    return prosody


def sections(nodes):
    return "".join(
        "[node %s]\nbus = %s\naddress = %d\ntemplate = %s\npoll = 500ms\nclaim.SN = %s\n"
        % (n, b, a, t, n) for n, b, a, t in nodes)


@pytest.fixture
def site(make_sim, make_gateway, fakereg, tmp):
    sim = make_sim(PLANT.format(dir=tmp))
    g = make_gateway(sections(NODES), buses=SITE.format(plc=sim.bus["plc"], dir=tmp),
                     registry=fakereg.jid)
    wait_until("both devices answer", lambda: all(
        g.node_list()[n]["device"] == "online" for n, _, _, _ in NODES), 30, 0.1)
    return sim, g


class Talk:
    """A client that stays: lines out, lines in."""

    def __init__(self, g, timeout=60):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        wait_until("it is accepted", lambda: self.connected(g), timeout, 0.01)
        self.f = self.s.makefile("rb")

    def connected(self, g):
        try:
            self.s.connect(str(g.socket))
        except BlockingIOError:
            return False
        return True

    def send(self, cmd, **args):
        self.s.sendall(json.dumps(dict(cmd=cmd, **args)).encode() + b"\n")

    def line(self):
        got = self.f.readline()
        assert got, "the connection was closed"
        return json.loads(got)

    def lines(self):
        """Up to the last line of a command."""
        while True:
            a = self.line()
            yield a
            if not a.get("more"):
                return

    def close(self):
        self.f.close()
        self.s.close()


def scan(g, bus, **args):
    t = Talk(g)
    t.send("scan", bus=bus, **args)
    lines = list(t.lines())
    t.close()
    assert lines[-1]["ok"], lines[-1]
    return [a["data"] for a in lines[:-1]], lines[-1]["data"]


def field(g, node, name):
    return g.control("read", node=node, fields=[name])["fields"][0]


def bus(g, name):
    return next(b for b in g.control("status")["buses"] if b["name"] == name)


# scan

def test_scan_of_a_line_finds_all_and_guesses(site):
    _, g = site
    progress, last = scan(g, "rs485", first=9, last=14, timeout_ms=100)
    found = {f["address"]: f for f in last["found"]}
    assert sorted(found) == [11, 12] and not last["stopped"]
    assert found[11]["node"] == "cold" and found[11]["state"] == "online"
    assert found[12]["node"] is None and found[12]["answer"] in ("ok", "exception 2")
    assert "generic.xy-md02" in found[12]["looks_like"]
    assert found[12]["serial"] == "19200 8N1"
    assert progress[-1]["of"] == 6 and progress[-1]["done"] <= 6
    assert all(p["left_s"] >= 0 for p in progress)
    assert [p["found"] for p in progress if "found" in p] == last["found"]


def test_scan_leaves_the_polls_their_time(site):
    sim, g = site
    before, at = int(sim.count("cold")), time.monotonic()
    t = Talk(g)
    t.send("scan", bus="rs485", first=20, last=200, timeout_ms=200)
    time.sleep(8)
    polls = (int(sim.count("cold")) - before) / (time.monotonic() - at)
    t.send("stop")
    last = list(t.lines())[-1]
    assert last["ok"] and last["data"]["stopped"] and last["data"]["found"] == []
    assert polls > 2 * 0.8  # every 500 ms
    assert g.node_list()["cold"]["device"] == "online"
    # the same client goes on
    t.send("status")
    assert t.line()["ok"]
    t.close()


def test_scan_over_tcp_by_unit(site):
    _, g = site
    _, last = scan(g, "plc", first=0, last=9, timeout_ms=150)
    found = {f["address"]: f for f in last["found"]}
    assert sorted(found) == [1, 7]
    assert found[7]["looks_like"][0] == "eastron.sdm630" and found[7]["serial"] is None
    assert found[1]["node"] == "board"


def test_scan_of_text_devices(site):
    _, g = site
    _, last = scan(g, "wx", first=2, last=4)
    assert [(f["address"], f["looks_like"]) for f in last["found"]] == [(3, ["vaisala.wxt"])]


def test_scan_says_two_devices(site):
    sim, g = site
    sim.fault("warm", "garble")
    _, last = scan(g, "rs485", first=12, last=12, timeout_ms=100)
    assert [f["answer"] for f in last["found"]] == ["two devices?"]


def test_one_scan_a_bus_and_it_ends_with_its_client(site):
    _, g = site
    t = Talk(g)
    t.send("scan", bus="rs485", timeout_ms=100)
    t.line()
    again = g.request("scan", bus="rs485")
    assert not again["ok"] and "already" in again["text"]
    t.close()

    def free():
        u = Talk(g)
        u.send("scan", bus="rs485", first=11, last=11)
        a = u.line()
        u.close()
        return a["ok"]
    wait_until("the bus can be scanned again", free, 10, 0.2)


@pytest.mark.parametrize("args,says", [
    ({"bus": "nothing"}, "no bus"), ({}, "which bus"), ({"bus": "rs485", "first": 300}, "1 to 247"),
    ({"bus": "plc", "serial": ["9600 8N1"]}, "serial port"),
    ({"bus": "rs485", "serial": ["fast"]}, "no serial setting"),
    ({"bus": "rs485", "first": "1"}, "type"),
])
def test_scan_refuses(site, args, says):
    _, g = site
    got = g.request("scan", **args)
    assert not got["ok"] and says in got["text"], got


def test_scan_of_a_dead_line_says_so(site):
    _, g = site
    t = Talk(g)
    t.send("scan", bus="dead", first=1, last=2)
    last = list(t.lines())[-1]
    assert not last["ok"] and "not up" in last["text"]


def test_scan_asks_the_configured_ones_too(site):
    sim, g = site
    _, last = scan(g, "rs485", first=11, last=11, timeout_ms=100)
    f, = last["found"]
    assert (f["node"], f["answer"], f["state"]) == ("cold", "ok", "online")
    sim.fault("cold", "silent")
    _, last = scan(g, "rs485", first=11, last=11, timeout_ms=100)
    f, = last["found"]
    assert (f["node"], f["answer"]) == ("cold", "no answer"), f


def test_scan_of_a_line_that_is_lost_says_so_at_once(site, tmp):
    _, g = site
    at = time.monotonic()
    wait_until("it is known", lambda: bus(g, "dead")["trouble"], 10, 0.1)
    got = g.request("scan", bus="dead")
    assert "bus dead: its line is not up: " in got["text"] and "bus dead: bus" not in got["text"]
    assert time.monotonic() - at < 5
    g.write(buses=g.buses.replace("{}/rs485".format(tmp), "{}/gone".format(tmp)))
    assert g.reload()["buses"] == 1
    assert "buses 0 added, 1 reopened, 0 removed" in g.log()
    was = g.buses
    g.write(buses=was + "[bus more]\ntype = modbus-tcp\nhost = 127.0.0.2:1\n")
    done = g.reload()
    assert (done["buses_added"], done["buses"], done["buses_removed"]) == (1, 0, 0)
    g.write(buses=was)
    done = g.reload()
    assert (done["buses_added"], done["buses"], done["buses_removed"]) == (0, 0, 1)
    wait_until("it is known", lambda: bus(g, "rs485")["trouble"], 10, 0.1)
    got = g.request("scan", bus="rs485", first=11, last=11)
    assert not got["ok"] and "not up" in got["text"] and "gone" in got["text"]
    texts = [w["text"] for w in g.control("status")["warnings"]]
    assert any("gone" in t for t in texts) and not any(t.startswith("cold:") for t in texts)
    p, = [p for p in g.control("ports")["ports"] if p["path"].endswith("/gone")]
    assert (p["bus"], p["holder"]) == ("rs485", None) and p["hint"].startswith("not there: ")


def test_scan_sends_nothing_to_devices_that_only_speak(site):
    sim, g = site
    g.write(nodes=sections(NODES + [("clock", "wx", 0, "nmea.gnss")]))
    g.reload()
    t = Talk(g)
    t.send("trace", bus="wx")
    got = g.request("scan", bus="wx")
    assert not got["ok"] and got["text"] == (
        "wx has text devices, which are not scanned; thingbridge probe wx 0 shows what comes")
    t.send("stop")
    assert not [a for a in t.lines() if a["data"].get("dir") == ">"]
    t.close()


# probe

def test_probe_by_template(site):
    _, g = site
    d = g.control("probe", bus="rs485", address=12, template="generic.xy-md02")
    values = {f["name"]: f["value"] for f in d["fields"]}
    assert d["result"] == "ok" and values["temperature"] == "45.6"
    assert d["frames"] and d["frames"][0]["dir"] == ">"
    assert all(f["at_ms"] >= 0 for f in d["frames"])


def test_probe_by_the_template_of_another_device(site):
    """It has none of those registers, and each row says so."""
    sim, g = site
    sim.control("tune cold holes exception")
    got = g.control("probe", bus="rs485", address=11, template="eastron.sdm630")
    assert len(got["fields"]) > 20
    for f in got["fields"]:
        assert f["quality"] == "error"
        assert "does not have this register" in f["error"], f


def test_probe_one_place_in_every_way(site):
    _, g = site
    d = g.control("probe", bus="plc", address=7, where="input:0x0000", type="f32")
    by = {r["order"]: r for r in d["readings"]}
    assert len(d["readings"]) == 4 and {r["type"] for r in d["readings"]} == {"f32"}
    assert by["ABCD"]["value"].startswith("230.1")
    assert by["ABCD"]["line"] == "value = input:0x0000 f32 dec=3"
    assert "order=CDAB" in by["CDAB"]["line"]
    assert [f["dir"] for f in d["frames"]][:2] == [">", "<"]
    d = g.control("probe", bus="plc", address=7, where="input:0x0000")
    by = {(r["type"], r["order"]): r for r in d["readings"]}
    assert len(by) == len(d["readings"]) > 10
    assert by["u16", None]["value"] == str(0x4366)
    assert by["hex", None]["value"] == "0x4366"
    d = g.control("probe", bus="plc", address=7, where="input:0", type="bcd16")
    assert [r["type"] for r in d["readings"]] == ["bcd16"]


def test_probe_without_more_shows_who_it_is(site):
    _, g = site
    d = g.control("probe", bus="plc", address=7)
    assert d["result"] in ("ok", "exception 2") and "eastron.sdm630" in d["looks_like"]


def test_probe_of_text(site):
    _, g = site
    d = g.control("probe", bus="wx", address=3, template="vaisala.wxt")
    values = {f["name"]: f["value"] for f in d["fields"]}
    assert values["temperature"] == "-3.4" and d["result"] == "ok"


def test_probe_of_nobody_gives_the_checklist(site):
    _, g = site
    d = g.control("probe", bus="rs485", address=99, where="holding:0")
    assert d["result"] == "timeout" and "A and B" in d["hint"] and "19200 8N1" in d["hint"]
    assert [f["dir"] for f in d["frames"]][:2] == [">", "!"]
    assert d["frames"][1]["text"] == "no answer" and "serial" not in d["frames"][0]
    others = [f["serial"] for f in d["frames"][2:]]
    assert others[0] == "9600 8N1" and "19200 8N1" not in others and len(others) == 7


@pytest.mark.parametrize("args,says", [
    ({"bus": "rs485"}, "address"), ({"bus": "rs485", "address": 300}, "address"),
    ({"bus": "rs485", "address": 1, "where": "nowhere:1"}, "where"),
    ({"bus": "rs485", "address": 1, "where": "holding:1\n[x]"}, "line"),
    ({"bus": "rs485", "address": 1, "template": "no.such"}, "no template"),
    ({"bus": "wx", "address": 1}, "template"),
    ({"bus": "rs485", "address": 0}, "1 to 247"),
    ({"bus": "rs845", "address": 1}, 'did you mean "rs485"?'),
])
def test_probe_refuses(site, args, says):
    _, g = site
    got = g.request("probe", **args)
    assert not got["ok"] and says in got["text"], got
    assert "value:" not in got["text"]


def test_probe_of_a_dead_line_says_why(site):
    _, g = site
    wait_until("it is known", lambda: bus(g, "dead")["trouble"], 10, 0.1)
    got = g.request("probe", bus="dead", address=1)
    assert "refuses the connection" in got["text"] and got["text"].count("bus") == 1, got


# set

def test_set_writes_and_verifies(site):
    sim, g = site
    dry = g.control("set", node="board", field="relay3", value="on", dry=True)
    assert dry["outcome"] == "dry" and sim.get("board", "relay3") != "on"
    d = g.control("set", node="board", field="relay3", value="on")
    assert (d["outcome"], d["new"], d["old"]) == ("verified", "true", "false")
    wait_until("it is read", lambda: field(g, "board", "relay3")["value"] == "true", 10, 0.1)
    log = [l for l in g.log().splitlines() if "relay3" in l and "uid" in l]
    assert len(log) == 1 and "verified" in log[0] and "board" in log[0]


def test_set_a_number(site):
    _, g = site
    d = g.control("set", node="cold", field="temp_offset", value="-1.5")
    assert d["outcome"] == "verified" and d["new"] == "-1.5" and d["unit"] == "C"


@pytest.mark.parametrize("field_,value,says", [
    ("temp_offset", "11", "maximum"), ("temp_offset", "-11", "minimum"),
    ("temp_offset", "warm", "number"), ("temperature", "20", "only be read"),
    ("nothing", "1", "no field"), ("temp_ofset", "1", 'did you mean "temp_offset"?'),
    ("nothing", "1", "templates show generic.xy-md02"),
])
def test_set_refuses_with_the_reason(site, field_, value, says):
    _, g = site
    got = g.request("set", node="cold", field=field_, value=value)
    assert not got["ok"] and says in got["text"], got


def test_set_to_a_silent_device_is_not_called_done(site):
    sim, g = site
    sim.fault("cold", "silent")
    got = g.request("set", node="cold", field="temp_offset", value="2")
    assert not got["ok"] and got["exit"] == 3 and "not known" in got["text"]


def test_set_is_refused_by_the_device(site):
    sim, g = site
    sim.fault("cold", "exception", 4)
    got = g.request("set", node="cold", field="temp_offset", value="2")
    assert not got["ok"] and "exception 4" in got["text"]


# trace

def test_trace_to_two_clients(site):
    _, g = site
    a, b = Talk(g), Talk(g)
    a.send("trace", bus="rs485")
    first = [a.line()["data"] for _ in range(4)]
    b.send("trace", bus="rs485")
    second = [b.line()["data"] for _ in range(4)]
    for d in first + second:
        assert d["dir"] in "><!" and ("hex" in d or "text" in d) and d["at"].endswith("Z")
    assert second[0] in first  # who comes later begins with what passed
    assert any(d["dir"] == ">" and d["hex"].replace(" ", "").lower().startswith("0b")
               for d in first)
    a.send("stop")
    last = list(a.lines())[-1]
    assert last["ok"] and last["data"]["frames"] >= 4 and last["data"]["missed"] == 0
    b.close()
    a.send("status")
    assert a.line()["ok"]
    a.close()


def test_trace_has_remarks(site):
    sim, g = site
    t = Talk(g)
    t.send("trace", bus="rs485")

    def next_remark(word):
        while True:
            d = t.line()["data"]
            if d["dir"] == "!" and word in d["text"]:
                return
    sim.fault("cold", "silent")
    next_remark("no answer")
    sim.fault("cold", "garble")
    next_remark("CRC wrong")
    sim.fault("rs485", "vanish")
    next_remark("is gone")
    sim.fault("rs485", "back")
    next_remark("is open")
    t.close()


def test_trace_of_text_has_letters(site):
    _, g = site
    t = Talk(g)
    t.send("trace", bus="wx")
    g.request("probe", bus="wx", address=3, template="vaisala.wxt")
    frames = (l["data"] for l in t.lines() if l["data"]["dir"] != "!")
    sent, got = next(frames), next(frames)
    assert (sent["dir"], sent["ascii"]) == (">", "3r0..")
    assert got["ascii"].startswith("3r0,") and "Ta=-3.4C" in got["ascii"]
    t.close()


def test_trace_to_a_file(site, tmp):
    _, g = site
    path = tmp / "frames.log"
    t = Talk(g)
    t.send("trace", bus="rs485", file=str(path), max=4096)
    wait_until("it turned over", lambda: (tmp / "frames.log.1").exists(), 60, 0.2)
    t.send("stop")
    assert list(t.lines())[-1]["ok"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert 4096 <= os.stat(tmp / "frames.log.1").st_size < 4096 + 2000
    line = (tmp / "frames.log.1").read_text().splitlines()[0].split()
    assert line[0].endswith("Z") and line[1] in "><!"
    got = g.request("trace", bus="rs485", file=str(path))
    assert not got["ok"] and "another name" in got["text"]
    got = g.request("trace", bus="rs485", file="frames.log")
    assert not got["ok"] and "begin with /" in got["text"]
    t.close()


# status, plan, ports

def test_status_counts_by_unit(site):
    sim, g = site
    u = bus(g, "rs485")["units"][0]
    assert u["node"] == "cold" and u["ok"] > 0 and u["last_ok"].endswith("Z")
    assert bus(g, "rs485")["line"].endswith("19200 8N1")
    sim.fault("cold", "garble")
    wait_until("it is counted", lambda: bus(g, "rs485")["units"][0]["garbled"] > 0, 20, 0.1)
    sim.fault("cold", "none")
    wait_until("it is online", lambda: bus(g, "rs485")["units"][0]["state"] == "online", 40, 0.2)
    sim.fault("cold", "exception", 4)
    wait_until("by its code", lambda: bus(g, "rs485")["units"][0]["exception"].get("4"), 20, 0.1)


def test_a_silent_device_is_explained(site):
    sim, g = site
    sim.fault("cold", "silent")

    def warned():
        return [w for w in g.control("status")["warnings"] if w["text"].startswith("cold:")]
    w = wait_until("it is warned of", warned, 40, 0.2)[0]
    for part in ("address 11", "19200 8N1", "last answer"):
        assert part in w["text"]
    assert w["text"].endswith("?") and w["text"].count("powered") == 1  # whole, and once
    assert w["text"] == "cold: " + g.node_list()["cold"]["trouble"]
    assert w["command"] == "thingbridge probe rs485 11"


def test_plan(site):
    _, g = site
    d = g.control("plan", node="cold")
    assert [b["bus"] for b in d["buses"]] == ["rs485"]
    node = d["buses"][0]["nodes"][0]
    names = [f for r in node["requests"] for f in r["fields"]]
    assert {"temperature", "humidity"} <= set(names) and node["load"] > 0
    r = next(r for r in node["requests"] if "temperature" in r["fields"])
    assert (r["table"], r["address"], r["every_ms"]) == ("input", 1, 500)
    assert len(g.control("plan")["buses"]) == 4
    b = d["buses"][0]  # it is told what was measured, and what check says without that
    assert b["rtt_ms"] > 0 and 0 < b["load"] != b["guessed"] > 0
    dead, = [b for b in g.control("plan")["buses"] if b["bus"] == "dead"]
    assert dead["rtt_ms"] is None


def test_overload_is_told(site, tmp):
    sim, g = site
    g.write(nodes=sections(NODES).replace("poll = 500ms", "poll = 100ms"),
            buses=g.buses.replace("19200 8N1", "1200 8N1"))
    notes = g.reload()["notes"]
    assert any("line's time" in n and "rs485" in n for n in notes), notes
    assert any("bus rs485" in w["text"] and w["command"] == "thingbridge plan"
               for w in g.control("status")["warnings"])


def test_ports(site):
    _, g = site
    d = g.control("ports")
    assert d["schema"] == 1 and isinstance(d["ports"], list)


def test_reload_shows_whole_lines(site):
    _, g = site
    g.write(nodes=sections(NODES) + "".join(
        "[node n%d]\nbus = rs485\ntemplate = no.such.template.%d\n" % (i, i) for i in range(30)))
    got = g.request("reload")
    lines = got["text"].splitlines()
    assert not got["ok"] and lines[0] == "nothing was changed:" and len(lines) > 2
    assert all(": error: " in line for line in lines[1:-1])
    assert lines[-1].startswith("and ") and "thingbridge check shows them" in lines[-1]
    g.write(nodes=sections(NODES))
    assert g.reload()["buses"] == 0


def test_values_that_cannot_be_right_are_told(site):
    _, g = site
    g.write(nodes=sections(NODES + [("warm", "rs485", 12, "generic.xy-md02")])
            + "field.temperature.min = 70\nfield.humidity.min = 90\n")
    g.reload()

    def warned():
        return [w for w in g.control("status")["warnings"] if w["text"].startswith("warm:")]
    w = wait_until("it is warned of", warned, 20, 0.2)[0]
    assert "2 of " in w["text"] and "byte order" in w["text"]
    assert w["command"].startswith("thingbridge probe rs485 12 input:")


# clients

def test_one_too_many_is_told_so(site):
    _, g = site
    time.sleep(0.5)  # those before are gone
    talks = [Talk(g) for _ in range(32)]
    for t in talks:
        t.send("registry")
        assert t.line()["ok"]
    for _ in range(3):
        t = Talk(g)
        got = t.line()
        assert not got["ok"] and got["exit"] == 1
        assert got["text"].startswith("too many connections to the control socket (32): ")
        assert t.f.readline() == b""
        t.close()
    code, _, err = g.ctl("nodes")
    assert code == 1 and "too many connections" in err
    for t in talks:
        t.close()
    wait_until("there is room", lambda: g.request("status")["ok"], 10, 0.1)
    assert g.log().count("too many connections") == 1


def test_a_second_command_waits_for_the_first(site):
    _, g = site
    t = Talk(g)
    t.send("scan", bus="rs485", first=11, last=11)
    t.send("registry")
    lines = [t.line()]
    while lines[-1].get("more"):
        lines.append(t.line())
    assert "found" in lines[-1]["data"] and "jid" in t.line()["data"]
    t.close()


def test_one_that_only_listens_is_served(site):
    _, g = site
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(g.socket))
        s.sendall(b'{"cmd":"scan","bus":"rs485","first":11,"last":11}\n')
        s.shutdown(socket.SHUT_WR)
        data = b""
        while True:
            more = s.recv(65536)
            if not more:
                break
            data += more
    assert "more" not in json.loads(data.splitlines()[-1])


def test_many_clients_that_leave(site):
    _, g = site
    for _ in range(50):
        for cmd in ("trace", "scan", "probe"):
            t = Talk(g)
            try:
                t.send(cmd, bus="rs485", address=99)
            except OSError:
                pass  # more than it serves at once
            t.close()
    wait_until("it has noticed that they left", lambda: g.request("status")["ok"], 20, 0.1)


# what the installer is told of claims, tags and the registry

def test_audit_names_whose_key_was_given(fakereg, make_gateway):
    g = make_gateway(sections([("a", "dead", 1, "generic.xy-md02"),
                               ("b", "dead", 2, "generic.xy-md02"),
                               ("own", "dead", 3, "generic.xy-md02")]) + "self_owned = yes\n",
                     registry=fakereg.jid)

    def shown():
        return [line for line in g.log().splitlines() if "claim texts shown" in line]
    g.control("stickers", kind="claim")
    g.control("stickers", kind="asset", secrets=True)
    g.control("stickers", nodes=["own"], kind="claim", secrets=True)
    assert shown() == []
    g.control("stickers", kind="claim", secrets=True)
    line = shown()[0]
    assert "uid %d" % os.getuid() in line and line.endswith(": a b")
    assert g.key("a") not in g.log()


def test_meta_says_what_the_installer_wins_over(fakereg, make_gateway):
    g = make_gateway(sections([("a", "dead", 1, "generic.xy-md02")]) + "tag.ROOM = 12\n",
                     registry=fakereg.jid)

    def tag(name):
        return next(t for t in g.control("meta", node="a")["tags"] if t["name"] == name)
    assert tag("ROOM")["from"] == "config" and "over" not in tag("ROOM")
    g.control("meta", node="a", set=[{"name": "ROOM", "value": "13", "num": False},
                                     {"name": "CITY", "value": "Lund", "num": False}])
    assert (tag("ROOM")["value"], tag("ROOM")["from"]) == ("13", "installer")
    assert tag("ROOM")["over"] == {"value": "12", "from": "config"}
    assert tag("CITY")["from"] == "installer" and "over" not in tag("CITY")


def test_a_registry_that_is_none_is_called_so(server, make_gateway):
    g = make_gateway(sections([("a", "dead", 1, "generic.xy-md02")]), registry="localhost")
    g.wait_online()
    got = wait_until("it was asked what it is", lambda: (
        lambda r: r if "no Thing Registry, but" in (r["trouble"] or "") else None)(
            g.control("status")["registry"]), 30, 0.2)
    assert not got["online"]
    assert any("no Thing Registry" in w["text"] for w in g.control("status")["warnings"])


def test_hint_for_a_wrong_password_leads_somewhere(server, fakereg, make_gateway):
    user, _ = server.new_account("plant")
    g = make_gateway(sections([("a", "dead", 1, "generic.xy-md02")]), registry=fakereg.jid,
                     account=(user, "wrong"))

    def refused():
        return [w for w in g.control("status")["warnings"] if "password" in w["text"]]
    w = wait_until("the login is refused", refused, 30, 0.2)[0]
    assert w["command"] == "systemctl restart thingbridged"
    for w in g.control("status")["warnings"]:
        assert w["command"] not in ("thingbridge status", "thingbridge check")


class Slave(threading.Thread):
    """A Modbus TCP device with the registers regs, unit 126, that names itself."""

    def __init__(self, regs, objects):
        super().__init__(daemon=True)
        self.regs, self.objects = regs, objects
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with s:
                while self.serve(s):
                    pass

    def serve(self, s):
        try:
            head = s.recv(7, socket.MSG_WAITALL)
            if len(head) < 7:
                return False
            pdu = s.recv(struct.unpack(">H", head[4:6])[0] - 1, socket.MSG_WAITALL)
            if head[6] == 126:
                answer = self.answer(pdu)
                s.sendall(head[:4] + struct.pack(">HB", len(answer) + 1, head[6]) + answer)
        except OSError:
            return False
        return True

    def answer(self, pdu):
        if pdu[0] == 43:
            return (bytes([43, 14, 1, 1, 0, 0, len(self.objects)])
                    + b"".join(bytes([i, len(o)]) + o for i, o in enumerate(self.objects)))
        if pdu[0] == 3:
            addr, count = struct.unpack(">HH", pdu[1:5])
            if all(addr + i in self.regs for i in range(count)):
                return bytes([3, 2 * count]) + b"".join(
                    struct.pack(">H", self.regs[addr + i]) for i in range(count))
            return bytes([0x83, 2])
        return bytes([pdu[0] | 0x80, 1])


def test_scan_walks_sunspec_and_reads_the_name(make_gateway, fakereg):
    regs = {40000: 0x5375, 40001: 0x6E53, 40002: 1, 40003: 66, 40070: 103, 40071: 50,
            40122: 120, 40123: 26, 40150: 0xFFFF, 40151: 0}
    text = b"Example Power".ljust(32, b"\0") + b"XP 8000".ljust(32, b"\0")
    for i in range(66):
        regs[40004 + i] = struct.unpack(">H", (text + bytes(132))[2 * i:2 * i + 2])[0]
    slave = Slave(regs, [b"Vendor", b"EM24-DIN", b"1.2"])
    g = make_gateway(sections([("a", "dead", 1, "generic.xy-md02")]), registry=fakereg.jid,
                     buses="[bus dead]\ntype = modbus-tcp\nhost = 127.0.0.1:1\n"
                           "[bus roof]\ntype = modbus-tcp\nhost = %s\n" % slave.at)
    wait_until("the line is up", lambda: bus(g, "roof")["up"], 10, 0.1)
    _, last = scan(g, "roof", first=125, last=127, timeout_ms=200)
    f, = last["found"]
    assert f["address"] == 126 and f["answer"] == "exception 2" or f["answer"] == "ok"
    assert f["sunspec"] == [1, 103, 120]
    assert (f["maker"], f["product"]) == ("Vendor", "EM24-DIN")
    d = g.control("probe", bus="roof", address=126)
    assert d["maker"] == "Vendor" and [x["dir"] for x in d["frames"]][:2] == [">", "<"]
    slave.listener.close()


def test_set_is_noted_though_its_client_left(site):
    sim, g = site
    sim.fault("cold", "silent")
    t = Talk(g)
    t.send("set", node="cold", field="temp_offset", value="2")
    time.sleep(0.1)
    t.close()
    wait_until("it is noted", lambda: any(
        "temp_offset" in line and "not known" in line for line in g.log().splitlines()), 20, 0.1)


def test_it_stops_while_commands_run(site):
    sim, g = site
    sim.fault("cold", "silent")
    talks = [Talk(g) for _ in range(5)]
    for t, (cmd, args) in zip(talks, [
            ("scan", {}), ("trace", {}), ("probe", {"address": 99}),
            ("set", {"node": "cold", "field": "temp_offset", "value": "2"}), ("ports", {})]):
        t.send(cmd, **dict({"bus": "rs485"}, **args))
    time.sleep(0.2)
    g.stop()
    for t in talks:
        t.close()
