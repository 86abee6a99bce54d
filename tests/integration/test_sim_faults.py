"""Each fault of thingsim, on demand and on a schedule."""

import os
import select
import socket
import struct
import time

import pytest
from harness import programs
from harness.modbus import (
    GOOD_RTU, GOOD_TCP, READ_TEMPERATURE, TCP, crc16, hear, host_port, master, mbap, own_template,
    pty, room, rtu, serial_bus, tcp_ask, unit)
from harness.plant import stats
from harness.procs import wait_until

pytestmark = pytest.mark.skipif(
    not programs.have("thingsim"), reason="thingsim is not built in %s" % programs.BIN)


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
    ("split", GOOD_TCP),
    ("again 100", GOOD_TCP * 2),
    ("late-once 100", GOOD_TCP),
    ("wrong-tid", mbap(8, 1, b"\x04\x02\x00\xd9")),
    ("wrong-function", mbap(7, 1, b"\x05\x02\x00\xd9")),
    ("stale", b""),
    ("pair", b""),
    ("zeros", mbap(7, 1, b"\x04\x02\x00\x00")),
    ("ones", mbap(7, 1, b"\x04\x02\xff\xff")),
    ("write-lost", GOOD_TCP),
    ("silent on writes", GOOD_TCP),
    ("silent on reads", b""),
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
    ("long", GOOD_RTU + b"\x55\xaa\x55\xaa"),
    ("twice", GOOD_RTU * 2),
    ("drip 10", GOOD_RTU),
    ("again 100", GOOD_RTU * 2),
    ("wrong-function", rtu(1, b"\x05\x02\x00\xd9")),
    ("stale", b""),
] + [("exception %d" % n, rtu(1, bytes([0x84, n]))) for n in (1, 3, 4, 5, 6, 8, 10, 11)])
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
    room.fault("room", "late-once 300")
    with socket.create_connection(host_port(room.bus["plc"])) as s:
        s.sendall(mbap(1, 1, READ_TEMPERATURE))
        s.sendall(mbap(2, 1, READ_TEMPERATURE))
        got = hear(s.fileno(), 22, 5)
    assert got == mbap(2, 1, b"\x04\x02\x00\xd9") + mbap(1, 1, b"\x04\x02\x00\xd9")


def test_fault_on_rtu_late_comes_in_the_place_of_another(make_sim, tmp, pty):
    sim = make_sim(serial_bus(tmp) + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    sim.fault("room", "late-once 300")
    assert p.ask(rtu(1, READ_TEMPERATURE), 7, 0.2) == b""
    sim.set("room", "temperature", "99.9")
    assert p.ask(rtu(1, READ_TEMPERATURE), 14, 5) == rtu(1, b"\x04\x02\x03\xe7") + GOOD_RTU


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


def connect(sim, bus="plc"):
    return socket.create_connection(host_port(sim.bus[bus]))


def ask(s, tid, pdu=READ_TEMPERATURE, unit_id=1):
    """The answer, or b"" when none comes within 0.25 s."""
    s.sendall(mbap(tid, unit_id, pdu))
    got = hear(s.fileno(), 6, 0.25)
    if len(got) < 6:
        return got
    return got + hear(s.fileno(), 6 + int.from_bytes(got[4:6], "big") - len(got))


def temperature(tenths, tid):
    return mbap(tid, 1, b"\x04\x02" + struct.pack(">h", tenths))


def test_times(room):
    """A fault that ends by itself."""
    room.fault("room", "exception 6 times 2")
    with connect(room) as s:
        got = [ask(s, n)[7] for n in range(4)]
    assert got == [0x84, 0x84, 0x04, 0x04]
    assert stats(room, "room") == {"requests": 4, "answers": 4, "faults": 2, "noises": 0}


def test_stale_and_pair(room):
    """Request N gets the answer to N-1; two answers in one segment."""
    with connect(room) as s:
        room.fault("room", "stale")
        assert ask(s, 1) == b""
        room.set("room", "temperature", "30.0")
        assert ask(s, 2) == temperature(217, 1)
        assert ask(s, 3) == temperature(300, 2)
        room.fault("room", "pair")
        assert ask(s, 4) == temperature(300, 3) + temperature(300, 4)
        room.fault("room", "none")
        assert ask(s, 5) == temperature(300, 5)
        room.fault("room", "pair")
        assert ask(s, 6) == b""
        s.sendall(mbap(7, 1, READ_TEMPERATURE))
        time.sleep(0.2)
        assert s.recv(99) == temperature(300, 6) + temperature(300, 7)


def test_again(room):
    """The duplicate comes after the answer to a later request."""
    room.fault("room", "again 200 times 1")
    with connect(room) as s:
        assert ask(s, 1) == temperature(217, 1)
        assert ask(s, 2) == temperature(217, 2)
        assert hear(s.fileno(), 11) == temperature(217, 1)


def test_split_is_in_segments(room):
    room.fault("room", "split")
    with connect(room) as s:
        s.sendall(mbap(1, 1, READ_TEMPERATURE))
        parts = []
        while sum(map(len, parts)) < 11:
            assert select.select([s], [], [], 2)[0]
            parts.append(s.recv(99))
    assert b"".join(parts) == temperature(217, 1) and len(parts) > 5


WRITE = b"\x06\x01\x03\x00\x0f"


def test_writes_that_go_wrong(room):
    with connect(room) as s:
        room.fault("room", "write-ignored")
        assert ask(s, 1, WRITE) == mbap(1, 1, WRITE)
        assert room.get("room", "temp_offset") == "0.0"
        room.fault("room", "write-lost")
        assert ask(s, 2) == temperature(217, 2)
        assert ask(s, 3, WRITE) == b""
        assert room.get("room", "temp_offset") == "1.5"
        room.fault("room", "exception 4 on writes")
        assert ask(s, 4) == temperature(217, 4)
        assert ask(s, 5, WRITE) == mbap(5, 1, b"\x86\x04")


def test_sentinel(make_sim, tmp, monkeypatch):
    own_template(tmp, monkeypatch, nan="kind = modbus\n[poll]\nnormal = 10s\n[field]\n"
                 "a = input:0 i16 nan=0x8000\nb = input:1 u32 nan=0xFFFFFFFF,0\n"
                 "c = input:3 f32 dec=1\nd = input:5 u16\n")
    sim = make_sim(TCP + unit("u", "test.nan", a="5", b="6", c="7", d="8"))
    m = master(sim.bus["plc"])
    try:
        sim.fault("u", "sentinel")
        got = m.read_input_registers(0, 6, slave=1).registers
        assert got[:3] == [0x8000, 0xFFFF, 0xFFFF] and got[3] & 0x7F80 == 0x7F80 and got[5] == 8
        sim.fault("u", "none")
        assert m.read_input_registers(0, 6, slave=1).registers == [5, 0, 6, 0x40E0, 0, 8]
    finally:
        m.close()


def test_reboot(make_sim):
    """Silent, then the values of the start; what was set up is lost."""
    sim = make_sim(TCP + unit("room", "generic.xy-md02", temperature="21.7", more="ramp.humidity = 0.0 0.1"))
    with connect(sim) as s:
        for tid in range(3):
            ask(s, tid, b"\x04\x00\x02\x00\x01")
        assert ask(s, 4, WRITE) == mbap(4, 1, WRITE)
        sim.set("room", "temperature", "25.0")
        sim.fault("room", "reboot 600")
        began = time.monotonic()
        assert ask(s, 5) == b""
        wait_until("it is back", lambda: ask(s, 6), 5, 0)
        assert 0.5 < time.monotonic() - began < 2
        assert ask(s, 7) == temperature(217, 7)
        assert sim.get("room", "temp_offset") == "0.0"
        assert sim.get("room", "humidity") in ("0.1", "0.2", "0.3", "0.4")


def test_counter_reset(make_sim):
    sim = make_sim(TCP + unit("m", "eastron.sdm630", power="100.0", **{"import": "98765.5"}))
    sim.fault("m", "counter-reset")
    assert float(sim.get("m", "import")) == 0 and float(sim.get("m", "power")) == 100
    sim.control("ramp m import 500 1")
    with connect(sim) as s:
        for tid in range(3):
            ask(s, tid, b"\x04\x00\x48\x00\x02")
        assert float(sim.get("m", "import")) == 502
        sim.fault("m", "counter-reset")
        ask(s, 4, b"\x04\x00\x48\x00\x02")
        assert float(sim.get("m", "import")) == 0


def test_half_open(room):
    """The connection goes deaf without an end; a new one works."""
    with connect(room) as s:
        assert ask(s, 1) == temperature(217, 1)
        room.fault("plc", "half-open")
        assert ask(s, 2) == b"" and ask(s, 3) == b""
        with connect(room) as other:
            assert ask(other, 1) == temperature(217, 1)
        assert stats(room, "plc")["connections"] in (1, 2)
    wait_until("both are closed", lambda: stats(room, "plc")["connections"] == 0, 5)
    assert room.count("room") == "2"


def test_connection_limit(room):
    room.control("tune plc connections 1")
    with connect(room) as s:
        assert ask(s, 1) == temperature(217, 1)
        with connect(room) as other:
            other.settimeout(5)
            assert other.recv(9) == b""
        assert ask(s, 2) == temperature(217, 2)
    wait_until("there is room", lambda: stats(room, "plc")["connections"] == 0, 5)
    with connect(room) as s:
        assert ask(s, 3) == temperature(217, 3)
    assert stats(room, "plc")["refused"] == 1


def test_noise(make_sim, tmp, pty):
    """Stray bytes between frames, never inside one; the same by the seed."""
    ini = serial_bus(tmp) + unit("room", "generic.xy-md02", "line", temperature="21.7")

    def stray():
        sim = make_sim(ini)
        p = pty(tmp / "line")
        sim.fault("room", "noise 30")
        noise = hear(p.fd, 12, 3)
        sim.fault("room", "none")
        time.sleep(0.1)
        hear(p.fd, 999, 0.1)
        sim.fault("room", "noise 2")
        whole = sum(GOOD_RTU in p.ask(rtu(1, READ_TEMPERATURE), GOOD_RTU, 1) for _ in range(50))
        sim.control("quit")
        sim.wait_exit()
        return noise[:12], whole

    first, whole = stray()
    assert len(first) == 12 and whole == 50
    assert stray()[0] == first


def test_another_name(make_sim, tmp, pty):
    """A pty that comes back never has its old name."""
    sim = make_sim(serial_bus(tmp) + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    for _ in range(5):
        old = os.readlink(tmp / "line")
        sim.fault("line", "vanish")
        assert not os.path.lexists(tmp / "line")
        sim.fault("line", "back")
        assert os.readlink(tmp / "line") != old
        assert pty(tmp / "line").ask(rtu(1, READ_TEMPERATURE), 7) == GOOD_RTU
    assert sim.control("where line").split()[2] == os.readlink(tmp / "line")


def test_dead_gateway_and_rtu_over_tcp_faults(make_sim):
    sim = make_sim("[bus gw]\ntype = modbus-rtu-tcp\nlisten = 127.0.0.1:0\n"
                   + unit("room", "generic.xy-md02", "gw", temperature="21.7"))
    with connect(sim, "gw") as s:
        for fault, want in (("garble", GOOD_RTU[:-1] + bytes([GOOD_RTU[-1] ^ 1])),
                            ("echo", rtu(1, READ_TEMPERATURE) + GOOD_RTU),
                            ("twice", GOOD_RTU * 2), ("silent", b"")):
            sim.fault("gw", fault)
            s.sendall(rtu(1, READ_TEMPERATURE))
            assert hear(s.fileno(), 99, 0.25) == want, fault


# ---- schedules ---------------------------------------------------------------


def watch(sim, seconds):
    """[(seconds since the first, whether it was answered)] of requests."""
    began, seen = time.monotonic(), []
    with connect(sim) as s:
        tid = 0
        while time.monotonic() - began < seconds:
            tid += 1
            at = time.monotonic() - began
            s.sendall(mbap(tid, 1, READ_TEMPERATURE))
            seen.append((at, hear(s.fileno(), 11, 0.03) != b""))
            time.sleep(0.01)
    return seen


def test_schedule_window(room):
    room.control("schedule room 300ms..700ms silent")
    seen = watch(room, 1.2)
    assert all(ok for at, ok in seen if at < 0.25 or at > 0.8)
    assert not any(ok for at, ok in seen if 0.35 < at < 0.6)


def test_schedule_every(make_sim):
    sim = make_sim(TCP + unit("room", "generic.xy-md02", temperature="21.7",
                              more="schedule.a = every 400ms for 100ms silent"))
    seen = watch(sim, 2)
    off = [n for n in range(1, len(seen)) if seen[n - 1][1] and not seen[n][1]]
    gaps = [seen[b][0] - seen[a][0] for a, b in zip(off, off[1:])]
    assert 3 <= len(off) <= 5 and all(0.3 < g < 0.5 for g in gaps), seen
    sim.control("schedule room off")
    time.sleep(0.12)
    assert all(ok for _, ok in watch(sim, 0.6))


def test_schedule_chance_is_the_seeds(make_sim):
    ini = TCP + unit("room", "generic.xy-md02", temperature="21.7",
                     more="schedule.a = chance 10% exception 6\nschedule.b = chance 20% garble")

    def series(sim):
        with connect(sim) as s:
            return [ask(s, n)[7:] for n in range(400)]

    first = series(make_sim(ini))
    busy = first.count(b"\x84\x06")
    garbled = first.count(b"\x04\x03\x00\xd9")
    assert 20 <= busy <= 65 and 45 <= garbled <= 110
    assert busy + garbled + first.count(b"\x04\x02\x00\xd9") == 400
    assert series(make_sim(ini)) == first


def test_schedule_of_a_bus(make_sim, tmp, pty):
    sim = make_sim(serial_bus(tmp, more="schedule.a = 300ms..600ms vanish")
                   + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    old = os.readlink(tmp / "line")
    wait_until("it vanishes", lambda: not os.path.lexists(tmp / "line"), 5, 0.01)
    wait_until("it is back", lambda: os.path.lexists(tmp / "line"), 5, 0.01)
    assert os.readlink(tmp / "line") != old
    sim.control("schedule line 100ms..1500ms silent")
    p = pty(tmp / "line")
    time.sleep(0.3)
    assert p.ask(rtu(1, READ_TEMPERATURE), 7, 0.05) == b""
    time.sleep(1.7)
    assert p.ask(rtu(1, READ_TEMPERATURE), 7) == GOOD_RTU
    sim.control("schedule room 0..500ms noise 5")
    assert len(hear(p.fd, 20, 0.4)) == 20


@pytest.mark.parametrize("line_, says", [
    ("fault room noise", "a number is missing"),
    ("fault room late 700 times 0", "times N"),
    ("fault room late 700 on fire", "on reads"),
    ("fault room silent 5", "times N"),
    ("fault plc reboot 0", "1..600000"),
    ("schedule room every 1s silent", "every TIME for TIME"),
    ("schedule room chance 5 silent", "chance N%"),
    ("schedule plc chance 5% vanish", "not by chance"),
    ("schedule nobody 1s..2s silent", "no unit nobody"),
    ("log room", "say: log"),
    ("log room always", "on FILE"),
    ("log room on /nowhere/at/all", "No such file"),
    ("where room", "no bus room"),
])
def test_what_cannot_be(room, line_, says):
    with pytest.raises(AssertionError, match=says):
        room.control(line_)
