"""What devices say, through real lines and the daemon, to the installer's eye."""

import os
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
[bus room]
type = serial
link = {dir}/room
[unit board]
bus = plc
address = 1
template = generic.relay8
value.relay1 = on
value.relay4 = on
[unit incomer]
bus = plc
address = 7
template = eastron.sdm630
value.voltage_l1 = 230.1
value.current_l3 = 12.345
value.power = -1500.5
value.pf = -0.985
value.frequency = 49.97
value.import = 18402.75
value.serial = 4294967295
[unit cold]
bus = rs485
address = 11
template = generic.xy-md02
value.temperature = -12.3
value.humidity = 99.9
[unit warm]
bus = rs485
address = 12
template = generic.xy-md02
value.temperature = 45.6
value.humidity = 10.1
[unit mast]
bus = wx
address = 1
template = vaisala.wxt-nmea
value.temperature = -3.4
value.humidity = 81.5
value.pressure = 987.6
value.wind_dir = 215
period = 300ms
[unit hall]
bus = room
address = 1
template = generic.xy-md02-ascii
value.temperature = 16.02
value.humidity = 55.85
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
[bus room]
type = serial
port = {dir}/room
"""

NODES = [("board", "plc", 1, "generic.relay8"), ("incomer", "plc", 7, "eastron.sdm630"),
         ("cold", "rs485", 11, "generic.xy-md02"), ("warm", "rs485", 12, "generic.xy-md02"),
         ("mast", "wx", 1, "vaisala.wxt-nmea"), ("hall", "room", 1, "generic.xy-md02-ascii")]

WANT = {
    ("board", "relay1"): "true", ("board", "relay2"): "false", ("board", "relay4"): "true",
    ("incomer", "voltage_l1"): "230.1", ("incomer", "current_l3"): "12.345",
    ("incomer", "power"): "-1500.5", ("incomer", "pf"): "-0.985",
    ("incomer", "frequency"): "49.97", ("incomer", "import"): "18402.75",
    ("incomer", "serial"): "4294967295",
    ("cold", "temperature"): "-12.3", ("cold", "humidity"): "99.9",
    ("warm", "temperature"): "45.6", ("warm", "humidity"): "10.1",
    ("mast", "temperature"): "-3.4", ("mast", "humidity"): "81.5",
    ("mast", "pressure"): "987.6", ("mast", "wind_dir"): "215",
    ("hall", "temperature"): "16.02", ("hall", "humidity"): "55.85",
}


@pytest.fixture
def server(prosody):
    return prosody


@pytest.fixture
def site(make_sim, make_gateway, fakereg, tmp):
    sim = make_sim(PLANT.format(dir=tmp))
    nodes = "".join(
        "[node %s]\nbus = %s\naddress = %d\ntemplate = %s\npoll = 500ms\nclaim.SN = %s\n"
        % (n, b, a, t, n) for n, b, a, t in NODES)
    g = make_gateway(nodes, buses=SITE.format(plc=sim.bus["plc"], dir=tmp), registry=fakereg.jid)
    wait_until("every value is there", lambda: all(
        field(g, n, f)["quality"] == "ok" for n, f in WANT), 30, 0.2)
    return sim, g


def field(g, node, name):
    return g.control("read", node=node, fields=[name])["fields"][0]


def device(g, node):
    return g.node_list()[node]["device"]


def bus(g, name):
    return next(b for b in g.control("status")["buses"] if b["name"] == name)


def test_every_template_reads_what_was_set(site):
    _, g = site
    got = {k: field(g, *k)["value"] for k in WANT}
    assert got == WANT


def test_what_changes_is_read(site):
    sim, g = site
    for unit, name, value in (("board", "relay2", "true"), ("cold", "temperature", "7.7"),
                              ("hall", "humidity", "12.34"), ("mast", "pressure", "1013.2")):
        sim.set(unit, name, "on" if value == "true" else value)
        wait_until("%s %s is %s" % (unit, name, value),
                   lambda: field(g, unit, name)["value"] == value, 15, 0.1)


@pytest.mark.parametrize("kind,arg", [("silent", ()), ("garble", ()), ("exception", (4,)),
                                      ("wrong-unit", ())])
@pytest.mark.parametrize("unit,name", [("cold", "temperature"), ("board", "relay1")])
def test_a_failed_read_is_no_value(site, kind, arg, unit, name):
    sim, g = site
    sim.fault(unit, kind, *arg)
    got = wait_until("it is not ok", lambda: (
        lambda f: f if f["quality"] != "ok" else None)(field(g, unit, name)), 30, 0.1)
    if got["quality"] == "error":
        assert got["value"] is None and got["error"]
    sim.fault(unit, "none")
    wait_until("it is back", lambda: field(g, unit, name)["quality"] == "ok", 40, 0.2)
    assert field(g, unit, name)["value"] == WANT[unit, name]


def test_late_answers_are_never_anothers_value(site):
    """Temperature and humidity of two units on one line, all different: each
    answer comes after its time, for TB_LATE_S seconds."""
    sim, g = site
    for unit in ("cold", "warm", "board", "incomer"):
        sim.fault(unit, "late", 700)
    seen, end = {}, time.monotonic() + float(os.environ.get("TB_LATE_S", "10"))
    while time.monotonic() < end:
        for key in WANT:
            f = field(g, *key)
            if f["value"] is not None:
                seen.setdefault(key, set()).add(f["value"])
        time.sleep(0.05)
    assert seen == {k: {v} for k, v in WANT.items()}
    assert bus(g, "rs485")["late"] > 0 and bus(g, "plc")["late"] > 0


def test_a_dead_unit_leaves_its_neighbour_its_period(site):
    sim, g = site
    sim.fault("cold", "silent")
    wait_until("it is offline", lambda: device(g, "cold") == "offline", 30, 0.1)
    before, at = int(sim.count("warm")), time.monotonic()
    time.sleep(10)
    polls = (int(sim.count("warm")) - before) / (time.monotonic() - at)
    assert device(g, "warm") == "online"
    assert polls > 2 * 0.9  # every 500 ms, a tenth of the time lost at most
    assert "answer" in g.node_list()["cold"]["trouble"]


def test_a_port_that_vanishes_and_comes_back(site):
    sim, g = site
    sim.control("fault rs485 vanish")
    wait_until("the bus is told", lambda: bus(g, "rs485")["trouble"], 10, 0.1)
    assert field(g, "cold", "temperature")["quality"] != "ok"
    assert field(g, "incomer", "power")["quality"] == "ok"
    sim.control("fault rs485 back")
    wait_until("values again", lambda: field(g, "cold", "temperature")["quality"] == "ok", 15, 0.1)
    assert field(g, "cold", "temperature")["value"] == WANT["cold", "temperature"]


def test_a_tag_changes_and_polling_goes_on(site):
    """A new tag is the registry's business: no bus starts anew for it."""
    sim, g = site
    before = bus(g, "plc")["requests"]
    g.write(nodes=g.nodes.replace("claim.SN = board", "tag.ROOM = 12\nclaim.SN = board"))
    assert g.reload()["changed"] == 1
    assert bus(g, "plc")["requests"] >= before > 0
    assert device(g, "board") == "online" and field(g, "board", "relay1")["quality"] == "ok"
    assert {t["name"]: t["value"] for t in g.control("meta", node="board")["tags"]}["ROOM"] == "12"
