"""thinglabels: what a reader of QR codes sees is what was asked for."""

import json
import os
import re
import shutil
import stat
import struct
import subprocess

import pytest

from harness.programs import BIN, have, run
from harness.stickers import (
    KEY, TEXTS, bitmaps, label, labels, pages, rasterize, zbar)

pytestmark = pytest.mark.skipif(
    not have("thinglabels") or not shutil.which("zbarimg"),
    reason="thinglabels is not built, or zbarimg is not installed")


def png_info(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, info = 8, {}
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            info["size"] = struct.unpack(">II", data[at + 8:at + 16])
        if kind == b"pHYs":
            info["dpm"] = struct.unpack(">IIB", data[at + 8:at + 17])
        at += 12 + n
    return info


@pytest.mark.parametrize("which, size, dpi", [
    *((t, "62x29", 300) for t in TEXTS),
    *((t, *on) for t in ("long", "cjk") for on in (
        ("62x29", 203), ("58.93x22.95", 300), ("38.1x21.2", 300), ("63.5x38.1", 600),
        ("29x90", 300)))])
def test_png_decodes(tmp_path, which, size, dpi):
    text = TEXTS[which]
    f = tmp_path / "l.png"
    labels("-f", "png", "-o", f, "--size", size, "--dpi", str(dpi), of=[label(text)])
    assert zbar(f) == text
    w, h = (float(x) for x in size.split("x"))
    info = png_info(f)
    assert info["size"] == (int(w / 25.4 * dpi + 1e-6), int(h / 25.4 * dpi + 1e-6))
    assert info["dpm"] == (round(dpi / 0.0254), round(dpi / 0.0254), 1)


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="no rsvg-convert")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_svg_decodes(tmp_path, text):
    f, png = tmp_path / "l.svg", tmp_path / "l.png"
    labels("-f", "svg", "-o", f, of=[label(text, name='A <b> & "c"')])
    run(["rsvg-convert", "-d", "300", "-p", "300", f, "-o", png])
    assert zbar(png) == text
    assert 'width="62mm" height="29mm"' in f.read_text()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_term_decodes(tmp_path, text):
    out, _ = labels("-f", "term", of=[label(text)])
    rasterize(out, tmp_path / "t.pgm")
    assert zbar(tmp_path / "t.pgm") == text
    assert "KEY 7K2Q M9XR 4TVD 81JH WZ3N PC6F YB" in out


def test_files_are_private(tmp_path):
    f = tmp_path / "l.png"
    f.write_text("was here")
    f.chmod(0o644)
    labels("-f", "png", "-o", f, of=[label(TEXTS["ascii"])])
    assert stat.S_IMODE(f.stat().st_mode) == 0o600


def test_all_or_nothing(tmp_path):
    """What does not fit on the disk leaves the file that was there."""
    f = tmp_path / "l.png"
    f.write_text("was here")
    status, _, err = run(
        ["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh",
         BIN / "thinglabels", "-f", "png", "-o", f],
        stdin=json.dumps([label(TEXTS["ascii"])]))
    assert status == 1 and "cannot write %s: File too large" % f in err
    assert f.read_text() == "was here" and os.listdir(tmp_path) == ["l.png"]


def test_links_and_pipes_are_written_as_they_stand(tmp_path):
    f, link = tmp_path / "l.svg", tmp_path / "link.svg"
    f.write_text("was here")
    f.chmod(0o644)
    link.symlink_to(f)
    labels("-f", "svg", "-o", link, of=[label(TEXTS["ascii"])])
    assert link.is_symlink() and f.read_text().startswith("<?xml")
    assert stat.S_IMODE(f.stat().st_mode) == 0o600
    out, _ = labels("-f", "svg", "-o", "/dev/stdout", of=[label(TEXTS["ascii"])])
    assert out == f.read_text()


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root")
NOBODY = 65534


@as_root
def test_files_belong_to_who_ran_sudo(tmp_path):
    f, p = tmp_path / "l.svg", tmp_path / "l.pdf"
    f.write_text("of root")
    for file in (f, p):
        labels("-f", file.suffix[1:], "-o", file, of=[label(TEXTS["ascii"])],
               SUDO_UID=str(NOBODY), SUDO_GID=str(NOBODY - 1))
        st = file.stat()
        assert (st.st_uid, st.st_gid) == (NOBODY, NOBODY - 1)
        assert stat.S_IMODE(st.st_mode) == 0o600


@as_root
@pytest.mark.parametrize("uid, gid", [
    ("", "1"), ("-1", "1"), ("4294967295", "1"), ("1x", "1"), (" 1", "1"),
    ("99999999999999999999", "1"), ("0x1", "1"), ("1", ""), ("1", "4294967296")])
def test_a_wrong_number_of_sudo_is_nobody(tmp_path, uid, gid):
    f = tmp_path / "l.svg"
    labels("-f", "svg", "-o", f, of=[label(TEXTS["ascii"])],
           SUDO_UID=uid, SUDO_GID=gid)
    assert (f.stat().st_uid, f.stat().st_gid) == (0, os.getegid())


def test_several_labels(tmp_path):
    of = [label(TEXTS["ascii"], node="a"), label(TEXTS["latin"], node="b/1")]
    _, err = labels("-f", "png", "-o", tmp_path / "l.png", of=of)
    assert "-> %s (mode 0600)" % (tmp_path / "l-NODE.png") in err
    assert zbar(tmp_path / "l-a.png") == TEXTS["ascii"]
    assert zbar(tmp_path / "l-b_1.png") == TEXTS["latin"]
    _, err = labels("-f", "png", of=of, want=1)
    assert "-o FILE" in err
    clash = [label(TEXTS["ascii"], node="b_1"), of[1]]
    _, err = labels("-f", "png", "-o", tmp_path / "c.png", of=clash, want=1)
    assert "both" in err and not list(tmp_path.glob("c*"))


def test_too_small_is_refused(tmp_path):
    _, err = labels("-f", "png", "-o", tmp_path / "l.png", "--size", "25.4x10",
                    of=[label(TEXTS["ascii"])], want=6)
    assert "mm" in err and KEY not in err
    assert not (tmp_path / "l.png").exists()
    _, err = labels("-f", "png", "-o", tmp_path / "l.png", "--size", "30x13",
                    of=[label(TEXTS["ascii"])])
    assert "some phones fail" in err
    of = [label(TEXTS["ascii"], node="a"), label(TEXTS["ascii"] * 20, node="b")]
    labels("-f", "png", "-o", tmp_path / "p.png", of=of, want=4)
    assert (tmp_path / "p-a.png").exists() and not (tmp_path / "p-b.png").exists()


def test_warnings_never_show_the_key(tmp_path):
    _, err = labels("-f", "svg", "-o", tmp_path / "l.svg", "--size", "25x12",
                    of=[label("IoTDisco;SN:1;KEY:" + KEY, name="\ue123\ue124 " * 20)])
    assert "no room for the KEY" in err and "cannot be printed" in err
    assert KEY not in err and "7K2Q" not in err
    assert KEY[:4] not in (tmp_path / "l.svg").read_text()


def test_asset(tmp_path):
    f = tmp_path / "l.svg"
    labels("-f", "svg", "-o", f, of=[label(None, key=None, kind="asset", bus="rs485",
                                           address=3)])
    assert "rs485 address 3" in f.read_text() and "<path" not in f.read_text()


def test_asset_never_carries_a_key(tmp_path):
    f = tmp_path / "a.png"
    direct = "iotdisco:JID=plant7@example.org;NID=em24-1"
    labels("-f", "png", "-o", f, of=[label(direct, kind="asset")])
    assert zbar(f) == direct
    for text in (TEXTS["ascii"], "iotdisco:SN=1;KEY=" + KEY):
        labels("-f", "png", "-o", f, of=[label(text, kind="asset")])
        assert zbar(f) == ""


NAMES = ["Main incomer", "Μετρητής", "Счётчик воды", "عداد المياه", "Größe",
         "a very long name that is cut at the end, as it must be to fit"]


def drawer(n):
    return [label("IoTDisco;SN:%04d;MAN:carlogavazzi.com;MODEL:EM24-DIN;#V:1.2;KEY:%s"
                  % (i, KEY), node="n%d" % i, name=NAMES[i % len(NAMES)])
            for i in range(n)]


def test_full_sheet(tmp_path):
    f = tmp_path / "full.pdf"
    of = drawer(21)
    _, err = labels("-f", "pdf", "--stock", "avery-l7160", "-o", f, of=of)
    assert "21 claim stickers on 1 sheet of avery-l7160 (cells 1-21), QR v" in err
    assert stat.S_IMODE(f.stat().st_mode) == 0o600
    assert b"/PrintScaling /None" in f.read_bytes()
    [page] = pages(f)
    assert sorted(zbar(page).split("\n")) == sorted(l["text"] for l in of)


def positions(pdf):
    """Where the names of nodes stand on a page, in mm."""
    out = run(["pdftotext", "-bbox", pdf, "-"])[1]
    return {word: (float(x) * 25.4 / 72, float(y) * 25.4 / 72) for x, y, word in re.findall(
        r'xMin="([0-9.]+)" yMin="([0-9.]+)"[^>]*>(n[0-9]+)<', out)}


@pytest.mark.parametrize("args, cells, row, column", [
    ([], "4-6", 0, 2), (["--by-column"], "2-4", 2, 0)])
def test_cells(tmp_path, args, cells, row, column):
    """The third label is two to the right, or two down."""
    f = tmp_path / "c.pdf"
    _, err = labels("-f", "pdf", "--start", "2:1", *args, "-o", f, of=drawer(3))
    assert "(cells %s)" % cells in err
    at = positions(f)
    assert at["n2"] == pytest.approx(
        (at["n0"][0] + column * 66.04, at["n0"][1] + row * 38.1), abs=0.3)
    assert 7.2 < at["n0"][0] < 7.2 + 63.5 and 53.25 < at["n0"][1] < 53.25 + 38.1


SCRIPTS = [
    ("de", "Größe Übergabe", "Keller Süd"), ("el", "Μετρητής ισχύος", "Λεβητοστάσιο"),
    ("ru", "Счётчик воды", "Котельная"), ("ar", "عداد المياه", "غرفة المضخات"),
    ("zh-cn", "主楼配电室总电表", "三号楼"), ("ja", "地下機械室の温度計", "本館"),
    ("ko", "지하 기계실 열량계", "본관")]


def in_scripts():
    texts = {"claim": TEXTS["ascii"], "asset": "iotdisco:JID=plant7@example.org;NID=a"}
    return [label(texts[kind], kind=kind, node="%s-%s" % (kind, lang), name=name,
                  place=place, bus="rs485", address=3)
            for kind in texts for lang, name, place in SCRIPTS]


def dejavu_alone(tmp_path):
    """A configuration of fonts that has Latin, Greek, Cyrillic and Arabic."""
    conf = tmp_path / "fonts.conf"
    conf.write_text("<fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir>"
                    "<cachedir>%s</cachedir></fontconfig>" % tmp_path)
    return str(conf)


def test_names_without_a_font(tmp_path):
    """Each is named, and the packages once."""
    f = tmp_path / "n.pdf"
    _, err = labels("-f", "pdf", "-o", f, of=in_scripts(),
                    FONTCONFIG_FILE=dejavu_alone(tmp_path))
    lost = re.findall(r"(\S+): \d+ characters of the (name|place) cannot", err)
    assert sorted(lost) == sorted(
        ("%s-%s" % (kind, lang), line) for kind in ("claim", "asset")
        for lang in ("zh-cn", "ja", "ko") for line in ("name", "place"))
    assert err.count("apt install fonts-noto-core fonts-noto-cjk") == 1


def test_names_with_fonts(tmp_path):
    """Where fonts-noto-cjk is, all are printed, each within its cell."""
    f, of = tmp_path / "n.pdf", in_scripts()
    there = {lang for lang, _, _ in SCRIPTS
             if run(["fc-list", ":lang=" + lang])[1].strip()}
    # cairo loses an array of what it takes from a CFF font, which Noto CJK is.
    _, err = labels("-f", "pdf", "-o", f, of=of, ASAN_OPTIONS="detect_leaks=0")
    lost = set(re.findall(r"\w+-(\S+): \d+ characters? of", err))
    assert lost == {lang for lang, _, _ in SCRIPTS} - there
    assert "no room" not in err and "cut to fit" not in err
    words = re.findall(r'xMin="(\S+)" yMin="(\S+)" xMax="(\S+)" yMax="(\S+)">([^<]*)<',
                       run(["pdftotext", "-bbox", f, "-"])[1])
    for i, l in enumerate(of):
        left, top = 7.2 + i % 3 * 66.04, 15.15 + i // 3 * 38.1
        inside = " ".join(
            w for *box, w in words
            if left < float(box[0]) * 25.4 / 72 and float(box[2]) * 25.4 / 72 < left + 63.5
            and top < float(box[1]) * 25.4 / 72 and float(box[3]) * 25.4 / 72 < top + 38.1)
        lang = l["node"].split("-", 1)[1]
        if lang in there and lang != "ar":  # poppler gives it in forms of its own
            assert all(w in inside for w in (l["name"] + " " + l["place"]).split()), inside


def test_two_sheets_and_a_full_one(tmp_path):
    f = tmp_path / "c.pdf"
    of = drawer(22)
    _, err = labels("-f", "pdf", "--start", "21", "-o", f, of=of)
    assert "on 2 sheets of avery-l7160 (from cell 21 to 21)" in err
    assert len(pages(f, 50)) == 2


def test_pdf_is_reproducible(tmp_path):
    a = [tmp_path / n for n in ("a.pdf", "b.pdf")]
    for f in a:
        run([BIN / "thinglabels", "-f", "pdf", "-o", f], stdin=json.dumps(drawer(2)),
            SOURCE_DATE_EPOCH="1700000000")
    assert a[0].read_bytes() == a[1].read_bytes()


def test_test_page(tmp_path):
    f = tmp_path / "t.pdf"
    labels("--test-page", "--stock", "avery-5160", "-o", f, of=[])
    assert len(pages(f, 50)) == 1
    text = run(["pdftotext", "-layout", f, "-"])[1]
    assert "Print at 100 %" in text and "--offset" in text


@pytest.mark.parametrize("stock, dpi, size", [
    ("zebra-51x25", 203, (407, 199)), ("zebra-51x25", 300, (602, 295)),
    ("brother-62x29", 300, (696, 271)), ("dk-11201", 300, (306, 991))])
def test_rolls(tmp_path, stock, dpi, size):
    of = drawer(2)
    args = ["--stock", stock, "--dpi", str(dpi)]
    _, err = labels("-f", "png", *args, "-o", tmp_path / "l.png", of=of)
    labels("-f", "zpl", *args, "-o", tmp_path / "l.zpl", of=of)
    labels("-f", "pdf", *args, "-o", tmp_path / "l.pdf", of=of)
    zpl = list(bitmaps((tmp_path / "l.zpl").read_text()))
    sheets = pages(tmp_path / "l.pdf")
    assert len(zpl) == len(sheets) == 2
    for l, bitmap, sheet in list(zip(of, zpl, sheets))[1:]:
        png, pbm = tmp_path / ("l-%s.png" % l["node"]), tmp_path / "z.pbm"
        pbm.write_bytes(bitmap)
        assert png_info(png)["size"] == size
        assert [zbar(f) for f in (png, pbm, sheet)] == [l["text"]] * 3


def test_qr_only(tmp_path):
    f = tmp_path / "q.svg"
    labels("-f", "svg", "--stock", "qr-only", "--size", "20x20", "-o", f,
           of=[label(TEXTS["ascii"])])
    assert 'width="20mm"' in f.read_text() and "<text" not in f.read_text()


def test_force(tmp_path):
    args = ["-f", "pdf", "--stock", "avery-l4731", "-o", tmp_path / "f.pdf"]
    _, err = labels(*args, of=drawer(1), want=6)
    assert "--force" in err and not (tmp_path / "f.pdf").exists()
    labels(*args, "--force", of=drawer(1))
    assert (tmp_path / "f.pdf").exists()


def test_printers_are_remembered(tmp_path):
    def offset(*more):
        status, _, err = run(
            [BIN / "thinglabels", "-f", "pdf", "--printer", "hall", "-o",
             tmp_path / "p.pdf", *more], stdin=json.dumps(drawer(1)),
            XDG_CONFIG_HOME=str(tmp_path / "cfg"))
        assert status == 0, err
        return positions(tmp_path / "p.pdf")["n0"]

    plain = offset()
    moved = offset("--offset", "5,3")
    again = offset()
    assert moved == pytest.approx((plain[0] + 5, plain[1] + 3), abs=0.01)
    assert again == moved
    ini = tmp_path / "cfg/thingbridge/printers.ini"
    ini.write_text("# mine\n" + ini.read_text())
    offset("--scale", "100,99.5")
    assert "# mine" in ini.read_text() and "scale = 100,99.5" in ini.read_text()
    ini.write_text("[printer hall]\noffset = left\n")
    status, _, err = run([BIN / "thinglabels", "-f", "pdf", "--printer", "hall", "-o",
                          tmp_path / "x.pdf"], stdin="[]",
                         XDG_CONFIG_HOME=str(tmp_path / "cfg"))
    assert status == 1 and "printers.ini:2" in err


def test_own_stock(tmp_path):
    own = tmp_path / "my.ini"
    own.write_text("[stock mine]\npage = a4\nlabel = 70x37\ncells = 3x8\n"
                   "margin = 0x0\npitch = 70x37\nabout = from the shop\n")
    out, _ = labels("--list-stocks", "--stocks", own, of=[])
    assert "from the shop" in out and "avery-l7160" in out
    labels("-f", "pdf", "--stocks", own, "--stock", "mine", "--border", "-o",
           tmp_path / "m.pdf", of=drawer(24))
    assert len(positions(tmp_path / "m.pdf")) == 24
    own.write_text("[stock mine]\npage = a5\nlabel = 70x37\n")
    _, err = labels("--list-stocks", "--stocks", own, of=[], want=78)
    assert "my.ini:2: error" in err
    _, err = labels("-f", "pdf", "--stock", "nix", of=[], want=2)
    assert "--list-stocks" in err


def test_json_summary(tmp_path):
    _, err = labels("-f", "pdf", "-o", tmp_path / "j.pdf", "--json", of=drawer(2)[:1])
    got = json.loads(err.splitlines()[0])
    assert (got["stickers"], got["sheets"], got["last"]) == (1, 1, 1)
    assert KEY not in err


@pytest.mark.parametrize("args, stdin", [
    (["-f", "zpl"], "[]"), (["-f", "png", "--start", "2"], "[]"),
    (["-f", "pdf", "--start", "22"], "[]"), (["-f", "pdf", "--offset", "1"], "[]"),
    (["-f", "pdf", "--scale", "50,50"], "[]"), (["-f", "pdf", "--size", "9x9",
     "--start", "1"], "[]"), (["-f", "pdf", "--printer", "a b"], "[]"),
    (["-f", "pdf", "--stock", "avery-l7160", "--size", "9x9"], "[]"),
    ([], "[]"), (["-f", "gif"], "[]"), (["-f", "png", "--size", "62"], "[]"),
    (["-f", "png", "--dpi", "9"], "[]"), (["-f", "png", "x"], "[]"), (["--no"], "[]")])
def test_usage(args, stdin):
    assert run([BIN / "thinglabels", *args], stdin=stdin)[0] == 2


@pytest.mark.parametrize("stdin", ["", "{}", "[1]", '[{"node":"a"}]', "[" * 3000])
def test_bad_input(stdin):
    status, out, err = run([BIN / "thinglabels", "-f", "svg"], stdin=stdin)
    assert (status, out) == (1, "") and err.startswith("thinglabels: ")


def test_a_png_does_not_go_to_a_terminal():
    p = subprocess.run(
        ["script", "-qec", "%s -f png" % (BIN / "thinglabels"), "/dev/null"],
        input="[]", capture_output=True, text=True)
    assert p.returncode == 2 and "terminal" in p.stdout
