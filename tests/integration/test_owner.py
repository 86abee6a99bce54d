"""O cases: thingowner against a registry whose every answer is the test's,
and against thingregistryd."""

import json
import re
import subprocess
import time

import pytest

from harness.procs import wait_until
from harness.programs import Owner, node
from harness.wire import DISCOVERY, local, node_of, op, payload, text

KEY = "4857402340298342"
TEXT = "IoTDisco;SN:394872348732948723;MAN:www.ktc.se;MODEL:IMC;#V:1.2;KEY:" + KEY
TAGS = [("str", "SN", "394872348732948723"), ("str", "MAN", "www.ktc.se"),
        ("str", "MODEL", "IMC"), ("num", "V", "1.2"), ("str", "KEY", KEY)]

EXIT_TIMEOUT, EXIT_NOTFOUND, EXIT_REFUSED = 3, 5, 6


def claimed(jid, **attrs):
    return "<claimed xmlns='%s' jid='%s'%s/>" % (
        DISCOVERY, jid, "".join(" %s='%s'" % kv for kv in attrs.items()))


def children(iq):
    return [(local(c), c.get("name"), c.get("value")) for c in payload(iq)]


@pytest.fixture
def owner(fakereg, make_owner):
    fakereg.answers["mine"] = claimed("thing@localhost")
    return make_owner(registry=fakereg.jid)


def quiet_about_key(*texts, key=KEY):
    for t in texts:
        assert key not in t


def test_O01_claim_sends_the_tags_exactly(fakereg, owner):
    status, out, err = owner.run("claim", stdin=TEXT + "\n")
    assert status == 0, err
    mine = fakereg.wait("mine")
    assert mine.get("type") == "set"
    assert mine.get("from").startswith(owner.bare + "/")
    assert sorted(children(mine)) == sorted(TAGS)
    assert node_of(payload(mine)) == ("", "", "")
    assert len(fakereg.got("mine")) == 1
    quiet_about_key(out, err)


@pytest.mark.parametrize("way", ["argument", "dash"])
def test_O01_claim_text_from_elsewhere(fakereg, owner, way):
    status, out, err = owner.run("claim", TEXT if way == "argument" else "-",
                                 stdin="" if way == "argument" else TEXT)
    assert status == 0, err
    assert sorted(children(fakereg.wait("mine"))) == sorted(TAGS)
    quiet_about_key(out, err)


def test_O02_escapes(fakereg, owner):
    status, _, err = owner.run("claim", stdin="IoTDisco;SN:a\\;b\\\\c:d;KEY:" + KEY)
    assert status == 0, err
    assert ("str", "SN", "a;b\\c:d") in children(fakereg.wait("mine"))


def test_O02_other_alphabets(fakereg, owner):
    value = "Grüße <&'\"> \U0001f600"
    status, _, err = owner.run("claim", stdin="IoTDisco;SN:%s;KEY:%s" % (value, KEY))
    assert status == 0, err
    assert ("str", "SN", value) in children(fakereg.wait("mine"))


def test_O03_empty_segment(fakereg, owner):
    status, _, err = owner.run("claim", stdin="IoTDisco;SN:1;;KEY:" + KEY)
    assert status == 0, err
    assert sorted(children(fakereg.wait("mine"))) == [("str", "KEY", KEY), ("str", "SN", "1")]


URI = "iotdisco:SN=98734238472634;MODEL=Device;#V=1.0;KEY=%s;R=%s"


def test_O04_uri_names_the_registry(fakereg, make_owner):
    fakereg.answers["mine"] = claimed("thing@localhost")
    o = make_owner(registry="evil.localhost")
    status, _, err = o.run("claim", stdin=URI % (KEY, fakereg.jid))
    assert status == 0, err
    got = children(fakereg.wait("mine"))
    assert sorted(got) == [("num", "V", "1.0"), ("str", "KEY", KEY),
                           ("str", "MODEL", "Device"), ("str", "SN", "98734238472634")]


def test_O04_option_overrides_the_uri(fakereg, make_owner):
    fakereg.answers["mine"] = claimed("thing@localhost")
    o = make_owner(registry=None)
    status, _, err = o.run("--registry", fakereg.jid, "claim",
                           stdin=URI % (KEY, "evil.localhost"))
    assert status == 0, err
    fakereg.wait("mine")


@pytest.mark.parametrize("bad,named", [
    ("Hello;SN:1;KEY:" + KEY, ""),
    ("SN:1;KEY:" + KEY, ""),
    ("IoTDisco;KEY:%s;SN:1\\" % KEY, "part 2"),
    ("IoTDisco;MODEL;KEY:" + KEY, "part 1"),
    ("IoTDisco;#V:x;KEY:" + KEY, "part 1"),
    ("IoTDisco;#V:NaN;KEY:" + KEY, "no number"),
    ("IoTDisco;SN:1;sn:2;KEY:" + KEY, "part 2"),
    ("IoTDisco;%s:1;KEY:%s" % ("N" * 33, KEY), "part 1"),
    ("IoTDisco;:1;KEY:" + KEY, ""),
    ("IoTDisco", ""),
    ("", ""),
])
def test_O05_bad_texts(fakereg, owner, bad, named):
    status, out, err = owner.run("claim", stdin=bad)
    assert status not in (0, 3, 5, 7, 9) and status < 126, (status, err)
    assert err.strip() and named.lower() in err.lower()
    assert not fakereg.got("mine")
    quiet_about_key(out, err)


def test_O06_concentrator_in_json(fakereg, owner):
    fakereg.answers["mine"] = claimed("rack@localhost/x", nodeId="a", sourceId="S", cacheType="c")
    got = owner.json("claim", stdin=TEXT)
    assert got == {"schema": 1, "jid": "rack@localhost", "node": "a", "source": "S",
                   "cache": "c", "public": True}


def test_O06_for_people(fakereg, owner):
    fakereg.answers["mine"] = claimed("rack@localhost", nodeId="n1", sourceId="S1")
    status, out, _ = owner.run("claim", stdin=TEXT)
    assert status == 0
    for word in ("rack@localhost", "n1", "S1"):
        assert word in out


def test_O07_not_found(fakereg, owner):
    fakereg.answers["mine"] = ("error", "item-not-found")
    status, out, err = owner.run("claim", stdin=TEXT)
    assert status == EXIT_NOTFOUND
    assert "not found or already claimed" in err
    quiet_about_key(out, err)


@pytest.mark.parametrize("args,want", [((), (None, "true", "1")), (("--private",), ("false", "0"))])
def test_O08_private(fakereg, owner, args, want):
    status, _, err = owner.run("claim", *args, stdin=TEXT)
    assert status == 0, err
    assert payload(fakereg.wait("mine")).get("public") in want


def test_O08_private_in_json(fakereg, owner):
    assert owner.json("claim", "--private", stdin=TEXT)["public"] is False


def subscribes(who):
    return lambda s: (local(s) == "presence" and s.get("type") == "subscribe"
                      and s.get("from").split("/")[0] == who)


def test_O09_subscribes_to_the_thing(fakereg, owner, client):
    thing = client("thing")
    fakereg.answers["mine"] = claimed(thing.bare)
    status, _, err = owner.run("claim", stdin=TEXT)
    assert status == 0, err
    thing.expect(subscribes(owner.bare))


def test_O09_no_subscribe(fakereg, owner, client):
    thing = client("thing")
    fakereg.answers["mine"] = claimed(thing.bare)
    status, _, err = owner.run("claim", "--no-subscribe", stdin=TEXT)
    assert status == 0, err
    thing.expect_nothing(1.5, subscribes(owner.bare))


def test_O09_not_after_a_refusal(fakereg, owner, client):
    thing = client("thing")
    fakereg.answers["mine"] = ("error", "item-not-found")
    owner.run("claim", stdin=TEXT)
    thing.expect_nothing(1, subscribes(owner.bare))


THINGS = [(("rack@localhost",), ("", "", "")),
          (("rack@localhost", "a"), ("a", "", "")),
          (("rack@localhost", "a", "S"), ("a", "S", "")),
          (("rack@localhost", "a", "S", "c"), ("a", "S", "c"))]


@pytest.mark.parametrize("words,triple", THINGS)
def test_O12_update(fakereg, owner, words, triple):
    status, _, err = owner.run("update", *words, "ROOM=12", "#LAT=-33.5", "BLD=")
    assert status == 0, err
    up = fakereg.wait("update")
    assert up.get("type") == "set"
    assert payload(up).get("jid") == "rack@localhost"
    assert node_of(payload(up)) == triple
    assert children(up) == [("str", "ROOM", "12"), ("num", "LAT", "-33.5"), ("str", "BLD", "")]


@pytest.mark.parametrize("verb", ["remove", "disown"])
@pytest.mark.parametrize("words,triple", THINGS)
def test_O12_thing_of_remove_and_disown(fakereg, owner, verb, words, triple):
    status, _, err = owner.run(verb, *words)
    assert status == 0, err
    got = fakereg.wait(verb)
    assert got.get("type") == "set"
    assert payload(got).get("jid") == "rack@localhost"
    assert node_of(payload(got)) == triple and not list(payload(got))


def test_O13_disown_refused(fakereg, owner):
    fakereg.answers["disown"] = ("error", "not-allowed")
    status, _, err = owner.run("disown", "rack@localhost", "a", "S")
    assert status == EXIT_REFUSED
    assert "must be online and a friend of the registry" in err
    assert "owner unchanged" in err


@pytest.mark.parametrize("verb,more", [("remove", ()), ("disown", ()), ("update", ("ROOM=1",))])
def test_O14_not_found(fakereg, owner, verb, more):
    fakereg.answers[verb] = ("error", "item-not-found")
    status, _, err = owner.run(verb, "rack@localhost", "a", "S", *more)
    assert status == EXIT_NOTFOUND
    assert err.strip()


@pytest.mark.parametrize("verb,more", [
    ("claim", ()), ("remove", ("rack@localhost",)), ("disown", ("rack@localhost",)),
    ("update", ("rack@localhost", "ROOM=1"))])
def test_O15_no_answer(fakereg, owner, verb, more):
    fakereg.answers["mine" if verb == "claim" else verb] = None
    at = time.monotonic()
    status, out, err = owner.run("--timeout", "2s", verb, *more,
                                 stdin=TEXT if verb == "claim" else "")
    assert status == EXIT_TIMEOUT, err
    assert 1.5 < time.monotonic() - at < 12
    assert "unknown" in err
    quiet_about_key(out, err)


@pytest.mark.slow
def test_O15_thirty_seconds_by_default(fakereg, owner):
    fakereg.answers["remove"] = None
    at = time.monotonic()
    status, _, err = owner.run("remove", "rack@localhost")
    assert status == EXIT_TIMEOUT and "unknown" in err
    assert 28 < time.monotonic() - at < 40


def test_O15_late_answer_of_another(fakereg, owner, component):
    """Only the registry's own answer counts."""
    evil = component("evil.localhost")
    fakereg.answers["disown"] = None
    p = owner.start("--timeout", "3s", "disown", "rack@localhost")
    got = fakereg.wait("disown")
    evil.send("<iq type='result' id='%s' from='evil.localhost' to='%s'/>"
              % (got.get("id"), got.get("from")))
    status, _, _ = owner.finish(p)
    assert status == EXIT_TIMEOUT


@pytest.mark.parametrize("cond", ["item-not-found", "not-allowed", "bad-request", None])
def test_O19_key_is_never_told(fakereg, owner, cond):
    fakereg.answers["mine"] = ("error", cond)
    if not cond:
        fakereg.answers["mine"] = "<odd xmlns='urn:odd'/>"
    for args in (("claim",), ("--json", "claim")):
        status, out, err = owner.run(*args, stdin=TEXT)
        assert status != 0
        quiet_about_key(out, err)


@pytest.mark.parametrize("what,says", [
    ("", "no claim text"), (b"\x89PNG\r\n\x1a\n\0\0", "not text"), (TEXT.encode() + b"\0x", "not text"),
    (b"\xff\xd8\xff\xe0", "not text"), (TEXT.encode("utf-16"), "not text"),
    (b"A" * 10_000_000, "longer"), (b"hello\n" * 100, "begins with"),
    ("iotdisco:MAN=a;#V>=1", "thingowner search"), ("iotdisco:SN~*98*", "thingowner search"),
    ("iotdisco:JID=a@b;NID=n;R=r.example", "thingowner read"),
], ids=lambda v: str(v[:20]))
def test_what_is_not_a_claim_text(prosody, tmp, what, says):
    o = Owner(prosody, tmp / "o")
    p = subprocess.run([str(a) for a in o.argv("claim")], capture_output=True, timeout=20,
                       input=what if isinstance(what, bytes) else what.encode())
    assert (p.returncode, p.stdout) == (2, b"") and says in p.stderr.decode()
    quiet_about_key(p.stderr.decode())


def test_several_stickers_on_one_photo(owner):
    status, out, err = owner.run("claim", stdin=TEXT + "\n\n" + TEXT + "\n")
    assert status == 2 and not out
    assert "one claim text at a time" in err and KEY not in err


@pytest.mark.parametrize("way", ["\ufeff%s\r\n", "\n \n%s\n\n", "%s", "QR-Code:%s\n"])
def test_claim_text_as_files_hold_it(fakereg, owner, way):
    fakereg.answers["mine"] = claimed("thing@localhost")
    status, _, err = owner.run("claim", stdin=way % TEXT)
    assert status == 0, err


def test_O20_registry_is_searched_for(fakereg, make_owner):
    """Among the components of the owner's server, as a thing does."""
    fakereg.answers["mine"] = claimed("thing@localhost")
    o = make_owner(registry=None)
    status, out, err = o.run("claim", stdin=TEXT)
    assert status == 0, err
    assert fakereg.jid in err and "found by searching" in err
    fakereg.wait("mine")
    status, _, err = o.run("remove", "thing@localhost")
    assert status == 0, err  # it is remembered
    assert "searching" not in err


def test_O20_none_is_there(server, make_owner):
    o = make_owner(registry=None)
    for args, text in ((["claim"], TEXT), (["search", "A=1"], ""), (["remove", "a@b"], "")):
        status, out, err = o.run(*args, stdin=text)
        assert status == 2 and not out
        assert "--registry" in err and "has none" in err


def test_registry_must_be_an_address(make_owner):
    status, _, err = make_owner().run("--registry", "a@@b", "search", "A=1")
    assert status == 2 and "a@@b" in err and "not a registry" in err


def test_O19_nor_the_password(fakereg, make_owner, server):
    user, _ = server.new_account("owner")
    o = make_owner(registry=fakereg.jid, account=(user, "wrong-" + KEY))
    status, out, err = o.run("claim", stdin=TEXT)
    assert status == EXIT_REFUSED
    quiet_about_key(out, err)


def test_account_errors_speak_for_themselves(make_owner):
    """The account is there: nobody is told to make one."""
    o = make_owner()
    o.account.write_text("[account]\njid = x@localhost\npasword = y\n")
    status, out, err = o.run("claim", stdin=TEXT)
    assert (status, out) == (78, "") and ":3: error: " in err
    assert "login" not in err and "no account" not in err


def test_no_account(make_owner):
    o = make_owner()
    o.account.unlink()
    status, out, err = o.run("claim", stdin=TEXT)
    assert (status, out) == (78, "") and err.count("\n") == 1
    assert str(o.account) in err and "thingowner login" in err
    quiet_about_key(out, err)


def test_claiming_again_says_that_it_is_yours(fakereg, owner, make_owner):
    fakereg.answers["mine"] = claimed("rack@localhost", nodeId="n1", sourceId="S1")
    assert owner.run("claim", stdin=TEXT)[0] == 0
    fakereg.answers["mine"] = ("error", "item-not-found")
    status, out, err = owner.run("claim", stdin=TEXT)
    assert (status, out) == (EXIT_NOTFOUND, "")
    assert "already yours: rack@localhost node n1" in err and "somebody else" not in err
    quiet_about_key(out, err)
    status, _, err = owner.run("claim", stdin=TEXT.replace("SN:3", "SN:4"))
    assert status == EXIT_NOTFOUND and "already yours" not in err
    status, _, err = make_owner(registry=fakereg.jid).run("claim", stdin=TEXT)
    assert status == EXIT_NOTFOUND and "already yours" not in err


FOUND = ("<found xmlns='%s' more='false'><thing owner='%%s' jid='rack@localhost' nodeId='n1'>"
         "<str name='SN' value='1'/></thing></found>" % DISCOVERY)


def test_after_a_lost_answer(fakereg, owner):
    """The thing has given up its KEY; the registry tells whose it is."""
    fakereg.answers["mine"] = None
    status, _, err = owner.run("--timeout", "4s", "claim", stdin=TEXT)
    assert status == EXIT_TIMEOUT and "does no harm" in err
    fakereg.answers["mine"] = ("error", "item-not-found")
    fakereg.answers["search"] = FOUND % owner.bare
    status, out, err = owner.run("claim", stdin=TEXT)
    assert (status, out) == (EXIT_NOTFOUND, "") and "rack@localhost node n1" in err
    assert "with the same tags is yours" in err and "somebody" not in err
    assert [t["node"] for t in owner.json("things")["things"]] == ["n1"]
    asked = fakereg.wait("search")
    quiet_about_key(text(asked))
    assert sorted(c[1] for c in children(asked)) == ["MAN", "MODEL", "SN", "V"]
    status, _, err = owner.run("claim", stdin=TEXT)
    assert status == EXIT_NOTFOUND and "already yours: rack@localhost node n1" in err


@pytest.mark.parametrize("found", ["rival@localhost", None])
def test_what_is_found_may_be_anothers(fakereg, owner, found):
    fakereg.answers["mine"] = ("error", "item-not-found")
    fakereg.answers["search"] = FOUND % found if found else ("error", "bad-request")
    status, out, err = owner.run("claim", stdin=TEXT)
    assert (status, out) == (EXIT_NOTFOUND, "") and "not found or already claimed" in err
    assert owner.json("things")["things"] == []


def test_account_that_is_no_registry_takes_no_longer_than_asked(owner):
    at = time.monotonic()
    status, out, err = owner.run("--timeout", "2s", "--registry", "nobody@localhost",
                                 "claim", stdin=TEXT)
    assert (status, out) == (9, "") and "no answer in time; nothing was sent" in err
    assert time.monotonic() - at < 8


def test_a_key_is_not_searched_for(fakereg, owner):
    status, _, err = owner.run("search", "key=" + KEY)
    assert status == 2 and "claim with it" in err
    quiet_about_key(err)
    assert not fakereg.got("search")


# with thingregistryd: the same, answered in earnest


class Thing:
    """A plain thing: registers and acknowledges what the registry says."""

    def __init__(self, client, registry):
        self.c, self.registry = client, registry
        self.told = []
        for name in ("claimed", "removed", "disowned"):
            self.c.on(name, self._ack)
        self.c.presence(to=registry)

    def _ack(self, iq):
        self.told.append((op(iq), payload(iq).get("jid"), payload(iq).get("public")))
        self.c.answer(iq)

    def register(self, tags=TAGS, **node_):
        xml = "".join("<%s name='%s' value='%s'/>" % t for t in tags)
        at = "".join(" %s='%s'" % kv for kv in node_.items())
        return self.c.iq("set", self.registry, "<register xmlns='%s'%s>%s</register>"
                         % (DISCOVERY, at, xml))

    def heard(self, name):
        return wait_until("the thing hears " + name,
                          lambda: [t for t in self.told if t[0] == name])


@pytest.fixture
def thing(client, registry):
    t = Thing(client("thing"), registry.jid)
    assert t.register().get("type") == "result"
    return t


def test_O01_O07_claim_in_earnest(thing, make_owner):
    o, rival = make_owner(), make_owner()
    status, _, err = rival.run("claim", stdin=TEXT.replace("SN:3", "SN:4"))
    assert status == EXIT_NOTFOUND
    got = o.json("claim", stdin=TEXT)
    assert got["jid"] == thing.c.bare
    assert thing.heard("claimed")[0][1:] == (o.bare, "true")
    status, _, err = rival.run("claim", stdin=TEXT)
    assert status == EXIT_NOTFOUND and "not found or already claimed" in err


def test_O08_private_in_earnest(thing, make_owner):
    o = make_owner()
    assert o.json("claim", "--private", stdin=TEXT)["public"] is False
    assert thing.heard("claimed")[0] == ("claimed", o.bare, "false")
    status, out, _ = o.run("things")
    assert status == 0 and thing.c.bare in out


def test_O08_private_and_then_public(thing, make_owner):
    o = make_owner()
    o.json("claim", "--private", stdin=TEXT)
    assert "private" in o.run("things")[1]
    assert o.json("search", "SN=" + TAGS[0][2])["things"] == []
    assert o.json("claim", stdin=TEXT)["public"] is True
    wait_until("it hears that it is public", lambda: thing.heard("claimed")[-1][2] == "true")
    assert "public" in o.run("things")[1]
    found, = o.json("search", "SN=" + TAGS[0][2])["things"]
    assert found["owner"] == o.bare and "KEY" not in found["tags"]


def test_claiming_again_without_the_list(thing, registry, make_owner):
    """Nothing is remembered, and the thing has given up its KEY."""
    o, rival = make_owner(), make_owner()
    first = o.json("claim", stdin=TEXT)
    assert o.json("claim", stdin=TEXT) == first
    thing.c.iq("set", registry.jid, "<update xmlns='%s'><str name='KEY' value=''/></update>" % DISCOVERY)
    (o.dir / "account.ini.things.json").unlink()
    status, _, err = o.run("claim", stdin=TEXT)
    assert status == EXIT_NOTFOUND and thing.c.bare + " with the same tags is yours" in err
    assert [t["jid"] for t in o.json("things")["things"]] == [thing.c.bare]
    assert rival.run("claim", stdin=TEXT)[0] == EXIT_NOTFOUND
    assert o.run("remove", thing.c.bare)[0] == 0
    assert "removed" in o.run("things")[1]


def test_O12_O14_life_in_earnest(thing, registry, make_owner):
    o, rival = make_owner(), make_owner()
    o.json("claim", stdin=TEXT)
    jid = thing.c.bare
    assert o.run("update", jid, "ROOM=12", "#LAT=1.5")[0] == 0
    assert rival.run("update", jid, "ROOM=13")[0] == EXIT_NOTFOUND
    tags = registry.tags(jid)
    assert tags["ROOM"] == "12" and float(tags["LAT"]) == 1.5 and tags["MODEL"] == "IMC"
    assert rival.run("remove", jid)[0] == EXIT_NOTFOUND
    assert rival.run("disown", jid)[0] == EXIT_NOTFOUND
    assert o.run("disown", jid)[0] == 0
    assert thing.heard("disowned")
    status, _, err = o.run("disown", jid)
    assert status == EXIT_NOTFOUND and "does not know it as yours (item-not-found)" in err
    assert "taken out at its gateway" in err and "thingbridge reset NODE" in err
    thing.register()
    o.json("claim", stdin=TEXT)
    assert o.run("remove", jid)[0] == 0
    assert thing.heard("removed")
    assert o.run("remove", jid)[0] == EXIT_NOTFOUND
    # its gateway still has him as the owner
    status, _, err = o.run("disown", jid)
    assert status == EXIT_NOTFOUND and "thingbridge reset NODE" in err
    assert "removed" in o.run("things")[1]


@pytest.mark.parametrize("server", ["prosody"], indirect=True)
def test_O14_disown_of_what_the_installer_took_out(registry, make_gateway, make_owner):
    g = make_gateway(node("a", source="S") + node("b", source="S", address=2))
    g.wait_claim("a", "unclaimed")
    o = make_owner()
    o.json("claim", stdin=g.claim_text("a"))
    g.wait_claim("a", "public")
    g.write(nodes=node("b", source="S", address=2))
    g.reload()
    wait_until("it is unregistered", lambda: not registry.select(
        "SELECT 1 FROM thing WHERE node = 'a'"), 15, 0.1)
    status, _, err = o.run("disown", g.bare, "a", "S")
    assert status == EXIT_NOTFOUND and "taken out at its gateway" in err
    assert "thingbridge reset a" in err


def test_O13_disown_of_an_offline_thing(thing, make_owner):
    o = make_owner()
    o.json("claim", stdin=TEXT)
    thing.heard("claimed")
    thing.c.close()
    time.sleep(0.3)
    status, _, err = o.run("disown", thing.c.bare)
    assert status == EXIT_REFUSED and "owner unchanged" in err


def test_O01_whole_way_with_a_gateway(registry, make_gateway, make_owner):
    """From the sticker's text to the owner's list and back."""
    g = make_gateway(node("a", source="S", **{"tag.ROOM": "12"})
                     + node("b", source="S", address=2))
    g.wait_claim("a", "unclaimed")
    g.wait_claim("b", "unclaimed")
    text = g.claim_text("a")
    o, rival = make_owner(), make_owner()
    got = o.json("claim", stdin=text)
    assert (got["jid"], got["node"], got["source"]) == (g.bare, "a", "S")
    g.wait_claim("a", "public")
    assert g.claim("a") == ("public", o.bare)
    assert g.claim("b") == ("unclaimed", None)
    assert rival.run("claim", stdin=text)[0] == EXIT_NOTFOUND
    things = o.json("things")
    assert any(t["node"] == "a" and t["jid"] == g.bare for t in things["things"])
    wait_until("the registry is told ROOM",
               lambda: registry.tags(g.bare, "a").get("ROOM") == "12", 15, 0.2)
    key = re.search(r"KEY:([^;]*)", text).group(1)
    assert o.run("disown", g.bare, "a", "S")[0] == 0
    g.wait_claim("a", "unclaimed")
    again = g.claim_text("a")
    assert key not in again
    assert rival.run("claim", stdin=text)[0] == EXIT_NOTFOUND
    assert json.dumps(rival.json("claim", stdin=again))
    g.wait_claim("a", "public")
    assert g.claim("a") == ("public", rival.bare)
    assert rival.run("remove", g.bare, "a", "S")[0] == 0
    g.wait_claim("a", "removed")
