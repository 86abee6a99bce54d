"""The harness itself: servers, raw client and component, round trips."""

import pytest

from harness import wire
from harness.plant import plant
from harness.wire import condition, find, local, op, payload


def test_client_to_component(server, client, fakereg):
    c = client()
    got = c.iq("set", fakereg.jid, "<register xmlns='%s'/>" % wire.DISCOVERY)
    assert got.get("type") == "result" and payload(got) is None
    assert fakereg.got("register")[0].get("from") == c.jid


def test_component_to_client_and_errors(server, client, fakereg):
    c = client()
    c.on("claimed", lambda iq: c.answer_error(iq, "item-not-found"))
    got = fakereg.claimed(c.jid, "owner@localhost", "a", "S")
    assert condition(got) == "item-not-found"


def test_directed_presence_and_abort(server, client, fakereg):
    c = client()
    c.presence(to=fakereg.jid)
    fakereg.wait_presence(c.jid)
    c.abort()
    fakereg.wait_presence(c.jid, "unavailable")


def test_spoof_within_the_domain(server, client, fakereg):
    c = client()
    c.on("claimed", lambda iq: c.answer(iq))
    got = fakereg.iq("set", c.jid, "<claimed xmlns='%s' jid='x@y'/>" % wire.DISCOVERY,
                     from_="x@fakereg.localhost/res")
    assert got.get("to") == "x@fakereg.localhost/res"


def test_two_components(server, component, fakereg):
    evil = component("evil.localhost")
    evil.send("<message to='%s' from='evil.localhost'><hello xmlns='x'/></message>" % fakereg.jid)
    assert fakereg.expect("hello").get("from") == "evil.localhost"


def test_unknown_query_times_out(server, client, fakereg):
    fakereg.answers["mine"] = None
    with pytest.raises(AssertionError):
        client().iq("set", fakereg.jid, "<mine xmlns='%s'/>" % wire.DISCOVERY, timeout=0.3)


def test_roster_and_subscription(server, client):
    a, b = client(), client()
    b.presence(to=a.bare, type_="subscribe")
    got = a.expect(lambda s: local(s) == "presence" and s.get("type") == "subscribe")
    assert got.get("from") == b.bare
    a.presence(to=b.bare, type_="subscribed")
    b.expect(lambda s: local(s) == "presence" and s.get("type") == "subscribed")
    assert a.roster()[b.bare] == "from"


def test_large_stanza(server, client, fakereg):
    big = "x" * 100000
    c = client()
    fakereg.send("<message from='%s' to='%s'><body>%s</body></message>" % (fakereg.jid, c.jid, big))
    assert find(c.expect("message"), "body").text == big


def test_disco_lists_the_registry(server, client, fakereg):
    c = client()
    items = c.iq("get", "localhost", "<query xmlns='%s'/>" % wire.DISCO_ITEMS)
    assert fakereg.jid in [i.get("jid") for i in payload(items)]
    info = c.iq("get", fakereg.jid, "<query xmlns='%s'/>" % wire.DISCO_INFO)
    assert op(info) == "query"


def test_proxy_loses_and_cuts(server, proxy, fakereg):
    class Behind:  # the server, seen through the proxy
        c2s_port, domain, cafile = proxy.port, server.domain, server.cafile

    user, password = server.new_account()
    with wire.Client(Behind, user, password) as c:
        c.presence(to=fakereg.jid)
        fakereg.wait_presence(c.jid)
        proxy.deaf = True
        c.send("<message to='%s'><hello xmlns='x'/></message>" % fakereg.jid)
        fakereg.send("<message from='%s' to='%s'><hi xmlns='x'/></message>"
                     % (fakereg.jid, c.jid))
        c.expect("hi")
        fakereg.expect_nothing(0.3, "hello")
        proxy.deaf = False
        proxy.cut()
        fakereg.wait_presence(c.jid, "unavailable")


def test_plant(make_sim):
    ini, names = plant(2, 3)
    sim = make_sim(ini)
    assert sorted(sim.bus) == ["b0", "b1"]
    assert sim.get("b1u002", "temperature") == "2.5"
    sim.set("b1u002", "temperature", "21.5")
    assert sim.get("b1u002", "temperature") == "21.5"
    assert names["b1"] == ["b1u001", "b1u002", "b1u003"]
