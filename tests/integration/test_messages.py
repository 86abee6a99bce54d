"""What is said when something is wrong: what, where, why most likely, and what
to do about it.  Each row is broken for real; the words must all stand in what
the program says.  Other files have more: test_badinput.py the configuration,
test_session.py the connection, test_backup.py doctor."""

import os
import subprocess

import pytest

from harness.programs import BIN, environment, have, write_private

pytestmark = pytest.mark.skipif(
    not have("thingbridge", "thingbridged", "thingowner", "thingregistryd"),
    reason="the programs are not built")

CONF = """\
[gateway]
state = {d}/state/s.db
control = {d}/run/c.sock
[xmpp]
jid = a@example.org
password = @secret:p
host = 127.0.0.1:1
[bus plc]
type = modbus-tcp
host = 127.0.0.1:1
[node m1]
bus = plc
address = 1
template = generic.xy-md02
claim.SN = 1
"""
ACCOUNT = "[account]\njid = a@%s\npassword = @secret:p\n"
REGISTRY = ("[component]\njid = r.localhost\nhost = 127.0.0.1:1\nsecret = @secret:p\n"
            "[store]\npath = %s\n")


@pytest.fixture
def site(tmp):
    """A site without a fault: every row brings its own."""
    for folder in ("state", "run", "conf.d"):
        (tmp / folder).mkdir()
    write_private(tmp / "secrets/p", "pw\n")
    (tmp / "x.conf").write_text(CONF.format(d=tmp))
    return tmp


def change(old, new):
    def do(d):
        text = (d / "x.conf").read_text()
        assert old in text
        (d / "x.conf").write_text(text.replace(old, new))
    return do


def put(name, text):
    def do(d):
        (d / name).write_text(text % d if "%s" in text else text)
        (d / name).chmod(0o600)
    return do


def nothing(d):
    pass


def remove(name):
    return lambda d: (d / name).rename(d / "away")


def more(text):
    return lambda d: (d / "x.conf").write_text((d / "x.conf").read_text() + text)


DAEMON = ("thingbridged", "-c", "x.conf")
CHECK = ("thingbridge", "check", "x.conf")
OWNER = ("thingowner", "--account", "a.conf", "--timeout", "3s")
NO_DB = "this is no database, and longer than a page's header\n" * 9

ROWS = {
    # the configuration
    "no file": (remove("x.conf"), CHECK, 78, ["x.conf: error: is not there", "thingbridge setup"]),
    "no file for the daemon": (remove("x.conf"), DAEMON, 78, ["x.conf", "thingbridge setup"]),
    "unknown key": (change("address", "adress"), CHECK, 78,
                    ["x.conf:13: error: [node m1]", '"adress" (did you mean "address"?)']),
    "key twice": (more("claim.SN = 2\n"), CHECK, 78, ["x.conf:16", "first at x.conf:15"]),
    "section across files": (put("conf.d/a.conf", "[xmpp]\njid = b@c\n"), CHECK, 78,
                             ["conf.d/a.conf:1", "stands twice (first at x.conf:4)"]),
    "continued line": (more("  more\n"), CHECK, 78, ["x.conf:16", "no continuation lines"]),
    "port without a stable name": (change("type = modbus-tcp\nhost = 127.0.0.1:1",
                           "type = modbus-rtu\nport = /dev/ttyUSB7\nserial = 9600 8N2"), CHECK, 0,
                                   ["another device after a reboot", "/dev/serial/by-id",
                                    "is the adapter plugged in"]),
    "address out of range": (change("address = 1", "address = 300"), CHECK, 78,
                             ["x.conf:13: error: [node m1]", "300"]),
    "two on one address": (more("[node m2]\nbus = plc\naddress = 1\ntemplate = generic.xy-md02\n"
                                "claim.SN = 2\n"), CHECK, 78, ["[node m2]", "is that of [node m1]"]),
    "unknown template": (change("xy-md02", "xy-md03"), CHECK, 78,
                         ['did you mean "generic.xy-md02"', "searched: "]),
    "unknown bus": (change("bus = plc", "bus = plk"), CHECK, 78, ["no [bus plk]", "plc"]),
    "no secret": (remove("secrets/p"), CHECK, 78, ["x.conf:6", 'no secret "p"', "secrets/p, mode 600"]),
    "open secret": (lambda d: (d / "secrets/p").chmod(0o644), CHECK, 78, ["chmod 600"]),
    "password in the file": (change("@secret:p", "hunter2"), CHECK, 78, ["@secret:NAME"]),
    "open line": (change("host = 127.0.0.1:1\n[bus", "host = example.org\ntls = optional\n[bus"),
                  CHECK, 78, ["tls = optional", "host = 127.0.0.1"]),
    "no authority": (change("host = 127.0.0.1:1\n[bus", "ca_file = /none.pem\n[bus"), CHECK, 78,
                     ["[xmpp] the certificate file /none.pem", "No such file"]),
    # the daemon's start
    "no folder for the state": (remove("state"), DAEMON, 1,
                                ["state/s.db", "its folder must be there"]),
    "state is something else": (put("state/s.db", NO_DB), DAEMON, 1,
                                ["state/s.db: file is not a database", "thingbridge restore"]),
    "no folder for the socket": (remove("run"), DAEMON, 1,
                                 ["run/c.sock", "does the directory exist"]),
    "socket is a file": (put("run/c.sock", "x"), DAEMON, 1, ["run/c.sock", "move it away"]),
    # the tools
    "no daemon": (nothing, ("thingbridge", "-c", "x.conf", "status"), 7,
                  ["nobody answers at", "run/c.sock", "start thingbridged -c x.conf"]),
    "no backup": (nothing, ("thingbridge", "-c", "x.conf", "restore", "none.tgz", "-y"), 1,
                  ["none.tgz: No such file"]),
    "no backup at all": (put("b.tgz", "x"), ("thingbridge", "-c", "x.conf", "restore", "b.tgz",
                                             "-y"), 1, ["b.tgz is damaged, or no backup"]),
    "unknown command": (nothing, ("thingbridge", "stauts"), 2, ['did you mean "status"', "--help"]),
    # the owner's tool
    "no account": (nothing, OWNER + ("search", "A=1"), 78, ["a.conf", "thingowner login"]),
    "no such server": (put("a.conf", ACCOUNT % "nowhere.invalid"), OWNER + ("search", "A=1"), 9,
                       ["nowhere.invalid", "is the network up, and the name right?"]),
    "server is down": (put("a.conf", ACCOUNT % "b.org" + "host = 127.0.0.1:1\n"),
                       OWNER + ("search", "A=1"), 9, ["127.0.0.1:1", "is the server running"]),
    "no claim text": (put("a.conf", ACCOUNT % "b.org"), OWNER + ("claim",), 2,
                      ['begins with "IoTDisco;"', "nothing was sent"]),
    "not mine": (put("a.conf", ACCOUNT % "b.org"), OWNER + ("read", "meter9"), 5,
                 ['"meter9"', "thingowner things"]),
    # the registry
    "no folder for the store": (put("r.conf", REGISTRY % "%s/none/r.db"),
                                ("thingregistryd", "-c", "r.conf"), 1,
                                ["none/r.db", "its directory must exist"]),
    "store is something else": (
        lambda d: (put("r.conf", REGISTRY % "%s/r.db")(d), put("r.db", NO_DB)(d)),
        ("thingregistryd", "-c", "r.conf"), 1, ["r.db: file is not a database", "restore a backup"]),
}


@pytest.mark.parametrize("row", ROWS)
def test_says_what_to_do(site, row):
    broken, argv, want, words = ROWS[row]
    broken(site)
    p = subprocess.run([BIN / argv[0], *argv[1:]], cwd=site, input="hello\n", timeout=20,
                       capture_output=True, text=True, env=environment())
    said = p.stdout + p.stderr
    assert p.returncode == want, said
    for w in words:
        assert w in said, said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("closed, args", [
    ("x.conf", ("check", "x.conf")), ("x.conf", ("-c", "x.conf", "status")),
    ("x.conf", ("-c", "x.conf", "reload")), ("secrets", ("check", "x.conf")),
    ("conf.d", ("check", "x.conf")), ("run", ("-c", "x.conf", "nodes")),
    ("run", ("-c", "x.conf", "adopt")), ("run", ("-c", "x.conf", "backup", "/tmp/none/b.tgz")),
    ("x.conf", ("-c", "x.conf", "doctor")),
    ("state", ("-c", "x.conf", "restore", "none.tgz", "-y"))],
    ids=lambda a: a if isinstance(a, str) else a[0 if a[0] == "check" else 2])
def test_says_that_root_may(site, closed, args):
    """The files are root's: another user is told of sudo."""
    site.chmod(0o755)
    (site / closed).chmod(0o700 if (site / closed).is_dir() else 0o600)
    p = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         BIN / "thingbridge", *args], cwd=site, capture_output=True, text=True, timeout=20,
        env=environment())
    if "setpriv: failed" in p.stderr:
        pytest.skip("the build directory is closed to others")
    assert "sudo" in p.stdout + p.stderr, p.stdout + p.stderr


def test_registry_that_is_down(server, make_owner):
    o = make_owner(registry="registry.localhost")
    for args in (("search", "A=1"), ("disown", "a@localhost", "m1")):
        status, _, err = o.run(*args)
        assert status == 9 and "Is it running?" in err, err
    status, _, err = o.run("allow", "a@localhost", "m1", "b@localhost")
    assert status == 9 and "registry.localhost is not there" in err, err
