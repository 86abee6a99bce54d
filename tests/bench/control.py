"""How long a control request waits while the bus is polled without a pause.

Wait is the time from asking to the answer, without the request's own frames
(write and read back); it should be one transaction that is under way at most.
Prints figures."""

import sys

from bench import Workplace, poll, site, template
from line import limit_s
from harness import programs

SECONDS = 20
REGISTERS = 60  # of the polls: longer than the control's own


def measure(place, kind, baud):
    directory = place.dir / ("%s-%d" % (kind, baud))
    where = ("link = %s/line\nbaud = %d\n" % (directory, baud)
             if kind == "modbus-rtu" else "listen = 127.0.0.1:0\n")
    path = template(directory, "bench.u16", REGISTERS)
    with path.open("a") as f:
        f.write("[control]\nr0 = holding:0 u16 fc=6 verify=same\n")
    sim = place.start(programs.Sim(
        directory, "[bus line]\ntype = %s\n%s" % (kind, where) + "".join(
            "[unit u%d]\nbus = line\naddress = %d\ntemplate = bench.u16\n" % (i, i)
            for i in range(1, 5))))
    where = ("port = %s\nserial = %d 8N1\n" % (sim.bus["line"], baud)
             if kind == "modbus-rtu" else "host = %s\n" % sim.bus["line"])
    conf = site(directory, "[bus line]\ntype = %s\n%s" % (kind, where), "".join(
        programs.node("u%d" % i, bus="line", address=i, template="bench.u16")
        for i in range(1, 5)))
    got, said = poll(conf, "-t", SECONDS, "-i", 1, "-a", "r0")
    place.end(sim)
    poll_ms = "%.1f ms" % (1e3 * limit_s(baud, REGISTERS)) if baud else "no time"
    print("%-10s %6d baud: %4d writes (%d failed) waited median %6.2f ms, p99 %6.2f ms, "
          "worst %6.2f ms; a poll takes %s, a write with its read-back %.2f ms"
          % (kind, baud, got["asks"], got["asks_failed"], got["wait_p50"], got["wait_p99"],
             got["wait_max"], poll_ms, got["own_p50"]), flush=True)
    sys.stderr.write(said[:500])


def main():
    with Workplace() as place:
        measure(place, "modbus-rtu", 9600)
        measure(place, "modbus-rtu", 115200)
        measure(place, "modbus-tcp", 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
