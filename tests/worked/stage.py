"""A machine to try the packages on as a new user would: a clean Debian root
that boots under systemd-nspawn, with the packages, an XMPP server that belongs
to somebody else, and a simulated plant.  What is typed and what comes back is
written down as a page."""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

BASE = ("systemd,systemd-sysv,dbus,prosody,zbar-tools,ca-certificates,openssl,iproute2,"
        "procps,python3-minimal,nano,less,sudo,man-db,poppler-utils,pngquant")
ANSI = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


def make_base(path):
    """The clean root; kept at path, since it takes a minute."""
    if not path.exists():
        subprocess.run(["mmdebstrap", "--variant=minbase", "--include=" + BASE, "bookworm",
                        path, *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("debian.s*"))],
                       check=True)
    return path


def copy(old, new):
    shutil.rmtree(new, ignore_errors=True)
    subprocess.run(["cp", "-a", old, new], check=True)


class Stage:
    """One machine.  user is who types; he may use sudo."""

    def __init__(self, base, root, host="plant7", user="pi"):
        self.root, self.host, self.user, self.proc = pathlib.Path(root), host, user, None
        copy(base, root)
        (self.root / "etc/hostname").write_text(host + "\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost %s\n" % host)
        self.inside("useradd -m -s /bin/bash %s; echo '%s ALL=(ALL) NOPASSWD: ALL' "
                    "> /etc/sudoers.d/%s" % (user, user, user))

    @classmethod
    def at(cls, root, host="plant7", user="pi"):
        """One that was made before."""
        stage = object.__new__(cls)
        stage.root, stage.host, stage.user, stage.proc = pathlib.Path(root), host, user, None
        return stage

    def inside(self, command, network=False):
        """Before it boots: a command as root, with the network if asked."""
        more = ["--resolv-conf=copy-host"] if network else ["--private-network"]
        return subprocess.run(["systemd-nspawn", "-q", "-D", self.root, "--register=no", "--keep-unit", *more,
                               "sh", "-c", command], check=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()

    def boot(self):
        self.log = open(str(self.root) + ".log", "wb")
        self.proc = subprocess.Popen(
            ["systemd-nspawn", "-b", "-D", self.root, "--machine=" + self.root.name.replace("_", "-"),
             "--hostname=" + self.host, "--keep-unit",
             "--register=no", "--link-journal=no", "--private-network"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.time() + 60
        while time.time() < end:
            self.leader = self._leader()
            if self.leader and self.root_sh("systemctl is-system-running")[1].strip() in (
                    "running", "degraded"):
                return
            time.sleep(0.3)
        raise RuntimeError("it does not boot: " + str(self.root) + ".log")

    def _leader(self):
        got = subprocess.run(["pgrep", "-P", str(self.proc.pid)], stdout=subprocess.PIPE).stdout
        return int(got.split()[0]) if got.strip() else None

    def halt(self):
        if self.proc:
            os.kill(self.leader, signal.SIGRTMIN + 4)  # systemd: power off
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            self.proc = None

    def close(self):
        self.halt()
        shutil.rmtree(self.root, ignore_errors=True)

    def argv(self, user, command):
        return ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "--",
                "env", "-i", "TERM=xterm", "LANG=C.UTF-8", "su", "-", user, "-c", command]

    def root_sh(self, command, timeout=120):
        """Behind the scene; (status, text)."""
        p = subprocess.run(self.argv("root", command), stdin=subprocess.DEVNULL, timeout=timeout,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return p.returncode, p.stdout.decode()


class Page:
    """What happened, as Markdown."""

    def __init__(self, stage, title):
        self.stage, self.user = stage, stage.user
        self.text = ["# %s\n" % title]

    def as_user(self, user):
        """The same page, typed by another one, as on a machine of his own."""
        other = Page(self.stage, "")
        other.text, other.out, other.user = self.text, self.out, user
        return other

    def root(self, command):
        """Behind the scene."""
        return self.stage.root_sh(command)[1]

    def say(self, words):
        self.text.append("\n%s\n" % words)

    def type(self, command, *dialog, status=0, timeout=120, keep=None):
        """Types a command at a terminal, answers its questions (a regular
        expression and the answer each), and notes all that is seen.  keep cuts
        long output to its first lines.  Returns the output."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execvp("nsenter", self.stage.argv(self.user, command))
        seen, asked, end = b"", 0, time.time() + timeout
        dialog = list(dialog)
        while True:
            ready, _, _ = select.select([fd], [], [], 0.2)
            if time.time() > end:
                os.kill(pid, signal.SIGKILL)
                raise AssertionError("no end of %s:\n%s" % (command, seen.decode(errors="replace")))
            if ready:
                try:
                    more = os.read(fd, 65536)
                except OSError:
                    break
                if not more:
                    break
                seen += more
            clean = ANSI.sub(b"", seen).decode(errors="replace")
            if dialog and re.search(dialog[0][0], clean[asked:]):
                asked = len(clean)
                os.write(fd, dialog.pop(0)[1].encode())
        got = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(fd)
        out = self._lines(seen)
        assert not dialog, "%s did not ask %r:\n%s" % (command, dialog[0][0], out)
        assert status is None or got == status, "%s: %d\n%s" % (command, got, out)
        lines = out.split("\n")
        if keep and len(lines) > keep:
            lines = lines[:keep] + ["..."]
        code = "" if got == 0 else "\n[exit %d]" % got
        self.text.append("\n```\n$ %s\n%s%s\n```\n" % (command, "\n".join(lines), code))
        return out

    @staticmethod
    def _lines(seen):
        """As a terminal leaves them: a carriage return writes over the line."""
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen).replace(b"\r\n", b"\n")
        return "\n".join(line.split("\r")[-1].rstrip()
                         for line in text.decode(errors="replace").split("\n")).strip("\n")

    def picture(self, path, name, what):
        """A picture file of the machine's goes beside the page."""
        folder = self.out / "pictures"
        folder.mkdir(exist_ok=True)
        self.root("pngquant 4 --force --nofs -o /root/picture.png " + path)
        shutil.copy(self.stage.root / "root/picture.png", folder / name)
        (folder / name).chmod(0o644)
        self.text.append("\n![%s](pictures/%s)\n" % (what, name))

    def write(self, path):
        pathlib.Path(path).write_text("".join(self.text))


def wait(what, ready, timeout=60):
    end = time.time() + timeout
    while not ready():
        if time.time() > end:
            raise AssertionError("not in time: " + what)
        time.sleep(0.3)
