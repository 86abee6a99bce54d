"""What 10 000 nodes behind one gateway cost: registering them through Prosody
beside a bare libstrophe program that sends the same stanzas with the same
window to the same registry, a start with them, memory, and what a restart of
the server makes it send.  All nodes are disabled, on 50 Modbus TCP buses, so
that no bus has a part in it.  Prints figures.

    nodes.py [NODES]"""

import os
import pathlib
import socket
import subprocess
import sys
import time

from bench import Proc, Workplace, cpu_s, memory_kb, wait_until
from harness import programs, servers
from harness.fakereg import FakeRegistry
from harness.wire import DISCOVERY, payload

BUSES = 50
WINDOW = 16
CLAIMED = "<claimed xmlns='%s' jid='owner@localhost' public='true'/>" % DISCOVERY


class Gateway(programs.Gateway):
    """Its start is timed: from exec to READY, and to the login."""

    def start(self, wait=True):
        at = str(self.dir / "notify")
        if os.path.exists(at):
            os.unlink(at)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(at)
            s.settimeout(60)
            os.environ["NOTIFY_SOCKET"] = at
            began = time.monotonic()
            super().start(wait=False)
            del os.environ["NOTIFY_SOCKET"]
            while b"READY=1" not in s.recv(4096):
                pass
            self.ready_s = time.monotonic() - began
            self.ready_cpu_s = cpu_s(self.proc.pid)
            while b"online" not in s.recv(4096):
                pass
        self.wait_control()


def sections(count):
    buses = "".join("[bus b%d]\ntype = modbus-tcp\nhost = 127.0.0.1:%d\n" % (b, b + 1) for b in range(BUSES))
    return buses, "".join(
        programs.node("n%05d" % i, bus="b%d" % (i % BUSES), address=i // BUSES % 247 + 1,
                      enabled="no", **{"tag.ROOM": "Room %d" % i})
        for i in range(1, count + 1))


def claims(g):
    out = {}
    for n in g.control("nodes")["nodes"]:
        out[n["claim"]] = out.get(n["claim"], 0) + 1
    return out


def memory(g, when):
    print("memory %s: %.1f MB resident (%.1f MB of it private), %.1f MB at most"
          % (when, *(memory_kb(g.proc.pid, k) / 1024 for k in ("VmRSS", "RssAnon", "VmHWM"))),
          flush=True)


def records(registry, jid):
    return registry.select("SELECT count(*) FROM thing WHERE jid = ?", jid)[0][0]


def bare(server, registry, count):
    """Nodes a second of the bare program."""
    user, password = server.new_account("bare")
    p = subprocess.run(
        [programs.BIN / "bare_strophe", "%s@%s/bare" % (user, server.domain), "127.0.0.1",
         str(server.c2s_port), server.cafile, registry.jid, str(count), str(WINDOW)],
        env=dict(os.environ, BARE_PASSWORD=password), check=True, capture_output=True, text=True)
    seconds, refused = p.stdout.split()
    assert refused == "0", p.stdout
    return count / float(seconds)


def daemon(server, registry, directory, count):
    """A gateway that has registered all, and its nodes a second."""
    buses, nodes = sections(count)
    g = Gateway(server, directory, nodes, buses=buses, registry=registry.jid,
                log="warning", start=False)
    g.start()
    print("start with a new store: READY after %.2f s (%.2f s of processor)"
          % (g.ready_s, g.ready_cpu_s))
    wait_until("the first is there", lambda: records(registry, g.bare), 30, 0.005)
    at, cpu = time.monotonic(), cpu_s(g.proc.pid)
    wait_until("all are there", lambda: records(registry, g.bare) == count, 300, 0.02)
    took = time.monotonic() - at
    print("registering took %.2f s of the gateway's processor time" % (cpu_s(g.proc.pid) - cpu))
    return g, count / took


def registering(place, server, count):
    registry = place.start(programs.Registry(server, place.dir / "registry"))
    before = bare(server, registry, count)
    g, rate = daemon(server, registry, place.dir / "gw", count)
    place.start(g)
    after = bare(server, registry, count)
    mean = (before + after) / 2
    print("register %d nodes, window %d: gateway %.0f nodes/s; bare libstrophe before %.0f and "
          "after %.0f nodes/s: %.0f %% of its mean"
          % (count, WINDOW, rate, before, after, 100 * rate / mean), flush=True)
    memory(g, "when all are registered")
    wait_until("all are noted", lambda: claims(g) == {"unclaimed": count}, 30, 0.2)
    memory(g, "when `nodes` has just been asked for")
    time.sleep(12)
    memory(g, "a little later")
    for _ in range(3):
        g.stop()
        g.start()
        print("start with %d nodes in the store: READY after %.2f s (%.2f s of processor)"
              % (count, g.ready_s, g.ready_cpu_s), flush=True)
    place.end(g)
    place.end(registry)


def restarted(server, want):
    """What comes from the gateway after the server was away: (requests, seconds)."""
    server.stop()
    time.sleep(5)
    server.start()
    fake = FakeRegistry(server)
    at = time.monotonic()

    def asked():
        return [payload(r).get("nodeId") for r in fake.got("register") + fake.got("update")]

    if want:
        wait_until("all are asked", lambda: len(set(asked())) == want, 600, 1)
    else:
        time.sleep(60)
    took = time.monotonic() - at
    return fake, len(asked()), len(set(asked())), took


def reconciling(place, server, count):
    fake = FakeRegistry(server)
    buses, nodes = sections(count)
    g = place.start(Gateway(server, place.dir / "gw2", nodes, buses=buses, registry=fake.jid,
                            log="warning", registry_keys={"key_clear": "0s"}))
    wait_until("all are there", lambda: claims(g) == {"unclaimed": count}, 120, 0.5)
    fake, sent, names, took = restarted(server, count)
    print("restart of the server, %d unclaimed: %d requests for %d nodes in %.0f s"
          % (count, sent, names, took), flush=True)
    fake.answers["register"] = CLAIMED
    g.stop()
    g.start()
    wait_until("all are claimed", lambda: claims(g) == {"public": count}, 600, 0.5)
    time.sleep(5)
    fake, sent, names, took = restarted(server, 0)
    print("restart of the server, %d claimed and unchanged: %d requests for %d nodes in %.0f s"
          % (count, sent, names, took), flush=True)
    memory(g, "when all are claimed")
    place.end(g)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    with Workplace() as place:
        server = servers.Prosody(pathlib.Path(place.dir) / "prosody", limits=False)
        try:
            registering(place, server, count)
            reconciling(place, server, count)
        finally:
            server.stop()
            for p in list(Proc.running):
                p.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
