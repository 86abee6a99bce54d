"""Cached readouts of one node of 25 fields: how much longer they take than a
ping through the same server at the same time, how many a second are served, and
whose processor time that takes.

First through a private Prosody, then with the daemon logged in, over TLS, to
the bench itself: what a server needs for each is several times what the daemon
does.  The clock runs from the request to the last message of its answer; pings
and readouts take turns, so that both see the same machine.  Prints figures."""

import os
import sys
import time

from bench import Workplace, cpu_s, template
from direct import OWNER, REGISTRY, Direct
from harness import programs, wire
from harness.fakereg import FakeRegistry
from harness.procs import wait_until
from harness.reader import SENSOR, request
from harness.servers import Prosody

FIELDS = 25
ROUNDS = 2000
SECONDS = 4
ROUNDS_OF_RATES = 3
WINDOW = 16  # requests under way at a time
PING = "<ping xmlns='urn:xmpp:ping'/>"


def share(values, part):
    return 1e3 * sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Raw:
    """A socket itself: parsing XML in Python would be what is measured."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""
        sock.settimeout(30)

    def take(self, mark):
        """Waits for so many bytes that mark is among them, once."""
        while mark not in self.rest:
            data = self.sock.recv(1 << 16)
            assert data, "the server has closed"
            self.rest += data
        self.rest = self.rest.split(mark, 1)[1]

    def count(self, mark):
        """How many marks the bytes have that come now."""
        keep = len(mark) - 1
        data = self.sock.recv(1 << 16)
        self.rest = self.rest[-keep:] + data
        return self.rest.count(mark)


def ask(id_, jid, from_, inner):
    return ("<iq type='get' id='%s' to='%s'%s>%s</iq>" % (
        id_, jid, wire.attrs(from_=from_ or None), inner)).encode()


def readout(jid, seqnr, from_=""):
    return ask("r%d" % seqnr, jid, from_, request(seqnr, "momentary", nodes=["n"]))


def ping(jid, n, from_=""):
    return ask("p%d" % n, jid, from_, PING)


def latency(raw, jid, from_):
    pings, read = [], []
    for i in range(1, ROUNDS + 1):
        at = time.monotonic()
        raw.sock.sendall(ping(jid, i, from_))
        raw.take(b"p%d" % i)
        pings.append(time.monotonic() - at)
        at = time.monotonic()
        raw.sock.sendall(readout(jid, i, from_))
        raw.take(b"</message>")
        read.append(time.monotonic() - at)
    for name, v in (("ping", pings), ("readout", read)):
        print("%-8s median %.2f ms, p99 %.2f ms, worst %.2f ms"
              % (name, share(v, .5), share(v, .99), share(v, 1)))
    print("a readout takes %.2f ms longer at p99" % (share(read, .99) - share(pings, .99)))


def idle_s():
    """What all processors were idle so far."""
    with open("/proc/stat") as f:
        return int(f.readline().split()[4]) / os.sysconf("SC_CLK_TCK")


def throughput(name, raw, make, mark, pids):
    """As many as the chain takes, and whose processor time that is."""
    raw.rest = b""
    begin, idle = time.monotonic(), idle_s()
    before = {who: cpu_s(p) for who, p in pids.items()}
    sent = done = 0
    while time.monotonic() - begin < SECONDS:
        batch = b""
        while sent - done < WINDOW:
            sent += 1
            batch += make(100000 + sent)
        raw.sock.sendall(batch)
        done += raw.count(mark)
    took = time.monotonic() - begin
    print("%-8s %.0f a second; CPU each: %s; %.0f %% of the machine idle" % (
        name, done / took, ", ".join(
            "%s %.3f ms" % (who, 1e3 * (cpu_s(p) - before[who]) / done)
            for who, p in pids.items()), 100 * (idle_s() - idle) / took / os.cpu_count()))
    return done / took


def gateway(place, server, sim, name):
    return place.start(programs.Gateway(
        server, place.dir / name, programs.node("n", "plc", template="bench.fields"),
        registry=REGISTRY, log="warning",
        buses="[bus plc]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["plc"]))


def check(iq, values):
    assert iq.get("type") == "result", wire.text(iq)
    values = wire.text(values)
    assert values.count("numeric") >= FIELDS and SENSOR in values


def measure(raw, jid, pids, from_=""):
    latency(raw, jid, from_)
    rates = {"ping": [], "readout": []}
    for _ in range(ROUNDS_OF_RATES):
        rates["ping"].append(throughput(
            "ping", raw, lambda n: ping(jid, n, from_), b"<iq ", pids))
        rates["readout"].append(throughput(
            "readout", raw, lambda n: readout(jid, n, from_), b"</message>", pids))
    print("best: %.0f readouts a second, %.0f pings" % (
        max(rates["readout"]), max(rates["ping"])))


def through_server(place, sim):
    server = Prosody(place.dir / "prosody")
    reg = FakeRegistry(server)
    g = gateway(place, server, sim, "gw")
    source = wire.payload(reg.wait("register", "n")).get("sourceId")
    me = server.client("me")
    reg.claimed(g.jid, wire.bare(me.jid), "n", source)
    wait_until("the device answers", lambda: g.node_list()["n"]["device"] == "online")
    time.sleep(2)
    check(me.iq("get", g.jid, request(1, "momentary", nodes=["n"])), me.expect("message"))
    me.closing = True  # its reader ends
    me.thread.join()
    measure(Raw(me.sock), g.jid, {
        "daemon": g.proc.pid, "Prosody": server.proc.pid, "client": os.getpid()})
    place.end(g)
    server.stop()


def alone(place, sim):
    server = Direct(place.dir / "direct")
    g = gateway(place, server, sim, "gw2")
    server.login(g.jid)
    server.claim("n")
    wait_until("the device answers", lambda: g.node_list()["n"]["device"] == "online")
    time.sleep(2)
    server.send(readout(g.jid, 1, OWNER).decode())
    check(server.serve(lambda el: el.get("id") == "r1"),
          server.serve(lambda el: wire.local(el) == "message"))
    measure(Raw(server.sock), g.jid, {"daemon": g.proc.pid, "client": os.getpid()}, OWNER)
    place.end(g)
    server.stop()


def main():
    with Workplace() as place:
        programs.TEMPLATES = template(place.dir, "bench.fields", FIELDS).parent
        sim = place.start(programs.Sim(
            place.dir / "sim", "[bus plc]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n"
            "[unit n]\nbus = plc\naddress = 1\ntemplate = bench.fields\n"))
        print("through Prosody:")
        through_server(place, sim)
        print("without a server in between:")
        alone(place, sim)
    return 0


if __name__ == "__main__":
    sys.exit(main())
