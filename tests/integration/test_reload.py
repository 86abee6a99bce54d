"""A reload changes what was changed, and nothing else notices."""

import json
import re
import socket
import threading
import time

import pytest

from harness.procs import wait_until

PLANT = """\
[bus line]
type = modbus-rtu
link = {dir}/line
[bus other]
type = modbus-tcp
listen = 127.0.0.1:0
[units u]
bus = line
template = generic.xy-md02
address = 1
count = 8
[unit far]
bus = other
address = 1
template = generic.xy-md02
"""

SITE = """\
[bus line]
type = modbus-rtu
port = {dir}/line
serial = 115200 8N1
[bus other]
type = modbus-tcp
host = {other}
"""

PERIOD = 0.5


@pytest.fixture
def server(prosody):
    return prosody


def node(name, address, bus="line", template="generic.xy-md02", poll="500ms", more=""):
    return ("[node %s]\nbus = %s\naddress = %d\ntemplate = %s\npoll = %s\nclaim.SN = %s\n%s"
            % (name, bus, address, template, poll, name, more))


@pytest.fixture
def site(make_sim, make_gateway, fakereg, tmp):
    plant = PLANT.format(dir=tmp)
    plant = re.sub(r"\[units u\].*?count = 8\n", "".join(
        "[unit u%d]\nbus = line\ntemplate = generic.xy-md02\naddress = %d\n"
        "value.temperature = %d.5\n" % (i, i, i) for i in range(1, 9)), plant, flags=re.S)
    sim = make_sim(plant)
    g = make_gateway(node("a", 1) + node("b", 2) + node("far", 1, bus="other"),
                     buses=SITE.format(dir=tmp, other=sim.bus["other"]), registry=fakereg.jid)
    for n in ("a", "b", "far"):
        online(g, n)
    return sim, g


def online(g, name):
    wait_until("%s is online" % name, lambda: g.node_list()[name]["device"] == "online", 30, 0.05)


def field(g, n, name):
    return g.control("read", node=n, fields=[name])["fields"][0]


class Cadence:
    """When requests to units pass on a bus, by its trace."""

    def __init__(self, g, bus):
        self.seen, self.end = {}, False
        self.since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(str(g.socket))
        self.s.settimeout(0.2)
        self.s.sendall(json.dumps({"cmd": "trace", "bus": bus}).encode() + b"\n")
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        rest = b""
        while not self.end:
            try:
                got = self.s.recv(65536)
            except TimeoutError:
                continue
            if not got:
                return
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                d = json.loads(line)["data"]
                hex_ = d.get("hex", "").replace(" ", "")
                # input registers from 1 on: temperature and humidity
                if d["at"] >= self.since and d["dir"] == ">" and hex_[2:8] == "040001":
                    at = d["at"][11:-1].split(":")
                    at = int(at[0]) * 3600 + int(at[1]) * 60 + float(at[2])
                    self.seen.setdefault(int(hex_[:2], 16), []).append(at)

    def stop(self):
        self.end = True
        self.thread.join()
        self.s.close()
        return self.seen


def on_time(times):
    gaps = [(b - a) % 86400 for a, b in zip(times, times[1:])]
    # A fifth: this machine may be busy.  tests/bench/neighbour.py measures.
    return all(abs(gap - PERIOD) <= PERIOD * 0.2 for gap in gaps), gaps


def test_untouched_units_miss_nothing(site):
    sim, g = site
    base = node("a", 1) + node("b", 2) + node("far", 1, bus="other")
    time.sleep(2)  # the first poll comes at once, the next in their phase
    c = Cadence(g, "line")
    steps = [
        base + node("c", 3),
        base + node("c", 3) + node("d", 4),
        base + node("c", 3, poll="250ms") + node("d", 4),
        base + node("c", 5) + node("d", 4),
        base + node("d", 4, more="tag.ROOM = 12\n"),
        base,
        base + "".join(node("x%d" % i, i) for i in range(3, 9)),
        base,
    ]
    for nodes in steps:
        time.sleep(1)
        g.write(nodes=nodes)
        g.reload()
    time.sleep(1)
    seen = c.stop()
    for unit in (1, 2):
        ok, gaps = on_time(seen[unit])
        assert len(gaps) >= 14 and ok, (unit, gaps)
    assert seen[3] and seen[4] and seen[5]  # the others were polled meanwhile
    for b in g.control("status")["buses"]:
        assert b["reconnects"] == 0 and b["overruns"] == 0, b
    assert len([l for l in g.log().splitlines() if "line is open" in l]) == 1


def test_a_changed_unit_begins_again(site):
    """Its old values are not shown for the new one's, of another template."""
    sim, g = site
    assert field(g, "b", "temperature")["value"] == "2.5"
    g.write(nodes=node("a", 1) + node("b", 7) + node("far", 1, bus="other"))
    g.reload()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert field(g, "b", "temperature")["value"] in (None, "7.5")
    assert field(g, "b", "temperature")["value"] == "7.5"
    g.write(nodes=node("a", 1) + node("b", 7, template="generic.relay8", poll="1s")
            + node("far", 1, bus="other"))
    g.reload()
    for _ in range(50):
        got = g.control("read", node="b")["fields"]
        assert all(f["value"] in (None, "true", "false") for f in got), got
        time.sleep(0.02)


def test_a_changed_line_restarts_that_bus_alone(site, tmp):
    sim, g = site

    def requests():
        return {b["name"]: b["requests"] for b in g.control("status")["buses"]}

    wait_until("the line has a history", lambda: requests()["line"] > 30, 20, 0.1)
    before = requests()
    g.write(buses=g.buses.replace("115200 8N1", "57600 8N1"))
    g.reload()
    after = requests()
    assert after["other"] >= before["other"] and after["line"] < before["line"]
    for n in ("a", "b", "far"):
        online(g, n)


def test_a_bus_that_goes_and_comes(site, tmp):
    sim, g = site
    both = g.buses
    g.write(nodes=node("far", 1, bus="other"), buses="[bus other]" + both.split("[bus other]")[1])
    got = g.reload()
    assert got["removed"] == 2
    assert [b["name"] for b in g.control("status")["buses"]] == ["other"]
    g.write(nodes=node("a", 1) + node("far", 1, bus="other"), buses=both)
    g.reload()
    online(g, "a")
    assert g.node_list()["far"]["device"] == "online"


def test_many_reloads_in_a_row(site):
    """Each is carried out, also those that come before the last is done."""
    sim, g = site
    for i in range(30):
        g.write(nodes=node("a", 1) + node("b", 2 + i % 5) + node("far", 1, bus="other"))
        g.reload()
    wait_until("the last one holds",
               lambda: field(g, "b", "temperature")["value"] == "%d.5" % (2 + 29 % 5), 20, 0.1)
    assert field(g, "a", "temperature")["value"] == "1.5"


def test_a_trace_outlives_its_bus_restart_and_not_its_end(site):
    sim, g = site
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(str(g.socket))
    s.sendall(b'{"cmd":"trace","bus":"line"}\n')
    f = s.makefile("rb")
    f.readline()
    g.write(buses=g.buses.replace("115200 8N1", "57600 8N1"))
    g.reload()
    for _ in range(60):
        assert json.loads(f.readline()).get("more")
    g.write(nodes=node("far", 1, bus="other"), buses="[bus other]" + g.buses.split("[bus other]")[1])
    g.reload()
    while True:
        a = json.loads(f.readline())
        if not a.get("more"):
            break
    assert not a["ok"] and "no longer" in a["text"]
    s.close()


def test_asks_end_with_their_bus(site):
    sim, g = site
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(str(g.socket))
    s.sendall(b'{"cmd":"scan","bus":"line","first":100,"last":200}\n')
    f = s.makefile("rb")
    f.readline()
    g.write(nodes=node("far", 1, bus="other"), buses="[bus other]" + g.buses.split("[bus other]")[1])
    g.reload()
    while True:
        a = json.loads(f.readline())
        if not a.get("more"):
            break
    assert not a["ok"]
    s.close()


# what status says of the configuration

def test_a_refused_reload_is_shown_until_one_is_taken(site):
    _, g = site
    assert g.control("status")["config_error"] is None
    good = g.nodes
    g.write(nodes=good + "[node broken]\nbuss = line\n")
    assert not g.request("reload")["ok"]
    st = g.control("status")
    assert "buss" in st["config_error"]["text"] and st["config_error"]["at"].endswith("Z")
    assert any("refused" in w["text"] and "buss" in w["text"] for w in st["warnings"])
    g.write(nodes=good)
    g.reload()
    assert g.control("status")["config_error"] is None


def test_what_needs_a_restart_is_said_until_it_is_taken_back(site):
    _, g = site
    jid = g.jid
    g.jid = jid + "x"
    g.write()
    assert any("xmpp.jid" in n for n in g.reload()["notes"])
    assert g.control("status")["restart"] == "xmpp.jid"
    g.jid = jid
    g.write()
    assert not any("restart" in n for n in g.reload()["notes"])
    st = g.control("status")
    assert st["restart"] == "" and not any("restart" in w["text"] for w in st["warnings"])


# many buses; what was learned

def test_many_buses_start_and_reload(make_sim, make_gateway, fakereg):
    from harness.plant import gateway_of, plant
    ini, names = plant(60, 1)
    sim = make_sim(ini)
    buses, nodes = gateway_of(sim, names, poll="500ms")
    g = make_gateway(nodes, buses=buses, registry=fakereg.jid)

    def up():
        return g.control("status")["nodes"]["device"].get("online") == 60
    wait_until("all are online", up, 40, 0.2)
    g.write(nodes=nodes.replace("poll = 500ms", "poll = 400ms", 1))
    g.reload()
    wait_until("all are online", up, 20, 0.2)
    assert all(b["reconnects"] == 0 for b in g.control("status")["buses"])
    fewer = buses.split("[bus b59]")[0]
    g.write(nodes=nodes.split("[node b59u001]")[0], buses=fewer)
    g.reload()
    assert len(g.control("status")["buses"]) == 59


def test_what_was_learned_is_kept(make_sim, make_gateway, fakereg):
    sim = make_sim("[bus m]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n"
                   "[unit meter]\nbus = m\naddress = 1\ntemplate = eastron.sdm630\n"
                   "holes = exception\nvalue.voltage_l1 = 230.1\n")
    g = make_gateway(node("meter", 1, bus="m", template="eastron.sdm630", poll="300ms"),
                     buses="[bus m]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["m"],
                     registry=fakereg.jid)

    def unit():
        return g.control("status")["buses"][0]["units"][0]
    online(g, "meter")
    wait_until("all is read", lambda: all(
        f["quality"] in ("ok", "missing") for f in g.control("read", node="meter")["fields"]), 30, 0.2)
    first = unit()["exceptions"]
    assert first > 0  # across the holes
    g.stop()
    g.start()
    online(g, "meter")
    wait_until("all is read", lambda: all(
        f["quality"] in ("ok", "missing") for f in g.control("read", node="meter")["fields"]), 30, 0.2)
    assert unit()["exceptions"] == 0
