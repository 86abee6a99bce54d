"""T12: nobody but the registry speaks for the registry."""

import time

import pytest

from harness.fakereg import notice
from harness.programs import node
from harness.wire import DISCOVERY, Client, condition, payload, tags_of

REFUSED = ("service-unavailable", "forbidden")
NODES = node("free", source="S") + node("owned", source="S", address=2)


@pytest.fixture
def victim(fakereg, make_gateway):
    """A gateway with a free node and one of owner@localhost."""
    g = make_gateway(NODES, registry=fakereg.jid)
    fakereg.wait("register", "owned")
    fakereg.wait("register", "free")
    g.wait_claim("free", "unclaimed")
    got = fakereg.claimed(g.jid, "owner@localhost", "owned", "S")
    assert got.get("type") == "result"
    g.wait_claim("owned", "public")
    return g


def attacks(thief):
    for name in ("free", "owned"):
        yield notice("claimed", name, "S", jid=thief, public="true")
        yield notice("removed", name, "S")
        yield notice("disowned", name, "S")


def untouched(g, fakereg, text):
    assert g.claim("free") == ("unclaimed", None)
    assert g.claim("owned") == ("public", "owner@localhost")
    assert g.claim_text("free") == text


def attack(g, fakereg, stream, from_=None):
    """Every attack is refused and changes nothing, also over a restart."""
    time.sleep(0.5)
    text = g.claim_text("free")
    before = len(fakereg.got("register")), len(fakereg.got("unregister"))
    for xml in attacks("thief@localhost"):
        got = stream.iq("set", g.jid, xml, from_=from_)
        assert got.get("type") == "error" and condition(got) in REFUSED, xml
        untouched(g, fakereg, text)
    # as a get it is no better
    got = stream.iq("get", g.jid, notice("removed", "owned", "S"), from_=from_)
    assert got.get("type") == "error"
    untouched(g, fakereg, text)
    time.sleep(0.5)
    assert (len(fakereg.got("register")), len(fakereg.got("unregister"))) == before
    who = from_ or stream.jid
    assert who.split("/")[0] in g.log()
    g.kill()
    g.start()
    untouched(g, fakereg, text)


@pytest.mark.parametrize("domain", ["evil.localhost", "registry.localhost"])
def test_T12_other_component(fakereg, victim, component, domain):
    attack(victim, fakereg, component(domain))


@pytest.mark.parametrize("from_", [
    "x@fakereg.localhost", "fakereg.localhost/res", "x@fakereg.localhost/res"])
def test_T12_other_address_in_the_registrys_domain(fakereg, victim, from_):
    attack(victim, fakereg, fakereg, from_)


@pytest.mark.parametrize("from_", ["owner@evil.localhost", "fakereg.localhost@evil.localhost",
                                   "evil.localhost/fakereg.localhost"])
def test_T12_look_alikes(fakereg, victim, component, from_):
    attack(victim, fakereg, component("evil.localhost"), from_)


def test_T12_client(fakereg, victim, client):
    attack(victim, fakereg, client("thief"))


def test_T12_friend(fakereg, victim, client):
    """An owner, too, must ask the registry."""
    o = client("owner")
    fakereg.claimed(victim.jid, o.bare, "owned", "S")
    o.presence(to=victim.bare, type_="subscribe")
    time.sleep(0.5)
    for xml in (notice("disowned", "owned", "S"), notice("removed", "owned", "S"),
                notice("claimed", "free", "S", jid=o.bare)):
        got = o.iq("set", victim.jid, xml)
        assert condition(got) in REFUSED
    assert victim.claim("owned") == ("public", o.bare)
    assert victim.claim("free") == ("unclaimed", None)


def test_T12_own_account(fakereg, victim, server):
    with Client(server, victim.user, victim.password, "other") as c:
        attack(victim, fakereg, c)


def test_T12_as_a_message(fakereg, victim, client):
    c = client("thief")
    for xml in attacks("thief@localhost"):
        c.send("<message to='%s'>%s</message>" % (victim.jid, xml))
    time.sleep(1)
    assert victim.claim("free") == ("unclaimed", None)
    assert victim.claim("owned") == ("public", "owner@localhost")


def test_T12_answer_from_elsewhere(fakereg, make_gateway, component):
    """An answer counts only from the one who was asked, whatever its id."""
    fakereg.answers["register"] = None
    evil = component("evil.localhost")
    g = make_gateway(node("a", source="S"), registry=fakereg.jid)
    reg = fakereg.wait("register")
    for from_ in ("evil.localhost", "fakereg.localhost@evil.localhost"):
        evil.send("<iq type='result' id='%s' from='%s' to='%s'>"
                  "<claimed xmlns='%s' jid='thief@localhost'/></iq>"
                  % (reg.get("id"), from_, g.jid, DISCOVERY))
    fakereg.send("<iq type='result' id='%s' from='x@fakereg.localhost' to='%s'>"
                 "<claimed xmlns='%s' jid='thief@localhost'/></iq>"
                 % (reg.get("id"), g.jid, DISCOVERY))
    time.sleep(1)
    assert g.claim("a") == ("new", None)
    fakereg.answer(reg)
    g.wait_claim("a", "unclaimed")


def test_T12_answer_to_nothing(fakereg, victim):
    """A result or error that nobody asked for is ignored."""
    fakereg.send("<iq type='result' id='nothing' from='%s' to='%s'>"
                 "<disowned xmlns='%s'/></iq>" % (fakereg.jid, victim.jid, DISCOVERY))
    fakereg.send("<iq type='error' id='nothing' from='%s' to='%s'>"
                 "<error type='cancel'><item-not-found "
                 "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
                 % (fakereg.jid, victim.jid))
    time.sleep(0.5)
    assert victim.claim("owned") == ("public", "owner@localhost")


def test_T12_unfriend_and_presence_of_strangers(fakereg, victim, client, component):
    """unfriend, friend and clearCache from a stranger do nothing."""
    c = client("thief")
    ns = "urn:xmpp:iot:provisioning"
    for xml in ("<unfriend xmlns='%s' jid='owner@localhost'/>" % ns,
                "<friend xmlns='%s' jid='%s'/>" % (ns, c.bare)):
        c.send("<message to='%s'>%s</message>" % (victim.jid, xml))
    c.expect_nothing(1, lambda s: s.get("type") in ("subscribe", "subscribed"))
    got = c.iq("set", victim.jid, "<clearCache xmlns='%s'/>" % ns)
    assert got.get("type") == "error"
    assert victim.claim("owned") == ("public", "owner@localhost")


def test_T12_the_registry_still_can(fakereg, victim, component):
    """After all of it, the registry itself is obeyed."""
    evil = component("evil.localhost")
    for xml in attacks("thief@localhost"):
        evil.iq("set", victim.jid, xml)
    old = tags_of(payload(fakereg.got("register", "owned")[0]))["KEY"]
    got = fakereg.tell(victim.jid, "disowned", "owned", "S")
    assert got.get("type") == "result"
    again = fakereg.wait("register", "owned", 2)
    assert tags_of(payload(again))["KEY"] != old
