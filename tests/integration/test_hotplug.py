"""An adapter that is pulled out and plugged in again under another name."""

import os
import pathlib
import time

import pytest

from harness.procs import wait_until
from harness.programs import node

PLANT = """\
[bus rs485]
type = modbus-rtu
link = {dir}/rs485
[bus wx]
type = serial
link = {dir}/wx
[unit cold]
bus = rs485
address = 11
template = generic.xy-md02
value.temperature = -12.3
[unit mast]
bus = wx
address = 1
template = vaisala.wxt-nmea
value.temperature = -3.4
period = 200ms
"""

SITE = """\
[bus rs485]
type = modbus-rtu
port = {dir}/rs485
serial = 19200 8N1
[bus wx]
type = serial
port = {dir}/wx
"""

RELEASED_S = 0.1
BACK_S = 2.0
# what the test itself takes to look, and the machine to run several of them
SLACK_S = 0.15


@pytest.fixture
def server(prosody):
    return prosody


@pytest.fixture
def site(make_sim, make_gateway, tmp):
    sim = make_sim(PLANT.format(dir=tmp))
    g = make_gateway(
        node("cold", bus="rs485", address=11, poll="200ms")
        + node("mast", bus="wx", template="vaisala.wxt-nmea"),
        buses=SITE.format(dir=tmp), registry="registry.localhost")
    for n in ("cold", "mast"):
        wait_until("%s is read" % n, lambda n=n: quality(g, n) == "ok", 20, 0.05)
    return sim, g


def quality(g, name):
    return g.control("read", node=name, fields=["temperature"])["fields"][0]["quality"]


def holds(g, path):
    """Whether the daemon has the terminal open."""
    for fd in pathlib.Path("/proc/%d/fd" % g.proc.popen.pid).iterdir():
        try:
            if os.readlink(fd).split(" ")[0] == path:
                return True
        except OSError:
            pass
    return False


@pytest.mark.parametrize("bus,unit", [("rs485", "cold"), ("wx", "mast")])
def test_released_at_once_and_back_soon(site, tmp, bus, unit):
    sim, g = site
    old = os.path.realpath(tmp / bus)
    assert holds(g, old)

    sim.control("fault %s vanish" % bus)
    at = time.monotonic()
    wait_until("the port is released", lambda: not holds(g, old), 5, 0.005)
    released = time.monotonic() - at
    wait_until("the value is no longer fresh", lambda: quality(g, unit) != "ok", 5, 0.02)

    # somebody else takes the old number, so it comes back under another
    taken = [os.openpty() for _ in range(4)]
    time.sleep(1)
    sim.control("fault %s back" % bus)
    at = time.monotonic()
    wait_until("values are there again", lambda: quality(g, unit) == "ok", 10, 0.02)
    back = time.monotonic() - at
    assert os.path.realpath(tmp / bus) != old
    for pair in taken:
        os.close(pair[0])
        os.close(pair[1])
    print("%s: released after %.0f ms, values again after %.2f s" % (
        bus, 1000 * released, back))
    assert released < RELEASED_S + SLACK_S
    assert back < BACK_S + SLACK_S
