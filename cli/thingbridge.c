/* thingbridge: the installer's tool, a client of the daemon's control socket.
 */
#include "cli/bridge.h"

static const struct opt globals[] = {
	[BRIDGE_SOCKET] = { "socket", 's', "SOCKET",
	    "the daemon's control socket" },
	[BRIDGE_CONFIG] = { "config", 'c', "FILE",
	    "the configuration that says where it is" },
	[BRIDGE_JSON] = { "json", 0, NULL, "one JSON object a line" },
	[BRIDGE_PLAIN] = { "plain", 0, NULL, "tab-separated, no headings" },
	{ NULL, 0, NULL, NULL },
};

static const struct verb verbs[] = {
	{ "setup", "[--answers FILE]",
	    "from nothing to the first node, asking what is missing",
	    "Ctrl-C leaves; the same command goes on later.",
	    "sudo thingbridge setup\n"
	    "thingbridge setup --answers site.txt",
	    bridge_setup_opts, 0, 0, bridge_setup, 0 },
	{ "status", "[BUS] [-v] [--check | --watch]",
	    "gateway, registry, nodes and buses; what needs attention",
	    "With BUS or -v also what each unit has done.",
	    "thingbridge status rs485-1\n"
	    "thingbridge status --check || logger 'gateway needs help'",
	    bridge_status_opts, 0, 1, bridge_status, 0 },
	{ "nodes", "[NODE] [--unclaimed] [--failing]",
	    "the nodes, or all that is known of one", NULL,
	    "thingbridge nodes --unclaimed\n"
	    "thingbridge nodes --failing --plain | cut -f1",
	    bridge_nodes_opts, 0, 1, bridge_nodes, 0 },
	{ "read", "NODE [FIELD...] [--watch]", "the latest values of a node",
	    NULL,
	    "thingbridge read meter1 Power\n"
	    "thingbridge read meter1 --watch | tee changes.txt",
	    bridge_read_opts, 1, -1, bridge_read, 0 },
	{ "set", "NODE FIELD VALUE [--yes] [--dry-run]",
	    "write a value to a device and read it back",
	    "Shows old and new value and asks; without a terminal it needs "
	    "--yes.",
	    "thingbridge set heatpump1 Setpoint 21.5\n"
	    "thingbridge set relays1 relay3 true --yes",
	    bridge_set_opts, 3, 3, bridge_set, VERB_NUMBER },
	{ "meta", "NODE [TAG=VALUE | #TAG=NUMBER]...",
	    "show or set the tags that the registry is told",
	    "Without a value (TAG=) a tag is deleted.  # marks a number.",
	    "thingbridge meta meter1\n"
	    "thingbridge meta meter1 ROOM=\"Plant room 1\" '#LAT=55.60'",
	    NULL, 1, -1, bridge_meta, 0 },
	{ "stickers", "[NODE...] [OPTION...]",
	    "make stickers to claim nodes by; without -f, list them",
	    "Also --list-stocks --stocks FILE --by-column --size WxH --dpi N "
	    "--border --force\n--offset X,Y --scale X,Y --printer NAME "
	    "--test-page --hide-key: see the manual.",
	    "thingbridge stickers --stock avery-l7160 --start 2:1 -f pdf -o "
	    "a.pdf\n"
	    "thingbridge stickers meter1 -f term",
	    bridge_stickers_opts, 0, -1, bridge_stickers, 0 },
	{ "report", "-o FILE [--with-keys]",
	    "the hand-over sheet for the owner, as PDF",
	    "Nodes, buses, readings, and what the owner does next by when.",
	    "thingbridge report -o handover.pdf\n"
	    "thingbridge report --with-keys -o for-the-owner.pdf",
	    bridge_report_opts, 0, 0, bridge_report, 0 },
	{ "reset", "NODE [--yes]", "forget the owner, make a new KEY, register",
	    "Old stickers stop working.  An owner whom the registry still\n"
	    "knows comes back: he disowns it, or unregister it first.",
	    "thingbridge reset meter1\n"
	    "thingbridge reset meter1 --yes",
	    bridge_reset_opts, 1, 1, bridge_reset, 0 },
	{ "register", "NODE", "register a node again", NULL,
	    "thingbridge register meter1\n"
	    "thingbridge register meter1 --json",
	    NULL, 1, 1, bridge_register, VERB_MINOR },
	{ "unregister", "NODE [--yes]", "take a node out of the registry", NULL,
	    "thingbridge unregister meter1\n"
	    "thingbridge unregister meter1 --yes",
	    bridge_unregister_opts, 1, 1, bridge_unregister, VERB_MINOR },
	{ "registry", "", "which registry, and how it was found", NULL,
	    "thingbridge registry\n"
	    "thingbridge registry --json",
	    NULL, 0, 0, bridge_registry, VERB_MINOR },
	{ "ports", "", "the serial ports and who holds them", NULL,
	    "thingbridge ports\n"
	    "thingbridge ports --plain | cut -f1,2",
	    NULL, 0, 0, bridge_ports, 0 },
	{ "scan", "BUS [-a A-B] [--serial LIST] [--timeout MS]",
	    "ask every address of a bus who is there",
	    "The nodes' polls go on meanwhile.  Ctrl-C keeps what was found.",
	    "thingbridge scan rs485-1 --addresses 1-32\n"
	    "thingbridge scan rs485-1 --serial \"9600 8N1,19200 8E1\" -a 1-10",
	    bridge_scan_opts, 1, 1, bridge_scan, 0 },
	{ "adopt", "[CAND | BUS ADDRESS TEMPLATE] [OPTION...]",
	    "make a node of a device; without arguments: what scans found",
	    "Reads the device first, and asks.  Writes "
	    "conf.d/90-adopted.conf.",
	    "thingbridge adopt 1 --name \"Main incomer\" --room \"Plant room "
	    "1\"\n"
	    "thingbridge adopt rs485-1 3 eastron.sdm630 --id meter1 --yes",
	    bridge_adopt_opts, 0, 3, bridge_adopt, 0 },
	{ "probe", "BUS ADDRESS [TEMPLATE | WHERE [TYPE]]",
	    "one device: its frames, and what a register can mean",
	    "With WHERE, every reading of it and its line for a template.",
	    "thingbridge probe rs485-1 3 eastron.sdm630\n"
	    "thingbridge probe rs485-1 3 holding:0x10 u32",
	    NULL, 2, 4, bridge_probe, 0 },
	{ "trace", "BUS [-o FILE] [--max SIZE]",
	    "the frames of a bus as they pass, until Ctrl-C",
	    "> was sent, < received, ! is a remark.",
	    "thingbridge trace rs485-1\n"
	    "thingbridge trace rs485-1 -o night.txt --max 64M",
	    bridge_trace_opts, 1, 1, bridge_trace, VERB_MINOR },
	{ "plan", "[NODE] [-v]", "which requests are sent, and each bus's load",
	    "With NODE or -v request by request.",
	    "thingbridge plan\n"
	    "thingbridge plan meter1",
	    bridge_plan_opts, 0, 1, bridge_plan, VERB_MINOR },
	{ "templates", "[list | show ID | test FILE]",
	    "device templates; needs no daemon",
	    "test says what is wrong with a new one (exit 78), or what it "
	    "reads.",
	    "thingbridge templates show eastron.sdm630\n"
	    "thingbridge templates test my-meter.ini",
	    NULL, 0, 2, bridge_templates, 0 },
	{ "check", "[FILE]", "check the configuration; needs no daemon",
	    "Exit 78 when it has errors.",
	    "thingbridge check\n"
	    "thingbridge check new.conf --json",
	    NULL, 0, 1, bridge_check, 0 },
	{ "reload", "", "read the configuration again, all of it or nothing",
	    NULL,
	    "thingbridge reload\n"
	    "thingbridge check && thingbridge reload",
	    NULL, 0, 0, bridge_reload, VERB_MINOR },
	{ "doctor", "",
	    "what keeps this gateway from working, and what mends it",
	    "Looks at the configuration, daemon, ports, clock, disk and names.",
	    "thingbridge doctor\n"
	    "thingbridge doctor --json",
	    NULL, 0, 0, bridge_doctor, 0 },
	{ "backup", "FILE",
	    "configuration, claims, keys and history, in a file",
	    "With or without the daemon.  Whoever has the file can be this "
	    "gateway.",
	    "thingbridge backup /media/stick/plant7.tgz\n"
	    "thingbridge backup /root/before-upgrade.tgz",
	    NULL, 1, 1, bridge_backup, 0 },
	{ "restore", "FILE [--yes]",
	    "put a backup in place, also on another machine",
	    "The daemon must be stopped.  What was there before is kept.",
	    "thingbridge restore /media/stick/plant7.tgz\n"
	    "thingbridge restore plant7.tgz -c /tmp/try/thingbridge.conf",
	    bridge_restore_opts, 1, 1, bridge_restore, 0 },
	{ .name = NULL },
};

static const struct program program = {
	.name = "thingbridge",
	.purpose = "look after the gateway here",
	.opts = globals,
	.verbs = verbs,
	.words = bridge_words,
};

int
main(int argc, char **argv)
{
	return verb_main(&program, argc, argv);
}
