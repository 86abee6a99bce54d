"""Plants in few words, and masters that know nothing of thingsim: mbpoll,
pymodbus, and bytes written by hand."""

import os
import re
import select
import socket
import struct
import subprocess
import time
import tty

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from . import programs

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
    values = []
    if "--" in how:
        end = how.index("--")
        values = how[end + 1:-1]
        how = how[:end] + how[-1:]
    p = subprocess.run(["mbpoll", "-1", *how, *values],
                       capture_output=True, text=True, timeout=timeout)
    got = dict(re.findall(r"^\[(\d+)\]:\s+(\S+)", p.stdout, re.M))
    return got or p.stdout + p.stderr


def master(where):
    if where.startswith("/"):
        m = ModbusSerialClient(where, baudrate=9600, timeout=2)
    else:
        host, port = host_port(where)
        m = ModbusTcpClient(host, port=port, timeout=2)
    assert m.connect()
    return m


def own_template(tmp, monkeypatch, **files):
    path = tmp / "templates"
    path.mkdir()
    for stem, text in files.items():
        (path / (stem + ".ini")).write_text(
            "[template]\nid = test.%s\nname = T\nclass = test\nversion = 1\n%s" % (stem, text))
    monkeypatch.setattr(programs, "TEMPLATES", path)


def tcp_ask(sim, tid=7, timeout=1.0, want=11):
    with socket.create_connection(host_port(sim.bus["plc"])) as s:
        s.sendall(mbap(tid, 1, READ_TEMPERATURE))
        return hear(s.fileno(), want, timeout)


@pytest.fixture
def room(make_sim):
    return make_sim(TCP + unit("room", "generic.xy-md02", temperature="21.7"))


GOOD_TCP = mbap(7, 1, b"\x04\x02\x00\xd9")
GOOD_RTU = rtu(1, b"\x04\x02\x00\xd9")
