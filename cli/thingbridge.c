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
	{ "status", "[--check] [--watch]",
	    "gateway, registry, nodes and buses; what needs attention", NULL,
	    "thingbridge status --check || logger 'gateway needs help'",
	    bridge_status_opts, 0, 0, bridge_status },
	{ "nodes", "[NODE] [--unclaimed] [--failing]",
	    "the nodes, or all that is known of one", NULL,
	    "thingbridge nodes --unclaimed", bridge_nodes_opts, 0, 1,
	    bridge_nodes },
	{ "read", "NODE [FIELD...] [--watch]", "the latest values of a node",
	    NULL, "thingbridge read meter1 Power", bridge_read_opts, 1, -1,
	    bridge_read },
	{ "meta", "NODE [TAG=VALUE | #TAG=NUMBER]...",
	    "show or set the tags that the registry is told",
	    "Without a value (TAG=) a tag is deleted.  # marks a number.",
	    "thingbridge meta meter1 ROOM=\"Plant room 1\" '#LAT=55.60'", NULL,
	    1, -1, bridge_meta },
	{ "stickers", "[NODE...] [OPTION...]",
	    "make stickers to claim nodes by",
	    "Without -f it lists which sticker is wanted.  Files get mode "
	    "0600.",
	    "thingbridge stickers --unclaimed -f png -o today.png",
	    bridge_stickers_opts, 0, -1, bridge_stickers },
	{ "reset", "NODE [--yes]", "forget the owner, make a new KEY, register",
	    "Old stickers stop working.  An owner whom the registry still\n"
	    "knows comes back: he disowns it, or unregister it first.",
	    "thingbridge reset meter1 --yes", bridge_reset_opts, 1, 1,
	    bridge_reset },
	{ "register", "NODE", "register a node again", NULL,
	    "thingbridge register meter1", NULL, 1, 1, bridge_register },
	{ "unregister", "NODE [--yes]", "take a node out of the registry", NULL,
	    "thingbridge unregister meter1 --yes", bridge_unregister_opts, 1, 1,
	    bridge_unregister },
	{ "registry", "", "which registry, and how it was found", NULL,
	    "thingbridge registry --json", NULL, 0, 0, bridge_registry },
	{ "check", "[FILE]", "check the configuration; needs no daemon",
	    "Exit 78 when it has errors.", "thingbridge check", NULL, 0, 1,
	    bridge_check },
	{ "reload", "", "read the configuration again, all of it or nothing",
	    NULL, "thingbridge check && thingbridge reload", NULL, 0, 0,
	    bridge_reload },
	{ .name = NULL },
};

static const struct program program = {
	.name = "thingbridge",
	.purpose = "Looks after the gateway on this machine.",
	.opts = globals,
	.verbs = verbs,
	.example = "thingbridge status",
};

int
main(int argc, char **argv)
{
	return verb_main(&program, argc, argv);
}
