"""T cases: thingbridged against a registry whose every answer is the test's."""

import time

import pytest

from harness.fakereg import notice
from harness.procs import wait_until
from harness.programs import node
from harness.wire import DISCOVERY, Client, condition, local, node_of, op, payload, tags_of

NODE_A = node("a", source="S")
AB = NODE_A + node("b", source="S", address=2)


def parse_claim_text(text):
    """{NAME: (kind, value)} of "IoTDisco;..."."""
    assert text.startswith("IoTDisco;"), text
    segments, part, escaped = [], "", False
    for c in text[len("IoTDisco;"):]:
        if escaped:
            part, escaped = part + c, False
        elif c == "\\":
            escaped = True
        elif c == ";":
            segments.append(part)
            part = ""
        else:
            part += c
    tags = {}
    for s in segments + [part]:
        name, value = s.split(":", 1)
        kind = "num" if name.startswith("#") else "str"
        tags[name.lstrip("#")] = (kind, value)
    return tags


def claimed_answer(owner, **attrs):
    more = "".join(" %s='%s'" % kv for kv in attrs.items())
    return "<claimed xmlns='%s' jid='%s'%s/>" % (DISCOVERY, owner, more)


DISOWNED = "<disowned xmlns='%s'/>" % DISCOVERY


def restart(g):
    g.stop()
    g.start()
    g.wait_online()


def claim(fakereg, g, name, owner, public="true", source="S"):
    """Registers (if it has not) and claims; asserts the acknowledgement."""
    fakereg.wait("register", name)
    got = fakereg.claimed(g.jid, owner, name, source, public)
    assert got.get("type") == "result" and payload(got) is None
    return g.wait_claim(name, "public" if public == "true" else "private")


def test_T01_registers_before_any_update(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    reg = fakereg.wait("register")
    assert reg.get("type") == "set" and reg.get("from") == g.jid
    assert node_of(payload(reg)) == ("a", "S", "")
    assert payload(reg).get("selfOwned") in (None, "false")
    tags = tags_of(payload(reg))
    assert tags["SN"] == ("str", "sn-a")
    assert "MODEL" in tags
    assert tags["KEY"][0] == "str" and len(tags["KEY"][1]) >= 26
    g.wait_claim("a", "unclaimed")
    assert g.claim("a")[1] is None
    fakereg.quiet("update", 1)
    assert parse_claim_text(g.claim_text("a")) == tags
    assert tags["KEY"][1] not in g.log()


def test_T01_registers_again_after_reconnect(fakereg, make_gateway, proxy):
    g = make_gateway(NODE_A, registry=fakereg.jid, host=proxy.host)
    first = fakereg.wait("register")
    g.wait_claim("a", "unclaimed")
    proxy.cut()
    again = fakereg.wait("register", count=2, timeout=30)
    assert tags_of(payload(again)) == tags_of(payload(first))


def test_T06_component_needs_presence_only(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    fakereg.wait("register")
    fakereg.wait_presence(g.jid)
    kinds = [p.get("type") for p in fakereg.presences]
    assert "subscribe" not in kinds
    g.stop()
    fakereg.wait_presence(g.jid, "unavailable")


@pytest.mark.parametrize("public", ["true", "false", None, "1", "0"])
def test_T07_claimed_is_kept(fakereg, make_gateway, public):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    fakereg.wait("register")
    got = fakereg.claimed(g.jid, "owner@localhost", "a", "S", public)
    assert got.get("type") == "result" and payload(got) is None
    # acknowledged is kept: nothing may be left to write
    g.kill()
    fakereg.forget()
    g.start()
    want = "private" if public in ("false", "0") else "public"
    assert g.claim("a") == (want, "owner@localhost")
    g.wait_online()
    fakereg.quiet("register", 1.5)


def test_T07_owner_is_kept_bare(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    fakereg.wait("register")
    fakereg.claimed(g.jid, "Owner@LOCALHOST/phone", "a", "S")
    g.wait_claim("a", "public")
    assert g.claim("a")[1] == "owner@localhost"


@pytest.mark.parametrize("attrs,want", [({}, "public"), ({"public": "true"}, "public"),
                                        ({"public": "false"}, "private")])
def test_T08_register_answered_claimed(fakereg, make_gateway, attrs, want):
    fakereg.answers["register"] = claimed_answer("owner@localhost", **attrs)
    g = make_gateway(NODE_A, registry=fakereg.jid)
    g.wait_claim("a", want)
    assert g.claim("a")[1] == "owner@localhost"
    assert len(fakereg.got("register")) == 1


def test_T09_claimed_updates_on_connect(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"}), registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost")
    up = fakereg.wait("update", "a")
    assert node_of(payload(up)) == ("a", "S", "")
    assert tags_of(payload(up))["ROOM"] == ("str", "12")
    assert "SN" not in tags_of(payload(up))
    fakereg.forget()
    restart(g)
    fakereg.wait("update", "a")
    fakereg.quiet("register", 1)
    assert not fakereg.got("register")


def test_T09_update_carries_only_what_changed(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12", "tag.BLD": "B"}),
                     registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost")
    first = tags_of(payload(fakereg.wait("update", "a")))
    assert first["ROOM"] == ("str", "12") and first["BLD"] == ("str", "B")
    time.sleep(0.5)
    fakereg.forget()
    g.control("meta", node="a", set=[{"name": "ROOM", "value": "13", "num": False}])
    up = tags_of(payload(fakereg.wait("update", "a")))
    assert up == {"ROOM": ("str", "13")}


def test_T09_a_restart_repeats_nothing(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"}), registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost")
    fakereg.wait("update", "a")
    time.sleep(0.5)
    fakereg.forget()
    restart(g)
    up = fakereg.wait("update", "a")
    assert tags_of(payload(up)) == {}  # it only asks whether the claim stands


def test_T09_unanswered_update_is_sent_again(fakereg, make_gateway, proxy):
    fakereg.answers["update"] = None
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"}), registry=fakereg.jid,
                     host=proxy.host)
    claim(fakereg, g, "a", "owner@localhost")
    lost = fakereg.wait("update", "a")
    fakereg.answers["update"] = ""
    proxy.cut()
    again = fakereg.wait("update", "a", 2, timeout=30)
    assert tags_of(payload(again)) == tags_of(payload(lost))
    assert tags_of(payload(again))["ROOM"] == ("str", "12")


def test_T09_tag_taken_away(fakereg, make_gateway):
    """An empty value deletes a tag; taking it from the configuration does so."""
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12", "tag.BLD": "B"}),
                     registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost")
    fakereg.wait("update", "a")
    time.sleep(0.5)
    fakereg.forget()
    g.write(nodes=node("a", source="S", **{"tag.BLD": "B"}))
    g.reload()
    up = fakereg.wait("update", "a")
    assert tags_of(payload(up)) == {"ROOM": ("str", "")}


def test_T10_private_sends_no_meta(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"}), registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost", "false")
    g.control("meta", node="a", set=[{"name": "ROOM", "value": "13", "num": False}])
    time.sleep(2)
    restart(g)
    time.sleep(2)
    for up in fakereg.got("update"):
        assert not tags_of(payload(up))


def key_cleared(iq):
    return tags_of(payload(iq)).get("KEY") == ("str", "")


def test_T11_key_is_cleared_once_after_the_delay(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid, registry_keys={"key_clear": "2s"})
    claim(fakereg, g, "a", "owner@localhost")
    at = time.monotonic()
    up = wait_until("KEY is cleared", lambda: [
        u for u in fakereg.got("update", "a") if key_cleared(u)], 15)[0]
    assert float(up.get("at")) - at > 1.0
    time.sleep(3)
    restart(g)
    time.sleep(2)
    assert len([u for u in fakereg.got("update", "a") if key_cleared(u)]) == 1


def test_T11_clearing_survives_a_restart(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid, registry_keys={"key_clear": "3s"})
    claim(fakereg, g, "a", "owner@localhost")
    g.kill()
    g.start()
    wait_until("KEY is cleared", lambda: [
        u for u in fakereg.got("update", "a") if key_cleared(u)], 20)


def test_T13_unknown_node(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    fakereg.wait("register")
    g.wait_claim("a", "unclaimed")
    for triple in (("zz", "S", None), ("a", "T", None), ("a", None, None),
                   ("a", "S", "x"), (None, None, None)):
        for name in ("claimed", "removed", "disowned"):
            more = {"jid": "owner@localhost", "public": "true"} if name == "claimed" else {}
            got = fakereg.tell(g.jid, name, *triple, **more)
            assert condition(got) == "item-not-found", (name, triple)
    assert list(g.node_list()) == ["a"]
    assert g.claim("a") == ("unclaimed", None)


@pytest.mark.parametrize("bad", ["", " jid=''", " jid='@'", " jid='a b@c'"])
def test_T13_claimed_without_an_owner(fakereg, make_gateway, bad):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    fakereg.wait("register")
    g.wait_claim("a", "unclaimed")
    got = fakereg.iq("set", g.jid, "<claimed xmlns='%s' nodeId='a' sourceId='S'%s/>"
                     % (DISCOVERY, bad))
    assert got.get("type") == "error"
    assert g.claim("a") == ("unclaimed", None)


def test_T14_same_claim_again(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost")
    for _ in range(3):
        got = fakereg.claimed(g.jid, "owner@localhost", "a", "S")
        assert got.get("type") == "result"
    assert g.claim("a") == ("public", "owner@localhost")
    assert len(fakereg.got("register")) == 1


def presence(kind):
    return lambda s: local(s) == "presence" and s.get("type") == kind


def test_T15_owner_is_a_friend(server, fakereg, make_gateway, client):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    owner = client("owner")
    claim(fakereg, g, "a", owner.bare)
    owner.presence(to=g.bare, type_="subscribe")
    owner.expect(presence("subscribed"))
    owner.expect(lambda s: local(s) == "presence" and s.get("from") == g.jid
                 and s.get("type") is None)


def test_T15_owner_was_quick(server, fakereg, make_gateway, client):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    fakereg.wait("register")
    owner = client("owner")
    owner.presence(to=g.bare, type_="subscribe")
    time.sleep(0.5)
    claim(fakereg, g, "a", owner.bare)
    owner.expect(presence("subscribed"))


def test_T16_stranger_is_no_friend(server, fakereg, make_gateway, client):
    g = make_gateway(AB, registry=fakereg.jid)
    stranger = client("stranger")
    fakereg.wait("register", "b")
    stranger.presence(to=g.bare, type_="subscribe")
    stranger.expect_nothing(2, presence("subscribed"))
    claim(fakereg, g, "a", "owner@localhost")
    stranger.presence(to=g.bare, type_="subscribe")
    stranger.expect_nothing(2, presence("subscribed"))


def test_T17_removed(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"}), registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost")
    fakereg.wait("update")
    got = fakereg.tell(g.jid, "removed", "a", "S")
    assert got.get("type") == "result" and payload(got) is None
    g.kill()
    fakereg.forget()
    g.start()
    assert g.claim("a")[0] == "removed"
    g.wait_online()
    g.control("meta", node="a", set=[{"name": "ROOM", "value": "13", "num": False}])
    time.sleep(2)
    assert not fakereg.got("update") and not fakereg.got("register")
    # only a command of the installer leads out
    g.control("reset", node="a")
    fakereg.wait("register", "a")


def test_T18_update_answered_not_found(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"}), registry=fakereg.jid)
    fakereg.wait("register")
    fakereg.answers["update"] = ("error", "item-not-found")
    fakereg.claimed(g.jid, "owner@localhost", "a", "S")
    g.wait_claim("a", "removed")
    line = wait_until("a warning", lambda: [
        x for x in g.log().splitlines()
        if x.startswith("<4>") and "a" in x and "thingbridge re" in x])[0]
    assert "register" in line or "reset" in line
    fakereg.forget()
    restart(g)
    time.sleep(1.5)
    assert not fakereg.got("register") and not fakereg.got("update")


def roster(server, g):
    """The gateway's own roster, seen through another resource."""
    with Client(server, g.user, g.password, "look", presence=False) as c:
        return c.roster()


def befriend(server, g, owner):
    owner.presence(to=g.bare, type_="subscribe")
    owner.expect(presence("subscribed"))
    wait_until("a friend", lambda: roster(server, g).get(owner.bare) in ("from", "both"))


def test_T19_disowned(server, fakereg, make_gateway, client):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    owner = client("owner")
    old = tags_of(payload(fakereg.wait("register")))["KEY"][1]
    claim(fakereg, g, "a", owner.bare)
    befriend(server, g, owner)
    fakereg.forget()
    fakereg.history.clear()
    got = fakereg.tell(g.jid, "disowned", "a", "S")
    assert got.get("type") == "result" and payload(got) is None
    new = tags_of(payload(fakereg.wait("register", "a")))
    assert new["KEY"][1] != old and len(new["KEY"][1]) >= 26
    # the acknowledgement left first
    order = [el for _, way, el in fakereg.history if way == "<" and local(el) == "iq"
             and (el.get("type") == "result" or op(el) == "register")]
    assert order[0].get("type") == "result"
    g.wait_claim("a", "unclaimed")
    assert g.claim("a")[1] is None
    wait_until("the friendship ends",
               lambda: roster(server, g).get(owner.bare) not in ("from", "both"))
    assert parse_claim_text(g.claim_text("a")) == new
    fakereg.quiet("register", 1.5)


def test_T19_new_key_is_kept(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    claim(fakereg, g, "a", "owner@localhost")
    fakereg.tell(g.jid, "disowned", "a", "S")
    g.kill()
    fakereg.forget()
    g.start()
    got = tags_of(payload(fakereg.wait("register", "a")))
    g.wait_claim("a", "unclaimed")
    assert parse_claim_text(g.claim_text("a")) == got


def test_T19_keep_the_key(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid,
                     registry_keys={"key_after_disown": "keep"})
    old = tags_of(payload(fakereg.wait("register")))
    claim(fakereg, g, "a", "owner@localhost")
    fakereg.tell(g.jid, "disowned", "a", "S")
    again = fakereg.wait("register", "a", 2)
    assert tags_of(payload(again)) == old


def test_T20_update_answered_disowned(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"}), registry=fakereg.jid)
    old = tags_of(payload(fakereg.wait("register")))["KEY"]
    fakereg.answers["update"] = DISOWNED
    fakereg.claimed(g.jid, "owner@localhost", "a", "S")
    again = fakereg.wait("register", "a", 2)
    assert tags_of(payload(again))["KEY"] != old
    g.wait_claim("a", "unclaimed")
    assert g.claim("a")[1] is None


def test_T21_other_owners_are_untouched(server, fakereg, make_gateway, client):
    g = make_gateway(AB + node("c", source="S", address=3), registry=fakereg.jid)
    o, v = client("owner"), client("rival")
    claim(fakereg, g, "a", o.bare)
    claim(fakereg, g, "b", v.bare)
    claim(fakereg, g, "c", o.bare)
    befriend(server, g, o)
    befriend(server, g, v)
    fakereg.tell(g.jid, "disowned", "a", "S")
    fakereg.wait("register", "a", 2)
    assert g.claim("b") == ("public", v.bare)
    assert g.claim("c") == ("public", o.bare)
    time.sleep(1)
    now = roster(server, g)
    assert now.get(v.bare) in ("from", "both")
    assert now.get(o.bare) in ("from", "both")  # c is still his
    fakereg.tell(g.jid, "disowned", "c", "S")
    wait_until("o is no friend any more",
               lambda: roster(server, g).get(o.bare) not in ("from", "both"))
    assert roster(server, g).get(v.bare) in ("from", "both")


def test_T22_killed_between_persist_and_ack(fakereg, make_gateway, proxy):
    g = make_gateway(NODE_A, registry=fakereg.jid, host=proxy.host)
    fakereg.wait("register")
    g.wait_claim("a", "unclaimed")
    proxy.deaf = True  # whatever the gateway says now is lost
    key = fakereg.request("set", g.jid, notice(
        "claimed", "a", "S", jid="owner@localhost", public="true"))
    g.wait_claim("a", "public")
    g.kill()
    proxy.deaf = False
    assert fakereg.pending[key] is None or fakereg.pending[key].get("type") == "error"
    fakereg.forget()
    g.start()
    g.wait_online()
    assert g.claim("a") == ("public", "owner@localhost")
    got = fakereg.claimed(g.jid, "owner@localhost", "a", "S")
    assert got.get("type") == "result"
    fakereg.quiet("register", 1.5)
    assert not fakereg.got("register")


@pytest.mark.parametrize("what", ["removed", "disowned"])
def test_T22_lost_ack_of_the_others(fakereg, make_gateway, proxy, what):
    g = make_gateway(NODE_A, registry=fakereg.jid, host=proxy.host)
    claim(fakereg, g, "a", "owner@localhost")
    proxy.deaf = True
    fakereg.request("set", g.jid, notice(what, "a", "S"))
    wait_until("no longer public", lambda: g.claim("a")[0] != "public")
    g.kill()
    proxy.deaf = False
    # the registry never heard the ack of disowned: it kept the owner
    fakereg.answers["register"] = claimed_answer("owner@localhost", public="true")
    fakereg.forget()
    g.start()
    g.wait_online()
    if what == "disowned":
        fakereg.wait("register", "a")
        g.wait_claim("a", "public")
        assert g.claim("a")[1] == "owner@localhost"
        return
    assert g.claim("a")[0] == "removed"
    assert fakereg.tell(g.jid, "removed", "a", "S").get("type") == "result"
    assert not fakereg.got("register")


def test_T23_self_owned(fakereg, make_gateway):
    g = make_gateway(node("a", source="S", self_owned="yes", **{"tag.ROOM": "12"}),
                     registry=fakereg.jid)
    reg = fakereg.wait("register")
    assert payload(reg).get("selfOwned") in ("true", "1")
    g.wait_claim("a", "self-owned")
    fakereg.answers["register"] = claimed_answer(g.bare, public="true")
    fakereg.forget()
    restart(g)
    up = fakereg.wait("update", "a")
    assert node_of(payload(up)) == ("a", "S", "")
    fakereg.quiet("register", 2)
    assert len(fakereg.got("register")) <= 1
    assert g.claim("a")[0] == "self-owned"


def test_T24_deleted_from_the_configuration(fakereg, make_gateway):
    fakereg.answers["unregister"] = None
    g = make_gateway(AB, registry=fakereg.jid)
    fakereg.wait("register", "a")
    fakereg.wait("register", "b")
    g.wait_claim("b", "unclaimed")
    g.write(nodes=NODE_A)
    g.reload()
    un = fakereg.wait("unregister")
    assert node_of(payload(un)) == ("b", "S", "")
    assert list(g.node_list()) == ["a"]
    # unanswered: sent again, also by the next run
    g.kill()
    fakereg.answers["unregister"] = ""
    g.start()
    fakereg.wait("unregister", "b", 2)
    time.sleep(1)
    fakereg.forget()
    restart(g)
    fakereg.wait("register", "a")
    fakereg.quiet("unregister", 1.5)
    assert not fakereg.got("unregister")


def test_T24_reload_leaves_the_others_alone(fakereg, make_gateway):
    g = make_gateway(AB, registry=fakereg.jid)
    fakereg.wait("register", "b")
    claim(fakereg, g, "a", "owner@localhost")
    before = g.control("status")
    fakereg.forget()
    g.write(nodes=AB + node("c", source="S", address=3))
    g.proc.hangup()
    fakereg.wait("register", "c")
    g.wait_claim("c", "unclaimed")
    assert g.claim("a") == ("public", "owner@localhost")
    assert not fakereg.got("register", "a") and not fakereg.got("register", "b")
    assert not fakereg.got("unregister")
    assert before["xmpp"] == g.control("status")["xmpp"] == "online"
    assert not [p for p in fakereg.presences if p.get("type") == "unavailable"]


def test_T24_deleted_and_back(fakereg, make_gateway):
    g = make_gateway(AB, registry=fakereg.jid)
    fakereg.wait("register", "b")
    g.wait_claim("b", "unclaimed")
    g.write(nodes=NODE_A)
    g.reload()
    fakereg.wait("unregister", "b")
    g.write(nodes=AB)
    g.reload()
    fakereg.wait("register", "b", 2)
    g.wait_claim("b", "unclaimed")
    assert list(sorted(g.node_list())) == ["a", "b"]


def test_T25_factory_reset(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    old = tags_of(payload(fakereg.wait("register")))["KEY"]
    claim(fakereg, g, "a", "owner@localhost")
    fakereg.answers["register"] = claimed_answer("owner@localhost", public="true")
    g.control("reset", node="a")
    again = fakereg.wait("register", "a", 2)
    assert tags_of(payload(again))["KEY"] != old
    g.wait_claim("a", "public")
    assert g.claim("a")[1] == "owner@localhost"


def test_T26_fifty_nodes_bounded_in_flight(fakereg, make_gateway):
    window = 8
    held = []
    fakereg.answers["register"] = lambda iq: held.append(iq)
    nodes = "".join(node("n%02d" % i, source="S", address=i + 1) for i in range(50))
    g = make_gateway(nodes, registry=fakereg.jid, xmpp_keys={"window": window})
    fakereg.wait("register", count=window)
    time.sleep(1)
    assert len(held) == window  # no more until one is answered
    fakereg.answers["register"] = ""
    for iq in list(held):
        fakereg.give(iq, "")
    wait_until("all are registered", lambda: all(
        n["claim"] == "unclaimed" for n in g.node_list().values()), 20)
    triples = [node_of(payload(r)) for r in fakereg.got("register")]
    assert sorted(triples) == [("n%02d" % i, "S", "") for i in range(50)]


@pytest.mark.slow
def test_T26_lost_answer_is_retried(fakereg, make_gateway):
    nodes = "".join(node("n%02d" % i, source="S", address=i + 1) for i in range(50))
    lost = []

    def answer(iq):
        if payload(iq).get("nodeId") == "n17" and not lost:
            lost.append(iq)
            return None
        return ""

    fakereg.answers["register"] = answer
    g = make_gateway(nodes, registry=fakereg.jid)
    again = fakereg.wait("register", "n17", 2, timeout=150)
    assert tags_of(payload(again)) == tags_of(payload(lost[0]))
    assert node_of(payload(again)) == node_of(payload(lost[0]))
    wait_until("all are registered", lambda: all(
        n["claim"] == "unclaimed" for n in g.node_list().values()), 20)
    assert len(fakereg.got("register")) == 51


@pytest.mark.parametrize("cond,type_", [
    ("bad-request", "modify"), ("resource-constraint", "wait"), ("item-not-found", "cancel")])
def test_T27_register_refused(fakereg, make_gateway, cond, type_):
    fakereg.answers["register"] = ("error", cond, type_)
    g = make_gateway(NODE_A, registry=fakereg.jid)
    fakereg.wait("register")
    time.sleep(8)
    assert len(fakereg.got("register")) <= 2  # no tight loop
    told = [x for x in g.log().splitlines() if x[:3] in ("<3>", "<4>") and cond in x]
    assert len(told) == 1, told
    assert g.claim("a")[0] in ("new", "unclaimed")


def test_T37_no_key_on_the_sticker_of_a_claimed_node(fakereg, make_gateway):
    g = make_gateway(AB, registry=fakereg.jid)
    tags = tags_of(payload(fakereg.wait("register", "b")))
    key = tags_of(payload(fakereg.wait("register", "a")))["KEY"][1]
    claim(fakereg, g, "a", "owner@localhost")
    g.wait_claim("b", "unclaimed")
    a, b = g.control("stickers", nodes=["a", "b"], kind="claim", secrets=True)["stickers"]
    assert a["text"] is None and a["key"] is None and a["why"]
    assert parse_claim_text(b["text"]) == tags
    assert key not in str(a)
    hidden = g.control("stickers", nodes=["b"], kind="claim")["stickers"][0]
    assert hidden["text"] is None and hidden["key"] is None
    status, out, err = g.ctl("stickers", "a", "-f", "text", "--show-secrets")
    assert key not in out + err and "IoTDisco" not in out
    status, out, err = g.ctl("stickers", "b", "-f", "text", "--show-secrets")
    assert status == 0 and parse_claim_text(out.strip()) == tags, err


def test_T37_key_is_never_logged(fakereg, make_gateway):
    g = make_gateway(NODE_A, registry=fakereg.jid)
    keys = [tags_of(payload(fakereg.wait("register")))["KEY"][1]]
    claim(fakereg, g, "a", "owner@localhost")
    fakereg.tell(g.jid, "disowned", "a", "S")
    keys.append(tags_of(payload(fakereg.wait("register", "a", 2)))["KEY"][1])
    g.stop()
    for key in keys + [g.password]:
        assert key not in g.log()
