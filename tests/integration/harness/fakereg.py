"""A registry whose every answer is the test's: a component that records."""

import threading
import time

from . import wire
from .wire import DISCO_INFO, DISCOVERY, attrs, local, op, payload

OPS = ("register", "update", "unregister", "mine", "remove", "disown", "search")


class FakeRegistry(wire.Component):
    """answers[op] says what to answer: XML of a result's payload, ("error",
    condition) or ("error", condition, type), None for no answer, or a function
    of the IQ that returns one of these.  Without an entry: an empty result."""

    def __init__(self, server, domain="fakereg.localhost"):
        self.requests = []
        self.presences = []
        self.answers = {}
        self.seen = threading.Condition()
        super().__init__(server, domain, server.secret(domain))
        self.on(lambda el: local(el) == "iq" and el.get("type") in ("get", "set"), self._iq)
        self.on("presence", self._presence)

    def _presence(self, el):
        with self.seen:
            self.presences.append(el)
            self.seen.notify_all()

    def _iq(self, el):
        name = op(el)
        with self.seen:
            el.set("at", str(time.monotonic()))
            self.requests.append(el)
            self.seen.notify_all()
        answer = self.answers.get(name, "")
        if name == "query" and name not in self.answers:
            answer = self._disco(el)
        if callable(answer):
            answer = answer(el)
        self.give(el, answer)

    def give(self, el, answer):
        if answer is None:
            return
        if isinstance(answer, tuple):
            self.answer_error(el, *answer[1:])
        else:
            self.answer(el, answer)

    @staticmethod
    def _disco(el):
        if payload(el).tag.startswith("{%s}" % DISCO_INFO):
            return (
                "<query xmlns='%s'><identity category='component' type='generic'/>"
                "<feature var='%s'/><feature var='%s'/></query>"
                % (DISCO_INFO, DISCO_INFO, DISCOVERY)
            )
        return "<query xmlns='%s'/>" % wire.DISCO_ITEMS

    def got(self, name, node=None):
        """The requests so far of that kind (and for that node)."""
        with self.seen:
            return [
                r for r in self.requests
                if op(r) == name and (node is None or payload(r).get("nodeId") == node)
            ]

    def wait(self, name, node=None, count=1, timeout=15):
        """The count'th such request, once it is there."""
        end = time.monotonic() + timeout
        with self.seen:
            while True:
                got = self.got(name, node)
                if len(got) >= count:
                    return got[count - 1]
                left = end - time.monotonic()
                assert left > 0, "not within %g s: %d x %s of %s; seen: %s" % (
                    timeout, count, name, node, [op(r) for r in self.requests][-20:]
                )
                self.seen.wait(left)

    def wait_presence(self, from_, type_=None, timeout=10):
        end = time.monotonic() + timeout
        with self.seen:
            while True:
                for p in self.presences:
                    if p.get("from") == from_ and p.get("type") == type_:
                        return p
                left = end - time.monotonic()
                assert left > 0, "no presence %s from %s" % (type_, from_)
                self.seen.wait(left)

    def quiet(self, name, seconds=1, node=None):
        """Fails when such a request comes within so many seconds."""
        before = len(self.got(name, node))
        time.sleep(seconds)
        got = self.got(name, node)[before:]
        assert not got, "unexpected " + wire.text(got[0])

    def forget(self):
        with self.seen:
            self.requests.clear()
            self.presences.clear()

    # what a registry tells a thing

    def tell(self, to, name, node=None, source=None, cache=None, timeout=10, **more):
        """claimed, removed or disowned; the thing's answer."""
        return self.iq("set", to, notice(name, node, source, cache, **more), timeout)

    def claimed(self, to, owner, node=None, source=None, public="true", **more):
        return self.tell(to, "claimed", node, source, jid=owner, public=public, **more)


def notice(name, node=None, source=None, cache=None, **more):
    return "<%s xmlns='%s'%s/>" % (
        name, DISCOVERY, attrs(nodeId=node, sourceId=source, cacheType=cache, **more)
    )
