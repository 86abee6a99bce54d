"""Processes: started in their own session, logged to files, always ended."""

import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import time


class Proc:
    """One program; its output goes to a file that outlives it."""

    running = []  # every process that still has to be ended
    ended = []  # programs of this test that have ended, for their logs

    def __init__(self, name, argv, logfile, env=None, cwd=None, stdout=None):
        self.name = name
        self.logfile = str(logfile)
        self.expected = False  # its death was asked for
        out = open(self.logfile, "ab")
        self.popen = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=stdout if stdout is not None else out,
            stderr=out,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        out.close()
        self.paused = False
        self.settle = None  # called before SIGTERM
        self.keep = False  # lives longer than the test that starts it
        Proc.running.append(self)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def log(self):
        try:
            with open(self.logfile, "rb") as f:
                return f.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _gone(self):
        if self in Proc.running:
            Proc.running.remove(self)
            Proc.ended.append(self)

    def stop(self, timeout=10):
        """SIGTERM; the exit status, or a failure when it does not end."""
        self.expected = True
        if not self.alive():
            self._gone()
            return self.popen.returncode
        self.resume()
        if self.settle:
            self.settle()
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                "%s did not end within %d s of SIGTERM" % (self.name, timeout)
            )
        self._gone()
        return self.popen.returncode

    def kill(self):
        """SIGKILL."""
        self.expected = True
        if self.alive():
            self.popen.kill()
        self.popen.wait(10)
        self._gone()

    def hangup(self):
        self.popen.send_signal(signal.SIGHUP)

    def pause(self):
        if self.alive():
            self.popen.send_signal(signal.SIGSTOP)
            self.paused = True

    def resume(self):
        if self.paused and self.alive():
            self.popen.send_signal(signal.SIGCONT)
        self.paused = False

    def rss_kib(self):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def cpu_seconds(self):
        """Time on a processor, of all its threads that live."""
        ns = 0
        for task in os.listdir("/proc/%d/task" % self.pid):
            with open("/proc/%d/task/%s/schedstat" % (self.pid, task)) as f:
                ns += int(f.read().split()[0])
        return ns / 1e9


PORTS = range(15000, 32000)  # below those that the kernel gives to clients
TURN = os.path.join(tempfile.gettempdir(), "thingbridge-tests-port")


def free_port():
    """A port that nobody uses, nor any test that runs at the same time: all
    take turns by one file."""
    fd = os.open(TURN, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(fd, "r+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        last = int(f.read() or 0)
        while True:
            last = last + 1 if last + 1 in PORTS else PORTS[0]
            try:
                with socket.socket() as s:
                    s.bind(("127.0.0.1", last))
                break
            except OSError:
                continue
        f.seek(0)
        f.truncate()
        f.write(str(last))
    return last


def wait_until(what, fn, timeout=10, step=0.02):
    """Calls fn until its result is true and returns that, or fails."""
    end = time.monotonic() + timeout
    while True:
        got = fn()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError("not within %g s: %s" % (timeout, what))
        time.sleep(step)


def wait_port(port, proc, timeout=20):
    def up():
        assert proc.alive(), "%s ended early:\n%s" % (proc.name, proc.log())
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    wait_until("%s listens on %d" % (proc.name, port), up, timeout)
