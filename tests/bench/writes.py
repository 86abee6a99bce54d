"""What the daemon writes to its disk in a day: nodes that nobody owns yet polled
for some minutes, and write_bytes of /proc for a day.  What is kept for an owner
comes on top: history.c.

writes.py [NODES [MINUTES]]   20 nodes polled every 10 s, for 5 minutes; in
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

EVERY_S = 10
SETTLE_S = 15


def written(pid):
    text = pathlib.Path("/proc/%d/io" % pid).read_text()
    return int(re.search(r"^write_bytes: (\d+)", text, re.M)[1])


def measure(directory, server, sim, names, seconds):
    registry = programs.Registry(server, directory / "registry")
    buses, nodes = gateway_of(sim, names, poll="%ds" % EVERY_S)
    g = programs.Gateway(server, directory / "gw", buses=buses, log="info", nodes=nodes)
    g.wait_online()
    wait_until("all are registered", lambda: all(
        n["claim"] == "unclaimed" and n["device"] == "online"
        for n in g.node_list().values()), 120, 0.2)
    time.sleep(SETTLE_S)
    before = written(g.proc.pid)
    time.sleep(seconds)
    got = written(g.proc.pid) - before
    g.stop()
    registry.stop()
    return got


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds = 60 * float(sys.argv[2] if len(sys.argv) > 2 else 5)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tbwrites", dir="/var/tmp"))
    try:
        server = servers.Prosody(directory / "prosody")
        ini, names = plant(1, n, last=n)
        sim = programs.Sim(directory / "sim", ini)
        got = measure(directory, server, sim, names, seconds)
        print("%d nodes every %d s: %d bytes in %.0f s, %.1f MB a day"
              % (n, EVERY_S, got, seconds, got * 86400 / seconds / 1e6))
        sim.stop()
        server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
