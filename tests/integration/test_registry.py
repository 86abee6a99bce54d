"""The R cases: what XEP-0347 asks of the registry."""

import sqlite3
import threading
import time

import pytest

from harness import programs
from harness.procs import wait_until
from harness.wire import (
    DISCO_INFO,
    DISCOVERY,
    Client,
    attrs,
    condition,
    find_all,
    local,
    node_of,
    ns,
    payload,
    tags_xml,
    text,
)

R = "registry.localhost"
OK = "ok"
INF = "item-not-found"

K1 = [
    ("str", "SN", "394872348732948723"),
    ("str", "MAN", "www.example.org"),
    ("str", "MODEL", "IMC"),
    ("num", "V", "1.2"),
    ("str", "KEY", "4857402340298342"),
]
K2 = [("str", "SN", "2"), ("str", "KEY", "b-2222")]
A = {"nodeId": "a", "sourceId": "S"}
B = {"nodeId": "b", "sourceId": "S"}


def without(tags, *names):
    return [t for t in tags if t[1] not in names]


def element(name, tags=(), **kw):
    return "<%s xmlns='%s'%s>%s</%s>" % (name, DISCOVERY, attrs(**kw), tags_xml(list(tags)), name)


def ask(who, name, tags=(), type_="set", **kw):
    return who.iq(type_, R, element(name, tags, **kw))


def outcome(answer):
    """ "ok", the payload, or the name of the error."""
    if answer.get("type") == "error":
        return condition(answer)
    p = payload(answer)
    return OK if p is None else p


def do(who, name, tags=(), **kw):
    return outcome(ask(who, name, tags, **kw))


def shape(error):
    """An error's bytes, but for id and to."""
    assert error.get("type") == "error"
    el = next(c for c in error if local(c) == "error")
    return text(el), sorted(k for k in error.keys()), error.get("from")


def is_claimed(p, jid, node=("", "", "")):
    """The payload is <claimed/> by jid for the node."""
    assert p not in (OK, INF), p
    assert local(p) == "claimed" and ns(p) == DISCOVERY
    assert p.get("jid") == jid
    assert node_of(p) == node
    return True


def notice(who, name, timeout=10):
    """Takes the next notice of the registry."""
    iq = who.expect(name, timeout)
    assert iq.get("type") == "set"
    assert iq.get("from") == R
    assert iq.get("to") == who.jid
    return iq


def told(who, name, timeout=10):
    """Takes and acknowledges the next notice; returns its payload."""
    iq = notice(who, name, timeout)
    who.answer(iq)
    return payload(iq)


def unavailable(who):
    who.presence(to=R, type_="unavailable")


def meet(who):
    """Directed presence, as a thing sends after each login."""
    who.presence(to=R)


class Store:
    """The registry's file, read beside the running program."""

    def __init__(self, registry):
        self.path = registry.store

    def rows(self, sql, *args):
        db = sqlite3.connect("file:%s?mode=ro" % self.path, uri=True)
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()

    def things(self, jid=None):
        """[(jid, node triple, owner, public, {NAME: (kind, value)})]"""
        out = []
        for id_, j, n, s, c, owner, public in self.rows(
            "SELECT id, jid, node, source, cache, owner, public FROM thing ORDER BY id"
        ):
            if jid in (None, j):
                out.append((j, (n, s, c), owner, bool(public), self.tags(id_)))
        return out

    def tags(self, id_):
        return {
            name: ("num" if num is not None else "str", value)
            for name, num, value in self.rows(
                "SELECT name, num, value FROM tag WHERE thing = ?", id_
            )
        }

    def one(self, jid):
        """(owner, public, tags) of the only record of jid."""
        found = self.things(jid)
        assert len(found) == 1, found
        return found[0][2:]

    def notices(self):
        return self.rows("SELECT jid, node FROM notice")


@pytest.fixture
def store(registry):
    return Store(registry)


@pytest.fixture
def T(client, registry):
    return client("thing", "a")


@pytest.fixture
def G(client, registry):
    return client("rack", "gw")


@pytest.fixture
def O(client, registry):  # noqa: E743
    return client("owner", "cli")


@pytest.fixture
def V(client, registry):
    return client("rival", "x")


def claimed_thing(T, O, public=None, meet_first=True):
    """R06 or R07: O owns T, which knows."""
    if meet_first:
        meet(T)
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1, public=public), T.bare)
    assert told(T, "claimed").get("jid") == O.bare


def concentrator(G):
    """R22: two nodes."""
    assert do(G, "register", K1, **A) == OK
    assert do(G, "register", K2, **B) == OK


def as_dict(tags):
    return {n.upper(): (k, v) for k, n, v in tags}


# ------------------------------------------------------------- registration


def test_R01_disco_info(O):
    got = O.iq("get", R, "<query xmlns='%s'/>" % DISCO_INFO)
    features = {f.get("var") for f in find_all(got, "feature")}
    assert {DISCOVERY, DISCO_INFO} <= features
    assert "urn:xmpp:iot:provisioning" in features
    assert find_all(got, "identity")


def test_R02_register(T, store):
    assert do(T, "register", K1) == OK
    assert store.one(T.bare) == (None, False, as_dict(K1))


def test_R03_register_replaces(T, O, store):
    fewer = without(K1, "MODEL", "V", "KEY")
    assert do(T, "register", K1) == OK
    assert do(T, "register", fewer) == OK
    assert store.one(T.bare)[2] == as_dict(fewer)
    assert do(O, "mine", K1) == INF
    is_claimed(do(O, "mine", fewer), T.bare)


def test_R04_other_resource(server, registry, client, O, store):
    user, password = server.new_account("thing")
    with Client(server, user, password, "a") as a, Client(server, user, password, "b") as b:
        assert do(a, "register", K1) == OK
        assert do(b, "register", K1) == OK
        assert len(store.things(a.bare)) == 1
        is_claimed(do(O, "mine", K1), a.bare)
        told(b, "claimed")
        a.expect_nothing(0.5, "claimed")


def test_R04_newest_available_when_the_last_is_gone(server, registry, O):
    user, password = server.new_account("thing")
    with Client(server, user, password, "a") as a:
        with Client(server, user, password, "b") as b:
            meet(a)
            meet(b)
            assert do(b, "register", K1) == OK
        is_claimed(do(O, "mine", K1), a.bare)
        told(a, "claimed")


def test_R05_names_ignore_case(T, O):
    mixed = [("str", "sn", "1"), ("str", "Man", "x"), ("num", "v", "2"), ("str", "kEy", "k")]
    assert do(T, "register", mixed) == OK
    is_claimed(do(O, "mine", [(k, n.upper(), v) for k, n, v in mixed]), T.bare)


# -------------------------------------------------------------------- claim


def test_R06_claim(T, O, store):
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1), T.bare)
    p = told(T, "claimed")
    assert p.get("jid") == O.bare
    assert p.get("public") == "true"
    assert node_of(p) == ("", "", "") and "nodeId" not in p.attrib
    assert store.one(T.bare)[:2] == (O.bare, True)


def test_R07_private(T, O, store):
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1, public="false"), T.bare)
    assert told(T, "claimed").get("public") == "false"
    assert store.one(T.bare)[:2] == (O.bare, False)


def test_R08_order_of_tags(T, O):
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1[::-1]), T.bare)


WRONG = {
    "R09_without_key": without(K1, "KEY"),
    "R10_one_more": K1 + [("str", "ROOM", "1")],
    "R11_wrong_key": without(K1, "KEY") + [("str", "KEY", "4857402340298343")],
    "R12_other_type": without(K1, "V") + [("str", "V", "1.2")],
    "R14_other_case": without(K1, "MODEL") + [("str", "MODEL", "imc")],
}


@pytest.mark.parametrize("tags", WRONG.values(), ids=WRONG.keys())
def test_R09_to_R14_no_match(T, O, store, tags):
    assert do(T, "register", K1) == OK
    got = ask(O, "mine", tags)
    assert outcome(got) == INF
    assert next(c for c in got if local(c) == "error").get("type") == "cancel"
    T.expect_nothing(0.5, "iq")
    assert store.one(T.bare) == (None, False, as_dict(K1))


def test_R11_R15_all_failures_look_the_same(T, O, V):
    assert do(T, "register", K1) == OK
    reference = shape(ask(O, "mine", WRONG["R09_without_key"]))
    for tags in list(WRONG.values()) + [[], K2]:
        assert shape(ask(O, "mine", tags)) == reference
    is_claimed(do(O, "mine", K1), T.bare)
    assert shape(ask(V, "mine", K1)) == reference


@pytest.mark.parametrize("value", ["1.20", "12e-1", "+1.2", " 1.2 ", "0.12E1"])
def test_R13_numbers_are_compared(T, O, value):
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", without(K1, "V") + [("num", "V", value)]), T.bare)


def test_R15_a_rival(T, O, V, store):
    claimed_thing(T, O)
    assert do(V, "mine", K1) == INF
    T.expect_nothing(0.5, "iq")
    assert store.one(T.bare)[0] == O.bare


def test_R16_claim_again(T, O, store):
    claimed_thing(T, O)
    is_claimed(do(O, "mine", K1), T.bare)
    T.expect_nothing(0.5, "claimed")
    is_claimed(do(O, "mine", K1, public="false"), T.bare)
    assert told(T, "claimed").get("public") == "false"
    assert store.one(T.bare)[:2] == (O.bare, False)


def test_R17_register_when_claimed(T, O, store):
    claimed_thing(T, O)
    p = do(T, "register", K2)
    is_claimed(p, O.bare)
    assert p.get("public") == "true"
    assert store.one(T.bare) == (O.bare, True, as_dict(K1))


def test_R18_register_self_owned_when_claimed(T, O, store):
    claimed_thing(T, O)
    is_claimed(do(T, "register", K2, selfOwned="true"), O.bare)
    assert store.one(T.bare) == (O.bare, True, as_dict(K1))


# --------------------------------------------------------------- self-owned


def test_R19_self_owned(T, store):
    assert do(T, "register", K1, selfOwned="true") == OK
    assert store.one(T.bare) == (T.bare, True, as_dict(K1))
    T.expect_nothing(0.5, "claimed")


def test_R20_claim_of_self_owned(T, O):
    assert do(T, "register", K1, selfOwned="true") == OK
    assert do(O, "mine", K1) == INF


def test_R21_self_owned_again(T, store):
    assert do(T, "register", K1, selfOwned="1") == OK
    is_claimed(do(T, "register", K2, selfOwned="true"), T.bare)
    assert store.one(T.bare)[2] == as_dict(K1)
    assert do(T, "update", [("str", "CLASS", "PLC")]) == OK
    assert store.one(T.bare)[2]["CLASS"] == ("str", "PLC")


# ------------------------------------------------------------- concentrator


def test_R22_two_nodes(G, store):
    concentrator(G)
    assert [(t[1], t[4]) for t in store.things(G.bare)] == [
        (("a", "S", ""), as_dict(K1)),
        (("b", "S", ""), as_dict(K2)),
    ]


def test_R23_claim_of_a_node(G, O, store):
    concentrator(G)
    p = do(O, "mine", K1)
    is_claimed(p, G.bare, ("a", "S", ""))
    assert "cacheType" not in p.attrib
    p = told(G, "claimed")
    assert p.get("jid") == O.bare
    assert node_of(p) == ("a", "S", "") and "cacheType" not in p.attrib
    assert [t[2] for t in store.things(G.bare)] == [O.bare, None]


def test_R23_node_as_filter(G, O):
    concentrator(G)
    assert do(O, "mine", K1, **B) == INF
    assert do(O, "mine", K1, nodeId="a", sourceId="T") == INF
    is_claimed(do(O, "mine", K1, **A), G.bare, ("a", "S", ""))


def test_R24_empty_attribute_is_absent(G, store):
    assert do(G, "register", K1, nodeId="a") == OK
    assert do(G, "register", K2, nodeId="a", cacheType="", sourceId="") == OK
    assert [t[4] for t in store.things(G.bare)] == [as_dict(K2)]


def test_R25_cache_types(G, store):
    assert do(G, "register", K1, nodeId="a", cacheType="x") == OK
    assert do(G, "register", K2, nodeId="a", cacheType="y") == OK
    assert len(store.things(G.bare)) == 2


def test_R26_equal_sets(T, G, O, store):
    assert do(T, "register", K1) == OK
    assert do(G, "register", K1, nodeId="a") == OK
    assert do(O, "mine", K1) == INF
    assert store.one(T.bare)[0] is None and store.one(G.bare)[0] is None


def test_R27_no_tags(T, O, store):
    assert do(T, "register", []) == OK
    for tags in ([], [("str", "KEY", "")]):
        assert do(O, "mine", tags) in (INF, "bad-request")
    assert store.one(T.bare)[0] is None


# ------------------------------------------------------------------ notices


def offline_claim(server, O):
    """R28: claimed while the thing is away; its account."""
    account = server.new_account("thing")
    with Client(server, *account, "a") as t:
        meet(t)
        assert do(t, "register", K1) == OK
    start = time.monotonic()
    is_claimed(do(O, "mine", K1), "%s@localhost" % account[0])
    assert time.monotonic() - start < 2
    return account


def test_R28_claimed_while_offline(server, O, client, store):
    account = offline_claim(server, O)
    time.sleep(0.5)
    with Client(server, *account, "other") as t:
        t.expect_nothing(0.5, "claimed")
        meet(t)
        assert told(t, "claimed", 3).get("jid") == O.bare
        wait_until("the notice is gone", lambda: not store.notices())


def test_R29_register_after_offline_claim(server, O):
    account = offline_claim(server, O)
    with Client(server, *account, "b") as t:
        t.on("claimed", t.answer)
        is_claimed(do(t, "register", K1), O.bare)
        assert do(t, "update", [("str", "CLASS", "PLC")]) == OK


def test_R30_until_a_result_comes(server, O, registry, store):
    account = server.new_account("thing")
    with Client(server, *account, "a") as t:
        meet(t)
        assert do(t, "register", K1) == OK
        is_claimed(do(O, "mine", K1), t.bare)
        t.answer_error(notice(t, "claimed"), "internal-server-error", "wait")
    with Client(server, *account, "a") as t:
        meet(t)
        notice(t, "claimed")  # never answered
    with Client(server, *account, "b") as t:
        meet(t)
        told(t, "claimed")
        wait_until("the notice is gone", lambda: not store.notices())
    with Client(server, *account, "b") as t:
        meet(t)
        assert do(t, "update", [("str", "CLASS", "PLC")]) == OK
        t.expect_nothing(1, "claimed")


# ------------------------------------------------------------------- update


def test_R31_update(T, O, store):
    claimed_thing(T, O)
    new = [("str", "KEY", ""), ("str", "CLASS", "PLC"), ("num", "LON", "-71.519722"),
           ("num", "LAT", "-33.008055")]
    assert do(T, "update", new) == OK
    want = as_dict(without(K1, "KEY") + new[1:])
    assert store.one(T.bare)[2] == want
    assert do(O, "mine", K1) == INF


def test_R32_update_unclaimed(T, store):
    assert do(T, "register", K1) == OK
    p = do(T, "update", [("str", "CLASS", "PLC")])
    assert local(p) == "disowned" and ns(p) == DISCOVERY
    assert store.one(T.bare)[2] == as_dict(K1)


def test_R32_update_unclaimed_node(G):
    concentrator(G)
    p = do(G, "update", [("str", "CLASS", "PLC")], **A)
    assert local(p) == "disowned" and node_of(p) == ("a", "S", "")


def test_R33_update_unknown(T, store):
    assert do(T, "update", [("str", "CLASS", "PLC")]) == INF
    assert store.things(T.bare) == []


def test_R34_owner_updates(T, O, store):
    claimed_thing(T, O)
    assert do(O, "update", [("str", "ROOM", "12")], jid=T.bare) == OK
    assert store.one(T.bare)[2] == as_dict(K1 + [("str", "ROOM", "12")])
    assert do(O, "update", [("str", "ROOM", "")], jid=T.bare) == OK
    assert store.one(T.bare)[2] == as_dict(K1)


def test_R35_rival_updates(T, O, V, store):
    claimed_thing(T, O)
    assert do(V, "update", [("str", "ROOM", "13")], jid=T.bare) == INF
    assert store.one(T.bare)[2] == as_dict(K1)


def test_R36_update_of_an_unclaimed_thing(T, O, store):
    assert do(T, "register", K1) == OK
    assert do(O, "update", [("str", "ROOM", "13")], jid=T.bare) == INF
    assert store.one(T.bare)[2] == as_dict(K1)


def test_R37_owner_updates_a_node(G, O, store):
    concentrator(G)
    is_claimed(do(O, "mine", K1), G.bare, ("a", "S", ""))
    assert do(O, "update", [("str", "ROOM", "1")], jid=G.bare, **A) == OK
    assert do(O, "update", [("str", "ROOM", "2")], jid=G.bare) == INF
    assert do(O, "update", [("str", "ROOM", "2")], jid=G.bare, **B) == INF
    assert store.things(G.bare)[0][4]["ROOM"] == ("str", "1")


def test_R38_resource_is_stripped(T, O):
    claimed_thing(T, O)
    assert do(O, "update", [("str", "ROOM", "1")], jid=T.bare + "/whatever") == OK


def test_R39_deleting_what_is_absent(T, O, store):
    claimed_thing(T, O)
    assert do(T, "update", [("str", "ROOM", "")]) == OK
    assert store.one(T.bare)[2] == as_dict(K1)


# ------------------------------------------------------------- tags as such


def test_R55_any_text_round_trips(T, O, store):
    tags = [
        ("str", "Q", "\"'<&>"),
        ("str", "EMOJI", "\U0001f600\u00e5"),
        ("str", "LONG", "\u6e29" * 128),
        ("str", "SPACE", " two  blanks "),
        ("num", "N", "-1.7976931348623157E308"),
        ("str", "A;B\\C=<~", "x"),
    ]
    assert do(T, "register", tags) == OK
    assert store.one(T.bare)[2] == as_dict(tags)
    is_claimed(do(O, "mine", tags), T.bare)


BAD = {
    "name of 33": [("str", "N" * 33, "1")],
    "value of 129": [("str", "SN", "\u6e29" * 129)],
    "colon": [("str", "S:N", "1")],
    "hash": [("str", "S#N", "1")],
    "blank": [("str", "S N", "1")],
    "no name": [("str", "", "1")],
    "twice": [("str", "SN", "1"), ("str", "sn", "2")],
    "NaN": [("num", "V", "NaN")],
    "no number": [("num", "V", "1,5")],
    "65 tags": [("str", "T%d" % i, "1") for i in range(65)],
}


@pytest.mark.parametrize("tags", BAD.values(), ids=BAD.keys())
def test_R56_bad_tags(T, store, tags):
    got = ask(T, "register", tags + [("str", "KEY", "4857402340298342")])
    assert outcome(got) == "bad-request"
    assert next(c for c in got if local(c) == "error").get("type") == "modify"
    assert find_all(got, "text")
    assert "4857402340298342" not in text(got)
    assert store.things(T.bare) == []


def test_R56_bad_key_is_not_repeated(T, registry):
    got = ask(T, "register", [("str", "KEY", "secret-" * 20)])
    assert outcome(got) == "bad-request"
    assert "KEY" in text(got) and "secret-" not in text(got)
    assert "secret-" not in registry.log()


# ------------------------------------------------------ remove, unregister


def test_R57_remove(T, O, store):
    claimed_thing(T, O)
    assert do(O, "remove", jid=T.bare) == OK
    told(T, "removed")
    assert store.things() == []
    assert do(T, "update", [("str", "CLASS", "PLC")]) == INF
    wait_until("the notice is gone", lambda: not store.notices())


def test_R57_remove_of_a_node(G, O, store):
    concentrator(G)
    is_claimed(do(O, "mine", K1), G.bare, ("a", "S", ""))
    told(G, "claimed")
    assert do(O, "remove", jid=G.bare) == INF
    assert do(O, "remove", jid=G.bare, **A) == OK
    assert node_of(told(G, "removed")) == ("a", "S", "")
    assert [t[1] for t in store.things(G.bare)] == [("b", "S", "")]


def test_R57_claimed_comes_before_removed(server, O):
    account = offline_claim(server, O)
    assert do(O, "remove", jid="%s@localhost" % account[0]) == OK
    with Client(server, *account, "b") as t:
        meet(t)
        first = notice(t, "claimed")
        t.expect_nothing(1, "removed")
        t.answer(first)
        told(t, "removed")


def test_R58_remove_by_others(T, O, V, store):
    claimed_thing(T, O)
    assert do(V, "remove", jid=T.bare) == INF
    assert do(O, "remove", jid="nobody@localhost") == INF
    assert store.one(T.bare)[0] == O.bare
    T.expect_nothing(0.3, "removed")


def test_R59_remove_while_offline(server, O, store):
    account = offline_claim(server, O)
    start = time.monotonic()
    assert do(O, "remove", jid="%s@localhost" % account[0]) == OK
    assert time.monotonic() - start < 2
    assert store.things() == []


def test_R59_removed_is_void_once_it_registers(server, O, store):
    account = offline_claim(server, O)
    assert do(O, "remove", jid="%s@localhost" % account[0]) == OK
    with Client(server, *account, "b", presence=False) as t:
        assert do(t, "register", K1) == OK
        assert store.notices() == []
        meet(t)
        t.expect_nothing(1, "removed")


def test_R60_remove_private(T, O, store):
    claimed_thing(T, O, public="false")
    assert do(O, "remove", jid=T.bare) == OK
    told(T, "removed")
    assert store.things() == []


def test_R61_unregister(T, O, V, store):
    claimed_thing(T, O)
    assert do(T, "unregister") == OK
    assert store.things() == []
    assert do(O, "update", [("str", "ROOM", "1")], jid=T.bare) == INF
    assert do(O, "disown", jid=T.bare) == INF
    assert do(T, "register", K1) == OK
    is_claimed(do(V, "mine", K1), T.bare)


def test_R62_unregister_unknown(T):
    assert do(T, "unregister") == OK
    assert do(T, "unregister", nodeId="zz") == OK


def test_R63_unregister_a_node(G, store):
    concentrator(G)
    assert do(G, "unregister", **A) == OK
    assert [t[1] for t in store.things(G.bare)] == [("b", "S", "")]


def test_R64_unregister_of_another(T, V, store):
    assert do(T, "register", K1) == OK
    assert do(V, "unregister", jid=T.bare) == OK
    assert store.one(T.bare)[2] == as_dict(K1)


# ------------------------------------------------------------------- disown


def start_disown(O, T):
    return O.request("set", R, element("disown", jid=T.bare))


def test_R65_disown_order(T, O):
    claimed_thing(T, O)
    key = start_disown(O, T)
    iq = notice(T, "disowned")
    time.sleep(0.5)
    assert O.pending[key] is None
    T.answer(iq)
    assert outcome(O.wait_answer(key)) == OK


def disowned(T, O):
    key = start_disown(O, T)
    told(T, "disowned")
    assert outcome(O.wait_answer(key)) == OK


def test_R66_after_disown(T, O, V, store):
    claimed_thing(T, O)
    keys = []
    for _ in range(2):
        disowned(T, O)
        owner, public, tags = store.one(T.bare)
        assert owner is None and not public
        assert list(tags) == ["KEY"] and tags["KEY"][0] == "str"
        keys.append(tags["KEY"][1])
        assert len(keys[-1]) >= 26
        assert do(O, "mine", K1) == INF
        assert local(do(T, "update", [("str", "CLASS", "PLC")])) == "disowned"
        assert do(O, "disown", jid=T.bare) == INF
        assert do(T, "register", K1) == OK
        is_claimed(do(O, "mine", K1), T.bare)
        told(T, "claimed")
    assert keys[0] != keys[1]


def test_R67_disown_while_offline(server, O, store):
    account = server.new_account("thing")
    with Client(server, *account, "a") as t:
        claimed_thing(t, O)
    time.sleep(0.3)
    bare = "%s@localhost" % account[0]
    got = ask(O, "disown", jid=bare)
    assert outcome(got) == "not-allowed"
    assert next(c for c in got if local(c) == "error").get("type") == "cancel"
    assert store.one(bare) == (O.bare, True, as_dict(K1))


def test_R67_offline_without_presence(server, O, store):
    account = server.new_account("thing")
    with Client(server, *account, "a", presence=False) as t:
        claimed_thing(t, O, meet_first=False)
    assert do(O, "disown", jid="%s@localhost" % account[0]) == "not-allowed"


def test_R68_disown_refused(T, O, store):
    claimed_thing(T, O)
    key = start_disown(O, T)
    T.answer_error(notice(T, "disowned"), "internal-server-error", "wait")
    assert outcome(O.wait_answer(key)) == "not-allowed"
    assert store.one(T.bare) == (O.bare, True, as_dict(K1))


def test_R69_disown_unanswered(T, O, V, store):
    claimed_thing(T, O)
    start = time.monotonic()
    key = start_disown(O, T)
    iq = notice(T, "disowned")
    assert outcome(O.wait_answer(key, 5)) == "not-allowed"
    assert time.monotonic() - start < 5
    T.answer(iq)
    time.sleep(0.5)
    assert store.one(T.bare) == (O.bare, True, as_dict(K1))


def test_R69_answer_of_another_does_not_count(T, O, V, store):
    claimed_thing(T, O)
    key = start_disown(O, T)
    iq = notice(T, "disowned")
    V.send("<iq type='result' to='%s' id='%s'/>" % (R, iq.get("id")))
    time.sleep(1)
    assert O.pending[key] is None
    assert store.one(T.bare)[0] == O.bare
    T.answer_error(iq, "service-unavailable")


def test_R70_disown_by_a_rival(T, O, V, store):
    claimed_thing(T, O)
    assert do(V, "disown", jid=T.bare) == INF
    T.expect_nothing(0.5, "disowned")
    assert store.one(T.bare)[0] == O.bare


def test_R71_disown_twice_and_register(T, O, store):
    claimed_thing(T, O)
    first = start_disown(O, T)
    iq = notice(T, "disowned")
    second = start_disown(O, T)
    late = T.request("set", R, element("register", K2))
    T.expect_nothing(1, "disowned")
    T.answer(iq)
    assert outcome(O.wait_answer(first)) == OK
    assert outcome(O.wait_answer(second)) == OK
    assert outcome(T.wait_answer(late)) == OK
    assert store.one(T.bare) == (None, False, as_dict(K2))


def test_R71_register_while_a_disown_fails(T, O, store):
    claimed_thing(T, O)
    first = start_disown(O, T)
    iq = notice(T, "disowned")
    late = T.request("set", R, element("register", K2))
    T.answer_error(iq, "service-unavailable")
    assert outcome(O.wait_answer(first)) == "not-allowed"
    is_claimed(outcome(T.wait_answer(late)), O.bare)
    assert store.one(T.bare) == (O.bare, True, as_dict(K1))


def test_R71_unregister_while_disowned(T, O, store):
    claimed_thing(T, O)
    first = start_disown(O, T)
    iq = notice(T, "disowned")
    assert do(T, "unregister") == OK
    T.answer(iq)
    assert outcome(O.wait_answer(first)) == INF
    assert store.things() == []


# -------------------------------------------------- presence, types, errors


def presence_of(type_):
    return lambda el: local(el) == "presence" and el.get("type") == type_ and el.get("from") == R


def test_R72_subscription(T):
    T.presence(to=R, type_="subscribe")
    T.expect(presence_of("subscribed"))
    T.expect(presence_of("subscribe"))
    T.presence(to=R, type_="subscribed")
    T.presence(to=R, type_="unsubscribe")
    wait_until("no subscription", lambda: T.roster().get(R, "none") == "none")


def test_R72_subscribed_thing_is_found_again(server, registry, O, store):
    """After a restart the registry asks where its friends are."""
    account = server.new_account("thing")
    with Client(server, *account, "a") as t:
        t.presence(to=R, type_="subscribe")
        t.expect(presence_of("subscribe"))
        t.presence(to=R, type_="subscribed")
        assert do(t, "register", K1) == OK
    registry.stop()
    with Client(server, *account, "b"):
        pass
    with Client(server, *account, "c") as t:
        registry.start()
        is_claimed(do(O, "mine", K1), t.bare)
        told(t, "claimed")


def test_R72_probe_is_answered(component, registry):
    c = component("evil.localhost")
    c.presence(to=R, type_="probe", from_="evil.localhost")
    got = c.expect("presence")
    assert got.get("from") == R and got.get("type") is None


def test_R73_get_is_taken_when_lenient(T, O):
    assert do(T, "register", K1, type_="get") == OK
    is_claimed(do(O, "mine", K1, type_="get"), T.bare)
    told(T, "claimed")
    key = O.request("get", R, element("disown", jid=T.bare))
    told(T, "disowned")
    assert outcome(O.wait_answer(key)) == OK
    assert do(T, "register", K1, type_="get") == OK
    is_claimed(do(O, "mine", K1), T.bare)
    assert do(O, "remove", jid=T.bare, type_="get") == OK


def test_R73_get_is_refused_when_strict(server, client, tmp):
    reg = programs.Registry(server, tmp / "strict", lenient="no")
    T = client("thing", "a")
    assert do(T, "register", K1, type_="get") == "feature-not-implemented"
    assert do(T, "register", K1) == OK
    reg.stop()


def test_R74_what_is_unknown(O):
    assert do(O, "frobnicate") == "feature-not-implemented"
    assert outcome(O.iq("set", R, "<x xmlns='urn:example:none'/>")) == "service-unavailable"
    assert outcome(O.iq("get", R, "<x xmlns='urn:example:none'/>")) == "service-unavailable"
    assert outcome(O.iq("set", R, "")) == "bad-request"
    two = element("unregister") + element("unregister")
    assert outcome(O.iq("set", R, two)) == "bad-request"


def test_R74_malformed(T, O):
    assert do(O, "remove") == "bad-request"
    assert do(O, "disown", jid="@") == "bad-request"
    assert do(T, "register", K1, selfOwned="maybe") == "bad-request"
    assert do(O, "mine", K1, public="maybe") == "bad-request"


def test_R75_notices_to_the_registry(T, O, store):
    claimed_thing(T, O)
    for name in ("claimed", "disowned", "removed"):
        kw = {"jid": "rival@localhost"} if name == "claimed" else {}
        assert do(T, name, **kw) in ("feature-not-implemented", "bad-request")
    assert store.one(T.bare) == (O.bare, True, as_dict(K1))


# ------------------------------------------------------- crash, race, smack


def test_R76_killed_after_the_answer(T, O, registry, store):
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1), T.bare)
    registry.kill()
    T.drain()
    assert store.one(T.bare)[:2] == (O.bare, True)
    registry.start()
    assert told(T, "claimed").get("jid") == O.bare
    wait_until("the notice is gone", lambda: not store.notices())
    is_claimed(do(O, "mine", K1), T.bare)


def test_R76_stopped_and_started(T, O, registry, store):
    claimed_thing(T, O)
    wait_until("the notice is gone", lambda: not store.notices())
    registry.stop()
    registry.start()
    assert store.one(T.bare) == (O.bare, True, as_dict(K1))
    T.expect_nothing(0.5, "claimed")
    disowned(T, O)


def test_R77_many_register(G, registry, store):
    n = 1000
    start = time.monotonic()
    keys = [
        G.request("set", R, element("register", [("str", "SN", str(i)), ("str", "KEY", "k%d" % i)],
                                    nodeId="n%d" % i))
        for i in range(n)
    ]
    assert all(outcome(G.wait_answer(k, 60)) == OK for k in keys)
    assert time.monotonic() - start < 20
    assert len(store.things(G.bare)) == n


def test_R78_race(T, O, V, store):
    for _ in range(5):
        assert do(T, "register", K1) == OK
        gate, got = threading.Barrier(2), {}

        def claim(who):
            gate.wait()
            got[who.bare] = do(who, "mine", K1)

        threads = [threading.Thread(target=claim, args=(w,)) for w in (O, V)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        lost = [w for w, p in got.items() if p == INF]
        assert len(lost) == 1
        winner = ({O.bare, V.bare} - set(lost)).pop()
        is_claimed(got[winner], T.bare)
        assert store.one(T.bare)[0] == winner
        assert told(T, "claimed").get("jid") == winner
        assert do(T, "unregister") == OK


def test_R79_requests_as_get_after_subscribe(client, registry):
    T, O = client("thing", "Smack"), client("owner", "Smack")
    T.presence(to=R, type_="subscribe")
    start = time.monotonic()
    assert do(T, "register", K1, type_="get") == OK
    p = do(O, "mine", K1, type_="get", public="true")
    is_claimed(p, T.bare)
    told(T, "claimed")
    key = O.request("get", R, element("disown", jid=T.bare))
    told(T, "disowned")
    assert outcome(O.wait_answer(key, 5)) == OK
    assert do(T, "unregister") == OK
    assert time.monotonic() - start < 5


# ------------------------------------------------------ the program as such


def test_require_key(server, client, tmp):
    reg = programs.Registry(server, tmp / "key", require_key="yes")
    T = client("thing", "a")
    assert do(T, "register", without(K1, "KEY")) == "bad-request"
    assert do(T, "register", K1) == OK
    assert do(T, "register", without(K1, "KEY"), selfOwned="true") == OK
    reg.stop()


def test_limit_of_tags(server, client, tmp):
    reg = programs.Registry(server, tmp / "few", tags="5")
    T, O = client("thing", "a"), client("owner", "cli")
    assert do(T, "register", K1 + [("str", "ROOM", "1")]) == "bad-request"
    claimed_thing(T, O)
    assert do(T, "update", [("str", "ROOM", "1")]) == "bad-request"
    assert do(T, "update", [("str", "ROOM", "1"), ("str", "KEY", "")]) == OK
    reg.stop()


def test_key_is_never_logged(T, O, registry):
    claimed_thing(T, O)
    do(O, "mine", WRONG["R11_wrong_key"])
    disowned(T, O)
    assert "4857402340298342" not in registry.log()
    assert "4857402340298343" not in registry.log()
    assert "secret-of" not in registry.log()


def test_failed_commit_is_no_success(T, O, registry, store):
    """Another program holds the file: nobody is told that it was stored."""
    assert do(T, "register", K1) == OK
    db = sqlite3.connect(registry.store, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    assert do(O, "mine", K1) == "internal-server-error"
    db.execute("ROLLBACK")
    db.close()
    assert store.one(T.bare)[0] is None
    T.expect_nothing(0.3, "claimed")
    is_claimed(do(O, "mine", K1), T.bare)
    told(T, "claimed")


def test_command_line(registry):
    exe = registry.bin / "thingregistryd"
    assert programs.run([exe, "--help"])[0] == 0
    assert programs.run([exe, "--version"])[1].startswith("thingregistryd ")
    assert "[component]" in programs.run([exe, "--help-config"])[1]
    assert programs.run([exe])[0] == 2
    assert programs.run([exe, "-x"])[0] == 2
    assert programs.run([exe, "-n", "-c", registry.conf])[0] == 0
    status, out, _ = programs.run([exe, "-p", "-c", registry.conf])
    assert status == 0 and R in out and "secret-of" not in out
    assert programs.run([exe, "-n", "-c", "/nonexistent"])[0] != 0


def test_store_that_cannot_be_opened(registry, tmp):
    bad = tmp / "bad.conf"
    (tmp / "secrets").mkdir()
    (tmp / "secrets/registry-secret").write_text("x\n")
    (tmp / "secrets/registry-secret").chmod(0o600)
    (tmp / "junk.db").write_bytes(b"this is no database, but a text" * 100)
    for path, hint in (("/nonexistent/r.db", "directory"), (str(tmp / "junk.db"), "damaged")):
        bad.write_text(registry.conf.read_text().replace(str(registry.store), path))
        status, _, err = programs.run([registry.bin / "thingregistryd", "-c", bad])
        assert status not in (0, 78) and path in err and hint in err
