"""Size: 500 nodes on 8 buses."""

import time

import pytest

from harness.plant import gateway_of, plant
from harness.procs import wait_until
from harness.wire import node_of, payload, tags_of

NODES = 500


@pytest.fixture
def big(make_sim):
    """A plant of 500 units on 8 buses, and its names."""
    ini, names = plant(8, 63, last=NODES)
    return make_sim(ini), names


def counts(g, key="claim"):
    out = {}
    for n in g.node_list().values():
        out[n[key]] = out.get(n[key], 0) + 1
    return out


@pytest.mark.slow
def test_T26_five_hundred_nodes(big, fakereg, make_gateway):
    sim, names = big
    buses, nodes = gateway_of(sim, names)
    g = make_gateway(nodes, buses=buses, registry=fakereg.jid, log="info")
    g.wait_online()
    at = time.monotonic()
    wait_until("all are registered", lambda: counts(g).get("unclaimed") == NODES, 30, 0.2)
    print("registered %d nodes in %.1f s" % (NODES, time.monotonic() - at))
    regs = fakereg.got("register")
    assert len({node_of(payload(r)) for r in regs}) == NODES == len(regs)
    assert len({tags_of(payload(r))["KEY"] for r in regs}) == NODES
    wait_until("all devices answer", lambda: counts(g, "device").get("online") == NODES, 40, 0.5)
    got = g.control("read", node="b3u007", fields=["temperature"])["fields"]
    assert [(f["value"], f["quality"]) for f in got] == [("7.5", "ok")]
    # after a restart they are asked about again, ten a second, none twice
    fakereg.forget()
    g.stop()
    g.start()
    g.wait_online()
    wait_until("a hundred again", lambda: len(fakereg.got("register")) > 100, 45, 0.2)
    again = [node_of(payload(r)) for r in fakereg.got("register")]
    assert len(set(again)) == len(again)


@pytest.mark.slow
def test_T26_five_hundred_nodes_in_earnest(big, registry, make_gateway, client):
    sim, names = big
    buses, nodes = gateway_of(sim, names)
    g = make_gateway(nodes, buses=buses, log="info")
    g.wait_online()
    at = time.monotonic()
    wait_until("all are registered", lambda: counts(g).get("unclaimed") == NODES, 30, 0.2)
    print("registered %d nodes in %.1f s" % (NODES, time.monotonic() - at))


@pytest.mark.slow
def test_a_dead_bus_delays_no_other(big, fakereg, make_gateway):
    sim, names = big
    buses, nodes = gateway_of(sim, names, poll="2s")
    g = make_gateway(nodes, buses=buses, registry=fakereg.jid, log="info")
    wait_until("all devices answer", lambda: counts(g, "device").get("online") == NODES, 60, 0.5)
    sim.fault("b0", "vanish")
    dead = set(names["b0"])

    def gone():
        return all(n["device"] != "online" for k, n in g.node_list().items() if k in dead)

    wait_until("the dead bus is noticed", gone, 60, 0.5)
    for k, n in g.node_list().items():
        assert k in dead or n["device"] == "online", n
    got = g.control("read", node=names["b0"][0])["fields"]
    assert all(f["quality"] in ("stale", "missing", "error") for f in got
               if f["name"] in ("temperature", "humidity"))
    sim.fault("b0", "back")
    wait_until("it is back", lambda: counts(g, "device").get("online") == NODES, 90, 0.5)
