"""What it costs a registry of many things to register, to be claimed, to be
updated: bare SQLite doing the writes that this takes (bare_sqlite.c), the
registry's records without XMPP (records.c), and the whole program, which also
reads and answers stanzas and tells each thing of its claim.  Each has a copy of
the same store, transactions of the same size, one after the other.

The store is filled by SQL first.  Usage: registry.py [THINGS [REQUESTS]]; prints
figures."""

import os
import re
import select
import shutil
import subprocess
import sys
import time

from bench import Workplace, memory_kb
from harness import programs
from search import Straight, fill

THINGS = 1000000
REQUESTS = 20000
FIRST = 10**7   # the number of the first thing that registers
BATCH = 128    # requests of one transaction: what the registry takes together
WINDOW = 1024  # requests on their way
NS = "urn:xmpp:iot:discovery"
NUMBERS = ("LAT", "LON", "V")
DOMAIN = "bench.localhost"


def tags_of(i, version):
    """Ten tags of thing i; things.c makes the same."""
    return {
        "CLASS": "class %d" % (i % 5),
        "COUNTRY": "C%02d" % (i * 7 % 30),
        "KEY": "%032d" % (i * 7919),
        "LAT": "%.5f" % (35 + i * 7919 % 3500000 / 100000),
        "LON": "%.5f" % (-10 + i * 104729 % 4000000 / 100000),
        "MAN": "www.maker%02d.example" % (i % 40),
        "MODEL": "M-%03d" % (i * 13 % 500),
        "ROOM": "room %d" % (i * 17 % 1000),
        "SN": "%012d" % (i * 7919),
        "V": version,
    }


def iq(i, what, sender, attributes, tags):
    return ("<iq type='set' id='%s%d' from='%s' to='registry.localhost'><%s xmlns='%s'%s>%s"
            "</%s></iq>" % (what[0], i, sender, what, NS, attributes, "".join(
                "<%s name='%s' value='%s'/>" % ("num" if k in NUMBERS else "str", k, v)
                for k, v in tags.items()), what)).encode()


def rack(i):
    return "rack%d@%s/gw" % (i // 1000, DOMAIN)


def register(i):
    return iq(i, "register", rack(i), " nodeId='n%d'" % i, tags_of(i, "1.0"))


def mine(i):
    return iq(i, "mine", "owner%d@%s/cli" % (i % 5000, DOMAIN), "", tags_of(i, "1.0"))


def update(i):
    return iq(i, "update", rack(i), " nodeId='n%d'" % i, {"V": "1.1"})


class Link(Straight):
    """Keeps WINDOW requests on their way and takes notices."""

    NOTICE = re.compile(rb"<iq ([^>]*)><claimed ")

    def exchange(self, requests, notices):
        """Sends all; returns when all are answered and so many notices came."""
        answered = taken = sent = 0
        left, out = b"", bytearray()
        self.link.setblocking(False)
        while answered < len(requests) or taken < notices:
            while sent < len(requests) and sent - answered < WINDOW:
                out += requests[sent]
                sent += 1
            can_read, can_write, _ = select.select(
                [self.link], [self.link] if out else [], [], 60)
            assert can_read or can_write, "stalled at %d, %d notices" % (answered, taken)
            if can_write:
                del out[:self.link.send(out[:262144])]
            if not can_read:
                continue
            data = left + self.link.recv(262144)
            end = data.rfind(b">") + 1
            data, left = data[:end], data[end:]
            cut = data.rfind(b"<iq ")
            if cut >= 0 and b"</iq>" not in data[cut:] and b"/>" not in data[cut:]:
                data, left = data[:cut], data[cut:] + left
            assert b'type="error"' not in data, data
            answered += data.count(b'type="result"')
            for head in self.NOTICE.findall(data):
                a = dict(re.findall(rb'(\w+)="([^"]*)"', head))
                if a[b"type"] != b"set":
                    continue
                taken += 1
                out += b"<iq type='result' id='%s' from='%s' to='registry.localhost'/>" % (
                    a[b"id"], a[b"to"])
        self.link.setblocking(True)


def of_the_registry(place, store, first, n):
    front = Link()
    registry = programs.Registry(front, place.dir / "registry", start=False, rate=0)
    registry.store.symlink_to(store)
    registry.start(wait=False)
    front.accept()
    place.start(registry)
    rates = {}
    for make in (register, mine, update):
        requests = [make(i) for i in range(first, first + n)]
        at = time.monotonic()
        front.exchange(requests, n if make is mine else 0)
        rates[make.__name__] = n / (time.monotonic() - at)
    print("registry: resident memory %.1f MB, at most %.1f MB" % (
        memory_kb(registry.proc.pid) / 1024, memory_kb(registry.proc.pid, "VmHWM") / 1024))
    place.end(registry)
    return rates


def of_records(program, store, first, n):
    out = subprocess.run([programs.BIN / program, store, str(first), str(n), str(BATCH)],
                         check=True, capture_output=True, text=True).stdout
    return {k: float(v) for k, v in (line.split() for line in out.splitlines())}


def main():
    things = int(sys.argv[1]) if len(sys.argv) > 1 else THINGS
    n = int(sys.argv[2]) if len(sys.argv) > 2 else REQUESTS
    with Workplace() as place:
        maker = programs.Registry(Link(), place.dir / "maker", start=False)
        programs.run([maker.bin / "thingregistryd", "-c", maker.conf, "--import"],
                     stdin='{"thingregistry":1,"things":0,"notices":0,"peers":0}\n')
        at = time.monotonic()
        fill(maker.store, things)
        print("%d things of 10 tags, made in %.0f s; the store has %.0f MB" % (
            things, time.monotonic() - at, maker.store.stat().st_size / 1e6), flush=True)

        def on_a_copy(act, *args):
            copy = place.dir / "copy.db"
            shutil.copyfile(maker.store, copy)
            os.sync()
            got = act(*args, copy, FIRST, n)
            for path in place.dir.glob("copy.db*"):
                path.unlink()
            return got

        bare = on_a_copy(of_records, "bare_sqlite")
        ours = on_a_copy(of_records, "records")
        whole = on_a_copy(of_the_registry, place)
        for what, rate in bare.items():
            print("%-9s a second: bare SQLite %6.0f, records %6.0f (%.2f), program %6.0f (%.2f)"
                  % (what, rate, ours[what], ours[what] / rate, whole[what],
                     whole[what] / rate), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
