"""The main job end to end, on real parts, one line a step with what was seen.

Run by ./demo.  Everything is private, on loopback, in a temporary directory.
"""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("TB_BIN", str(SOURCE / "build/release/bin"))
sys.path.insert(0, str(SOURCE / "tests/integration"))

from harness import programs, servers  # noqa: E402
from harness.procs import Proc, wait_until  # noqa: E402

PLANT = """\
[bus plc]
type = modbus-tcp
listen = 127.0.0.1:0
[bus rs485]
type = modbus-rtu
link = {dir}/ttyRS485
[bus wx]
type = serial
link = {dir}/ttyWX
"""

UNITS = [  # node, bus, address, template, values at the device
    ("relay1", "plc", 1, "generic.relay8", {"relay1": "on", "relay2": "off"}),
    ("relay2", "plc", 2, "generic.relay8", {"relay3": "on"}),
    ("relay3", "plc", 3, "generic.relay8", {}),
    ("incomer1", "plc", 4, "eastron.sdm630", {"voltage_l1": "229.8", "serial": "20231107"}),
    ("incomer2", "plc", 5, "eastron.sdm630", {"frequency": "49.98", "serial": "20231108"}),
    ("meter1", "rs485", 1, "eastron.sdm630",
     {"voltage_l1": "230.1", "power": "1234.5", "import": "18402.70", "serial": "39487234"}),
    ("meter2", "rs485", 2, "eastron.sdm630", {"voltage_l1": "231.4", "serial": "39487235"}),
    ("meter3", "rs485", 3, "eastron.sdm630", {"voltage_l1": "228.9", "serial": "39487236"}),
    ("climate1", "rs485", 11, "generic.xy-md02", {"temperature": "21.4", "humidity": "48.2"}),
    ("climate2", "rs485", 12, "generic.xy-md02", {"temperature": "-3.5", "humidity": "80.0"}),
    ("climate3", "rs485", 13, "generic.xy-md02", {"temperature": "19.0", "humidity": "51.7"}),
    ("weather", "wx", 1, "vaisala.wxt-nmea",
     {"temperature": "22.6", "humidity": "27.1", "pressure": "1013.6"}),
]

CHECKS = [  # node, field, value on the wire, unit
    ("incomer1", "voltage_l1", "229.8", "V"),
    ("relay1", "relay1", "true", ""),
    ("relay2", "relay3", "true", ""),
    ("meter1", "power", "1234.5", "W"),
    ("meter1", "import", "18402.70", "kWh"),
    ("climate2", "temperature", "-3.5", "C"),
    ("weather", "pressure", "1013.6", "hPa"),
]


class Failed(Exception):
    pass


class Demo:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.steps = 0

    def step(self, what, seen):
        self.steps += 1
        print("%2d. %-34s %s" % (self.steps, what, seen), flush=True)

    def need(self, truth, what):
        if not truth:
            raise Failed(what)

    # what runs

    def start(self):
        self.server = servers.Prosody(self.dir / "prosody")
        self.step("XMPP server", "Prosody at %s, domain localhost, TLS" % self.server.host)
        self.registry = programs.Registry(self.server, self.dir / "registry")
        self.step("Thing Registry", "thingregistryd as component registry.localhost")
        ini = PLANT.format(dir=self.dir)
        for name, bus, address, template, values in UNITS:
            ini += "[unit %s]\nbus = %s\naddress = %d\ntemplate = %s\n" % (
                name, bus, address, template)
            ini += "".join("value.%s = %s\n" % v for v in values.items())
            if bus == "wx":
                ini += "period = 1s\n"
        self.sim = programs.Sim(self.dir / "plant", ini)
        self.step("the plant", "thingsim: " + ", ".join(
            "%s at %s" % (n, self.sim.bus[n]) for n in ("plc", "rs485", "wx")))
        self.gateway = programs.Gateway(
            self.server, self.dir / "gateway", self.nodes(), buses=self.buses(),
            log="info", registry_keys={"key_clear": "1s"},
            extra="[tags]\nCOUNTRY = SE\nROOM = Plant room 1\n"
                  "#LAT = 55.605\n#LON = 13.0038\n",
        )
        self.gateway.wait_online()
        s = self.gateway.json("status")
        self.need(s["tls"], "the gateway is not under TLS")
        self.step("thingbridged", "online as %s, TLS, SCRAM" % s["jid"])

    def buses(self):
        return (
            "[bus plc]\ntype = modbus-tcp\nhost = %s\n"
            "[bus rs485]\ntype = modbus-rtu\nport = %s/ttyRS485\nserial = 9600 8N1\n"
            "[bus wx]\ntype = serial\nport = %s/ttyWX\nserial = 4800 8N1\n"
            % (self.sim.bus["plc"], self.dir, self.dir))

    def nodes(self):
        text = ""
        for name, bus, address, template, _ in UNITS:
            text += (
                "[node %s]\nsource = MeteringTopology\nbus = %s\naddress = %d\n"
                "template = %s\npoll = 1s\nname = %s\n"
                % (name, bus, address, template, name.capitalize()))
            if template != "eastron.sdm630":
                text += "claim.SN = demo-%s\n" % name
            if name == "meter1":
                text += "field.power.keep = 1d\n"
        return text

    # what is looked at

    def value(self, node, field):
        got = self.gateway.json("read", node, field)["fields"][0]
        return got["value"] if got["quality"] == "ok" else None

    def record(self, node):
        """(owner, public, tags) of a node in the registry's own database."""
        db = sqlite3.connect("file:%s?mode=ro" % self.registry.store, uri=True)
        try:
            row = db.execute(
                "SELECT id, owner, public FROM thing WHERE node = ?", (node,)).fetchone()
            if row is None:
                return None
            tags = dict(db.execute("SELECT name, value FROM tag WHERE thing = ?", row[:1]))
            return row[1], bool(row[2]), tags
        finally:
            db.close()

    def claims(self):
        return {n: (v["claim"], v["owner"]) for n, v in self.gateway.node_list().items()}

    def claim_text(self, node):
        status, out, err = self.gateway.ctl("stickers", node, "-f", "text", "--show-secrets")
        self.need(status == 0, "stickers: %s" % err)
        return out.strip()

    def claim(self, owner, text):
        return owner.run("claim", "-", stdin=text + "\n")

    # the steps

    def polled(self):
        for node, field, want, _ in CHECKS:
            wait_until("%s %s is %s" % (node, field, want),
                       lambda: self.value(node, field) == want, 20, 0.2)
        self.step("three buses polled", "; ".join(
            "%s %s %s %s" % c for c in CHECKS).replace(" ;", ";"))
        online = sum(n["device"] == "online" for n in self.gateway.node_list().values())
        self.need(online == len(UNITS), "only %d devices are online" % online)

    def registered(self):
        wait_until("12 nodes are unclaimed", lambda: all(
            c == "unclaimed" for c, _ in self.claims().values()), 30, 0.2)
        db = sqlite3.connect("file:%s?mode=ro" % self.registry.store, uri=True)
        n = db.execute("SELECT count(*) FROM thing WHERE owner IS NULL").fetchone()[0]
        db.close()
        self.need(n == len(UNITS), "the registry has %d unclaimed things" % n)
        self.step("registered", "%d nodes unclaimed in the registry, behind one JID" % n)

    def sticker(self):
        png = self.dir / "meter1.png"
        status, _, err = self.gateway.ctl(
            "stickers", "meter1", "-f", "png", "-o", str(png), "--show-secrets")
        self.need(status == 0, "stickers -f png: %s" % err)
        text = subprocess.run(
            ["zbarimg", "--nodbus", "-q", "--raw", str(png)], check=True,
            capture_output=True, text=True).stdout.strip()
        self.need(text == self.claim_text("meter1"), "zbarimg read %r" % text)
        masked = re.sub(r"(KEY:.{4}).*", r"\1...", text)
        self.step("sticker", "PNG read by zbarimg: " + masked)
        return text

    def claimed(self, text):
        self.owner = programs.Owner(self.server, self.dir / "owner")
        status, out, err = self.claim(self.owner, text)
        self.need(status == 0, "claim: %s%s" % (out, err))
        self.gateway.wait_claim("meter1", "public")
        self.need(self.gateway.claim("meter1")[1] == self.owner.bare, "wrong owner")
        self.step("claimed from the sticker",
                  "meter1 is public, its owner is %s" % self.owner.bare)

    def updated(self):
        def pushed():
            owner, public, tags = self.record("meter1")
            return (owner == self.owner.bare and public and "KEY" not in tags
                    and {"LAT", "LON", "ROOM"} <= set(tags))
        wait_until("tags are pushed and KEY is gone", pushed, 20, 0.2)
        tags = self.record("meter1")[2]
        self.step("tags in the registry", "KEY is gone; LAT=%s LON=%s ROOM=%s" % (
            tags["LAT"], tags["LON"], tags["ROOM"]))
        status, out, err = self.owner.run("update", "meter1", "CITY=Malmö")
        self.need(status == 0, "update: %s%s" % (out, err))
        self.need(self.record("meter1")[2].get("CITY") == "Malmö", "CITY is not there")
        self.step("owner's update", "CITY=Malmö")

    def search(self, *operators):
        """The nodes that a stranger finds, none of them with a KEY."""
        status, out, err = self.stranger.run("--json", "search", *operators)
        self.need(status == 0, "search: %s%s" % (out, err))
        things = json.loads(out)["things"]
        for thing in things:
            self.need(not any("KEY" in t.upper() for t in thing["tags"]), "a KEY was found")
        return [t["node"] for t in things]

    def searched(self):
        self.stranger = programs.Owner(self.server, self.dir / "stranger")
        status, out, err = self.owner.run(
            "claim", "-", "--private", stdin=self.claim_text("meter2") + "\n")
        self.need(status == 0, "claim: %s%s" % (out, err))
        self.gateway.wait_claim("meter2", "private")
        model = "MODEL=" + self.record("meter1")[2]["MODEL"]
        box = ["#LAT=55..56", "#LON=12.9..13.1"]
        others = [self.record(n)[2]["MODEL"] for n in ("meter2", "meter3")]
        self.need(["MODEL=" + m for m in others] == [model] * 2, "they are not of one model")
        for operators in ([model], box):
            found = self.search(*operators)
            self.need(found == ["meter1"], "%s found %s" % (operators, found))
        removed = "SN=demo-climate1"
        self.need(self.search(removed) == [], "the removed node was found")
        self.step("searched by a stranger", "%s finds meter1, as %s does; not meter2 (private), "
                  "meter3 (unclaimed), climate1 (removed)" % (model, " ".join(box)))

    def owner_json(self, *words):
        status, out, err = self.owner.run("--json", *words)
        self.need(status == 0, "%s: %s%s" % (words[0], out, err))
        return json.loads(out)

    def read(self):
        got = self.owner_json("read", "meter1", "power")["fields"]
        self.need([(f["value"], f["unit"], f["quality"]) for f in got]
                  == [("1234.5", "W", "ok")], "the owner read %s" % got)
        self.step("read by its owner", "meter1 power 1234.5 W over XMPP, as the meter has it")
        other = programs.Owner(self.server, self.dir / "other")
        status, out, err = self.claim(other, self.claim_text("climate3"))
        self.need(status == 0, "claim: %s%s" % (out, err))
        self.gateway.wait_claim("climate3", "public")
        status, out, err = other.run("read", self.gateway.bare, "meter1")
        self.need(status in (5, 6) and "1234" not in out + err, "%d %s" % (status, err))
        self.step("by another owner behind the JID", "refused (exit %d)" % status)
        status, out, err = self.owner.run("share", "meter1", other.bare)
        self.need(status == 0, "share: %s%s" % (out, err))
        status, out, err = other.run("--plain", "read", self.gateway.bare, "meter1", "power")
        self.need(status == 0 and "1234.5" in out, "shared: %s%s" % (out, err))
        status, out, err = self.owner.run("unshare", "meter1", other.bare)
        self.need(status == 0, "unshare: %s%s" % (out, err))
        status, _, err = other.run("read", self.gateway.bare, "meter1", "power")
        self.need(status in (5, 6), "unshared: %d %s" % (status, err))
        self.step("shared with him, and no more", "read, then refused again")
        self.allowed(other)
        rows = self.owner_json("read", "meter1", "power", "--history", "1d")["fields"]
        self.need(len(rows) >= 2 and {r["value"] for r in rows} == {"1234.5"},
                  "history: %s" % rows)
        days = self.owner_json("read", "meter1", "power", "--history", "1d", "--every", "day")
        self.step("a day of history", "%d readings of power; of the day: %s" % (
            len(rows), ", ".join("%s %s" % (r["name"], r["value"]) for r in days["fields"])))

    def allowed(self, other):
        """By the registry, which tells the gateway to ask anew."""
        def reads():
            return other.run("--plain", "read", self.gateway.bare, "meter1", "power")

        for verb, let in (("allow", True), ("deny", False)):
            status, out, err = self.owner.run(verb, "meter1", other.bare, "power")
            self.need(status == 0, "%s: %s%s" % (verb, out, err))
            wait_until("%s is heard of" % verb, lambda: (reads()[0] == 0) == let, 15, 0.2)
        self.need("1234" not in "".join(reads()[1:]), "denied, and read")
        self.step("allowed at the registry", "read; then denied, and refused again")

    def switched(self):
        status, out, err = self.claim(self.owner, self.claim_text("relay1"))
        self.need(status == 0, "claim: %s%s" % (out, err))
        self.gateway.wait_claim("relay1", "public")
        form = {f["name"]: f["value"] for f in self.owner_json("form", "relay1")["form"]}
        self.need(form.get("relay2") == "false", "the form says %s" % form)
        status, out, err = self.owner.run("set", "relay1", "relay2=true")
        self.need(status == 0, "set: %s%s" % (out, err))
        at_device = self.sim.get("relay1", "relay2")
        self.need(at_device in ("1", "true", "on"), "the device has relay2 = %s" % at_device)
        self.step("switched by its owner", "relay1 relay2=true; at the device it is %s" % at_device)
        status, out, err = self.owner.run("set", "relay1", "relay2=7")
        self.need(status == 1 and "relay2" in err, "a bad value: %d %s" % (status, err))
        nodes = self.owner_json("browse", self.gateway.bare)["nodes"]
        mine = sorted(n["node"] for n in nodes if n["readable"])
        self.need(mine == ["climate1", "meter1", "meter2", "relay1"], "browsed: %s" % mine)
        self.step("browsed", "%s and their buses, nothing else" % ", ".join(mine))

    def removed(self):
        status, out, err = self.claim(self.owner, self.claim_text("climate1"))
        self.need(status == 0, "claim: %s%s" % (out, err))
        self.gateway.wait_claim("climate1", "public")
        status, out, err = self.owner.run("remove", "climate1")
        self.need(status == 0, "remove: %s%s" % (out, err))
        self.gateway.wait_claim("climate1", "removed")
        self.need(self.record("climate1") is None, "the record is still there")
        self.step("removed", "climate1 left the registry, its owner stays %s"
                  % self.gateway.claim("climate1")[1])

    def disowned(self, old):
        status, out, err = self.owner.run("disown", "meter1")
        self.need(status == 0, "disown: %s%s" % (out, err))
        self.gateway.wait_claim("meter1", "unclaimed")
        new = self.claim_text("meter1")
        self.need(new != old, "the KEY did not change")
        self.step("disowned", "meter1 has a new KEY and is registered anew; sticker: %s"
                  % self.gateway.node_list()["meter1"]["sticker"])
        status, _, _ = self.claim(self.owner, old)
        self.need(status == 5, "the old sticker was taken (exit %d)" % status)
        self.step("old sticker", "refused (exit 5)")
        second = programs.Owner(self.server, self.dir / "owner2")
        status, out, err = self.claim(second, new)
        self.need(status == 0, "claim: %s%s" % (out, err))
        self.gateway.wait_claim("meter1", "public")
        self.need(self.gateway.claim("meter1")[1] == second.bare, "wrong owner")
        self.step("new sticker", "taken: meter1 belongs to %s" % second.bare)

    def killed(self):
        wait_until("the KEY is gone", lambda: "KEY" not in self.record("meter1")[2], 20, 0.2)
        before, records = self.claims(), [self.record(u[0]) for u in UNITS]
        self.gateway.kill()
        self.registry.kill()
        self.registry.start()
        self.gateway.start()
        self.gateway.wait_online()
        self.need(self.claims() == before, "claims changed: %s" % self.claims())
        wait_until("values are back", lambda: self.value("meter1", "power") == "1234.5", 20, 0.2)
        self.need([self.record(u[0]) for u in UNITS] == records, "records changed")
        states = [c for c, _ in before.values()]
        self.step("both daemons killed (SIGKILL)", "restarted; every state kept: " + ", ".join(
            "%d %s" % (states.count(s), s) for s in sorted(set(states))))

    def run(self):
        self.start()
        self.polled()
        self.registered()
        text = self.sticker()
        self.claimed(text)
        self.updated()
        self.removed()
        self.searched()
        self.read()
        self.switched()
        self.disowned(text)
        self.killed()

    def stay(self):
        b = programs.BIN
        print("\nIt is still running.  Try (in another terminal):")
        for line in (
            "%s/thingbridge -s %s status" % (b, self.gateway.socket),
            "%s/thingbridge -s %s nodes" % (b, self.gateway.socket),
            "%s/thingbridge -s %s read meter1 --watch" % (b, self.gateway.socket),
            "%s/thingbridge -s %s stickers meter2 -f term --show-secrets"
            % (b, self.gateway.socket),
            "%s/thingowner --account %s things" % (b, self.owner.account),
            "%s/thingowner --account %s search 'MODEL~*'" % (b, self.owner.account),
            "%s/thingowner --account %s read climate1 --watch 2" % (b, self.owner.account),
            "%s/thingowner --account %s set relay1 relay3=true" % (b, self.owner.account),
        ):
            print("  " + line)
        try:
            input("Press Enter to end it. ")
        except (EOFError, KeyboardInterrupt):
            print()


def main():
    directory = tempfile.mkdtemp(prefix="thingbridge-demo.")
    demo = Demo(directory)
    code = 1
    try:
        demo.run()
        if "--stay" in sys.argv[1:]:
            demo.stay()
        print("all %d steps were seen" % demo.steps)
        code = 0
    except (Failed, AssertionError, subprocess.SubprocessError, OSError) as e:
        print("FAILED after step %d: %s" % (demo.steps, e))
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        for p in list(Proc.running):
            if p.name.startswith("thing") and p.alive():
                try:
                    p.stop(10)
                except AssertionError:
                    p.kill()
            else:
                p.kill()
        if code and "--stay" in sys.argv[1:]:
            print("logs are in " + directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
