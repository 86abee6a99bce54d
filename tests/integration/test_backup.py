"""backup, restore and doctor: a gateway that dies comes back on another
machine with its claims, and a sick one says what it lacks."""

import contextlib
import fcntl
import io
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import stat
import tarfile

import pytest

from harness.procs import wait_until
from harness.programs import Gateway, Owner, Registry, Sim, node, run, write_private
from harness.terminal import Terminal

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


def test_restore_takes_no_claims_that_are_none(prosody, tmp_path):
    """Neither for the claims, nor to put them in the place of another file."""
    gw = Gateway(prosody, tmp_path, NODES)
    file, bad = tmp_path / "plant.tgz", tmp_path / "bad.tgz"
    assert tool(gw, "backup", file)[0] == 0
    gw.stop()
    before = gw.state.read_bytes(), gw.conf.read_text()
    for content in (b"", b"\0" * 8192, before[0][:15] + b"x" + before[0][16:]):
        shutil.rmtree(tmp_path / "x", ignore_errors=True)
        with tarfile.open(file) as t:
            t.extractall(tmp_path / "x")
        (tmp_path / "x/state/state.db").write_bytes(content)
        with tarfile.open(bad, "w:gz") as t:
            t.add(tmp_path / "x", ".")
        status, _, err = tool(gw, "restore", bad, "--yes")
        assert status != 0 and "are damaged" in err
    other = tmp_path / "shadow"
    other.write_text("root:x\n")
    conf = tmp_path / "x/config/thingbridge.conf"
    conf.write_text(re.sub("(?m)^state *=.*$", "state = %s" % other, before[1]))
    assert str(other) in conf.read_text()
    (tmp_path / "x/state/state.db").write_bytes(before[0])
    with tarfile.open(bad, "w:gz") as t:
        t.add(tmp_path / "x", ".")
    status, _, err = tool(gw, "restore", bad, "--yes")
    assert status != 0 and "another kind of file" in err
    assert other.read_text() == "root:x\n"
    assert (gw.state.read_bytes(), gw.conf.read_text()) == before
    os.mkfifo(tmp_path / "pipe")
    assert "is no file" in tool(gw, "restore", tmp_path / "pipe", "--yes")[2]


def test_restored_files_are_for_nobody_else_to_write_or_be(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    os.chmod(gw.conf, 0o6777)
    assert tool(gw, "backup", file)[0] == 0
    gw.stop()
    assert tool(gw, "restore", file, "--yes")[0] == 0
    assert stat.S_IMODE(gw.conf.stat().st_mode) == 0o755


def test_tar_fills_the_file_that_was_made(prosody, tmp_path):
    """Who owns the folder may put another under its name meanwhile."""
    gw = Gateway(prosody, tmp_path, NODES)
    folder = tmp_path / "nightly"
    folder.mkdir()
    trap = tmp_path / "trap"
    env = fake_tar(tmp_path, "rm -f %s/.thingbridge-backup.part\n"
                   "ln -s %s %s/.thingbridge-backup.part\nexec /usr/bin/tar \"$@\"\n"
                   % (folder, trap, folder))
    tool(gw, "backup", folder / "plant.tgz", **env)
    assert not trap.exists()


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
    assert not list(gw.dir.glob(".thingbridge-*"))
    gw.start()
    assert gw.key("n1") == key


def fake_tar(tmp_path, script):
    """The environment in which tar does this."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin/tar").write_text("#!/bin/sh\n" + script)
    (tmp_path / "bin/tar").chmod(0o755)
    return {"PATH": "%s:%s" % (tmp_path / "bin", os.environ["PATH"])}


def left(gw, folder):
    return (list(folder.glob("plant*")) + list(folder.glob(".thingbridge-*")) +
            list(gw.dir.glob(".thingbridge-*")) + list(gw.dir.glob("backup-*")) +
            list(gw.dir.glob("before-*")))


def test_backup_and_restore_that_are_ended_leave_nothing(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path / "gw", NODES)
    file = tmp_path / "good/plant.tgz"
    file.parent.mkdir()
    assert tool(gw, "backup", file)[0] == 0
    links = set(pathlib.Path("/tmp").glob(".thingbridge-*"))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        env = fake_tar(tmp_path, "kill -%d $PPID\nexec sleep 30\n" % number)
        status, _, err = tool(gw, "backup", tmp_path / "plant.tgz", **env)
        assert (status, err) == (-number, "")
        assert not left(gw, tmp_path) and set(pathlib.Path("/tmp").glob(".thingbridge-*")) <= links
    gw.stop()
    before = gw.state.read_bytes()
    for number in (signal.SIGTERM, signal.SIGINT):
        env = fake_tar(tmp_path, "kill -%d $PPID\nexec sleep 30\n" % number)
        status, _, err = tool(gw, "restore", file, "--yes", **env)
        assert (status, err) == (-number, "") and not left(gw, tmp_path)
    t = Terminal([gw.bin / "thingbridge", "-c", gw.conf, "restore", file])
    t.expect('Type "restore" to go on')
    t.interrupt()
    assert t.end() == -signal.SIGINT and not left(gw, tmp_path)
    assert gw.state.read_bytes() == before


def test_what_a_killed_backup_left_goes_with_the_next(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path / "gw", NODES)
    one, other = tmp_path / "plant-1.tgz", tmp_path / "plant-2.tgz"
    part = tmp_path / ".thingbridge-backup.part"
    env = fake_tar(tmp_path, "kill -KILL $PPID\n")
    assert tool(gw, "backup", one, **env)[0] == -signal.SIGKILL
    assert tool(gw, "backup", other)[0] == 0
    assert left(gw, tmp_path) == [other]
    # one that is at work keeps its own
    part.write_text("half of it")
    with open(part) as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        status, _, err = tool(gw, "backup", one)
        assert status == 1 and "another backup" in err and str(part) in err
        assert part.read_text() == "half of it"
    part.unlink()
    part.symlink_to(gw.conf)  # which somebody else may have put there
    assert tool(gw, "backup", one)[0] == 0
    assert "[xmpp]" in gw.conf.read_text() and not part.is_symlink()


def test_backup_of_one_gateway_has_no_claims_of_another(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path / "gw", NODES)
    file, other = tmp_path / "plant.tgz", tmp_path / "other.conf"
    other.write_text(gw.text())
    write_private(tmp_path / "secrets/xmpp-password", "another")
    status, _, err = run([gw.bin / "thingbridge", "-c", other, "backup", file])
    assert status == 6 and str(other) in err and str(gw.conf) in err and not file.exists()
    # without -c it is what the daemon runs with
    assert run([gw.bin / "thingbridge", "-s", gw.socket, "backup", file])[0] == 0
    with tarfile.open(file) as t:
        assert t.extractfile("./config/secrets/xmpp-password").read().decode() == gw.password + "\n"


def test_backup_has_the_password_that_the_daemon_made(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path, NODES, start=False)
    file = tmp_path / "plant.tgz"
    gw.state = tmp_path / "var/state.db"
    write_private(tmp_path / "var/secrets/made", "by the daemon")
    write_private(tmp_path / "var/secrets/xmpp-password", "an older one")
    gw.write()
    for running in (True, False):
        if running:
            gw.start()
        else:
            gw.stop()
        assert tool(gw, "backup", file)[0] == 0
        with tarfile.open(file) as t:
            for name, text in (("made", "by the daemon"), ("xmpp-password", gw.password + "\n")):
                assert t.extractfile("./config/secrets/" + name).read().decode() == text
    wipe(gw)
    shutil.rmtree(tmp_path / "var/secrets")
    assert tool(gw, "restore", file, "--yes")[0] == 0
    assert (tmp_path / "secrets/made").read_text() == "by the daemon"
    for secret in (tmp_path / "secrets").iterdir():
        secret.unlink()
    gw.write(xmpp_keys={"register": "yes"})  # which can do without
    assert tool(gw, "backup", file)[0] == 0
    (tmp_path / "secrets").rmdir()
    assert tool(gw, "restore", file, "--yes")[0] == 0
    assert (tmp_path / "secrets").is_dir()  # as the service's credentials must


def test_no_daemon_begins_anew_while_claims_come_back(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path / "gw", NODES)
    file, seen = tmp_path / "plant.tgz", tmp_path / "seen"
    assert tool(gw, "backup", file)[0] == 0
    gw.stop()
    wipe(gw)
    real = shutil.which("tar")
    env = fake_tar(tmp_path, '%s "$@" || exit\n'
                   "[ ! -e %s ] || { flock -n %s true; echo $? >%s; }\n"
                   % (real, gw.state, gw.state, seen))
    bad = tmp_path / "bad.tgz"
    with tarfile.open(file) as old, tarfile.open(bad, "w:gz") as new:
        for m in old:
            if m.name != "./state/state.db":
                new.addfile(m, old.extractfile(m) if m.isreg() else None)
    assert tool(gw, "restore", bad, "--yes", **env)[0] != 0
    assert seen.read_text() == "1\n" and not gw.state.exists()
    seen.unlink()
    assert tool(gw, "restore", file, "--yes", **env)[0] == 0
    assert seen.read_text() == "1\n" and gw.state.exists()
    assert not list(gw.dir.glob("before-*"))
    # nor does one go on that has its claims in another file
    gw.write(state=tmp_path / "gw/other.db")
    gw.start()
    before = gw.conf.read_text()
    status, _, err = tool(gw, "restore", file, "--yes")
    assert status == 1 and "systemctl stop thingbridged" in err
    assert gw.conf.read_text() == before


def test_the_name_of_the_claims_never_leads_to_nothing(prosody, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    assert tool(gw, "backup", file)[0] == 0
    gw.kill()  # its log stands beside
    trace = tmp_path / "trace"
    assert run(["strace", "-o", trace, "-e", "trace=rename,link", gw.bin / "thingbridge", "-c",
                gw.conf, "restore", file, "--yes"], ASAN_OPTIONS="detect_leaks=0")[0] == 0
    calls = [line.split('"')[0:4] for line in trace.read_text().splitlines() if "state.db" in line]
    what = [(c[0][:-1], os.path.basename(c[1]), os.path.basename(c[3])) for c in calls]
    assert what == [("rename", "restored", "state.db.restored"),
                    ("rename", "state.db-wal", "state.db-wal"),
                    ("rename", "state.db-shm", "state.db-shm"),
                    ("link", "state.db", "state.db"), ("rename", "state.db", "state.db")]


def test_restore_that_fails_half_way_puts_all_back(prosody, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    gw = Gateway(prosody, tmp_path, NODES)
    file = tmp_path / "plant.tgz"
    assert tool(gw, "backup", file)[0] == 0
    gw.stop()
    before = gw.state.read_bytes(), gw.conf.read_text()
    for call, at in (("link", 1), ("link", 2), ("rename", 4), ("rename", 5)):
        status, _, err = run(["strace", "-o", tmp_path / "trace", "-e", "trace=" + call, "-e",
                              "inject=%s:error=EIO:when=%d" % (call, at),
                              gw.bin / "thingbridge", "-c", gw.conf, "restore", file, "--yes"],
                             ASAN_OPTIONS="detect_leaks=0")
        assert status == 1 and "all is as it was before" in err, (call, at, err)
        assert (gw.state.read_bytes(), gw.conf.read_text()) == before
        assert (gw.dir / "secrets/xmpp-password").exists()
        assert not list(gw.dir.glob(".thingbridge-*")) + list(gw.dir.glob("before-*"))


def test_what_a_pack_says_of_itself_does_not_steer_the_terminal(prosody, tmp_path):
    gw = Gateway(prosody, tmp_path / "gw", NODES)
    file, bad = tmp_path / "plant.tgz", tmp_path / "bad.tgz"
    gw.stop()
    assert tool(gw, "backup", file)[0] == 0
    with tarfile.open(file) as old, tarfile.open(bad, "w:gz") as new:
        for m in old:
            data = old.extractfile(m).read() if m.isreg() else b""
            if m.name == "./manifest.json":
                it = json.loads(data)
                it.update(made="\x1b[2J", host="a\nb\x9b1m", version="\x07")
                data = json.dumps(it).encode()
                m.size = len(data)
            new.addfile(m, io.BytesIO(data))
    status, _, err = tool(gw, "restore", bad)
    assert status == 2 and "made ?[2J on a?b??1m by thingbridge ?" in err, err
    assert not set(err) & {"\x1b", "\x07", "\x9b"}


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

    def add_pipe(old, new):
        copy(old, new)
        odd = tarfile.TarInfo("./config/conf.d/odd")
        odd.type = tarfile.FIFOTYPE
        new.addfile(odd)

    refused(add_pipe)
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


def test_restored_decisions_are_not_trusted(prosody, tmp_path):
    """What a server had decided may have been taken back since the backup: the
    daemon forgets it, once."""
    gw = Gateway(prosody, tmp_path, NODES)
    file, said = tmp_path / "plant.tgz", "INSERT INTO decision VALUES ('q', 'a')"
    gw.stop()
    with contextlib.closing(sqlite3.connect(gw.state)) as db, db:
        db.execute(said)
    assert tool(gw, "backup", file)[0] == 0
    status, _, err = tool(gw, "restore", file, "--yes")
    assert status == 0, err
    for kept in (0, 1):
        gw.start()
        gw.stop()
        with contextlib.closing(sqlite3.connect(gw.state)) as db, db:
            assert db.execute("SELECT count(*) FROM decision").fetchone() == (kept,)
            if not kept:
                db.execute(said)
    assert not list(gw.dir.glob("*.restored"))
