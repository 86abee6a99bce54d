"""thingbridge when things go wrong: a daemon that goes or has no room, files
that are none, ports that are not there, and what the answers are for programs."""

import json
import os
import socket
import threading

import pytest

from harness.programs import BIN, have, run
from test_cli import (  # noqa: F401
    FRAMES, NODES, STATUS, Stream, bridge, busy, daemon, probe_data, scan_of, sticker)

pytestmark = pytest.mark.skipif(
    not have("thingbridge", "thinglabels"), reason="thingbridge is not built")

XMPP = "[xmpp]\njid = a@example.org\npassword = @secret:p\n"


# set, when what came of it is not known


def test_set_that_is_cut_off(bridge, daemon):
    daemon.answers["set"] = b""
    status, out, err = bridge("set", "m1", "T", "1", "-y")
    assert (status, out) == (3, "")
    assert "whether it was written is not known; thingbridge read m1 T tells" in err
    status, _, err = bridge("set", "m1", "T", "1", "-n")  # that wrote nothing
    assert status == 7 and "not known" not in err
    daemon.answers["set"] = b'{"ok":true,"da'
    assert bridge("set", "m1", "T", "1", "-y")[0] == 3


def test_set_without_a_daemon(tmp_path):
    status, _, err = run([BIN / "thingbridge", "-s", tmp_path / "none", "set", "m1", "T", "1",
                          "-y"])
    assert status == 7 and "not known" not in err


# a control socket without room


@pytest.fixture
def full(tmp_path):
    """Says so to everybody, and does not wait for what they want."""
    path = tmp_path / "full.sock"
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(path))
    s.listen(8)

    def serve():
        while True:
            try:
                c, _ = s.accept()
            except OSError:
                return
            c.sendall(b'{"ok":false,"exit":1,"text":"too many connections"}\n')
            c.close()

    threading.Thread(target=serve, daemon=True).start()
    yield path
    s.shutdown(socket.SHUT_RDWR)
    s.close()


@pytest.mark.parametrize("args", [
    ["status"], ["nodes"], ["scan", "b"], ["trace", "b"], ["set", "m1", "T", "1", "-y"]])
def test_no_room(full, args):
    for _ in range(5):  # who is faster differs
        status, out, err = run([BIN / "thingbridge", "-s", full, *args])
        assert (status, out, err) == (1, "", "thingbridge: too many connections\n")


def test_no_room_for_monitoring(full):
    status, out, err = run([BIN / "thingbridge", "-s", full, "status", "--check"])
    assert (status, out, err) == (3, "UNKNOWN too many connections\n", "")


# for programs


def test_status_plain(bridge, busy):
    status, out, _ = bridge("status", "--plain")
    assert status == 0 and "  " not in out
    rows = [l.split("\t") for l in out.splitlines()]
    assert rows[0] == ["gateway", "plant7@example.org/gateway", "online", "192.0.2.1:5222",
                       "yes"]
    assert rows[1] == ["registry", "registry.example.org", "yes", "configured"]
    assert ["config", STATUS["config"][0], STATUS["config_read"], ""] in rows
    assert ["device", "offline", "1"] in rows and ["claim", "unclaimed", "1"] in rows
    assert ["bus", "other", "/dev/ttyUSB0 9600 8N1", "no", "33.2", "41", "100", "1", "0", "0",
            "0", "0", "12.5"] in rows
    assert ["warning", "m2: no answer", "thingbridge nodes m2"] in rows


def test_status_check_for_programs(bridge, daemon):
    status, out, _ = bridge("status", "--check", "--json")
    got = json.loads(out)
    assert status == got["exit"] == 1 and got["health"] == "WARNING" and got["schema"] == 1
    assert got["text"].startswith("xmpp online") and "m2: no answer" in got["text"]
    daemon.answers["status"] = dict(ok=False, exit=1, text="internal\nmore")
    status, out, _ = bridge("status", "--check", "--json")
    assert status == 3 and json.loads(out) == dict(
        schema=1, health="UNKNOWN", exit=3, text="internal")
    assert bridge("status", "--check", "--plain")[1] == "UNKNOWN\tinternal\n"
    for more in ("b", "--watch"):
        assert bridge("status", "--check", more)[0] == 2


def test_status_of_a_bus_says_why_it_is_down(bridge, busy):
    busy.answers["status"]["buses"][1]["trouble"] = "bus other: no such port"
    assert "! bus other: no such port\n" in bridge("status", "other")[1]


def test_scan_does_not_advise_what_was_done(bridge, daemon):
    daemon.answers["scan"] = lambda rq: scan_of([])
    assert '--serial "9600' in bridge("scan", "b")[2]
    err = bridge("scan", "b", "--serial", "19200 8E1")[2]
    assert "--serial" not in err and "nothing answered" in err


@pytest.mark.parametrize("args, result, says", [
    (["holding:0"], "exception 2", "answered with exception 2: it does not have"),
    (["holding:0"], "exception 4", "answered with exception 4\n"),
    ([], "exception 1", "answered with exception 1: somebody is there")])
def test_probe_explains_an_exception(bridge, daemon, args, result, says):
    daemon.answers["probe"] = probe_data(result=result, readings=[])
    status, out, _ = bridge("probe", "b", "12", *args)
    assert status == (8 if args else 0) and says in out


def test_probe_labels_other_speeds(bridge, daemon):
    frames = [dict(FRAMES[0], serial="19200 8E1"), dict(at_ms=9, dir="!", text="no answer"),
              dict(at_ms=9, dir="<", hex="3372", ascii="3r")]
    daemon.answers["probe"] = probe_data(frames=frames)
    lines = bridge("probe", "b", "12")[1].splitlines()
    assert lines[1].endswith("0.000  at 19200 8E1")
    assert lines[2].split() == ["!", "no", "answer", "0.009"] and "|3r|" in lines[3]


def test_trace_has_letters_of_text(bridge, daemon):
    frame = dict(at="2026-11-22T18:07:00.123Z", dir="<", hex="33720d", ascii="3r.")
    daemon.answers["trace"] = lambda rq: Stream([frame], dict(schema=1, bus="b", missed=0))
    line = bridge("trace", "b")[1]
    assert line.startswith("18:07:00.123Z < 33 72 0D ") and line.endswith("  |3r.|\n")
    assert bridge("trace", "b", "--plain")[1].endswith("\t<\t33 72 0D\n")


def test_nodes_says_that_there_is_none(bridge, daemon):
    daemon.answers["nodes"] = lambda rq: dict(schema=1, nodes=NODES[:1])
    assert bridge("nodes", "--failing")[::2] == (
        0, "thingbridge: every node answers as it should\n")
    daemon.answers["nodes"] = lambda rq: dict(schema=1, nodes=[])
    assert "thingbridge adopt" in bridge("nodes")[2]


def test_stickers_name_their_files(bridge, daemon, tmp_path):
    two = [sticker("m1"), sticker("m2")]
    daemon.answers["stickers"] = dict(schema=1, stickers=two)
    err = bridge("stickers", "m1", "m2", "-f", "svg", "-o", tmp_path / "x.svg")[2]
    assert "2 stickers in %s/x-NODE.svg" % tmp_path in err
    assert (tmp_path / "x-m1.svg").exists()


def test_what_is_no_socket(tmp_path):
    for path, word in ((tmp_path, "no socket"), ("", "empty")):
        status, _, err = run([BIN / "thingbridge", "-s", path, "status"])
        assert status == 78 and word in err


def test_plan_says_what_was_measured(bridge, daemon):
    node = dict(node="m1", template="t", load=1.0, requests=[])
    daemon.answers["plan"] = dict(schema=1, buses=[
        dict(bus="b", load=1.0, guessed=91.5, rtt_ms=0.5, nodes=[node]),
        dict(bus="c", load=2.0, guessed=2.0, rtt_ms=None, nodes=[node])])
    status, out, err = bridge("plan")
    rows = {l.split()[0]: l.split() for l in out.splitlines()[-2:]}
    assert rows["b"] == ["b", "1", "0", "1.0", "measured", "91.5"]
    assert rows["c"] == ["c", "1", "0", "2.0", "guessed", "2"]
    assert status == 0 and "as check and status reckon" in err


# check: what stands outside of the configuration


def check(conf):
    return run([BIN / "thingbridge", "check", conf], timeout=10)


def test_check_warns_of_a_port_that_is_not_there(tmp_path):
    conf = tmp_path / "thingbridge.conf"
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / "p").write_text("x\n")
    os.chmod(tmp_path / "secrets" / "p", 0o600)
    conf.write_text(XMPP + "[bus b]\ntype = modbus-rtu\nport = %s/gone\n" % tmp_path)
    status, out, err = check(conf)
    assert status == 0 and "1 warning" in err
    assert "%s:4: warning: [bus b] the port %s/gone is not there" % (conf, tmp_path) in out
    conf.write_text(XMPP + "[bus b]\ntype = modbus-rtu\nport = %s\n" % conf)
    status, out, _ = check(conf)
    assert status == 0 and "is no serial port" in out
    conf.write_text(XMPP + "[bus b]\ntype = modbus-rtu\nport = /dev/null\n")
    assert check(conf)[:2] == (0, "")


def test_check_warns_of_a_number_that_is_text(tmp_path):
    conf = tmp_path / "thingbridge.conf"
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / "p").write_text("x\n")
    os.chmod(tmp_path / "secrets" / "p", 0o600)
    conf.write_text(XMPP + "[tags]\nLAT = 55.6\n#LON = 13\n")
    status, out, _ = check(conf)
    assert status == 0 and "%s:5: warning: [tags] tag LAT is text here" % conf in out
    assert len(out.splitlines()) == 1


def make_pipe(path):
    os.mkfifo(path)


def make_device(path):
    path.symlink_to("/dev/zero")


def make_socket(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(path))
    s.close()


@pytest.mark.parametrize("make", [make_pipe, make_device, make_socket])
def test_check_of_what_is_no_file(tmp_path, make):
    conf = tmp_path / "thingbridge.conf"
    conf.write_text(XMPP)
    part = tmp_path / "conf.d"
    part.mkdir()
    make(part / "x.conf")
    status, out, _ = check(conf)
    assert status == 78 and "x.conf: error: is no file, but a pipe" in out
    # nor does it keep the tool from the daemon's socket
    run([BIN / "thingbridge", "-c", conf, "status"], timeout=10)


def test_check_of_a_folder(tmp_path):
    conf = tmp_path / "thingbridge.conf"
    conf.write_text(XMPP)
    (tmp_path / "conf.d" / "x.conf").mkdir(parents=True)
    status, out, _ = check(conf)
    assert status == 78 and "x.conf: error: cannot be read: Is a directory" in out


def test_a_hidden_socket_is_explained(tmp_path):
    """A typing error in the very key leaves the usual socket to be tried."""
    conf = tmp_path / "thingbridge.conf"
    conf.write_text("[gateway]\ncontrl = %s/c.sock\n" % tmp_path)
    status, _, err = run([BIN / "thingbridge", "-c", conf, "status"])
    if status == 7:
        assert "%s, as it stands now, names no other socket; -s" % conf in err


# templates


def test_templates_show_says_all(tmp_path):
    t = tmp_path / "t.ini"
    t.write_text("[template]\nid = my.t\nname = T\nkind = modbus\nclass = meter\nversion = 1\n"
                 "[tag]\nMAN = example.org\nMODEL = T1\n[poll]\nnormal = 10s\n[field]\n"
                 "mode = holding:1 u16 enum=0:off,1:on\n"
                 "T = input:2 i16 scale=0.1 offset=-5 min=-40 max=85 unit=C\n[control]\n"
                 "mode = holding:1 u16 enum=0:off,1:on fc=6\n"
                 "P = holding:2 u16 min=0 max=10 step=2 fc=6\n")
    call = [BIN / "thingbridge", "templates", "test", t]
    status, out, err = run(call)
    assert status == 0, out + err
    for word in ("MAN=example.org", "MODEL=T1", "claim.SN", "enum=0:off,1:on", "scale=0.1",
                 "offset=-5", "min=-40", "max=85", "STEP"):
        assert word in out
    got = json.loads(run([*call, "--json"])[1])
    assert got["tags"] == dict(MAN="example.org", MODEL="T1")
    assert got["fields"][0]["options"] == "enum=0:off,1:on"
    p = got["controls"][1]
    assert (p["min"], p["max"], p["step"], p["options"]) == ("0", "10", "2", "fc=6")
