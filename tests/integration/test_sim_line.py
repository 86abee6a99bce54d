"""thingsim's lines: the time that characters take, adapters, silence, speeds;
its record of requests; and how much it can do."""

import os
import select
import socket
import struct
import subprocess
import termios
import time

import pytest
from harness import programs
from harness.modbus import (
    GOOD_RTU, READ_TEMPERATURE, hear, host_port, mbap, own_template, pty, rtu, serial_bus, unit)
from harness.plant import HOLDING, read_log, stamp, stats, tcp_buses
from harness.procs import wait_until

pytestmark = pytest.mark.skipif(
    not programs.have("thingsim"), reason="thingsim is not built in %s" % programs.BIN)

MANY = ("kind = modbus\n[poll]\nnormal = 1s\n[field]\n"
        + "".join("f%d = holding:%d u16\n" % (i, i) for i in range(200)))


def read_regs(n, unit_id=1):
    return rtu(unit_id, struct.pack(">BHH", 3, 0, n))


def asked(p, request, want):
    """Seconds from the request to the last byte of its answer."""
    began = time.perf_counter()
    os.write(p.fd, request)
    got = 0
    while got < want:
        assert select.select([p.fd], [], [], 5)[0]
        got += len(os.read(p.fd, 4096))
    return time.perf_counter() - began


def middle(values):
    return sorted(values)[len(values) // 2]


@pytest.mark.parametrize("baud, mode, bits", [(9600, "8E1", 11), (19200, "8N1", 10), (115200, "8N2", 11)])
def test_pace(make_sim, tmp, monkeypatch, pty, baud, mode, bits):
    """Request and answer take their characters' time and the silence between
    them; the middle of some is off by less than 5 % of a frame, none is early."""
    own_template(tmp, monkeypatch, many=MANY)
    make_sim(serial_bus(tmp, more="baud = %d\nmode = %s" % (baud, mode))
             + unit("u", "test.many", "line", more="values = stamp"))
    p = pty(tmp / "line")
    char = bits / baud
    gap = 3.5 * char if baud <= 19200 else 0.00175
    for n in (10, 50):
        took = []
        for _ in range(12 if baud < 19200 else 25):
            time.sleep(1.5 * gap)
            took.append(asked(p, read_regs(n), 5 + 2 * n))
        want = (8 + 5 + 2 * n) * char + gap
        assert min(took) > want - 0.0001
        assert middle(took) < want + 0.05 * (5 + 2 * n) * char + 0.0005, (n, want, sorted(took))


def test_a_slow_line(make_sim, tmp, pty):
    """At 1200 baud a byte takes 8.3 ms: 8 asked, 3.5 of silence, 7 answered."""
    make_sim(serial_bus(tmp, more="baud = 1200")
             + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    began = time.monotonic()
    assert p.ask(rtu(1, READ_TEMPERATURE), 7) == GOOD_RTU
    assert 0.15 < time.monotonic() - began < 1


def test_delay(make_sim, tmp, pty):
    sim = make_sim(serial_bus(tmp) + unit("room", "generic.xy-md02", "line", temperature="21.7",
                                          more="delay = 20ms"))
    p = pty(tmp / "line")
    took = [asked(p, rtu(1, READ_TEMPERATURE), 7) for _ in range(10)]
    assert min(took) > 0.0199 and middle(took) < 0.03
    sim.control("tune room delay 500us")
    took = [asked(p, rtu(1, READ_TEMPERATURE), 7) for _ in range(10)]
    assert min(took) > 0.0005 and middle(took) < 0.01
    sim.control("tune room jitter 40ms")
    took = [asked(p, rtu(1, READ_TEMPERATURE), 7) for _ in range(20)]
    assert max(took) - min(took) > 0.01


def test_usb_adapter(make_sim, tmp, monkeypatch, pty):
    """What has come in is handed over each 16 ms, or 62 bytes at a time."""
    own_template(tmp, monkeypatch, many=MANY)
    sim = make_sim(serial_bus(tmp, more="baud = 115200\nusb_latency = 16ms")
                   + unit("u", "test.many", "line"))
    p = pty(tmp / "line")
    took = []
    for n in range(20):
        time.sleep(0.0031 * (n % 5))
        took.append(asked(p, read_regs(1), 7))
    line = 15 * 10 / 115200 + 0.00175
    assert min(took) > line and max(took) - min(took) > 0.004
    assert middle(took) < line + 0.02
    os.write(p.fd, read_regs(125))
    parts = []
    while sum(parts) < 255:
        assert select.select([p.fd], [], [], 5)[0]
        parts.append(len(os.read(p.fd, 4096)))
    assert parts.count(62) >= 2, parts
    sim.control("tune line usb_latency 1ms")
    time.sleep(0.05)
    assert middle([asked(p, read_regs(1), 7) for _ in range(10)]) < line + 0.003


def test_too_early(make_sim, tmp, pty):
    """3.5 characters at 2400 baud are 14.6 ms."""
    sim = make_sim(serial_bus(tmp, more="baud = 2400")
                   + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    ask = rtu(1, READ_TEMPERATURE)
    for _ in range(3):
        assert p.ask(ask, 7) == GOOD_RTU
        time.sleep(0.02)
    assert stats(sim, "line")["early"] == 0
    assert p.ask(ask, 7) == GOOD_RTU
    assert p.ask(ask, 7) == GOOD_RTU  # at once; counted and answered
    assert stats(sim, "line")["early"] == 1
    sim.control("tune line early ignore")
    assert p.ask(ask, 7, 0.3) == b"" and stats(sim, "line")["early"] == 2
    assert p.ask(ask, 7) == GOOD_RTU
    # silence within a frame ends it
    os.write(p.fd, ask[:4])
    time.sleep(0.08)
    assert p.ask(ask[4:], 7, 0.2) == b""
    assert p.ask(ask, 7) == GOOD_RTU


def test_each_byte_apart(make_sim, tmp, pty):
    """A master that pauses between characters, less than ends a frame."""
    make_sim(serial_bus(tmp, more="baud = 1200")
             + unit("room", "generic.xy-md02", "line", temperature="21.7"))
    p = pty(tmp / "line")
    for byte in rtu(1, READ_TEMPERATURE):
        os.write(p.fd, bytes([byte]))
        time.sleep(0.012)
    assert hear(p.fd, 7) == GOOD_RTU


def set_speed(p, speed):
    attr = termios.tcgetattr(p.fd)
    attr[4] = attr[5] = speed
    termios.tcsetattr(p.fd, termios.TCSANOW, attr)


def test_speeds(make_sim, tmp, pty):
    """Two units on one pair of wires, at two speeds, one of them text."""
    sim = make_sim(serial_bus(tmp)
                   + unit("slow", "generic.xy-md02", "line", 1, more="speed = 4800", temperature="21.7")
                   + unit("fast", "generic.xy-md02", "line", 2, more="speed = 19200", temperature="1.0"))
    p = pty(tmp / "line")
    ask = rtu(1, READ_TEMPERATURE), rtu(2, READ_TEMPERATURE)
    set_speed(p, termios.B4800)
    assert p.ask(ask[0], 7) == GOOD_RTU and p.ask(ask[1], 7, 0.2) == b""
    set_speed(p, termios.B19200)
    assert p.ask(ask[0], 7, 0.2) == b"" and len(p.ask(ask[1], 7)) == 7
    sim.control("tune slow speed 0")
    assert p.ask(ask[0], 7) == GOOD_RTU
    assert sim.count("slow") == "2" and sim.count("fast") == "1"


def test_log(make_sim, tmp, monkeypatch, pty):
    own_template(tmp, monkeypatch, many=MANY)
    sim = make_sim(serial_bus(tmp) + unit("a", "test.many", "line", 1) + unit("b", "test.many", "line", 2))
    p = pty(tmp / "line")
    log = tmp / "requests.log"
    sim.control("log line on %s" % log)
    sim.fault("b", "exception 6")
    began = time.monotonic()
    for n in (1, 7):
        p.ask(read_regs(n), 5 + 2 * n)
        p.ask(read_regs(n, 2), 5)
        time.sleep(0.1)
    p.ask(rtu(1, b"\x06\x00\x05\x00\x01"), 8)
    wait_until("it is in the file", lambda: len(log.read_text().splitlines()) == 5, 5)
    rows = read_log(sim, "line", log)
    assert [r[1:] for r in rows] == [
        ("a", 3, 0, 1, "none"), ("b", 3, 0, 1, "exception"),
        ("a", 3, 0, 7, "none"), ("b", 3, 0, 7, "exception"), ("a", 6, 5, 1, "none")]
    assert began <= rows[0][0] <= rows[-1][0] <= time.monotonic()
    assert 0.09 < rows[2][0] - rows[0][0] < 1
    p.ask(read_regs(1), 7)
    assert len(log.read_text().splitlines()) == 5


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        word = f.read().rsplit(")", 1)[1].split()
    return (int(word[11]) + int(word[12])) / os.sysconf("SC_CLK_TCK")


def test_a_thousand_buses(make_sim, tmp, monkeypatch):
    """Each with a connection, asked in turn: descriptors beyond 1024."""
    own_template(tmp, monkeypatch, many=MANY)
    sim = make_sim(tcp_buses(1000, "test.many", "values = stamp"))
    n = int(subprocess.run(["sh", "-c", "ulimit -n"], capture_output=True, text=True).stdout)
    if n < 1100:
        pytest.skip("only %d descriptors here" % n)
    socks = [socket.create_connection(host_port(sim.bus["b%d" % i])) for i in range(1000)]
    try:
        began, cpu = time.monotonic(), cpu_seconds(sim.proc.popen.pid)
        values = 0
        while values < 40000:
            for s in socks:
                s.sendall(mbap(1, 1, b"\x03\x00\x00\x00\x04"))
            for s in socks:
                got = s.recv(99)
                assert len(got) == 17
                values += 4
            assert struct.unpack(">4H", got[9:]) == tuple(stamp(1, HOLDING, a) for a in range(4))
        cpu = cpu_seconds(sim.proc.popen.pid) - cpu
        print("40000 values from 1000 buses: %.2f s, %.2f s of it CPU of thingsim"
              % (time.monotonic() - began, cpu))
        assert cpu < 5
    finally:
        for s in socks:
            s.close()
