"""What people do to thingbridge at a terminal: outputs that cannot be written,
files that are not what they should be.  A daemon of a few lines answers."""

import contextlib
import json
import socket
import subprocess
import threading

import pytest

from harness.programs import BIN, environment, run, write_private

BRIDGE = BIN / "thingbridge"

TEXT = """\
[template]
id = x.y
name = X
kind = text
[serial]
baud = 9600
[frame]
mode = stream
end = \\r\\n
[parse]
format = regex
regex = %s
[field]
a = group:1
"""

SITE = """\
[xmpp]
jid = a@example.org
password = @secret:pw
[registry]
jid = registry.example.org
[bus line]
type = serial
port = /dev/ttyS0
[node n]
source = S
bus = line
template = x.y
"""


def frame(i):
    return {"ok": True, "more": True,
            "data": {"at": "2026-01-01T00:00:00.%03dZ" % i, "dir": ">", "hex": "0103"}}


@contextlib.contextmanager
def daemon(path, answers):
    """Answers one connection with these lines, whatever it asks."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)

    def serve():
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError):
            peer.recv(4096)
            for a in answers:
                peer.sendall(json.dumps(a).encode() + b"\n")
            while peer.recv(4096):
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield path
    listener.close()
    thread.join(10)


FRAMES = [frame(i) for i in range(50)] + [{"ok": True, "data": {"missed": 0}}]
REFUSED = [{"ok": False, "exit": 5, "text": "there is no such bus"}]


@pytest.mark.parametrize("argv", (["--help"], ["help"], ["scan", "--help"], ["--version"],
                                  ["templates", "list"]))
def test_full_disk(argv):
    with open("/dev/full", "w") as full:
        p = subprocess.run([str(BRIDGE), *argv], stdout=full, stderr=subprocess.PIPE,
                           text=True, env=environment(), timeout=40)
    assert p.returncode == 1
    assert p.stderr.count("cannot write to standard output") == 1


@pytest.mark.parametrize("out", ("-o", ">"))
def test_trace_to_a_full_disk(tmp_path, out):
    with daemon(tmp_path / "s", FRAMES) as sock, open("/dev/full", "w") as full:
        p = subprocess.run(
            [str(BRIDGE), "-s", str(sock), "trace", "x"] + ["-o", "/dev/full"] * (out == "-o"),
            stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=40)
    assert p.returncode == 1
    assert p.stderr.count("cannot write") == 1, p.stderr


def test_trace_keeps_the_file_until_there_is_a_new_one(tmp_path):
    file = tmp_path / "night.txt"
    file.write_text("old\n" * 1000)
    with daemon(tmp_path / "s", REFUSED) as sock:
        code, _, err = run([BRIDGE, "-s", sock, "trace", "x", "-o", file])
    assert (code, "no such bus" in err) == (5, True)
    assert file.read_text() == "old\n" * 1000
    with daemon(tmp_path / "t", FRAMES) as sock:
        code, _, err = run([BRIDGE, "-s", sock, "trace", "x", "-o", file])
    assert code == 0, err
    lines = file.read_text().splitlines()
    assert len(lines) == 50 and not any("old" in line for line in lines)


def test_regex_that_cannot_be(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    site = tmp_path / "site.conf"
    site.write_text(SITE)
    write_private(tmp_path / "secrets/pw", "x")
    for regex, good in (("(a{2,1})", False), ("([z-a])", False), ("([a-z]+)", True)):
        (folder / "x.ini").write_text(TEXT % regex)
        for argv in (["templates", "test", folder / "x.ini"], ["check", site]):
            code, out, err = run([BRIDGE, *argv], THINGBRIDGE_TEMPLATES=str(folder))
            assert code == (0 if good else 78), (argv, out, err)
            assert ("x.ini: error: [parse] x.y: regex: " in out) == (not good), out


@pytest.mark.parametrize("argv", (["plan"], ["probe", "x", "1"], ["read", "x"], ["set", "x", "y"]))
def test_argument_that_is_no_text(tmp_path, argv):
    with daemon(tmp_path / "s", REFUSED) as sock:
        p = subprocess.run([str(BRIDGE), "-s", str(sock), *argv, b"\xff"], capture_output=True,
                           env=environment(), timeout=40)
        run([BRIDGE, "-s", sock, "status"])
    assert (p.returncode, b"not UTF-8" in p.stderr) == (2, True), p.stderr


def test_template_of_too_many_lines(tmp_path):
    file = tmp_path / "big.ini"
    file.write_text("[template]\nid = x.y\nname = X\nkind = modbus\n[field]\n" +
                    "".join("f%d = input:1 u16\n" % i for i in range(100000)))
    code, out, err = run([BRIDGE, "templates", "test", file])
    assert code == 78
    assert out == "%s:1006: error: [field] f1000: there are more than 1000 lines\n" % file
    assert "1 error," in err
