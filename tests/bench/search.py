"""What a search costs in a registry of many things: two equalities, a numeric
box, an anchored mask, a page of 20 each, asked through Prosody by one client
and straight at the program that a component connection leads to.

The store is filled beside the program, by SQL in the registry's own schema.
Usage: search.py [THINGS]; prints figures."""

import random
import socket
import sqlite3
import statistics
import sys
import time

from bench import Workplace, memory_kb
from harness import programs, servers, wire

THINGS = 1000000
SEARCHES = 400
PAGE = 20
SOUTH, NORTH, WEST, EAST = 35.0, 70.0, -10.0, 30.0
MAKERS = ["www.maker%02d.example" % i for i in range(40)]
MODELS = ["M-%03d" % i for i in range(500)]
CLASSES = ["Meter", "PLC", "Sensor", "Relay", "Gateway"]


def tags_of(i, rnd):
    """Ten tags of thing i: (name, number or None, text)."""
    def num(name, value):
        return name, float(value), str(value)
    model = rnd.randrange(len(MODELS))
    return [
        ("SN", None, "%012d" % (i * 7919 % 10**12)),
        ("MAN", None, MAKERS[model % len(MAKERS)]),
        ("MODEL", None, MODELS[model]),
        num("V", round(rnd.uniform(1, 5), 1)),
        ("CLASS", None, CLASSES[i % len(CLASSES)]),
        ("COUNTRY", None, "C%02d" % rnd.randrange(30)),
        ("ROOM", None, "room %d" % rnd.randrange(1000)),
        ("NAME", None, "thing %d" % i),
        num("LAT", round(rnd.uniform(SOUTH, NORTH), 5)),
        num("LON", round(rnd.uniform(WEST, EAST), 5)),
    ]


def fill(path, n):
    """n claimed public things, behind concentrators of a thousand each."""
    rnd = random.Random(347)
    db = sqlite3.connect(path)
    db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")
    later = [sql for (sql,) in db.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('tag', 'thing')")]
    names = [name for (name,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('tag', 'thing')")]
    for name in names:
        db.execute("DROP INDEX " + name)
    for start in range(0, n, 20000):
        things, tags, places = [], [], []
        for i in range(start, min(start + 20000, n)):
            rows = sorted(tags_of(i, rnd))
            canon = "\x1e".join("\x1f".join((r[0], r[2])) for r in rows)
            things.append((i + 1, "rack%d@localhost" % (i // 1000), "n%d" % i, "S", "",
                           "owner%d@localhost" % (i % 5000), 1, canon, ""))
            tags += [(i + 1,) + r for r in rows]
            lat, lon = (next(r[1] for r in rows if r[0] == k) for k in ("LAT", "LON"))
            places.append((i + 1, lat, lat, lon, lon))
        db.executemany("INSERT INTO thing VALUES (?,?,?,?,?,?,?,?,?)", things)
        db.executemany("INSERT INTO tag VALUES (?,?,?,?)", tags)
        db.executemany("INSERT INTO place VALUES (?,?,?,?,?)", places)
    for sql in later:
        db.execute(sql)
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def op(element, **kw):
    return "<%s%s/>" % (element, wire.attrs(**kw))


def two_equalities(rnd):
    return op("strEq", name="MODEL", value=rnd.choice(MODELS)) + op(
        "strEq", name="COUNTRY", value="C%02d" % rnd.randrange(30))


def dense_equalities(rnd):
    return op("strEq", name="MAN", value=rnd.choice(MAKERS)) + op(
        "strEq", name="CLASS", value=rnd.choice(CLASSES))


def box(side):
    def make(rnd):
        lat, lon = rnd.uniform(SOUTH, NORTH - side), rnd.uniform(WEST, EAST - side)
        return op("numRange", name="LAT", min=lat, max=lat + side) + op(
            "numRange", name="LON", min=lon, max=lon + side)
    return make


def mask(digits):
    def make(rnd):
        start = "0" * 3 + "".join(rnd.choice("0123456789") for _ in range(digits))
        return op("strMask", name="SN", value=start + "*", wildcard="*")
    return make


def two_ranges(rnd):
    low = round(rnd.uniform(1, 4.8), 1)
    lat = rnd.uniform(SOUTH, NORTH - 1)
    return op("numRange", name="V", min=low, max=low + 0.1) + op(
        "numRange", name="LAT", min=lat, max=lat + 1)


KINDS = [
    ("two equalities (few)", two_equalities),
    ("two equalities (many)", dense_equalities),
    ("box of 0.1 degrees", box(0.1)),
    ("box of 1 degree", box(1)),
    ("box of 10 degrees", box(10)),
    ("mask of 5 digits*", mask(5)),
    ("mask of 3 digits*", mask(3)),
    ("two numeric ranges", two_ranges),
]


def request(ops, offset=0):
    return "<search xmlns='%s' offset='%d' maxCount='%d'>%s</search>" % (
        wire.DISCOVERY, offset, PAGE, ops)


def report(what, took, found):
    took.sort()
    print("%-26s p50 %6.2f ms, p99 %6.2f ms, worst %6.2f ms, %4.1f things a page" % (
        what, statistics.median(took), took[int(len(took) * 0.99)], took[-1],
        sum(found) / len(found)), flush=True)


def by_client(client, registry, make, rnd):
    took, found = [], []
    for _ in range(SEARCHES):
        xml = request(make(rnd))
        at = time.monotonic()
        answer = client.iq("get", registry.jid, xml, 10)
        took.append(1e3 * (time.monotonic() - at))
        assert answer.get("type") == "result", wire.text(answer)
        found.append(len(wire.find_all(answer, "thing")))
    return took, found


class Straight:
    """The XMPP server's side of one component connection, and no more: what the
    registry takes for a search without any server between."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.component_host = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.domain = "localhost"
        self.serial = 0

    def secret(self, _jid):
        return "secret"

    def accept(self):
        self.link, _ = self.listener.accept()
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.until(b">")
        self.link.sendall(
            b"<stream:stream xmlns='jabber:component:accept' xmlns:stream="
            b"'http://etherx.jabber.org/streams' from='registry.localhost' id='1'>")
        self.until(b"</handshake>")
        self.link.sendall(b"<handshake/>")

    def until(self, end):
        data = b""
        while end not in data:
            more = self.link.recv(65536)
            if not more:
                raise OSError("the registry hung up: %r" % data[-200:])
            data += more
        return data

    def search(self, ops):
        self.serial += 1
        at = time.monotonic()
        self.link.sendall((
            "<iq type='get' id='s%d' from='cur@localhost/y' to='registry.localhost'>%s</iq>"
            % (self.serial, request(ops))).encode())
        data = self.until(b"</iq>")
        took = 1e3 * (time.monotonic() - at)
        assert b"<error" not in data, data
        return took, data.count(b"<thing ")


def straight(place, store):
    front = Straight()
    registry = programs.Registry(front, place.dir / "straight", start=False)
    registry.store.symlink_to(store)
    registry.start(wait=False)
    front.accept()
    place.start(registry)
    rnd = random.Random(7)
    print("straight at the registry:")
    for what, make in KINDS:
        got = [front.search(make(rnd)) for _ in range(SEARCHES)]
        report("  " + what, [t for t, _ in got], [n for _, n in got])
    print("  resident memory %.1f MB" % (memory_kb(registry.proc.pid) / 1024))
    place.end(registry)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else THINGS
    with Workplace() as place:
        server = servers.Prosody(place.dir / "prosody", limits=False)
        registry = programs.Registry(server, place.dir / "registry")
        registry.stop()
        at = time.monotonic()
        fill(registry.store, n)
        print("%d things of 10 tags, made in %.0f s; the store has %.0f MB" % (
            n, time.monotonic() - at, registry.store.stat().st_size / 1e6), flush=True)
        straight(place, registry.store)
        registry.start()
        place.start(registry)
        rnd = random.Random(8)
        print("through Prosody:")
        with server.client("cur", presence=False) as client:
            for what, make in KINDS:
                report("  " + what, *by_client(client, registry, make, rnd))
        print("  resident memory %.1f MB" % (memory_kb(registry.proc.pid) / 1024))
        place.end(registry)
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
