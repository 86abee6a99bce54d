"""What XEP-0347 asks of a search: the registry's answers (R40 to R54, R77, and
the search parts of R19 and R31), and the owner's tool (O10, O11)."""

import contextlib
import json
import sqlite3
import time

import pytest

from harness import programs
from harness.wire import DISCOVERY, attrs, find_all, local, node_of, payload, tags_of, text
from test_registry import (
    A,
    G,
    K1,
    O,
    OK,
    R,
    T,
    as_dict,
    claimed_thing,
    concentrator,
    do,
    is_claimed,
    outcome,
    told,
    without,
)

__all__ = ["G", "O", "T"]  # fixtures


@pytest.fixture
def S(client, registry):
    return client("cur", "y")


def op(element, **kw):
    return "<%s%s/>" % (element, attrs(**kw))


def search_xml(*ops, **kw):
    return "<search xmlns='%s'%s>%s</search>" % (DISCOVERY, attrs(**kw), "".join(ops))


def search(who, *ops, **kw):
    """(things, more) of a search that is answered."""
    answer = who.iq("get", R, search_xml(*ops, **kw))
    assert answer.get("type") == "result", text(answer)
    p = payload(answer)
    assert local(p) == "found" and p.get("more") in (None, "true", "false")
    return find_all(p, "thing"), p.get("more") == "true"


def refused(who, *ops, **kw):
    """The name and type of the error."""
    answer = who.iq("get", R, search_xml(*ops, **kw))
    error = next((c for c in answer if local(c) == "error"), None)
    return outcome(answer), None if error is None else error.get("type")


def nothing(who, *ops):
    assert search(who, *ops) == ([], False)


def nodes(who, *ops, **kw):
    """The nodeIds of what is found, in order."""
    return [t.get("nodeId") for t in search(who, *ops, **kw)[0]]


def stock(G, things):
    """Self-owned nodes of one concentrator: {node: tags}."""
    for node, tags in things.items():
        assert do(G, "register", tags, nodeId=node, selfOwned="true") == OK


MODEL = op("strEq", name="MODEL", value="IMC")


# ------------------------------------------------------------ what is found


def test_R19_self_owned_is_found_at_once(T, S):
    assert do(T, "register", K1, selfOwned="true") == OK
    (thing,), more = search(S, MODEL)
    assert thing.get("owner") == T.bare and thing.get("jid") == T.bare
    assert not more


def test_R31_what_was_updated_is_found(T, O, S):
    claimed_thing(T, O)
    lat = op("numRange", name="LAT", min="-34", max="-33")
    lon = op("numRange", name="LON", min="-72", max="-71")
    nothing(S, lat, lon)
    new = [("str", "CLASS", "PLC"), ("num", "LON", "-71.519722"), ("num", "LAT", "-33.008055")]
    assert do(T, "update", new + [("str", "KEY", "")]) == OK
    (thing,), _ = search(S, lat, lon, op("strEq", name="class", value="PLC"))
    assert tags_of(thing) == as_dict(without(K1, "KEY") + new)


def test_R31_what_moved_is_found_there_alone(T, O, S):
    claimed_thing(T, O)
    here = [op("numRange", name=n, min="10", max="11") for n in ("LAT", "LON")]
    there = [op("numRange", name=n, min="20", max="21") for n in ("LAT", "LON")]
    for at, here, there in (("10.5", here, there), ("20.5", there, here)):
        assert do(T, "update", [("num", "LAT", at), ("num", "LON", at)]) == OK
        assert len(search(S, *here)[0]) == 1
        nothing(S, *there)
    assert do(T, "update", [("str", "LAT", "")]) == OK
    nothing(S, *there)


def test_R40_found(T, O, S):
    claimed_thing(T, O)
    (thing,), more = search(S, MODEL)
    assert (thing.get("owner"), thing.get("jid")) == (O.bare, T.bare)
    assert node_of(thing) == ("", "", "") and "nodeId" not in thing.attrib
    assert tags_of(thing) == as_dict(without(K1, "KEY"))
    assert not more


def test_R40_behind_a_concentrator(G, O, S):
    concentrator(G)
    is_claimed(do(O, "mine", K1), G.bare, ("a", "S", ""))
    (thing,), _ = search(S, MODEL)
    assert thing.get("jid") == G.bare and node_of(thing) == ("a", "S", "")
    assert "cacheType" not in thing.attrib


def test_R41_unclaimed_private_removed_are_not_found(T, G, O, S):
    assert do(T, "register", K1) == OK
    nothing(S, MODEL)
    is_claimed(do(O, "mine", K1, public="false"), T.bare)
    nothing(S, MODEL)
    assert do(G, "register", K1, selfOwned="true", **A) == OK
    assert nodes(S, MODEL) == ["a"]
    assert do(G, "unregister", **A) == OK
    nothing(S, MODEL)


def test_R41_removed(T, O, S):
    claimed_thing(T, O)
    assert len(search(S, MODEL)[0]) == 1
    assert do(O, "remove", jid=T.bare) == OK
    nothing(S, MODEL)
    told(T, "removed")


def test_R42_key_finds_nothing(T, O, S):
    claimed_thing(T, O)
    for name in ("KEY", "key", "Key", "kEy"):
        for ops in (
            [op("strEq", name=name, value="4857402340298342")],
            [op("strNEq", name=name, value="x")],
            [op("strMask", name=name, value="*", wildcard="*")],
            [op("strRange", name=name, min="", max="zzz")],
            [op("strNRange", name=name, min="a", max="b")],
            [op("numNEq", name=name, value="1")],
            [MODEL, op("strGtEq", name=name, value="")],
        ):
            nothing(S, *ops)
    assert len(search(S, MODEL)[0]) == 1


def test_R43_a_tag_that_nobody_has(T, O, S):
    claimed_thing(T, O)
    for o in ("strEq", "strNEq", "strGt", "strGtEq", "strLt", "strLtEq"):
        nothing(S, op(o, name="NOBODY", value="1"))
        nothing(S, MODEL, op(o, name="NOBODY", value="1"))
    for o in ("numEq", "numNEq", "numGt", "numGtEq", "numLt", "numLtEq"):
        nothing(S, op(o, name="NOBODY", value="1"))
    for o in ("strRange", "strNRange", "numRange", "numNRange"):
        nothing(S, op(o, name="NOBODY", min="1", max="2"))
    nothing(S, op("strMask", name="NOBODY", value="*", wildcard="*"))


# -------------------------------------------------------------- operators


@pytest.fixture
def versions(G):
    stock(G, {"1": [("num", "V", "1")], "2": [("num", "V", "2.0")], "3": [("num", "V", "3")],
              "none": [("str", "SN", "1")]})


@pytest.fixture
def classes(G):
    stock(G, {c: [("str", "CLASS", c)] for c in "ABCDE"})


def test_R44_comparisons_of_numbers(versions, S):
    for name, want in (("Eq", "2"), ("NEq", "13"), ("Gt", "3"), ("GtEq", "23"),
                       ("Lt", "1"), ("LtEq", "12")):
        for two in ("2", "2.00", "0.2e1"):
            assert nodes(S, op("num" + name, name="v", value=two)) == list(want), name


def test_R44_comparisons_of_strings(classes, S):
    for name, want in (("Eq", "C"), ("NEq", "ABDE"), ("Gt", "DE"), ("GtEq", "CDE"),
                       ("Lt", "AB"), ("LtEq", "ABC")):
        assert nodes(S, op("str" + name, name="CLASS", value="C")) == list(want), name


FLAGS = [("true", "true"), ("true", "false"), ("false", "true"), ("false", "false"),
         (None, None), ("1", "0")]


def test_R45_ranges_of_numbers(versions, S):
    for (low, high), want in zip(FLAGS, ("123", "12", "23", "2", "123", "12")):
        assert nodes(S, op("numRange", name="V", min="1", max="3", minIncluded=low,
                           maxIncluded=high)) == list(want)
    assert nodes(S, op("numRange", name="V", min="-INF", max="INF")) == list("123")


def test_R46_outside_of_ranges_of_numbers(versions, S):
    for (low, high), want in (((None, None), "3"), (("true", "true"), "3"),
                              (("false", "false"), "123"), (("false", "true"), "13"),
                              (("true", "false"), "23")):
        assert nodes(S, op("numNRange", name="V", min="1", max="2", minIncluded=low,
                           maxIncluded=high)) == list(want)


def test_R47_ranges_of_strings(classes, S):
    assert nodes(S, op("strRange", name="CLASS", min="B", max="D")) == list("BCD")
    assert nodes(S, op("strNRange", name="CLASS", min="C", max="E", minIncluded="false",
                       maxIncluded="false")) == list("ABCE")
    assert nodes(S, op("strNRange", name="CLASS", min="C", max="E",
                       minIncluded="false")) == list("ABC")


@pytest.fixture
def serials(G):
    stock(G, {n: [("str", "SN", n)] for n in ("394871", "394882", "xx39487")})


def test_R48_masks_are_anchored(serials, S):
    def mask(value, wildcard="*"):
        return nodes(S, op("strMask", name="SN", value=value, wildcard=wildcard))

    assert mask("39487*") == ["394871"]
    assert mask("*39487") == ["xx39487"]
    assert mask("*39487*") == ["394871", "xx39487"]
    assert mask("394871") == ["394871"]
    assert mask("3*8*") == ["394871", "394882"]


def test_R49_any_wildcard(G, S):
    values = ["394871", "a*b", "axb", "a_b", "a%b", "a[x]b", "a**b", "A*B", "a\\b", "a'b"]
    stock(G, {str(i): [("str", "SN", v)] for i, v in enumerate(values)})

    def mask(value, wildcard):
        return [values[int(n)] for n in
                nodes(S, op("strMask", name="SN", value=value, wildcard=wildcard))]

    assert mask("%4%", "%") == ["394871"]
    assert mask("a*b", "%") == ["a*b"]
    assert mask("a_b", "*") == ["a_b"]
    assert mask("a%b", "*") == ["a%b"]
    assert mask("a[x]b", "*") == ["a[x]b"]
    assert mask("a\\b", "*") == ["a\\b"]
    assert mask("a'b", "*") == ["a'b"]
    assert mask("a**b", "**") == values[1:7] + values[8:]
    assert mask("a*b", "**") == ["a*b"]
    assert mask("ANYAany", "any") == []
    assert mask("aWILDb", "WILD") == values[1:7] + values[8:]


def test_R50_types(G, S):
    stock(G, {"num": [("num", "V", "1")], "str": [("str", "V", "1")]})
    assert nodes(S, op("strEq", name="V", value="1")) == ["str"]
    assert nodes(S, op("numEq", name="V", value="1")) == ["num"]
    assert nodes(S, op("strNEq", name="V", value="x")) == ["str"]
    assert nodes(S, op("numNEq", name="V", value="7")) == ["num"]
    nothing(S, op("strEq", name="V", value="1"), op("numEq", name="V", value="1"))


def test_R51_all_must_hold(T, O, S):
    claimed_thing(T, O)
    man = op("strEq", name="MAN", value="www.example.org")
    assert len(search(S, MODEL, man, op("numLt", name="V", value="2"))[0]) == 1
    nothing(S, MODEL, man, op("numGt", name="V", value="2"))


# ------------------------------------------------------------------ paging


def test_R52_pages(server, tmp, client):
    registry = programs.Registry(server, tmp / "registry", max_count=20)
    G, S = client("rack"), client("cur")
    stock(G, {"n%02d" % i: [("str", "MODEL", "IMC")] for i in range(25)})
    seen = []
    for offset, count, n, more in ((0, 10, 10, True), (10, 10, 10, True), (20, 10, 5, False),
                                   (25, 10, 0, False), (30, 10, 0, False),
                                   (10**30, 10, 0, False)):
        things, is_more = search(S, MODEL, offset=offset, maxCount=count)
        assert (len(things), is_more) == (n, more), offset
        seen += [t.get("nodeId") for t in things]
    assert seen == ["n%02d" % i for i in range(25)]
    assert search(S, MODEL, maxCount=1000)[1]
    assert nodes(S, MODEL, maxCount=1000) == seen[:20]
    assert nodes(S, MODEL, maxCount=10**30) == seen[:20]
    registry.stop()


def test_R52_large_things_come_in_smaller_pages(G, S):
    tags = [("str", "T%02d" % i, "<&" * 64) for i in range(30)]
    stock(G, {"n%d" % i: [("str", "MODEL", "IMC")] + tags for i in range(12)})
    seen, more = [], True
    while more:
        things, more = search(S, MODEL, offset=len(seen))
        assert 1 <= len(things) < 12
        assert all(tags_of(t)["T00"] == ("str", "<&" * 64) for t in things)
        seen += [t.get("nodeId") for t in things]
    assert seen == ["n%d" % i for i in range(12)]


def test_R53_defaults(T, O, S):
    claimed_thing(T, O)
    assert len(search(S, MODEL)[0]) == 1
    assert len(search(S, MODEL, maxCount="5")[0]) == 1
    assert search(S, MODEL, offset="1") == ([], False)


@pytest.mark.parametrize("ops,more", [
    ([MODEL], {"maxCount": "0"}),
    ([MODEL], {"maxCount": "-1"}),
    ([MODEL], {"maxCount": "x"}),
    ([MODEL], {"maxCount": ""}),
    ([MODEL], {"offset": "-1"}),
    ([MODEL], {"offset": "x"}),
    ([], {}),
    ([op("numEq", name="V", value="abc")], {}),
    ([op("numEq", name="V", value="NaN")], {}),
    ([op("numRange", name="V", min="1")], {}),
    ([op("numRange", name="V", min="1", max="x")], {}),
    ([op("strRange", name="V", min="1", max="2", minIncluded="maybe")], {}),
    ([op("strMask", name="SN", value="3*")], {}),
    ([op("strMask", name="SN", value="3*", wildcard="")], {}),
    ([op("strEq", name="SN")], {}),
    ([op("strEq", value="SN")], {}),
    ([op("strLike", name="SN", value="1")], {}),
    ([op("strEq", name="N" * 33, value="1")], {}),
    ([op("strEq", name="A", value="x" * 300)], {}),
    ([MODEL] * 33, {}),
])
def test_R54_bad_requests(T, O, S, ops, more):
    assert refused(S, *ops, **more) == ("bad-request", "modify")


def test_R54_a_search_changes_nothing_so_it_is_no_set(S):
    assert outcome(S.iq("set", R, search_xml(MODEL))) == "bad-request"


def test_R55_what_is_found_is_what_was_given(T, S):
    odd = [("str", "A", "'\"<&>\U0001f600"), ("str", "B", "x" * 128), ("str", "C", "\U0001f600" * 128),
           ("num", "D", "1.20")]
    assert do(T, "register", odd, selfOwned="true") == OK
    (thing,), _ = search(S, *(op("strEq", name=n, value=v) for k, n, v in odd if k == "str"))
    assert tags_of(thing) == as_dict(odd)


def test_R77_a_thousand_things(server, tmp, client):
    registry = programs.Registry(server, tmp / "registry", max_count=50)
    G, S = client("rack"), client("cur")
    want = ["n%03d" % i for i in range(1000)]
    for start in range(0, 1000, 50):
        asked = [G.request("set", R, "<register xmlns='%s' selfOwned='true' nodeId='%s'>"
                           "<str name='MODEL' value='IMC'/><num name='V' value='%d'/></register>"
                           % (DISCOVERY, n, i % 7))
                 for i, n in enumerate(want[start:start + 50])]
        for key in asked:
            assert outcome(G.wait_answer(key, 30)) == OK
    seen, more = [], True
    while more:
        at = time.monotonic()
        things, more = search(S, MODEL, op("numGtEq", name="V", value="0"), offset=len(seen))
        assert time.monotonic() - at < 1
        assert len(things) == 50
        seen += [t.get("nodeId") for t in things]
    assert seen == want
    registry.stop()


def test_R77_a_box_among_many(G, S):
    stock(G, {"%d-%d" % (x, y): [("num", "LAT", str(x)), ("num", "LON", str(y))]
              for x in range(10) for y in range(10)})
    box = [op("numGt", name="LAT", value="3"), op("numLtEq", name="LAT", value="5"),
           op("numRange", name="LON", min="7", max="8.5")]
    assert nodes(S, *box) == ["4-7", "4-8", "5-7", "5-8"]


def test_R40_in_a_store_from_before_searches(registry, T, S):
    tags = [("num", "LAT", "1"), ("num", "LON", "2"), ("str", "MODEL", "IMC")]
    assert do(T, "register", tags, selfOwned="true") == OK
    registry.stop()
    with contextlib.closing(sqlite3.connect(registry.store)) as db:
        db.executescript(
            "DROP TRIGGER thing_rules; DROP TABLE rule; DROP INDEX thing_account;"
            "DROP INDEX peer_asked; ALTER TABLE peer DROP COLUMN asked;"
            "DROP TRIGGER thing_place; DROP TABLE place; DROP INDEX thing_public;"
            "DROP INDEX tag_str; CREATE INDEX tag_str ON tag (name, value) WHERE num IS NULL;"
            "PRAGMA user_version = 1")
    registry.start()
    box = [op("numRange", name="LAT", min="0", max="1"), op("numRange", name="LON", min="2", max="3")]
    assert len(search(S, MODEL, *box)[0]) == 1


# --------------------------------------------------------- the owner's tool


def found_xml(things, more):
    return "<found xmlns='%s' more='%s'>%s</found>" % (
        DISCOVERY, "true" if more else "false", "".join(
            "<thing owner='o@localhost' jid='rack@localhost/x' nodeId='%s'>"
            "<str name='SN' value='%s'/><num name='V' value='1.20'/></thing>" % (n, n)
            for n in things))


@pytest.fixture
def owner(fakereg, make_owner):
    fakereg.answers["search"] = found_xml(["n1"], False)
    return make_owner(registry=fakereg.jid)


def operators(iq):
    return [(local(c), c.get("name"), {k: v for k, v in c.attrib.items() if k != "name"})
            for c in payload(iq)]


def test_O10_search(fakereg, owner):
    got = owner.json("search", "MODEL=IMC", "#V>=1", "#V<2", "SN~39487*")
    iq = fakereg.wait("search")
    assert iq.get("type") == "get"
    assert operators(iq) == [
        ("strEq", "MODEL", {"value": "IMC"}),
        ("numGtEq", "V", {"value": "1"}),
        ("numLt", "V", {"value": "2"}),
        ("strMask", "SN", {"value": "39487*", "wildcard": "*"}),
    ]
    assert got == {"schema": 1, "more": False, "things": [
        {"jid": "rack@localhost", "node": "n1", "source": "", "cache": "",
         "owner": "o@localhost", "tags": {"SN": "n1", "#V": "1.20"}}]}


def test_O10_every_operator(fakereg, owner):
    owner.json("search", "A=1", "a!=1", "A>1", "A>=1", "A<1", "A<=1", "A=1..2", "A!=1..2",
               "A~*1*", "#A=1", "#A!=1", "#A>1", "#A>=1", "#A<1", "#A<=1", "#A=[1..2)",
               "#A!=(1..2]")
    assert [(o, more) for o, _, more in operators(fakereg.wait("search"))] == [
        (t + o, {"value": "1"} if o not in ("Range", "NRange", "Mask") else
         {"value": "*1*", "wildcard": "*"} if o == "Mask" else
         dict({"min": "1", "max": "2"}, **({} if t == "str" else
              {"maxIncluded": "false"} if o == "Range" else {"minIncluded": "false"})))
        for t in ("str", "num")
        for o in ("Eq", "NEq", "Gt", "GtEq", "Lt", "LtEq", "Range", "NRange", "Mask")
        if (t, o) != ("num", "Mask")]


def test_O10_page_options(fakereg, owner):
    owner.json("search", "A=1", "--offset", "40", "--limit", "20")
    p = payload(fakereg.wait("search"))
    assert (p.get("offset"), p.get("maxCount")) == ("40", "20")


def test_O10_table_and_plain(fakereg, owner):
    status, out, _ = owner.run("search", "A=1")
    assert status == 0
    head, row = out.splitlines()
    assert head.split() == ["JID", "NODE", "SOURCE", "CACHE", "OWNER", "TAGS"]
    assert "rack@localhost" in row and "SN=n1 #V=1.20" in row
    status, out, _ = owner.run("--plain", "search", "A=1")
    assert out == "rack@localhost\tn1\t\t\to@localhost\tSN=n1 #V=1.20\n"


def test_O10_more_is_told(fakereg, owner):
    fakereg.answers["search"] = found_xml(["n1"], True)
    status, out, err = owner.run("search", "A=1", "--offset", "3")
    assert status == 0 and "--offset 4" in err
    assert owner.json("search", "A=1")["more"] is True


def test_O10_nothing_found(fakereg, owner):
    fakereg.answers["search"] = found_xml([], False)
    status, out, err = owner.run("search", "A=1")
    assert (status, out) == (0, "") and "nothing" in err


@pytest.mark.parametrize("args", [
    [], ["MODEL"], ["=x"], ["#V=x"], ["#SN~3*"], ["#V=1..x"], ["A B=1"], ["#V=[1..2"],
    ["A=1", "--offset", "-1"], ["A=1", "--limit", "0"], ["A=1", "--limit", "x"],
    ["A=%d" % i for i in range(33)],
])
def test_O10_bad_words(fakereg, owner, args):
    status, out, err = owner.run("search", *args)
    assert status == 2 and err.strip() and not out
    assert not fakereg.got("search")


@pytest.mark.parametrize("condition,status", [
    ("bad-request", 6), ("feature-not-implemented", 1), ("resource-constraint", 6),
    ("service-unavailable", 9),
])
def test_O10_refusals_in_words(fakereg, owner, condition, status):
    fakereg.answers["search"] = ("error", condition)
    got, out, err = owner.run("search", "A=1")
    assert got == status and condition in err and not out


def test_O10_no_answer(fakereg, owner):
    fakereg.answers["search"] = None
    status, _, err = owner.run("--timeout", "1", "search", "A=1")
    assert status == 3 and "unknown" not in err


def test_O10_an_answer_that_is_none(fakereg, owner):
    fakereg.answers["search"] = "<found xmlns='%s'><thing jid='x'/></found>" % DISCOVERY
    status, out, err = owner.run("search", "A=1")
    assert status not in (0, 2) and not out and "understood" in err


def test_O10_a_key_that_should_not_be_there_is_not_shown(fakereg, owner):
    fakereg.answers["search"] = (
        "<found xmlns='%s'><thing owner='o@localhost' jid='t@localhost'>"
        "<str name='Key' value='4857402340298342'/></thing></found>" % DISCOVERY)
    for mode in ([], ["--json"], ["--plain"]):
        status, out, err = owner.run(*mode, "search", "A=1")
        assert status == 0 and "4857402340298342" not in out + err


def paged(pages):
    """Answers by offset: a registry that gives pages of its own size."""
    def answer(iq):
        offset = int(payload(iq).get("offset"))
        names = ["n%d" % i for i in range(sum(pages))]
        at = 0
        for n in pages:
            if at == offset:
                return found_xml(names[at:at + n], at + n < len(names))
            at += n
        return ("error", "bad-request")
    return answer


def test_O11_all_pages_by_what_was_received(fakereg, owner):
    fakereg.answers["search"] = paged([3, 2, 4])
    got = owner.json("search", "A=1", "--all", "--limit", "10")
    assert [payload(r).get("offset") for r in fakereg.got("search")] == ["0", "3", "5"]
    assert {payload(r).get("maxCount") for r in fakereg.got("search")} == {"10"}
    assert [t["node"] for t in got["things"]] == ["n%d" % i for i in range(9)]
    assert got["more"] is False


def test_O11_a_registry_that_never_ends(fakereg, owner):
    fakereg.answers["search"] = found_xml([], True)
    status, out, err = owner.run("search", "A=1", "--all")
    assert status == 1 and "gives nothing" in err
    assert len(fakereg.got("search")) == 1


def test_O11_a_page_is_lost(fakereg, owner):
    answer = paged([3, 3, 3])
    fakereg.answers["search"] = lambda iq: (
        ("error", "resource-constraint") if payload(iq).get("offset") == "6" else answer(iq))
    status, out, err = owner.run("--json", "search", "A=1", "--all")
    assert status == 4 and "resource-constraint" in err
    got = json.loads(out)
    assert len(got["things"]) == 6 and got["more"] is True


def test_O11_at_the_registry(server, tmp, client, make_owner):
    registry = programs.Registry(server, tmp / "registry", max_count=10)
    G = client("rack")
    stock(G, {"n%02d" % i: [("str", "MODEL", "IMC"), ("num", "V", str(i))] for i in range(25)})
    owner = make_owner()
    assert len(owner.json("search", "MODEL=IMC")["things"]) == 10
    got = owner.json("search", "MODEL=IMC", "#V=[2..24)", "--all")
    assert [t["node"] for t in got["things"]] == ["n%02d" % i for i in range(2, 24)]
    assert got["things"][0]["owner"] == G.bare
    registry.stop()
