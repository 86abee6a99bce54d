"""Private XMPP servers on loopback: Prosody and ejabberd, the same API.

The XMPP domain is "localhost"; every domain in components may be taken by
an XEP-0114 component with secret().
"""

import itertools
import os
import pathlib
import subprocess

from . import wire
from .procs import Proc, free_port, wait_port, wait_until

COMPONENTS = (
    "registry.localhost",
    "fakereg.localhost",
    "evil.localhost",
    "prov.localhost",
)

PROSODY = """\
pidfile = "{d}/prosody.pid"
data_path = "{d}/data"
plugin_paths = {{ }}
{root}
log = {{ info = "{d}/server.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
component_ports = {{ {comp} }}
component_interfaces = {{ "127.0.0.1" }}
modules_enabled = {{ "roster"; "saslauth"; "tls"; "disco"; "ping";
  "register"; "posix"; {more} }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = true
allow_registration = true
ssl = {{ certificate = "{cert}"; key = "{key}" }}
certificates = "{d}"
network_settings = {{ nagle = false }}
{limits}
VirtualHost "localhost"
"""

EJABBERD = """\
hosts: [localhost]
loglevel: info
log_rotate_count: 0
certfiles: ["{d}/server.pem"]
auth_method: internal
auth_password_format: plain
acme: {{auto: false}}
listen:
  - port: {c2s}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    shaper: c2s_shaper
    access: c2s
    starttls_required: true
  - port: {comp}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    global_routes: false
    hosts:
{hosts}
access_rules: {{c2s: {{allow: all}}}}
shaper: {{normal: {{rate: 3000, burst_size: 20000}}}}
shaper_rules: {{max_user_sessions: 10, c2s_shaper: {{{shaper}: all}}}}
registration_timeout: infinity
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_stream_mgmt: {{resend_on_timeout: if_offline}}
  mod_register:
    ip_access: all
    access: all
    access_from: all
    password_strength: 0
    captcha_protected: false
"""


class Server:
    name = "?"
    domain = "localhost"

    def __init__(self, tmpdir, components=COMPONENTS, limits=False, accounts=()):
        self.dir = pathlib.Path(tmpdir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.components = tuple(components)
        self.limits = limits
        self.c2s_port = free_port()
        self.comp_port = free_port()
        self.cafile = str(self.dir / "server.crt")
        self.proc = None
        self._serial = itertools.count(1)
        self._certificate()
        self._configure()
        self.start()
        for user, password in accounts:
            self.add_account(user, password)

    @property
    def host(self):
        return "127.0.0.1:%d" % self.c2s_port

    @property
    def component_host(self):
        return "127.0.0.1:%d" % self.comp_port

    def secret(self, domain):
        assert domain in self.components
        return "secret-of-" + domain

    def _certificate(self):
        key = self.dir / "server.key"
        names = ["DNS:localhost", "IP:127.0.0.1"]
        names += ["DNS:" + c for c in self.components]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
             "-subj", "/CN=localhost",
             "-addext", "subjectAltName=" + ",".join(names),
             "-keyout", str(key), "-out", self.cafile],
            check=True, capture_output=True, timeout=30,
        )
        pem = (self.dir / "server.crt").read_text() + key.read_text()
        (self.dir / "server.pem").write_text(pem)

    def new_account(self, stem="user"):
        """An account that no other test has: (user, password)."""
        user = "%s%d" % (stem, next(self._serial))
        self.add_account(user, "pw-" + user)
        return user, "pw-" + user

    def client(self, stem="user", resource="test", presence=True):
        """A new account, connected."""
        user, password = self.new_account(stem)
        return wire.Client(self, user, password, resource, presence=presence)

    def component(self, domain):
        return wire.Component(self, domain, self.secret(domain))

    def add_account(self, user, password):
        wire.register(self, user, password)

    def stop(self):
        if self.proc:
            self.proc.kill()
            self.proc = None

    kill = stop

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        self.proc.pause()

    def resume(self):
        self.proc.resume()

    def log(self):
        out = self.proc.log() if self.proc else ""
        for name in ("server.log", "logs/ejabberd.log"):
            path = self.dir / name
            if path.exists():
                out += path.read_text(errors="replace")
        return out


class Prosody(Server):
    name = "prosody"

    def _configure(self):
        text = PROSODY.format(
            d=self.dir, c2s=self.c2s_port, comp=self.comp_port,
            cert=self.cafile, key=self.dir / "server.key",
            root="run_as_root = true" if os.getuid() == 0 else "",
            more='"limits";' if self.limits else "",
            limits='limits = { c2s = { rate = "10kb/s" } }' if self.limits else "",
        )
        for c in self.components:
            text += (
                'Component "%s"\n  component_secret = "%s"\n'
                '  component_conflict_resolve = "kick_old"\n' % (c, self.secret(c))
            )
        (self.dir / "prosody.cfg.lua").write_text(text)
        (self.dir / "data/localhost/accounts").mkdir(parents=True)

    def start(self):
        self.proc = Proc(
            "prosody",
            ["prosody", "--config", str(self.dir / "prosody.cfg.lua"), "-F"],
            self.dir / "stdout.log",
        )
        wait_port(self.c2s_port, self.proc)
        wait_port(self.comp_port, self.proc)

    def add_account(self, user, password):
        path = self.dir / ("data/localhost/accounts/%s.dat" % user)
        path.write_text('return { ["password"] = "%s"; };\n' % password)


class Ejabberd(Server):
    name = "ejabberd"

    def _configure(self):
        hosts = "".join(
            '      %s: {password: "%s"}\n' % (c, self.secret(c))
            for c in self.components
        )
        (self.dir / "ejabberd.yml").write_text(
            EJABBERD.format(
                d=self.dir, c2s=self.c2s_port, comp=self.comp_port,
                hosts=hosts.rstrip("\n"),
                shaper="normal" if self.limits else "none",
            )
        )
        (self.dir / "inetrc").write_text(
            '{lookup,["file","native"]}.\n'
            '{host,{127,0,0,1},["localhost"]}.\n'
            '{file,resolv,"/dev/null"}.\n'
        )
        (self.dir / "spool").mkdir()
        (self.dir / "logs").mkdir()

    def start(self):
        env = dict(
            os.environ,
            EJABBERD_CONFIG_PATH=str(self.dir / "ejabberd.yml"),
            EJABBERD_LOG_PATH=str(self.dir / "logs/ejabberd.log"),
            ERL_LIBS="/usr/lib/x86_64-linux-gnu:/usr/lib/aarch64-linux-gnu",
            ERL_INETRC=str(self.dir / "inetrc"),
            ERL_CRASH_DUMP=str(self.dir / "crash.dump"),
            HOME=str(self.dir),
        )
        self.proc = Proc(
            "ejabberd",
            ["erl", "-noinput", "+K", "true",
             "-mnesia", "dir", '"%s/spool"' % self.dir,
             "-ejabberd", "log_rate_limit", "0", "-s", "ejabberd"],
            self.dir / "stdout.log", env=env, cwd=self.dir,
        )
        wait_port(self.c2s_port, self.proc, 40)
        wait_port(self.comp_port, self.proc, 40)

        def answers():
            try:
                wire.register(self, "probe", "probe")
                return True
            except wire.WireError as e:
                return "conflict" in str(e)
            except OSError:
                return False

        wait_until("ejabberd answers", answers, 20, 0.1)


SERVERS = {"prosody": Prosody, "ejabberd": Ejabberd}
