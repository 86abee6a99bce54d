"""How a dead unit disturbs a live one on the same line, beside collectd.

Two units with 10 registers each are polled every second on one RTU line at
9600 baud and on one Modbus TCP gateway; the second unit never answers.  The
live unit's cycles are counted by the simulator.  Prints figures."""

import statistics
import sys
import time

from bench import Collectd, Nowhere, Workplace, collectd_data, collectd_host, template
from harness import programs

REGISTERS = 10
CYCLES = 20
FAILS = 3  # cycles after which a silent unit is left alone
NAMES = [("r%d" % i, i) for i in range(REGISTERS)]
KINDS = ("modbus-rtu", "modbus-tcp")


def sim_of(place, kind):
    directory = place.dir / ("sim-" + kind)
    template(directory, "bench.u16", REGISTERS)
    where = ("link = %s/line\nbaud = 9600\n" % directory
             if kind == "modbus-rtu" else "listen = 127.0.0.1:0\n")
    sim = place.start(programs.Sim(
        directory, "[bus line]\ntype = %s\n%s[unit live]\nbus = line\naddress = 1\n"
        "template = bench.u16\n[unit dead]\nbus = line\naddress = 2\n"
        "template = bench.u16\n" % (kind, where)))
    sim.fault("dead", "silent")
    return sim


def gateway_of(place, kind, sim):
    directory = place.dir / ("gw-" + kind)
    template(directory, "bench.u16", REGISTERS)
    where = "port = %s\nserial = 9600 8N1\n" if kind == "modbus-rtu" else "host = %s\n"
    return programs.Gateway(
        Nowhere(), directory,
        "".join(programs.node(n, bus="line", address=a, template="bench.u16", poll="1s")
                for n, a in (("live", 1), ("dead", 2))),
        buses="[bus line]\ntype = %s\n" % kind + where % sim.bus["line"], log="info")


def collectd_of(place, kind, sim):
    if kind == "modbus-rtu":
        where = 'Device "%s"\nBaudrate 9600\n' % sim.bus["line"]
    else:
        where = 'Address "%s"\nPort "%s"\n' % tuple(sim.bus["line"].rsplit(":", 1))
    return Collectd(place.dir / ("collectd-" + kind),
                    collectd_data(NAMES) + collectd_host("h", where, (1, 2), NAMES, 1), 1)


def cycles(sim, per_cycle):
    """When each cycle of the live unit began, for a while."""
    at, seen = [], int(sim.count("live"))
    end = time.monotonic() + 5 * (CYCLES + FAILS)
    while len(at) < CYCLES + FAILS and time.monotonic() < end:
        now, n = time.monotonic(), int(sim.count("live"))
        if n // per_cycle > seen // per_cycle:
            at.append(now)
        seen = n
        time.sleep(0.002)
    return at


def measure(place, sim, daemon, per_cycle, what):
    place.start(daemon)
    at = cycles(sim, per_cycle)[FAILS:]
    periods = [b - a for a, b in zip(at, at[1:])]
    place.end(daemon)
    print("%-26s live unit every %.3f s (median), worst %.3f s, worst off by %3.0f %%"
          % (what, statistics.median(periods), max(periods),
             100 * max(abs(p - 1) for p in periods)), flush=True)


def main():
    with Workplace() as place:
        for kind in KINDS:
            sim = sim_of(place, kind)
            measure(place, sim, collectd_of(place, kind, sim), REGISTERS,
                    "collectd, " + kind)
            measure(place, sim, gateway_of(place, kind, sim), 1, "thingbridged, " + kind)
            place.end(sim)
    return 0


if __name__ == "__main__":
    sys.exit(main())
