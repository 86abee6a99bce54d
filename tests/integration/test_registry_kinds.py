"""Which registry and which provisioning server, of every kind; friendship with
those that are accounts; nodes that own themselves."""

import time

import pytest

from harness import netns, wire
from harness.fakereg import FakeRegistry, notice
from harness.procs import wait_until
from harness.programs import Gateway, node
from harness.wire import DISCO_INFO, DISCOVERY, bare, payload
from test_finding import InsideGateway, ns  # noqa: F401: ns is a fixture

PROVISIONING = "urn:xmpp:iot:provisioning"
S = "MeteringTopology"


def info(*features):
    return "<query xmlns='%s'><identity category='component' type='x'/>%s</query>" % (
        DISCO_INFO, "".join("<feature var='%s'/>" % f for f in (DISCO_INFO,) + features))


def is_disco(el):
    return (wire.local(el) == "iq" and el.get("type") == "get"
            and payload(el).tag == "{%s}query" % DISCO_INFO)


class Account:
    """An ordinary account that is a registry, a provisioning server, or
    neither, by its features; records, and lets everybody in."""

    known = set()  # those of a fixed name, that another test has made

    def __init__(self, server, user=None, features=(DISCOVERY,), lets_in=True, resource="service"):
        if user is None:
            user, self.password = server.new_account("service")
        else:
            self.password = "pw-" + user
            if (server.dir, user) not in Account.known:
                server.add_account(user, self.password)
            Account.known.add((server.dir, user))
        self.server, self.user, self.features = server, user, features
        self.lets_in, self.resource = lets_in, resource
        self.bare = "%s@%s" % (user, server.domain)
        self.got, self.types, self.answers = [], [], {}
        self.connect()

    def connect(self):
        c = self.c = wire.Client(self.server, self.user, self.password, self.resource,
                                 presence=False)
        c.on("presence", self._presence)
        c.on(lambda el: wire.local(el) == "iq" and el.get("type") in ("get", "set"), self._iq)
        c.presence()

    def _presence(self, el):
        self.types.append((bare(el.get("from")), el.get("type")))
        if el.get("type") == "subscribe" and self.lets_in:
            self.let_in(bare(el.get("from")))

    def let_in(self, who):
        self.c.presence(to=who, type_="subscribed")
        self.c.presence(to=who, type_="subscribe")

    def _iq(self, el):
        if payload(el) is None:
            return
        name = wire.op(el)
        if is_disco(el):
            self.c.answer(el, info(*self.features))
        elif name in ("register", "update", "unregister"):
            self.got.append((name, payload(el).get("nodeId"), el))
            self.c.answer(el, self.answers.get(name, ""))
        else:
            self.c.answer(el, "")

    def ops(self, name, node_=None):
        return [g for g in self.got if g[0] == name and node_ in (None, g[1])]

    def wait(self, name, node_=None, timeout=25):
        wait_until("%s of %s" % (name, node_), lambda: self.ops(name, node_), timeout, 0.05)
        return self.ops(name, node_)[0][2]

    def tell(self, to, name, node_, **more):
        return self.c.iq("set", to, notice(name, node_, S, **more))

    def claimed(self, gw, node_, owner="o@localhost", public="true"):
        got = self.tell(gw.jid, "claimed", node_, jid=owner, public=public)
        assert got.get("type") == "result", wire.text(got)

    def asked(self):
        """Who has asked to be let in."""
        return [who for who, type_ in self.types if type_ == "subscribe"]

    def is_friend(self, gw):
        return self.c.roster().get(gw.bare) == "both"

    def close(self):
        self.c.close()


@pytest.fixture
def account(server):
    made = []

    def make(**kw):
        made.append(Account(server, **kw))
        return made[-1]

    yield make
    for a in made:
        a.close()


def registry_of(gw):
    return gw.control("status")["registry"]


def provisioning_of(gw):
    return [(p["jid"], p["online"]) for p in registry_of(gw)["provisioning"]]


def has(gw, *peers):
    wait_until("provisioning %s" % (peers,), lambda: provisioning_of(gw) == list(peers), 20)


# the registry

def test_T05_only_a_registry(account, make_gateway):
    """Of the account's resources the one that is a registry is used."""
    chat = account(features=())
    gw = make_gateway(node("a"), registry=chat.bare)
    gw.wait_online()
    wait_until("told", lambda: "no Thing Registry" in (registry_of(gw)["trouble"] or ""), 20)
    assert not chat.got
    chat.resource, chat.features = "registry", (DISCOVERY,)
    first = chat.c
    chat.connect()
    try:
        assert chat.wait("register", "a").get("to").endswith("/registry")
    finally:
        first.close()


def test_T05_registry_of_another_resource(account, make_gateway):
    """One that comes back under another resource before the old one is gone."""
    reg = account()
    gw = make_gateway(node("a"), registry=reg.bare)
    reg.wait("register", "a")
    old, reg.resource = reg.c, "again"
    reg.connect()
    reg.claimed(gw, "a")
    time.sleep(1)
    old.close()
    reg.wait("update", "a")
    assert registry_of(gw)["online"]


def test_T05_offline_registry_loses_nothing(account, make_gateway):
    reg = account()
    gw = make_gateway(node("a") + node("b", address=2), registry=reg.bare)
    reg.wait("register", "b")
    gw.wait_claim("b", "unclaimed")
    reg.c.close()
    gw.wait_log("it has gone offline", 10)
    gw.write(nodes=node("a") + node("c", address=3))
    gw.reload()
    reg.got.clear()
    reg.connect()
    reg.wait("unregister", "b")
    reg.wait("register", "c")


def test_friend_only_while_needed(account, make_gateway):
    """Unfriended once every node is private or removed; a friend again when
    there is something to say, and when the registry asks for it."""
    reg = account()
    gw = make_gateway(node("a") + node("b", address=2), registry=reg.bare)
    reg.wait("register", "a")
    reg.wait("register", "b")
    reg.claimed(gw, "a", public="false")
    time.sleep(1)
    assert reg.is_friend(gw)
    assert reg.tell(gw.jid, "removed", "b").get("type") == "result"
    wait_until("no friend any more", lambda: not reg.is_friend(gw), 20)
    r = registry_of(gw)
    assert r["resting"]
    assert not [w for w in gw.control("status")["warnings"] if "registry" in w["command"]]
    assert "nothing to tell" in gw.ctl("status")[1]
    # it asks for the gateway: let in, at once
    reg.let_in(gw.bare)
    wait_until("a friend", lambda: reg.is_friend(gw), 10)
    got = reg.tell(gw.jid, "disowned", "a")
    assert got.get("type") == "result"
    reg.wait("register", "a")
    wait_until("works again", lambda: registry_of(gw)["online"], 10)


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_friend_again_for_a_new_node(account, make_gateway):
    reg = account()
    gw = make_gateway(node("a"), registry=reg.bare)
    reg.wait("register", "a")
    reg.claimed(gw, "a", public="false")
    wait_until("no friend any more", lambda: not reg.is_friend(gw), 20)
    gw.write(nodes=node("a") + node("b", address=2))
    gw.reload()
    reg.wait("register", "b")
    assert gw.claim("a")[0] == "private"


@pytest.mark.parametrize("on", [True, False])
def test_predefined_user(server, tmp, on):
    """registry@DOMAIN is tried only when the configuration says so."""
    reg = Account(server, user="registry")
    gw = Gateway(server, tmp / "gw", node("a"), registry=None,
                 registry_keys={"predefined": "yes"} if on else {})
    try:
        if on:
            reg.wait("register", "a")
            assert registry_of(gw)["how"] == "predefined user name"
            gw.wait_log("trusted for its user name alone")
        else:
            gw.wait_log("none is found", 30)
            assert not reg.got and not reg.asked()
    finally:
        gw.stop()
        reg.close()


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_predefined_user_is_no_registry(server, fakereg, tmp):
    """One that does not let us in, or is none, is left; the search goes on."""
    gw = Gateway(server, tmp / "gw", node("a"), registry=None,
                 registry_keys={"predefined": "yes"})
    fakereg.wait("register", "a", timeout=40)
    assert "components" in registry_of(gw)["how"]


@pytest.mark.parametrize("on", [True, False])
def test_announced_users(prosody, ns, tmp, on):  # noqa: F811
    """What the server announces by mDNS counts only when that is allowed."""
    netns.need("avahi-daemon", "avahi-publish-service", "dbus-daemon")
    reg = Account(prosody)
    peer = Account(prosody, features=(PROVISIONING,))
    avahi = netns.Avahi(ns)
    ns.relay(25222, prosody.c2s_port)
    avahi.publish("pronto", 25222, "txtvers=1", "ordom=localhost",
                  "regis=nobody " + reg.user, "provis=" + peer.user)
    allow = {"announced": "yes"} if on else {}
    gw = InsideGateway(ns, prosody, tmp / "gw", registry=None, host="mdns",
                       registry_keys=allow,
                       extra="[provisioning]\n" + "".join("%s = %s\n" % i for i in allow.items()),
                       env={"DBUS_SYSTEM_BUS_ADDRESS": avahi.address})
    try:
        gw.wait_online(40)
        if on:
            reg.wait("register", "a", timeout=40)
            assert "announced" in registry_of(gw)["how"]
            has(gw, (peer.bare, True))
        else:
            gw.wait_log("none is found", 30)
            assert not reg.asked() and not peer.asked()
    finally:
        gw.stop()
        reg.close()
        peer.close()


def test_configured_registry_that_changes(server, make_gateway):
    """Claims stay with the registry that has them, whatever is configured,
    until the installer says that its data were moved."""
    first = FakeRegistry(server, "fakereg.localhost")
    other = FakeRegistry(server, "registry.localhost")
    try:
        gw = make_gateway(node("a") + node("b", address=2), registry=first.jid)
        first.wait("register", "b")
        first.claimed(gw.jid, "o@localhost", "a", S)
        gw.wait_claim("a", "public")
        gw.stop()
        gw.write(registry=other.jid)
        gw.start()
        gw.wait_online()
        gw.wait_log("the claims of 1 node are at fakereg.localhost", 20)
        other.answers["update"] = ("error", "item-not-found")
        got = other.claimed(gw.jid, "thief@localhost", "a", S)
        assert got.get("type") == "error"
        other.quiet("update", 2)
        assert not other.got("register")
        assert gw.claim("a") == ("public", "o@localhost")
        status = gw.control("status")
        assert not status["registry"]["found"]
        assert any("moved_from" in w["text"] for w in status["warnings"])
        # back: as if nothing had been
        gw.stop()
        gw.write(registry=first.jid)
        first.forget()
        gw.start()
        first.wait("update", "a")
        assert gw.claim("a") == ("public", "o@localhost")
        # the data were taken along
        gw.stop()
        gw.write(registry=other.jid, registry_keys={"moved_from": first.jid})
        other.answers["update"] = ""
        gw.start()
        other.wait("update", "a")
        gw.wait_log("it was fakereg.localhost, and now is registry.localhost")
        assert gw.claim("a") == ("public", "o@localhost")
    finally:
        first.close()
        other.close()


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_reset_frees_a_gateway_whose_registry_is_gone(server, make_gateway):
    first = FakeRegistry(server, "fakereg.localhost")
    gw = make_gateway(node("a"), registry=first.jid)
    first.wait("register", "a")
    first.claimed(gw.jid, "o@localhost", "a", S)
    gw.wait_claim("a", "public")
    gw.stop()
    first.close()
    gw.write(registry="registry.localhost")
    other = FakeRegistry(server, "registry.localhost")
    try:
        gw.start()
        gw.wait_log("are at fakereg.localhost", 20)
        gw.control("reset", node="a")
        other.wait("register", "a")
        gw.wait_claim("a", "unclaimed")
    finally:
        other.close()


# the provisioning server

def provisions(fakereg, *more):
    fakereg.answers["query"] = lambda el: (
        info(DISCOVERY, PROVISIONING) if is_disco(el) else "<query xmlns='%s'/>"
        % wire.DISCO_ITEMS)


@pytest.fixture
def second(component):
    """A component that is a provisioning server; how often it was asked."""
    c = component("registry.localhost")
    c.asked = []

    def answer(el):
        c.asked.append(el)
        c.answer(el, info(PROVISIONING))

    c.on(is_disco, answer)
    return c


def test_T28_the_registry_itself(fakereg, second, make_gateway):
    provisions(fakereg)
    gw = make_gateway(node("a"), registry=fakereg.jid)
    has(gw, (fakereg.jid, True))
    assert registry_of(gw)["provisioning"][0]["how"] == "the registry itself"
    assert not second.asked
    status, out, _ = gw.ctl("registry")
    assert status == 0 and "the registry itself" in out
    assert fakereg.jid in gw.ctl("status")[1].split("Provisioning")[1]


def test_T28_a_component(fakereg, second, make_gateway):
    gw = make_gateway(node("a"), registry=fakereg.jid)
    has(gw, (second.jid, True))
    assert "components" in registry_of(gw)["provisioning"][0]["how"]


def test_T28_the_owner(fakereg, second, account, make_gateway):
    """Before the components, and for his own nodes alone."""
    owner = account(features=(PROVISIONING,))
    rival = account(features=())
    gw = make_gateway(node("a") + node("b", address=2), registry=fakereg.jid)
    fakereg.wait("register", "b")
    for who, n in ((owner, "a"), (rival, "b")):
        fakereg.claimed(gw.jid, who.bare, n, S)
        who.let_in(gw.bare)
    wait_until("the owner is it", lambda: (owner.bare, True) in provisioning_of(gw), 20)
    wait_until("for b the component",
               lambda: sorted(provisioning_of(gw)) == sorted(
                   [(owner.bare, True), (second.jid, True)]), 20)
    owner.c.close()
    wait_until("he is gone, and stays the one",
               lambda: (owner.bare, False) in provisioning_of(gw), 20)


def test_T28_a_former_owner(fakereg, second, account, make_gateway):
    """What he was is not known of him when he comes back."""
    owner = account(features=(PROVISIONING,))
    gw = make_gateway(node("a"), registry=fakereg.jid)
    fakereg.wait("register", "a")
    fakereg.claimed(gw.jid, owner.bare, "a", S)
    owner.let_in(gw.bare)
    has(gw, (owner.bare, True))
    fakereg.tell(gw.jid, "disowned", "a", S)
    gw.wait_claim("a", "unclaimed")
    owner.features = ()
    fakereg.claimed(gw.jid, owner.bare, "a", S)
    gw.wait_claim("a", "public")
    has(gw, (second.jid, True))


def test_T28_configured(fakereg, account, second, make_gateway):
    provisions(fakereg)
    peer = account(features=(PROVISIONING,))
    gw = make_gateway(node("a"), registry=fakereg.jid,
                      extra="[provisioning]\njid = %s\n" % peer.bare)
    has(gw, (peer.bare, True))
    assert not second.asked and peer.is_friend(gw)
    peer.c.close()
    has(gw, (peer.bare, False))
    peer.connect()
    has(gw, (peer.bare, True))


def test_T28_none(fakereg, make_gateway):
    gw = make_gateway(node("a"), registry=fakereg.jid)
    gw.wait_log("no server is found", 20)
    assert provisioning_of(gw) == []


# nodes that own themselves

def self_owned(name="a", **more):
    return node(name, self_owned="yes", **more)


def test_T23_does_not_loop(registry, make_gateway):
    """Registered again at each login: answered claimed, then updated, once."""
    gw = make_gateway(self_owned(**{"tag.ROOM": "12"}), log="debug")
    gw.wait_claim("a", "self-owned", 20)
    wait_until("tags are there", lambda: registry.tags(gw.bare, "a").get("ROOM") == "12", 10)
    gw.stop()
    gw.write(nodes=self_owned(**{"tag.ROOM": "13"}))
    gw.start()
    wait_until("they follow", lambda: registry.tags(gw.bare, "a").get("ROOM") == "13", 20)
    assert gw.claim("a")[0] == "self-owned"
    assert registry.owners()["a"] == gw.bare


def test_T23_is_found_and_not_claimed(registry, make_gateway, client):
    gw = make_gateway(self_owned())
    gw.wait_claim("a", "self-owned", 20)
    c = client("searcher")
    found = c.iq("get", registry.jid, "<search xmlns='%s'><strEq name='NAME' value='a'/>"
                 "</search>" % DISCOVERY)
    thing = list(payload(found))
    assert [(t.get("nodeId"), t.get("owner")) for t in thing] == [("a", gw.bare)]
    assert "KEY" not in wire.text(found)
    text = gw.claim_text("a")
    assert not text


def test_T23_reset(registry, make_gateway):
    """A reset takes the old record out and registers a new one."""
    gw = make_gateway(self_owned())
    gw.wait_claim("a", "self-owned", 20)
    key = registry.tags(gw.bare, "a").get("KEY")
    gw.control("reset", node="a")
    wait_until("a new KEY", lambda: registry.tags(gw.bare, "a").get("KEY") not in (None, key), 20)
    gw.wait_claim("a", "self-owned", 20)
    assert registry.owners()["a"] == gw.bare


def test_T23_switched_off_and_on(registry, make_gateway):
    """Off: taken out, then offered; on: its own at once; on while somebody
    owns it: he stays."""
    gw = make_gateway(self_owned())
    gw.wait_claim("a", "self-owned", 20)
    gw.write(nodes=node("a"))
    gw.reload()
    gw.wait_claim("a", "unclaimed", 20)
    assert not registry.owners().get("a")
    gw.write(nodes=self_owned())
    gw.reload()
    gw.wait_claim("a", "self-owned", 20)
    wait_until("its own", lambda: registry.owners().get("a") == gw.bare, 5)


def test_T23_owner_stays(fakereg, make_gateway):
    gw = make_gateway(node("a"), registry=fakereg.jid)
    fakereg.wait("register", "a")
    fakereg.claimed(gw.jid, "o@localhost", "a", S)
    gw.wait_claim("a", "public")
    fakereg.forget()
    gw.write(nodes=self_owned())
    gw.reload()
    fakereg.quiet("register", 2)
    assert gw.claim("a") == ("public", "o@localhost")
