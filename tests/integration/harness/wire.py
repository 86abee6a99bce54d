"""Raw XMPP peers: a client (STARTTLS, SASL PLAIN) and an XEP-0114 component.

Nothing is done behind the test's back: every stanza is written as text and
read as a namespace-aware Element.  A reader thread fills an inbox.
"""

import base64
import hashlib
import itertools
import select
import socket
import ssl
import struct
import threading
import time
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

DISCOVERY = "urn:xmpp:iot:discovery"
SENSORDATA = "urn:xmpp:iot:sensordata"
CONTROL = "urn:xmpp:iot:control"
CONCENTRATOR = "urn:xmpp:iot:concentrators"
PROVISIONING = "urn:xmpp:iot:provisioning"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"

_ids = itertools.count(1)


class WireError(Exception):
    pass


def local(el):
    """Name without the namespace."""
    return el.tag.rsplit("}", 1)[-1]


def ns(el):
    return el.tag[1:].split("}", 1)[0] if el.tag.startswith("{") else ""


def payload(stanza):
    """First child that is not <error/>, or None."""
    for child in stanza:
        if local(child) != "error":
            return child
    return None


def op(stanza):
    """Name of the payload: "register", "claimed" ..., or ""."""
    p = payload(stanza)
    return local(p) if p is not None else ""


def find(el, name):
    """First descendant of that local name, or None."""
    for e in el.iter():
        if e is not el and local(e) == name:
            return e
    return None


def find_all(el, name):
    return [e for e in el.iter() if e is not el and local(e) == name]


def condition(stanza):
    """Condition of a stanza error: "item-not-found" ..., or ""."""
    for e in stanza:
        if local(e) == "error":
            for c in e:
                if ns(c) == STANZAS and local(c) != "text":
                    return local(c)
    return ""


def node_of(el):
    """(nodeId, sourceId, cacheType) of an element; absent is ""."""
    return tuple(el.get(k, "") for k in ("nodeId", "sourceId", "cacheType"))


def tags_of(el):
    """{NAME: (kind, value)} of the str and num children."""
    return {
        c.get("name"): (local(c), c.get("value"))
        for c in el
        if local(c) in ("str", "num")
    }


def text(el):
    return ET.tostring(el, encoding="unicode")


def attrs(**kw):
    """ a='b' for each that is not None; a trailing _ is dropped."""
    return "".join(
        " %s=%s" % (k.rstrip("_"), quoteattr(str(v)))
        for k, v in kw.items()
        if v is not None
    )


def bare(jid):
    return jid.split("/", 1)[0]


def tags_xml(tags):
    """[(kind, name, value)] or {NAME: (kind, value)} as str and num elements."""
    if isinstance(tags, dict):
        tags = [(k, n, v) for n, (k, v) in tags.items()]
    return "".join("<%s%s/>" % (k, attrs(name=n, value=v)) for k, n, v in tags)


class Stream:
    """What client and component share."""

    jid = ""

    def __init__(self, port, timeout=10):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lock = threading.RLock()
        self.cond = threading.Condition()
        self.inbox = []
        self.pending = {}
        self.handlers = []
        self.history = []  # (seconds, "<" or ">", text or Element)
        self.closed = False
        self.closing = False
        self.error = None
        self.thread = None
        self._reset()

    # parsing

    def _reset(self):
        self.parser = ET.XMLPullParser(events=("start", "end"))
        self.depth = 0
        self.root = None

    def _feed(self, data):
        """Stanzas that data completes; the stream's own start is root."""
        out = []
        self.parser.feed(data)
        for event, el in self.parser.read_events():
            if event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.root = el
                continue
            self.depth -= 1
            if self.depth == 1:
                out.append(el)
                self.root.remove(el)
        return out

    # bytes

    def _recv(self, wait=0.2):
        """Bytes, b"" at the end, None when there are none yet."""
        if not getattr(self.sock, "pending", lambda: 0)():
            if not select.select([self.sock], [], [], wait)[0]:
                return None
        with self.lock:
            try:
                return self.sock.recv(65536)
            except (ssl.SSLWantReadError, BlockingIOError, socket.timeout):
                return None
            except (OSError, ValueError):
                return b""

    def raw(self, data):
        """Sends text or bytes as they are."""
        data = data.encode() if isinstance(data, str) else data
        end = time.monotonic() + 30
        with self.lock:
            while data:
                try:
                    n = self.sock.send(data)
                    data = data[n:]
                except (ssl.SSLWantWriteError, BlockingIOError):
                    if time.monotonic() > end:
                        raise WireError("the server does not read")
                    select.select([], [self.sock], [], 0.2)

    def _next(self, timeout=10):
        """During the negotiation: the next element below the root."""
        end = time.monotonic() + timeout
        while not self._early:
            if time.monotonic() > end:
                raise WireError("no answer from the server in the negotiation")
            data = self._recv()
            if data == b"":
                raise WireError("the server closed the stream")
            if data:
                self._early += self._feed(data)
        return self._early.pop(0)

    def _open(self, header):
        self._reset()
        self._early = []
        self.raw(header)

    def _start(self):
        self.sock.settimeout(0)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while not self.closing:
            try:
                data = self._recv()
            except (OSError, ValueError):
                break
            if data is None:
                continue
            if data == b"":
                break
            try:
                for el in self._feed(data):
                    self._dispatch(el)
            except ET.ParseError as e:
                self.error = "not well-formed: %s" % e
                break
        with self.cond:
            self.closed = True
            self.cond.notify_all()

    def _dispatch(self, el):
        self.history.append((time.monotonic(), "<", el))
        if local(el) == "error" and ns(el).endswith("streams"):
            self.error = text(el)
        if local(el) == "iq" and el.get("type") in ("result", "error"):
            key = (el.get("id"), el.get("from") or "")
            with self.cond:
                for k in (key, (el.get("id"), None)):
                    if k in self.pending and self.pending[k] is None:
                        self.pending[k] = el
                        self.cond.notify_all()
                        return
        for pred, fn in list(self.handlers):
            if pred(el):
                fn(el)
                return
        with self.cond:
            self.inbox.append(el)
            self.cond.notify_all()

    # the API of the tests

    def send(self, xml):
        self.history.append((time.monotonic(), ">", xml))
        self.raw(xml)

    def on(self, match, fn):
        """Calls fn(stanza), on the reader's thread, for each that matches."""
        self.handlers.insert(0, (matcher(match), fn))

    def request(self, type_, to, xml="", id_=None, from_=None):
        """Sends an IQ request; the key for wait_answer()."""
        id_ = id_ or "t%d" % next(_ids)
        key = (id_, to if to is not None else None)
        with self.cond:
            self.pending[key] = None
        self.send(
            "<iq%s>%s</iq>"
            % (attrs(type=type_, id=id_, to=to, from_=from_ or self._from()), xml)
        )
        return key

    def wait_answer(self, key, timeout=10):
        end = time.monotonic() + timeout
        with self.cond:
            while self.pending[key] is None:
                left = end - time.monotonic()
                if left <= 0 or self.closed:
                    self.pending.pop(key)
                    raise AssertionError(
                        "%s: no answer to %s within %g s%s"
                        % (self.jid, key, timeout, self.why())
                    )
                self.cond.wait(left)
            return self.pending.pop(key)

    def iq(self, type_, to, xml="", timeout=10, id_=None, from_=None):
        """Sends an IQ and returns the result or error that answers it."""
        return self.wait_answer(self.request(type_, to, xml, id_, from_), timeout)

    def expect(self, match, timeout=10):
        """Takes the first stanza that matches out of the inbox."""
        pred = matcher(match)
        end = time.monotonic() + timeout
        with self.cond:
            while True:
                for i, el in enumerate(self.inbox):
                    if pred(el):
                        return self.inbox.pop(i)
                left = end - time.monotonic()
                if left <= 0 or self.closed:
                    raise AssertionError(
                        "%s: no %s within %g s%s" % (self.jid, match, timeout, self.why())
                    )
                self.cond.wait(left)

    def expect_nothing(self, seconds=1, match=None):
        """Fails when a stanza (that matches) comes within so many seconds."""
        pred = matcher(match) if match else lambda el: True
        end = time.monotonic() + seconds
        with self.cond:
            while True:
                for el in self.inbox:
                    assert not pred(el), "%s: unexpected %s" % (self.jid, text(el))
                left = end - time.monotonic()
                if left <= 0:
                    return
                self.cond.wait(left)

    def drain(self):
        with self.cond:
            out, self.inbox = self.inbox, []
        return out

    def answer(self, iq, xml=""):
        """An empty result, or one with a payload."""
        self.send(
            "<iq%s>%s</iq>"
            % (
                attrs(type="result", id=iq.get("id"), to=iq.get("from"),
                      from_=self._from(iq)),
                xml,
            )
        )

    def answer_error(self, iq, cond, type_="cancel", xml=""):
        self.send(
            "<iq%s><error type='%s'><%s xmlns='%s'/>%s</error></iq>"
            % (
                attrs(type="error", id=iq.get("id"), to=iq.get("from"),
                      from_=self._from(iq)),
                type_, cond, STANZAS, xml,
            )
        )

    def presence(self, to=None, type_=None, from_=None):
        self.send("<presence%s/>" % attrs(to=to, type=type_, from_=from_ or self._from()))

    def _from(self, stanza=None):
        return None

    def why(self):
        out = ""
        if self.error:
            out += "\nstream error: %s" % self.error
        if self.closed:
            out += "\nthe stream is closed"
        with self.cond:
            for el in self.inbox[-20:]:
                out += "\nin the inbox: %s" % text(el)[:400]
        return out

    def transcript(self, n=60):
        out = []
        for at, way, what in self.history[-n:]:
            line = what if isinstance(what, str) else text(what)
            out.append("%.3f %s %s" % (at, way, line[:600]))
        return "\n".join(out)

    def close(self):
        """Ends the stream in an orderly way."""
        if self.closing:
            return
        try:
            self.raw("</stream:stream>")
            with self.cond:
                self.cond.wait_for(lambda: self.closed, 1)
        except (OSError, WireError):
            pass
        self._shut()

    def abort(self):
        """Ends the connection with a RST."""
        raw = self.sock
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self._shut()

    def _shut(self):
        self.closing = True
        if self.thread and self.thread is not threading.current_thread():
            self.thread.join(2)
        try:
            self.sock.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def matcher(match):
    """A predicate, or the name of a stanza or of a request's payload.

    "iq", "message", "presence" match the stanza; any other name the payload
    of an IQ request or of a message."""
    if callable(match):
        return match
    if match in ("iq", "message", "presence"):
        return lambda el: local(el) == match
    return (
        lambda el: op(el) == match
        and not (local(el) == "iq" and el.get("type") in ("result", "error"))
    )


class Client(Stream):
    """A client; jid is its full JID."""

    def __init__(self, server, user, password, resource="test", presence=True, timeout=10):
        super().__init__(server.c2s_port, timeout)
        self.server = server
        self.user = user
        try:
            self._login(server, user, password, resource)
        except BaseException:
            self.sock.close()
            raise
        self._start()
        if presence:
            self.presence()

    def _header(self, server):
        return (
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='%s'>"
            % server.domain
        )

    def _secure(self, server):
        self._open(self._header(server))
        self._next()
        self.raw("<starttls xmlns='%s'/>" % TLS)
        if local(self._next()) != "proceed":
            raise WireError("STARTTLS refused")
        ctx = ssl.create_default_context(cafile=server.cafile)
        self.sock = ctx.wrap_socket(self.sock, server_hostname=server.domain)
        self._open(self._header(server))
        return self._next()

    def _login(self, server, user, password, resource):
        self._secure(server)
        token = base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
        self.raw("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, token))
        got = self._next()
        if local(got) != "success":
            raise WireError("login of %s refused: %s" % (user, text(got)))
        self._open(self._header(server))
        self._next()
        self.raw(
            "<iq type='set' id='bind'><bind xmlns='%s'><resource>%s</resource></bind></iq>"
            % (BIND, escape(resource))
        )
        got = self._next()
        if got.get("type") != "result":
            raise WireError("bind refused: %s" % text(got))
        self.jid = find(got, "jid").text
        self.raw("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
        self._next()
        self.bare = bare(self.jid)

    def roster(self):
        """{bare JID: subscription}."""
        got = self.iq("get", None, "<query xmlns='jabber:iq:roster'/>")
        return {i.get("jid"): i.get("subscription") for i in find_all(got, "item")}


class _Registration(Client):
    def _login(self, server, user, password, resource):
        self._secure(server)
        self.raw(
            "<iq type='set' id='reg'><query xmlns='jabber:iq:register'>"
            "<username>%s</username><password>%s</password></query></iq>"
            % (escape(user), escape(password))
        )
        got = self._next()
        if got.get("type") != "result":
            raise WireError("account %s refused: %s" % (user, text(got)))


def register(server, user, password):
    """Creates an account in-band."""
    _Registration(server, user, password, presence=False).close()


class Component(Stream):
    """An XEP-0114 component; each stanza names its from, by default jid."""

    def __init__(self, server, domain, secret, timeout=10):
        super().__init__(server.comp_port, timeout)
        self.server = server
        self.jid = domain
        self._open(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
            "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>" % domain
        )
        end = time.monotonic() + timeout
        while self.root is None:
            data = self._recv()
            if data:
                self._early += self._feed(data)
            if data == b"" or time.monotonic() > end:
                raise WireError("no stream from the server for %s" % domain)
        digest = hashlib.sha1((self.root.get("id") + secret).encode()).hexdigest()
        self.raw("<handshake>%s</handshake>" % digest)
        got = self._next()
        if local(got) != "handshake":
            raise WireError("component %s refused: %s" % (domain, text(got)))
        self._start()

    def _from(self, stanza=None):
        if stanza is not None and stanza.get("to"):
            return stanza.get("to")
        return self.jid

    def roster(self):
        raise NotImplementedError("a component has no roster")
