#include "config/cfg_keys.h"

#include "config/config.h"

#include <string.h>

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, SECOND_US = 1000000 };

/* clang-format off: one entry a key */
#define K(member) offsetof(struct cfg_gateway, member)
static const struct key gateway_keys[] = {
	{ "state", KEY_TEXT, K(state), "/var/lib/thingbridge/state.db",
	    .restart = true,
	    .help = "database of claims and KEYs; the history is kept in "
		    "history.db beside it" },
	{ "control", KEY_TEXT, K(control), "/run/thingbridge/control.sock",
	    .restart = true, .help = "socket for the thingbridge command" },
	{ "log", KEY_ENUM, K(log), "info", .words = "error|warning|info|debug",
	    .help = "the least important messages that are shown" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_xmpp, member)
static const struct key xmpp_keys[] = {
	{ "jid", KEY_JID, K(jid), .required = true, .restart = true,
	    .help = "the account, as plant7@example.org/gateway" },
	{ "password", KEY_SECRET, K(password), .required = true,
	    .restart = true, .help = "its password, in a file of its own" },
	{ "host", KEY_TEXT, K(host), .restart = true,
	    .help = "host[:port] of the server, or srv, mdns or dhcp: look "
		    "there alone; without it: the SRV records of the JID's "
		    "domain, then mDNS, then DHCP (option 224)" },
	{ "leases", KEY_TEXT, K(leases), .restart = true,
	    .help = "file or folder of DHCP leases; without it: where "
		    "Debian's DHCP clients keep theirs" },
	{ "tls", KEY_ENUM, K(tls), "required", .words = "required|optional",
	    .restart = true,
	    .help = "optional is allowed for a server on this machine alone" },
	{ "ca_file", KEY_TEXT, K(ca_file), .restart = true,
	    .help = "certificates to trust (PEM); without it: the system's" },
	{ "register", KEY_BOOL, K(register_), "no", .restart = true,
	    .help = "create the account when it does not exist (XEP-0077)" },
	{ "legacy_rejected", KEY_BOOL, K(legacy_rejected), "no",
	    .help = "refuse readouts so that clients of XEP-0323 before "
		    "version 0.3 understand it, too" },
	{ "window", KEY_INT, K(window), "16", 1, 64,
	    .help = "requests under way at a time" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_registry, member)
static const struct key registry_keys[] = {
	{ "jid", KEY_JID, K(jid), .restart = true,
	    .help = "the Thing Registry, a component, as registry.example.org, "
		    "or an account; without it and the next two: the server's "
		    "components are searched for one" },
	{ "subdomain", KEY_TEXT, K(subdomain), .restart = true,
	    .help = "instead of jid: SUBDOMAIN.(domain of our JID)" },
	{ "user", KEY_TEXT, K(user), .restart = true,
	    .help =
		"instead of jid: USER@(domain of our JID); whoever has that "
		"account is trusted" },
	{ "announced", KEY_BOOL, K(announced), "no", .restart = true,
	    .help = "try the accounts that the server announces by mDNS "
		    "(regis), before its components; anybody on the network "
		    "can announce" },
	{ "predefined", KEY_BOOL, K(predefined), "no", .restart = true,
	    .help = "then try the account registry@(domain of our JID); "
		    "whoever has it is trusted" },
	{ "moved_from", KEY_JID, K(moved_from), .restart = true,
	    .help = "the registry that had the claims before, when its data "
		    "were taken to the one of jid; without it, nodes that are "
		    "owned are not told to another registry" },
	{ "key_after_disown", KEY_ENUM, K(key_after_disown), "renew",
	    .words = "renew|keep",
	    .help = "renew makes the old sticker void, as its KEY is known" },
	{ "key_clear", KEY_DURATION, K(key_clear_ms), "30s", 0, HOUR_MS,
	    .help = "from a public claim to taking KEY out of the registry" },
	{ "check_every", KEY_DURATION, K(check_every_ms), "6h", 10000, DAY_MS,
	    .help = "between questions whether a node's record is as it was; "
		    "a notice that was lost for good is made up for by then" },
	{ "min_interval", KEY_DURATION, K(min_interval_ms), "1min", 1000,
	    DAY_MS,
	    .help = "least time between updates of a tag that follows a "
		    "field" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_provisioning, member)
static const struct key provisioning_keys[] = {
	{ "jid", KEY_JID, K(jid), .restart = true,
	    .help = "the provisioning server, which may see the gateway's "
		    "presence; it is not asked yet; without it and the next "
		    "two: the registry, else a node's owner, else one of the "
		    "server's components, if it is one" },
	{ "subdomain", KEY_TEXT, K(subdomain), .restart = true,
	    .help = "instead of jid: SUBDOMAIN.(domain of our JID)" },
	{ "user", KEY_TEXT, K(user), .restart = true,
	    .help =
		"instead of jid: USER@(domain of our JID); whoever has that "
		"account is trusted" },
	{ "announced", KEY_BOOL, K(announced), "no", .restart = true,
	    .help = "try first the accounts that the server announces by mDNS "
		    "(provis); anybody on the network can announce" },
	{ "predefined", KEY_BOOL, K(predefined), "no", .restart = true,
	    .help = "then try the account provisioning@(domain of our JID); "
		    "whoever has it is trusted" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_history, member)
static const struct key history_keys[] = {
	{ "flush", KEY_DURATION, K(flush_ms), "5min", 1000, HOUR_MS,
	    .restart = true,
	    .help = "how long readings wait in memory, to spare the disk; a "
		    "power cut loses them" },
	{ "max_size", KEY_INT, K(max_mb), "512", 1, 1000000, .restart = true,
	    .help = "of its file, in megabytes; then the oldest readings go" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_bus, member)
static const struct key bus_keys[] = {
	{ "type", KEY_ENUM, K(type), .required = true,
	    .words = "modbus-tcp|modbus-rtu|modbus-rtu-tcp|serial",
	    .help = "what is spoken, and over what" },
	{ "host", KEY_TEXT, K(host),
	    .help = "TCP: host[:port] or [IPv6]:port; port 502 when left out; "
		    "type = serial may have a host:port too" },
	{ "port", KEY_TEXT, K(port),
	    .help = "the serial port's path; /dev/serial/by-id/... stays the "
		    "same after a reboot" },
	{ "serial", KEY_TEXT, K(serial_text),
	    .help = "speed and mode, as 9600 8N1; without it: what the nodes' "
		    "templates say" },
	{ "rs485", KEY_ENUM, K(rs485), "auto",
	    .words = "auto|off|on|rts-up|rts-down",
	    .help =
		"who switches the line's direction: auto: the kernel, when "
		"it can; off: the adapter; on: the kernel, or it is an "
		"error; rts-up, rts-down: this program, by RTS that is high "
		"or low while it sends" },
	{ "rts_before", KEY_MICROS, K(rts_before_us), "0s", 0, SECOND_US,
	    .help = "pause between switching the line and the first byte" },
	{ "rts_after", KEY_MICROS, K(rts_after_us), "0s", 0, SECOND_US,
	    .help = "pause between the last byte and switching back" },
	{ "char_delay", KEY_DURATION, K(char_delay_ms), "0s", 0, 1000,
	    .help = "pause after each byte sent, for slow devices; 0s: what "
		    "templates say" },
	{ "timeout", KEY_DURATION, K(timeout_ms), "0s", 0, 60000,
	    .help = "how long an answer may take; 0s: what templates say" },
	{ "gap", KEY_DURATION, K(gap_ms), "0s", 0, 10000,
	    .help = "least silence before a request; 0s: 3.5 characters, or "
		    "what templates say" },
	{ "unit_gap", KEY_DURATION, K(unit_gap_ms), "0s", 0, 10000,
	    .help = "silence when the unit that is asked changes" },
	{ "connect_delay", KEY_DURATION, K(connect_delay_ms), "0s", 0, 60000,
	    .help = "pause after the line was opened" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_node, member)
static const struct key node_keys[] = {
	{ "source", KEY_TEXT, K(source), "MeteringTopology",
	    .help = "the data source that the node belongs to (sourceId)" },
	{ "cache", KEY_TEXT, K(cache),
	    .help = "cacheType, when node ids are not unique in the source" },
	{ "bus", KEY_TEXT, K(bus), .required = true,
	    .help = "the [bus NAME] that the device is on" },
	{ "address", KEY_INT, K(address), .min = 0, .max = 255,
	    .help =
		"its unit address: 1 to 247, on modbus-tcp 0 to 255; may be "
		"left out when the template has one or needs none" },
	{ "template", KEY_TEXT, K(template_id), .required = true,
	    .help = "the id of the template of its model" },
	{ "poll", KEY_DURATION, K(poll_ms), "0s", 100, DAY_MS,
	    .help = "how often it is read, instead of the template's `normal`; "
		    "0s: as the template says" },
	{ "name", KEY_TEXT, K(name),
	    .help = "its name for people; without it: the node's id" },
	{ "self_owned", KEY_BOOL, K(self_owned), "no",
	    .help = "the gateway owns it, nobody can claim it" },
	{ "enabled", KEY_BOOL, K(enabled), "yes",
	    .help = "no: it is kept, and not read" },
	{ 0 },
};
#undef K

static const struct section sections[] = {
	{ "gateway", .keys = gateway_keys, .at = offsetof(struct cfg, gateway),
	    .help = "this program" },
	{ "xmpp", .keys = xmpp_keys, .at = offsetof(struct cfg, xmpp),
	    .required = true, .help = "the account and its server" },
	{ "registry", .keys = registry_keys,
	    .at = offsetof(struct cfg, registry),
	    .help = "the Thing Registry" },
	{ "provisioning", .keys = provisioning_keys,
	    .at = offsetof(struct cfg, provisioning),
	    .help = "the server that decides who may read and control" },
	{ "history", .keys = history_keys, .at = offsetof(struct cfg, history),
	    .help = "the readings of fields that say keep" },
	{ "tags", .wild = "", .help = "meta tags of every node",
	    .wild_help =
		"NAME = text, #NAME = number, or @field: the value of "
		"that field of each node.  A tag.NAME of a node counts "
		"more." },
	{ "bus", .named = true, .keys = bus_keys,
	    .size = sizeof(struct cfg_bus),
	    .help = "a line that devices are on" },
	{ "node", .named = true, .wild = "claim.|tag.|field.",
	    .keys = node_keys, .size = sizeof(struct cfg_node),
	    .help = "a device, presented as a thing of its own",
	    .wild_help =
		"claim.NAME adds a claim tag to the template's, "
		"tag.NAME a tag that is pushed to the registry.  The "
		"value is text, or of #NAME a number, or @field: the "
		"value of that field, which for a claim tag must be of "
		"kind=identity.  field.NAME.OPTION = value changes an option "
		"of a field of the template for this node: poll (a time or a "
		"class), deadband, max_age, keep, min, max, max_rate, optional "
		"and label." },
};
/* clang-format on */

const struct schema cfg_schema = { sections,
	sizeof(sections) / sizeof(sections[0]) };

const struct section *
cfg_section(const char *name)
{
	for (size_t i = 0; i < cfg_schema.n; i++)
		if (strcmp(cfg_schema.sections[i].name, name) == 0)
			return &cfg_schema.sections[i];
	return NULL;
}
