"""What the bench programs share: processes, and what they cost."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("TB_BIN", str(SOURCE / "build/release/bin"))
sys.path.insert(0, str(SOURCE / "tests/integration"))

from harness import programs  # noqa: E402
from harness.procs import Proc, wait_until  # noqa: E402


class Nowhere:
    """An XMPP server that is not there: devices are read without one."""

    domain = "localhost"
    host = "127.0.0.1:1"
    cafile = "/etc/ssl/certs/ca-certificates.crt"

    def new_account(self, name):
        return name, "secret"


class Collectd(programs.Daemon):
    """collectd's modbus plugin, without a writer."""

    name = "collectd"

    def __init__(self, tmpdir, sections, interval):
        super().__init__(tmpdir)
        self.conf = self.dir / "collectd.conf"
        self.conf.write_text(
            'Hostname "bench"\nFQDNLookup false\nBaseDir "%s"\nPIDFile "%s/pid"\n'
            "Interval %s\nLoadPlugin modbus\n<Plugin modbus>\n%s</Plugin>\n"
            % (self.dir, self.dir, interval, sections))
        self.spawn(["/usr/sbin/collectd", "-f", "-C", self.conf])


def collectd_data(names):
    return "".join(
        '<Data "%s">\nRegisterBase %d\nRegisterType uint16\nRegisterCmd ReadHolding\n'
        'Type gauge\nInstance "%s"\n</Data>\n' % (n, at, n) for n, at in names)


def collectd_host(name, where, slaves, names, interval):
    """where: 'Address "..."' lines; slaves: unit addresses."""
    collect = "".join('Collect "%s"\n' % n for n, _ in names)
    return '<Host "%s">\n%sInterval %s\n%s</Host>\n' % (
        name, where, interval, "".join(
            '<Slave %d>\nInstance "u%d"\n%s</Slave>\n' % (u, u, collect) for u in slaves))


def template(directory, name, fields, extra=""):
    """A template file beside a configuration: fields u16 holding registers."""
    path = pathlib.Path(directory) / "templates" / (name + ".ini")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "[template]\nid = %s\nname = bench\nclass = bench\nkind = modbus\nversion = 1\n"
        "[tag]\nMAN = bench\nMODEL = bench\n[modbus]\nmax_read = 125\n%s[poll]\nnormal = 1s\n"
        "[field]\n%s" % (name, extra, "".join(
            "r%d = holding:%d u16\n" % (i, i) for i in range(fields))))
    return path


def cpu_s(pid):
    """Processor time of all threads so far, in seconds."""
    ns = 0
    for stat in pathlib.Path("/proc/%d/task" % pid).glob("*/schedstat"):
        try:
            ns += int(stat.read_text().split()[0])
        except OSError:
            pass
    return ns / 1e9


def memory_kb(pid, key="VmRSS"):
    for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise KeyError(key)


def threads(pid):
    return len(list(pathlib.Path("/proc/%d/task" % pid).iterdir()))


def pin(pid, cpu):
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        os.sched_setaffinity(int(task.name), {cpu})


class Workplace:
    """A directory that ends with the program, and what runs in it."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tbbench"))
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for d in reversed(self.running):
            d.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, daemon):
        self.running.append(daemon)
        return daemon

    def end(self, daemon):
        self.running.remove(daemon)
        daemon.stop()


def window(seconds, measure):
    """Runs measure() before and after: the differences, and the time between."""
    before, at = measure(), time.monotonic()
    time.sleep(seconds)
    after, took = measure(), time.monotonic() - at
    return [b - a for a, b in zip(before, after)], took


def site(directory, buses, nodes):
    """A configuration file for the poller: buses and nodes alone matter."""
    path = pathlib.Path(directory) / "thingbridge.conf"
    programs.write_private(path.parent / "secrets/xmpp-password", "secret\n")
    path.write_text(
        "[gateway]\nstate = %s/state.db\ncontrol = %s/c.sock\n[xmpp]\n"
        "jid = bench@localhost/gateway\npassword = @secret:xmpp-password\n"
        "[registry]\njid = registry.localhost\n%s%s" % (path.parent, path.parent, buses, nodes))
    return path


def poll(conf, *args, timeout=600):
    """What tests/bench/poller.c says; stderr is what it found wrong."""
    poller = programs.BIN / "poller"
    p = subprocess.run([poller, "-c", conf, *map(str, args)], capture_output=True,
                       text=True, timeout=timeout, env=programs.environment())
    if not p.stdout:
        raise RuntimeError(p.stderr)
    return json.loads(p.stdout), p.stderr
