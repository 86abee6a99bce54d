#include "cli/bridge.h"

#include "cli/say.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

/* The name that stays when a port is plugged in again. */
static const char *
stable(const json_t *row)
{
	const char *by_id = out_string(row, "by_id");

	return *by_id ? by_id : out_string(row, "by_path");
}

static char *
stable_text(const json_t *row)
{
	const char *name = stable(row);

	return mem_strdup(*name ? name : "-");
}

static char *
adapter_text(const json_t *row)
{
	char *adapter = out_text(json_object_get(row, "adapter"));
	const char *ids = out_string(row, "ids");
	char *both = mem_printf("%s%s%s", adapter, *ids ? " " : "", ids);

	free(adapter);
	return both;
}

static char *
user_text(const json_t *row)
{
	const char *bus = out_string(row, "bus");
	const char *hint = out_string(row, "hint");
	char *holder = out_text(json_object_get(row, "holder"));
	char *text;

	if (strcmp(holder, "-") == 0)
		mem_set(&holder,
		    json_is_false(json_object_get(row, "access"))
			? "no permission"
			: "free");
	text = mem_printf("%s%s%s%s", *bus ? bus : holder, *hint ? "   (" : "",
	    hint, *hint ? ")" : "");
	free(holder);
	return text;
}

static const struct column columns[] = {
	{ .title = "PORT", .member = "path" },
	{ .title = "STABLE NAME", .text = stable_text },
	{ .title = "ADAPTER", .text = adapter_text },
	{ .title = "USED BY", .text = user_text },
	{ .title = NULL },
};

static const struct column plain[] = {
	{ .title = "path", .member = "path" },
	{ .title = "by_id", .member = "by_id" },
	{ .title = "by_path", .member = "by_path" },
	{ .title = "adapter", .member = "adapter" },
	{ .title = "ids", .member = "ids" },
	{ .title = "bus", .member = "bus" },
	{ .title = "holder", .member = "holder" },
	{ .title = "access", .member = "access" },
	{ .title = "hint", .member = "hint" },
	{ .title = NULL },
};

int
bridge_ports(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	json_t *d, *ports;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "ports"), &d);

	if (code != EXIT_OK)
		return code;
	ports = json_object_get(d, "ports");
	if (mode == OUT_JSON)
		out_json(d);
	else if (json_array_size(ports) > 0)
		out_rows(mode, mode == OUT_PLAIN ? plain : columns, ports);
	else
		say("this machine has no serial port; is the adapter plugged "
		    "in?  The kernel's log tells (dmesg)");
	json_decref(d);
	return EXIT_OK;
}
