"""thingbridge against a control socket whose every answer the test decides."""

import json
import os
import pathlib
import pty
import socket
import stat
import subprocess
import threading

import pytest

from harness.programs import BIN, have, run

pytestmark = pytest.mark.skipif(
    not have("thingbridge", "thinglabels"), reason="thingbridge is not built")

KEY = "7K2QM9XR4TVD81JHWZ3NPC6FYB"
TEXT = "IoTDisco;SN:1;MAN:example.org;MODEL:M;KEY:" + KEY

NODES = [
    dict(node="m1", source="S", cache="", name="Größe 1", template="t", bus="b",
         address=3, device="online", claim="public", owner="anna@example.org",
         registered=True, sticker="void", errors=0, trouble=None),
    dict(node="m2", source="S", cache="", name="Two\x1b[31m", template="t", bus="b",
         address=4, device="offline", claim="unclaimed", owner=None,
         registered=True, sticker="none", errors=41, trouble="timeout"),
]
STATUS = dict(
    schema=1, jid="plant7@example.org/gateway", xmpp="online", tls=True,
    server="192.0.2.1:5222",
    registry=dict(jid="registry.example.org", how="configured", found=True, online=True),
    nodes=dict(total=2, claim=dict(public=1, unclaimed=1), device=dict(online=1, offline=1)),
    buses=[dict(name="b", load=41, requests=100, timeouts=1, crc=0, exceptions=0,
                late=0, rtt_ms=12.5)],
    config=["/etc/thingbridge/thingbridge.conf", "/etc/thingbridge/conf.d/a.conf"],
    config_read="2026-11-22T18:07:00.123Z",
    warnings=[dict(text="m2: no answer", command="thingbridge nodes m2")],
)
FIELDS = [
    dict(name="Power", value="3.412", unit="kW", type="numeric", kind="momentary",
         at="2026-11-22T18:07:00.123Z", quality="ok", error=None),
    dict(name="T", value=None, unit="°C", type=None, kind="momentary", at=None,
         quality="missing", error="no answer"),
]


def sticker(node, text=TEXT, key=KEY, why=None):
    return dict(node=node, name="Name " + node, place="Room", maker="example.org",
                model="M", sn="1", bus="b", address=3, jid="plant7@example.org",
                registry="registry.example.org", claim="unclaimed", sticker="none",
                text=text, key=key, why=why)


class FakeDaemon:
    """Answers each request with answer(request), a dict, or bytes as they are."""

    def __init__(self, path):
        self.path, self.requests, self.answers = path, [], {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with s, s.makefile("rb") as f:
                line = f.readline()
                if not line:
                    continue
                rq = json.loads(line)
                self.requests.append(rq)
                a = self.answers.get(rq["cmd"])
                a = a(rq) if callable(a) else a
                if isinstance(a, bytes):
                    s.sendall(a)
                elif a is not None:
                    if "ok" not in a:
                        a = dict(ok=True, data=a)
                    s.sendall(json.dumps(a).encode() + b"\n")

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def daemon(tmp_path):
    d = FakeDaemon(tmp_path / "c.sock")
    d.answers = dict(status=STATUS, nodes=dict(schema=1, nodes=NODES),
                     read=dict(schema=1, node="m1", fields=FIELDS))
    yield d
    d.stop()


@pytest.fixture
def bridge(daemon):
    def call(*args, **kw):
        return run([BIN / "thingbridge", "-s", daemon.path, *args], **kw)
    return call


@pytest.mark.parametrize("args, cmd", [
    (["status"], "status"), (["nodes"], "nodes"), (["read", "m1"], "read")])
def test_json_is_the_daemons_object(bridge, daemon, args, cmd):
    for argv in (["--json", *args], [*args, "--json"]):
        status, out, err = bridge(*argv)
        assert (status, err) == (0, "")
        assert out.count("\n") == 1
        assert json.loads(out) == daemon.answers[cmd]


def test_status_table(bridge):
    status, out, err = bridge("status")
    assert status == 0 and err == ""
    assert "plant7@example.org/gateway   online" in out
    assert "2: 1 online, 1 offline" in out
    assert "! m2: no answer   → thingbridge nodes m2" in out
    assert "/etc/thingbridge/thingbridge.conf + 1 more" in out


@pytest.mark.parametrize("change, want, word", [
    ({}, 1, "WARNING"),
    (dict(warnings=[], nodes=dict(total=1, device=dict(online=1))), 0, "OK"),
    (dict(warnings=[], nodes=dict(total=0)), 0, "OK"),
    (dict(xmpp="offline"), 2, "CRITICAL"),
    (dict(registry=dict(jid="", found=False, online=False)), 2, "CRITICAL"),
    (dict(nodes=dict(total=1, device=dict(offline=1))), 2, "CRITICAL"),
    (dict(warnings=[], nodes=dict(total=2, device=dict(online=1, disabled=1))), 0, "OK"),
])
def test_status_check(bridge, daemon, change, want, word):
    daemon.answers["status"] = dict(STATUS, **change)
    status, out, _ = bridge("status", "--check")
    assert (status, out.split()[0], out.count("\n")) == (want, word, 1)


def test_nodes_table_plain_and_filters(bridge, daemon):
    status, out, _ = bridge("nodes")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["NODE", "NAME"]
    assert "Größe 1" in lines[1] and "anna@example.org" in lines[1]
    assert "\x1b" not in out
    status, out, _ = bridge("nodes", "--plain")
    assert out.splitlines()[0].split("\t") == [
        "m1", "Größe 1", "b", "3", "online", "public", "anna@example.org", "void", "0"]
    assert out.splitlines()[1].split("\t")[6] == ""
    for option in ("--unclaimed", "--failing"):
        _, out, _ = bridge("--json", "nodes", option)
        assert [n["node"] for n in json.loads(out)["nodes"]] == ["m2"]
    daemon.answers["nodes"] = dict(schema=1, nodes=NODES[1:])
    _, out, _ = bridge("nodes", "m2")
    assert daemon.requests[-1] == dict(cmd="nodes", node="m2")
    assert "Trouble     timeout" in out


def test_read(bridge, daemon):
    status, out, _ = bridge("read", "m1", "Power", "T")
    assert status == 0
    assert daemon.requests[-1] == dict(cmd="read", node="m1", fields=["Power", "T"])
    assert "missing: no answer" in out
    _, out, _ = bridge("read", "m1", "--plain")
    assert out.splitlines()[0] == (
        "Power\t3.412\tkW\tnumeric\tmomentary\t2026-11-22T18:07:00.123Z\tok\t")


def test_meta(bridge, daemon):
    daemon.answers["meta"] = dict(schema=1, node="m1", tags=[
        {"name": "LAT", "value": "55.6", "num": True, "from": "installer",
         "acknowledged": False}])
    status, out, err = bridge("meta", "m1", "#LAT=55.6", "ROOM=a=b", "CITY=")
    assert status == 0, err
    assert daemon.requests[-1]["set"] == [
        dict(name="LAT", value="55.6", num=True), dict(name="ROOM", value="a=b", num=False),
        dict(name="CITY", value="", num=False)]
    assert "#LAT" in out
    for bad in ("ROOM", "#LAT=x", "=x"):
        n = len(daemon.requests)
        status, _, err = bridge("meta", "m1", bad)
        assert status == 2 and err.count("\n") == 1 and len(daemon.requests) == n


def test_reset_asks(bridge, daemon):
    daemon.answers["reset"] = dict(schema=1, node="m1", claim="new")
    status, _, err = bridge("reset", "m1")
    assert status == 2 and "--yes" in err and daemon.requests == []
    status, out, _ = bridge("reset", "m1", "--yes")
    assert status == 0 and daemon.requests == [dict(cmd="reset", node="m1")]
    assert "new" in out


def test_reset_on_a_terminal(daemon):
    daemon.answers["reset"] = dict(schema=1, node="m1", claim="new")
    for typed, want in ((b"m1\n", 0), (b"no\n", 2)):
        master, slave = pty.openpty()
        p = subprocess.Popen([BIN / "thingbridge", "-s", daemon.path, "reset", "m1"],
                             stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        os.write(master, typed)
        assert p.wait(10) == want
        os.close(master)
    assert len(daemon.requests) == 1


def test_daemon_says_no(bridge, daemon):
    daemon.answers["register"] = dict(ok=False, exit=6, text="m1 is removed: use reset")
    status, out, err = bridge("register", "m1")
    assert (status, out, err) == (6, "", "thingbridge: m1 is removed: use reset\n")


@pytest.mark.parametrize("answer, want", [
    (b"", 7), (b"{}\n", 1), (b"nonsense\n", 1), (b'{"ok":true}\n', 1),
    (b'{"ok":false}\n', 1), (b"[1]\n", 1), (b'{"ok":true', 7)])
def test_bad_answers(bridge, daemon, answer, want):
    daemon.answers["registry"] = answer
    status, out, err = bridge("registry")
    assert (status, out) == (want, "") and err


def test_no_daemon(tmp_path):
    path = tmp_path / "none.sock"
    status, out, err = run([BIN / "thingbridge", "-s", path, "status"])
    assert status == 7 and out == ""
    assert str(path) in err and "systemctl start thingbridge" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_no_permission(daemon):
    os.chmod(daemon.path, 0o660)
    os.chown(daemon.path, 0, 20)  # dialout
    for p in list(pathlib.Path(daemon.path).parents)[:3]:
        if str(p) != "/tmp":
            os.chmod(p, 0o755)
    p = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         BIN / "thingbridge", "-s", daemon.path, "status"], capture_output=True, text=True)
    if "setpriv: failed" in p.stderr:
        pytest.skip("the build directory is closed to others")
    assert p.returncode == 6 and "group dialout" in p.stderr


def test_usage(tmp_path):
    def bridge(*args):
        return run([BIN / "thingbridge", *args])

    for args, word in [
        (["statsu"], 'did you mean "status"?'), (["nodes", "--unclamed"], "unclaimed"),
        (["read"], "needs NODE"), (["registry", "x"], "too much"), (["-q"], "-q"),
        (["stickers", "-f", "png"], "-o FILE"), (["stickers", "-f", "gif"], "png"),
        (["stickers", "--kind", "x"], "asset"), (["-s"], "value"),
        (["status", "--check=1"], "too many"), (["zzzzzzzz"], "unknown command"),
    ]:
        status, out, err = bridge(*args)
        assert (status, out) == (2, ""), (args, err)
        assert word in err, err
    assert bridge()[0] == 2
    status, out, err = bridge("--version")
    assert status == 0 and out.startswith("thingbridge ")
    status, top, _ = bridge("--help")
    assert status == 0 and len(top.splitlines()) <= 24
    for line in top.split("\n\n")[2].splitlines():
        status, out, err = bridge(line.split()[0], "-h")
        assert status == 0 and err == ""
        assert "thingbridge " + line.split()[0] in out.split("example: ")[1]
        assert len(out.splitlines()) <= 24 and max(map(len, out.splitlines())) <= 80


def test_sticker_texts(bridge, daemon):
    daemon.answers["stickers"] = dict(schema=1, stickers=[sticker("m1"), sticker("m2")])
    status, out, err = bridge("stickers", "-f", "text", "--show-secrets")
    assert (status, out, err) == (0, TEXT + "\n" + TEXT + "\n", "")
    status, out, err = bridge("stickers", "m1", "-f", "text")
    assert status == 0 and "KEY:7K2Q…" in out and KEY not in out + err
    assert "--show-secrets" in err
    assert daemon.requests[-1]["nodes"] == ["m1"]
    assert not daemon.requests[-1]["printed"]


def test_sticker_without_text(bridge, daemon):
    void = sticker("m2", None, None, "it has an owner: its KEY is void")
    daemon.answers["stickers"] = dict(schema=1, stickers=[sticker("m1"), void])
    status, out, err = bridge("stickers", "-f", "text", "--show-secrets")
    assert (status, out) == (4, TEXT + "\n")
    assert "m2 has no claim text now: it has an owner" in err
    daemon.answers["stickers"] = dict(schema=1, stickers=[void])
    assert bridge("stickers", "-f", "text")[:2] == (6, "")
    status, out, _ = bridge("stickers")
    assert status == 0 and "its KEY is void" in out


def decode(path):
    return run(["zbarimg", "--nodbus", "-q", "--raw", path])[1].rstrip("\n")


@pytest.mark.parametrize("fmt", ["png", "svg"])
def test_sticker_pictures(bridge, daemon, tmp_path, fmt):
    daemon.answers["stickers"] = dict(schema=1, stickers=[sticker("m1"), sticker("m2")])
    status, out, err = bridge("stickers", "-f", fmt, "-o", tmp_path / ("s." + fmt))
    assert status == 0 and out == "", err
    for node in ("m1", "m2"):
        f = tmp_path / ("s-%s.%s" % (node, fmt))
        assert stat.S_IMODE(f.stat().st_mode) == 0o600
        if fmt == "png":
            assert decode(f) == TEXT
    asked, marked = daemon.requests
    assert asked["secrets"] and not asked["printed"]
    assert marked["printed"] and not marked["secrets"]
    assert marked["nodes"] == ["m1", "m2"]


def test_nothing_is_printed_when_nothing_was_written(bridge, daemon, tmp_path):
    daemon.answers["stickers"] = dict(schema=1, stickers=[sticker("m1")])
    status, _, err = bridge("stickers", "-f", "png", "-o", tmp_path / "no/such/s.png")
    assert status == 1 and "cannot write" in err
    assert len(daemon.requests) == 1


def test_asset_sticker(bridge, daemon, tmp_path):
    daemon.answers["stickers"] = dict(schema=1, stickers=[sticker("m1", None, None)])
    f = tmp_path / "a.svg"
    status, _, err = bridge("stickers", "--kind", "asset", "-f", "svg", "-o", f)
    assert status == 0, err
    assert "<path" not in f.read_text() and "b address 3" in f.read_text()
    assert [rq["secrets"] for rq in daemon.requests] == [False]


def test_sticker_in_the_terminal(bridge, daemon):
    daemon.answers["stickers"] = dict(schema=1, stickers=[sticker("m1")])
    status, out, _ = bridge("stickers", "m1", "-f", "term")
    assert status == 0 and "▀" in out and "7K2Q M9XR" in out
    assert len(daemon.requests) == 1


def test_reload(bridge, daemon):
    daemon.answers["reload"] = dict(schema=1, added=1, changed=2, removed=0,
                                    notes=["x.conf:1: warning: y"])
    status, out, err = bridge("reload", "--plain")
    assert (status, out, err) == (
        0, "Added\t1\nChanged\t2\nRemoved\t0\n", "x.conf:1: warning: y\n")
    daemon.answers["reload"] = dict(ok=False, exit=78, text="nothing was changed:\nx")
    assert bridge("reload")[0] == 78


def test_check_names_errors(tmp_path):
    conf = tmp_path / "thingbridge.conf"
    conf.write_text("[gateway]\nstte = x\n")
    status, out, err = run([BIN / "thingbridge", "check", conf])
    assert status == 78 and "error:" in out and "error" in err
    status, out, _ = run([BIN / "thingbridge", "check", conf, "--json"])
    got = json.loads(out)
    assert status == 78 and got["schema"] == 1 and got["errors"] >= 1
