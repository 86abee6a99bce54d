"""thingsim against masters that know nothing of it: mbpoll, pymodbus, and
bytes written by hand."""

import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
import tty

import pytest
from harness import programs
from harness.procs import wait_until
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

pytestmark = pytest.mark.skipif(
    not programs.have("thingsim"), reason="thingsim is not built in %s" % programs.BIN)

TCP = "[bus plc]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n"


def serial_bus(tmp, kind="modbus-rtu", name="line", more=""):
    return "[bus %s]\ntype = %s\nlink = %s\n%s\n" % (name, kind, tmp / name, more)


def unit(name, template, bus="plc", address=1, more="", **values):
    return "[unit %s]\nbus = %s\naddress = %d\ntemplate = %s\n%s\n%s" % (
        name, bus, address, template, more,
        "".join("value.%s = %s\n" % kv for kv in values.items()))


def host_port(where):
    host, port = where.rsplit(":", 1)
    return host, int(port)


def hear(fd, want, timeout=5):
    """At least want bytes (an int, or the end) of a pty or socket."""
    data, end = b"", time.monotonic() + timeout
    while (len(data) < want) if isinstance(want, int) else not data.endswith(want):
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            break
        more = os.read(fd, 4096)
        if not more:
            break
        data += more
    return data


class Pty:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)

    def ask(self, request, want, timeout=5):
        os.write(self.fd, request)
        return hear(self.fd, want, timeout)

    def close(self):
        os.close(self.fd)


@pytest.fixture
def pty():
    made = []

    def make(path):
        made.append(Pty(path))
        return made[-1]

    yield make
    for p in made:
        p.close()


def crc16(data, crc=0xFFFF):
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def rtu(unit_id, pdu):
    frame = bytes([unit_id]) + pdu
    return frame + struct.pack("<H", crc16(frame))


def mbap(tid, unit_id, pdu):
    return struct.pack(">HHHB", tid, 0, len(pdu) + 1, unit_id) + pdu


READ_TEMPERATURE = b"\x04\x00\x01\x00\x01"


def mbpoll(where, args, timeout=20):
    """What mbpoll reads: {number of the register: text}; or its whole text
    when it reads nothing."""
    if where.startswith("/"):
        how = ["-m", "rtu", "-b", "9600", "-P", "none", *args, where]
    else:
        host, port = host_port(where)
        how = ["-m", "tcp", "-p", str(port), *args, host]
    values = how.pop(how.index("--") + 1) if "--" in how else None
    how = [a for a in how if a != "--"]
    p = subprocess.run(["mbpoll", "-1", *how] + ([values] if values else []),
                       capture_output=True, text=True, timeout=timeout)
    got = dict(re.findall(r"^\[(\d+)\]:\s+(\S+)", p.stdout, re.M))
    return got or p.stdout + p.stderr


@pytest.fixture(params=["tcp", "rtu"])
def line(request, tmp):
    """(ini of a bus, its name): the same tests over both."""
    if request.param == "tcp":
        return TCP, "plc"
    return serial_bus(tmp), "line"


def master(where):
    if where.startswith("/"):
        m = ModbusSerialClient(where, baudrate=9600, timeout=2)
    else:
        host, port = host_port(where)
        m = ModbusTcpClient(host, port=port, timeout=2)
    assert m.connect()
    return m


# ---- independent masters --------------------------------------------------


@pytest.mark.skipif(not shutil.which("mbpoll"), reason="mbpoll is not installed")
def test_mbpoll_reads_and_writes(make_sim, line):
    ini, bus = line
    sim = make_sim(
        ini
        + unit("meter", "eastron.sdm630", bus, 3, voltage_l1="230.5",
               power="-1234.5", **{"import": "98765.5"})
        + unit("em24", "gavazzi.em24", bus, 4, voltage_l1="229.9",
               power="-12345.6", pf_l1="-0.987")
        + unit("room", "generic.xy-md02", bus, 5, temperature="-5.5", humidity="61.2")
        + unit("relay", "generic.relay8", bus, 6, relay2="on", relay8="on"))
    where = sim.bus[bus]

    got = mbpoll(where, ["-a", "3", "-t", "3:float", "-B", "-0", "-r", "0", "-c", "1"])
    assert float(got["0"]) == 230.5
    got = mbpoll(where, ["-a", "3", "-t", "3:float", "-B", "-0", "-r", "52", "-c", "1"])
    assert float(got["52"]) == -1234.5
    got = mbpoll(where, ["-a", "3", "-t", "3:float", "-B", "-0", "-r", "72", "-c", "1"])
    assert float(got["72"]) == 98765.5
    # low register first is mbpoll's way without -B
    got = mbpoll(where, ["-a", "4", "-t", "3:int", "-0", "-r", "0", "-c", "1"])
    assert got["0"] == "2299"
    got = mbpoll(where, ["-a", "4", "-t", "3:int", "-0", "-r", "40", "-c", "1"])
    assert got["40"] == "-123456"
    got = mbpoll(where, ["-a", "4", "-t", "3", "-0", "-r", "50", "-c", "1"])
    assert int(got["50"]) % 65536 == 65536 - 987
    got = mbpoll(where, ["-a", "5", "-t", "3", "-r", "2", "-c", "2"])
    assert int(got["2"]) % 65536 == 65536 - 55 and got["3"] == "612"
    got = mbpoll(where, ["-a", "6", "-t", "0", "-r", "1", "-c", "8"])
    assert "".join(got[str(i)] for i in range(1, 9)) == "01000001"

    assert "Written 1" in mbpoll(where, ["-a", "6", "-t", "0", "-r", "3", "--", "1"])
    assert sim.get("relay", "relay3") == "on"
    assert "Illegal data address" in mbpoll(where, ["-a", "5", "-t", "3", "-r", "5001"])
    assert "timed out" in mbpoll(where, ["-a", "9", "-t", "3", "-r", "1", "-o", "0.3"])
    assert sim.count("room") == "2"


def test_pymodbus_reads_and_writes(make_sim, line):
    ini, bus = line
    sim = make_sim(
        ini
        + unit("room", "generic.xy-md02", bus, 5, temperature="21.7", baud_code="14400")
        + unit("wago", "wago.750-8di8do", bus, 6, di2="on")
        + unit("relay", "generic.relay8", bus, 7))
    m = master(sim.bus[bus])
    try:
        assert m.read_input_registers(1, 2, slave=5).registers == [217, 0]
        assert m.read_holding_registers(0x102, 1, slave=5).registers == [1]
        assert m.read_discrete_inputs(0, 8, slave=6).bits[:3] == [False, True, False]

        # single register, many registers: a control point of its own
        assert not m.write_register(0x103, 65536 - 35, slave=5).isError()
        assert sim.get("room", "temp_offset") == "-3.5"
        assert not m.write_registers(0x103, [10, 20], slave=5).isError()
        assert m.read_holding_registers(0x103, 2, slave=5).registers == [10, 20]
        assert sim.get("room", "hum_offset").rstrip("0").rstrip(".") == "2"

        # a coil that is read back elsewhere, and many coils
        assert not m.write_coil(0, True, slave=6).isError()
        assert m.read_coils(0x200, 1, slave=6).bits[0] is True
        assert sim.get("wago", "do1") == "on"
        assert not m.write_coils(0, [True, False] * 4, slave=7).isError()
        assert m.read_coils(0, 8, slave=7).bits == [True, False] * 4
        assert sim.get("relay", "relay7") == "on"
        sim.set("relay", "relay7", "off")
        assert m.read_coils(6, 1, slave=7).bits[0] is False

        # what a device refuses
        assert m.read_holding_registers(0x900, 1, slave=5).exception_code == 2
        assert m.write_register(0x900, 1, slave=5).exception_code == 2
        assert m.read_input_registers(1, 3, slave=5).exception_code == 3  # max_read 2
        assert m.read_coils(0, 9, slave=7).exception_code == 3  # max_read_bits 8
    finally:
        m.close()


def test_several_clients_and_units_of_a_series(make_sim):
    sim = make_sim(TCP + "[units th]\nbus = plc\naddress = 10\ncount = 62\n"
                   "template = generic.xy-md02\nvalue.temperature = 20.0\n")
    sim.set("th62", "temperature", "33.3")
    masters = [master(sim.bus["plc"]) for _ in range(5)]
    try:
        for m in masters:
            assert m.read_input_registers(1, 1, slave=10).registers == [200]
            assert m.read_input_registers(1, 1, slave=71).registers == [333]
    finally:
        for m in masters:
            m.close()
    assert sim.count("th62") == "5"


# ---- how values stand in registers ------------------------------------------

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
SINGLE = {  # type: (text, its bytes, most significant first)
    "i16": ("-1234", struct.pack(">h", -1234)),
    "u16": ("54321", struct.pack(">H", 54321)),
    "i32": ("-123456789", struct.pack(">i", -123456789)),
    "u32": ("4000000001", struct.pack(">I", 4000000001)),
    "i64": ("-9007199254740993", struct.pack(">q", -9007199254740993)),
    "u64": ("9007199254740993", struct.pack(">Q", 9007199254740993)),
    "f16": ("-1.5", struct.pack(">e", -1.5)),
    "f32": ("3.25", struct.pack(">f", 3.25)),
    "f64": ("-0.125", struct.pack(">d", -0.125)),
    "bcd16": ("4711", b"\x47\x11"),
    "bcd32": ("12345678", b"\x12\x34\x56\x78"),
}


def own_template(tmp, monkeypatch, **files):
    path = tmp / "templates"
    path.mkdir()
    for stem, text in files.items():
        (path / (stem + ".ini")).write_text(
            "[template]\nid = test.%s\nname = T\nclass = test\nversion = 1\n%s" % (stem, text))
    monkeypatch.setattr(programs, "TEMPLATES", path)


def arrange(data, order):
    """The bytes as they come in that order, two to a register."""
    if order in ("CDAB", "DCBA"):
        data = b"".join(data[i:i + 2] for i in range(len(data) - 2, -1, -2))
    if order in ("BADC", "DCBA"):
        data = b"".join(data[i:i + 2][::-1] for i in range(0, len(data), 2))
    return data


@pytest.mark.parametrize("order", ORDERS)
def test_types_and_orders(make_sim, tmp, monkeypatch, order):
    fields, values, addr, at = "", {}, 0x100, {}
    for kind, (text, data) in SINGLE.items():
        dec = " dec=4" if kind[0] == "f" else ""
        fields += "f_%s = holding:0x%X %s%s\n" % (kind, addr, kind, dec)
        values["f_" + kind] = text
        at[kind] = addr
        addr += len(data) // 2
    own_template(tmp, monkeypatch, types="kind = modbus\n[modbus]\norder = %s\n[poll]\n"
                 "normal = 10s\n[field]\n%s" % (order, fields))
    sim = make_sim(TCP + unit("u", "test.types", **values))
    m = master(sim.bus["plc"])
    try:
        for kind, (text, data) in SINGLE.items():
            regs = m.read_holding_registers(at[kind], len(data) // 2, slave=1).registers
            got = b"".join(struct.pack(">H", r) for r in regs)
            want = arrange(data, order)
            assert got == want or (len(data) == 2 and got == data), kind
            assert float(sim.get("u", "f_" + kind)) == float(text), kind
    finally:
        m.close()


def test_scales_bits_words_and_text(make_sim, tmp, monkeypatch):
    own_template(
        tmp, monkeypatch,
        parts="kind = modbus\n[poll]\nnormal = 10s\n[field]\n"
        "scaled = input:0 i16 scale=0.5 offset=-40 dec=1\n"
        "third = input:1 u16 scale=3\n"
        "mode = input:2[6:4] u16 enum=0:stop,5:run\n"
        "alarm = input:2[15] bool\n"
        "high = input:3 u8h\nlow = input:3 u8l\n"
        "sn = input:4 str:6 kind=identity\n"
        "none = input:7 i16 nan=0x8000\n")
    sim = make_sim(TCP + unit("u", "test.parts", scaled="-12.5", third="300", mode="run",
                              alarm="on", high="18", low="52", sn="AB123", none="nan"))
    m = master(sim.bus["plc"])
    try:
        regs = m.read_input_registers(0, 8, slave=1).registers
    finally:
        m.close()
    assert regs == [55, 100, 0x8050, 0x1234, 0x4142, 0x3132, 0x3300, 0x8000]
    assert sim.get("u", "scaled") == "-12.5"
    assert sim.get("u", "mode") == "run"
    assert sim.get("u", "alarm") == "on"
    assert sim.get("u", "sn") == "AB123"
    sim.set("u", "alarm", "off")
    assert sim.get("u", "mode") == "run"


@pytest.mark.parametrize("holes", ["zero", "exception"])
def test_holes(make_sim, holes):
    sim = make_sim(TCP + unit("m", "eastron.sdm630", more="holes = " + holes))
    m = master(sim.bus["plc"])
    try:
        got = m.read_input_registers(0x12, 12, slave=1)  # 0x0012..0x001D: nothing
        if holes == "zero":
            assert got.registers == [0] * 12
        else:
            assert got.exception_code == 2
        assert m.read_input_registers(0x15E, 4, slave=1).exception_code == 2
    finally:
        m.close()


# ---- faults --------------------------------------------------------------


def tcp_ask(sim, tid=7, timeout=1.0, want=11):
    with socket.create_connection(host_port(sim.bus["plc"])) as s:
        s.sendall(mbap(tid, 1, READ_TEMPERATURE))
        return hear(s.fileno(), want, timeout)


@pytest.fixture
def room(make_sim):
    return make_sim(TCP + unit("room", "generic.xy-md02", temperature="21.7"))


GOOD_TCP = mbap(7, 1, b"\x04\x02\x00\xd9")
GOOD_RTU = rtu(1, b"\x04\x02\x00\xd9")


@pytest.mark.parametrize("fault, want", [
    ("none", GOOD_TCP),
    ("silent", b""),
    ("exception 6", mbap(7, 1, b"\x84\x06")),
    ("garble", mbap(7, 1, b"\x04\x03\x00\xd9")),
    ("wrong-unit", mbap(7, 2, b"\x04\x02\x00\xd9")),
    ("truncate", GOOD_TCP[:5]),
    ("long", GOOD_TCP + b"\x55\xaa\x55\xaa"),
    ("twice", GOOD_TCP * 2),
    ("drip 10", GOOD_TCP),
])
def test_fault_on_tcp(room, fault, want):
    room.fault("room", fault)
    assert tcp_ask(room, want=99, timeout=0.4) == want
    assert room.count("room") == "1"
    room.fault("room", "none")
    assert tcp_ask(room) == GOOD_TCP


def test_fault_reset(room):
    room.fault("room", "reset")
    with socket.create_connection(host_port(room.bus["plc"])) as s:
        s.sendall(mbap(7, 1, READ_TEMPERATURE))
        s.settimeout(5)
        with pytest.raises(ConnectionResetError):
            while s.recv(99):
                pass


@pytest.mark.parametrize("fault, want", [
    ("none", GOOD_RTU),
    ("silent", b""),
    ("exception 2", rtu(1, b"\x84\x02")),
    ("garble", GOOD_RTU[:-1] + bytes([GOOD_RTU[-1] ^ 1])),
    ("wrong-unit", rtu(2, b"\x04\x02\x00\xd9")),
    ("truncate", GOOD_RTU[:3]),
    ("echo", rtu(1, READ_TEMPERATURE) + GOOD_RTU),
    ("glitch", b"\0" + GOOD_RTU),
])
def test_fault_on_rtu(make_sim, tmp, pty, fault, want):
    sim = make_sim(serial_bus(tmp) + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    sim.fault("room", fault)
    assert p.ask(rtu(1, READ_TEMPERATURE), 99, 0.3) == want
    sim.fault("line", "none")  # a bus: each unit on it
    assert p.ask(rtu(1, READ_TEMPERATURE), len(GOOD_RTU)) == GOOD_RTU


def test_late_answers(room):
    room.fault("room", "late 400")
    began = time.monotonic()
    assert tcp_ask(room, timeout=5) == GOOD_TCP
    assert 0.4 <= time.monotonic() - began < 3

    # one late answer, overtaken by the next
    room.fault("room", "wrong-value-late 300")
    with socket.create_connection(host_port(room.bus["plc"])) as s:
        s.sendall(mbap(1, 1, READ_TEMPERATURE))
        s.sendall(mbap(2, 1, READ_TEMPERATURE))
        got = hear(s.fileno(), 22, 5)
    assert got == mbap(2, 1, b"\x04\x02\x00\xd9") + mbap(1, 1, b"\x04\x02\x00\xd9")


def test_fault_on_rtu_late_comes_in_the_place_of_another(make_sim, tmp, pty):
    sim = make_sim(serial_bus(tmp) + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    sim.fault("room", "wrong-value-late 300")
    assert p.ask(rtu(1, READ_TEMPERATURE), 7, 0.2) == b""
    sim.set("room", "temperature", "99.9")
    assert p.ask(rtu(1, READ_TEMPERATURE), 14, 5) == rtu(1, b"\x04\x02\x03\xe7") + GOOD_RTU


def test_rtu_finds_its_way_back(make_sim, tmp, pty):
    make_sim(serial_bus(tmp) + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    ask = rtu(1, READ_TEMPERATURE)
    assert p.ask(b"\x99\x01\x02" + ask, 7) == GOOD_RTU
    assert p.ask(ask[:-1] + b"\xff", 7, 0.2) == b""
    time.sleep(0.15)
    assert p.ask(ask[:4], 7, 0.2) == b""  # the rest never comes
    assert p.ask(ask, 7) == GOOD_RTU
    os.write(p.fd, ask[:3])
    assert p.ask(ask[3:], 7) == GOOD_RTU
    assert p.ask(rtu(2, READ_TEMPERATURE), 7, 0.2) == b""  # nobody
    assert p.ask(rtu(0, b"\x06\x01\x03\x00\x05"), 7, 0.2) == b""  # everybody
    assert p.ask(rtu(1, b"\x03\x01\x03\x00\x01"), 7) == rtu(1, b"\x03\x02\x00\x05")


def test_what_is_no_modbus_ends_the_connection(room):
    for junk in (b"GET / HTTP/1.0\r\n\r\n", struct.pack(">HHHB", 1, 0, 1, 1),
                 struct.pack(">HHHB", 1, 0, 9999, 1) + b"x" * 99):
        with socket.create_connection(host_port(room.bus["plc"])) as s:
            s.sendall(junk)
            s.settimeout(5)
            assert s.recv(99) == b""
    for pdu in (b"\x11", b"\x04", b"\x04\x00", b"\x10\x00\x01\x00\x02\x09\x00", b"\x7f\0\0\0\0", b"\xff"):
        with socket.create_connection(host_port(room.bus["plc"])) as s:
            s.sendall(mbap(1, 1, pdu))
            got = hear(s.fileno(), 9)
            assert got[7] == pdu[0] | 0x80 and got[8] in (1, 3)


def test_vanish_and_back(make_sim, tmp, pty):
    sim = make_sim(
        TCP + serial_bus(tmp)
        + unit("a", "generic.xy-md02", "line", temperature="21.7")
        + unit("b", "generic.xy-md02", "plc", temperature="21.7"))
    p = pty(tmp / "line")
    first = os.readlink(tmp / "line")
    sim.fault("line", "vanish")
    assert not os.path.lexists(tmp / "line")
    with pytest.raises(OSError):  # the master's end is dead
        while os.read(p.fd, 99):
            pass
        raise OSError
    holder = os.openpty()  # so that it comes back under another name
    try:
        assert sim.control("fault line back") == "pty %s" % (tmp / "line")
        assert os.readlink(tmp / "line") != first
    finally:
        for fd in holder:
            os.close(fd)
    assert pty(tmp / "line").ask(rtu(1, READ_TEMPERATURE), 7) == GOOD_RTU

    where = host_port(sim.bus["plc"])
    with socket.create_connection(where) as s:
        sim.fault("plc", "vanish")
        s.settimeout(5)
        assert s.recv(9) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)
    assert sim.control("fault plc back") == "tcp %s:%d" % where
    with socket.create_connection(where) as s:
        s.sendall(mbap(7, 1, READ_TEMPERATURE))
        assert hear(s.fileno(), 11) == GOOD_TCP


# ---- text devices ------------------------------------------------------------


def sdi12(data):
    crc = crc16(data, 0)
    return bytes([0x40 | crc >> 12, 0x40 | crc >> 6 & 0x3F, 0x40 | crc & 0x3F])


def test_keyed_device(make_sim, tmp, pty):
    sim = make_sim(
        serial_bus(tmp, "serial")
        + unit("wx", "vaisala.wxt", "line", 0, wind_dir="57", temperature="22.6",
               humidity="27.1", pressure="1013.6", rain="nan", wind_speed="0.6")
        + unit("wx2", "vaisala.wxt", "line", 1, temperature="-3.5"))
    p = pty(tmp / "line")
    got = p.ask(b"0r0\r\n", b"\r\n")
    assert got.startswith(b"0r0,Dm=57D,Sm=0.6M,")
    for part in (b",Ta=22.6C,", b",Ua=27.1P,", b",Pa=1013.6H,", b",Rc=0.0#,"):
        assert part in got
    assert got[-5:-2] == sdi12(got[:-5])
    other = p.ask(b"junk1r0\r\n", b"\r\n")
    assert other.startswith(b"1r0,") and b",Ta=-3.5C," in other
    sim.set("wx", "wind_speed", "12.5K")  # said as it stands
    assert b",Sm=12.5K," in p.ask(b"0r0\r\n", b"\r\n")
    sim.fault("wx", "garble")
    got = p.ask(b"0r0\r\n", b"\r\n")
    assert got[-5:-2] != sdi12(got[:-5])
    sim.fault("wx", "wrong-unit")
    assert p.ask(b"0r0\r\n", b"\r\n").startswith(b"1r0,")
    sim.fault("wx", "silent")
    assert p.ask(b"0r0\r\n", 1, 0.2) == b""
    assert sim.count("wx") == "5" and sim.count("wx2") == "1"


def test_checks_agree_with_their_specifications():
    """SDI-12's own example, and a line of a GPS receiver."""
    assert sdi12(b"0+3.14") == b"OqZ"
    assert nmea_ok(b"$GPGLL,5300.97914,N,00259.98174,E,125926,A*28\r\n")


def test_regex_device_answers_as_written(make_sim, tmp, pty):
    sim = make_sim(
        serial_bus(tmp, "serial")
        + unit("th", "generic.xy-md02-ascii", "line", temperature="16.02", humidity="55.85"))
    p = pty(tmp / "line")
    assert p.ask(b"READ", 13) == b"16.02C,55.85%"
    sim.set("th", "temperature", "-1.50")
    assert p.ask(b"READ", 13) == b"-1.50C,55.85%"
    assert sim.get("th", "temperature") == "-1.50"


def nmea_ok(line):
    m = re.fullmatch(rb"\$([^*]+)\*([0-9A-F]{2})\r\n", line)
    if not m:
        return False
    x = 0
    for byte in m.group(1):
        x ^= byte
    return x == int(m.group(2), 16)


def test_stream(make_sim, tmp, pty):
    sim = make_sim(
        serial_bus(tmp, "serial")
        + unit("wx", "vaisala.wxt-nmea", "line", wind_dir="57", wind_speed="0.6",
               temperature="22.6", humidity="27.1", pressure="1013.6", more="period = 100ms"))
    time.sleep(0.5)  # nobody listens: nothing piles up
    p = pty(tmp / "line")
    began = time.monotonic()
    lines = [hear(p.fd, b"\r\n") for _ in range(4)]
    assert 0.25 < time.monotonic() - began < 3
    for text in lines:
        assert nmea_ok(text), text
    assert b"$WIXDR,A,57,D," in lines[0] and b"C,22.6,C,0" in lines[0] and b"P,1013.6,H,0" in lines[0]
    sim.fault("wx", "garble")
    wait_until("a spoiled line", lambda: not nmea_ok(hear(p.fd, b"\r\n")), 5, 0)
    sim.fault("wx", "silent")
    hear(p.fd, 4096, 0.3)
    assert hear(p.fd, 1, 0.4) == b""


def test_serial_over_tcp(make_sim):
    sim = make_sim(
        "[bus far]\ntype = serial\nlisten = 127.0.0.1:0\n"
        + unit("th", "generic.xy-md02-ascii", "far", temperature="16.02", humidity="55.85")
        + "[bus gw]\ntype = modbus-rtu-tcp\nlisten = 127.0.0.1:0\n"
        + unit("room", "generic.xy-md02", "gw", temperature="21.7"))
    with socket.create_connection(host_port(sim.bus["far"])) as s:
        s.sendall(b"READ")
        assert hear(s.fileno(), 13) == b"16.02C,55.85%"
    with socket.create_connection(host_port(sim.bus["gw"])) as s:
        s.sendall(rtu(1, READ_TEMPERATURE))
        assert hear(s.fileno(), 7) == GOOD_RTU


POLL = "[poll]\nnormal = 10s\n"


def test_other_text_formats(make_sim, tmp, monkeypatch, pty):
    frame = "kind = text\n[frame]\nmode = poll\nrequest = %s\\r\nend = \\r\\n\nmax = 200\n" \
        "timeout = 1s\n%s" + POLL + "[parse]\n%s[field]\n%s"
    own_template(
        tmp, monkeypatch,
        csv=frame % ("csv", "check = sum8\n", "format = csv\nseparator = \\;\n",
                     "a = col:2\nb = col:4\n"),
        fixed=frame % ("fix", "check = lrc\n", "format = fixed\n",
                       "a = fixed:3-8\nb = fixed:10-12\n"),
        mwv=frame % ("mwv", "check = nmea-xor\nstart = $\n", "format = nmea\n",
                     "a = nmea:WIMWV,1\nb = nmea:WIMWV,3\n"),
        obis=frame % ("obis", "start = /\n", "format = obis\n",
                      "a = obis:1-0:1.8.0 unit=kWh\nb = obis:1-0:16.7.0 unit=W\n"))
    sim = make_sim(serial_bus(tmp, "serial") + "".join(
        unit(n, "test." + n, "line", a="1.5", b="-7") for n in ("csv", "fixed", "mwv", "obis")))
    p = pty(tmp / "line")
    assert p.ask(b"csv\r", b"\r\n") == b";1.5;;-7%02X\r\n" % (sum(b";1.5;;-7") % 256)
    body = b"     1.5  -7"
    assert p.ask(b"fix\r", b"\r\n") == body + b"%02X\r\n" % (-sum(body) % 256)
    got = p.ask(b"mwv\r", b"\r\n")
    assert got.startswith(b"$WIMWV,1.5,,-7*") and nmea_ok(got)
    got = p.ask(b"obis\r", b"-7*W)\r\n\r\n")
    assert got.startswith(b"/") and b"\r\n1-0:1.8.0(1.5*kWh)\r\n1-0:16.7.0(-7*W)\r\n" in got
    assert sim.get("csv", "b") == "-7"


# ---- the line's speed, varying values, the program -------------------------------


def test_bytes_take_their_time(make_sim, tmp, pty):
    """At 1200 baud a byte takes 8.3 ms: 8 asked and 7 answered."""
    make_sim(serial_bus(tmp, more="baud = 1200")
             + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    began = time.monotonic()
    assert p.ask(rtu(1, READ_TEMPERATURE), 7) == GOOD_RTU
    assert 0.11 < time.monotonic() - began < 1


def test_varying_values(make_sim, tmp):
    ini = TCP + unit("r", "generic.xy-md02", more="vary_period = 0\nvary.temperature = 18..24.5\n"
                     "vary.humidity = 40..60")

    def series(sim):
        return [sim.get("r", "temperature") for _ in range(20)]

    sim = make_sim(ini)
    first = series(sim)
    assert len(set(first)) > 5 and all(18 <= float(v) <= 24.5 for v in first)
    assert series(make_sim(ini)) == first
    sim.set("r", "temperature", "5.5")
    assert set(series(sim)) == {"5.5"}


def test_control_says_what_is_wrong(room):
    def wrong(line):
        with pytest.raises(AssertionError) as e:
            room.control(line)
        return str(e.value)

    assert "error no unit x" in wrong("get x y")
    assert "error room has no field y" in wrong("get room y")
    assert "cannot be" in wrong("set room temperature warm")
    assert "cannot be" in wrong("set room temperature 99999")
    assert "error no such fault" in wrong("fault room flood")
    assert "error" in wrong("fault room late")
    assert "error" in wrong("fault room exception 999")
    assert "error say: set UNIT FIELD VALUE" in wrong("set room temperature")
    assert "error no such command" in wrong("reboot")
    assert "error" in wrong("")
    assert room.get("room", "temperature") == "21.7"


@pytest.mark.parametrize("ini, says", [
    ("[bus b]\ntype = modbus-udp\nlisten = 127.0.0.1:0\n", "type"),
    ("[bus b]\ntype = modbus-tcp\n", "listen is missing"),
    (TCP + "[unit u]\nbus = plc\ntemplate = no.such\n", "no template no.such"),
    (TCP + "[unit u]\nbus = b9\ntemplate = generic.relay8\n", "no bus b9"),
    (TCP + "[unit u]\nbus = plc\ntemplate = vaisala.wxt\n", "does not go on"),
    (TCP + unit("u", "generic.relay8", relay9="on"), "no field relay9"),
    (TCP + unit("u", "generic.relay8", relay1="maybe"), "cannot be"),
    (TCP + unit("u", "generic.relay8", more="colour = red"), "colour"),
    (TCP + unit("u", "generic.relay8") + unit("v", "generic.relay8"), "address 1 is taken"),
    (TCP + unit("u", "generic.relay8") + unit("u", "generic.relay8", address=2), "u"),
])
def test_bad_files(tmp, ini, says):
    conf = tmp / "bad.ini"
    conf.write_text(ini)
    status, out, err = programs.run([programs.BIN / "thingsim", "-c", conf])
    assert status == 78 and says in err and out == ""


def test_usage(tmp):
    thingsim = programs.BIN / "thingsim"
    assert programs.run([thingsim])[0] == 2
    assert programs.run([thingsim, "-c", tmp / "none.ini"])[0] != 0
    status, out, _ = programs.run([thingsim, "--help-config"])
    assert status == 0 and "listen" in out and "template" in out
    assert "--control" in programs.run([thingsim, "--help"])[1]


@pytest.mark.parametrize("how", ["TERM", "quit"])
def test_leaves_nothing_behind(make_sim, tmp, how):
    sim = make_sim(TCP + serial_bus(tmp) + unit("room", "generic.xy-md02"))
    assert os.path.lexists(tmp / "line") and os.path.lexists(sim.socket)
    if how == "quit":
        sim.control("quit")
        assert sim.wait_exit() == 0
    else:
        sim.proc.popen.send_signal(signal.SIGTERM)
        assert sim.wait_exit() == 0
    assert not os.path.lexists(tmp / "line") and not os.path.lexists(sim.socket)


def test_does_not_replace_a_file(tmp):
    (tmp / "line").write_text("somebody's")
    conf = tmp / "plant.ini"
    conf.write_text(serial_bus(tmp))
    status, _, err = programs.run([programs.BIN / "thingsim", "-c", conf])
    assert status == 1 and "link" in err
    assert (tmp / "line").read_text() == "somebody's"


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        word = f.read().rsplit(")", 1)[1].split()
    return (int(word[11]) + int(word[12])) / os.sysconf("SC_CLK_TCK")


def test_a_large_plant_is_cheap(make_sim, tmp):
    """500 units on 8 buses: idle costs nothing, each answer little."""
    ini = "".join(
        "[bus b%d]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n[units b%du]\nbus = b%d\n"
        "count = 63\ntemplate = eastron.sdm630\nvary.power = 0..5000.0\n" % (b, b, b)
        for b in range(8)) + serial_bus(tmp)
    sim = make_sim(ini)
    pid = sim.proc.popen.pid
    began = cpu_seconds(pid)
    time.sleep(2)
    assert cpu_seconds(pid) - began < 0.2
    for b in range(8):
        m = master(sim.bus["b%d" % b])
        try:
            for u in range(1, 64):
                assert len(m.read_input_registers(0, 36, slave=u).registers) == 36
        finally:
            m.close()
    assert cpu_seconds(pid) - began < 3
    assert sim.count("b7u63") == "1"
