"""Cached readouts of one node of 25 fields over a private Prosody: processor
time of the daemon for each, how much longer they take than a ping through the
same server at the same time, and how many a second are served.

The clock runs from the request to the last message of its answer; pings and
readouts take turns, so that both see the same machine.  Prints figures."""

import sys
import time

from bench import Workplace, cpu_s, template
from harness import programs, wire
from harness.fakereg import FakeRegistry
from harness.procs import wait_until
from harness.reader import SENSOR, request
from harness.servers import Prosody

FIELDS = 25
ROUNDS = 2000
SECONDS = 10
WINDOW = 16  # requests under way at a time
PING = "<ping xmlns='urn:xmpp:ping'/>"


def share(values, part):
    return 1e3 * sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Raw:
    """The client's socket itself: parsing XML in Python would be what is
    measured."""

    def __init__(self, client):
        self.c, self.rest = client, b""
        client.closing = True  # its reader ends
        client.thread.join()

    def take(self, mark):
        """Waits for so many bytes that mark is among them, once."""
        while mark not in self.rest:
            self.c.sock.settimeout(30)
            data = self.c.sock.recv(1 << 16)
            assert data, "the server has closed"
            self.rest += data
        self.rest = self.rest.split(mark, 1)[1]

    def count(self, mark):
        """How many marks the bytes have that come now."""
        keep = len(mark) - 1
        data = self.c.sock.recv(1 << 16)
        self.rest = self.rest[-keep:] + data
        return self.rest.count(mark)


def readout(jid, seqnr):
    return ("<iq type='get' id='r%d' to='%s'>%s</iq>"
            % (seqnr, jid, request(seqnr, "momentary", nodes=["n"]))).encode()


def latency(raw, jid):
    ping, read = [], []
    for i in range(1, ROUNDS + 1):
        at = time.monotonic()
        raw.c.sock.sendall(("<iq type='get' id='p%d' to='%s'>%s</iq>" % (i, jid, PING)).encode())
        raw.take(b"p%d" % i)
        ping.append(time.monotonic() - at)
        at = time.monotonic()
        raw.c.sock.sendall(readout(jid, i))
        raw.take(b"</message>")
        read.append(time.monotonic() - at)
    for name, v in (("ping", ping), ("readout", read)):
        print("%-8s median %.2f ms, p99 %.2f ms, worst %.2f ms"
              % (name, share(v, .5), share(v, .99), share(v, 1)))
    print("a readout takes %.2f ms longer at p99" % (share(read, .99) - share(ping, .99)))


def throughput(raw, jid, pid):
    raw.rest = b""
    begin, before = time.monotonic(), cpu_s(pid)
    sent = done = 0
    while time.monotonic() - begin < SECONDS:
        batch = b""
        while sent - done < WINDOW:
            sent += 1
            batch += readout(jid, 100000 + sent)
        raw.c.sock.sendall(batch)
        done += raw.count(b"</message>")
    took = time.monotonic() - begin
    used = cpu_s(pid) - before
    print("%d readouts in %.1f s: %.0f a second; %.3f ms of the daemon's CPU each, polling "
          "included" % (done, took, done / took, 1e3 * used / done))


def main():
    with Workplace() as place:
        programs.TEMPLATES = template(place.dir, "bench.fields", FIELDS).parent
        server = Prosody(place.dir / "prosody")
        sim = place.start(programs.Sim(
            place.dir / "sim", "[bus plc]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n"
            "[unit n]\nbus = plc\naddress = 1\ntemplate = bench.fields\n"))
        reg = FakeRegistry(server)
        g = place.start(programs.Gateway(
            server, place.dir / "gw", programs.node("n", "plc", template="bench.fields"),
            registry=reg.jid, log="warning",
            buses="[bus plc]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["plc"]))
        reg.wait("register", "n")
        me = server.client("me")
        source = wire.payload(reg.wait("register", "n")).get("sourceId")
        reg.claimed(g.jid, wire.bare(me.jid), "n", source)
        wait_until("the device answers", lambda: g.node_list()["n"]["device"] == "online")
        time.sleep(2)
        iq = me.iq("get", g.jid, request(1, "momentary", nodes=["n"]))
        assert iq.get("type") == "result", wire.text(iq)
        values = wire.text(me.expect("message"))
        assert values.count("numeric") >= FIELDS and SENSOR in values
        raw = Raw(me)
        latency(raw, g.jid)
        throughput(raw, g.jid, g.proc.pid)
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
