"""A program on a terminal of its own: what it asks is answered."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import time

from .programs import environment, faults


class Terminal:
    def __init__(self, argv, cwd=None, **env):
        self.master, slave = pty.openpty()
        self.p = subprocess.Popen(
            [str(a) for a in argv], stdin=slave, stdout=slave, stderr=slave, cwd=cwd,
            env=environment(**env), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.seen = b""  # all of it
        self.at = 0  # up to where it was expected

    def _read(self, timeout):
        if not select.select([self.master], [], [], timeout)[0]:
            return True
        try:
            got = os.read(self.master, 65536)
        except OSError:
            got = b""
        self.seen += got
        return bool(got)

    def expect(self, text, timeout=30):
        """Waits for text behind what was expected before."""
        end, want = time.monotonic() + timeout, text.encode()
        while want not in self.seen[self.at:]:
            left = end - time.monotonic()
            if left < 0 or not self._read(left):
                assert want in self.seen[self.at:], "%r never came after:\n%s" % (
                    text, self.text()[-3000:])
        self.at = self.seen.index(want, self.at) + len(want)

    def send(self, line):
        os.write(self.master, line.encode() + b"\n")

    def answer(self, question, line, timeout=30):
        self.expect(question, timeout)
        self.send(line)

    def interrupt(self):
        os.write(self.master, b"\x03")

    def text(self):
        return self.seen.decode(errors="replace").replace("\r\n", "\n")

    def end(self, timeout=30):
        """Its exit status, when it has said all."""
        end = time.monotonic() + timeout
        while self._read(max(0, end - time.monotonic())) and time.monotonic() < end:
            pass
        try:
            status = self.p.wait(max(1, end - time.monotonic()))
        finally:
            if self.p.poll() is None:
                self.p.kill()
                self.p.wait()
            os.close(self.master)
        assert not faults(self.text()), self.text()
        return status
