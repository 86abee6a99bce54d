"""The site that the worked examples play at: a gateway to be set up, an XMPP
server and a registry that somebody else runs, two owners, and a plant."""

import pathlib
import shutil

from stage import Stage, copy, wait

DOMAIN = "example.org"
PASSWORDS = {"plant7": "correct horse", "anna": "anna's own", "bert": "bert's own"}
LINE = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_AB0KNUJC-if00-port0"
LINE2 = "/dev/serial/by-id/usb-1a86_USB_Serial_5958-if00-port0"

PROSODY = """\
admins = {}
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "presence", "message", "iq" }
modules_disabled = { "s2s" }
allow_registration = false
c2s_require_encryption = true
authentication = "internal_hashed"
storage = "internal"
log = { info = "/var/log/prosody/prosody.log" }
pidfile = "/run/prosody/prosody.pid"
component_ports = { 5347 }
component_interfaces = { "127.0.0.1" }
certificates = "/etc/prosody/certs"
VirtualHost "example.org"
Component "registry.example.org"
  component_secret = "between the two"
  component_conflict_resolve = "kick_old"
"""

REGISTRY = """\
[component]
jid    = registry.example.org
secret = @secret:component
"""

PLANT = """\
[bus rs485]
type = modbus-rtu
link = %s
[bus rs485b]
type = modbus-rtu
link = %s
[bus plc]
type = modbus-tcp
listen = 127.0.0.1:502
[unit main]
bus = rs485
address = 3
template = eastron.sdm630
value.voltage_l1 = 230.4
value.voltage_l2 = 229.1
value.voltage_l3 = 231.0
value.current_l1 = 4.31
value.current_l2 = 2.07
value.current_l3 = 3.55
value.power_l1 = 971.2
value.power_l2 = 463.0
value.power_l3 = 803.4
value.power = 2237.6
value.import = 18402.71
value.serial = 20481234
[unit cellar]
bus = rs485b
address = 11
template = generic.xy-md02
value.temperature = 14.2
value.humidity = 61.0
[unit relays]
bus = plc
address = 1
template = generic.relay8
""" % (LINE, LINE2)

UNIT = """\
[Service]
ExecStartPre=/bin/mkdir -p /dev/serial/by-id
ExecStart=/opt/plant/thingsim -c /opt/plant/plant.ini --control /run/plant.sock
ExecStartPost=/bin/sh -c 'sleep 1; chmod 666 $(readlink -f /dev/serial/by-id/*)'
Restart=always
[Install]
WantedBy=multi-user.target
"""

ACCOUNT = """\
[account]
jid      = %s@example.org
password = @secret:thingowner-password
"""


def put(stage, path, text, mode=0o644):
    file = stage.root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def certificates(stage):
    """The server's, from an authority that this machine trusts."""
    made = stage.inside(
        "set -e; cd /root; "
        "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=A certificate authority' "
        "  -keyout ca.key -out /usr/local/share/ca-certificates/trial.crt; "
        "openssl req -newkey rsa:2048 -nodes -subj /CN=example.org -keyout s.key -out s.csr; "
        "printf 'subjectAltName=DNS:example.org,DNS:registry.example.org' > ext; "
        "openssl x509 -req -in s.csr -CA /usr/local/share/ca-certificates/trial.crt -CAkey ca.key "
        "  -CAcreateserial -days 3650 -extfile ext -out s.crt; "
        "install -D -o prosody -m 600 s.key /etc/prosody/certs/example.org.key; "
        "install -o prosody -m 644 s.crt /etc/prosody/certs/example.org.crt; "
        "update-ca-certificates; rm -f ca.key s.* ext")
    assert "added" in made, made


def build(base, root, debs, thingsim):
    """The machine before its first boot, with the packages beside it."""
    stage = Stage(base, root)
    put(stage, "/etc/hosts", "127.0.0.1 localhost plant7 example.org registry.example.org\n")
    put(stage, "/etc/prosody/prosody.cfg.lua", PROSODY)
    certificates(stage)
    put(stage, "/etc/systemd/system/plant.service", UNIT)
    put(stage, "/opt/plant/plant.ini", PLANT)
    shutil.copy(thingsim, stage.root / "opt/plant/thingsim")
    for deb in pathlib.Path(debs).glob("*.deb"):
        if "dbgsym" not in deb.name:
            shutil.copy(deb, stage.root / "home" / stage.user)
    return stage


def install(stage, packages="./*.deb"):
    """What apt says; before the boot, since it needs the network."""
    return stage.inside("cd /home/%s && apt-get update -q >/dev/null && "
                        "DEBIAN_FRONTEND=noninteractive apt-get install -y -q %s"
                        % (stage.user, packages), network=True)


def serve(stage):
    """Boots, and starts what belongs to others."""
    put(stage, "/etc/thingbridge/thingregistryd.conf", REGISTRY)
    put(stage, "/etc/thingbridge/secrets/component", "between the two\n", 0o600)
    stage.boot()
    for user, password in PASSWORDS.items():
        stage.root_sh('prosodyctl register %s %s "%s"' % (user, DOMAIN, password))
    for owner in ("anna", "bert"):
        stage.root_sh("useradd -m -s /bin/bash %s" % owner)
        folder = "/home/%s/.config/thingowner/" % owner
        put(stage, folder + "account.conf", ACCOUNT % owner, 0o600)
        put(stage, folder + "secrets/thingowner-password", PASSWORDS[owner] + "\n", 0o600)
        stage.root_sh("chown -R %s: /home/%s; chmod 700 %s %ssecrets"
                      % (owner, owner, folder, folder))
    stage.root_sh("systemctl daemon-reload; systemctl enable --now plant thingregistryd")
    wait("the registry", lambda: "online" in stage.root_sh("systemctl status thingregistryd")[1])


def again(stage, root):
    """A machine like that one, which must be halted."""
    copy(stage.root, root)
    return Stage.at(root, stage.host, stage.user)


def sim(stage, command):
    """A word to the plant."""
    status, out = stage.root_sh(
        "python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); "
        "s.connect('/run/plant.sock'); s.sendall(b'%s\\n'); print(s.recv(999).decode())\""
        % command)
    assert status == 0 and out.startswith("ok"), out
