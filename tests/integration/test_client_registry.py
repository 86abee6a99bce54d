"""The registry as an ordinary account (T05): friends, restarts, and the other
programs with it.  test_client_rcases.py has the R cases of it."""

import time

import pytest

import test_crash
import test_registry
from conftest import need
from harness import programs, wire
from harness.fakereg import notice as notice_xml
from harness.hosted import Hosted, befriend
from harness.procs import wait_until
from harness.programs import node
from harness.wire import DISCO_INFO, DISCOVERY, local
from test_registry import (
    K1,
    K2,
    OK,
    R,
    G,
    O,
    T,
    V,
    ask,
    claimed_thing,
    do,
    is_claimed,
    notice,
    outcome,
    start_disown,
    store,
    told,
)

__all__ = ["G", "O", "T", "V", "store"]  # fixtures

S = "MeteringTopology"

# Some R cases on each server.
for name in ("test_R06_claim", "test_R57_remove", "test_R65_disown_order",
             "test_R67_disown_while_offline", "test_R76_killed_after_the_answer"):
    globals()[name] = getattr(test_registry, name)


@pytest.fixture
def registry(server, tmp, monkeypatch):
    """thingregistryd, an account."""
    hosted = Hosted(server, tmp / "registry")
    monkeypatch.setattr(test_registry, "R", hosted.jid)
    return hosted


def subscription(who, jid):
    return who.roster().get(jid.split("/")[0], "none")


def wait_no_friend(who, jid, timeout=10):
    wait_until("%s is no friend" % who.jid, lambda: subscription(who, jid) == "none", timeout, 0.1)


def test_T05_befriends_and_serves(registry, T, O, store):
    info = T.iq("get", registry.jid, "<query xmlns='%s'/>" % DISCO_INFO)
    assert DISCOVERY in [f.get("var") for f in info.iter() if local(f) == "feature"]
    assert befriend(T, registry.bare) == registry.jid
    assert do(T, "register", K1) == OK
    registry.kill()
    registry.start()
    is_claimed(do(O, "mine", K1), T.bare)
    assert told(T, "claimed").get("jid") == O.bare
    registry.kill()
    assert store.one(T.bare)[0] == O.bare
    assert subscription(T, registry.bare) == "both"


def test_T05_asked_while_it_was_away(registry, T):
    """The server keeps the question; the answer comes from the same full JID."""
    registry.stop()
    T.presence(registry.bare, "subscribe")
    registry.start()
    assert befriend(T, registry.bare, ask=False) == registry.jid


def test_T05_answers_of_others_do_not_count(server, registry, O, V, store):
    account = server.new_account("thing")
    with wire.Client(server, *account, "a") as t, wire.Client(server, *account, "b") as other:
        befriend(t, registry.bare)
        claimed_thing(t, O, meet_first=False)
        key = start_disown(O, t)
        iq = notice(t, "disowned")
        for liar in (V, other, O):
            liar.answer(iq)
        liar.expect_nothing(1, "iq")
        assert O.pending[key] is None and store.one(t.bare)[0] == O.bare
        t.answer_error(iq, "service-unavailable")
        assert outcome(O.wait_answer(key)) == "not-allowed"


def test_the_server_is_killed(own_server, tmp, monkeypatch):
    server = own_server
    reg = Hosted(server, tmp / "registry")
    monkeypatch.setattr(test_registry, "R", reg.jid)
    accounts = server.new_account("thing"), server.new_account("owner")
    with wire.Client(server, *accounts[0], "a") as t:
        befriend(t, reg.bare)
        assert do(t, "register", K1) == OK
    with wire.Client(server, *accounts[1], "cli") as o:
        is_claimed(do(o, "mine", K1), "%s@localhost" % accounts[0][0])
    server.restart()
    reg.wait_online(30)
    with wire.Client(server, *accounts[0], "b") as t:
        assert told(t, "claimed").get("jid") == "%s@localhost" % accounts[1][0]
        assert subscription(t, reg.bare) == "both"


@pytest.fixture
def own_server(server, tmp):
    """One that may be killed."""
    other = type(server)(tmp / "server")
    yield other
    other.stop()


@pytest.fixture(params=["account", "component"])
def few(request, prosody, tmp, monkeypatch):
    """few(**limits) starts either form of registry."""
    def make(**limits):
        if request.param == "component":
            return programs.Registry(prosody, tmp / "registry", **limits)
        hosted = Hosted(prosody, tmp / "registry", **limits)
        monkeypatch.setattr(test_registry, "R", hosted.jid)
        return hosted

    return make


@pytest.fixture
def people(prosody):
    """Four clients."""
    made = [prosody.client("p") for _ in range(4)]
    yield made
    for c in made:
        c.close()


def let_in(who, reg):
    """befriend, but a component sends no presence of its own."""
    bare = reg.jid.split("/")[0]
    who.presence(bare, "subscribe")
    who.expect(lambda s: s.get("type") == "subscribe" and s.get("from") == bare)
    who.presence(bare, "subscribed")
    wait_until("both", lambda: subscription(who, bare) == "both", 10, 0.05)


def test_friends_without_things_are_let_go(few, people):
    reg = few(friend_idle="1s")
    owner, thing, passer_by, _ = people
    for who in people[:3]:
        let_in(who, reg)
    assert do(thing, "register", K1) == OK
    is_claimed(do(owner, "mine", K1), thing.bare)
    told(thing, "claimed")
    for who in (owner, passer_by):
        wait_no_friend(who, reg.jid)
    assert subscription(thing, reg.jid) == "both"
    assert do(owner, "remove", jid=thing.bare) == OK
    removed = notice(thing, "removed")
    time.sleep(2.5)
    assert subscription(thing, reg.jid) == "both"
    thing.answer(removed)
    wait_no_friend(thing, reg.jid)
    let_in(thing, reg)


def test_friends_are_so_many(few, people):
    reg = few(friends=2)
    first, second, third, last = people
    let_in(second, reg)
    let_in(first, reg)
    assert do(first, "register", K1) == OK
    third.presence(reg.jid.split("/")[0], "subscribe")
    third.expect(lambda s: s.get("type") == "unsubscribed")
    assert subscription(second, reg.jid) == "both"  # who has just come has a moment
    time.sleep(3)
    let_in(third, reg)
    wait_no_friend(second, reg.jid)
    assert do(third, "register", K2) == OK
    last.presence(reg.jid.split("/")[0], "subscribe")
    last.expect(lambda s: s.get("type") == "unsubscribed")
    assert [subscription(p, reg.jid) for p in (first, third)] == ["both", "both"]


def test_roster_and_records(prosody, tmp, people):
    """Whom the records do not know any more is let go of after a login."""
    reg = Hosted(prosody, tmp / "registry", friend_idle="1s", friends=1)
    people[0].presence(reg.bare, "subscribe")
    reg.stop()
    account = reg.bare.split("@")[0], reg.password
    with wire.Client(prosody, *account, "by-hand") as c:
        for who in people:
            c.presence(who.bare, "subscribed")
            who.presence(reg.bare, "subscribe")
            wait_until("a friend", lambda: c.roster().get(who.bare) == "from", 10, 0.05)
    reg.start()
    for who in people:
        wait_no_friend(who, reg.jid)


@pytest.mark.parametrize("may", ["yes", "no"])
def test_account_is_made(prosody, tmp, may):
    account = "made-%s" % may, "pw"
    reg = Hosted(prosody, tmp / "registry", account, client={"register": may}, start=False)
    reg.start(wait=may == "yes")
    if may == "no":
        reg.wait_log("offline: ")


class Plant:
    """Gateway, registry and owner, each of which may be killed."""

    def __init__(self, server, tmp):
        self.server = server
        # a provisioning server would stay a friend, whatever it is as a registry
        self.reg = Hosted(server, tmp / "registry", provisions="no")
        self.gw = programs.Gateway(server, tmp / "gw", node("a", source=S, **{"tag.ROOM": "one"}),
                                   registry=self.reg.bare)
        self.owner = programs.Owner(server, tmp / "owner", registry=self.reg.bare)
        self.thing = (self.gw.bare, "a", S)

    def record(self, owner, tags=()):
        """Waits for the record's owner and some of its tags."""
        wait_until("the record has owner %s" % owner, lambda: self.reg.owners() == {"a": owner}
                   and set(tags) <= set(self.reg.tags(self.gw.bare, "a").items()), 30, 0.1)

    def own(self, *args, stdin=""):
        status, out, err = self.owner.run(*args, stdin=stdin)
        assert status == 0, (args, err)
        return out

    def claim(self, *how):
        self.record(None)
        self.own("claim", *how, stdin=self.gw.claim_text("a"))
        self.gw.wait_claim("a", "private" if how else "public", 30)
        assert self.gw.claim("a")[1] == self.owner.bare
        self.record(self.owner.bare)

    def restart_server(self):
        self.server.restart()
        self.reg.wait_online(60)
        self.gw.wait_online(60)

    def restart_registry(self):
        self.reg.kill()
        self.reg.start()


@pytest.fixture
def plant(own_server, tmp):
    need("thingbridged", "thingowner")
    return Plant(own_server, tmp)


def test_all_programs(plant):
    """Registered, claimed, updated, found, disowned and removed, with the
    registry and the server killed in between."""
    plant.record(None)
    plant.restart_registry()
    plant.claim()
    plant.restart_server()
    plant.own("update", *plant.thing, "BLD=B7")
    plant.record(plant.owner.bare, [("BLD", "B7"), ("ROOM", "one")])
    plant.restart_registry()
    assert plant.gw.bare in plant.own("search", "BLD=B7")
    plant.gw.kill()
    plant.gw.start()
    plant.gw.wait_online()
    wait_until("disowned", lambda: plant.owner.run("disown", *plant.thing)[0] == 0, 30, 0.5)
    plant.gw.wait_claim("a", "unclaimed", 30)
    plant.claim("--private")
    assert plant.gw.bare not in plant.own("search", "ROOM=one")
    plant.gw.wait_log("the friendship ends", 20)
    plant.restart_server()
    plant.own("remove", *plant.thing)
    plant.gw.wait_claim("a", "removed", 30)
    assert plant.reg.owners() == {}


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_disowned_when_no_friend(plant):
    """A private node needs no friendship, and is still to be had."""
    plant.claim("--private")
    plant.gw.wait_log("the friendship ends", 20)
    wait_until("no friend", lambda: "is no friend any more" in plant.reg.log(), 10, 0.1)
    plant.own("disown", *plant.thing)
    plant.gw.wait_claim("a", "unclaimed", 30)


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_claimed_by_a_stranger(plant):
    plant.record(None)
    with plant.server.client("evil", "registry") as evil:
        got = evil.iq("set", plant.gw.jid, notice_xml("claimed", "a", S, jid=evil.bare))
        assert got.get("type") == "error"
    assert plant.gw.claim("a") == ("unclaimed", None)


@pytest.mark.parametrize("server", ["ejabberd"], indirect=True)
def test_claimed_while_the_gateway_is_away(plant):
    plant.record(None)
    text = plant.gw.claim_text("a")
    plant.gw.kill()
    plant.own("claim", stdin=text)
    plant.restart_registry()
    plant.server.restart()
    plant.reg.wait_online(60)
    plant.gw.start()
    plant.gw.wait_claim("a", "public", 30)
    assert plant.gw.claim("a")[1] == plant.owner.bare


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["thingbridged", "thingregistryd"])
def test_killed_again_and_again(prosody, tmp, monkeypatch, victim):
    made = []

    class Killed(Hosted):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(test_crash, "Registry", Killed)
    monkeypatch.setattr(test_crash, "Gateway", lambda *args, **kw: programs.Gateway(
        *args, registry=made[0].bare, **kw))
    test_crash.test_R76_T22_killed_again_and_again(prosody, tmp, 10, victim)
