"""Limits: a server that throttles, memory, idle load."""

import time

import pytest

from conftest import need
from harness import programs
from harness.fakereg import FakeRegistry
from harness.plant import gateway_of, plant
from harness.procs import wait_until
from harness.programs import Gateway, Sim, node
from harness.servers import Prosody
from harness.wire import node_of, payload

NODES = 500
RSS_MAX_KIB = 16 * 1024
IDLE_CPU_MAX = 0.01  # of one core


@pytest.fixture
def throttled(tmp):
    """Prosody with mod_limits as Debian ships it: 10 kB/s a client."""
    s = Prosody(tmp / "server", limits=True)
    yield s
    s.stop()


@pytest.mark.slow
def test_throttled_server_loses_nothing(throttled, tmp):
    need("thingbridged")
    reg = FakeRegistry(throttled)
    nodes = "".join(node("n%03d" % i, bus="dead%d" % (i // 64), source="S",
                         address=i % 64 + 1) for i in range(NODES))
    buses = "".join("[bus dead%d]\ntype = modbus-tcp\nhost = 127.0.0.1:%d\n" % (i, i + 1)
                    for i in range(NODES // 64 + 1))
    g = Gateway(throttled, tmp / "gw", nodes, registry=reg.jid, buses=buses, log="info")
    g.wait_online()
    at = time.monotonic()
    wait_until("all are registered", lambda: all(
        n["claim"] == "unclaimed" for n in g.node_list().values()), 120, 0.5)
    print("registered %d nodes in %.1f s" % (NODES, time.monotonic() - at))
    assert len({node_of(payload(r)) for r in reg.got("register")}) == NODES
    assert len(reg.got("register")) == NODES  # nothing sent twice in impatience
    assert not [p for p in reg.presences if p.get("type") == "unavailable"]
    reg.close()


@pytest.fixture
def release():
    if not programs.have("thingbridged", bin_=programs.BIN_RELEASE):
        pytest.skip("no release build in %s (TB_BIN_RELEASE)" % programs.BIN_RELEASE)
    return programs.BIN_RELEASE


def settled(prosody, tmp, release, poll):
    """A gateway of the release build whose 500 nodes are registered and read."""
    sim_bin = release if programs.have("thingsim", bin_=release) else None
    ini, names = plant(8, 63, last=NODES)
    sim = Sim(tmp / "sim", ini, bin_=sim_bin)
    reg = FakeRegistry(prosody)
    buses, nodes = gateway_of(sim, names, poll=poll)
    g = Gateway(prosody, tmp / "gw", nodes, registry=reg.jid, buses=buses,
                bin_=release, log="info")
    wait_until("all are registered and read", lambda: all(
        n["claim"] == "unclaimed" and n["device"] == "online"
        for n in g.node_list().values()), 90, 0.5)
    return g, reg


@pytest.mark.slow
def test_memory_and_idle_load(prosody, tmp, release):
    g, reg = settled(prosody, tmp, release, "1h")
    time.sleep(3)
    cpu, at = g.proc.cpu_seconds(), time.monotonic()
    time.sleep(15)
    load = (g.proc.cpu_seconds() - cpu) / (time.monotonic() - at)
    rss = g.proc.rss_kib()
    print("%d nodes: RSS %d KiB, idle load %.2f %%" % (NODES, rss, load * 100))
    reg.close()
    assert rss <= RSS_MAX_KIB
    assert load <= IDLE_CPU_MAX


@pytest.mark.slow
def test_memory_stays_flat(prosody, tmp, release):
    """Half a minute of 250 readings a second and many control requests."""
    g, reg = settled(prosody, tmp, release, "2s")
    time.sleep(3)
    before, cpu = g.proc.rss_kib(), g.proc.cpu_seconds()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        g.node_list()
        time.sleep(0.3)
    after = g.proc.rss_kib()
    print("RSS %d KiB, then %d KiB; load %.1f %%"
          % (before, after, (g.proc.cpu_seconds() - cpu) / 30 * 100))
    reg.close()
    assert after <= RSS_MAX_KIB
    assert after - before < 1024
