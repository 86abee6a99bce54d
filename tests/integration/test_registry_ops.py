"""The registry as a service: all of it out and in, copies, figures, limits, and
who wins a race."""

import json
import os
import pathlib
import pty
import re
import sqlite3
import stat
import subprocess
import threading

import pytest

from harness import programs, servers
from harness.procs import wait_until
from harness.wire import condition, find_all, local, text
from test_registry import (
    INF,
    K1,
    OK,
    R,
    G,
    O,
    T,
    V,
    Store,
    ask,
    do,
    element,
    is_claimed,
    meet,
    outcome,
    store,
    told,
)

__all__ = ["G", "O", "T", "V", "store"]  # fixtures

EXAMPLES = programs.SOURCE / "packaging/examples"


def ops(registry, *args, stdin="", conf=None):
    return programs.run([registry.bin / "thingregistryd", "-c", conf or registry.conf, *args],
                        stdin=stdin)


def elsewhere(registry, name):
    """The configuration of a store of its own: (configuration, store)."""
    path = registry.dir / (name + ".db")
    conf = registry.dir / (path.stem + ".conf")
    conf.write_text(registry.conf.read_text().replace(str(registry.store), str(path)))
    return conf, path


@pytest.fixture
def server(prosody):
    """None of this hangs on the server but the examples."""
    return prosody


@pytest.fixture
def full(registry, server, T, G, O, client):
    """A store with something of everything: public, private, self-owned,
    unclaimed, disowned, and a notice that nobody took."""
    meet(T)
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1), T.bare)
    told(T, "claimed")
    odd = [("str", "KEY", "k\u00fc'\"<&>\t\u20ac"), ("num", "V", "1.20"),
           ("num", "LAT", "-0"), ("num", "LON", "1e3"), ("str", "V2", "1.2")]
    assert do(G, "register", odd, nodeId="private", sourceId="S") == OK
    assert local(do(O, "mine", odd, public="false")) == "claimed"
    assert do(G, "register", [("str", "SN", "1")], nodeId="own", selfOwned="true") == OK
    assert do(G, "register", [("str", "KEY", "open")], nodeId="open", cacheType="c") == OK
    assert do(G, "register", [], nodeId="bare") == OK
    return registry


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_export_and_import_are_inverse(full):
    out = full.dir / "all.jsonl"
    status, stdout, err = ops(full, "--export", out)  # it runs
    assert (status, stdout, err) == (0, "", "")
    assert mode(out) == 0o600
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[0]["thingregistry"] == 1
    assert lines[0]["things"] == len([l for l in lines if l.get("kind") == "thing"]) == 5
    assert lines[0]["notices"] == len([l for l in lines if l.get("kind") == "notice"]) >= 1
    by_node = {l["node"]: l for l in lines if l.get("kind") == "thing"}
    assert by_node[""]["public"] and not by_node[""]["self_owned"]
    assert by_node["own"]["self_owned"]
    assert by_node["open"]["owner"] is None and by_node["open"]["cache"] == "c"
    assert not by_node["private"]["public"] and by_node["private"]["owner"]
    assert {"name": "V", "num": "1.20"} in by_node["private"]["tags"]
    conf, copy = elsewhere(full, "copy")
    assert ops(full, "--import", out, conf=conf) == (0, "", "")
    assert mode(copy) == 0o600
    status, again, err = ops(full, "--export", conf=conf)
    assert (status, err) == (0, "")
    assert again == out.read_text()
    for sql in ("SELECT jid, node, source, cache, owner, public, canon, via FROM thing",
                "SELECT name, value, num FROM tag",
                "SELECT lat0, lat1, lon0, lon1 FROM place"):
        got = [sorted(sqlite3.connect(p).execute(sql).fetchall(), key=repr)
               for p in (full.store, copy)]
        assert got[0] == got[1] and got[0]


def test_an_import_serves(full, O, T):
    out = full.dir / "all.jsonl"
    assert ops(full, "--export", out)[0] == 0
    full.stop()
    full.store.rename(full.dir / "old.db")
    for end in ("-wal", "-shm"):
        pathlib.Path(str(full.store) + end).unlink(missing_ok=True)
    assert ops(full, "--import", stdin=out.read_text())[0] == 0
    full.start()
    is_claimed(do(T, "register", K1), O.bare)
    is_claimed(do(O, "mine", K1), T.bare)


def test_import_is_refused(full):
    out = full.dir / "all.jsonl"
    assert ops(full, "--export", out)[0] == 0
    status, _, err = ops(full, "--import", out)
    assert status != 0 and "another thingregistryd uses it" in err
    conf, _ = elsewhere(full, "copy")
    assert ops(full, "--import", out, conf=conf)[0] == 0
    status, _, err = ops(full, "--import", out, conf=conf)
    assert status != 0 and "holds 5 things already" in err


HEAD = '{"thingregistry":1,"things":1,"notices":0,"peers":0,"rules":0}\n'
GOOD = ('{"kind":"thing","jid":"a@b","node":"","source":"","cache":"","via":"","owner":null,'
        '"public":false,"self_owned":false,"tags":[{"name":"KEY","str":"hush-hush"}]}\n')


PEERS = HEAD.replace('"things":1', '"things":0').replace('"peers":0', '"peers":1')
PEER = '{"kind":"peer","jid":"a@b","address":"a@b/r","subscribed":false,"asked":false}\n'
RULES = HEAD.replace('"rules":0', '"rules":1')
OWNED = GOOD.replace("null", '"o@b"')
RULE = ('{"kind":"rule","rule":1,"owner":"o@b","jid":"a@b","node":"","source":"","cache":"",'
        '"who":"*","allow":true,"control":false,"names":"A\\nB"}\n')


@pytest.mark.parametrize("body,line,what", [
    ("", 0, "empty"),
    ("[]\n", 1, "not one JSON object"),
    ('{"things":1}\n', 1, "no export"),
    (HEAD.replace('":1', '":9', 1), 1, "newer version"),
    (HEAD, 1, "promises 1 things, and there are 0"),
    (HEAD + GOOD + GOOD, 3, "has a line already"),
    (HEAD + GOOD[:40], 2, "not one JSON object"),
    (HEAD + GOOD.replace('"hush-hush"}', '"hush-hush}'), 2, "not one JSON object"),
    (HEAD + GOOD.replace('"a@b"', '"A@b"'), 2, "bare JIDs"),
    (HEAD + GOOD.replace('"node":"",', ''), 2, "node"),
    (HEAD + GOOD.replace('"node"', '"knot"'), 2, "node"),
    (HEAD + GOOD.replace('"public":false', '"public":true'), 2, "without an owner"),
    (HEAD + GOOD.replace('"self_owned":false', '"self_owned":true'), 2, "self_owned"),
    (HEAD + GOOD.replace('"str"', '"num"'), 2, "KEY: its value is not a number"),
    (HEAD + GOOD.replace('"str":"hush-hush"', '"text":"hush-hush"'), 2, "text"),
    (HEAD + GOOD.replace('"kind":"thing"', '"kind":"thong"'), 2, "kind"),
    (HEAD + GOOD.replace('"name":"KEY"', '"name":"A B"'), 2, "white space"),
    (HEAD + GOOD.replace("hush", "x" * 200), 2, "longer than 128"),
    (HEAD + GOOD.replace('"via":""', '"via":"c@d/e"'), 2, "full JIDs"),
    (HEAD + GOOD.replace('"via":""', '"via":"a@b/\\u0000"'), 2, ""),
    (HEAD + GOOD.replace('"via":""', '"via":"A@b/e"'), 2, "full JIDs"),
    (PEERS + PEER.replace("a@b/r", "c@d/r"), 2, "full JIDs"),
    (PEERS + PEER.replace("false", "2", 1), 2, "true or false"),
    (RULES + OWNED + RULE.replace('"*"', '"A@b"'), 3, "who"),
    (RULES + OWNED + RULE.replace("A\\nB", "B\\nA"), 3, "in order"),
    (RULES + OWNED + RULE.replace("a@b", "b@b"), 3, "no such thing"),
    (RULES + GOOD + RULE, 3, "no such thing"),
    (RULES.replace('"rules":1', '"rules":2') + OWNED + RULE + RULE, 4, "numbered"),
])
def test_a_broken_line_leaves_nothing(tmp, body, line, what):
    conf = tmp / "r.conf"
    programs.write_private(tmp / "secrets/s", "x\n")
    conf.write_text("[component]\njid = r.localhost\nsecret = @secret:s\n"
                    "[store]\npath = %s\n" % (tmp / "r.db"))
    f = tmp / "in.jsonl"
    f.write_text(body)
    argv = [programs.BIN / "thingregistryd", "-c", conf]
    status, _, err = programs.run(argv + ["--import", f])
    assert status != 0
    assert "%s:%d: " % (f, line) in err and what in err and "nothing was imported" in err, err
    assert "hush" not in err
    assert "things      0\n" in programs.run(argv + ["--stats"])[1]
    f.write_text(HEAD + GOOD)
    assert programs.run(argv + ["--import", f])[0] == 0


def test_a_new_store_belongs_to_the_service(full):
    """Root imports for a service that is not root."""
    conf, path = elsewhere(full, "var/copy")
    path.parent.mkdir()
    os.chown(path.parent, 65534, 65534)
    assert ops(full, "--import", stdin=HEAD + GOOD, conf=conf)[0] == 0
    assert os.stat(path).st_uid == 65534 and mode(path) == 0o600
    assert ops(full, "--stats", conf=conf)[0] == 0
    assert {os.stat(p).st_uid for p in path.parent.iterdir()} == {65534}


def test_no_key_on_a_terminal(full):
    def on_a_terminal(*args):
        master, slave = pty.openpty()
        p = subprocess.run([full.bin / "thingregistryd", "-c", full.conf, "--export", *args],
                           stdout=slave, stderr=subprocess.PIPE, timeout=20,
                           env=programs.environment())
        os.close(slave)
        shown = b""
        try:
            while more := os.read(master, 65536):
                shown += more
        except OSError:
            pass
        os.close(master)
        return p.returncode, shown, p.stderr.decode()

    status, shown, err = on_a_terminal()
    assert status == 2 and not shown and "--show-secrets" in err
    status, shown, _ = on_a_terminal("--show-secrets")
    assert status == 0 and b'"open"' in shown
    assert '"open"' not in full.log()


def test_backup_while_things_register(full, server, client):
    """Each copy is whole: as many tags as its things ought to have."""
    stop = threading.Event()
    busy = client("busy", "x")

    def work():
        i = 0
        while not stop.is_set():
            tags = [("str", "KEY", "b%d" % i), ("num", "V", "1"), ("str", "SN", str(i))]
            do(busy, "register", tags, nodeId="b%d" % i)
            i += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for i in range(5):
            copy = full.dir / ("backup%d.db" % i)
            assert ops(full, "--backup", copy) == (0, "", "")
            assert mode(copy) == 0o600
            db = sqlite3.connect(copy)
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            things, tags = db.execute(
                "SELECT count(DISTINCT thing.id), count(*) FROM thing JOIN tag"
                " ON tag.thing = thing.id WHERE node LIKE 'b%' AND node <> 'bare'").fetchone()
            assert tags == 3 * things
            db.close()
    finally:
        stop.set()
        thread.join()
    assert sorted(p.name for p in full.dir.glob("backup*")) == [
        "backup%d.db" % i for i in range(5)]
    full.stop()
    full.store.write_bytes((full.dir / "backup4.db").read_bytes())
    for end in ("-wal", "-shm"):
        pathlib.Path(str(full.store) + end).unlink(missing_ok=True)
    full.start()


def test_what_must_not_be_overwritten(full):
    for where, what in ((full.store, "own store"), (str(full.store) + "-wal", "own store"),
                        ("/dev/null", "not a regular file"),
                        (full.dir, "not a regular file"),
                        (full.dir / "no/such", "No such file")):
        for verb in ("--backup", "--export"):
            status, _, err = ops(full, verb, where)
            assert status == 1 and what in err, err
    for args in (["--backup"], ["--json"], ["--export", "--stats"], ["--stats", "file"],
                 ["--import", "-n"], ["file"]):
        assert ops(full, *args)[0] == 2, args


def test_stats(full):
    want = {"things": 5, "unclaimed": 2, "private": 1, "public": 1, "self_owned": 1,
            "accounts": 2, "owners": 1, "tags": 12}
    status, out, err = ops(full, "--stats", "--json")
    assert (status, err) == (0, "")
    got = json.loads(out)
    assert {k: got[k] for k in want} == want
    assert got["bytes"] >= full.store.stat().st_size and got["notices"] >= 1
    plain = dict(line.split() for line in ops(full, "--stats")[1].splitlines())
    assert set(plain) == set(got) and plain["tags"] == "12"
    full.stop()
    full.start()
    full.wait_log("things=5 unclaimed=2")
    conf, _ = elsewhere(full, "none")
    status, _, err = ops(full, "--stats", conf=conf)
    assert status == 1 and "none.db" in err


def test_only_listed_tags_are_stored(server, client, tmp):
    reg = programs.Registry(server, tmp / "r", allow_tags="POWER, R")
    T, O = client("thing", "a"), client("owner", "cli")
    listed = K1 + [("str", "power", "on"), ("num", "LAT", "1")]
    refused = ask(T, "register", K1 + [("str", "RANDOM17", "x")])
    assert condition(refused) == "bad-request" and "RANDOM17" in text(refused)
    assert Store(reg).things() == []
    assert do(T, "register", listed) == OK
    is_claimed(do(O, "mine", listed), T.bare)
    assert do(T, "update", [("num", "OTHER", "1")]) == "bad-request"
    assert do(T, "update", [("str", "OTHER", "")]) == OK  # deletes
    assert do(O, "mine", listed + [("str", "OTHER", "1")]) == INF
    assert do(O, "update", [("str", "OTHER", "1")], jid=T.bare) == "bad-request"
    reg.stop()
    reg.conf.write_text(reg.conf.read_text().replace("POWER, R", "-"))
    reg.start()
    assert do(T, "update", [("str", "POWER", "off")]) == "bad-request"
    assert do(T, "update", [("str", "ROOM", "1")]) == OK
    reg.stop()


def test_any_tag_is_stored_without_a_list(T, store):
    tags = [("str", "N%d" % i, "x") for i in range(64)]
    assert do(T, "register", tags) == OK
    assert do(T, "register", tags + [("str", "ONE", "more")]) == "bad-request"
    assert len(store.one(T.bare)[2]) == 64


def test_sizes_of_names_and_values(T, O, store):
    """Characters are counted, not bytes."""
    name, value = "\u00dc" * 32, "\U0001f4a1" * 128
    assert do(T, "register", [("str", name, value)]) == OK
    assert store.one(T.bare)[2] == {name: ("str", value)}
    assert do(T, "register", [("str", name + "x", "1")]) == "bad-request"
    assert do(T, "register", [("str", "A", value + "x")]) == "bad-request"
    for number in ("1,5", "0x10", "", "1e", "+-1", "NaN"):
        assert do(T, "register", [("num", "V", number)]) == "bad-request", number
    for number in ("INF", "-INF", ".5", "1.", "1E3", " 7 "):
        assert do(T, "register", [("num", "V", number)]) == OK, number
    # A predefined name with the other type is kept as it was sent.
    assert do(T, "register", [("str", "LAT", "north"), ("num", "LON", "3")]) == OK
    assert store.rows("SELECT 1 FROM place") == []


def test_things_of_one_account(server, client, tmp):
    reg = programs.Registry(server, tmp / "r", things=3)
    G, T = client("rack", "a"), client("thing", "a")
    for i in range(3):
        assert do(G, "register", K1, nodeId="n%d" % i) == OK
    full = ask(G, "register", K1, nodeId="n3")
    assert condition(full) == "resource-constraint" and "3 things" in text(full)
    assert 'type="wait"' in text(full)
    assert do(G, "register", K1, nodeId="n1") == OK
    assert do(T, "register", K1) == OK
    assert do(G, "unregister", nodeId="n0") == OK
    assert do(G, "register", K1, nodeId="n3") == OK
    assert do(G, "register", K1, nodeId="n4") == "resource-constraint"
    reg.stop()


def test_requests_of_one_account(server, client, tmp):
    reg = programs.Registry(server, tmp / "r", rate=1, burst=20)
    busy, other = client("busy", "a"), client("other", "a")
    search = "<search xmlns='urn:xmpp:iot:discovery'><strEq name='A' value='1'/></search>"
    got = [do(busy, "register", K1) for _ in range(19)]
    assert got == [OK] * 19
    assert busy.iq("get", R, search).get("type") == "result"
    refused = [busy.iq("get", R, search), ask(busy, "register", K1), ask(busy, "mine", K1)]
    assert "resource-constraint" in [condition(a) for a in refused]
    busy_answer = next(a for a in refused if condition(a))
    assert "try again" in text(busy_answer) and 'type="wait"' in text(busy_answer)
    assert do(other, "register", K1, nodeId="o") == OK
    wait_until("it may ask again", lambda: do(busy, "register", K1) == OK, 10, 0.5)
    reg.stop()


def test_two_owners_at_once(G, O, V, store):
    """THINGBRIDGE_RACES rounds: both claims arrive together, now one first, now
    the other; one wins, the other learns nothing."""
    rounds, batch = int(os.environ.get("THINGBRIDGE_RACES", "300")), 50
    wins = {O.bare: 0, V.bare: 0}
    for start in range(0, rounds, batch):
        some = range(start, min(start + batch, rounds))
        asked = [G.request("set", R, element("register", [("str", "KEY", "k%d" % i)],
                                             nodeId="n%d" % i)) for i in some]
        for key in asked:
            assert outcome(G.wait_answer(key, 20)) == OK
        pairs = []
        for i in some:
            order = (O, V) if i % 2 else (V, O)
            xml = element("mine", [("str", "KEY", "k%d" % i)])
            keys = {who.bare: who.request("set", R, xml) for who in order}
            pairs.append((i, keys))
        for i, keys in pairs:
            got = {who.bare: outcome(who.wait_answer(keys[who.bare], 20)) for who in (O, V)}
            winners = [bare for bare, p in got.items() if p != INF]
            assert len(winners) == 1, (i, got)
            is_claimed(got[winners[0]], G.bare, ("n%d" % i, "", ""))
            wins[winners[0]] += 1
    owners = store.rows("SELECT owner, count(*) FROM thing GROUP BY owner")
    assert dict(owners) == {k: n for k, n in wins.items() if n}
    assert sum(wins.values()) == rounds
    print("%d rounds, one winner each: %s" % (rounds, wins))


def snippet(path, **names):
    """An example of a server's configuration, its names replaced."""
    out = (EXAMPLES / path).read_text()
    for old, new in names.items():
        old = old.replace("_", ".")
        assert old in out, old
        out = out.replace(old, new)
    return out


class ExampleProsody(servers.Prosody):
    """Without components but that of the example, on its own ports."""

    def _configure(self):
        super()._configure()
        conf = self.dir / "prosody.cfg.lua"
        own = conf.read_text()
        own = own[:own.index('Component "')]
        own = re.sub(r"^component_.*\n", "", own, flags=re.M)
        example = snippet("prosody-registry.cfg.lua", registry_example_org="registry.localhost")
        example = example.replace("5347", str(self.comp_port)).replace(
            "change-me", self.secret("registry.localhost"))
        top, _, rest = example.partition('Component "')
        vhost = own.index("VirtualHost")
        conf.write_text(own[:vhost] + top + own[vhost:] + 'Component "' + rest)


class ExampleEjabberd(servers.Ejabberd):
    def _configure(self):
        super()._configure()
        conf = self.dir / "ejabberd.yml"
        own = conf.read_text()
        a = own.index("  - port: %d\n" % self.comp_port)
        b = own.index("access_rules:")
        example = snippet("ejabberd-registry.yml", registry_example_org="registry.localhost")
        example = example.replace("5347", str(self.comp_port)).replace(
            "change-me", self.secret("registry.localhost"))
        lines = [l for l in example.splitlines(True) if not l.startswith("listen:")]
        conf.write_text(own[:a] + "".join(lines) + own[b:])


@pytest.mark.parametrize("kind", [ExampleProsody, ExampleEjabberd])
def test_example_of_a_server(kind, tmp):
    server = kind(tmp / "server", components=["registry.localhost"])
    try:
        reg = programs.Registry(server, tmp / "r")
        with server.client("thing", "a") as thing, server.client("owner", "a") as owner:
            assert do(thing, "register", K1) == OK
            is_claimed(do(owner, "mine", K1), thing.bare)
            # No client finds a way to be the registry, and disco shows it.
            items = thing.iq("get", "localhost",
                             "<query xmlns='http://jabber.org/protocol/disco#items'/>")
            assert "registry.localhost" in [i.get("jid") for i in find_all(items, "item")]
        reg.stop()
    finally:
        server.stop()
