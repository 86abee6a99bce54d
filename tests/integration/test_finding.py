"""Finding the XMPP server, making the account, finding the registry."""

import itertools
import os
import stat
import subprocess
import time

import pytest

from harness import netns, wire
from harness.fakereg import FakeRegistry
from harness.procs import wait_until
from harness.programs import BIN, SOURCE, Gateway, node, run
from harness.wire import DISCO_INFO, payload

SERIAL = itertools.count(1)


def registry_of(gw):
    return gw.control("status")["registry"]


def info(*features):
    return "<query xmlns='%s'><identity category='component' type='x'/>%s</query>" % (
        DISCO_INFO, "".join("<feature var='%s'/>" % f for f in features))


def asked(reg):
    """The namespaces of the disco requests so far."""
    return [payload(r).tag[1:].split("}")[0] for r in reg.got("query")]


# the registry

def test_T01_configured_registers_first(fakereg, make_gateway):
    gw = make_gateway(node("a"), registry=fakereg.jid)
    el = fakereg.wait("register", "a")
    assert wire.tags_of(payload(el))["KEY"]
    assert not fakereg.got("update")
    assert registry_of(gw)["how"] == "configured"


def test_T02_component_search(server, component, fakereg, make_gateway):
    """The other components are asked what they are, and none of them more."""
    other = component("evil.localhost")
    seen = []

    def answer(el):
        seen.append(el)
        other.answer(el, info(DISCO_INFO))

    other.on(lambda el: wire.local(el) == "iq" and el.get("type") == "get", answer)
    gw = make_gateway(node("a"), registry=None)
    fakereg.wait("register", "a")
    assert asked(fakereg)[0] == DISCO_INFO
    r = registry_of(gw)
    assert r["jid"] == fakereg.jid and "found" in r["how"] and r["found"]
    assert all(payload(el).tag == "{%s}query" % DISCO_INFO for el in seen)
    status, out, _ = gw.ctl("registry")
    assert status == 0 and "found among" in out


def test_T03_no_registry_found(server, make_gateway):
    """Nothing is registered, it is said, and tried again: one that comes later
    is found."""
    gw = make_gateway(node("a"), registry=None)
    gw.wait_online()
    gw.wait_log("none is found", 60)
    r = registry_of(gw)
    assert not r["found"] and r["jid"] == "" and r["trouble"]
    assert gw.claim("a")[0] in ("new", "unclaimed")
    assert any("no Thing Registry" in w["text"] for w in gw.control("status")["warnings"])
    assert gw.control("read", node="a")  # the rest is served
    late = FakeRegistry(server)
    try:
        late.wait("register", "a", timeout=90)
    finally:
        late.close()


def test_T04_configured_is_not_searched(fakereg, component, make_gateway):
    other = component("registry.localhost")
    seen = []
    other.on(lambda el: wire.local(el) == "iq" and el.get("type") == "get", seen.append)
    make_gateway(node("a"), registry=fakereg.jid)
    fakereg.wait("register", "a")
    assert not seen and not asked(fakereg)


@pytest.mark.parametrize("key", ["subdomain"])
def test_registry_by_subdomain(fakereg, make_gateway, key):
    gw = make_gateway(node("a"), registry=None,
                      registry_keys={key: fakereg.jid.split(".")[0]})
    fakereg.wait("register", "a")
    assert registry_of(gw)["how"] == "configured as subdomain"


class AccountRegistry:
    """A registry that is an ordinary account: records, and lets in."""

    def __init__(self, client):
        self.c = client
        self.got = []
        client.on("presence", self._presence)
        client.on(lambda el: wire.local(el) == "iq" and el.get("type") in ("get", "set"),
                  self._iq)
        self.subscribed = []

    def _presence(self, el):
        if el.get("type") == "subscribe":
            self.subscribed.append(wire.bare(el.get("from")))

    def let_in(self, bare):
        self.c.presence(to=bare, type_="subscribed")
        self.c.presence(to=bare, type_="subscribe")

    def _iq(self, el):
        name = wire.op(el)
        self.got.append((name, el))
        if name:
            self.c.answer(el, info(wire.DISCOVERY) if name == "query" else "")

    def names(self):
        return [n for n, _ in self.got]


@pytest.mark.parametrize("by", ["jid", "user"])
def test_T05_account_registry(server, client, make_gateway, by):
    """Subscribed first; registered only once let in, at the full JID."""
    c = client("registry", "service")
    reg = AccountRegistry(c)
    jid = wire.bare(c.jid)
    keys = {} if by == "jid" else {"user": jid.split("@")[0]}
    gw = make_gateway(node("a"), registry=jid if by == "jid" else None, registry_keys=keys)
    wait_until("the gateway subscribes", lambda: gw.bare in reg.subscribed, 20)
    time.sleep(1)
    assert "register" not in reg.names()
    reg.let_in(gw.bare)
    wait_until("it registers", lambda: "register" in reg.names(), 20)
    el = dict(reg.got)["register"]
    assert el.get("to") == c.jid
    if by == "user":
        gw.wait_log("user trusts whoever")
    # a claim from that account counts, from another it does not
    answer = c.iq("set", gw.jid, "<claimed xmlns='%s' jid='o@localhost' nodeId='a'"
                  " sourceId='MeteringTopology' public='true'/>" % wire.DISCOVERY)
    assert answer.get("type") == "result"
    gw.wait_claim("a", "public")


def test_found_registry_that_changes(server, make_gateway):
    """Claims are not taken to another registry that turns up."""
    first = FakeRegistry(server, "fakereg.localhost")
    gw = make_gateway(node("a"), registry=None)
    first.wait("register", "a")
    first.claimed(gw.jid, "o@localhost", "a", "MeteringTopology")
    gw.wait_claim("a", "public")
    first.close()
    other = FakeRegistry(server, "registry.localhost")
    try:
        gw.stop()
        gw.start()
        gw.wait_online()
        gw.wait_log("the claims of 1 node are at fakereg.localhost", 60)
        assert not other.got("update") and not other.got("register")
        assert gw.claim("a") == ("public", "o@localhost")
    finally:
        other.close()
    again = FakeRegistry(server, "fakereg.localhost")
    try:
        again.wait("update", "a", timeout=90)
    finally:
        again.close()


# the server, in its surroundings

@pytest.fixture
def ns(tmp):
    netns.need("ip", "nsenter", "unshare")
    n = netns.Namespace(tmp / "ns")
    yield n
    n.close()


class InsideGateway(Gateway):
    """thingbridged in a namespace."""

    def __init__(self, ns, server, tmpdir, **kw):
        self.ns = ns
        self.env = kw.pop("env", {})
        self.env["THINGBRIDGE_MDNS"] = BIN / "thingbridge-mdns"
        super().__init__(server, tmpdir, node("a"), **kw)

    def spawn(self, argv, stdout=None):
        env = ["env"] + ["%s=%s" % kv for kv in self.env.items()]
        super().spawn(self.ns.inside(*env, *argv), stdout)


def found_by(gw):
    return gw.control("status")["found_by"]


def test_server_by_mdns(server, fakereg, ns, tmp):
    """Of several that announce themselves, the first that takes the account;
    one of another domain is left alone."""
    netns.need("avahi-daemon", "avahi-publish-service", "dbus-daemon")
    avahi = netns.Avahi(ns)
    relay = ns.relay(25222, server.c2s_port)
    other = ns.relay(25223, server.c2s_port)
    avahi.publish("dead", 25224, "txtvers=1", "ordom=localhost")
    avahi.publish("stranger", 25223, "txtvers=1", "ordom=other.example")
    avahi.publish("pronto", 25222, "txtvers=1", "ordom=localhost", "regis=registry")
    gw = InsideGateway(ns, server, tmp / "gw", registry=fakereg.jid, host="mdns",
                       env={"DBUS_SYSTEM_BUS_ADDRESS": avahi.address})
    gw.wait_online(40)
    assert found_by(gw) == "mDNS"
    assert relay.count >= 1 and other.count == 0
    gw.wait_log("a server of another domain announces itself")
    fakereg.wait("register", "a")


def test_no_server_by_mdns(prosody, ns, tmp):
    """No daemon, then nobody that announces: both are said, and tried again."""
    netns.need("avahi-daemon", "dbus-daemon")
    gw = InsideGateway(ns, prosody, tmp / "gw", host="mdns",
                       env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=%s/none" % tmp})
    gw.wait_log("avahi-daemon is not reached", 20)
    gw.stop()
    gw.env["DBUS_SYSTEM_BUS_ADDRESS"] = netns.Avahi(ns).address
    gw.start()
    gw.wait_log("no server announces itself", 20)
    assert gw.alive()


HELPERS = {
    "absent": (None, "cannot be run"),
    "silent": ("#!/bin/sh\nexec sleep 60\n", "no server announces itself"),
    "endless": ("#!/bin/sh\nexec tr '\\0' x </dev/zero\n", "no server announces itself"),
    "hostile": ("#!/bin/sh\necho 'server ../x 5222 h -'\necho 'server 127.0.0.1 99999 h -'\n"
                "echo 'server 127.0.0.1 5222 h 0'\necho 'server 127.0.0.1 5222'\n",
                "no server announces itself"),
}


@pytest.mark.parametrize("kind", HELPERS)
def test_bad_mdns_helper(prosody, ns, tmp, kind):
    """It costs the search by mDNS, and nothing else, and never stays."""
    text, told = HELPERS[kind]
    helper = tmp / "helper"
    if text:
        helper.write_text(text)
        helper.chmod(0o755)
    gw = InsideGateway(ns, prosody, tmp / "gw", host="mdns")
    gw.stop()
    gw.env["THINGBRIDGE_MDNS"] = helper
    gw.start()
    gw.wait_log(told, 20)
    assert gw.alive()


@pytest.fixture
def dnsmasq(ns):
    netns.need("dnsmasq")
    conf = ns.dir / "dnsmasq.conf"
    conf.write_text(
        "port=0\ninterface=tba\nbind-interfaces\nuser=root\ndhcp-authoritative\n"
        "dhcp-range=198.18.0.10,198.18.0.20,1h\ndhcp-leasefile=%s/dnsmasq.leases\n"
        # quoted: a name, and not an address of four bytes
        'dhcp-option=224,"%s"\n' % (ns.dir, ns.address))
    ns.start("dnsmasq", "dnsmasq", "--no-daemon", "--conf-file=%s" % conf)


def udhcpc(ns):
    """The client's exchange, and our hook as its script."""
    netns.need("udhcpc")
    found = ns.dir / "found"
    hook = ns.dir / "hook"
    hook.write_text("#!/bin/sh\nset -eu\n. %s\n" % (SOURCE / "packaging/dhcp/thingbridge-dhcp"))
    hook.chmod(0o755)
    client = ns.start("udhcpc", "udhcpc", "-f", "-q", "-n", "-i", "tbb", "-O", "224",
                      "-s", str(hook), THINGBRIDGE_DHCP=str(found))
    client.expected = True
    wait_until("the hook has told it", lambda: (found / "tbb").exists(), 30)
    return found


def dhclient(ns):
    netns.need("dhclient")
    conf, leases = ns.dir / "dhclient.conf", ns.dir / "dhclient.leases"
    conf.write_text("option xmpp-server code 224 = text;\nrequest subnet-mask, xmpp-server;\n")
    leases.touch()
    ns.start("dhclient", "dhclient", "-d", "-1", "-cf", str(conf), "-lf", str(leases),
             "-pf", str(ns.dir / "dhclient.pid"), "-sf", "/bin/true", "tbb")
    wait_until("it has a lease", lambda: "xmpp-server" in leases.read_text(), 30)
    return leases


@pytest.mark.parametrize("ask", [udhcpc, dhclient])
def test_server_by_dhcp(server, fakereg, ns, dnsmasq, tmp, ask):
    where = ask(ns)
    relay = ns.relay(5222, server.c2s_port)
    gw = InsideGateway(ns, server, tmp / "gw", registry=fakereg.jid, host="dhcp",
                       xmpp_keys={"leases": where})
    gw.wait_online(40)
    assert found_by(gw) == "DHCP" and relay.count >= 1
    fakereg.wait("register", "a")


@pytest.mark.parametrize("option", ["DHCP4_PRIVATE_224", "DHCP4_UNKNOWN_224"])
def test_hook_of_networkmanager(tmp, option):
    """Called as its dispatcher calls: interface and action, the lease in the
    environment."""
    env = {"PATH": os.environ["PATH"], "THINGBRIDGE_DHCP": str(tmp),
           "DEVICE_IFACE": "eth7", "DEVICE_IP_IFACE": "eth7", "CONNECTION_ID": "wired",
           "DHCP4_IP_ADDRESS": "192.0.2.9", option: "xmpp.example.org"}
    hook = SOURCE / "packaging/dhcp/thingbridge-dhcp"
    subprocess.run(["sh", hook, "eth7", "dhcp4-change"], env=env, check=True)
    assert "xmpp.example.org" in (tmp / "eth7").read_text()


def test_server_by_all_ways(prosody, ns, tmp):
    """No host: the domain's own, then the surroundings, in this order."""
    netns.need("avahi-daemon", "avahi-publish-service", "dbus-daemon")
    lease = tmp / "lease"
    lease.write_text("OPTION_224=%s\n" % ns.address.encode().hex())
    relay = ns.relay(5222, prosody.c2s_port)
    gw = InsideGateway(ns, prosody, tmp / "gw", host=" ", xmpp_keys={"leases": lease},
                       env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=%s/none" % tmp})
    gw.wait_online(60)
    assert found_by(gw) == "DHCP" and relay.count >= 1


def test_no_server_by_dhcp(prosody, ns, tmp):
    (tmp / "empty").mkdir()
    gw = InsideGateway(ns, prosody, tmp / "gw", host="dhcp",
                       xmpp_keys={"leases": tmp / "empty"})
    gw.wait_log("no lease has option 224", 20)
    (tmp / "empty/lease").write_text("xmpp_server=127.0.0.2\n")
    gw.wait_log("cannot connect to 127.0.0.2:5222", 60)


# the account

def new_gateway(server, tmp, **kw):
    """A gateway whose account does not exist, nor its password."""
    user = "made%d" % next(SERIAL)
    gw = Gateway(server, tmp / "gw", node("a"), account=(user, "none"), start=False,
                 xmpp_keys={"register": "yes"}, **kw)
    (gw.dir / "secrets/xmpp-password").unlink()
    return gw


def test_account_in_band(server, fakereg, tmp):
    """Made at the first start with a password that nobody has seen, and used
    again at the second."""
    gw = new_gateway(server, tmp, registry=fakereg.jid)
    gw.start()
    gw.wait_online()
    secret = gw.dir / "secrets/xmpp-password"
    text = secret.read_text().strip()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and len(text) >= 20
    assert not list(secret.parent.glob("*.new"))
    gw.wait_log("account created")
    fakereg.wait("register", "a")
    gw.stop()
    first = len(gw.log())
    gw.start()
    gw.wait_online()
    assert secret.read_text().strip() == text
    assert "account created" not in gw.log()[first:]
    assert text not in gw.log()


def test_account_of_somebody_else(server, tmp):
    """The name is taken: said, and not asked for again and again."""
    gw = new_gateway(server, tmp, registry=None)
    server.add_account(gw.user, "another")
    gw.start()
    gw.wait_log("the account exists already", 20)
    time.sleep(3)
    assert gw.alive() and gw.log().count("exists already") == 1
    gw.kill()  # libstrophe leaks when a login under way is ended


def test_password_that_cannot_be_kept(server, tmp):
    gw = new_gateway(server, tmp, registry=None)
    (gw.dir / "secrets").rmdir()
    (gw.dir / "secrets").symlink_to("/proc/1/nowhere")
    gw.start(wait=False)
    assert gw.wait_exit() != 0
    assert "cannot be kept" in gw.log()


def test_check_makes_no_password(server, tmp):
    gw = new_gateway(server, tmp, registry=None)
    status, _, err = run([BIN / "thingbridged", "-n", "-c", gw.conf])
    assert status == 0, err
    assert not (gw.dir / "secrets/xmpp-password").exists()
