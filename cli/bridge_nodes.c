#include "cli/bridge.h"

#include "cli/say.h"
#include "cli/sticker.h"

#include <string.h>

enum { OPT_UNCLAIMED, OPT_FAILING };

const struct opt bridge_nodes_opts[] = {
	{ "unclaimed", 'u', NULL, "only what nobody owns yet" },
	{ "failing", 0, NULL, "only what does not answer as it should" },
	{ NULL, 0, NULL, NULL },
};

static const struct column columns[] = {
	{ .title = "NODE", .member = "node" },
	{ .title = "NAME", .member = "name", .cut = true },
	{ .title = "BUS", .member = "bus" },
	{ .title = "ADDR", .member = "address", .right = true },
	{ .title = "DEVICE", .member = "device" },
	{ .title = "CLAIM", .member = "claim" },
	{ .title = "OWNER", .member = "owner" },
	{ .title = "STICKER", .member = "sticker" },
	{ .title = "ERRORS", .member = "errors", .right = true },
	{ .title = NULL },
};

static const struct column one[] = {
	{ .title = "Node", .member = "node" },
	{ .title = "Source", .member = "source" },
	{ .title = "Cache", .member = "cache" },
	{ .title = "Name", .member = "name" },
	{ .title = "Template", .member = "template" },
	{ .title = "Bus", .member = "bus" },
	{ .title = "Address", .member = "address" },
	{ .title = "Device", .member = "device" },
	{ .title = "Errors", .member = "errors" },
	{ .title = "Trouble", .member = "trouble" },
	{ .title = "Claim", .member = "claim" },
	{ .title = "Owner", .member = "owner" },
	{ .title = "Registered", .member = "registered" },
	{ .title = "Sticker", .member = "sticker" },
	{ .title = "Copies", .member = "copies" },
	{ .title = NULL },
};

static bool
is_any(const json_t *row, const char *member, const char *const *words)
{
	const char *s = out_string(row, member);

	for (; *words; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static bool
wanted(const struct call *c, const json_t *row)
{
	static const char *const unclaimed[] = { "new", "unclaimed", NULL };
	static const char *const well[] = { "online", "disabled", NULL };

	if (c->opt[OPT_UNCLAIMED] && !is_any(row, "claim", unclaimed))
		return false;
	return !c->opt[OPT_FAILING] || !is_any(row, "device", well);
}

static void
filter(const struct call *c, json_t *rows)
{
	for (size_t i = json_array_size(rows); i-- > 0;)
		if (!wanted(c, json_array_get(rows, i)))
			json_array_remove(rows, i);
}

/* An empty answer is often good news. */
static void
say_none(const struct call *c, size_t all)
{
	if (all == 0)
		say("there are no nodes; thingbridge scan BUS finds devices, "
		    "and thingbridge adopt makes nodes of them");
	else if (c->opt[OPT_FAILING])
		say("every node answers as it should");
	else
		say("no node waits for an owner");
}

int
bridge_nodes(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	json_t *rq = json_pack("{s:s}", "cmd", "nodes"), *d, *rows;
	size_t all;
	int code;

	if (c->argc)
		json_object_set_new(rq, "node", json_string(c->argv[0]));
	code = bridge_ask(c, rq, &d);
	if (code != EXIT_OK)
		return code;
	rows = json_object_get(d, "nodes");
	all = json_array_size(rows);
	filter(c, rows);
	if (mode == OUT_TABLE)
		sticker_words(rows);
	if (mode == OUT_JSON)
		out_json(d);
	else if (json_array_size(rows) == 0)
		say_none(c, all);
	else if (mode == OUT_TABLE && c->argc && json_array_size(rows) == 1)
		out_fields(mode, one, json_array_get(rows, 0));
	else
		out_rows(mode, columns, rows);
	json_decref(d);
	return EXIT_OK;
}
