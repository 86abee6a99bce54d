"""backup, restore and doctor: a gateway that dies comes back on another
machine with its claims, and a sick one says what it lacks."""

import fcntl
import json
import os
import shutil
import stat
import tarfile

import pytest

from harness.procs import wait_until
from harness.programs import Gateway, Owner, Registry, Sim, node, run

NODES = "".join(node("n%d" % i, address=i, sn=str(i)) for i in (1, 2, 3))


def tool(gw, *args, **kw):
    return run([gw.bin / "thingbridge", "-c", gw.conf, *args], **kw)


def claim(owner, gw, name):
    gw.wait_claim(name, "unclaimed")
    owner.json("claim", stdin=gw.claim_text(name))
    gw.wait_claim(name, "public")


def wipe(gw):
    """What a new machine has of it: nothing."""
    for name in ("state", "history"):
        for part in gw.dir.glob(name + ".db*"):
            part.unlink()
    gw.conf.unlink()
    shutil.rmtree(gw.dir / "secrets")


def test_a_gateway_moves_with_its_claims(prosody, tmp_path):
    reg = Registry(prosody, tmp_path)
    gw = Gateway(prosody, tmp_path, NODES)
    owner = Owner(prosody, tmp_path)
    file = tmp_path / "plant.tgz"
    claim(owner, gw, "n1")
    gw.wait_claim("n2", "unclaimed")
    gw.wait_claim("n3", "unclaimed")
    key = gw.key("n3")
    status, out, err = tool(gw, "backup", file)
    assert (status, out) == (0, "") and "keep it as you keep keys" in err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(gw.dir.glob("backup-*"))
    claim(owner, gw, "n2")  # after the backup: the registry knows it
    gw.kill()
    wipe(gw)
    status, _, err = tool(gw, "restore", file, "--yes")
    assert status == 0 and "must not run thingbridged any more" in err
    assert stat.S_IMODE((gw.dir / "secrets/xmpp-password").stat().st_mode) == 0o600
    assert stat.S_IMODE(gw.state.stat().st_mode) == 0o600
    assert not list(gw.dir.glob(".thingbridge-*"))
    gw.start()
    assert gw.claim("n1") == ("public", owner.bare)
    assert gw.key("n3") == key  # the sticker that was printed still works
    gw.wait_claim("n2", "public")
    assert gw.claim("n2") == ("public", owner.bare)
    assert reg.owners() == {"n1": owner.bare, "n2": owner.bare, "n3": None}


def test_restore_refuses_and_leaves_all_as_it_was(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    file, bad = tmp_path / "plant.tgz", tmp_path / "bad.tgz"
    assert tool(gw, "backup", file)[0] == 0
    status, _, err = tool(gw, "restore", file, "--yes")
    assert status != 0 and "systemctl stop thingbridged" in err
    gw.stop()
    before = gw.state.read_bytes(), gw.conf.read_text()
    bad.write_bytes(file.read_bytes()[:-40])
    status, _, err = tool(gw, "restore", bad, "--yes")
    assert status != 0 and "damaged" in err
    bad.write_bytes(b"no archive")
    assert tool(gw, "restore", bad, "--yes")[0] != 0
    with tarfile.open(bad, "w:gz") as t:
        for name in ("manifest.json", "config"):
            link = tarfile.TarInfo("./" + name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc"
            t.addfile(link)
    status, _, err = tool(gw, "restore", bad, "--yes")
    assert status != 0 and "no backup" in err
    status, _, err = tool(gw, "restore", tmp_path / "none", "--yes")
    assert status != 0 and "none" in err
    status, _, err = tool(gw, "restore", file)  # no terminal, no --yes
    assert status == 2 and "--yes" in err
    assert (gw.state.read_bytes(), gw.conf.read_text()) == before
    assert not list(gw.dir.glob(".thingbridge-*")) + list(gw.dir.glob("before-*"))


def test_restore_keeps_what_was_there(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    key = gw.key("n1")
    assert tool(gw, "backup", file)[0] == 0
    gw.control("reset", node="n1")
    assert gw.key("n1") != key
    gw.stop()
    state = gw.state.read_bytes()
    assert tool(gw, "restore", file, "--yes")[0] == 0
    (aside,) = gw.dir.glob("before-restore-*")
    assert stat.S_IMODE(aside.stat().st_mode) == 0o700
    assert (aside / "state.db").read_bytes() == state
    assert (aside / "thingbridge.conf").exists()
    gw.start()
    assert gw.key("n1") == key


def test_backup_without_the_daemon_has_what_a_killed_one_left(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    key = gw.key("n1")
    gw.kill()
    assert tool(gw, "backup", file)[0] == 0
    wipe(gw)
    assert tool(gw, "restore", file, "--yes")[0] == 0
    gw.start()
    assert gw.key("n1") == key


def test_backup_that_cannot_be_made_leaves_nothing(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    status, _, err = run(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", gw.bin / "thingbridge",
                          "-c", gw.conf, "backup", file])
    assert status == 1 and "is there room" in err
    assert not list(tmp_path.glob("plant*")) + list(gw.dir.glob("backup-*"))
    status, _, err = tool(gw, "backup", tmp_path / "no/where.tgz")
    assert status == 1 and "no/where.tgz" in err
    gw.stop()
    gw.state.unlink()
    status, _, err = tool(gw, "backup", file)
    assert status == 1 and "state.db" in err and not file.exists()


def test_restore_that_was_cut_off_starts_no_daemon_on_half_of_it(prosody, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    key = gw.key("n1")
    assert tool(gw, "backup", file)[0] == 0
    gw.control("reset", node="n1")
    assert gw.key("n1") != key
    gw.kill()
    for at in (3, 5, 7):
        # Killed once that many files have been moved.
        status, _, err = run(["strace", "-o", tmp_path / "trace", "-e", "trace=rename",
                              "-e", "inject=rename:signal=KILL:when=%d" % at,
                              gw.bin / "thingbridge", "-c", gw.conf, "restore", file, "--yes"])
        assert status != 0 and "restored" not in err
        assert not gw.conf.exists()  # without it none starts
    assert tool(gw, "restore", file, "--yes")[0] == 0
    gw.start()
    assert gw.key("n1") == key


def test_backup_with_a_colon_in_its_name(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    gw.stop()
    for args in (("backup", "at-12:30.tgz"), ("restore", "at-12:30.tgz", "--yes")):
        status, _, err = run(["sh", "-c", 'cd "$0" && exec "$@"', tmp_path,
                              gw.bin / "thingbridge", "-c", gw.conf, *args])
        assert status == 0, err


def test_one_backup_or_restore_at_a_time(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    assert tool(gw, "backup", file)[0] == 0
    gw.stop()
    before = gw.state.read_bytes()
    fd = os.open(gw.conf.parent, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    for args in (("backup", tmp_path / "b.tgz"), ("restore", file, "--yes")):
        status, _, err = tool(gw, *args)
        assert status == 1 and "try again" in err
    os.close(fd)
    assert gw.state.read_bytes() == before and not (tmp_path / "b.tgz").exists()


def test_restore_takes_no_odd_files_and_no_archive_without_claims(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    file, bad = tmp_path / "plant.tgz", tmp_path / "bad.tgz"
    gw.stop()
    assert tool(gw, "backup", file)[0] == 0
    before = gw.state.read_bytes(), gw.conf.read_text()

    def refused(change):
        with tarfile.open(file) as old, tarfile.open(bad, "w:gz") as new:
            change(old, new)
        status, _, err = tool(gw, "restore", bad, "--yes")
        assert status != 0 and "no backup" in err
        assert (gw.state.read_bytes(), gw.conf.read_text()) == before
        assert not list(gw.dir.glob(".thingbridge-*")) + list(gw.dir.glob("before-*"))

    def copy(old, new, leave=()):
        for m in old:
            if m.name not in leave:
                new.addfile(m, old.extractfile(m) if m.isreg() else None)

    def add(kind, mode):
        def change(old, new):
            copy(old, new)
            odd = tarfile.TarInfo("./config/conf.d/odd")
            odd.type, odd.mode = kind, mode
            new.addfile(odd)
        return change

    refused(add(tarfile.FIFOTYPE, 0o600))
    refused(add(tarfile.REGTYPE, 0o4755))
    refused(lambda old, new: copy(old, new, leave=("./state/state.db",)))


def findings(gw, *args):
    status, out, _ = tool(gw, "--json", "doctor", *args)
    return status, {c["check"]: c for c in json.loads(out)["checks"]}


def test_doctor_names_what_mends_it(prosody, tmp_path):
    Registry(prosody, tmp_path)
    gw = Gateway(prosody, tmp_path, NODES)
    gw.wait_online()
    gw.wait_claim("n1", "unclaimed")
    status, got = findings(gw)
    for check in ("config", "xmpp", "registry", "name", "disk"):
        assert got[check]["result"] == "ok", got[check]
    gw.stop()
    status, got = findings(gw)
    assert status == 1 and "systemctl start thingbridged" in got["daemon"]["command"]
    gw.conf.write_text(gw.text().replace("jid = ", "jit = ", 1))
    status, got = findings(gw)
    assert status == 1 and got["config"]["command"] == "thingbridge check"
    gw.write(host="no-such-host.invalid:5222")
    status, got = findings(gw)
    assert got["name"]["result"] == "error" and "no-such-host" in got["name"]["text"]
    status, out, err = tool(gw, "doctor")
    assert status == 1 and "WRONG" in out and "daemon: sudo systemctl start" in err


def test_a_meter_that_was_replaced_is_told(prosody, tmp_path):
    sim = Sim(tmp_path, "[bus plc]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n[unit m]\nbus = plc\n"
              "address = 3\ntemplate = eastron.sdm630\nvalue.serial = 111\n")
    Registry(prosody, tmp_path)
    gw = Gateway(prosody, tmp_path, node("m", "plc", 3, "eastron.sdm630", sn="@serial", poll="100ms"),
                 buses="[bus plc]\ntype = modbus-tcp\nhost = %s\n" % sim.bus["plc"])
    gw.wait_claim("m", "unclaimed")
    old = gw.claim_text("m")
    assert "SN:111" in old

    def told():
        return [w for w in gw.control("status")["warnings"] if "replaced" in w["text"]]

    assert not told()
    sim.fault("m", "silent")
    wait_until("it is offline", lambda: gw.node_list()["m"]["device"] == "offline", 20)
    sim.set("m", "serial", 222)
    sim.fault("m", "none")
    (warning,) = wait_until("its warning", told, 20)
    assert "222" in warning["text"] and warning["command"] == "thingbridge reset m"
    assert gw.claim_text("m") == old  # until somebody decides
    gw.control("reset", node="m")
    wait_until("its new sticker", lambda: "SN:222" in (gw.claim_text("m") or ""), 10)
    assert not told()
