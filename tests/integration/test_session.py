"""The connection itself: xmpp/ alone, through session_probe, against real
servers and against false ones that misbehave on purpose."""

import os
import pathlib
import queue
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from conftest import NAMES, start_server
from harness import programs, wire
from harness.procs import wait_until
from harness.proxy import Proxy

pytestmark = pytest.mark.skipif(
    not programs.have("session_probe"), reason="session_probe is not built")

PROBE_NS = "urn:example:probe"


class Probe:
    """session_probe, its events and a way to drive it."""

    def __init__(self, password, **args):
        self.events = []
        self._new = queue.Queue()
        self.log = []
        self.popen = subprocess.Popen(
            [str(programs.BIN / "session_probe")]
            + ["%s=%s" % kv for kv in args.items()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env=programs.environment(PROBE_PASSWORD=password))
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_log, daemon=True)]
        for t in self._threads:
            t.start()

    def _read(self):
        for line in self.popen.stdout:
            self.events.append(line.rstrip("\n"))
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def _read_log(self):
        self.log.extend(self.popen.stderr)

    def say(self, *words):
        self.popen.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.popen.stdin.flush()

    def wait(self, pattern, timeout=10):
        """The next event that matches; those before it are dropped."""
        until = time.monotonic() + timeout
        while True:
            try:
                line = self._new.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                pytest.fail("no %r within %s s: %s" % (
                    pattern, timeout, self.events[-20:]))
            assert line is not None, "ended: %s %s" % (
                self.events[-20:], "".join(self.log)[-4000:])
            if re.match(pattern, line):
                return line

    def quiet(self, pattern, seconds):
        time.sleep(seconds)
        found = [e for e in self._drain() if re.match(pattern, e)]
        assert not found, found

    def _drain(self):
        out = []
        while True:
            try:
                out.append(self._new.get_nowait())
            except queue.Empty:
                return [e for e in out if e]

    def iq(self, type_, to, ns, name, ms=5000):
        self.say("iq", type_, to or "-", ns, name, ms)
        return self.wait("iq ", ms / 1000 + 5)

    def end(self):
        if self.popen.poll() is None:
            try:
                self.say("stop")
                self.popen.wait(15)
            except (OSError, subprocess.TimeoutExpired):
                self.popen.kill()
        self.popen.wait(5)
        for t in self._threads:
            t.join(5)
        log = "".join(self.log)
        assert self.popen.returncode == 0, log[-8000:]
        assert not programs.faults(log), log[-8000:]


@pytest.fixture
def probe():
    made = []

    def make(password="x", **args):
        made.append(Probe(password, **args))
        return made[-1]

    yield make
    for p in made:
        p.end()


@pytest.fixture(params=NAMES)
def own_server(request, tmp):
    """A server of this test alone, to be killed and stopped."""
    s = start_server(request.param, tmp / "server")
    yield s
    s.stop()


def as_client(server, user="gw1", **more):
    server.add_account(user, "pw-" + user)
    return dict(dict(
        password="pw-" + user, jid="%s@localhost/tb" % user, host="127.0.0.1",
        port=server.c2s_port, ca=server.cafile), **more)


def as_component(server, domain="registry.localhost", **more):
    return dict(dict(
        password=server.secret(domain), kind="component", jid=domain,
        host="127.0.0.1", port=server.comp_port), **more)


KINDS = pytest.mark.parametrize("kind", [as_client, as_component])

# ------------------------------------------------------------- real servers


def fresh(server):
    return server.new_account("gw")


def test_client_logs_in(server, probe):
    user, password = fresh(server)
    p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
              port=server.c2s_port, ca=server.cafile)
    assert p.wait("online") == "online %s@localhost/tb secured=1" % user
    assert p.iq("get", "localhost", "urn:xmpp:ping", "ping") == "iq result -"
    assert p.iq("get", "", "jabber:iq:roster", "query") == "iq result -"
    p.say("roster")
    assert p.wait("roster") == "roster ok"


def test_component_logs_in(server, probe):
    p = probe(**as_component(server))
    assert p.wait("online") == "online registry.localhost secured=0"
    # Its own domain: to the server and back.
    me = "registry.localhost"
    assert p.iq("get", me, PROBE_NS, "now") == "iq result -"
    assert p.iq("get", me, PROBE_NS, "nothing") == (
        "iq error feature-not-implemented")
    assert p.iq("get", me, "urn:x", "nothing") == "iq error service-unavailable"
    # A stanza to nobody would end the stream on some servers.
    assert p.iq("get", "", PROBE_NS, "now") == "iq not-sent not supported"


def test_the_name_localhost_has_several_addresses(server, probe):
    """::1 is refused, 127.0.0.1 follows in the same attempt."""
    user, password = fresh(server)
    p = probe(password, jid=user + "@localhost/tb", host="localhost",
              port=server.c2s_port, ca=server.cafile)
    assert p.wait("(on|off)line").startswith("online")


def test_wrong_password(server, probe):
    user, _ = fresh(server)
    p = probe("wrong", jid=user + "@localhost/tb", host="127.0.0.1",
              port=server.c2s_port, ca=server.cafile, once=1)
    line = p.wait("offline")
    assert line.startswith("offline no-auth")
    assert "refused the password of %s@localhost" % user in line
    assert "wrong" not in line
    p.quiet("o", 2)  # once


def test_wrong_secret(server, probe):
    p = probe(**dict(as_component(server), password="wrong"))
    line = p.wait("offline")
    assert line.startswith("offline no-auth") and "secret was refused" in line


def test_unknown_component_domain(prosody, probe):
    p = probe("x", kind="component", jid="nobody.localhost", host="127.0.0.1",
              port=prosody.comp_port)
    assert p.wait("offline").startswith("offline no-auth")


def test_account_is_created_when_asked(server, probe):
    args = dict(jid="made-%s@localhost/tb" % time.monotonic_ns(), create=1,
                host="127.0.0.1", port=server.c2s_port, ca=server.cafile)
    p = probe("pw &<'", **args)
    assert p.wait("(on|off)line").startswith("online")
    p = probe("another", **args)
    line = p.wait("(on|off)line")
    assert line.startswith("offline no-auth") and "exists already" in line


def test_no_account_is_created_unasked(server, probe):
    p = probe("x", jid="unmade@localhost/tb", host="127.0.0.1",
              port=server.c2s_port, ca=server.cafile)
    p.wait("offline no-auth")
    p.quiet("online", 2)


def test_stopped_anywhere_in_a_login(server, probe):
    user, password = fresh(server)
    for ms in range(20, 320, 25):
        p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
                  port=server.c2s_port, ca=server.cafile)
        time.sleep(ms / 1000)
        p.end()


def test_untrusted_certificate(server, probe):
    user, password = fresh(server)
    p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
              port=server.c2s_port)
    line = p.wait("offline", 3)
    assert line.startswith("offline no-tls") and "self-signed" in line
    assert "ca_file" in line


def test_optional_tls_trusts_this_machine(prosody, probe):
    user, password = fresh(prosody)
    p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
              port=prosody.c2s_port, tls="optional")
    assert p.wait("online").endswith("secured=1")


def test_account_replaced_by_another_login(server, probe):
    user, password = fresh(server)
    args = dict(jid=user + "@localhost/tb", host="127.0.0.1",
                port=server.c2s_port, ca=server.cafile)
    first = probe(password, **args)
    first.wait("online")
    second = probe(password, **args)
    second.wait("online")
    assert first.wait("offline").startswith("offline replaced")
    first.quiet("online", 4)  # or the two would fight for ever
    second.quiet("offline", 0)


def test_component_replaced(prosody, probe):
    first = probe(**as_component(prosody))
    first.wait("online")
    second = probe(**as_component(prosody))
    second.wait("online")
    assert first.wait("offline").startswith("offline replaced")


def test_an_answer_of_another_sender_does_not_count(prosody, probe, tmp):
    user, password = fresh(prosody)
    evil = prosody.component("evil.localhost")
    p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
              port=prosody.c2s_port, ca=prosody.cafile)
    p.wait("online")
    p.say("iq get evil.localhost urn:x ask 2000")
    rq = evil.expect(lambda e: e.get("type") == "get")
    evil.send("<iq type='result' from='other@evil.localhost' to='%s' id='%s'/>"
              % (rq.get("from"), rq.get("id")))
    assert p.wait("iq ") == "iq timeout -"
    evil.close()


def test_a_late_answer_is_sent_once(prosody, probe):
    """Both ways: asked by the one, kept and answered by the other."""
    a, b = (fresh(prosody) for _ in range(2))
    args = dict(host="127.0.0.1", port=prosody.c2s_port, ca=prosody.cafile)
    one = probe(a[1], jid=a[0] + "@localhost/tb", **args)
    two = probe(b[1], jid=b[0] + "@localhost/tb", **args)
    one.wait("online")
    two.wait("online")
    one.say("iq", "get", b[0] + "@localhost/tb", PROBE_NS, "later", 8000)
    two.wait("kept")
    one.quiet("iq", 1)
    two.say("answer")
    assert one.wait("iq ") == "iq result -"


def test_large_tls_records_are_read_at_once(prosody, probe):
    """Decrypted data that the socket no longer shows must not wait."""
    user, password = fresh(prosody)
    p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
              port=prosody.c2s_port, ca=prosody.cafile)
    p.wait("online")
    comp = prosody.component("evil.localhost")
    for size in (4000, 4200, 8100, 8300, 12400, 16300, 60000):
        start = time.monotonic()
        comp.send("<message to='%s@localhost/tb' from='evil.localhost'>"
                  "<body>%s</body></message>" % (user, "x" * size))
        p.wait("message", 5)
        assert time.monotonic() - start < 0.5, size
    comp.close()


@KINDS
def test_many_requests_at_once(prosody, probe, kind):
    p = probe(**kind(prosody))
    p.wait("online")
    p.say("flood", "registry.localhost" if kind is as_component
          else "gw1@localhost/tb", 4000)
    assert p.wait("flood", 30) == "flood 4000"


def test_roster_and_presence(prosody, probe):
    a, b = (fresh(prosody) for _ in range(2))
    args = dict(host="127.0.0.1", port=prosody.c2s_port, ca=prosody.cafile)
    one = probe(a[1], jid=a[0] + "@localhost/tb", **args)
    two = probe(b[1], jid=b[0] + "@localhost/tb", **args)
    for p in (one, two):
        p.wait("online")
        p.say("roster")  # a client that asked for it is told of changes
        p.wait("roster ok")
        p.say("presence 0 -")
    one.say("presence", 2, b[0] + "@localhost")
    assert two.wait("presence 2").endswith(a[0] + "@localhost")
    two.say("presence", 3, a[0] + "@localhost")
    one.wait("presence 3")
    one.say("roster")
    assert one.wait("item") == "item %s@localhost to" % b[0]
    one.say("remove", b[0] + "@localhost")
    time.sleep(0.5)
    one._drain()
    one.say("roster")
    assert one.wait("(item|roster)") == "roster ok"


def test_more_than_1024_descriptors(server, probe):
    user, password = fresh(server)
    p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
              port=server.c2s_port, ca=server.cafile, open_files=1200)
    p.wait("online")
    assert p.iq("get", "localhost", "urn:xmpp:ping", "ping") == "iq result -"


def wakeups(pid):
    """How often its threads slept and woke."""
    total = 0
    for status in pathlib.Path("/proc/%d/task" % pid).glob("*/status"):
        text = status.read_text()
        total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text,
                               re.M).group(1))
    return total


@pytest.mark.slow
@KINDS
def test_idle_costs_at_most_two_wakeups_a_second(prosody, probe, kind):
    p = probe(**kind(prosody))
    p.wait("online")
    time.sleep(3)
    before = wakeups(p.popen.pid)
    time.sleep(10)
    assert wakeups(p.popen.pid) - before <= 20


# --------------------------------------------------- servers that go and come


def come_back(server, user="gw1"):
    """ejabberd forgets an account that it had no time to write."""
    server.start()
    try:
        server.add_account(user, "pw-" + user)
    except wire.WireError as e:
        assert "conflict" in str(e)


@KINDS
def test_server_killed_and_back(own_server, probe, kind):
    p = probe(**kind(own_server))
    p.wait("online")
    own_server.kill()
    assert re.match("offline (lost|no-connect)", p.wait("offline", 3))
    p.wait("offline no-connect.*refused", 5)
    come_back(own_server)
    p.wait("online", 30)
    p.say("message", "localhost")
    p.quiet("offline", 1)


@KINDS
def test_hung_server_is_noticed(own_server, probe, kind):
    p = probe(**kind(own_server, ping_ms=1000))
    p.wait("online")
    p.quiet("offline", 3)  # pings are answered
    own_server.pause()
    try:
        assert p.wait("offline", 6).startswith("offline silent")
        # A new connection to it is taken by the kernel, and silent too.
        assert p.wait("offline", 20).startswith("offline silent")
    finally:
        own_server.resume()
    p.wait("online", 30)


@pytest.mark.slow
def test_hung_server_is_noticed_within_a_minute(tmp, probe):
    server = start_server("prosody", tmp / "server")
    p = probe(**as_client(server))
    p.wait("online")
    server.pause()
    try:
        assert p.wait("offline", 60).startswith("offline silent")
    finally:
        server.stop()


def test_dead_link_is_noticed(prosody, probe):
    """Nothing arrives in either direction, but the socket stays open."""
    user, password = fresh(prosody)
    proxy = Proxy(prosody.c2s_port)
    p = probe(password, jid=user + "@localhost/tb", host="127.0.0.1",
              port=proxy.port, ca=prosody.cafile, ping_ms=1000)
    p.wait("online")
    proxy.deaf = True
    assert p.wait("offline", 6).startswith("offline silent")
    proxy.deaf = False
    p.wait("online", 20)
    proxy.cut()
    assert p.wait("offline", 3).startswith("offline lost")
    p.wait("online", 20)
    proxy.close()


def test_pending_requests_end_with_the_session(own_server, probe):
    p = probe(**as_client(own_server))
    p.wait("online")
    p.say("iq", "get", "gw1@localhost/tb", PROBE_NS, "later", 60000)
    p.wait("kept")
    own_server.kill()
    p.wait("iq lost", 5)
    come_back(own_server)
    p.wait("online", 30)
    p.say("answer")  # of the past connection: not sent
    p.quiet("offline", 1)


# ------------------------------------------------------------- false servers

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' id='i' "
          "from='localhost' version='1.0'>")
STARTTLS = ("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
            "<required/></starttls></stream:features>")
PLAIN = ("<stream:features><mechanisms "
         "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
         "</mechanisms></stream:features>")
PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


class FalseServer:
    """Answers each client element of a script with its text, then is silent."""

    def __init__(self, script, cert=None):
        self.script = script
        self.cert = cert
        self.seen = b""
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(s)
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _serve(self, s):
        try:
            for wanted, answer in self.script:
                got = b""
                while wanted not in got:
                    data = s.recv(4096)
                    if not data:
                        return
                    got += data
                    self.seen += data
                s.sendall(answer.encode())
                if answer == PROCEED and self.cert:
                    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    ctx.load_cert_chain(*self.cert)
                    s = ctx.wrap_socket(s, server_side=True)
            while True:
                data = s.recv(4096)
                if not data:
                    return
                self.seen += data
        except OSError:
            pass

    def close(self):
        self.listener.close()
        for s in self.open:
            s.close()


@pytest.fixture
def false_server():
    made = []

    def make(script, **kw):
        made.append(FalseServer(script, **kw))
        return made[-1]

    yield make
    for f in made:
        f.close()


SILENCES = {
    "after accept": [],
    "after the stream header": [(b"<stream:stream", HEADER)],
    "after the features": [(b"<stream:stream", HEADER + STARTTLS)],
    "after proceed": [(b"<stream:stream", HEADER + STARTTLS),
                      (b"<starttls", PROCEED)],
}


@pytest.mark.slow
def test_silence_in_the_handshake_is_ended(false_server, probe):
    """All at once, since each takes ten seconds."""
    args = dict(jid="a@localhost/b", host="127.0.0.1")
    cases = []
    for when, script in SILENCES.items():
        f = false_server(script)
        cases.append((when, f, probe("secret-word", port=f.port, **args)))
    f = false_server([(b"<stream:stream", HEADER)])
    args.update(kind="component", jid="c.localhost")
    cases.append(("component", f, probe("secret-word", port=f.port, **args)))
    time.sleep(1)
    start = time.monotonic()
    for _, _, p in cases:
        p.say("message x@localhost")
    for when, f, p in cases:
        line = p.wait("offline", 14)
        assert line.startswith("offline silent"), when
        assert "fell silent" in line
        assert time.monotonic() - start > 7
        # Nothing of ours, and no password, before the session is online.
        assert b"<message" not in f.seen and b"secret-word" not in f.seen
        wait_until("the refusal",
                   lambda: "message not-sent offline" in p.events, 5)
        assert not [e for e in p.events if e.startswith("online")]


def test_stop_does_not_wait_for_a_silent_server(false_server, probe):
    f = false_server([(b"<stream:stream", HEADER)])
    p = probe("x", jid="a@localhost/b", host="127.0.0.1", port=f.port)
    time.sleep(0.5)
    p.say("stop")
    p.wait("stopped", 2)


def test_server_without_encryption(false_server, probe):
    f = false_server([(b"<stream:stream", HEADER + PLAIN)])
    p = probe("secret-word", jid="a@localhost/b", host="127.0.0.1", port=f.port)
    line = p.wait("offline", 5)
    assert line.startswith("offline no-tls") and "STARTTLS" in line
    assert b"<auth" not in f.seen


def test_certificate_of_another_host(false_server, probe, tmp):
    key, crt = tmp / "k.pem", tmp / "c.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=other.example", "-addext", "subjectAltName=DNS:other.example",
         "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True)
    f = false_server([(b"<stream:stream", HEADER + STARTTLS),
                      (b"<starttls", PROCEED)], cert=(crt, key))
    p = probe("x", jid="a@localhost/b", host="127.0.0.1", port=f.port, ca=crt)
    line = p.wait("offline", 5)
    assert line.startswith("offline no-tls")
    assert "not accepted for localhost" in line and "mismatch" in line


def test_not_an_xmpp_server(false_server, probe):
    f = false_server([(b"<stream:stream", "HTTP/1.1 400 Bad Request\r\n\r\n")])
    p = probe("x", jid="a@localhost/b", host="127.0.0.1", port=f.port)
    line = p.wait("offline", 5)
    assert "is not XMPP" in line


def test_refused_attempts_slow_down(probe):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    p = probe("x", jid="a@localhost/b", host="127.0.0.1", port=port)
    line = p.wait("offline", 3)
    assert line.startswith("offline no-connect") and "Connection refused" in line
    time.sleep(6)
    tries = len([e for e in p.events if e.startswith("offline")])
    assert 3 <= tries <= 7


def test_unknown_host(probe):
    p = probe("x", jid="a@localhost/b", host="nowhere.invalid", once=1)
    line = p.wait("offline", 20)
    assert line.startswith("offline no-address") and "nowhere.invalid" in line


def test_optional_tls_is_for_this_machine_only():
    p = subprocess.run(
        [str(programs.BIN / "session_probe"), "jid=a@b.example/c",
         "host=192.0.2.1", "tls=optional"],
        env=programs.environment(PROBE_PASSWORD="x"), capture_output=True,
        text=True, timeout=10)
    assert "this machine only" in p.stdout and p.returncode == 78
