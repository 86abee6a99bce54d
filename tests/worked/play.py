#!/usr/bin/python3
"""Plays every worked example on a machine of its own and writes what was typed
and seen into docs/worked/.  Needs root, mmdebstrap and systemd-nspawn.

usage: play.py --debs DIR --sim FILE [--out DIR] [--work DIR] [--overlay DIR] [--keep] [NAME...]
"""

import argparse
import pathlib
import subprocess
import sys
import time

from scene import LINE, LINE2, PASSWORDS, again, build, install, serve, sim
from stage import Page, Stage, make_base, wait

HERE = pathlib.Path(__file__).resolve().parent


def node(stage, name):
    return stage.root_sh("thingbridge --json nodes %s" % name)[1]


def wait_node(stage, name, word):
    wait("%s %s" % (name, word), lambda: '"%s"' % word in node(stage, name))


def wait_registry(stage):
    wait("the registry", lambda: '"online":true' in stage.root_sh("thingbridge --json registry")[1], 180)


def claim(stage, name, who):
    stage.root_sh("thingbridge stickers %s -f text --show-secrets > /tmp/claim; chmod 644 /tmp/claim"
                  % name)
    status, out = stage.root_sh("su - %s -c 'thingowner claim < /tmp/claim'" % who)
    assert status == 0, out


def Q(question, answer):
    """setup asks, and waits behind "> "."""
    return question + r"[\s\S]*> $", answer + "\n"


def account(password):
    return [Q("account", "plant7@example.org"), Q("exist already", ""), Q("Its server", ""),
            Q("password", password), Q("Thing Registry", "")]


PLANT = [
    Q("Where are the devices", LINE), Q("spoken", ""), Q("Speed", ""), Q("name for this bus", ""),
    Q("Which addresses", "1-10"), Q("Which of them", ""), Q("Its name", "Main incomer"),
    Q("Where it is", "Plant room 1"), (r"\[y/N\]", "y\n"), Q("File for its sticker", "")]


def first_node(p):
    """The first node"""
    p.say("A clean Debian 12, as on a Raspberry Pi. The packages were copied to it; an account for the gateway, "
          "`plant7@example.org`, exists at an XMPP server that runs a Thing Registry. A meter hangs on the RS-485 "
          "adapter.")
    p.apt_install()
    p.say("One command asks for the rest. It can be left with Ctrl-C at any question, and goes on there later.")
    p.type("sudo thingbridge setup", *account(PASSWORDS["plant7"]), *PLANT, timeout=180)
    p.say("The gateway runs; the meter is read, and waits for its owner.")
    p.type("sudo thingbridge status")
    p.type("sudo thingbridge read sdm630-3 voltage_l1 power")
    p.say("Far away, the owner has a photo of the sticker, and an account of her own.")
    p.root("cp /home/pi/sdm630-3.png /home/anna/sticker.png; chown anna: /home/anna/sticker.png")
    anna = p.as_user("anna")
    anna.type("zbarimg --nodbus -q --raw sticker.png | thingowner claim")
    anna.type("thingowner read sdm630-3 voltage_l1 power")
    p.say("The meter is hers now, and the sticker claims nothing any more.")
    p.type("sudo thingbridge nodes")


def second_bus(p):
    """A second bus"""
    p.say("Another adapter, with a room sensor behind it. A bus is a section of a file in `conf.d`.")
    p.type("sudo tee /etc/thingbridge/conf.d/20-cellar.conf <<END\n[bus cellar]\ntype = modbus-rtu\n"
           "port = %s\nserial = 9600 8N1\nEND" % LINE2)
    p.type("sudo thingbridge check")
    p.type("sudo thingbridge reload")
    p.type("sudo thingbridge scan cellar -a 1-20", timeout=200)
    p.type("sudo thingbridge adopt 1 --name 'Cellar' --room 'Cellar, north wall'",
           (r"none\) $", "7733\n"), (r"\[y/N\]", "y\n"))
    p.type("sudo thingbridge nodes")


def wrong_wiring(p):
    """Wrong wiring"""
    sim(p.stage, "fault main silent")
    p.say("The meter was connected, but nothing comes back: the two wires of the line are swapped.")
    wait_node(p.stage, "sdm630-3", "offline")
    p.type("sudo thingbridge status")
    p.type("sudo thingbridge probe rs485-1 3", status=8)
    sim(p.stage, "fault main none")
    p.say("A and B exchanged at the meter's terminals:")
    wait_node(p.stage, "sdm630-3", "online")
    p.type("sudo thingbridge nodes")
    p.type("sudo thingbridge read sdm630-3 voltage_l1 voltage_l2 voltage_l3")


def replaced_meter(p):
    """A replaced meter"""
    claim(p.stage, "sdm630-3", "anna")
    p.say("Anna owns the main meter. An electrician has put another of the same model in its place.")
    sim(p.stage, "fault main silent")
    wait_node(p.stage, "sdm630-3", "offline")
    sim(p.stage, "set main serial 20999001")
    sim(p.stage, "fault main none")
    wait("the warning", lambda: "replaced" in p.root("thingbridge status"))
    p.type("sudo thingbridge status")
    p.say("Her history would go on with another meter's counter. So she gives the old one up, and it becomes a new node.")
    p.as_user("anna").type("thingowner disown sdm630-3")
    p.type("sudo thingbridge reset sdm630-3 --yes")
    p.type("sudo thingbridge stickers sdm630-3 -f png -o new.png")
    p.type("sudo zbarimg --nodbus -q --raw new.png | cut -d';' -f1-4")


def lost_sticker(p):
    """A lost sticker"""
    p.say("The envelope with the sticker is gone before the owner had it.")
    p.type("sudo thingbridge nodes")
    p.say("If nobody else can have it, print it again; the same claim text stands on it.")
    p.type("sudo thingbridge stickers sdm630-3 -f png -o again.png")
    p.say("If somebody may have found it, make it worthless first.")
    p.type("sudo thingbridge reset sdm630-3", (r"to go on: ?$", "sdm630-3\n"))
    p.type("sudo thingbridge stickers sdm630-3 -f png -o new.png")
    p.root("cp /home/pi/again.png /home/bert/found.png; chown bert: /home/bert/found.png")
    p.say("Whoever found the old one:")
    p.as_user("bert").type("zbarimg --nodbus -q --raw found.png | thingowner claim", status=5)


def changed_network(p):
    """A changed Wi-Fi"""
    online = lambda: '"xmpp":"online"' in p.root("thingbridge --json status")
    hosts = ("ip addr add %s/32 dev lo; sed -i '/^192/d; s/^127.*/127.0.0.1 localhost plant7 registry.example.org/' "
             "/etc/hosts; echo %s example.org >> /etc/hosts")
    p.root(hosts % ("192.0.2.7", "192.0.2.7") + "; systemctl restart thingbridged")
    wait("the network", online)
    p.say("The site has got another router, and the gateway's Wi-Fi is gone:")
    p.root("ip addr del 192.0.2.7/32 dev lo; systemctl restart prosody")
    wait("offline", lambda: "nreachable" in p.root("thingbridge status"), 180)
    p.type("sudo thingbridge status", keep=12)
    p.say("The meter is read on meanwhile. The installer enters the new password with `nmcli` or "
          "`raspi-config`. The gateway needs nothing: it tries again by itself, at least every few minutes.")
    p.root(hosts % ("192.0.2.99", "192.0.2.99"))
    wait("the network again", online, 300)
    wait_registry(p.stage)
    p.type("sudo thingbridge status", keep=4)


def new_owner(p):
    """A new owner"""
    claim(p.stage, "sdm630-3", "anna")
    p.say("Anna sells the building. She gives the meter up:")
    p.as_user("anna").type("thingowner disown sdm630-3")
    wait_node(p.stage, "sdm630-3", "unclaimed")
    p.say("Anna knew the old KEY, so the gateway has made another; it says that a sticker is due.")
    p.type("sudo thingbridge status")
    p.type("sudo thingbridge stickers sdm630-3 -f png -o bert.png")
    p.root("cp /home/pi/bert.png /home/bert/; chown bert: /home/bert/bert.png")
    bert = p.as_user("bert")
    bert.type("zbarimg --nodbus -q --raw bert.png | thingowner claim")
    bert.type("thingowner read sdm630-3 voltage_l1")
    p.say("Anna reads nothing of it any more.")
    p.as_user("anna").type("thingowner read plant7@example.org sdm630-3", status=None)


def moved_room(p):
    """A moved device"""
    claim(p.stage, "sdm630-3", "anna")
    p.say("The meter hangs in another room now.")
    p.type("sudo thingbridge meta sdm630-3 ROOM='Basement, east'")
    p.say("The registry was told, and the owner sees it.")
    wait("the update", lambda: "Basement" in p.root(
        "su - anna -c 'thingowner --json search ROOM~Base*'"))
    p.as_user("anna").type("thingowner search 'ROOM~Base*'")


def dead_adapter(p):
    """A dead adapter"""
    p.root("systemctl stop plant")
    wait("the warning", lambda: "USB" in p.root("thingbridge status"))
    p.say("A node does not answer, and others neither. The adapter's lamp is dark.")
    p.type("sudo thingbridge status")
    p.type("sudo thingbridge ports")
    p.root("systemctl start plant")
    p.say("Another of the same kind is plugged in; if its name differs, the name in the configuration is changed and "
          "`thingbridge reload` takes it. Here it is the same one, pulled out and plugged in again.")
    wait_node(p.stage, "sdm630-3", "online")
    p.type("sudo thingbridge nodes")


def wrong_password(p):
    """A wrong password"""
    p.say("In a cellar, on a phone, letters are mistyped: here one of the password. `setup` tries the account before it goes "
          "on, says what the server said, and asks again.")
    p.type("sudo thingbridge setup", *account("corect horse"), Q("What is to be changed", "password"),
           Q("password", PASSWORDS["plant7"]), *PLANT, timeout=240)


def full_disk(p):
    """A full disk"""
    p.root("systemctl stop thingbridged; cp -a /var/lib/thingbridge /root/state; "
           "mount -t tmpfs -o size=3M tmpfs /var/lib/thingbridge; "
           "cp -a /root/state/. /var/lib/thingbridge; chown _thingbridge: /var/lib/thingbridge; "
           "chmod 700 /var/lib/thingbridge; systemctl start thingbridged")
    wait_node(p.stage, "sdm630-3", "online")
    wait_registry(p.stage)
    p.root("thingbridge stickers sdm630-3 -f png -o /home/anna/s.png; chown anna: /home/anna/s.png")
    p.root("dd if=/dev/zero of=/var/lib/thingbridge/ballast bs=1k; true")
    p.say("Something has filled the disk, and just now the owner claims her meter.")
    anna = p.as_user("anna")
    anna.type("zbarimg --nodbus -q --raw s.png | thingowner claim", status=None)
    p.type("sudo thingbridge nodes")
    p.type("sudo thingbridge doctor", status=None)
    p.root("rm /var/lib/thingbridge/ballast")
    p.say("Room is made. Nothing needs to be done for the claim: the registry keeps what was not acknowledged, and says it "
          "again.")
    wait_node(p.stage, "sdm630-3", "public")
    p.type("sudo thingbridge nodes")


def no_registry(p):
    """No registry"""
    p.root("systemctl stop thingregistryd; systemctl restart thingbridged")
    p.say("The gateway is online, but nothing can be claimed: the registry is down.")
    wait_node(p.stage, "sdm630-3", "online")
    wait("the warning", lambda: "egistry" in str(p.root("thingbridge --json status | grep -o 'warnings.*'")))
    p.type("sudo thingbridge status")
    p.type("sudo thingbridge registry", status=None)
    p.type("sudo thingbridge read sdm630-3 voltage_l1")
    p.root("systemctl start thingregistryd")
    p.say("Whoever runs it has started it again. The gateway finds it by itself.")
    wait_registry(p.stage)
    p.type("sudo thingbridge status", keep=4)


def two_on_one_address(p):
    """Two devices on one address"""
    sim(p.stage, "fault main garble")
    p.say("A second meter was connected, and it still has the address that it came with: that of the first. Both answer at "
          "once.")
    wait("the warning", lambda: '"offline"' in node(p.stage, "sdm630-3"))
    p.type("sudo thingbridge status", keep=14)
    p.type("sudo thingbridge scan rs485-1 -a 3-3", status=None)
    sim(p.stage, "fault main none")
    p.say("One is disconnected, and the other gets an address of its own at its keys. Nothing wrong was ever told of the "
          "meter: its value is missing, not false, while it cannot be read.")
    wait_node(p.stage, "sdm630-3", "online")
    p.type("sudo thingbridge nodes")


def new_machine(p):
    """Restore on a new Pi"""
    claim(p.stage, "sdm630-3", "anna")
    p.say("Each month the installer, or a timer, makes a backup.")
    p.type("sudo thingbridge backup plant7.tgz")
    p.root("mv /home/pi/plant7.tgz /root/; apt-get purge -y thingbridge; cp /root/plant7.tgz /home/pi/; "
           "rm -rf /home/pi/*.png; cd /home/pi; dpkg -i thingbridge_*.deb")
    p.overlay()
    p.say("Lightning; a new Pi. The packages are installed on it, and the file is copied to it. (In this record: the same machine, "
          "purged and installed anew.)")
    p.type("sudo thingbridge restore plant7.tgz", (r"to go on: ?$", "restore\n"))
    p.type("sudo thingbridge check")
    p.type("sudo systemctl start thingbridged; sleep 5; sudo thingbridge nodes")
    p.say("Anna noticed nothing, and claims nothing anew.")
    p.as_user("anna").type("thingowner read sdm630-3 voltage_l1")


def uninstall(p):
    """Uninstall"""
    p.say("The plant is closed. What nobody owns is taken out of the registry first; what has an owner is the owner's to "
          "disown.")
    p.type("sudo thingbridge unregister sdm630-3 --yes")
    p.type("sudo apt-get purge -y thingbridge thingbridge-templates", keep=14)
    p.say("What is left below `/etc/thingbridge` belongs to the registry, which runs on the same machine in this trial.")
    p.type("ls /var/lib/thingbridge /run/thingbridge", status=2)
    p.type("ls /etc/thingbridge")


def first_installation(p):
    """A first installation"""
    p.say("""From a bare Raspberry Pi to a meter that its owner reads from far away, in about ten minutes. All that stands below in
frames was recorded on a fresh Debian 12. You need:

- a Raspberry Pi or another small machine with Debian 12, and its network;
- a USB adapter for RS-485, wired to the meter: A to A, B to B, and the ground where there is one;
- an account for the gateway at an XMPP server, here `plant7@example.org`, and its password;
- a Thing Registry at that server. Whoever runs the server has one, or [sets it up](registry.md).

## 1. The packages

Copy them to the machine, and install them:""")
    p.apt_install()
    p.say("""`thingowner` is the owner's tool, and `thingregistryd` is for the server; a gateway alone needs neither.

## 2. One command

`setup` asks for what is missing, tries each answer before it goes on, and keeps what is done: Ctrl-C leaves at any question, and
the same command goes on there. Under each question stands what it is for. An empty answer takes what stands in brackets.""")
    p.type("sudo thingbridge setup", *account(PASSWORDS["plant7"]), *PLANT, timeout=180)
    p.say("""The adapter of this record is a simulated one, which is not in the list of ports, so its name was typed; a real one is a
number there. The name below `/dev/serial/by-id` stays the same whichever socket it is plugged into.

Compare the values with the meter's display before you say yes. Nothing of the meter was changed: `setup` only reads.

## 3. What it says now""")
    p.type("sudo thingbridge status")
    p.say("A line that begins with `!` would say what needs attention, and the command that tells more or mends it.")
    p.type("sudo thingbridge read sdm630-3 voltage_l1 voltage_l2 voltage_l3 power import")
    p.say("""## 4. The sticker

This is the sticker of the record (what it claimed was claimed, so it opens nothing any more):""")
    p.picture("/home/pi/sdm630-3.png", "sticker.png", "The sticker: name, place, QR code")
    p.say("""It goes to the owner, and to nobody else: whoever reads it can claim the meter. The file is yours, though made with
sudo, and nobody else reads it. For label paper in an office printer, make a PDF, and print it at 100 %:""")
    p.type("sudo thingbridge stickers sdm630-3 --reprint --stock avery-l7160 --start 2:1 -f pdf -o stickers.pdf")
    p.root("pdftoppm -r 40 -gray -png -singlefile /home/pi/stickers.pdf /home/pi/sheet")
    p.picture("/home/pi/sheet.png", "sheet.png", "A sheet of labels, the second row's first one used")
    p.say("And the sheet to hand over, without the keys:")
    p.type("sudo thingbridge report -o handover.pdf")
    p.root("pdftoppm -r 60 -gray -png -singlefile /home/pi/handover.pdf /home/pi/handover")
    p.picture("/home/pi/handover.png", "handover.png", "The hand-over sheet")
    p.say("""## 5. The owner

She has the sticker, or a photo of it, and an account of her own ([her page](owner.md)):""")
    p.root("cp /home/pi/sdm630-3.png /home/anna/photo.png; chown anna: /home/anna/photo.png")
    anna = p.as_user("anna")
    anna.type("zbarimg --nodbus -q --raw photo.png | thingowner claim")
    anna.type("thingowner read sdm630-3 voltage_l1 power")
    p.say("At the gateway:")
    p.type("sudo thingbridge nodes")
    p.say("""## What next

- More devices on the same line: `sudo thingbridge scan rs485-1`, then `sudo thingbridge adopt 1 --name ... --room ...`.
- Another adapter: [a second bus](worked/03-second-bus.md).
- Something is wrong: `sudo thingbridge doctor` looks at all that a gateway needs, and names the command that mends it. The
  [worked examples](README.md) show what it looks like.
- `sudo thingbridge backup FILE`, and the file kept elsewhere, is all that [a new machine](worked/14-new-machine.md) needs.""")


def owner(p):
    """For owners"""
    p.root("printf '[bus plc]\\ntype = modbus-tcp\\nhost = 127.0.0.1\\n' > /etc/thingbridge/conf.d/20-plc.conf; "
           "sed -i '/^name .*Main/a field.power.keep = 90d' /etc/thingbridge/conf.d/90-adopted.conf; thingbridge reload; thingbridge adopt plc 1 generic.relay8 --id relays --name 'Pumps' --sn 41-7 --yes")
    wait_node(p.stage, "relays", "unclaimed")
    wait("registered", lambda: '"registered":true' in node(p.stage, "relays"))
    for name in ("sdm630-3", "relays"):
        p.root("thingbridge stickers %s --reprint -f png -o /home/anna/%s.png; chown anna: /home/anna/*.png" % (name, name))
    p.root("rm -rf /home/anna/.config")
    anna, bert = p.as_user("anna"), p.as_user("bert")
    p.say("""Somebody installed a meter for you, and gave you a sticker. This page is for the machine on your desk: any Debian 12 with a
network, and an XMPP account of yours, here `anna@example.org`. All that stands in frames was recorded.

## Install

    sudo apt install ./thingowner_*.deb zbar-tools

`zbar-tools` reads QR codes from photos. Then say who you are, once:""")
    anna.type("thingowner login", Q("Your JID", "anna@example.org"), Q("Password", PASSWORDS["anna"]), Q("Registry", ""),
              Q("Server", ""))
    p.say("## Claim\n\nTake a photo of the sticker, and copy it to this machine.")
    anna.type("zbarimg --nodbus -q --raw sdm630-3.png | thingowner claim")
    p.say("It is yours now, and the sticker opens nothing any more. With `--private` nobody finds it by searching. The other one:")
    anna.type("zbarimg --nodbus -q --raw relays.png | thingowner claim --private")
    anna.type("thingowner things")
    p.say("## Read")
    anna.type("thingowner read sdm630-3 voltage_l1 voltage_l2 voltage_l3 power import")
    for watt in (2237, 2410, 2650, 2980, 3320, 3510, 3490, 3200, 2800, 2450, 2100, 1900, 1850):
        sim(p.stage, "set main power %d" % watt)
        time.sleep(2)
    p.say("What the gateway's configuration says `keep` of, it keeps, also while it has no network. `--history` says from when, and "
          "`--every hour` or `day` gives one line for each; `--csv` is for a spreadsheet.")
    anna.type("thingowner read sdm630-3 power --history 1h", keep=40)
    p.say("""## Switch and set

What can be set, and to what:""")
    anna.type("thingowner form relays", keep=20)
    anna.type("thingowner set relays relay1=true")
    p.say("The gateway writes it, reads it back, and says what it found then.")
    anna.type("thingowner browse plant7@example.org")
    p.say("## Let others see it")
    anna.type("thingowner share sdm630-3 bert@example.org")
    p.say("Bert, with an account and a `thingowner` of his own:")
    bert.type("thingowner read plant7@example.org sdm630-3 voltage_l1 --source MeteringTopology")
    anna.type("thingowner unshare sdm630-3 bert@example.org")
    p.say("`share` is kept by the gateway, and is for all of a thing. Where the registry decides (ask whoever runs it), finer rules "
          "can be made: for one field, for a whole domain, for all of your things.")
    anna.type("thingowner allow sdm630-3 bert@example.org power")
    anna.type("thingowner rules sdm630-3")
    anna.type("thingowner deny sdm630-3 bert@example.org")
    p.say("## What the registry tells of it")
    anna.type("thingowner update sdm630-3 ROOM='Basement, east' '#LAT=55.605' '#LON=13.004'")
    anna.type("thingowner search 'ROOM~Base*'")
    p.say("Whoever has an account there can search, and finds what is public. To take a thing out of the registry, and keep it:")
    anna.type("thingowner remove relays")
    anna.type("thingowner read relays relay1 relay2 -t all")
    p.say("It obeys you as before. But the registry knows it no more, so it cannot be disowned: for a next owner the installer "
          "resets it.")
    anna.type("thingowner things")
    p.say("## Give it up\n\nWhen the house is sold, or the meter goes elsewhere:")
    anna.type("thingowner disown sdm630-3")
    p.say("The gateway must be online for that, and makes a new key: whoever comes next needs a new sticker from the installer, and "
          "yours opens nothing.")
    anna.type("thingowner things")


FRESH = [first_node, wrong_password]  # on a machine with nothing but the packages
LATER = [second_bus, wrong_wiring, replaced_meter, lost_sticker, changed_network, new_owner,
         moved_room, dead_adapter, full_disk, no_registry, two_on_one_address, new_machine,
         uninstall]
PAGES = [first_installation, owner]  # these stand above the others


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--debs", required=True)
    ap.add_argument("--sim", required=True)
    ap.add_argument("--out", default=HERE.parent.parent / "docs/worked")
    ap.add_argument("--work", default="/tmp/worked")
    ap.add_argument("--overlay", help="a folder that is copied over the packages")
    ap.add_argument("--keep", action="store_true", help="take the machines of the last run")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    return Company(a).play()


class Company:
    """The machines: one as installed, one after the first node; a copy of one
    of them for each play."""

    def __init__(self, a):
        self.a, self.work, self.out = a, pathlib.Path(a.work), pathlib.Path(a.out)
        self.work.mkdir(exist_ok=True)
        self.out.mkdir(parents=True, exist_ok=True)

    def overlay(self, stage):
        if self.a.overlay:
            subprocess.run(["cp", "-rT", "--remove-destination", self.a.overlay, stage.root], check=True)

    def installed(self):
        root, said = self.work / "installed", self.work / "installed.apt"
        if self.a.keep and said.exists():
            stage, self.apt = Stage.at(root), said.read_text()
        else:
            said.unlink(missing_ok=True)
            stage = build(make_base(self.work / "base"), root, self.a.debs, self.a.sim)
            self.apt = install(stage)
            said.write_text(self.apt)
        self.overlay(stage)
        return stage

    def ready(self, installed):
        """With the first node."""
        done = self.work / "ready.done"
        if self.a.keep and done.exists():
            stage = Stage.at(self.work / "ready")
            self.overlay(stage)
            return stage
        done.unlink(missing_ok=True)
        stage = again(installed, self.work / "ready")
        page = self.page(stage, first_node)
        try:
            serve(stage)
            page.type("sudo thingbridge setup", *account(PASSWORDS["plant7"]), *PLANT, timeout=180)
        finally:
            stage.halt()
        done.touch()
        return stage

    def page(self, stage, what):
        page = Page(stage, what.__doc__)
        page.out, page.overlay = self.out.parent, lambda: self.overlay(stage)
        page.apt_install = lambda: page.text.append("\n```\n$ sudo apt install ./*.deb\n...\n%s\n```\n" % "\n".join(
            line for line in self.apt.splitlines() if line.startswith(("Setting up thing", "Created"))))
        return page

    def play(self):
        installed = self.installed()
        ready = self.ready(installed)
        bad = 0
        for n, what in enumerate(FRESH + LATER + PAGES, 1):
            if self.a.names and what.__name__ not in self.a.names:
                continue
            fresh = what in FRESH or what is first_installation
            stage = again(installed if fresh else ready, self.work / what.__name__)
            page = self.page(stage, what)
            try:
                if fresh:
                    serve(stage)
                else:
                    stage.boot()
                    wait("the gateway", lambda: "online" in page.root("thingbridge status"))
                    wait_node(stage, "sdm630-3", "online")
                    wait_registry(stage)
                what(page)
                name = what.__name__.replace("_", "-") + ".md"
                page.write(self.out.parent / name if what in PAGES else
                           self.out / ("%02d-%s" % (n, name)))
                print("ok", what.__name__, flush=True)
            except AssertionError as e:
                bad += 1
                print("NOT", what.__name__, e, "".join(page.text)[-3000:], sep="\n", flush=True)
            finally:
                stage.close()
        return bad


if __name__ == "__main__":
    sys.exit(main())
