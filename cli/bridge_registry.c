#include "cli/bridge.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/mem.h"

/* One line an owner's own server; mostly there is one for all, or none. */
char *
bridge_provisioning(const json_t *registry)
{
	const json_t *peer, *peers = out_member(registry, "provisioning");
	struct buf b = { 0 };
	size_t i;

	json_array_foreach(peers, i, peer)
	{
		buf_printf(&b, "%s%s   %s   %s", i ? "; " : "",
		    out_string(peer, "jid"),
		    json_is_true(out_member(peer, "online")) ? "online"
							     : "not reachable",
		    out_string(peer, "how"));
	}
	return b.len ? buf_take(&b) : mem_strdup("none found");
}

static const struct column columns[] = {
	{ .title = "Registry", .member = "jid" },
	{ .title = "How", .member = "how" },
	{ .title = "Found", .member = "found" },
	{ .title = "Online", .member = "online" },
	{ .title = "Trouble", .member = "trouble" },
	{ .title = "Provisioning", .text = bridge_provisioning },
	{ .title = NULL },
};

static void
say_next(const json_t *d)
{
	if (!json_is_true(out_member(d, "found")))
		say("none found: whoever runs the XMPP server knows the "
		    "address; write it as jid into [registry], then systemctl "
		    "restart thingbridged.  Until then nothing can be claimed");
	else if (!json_is_true(out_member(d, "online")))
		say("it does not answer; thingbridge doctor looks for the "
		    "reason.  Devices are read meanwhile");
}

int
bridge_registry(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	json_t *d;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "registry"), &d);

	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON)
		out_json(d);
	else
		out_fields(mode, columns, d);
	say_next(d);
	json_decref(d);
	return EXIT_OK;
}
