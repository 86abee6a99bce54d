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
	{ "status", "[BUS] [-v] [--check | --watch]",
	    "gateway, registry, nodes and buses; what needs attention",
	    "With BUS or -v also what each unit has done.",
	    "thingbridge status rs485-1\n"
	    "thingbridge status --check || logger 'gateway needs help'",
	    bridge_status_opts, 0, 1, bridge_status, false },
	{ "nodes", "[NODE] [--unclaimed] [--failing]",
	    "the nodes, or all that is known of one", NULL,
	    "thingbridge nodes --unclaimed\n"
	    "thingbridge nodes --failing --plain | cut -f1",
	    bridge_nodes_opts, 0, 1, bridge_nodes, false },
	{ "read", "NODE [FIELD...] [--watch]", "the latest values of a node",
	    NULL,
	    "thingbridge read meter1 Power\n"
	    "thingbridge read meter1 --watch | tee changes.txt",
	    bridge_read_opts, 1, -1, bridge_read, false },
	{ "set", "NODE FIELD VALUE [--yes] [--dry-run]",
	    "write a value to a device and read it back",
	    "Shows old and new value and asks; without a terminal it needs "
	    "--yes.",
	    "thingbridge set heatpump1 Setpoint 21.5\n"
	    "thingbridge set relays1 relay3 true --yes",
	    bridge_set_opts, 3, 3, bridge_set, true },
	{ "meta", "NODE [TAG=VALUE | #TAG=NUMBER]...",
	    "show or set the tags that the registry is told",
	    "Without a value (TAG=) a tag is deleted.  # marks a number.",
	    "thingbridge meta meter1\n"
	    "thingbridge meta meter1 ROOM=\"Plant room 1\" '#LAT=55.60'",
	    NULL, 1, -1, bridge_meta, false },
	{ "stickers", "[NODE...] [OPTION...]",
	    "make stickers to claim nodes by",
	    "Without -f it lists which sticker is wanted.  Files get mode "
	    "0600.",
	    "thingbridge stickers --unclaimed -f png -o today.png\n"
	    "thingbridge stickers meter1 -f term",
	    bridge_stickers_opts, 0, -1, bridge_stickers, false },
	{ "reset", "NODE [--yes]", "forget the owner, make a new KEY, register",
	    "Old stickers stop working.  An owner whom the registry still\n"
	    "knows comes back: he disowns it, or unregister it first.",
	    "thingbridge reset meter1\n"
	    "thingbridge reset meter1 --yes",
	    bridge_reset_opts, 1, 1, bridge_reset, false },
	{ "register", "NODE", "register a node again", NULL,
	    "thingbridge register meter1\n"
	    "thingbridge register meter1 --json",
	    NULL, 1, 1, bridge_register, false },
	{ "unregister", "NODE [--yes]", "take a node out of the registry", NULL,
	    "thingbridge unregister meter1\n"
	    "thingbridge unregister meter1 --yes",
	    bridge_unregister_opts, 1, 1, bridge_unregister, false },
	{ "registry", "", "which registry, and how it was found", NULL,
	    "thingbridge registry\n"
	    "thingbridge registry --json",
	    NULL, 0, 0, bridge_registry, false },
	{ "ports", "", "the serial ports and who holds them", NULL,
	    "thingbridge ports\n"
	    "thingbridge ports --plain | cut -f1,2",
	    NULL, 0, 0, bridge_ports, false },
	{ "scan", "BUS [-a A-B] [--serial LIST] [--timeout MS]",
	    "ask every address of a bus who is there",
	    "The nodes' polls go on meanwhile.  Ctrl-C keeps what was found.",
	    "thingbridge scan rs485-1 --addresses 1-32\n"
	    "thingbridge scan rs485-1 --serial \"9600 8N1,19200 8E1\" -a 1-10",
	    bridge_scan_opts, 1, 1, bridge_scan, false },
	{ "probe", "BUS ADDRESS [TEMPLATE | WHERE [TYPE]]",
	    "one device: its frames, and what a register can mean",
	    "With WHERE, every reading of it and its line for a template.",
	    "thingbridge probe rs485-1 3 eastron.sdm630\n"
	    "thingbridge probe rs485-1 3 holding:0x10 u32",
	    NULL, 2, 4, bridge_probe, false },
	{ "trace", "BUS [-o FILE] [--max SIZE]",
	    "the frames of a bus as they pass, until Ctrl-C",
	    "> was sent, < received, ! is a remark.",
	    "thingbridge trace rs485-1\n"
	    "thingbridge trace rs485-1 -o night.txt --max 64M",
	    bridge_trace_opts, 1, 1, bridge_trace, false },
	{ "plan", "[NODE] [-v]", "which requests are sent, and each bus's load",
	    "With NODE or -v request by request.",
	    "thingbridge plan\n"
	    "thingbridge plan meter1",
	    bridge_plan_opts, 0, 1, bridge_plan, false },
	{ "templates", "[list | show ID | test FILE]",
	    "device templates; needs no daemon",
	    "test says what is wrong with a new one (exit 78), or what it "
	    "reads.",
	    "thingbridge templates show eastron.sdm630\n"
	    "thingbridge templates test my-meter.ini",
	    NULL, 0, 2, bridge_templates, false },
	{ "check", "[FILE]", "check the configuration; needs no daemon",
	    "Exit 78 when it has errors.",
	    "thingbridge check\n"
	    "thingbridge check new.conf --json",
	    NULL, 0, 1, bridge_check, false },
	{ "reload", "", "read the configuration again, all of it or nothing",
	    NULL,
	    "thingbridge reload\n"
	    "thingbridge check && thingbridge reload",
	    NULL, 0, 0, bridge_reload, false },
	{ .name = NULL },
};

static const struct program program = {
	.name = "thingbridge",
	.purpose = "look after the gateway here",
	.opts = globals,
	.verbs = verbs,
};

int
main(int argc, char **argv)
{
	return verb_main(&program, argc, argv);
}
