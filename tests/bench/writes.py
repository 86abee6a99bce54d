"""What the daemon writes to its disk in a day: nodes polled for some minutes, and
write_bytes of /proc for a day; beside them the same nodes with two fields kept,
whose time goes by 50 times as fast: a batch to the history is one of a day's
288 then, too, but there is a third of a day of them in 10 minutes.

writes.py [NODES [MINUTES]]   20 nodes polled every 10 s, for 10 minutes; in
/var/tmp, since a file system in memory counts nothing."""

import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("TB_BIN", str(SOURCE / "build/release/bin"))
sys.path.insert(0, str(SOURCE / "tests/integration"))

from harness import programs, servers  # noqa: E402
from harness.plant import gateway_of, plant  # noqa: E402
from harness.procs import wait_until  # noqa: E402

EVERY_MS = 10000
FLUSH_MS = 300000  # the default
FASTER = 50
SETTLE_S = 15
KEPT = {"field.%s.keep" % f: "30d" for f in ("temperature", "humidity")}


def written(g):
    text = pathlib.Path("/proc/%d/io" % g.proc.pid).read_text()
    return int(re.search(r"^write_bytes: (\d+)", text, re.M)[1])


def gateway(server, directory, sim, names, faster, **more):
    buses, nodes = gateway_of(sim, names, poll="%dms" % (EVERY_MS / faster), **more)
    g = programs.Gateway(server, directory, buses=buses, log="info", nodes=nodes,
                         extra="[history]\nflush = %dms\n" % (FLUSH_MS / faster))
    g.wait_online()
    wait_until("all are registered", lambda: all(
        n["claim"] == "unclaimed" and n["device"] == "online"
        for n in g.node_list().values()), 120, 0.2)
    return g


def measure(directory, server, sim, names, seconds):
    """What a day writes: (without anything kept, for what is kept)."""
    registry = programs.Registry(server, directory / "registry")
    idle = gateway(server, directory / "idle", sim, names, 1)
    kept = gateway(server, directory / "kept", sim, names, FASTER, **KEPT)
    time.sleep(SETTLE_S)
    before = written(idle), written(kept)
    time.sleep(seconds)
    got = written(idle) - before[0], written(kept) - before[1]
    for g in idle, kept, registry:
        g.stop()
    day = 86400 / seconds / 1e6
    return got[0] * day, got[1] * day / FASTER


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds = 60 * float(sys.argv[2] if len(sys.argv) > 2 else 10)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tbwrites", dir="/var/tmp"))
    try:
        server = servers.Prosody(directory / "prosody")
        ini, names = plant(1, n, last=n)
        ini = ini.replace("value.humidity = 45.0", "vary.humidity = 40.0..50.0")
        ini = re.sub(r"value.temperature = .*", "vary.temperature = 19.0..23.0", ini)
        sim = programs.Sim(directory / "sim", ini)
        idle, kept = measure(directory, server, sim, names, seconds)
        print("%d nodes every %d s: %.1f MB a day; %d fields kept: %.1f MB a day more"
              % (n, EVERY_MS / 1000, idle, n * len(KEPT), kept))
        sim.stop()
        server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
