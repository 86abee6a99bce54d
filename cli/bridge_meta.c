#include "cli/bridge.h"

#include "common/mem.h"
#include "protocol/tag.h"

#include <stdlib.h>
#include <string.h>

static char *
name_text(const json_t *row)
{
	bool num = json_is_true(json_object_get(row, "num"));

	return mem_printf("%s%s", num ? "#" : "", out_string(row, "name"));
}

/* "installer (over config: Room 2)" */
static char *
from_text(const json_t *row)
{
	const json_t *over = json_object_get(row, "over");
	char *value = out_text(json_object_get(over, "value")), *text;

	if (json_is_object(over))
		text = mem_printf("%s (over %s: %s)", out_string(row, "from"),
		    out_string(over, "from"), value);
	else
		text = mem_strdup(out_string(row, "from"));
	free(value);
	return text;
}

static const struct column columns[] = {
	{ .title = "TAG", .text = name_text },
	{ .title = "VALUE", .member = "value" },
	{ .title = "FROM", .text = from_text },
	{ .title = "AT THE REGISTRY", .member = "acknowledged" },
	{ .title = NULL },
};

static const struct column plain[] = {
	{ .title = "tag", .text = name_text },
	{ .title = "value", .member = "value" },
	{ .title = "from", .member = "from" },
	{ .title = "acknowledged", .member = "acknowledged" },
	{ .title = NULL },
};

/* add_tag reads NAME=VALUE or #NAME=NUMBER; an empty VALUE deletes. */
static int
add_tag(const struct call *c, json_t *set, const char *arg)
{
	bool num = *arg == '#';
	const char *eq = strchr(arg += num, '=');
	struct errbuf eb = { "" };
	char *name;
	enum err e;

	if (!eq)
		return verb_usage(
		    c, "\"%s\" is not TAG=VALUE or #TAG=NUMBER", arg);
	name = mem_strndup(arg, (size_t)(eq - arg));
	e = tag_check(name, eq + 1, num && eq[1], &eb);
	if (e == OK)
		json_array_append_new(set,
		    json_pack("{s:s, s:s, s:b}", "name", name, "value", eq + 1,
			"num", num));
	free(name);
	return e == OK ? EXIT_OK : verb_usage(c, "%s", eb.text);
}

int
bridge_meta(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	json_t *set = json_array(), *rq, *d;
	int code = EXIT_OK;

	for (int i = 1; i < c->argc && code == EXIT_OK; i++)
		code = add_tag(c, set, c->argv[i]);
	if (code != EXIT_OK) {
		json_decref(set);
		return code;
	}
	rq = json_pack(
	    "{s:s, s:s, s:o}", "cmd", "meta", "node", c->argv[0], "set", set);
	code = bridge_ask(c, rq, &d);
	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON)
		out_json(d);
	else
		out_rows(mode, mode == OUT_PLAIN ? plain : columns,
		    json_object_get(d, "tags"));
	json_decref(d);
	return EXIT_OK;
}
