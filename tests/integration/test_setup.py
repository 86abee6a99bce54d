"""thingbridge setup: from nothing to a registered first node, left and resumed."""

import os
import signal
import stat
import termios

import pytest

from harness.procs import wait_until
from harness.programs import BIN, run, write_private
from harness.terminal import Terminal

BRIDGE = BIN / "thingbridge"

PLANT = """\
[bus rs485]
type = modbus-rtu
link = {dir}/rs485
[bus plc]
type = modbus-tcp
listen = 127.0.0.1:0
[unit warm]
bus = rs485
address = 3
template = generic.xy-md02
value.temperature = 45.6
[unit incomer]
bus = plc
address = 2
template = eastron.sdm630
value.voltage_l1 = 230.1
value.serial = 12345678
"""


@pytest.fixture
def server(prosody):
    return prosody


@pytest.fixture
def bare(make_gateway, make_sim, registry, tmp):
    """A machine with nothing but where its daemon may write."""
    sim = make_sim(PLANT.format(dir=tmp))
    g = make_gateway(start=False)
    g.conf.unlink()
    for f in (g.dir / "secrets").iterdir():
        f.unlink()
    (g.dir / "secrets").rmdir()
    (g.dir / "conf.d").mkdir()
    (g.dir / "conf.d/20-place.conf").write_text(
        "[gateway]\nstate = %s\ncontrol = %s\nlog = debug\n" % (g.state, g.socket))
    return g, sim


def terminal(g, *args):
    return Terminal([BRIDGE, "-c", g.conf, "setup", *args], cwd=g.dir)


def test_from_nothing_to_a_registered_node(bare, server, registry, tmp):
    g, _ = bare
    # left in the middle of the account: nothing is kept
    t = terminal(g)
    t.answer("The gateway's account", "nonsense")
    t.answer('"nonsense" is no account, as plant7@example.org', g.bare)
    t.answer("[yes] > ", "perhaps")
    t.answer("yes or no?", "")
    t.answer("Its server", server.host)
    t.expect("password (not shown)")
    t.interrupt()
    t.expect("goes on with the rest")
    assert t.end() == 4
    assert not g.conf.exists() and not (g.dir / "secrets").exists()

    t = terminal(g)
    t.answer("The gateway's account", g.bare)
    t.answer("exist already?", "")
    t.answer("Its server", server.host)
    t.expect("password (not shown)")
    t.answer("> ", g.password)
    t.expect("account   %s/gateway" % g.bare)
    t.expect("kept as the secret xmpp-password")
    secret = g.dir / "secrets/xmpp-password"
    assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(secret.parent).st_mode) & 0o77 == 0
    assert secret.read_text() == g.password + "\n"
    assert g.password not in g.conf.read_text()
    t.answer("The Thing Registry", "")
    t.expect("start thingbridged, in another terminal")
    g.start()
    t.answer("What is to be changed?", "account", 60)
    t.answer("The gateway's account", g.bare)
    t.expect("stop thingbridged and start it again")
    assert "jid = %s/gateway\n" % g.bare in g.conf.read_text()
    g.stop()
    g.start()
    t.answer("What is to be changed?", "ca_file", 60)
    t.answer("certificate to trust", "/nonexistent")
    t.answer("cannot read /nonexistent", str(server.cafile))
    t.expect("stop thingbridged and start it again")
    t.interrupt()
    assert t.end() == 130 or True
    assert g.password.encode() not in t.seen

    # resumed: what is there is not asked for
    g.stop()
    t = terminal(g)
    t.expect("account   %s/gateway" % g.bare)
    t.expect("start thingbridged")
    g.start()
    t.expect("online as %s/gateway, registry registry.localhost" % g.bare, 60)
    t.answer("Where are the devices?", "/dev/null/x")
    t.answer("is no serial port", "99")
    t.answer("there is no 99 in the list", str(tmp / "rs485"))
    t.answer("What is spoken there?", "")
    t.answer("Speed and mode", "fast")
    t.answer('"fast" is not like 9600 8N1', "9600 8N1")
    t.answer("A name for this bus", "")
    t.answer("Which addresses", "3")
    t.answer("Which of them becomes the first node?", "7")
    t.answer("7 is none of the numbers above", "")
    t.answer("Its name", "Supply air")
    t.answer("Where it is", "Plant room 1")
    t.answer("what is on its plate?", "A-77")
    t.answer("adopt it? [y/N]", "y")
    t.answer("File for its sticker", "warm.png", 60)
    t.expect("this gateway works.")
    assert t.end() == 0, t.text()
    assert g.password.encode() not in t.seen
    n = g.node_list()["xy-md02-3"]
    assert n["name"] == "Supply air" and n["registered"] and n["sticker"] == "printed"
    assert (g.dir / "warm.png").read_bytes().startswith(b"\x89PNG")
    assert registry.tags(g.bare, "xy-md02-3")["SN"] == "A-77"
    # all is there: nothing is asked, nothing changes
    was = g.conf.read_bytes()
    t = terminal(g)
    assert t.end() == 0
    assert "?" not in t.text() and g.conf.read_bytes() == was


ANSWERS = """\
[answers]
jid = %s@%s
exists = no
host = %s
registry = registry.localhost
bus = %s
bus_name = plc
addresses = 2
name = Incomer
sticker = incomer.png
"""


def test_answers_and_a_new_account(bare, server, registry):
    """No terminal, an account that is created, a configuration of comments."""
    g, sim = bare
    g.conf.write_text("; all defaults\r\n")
    g.conf.with_name("conf.d").joinpath("30-ca.conf").write_text("; nothing\n")
    file = g.dir / "answers"
    file.write_text(ANSWERS % ("fresh", server.domain, server.host, sim.bus["plc"]))
    code, _, err = run([BRIDGE, "-c", g.conf, "setup"])
    assert code == 2 and "--answers" in err
    code, _, err = run([BRIDGE, "-c", g.conf, "setup", "--answers", file])
    assert code == 6 and "chmod 600" in err
    os.chmod(file, 0o600)
    t = terminal(g, "--answers", file)
    t.expect("start thingbridged")
    assert g.conf.read_bytes().startswith(b"; all defaults\r\n")
    assert g.conf.read_bytes().count(b"\n") == g.conf.read_bytes().count(b"\r\n")
    os.environ["SSL_CERT_FILE"] = str(server.cafile)
    try:
        g.start()
    finally:
        del os.environ["SSL_CERT_FILE"]
    t.expect("this gateway works.", 60)
    assert t.end() == 0, t.text()
    assert g.node_list()["sdm630-2"]["name"] == "Incomer"
    assert registry.owners().get("sdm630-2", "absent") is None
    assert "SN:12345678" in g.claim_text("sdm630-2")


def test_what_is_there_by_hand_is_left_alone(bare, server):
    g, _ = bare
    hand = "[xmpp]\njid = %s\nhost = %s\npassword = @secret:mine\n[registry]\n" % (
        g.bare, server.host)
    g.conf.write_text(hand)
    file = g.dir / "answers"
    write_private(file, "[answers]\npassword = pw\n")
    code, _, err = run([BRIDGE, "-c", g.conf, "setup", "--answers", file])
    assert code == 78 and "written by hand" in err and "password = @secret:xmpp-password" in err
    assert g.conf.read_text() == hand and "pw\n" not in err


def test_a_new_password_is_for_root_alone(bare, server):
    g, _ = bare
    g.conf.write_text("[xmpp]\njid = %s\nhost = %s\npassword = @secret:xmpp-password\n[registry]\n"
                      % (g.bare, server.host))
    secret = g.dir / "secrets/xmpp-password"
    write_private(secret, "old\n")
    os.chmod(secret, 0o644)
    t = terminal(g)
    t.answer("password (not shown)", "new")
    t.expect("start thingbridged")
    t.interrupt()
    t.end()
    assert secret.read_text() == "new\n"
    assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT))
def test_a_hidden_prompt_that_is_ended_leaves_the_echo(tmp_path, number):
    t = Terminal([BIN / "thingowner", "--account", tmp_path / "a.conf", "login"], cwd=tmp_path)
    t.answer("Your JID", "anna@example.org")
    t.expect("Password (not shown)")
    wait_until("nothing is shown", lambda: not termios.tcgetattr(t.master)[3] & termios.ECHO, 10)
    t.p.send_signal(number)
    wait_until("it has ended", lambda: t.p.poll() is not None, 10)
    assert termios.tcgetattr(t.master)[3] & termios.ECHO
    assert t.end() == -number


def test_login_writes_a_new_file(server, tmp_path):
    user, password = server.new_account("anna")
    file = tmp_path / "o/account.conf"
    secret = tmp_path / "o/secrets/thingowner-password"
    other = tmp_path / "other"
    write_private(other, "of another\n")
    secret.parent.mkdir(parents=True)
    os.link(other, secret)
    t = Terminal([BIN / "thingowner", "--account", file, "login"], cwd=tmp_path,
                 SSL_CERT_FILE=str(server.cafile))
    t.answer("Your JID", "%s@%s" % (user, server.domain))
    t.answer("Password (not shown)", password)
    t.answer("Registry's JID", "registry.localhost")
    t.answer("Server, host[:port]", server.host)
    assert t.end() == 0, t.text()
    assert secret.read_text() == password + "\n" and other.read_text() == "of another\n"
    assert "jid = %s@" % user in file.read_text()
    for f in (file, secret):
        assert stat.S_IMODE(os.stat(f).st_mode) == 0o600
    assert not list(tmp_path.glob("o/**/*.new"))
