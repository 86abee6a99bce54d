"""What many buses and many fields cost: 4000 fields on one bus, and 1000 Modbus
TCP buses polled every second in one daemon that is on a real XMPP server, with
each node registered.  Prints figures."""

import statistics
import sys
import time

from bench import Workplace, cpu_s, memory_kb, template, threads, wait_until, window
from harness import programs, servers, wire

SECONDS = 10
PINGS = 200


def site_of(place, server, buses, units, fields):
    """A simulated plant, and a gateway that reads it."""
    name = "%dx%dx%d" % (buses, units, fields)
    for part in ("sim-", "gw-"):
        template(place.dir / (part + name), "bench.u16", fields)
    sim = place.start(programs.Sim(place.dir / ("sim-" + name), "".join(
        "[bus b%d]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n" % b + "".join(
            "[unit b%du%d]\nbus = b%d\naddress = %d\ntemplate = bench.u16\n" % (b, u, b, u)
            for u in range(1, units + 1)) for b in range(buses))))
    g = place.start(programs.Gateway(
        server, place.dir / ("gw-" + name), "".join(
            programs.node("b%du%d" % (b, u), bus="b%d" % b, address=u,
                          template="bench.u16", poll="1s")
            for b in range(buses) for u in range(1, units + 1)),
        buses="".join("[bus b%d]\ntype = modbus-tcp\nhost = %s\n" % (b, sim.bus["b%d" % b])
                      for b in range(buses)), log="warning"))
    return sim, g


def measure(place, server, buses, units, fields):
    sim, g = site_of(place, server, buses, units, fields)
    pid = g.proc.popen.pid
    at = time.monotonic()

    def all_there():
        return all(n["device"] == "online" and n["claim"] == "unclaimed"
                   for n in g.node_list().values())

    wait_until("all units answer and are registered", all_there, 60, 0.5)
    up = time.monotonic() - at
    time.sleep(3)
    names = ["b%du%d" % (b, u) for b in range(buses) for u in range(1, units + 1)]
    (asked, cpu), took = window(SECONDS, lambda: (
        sum(int(sim.count(n)) for n in names), cpu_s(pid)))
    print("%4d buses, %5d fields: all read and registered after %.1f s, %.0f requests/s, %.1f %% of a core, "
          "%d threads, %.1f MB resident (%.1f MB of it private); XMPP round trip median %.1f ms, "
          "worst %.1f ms of %d"
          % (buses, buses * units * fields, up, asked / took, 100 * cpu / took, threads(pid),
             memory_kb(pid) / 1024, memory_kb(pid, "RssAnon") / 1024,
             *round_trips(server, g)), flush=True)
    place.end(g)
    place.end(sim)


def round_trips(server, g):
    """Asks the gateway over XMPP who it is: (median, worst, how often)."""
    took = []
    with server.client("probe", presence=False) as c:
        for _ in range(PINGS):
            at = time.monotonic()
            c.iq("get", g.jid, "<query xmlns='%s'/>" % wire.DISCO_INFO, 10)
            took.append(1e3 * (time.monotonic() - at))
            time.sleep(0.02)
    return statistics.median(took), max(took), len(took)


def main():
    with Workplace() as place:
        server = servers.Prosody(place.dir / "prosody", limits=False)
        place.start(programs.Registry(server, place.dir / "registry"))
        try:
            measure(place, server, 1, 160, 25)
            measure(place, server, 1000, 1, 10)
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
