"""Stickers: made by thinglabels, and read again by two readers of QR codes."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from .programs import BIN, SOURCE, run

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


def labels(*args, of, want=0, **env):
    status, out, err = run([BIN / "thinglabels", *args], stdin=json.dumps(of), **env)
    assert status == want, err
    return out, err


def pages(pdf, dpi=300):
    """The pages of a PDF as pictures, which a checker has passed."""
    assert run(["qpdf", "--check", pdf])[0] == 0
    run(["pdftoppm", "-r", str(dpi), "-gray", pdf, pdf.with_suffix("")])
    return sorted(pdf.parent.glob(pdf.stem + "-*.pgm"))


def bitmaps(zpl):
    """The pictures of a ZPL file, as a printer would put them together."""
    for w, h, n, rows in re.findall(
            r"\^PW(\d+)\n\^LL(\d+)\n.*?\^GFA,\d+,\d+,(\d+),\n(.*?)\^FS", zpl, re.S):
        w, h, n, data = int(w), int(h), int(n), []
        for row in rows.split():
            data.append(data[-1] if row == ":" else
                        bytes.fromhex(row.rstrip(",")).ljust(n, b"\0"))
        assert len(data) == h and n == (w + 7) // 8
        yield b"P4 %d %d\n" % (w, h) + b"".join(data)


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


def zbar(path):
    return run(["zbarimg", "--nodbus", "-q", "--raw", path])[1].rstrip("\n")


class JsQR:
    """jsQR of npm, installed into a folder of its own."""

    source = SOURCE / "tests/jsqr"
    # A registry that does not answer is waited for no longer than this.
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000",
                "--fetch-timeout=20000"]

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for f in ("package.json", "package-lock.json", "read.js"):
            shutil.copy(self.source / f, folder)
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
             "--prefer-offline", *self.patience],
            cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError("\n".join(done.stderr.splitlines()[:5]))

    def read(self, pictures):
        """What each of PIL's pictures says, None where it is no code."""
        rgba = [p.convert("RGBA") for p in pictures]
        done = subprocess.run(
            ["node", "read.js", *(str(n) for p in rgba for n in p.size)],
            cwd=self.folder, input=b"".join(p.tobytes() for p in rgba),
            capture_output=True, check=True)
        return json.loads(done.stdout)


def make_jsqr(folder):
    """A JsQR.  Without one the test fails, unless TB_OFFLINE is set or nobody
    asked for all (TB_REQUIRE)."""
    if os.environ.get("TB_OFFLINE"):
        pytest.skip("TB_OFFLINE says that npm reaches no registry")
    try:
        return JsQR(folder)
    except OSError as e:
        give_up = pytest.fail if os.environ.get("TB_REQUIRE") else pytest.skip
        give_up("jsQR cannot be installed: are node and npm there, and is npm's "
                "registry reached?  TB_OFFLINE=1 leaves this test out.\n%s" % e)
