"""From a device that a scan found to a node of the configuration, and back."""

import os
import shutil
import subprocess

import pytest

from harness.modbus import TCP, own_template, unit
from harness.procs import wait_until
from harness.programs import BIN, TEMPLATES, run
from harness.terminal import Terminal

BRIDGE = BIN / "thingbridge"

PLANT = """\
[bus plc]
type = modbus-tcp
listen = 127.0.0.1:0
[bus rs485]
type = modbus-rtu
link = {dir}/rs485
[unit board]
bus = plc
address = 1
template = generic.relay8
[unit incomer]
bus = plc
address = 7
template = eastron.sdm630
value.voltage_l1 = 230.1
value.serial = 4294967295
[unit cold]
bus = rs485
address = 11
template = generic.xy-md02
value.temperature = -12.3
[unit warm]
bus = rs485
address = 12
template = generic.xy-md02
value.temperature = 45.6
"""

SITE = """\
[bus plc]
type = modbus-tcp
host = {plc}
[bus rs485]
type = modbus-rtu
port = {dir}/rs485
serial = 9600 8N1
[bus wx]
type = serial
host = 127.0.0.1:1
"""

STREAM = """\
[template]
id = my.own
name = X
kind = text
[serial]
baud = 9600
[frame]
mode = stream
end = \\r\\n
[parse]
format = regex
regex = ^([0-9]+)
[field]
a = group:1
"""

HAND = """\
[node cold]
bus = rs485
address = 11
template = generic.xy-md02
poll = 500ms
claim.SN = 1
"""


@pytest.fixture
def server(prosody):
    return prosody


@pytest.fixture
def site(make_sim, make_gateway, fakereg, tmp):
    sim = make_sim(PLANT.format(dir=tmp))
    g = make_gateway(HAND, buses=SITE.format(plc=sim.bus["plc"], dir=tmp), registry=fakereg.jid)
    g.adopted = g.dir / "conf.d/90-adopted.conf"
    return sim, g


def ready(g, bus="rs485"):
    wait_until("%s is up" % bus, lambda: any(
        b["name"] == bus and b["up"] for b in g.control("status")["buses"]), 20, 0.05)


def test_scan_adopt_remove(site, fakereg):
    sim, g = site
    ready(g)
    code, out, err = g.ctl("scan", "rs485", "-a", "11-12")
    assert code == 0 and "generic.xy-md02" in out, err
    assert "Next: thingbridge adopt 1 --name" in err
    assert [r["candidate"] for r in g.control("candidates")["candidates"]] == [1]
    before = g.conf.read_text()
    t = Terminal([BRIDGE, "-s", g.socket, "adopt", "1", "--name", "Värme ; söder",
                  "--room", "Plant room 1"])
    t.answer("what is on its plate?", "A-77")
    t.answer("rs485 address 12 becomes node xy-md02-12.   adopt it? [y/N]", "y")
    t.expect("Next: thingbridge read xy-md02-12; thingbridge stickers xy-md02-12")
    assert t.end() == 0
    assert "temperature  45.6 C" in t.text()
    assert g.conf.read_text() == before
    text = g.adopted.read_text()
    assert text.startswith("; Written by thingbridge adopt.")
    assert ("\n[node xy-md02-12]\nbus      = rs485\naddress  = 12\ntemplate = generic.xy-md02\n"
            "name     = Värme \\; söder\ntag.ROOM = Plant room 1\nclaim.SN = A-77\n") in text
    assert os.stat(g.adopted).st_mode & 0o777 == 0o644
    assert os.listdir(g.adopted.parent) == ["90-adopted.conf"]
    n = g.node_list()["xy-md02-12"]
    assert (n["name"], n["address"]) == ("Värme ; söder", 12)
    assert g.control("candidates")["candidates"] == []
    assert "SN:A-77" in wait_until("it can be claimed", lambda: g.claim_text("xy-md02-12"), 10)
    assert g.ctl("adopt", "1", "--yes")[0] == 5
    # what was changed by hand stays
    g.adopted.write_text("; mine\n" + text + "poll = 1s ; quick\n\n; the end")
    code, out, err = g.ctl("adopt", "plc", "7", "eastron.sdm630", "--yes", "--json")
    assert code == 0, err
    assert '"sn":"4294967295"' in out.replace(" ", "") and '"node":"sdm630-7"' in out.replace(
        " ", "")
    now = g.adopted.read_text()
    assert now.startswith("; mine\n" + text + "poll = 1s ; quick\n\n; the end\n\n[node sdm630-7]\n")
    assert "claim.SN" not in now.split("[node sdm630-7]")[1]  # the template reads it
    t = Terminal([BRIDGE, "-s", g.socket, "adopt", "--remove", "sdm630-7"])
    t.answer("remove it? [y/N]", "n")
    assert (t.end(), g.adopted.read_text()) == (2, now)
    # by hand while it asks; and nothing else of ours gets between
    t = Terminal([BRIDGE, "-s", g.socket, "adopt", "--remove", "sdm630-7"])
    t.expect("remove it? [y/N]")
    code, out, err = run([BRIDGE, "-c", g.conf, "-s", g.socket, "backup", g.dir / "b.tgz"])
    assert code == 1 and "another thingbridge is changing files" in err
    g.adopted.write_text(now + "; by hand\n")
    t.send("y")
    assert (t.end(), g.adopted.read_text()) == (1, now + "; by hand\n")
    assert "was changed meanwhile, and nothing is written" in t.text()
    g.adopted.write_text(now)
    t = Terminal([BRIDGE, "-s", g.socket, "adopt", "--remove", "sdm630-7"])
    t.answer("sticker stops working (enabled = no would keep both)   remove it? [y/N]", "y")
    assert t.end() == 0
    assert g.adopted.read_text() == "; mine\n" + text + "poll = 1s ; quick\n\n; the end\n"
    assert "sdm630-7" not in g.node_list()


def test_a_device_moves_no_cursor(make_sim, make_gateway, fakereg, tmp, monkeypatch):
    """Its serial number is "A", CSI, "J"."""
    own_template(
        tmp, monkeypatch,
        regs="kind = modbus\n[poll]\nnormal = 1s\n[field]\na = holding:0 u16\nb = holding:1 u16\n",
        words="kind = modbus\n[tag]\nMAN = a.org\nMODEL = M\nSN = @sn\n[poll]\nnormal = 1s\n"
        "[field]\nsn = holding:0 str:4 kind=identity\nn = holding:0 u16\n")
    sim = make_sim(TCP + unit("u", "test.regs", a=0x41c2, b=0x9b4a))
    g = make_gateway("", buses="[bus plc]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["plc"],
                     registry=fakereg.jid)
    ready(g, "plc")
    code, out, err = g.ctl("adopt", "plc", "1", "test.words", "--yes")
    assert code == 0 and "SN A??J (read from the device)" in out, (out, err)


def refused(g, *args):
    """(exit status, what was said); nothing may have changed."""
    was = g.adopted.read_bytes() if g.adopted.exists() else None
    nodes = sorted(g.node_list())
    code, out, err = g.ctl("adopt", *args)
    assert (g.adopted.read_bytes() if g.adopted.exists() else None) == was
    assert sorted(g.node_list()) == nodes
    if g.adopted.parent.exists():
        assert set(os.listdir(g.adopted.parent)) <= {"90-adopted.conf"}
    return code, err


def test_what_cannot_be_adopted(site):
    sim, g = site
    ready(g)
    for args, code, says in (
        (("rs485", "11", "generic.xy-md02", "-y"), 6, "that of node cold already"),
        (("rs48", "12", "generic.xy-md02", "-y"), 5, 'did you mean "rs485"?'),
        (("rs485", "12", "generic.xy-md2", "-y"), 5, 'did you mean "generic.xy-md02"?'),
        (("rs485", "12", "generic.xy-md02", "-y", "--id", "cold"), 6, "another --id"),
        (("rs485", "12", "generic.xy-md02", "-y", "--id", "a b"), 2, "can be no node id"),
        (("rs485", "12", "generic.xy-md02", "-y", "--name", "x\n[node y]"), 2, "one line"),
        (("rs485", "12", "generic.xy-md02"), 2, "--yes"),
        (("rs485", "12"), 2, "a template is needed"),
        (("rs485", "0", "generic.xy-md02", "-y"), 2, "1 to 247"),
        (("rs485", "600", "generic.xy-md02", "-y"), 2, "is not an address"),
        (("rs485", "13", "generic.xy-md02", "-y"), 8, "swap A and B"),
        (("rs485", "12", "eastron.sdm630", "-y"), 8, "of another model"),
        (("rs485", "12", "vaisala.wxt", "-y"), 2, "is for text devices"),
        (("99", "-y"), 5, "there is no candidate 99"),
        (("rs485", "12", "generic.xy-md02", "-y", "--test-write", "x"), 2, "FIELD=VALUE"),
        (("--remove", "cold"), 6, "written by hand"),
        (("--remove", "nobody"), 5, "there is no node"),
        (("--remove", "cold", "x"), 2, "and nothing else"),
    ):
        got, err = refused(g, *args)
        assert (got, says in err) == (code, True), (args, got, err)
    # tag too long: found by the check of the whole, and put back
    got, err = refused(g, "rs485", "12", "generic.xy-md02", "-y", "--room", "x" * 200)
    assert got == 78 and "tag ROOM" in err and "as it was before" in err, err
    # another speed than the line's
    code, out, err = g.ctl("scan", "rs485", "-a", "12", "--serial", "19200 8N1")
    assert code == 0, err
    got, err = refused(g, "1", "-y")
    assert got == 78 and "serial = 19200 8N1  into its section" in err, err
    # errors elsewhere
    g.conf.write_text(g.text() + "[node x]\nnonsense = 1\n")
    got, err = refused(g, "rs485", "12", "generic.xy-md02", "-y")
    assert got == 78 and "thingbridge check tells" in err
    g.write()


def test_nobody_to_ask_and_nowhere_to_write(site, tmp):
    sim, g = site
    ready(g)
    (g.dir / "conf.d").write_text("no folder")
    got, err = refused_file(g)
    assert got == 6 and "cannot write into" in err and "sudo" in err, err
    (g.dir / "conf.d").unlink()
    # the folder is made when it is not there
    code, out, err = g.ctl("adopt", "plc", "1", "generic.relay8", "-y", "--id", "board",
                           "--test-write", "relay3=true")
    assert code == 0 and "written, read back" in out, err
    assert sim.get("board", "relay3") in ("true", "1", "on")
    # what the check of this user lets pass, and the daemon does not
    was = g.adopted.read_text()
    local = g.dir / "elsewhere"
    local.mkdir()
    for name in ("xy-md02.ini", "relay8.ini"):
        shutil.copy(TEMPLATES / name, local)
    (local / "x.ini").write_text(STREAM)
    code, out, err = run([BRIDGE, "-s", g.socket, "adopt", "wx", "0", "my.own", "-y"],
                         THINGBRIDGE_TEMPLATES=str(local))
    assert code == 78 and "my.own" in err and "is as it was before" in err, err
    assert g.adopted.read_text() == was
    g.stop()
    code, out, err = g.ctl("adopt", "rs485", "12", "generic.xy-md02", "-y")
    assert code == 7 and "thingbridged is not running" in err and "start thingbridged" in err


def test_full_disk(site):
    _, g = site
    ready(g)
    parts = g.dir / "conf.d"
    parts.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", parts],
                      capture_output=True).returncode:
        pytest.skip("no mount")
    try:
        g.adopted.write_text("; mine\n" + "; x\n" * 1000)
        got, err = refused(g, "plc", "1", "generic.relay8", "-y")
        assert got == 1 and "make room" in err and str(g.adopted) in err, err
        subprocess.run(["mount", "-o", "remount,ro", parts], check=True)
        got, err = refused(g, "plc", "1", "generic.relay8", "-y")
        assert got == 1 and "read-only" in err, err
    finally:
        subprocess.run(["umount", parts], check=True)


def refused_file(g):
    code, out, err = g.ctl("adopt", "rs485", "12", "generic.xy-md02", "-y")
    return code, err


def test_an_owner_is_not_lost_by_a_letter(site, fakereg):
    _, g = site
    ready(g)
    code, _, err = g.ctl("adopt", "plc", "1", "generic.relay8", "-y", "--id", "board")
    assert code == 0, err
    wait_until("it can be claimed", lambda: g.claim_text("board"), 10)
    fakereg.claimed(g.jid, "anna@localhost", "board", "MeteringTopology")
    g.wait_claim("board", "public")
    t = Terminal([BRIDGE, "-s", g.socket, "adopt", "--remove", "board"])
    t.expect("and its owner anna@localhost loses it")
    t.answer('Type "board" to go on:', "y")
    assert t.end() == 2 and "board" in g.node_list()
    t = Terminal([BRIDGE, "-s", g.socket, "adopt", "--remove", "board"])
    t.answer('Type "board" to go on:', "board")
    assert t.end() == 0 and "board" not in g.node_list()
    assert "[node" not in g.adopted.read_text()
