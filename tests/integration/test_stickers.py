"""Stickers and the hand-over sheet from a daemon that has no server: the life
of a sticker, mail merge, and what happens when nothing can be written."""

import csv
import io
import os
import sqlite3
import stat
import types

import pytest

from harness.programs import BIN, Gateway, have, node, run

pytestmark = pytest.mark.skipif(
    not have("thingbridge", "thinglabels", "thingbridged"), reason="not built")

NODES = (
    node("a") + "name = =Größe, \"16\" kW\ntag.ROOM = Plant room 1\n"
    + node("b", address=2)
    + node("c", address=3, template="eastron.sdm630").replace("claim.SN = sn-c\n", "")  # it would come from the device
    + node("own", address=4) + "self_owned = yes\n")


def nowhere():
    """A server that does not answer."""
    return types.SimpleNamespace(
        domain="example.org", host="127.0.0.1:1", cafile="/etc/ssl/certs/ca-certificates.crt",
        new_account=lambda name: (name + "7", "secret"))


@pytest.fixture
def gateway(tmp_path):
    g = Gateway(nowhere(), tmp_path / "g", NODES, registry="registry.example.org")
    yield g
    g.stop()


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """One for all tests that change nothing."""
    g = Gateway(nowhere(), tmp_path_factory.mktemp("still"), NODES,
                registry="registry.example.org")
    yield g
    g.stop()


def life(g, name="a"):
    n = g.node_list()[name]
    return n["sticker"], n["copies"]


def warnings(g):
    return [w["text"] for w in g.control("status")["warnings"] if "sticker" in w["text"]]


def later(g, sql):
    """Changes the state file while the daemon is stopped."""
    g.stop()
    with sqlite3.connect(g.state) as db:
        db.execute(sql)
    db.close()
    g.start()


def pictures(g, *args, status=0):
    got, out, err = g.ctl("stickers", *args)
    assert got == status, (out, err)
    return err


def test_life_of_a_sticker(gateway, tmp_path):
    g, f = gateway, tmp_path / "s.png"
    assert life(g) == ("none", 0)
    err = pictures(g, "a", "-f", "png", "-o", f)
    assert "0600" in err and stat.S_IMODE(f.stat().st_mode) == 0o600
    assert life(g) == ("printed", 1) and life(g, "b") == ("none", 0)
    pictures(g, "a", "-f", "svg", "-o", tmp_path / "s.svg")
    assert life(g) == ("printed", 2)
    day = g.node_list()["a"]["printed_at"][5:10]
    assert "printed %s, 2 copies" % day in g.ctl("nodes")[1]
    assert "printed %s, 2 copies" % day in g.ctl("stickers")[1]
    assert "\tprinted\t" in g.ctl("--plain", "nodes")[1]
    assert warnings(g) == []

    later(g, "UPDATE node SET printed_utc = printed_utc - 9 * 86400000")
    assert warnings(g) == ["a: sticker printed 9 days ago, still unclaimed"]
    assert "! a: sticker printed 9 days ago, still unclaimed" in g.ctl("status")[1]

    g.control("reset", node="a")
    assert life(g)[0] == "stale"
    assert len(warnings(g)) == 1 and "a: a new sticker is due" in warnings(g)[0]
    pictures(g, "a", "-f", "png", "-o", f)
    assert life(g) == ("printed", 1) and warnings(g) == []

    later(g, "UPDATE node SET claim = 'public', owner = 'anna@example.org' WHERE node = 'a'")
    assert life(g)[0] == "void" and warnings(g) == []
    err = pictures(g, "a", "-f", "png", "-o", f, status=6)
    assert "its KEY is void" in err


@pytest.fixture
def server(prosody):
    return prosody


def test_a_disown_asks_for_a_new_sticker(fakereg, make_gateway, tmp_path):
    g, f = make_gateway(node("a", source="S"), registry=fakereg.jid), tmp_path / "s.png"
    g.wait_claim("a", "unclaimed")
    pictures(g, "a", "-f", "png", "-o", f)
    old = g.claim_text("a")
    fakereg.claimed(g.jid, "owner@localhost", "a", "S")
    assert life(g) == ("void", 1) and warnings(g) == []
    fakereg.tell(g.jid, "disowned", "a", "S")
    assert life(g)[0] == "stale" and "a: a new sticker is due" in warnings(g)[0]
    assert "a new sticker is due" in g.ctl("status")[1]
    g.wait_claim("a", "unclaimed")
    pictures(g, "--unclaimed", "-f", "png", "-o", f)
    assert life(g) == ("printed", 1) and warnings(g) == []
    assert codes(f, tmp_path) == [g.claim_text("a")] != [old]


def test_many_nodes_make_one_warning(gateway, tmp_path):
    g = gateway
    pictures(g, "a", "b", "-f", "png", "-o", tmp_path / "s.png")
    later(g, "UPDATE node SET printed_utc = printed_utc - 30 * 86400000 WHERE node = 'a'")
    later(g, "UPDATE node SET printed_utc = printed_utc - 8 * 86400000 WHERE node = 'b'")
    assert warnings(g) == ["a and 1 more: stickers printed up to 30 days ago, still unclaimed"]
    for name in ("a", "b"):
        g.control("reset", node=name)
    assert len(warnings(g)) == 1 and warnings(g)[0].startswith("a and 1 more: a new sticker is due")


def test_what_is_printed_is_not_printed_again_unasked(gateway, tmp_path):
    g, f = gateway, tmp_path / "s.png"
    pictures(g, "b", "-f", "png", "-o", f)
    f.unlink()
    err = pictures(g, "--unclaimed", "-f", "png", "-o", f, status=4)  # c has no SN yet
    assert "1 left out" in err and "--reprint" in err and "c has no claim text" in err
    assert life(g) == ("printed", 1) and life(g, "b") == ("printed", 1)
    pictures(g, "--unclaimed", "--reprint", "-f", "png", "-o", f, status=4)
    assert life(g) == ("printed", 2) and life(g, "b") == ("printed", 2)
    asset = tmp_path / "asset.svg"
    g.ctl("stickers", "c", "--kind", "asset", "-f", "svg", "-o", asset)
    assert "sn-a" not in asset.read_text() and "SDM630" in asset.read_text()
    assert sorted(p.name for p in tmp_path.glob("*.png")) == ["s-a.png", "s-b.png", "s.png"]


def test_a_key_that_changed_meanwhile_is_not_noted(gateway):
    g = gateway
    was = g.control("stickers", nodes=["a"], secrets=True)["stickers"][0]
    g.control("reset", node="a")
    g.control("stickers", nodes=["a"], printed=True, key_gens=[was["key_gen"]])
    assert life(g) == ("none", 0)
    for gens in ([], ["x"], [None], [-1], [1 << 62]):
        g.control("stickers", nodes=["a"], printed=True, key_gens=gens)
    assert life(g) == ("none", 0)
    assert not g.request("stickers", nodes=["a"], printed=True, key_gens=1)["ok"]


def test_mail_merge(gateway, tmp_path):
    g, f = gateway, tmp_path / "m.csv"
    status, out, err = g.ctl("stickers", "a", "b", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert status == 0 and [r["node"] for r in rows] == ["a", "b"]
    assert rows[0]["name"] == "'=Größe, \"16\" kW" and rows[0]["place"] == "Plant room 1"
    assert rows[0]["payload"] == rows[0]["key"] == "" and g.key("a") not in out
    assert life(g) == ("none", 0)

    f.write_text("was there")
    f.chmod(0o644)
    status, out, err = g.ctl("stickers", "a", "-f", "csv", "--show-secrets", "-o", f)
    assert (status, out) == (0, "") and stat.S_IMODE(f.stat().st_mode) == 0o600
    row, = csv.DictReader(f.open(newline=""))
    assert (row["payload"], row["key"]) == (g.claim_text("a"), g.key("a"))
    assert f.read_bytes().count(b"\r\n") == 2 and life(g) == ("printed", 1)
    status, out, _ = g.ctl("stickers", "a", "-f", "csv", "--show-secrets", "--hide-key")
    assert g.claim_text("a") in out and "," + g.key("a") + "," not in out


def test_key_only_in_the_code(gateway, tmp_path):
    f = tmp_path / "s.svg"
    pictures(gateway, "a", "-f", "svg", "--hide-key", "-o", f)
    assert "<path" in f.read_text()
    assert gateway.key("a")[:4] not in f.read_text()


@pytest.mark.parametrize("fmt", ["png", "svg", "csv"])
@pytest.mark.parametrize("path, why", [
    ("/dev/full", "No space"), ("/nowhere/s", "No such file"), ("/", "Is a directory"),
    ("/proc/s", "cannot write")])
def test_what_was_not_written_is_not_printed(still, fmt, path, why):
    err = pictures(still, "a", "-f", fmt, "--show-secrets", "-o", path, status=1)
    assert why in err and still.key("a") not in err
    assert life(still) == ("none", 0)


def test_full_disk_behind_a_redirection(still):
    status, _, err = run(["sh", "-c", "exec '%s' -s '%s' stickers a -f csv --show-secrets >/dev/full"
                          % (still.bin / "thingbridge", still.socket)])
    assert status == 1 and "No space" in err and life(still) == ("none", 0)


@pytest.mark.parametrize("args, status, why", [
    (["nosuch", "-f", "png", "-o", "F"], 5, "nosuch"),
    (["-f", "gif", "-o", "F"], 2, "--format"),
    (["a", "-f", "svg", "-o", "", "--dpi", "300"], 1, "cannot write"),
    (["a", "-f", "png"], 2, "-o FILE"),
    (["a", "-f", "text", "-o", "F"], 2, "-o goes with"),
    (["a", "-o", "F"], 2, "-o goes with"),
    (["a", "--border"], 2, "--border goes with"),
    (["a", "-f", "csv", "--dpi", "300"], 2, "--dpi goes with"),
    (["a", "-f", "text", "--hide-key"], 2, "--hide-key"),
    (["c", "-f", "png", "-o", "F"], 6, "serial number"),
    (["own", "-f", "png", "-o", "F"], 6, "owns itself"),
    (["a", "-f", "png", "--dpi", "1", "-o", "F"], 2, "--dpi"),
    (["a", "-f", "png", "--size", "1x1", "-o", "F"], 2, "--size"),
])
def test_wrong_input(still, tmp_path, args, status, why):
    f = tmp_path / "out"
    got, out, err = still.ctl("stickers", *[f if a == "F" else a for a in args])
    assert got == status and out == "" and why in err, (got, err)
    assert not f.exists() and life(still) == ("none", 0)


sheets = pytest.mark.skipif("--stock" not in run([BIN / "thinglabels", "--help"])[1],
                            reason="thinglabels draws no sheets")


@sheets
@pytest.mark.parametrize("args, why", [
    (["a", "-f", "pdf", "--stock", "nosuch"], "stock"),
    (["a", "-f", "pdf", "--stock", "avery-l7160", "--start", "99:1"], "start"),
    (["--test-page", "--stock", "nosuch"], "stock")])
def test_wrong_sheet(still, tmp_path, args, why):
    f = tmp_path / "out"
    got, out, err = still.ctl("stickers", *args, "-o", f)
    assert got != 0 and out == "" and why in err, err
    assert not f.exists() and life(still) == ("none", 0)


@sheets
def test_a_sheet_from_its_fourth_cell(gateway, tmp_path):
    g, f = gateway, tmp_path / "s.pdf"
    err = pictures(g, "a", "b", "-f", "pdf", "--stock", "avery-l7160", "--start", "2:1", "-o", f)
    assert str(f) in err and "2 claim stickers on 1 sheet" in err and stat.S_IMODE(f.stat().st_mode) == 0o600
    assert sorted(codes(f, tmp_path)) == sorted([g.claim_text("a"), g.claim_text("b")])
    assert life(g) == ("printed", 1)


def test_reveals_and_prints_are_logged_without_the_key(gateway, tmp_path):
    g = gateway
    pictures(g, "a", "-f", "png", "-o", tmp_path / "s.png")
    assert "claim texts shown to uid %d" % os.getuid() in g.log()
    assert "a printed by uid %d" % os.getuid() in g.log() and "copy 1" in g.log()
    assert g.key("a") not in g.log()


# report

def pages(f):
    return [p for p in run(["pdftotext", "-layout", f, "-"])[1].split("\f") if p.strip()]


def codes(f, tmp_path):
    """What the QR codes of a PDF or a picture hold."""
    if f.suffix == ".pdf":
        run(["pdftoppm", "-r", "150", "-png", f, tmp_path / f.stem])
    return [line for p in sorted(tmp_path.glob(f.stem + "*.png"))
            for line in run(["zbarimg", "--nodbus", "-q", "--raw", p])[1].splitlines()]


def test_report(gateway, tmp_path):
    g, f = gateway, tmp_path / "r.pdf"
    status, out, err = g.ctl("report", "-o", f)
    assert status == 0 and out == "" and "No KEY is in it" in err
    assert stat.S_IMODE(f.stat().st_mode) == 0o600
    text = "".join(pages(f))
    for said in (g.bare, "registry.example.org", "Größe", "Plant room 1", "127.0.0.1:1", "SN sn-b",
                 "generic.xy-md02", "What the owner does next", "Claim the 2 nodes", "nobody yet",
                 "it owns itself", "Open points", "temperature", "Handed over", os.uname().nodename):
        assert said in text, (said, text)
    assert "KEY" not in text and codes(f, tmp_path) == []
    assert g.key("a") not in text.replace(" ", "") and life(g) == ("none", 0)


def test_report_with_keys(gateway, tmp_path):
    g, f = gateway, tmp_path / "r.pdf"
    status, _, err = g.ctl("report", "--with-keys", "-o", f)
    assert status == 0 and "can claim the nodes" in err and "c has no claim text" in err
    got = pages(f)
    assert all("Holds the KEYs" in p for p in got) and len(got) > 1
    assert all("page %d of %d" % (i + 1, len(got)) in p for i, p in enumerate(got))
    assert sorted(codes(f, tmp_path)) == sorted([g.claim_text("a"), g.claim_text("b")])
    assert life(g) == ("printed", 1) and life(g, "c") == ("none", 0)


def test_report_of_many_nodes_repeats_its_titles(tmp_path):
    nodes = "".join(node("n%03d" % i, address=i % 200 + 1) + "name = Счётчик %d\n" % i
                    for i in range(60))
    g = Gateway(nowhere(), tmp_path / "g", nodes, registry="registry.example.org")
    status, _, err = g.ctl("report", "-o", tmp_path / "r.pdf")
    g.stop()
    assert status == 0, err
    got = pages(tmp_path / "r.pdf")
    with_nodes = [p for p in got if "n0" in p and "nobody yet" in p]
    assert len(with_nodes) > 2 and all("NAME AND PLACE" in p for p in with_nodes)
    assert all("Счётчик %d" % i in "".join(got) for i in range(60))


def test_report_without_fonts(still, tmp_path):
    none, f = tmp_path / "fonts.conf", tmp_path / "r.pdf"
    none.write_text("<fontconfig></fontconfig>")
    status, _, err = run([still.bin / "thingbridge", "-s", still.socket, "report", "-o", f],
                         FONTCONFIG_FILE=str(none))
    assert status == 0 and "cannot be printed" in err and "font" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
@pytest.mark.parametrize("args", [
    ["report"], ["stickers", "a", "--kind", "asset", "-f", "png"]])
def test_what_is_drawn_belongs_to_who_ran_sudo(still, tmp_path, args):
    f = tmp_path / "f"
    status, _, err = run([still.bin / "thingbridge", "-s", still.socket, *args, "-o", f],
                         SUDO_UID="65534", SUDO_GID="65534")
    assert status == 0 and f.stat().st_uid == 65534, err
    assert stat.S_IMODE(f.stat().st_mode) == 0o600


@pytest.mark.parametrize("args, status, why", [
    ([], 2, "-o FILE"), (["-o", "/dev/full"], 1, "No space"),
    (["-o", "/nowhere/r.pdf"], 1, "No such file"), (["x", "-o", "F"], 2, "")])
def test_report_wrong_input(still, args, status, why):
    got, out, err = still.ctl("report", "--with-keys", *args)
    assert got == status and out == "" and why in err, err
    assert life(still) == ("none", 0)
