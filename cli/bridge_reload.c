#include "cli/bridge.h"

#include <stdio.h>

static const struct column columns[] = {
	{ .title = "Nodes added", .member = "added" },
	{ .title = "Nodes changed", .member = "changed" },
	{ .title = "Nodes removed", .member = "removed" },
	{ .title = "Buses added", .member = "buses_added" },
	{ .title = "Buses reopened", .member = "buses" },
	{ .title = "Buses removed", .member = "buses_removed" },
	{ .title = NULL },
};

int
bridge_reload(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	const json_t *note;
	json_t *d;
	size_t i;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "reload"), &d);

	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON)
		out_json(d);
	else
		out_fields(mode, columns, d);
	json_array_foreach(json_object_get(d, "notes"), i, note)
	    fprintf(stderr, "%s\n", json_string_value(note));
	json_decref(d);
	return EXIT_OK;
}
