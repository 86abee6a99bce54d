"""SIGKILL at random moments: no claim that was acknowledged is ever lost.

An owner claims, disowns and updates without pause while thingbridged or
thingregistryd is killed again and again.  TB_CRASH says how often (200;
10 with --quick), TB_SEED repeats a run."""

import collections
import os
import random
import threading
import time

import pytest

from harness.procs import wait_until
from harness.programs import Gateway, Registry, node
from harness.wire import DISCOVERY, condition, node_of, op, payload, tags_xml
from conftest import need
from test_gateway import parse_claim_text

NODES = ["n%02d" % i for i in range(16)]
SOURCE = "S"
OWNERS = 4  # each busy with nodes of his own
ANSWER_S = 1.5  # what is processed at all is answered sooner
DISOWN_S = 6  # the registry waits up to 4 s for the thing
UNREACHABLE = ("service-unavailable", "remote-server-timeout", "remote-server-not-found",
               "recipient-unavailable", "gone")


class Busy:
    """One owner: what he was told is what must hold."""

    def __init__(self, server, gateway, registry, nodes, rng):
        self.c = server.client("owner")
        self.g, self.registry, self.nodes, self.rng = gateway, registry, nodes, rng
        # True: his, False: not his, None: he cannot know
        self.mine = {n: False for n in nodes}
        self.doing = collections.Counter()
        self.broken = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)

    def ask(self, xml, timeout=ANSWER_S):
        """"ok", a condition, or None when the outcome is unknown."""
        try:
            got = self.c.iq("set", self.registry, xml, timeout)
        except AssertionError:
            return None
        if got.get("type") == "result":
            return got
        cond = condition(got)
        return None if cond in UNREACHABLE else cond

    def ref(self, name):
        return " jid='%s' nodeId='%s' sourceId='%s'" % (self.g.bare, name, SOURCE)

    def update(self, name):
        return self.ask("<update xmlns='%s'%s><str name='ROOM' value='%d'/></update>"
                        % (DISCOVERY, self.ref(name), self.rng.randrange(10 ** 6)))

    def claim(self, name):
        try:
            text = self.g.claim_text(name)
        except (OSError, ValueError, AssertionError):
            return  # the gateway is down just now
        if not text:
            return
        got = self.ask("<mine xmlns='%s'>%s</mine>" % (
            DISCOVERY, tags_xml(parse_claim_text(text))))
        if got is None:
            self.mine[name] = None
        elif got != "item-not-found":
            if (isinstance(got, str) or op(got) != "claimed"
                    or node_of(payload(got)) != (name, SOURCE, "")):
                self.broken.append("claim of %s answered %s" % (name, got))
                return
            self.mine[name] = True
            self.doing["claim"] += 1

    def disown(self, name):
        got = self.ask("<disown xmlns='%s'%s/>" % (DISCOVERY, self.ref(name)), DISOWN_S)
        if got is None:
            self.mine[name] = None
        elif got == "item-not-found":
            self.broken.append("%s was lost: disown found nothing" % name)
        elif got != "not-allowed":
            self.mine[name] = False
            self.doing["disown"] += 1

    def check(self, name):
        """His, by what the registry answers to an update."""
        got = self.update(name)
        if got is None:
            return
        found = got != "item-not-found"
        if found and isinstance(got, str):
            self.broken.append("update of %s answered %s" % (name, got))
        if self.mine.get(name) is None:
            self.mine[name] = found
            self.doing["unknown"] += 1
        elif self.mine[name] and not found:
            self.broken.append("the acknowledged claim of %s was lost" % name)
        elif found and not self.mine[name]:
            self.broken.append("%s is still his after disown" % name)
        self.doing["update"] += 1

    def turn(self):
        name = self.rng.choice(self.nodes)
        if self.mine[name] is None:
            self.check(name)
        elif not self.mine[name]:
            self.claim(name)
        elif self.rng.random() < 0.4:
            self.disown(name)
        else:
            self.check(name)

    def _work(self):
        try:
            while not self.over.is_set() and not self.broken:
                self.turn()
        except Exception as e:  # the test must hear of it
            self.broken.append("the owner's thread: %r" % e)


def agree(g, registry):
    """Gateway and registry say the same of every node."""
    there = registry.owners()
    for name, n in g.node_list().items():
        claimed = n["claim"] in ("public", "private")
        if name not in there or (n["owner"] if claimed else None) != there[name]:
            return False
        if n["claim"] not in ("public", "unclaimed"):
            return False
    return True


def disagreement(g, registry):
    there = registry.owners()
    return "\n".join(
        "%s: gateway %s %s, registry %s" % (k, n["claim"], n["owner"], there.get(k, "has none"))
        for k, n in g.node_list().items())


def settle(g, registry):
    end = time.monotonic() + 120
    while not agree(g, registry):
        assert time.monotonic() < end, "they do not agree:\n" + disagreement(g, registry)
        time.sleep(0.25)


def strike(victim, times, rng, owners):
    """Kills it so often, each time at a random moment of its life."""
    for i in range(times):
        time.sleep(rng.choice((0.05, 0.15, 0.3, 0.6)) * rng.random() * 2)
        victim.kill()
        complain(owners)
        victim.start(wait=False)
        if i % 4 == 0:  # now and then it is let to come up wholly
            (victim.wait_online if isinstance(victim, Registry) else victim.wait_control)()
            time.sleep(rng.random())


def complain(owners):
    broken = [x for o in owners for x in o.broken]
    assert not broken, "\n".join(broken)


@pytest.fixture
def times(request):
    if request.config.getoption("--quick"):
        return 10
    return int(os.environ.get("TB_CRASH", "200"))


@pytest.mark.parametrize("victim", ["thingbridged", "thingregistryd"])
def test_R76_T22_killed_again_and_again(prosody, tmp, times, victim):
    need("thingbridged", "thingregistryd")
    seed = int(os.environ.get("TB_SEED") or random.randrange(10 ** 9))
    print("TB_SEED=%d" % seed)
    rng = random.Random(seed)
    registry = Registry(prosody, tmp / "registry")
    nodes = "".join(node(n, source=SOURCE, address=i + 1) for i, n in enumerate(NODES))
    g = Gateway(prosody, tmp / "gw", nodes, log="info", registry_keys={"key_clear": "1s"})
    wait_until("all are registered", lambda: all(
        n["claim"] == "unclaimed" for n in g.node_list().values()), 30)
    owners = [Busy(prosody, g, registry.jid, NODES[i::OWNERS], random.Random(seed + i))
              for i in range(OWNERS)]
    for o in owners:
        o.thread.start()
    try:
        strike(g if victim == "thingbridged" else registry, times, rng, owners)
        g.wait_online(90)
        registry.wait_online(30)
        time.sleep(2)
    finally:
        for o in owners:
            o.over.set()
        for o in owners:
            o.thread.join(30)
    complain(owners)
    settle(g, registry)
    doing = sum((o.doing for o in owners), collections.Counter())
    print("the owners: %s" % dict(doing))
    for o in owners:
        verify(g, o)
        o.c.close()
    if times >= 50:
        assert doing["claim"] > 50 and doing["disown"] > 20, doing
        assert doing["unknown"] > 0 or victim == "thingbridged", doing


def verify(g, owner):
    """What he was told holds, and what is free is his by its sticker."""
    for name in owner.nodes:
        owner.check(name)
        complain([owner])
        want = owner.c.bare if owner.mine[name] else None
        assert g.claim(name)[1] == want, (name, g.claim(name), owner.mine[name])
        if owner.mine[name]:
            continue
        owner.claim(name)
        assert owner.mine[name], "the sticker of %s claims nothing" % name
        wait_until("%s knows" % name,
                   lambda n=name: g.claim(n) == ("public", owner.c.bare), 30, 0.1)
        complain([owner])
