"""How much of a line's time is used: requests a second against what the line
can carry at most, T(N) = (13 + 2 N) characters and two silences of 3.5.

The simulated line takes the time that characters take both ways; the device
answers at once.  Prints figures."""

import sys

from bench import Workplace, poll, site, template
from harness import programs

SECONDS = 8
BITS = 10  # 8N1


def limit_s(baud, registers):
    char = BITS / baud
    silence = 3.5 * 11 / baud if baud <= 19200 else 0.00175
    return (13 + 2 * registers) * char + 2 * silence


def measure(place, baud, registers):
    name = "%d-%d" % (baud, registers)
    directory = place.dir / name
    template(directory, "bench.u16", registers)
    sim = place.start(programs.Sim(
        directory, "[bus line]\ntype = modbus-rtu\nlink = %s/line\nbaud = %d\n"
        "[unit u]\nbus = line\naddress = 1\ntemplate = bench.u16\n" % (directory, baud)))
    conf = site(directory, "[bus line]\ntype = modbus-rtu\nport = %s\nserial = %d 8N1\n"
                % (sim.bus["line"], baud),
                programs.node("u", bus="line", address=1, template="bench.u16"))
    got, _ = poll(conf, "-t", SECONDS, "-i", 1)
    place.end(sim)
    rate = got["values"] / registers / got["seconds"]
    most = 1 / limit_s(baud, registers)
    print("%6d baud %3d registers: %6.1f requests/s of %6.1f  %3.0f %%  bad %d"
          % (baud, registers, rate, most, 100 * rate / most, got["bad"]), flush=True)


def main():
    with Workplace() as place:
        for baud in (9600, 19200, 115200):
            for registers in (1, 10, 125):
                measure(place, baud, registers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
