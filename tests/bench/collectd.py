"""What reading registers costs, beside collectd's modbus plugin.

Both read the same 4 simulated Modbus TCP devices of 10 units with 100 registers
each; what was read is counted by the simulator.  Prints figures."""

import sys

import bench
from bench import Collectd, Nowhere, Workplace, collectd_data, collectd_host
from bench import cpu_s, memory_kb, pin, template, window
from harness import programs

HOSTS, UNITS, REGISTERS = 4, 10, 100
SECONDS = 20
NAMES = [("r%d" % i, i) for i in range(REGISTERS)]


def sim_of(place):
    template(place.dir / "sim", "bench.u16", REGISTERS)
    ini = ""
    for h in range(HOSTS):
        ini += "[bus h%d]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n" % h
        for u in range(1, UNITS + 1):
            ini += ("[unit h%du%d]\nbus = h%d\naddress = %d\ntemplate = bench.u16\n"
                    % (h, u, h, u))
    return place.start(programs.Sim(place.dir / "sim", ini))


def gateway_of(place, sim, poll, name):
    template(place.dir / name, "bench.u16", REGISTERS)
    buses = "".join("[bus h%d]\ntype = modbus-tcp\nhost = %s\n" % (h, sim.bus["h%d" % h])
                    for h in range(HOSTS))
    nodes = "".join(
        programs.node("h%du%d" % (h, u), bus="h%d" % h, address=u,
                      template="bench.u16", poll=poll)
        for h in range(HOSTS) for u in range(1, UNITS + 1))
    return place.start(programs.Gateway(
        Nowhere(), place.dir / name, nodes, buses=buses, log="info"))


def collectd_of(place, sim, interval, name):
    hosts = ""
    for h in range(HOSTS):
        ip, port = sim.bus["h%d" % h].rsplit(":", 1)
        hosts += collectd_host("h%d" % h, 'Address "%s"\nPort "%s"\n' % (ip, port),
                               range(1, UNITS + 1), NAMES, interval)
    return place.start(Collectd(place.dir / name, collectd_data(NAMES) + hosts, interval))


def requests(sim):
    return sum(int(sim.count("h%du%d" % (h, u)))
               for h in range(HOSTS) for u in range(1, UNITS + 1))


def measure(place, sim, daemon, per_request, what):
    """Values a second, and seconds of processor time for 100 000 values."""
    pid = daemon.proc.popen.pid
    window(3, lambda: (0,))
    (asked, cpu), took = window(SECONDS, lambda: (requests(sim), cpu_s(pid)))
    values = asked * per_request
    print("%-34s %8.0f values/s  %5.1f %% of a core  %7.3f s per 100000 values  %6.1f MB"
          % (what, values / took, 100 * cpu / took, cpu / values * 1e5,
             memory_kb(pid) / 1024), flush=True)
    place.end(daemon)
    return values / took, cpu / values * 1e5


def all_ok(gateway):
    """Every value is in the node table."""
    fields = gateway.control("read", node="h0u1")["fields"]
    return len(fields) == REGISTERS and all(f["quality"] == "ok" for f in fields)


def main():
    with Workplace() as place:
        sim = sim_of(place)
        results = {}
        for interval, seconds in (("1s", "1"), ("100ms", "0.1")):
            c = collectd_of(place, sim, seconds, "collectd" + seconds)
            peer = measure(place, sim, c, 1, "collectd, every %s s" % seconds)
            g = gateway_of(place, sim, interval, "gw" + seconds)
            if interval == "100ms":
                pin(g.proc.popen.pid, 0)
            bench.wait_until("values are there", lambda: all_ok(g), 10, 0.1)
            own = measure(place, sim, g, REGISTERS, "thingbridged, every %s s%s" % (
                seconds, ", one core" if interval == "100ms" else ""))
            results[interval] = (peer, own)
        (_, peer), (_, own) = results["1s"]
        print("CPU of collectd / ours for 100000 values: %.0f" % (peer / own))
    return 0


if __name__ == "__main__":
    sys.exit(main())
