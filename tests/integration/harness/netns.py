"""Network namespaces, and what runs inside of them: none of it touches the
machine's own network or services."""

import ctypes
import itertools
import os
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

from .procs import Proc, wait_until

_serial = itertools.count(1)
CLONE_NEWNET = 0x40000000

DBUS_CONF = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""

AVAHI_CONF = """[server]
use-ipv4=yes
use-ipv6=no
enable-dbus=yes
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
"""


def need(*programs):
    """Skips where there are no namespaces; packaging/install-needs brings the
    programs."""
    if os.getuid() != 0:
        pytest.skip("network namespaces need root")
    for p in programs:
        assert shutil.which(p), "%s is not installed" % p


class Namespace:
    """Two ends of a wire in a namespace of their own: "tba" has the address."""

    address = "198.18.0.1"

    def __init__(self, tmpdir):
        self.name = "tb%d-%d" % (os.getpid(), next(_serial))
        self.dir = pathlib.Path(tmpdir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.relays = []
        self.procs = []
        if subprocess.run(["ip", "netns", "add", self.name], capture_output=True).returncode:
            pytest.skip("no network namespaces here")
        try:
            self.ip("link", "set", "lo", "up")
            self.ip("link", "add", "name", "tba", "type", "veth", "peer", "name", "tbb")
            self.ip("addr", "add", self.address + "/24", "dev", "tba")
            for link in ("tba", "tbb"):
                self.ip("link", "set", link, "multicast", "on", "up")
        except subprocess.CalledProcessError:
            self.close()
            pytest.skip("no virtual links here")

    def ip(self, *args):
        subprocess.run(["ip", "-n", self.name, *args], check=True, capture_output=True)

    def inside(self, *argv):
        return ["nsenter", "--net=/run/netns/" + self.name, *[str(a) for a in argv]]

    def start(self, name, *argv, **env):
        p = Proc(name, self.inside(*argv), self.dir / (name + ".log"),
                 env=dict(os.environ, **env))
        self.procs.append(p)
        return p

    def relay(self, port, to):
        """address:port in the namespace leads to the port `to` outside."""
        self.relays.append(Relay(self.name, self.address, port, to))
        return self.relays[-1]

    def close(self):
        for p in reversed(self.procs):
            p.kill()
        for r in self.relays:
            r.close()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Relay:
    def __init__(self, name, address, port, to):
        self.to = to
        self.count = 0
        self.sock = None
        self.error = None
        t = threading.Thread(target=self._listen, args=(name, address, port))
        t.start()
        t.join()
        if self.error:
            raise self.error
        threading.Thread(target=self._serve, daemon=True).start()

    def _listen(self, name, address, port):
        """In a thread of its own: a thread can change its namespace alone."""
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            fd = os.open("/run/netns/" + name, os.O_RDONLY)
            if libc.setns(fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            os.close(fd)
            self.sock = socket.create_server((address, port))
        except OSError as e:
            self.error = e

    def _serve(self):
        while True:
            try:
                a, _ = self.sock.accept()
                b = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.count += 1
            for x, y in ((a, b), (b, a)):
                threading.Thread(target=self._copy, args=(x, y), daemon=True).start()

    @staticmethod
    def _copy(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class Avahi:
    """A bus and an avahi-daemon of the test's own."""

    def __init__(self, ns):
        self.ns = ns
        sock = ns.dir / "bus"
        (ns.dir / "bus.conf").write_text(DBUS_CONF % sock)
        (ns.dir / "avahi.conf").write_text(AVAHI_CONF)
        self.address = "unix:path=%s" % sock
        ns.start("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile",
                 "--config-file=%s" % (ns.dir / "bus.conf"))
        wait_until("the bus is there", sock.exists, 10)
        run = pathlib.Path("/run/avahi-daemon")
        run.mkdir(exist_ok=True)
        # its pid file has a fixed place, so that gets a file system of its own
        daemon = ns.start(
            "avahi-daemon", "unshare", "-m", "sh", "-c",
            "mount -t tmpfs tmpfs /run/avahi-daemon && exec avahi-daemon -f %s"
            " --no-drop-root --no-chroot --no-rlimits" % (ns.dir / "avahi.conf"),
            DBUS_SYSTEM_BUS_ADDRESS=self.address)
        wait_until("avahi-daemon is there",
                   lambda: "Server startup complete" in daemon.log(), 20)

    def publish(self, name, port, *txt):
        p = self.ns.start("publish-" + name, "avahi-publish-service", name,
                          "_xmpp-client._tcp", str(port), *txt,
                          DBUS_SYSTEM_BUS_ADDRESS=self.address)
        wait_until("%s is announced" % name, lambda: "Established" in p.log(), 20)
        return p
