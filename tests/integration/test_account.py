"""thingowner: the account, login, and the list of what was claimed."""

import json
import os
import pty
import stat
import subprocess
import termios
import time

import pytest

from harness.programs import BIN, environment, have, run
from harness.terminal import Terminal
from harness.wire import DISCOVERY

pytestmark = pytest.mark.skipif(not have("thingowner"), reason="thingowner is not built")

KEY = "7K2QM9XR4TVD81JHWZ3NPC6FYB"
TEXT = "IoTDisco;SN:1;MAN:example.org;#V:1.20;KEY:" + KEY


def claimed(jid, node="", source=""):
    return "<claimed xmlns='%s' jid='%s' nodeId='%s' sourceId='%s'/>" % (
        DISCOVERY, jid, node, source)


@pytest.fixture
def owner(fakereg, make_owner):
    fakereg.answers["mine"] = claimed("rack@localhost", "m1", "S")
    return make_owner(registry=fakereg.jid)


def things(o):
    return o.json("things")["things"]


def test_login(owner):
    got = owner.json("login")
    assert got["schema"] == 1 and got["tls"] is True
    assert got["jid"] == owner.bare + "/cli"
    status, out, err = owner.run("login")
    assert status == 0 and owner.bare in out and owner.password not in out + err


def test_login_refused(server, make_owner):
    user, _ = server.new_account("owner")
    o = make_owner(account=(user, "wrong-password"))
    status, out, err = o.run("login")
    assert (status, out) == (6, "") and "wrong-password" not in err


def test_no_account(tmp):
    for command in ("login", "things", "claim"):
        status, out, err = run([BIN / "thingowner", "-a", tmp / "none", command], stdin=TEXT)
        assert status == (0 if command == "things" else 78) and out == ""
        assert "login" in err or command == "things"
    assert KEY not in err


def test_login_makes_the_account(server, tmp):
    """On a terminal: asked once, kept with mode 0600 once it works."""
    if not os.path.exists("/usr/bin/script"):
        pytest.skip("no terminal")
    user, password = server.new_account("owner")
    file = tmp / "home/.config/thingowner/account.conf"
    master, slave = pty.openpty()
    env = environment(HOME=str(tmp / "home"), SSL_CERT_FILE=str(server.cafile))
    env.pop("XDG_CONFIG_HOME", None)
    p = subprocess.Popen([BIN / "thingowner", "login"], env=env, stdin=slave,
                         stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen = b""
    for ask, answer in (
        (b"Your JID", "%s@%s" % (user, server.domain)), (b"Password", password),
        (b"Registry", "registry.localhost"), (b"Server", server.host),
    ):
        end = time.monotonic() + 10
        while ask not in seen and time.monotonic() < end:
            seen += os.read(master, 4096)
        time.sleep(0.2)
        os.write(master, answer.encode() + b"\n")
    status = p.wait(30)
    try:
        seen += os.read(master, 65536)
    except OSError:
        pass
    os.close(master)
    assert password.encode() not in seen  # not even as an echo
    assert status == 0, seen.decode()
    for f in (file, file.parent / "secrets/thingowner-password"):
        assert stat.S_IMODE(f.stat().st_mode) == 0o600
    assert password not in file.read_text()


def test_login_left_at_the_password_keeps_the_echo(tmp):
    t = Terminal([BIN / "thingowner", "-a", tmp / "new.conf", "login"])
    t.answer("JID", "anna@example.org")
    t.expect("not shown)")
    t.interrupt()
    t.expect("\n")
    status = t.p.wait(10)
    echo = termios.tcgetattr(t.master)[3] & termios.ECHO
    t.end()
    assert status != 0 and echo and not (tmp / "new.conf").exists()


def test_things(fakereg, owner):
    assert things(owner) == []
    assert owner.run("claim", stdin=TEXT)[0] == 0
    got = things(owner)
    assert len(got) == 1
    t = got[0]
    assert (t["jid"], t["node"], t["source"], t["cache"]) == ("rack@localhost", "m1", "S", "")
    assert t["public"] is True and t["registry"] == fakereg.jid
    assert t["tags"] == {"SN": "1", "MAN": "example.org", "#V": "1.20"}
    f = owner.account.with_name(owner.account.name + ".things.json")
    assert stat.S_IMODE(f.stat().st_mode) == 0o600
    assert KEY not in f.read_text()
    status, out, _ = owner.run("things")
    assert status == 0 and "SN=1" in out
    assert owner.run("--plain", "things")[1].split("\t")[:3] == ["rack@localhost", "m1", "S"]


@pytest.mark.parametrize("words", [
    ["m1"], ["rack@localhost", "m1"], ["rack@localhost", "m1", "S"]])
def test_a_thing_by_its_node(fakereg, owner, words):
    assert owner.run("claim", stdin=TEXT)[0] == 0
    status, _, err = owner.run("update", *words, "ROOM=12", "#LAT=1.5", "CITY=")
    assert status == 0, err
    el = fakereg.wait("update")[0]
    assert (el.get("jid"), el.get("nodeId"), el.get("sourceId")) == ("rack@localhost", "m1", "S")
    assert sorted((c.get("name"), c.get("value")) for c in el) == [
        ("CITY", ""), ("LAT", "1.5"), ("ROOM", "12")]
    status, _, err = owner.run("update", "other", "ROOM=12")
    assert status == 5 and "other" in err


@pytest.mark.parametrize("answer, left", [
    ("", 0), (("error", "item-not-found"), 0), (("error", "not-allowed"), 1), (None, 1)])
def test_disowned_things_are_forgotten(fakereg, owner, answer, left):
    assert owner.run("claim", stdin=TEXT)[0] == 0
    fakereg.answers["disown"] = answer
    status, out, err = owner.run("--timeout", "4", "disown", "m1")
    assert status == {"": 0, None: 3}.get(answer, 5 if left == 0 else 6), err
    assert len(things(owner)) == left


def test_removed_things_stay(fakereg, owner):
    assert owner.run("claim", stdin=TEXT)[0] == 0
    status, out, _ = owner.run("--json", "remove", "m1")
    assert status == 0 and json.loads(out)["done"] == "removed"
    assert [(t["public"], t["removed"]) for t in things(owner)] == [(False, True)]


def test_update_usage(owner):
    for words in (["m1"], ["m1", "ROOM"], ["m1", "#LAT=x"], ["m1", "A=1", "a=2"],
                  ["m1", "A=1", "B"]):
        assert owner.run("update", *words)[0] == 2, words


def test_first_line_that_is_not_empty(fakereg, owner):
    assert owner.run("claim", stdin="\n \n" + TEXT + "\n\n")[0] == 0
    assert len(fakereg.got("mine")) == 1


def test_an_argument_is_warned_of(fakereg, owner):
    status, _, err = owner.run("claim", TEXT)
    assert status == 0 and "every user" in err and KEY not in err


def test_no_registry(make_owner):
    status, _, err = make_owner(registry=None).run("claim", stdin=TEXT)
    assert status == 2 and "--registry" in err


def test_registry_that_does_not_answer_is_not_missing(fakereg, make_owner):
    """One that is slow may be there: no usage error, but nothing was sent."""
    fakereg.answers["query"] = None
    status, _, err = make_owner(registry=None).run("--timeout", "2", "search", "A=1")
    assert status == 3 and "no registry is found" in err and "nothing was sent" in err


@pytest.fixture
def many(owner):
    """It runs more than once at a time."""
    owner.account.write_text(owner.account.read_text().replace("/cli", ""))
    return owner


def test_what_was_claimed_meanwhile_is_kept(fakereg, many):
    """The list is all there is of a private claim, and two may write it."""
    owner = many
    assert owner.run("claim", stdin=TEXT)[0] == 0
    fakereg.answers["disown"] = None
    p = owner.start("disown", "m1")
    asked = fakereg.wait("disown")[0]
    fakereg.answers["mine"] = claimed("rack@localhost", "m2", "S")
    assert owner.run("claim", stdin=TEXT.replace("SN:1", "SN:2"))[0] == 0
    fakereg.give(next(r for r in fakereg.requests if asked in r), "")
    assert p.wait(20) == 0
    assert [t["node"] for t in things(owner)] == ["m2"]


def test_claims_at_the_same_time_are_all_kept(fakereg, many):
    owner = many
    names = ["n%d" % i for i in range(6)]
    left = iter(names)
    fakereg.answers["mine"] = lambda el: claimed("rack@localhost", next(left), "S")
    running = [owner.start("claim", stdin=TEXT.replace("SN:1", "SN:%d" % i))
               for i in range(len(names))]
    assert [p.wait(30) for p in running] == [0] * len(names)
    assert sorted(t["node"] for t in things(owner)) == names


def test_search_by_a_uri(fakereg, make_owner):
    """What another tool made; the registry stands in it."""
    fakereg.answers["search"] = "<found xmlns='%s' more='false'/>" % DISCOVERY
    o = make_owner(registry=None)
    uri = "iotdisco:MODEL=IMC;#V>3;#V<=2;SN~*39*;R=" + fakereg.jid
    status, _, err = o.run("search", uri, "ROOM=12")
    assert status == 0 and "nothing was found" in err, err
    got = [(c.tag.split("}")[1], dict(c.attrib)) for c in fakereg.wait("search")[0]]
    assert got[0] == ("strEq", {"name": "MODEL", "value": "IMC"})
    assert got[1][0] == "numNRange" and (got[1][1]["min"], got[1][1]["max"]) == ("2", "3")
    assert got[1][1]["minIncluded"] == "false"
    assert got[2] == ("strMask", {"name": "SN", "value": "39*", "wildcard": "*"})
    assert got[3] == ("strEq", {"name": "ROOM", "value": "12"})
    for wrong in (uri + ";KEY=1", "iotdisco:JID=a@b", "iotdisco:R=a.b", "iotdisco:A"):
        assert o.run("search", wrong)[0] == 2, wrong
