"""Every template that comes with the programs: it parses, is planned, and each
field is read as it was sent.

Once from thingsim, which knows the templates, and once from pymodbus, which
knows registers alone: those of tests/data/templates/ID.csv, where they were
packed by Python.  controls.csv has the registers that a control writes.  A
text device is a pty here that says what ID.txt has."""

import asyncio
import contextlib
import csv
import os
import pathlib
import pty
import re
import shutil
import tempfile
import threading
import tty

import pytest
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import ModbusTcpServer

from conftest import need
from harness import programs
from harness.procs import wait_until

DATA = programs.SOURCE / "tests/data/templates"
TABLES = {"coil": "c", "discrete": "d", "holding": "h", "input": "i"}
SAYS = {  # what thingsim cannot know of a regex
    "generic.xy-md02-ascii": "%temperature%C,%humidity%%%",
    "mettler.sics": "S %state% %weight% g",
}
# Their identification word stands where a pair of words is a voltage: what is
# read there depends on the request, which thingsim does not know.
OVERLAP = ("gavazzi.em24-e1", "gavazzi.em340")


def templates():
    """{id: kind}"""
    out = {}
    for path in sorted((programs.SOURCE / "templates").glob("*.ini")):
        text = path.read_text()
        out[re.search(r"^id\s*=\s*(\S+)", text, re.M)[1]] = re.search(
            r"^kind\s*=\s*(\S+)", text, re.M)[1]
    return out


KIND = templates()
MODBUS = [t for t, kind in KIND.items() if kind == "modbus"]
TEXT = [t for t, kind in KIND.items() if kind == "text"]


def rows(template):
    with open(DATA / (template + ".csv"), newline="") as f:
        return list(csv.DictReader(f))


def wanted(template):
    return {r["field"]: r["expected"] for r in rows(template)}


def name_of(template):
    return template.replace(".", "-")


# --- one daemon for many nodes, and no XMPP server ---


class NoServer:
    domain, host = "plant.example", "127.0.0.1:1"
    cafile = "/etc/ssl/certs/ca-certificates.crt"

    @staticmethod
    def new_account(name):
        return name, "secret"


@pytest.fixture(scope="module")
def keep(tmp_path_factory):
    """keep(daemon) ends it when the module does, and looks at its log."""
    kept = []

    def add(d):
        d.proc.keep = True
        kept.append(d)
        return d

    yield add
    for d in reversed(kept):
        d.proc.keep = False
        d.stop()
        assert not programs.faults(d.log()), d.log()[-8000:]


@pytest.fixture(scope="module")
def short():
    """A directory with a short path, since socket paths are short."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tb"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def gateway(tmp, nodes, buses, **more):
    return programs.Gateway(NoServer, tmp, nodes, registry="registry.plant.example",
                            buses=buses, log="info", **more)


def tcp_site(host):
    """Bus and nodes of the Modbus templates; unit addresses count from 1."""
    nodes = "".join(
        programs.node(name_of(t), "plc", i, t) for i, t in enumerate(MODBUS, 1))
    return nodes, "[bus plc]\ntype = modbus-tcp\nhost = %s\n" % host


def settle(g, template, timeout=30):
    """Its fields when all that the table has are there, or after timeout."""
    want = wanted(template)

    def all_ok():
        got = {f["name"]: f for f in g.control("read", node=name_of(template))["fields"]}
        return got if all(got[n]["quality"] == "ok" for n in want) else None

    try:
        return wait_until("every field of %s" % template, all_ok, timeout, 0.1)
    except AssertionError:
        return {f["name"]: f for f in g.control("read", node=name_of(template))["fields"]}


def check(g, template, but=()):
    got, want = settle(g, template), wanted(template)
    assert got.keys() == want.keys()
    assert {n: (f["value"], f["quality"], f.get("error"))
            for n, f in got.items() if n not in but} == {
        n: (v, "ok", None) for n, v in want.items() if n not in but}


# --- thingsim ---


@pytest.fixture(scope="module")
def simulated(short, keep):
    need("thingbridged", "thingsim", "thingbridge")
    plant = "[bus plc]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n"
    for i, t in enumerate(MODBUS, 1):
        plant += "[unit %s]\nbus = plc\naddress = %d\ntemplate = %s\n" % (name_of(t), i, t)
    for t in TEXT:
        plant += "[bus b-%s]\ntype = serial\nlink = %s/%s\n" % (
            name_of(t), short, name_of(t))
        plant += "[unit %s]\nbus = b-%s\ntemplate = %s\nperiod = 500ms\n" % (
            name_of(t), name_of(t), t)
        if t in SAYS:
            plant += "answer = %s\n" % SAYS[t]
    sim = keep(programs.Sim(short / "sim", plant))
    for t in KIND:
        want = sorted(wanted(t).items(), key=lambda kv: not kv[0].endswith("_sf"))
        for field, value in want:
            sim.set(name_of(t), field, {"true": "on", "false": "off"}.get(value, value))
    nodes, buses = tcp_site(sim.bus["plc"])
    for t in TEXT:
        nodes += programs.node(name_of(t), "b-" + name_of(t), 1, t)
        buses += "[bus b-%s]\ntype = serial\nport = %s/%s\n" % (name_of(t), short, name_of(t))
    return keep(gateway(short / "gw", nodes, buses))


@pytest.mark.parametrize("template", sorted(KIND))
def test_what_thingsim_has_is_read(simulated, template):
    check(simulated, template, but=("ident",) if template in OVERLAP else ())


def test_the_command_line_says_the_same(simulated):
    for t in ("eastron.sdm630", "solaredge.inverter", "nmea.gnss"):
        settle(simulated, t)
        got = {f["name"]: f["value"] for f in simulated.json("read", name_of(t))["fields"]}
        assert got == wanted(t)


# --- pymodbus ---


# Registers that these answer in one request, as their makers say.
MOST = {"eastron.": 80, "gavazzi.em24": 11, "gavazzi.em24-e1": 125, "senseair.s8": 8,
        "keba.p30": 2, "renke.": 2, "generic.xy-md02": 2, "peacefair.": 10}


class Registers:
    """A block of pymodbus; what no template names is 0."""

    def __init__(self):
        self.at = {}

    def validate(self, address, count=1):
        return address + count <= 65536

    def getValues(self, address, count=1):
        return [self.at.get(a, 0) for a in range(address, address + count)]

    def setValues(self, address, values):
        for i, v in enumerate(values):
            self.at[address + i] = v


def slave(template):
    blocks = {t: Registers() for t in TABLES.values()}
    for r in rows(template):
        table, address, bit = re.fullmatch(r"(\w+):(0x[0-9A-F]{4})(\[\d+\])?", r["place"]).groups()
        at, address, raw = blocks[TABLES[table]].at, int(address, 16), r["registers"]
        if table in ("coil", "discrete"):
            at[address] = raw == "1"
            continue
        for i in range(0, len(raw), 4):
            word = int(raw[i:i + 4], 16)
            assert bit or address + i // 4 not in at or template in OVERLAP, r
            at[address + i // 4] = word | (at.get(address, 0) if bit else 0)
    s = Slave(di=blocks["d"], co=blocks["c"], hr=blocks["h"], ir=blocks["i"], zero_mode=True)
    s.written, s.mirror = [], 0x200 if template.startswith("wago.") else 0
    for start in sorted(MOST):
        s.most = MOST[start] if template.startswith(start) else s.most
    return s


class Slave(ModbusSlaveContext):
    """Remembers what was written."""

    mirror = 0  # coils that are written at 0 and read back there
    most = 125  # registers in a request

    def validate(self, fc, address, count=1):
        return count <= (2000 if fc in (1, 2) else self.most) and super().validate(
            fc, address, count)

    def setValues(self, fc, address, values):
        self.written.append((fc, address, [int(v) for v in values]))
        super().setValues(fc, address + self.mirror, values)


class Identifying(Slave):
    """A request for the word 0x0B alone gets the identification code."""

    ident = 0

    def getValues(self, fc, address, count=1):
        if fc == 4 and address == 0x0B and count == 1:
            return [self.ident]
        return super().getValues(fc, address, count)


def identifying(template):
    s = slave(template)
    s.__class__ = Identifying
    pair = next(r for r in rows(template) if r["field"] == "voltage_l31")["registers"]
    s.ident = s.store["i"].at[0x0B] = int(
        next(r for r in rows(template) if r["field"] == "ident")["registers"], 16)
    s.store["i"].at[0x0B] = int(pair[4:], 16)
    return s


@contextlib.contextmanager
def pymodbus():
    """HOST:PORT of a slave with a unit for each template, and {template: unit}."""
    units = {t: (identifying if t in OVERLAP else slave)(t) for t in MODBUS}
    ready, over = threading.Event(), threading.Event()
    port = []

    async def serve():
        server = ModbusTcpServer(
            ModbusServerContext(dict(enumerate(units.values(), 1)), single=False),
            address=("127.0.0.1", 0))
        task = asyncio.ensure_future(server.serve_forever())
        await server.serving
        port.append(server.server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.get_running_loop().run_in_executor(None, over.wait)
        await server.shutdown()
        task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield "127.0.0.1:%d" % port[0], units
    over.set()
    thread.join(10)


@pytest.fixture(scope="module")
def independent(short, keep):
    need("thingbridged")
    with pymodbus() as (host, _):
        g = keep(gateway(short / "gwp", *tcp_site(host)))
        yield g


@pytest.mark.parametrize("template", sorted(MODBUS))
def test_the_registers_of_the_table_are_read(independent, template):
    check(independent, template)


# --- controls ---


def controls():
    """{template: its rows of controls.csv}"""
    out = {}
    with open(DATA / "controls.csv", newline="") as f:
        for r in csv.DictReader(f):
            out.setdefault(r["template"], []).append(r)
    return out


@pytest.fixture(scope="module")
def writable(short, keep):
    need("thingbridged")
    with pymodbus() as (host, units):
        yield keep(gateway(short / "gww", *tcp_site(host))), units


@pytest.mark.parametrize("template", sorted(controls()))
def test_a_control_writes_these_registers_and_no_others(writable, template):
    g, units = writable
    settle(g, template)
    for r in controls()[template]:
        units[template].written.clear()
        got = g.control("set", node=name_of(template), field=r["control"], value=r["value"])
        assert got["new"] == r["value"]
        table, address = r["place"].split(":")
        raw = r["registers"]
        values = [int(raw)] if table == "coil" else [
            int(raw[i:i + 4], 16) for i in range(0, len(raw), 4)]
        assert units[template].written == [(int(r["function"]), int(address, 16), values)], r


# --- text devices, as they speak ---


def unescape(text):
    return text.encode().decode("unicode_escape").encode("latin-1")


class Speaker:
    """A pty that says each '<' line of a file: after the '>' line before it
    when there is one, else over and over."""

    def __init__(self, template):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        lines = (DATA / (template + ".txt")).read_text().splitlines()
        self.request = b"".join(unescape(x[2:]) for x in lines if x.startswith("> "))
        self.says = b"".join(unescape(x[2:]) for x in lines if x.startswith("< "))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.talk, daemon=True)
        self.thread.start()

    def talk(self):
        os.set_blocking(self.master, False)
        heard = b""
        while not self.over.wait(0.02 if self.request else 0.5):
            if not self.request:
                self.say()
                continue
            try:
                heard += os.read(self.master, 4096)
            except BlockingIOError:
                continue
            if self.request in heard:
                heard = b""
                self.say()

    def say(self):
        try:
            os.write(self.master, self.says)
        except BlockingIOError:
            pass

    def close(self):
        self.over.set()
        self.thread.join(5)
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture(scope="module")
def spoken(short, keep):
    need("thingbridged")
    speakers = {t: Speaker(t) for t in TEXT}
    nodes = "".join(programs.node(name_of(t), "b-" + name_of(t), 1, t) for t in TEXT)
    buses = "".join("[bus b-%s]\ntype = serial\nport = %s\n" % (name_of(t), s.path)
                    for t, s in speakers.items())
    yield keep(gateway(short / "gwt", nodes, buses))
    for s in speakers.values():
        s.close()


@pytest.mark.parametrize("template", sorted(TEXT))
def test_what_a_text_device_says_is_read(spoken, template):
    check(spoken, template)


# --- what a template must have ---


@pytest.fixture(scope="module")
def catalogue():
    need("thingbridge")
    status, out, err = programs.run([programs.BIN / "thingbridge", "templates"])
    assert status == 0, err
    return out


@pytest.mark.parametrize("template", sorted(KIND))
def test_it_says_what_a_sticker_and_an_installer_need(catalogue, template):
    assert re.search(r"^%s\s" % re.escape(template), catalogue, re.M)
    path = next(p for p in (programs.SOURCE / "templates").glob("*.ini")
                if re.search(r"^id\s*=\s*%s$" % re.escape(template), p.read_text(), re.M))
    text = path.read_text()
    for key in ("class", "version", "source", "MAN", "MODEL"):
        assert re.search(r"^%s\s*=\s*\S" % key, text, re.M), key
    assert all(len(line) < 199 for line in text.splitlines())
    fields = re.search(r"^\[field\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)[1]
    names = re.findall(r"^([\w.-]+)\s*=", fields, re.M)
    assert sorted(names) == sorted(wanted(template)), "the table is not of these fields"
    lines = (re.search(r"^\[control\]\n(.*)\Z", text, re.M | re.S) or ["", ""])[1]
    names = re.findall(r"^([\w.-]+)\s*=", lines, re.M)
    assert names == [r["control"] for r in controls().get(template, [])]


def test_thingbridged_takes_them_all(short):
    need("thingbridged")
    nodes, buses = tcp_site("127.0.0.1:1")
    g = gateway(short / "gwn", nodes, buses, start=False)
    status, out, err = programs.run([g.bin / "thingbridged", "-n", "-c", g.conf])
    assert status == 0, out + err
