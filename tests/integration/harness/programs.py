"""The programs under test: each with its own directory, files and log."""

import contextlib
import json
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import time

from . import wire
from .procs import Proc, wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("TB_BIN") or SOURCE / "build/dev/bin").resolve()
BIN_RELEASE = pathlib.Path(
    os.environ.get("TB_BIN_RELEASE") or SOURCE / "build/release/bin"
).resolve()
TEMPLATES = pathlib.Path(
    os.environ.get("THINGBRIDGE_TEMPLATES") or SOURCE / "templates"
).resolve()

SANITIZER = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer",
             "ThreadSanitizer")
# Bytes that libstrophe may lose, see lsan.supp: 16 logins.
LOST_MAX = 16 * 62


def faults(log):
    """The lines of a log in which a sanitizer says that something is wrong."""
    found = [line for line in log.splitlines() if any(s in line for s in SANITIZER)]
    for bytes_ in re.findall(r"^ +\d+ +(\d+) libstrophe", log, re.M):
        if int(bytes_) > LOST_MAX:
            found.append("libstrophe's objects leak %s bytes" % bytes_)
    return found


def have(*names, bin_=None):
    return all(((bin_ or BIN) / n).exists() for n in names)


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
    env.update(
        THINGBRIDGE_TEMPLATES=str(TEMPLATES),
        THINGBRIDGE_LABELS=str(SOURCE / "packaging/labels.ini"),
        LC_ALL="C.UTF-8",
        TZ="UTC",
        UBSAN_OPTIONS="print_stacktrace=1",
        LSAN_OPTIONS="suppressions=%s:print_suppressions=1"
                     % (SOURCE / "tests/integration/lsan.supp"),
    )
    env.update(more)
    return env


def write_private(path, content):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as f:
        f.write(content)


def run(argv, stdin="", timeout=40, **env):
    """(exit status, stdout, stderr) of a program that ends by itself."""
    p = subprocess.run(
        [str(a) for a in argv], input=stdin, capture_output=True, text=True,
        timeout=timeout, env=environment(**env),
    )
    assert not faults(p.stderr), p.stderr
    return p.returncode, p.stdout, p.stderr


class Daemon:
    """A program that runs until it is stopped."""

    name = "?"

    def __init__(self, tmpdir):
        self.dir = pathlib.Path(tmpdir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.proc = None
        self.logfile = self.dir / (self.name + ".log")

    def spawn(self, argv, stdout=None):
        assert self.proc is None or not self.proc.alive()
        self.proc = Proc(self.name, [str(a) for a in argv], self.logfile,
                         env=environment(), stdout=stdout)

    def stop(self, status=0):
        """SIGTERM; checks the exit status."""
        if self.proc is None:
            return
        got = self.proc.stop()
        assert got == status, "%s ended with %s:\n%s" % (self.name, got, self.log()[-4000:])

    def kill(self):
        if self.proc is not None:
            self.proc.kill()

    def alive(self):
        return self.proc is not None and self.proc.alive()

    def log(self):
        return self.logfile.read_text(errors="replace") if self.logfile.exists() else ""

    def wait_log(self, needle, timeout=10, after=0):
        return wait_until(
            "%s logs %r" % (self.name, needle),
            lambda: needle in self.log()[after:], timeout, 0.05,
        )

    def wait_exit(self, timeout=15):
        """The exit status of a program that ends by itself."""
        self.proc.expected = True
        status = self.proc.popen.wait(timeout)
        self.proc._gone()
        return status


class Registry(Daemon):
    """thingregistryd as a component of server."""

    name = "thingregistryd"

    def __init__(self, server, tmpdir, jid="registry.localhost", bin_=None, start=True, **limits):
        super().__init__(tmpdir)
        self.server, self.jid, self.bin = server, jid, bin_ or BIN
        self.store = self.dir / "registry.db"
        self.conf = self.dir / "registry.conf"
        write_private(self.dir / "secrets/registry-secret", server.secret(jid) + "\n")
        self.conf.write_text(
            "[component]\njid = %s\nhost = %s\nsecret = @secret:registry-secret\n"
            "[store]\npath = %s\n[limits]\n%s"
            % (jid, server.component_host, self.store, keys(limits))
        )
        if start:
            self.start()

    def start(self, wait=True):
        self.spawn([self.bin / "thingregistryd", "-c", self.conf])
        if wait:
            self.wait_online()

    def select(self, sql, *args):
        """Rows of its database."""
        with contextlib.closing(sqlite3.connect(
                "file:%s?mode=ro" % self.store, uri=True)) as db:
            return db.execute(sql, args).fetchall()

    def tags(self, jid, node=""):
        """{NAME: value} of one record."""
        return dict(self.select(
            "SELECT tag.name, tag.value FROM tag JOIN thing ON tag.thing = thing.id"
            " WHERE thing.jid = ? AND thing.node = ?", jid, node))

    def owners(self):
        """{node: owner or None} of every record."""
        return dict(self.select("SELECT node, owner FROM thing"))

    def wait_online(self, timeout=15):
        with self.server.client("probe", presence=False) as c:
            def answers():
                assert self.alive(), self.log()
                got = c.iq("get", self.jid, "<query xmlns='%s'/>" % wire.DISCO_INFO, 5)
                return got.get("type") == "result"

            wait_until("the registry answers", answers, timeout, 0.1)


OFFLINE_BUS = "[bus dead]\ntype = modbus-tcp\nhost = 127.0.0.1:1\n"


def node(name, bus="dead", address=1, template="generic.xy-md02", sn=None, **more):
    """A [node] section: node("a", source="S", **{"tag.ROOM": "1"})."""
    out = "[node %s]\nbus = %s\naddress = %s\ntemplate = %s\n" % (name, bus, address, template)
    out += "claim.SN = %s\n" % (sn or "sn-" + name)
    return out + keys(more)


def keys(d):
    return "".join("%s = %s\n" % kv for kv in d.items())


class Gateway(Daemon):
    """thingbridged with its configuration, state and control socket."""

    name = "thingbridged"

    def __init__(self, server, tmpdir, nodes="", registry="registry.localhost",
                 buses=OFFLINE_BUS, account=None, resource="gateway", bin_=None,
                 start=True, log="debug", registry_keys=None, xmpp_keys=None,
                 host=None, extra=""):
        super().__init__(tmpdir)
        self.server, self.bin = server, bin_ or BIN
        self.user, self.password = account or server.new_account("plant")
        self.bare = "%s@%s" % (self.user, server.domain)
        self.jid = "%s/%s" % (self.bare, resource)
        self.state = self.dir / "state.db"
        # sun_path is short; the test's directory may not be
        self.socket = self.dir / "c.sock"
        self.conf = self.dir / "thingbridge.conf"
        self.registry, self.registry_keys = registry, dict(registry_keys or {})
        self.host, self.xmpp_keys = host or server.host, dict(xmpp_keys or {})
        self.buses, self.nodes, self.extra, self.level = buses, nodes, extra, log
        write_private(self.dir / "secrets/xmpp-password", self.password + "\n")
        self.write()
        if start:
            self.start()

    def text(self):
        reg = dict(self.registry_keys)
        if self.registry:
            reg["jid"] = self.registry
        return (
            "[gateway]\nstate = %s\ncontrol = %s\nlog = %s\n"
            "[xmpp]\njid = %s\npassword = @secret:xmpp-password\nhost = %s\n"
            "tls = required\nca_file = %s\n%s[registry]\n%s%s\n%s\n%s"
            % (self.state, self.socket, self.level, self.jid, self.host,
               self.server.cafile, keys(self.xmpp_keys), keys(reg),
               self.extra, self.buses, self.nodes)
        )

    def write(self, **change):
        """Writes the configuration again, with nodes=, buses= ... changed."""
        for k, v in change.items():
            assert hasattr(self, k)
            setattr(self, k, v)
        self.conf.write_text(self.text())

    def start(self, wait=True):
        self.spawn([self.bin / "thingbridged", "-c", self.conf])
        self.proc.settle = self._settle
        if wait:
            self.wait_control()

    def _settle(self):
        """Waits a moment for a login that is under way: libstrophe leaks what
        its SASL holds when it is ended there, and LeakSanitizer says so."""
        for _ in range(40):
            try:
                if self.control("status")["xmpp"] != "connecting":
                    return
            except (OSError, ValueError, AssertionError):
                pass
            time.sleep(0.05)

    def wait_control(self, timeout=20):
        def up():
            assert self.alive(), "thingbridged ended early:\n" + self.log()
            try:
                return self.control("status")
            except (OSError, ValueError):
                return None

        return wait_until("the control socket answers", up, timeout, 0.05)

    def wait_online(self, timeout=20):
        def online():
            assert self.alive(), "thingbridged ended:\n" + self.log()
            try:
                return self.control("status")["xmpp"] == "online"
            except (OSError, ValueError):
                return False

        wait_until("the gateway is online", online, timeout, 0.05)

    def request(self, cmd, timeout=30, **args):
        """The whole answer of the control socket to one request."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(str(self.socket))
            s.sendall(json.dumps(dict(cmd=cmd, **args)).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                more = s.recv(65536)
                if not more:
                    break
                data += more
        return json.loads(data)

    def control(self, cmd, **args):
        """Its data; fails when the answer is not ok."""
        got = self.request(cmd, **args)
        assert got.get("ok"), "%s %s: %s" % (cmd, args, got)
        return got["data"]

    def node_list(self):
        return {n["node"]: n for n in self.control("nodes")["nodes"]}

    def claim(self, name):
        """(claim state, owner) of a node."""
        n = self.node_list()[name]
        return n["claim"], n["owner"]

    def wait_claim(self, name, claim, timeout=10):
        return wait_until(
            "node %s is %s" % (name, claim),
            lambda: self.claim(name)[0] == claim, timeout, 0.05,
        )

    def claim_text(self, name):
        """What its sticker says, or None with no claim text."""
        got = self.control("stickers", nodes=[name], kind="claim", secrets=True)
        return got["stickers"][0]["text"]

    def key(self, name):
        return self.control("stickers", nodes=[name], kind="claim", secrets=True)[
            "stickers"][0]["key"]

    def ctl(self, *args, timeout=40):
        return run([self.bin / "thingbridge", "-s", self.socket, *args], timeout=timeout)

    def json(self, *args):
        status, out, err = self.ctl("--json", *args)
        assert status == 0, "thingbridge %s: %d\n%s" % (args, status, err)
        return json.loads(out)

    def reload(self):
        return self.control("reload")


class Sim(Daemon):
    """thingsim: bus[name] is where each of its buses is."""

    name = "thingsim"

    def __init__(self, tmpdir, ini, bin_=None, start=True):
        super().__init__(tmpdir)
        self.bin = bin_ or BIN
        self.conf = self.dir / "plant.ini"
        self.conf.write_text(ini)
        self.socket = self.dir / "sim.sock"
        self.bus = {}
        if start:
            self.start()

    def start(self):
        out = self.dir / "thingsim.out"
        with open(out, "wb") as f:
            self.spawn([self.bin / "thingsim", "-c", self.conf, "--control", self.socket], f)

        def ready():
            assert self.alive(), "thingsim ended early:\n" + self.log()
            return "ready" in out.read_text().split("\n")

        wait_until("thingsim is ready", ready, 20)
        for line in out.read_text().splitlines():
            word = line.split(None, 3)
            if word[0] == "bus":
                self.bus[word[1]] = word[3]

    def control(self, line, timeout=10):
        """Its answer after "ok"; fails on an error."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(str(self.socket))
            s.sendall(line.encode() + b"\n")
            data = b""
            while b"\n" not in data:
                more = s.recv(4096)
                if not more:
                    break
                data += more
        answer = data.decode().split("\n")[0]
        assert answer.split(" ")[0] == "ok", "%s: %s" % (line, answer)
        return answer[3:]

    def set(self, unit, field, value):
        self.control("set %s %s %s" % (unit, field, value))

    def get(self, unit, field):
        return self.control("get %s %s" % (unit, field))

    def fault(self, what, kind, *arg):
        self.control(" ".join(["fault", what, kind] + [str(a) for a in arg]))

    def count(self, unit):
        return self.control("count %s" % unit)


class Owner:
    """thingowner with an account of its own."""

    def __init__(self, server, tmpdir, registry="registry.localhost", account=None,
                 resource="cli", bin_=None):
        self.dir = pathlib.Path(tmpdir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.bin = bin_ or BIN
        self.user, self.password = account or server.new_account("owner")
        self.bare = "%s@%s" % (self.user, server.domain)
        self.account = self.dir / "account.ini"
        write_private(self.dir / "secrets/owner-password", self.password + "\n")
        write_private(
            self.account,
            "[account]\njid = %s/%s\npassword = @secret:owner-password\nhost = %s\n"
            "tls = required\nca_file = %s\n%s"
            % (self.bare, resource, server.host, server.cafile,
               "registry = %s\n" % registry if registry else ""),
        )

    def argv(self, *args):
        return [self.bin / "thingowner", "--account", self.account, *args]

    def env(self):
        """Its own home, so that it finds nobody else's things."""
        return {"HOME": str(self.dir), "XDG_CONFIG_HOME": str(self.dir / "config"),
                "XDG_DATA_HOME": str(self.dir / "data"),
                "XDG_STATE_HOME": str(self.dir / "state")}

    def run(self, *args, stdin="", timeout=60):
        return run(self.argv(*args), stdin=stdin, timeout=timeout, **self.env())

    def start(self, *args, stdin=""):
        """A process whose end the test awaits with finish()."""
        p = subprocess.Popen(
            [str(a) for a in self.argv(*args)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(**self.env()),
        )
        p.stdin.write(stdin)
        p.stdin.close()
        p.stdin = None
        return p

    @staticmethod
    def finish(p, timeout=60):
        try:
            out, err = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            raise AssertionError("thingowner did not end\n%s\n%s" % (out, err))
        return p.returncode, out, err

    def json(self, *args, stdin=""):
        status, out, err = self.run("--json", *args, stdin=stdin)
        assert status == 0, "thingowner %s: %d\n%s\n%s" % (args, status, out, err)
        return json.loads(out)
