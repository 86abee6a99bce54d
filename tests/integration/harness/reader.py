"""Reads sensor data (XEP-0323) as a client would, and looks at every message."""

import collections
import itertools

from .wire import attrs, find_all, local, ns, payload, text

SENSOR = "urn:xmpp:iot:sensordata"
TYPES = ("momentary", "peak", "status", "computed", "identity", "historicalSecond",
         "historicalMinute", "historicalHour", "historicalDay", "historicalWeek",
         "historicalMonth", "historicalQuarter", "historicalYear", "historicalOther")
Value = collections.namedtuple("Value", "node name kind value at types attrs")
_seqnrs = itertools.count(1)


def request(seqnr, *types, nodes=(), fields=(), **more):
    """<req/>: nodes are ids or (nodeId, sourceId)."""
    inner = "".join(
        "<node%s/>" % (attrs(nodeId=n) if isinstance(n, str)
                       else attrs(nodeId=n[0], sourceId=n[1])) for n in nodes)
    inner += "".join("<field%s/>" % attrs(name=f) for f in fields)
    flags = "".join(" %s='true'" % t for t in types)
    return "<req xmlns='%s' seqnr='%d'%s%s>%s</req>" % (
        SENSOR, seqnr, flags, attrs(**more), inner)


class Readout:
    """One request: read() waits for its end."""

    def __init__(self, client, jid, *types, seqnr=None, **more):
        self.client, self.jid, self.types = client, jid, types
        self.seqnr = next(_seqnrs) if seqnr is None else seqnr
        self.values, self.failures, self.messages = [], {}, []
        self.done = self.started = False
        self.key = client.request("get", jid, request(self.seqnr, *types, **more))

    def answer(self, timeout=15):
        self.iq = self.client.wait_answer(self.key, timeout)
        return self.iq

    def accepted(self, queued=None):
        iq = self.answer()
        assert iq.get("type") == "result", text(iq)
        el = payload(iq)
        assert local(el) == "accepted" and el.get("seqnr") == str(self.seqnr)
        assert el.get("queued") == queued
        return self

    def mine(self, stanza):
        el = payload(stanza) if local(stanza) == "message" else None
        return (el is not None and ns(el) == SENSOR and stanza.get("from") == self.jid
                and el.get("seqnr") == str(self.seqnr))

    def next(self, timeout=20):
        """Takes the next message in."""
        m = self.client.expect(self.mine, timeout)
        el = payload(m)
        assert not self.done, "after done: " + text(m)
        assert m.get("type") in (None, "normal") and find_all(m, "no-store")
        assert len(text(m)) < 16384
        self.messages.append(el)
        self.done = el.get("done") == "true"
        if local(el) == "started":
            self.started = True
        elif local(el) == "failure":
            self._failure(el)
        else:
            assert local(el) == "fields"
            assert not self.failures, "fields after a failure"
            self._fields(el)
        return el

    def _failure(self, el):
        errors = find_all(el, "error")
        assert len(errors) == 1 and errors[0].get("timestamp")
        assert errors[0].get("nodeId") not in self.failures
        self.failures[errors[0].get("nodeId")] = errors[0].text

    def _fields(self, el):
        for n in find_all(el, "node"):
            for t in find_all(n, "timestamp"):
                for v in t:
                    types = tuple(k for k in TYPES if v.get(k) == "true")
                    assert types, text(v)
                    self.values.append(Value(n.get("nodeId"), v.get("name"), local(v),
                                             v.get("value"), t.get("value"), types, v.attrib))

    def read(self, timeout=20):
        while not self.done:
            self.next(timeout)
        return self

    def cancel(self):
        return self.client.iq(
            "get", self.jid, "<cancel xmlns='%s' seqnr='%d'/>" % (SENSOR, self.seqnr))

    def by_name(self, node=None):
        """{name: value} of a readout of current values."""
        return {v.name: v.value for v in self.values if node in (None, v.node)}


def read(client, jid, *types, **more):
    return Readout(client, jid, *types, **more).accepted().read()


def refused(client, jid, *types, **more):
    """The error of a request that is not accepted."""
    iq = Readout(client, jid, *types, **more).answer()
    assert iq.get("type") == "error", text(iq)
    return iq
