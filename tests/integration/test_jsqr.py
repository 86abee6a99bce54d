"""thinglabels: a second reader of QR codes, jsQR, sees what was asked for."""

import itertools
import shutil

import pytest
from PIL import Image

from harness.programs import have, run
from harness.stickers import TEXTS, bitmaps, label, labels, make_jsqr, pages, rasterize

pytestmark = pytest.mark.skipif(
    not have("thinglabels"), reason="thinglabels is not built")


@pytest.fixture(scope="module")
def jsqr(tmp_path_factory):
    return make_jsqr(tmp_path_factory.mktemp("jsqr"))


def drawer(n):
    texts = itertools.cycle(TEXTS.items())
    return [label(t, node="n%d" % i, name=which)
            for i, (which, t) in zip(range(n), texts)]


def cells(page, dpi):
    """The labels of an L7160 sheet, each cut out where the maker has it."""
    def dots(*mm):
        return tuple(round(v * dpi / 25.4) for v in mm)

    for row, column in itertools.product(range(7), range(3)):
        x, y = 7.2 + column * 66.04, 15.15 + row * 38.1
        yield page.crop(dots(x, y, x + 63.5, y + 38.1))


def test_full_sheet(jsqr, tmp_path):
    of = drawer(21)
    labels("-f", "pdf", "--stock", "avery-l7160", "-o", tmp_path / "full.pdf", of=of)
    [page] = pages(tmp_path / "full.pdf")
    assert jsqr.read(cells(Image.open(page), 300)) == [l["text"] for l in of]


@pytest.mark.parametrize("stock, dpi", [
    ("zebra-51x25", 203), ("zebra-51x25", 300), ("brother-62x29", 300),
    ("dk-11201", 300)])
def test_rolls(jsqr, tmp_path, stock, dpi):
    of = drawer(2)
    args = ["--stock", stock, "--dpi", str(dpi)]
    labels("-f", "png", *args, "-o", tmp_path / "l.png", of=of)
    labels("-f", "zpl", *args, "-o", tmp_path / "l.zpl", of=of)
    labels("-f", "pdf", *args, "-o", tmp_path / "l.pdf", of=of)
    for i, zpl in enumerate(bitmaps((tmp_path / "l.zpl").read_text())):
        (tmp_path / ("z%d.pbm" % i)).write_bytes(zpl)
    for name in ("l-n%d.png", "z%d.pbm"):
        pictures = [Image.open(tmp_path / (name % i)) for i in range(2)]
        assert jsqr.read(pictures) == [l["text"] for l in of]
    pictures = [Image.open(p) for p in pages(tmp_path / "l.pdf", dpi)]
    assert jsqr.read(pictures) == [l["text"] for l in of]


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="no rsvg-convert")
def test_svg_and_terminal(jsqr, tmp_path):
    pictures = []
    some = {which: TEXTS[which] for which in ("long", "arabic", "cjk")}
    for which, text in some.items():
        svg, png, pgm = (tmp_path / (which + s) for s in (".svg", ".png", ".pgm"))
        labels("-f", "svg", "-o", svg, of=[label(text)])
        run(["rsvg-convert", "-d", "300", "-p", "300", svg, "-o", png])
        rasterize(labels("-f", "term", of=[label(text)])[0], pgm)
        pictures += [Image.open(png), Image.open(pgm)]
    assert jsqr.read(pictures) == [t for t in some.values() for _ in range(2)]
