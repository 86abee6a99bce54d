"""What installers get wrong: files, ports, passwords, servers."""

import json
import os
import pathlib
import socket
import sys
import time

import pytest

from harness import servers
from harness.fakereg import FakeRegistry
from harness.plant import gateway_of, plant
from harness.procs import Proc, wait_until
from harness.programs import BIN, Gateway, node, run, write_private
from conftest import need

CONFIG = 78


@pytest.fixture
def fakereg(prosody):
    r = FakeRegistry(prosody)
    yield r
    r.close()


@pytest.fixture
def gateway(prosody, fakereg, tmp):
    need("thingbridged")
    return lambda nodes, **kw: Gateway(prosody, tmp / "gw", nodes, registry=fakereg.jid, **kw)


def rtu(port):
    return "[bus rs]\ntype = modbus-rtu\nport = %s\nserial = 9600 8N1\n" % port


def healthy_plant(make_sim):
    ini, names = plant(1, 2)
    return gateway_of(make_sim(ini), names, poll="500ms")


def bus_says(g, name):
    """What status tells of a bus, as text."""
    return str([b for b in g.control("status")["buses"] if b["name"] == name])


def check_bad_bus(g, words):
    """The bad bus is named with each of words; everything else runs."""
    wait_until("the good devices answer", lambda: all(
        g.node_list()[n]["device"] == "online" for n in ("b0u001", "b0u002")), 20)
    g.wait_claim("b0u001", "unclaimed")
    g.wait_claim("lost", "unclaimed")  # can be registered all the same
    assert g.node_list()["lost"]["device"] != "online"
    wait_until("status says %s of the bus: %s" % (words, bus_says(g, "rs")), lambda: all(
        w in bus_says(g, "rs") for w in words), 20, 0.2)
    status, out, err = g.ctl("status")
    for w in words:
        assert w in out, out
    status, out, err = g.ctl("status", "--check")
    assert status != 0


def test_missing_port(gateway, make_sim, tmp):
    buses, nodes = healthy_plant(make_sim)
    path = str(tmp / "ttyNONE")
    g = gateway(nodes + node("lost", bus="rs"), buses=buses + rtu(path))
    check_bad_bus(g, ["ttyNONE"])


HOLDER = """
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_busy_port_and_who_holds_it(gateway, make_sim, tmp):
    master, slave = os.openpty()
    path = os.ttyname(slave)
    holder = Proc("holder", [sys.executable, "-c", HOLDER, path], tmp / "holder.log")
    wait_until("the port is held", lambda: "held" in holder.log())
    holder.expected = True
    buses, nodes = healthy_plant(make_sim)
    g = gateway(nodes + node("lost", bus="rs"), buses=buses + rtu(path))
    check_bad_bus(g, [str(holder.pid)])
    # when it is let go, the bus comes up by itself
    holder.kill()
    wait_until("the bus is taken", lambda: str(holder.pid) not in bus_says(g, "rs"), 90, 0.5)
    os.close(slave)
    os.close(master)


BASE = """\
[gateway]
state = {d}/state.db
control = {d}/c.sock
[xmpp]
jid = plant@localhost/gateway
password = @secret:xmpp-password
host = 127.0.0.1:1
[registry]
jid = registry.localhost
[bus dead]
type = modbus-tcp
host = 127.0.0.1:1
[node a]
bus = dead
address = 1
template = generic.xy-md02
claim.SN = 1
"""

# what is done to the good file, and a word that the message must hold
BROKEN = {
    "unknown key": (lambda t: t.replace("host = 127.0.0.1:1\n[reg", "hots = x\n[reg"), "hots"),
    "repeated key": (lambda t: t.replace("address = 1\n", "address = 1\naddress = 2\n"), "address"),
    "unknown section": (lambda t: t + "[nodes b]\nbus = dead\n", "nodes"),
    "no jid": (lambda t: t.replace("jid = plant@localhost/gateway\n", ""), "jid"),
    "unknown template": (lambda t: t.replace("xy-md02", "xy-md99"), "xy-md99"),
    "unknown bus": (lambda t: t.replace("bus = dead", "bus = alive"), "alive"),
    "bad address": (lambda t: t.replace("address = 1\n", "address = 300\n"), "300"),
    "no number": (lambda t: t.replace("address = 1\n", "address = one\n"), "one"),
    "bad duration": (lambda t: t.replace("address = 1\n", "address = 1\npoll = 5 parsecs\n"), "parsecs"),
    "bad bus type": (lambda t: t.replace("modbus-tcp", "modbus-udp"), "modbus-udp"),
    "bad tag name": (lambda t: t + "tag.A B = 1\n", "key"),
    "long tag value": (lambda t: t + "tag.ROOM = %s\n" % ("x" * 129), "ROOM"),
    "number tag": (lambda t: t + "tag.#LAT = north\n", "LAT"),
    "secret in the file": (lambda t: t.replace("@secret:xmpp-password", "hunter2"), "password"),
    "missing secret": (lambda t: t.replace("@secret:xmpp-password", "@secret:nothing"), "nothing"),
    "no section": (lambda t: "stray = 1\n" + t, "section"),
    "garbage": (lambda t: t + "what is this\n", ""),
    "node twice": (lambda t: t + "[node a]\nbus = dead\naddress = 2\n"
                   "template = generic.xy-md02\nclaim.SN = 2\n", "a"),
}


def config_file(tmp, text):
    (tmp / "secrets").mkdir()
    secret = tmp / "secrets/xmpp-password"
    secret.write_text("hunter1\n")
    secret.chmod(0o600)
    conf = tmp / "thingbridge.conf"
    conf.write_text(text.format(d=tmp))
    return conf


def test_good_configuration(tmp):
    need("thingbridged")
    conf = config_file(tmp, BASE)
    status, out, err = run([BIN / "thingbridged", "-n", "-c", conf])
    assert status == 0, err
    status, out, err = run([BIN / "thingbridged", "-p", "-c", conf])
    assert status == 0 and "hunter1" not in out + err
    assert "plant@localhost/gateway" in out


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("args", [(), ("-n",)], ids=["run", "check"])
def test_broken_configuration(tmp, what, args):
    need("thingbridged")
    breaks, word = BROKEN[what]
    conf = config_file(tmp, breaks(BASE))
    status, out, err = run([BIN / "thingbridged", *args, "-c", conf], timeout=10)
    assert status == CONFIG, (status, err)
    errors = [x for x in err.splitlines() if "error:" in x]
    assert len(errors) == 1, err
    assert str(conf) in errors[0] and word in errors[0], err
    line = errors[0].split(str(conf) + ":", 1)[1].split(":")[0]
    assert line.isdigit(), errors[0]
    assert "hunter" not in err


@pytest.mark.parametrize("args", [(), ("-n",)], ids=["run", "check"])
def test_a_pattern_that_pcre2_refuses(tmp, args):
    need("thingbridged")
    text = (BASE.replace("type = modbus-tcp\nhost = 127.0.0.1:1", "type = serial\nport = /dev/null\n"
                         "serial = 9600 8N1")
            .replace("address = 1\n", "").replace("generic.xy-md02", "site.odd"))
    conf = config_file(tmp, text)
    (tmp / "templates").mkdir()
    (tmp / "templates/odd.ini").write_text(
        "[template]\nid = site.odd\nname = odd\nclass = x\nkind = text\nversion = 1\n"
        "[tag]\nMAN = x\nMODEL = x\n[frame]\nmode = listen\nend = \\n\n"
        "[parse]\nformat = regex\nregex = ^([z-a])$\n[field]\nv = group:1 dec=1\n")
    status, out, err = run([BIN / "thingbridged", *args, "-c", conf], timeout=10)
    assert status == CONFIG, (status, err)
    assert "odd.ini: error: [parse]" in err and "range out of order" in err


def test_no_configuration_at_all(tmp):
    need("thingbridged")
    status, out, err = run([BIN / "thingbridged", "-c", tmp / "none.conf"], timeout=10)
    assert status == CONFIG and "none.conf" in err
    status, out, err = run([BIN / "thingbridged", "--no-such-option"], timeout=10)
    assert status == 2


def test_broken_reload_changes_nothing(gateway, fakereg):
    g = gateway(node("a", source="S"))
    g.wait_claim("a", "unclaimed")
    g.write(nodes=node("b", source="S") + "[node c]\nbus = nowhere\n")
    got = g.request("reload")
    assert got["ok"] is False and got["exit"] == CONFIG
    assert "nowhere" in got["text"]
    g.proc.hangup()
    time.sleep(1)
    assert list(g.node_list()) == ["a"]
    assert not fakereg.got("unregister") and not fakereg.got("register", "b")
    assert g.claim("a")[0] == "unclaimed"
    g.write(nodes=node("a", source="S") + node("b", source="S", address=2))
    g.reload()
    fakereg.wait("register", "b")


def test_wrong_password_is_told(prosody, fakereg, tmp):
    need("thingbridged")
    user, _ = prosody.new_account("plant")
    g = Gateway(prosody, tmp / "gw", node("a"), registry=fakereg.jid,
                account=(user, "not-the-password"))
    wait_until("the log says so", lambda: [
        x for x in g.log().splitlines() if x[:3] in ("<3>", "<4>") and (
            "password" in x.lower() or "not-authorized" in x or "authent" in x.lower())], 20)
    assert g.control("status")["xmpp"] != "online"
    assert "not-the-password" not in g.log()
    assert g.alive()


def test_wrong_certificate_is_refused(prosody, fakereg, tmp):
    """A server that the CA file does not vouch for gets no password."""
    need("thingbridged")
    other = servers.Prosody(tmp / "other")
    try:
        g = Gateway(prosody, tmp / "gw", node("a"), registry=fakereg.jid, start=False)
        text = g.conf.read_text().replace(prosody.cafile, other.cafile)
        g.conf.write_text(text)
        g.start()
        wait_until("the log says so", lambda: [
            x for x in g.log().splitlines() if x[:3] in ("<3>", "<4>") and (
                "certificate" in x.lower() or "tls" in x.lower())], 20)
        assert g.control("status")["xmpp"] != "online"
        assert not fakereg.got("register")
    finally:
        other.stop()


def test_server_comes_later_and_goes_and_comes(tmp):
    need("thingbridged")
    s = servers.Prosody(tmp / "server")
    account = s.new_account("plant")
    s.stop()
    g = Gateway(s, tmp / "gw", node("a", source="S"), registry="fakereg.localhost",
                account=account)
    time.sleep(1)
    assert g.control("status")["xmpp"] != "online"
    assert g.claim("a") == ("new", None)
    s.start()
    reg = FakeRegistry(s)
    reg.wait("register", timeout=30)
    g.wait_claim("a", "unclaimed")
    reg.claimed(g.jid, "owner@localhost", "a", "S")
    s.stop()
    wait_until("it is noticed", lambda: g.control("status")["xmpp"] != "online", 10)
    s.start()
    reg = FakeRegistry(s)
    g.wait_online(40)
    assert g.claim("a") == ("public", "owner@localhost")
    reg.quiet("register", 1)
    reg.close()
    s.stop()


def test_hung_server_is_noticed(tmp):
    """Only a ping notices a server that is there and says nothing."""
    need("thingbridged")
    s = servers.Prosody(tmp / "server")
    g = Gateway(s, tmp / "gw", node("a"), registry="fakereg.localhost")
    g.wait_online()
    s.pause()
    wait_until("it is noticed", lambda: g.control("status")["xmpp"] != "online", 180, 0.5)
    s.resume()
    g.wait_online(90)
    s.stop()


def test_registry_comes_later(prosody, tmp):
    need("thingbridged")
    g = Gateway(prosody, tmp / "gw", node("a", source="S"), registry="fakereg.localhost")
    g.wait_online()
    time.sleep(1)
    reg = FakeRegistry(prosody)
    reg.wait("register", timeout=30)
    g.wait_claim("a", "unclaimed")
    reg.close()


def test_second_daemon_on_the_same_state(gateway):
    g = gateway(node("a"))
    g.wait_online()
    status, out, err = run([BIN / "thingbridged", "-c", g.conf], timeout=15)
    assert status not in (0, 2), err
    assert str(g.socket) in err or "state.db" in err
    assert g.control("status")["xmpp"] == "online"


def test_stale_socket_is_replaced(gateway):
    g = gateway(node("a"))
    g.kill()
    assert pathlib.Path(g.socket).exists()
    g.start()
    g.wait_online()


def test_socket_and_state_are_private(gateway):
    g = gateway(node("a"))
    assert os.stat(g.socket).st_mode & 0o777 == 0o660
    assert os.stat(g.state).st_mode & 0o007 == 0


@pytest.mark.parametrize("line", [
    b"\n", b"{}\n", b"nonsense\n", b"[]\n", b'{"cmd": 5}\n', b'{"cmd": "nothing"}\n',
    b'{"cmd": "nodes", "node": {}}\n', b'{"cmd": "read"}\n', b'{"cmd": "read", "node": "zz"}\n',
    b'{"cmd": "meta", "node": "a", "set": 1}\n', b'{"cmd": "stickers", "nodes": "a"}\n',
    b'{"cmd": "reset"}\n', b'{"cmd": "\xff"}\n', b'{"cmd": "' + b"x" * 70000 + b'"}\n',
    b"[" * 60000 + b"\n",
], ids=lambda b: b[:24].decode("latin-1").strip() or "empty")
def test_control_socket_takes_nonsense(gateway, line):
    g = gateway(node("a"))
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(g.socket))
        s.sendall(line)
        try:
            data = s.recv(65536)
        except ConnectionResetError:  # dropped with bytes unread
            data = b""
    if data:
        got = json.loads(data)
        assert got["ok"] is False and got["text"] and got["exit"] not in (0, None)
    assert g.control("status")["xmpp"]


@pytest.mark.parametrize("tag,ok", [
    ({"name": "ROOM", "value": "1", "num": False}, True),
    ({"name": "#LAT", "value": "1", "num": False}, False),
    ({"name": "LAT", "value": "north", "num": True}, False),
    ({"name": "KEY", "value": "mine", "num": False}, False),
    ({"name": "ROOM", "value": "x" * 129, "num": False}, False),
    ({"name": "N" * 33, "value": "1", "num": False}, False),
    ({"name": "ROOM"}, False),
], ids=lambda v: v if isinstance(v, str) else None)
def test_meta_is_checked(gateway, tag, ok):
    g = gateway(node("a"))
    assert g.request("meta", node="a", set=[tag])["ok"] is ok


def test_cli_without_daemon(tmp):
    need("thingbridge")
    status, out, err = run([BIN / "thingbridge", "-s", tmp / "none.sock", "nodes"])
    assert status == 7 and err.strip()
    assert run([BIN / "thingbridge", "no-such-verb"])[0] == 2


@pytest.mark.parametrize("keys,word", [
    ("[component]\njid = registry.localhost\n", "secret"),
    ("[component]\njid = a b\nhost = 127.0.0.1:1\nsecret = @secret:s\n", "a b"),
    ("[component]\njid = r.localhost\nhost = 127.0.0.1:1\nsecret = @secret:s\nodd = 1\n", "odd"),
])
def test_registry_broken_configuration(tmp, keys, word):
    need("thingregistryd")
    write_private(tmp / "secrets/s", "hunter1\n")
    conf = tmp / "registry.conf"
    conf.write_text(keys + "[store]\npath = %s/r.db\n" % tmp)
    status, out, err = run([BIN / "thingregistryd", "-c", conf], timeout=10)
    assert status == CONFIG, err
    errors = [x for x in err.splitlines() if "error:" in x]
    assert len(errors) == 1 and word in errors[0], err
    assert "hunter1" not in err


def test_wrong_registry_is_told(prosody, tmp):
    """Nobody is there, or somebody who is no registry: status says which."""
    for i, (jid, word) in enumerate((("nothere.localhost", "nothere.localhost"),
                                     ("localhost", "the registry localhost cannot be reached"))):
        g = Gateway(prosody, tmp / ("g%d" % i), node("a"), registry=jid)
        g.wait_online()
        got = wait_until("a warning", lambda: [
            w["text"] for w in g.control("status")["warnings"] if word in w["text"]], 15)
        assert len(got) == 1
        assert g.control("status")["registry"]["online"] is False
        assert g.claim("a")[0] == "new"
        g.stop()


def test_registry_is_online_once_it_answered(prosody, tmp):
    reg = FakeRegistry(prosody)
    g = Gateway(prosody, tmp / "g", node("a"), registry=reg.jid)
    g.wait_claim("a", "unclaimed", 20)
    assert g.control("status")["registry"]["online"] is True
    assert not [w for w in g.control("status")["warnings"] if reg.jid in w["text"]]
    reg.close()
