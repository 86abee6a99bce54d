"""What fields were: kept as long as configured, told to their owner alone."""

import contextlib
import datetime
import resource
import sqlite3
import struct
import time
import zlib

import pytest

from harness.modbus import TCP, unit
from harness.procs import wait_until
from harness.programs import node
from harness.reader import Readout, read
from harness.wire import bare, condition

from test_readout import bus_of, claim, wait_device

PLANT = TCP + unit("a", "generic.xy-md02", temperature="21.7", humidity="45.0")
KEEP = {"field.temperature.keep": "30d"}
NODE = node("a", bus="plc", source="S", poll="100ms", **KEEP)
pytestmark = pytest.mark.parametrize("server", ["prosody"], indirect=True)
FAST = "[history]\nflush = 1s\n"


@pytest.fixture
def site(make_sim, make_gateway, fakereg, client):
    class Site:
        pass

    def make(nodes=NODE, extra=FAST, **kw):
        s = Site()
        s.sim = make_sim(PLANT)
        s.g = make_gateway(nodes, registry=fakereg.jid, buses=bus_of(s.sim), extra=extra, **kw)
        s.jid = s.g.jid
        s.me = client("me")
        s.g.wait_online()
        claim(fakereg, s.g, bare(s.me.jid), "a")
        wait_device(s.g, "a")
        return s

    return make


def raw(s, who=None, **more):
    got = read(who or s.me, s.jid, "historicalSecond", nodes=["a"], **more)
    assert not got.failures
    return [v for v in got.values if v.name == "temperature"]


def wait_raw(s, n, **more):
    return wait_until("%d readings are kept" % n,
                      lambda: len(raw(s, **more)) >= n and raw(s, **more), 20, 0.3)


def second(at):
    return datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").timestamp()


def history_db(g):
    return g.state.parent / "history.db"


def rows(g):
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % history_db(g), uri=True)) as db:
        return db.execute("SELECT owner, field, count(reading.id) FROM series LEFT JOIN reading"
                          " ON reading.id >> 42 = series.id GROUP BY series.id").fetchall()


def test_readings_are_kept_and_told(site):
    s = site()
    wait_raw(s, 5)
    s.sim.set("a", "temperature", "22.8")
    got = wait_until("both values are kept", lambda: {
        v.value for v in raw(s)} >= {"21.7", "22.8"} and raw(s), 10, 0.3)
    assert [v.at for v in got] == sorted(v.at for v in got)
    for v in got:
        assert "historicalSecond" in v.types and v.kind == "numeric" and v.attrs["unit"] == "C"
    # only fields that say keep, and only what was asked
    everything = read(s.me, s.jid, "historical", nodes=["a"])
    assert {v.name.split(",")[0] for v in everything.values} == {"temperature"}
    assert all(t.startswith("historical") or t in ("peak", "computed")
               for v in everything.values for t in v.types)


def test_from_and_to(site):
    s = site()
    got = wait_raw(s, 10)
    a, b = got[3].at, got[6].at
    assert [v.at for v in raw(s, from_=a, to=b)] == [v.at for v in got[3:7]]
    assert raw(s, from_="2001-01-01T00:00:00Z", to="2002-01-01T00:00:00Z") == []
    assert len(raw(s, from_=b)) >= len(got) - 7


def test_minutes_are_samples(site):
    s = site()
    wait_raw(s, 20)
    got = read(s.me, s.jid, "historicalMinute", nodes=["a"]).values
    assert 1 <= len(got) <= 3
    assert all("historicalMinute" in v.types for v in got)
    assert len({v.at[:16] for v in got}) == len(got)


def test_periods(site):
    s = site()
    wait_raw(s, 3)
    s.sim.set("a", "temperature", "-5.0")
    wait_until("-5.0 is kept", lambda: "-5.0" in [v.value for v in raw(s)], 10, 0.3)
    got = read(s.me, s.jid, "historicalDay", "historicalYear", nodes=["a"]).values
    day = {v.name: v for v in got if "historicalDay" in v.types}
    year = {v.name: v for v in got if "historicalYear" in v.types}
    assert set(year) == {"temperature, Year Min", "temperature, Year Max",
                         "temperature, Year Mean"}
    assert day["temperature, Day Min"].value == "-5.0"
    assert day["temperature, Day Max"].value == "21.7"
    assert -5 < float(day["temperature, Day Mean"].value) <= 21.7
    assert "peak" in day["temperature, Day Min"].types
    assert "computed" in day["temperature, Day Mean"].types
    now = datetime.datetime.utcnow()
    assert day["temperature, Day Mean"].at == now.strftime("%Y-%m-%dT00:00:00.000Z")
    assert year["temperature, Year Mean"].at == now.strftime("%Y-01-01T00:00:00.000Z")
    first = [v for v in raw(s) if v.value == "-5.0"][0]
    assert day["temperature, Day Min"].at == first.at


def test_peaks_of_today(site):
    s = site()
    s.sim.set("a", "temperature", "30.0")
    wait_until("30.0 is kept", lambda: "30.0" in [v.value for v in raw(s)], 10, 0.3)
    s.sim.set("a", "temperature", "21.0")
    wait_until("21.0 is kept", lambda: "21.0" in [v.value for v in raw(s)], 10, 0.3)
    got = {v.name: v for v in read(s.me, s.jid, "peak", nodes=["a"]).values}
    assert set(got) == {"temperature, Min", "temperature, Max"}
    assert got["temperature, Max"].value == "30.0"
    assert got["temperature, Min"].value == "21.0"
    assert got["temperature, Max"].types == ("peak",)


def test_the_next_owner_sees_nothing_of_before(site, fakereg, client):
    s = site()
    wait_raw(s, 3)
    until = raw(s)[-1].at
    fakereg.tell(s.jid, "disowned", "a", "S")
    fakereg.wait("register", "a", count=2)
    other = client("other")
    claim(fakereg, s.g, bare(other.jid), "a")
    got = wait_until("the new owner has readings", lambda: raw(s, other), 15, 0.3)
    assert min(v.at for v in got) > until
    assert condition(Readout(s.me, s.jid, "historical", nodes=["a"]).answer()) == "forbidden"
    # the first owner's are deleted
    wait_until("they are gone", lambda: {r[0] for r in rows(s.g)} == {bare(other.jid)}, 10, 0.3)


def test_a_restart_keeps_what_was(site):
    s = site()
    got = wait_raw(s, 5)
    s.g.stop()
    s.g.start()
    s.g.wait_online()
    again = wait_until("it is there", lambda: raw(s), 10, 0.3)
    assert [v.at for v in again[:5]] == [v.at for v in got[:5]]


def test_a_kill_loses_no_claim_and_breaks_nothing(site, fakereg):
    s = site()

    def written():
        """What must have been, a second and a tick of two ago."""
        got = [v.at for v in raw(s)]
        return [at for at in got if second(got[-1]) - second(at) > 4]

    before = []
    for _ in range(2):
        must = wait_until("some are written", lambda: len(written()) > len(before) and written(), 20, 0.3)
        s.g.kill()
        s.g.start()
        s.g.wait_online()
        assert s.g.claim("a") == ("public", bare(s.me.jid))
        before = [v.at for v in raw(s)]
        assert before[:len(must)] == must
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % history_db(s.g), uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_without_a_history_the_rest_goes_on(site):
    """Its file cannot be opened: a warning, until it can."""
    s = site()
    s.g.stop()
    for path in s.g.state.parent.glob("history.db*"):
        path.unlink()
    history_db(s.g).mkdir()
    s.g.start()
    s.g.wait_online()
    wait_device(s.g, "a")
    got = read(s.me, s.jid, "all", nodes=["a"])
    assert got.by_name()["temperature"] == "21.7"
    status = s.g.control("status")
    assert status["history"]["trouble"]
    assert any("history" in w["text"] for w in status["warnings"])
    status, out, _ = s.g.ctl("status")
    assert "history" in out


def test_a_full_disk_is_told_and_outlived(site, fakereg):
    s = site()
    before = wait_raw(s, 3)
    was = resource.prlimit(s.g.proc.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(s.g.proc.pid, resource.RLIMIT_FSIZE, (0, was[1]))
    try:
        wait_until("a warning", lambda: any(
            "no history is kept" in w["text"] for w in s.g.control("status")["warnings"]), 15, 0.3)
        s.sim.set("a", "temperature", "33.3")
        wait_until("33.3 waits", lambda: "33.3" in [v.value for v in raw(s)], 10, 0.3)
    finally:
        resource.prlimit(s.g.proc.pid, resource.RLIMIT_FSIZE, was)
    wait_until("it is written again", lambda: not s.g.control("status")["history"]["trouble"],
               20, 0.3)
    assert s.g.claim("a") == ("public", bare(s.me.jid))
    assert s.g.log().count("is written again") == 1
    s.g.kill()
    s.g.start()
    s.g.wait_online()
    got = wait_until("it is read again", lambda: raw(s), 10, 0.3)
    assert "33.3" in [v.value for v in got] and got[0].at == before[0].at


def test_a_reload_changes_what_is_kept(site):
    s = site()
    wait_raw(s, 3)
    s.g.write(nodes=node("a", bus="plc", source="S", poll="100ms",
                         **{"field.humidity.keep": "1d"}))
    s.g.reload()

    def names():
        got = read(s.me, s.jid, "historicalSecond", nodes=["a"])
        return {v.name for v in got.values}

    wait_until("humidity is kept instead", lambda: names() == {"humidity"}, 10, 0.3)


def test_a_readout_is_capped(site):
    """More than one request may have: told in part, and said so."""
    s = site()
    wait_raw(s, 2)
    time.sleep(1.5)
    s.g.stop()
    fill(s.g, 60000)
    s.g.start()
    s.g.wait_online()
    wait_device(s.g, "a")
    got = Readout(s.me, s.jid, "historicalOther", nodes=["a"]).accepted().read(60)
    assert len(got.values) == 50000 and "left out" in got.failures["a"]
    day = read(s.me, s.jid, "historicalDay", nodes=["a"])
    assert {v.name for v in day.values} >= {"temperature, Day Mean"}


def fill(g, n):
    """n readings, one a second, before what there is."""

    def number(v):
        out = b""
        while v > 127:
            out += bytes([v & 127 | 128])
            v >>= 7
        return out + bytes([v])

    begin = int(time.time() - n - 3600) * 1000
    with contextlib.closing(sqlite3.connect(history_db(g))) as db:
        series = db.execute("SELECT id FROM series").fetchone()[0]
        for at in range(0, n, 1000):
            data = bytes([1 << 2]) + number(0) + number(2 * 200)
            data += (number(1000) + number(0)) * 999
            row = series << 42 | begin + at * 1000
            db.execute("INSERT INTO reading VALUES(?,?,?)",
                       (row, data, zlib.crc32(data, zlib.crc32(struct.pack("<q", row)))))
        db.commit()
