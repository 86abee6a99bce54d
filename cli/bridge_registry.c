#include "cli/bridge.h"

static const struct column columns[] = {
	{ .title = "Registry", .member = "jid" },
	{ .title = "How", .member = "how" },
	{ .title = "Found", .member = "found" },
	{ .title = "Online", .member = "online" },
	{ .title = "Trouble", .member = "trouble" },
	{ .title = NULL },
};

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
	json_decref(d);
	return EXIT_OK;
}
