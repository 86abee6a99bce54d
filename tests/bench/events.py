"""1000 subscribers of a concentrator's events, as resources of a component: one
device falls silent, and all are told.  Processor time of the daemon for the
subscriptions and for the events, and the time from the first event to the last.
Prints figures."""

import sys
import time

from bench import Workplace, cpu_s
from harness import programs, wire
from harness.fakereg import FakeRegistry
from harness.plant import gateway_of, plant
from harness.procs import wait_until
from harness.servers import Prosody

FRIENDS, EACH = 100, 10  # as many as a node is shared with; clients of each
SOURCE = "MeteringTopology"


class Subscribers:
    def __init__(self, component, gateway):
        self.c, self.to = component, gateway
        self.owner = "owner@%s" % component.jid
        self.friends = ["f%d@%s" % (i, component.jid) for i in range(FRIENDS)]
        self.at = []
        component.on(lambda el: wire.op(el) == "nodeStatusChanged", self.take)

    def take(self, el):
        if wire.payload(el).get("state") == "ErrorUnsigned":
            self.at.append(time.monotonic())

    def ask(self, from_, xml):
        got = self.c.iq("set", self.to, xml, 30, from_=from_)
        assert got.get("type") == "result", wire.text(got)

    def share(self, node):
        for f in self.friends:
            self.ask(self.owner + "/x", "<executeNodeCommand xmlns='%s' sourceId='%s' nodeId='%s'"
                     " command='share'><x xmlns='jabber:x:data' type='submit'><field var='jid'>"
                     "<value>%s</value></field></x></executeNodeCommand>"
                     % (wire.CONCENTRATOR, SOURCE, node, f))

    def subscribe(self):
        for f in self.friends:
            for i in range(EACH):
                self.ask("%s/%d" % (f, i), "<subscribe xmlns='%s' sourceId='%s' messages='true'"
                         " nodeStatusChanged='true'/>" % (wire.CONCENTRATOR, SOURCE))


def main():
    with Workplace() as place:
        server = Prosody(place.dir / "prosody")
        reg = FakeRegistry(server)
        reg.answers["register"] = (
            "<claimed xmlns='%s' jid='owner@%s' public='true'/>" % (wire.DISCOVERY, reg.jid))
        ini, names = plant(1, 1)
        sim = place.start(programs.Sim(place.dir / "sim", ini))
        buses, nodes = gateway_of(sim, names, poll="200ms")
        g = place.start(programs.Gateway(
            server, place.dir / "gw", nodes, buses=buses + "timeout = 100ms\n", registry=reg.jid))
        node = names["b0"][0]
        g.wait_claim(node, "public", 30)
        wait_until("it answers", lambda: g.node_list()[node]["device"] == "online", 30)
        all_ = Subscribers(reg, g.jid)
        pid = g.proc.popen.pid
        all_.share(node)
        before = cpu_s(pid)
        all_.subscribe()
        print("%d subscriptions: %.2f ms of the daemon's CPU each"
              % (FRIENDS * EACH, 1e3 * (cpu_s(pid) - before) / (FRIENDS * EACH)))
        before, begin = cpu_s(pid), time.monotonic()
        time.sleep(3)
        rest = (cpu_s(pid) - before) / (time.monotonic() - begin)
        before, begin = cpu_s(pid), time.monotonic()
        sim.fault(node, "silent")
        wait_until("all are told", lambda: len(all_.at) >= FRIENDS * EACH, 60, 0.05)
        used = cpu_s(pid) - before - rest * (time.monotonic() - begin)
        print("%d events: all within %.0f ms of the first; %.0f ms of the daemon's CPU, with a "
              "warning of the same node before" % (len(all_.at), 1e3 * (max(all_.at) - min(all_.at)), 1e3 * used))
        reg.close()
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
