"""thinglabels: what a reader of QR codes sees is what was asked for."""

import json
import shutil
import stat
import struct
import subprocess

import pytest

from harness.programs import BIN, have, run

pytestmark = pytest.mark.skipif(
    not have("thinglabels") or not shutil.which("zbarimg"),
    reason="thinglabels is not built, or zbarimg is not installed")

KEY = "7K2QM9XR4TVD81JHWZ3NPC6FYB"
TEXTS = {
    "ascii": "IoTDisco;SN:394872;MAN:www.example.org;MODEL:IMC;#V:1.2;KEY:" + KEY,
    "long": "IoTDisco;SN:%s;MAN:carlogavazzi.com;MODEL:EM24-DIN AV9;#V:1.25;KEY:%s"
            % ("BQ1230042X" * 4, KEY),
    "escapes": r"IoTDisco;SN:a\;b\\c:d;KEY:" + KEY,
    "latin": "IoTDisco;SN:1;MODEL:Größe;KEY:" + KEY,
    "cyrillic": "IoTDisco;SN:1;MODEL:Счётчик воды;KEY:" + KEY,
    "greek": "IoTDisco;SN:1;MODEL:Μετρητής Ωμ;KEY:" + KEY,
    "arabic": "IoTDisco;SN:1;MODEL:عداد المياه;KEY:" + KEY,
    "emoji": "IoTDisco;SN:1;MODEL:\U0001f321 Ö;KEY:" + KEY,
    "cjk": "IoTDisco;SN:1;MODEL:温度;KEY:" + KEY,
}


def label(text, **more):
    return dict(dict(
        node="em24-1", name="Main incomer meter", place="Plant room 1 · board 2",
        maker="carlogavazzi.com", model="EM24-DIN", sn="BQ1230042X",
        jid="plant7@example.org", registry="registry.example.org", text=text, key=KEY,
        kind="claim"), **more)


def labels(*args, of, want=0):
    status, out, err = run([BIN / "thinglabels", *args], stdin=json.dumps(of))
    assert status == want, err
    return out, err


def decode(path):
    return run(["zbarimg", "--nodbus", "-q", "--raw", path])[1].rstrip("\n")


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


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("size, dpi", [
    ("62x29", 300), ("62x29", 203), ("58.93x22.95", 300), ("38.1x21.2", 300),
    ("63.5x38.1", 600), ("29x90", 300)])
def test_png_decodes(tmp_path, text, size, dpi):
    f = tmp_path / "l.png"
    labels("-f", "png", "-o", f, "--size", size, "--dpi", str(dpi), of=[label(text)])
    assert decode(f) == text
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
    assert decode(png) == text
    assert 'width="62mm" height="29mm"' in f.read_text()


def rasterize(out, path, scale=6):
    """The half blocks of a terminal as a PGM picture."""
    cells = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}
    rows = []
    for line in out.splitlines():
        if not line.startswith("\x1b[38;5;16;48;5;231m"):
            continue
        assert line.endswith("\x1b[0m")
        blocks = line[len("\x1b[38;5;16;48;5;231m"):-len("\x1b[0m")]
        for half in (0, 1):
            row = b"".join(bytes([255 * cells[c][half]]) * scale for c in blocks)
            rows += [row] * scale
    path.write_bytes(b"P5 %d %d 255\n" % (len(rows[0]), len(rows)) + b"".join(rows))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_term_decodes(tmp_path, text):
    out, _ = labels("-f", "term", of=[label(text)])
    rasterize(out, tmp_path / "t.pgm")
    assert decode(tmp_path / "t.pgm") == text
    assert "KEY 7K2Q M9XR 4TVD 81JH WZ3N PC6F YB" in out


def test_files_are_private(tmp_path):
    f = tmp_path / "l.png"
    f.write_text("was here")
    f.chmod(0o644)
    labels("-f", "png", "-o", f, of=[label(TEXTS["ascii"])])
    assert stat.S_IMODE(f.stat().st_mode) == 0o600


def test_several_labels(tmp_path):
    of = [label(TEXTS["ascii"], node="a"), label(TEXTS["latin"], node="b/1")]
    labels("-f", "png", "-o", tmp_path / "l.png", of=of)
    assert decode(tmp_path / "l-a.png") == TEXTS["ascii"]
    assert decode(tmp_path / "l-b_1.png") == TEXTS["latin"]
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
                    of=[label("IoTDisco;SN:1;KEY:" + KEY, name="温度計 " * 20)])
    assert "no room for the KEY" in err and "cannot be printed" in err
    assert KEY not in err and "7K2Q" not in err
    assert KEY[:4] not in (tmp_path / "l.svg").read_text()


def test_asset(tmp_path):
    f = tmp_path / "l.svg"
    labels("-f", "svg", "-o", f, of=[label(None, key=None, kind="asset", bus="rs485",
                                           address=3)])
    assert "rs485 address 3" in f.read_text() and "<path" not in f.read_text()


@pytest.mark.parametrize("args, stdin", [
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
