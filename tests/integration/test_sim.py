"""thingsim against masters that know nothing of it: mbpoll, pymodbus, and
bytes written by hand."""

import os
import re
import shutil
import signal
import socket
import struct
import time

import pytest
from harness import programs
from harness.modbus import (
    GOOD_RTU, GOOD_TCP, READ_TEMPERATURE, TCP, crc16, hear, host_port, master, mbap, mbpoll,
    own_template, pty, room, rtu, serial_bus, tcp_ask, unit)
from harness.plant import stamp
from harness.procs import wait_until
from pymodbus.mei_message import ReadDeviceInformationRequest

pytestmark = pytest.mark.skipif(
    not programs.have("thingsim"), reason="thingsim is not built in %s" % programs.BIN)


@pytest.fixture(params=["tcp", "rtu"])
def line(request, tmp):
    """(ini of a bus, its name): the same tests over both."""
    if request.param == "tcp":
        return TCP, "plc"
    return serial_bus(tmp), "line"


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
def test_holes(make_sim, tmp, monkeypatch, holes):
    own_template(tmp, monkeypatch, holes="kind = modbus\n[poll]\nnormal = 10s\n[field]\n"
                 "a = input:0x10 u16\nb = input:0x20 u16\n")
    sim = make_sim(TCP + unit("m", "test.holes", more="holes = " + holes))
    m = master(sim.bus["plc"])
    try:
        got = m.read_input_registers(0x12, 12, slave=1)
        if holes == "zero":
            assert got.registers == [0] * 12
        else:
            assert got.exception_code == 2
        assert m.read_input_registers(0x1F, 3, slave=1).exception_code == 2
    finally:
        m.close()


# ---- every function, to the letter ---------------------------------------------

PLAIN = ("kind = modbus\n[tag]\nMAN = example.com\nMODEL = X-1\nV = 2.5\nSN = @sn\n[poll]\nnormal = 10s\n"
         "once = connect\n[field]\n"
         + "".join("h%d = holding:%d u16\n" % (i, i) for i in range(8))
         + "".join("c%d = coil:%d bool kind=status\n" % (i, i) for i in range(10))
         + "i0 = input:0 u16\nd0 = discrete:0 bool kind=status\n"
         "sn = holding:8 str:4 kind=identity poll=once\n"
         "o0 = coil:0x200 bool kind=status\n"
         "[control]\nh0 = holding:0 u16 fc=6 verify=same\nh1 = holding:1 u16 fc=16 verify=same\n"
         "o0 = coil:0x100 bool fc=5 verify=coil:0x200\n"
         "level = holding:0x100 u16 fc=6 verify=holding:3\n")


@pytest.fixture
def plain(make_sim, tmp, monkeypatch, line):
    """(thingsim, where) of a device with eight registers and ten coils."""
    own_template(tmp, monkeypatch, plain=PLAIN)
    ini, bus = line
    sim = make_sim(ini + unit("u", "test.plain", bus, sn="AB12", **{"h%d" % i: i + 1 for i in range(8)}))
    return sim, sim.bus[bus]


def test_pymodbus_every_function(plain):
    sim, where = plain
    m = master(where)
    try:
        assert m.read_holding_registers(0, 8, slave=1).registers == list(range(1, 9))
        assert m.read_input_registers(0, 1, slave=1).registers == [0]
        assert m.read_coils(0, 10, slave=1).bits[:10] == [False] * 10
        assert m.read_discrete_inputs(0, 1, slave=1).bits[0] is False
        assert not m.write_coil(3, True, slave=1).isError()
        assert m.read_coils(0, 10, slave=1).bits[:10] == [i == 3 for i in range(10)]
        assert not m.write_register(7, 0xBEEF, slave=1).isError()
        assert not m.write_coils(0, [True] * 9, slave=1).isError()
        assert m.read_coils(0, 10, slave=1).bits[:10] == [True] * 9 + [False]
        assert not m.write_registers(4, [10, 20, 30], slave=1).isError()
        assert m.read_holding_registers(4, 4, slave=1).registers == [10, 20, 30, 0xBEEF]

        # 22: (0x12 AND 0xF2) OR (0x25 AND NOT 0xF2) = 0x17, the standard's example
        assert not m.write_register(4, 0x12, slave=1).isError()
        got = m.mask_write_register(4, 0xF2, 0x25, unit=1)
        assert (got.address, got.and_mask, got.or_mask) == (4, 0xF2, 0x25)
        assert m.read_holding_registers(4, 1, slave=1).registers == [0x17]

        # 23: the write comes first
        got = m.readwrite_registers(read_address=4, read_count=3, write_address=5,
                                    write_registers=[77, 88], unit=1)
        assert got.registers == [0x17, 77, 88]

        objects = m.execute(ReadDeviceInformationRequest(3, 0, unit=1)).information
        assert objects[0] == b"example.com" and objects[1] == b"X-1" and objects[2] == b"2.5"
        assert objects[4] == b"T"
        one = m.execute(ReadDeviceInformationRequest(4, 1, unit=1)).information
        assert one == {1: b"X-1"}
    finally:
        m.close()


@pytest.mark.skipif(not shutil.which("mbpoll"), reason="mbpoll is not installed")
def test_mbpoll_writes_and_identifies(plain):
    sim, where = plain
    assert "Written 1" in mbpoll(where, ["-a", "1", "-t", "4", "-0", "-r", "2", "--", "4711"])
    assert "Written 3" in mbpoll(where, ["-a", "1", "-t", "4", "-0", "-r", "4", "--", "1", "2", "3"])
    got = mbpoll(where, ["-a", "1", "-t", "4", "-0", "-r", "2", "-c", "5"])
    assert [got[str(i)] for i in range(2, 7)] == ["4711", "4", "1", "2", "3"]
    assert "Written 2" in mbpoll(where, ["-a", "1", "-t", "0", "-0", "-r", "8", "--", "1", "1"])
    got = mbpoll(where, ["-a", "1", "-t", "0", "-0", "-r", "0", "-c", "10"])
    assert "".join(got[str(i)] for i in range(10)) == "0000000011"
    got = mbpoll(where, ["-a", "1", "-t", "1", "-0", "-r", "0"])
    assert got["0"] == "0"
    got = mbpoll(where, ["-a", "1", "-t", "3", "-0", "-r", "0"])
    assert got["0"] == "0"
    if where.startswith("/"):
        text = mbpoll(where, ["-a", "1", "-u"])
        assert "0x01" in text and "ON" in text.upper()


@pytest.mark.parametrize("request_, answer", [
    ("03 0000 0000", "83 03"),  # no register
    ("03 0000 007E", "83 03"),  # 126
    ("03 0006 0004", "03 08 0007 0008 4142 3132"),
    ("03 0200 0001", "83 02"),
    ("03 FFFF 0002", "83 02"),  # beyond the last address
    ("01 0000 0000", "81 03"),
    ("01 0000 07D1", "81 03"),  # 2001
    ("01 0000 000A", "01 02 0000"),
    ("02 0001 0001", "82 02"),
    ("04 0001 0001", "84 02"),
    ("05 0000 FF00", "05 0000 FF00"),
    ("05 0000 5500", "85 03"),
    ("05 0900 FF00", "85 02"),
    ("06 0002 1234", "06 0002 1234"),
    ("06 0900 1234", "86 02"),
    ("0F 0000 0009 02 FF01", "0F 0000 0009"),
    ("0F 0000 0009 01 FF", "8F 03"),
    ("0F 0000 0000 00", "8F 03"),
    ("0F 0008 0003 01 07", "8F 02"),
    ("10 0000 0002 04 0001 0002", "10 0000 0002"),
    ("10 0000 0002 02 0001", "90 03"),
    ("10 0000 007C F8 0000", "90 03"),  # 124
    ("10 0007 0004 08 0001 0002 0003 0004", "90 02"),
    ("11", "11 03 01 FF 54"),
    ("16 0002 00F2 0025", "16 0002 00F2 0025"),
    ("16 0900 00F2 0025", "96 02"),
    ("17 0000 0001 0002 0001 02 0009", "17 02 0001"),
    ("17 0000 007E 0002 0001 02 0009", "97 03"),
    ("17 0000 0001 0002 0001 04 0009", "97 03"),
    ("17 0000 0001 0900 0001 02 0009", "97 02"),
    ("17 0900 0001 0002 0001 02 0009", "97 02"),
    ("2B 0E 04 04", "2B 0E 04 82 00 00 01 04 01 54"),
    ("2B 0E 01 00", "2B 0E 01 82 00 00 03 00 0B " + b"example.com".hex() + " 01 03 "
     + b"X-1".hex() + " 02 03 " + b"2.5".hex()),
    ("2B 0E 04 63", "AB 02"),
    ("2B 0E 05 00", "AB 03"),
    ("2B 0D 01 00", "AB 01"),
    ("07", "87 01"),
    ("41 0102", "C1 01"),
])
def test_to_the_letter(make_sim, tmp, monkeypatch, request_, answer):
    own_template(tmp, monkeypatch, plain=PLAIN)
    sim = make_sim(TCP + unit("u", "test.plain", sn="AB12", **{"h%d" % i: i + 1 for i in range(8)}))
    want = mbap(5, 1, bytes.fromhex(answer))
    with socket.create_connection(host_port(sim.bus["plc"])) as s:
        s.sendall(mbap(5, 1, bytes.fromhex(request_)))
        assert hear(s.fileno(), len(want)).hex(" ") == want.hex(" ")


def test_unknown_function_on_a_line(make_sim, tmp, monkeypatch, pty):
    own_template(tmp, monkeypatch, plain=PLAIN)
    make_sim(serial_bus(tmp) + unit("u", "test.plain", "line"))
    p = pty(tmp / "line")
    assert p.ask(rtu(1, b"\x41\x01\x02"), 5) == rtu(1, b"\xc1\x01")
    assert p.ask(rtu(1, b"\x11"), 8) == rtu(1, b"\x11\x03\x01\xff\x54")


def test_writes_are_read_back_elsewhere(plain):
    sim, where = plain
    m = master(where)
    try:
        assert not m.write_coil(0x100, True, slave=1).isError()
        assert m.read_coils(0x200, 1, slave=1).bits[0] is True
        assert sim.get("u", "o0") == "on"
        assert not m.write_register(0x100, 815, slave=1).isError()
        assert m.read_holding_registers(3, 1, slave=1).registers == [815]
        assert m.read_holding_registers(0x100, 1, slave=1).registers == [815]
    finally:
        m.close()


def test_what_a_device_allows(plain):
    sim, where = plain
    m = master(where)
    try:
        sim.control("tune u max_read 4")
        assert m.read_holding_registers(0, 5, slave=1).exception_code == 3
        assert len(m.read_holding_registers(0, 4, slave=1).registers) == 4
        sim.control("tune u min_read 2")
        assert m.read_holding_registers(0, 1, slave=1).exception_code == 3
        assert len(m.read_holding_registers(0, 2, slave=1).registers) == 2
        sim.control("tune u max_read_bits 3")
        assert m.read_coils(0, 4, slave=1).exception_code == 3
        sim.control("tune u identify no")
        got = m.execute(ReadDeviceInformationRequest(1, 0, unit=1))
        assert got.exception_code == 1
        sim.control("tune u holes exception")
        assert m.read_coils(0xFE, 3, slave=1).exception_code == 2
        with pytest.raises(AssertionError, match="holes"):
            sim.control("tune u holes some")
        with pytest.raises(AssertionError, match="colour"):
            sim.control("tune u colour red")
    finally:
        m.close()


# ---- values of which a test knows what they must be -------------------------------


def test_stamps(plain, line):
    sim, where = plain
    m = master(where)
    try:
        sim.control("tune u values stamp")
        for table, read in ((3, m.read_holding_registers), (2, m.read_input_registers)):
            for at in (0, 7, 1000, 65411):
                assert read(at, 125, slave=1).registers == [
                    stamp(1, table, a) for a in range(at, at + 125)], at
        assert m.read_coils(3, 16, slave=1).bits == [bool(stamp(1, 0, a)) for a in range(3, 19)]
        assert m.read_holding_registers(65500, 125, slave=1).exception_code == 2
        assert not m.write_register(2, 5, slave=1).isError()
        assert m.read_holding_registers(2, 1, slave=1).registers == [5]

        sim.control("tune u values stamp-count")
        for _ in range(3):
            n = int(sim.count("u"))
            assert m.read_holding_registers(3000, 4, slave=1).registers == [
                stamp(1, 3, a, n) for a in range(3000, 3004)]
    finally:
        m.close()
    assert len({stamp(1, 3, a) for a in range(65536)}) == 65536
    assert len({stamp(u, 3, 100) for u in range(256)}) == 256


def test_ramps(plain):
    sim, where = plain
    m = master(where)
    try:
        sim.control("ramp u h2 100 7")
        got = [m.read_holding_registers(2, 1, slave=1).registers[0] for _ in range(5)]
        assert got == [100, 107, 114, 121, 128]
        assert sim.get("u", "h2") == "128"  # a look does not count
        assert sim.get("u", "h2") == "128"
        sim.control("ramp u h3 65000 1000")  # it ends where it does not fit
        got = [m.read_holding_registers(3, 1, slave=1).registers[0] for _ in range(3)]
        assert got == [65000, 65000, 65000]
        sim.control("ramp u h4 0 1 50ms")
        time.sleep(0.3)
        assert 6 <= m.read_holding_registers(4, 1, slave=1).registers[0] < 60
        assert not m.write_register(4, 9, slave=1).isError()
        time.sleep(0.1)
        assert m.read_holding_registers(4, 1, slave=1).registers == [9]
    finally:
        m.close()
    with pytest.raises(AssertionError, match="FROM STEP"):
        sim.control("ramp u h2 100")


def test_sunspec_scale(make_sim, tmp, monkeypatch):
    own_template(tmp, monkeypatch, sun="kind = modbus\n[poll]\nnormal = 10s\n[field]\n"
                 "w = holding:10 i16 sf=w_sf\nw_sf = holding:11 i16\n"
                 "lo = holding:12 i8h\nhi = holding:12 i8l\n")
    sim = make_sim(TCP + "[unit u]\nbus = plc\ntemplate = test.sun\nvalue.w_sf = -2\n"
                   "value.w = -12.34\nvalue.lo = -3\nvalue.hi = 7\n")
    m = master(sim.bus["plc"])
    try:
        assert m.read_holding_registers(10, 3, slave=1).registers == [65536 - 1234, 65534, 0xFD07]
        sim.set("u", "w_sf", "1")
        assert float(sim.get("u", "w")) == -12340
        sim.set("u", "w", "500")
        assert m.read_holding_registers(10, 1, slave=1).registers == [50]
        assert sim.get("u", "lo") == "-3"
    finally:
        m.close()


# ---- frames ----------------------------------------------------------------


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
    for pdu in (b"\x04", b"\x04\x00", b"\x10\x00\x01\x00\x02\x09\x00", b"\x7f\0\0\0\0", b"\xff"):
        with socket.create_connection(host_port(room.bus["plc"])) as s:
            s.sendall(mbap(1, 1, pdu))
            got = hear(s.fileno(), 9)
            assert got[7] == pdu[0] | 0x80 and got[8] in (1, 3)


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


def test_regex_device_needs_no_answer(make_sim, tmp, monkeypatch, pty):
    own_template(tmp, monkeypatch, rx="kind = text\n[frame]\nmode = poll\nrequest = ?\nend = \\r\n"
                 "max = 99\ntimeout = 1s\n[poll]\nnormal = 10s\n[parse]\nformat = regex\n"
                 "regex = ^(?:OK|NO) [A-Z]{2}\\d\\.(x(y))?\\s*T=([+-]?\\d+(?:\\.\\d+)?)(?=.)[^0-9]?;(P=(\\d+))?\\$$\n"
                 "[field]\nt = group:3\np = group:5\n")
    make_sim(serial_bus(tmp, "serial") + unit("u", "test.rx", "line", t="-4.25", p="12"))
    assert pty(tmp / "line").ask(b"?", b"\r") == b"OK AA0.T=-4.25;$\r"


def test_length_of_a_message(make_sim, tmp, monkeypatch, pty):
    frame = ("kind = text\n[frame]\nmode = poll\nrequest = %s\nstart = \\x02\nend = \\x03\nmax = 99\n"
             "timeout = 1s\ncheck = lrc\n%s[poll]\nnormal = 10s\n[parse]\nformat = csv\n"
             "[field]\na = col:2\n")
    own_template(tmp, monkeypatch, byte=frame % ("b", "length = byte@1+3\n"),
                 fixed=frame % ("f", "length = 12\n"))
    make_sim(serial_bus(tmp, "serial") + unit("x", "test.byte", "line", more="answer = #,%a%", a="1.5")
             + unit("y", "test.fixed", "line", a="1.5"))
    p = pty(tmp / "line")
    got = p.ask(b"b", b"\x03")
    assert got[:6] == b"\x02" + bytes([len(got) - 3]) + b",1.5"
    got = p.ask(b"f", b"\x03")
    assert len(got) == 12 and got.startswith(b"\x02,1.5 ")


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


# ---- values that move, the program ------------------------------------------


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
    (TCP + unit("u", "generic.relay8", more="schedule.1 = 5s silent"), "not FROM..TO"),
    (TCP + unit("u", "generic.relay8", more="schedule.1 = every 5s for 6s silent"), "not FROM..TO"),
    (TCP + unit("u", "generic.relay8", more="schedule.1 = chance 101% silent"), "not FROM..TO"),
    (TCP + unit("u", "generic.relay8", more="schedule.1 = 1s..2s sleepy"), "no such fault"),
    (TCP + "schedule.1 = chance 1% vanish\n", "not by chance"),
    (TCP + unit("u", "generic.relay8", more="ramp.relay1 = 1"), "FROM STEP"),
    (TCP + "mode = 9N1\n", "mode"),
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
    assert all(k in out for k in ("schedule.", "usb_latency", "stamp-count", "write-lost"))
    out = programs.run([thingsim, "--help"])[1]
    assert all(k in out for k in ("--control", "tune", "half-open", "log"))


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
