"""thingbridge against a control socket whose every answer the test decides;
at the end against thingbridged and thingsim."""

import datetime
import itertools
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from harness.procs import wait_until
from harness.programs import BIN, TEMPLATES, Gateway, environment, have, node, run

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


class Stream:
    """More lines, then the last; endless: only after a stop."""

    def __init__(self, more, last, endless=False, delay=0.0):
        self.more, self.last, self.endless, self.delay = more, last, endless, delay
        self.stopped = threading.Event()

    def serve(self, s, f):
        def line(**o):
            s.sendall(json.dumps(o).encode() + b"\n")

        for data in self.more:
            if select.select([s], [], [], self.delay)[0]:
                break
            line(ok=True, more=True, data=data)
        if self.endless or select.select([s], [], [], 0)[0]:
            assert json.loads(f.readline()) == {"cmd": "stop"}
            self.stopped.set()
        if isinstance(self.last, bytes):
            s.sendall(self.last)
        elif self.last is not None:
            line(**(self.last if "ok" in self.last else dict(ok=True, data=self.last)))


class FakeDaemon:
    """Answers each request with answer(request), a dict, a Stream, or bytes as
    they are."""

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
                elif isinstance(a, Stream):
                    try:
                        a.serve(s, f)
                    except OSError:
                        pass  # the client has gone
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
    # a peer's words do not move the cursor
    daemon.answers["register"] = dict(ok=False, exit=6, text="a\x1b[2Jb\u009b31m\rc\nd")
    assert bridge("register", "m1")[2] == "thingbridge: a?[2Jb??31m?c\nd\n"


@pytest.mark.parametrize("answer, want", [
    (dict(found=False, online=False, jid=None), "none found: whoever runs the XMPP server"),
    (dict(found=True, online=False, jid="r.example.org"), "it does not answer; thingbridge doctor"),
    (dict(found=True, online=True, jid="r.example.org"), "")])
def test_registry_says_what_is_next(bridge, daemon, answer, want):
    daemon.answers["registry"] = dict(schema=1, provisioning=[], **answer)
    status, out, err = bridge("registry")
    assert status == 0 and "Registry" in out
    assert want in err and bool(want) == bool(err)


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
    assert str(path) in err and "start thingbridged -c /etc/thingbridge" in err
    status, out, err = run([BIN / "thingbridge", "-s", path, "status", "--check"])
    assert status == 2 and err == "" and out.count("\n") == 1
    assert out.startswith("CRITICAL thingbridged is not running")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_check_of_closed_files(tmp_path):
    """The tool says what helps: it is root's configuration."""
    for p in list(tmp_path.parents)[:3]:
        if str(p) != "/tmp":
            os.chmod(p, 0o755)
    conf = tmp_path / "x.conf"
    conf.write_text("[xmpp]\njid = a@example.org\npassword = @secret:p\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/p").write_text("pw")
    for closed, word in ((tmp_path / "secrets", "repeat with sudo"),
                         (conf, "Permission denied (repeat with sudo")):
        os.chmod(closed, 0o700 if closed.is_dir() else 0o600)
        p = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             BIN / "thingbridge", "-c", conf, "check"], capture_output=True, text=True)
        if "setpriv: failed" in p.stderr:
            pytest.skip("the build directory is closed to others")
        assert word in p.stdout + p.stderr


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
        (["status", "--check=1"], "takes no value"), (["zzzzzzzz"], "unknown command"),
        (["sacn", "b"], 'did you mean "scan"?'), (["help", "prob"], '"probe"'),
        (["scan", "b", "--adresses", "1"], 'did you mean "addresses"?'),
        (["scan"], "needs BUS"), (["scan", "b", "-a", "9-3"], "1-32"),
        (["scan", "b", "-a", "0-256"], "1-32"), (["scan", "b", "-a", "x"], "1-32"),
        (["scan", "b", "-t", "5"], "10 to"), (["scan", "b", "--serial", "9600 8X1"], "8N1"),
        (["probe", "b"], "needs BUS"), (["probe", "b", "x"], "not an address"),
        (["probe", "b", "256"], "not an address"),
        (["probe", "b", "1", "some.id", "u16"], "holding:0x10"),
        (["set", "n", "f"], "needs NODE"), (["set", "n", "-5"], "needs NODE"),
        (["trace", "b", "--max", "1M"], "-o FILE"),
        (["trace", "b", "-o", tmp_path / "x", "--max", "lots"], "64k"),
        (["trace", "b", "-o", tmp_path / "x", "--max", "1"], "4k"),
        (["templates", "lsit"], 'did you mean "list"?'), (["templates", "show"], "ID"),
        (["templates", "test"], "FILE"), (["plan", "a", "b"], "too much"),
    ]:
        status, out, err = bridge(*args)
        assert (status, out) == (2, ""), (args, err)
        assert word in err, err
    assert bridge()[0] == 2
    status, out, err = bridge("--version")
    assert status == 0 and out.startswith("thingbridge ")


@pytest.mark.parametrize("program", ["thingbridge", "thingowner"])
def test_help_fits_a_screen(program):
    if not have(program):
        pytest.skip(program + " is not built")

    def call(*args):
        status, out, err = run([BIN / program, *args])
        assert (status, err) == (0, "")
        assert len(out.splitlines()) <= 24 and max(map(len, out.splitlines())) <= 80, out
        return out

    top = call("--help")
    assert top == call("help")
    verbs = [line.split()[0] for line in top.split("\n\n")[1].splitlines()]
    for minor in re.findall(r"^  and: +(.*)", top, re.M):
        verbs += minor.split()
    for verb in verbs:
        out = call(verb, "-h")
        assert out == call("help", verb)
        examples = out.split("examples:\n")[1].splitlines()
        assert len(examples) == 2 and examples[0] != examples[1]
        for e in examples:
            assert re.search(r"\b%s (--account \S+ )?%s\b" % (program, verb), e), e


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
    daemon.answers["reload"] = dict(schema=1, added=1, changed=2, removed=0, buses=1,
                                    buses_added=3, buses_removed=4,
                                    notes=["x.conf:1: warning: y"])
    status, out, err = bridge("reload", "--plain")
    assert (status, out, err) == (
        0, "Nodes added\t1\nNodes changed\t2\nNodes removed\t0\n"
        "Buses added\t3\nBuses reopened\t1\nBuses removed\t4\n", "x.conf:1: warning: y\n")
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


# what lies beneath: where the socket is


def test_socket_is_found_in_a_broken_configuration(daemon, tmp_path):
    conf = tmp_path / "thingbridge.conf"
    conf.write_text("[gateway]\ncontrol = %s\nstte = x\n[bsu x]\nhots=1\n[" % daemon.path)
    status, out, err = run([BIN / "thingbridge", "-c", conf, "status"])
    assert (status, err) == (0, "") and "plant7@example.org" in out


def test_socket_is_found_in_a_part(daemon, tmp_path):
    conf = tmp_path / "thingbridge.conf"
    conf.write_text("[xmpp]\njid = x\n")
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("[gateway]\ncontrol = %s\n" % daemon.path)
    assert run([BIN / "thingbridge", "-c", conf, "nodes"])[0] == 0


def test_socket_of_no_configuration(tmp_path):
    status, out, err = run([BIN / "thingbridge", "-c", tmp_path / "none.conf", "status"])
    assert (status, out) == (78, "") and "none.conf" in err and "-s" in err
    status, out, err = run([BIN / "thingbridge", "-c", tmp_path / "none.conf", "status",
                            "--check"])
    assert (status, err) == (3, "") and out.startswith("UNKNOWN ")


def test_usual_socket_of_a_configuration_that_names_none(tmp_path):
    conf = tmp_path / "thingbridge.conf"
    conf.write_text("[gateway]\nlog = info\n")
    status, _, err = run([BIN / "thingbridge", "-c", conf, "status"])
    assert status in (6, 7) and "/run/thingbridge/control.sock" in err
    if status == 7:
        assert "start thingbridged -c %s" % conf in err


# status


UNIT = dict(node="m1", address=3, state="online", ok=99, timeouts=1, garbled=2, late=3,
            retries=4, exceptions=5, exception={"2": 5}, bytes=1000, overruns=6,
            rtt_p50_ms=12.5, rtt_p99_ms=80, last_ok="2026-11-22T18:07:00.123Z",
            last_bad=None)
BUS = dict(STATUS["buses"][0], line="/dev/ttyUSB0 9600 8N1", up=True, planned=33.25,
           overruns=6, units=[UNIT])
OTHER = dict(BUS, name="other", up=False, overruns=0,
             units=[dict(UNIT, node="m2", exception={}, exceptions=0)])


@pytest.fixture
def busy(daemon):
    daemon.answers["status"] = dict(STATUS, buses=[BUS, OTHER], config_error=None, restart="")
    return daemon


def test_status_of_buses(bridge, busy):
    _, out, _ = bridge("status")
    head = [l for l in out.splitlines() if l.startswith("BUS")][0]
    assert "OVERRUNS" in head and "PLANNED" in head
    assert "/dev/ttyUSB0 9600 8N1 DOWN" in out and "GARBLED" not in out
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10KZ4CR-if00-port0 19200 8E1"
    big = dict(BUS, name="rs485-12", line=port, requests=12345678, planned=100, load=99)
    busy.answers["status"] = dict(busy.answers["status"], buses=[big])
    _, out, _ = bridge("status")
    row = [l for l in out.splitlines() if l.startswith("rs485-12")][0]
    assert "...Z4CR-if00-port0 19200 8E1 " in row and len(row) <= 80
    assert port in bridge("status", "-v")[1] and port in bridge("status", "--plain")[1]


def test_status_of_units(bridge, busy):
    status, out, _ = bridge("status", "-v")
    assert status == 0 and "GARBLED" in out and "5 (2: 5)" in out and "12.5/80" in out
    assert "m1" in out and "m2" in out
    status, out, _ = bridge("status", "other")
    assert status == 0 and "m2" in out and "m1" not in out and "Gateway" not in out
    status, out, err = bridge("status", "ohter")
    assert (status, out) == (5, "") and 'did you mean "other"?' in err
    _, out, _ = bridge("status", "b", "--plain")
    assert out == "b\tm1\t3\tonline\t99\t1\t2\t3\t4\t5\t6\t1000\t12.5\t80\t" \
                  "2026-11-22T18:07:00.123Z\t\n"
    _, out, _ = bridge("status", "b", "--json")
    assert [b["name"] for b in json.loads(out)["buses"]] == ["b"]


def test_status_tells_of_a_refused_reload(bridge, daemon):
    daemon.answers["status"] = dict(
        STATUS, nodes=dict(total=1, device=dict(online=1)), restart="",
        config_error=dict(at="2026-11-22T18:09:00.123Z", text="x.conf:3: error: no"),
        warnings=[dict(text="the last reload was refused: x.conf:3: error: no",
                       command="thingbridge check")])
    _, out, _ = bridge("status")
    assert "RELOAD REFUSED 2026-11-22T18:09:00.123Z" in out
    assert "! the last reload was refused: x.conf:3: error: no   → thingbridge check" in out
    status, out, _ = bridge("status", "--check")
    assert status == 1 and out.startswith("WARNING") and "reload was refused" in out


def test_status_check_of_other_trouble(bridge, daemon):
    daemon.answers["status"] = dict(ok=False, exit=1, text="internal\nmore")
    status, out, err = bridge("status", "--check")
    assert (status, out, err) == (3, "UNKNOWN internal\n", "")
    daemon.answers["status"] = b""
    status, out, err = bridge("status", "--check")
    assert status == 2 and out.startswith("CRITICAL ") and err == ""


# read --watch


def on_terminal(argv, typed=b"", until=None, timeout=10, signal_=None):
    """(exit status, all that a terminal would show) of a program on a pty; after
    until was seen it is sent typed, or the signal."""
    master, slave = pty.openpty()
    p = subprocess.Popen([str(a) for a in argv], stdin=slave, stdout=slave, stderr=slave,
                         env=environment(), start_new_session=True)
    os.close(slave)
    out, end = b"", time.monotonic() + timeout
    try:
        while time.monotonic() < end:
            if select.select([master], [], [], 0.05)[0]:
                try:
                    more = os.read(master, 65536)
                except OSError:
                    more = b""
                if not more:
                    break
                out += more
            if until is not None and until in out:
                until = None
                if signal_:
                    p.send_signal(signal_)
                if typed:
                    os.write(master, typed)
        status = p.wait(max(0.1, end - time.monotonic()))
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        os.close(master)
    return status, out.decode()


def test_watch_prints_changes_when_piped(daemon, bridge):
    values = itertools.chain(["1.0", "1.0", "2.0"], itertools.repeat("2.0"))

    def answer(rq):
        if len(daemon.requests) > 3:
            return dict(ok=False, exit=5, text="enough")
        now = datetime.datetime.utcnow().isoformat()[:23] + "Z"
        return dict(schema=1, node="m1",
                    fields=[dict(FIELDS[0], value=next(values), at=now), FIELDS[1]])

    for args, check in [
        ([], lambda l: "Power  1.0 kW  ok" in l[0] and "missing: no answer" in l[1]
         and "Power  2.0 kW" in l[2]),
        (["--plain"], lambda l: l[0].startswith("Power\t1.0") and l[2].startswith("Power\t2.0")),
    ]:
        values = itertools.chain(["1.0", "1.0", "2.0"])
        daemon.requests.clear()
        daemon.answers["read"] = answer
        status, out, err = bridge("read", "m1", "--watch", *args)
        assert status == 5 and "enough" in err
        assert len(out.splitlines()) == 3 and check(out.splitlines()), out
    values = itertools.chain(["1.0", "1.0", "2.0"])
    daemon.requests.clear()
    _, out, _ = bridge("read", "m1", "--watch", "--json")
    objects = [json.loads(l) for l in out.splitlines()]
    assert [[f["name"] for f in o["fields"]] for o in objects] == [["Power", "T"], ["Power"]]


def test_watch_redraws_a_terminal(daemon):
    status, out = on_terminal([BIN / "thingbridge", "-s", daemon.path, "read", "m1", "-w"],
                              until=b"missing: no answer", signal_=signal.SIGINT)
    assert status == -signal.SIGINT
    assert out.startswith("\x1b[H\x1b[2J") and "AGE" in out


# set


def set_answer(rq):
    return dict(schema=1, node="m1", field=rq["field"], old="20.0", new=rq["value"], unit="°C",
                outcome="dry" if rq["dry"] else "verified")


def test_set(bridge, daemon):
    daemon.answers["set"] = set_answer
    status, out, err = bridge("set", "m1", "Setpoint", "21.5", "--yes")
    assert (status, err) == (0, "")
    assert out == "m1 Setpoint: 20.0 → 21.5 °C\nwritten, read back 21.5 °C\n"
    assert daemon.requests == [
        dict(cmd="set", node="m1", field="Setpoint", value="21.5", dry=False)]
    status, out, _ = bridge("set", "m1", "Setpoint", "21.5", "--dry-run")
    assert status == 0 and "nothing was written" in out and daemon.requests[-1]["dry"]
    _, out, _ = bridge("set", "m1", "Setpoint", "21.5", "-y", "--plain")
    assert out == "m1\tSetpoint\t20.0\t21.5\t°C\tverified\n"
    _, out, _ = bridge("--json", "set", "m1", "Setpoint", "21.5", "-y")
    assert json.loads(out) == set_answer(daemon.requests[-1])


def test_set_needs_a_yes(bridge, daemon):
    daemon.answers["set"] = set_answer
    status, out, err = bridge("set", "m1", "Setpoint", "21.5")
    assert (status, out) == (2, "") and "20.0 → 21.5 °C" in err and "--yes" in err
    assert [rq["dry"] for rq in daemon.requests] == [True]
    argv = [BIN / "thingbridge", "-s", daemon.path, "set", "m1", "Setpoint", "21.5"]
    status, out = on_terminal(argv, b"n\n", b"[y/N]")
    assert status == 2 and "nothing was changed" in out
    assert [rq["dry"] for rq in daemon.requests] == [True, True]
    status, out = on_terminal(argv, b"y\n", b"[y/N]")
    assert status == 0 and "20.0 → 21.5 °C   write? [y/N]" in out
    assert "written, read back 21.5 °C" in out
    assert [rq["dry"] for rq in daemon.requests] == [True, True, True, False]


@pytest.mark.parametrize("args", [
    ["m1", "T", "-5", "-y"], ["m1", "T", "-y", "-5"], ["-y", "m1", "T", "--", "-5"]])
def test_set_a_negative_number(bridge, daemon, args):
    daemon.answers["set"] = set_answer
    status, _, err = bridge("set", *args)
    assert status == 0, err
    assert (daemon.requests[-1]["field"], daemon.requests[-1]["value"]) == ("T", "-5")


def test_set_outcomes(bridge, daemon):
    daemon.answers["set"] = dict(schema=1, node="m1", field="reset", old=None, new="true",
                                 unit="", outcome="written")
    status, out, _ = bridge("set", "m1", "reset", "true", "--yes")
    assert status == 0 and "unknown → true" in out and "cannot be read back" in out
    daemon.answers["set"] = dict(ok=False, exit=8, text="m1 T: the device said no")
    status, out, err = bridge("set", "m1", "T", "1", "--yes")
    assert (status, out, err) == (8, "", "thingbridge: m1 T: the device said no\n")


# ports


PORTS = [
    dict(path="/dev/ttyUSB0", by_id="/dev/serial/by-id/usb-FTDI_X-if00-port0",
         by_path="/dev/serial/by-path/p0", adapter="FTDI", ids="0403:6001", bus="rs485-1",
         holder="thingbridged", access=True, hint=None),
    dict(path="/dev/ttyUSB1", by_id=None, by_path="/dev/serial/by-path/p1", adapter="CH340",
         ids="1a86:7523", bus=None, holder=None, access=True,
         hint="no serial number: name follows the USB socket"),
    dict(path="/dev/ttyAMA0", by_id=None, by_path=None, adapter=None, ids=None, bus=None,
         holder="login console", access=True, hint=None),
    dict(path="/dev/ttyS0", by_id=None, by_path=None, adapter=None, ids=None, bus=None,
         holder=None, access=False, hint=None),
]


def test_ports(bridge, daemon):
    daemon.answers["ports"] = dict(schema=1, ports=PORTS)
    status, out, _ = bridge("ports")
    lines = out.splitlines()
    assert status == 0 and len(lines) == 5
    assert "/dev/serial/by-id/usb-FTDI_X-if00-port0" in lines[1] and "rs485-1" in lines[1]
    assert "by-path/p1" in lines[2] and "free   (no serial number" in lines[2]
    assert "login console" in lines[3] and "no permission" in lines[4]
    _, out, _ = bridge("ports", "--plain")
    assert out.splitlines()[3] == "/dev/ttyS0\t\t\t\t\t\t\tno\t"
    _, out, _ = bridge("ports", "--json")
    assert json.loads(out)["ports"] == PORTS
    daemon.answers["ports"] = dict(schema=1, ports=[])
    status, out, err = bridge("ports")
    assert (status, out) == (0, "") and "no serial port" in err


# scan


FOUND = [
    dict(address=1, serial="9600 8N1", answer="ok", looks_like=["gavazzi.em24", "x.y"],
         certain="serial no. read", maker="Carlo", product="EM24", node="m1", state="online"),
    dict(address=12, serial="9600 8N1", answer="exception 2", looks_like=[], certain=None,
         maker=None, product=None, node=None, state=None),
    dict(address=17, serial="9600 8N1", answer="garbled", looks_like=[], certain=None,
         maker=None, product=None, node=None, state=None),
]


def scan_of(found, **kw):
    more = []
    for i in range(1, 33):
        more.append(dict(schema=1, bus="b", serial="9600 8N1", address=i, done=i, of=64,
                         left_s=64 - i))
        more[-1].update({"found": f for f in found if f["address"] == i})
    return Stream(more, dict(schema=1, bus="b", stopped=False, found=found), **kw)


def test_scan(bridge, daemon):
    daemon.answers["scan"] = lambda rq: scan_of(FOUND)
    status, out, err = bridge("scan", "b", "-a", "1-32", "--serial", "9600 8N1, 19200 8E1",
                              "--timeout", "200")
    assert status == 0
    assert daemon.requests == [dict(cmd="scan", bus="b", first=1, last=32, timeout_ms=200,
                                    serial=["9600 8N1", "19200 8E1"])]
    lines = out.splitlines()
    assert len(lines) == 4 and "LOOKS LIKE" in lines[0]
    assert "gavazzi.em24, or 1 more" in lines[1] and "serial no. read" in lines[1]
    assert "exception 2" in lines[2] and "unknown" in lines[2]
    assert "TWO DEVICES ON THIS ADDRESS?" in lines[3]
    assert "address 17" in err and "scan b -a 17" in err
    assert "Next: thingbridge probe b 12" in err and "\r" not in err
    assert bridge("scan", "b")[0] == 0 and daemon.requests[-1] == dict(cmd="scan", bus="b")


def test_scan_for_programs(bridge, daemon):
    daemon.answers["scan"] = lambda rq: scan_of(FOUND)
    status, out, _ = bridge("scan", "b", "--json")
    got = json.loads(out)
    assert status == 0 and got["found"] == FOUND and got["stopped"] is False
    status, out, _ = bridge("scan", "b", "--plain")
    assert out.splitlines()[0] == (
        "1\t9600 8N1\tok\tm1\tgavazzi.em24,x.y\tserial no. read\tCarlo\tEM24\t")
    assert out.splitlines()[1] == "12\t9600 8N1\texception 2\t\t\t\t\t\t"


def test_scan_of_a_silent_node(bridge, daemon):
    silent = dict(FOUND[0], answer="no answer", looks_like=["gavazzi.em24"], certain=None)
    daemon.answers["scan"] = lambda rq: scan_of([silent])
    status, out, err = bridge("scan", "b")
    assert status == 5 and "no answer" in out and "nothing answered" in err
    daemon.answers["scan"] = lambda rq: scan_of([FOUND[0]])
    status, out, err = bridge("scan", "b")
    assert status == 0 and err == "thingbridge: Next: thingbridge nodes\n"


def test_scan_without_a_find(bridge, daemon):
    daemon.answers["scan"] = lambda rq: scan_of([])
    status, out, err = bridge("scan", "b")
    assert (status, out) == (5, "") and "swapped" in err and "Next: " in err
    daemon.answers["scan"] = dict(ok=False, exit=5, text="no bus \"b\"")
    status, out, err = bridge("scan", "b")
    assert (status, out, err) == (5, "", "thingbridge: no bus \"b\"\n")


def wait_stdout(p, word):
    out = ""
    while word not in out:
        line = p.stdout.readline()
        assert line, "ended early: " + out
        out += line
    return out


@pytest.mark.parametrize("args", [[], ["--json"], ["--plain"]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_scan_interrupted(daemon, args, number):
    stream = daemon.answers["scan"] = scan_of(FOUND[:2], endless=True, delay=0.01)
    stream.last = dict(schema=1, bus="b", stopped=True, found=FOUND[:2])
    p = subprocess.Popen([BIN / "thingbridge", "-s", daemon.path, "scan", "b", *args],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=environment())
    seen = wait_stdout(p, "12") if args != ["--json"] else ""
    if not seen:
        wait_until("the scan is on", lambda: daemon.requests)
        time.sleep(0.5)
    p.send_signal(number)
    out, err = p.communicate(timeout=10)
    assert p.returncode == 4 and stream.stopped.is_set()
    assert "stopped" in err and "Next: " in err
    if args == ["--json"]:
        got = json.loads(out)
        assert got["found"] == FOUND[:2] and got["stopped"] is True
    else:
        assert len((seen + out).splitlines()) == (2 if args else 3)


def test_scan_when_the_daemon_goes(bridge, daemon):
    stream = daemon.answers["scan"] = scan_of(FOUND[:1])
    stream.last = b""
    status, out, err = bridge("scan", "b")
    assert status == 7 and "gavazzi.em24" in out and "closed the connection" in err


def test_nodes_on_a_terminal(daemon):
    """A long name gives way; through a pipe it is whole."""
    rows = [dict(NODES[0], node="cold-room-2", bus="rs485-1", address=104, claim="unclaimed",
                 name="Cold room two, freezer, left"), NODES[0]]
    daemon.answers["nodes"] = dict(schema=1, nodes=rows)
    argv = [BIN / "thingbridge", "-s", daemon.path, "nodes"]
    status, out = on_terminal(argv)
    assert status == 0 and "freezer, left" not in out and "anna@example.org" in out
    assert max(len(l) for l in out.splitlines()) <= 80
    assert "freezer, left" in run(argv)[1]


def test_scan_shows_progress_on_a_terminal(daemon):
    daemon.answers["scan"] = scan_of(FOUND)
    status, out = on_terminal([BIN / "thingbridge", "-s", daemon.path, "scan", "b"])
    assert status == 0
    assert "\r\x1b[K" in out and "% " in out and "address 12" in out and "s left" in out
    last = out.replace("\r\x1b[K", "\n").splitlines()[-1]
    assert last.startswith("thingbridge: Next: ")


# probe


FRAMES = [dict(at_ms=0, dir=">", hex="0c0300000002c516"),
          dict(at_ms=12.5, dir="<", hex="0C 03 04 00 00 43 48 00 01")]
READINGS = [dict(type="u16", order=None, value="0", line="name = holding:0x0000 u16"),
            dict(type="f32", order="CDAB", value="200.0",
                 line="name = holding:0x0000 f32 order=cdab dec=1")]


def probe_data(**change):
    return dict(dict(schema=1, bus="b", serial="9600 8N1", address=12, frames=FRAMES,
                     result="ok", hint=None, maker=None, product=None, looks_like=[],
                     readings=READINGS), **change)


def test_probe(bridge, daemon):
    daemon.answers["probe"] = probe_data()
    status, out, _ = bridge("probe", "b", "12", "holding:0", "f32")
    assert status == 0
    assert daemon.requests == [
        dict(cmd="probe", bus="b", address=12, where="holding:0", type="f32")]
    lines = out.splitlines()
    assert lines[0] == "b 9600 8N1 address 12"
    assert lines[1].startswith("> 0C 03 00 00 00 02 C5 16 ") and lines[1].endswith(" 0.000")
    assert lines[2].startswith("< 0C 03 04 00 00 43 48 00 01") and lines[2].endswith("0.013")
    assert "name = holding:0x0000 f32 order=cdab dec=1" in lines[-1]
    _, out, _ = bridge("probe", "b", "12", "holding:0", "--plain")
    assert daemon.requests[-1] == dict(cmd="probe", bus="b", address=12, where="holding:0")
    assert out.splitlines()[0] == "u16\t\t0\tname = holding:0x0000 u16"
    _, out, _ = bridge("probe", "b", "12", "--json")
    assert json.loads(out) == probe_data()


def test_probe_with_a_template(bridge, daemon):
    d = probe_data(fields=FIELDS, looks_like=["gavazzi.em24"], maker="Carlo")
    del d["readings"]
    daemon.answers["probe"] = d
    status, out, err = bridge("probe", "b", "0x0c", "gavazzi.em24")
    assert "thingbridge adopt b 0x0c gavazzi.em24" in err
    assert status == 0 and "Power" in out and "3.412" in out and "Carlo" in out
    assert daemon.requests[-1] == dict(cmd="probe", bus="b", address=12,
                                       template="gavazzi.em24")
    _, out, _ = bridge("probe", "b", "12", "gavazzi.em24", "--plain")
    assert out.startswith("Power\t3.412\tkW\t")


def test_probe_of_nobody(bridge, daemon):
    daemon.answers["probe"] = probe_data(
        result="timeout", frames=FRAMES[:1], readings=[],
        hint="Most often: A/B swapped\nAddress 12 is also silent at 19200 8E1")
    status, out, err = bridge("probe", "b", "12")
    assert status == 8 and "no answer" in out
    assert "Most often: A/B swapped\nAddress 12 is also" in out
    status, out, err = bridge("probe", "b", "12", "--plain")
    assert (status, out) == (8, "") and "no answer" in err and "A/B swapped" in err
    status, out, _ = bridge("probe", "b", "12", "--json")
    assert status == 8 and json.loads(out)["result"] == "timeout"


# trace


def frames(n, **kw):
    return Stream([dict(at="2026-11-22T18:07:%02d.123Z" % (i % 60), dir="<>"[i % 2],
                        hex="0c0300000002c516") for i in range(n)]
                  + [dict(at="2026-11-22T18:08:00.000Z", dir="!", text="line is back")],
                  dict(schema=1, bus="b", frames=n, missed=0), **kw)


@pytest.mark.parametrize("args, first, last", [
    ([], "18:07:00.123Z < 0C 03 00 00 00 02 C5 16", "18:08:00.000Z ! line is back"),
    (["--plain"], "2026-11-22T18:07:00.123Z\t<\t0C 03 00 00 00 02 C5 16",
     "2026-11-22T18:08:00.000Z\t!\tline is back"),
    (["--json"], '"hex":"0c0300000002c516"', '"text":"line is back"')])
def test_trace(daemon, args, first, last):
    stream = daemon.answers["trace"] = frames(3, endless=True)
    p = subprocess.Popen([BIN / "thingbridge", "-s", daemon.path, "trace", "b", *args],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=environment())
    out = wait_stdout(p, "line is back")
    p.send_signal(signal.SIGINT)
    rest, err = p.communicate(timeout=10)
    assert (p.returncode, rest, err) == (0, "", "") and stream.stopped.is_set()
    lines = out.splitlines()
    assert len(lines) == 4 and first in lines[0] and last in lines[3]


def test_trace_to_a_reader_that_goes(daemon):
    daemon.answers["trace"] = frames(20000, endless=True)
    p = subprocess.Popen(
        "%s -s %s trace b | head -n 1" % (BIN / "thingbridge", daemon.path), shell=True,
        stdout=subprocess.PIPE, text=True, env=environment())
    out, _ = p.communicate(timeout=20)
    assert out.count("\n") == 1
    wait_until("the trace is stopped", daemon.answers["trace"].stopped.is_set)


def test_trace_into_a_capped_file(bridge, daemon, tmp_path):
    daemon.answers["trace"] = frames(1000)
    f = tmp_path / "t.txt"
    status, out, err = bridge("trace", "b", "-o", f, "--max", "8k")
    assert (status, out) == (0, "") and "1001 lines" in err
    old = tmp_path / "t.txt.1"
    assert f.stat().st_size <= 4096 and 3900 < old.stat().st_size <= 4096
    assert f.read_text().endswith("2026-11-22T18:08:00.000Z ! line is back\n")
    both = old.read_text() + f.read_text()
    assert all(re.match(r"2026-11-22T18:0\d:\d\d\.\d{3}Z [<>!] ", l) for l in both.splitlines())
    status, _, err = bridge("trace", "b", "-o", tmp_path / "no/such")
    assert status == 1 and "cannot write" in err
    daemon.answers["trace"] = dict(ok=False, exit=5, text="no such bus")
    assert bridge("trace", "b")[::2] == (5, "thingbridge: no such bus\n")


# plan


PLAN = dict(schema=1, buses=[
    dict(bus="b", load=91.5, nodes=[
        dict(node="m1", template="t", load=90.0, requests=[
            dict(table="input", address=1, count=2, fields=["a", "b"], every_ms=10000,
                 bytes=17, ms=25.5),
            dict(table="holding", address=257, count=1, fields=["id"], every_ms=0,
                 bytes=15, ms=24.5)]),
        dict(node="m2", template="u", load=1.5, requests=[
            dict(table=None, address=None, count=None, fields=["T"], every_ms=500,
                 bytes=30, ms=40)])]),
    dict(bus="c", load=0, nodes=[])])


def test_plan(bridge, daemon):
    daemon.answers["plan"] = PLAN
    status, out, err = bridge("plan")
    assert status == 0 and out.count("OVERLOAD") == 2 and "bus b is overloaded" in err
    m1 = [l for l in out.splitlines() if l.startswith("m1")][0].split()
    assert m1 == ["m1", "b", "t", "2", "32", "50", "90.0", "OVERLOAD"]
    assert "FIELDS" not in out
    status, out, _ = bridge("plan", "m1")
    assert daemon.requests[-1] == dict(cmd="plan", node="m1")
    assert "a,b" in out and "10s" in out and "once" in out
    assert "FIELDS" in bridge("plan", "-v")[1]
    _, out, _ = bridge("plan", "--plain")
    assert out.splitlines() == ["b\tm1\tinput\t1\t2\t10000\t17\t25.5\ta,b",
                                "b\tm1\tholding\t257\t1\t0\t15\t24.5\tid",
                                "b\tm2\t\t\t\t500\t30\t40\tT"]
    assert json.loads(bridge("plan", "--json")[1]) == PLAN


# templates: without a daemon


def templates(*args, **env):
    return run([BIN / "thingbridge", "templates", *args], **env)


def test_templates_list():
    status, out, err = templates()
    assert (status, err) == (0, "") and "generic.xy-md02" in out
    assert out == templates("list")[1]
    _, out, _ = templates("--json")
    got = {t["id"]: t for t in json.loads(out)["templates"]}
    assert got["generic.xy-md02"]["kind"] == "modbus" and got["generic.xy-md02"]["good"]
    assert got["generic.xy-md02"]["fields"] >= 2 and got["generic.xy-md02"]["hides"] is None
    _, out, _ = templates("--plain")
    row = [l for l in out.splitlines() if l.startswith("generic.xy-md02\t")][0].split("\t")
    assert row[3] == "modbus" and row[5].endswith(".ini") and row[6] == ""


def test_templates_override(tmp_path):
    """A template of the site wins over the package's, and the list says so."""
    own = tmp_path / "templates"
    own.mkdir()
    whole = (TEMPLATES / "xy-md02.ini").read_text()
    (own / "a.ini").write_text(whole.replace("XY-MD02 temp", "Our own temp"))
    (own / "z.ini").write_text(whole)
    (own / "broken.ini").write_text("[template]\nid = my.broken\nnmae = x\n")
    conf = tmp_path / "thingbridge.conf"
    conf.write_text("")
    status, out, _ = run([BIN / "thingbridge", "-c", conf, "templates", "--json"],
                         THINGBRIDGE_TEMPLATES="")
    assert status == 0
    got = {t["id"]: t for t in json.loads(out)["templates"]}
    assert got["generic.xy-md02"]["file"] == str(own / "a.ini")
    assert got["generic.xy-md02"]["hides"] == str(own / "z.ini")
    assert not got["my.broken"]["good"]
    _, out, _ = run([BIN / "thingbridge", "-c", conf, "templates"], THINGBRIDGE_TEMPLATES="")
    assert "(instead of %s)" % (own / "z.ini") in out and "has errors" in out
    empty = tmp_path / "x.conf"
    status, out, err = run([BIN / "thingbridge", "-c", "/none/x.conf", "templates"],
                           THINGBRIDGE_TEMPLATES=str(tmp_path / "none"))
    assert status == 0 and not empty.exists()


def test_templates_show():
    status, out, err = templates("show", "generic.relay8")
    assert (status, err) == (0, "")
    assert "coil:0" in out and "CAN BE SET" in out and "Alone on a line of 9600 8N1" in out
    status, out, _ = templates("show", "generic.relay8", "--json")
    got = json.loads(out)
    assert got["id"] == "generic.relay8" and len(got["fields"]) == len(got["controls"]) == 8
    assert got["fields"][0]["where"] == "coil:0" and got["fields"][0]["type"] == "bool"
    assert got["plan"]["serial"] == "9600 8N1" and got["plan"]["load"] > 0
    assert got["plan"]["requests"][0]["table"] == "coil"
    _, out, _ = templates("show", "generic.relay8", "--plain")
    assert out.splitlines()[0].startswith("relay1\tcoil:0\tbool\t")
    status, out, err = templates("show", "generic.rleay8")
    assert (status, out) == (5, "") and 'did you mean "generic.relay8"?' in err


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.ini")), ids=lambda p: p.stem)
def test_templates_of_the_package_are_right(path):
    status, out, err = templates("test", path)
    assert status == 0, out + err
    assert "0 errors" in err and "FIELD" in out
    status, out, _ = templates("test", path, "--json")
    assert status == 0 and json.loads(out)["fields"]


def test_templates_test_names_all_errors(tmp_path):
    f = tmp_path / "t.ini"
    f.write_text("[template]\nid = my.t\nname = T\nkind = modbus\nclass = meter\n"
                 "[poll]\nnormal = 10s\n[field]\na = input:x u16\nb = input:1 u17\n")
    status, out, err = templates("test", f)
    assert status == 78 and ":9: error:" in out and ":10: error:" in out
    assert "2 errors" in err
    status, out, _ = templates("test", f, "--json")
    got = json.loads(out)
    assert status == 78 and len(got["notes"]) == 2 and got["file"] == str(f)
    status, out, err = templates("test", tmp_path / "none.ini")
    assert status == 78 and "none.ini" in out


# with thingbridged and thingsim: the same in earnest


PLANT = """
[bus plc]
type = modbus-tcp
listen = 127.0.0.1:0
[bus rs485]
type = modbus-rtu
link = {dir}/rs485
[unit board]
bus = plc
address = 1
template = generic.relay8
[unit spare]
bus = plc
address = 9
template = generic.xy-md02
value.temperature = 19.5
[unit room]
bus = rs485
address = 3
template = generic.xy-md02
value.temperature = 21.5
value.humidity = 40.0
[unit loft]
bus = rs485
address = 7
template = generic.xy-md02
"""


class Site:
    """A gateway with a node on a TCP bus and one on a serial line, each with a
    second device that is no node yet."""

    def __init__(self, server, tmp, make_sim):
        self.sim = make_sim(PLANT.format(dir=tmp))
        buses = ("[bus plc]\ntype = modbus-tcp\nhost = %s\n"
                 "[bus rs485]\ntype = modbus-rtu\nport = %s/rs485\nserial = 9600 8N1\n"
                 % (self.sim.bus["plc"], tmp))
        nodes = (node("relays", bus="plc", address=1, template="generic.relay8")
                 + node("room", bus="rs485", address=3, poll="1s"))
        self.gateway = Gateway(server, tmp / "gw", nodes, buses=buses)
        for name in ("relays", "room"):
            wait_until("%s is online" % name, lambda n=name: self.device(n) == "online", 20)

    def device(self, name):
        return self.gateway.node_list()[name]["device"]

    def ctl(self, *args, status=0):
        got, out, err = self.gateway.ctl(*args)
        assert got == status, (args, got, out, err)
        return out, err


@pytest.fixture
def site(prosody, tmp, make_sim):
    if not have("thingbridged", "thingsim"):
        pytest.skip("thingbridged or thingsim is not built")
    s = Site(prosody, tmp, make_sim)
    yield s
    s.gateway.stop()


def test_real_status_and_plan(site):
    out, _ = site.ctl("status", "-v")
    assert site.sim.bus["plc"] in out and "9600 8N1" in out
    assert re.search(r"^relays +plc +1 +online +\d", out, re.M)
    assert re.search(r"^room +rs485 +3 +online +\d", out, re.M)
    out, _ = site.ctl("status", "rs485", "--plain")
    row = out.splitlines()[0].split("\t")
    assert row[:4] == ["rs485", "room", "3", "online"] and int(row[4]) > 0
    out, _ = site.ctl("plan")
    assert re.search(r"^room +rs485 +generic.xy-md02 +2 ", out, re.M) and "OVERLOAD" not in out
    out, _ = site.ctl("plan", "room", "--plain")
    assert any(l.startswith("rs485\troom\tinput\t1\t2\t1000\t")
               and l.endswith("\ttemperature,humidity") for l in out.splitlines())
    got = json.loads(site.ctl("plan", "relays", "--json")[0])
    assert [b["bus"] for b in got["buses"] if b["nodes"]] == ["plc"]
    site.ctl("plan", "nobody", status=5)


def test_real_watch_prints_changes(site):
    p = subprocess.Popen([BIN / "thingbridge", "-s", site.gateway.socket, "read", "room",
                          "temperature", "--watch", "--plain"], stdout=subprocess.PIPE,
                         text=True, env=environment())
    assert p.stdout.readline().startswith("temperature\t21.5\tC\t")
    site.sim.set("room", "temperature", "-3.5")
    assert p.stdout.readline().startswith("temperature\t-3.5\tC\t")
    p.kill()
    p.wait()
    p.stdout.close()


def test_real_set(site):
    off, on = ("off", "0", "false"), ("on", "1", "true")
    out, _ = site.ctl("set", "relays", "relay3", "true", "--dry-run")
    assert "false → true" in out and site.sim.get("board", "relay3") in off
    out, _ = site.ctl("set", "relays", "relay3", "true", "--yes")
    assert "false → true" in out and "written, read back true" in out
    assert site.sim.get("board", "relay3") in on and site.sim.get("board", "relay2") in off
    got = json.loads(site.ctl("set", "room", "temp_offset", "-1.5", "-y", "--json")[0])
    assert (got["new"], got["outcome"]) == ("-1.5", "verified")
    assert float(site.sim.get("room", "temp_offset")) == -1.5
    row = site.ctl("set", "room", "temp_offset", "2.5", "-y", "--plain")[0]
    assert re.fullmatch(r"room\ttemp_offset\t(-1\.5)?\t2\.5\tC\tverified\n", row)
    out, err = site.ctl("set", "room", "temp_offset", "99", "--yes", status=2)
    assert out == "" and "10" in err
    site.ctl("set", "room", "temperature", "1", "--yes", status=6)
    site.ctl("set", "room", "nothing", "1", "--yes", status=5)
    site.ctl("set", "nobody", "relay1", "1", "--yes", status=5)


def test_real_scan(site):
    out, err = site.ctl("scan", "plc", "-a", "1-10", "--timeout", "100")
    assert re.search(r"^ +- +1 .*relays", out, re.M), out
    assert re.search(r"^ +1 +9 ", out, re.M), out
    assert "Next: thingbridge adopt 1 --name NAME --room ROOM" in err
    got = json.loads(site.ctl("scan", "rs485", "-a", "1-8", "-t", "60", "--json")[0])
    found = {f["address"]: f for f in got["found"]}
    assert set(found) == {3, 7} and found[3]["node"] == "room" and found[7]["node"] is None
    assert not got["stopped"]
    out, _ = site.ctl("scan", "rs485", "-a", "7", "--plain")
    assert out.startswith("7\t9600 8N1\t")
    out, err = site.ctl("scan", "rs485", "-a", "20-22", "-t", "60", status=5)
    assert out == "" and "nothing answered" in err
    site.ctl("scan", "nobus", status=5)


def test_real_scan_interrupted(site):
    p = subprocess.Popen([BIN / "thingbridge", "-s", site.gateway.socket, "scan", "rs485",
                          "-a", "1-247", "-t", "500"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, env=environment())
    seen = wait_stdout(p, "room")
    at = time.monotonic()
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=15)
    assert p.returncode == 4 and time.monotonic() - at < 5
    assert "stopped" in err and "LOOKS LIKE" in seen
    # the bus is free again, and its node never suffered
    site.ctl("scan", "rs485", "-a", "3", "-t", "100")
    assert site.device("room") == "online"


def test_real_probe(site):
    out, _ = site.ctl("probe", "rs485", "7", "input:1", "i16")
    assert re.search(r"^> 07 04 ", out, re.M) and re.search(r"^< 07 04 ", out, re.M)
    assert re.search(r"^i16 ", out, re.M) and "input:0x0001 i16" in out
    out, _ = site.ctl("probe", "plc", "9", "generic.xy-md02")
    assert re.search(r"^temperature +19.5 +C ", out, re.M)
    got = json.loads(site.ctl("probe", "rs485", "7", "input:1", "--json")[0])
    assert got["result"] == "ok" and len(got["readings"]) > 2
    out, _ = site.ctl("probe", "rs485", "50", status=8)
    assert "no answer" in out and len(out.splitlines()) > 3
    site.ctl("probe", "rs485", "7", "no.such", status=5)


def test_real_trace(site, tmp):
    p = subprocess.Popen([BIN / "thingbridge", "-s", site.gateway.socket, "trace", "rs485"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=environment())
    out = wait_stdout(p, " < 03 04 04 ")
    p.send_signal(signal.SIGINT)
    rest, err = p.communicate(timeout=10)
    assert p.returncode == 0 and err == ""
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3}Z > 03 04 00 01 00 02 21 E9$", out + rest, re.M)
    f = tmp / "trace.txt"
    p = subprocess.Popen([BIN / "thingbridge", "-s", site.gateway.socket, "trace", "rs485",
                          "-o", f], stderr=subprocess.PIPE, text=True, env=environment())
    wait_until("frames are in the file", lambda: f.exists() and " < 03 04" in f.read_text())
    p.send_signal(signal.SIGTERM)
    _, err = p.communicate(timeout=10)
    assert p.returncode == 0 and "lines in" in err
    site.ctl("trace", "nobus", status=5)


def test_real_ports(site):
    """The buses' ports, at least, and nothing that is not there."""
    got = json.loads(site.ctl("ports", "--json")[0])
    for port in got["ports"]:
        assert os.path.exists(port["path"])
    site.ctl("ports")
    site.ctl("ports", "--plain")


def test_real_refused_reload(site):
    """A typing error in the configuration hides neither daemon nor error."""
    g = site.gateway
    g.write(nodes=g.nodes + "[node x]\nbsu = plc\n")
    status, _, err = g.ctl("reload")
    assert status == 78 and "bsu" in err
    status, out, err = run([BIN / "thingbridge", "-c", g.conf, "status"])
    assert (status, err) == (0, "") and "RELOAD REFUSED" in out and "bsu" in out
    assert run([BIN / "thingbridge", "-c", g.conf, "status", "--check"])[0] in (1, 2)
    status, out, _ = run([BIN / "thingbridge", "check", g.conf])
    assert status == 78 and "bsu" in out


def test_check_warns_of_an_overloaded_bus(prosody, tmp):
    nodes = "".join(node("n%d" % i, bus="line", address=i, poll="100ms") for i in range(1, 6))
    g = Gateway(prosody, tmp / "gw", nodes, start=False,
                buses="[bus line]\ntype = modbus-rtu\nport = /dev/null\nserial = 9600 8N1\n")
    status, out, err = run([BIN / "thingbridge", "check", g.conf])
    assert status == 0 and re.search(r": warning: \[bus line\].* %", out), out + err
