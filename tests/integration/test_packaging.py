"""What is installed beside the programs: units, hooks, the shell's completion."""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from harness.procs import Proc
from harness.programs import BIN, SOURCE, TEMPLATES, environment, have, write_private
from test_cli import NODES, STATUS, daemon  # noqa: F401

pytestmark = pytest.mark.skipif(
    not have("thingbridge", "thingowner"), reason="the tools are not built")

PACKAGING = SOURCE / "packaging"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
@pytest.mark.parametrize("unit", ["thingbridged", "thingregistryd"])
def test_unit_is_hardened(unit):
    p = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
         str(PACKAGING / "systemd" / (unit + ".service"))],
        capture_output=True, text=True, timeout=60)
    found = re.search(r"exposure level for .*: ([0-9.]+)", p.stdout)
    assert found and float(found[1]) <= 1.6, p.stdout + p.stderr


def complete(*words, program="thingbridge", **env):
    """What bash offers for the last of the words."""
    script = """
        source %s/completion.bash
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _thingbridge %s
        printf '%%s\\n' "${COMPREPLY[@]}"
    """ % (PACKAGING, BIN / program)
    p = subprocess.run(
        ["bash", "-c", script, "bash", str(BIN / program), *words],
        capture_output=True, text=True, timeout=20,
        env=dict(os.environ, THINGBRIDGE_TEMPLATES=str(TEMPLATES), **env))
    assert p.stderr == ""
    return p.stdout.split()


def test_completion_from_the_tables():
    none = ("-s", "/nonexistent/socket")
    assert complete("sta") == ["status"]
    assert {"nodes", "read", "help"} <= set(complete(""))
    assert complete("templates", "") == ["list", "show", "test"]
    assert complete(*none, "stickers", "--uncl") == ["--unclaimed"]
    assert complete("help", "temp") == ["templates"]
    assert complete("templates", "show", "eastron.sdm6") == ["eastron.sdm630"]
    assert complete("-s", "") == []
    assert complete("nosuch", "") == []
    assert complete(*none, "read", "") == []
    assert complete("sea", program="thingowner") == ["search"]


def test_completion_from_the_daemon(daemon):
    at = ("-s", str(daemon.path))
    nodes = [n["node"] for n in NODES]
    assert complete(*at, "read", "") == nodes
    assert complete(*at, "scan", "") == [b["name"] for b in STATUS["buses"]]
    assert complete(*at, "stickers", nodes[0], "") == nodes
    daemon.answers["read"] = {"fields": [{"name": "Power"}, {"name": "Energy"}]}
    assert complete(*at, "read", nodes[0], "P") == ["Power"]


def test_completion_of_things(tmp_path):
    account = tmp_path / "account.conf"
    (tmp_path / "account.conf.things.json").write_text(
        '{"schema":1,"things":[{"jid":"a@example.org","node":"meter 1"},{"jid":1}]}')
    at = ("--account", str(account))
    p = complete(*at, "read", "met", program="thingowner")
    assert p == ["meter\\", "1"]  # one word, quoted for the shell


@pytest.fixture
def manager(tmp_path):
    """thingbridged under a service manager that is this test: (process, the
    configuration, what it told next)."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(str(tmp_path / "notify"))
    s.settimeout(20)
    conf = tmp_path / "t.conf"
    write_private(tmp_path / "secrets/p", "secret\n")
    conf.write_text("[gateway]\nstate = %s/s.db\ncontrol = %s/c.sock\n[xmpp]\n"
                    "jid = a@localhost/g\npassword = @secret:p\nhost = 127.0.0.1:9\n"
                    % (tmp_path, tmp_path))
    p = Proc("thingbridged", [BIN / "thingbridged", "-c", conf], tmp_path / "log",
             env=environment(NOTIFY_SOCKET=str(tmp_path / "notify"),
                             WATCHDOG_USEC="400000"))

    def told(want):
        while True:
            text = s.recv(4096).decode()
            if text.startswith(want):
                return text

    yield p, conf, told
    p.stop()
    s.close()


def test_service_manager_is_told(manager):
    p, conf, told = manager
    told("READY=1")
    told("WATCHDOG=1")
    good = conf.read_text()
    conf.write_text(good + "wrong = 1\n")
    p.popen.send_signal(signal.SIGHUP)
    told("RELOADING=1")
    assert 'refused: %s:8: error: [xmpp]' % conf in told("STATUS=0 nodes, XMPP offline; ")
    told("READY=1")
    conf.write_text(good)
    p.popen.send_signal(signal.SIGHUP)
    assert "refused" not in told("STATUS=0 nodes")
    p.popen.send_signal(signal.SIGTERM)
    told("STOPPING=1")
