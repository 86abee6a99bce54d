"""A server that is none: it lets one gateway log in over TLS, is its registry
and its owner, and passes nothing on, so that what is measured is the gateway."""

import re
import socket
import ssl
import xml.etree.ElementTree as ET

from harness.servers import Server
from harness.wire import DISCO_INFO, DISCOVERY, local, payload

HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='1' version='1.0' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='localhost'>"
        "<stream:features>%s</stream:features>")
TLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
SASL = ("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
        "</mechanisms>")
BIND = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
REGISTRY = "fakereg.localhost"
OWNER = "owner@localhost/bench"


class Direct(Server):
    name = "direct"
    sock = None

    def _configure(self):
        pass

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.c2s_port))
        self.listener.settimeout(20)

    def add_account(self, user, password):
        pass

    def _until(self, mark):
        while mark not in self.data:
            self._more()
        self.data = b""

    def _more(self):
        data = self.sock.recv(1 << 16)
        assert data, "the gateway has left"
        self.data += data

    def send(self, text):
        self.sock.sendall(text.encode())

    def login(self, jid):
        """Lets the gateway in as jid."""
        self.data, self.jid = b"", jid
        self.sock = self.listener.accept()[0]
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._until(b"version=")
        self.send(HEAD % TLS)
        self._until(b"<starttls")
        self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.dir / "server.pem")
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self._until(b"version=")
        self.send(HEAD % SASL)
        self._until(b"</auth>")
        self.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        self._until(b"version=")
        self.send(HEAD % BIND)
        self.stanzas = ET.XMLPullParser(("end",))
        self.stanzas.feed("<stream xmlns='jabber:client'>")

    def _answer(self, el):
        """Requests of the gateway; the element of the answer to ours."""
        name = local(payload(el)) if payload(el) is not None else ""
        inner = ""
        if el.get("type") not in ("get", "set"):
            return el
        if name == "bind":
            inner = "%s<jid>%s</jid></bind>" % (BIND.replace("/>", ">"), self.jid)
        elif payload(el).tag.startswith("{%s}" % DISCO_INFO):
            inner = ("<query xmlns='%s'><identity category='component' type='x'/><feature "
                     "var='%s'/></query>" % (DISCO_INFO, DISCOVERY))
        elif name == "query":
            inner = "<query xmlns='%s'/>" % payload(el).tag[1:].split("}")[0]
        self.send("<iq type='result' id='%s' from='%s'>%s</iq>" % (
            el.get("id"), el.get("to") or self.jid.split("/")[0], inner))
        return el

    def serve(self, wanted):
        """Answers until a stanza comes that wanted is true of."""
        while True:
            self._more()
            self.stanzas.feed(re.sub(rb"<\?xml[^>]*>", b"", self.data))
            self.data = b""
            for _, el in self.stanzas.read_events():
                if local(el) not in ("iq", "message", "presence"):
                    continue
                self._answer(el) if local(el) == "iq" else None
                if wanted(el):
                    return el

    def claim(self, node):
        """The owner claims it, as soon as it is registered."""
        el = self.serve(lambda el: payload(el) is not None and local(payload(el)) == "register")
        self.send("<iq type='set' id='claim' from='%s' to='%s'><claimed xmlns='%s' nodeId='%s' "
                  "sourceId='%s' jid='%s' public='false'/></iq>" % (
                      REGISTRY, self.jid, DISCOVERY, node, payload(el).get("sourceId"),
                      OWNER.split("/", 1)[0]))
        self.serve(lambda el: el.get("id") == "claim")

    def stop(self):
        for s in (self.sock, self.listener):
            if s:
                s.close()
