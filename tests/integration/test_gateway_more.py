"""thingbridged when the disk is full, and what comes over its socket."""

import contextlib
import json
import resource
import socket
import sqlite3
import time

import pytest

from harness.procs import wait_until
from harness.programs import node
from harness.wire import condition, payload, tags_of

NODE_A = node("a", source="S")
NODE_B = node("b", source="S", address=2)


@contextlib.contextmanager
def held(g):
    """Another process holds the state file: a transaction cannot begin."""
    db = sqlite3.connect(g.state, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()


@contextlib.contextmanager
def full(g):
    """No file may grow, as on a full disk: a transaction cannot end."""
    was = resource.prlimit(g.proc.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(g.proc.pid, resource.RLIMIT_FSIZE, (0, was[1]))
    try:
        yield
    finally:
        resource.prlimit(g.proc.pid, resource.RLIMIT_FSIZE, was)


@pytest.fixture(params=[held, full])
def unwritable(request):
    """No write of the daemon to its state file succeeds."""
    return request.param


def kept(g, name, claim, owner):
    """After a power cut the node still is what was acknowledged."""
    g.kill()
    g.start()
    assert g.claim(name) == (claim, owner)


def test_node_added_while_nothing_can_be_written(fakereg, make_gateway, unwritable):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    g.wait_claim("a", "unclaimed")
    g.write(nodes=NODE_A + NODE_B)
    with unwritable(g):
        assert not g.request("reload")["ok"]
        assert not fakereg.got("register", "b")  # its KEY is not on disk
    reg = fakereg.wait("register", "b", timeout=30)
    g.wait_claim("b", "unclaimed")
    got = fakereg.claimed(g.jid, "owner@localhost", "b", "S")
    assert got.get("type") == "result"
    fakereg.wait("update", "b")
    key = tags_of(payload(reg))["KEY"][1]
    kept(g, "b", "public", "owner@localhost")
    assert g.claim("a") == ("unclaimed", None)
    rows = sqlite3.connect(g.state).execute("SELECT key FROM node WHERE node='b'").fetchall()
    assert rows == [(key,)]


def test_node_deleted_while_nothing_can_be_written(fakereg, make_gateway, unwritable):
    g = make_gateway(NODE_A + NODE_B, registry=fakereg.jid)
    g.wait_claim("b", "unclaimed")
    g.write(nodes=NODE_A)
    with unwritable(g):
        assert not g.request("reload")["ok"]
        assert not fakereg.got("unregister")
    fakereg.wait("unregister", "b", timeout=30)
    fakereg.quiet("register", 3, "b")


def test_claim_is_not_acknowledged_unless_kept(fakereg, make_gateway, unwritable):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    g.wait_claim("a", "unclaimed")
    with unwritable(g):
        got = fakereg.claimed(g.jid, "owner@localhost", "a", "S")
        assert condition(got) == "internal-server-error"
        assert g.claim("a") == ("unclaimed", None)
    got = fakereg.claimed(g.jid, "owner@localhost", "a", "S")
    assert got.get("type") == "result"
    kept(g, "a", "public", "owner@localhost")


@contextlib.contextmanager
def unreadable(g):
    """Neither written nor read, as on a card that dies for a while."""
    db = sqlite3.connect(g.state, isolation_level=None)
    db.execute("ALTER TABLE node RENAME TO away")
    try:
        yield
    finally:
        db.execute("ALTER TABLE away RENAME TO node")
        db.close()


def test_claim_is_not_acknowledged_from_memory(fakereg, make_gateway):
    """What could not be read back after a failed write counts for nothing."""
    g = make_gateway(NODE_A, registry=fakereg.jid)
    g.wait_claim("a", "unclaimed")
    with unreadable(g):
        for _ in range(2):
            got = fakereg.claimed(g.jid, "owner@localhost", "a", "S")
            assert condition(got) == "internal-server-error"
        assert not g.request("reset", node="a")["ok"]
    got = fakereg.claimed(g.jid, "owner@localhost", "a", "S")
    assert got.get("type") == "result"
    kept(g, "a", "public", "owner@localhost")


def test_command_that_was_not_kept_changes_nothing(fakereg, make_gateway, unwritable):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    g.wait_claim("a", "unclaimed")
    tag = {"name": "ROOM", "value": "12", "num": False}
    with unwritable(g):
        for cmd, args in (("meta", {"set": [tag]}), ("reset", {}), ("unregister", {})):
            assert not g.request(cmd, node="a", **args)["ok"], cmd
        assert not g.request("stickers", nodes=["a"], printed=True)["ok"]
    assert "ROOM" not in [t["name"] for t in g.control("meta", node="a")["tags"]]
    assert g.node_list()["a"]["sticker"] == "none"
    assert g.claim("a") == ("unclaimed", None)


def test_unregister_that_is_due_goes_on(fakereg, make_gateway, unwritable):
    """A write that fails must not turn an unregister into a register."""
    fakereg.answers["unregister"] = None
    g = make_gateway(NODE_A, registry=fakereg.jid)
    g.wait_claim("a", "unclaimed")
    g.control("unregister", node="a")
    fakereg.wait("unregister", "a")
    with unwritable(g):
        assert not g.request("reset", node="a")["ok"]
    fakereg.answers["unregister"] = ""
    fakereg.forget()
    fakereg.wait("unregister", "a", timeout=45)
    assert not fakereg.got("register")
    assert g.claim("a")[0] == "removed"


@pytest.mark.parametrize("cmd,args", [
    ("stickers", {"nodes": "a", "secrets": True}),
    ("stickers", {"nodes": {"a": 1}}),
    ("stickers", {"nodes": [1]}),
    ("stickers", {"nodes": [None]}),
    ("read", {"node": "a", "fields": "temperature"}),
    ("read", {"node": "a", "fields": [1]}),
    ("read", {"node": ["a"]}),
    ("nodes", {"node": 1}),
    ("meta", {"node": "a", "set": {"name": "ROOM", "value": "1"}}),
    ("meta", {"node": "a", "set": ["ROOM"]}),
    ("meta", {"node": "a", "set": [{"name": "ROOM", "value": 1}]}),
    ("reset", {"node": 1}),
])
def test_wrong_types_are_refused(fakereg, make_gateway, cmd, args):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    got = g.request(cmd, **args)
    assert got["ok"] is False and got["text"] != "internal", got


def test_long_names_are_answered(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    for pad in range(4):  # cut within a character or not
        got = g.request("read", node="x" * pad + "\u00e5\u4e2d" * 5000)
        assert got["ok"] is False and "there is no node" in got["text"], got


def test_client_that_only_sends(fakereg, make_gateway):
    """One that closes its sending side still gets the whole answer."""
    nodes = "".join(node("n%03d" % i, source="S", address=i + 1) for i in range(200))
    g = make_gateway(nodes, registry=fakereg.jid)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(g.socket))
        s.sendall(b'{"cmd":"nodes"}\n' * 20)
        s.shutdown(socket.SHUT_WR)
        time.sleep(1)
        data = b""
        while more := s.recv(65536):
            data += more
    answers = data.split(b"\n")
    assert answers.pop() == b""
    assert len(answers) == 20
    assert all(len(json.loads(a)["data"]["nodes"]) == 200 for a in answers)


def test_answer_of_many_pieces(fakereg, make_gateway):
    """It is one line, whole, in order, and what was asked behind it waits."""
    count = 1200
    nodes = "".join(node("n%04d" % i, source="S", address=i % 247 + 1, enabled="no")
                    for i in range(count))
    g = make_gateway(nodes, registry=None)
    want = ["n%04d" % i for i in range(count)]
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(g.socket))
        s.sendall(b'{"cmd":"nodes"}\n{"cmd":"status"}\n{"cmd":"stop"}\n')
        with s.makefile() as f:
            time.sleep(0.5)  # it waits for its reader
            got = [json.loads(f.readline()) for _ in range(3)]
            assert [n["node"] for n in got[0]["data"]["nodes"]] == want
            buses = got[1]["data"]["buses"]
            assert [u["node"] for b in buses for u in b["units"]] == want
            assert got[2] == {"ok": True, "data": {}}
            s.sendall(b'{"cmd":"nodes"}\n')
            f.read(70000)  # and leaves in the middle
    assert g.request("nodes", node="n0007")["data"]["nodes"][0]["node"] == "n0007"
    assert g.alive()


def test_client_that_never_reads(fakereg, make_gateway):
    """Its answers do not pile up without end, and others are served."""
    nodes = "".join(node("n%03d" % i, source="S", address=i + 1) for i in range(200))
    g = make_gateway(nodes, registry=fakereg.jid, log="info")
    before = g.proc.rss_kib()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(g.socket))
        s.setblocking(False)
        line, end = b'{"cmd":"nodes"}\n' * 256, time.monotonic() + 4
        while time.monotonic() < end:
            try:
                s.send(line)
            except BlockingIOError:
                time.sleep(0.05)
            except (BrokenPipeError, ConnectionResetError):
                break
        wait_until("others are served", lambda: g.request("status", timeout=60)["ok"], 60)
        assert g.proc.rss_kib() - before < 100 * 1024


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_state_that_cannot_be_opened_is_an_error(make_gateway):
    g = make_gateway(start=False)
    g.state = g.dir / "nowhere/state.db"
    g.write()
    g.start(wait=False)
    assert g.wait_exit() not in (0, -11)
    assert "nowhere/state.db" in g.log()
