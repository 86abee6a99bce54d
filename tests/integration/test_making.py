"""Creating the account (XEP-0077), stopped at each of its steps: the server
dies, falls silent or says no; and one in between that wants the password."""

import ssl
import subprocess
import time

import pytest

from harness import programs
from test_session import HEADER, PLAIN, PROCEED, STARTTLS, FalseServer, probe  # noqa: F401

pytestmark = pytest.mark.skipif(
    not programs.have("session_probe"), reason="session_probe is not built")

PASSWORD = "secret-word"
DIES = None
REFUSED = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure></stream:stream>"
OPEN = (b"<stream:stream", HEADER + PLAIN)
LOGIN = [OPEN, (b"<auth", REFUSED)]
QUERY = ("<iq type='result' id='%s'><query xmlns='jabber:iq:register'>"
         "<username/><password/></query></iq>")
NO = ("<iq type='error' id='%s'><error type='cancel'>"
      "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
DONE = "<iq type='result' id='account'/>"
ASKED = (b"id=\"form\"", QUERY % "form")
WELCOME = [OPEN, (b"<auth", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
           (b"<stream:stream", HEADER + "<stream:features><bind xmlns="
            "'urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"),
           (b"<bind", "<iq type='result' id='_xmpp_bind1'><bind xmlns="
            "'urn:ietf:params:xml:ns:xmpp-bind'><jid>a@localhost/b</jid></bind></iq>")]


class Scripted(FalseServer):
    """A script for each connection, the last one for all that follow."""

    def __init__(self, *scripts, cert=None):
        self.clear = b""  # what came unencrypted
        super().__init__(list(scripts), cert)

    def _serve(self, s):
        script = self.script[min(self.connections, len(self.script)) - 1]
        try:
            for wanted, answer in script:
                got = b""
                while wanted not in got:
                    data = s.recv(4096)
                    if not data:
                        return
                    got += data
                    if not isinstance(s, ssl.SSLSocket):
                        self.clear += data
                if answer is DIES:
                    s.close()
                    return
                s.sendall(answer.encode())
                if answer == PROCEED:
                    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    ctx.load_cert_chain(*self.cert)
                    s = ctx.wrap_socket(s, server_side=True)
            while b"</stream:stream>" not in (data := s.recv(4096)) and data:
                self.clear += data if not isinstance(s, ssl.SSLSocket) else b""
            s.close()
        except OSError:
            pass


@pytest.fixture
def scripted():
    made = []

    def make(*scripts, **kw):
        made.append(Scripted(*scripts, **kw))
        return made[-1]

    yield make
    for f in made:
        f.close()


def maker(probe, f, **more):
    args = dict(jid="a@localhost/b", host="127.0.0.1", port=f.port, create=1,
                tls="optional")
    if "ca" in more:
        del args["tls"]
    return probe(PASSWORD, **args, **more)


STEPS = {
    "dies at once": ([(b"<stream:stream", DIES)], "lost .*closed the connection"),
    "dies before the form": ([OPEN, (b"id=\"form\"", DIES)], "lost .*closed the connection"),
    "dies before the account": ([OPEN, ASKED, (b"id=\"account\"", DIES)],
                                "lost .*closed the connection"),
    "has no form": ([OPEN, (b"id=\"form\"", NO % ("form", "service-unavailable"))],
                    "no-auth .*creates no account a@localhost .service-unavailable.*create it"),
    "wants more": ([OPEN, (b"id=\"form\"", (QUERY % "form").replace("<username/>", "<email/>"))],
                   "no-auth .*asks for email"),
    "knows the name": ([OPEN, ASKED, (b"id=\"account\"", NO % ("account", "conflict"))],
                       "no-auth .*the account exists"),
    "says no": ([OPEN, ASKED, (b"id=\"account\"", NO % ("account", "not-acceptable"))],
                "no-auth .*not-acceptable"),
}


@pytest.mark.parametrize("step", STEPS)
def test_stopped(probe, scripted, step):
    script, want = STEPS[step]
    p = maker(probe, scripted(LOGIN, script), once=1)
    assert PASSWORD not in p.wait("offline " + want, 8)


def test_asked_again_when_it_did_not_answer(probe, scripted):
    """A server that went down in between knows nothing of it afterwards."""
    f = scripted(LOGIN, [OPEN, (b"id=\"form\"", DIES)], LOGIN,
                 [OPEN, ASKED, (b"id=\"account\"", DONE)], WELCOME)
    p = maker(probe, f)
    p.wait("offline lost", 8)
    p.wait("online", 12)


def test_not_asked_again_when_it_refused(probe, scripted):
    f = scripted(LOGIN, STEPS["says no"][0], LOGIN)
    p = maker(probe, f)
    p.wait("offline no-auth .*not-acceptable", 8)
    p.wait("offline no-auth .*refused the password", 12)
    assert f.connections == 3


@pytest.fixture(scope="module")
def cert(tmp_path_factory):
    at = tmp_path_factory.mktemp("cert")
    key, crt = at / "k.pem", at / "c.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True)
    return crt, key


SECURE = [(b"<stream:stream", HEADER + STARTTLS), (b"<starttls", PROCEED)]


def test_no_password_before_encryption(probe, scripted, cert):
    """Whoever stands between may answer what was not asked."""
    early = (HEADER + STARTTLS, QUERY % "form")
    for script in ([(b"<stream:stream", "".join(early))],
                   [(b"<stream:stream", early[0]), (b"<starttls", early[1])],
                   [(b"<stream:stream", HEADER + QUERY % "form" + STARTTLS)]):
        f = scripted(SECURE + LOGIN, script, cert=cert)
        p = maker(probe, f, ca=cert[0])
        until = time.monotonic() + 8
        while f.connections < 2 and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        assert f.connections >= 2 and b"<starttls" in f.clear
        assert b"jabber:iq:register" not in f.clear and PASSWORD.encode() not in f.clear
        p.popen.kill()
        p.popen.wait(5)
        p.popen.returncode = 0  # libstrophe leaks when a login under way is ended


def test_made_when_encrypted(probe, scripted, cert):
    made = SECURE + [OPEN, ASKED, (b"id=\"account\"", DONE)]
    f = scripted(SECURE + LOGIN, made, SECURE + WELCOME, cert=cert)
    maker(probe, f, ca=cert[0]).wait("online", 8)
    assert b"jabber:iq:register" not in f.clear


def test_encryption_refused(probe, scripted, cert):
    no = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    f = scripted(SECURE + LOGIN, [SECURE[0], (b"<starttls", no)], cert=cert)
    p = maker(probe, f, ca=cert[0], once=1)
    p.wait("offline no-tls", 8)
