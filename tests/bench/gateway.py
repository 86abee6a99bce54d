"""What 500 nodes cost: registration, memory, load.  Prints figures."""

import os
import pathlib
import shutil
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("TB_BIN", str(SOURCE / "build/release/bin"))
sys.path.insert(0, str(SOURCE / "tests/integration"))

from harness import programs, servers  # noqa: E402
from harness.plant import gateway_of, plant  # noqa: E402
from harness.procs import Proc, wait_until  # noqa: E402

NODES = 500
IDLE_S = 20


def switches(pid):
    """Voluntary context switches of all threads: each is one wake-up."""
    n = 0
    for status in pathlib.Path("/proc/%d/task" % pid).glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                n += int(line.split()[1])
    return n


def all_are(gateway, key, value):
    return all(n[key] == value for n in gateway.node_list().values())


def register(server, directory, sim, names):
    """A gateway of 500 nodes, and the seconds from its login to the last one."""
    registry = programs.Registry(server, directory / "registry")
    buses, nodes = gateway_of(sim, names, poll="1h")
    g = programs.Gateway(server, directory / "gw", nodes, buses=buses, log="info")
    g.wait_online()
    at = time.monotonic()
    wait_until("all are registered", lambda: all_are(g, "claim", "unclaimed"), 120, 0.1)
    return registry, g, time.monotonic() - at


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tbbench"))
    try:
        ini, names = plant(8, 63, last=NODES)
        sim = programs.Sim(directory / "sim", ini)
        for name, limits in (("Debian's default limits", True), ("no limits", False)):
            server = servers.Prosody(directory / ("prosody%d" % limits), limits=limits)
            registry, g, seconds = register(
                server, directory / ("run%d" % limits), sim, names)
            print("register %d nodes, %-24s %7.2f s  %7.0f nodes/s"
                  % (NODES, name + ":", seconds, NODES / seconds))
            if limits:
                g.stop()
                registry.stop()
                server.stop()
        wait_until("all are read", lambda: all_are(g, "device", "online"), 60, 0.5)
        time.sleep(3)
        cpu, wakes, at = g.proc.cpu_seconds(), switches(g.proc.pid), time.monotonic()
        time.sleep(IDLE_S)
        passed = time.monotonic() - at
        print("idle for %d s: load %.3f %% of a core, %.1f wake-ups/s, RSS %d KiB"
              % (IDLE_S, (g.proc.cpu_seconds() - cpu) / passed * 100,
                 (switches(g.proc.pid) - wakes) / passed, g.proc.rss_kib()))
        g.stop()
    finally:
        for p in list(Proc.running):
            p.kill()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
