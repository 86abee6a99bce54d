"""Values read from slaves that misbehave: how many of 100 000 answers were
wrong, on Modbus RTU and on Modbus TCP.

Every register of the simulated devices tells its unit, its address and which
request it answers, so a value of another register, unit or moment shows.  Each
line has a fault of its own at one request in twelve; its two units and their
blocks of equal length are as easy to mistake for one another as can be.
Prints figures; ends with 1 when a value was wrong."""

import sys

from bench import Workplace, poll, site
from harness import programs

READS = 100000
SECONDS = 900
FAULTS = {
    "late": "late 120", "again": "again 60", "late or soon": "late 80",
    "garbled": "garble", "wrong unit": "wrong-unit", "wrong function": "wrong-function",
    "split": "split", "dripping": "drip 2", "answered twice": "twice",
    "two in one piece": "pair", "echo": "echo", "noise before": "glitch",
    "too short": "truncate", "too long": "long", "silent": "silent", "reset": "reset",
}
# A second copy that comes during the next request of the same length is, on a line
# whose frames carry no number, the answer to it for every master.
ONLY_TCP = ("again", "pair", "reset")
ONLY_RTU = ("glitch",)
TEMPLATE = """\
[template]
id = bench.blocks
name = bench
class = bench
kind = modbus
version = 1
[tag]
MAN = bench
MODEL = bench
[modbus]
max_read = 2
timeout = 60ms
retries = 1
[poll]
normal = 1s
[field]
%s""" % "".join("r%d = holding:%d u16\n" % (a, a) for b in range(4) for a in (16 * b, 16 * b + 1))


def faults_of(kind):
    other = ONLY_RTU if kind == "modbus-tcp" else ONLY_TCP
    return [(n, f) for n, f in FAULTS.items() if f.split()[0] not in other]


def plant_of(directory, kind):
    """thingsim's configuration, with a line for each fault."""
    ini = ""
    for i, (_, fault) in enumerate(faults_of(kind)):
        where = ("link = %s/b%d\nbaud = 115200\n" % (directory, i) if kind == "modbus-rtu"
                 else "listen = 127.0.0.1:0\n")
        ini += "[bus b%d]\ntype = %s\n%s" % (i, kind, where)
        ini += "".join(
            "[unit b%du%d]\nbus = b%d\naddress = %d\ntemplate = bench.blocks\n"
            "values = stamp-count\nschedule.f = chance 8%% %s\n" % (i, u, i, u, fault)
            for u in (1, 2))
    return ini


def measure(place, kind, reads):
    directory = place.dir / kind
    path = directory / "templates/bench.ini"
    path.parent.mkdir(parents=True)
    path.write_text(TEMPLATE)
    sim = place.start(programs.Sim(directory, plant_of(directory, kind)))
    n = len(faults_of(kind))
    where = "port = %s\nserial = 115200 8N1\n" if kind == "modbus-rtu" else "host = %s\n"
    conf = site(
        directory,
        "".join("[bus b%d]\ntype = %s\n" % (i, kind) + where % sim.bus["b%d" % i]
                for i in range(n)),
        "".join(programs.node("b%du%d" % (i, u), bus="b%d" % i, address=u,
                              template="bench.blocks") for i in range(n) for u in (1, 2)))
    got, said = poll(conf, "-t", SECONDS, "-n", reads, "-i", 5, "-s", timeout=SECONDS + 60)
    place.end(sim)
    print("%s, %d lines of different faults: %d answers read in %.0f s, %d timeouts, %d garbled, "
          "%d late, %d values without a reading; WRONG: %d"
          % (kind, n, got["reads"], got["seconds"], got["timeouts"], got["garbled"],
             got["late"], got["bad"], got["wrong"]), flush=True)
    sys.stderr.write(said[:2000])
    return got["wrong"] == 0 and got["seconds"] < SECONDS


def main():
    reads = int(sys.argv[1]) if len(sys.argv) > 1 else READS
    with Workplace() as place:
        right = [measure(place, kind, reads) for kind in ("modbus-rtu", "modbus-tcp")]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
