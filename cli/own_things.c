#include "cli/own.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/mem.h"

#include <stdlib.h>

char *
own_tags_text(const json_t *row)
{
	json_t *tags = json_object_get(row, "tags"), *v;
	struct buf b = { 0 };
	const char *name;

	json_object_foreach(tags, name, v)
	{
		char *value = out_text(v);

		buf_printf(&b, "%s%s=%s", b.len ? " " : "", name, value);
		free(value);
	}
	return buf_take(&b);
}

/* As far as this tool has done it. */
static char *
state_text(const json_t *row)
{
	if (json_is_true(json_object_get(row, "removed")))
		return mem_strdup("removed");
	return mem_strdup(json_is_true(json_object_get(row, "public"))
		? "public"
		: "private");
}

static const struct column columns[] = {
	{ .title = "JID", .member = "jid" },
	{ .title = "NODE", .member = "node" },
	{ .title = "SOURCE", .member = "source" },
	{ .title = "CACHE", .member = "cache" },
	{ .title = "STATE", .text = state_text },
	{ .title = "CLAIMED", .member = "when" },
	{ .title = "TAGS", .text = own_tags_text },
	{ .title = NULL },
};

int
own_things(const struct call *c)
{
	char *account = own_account_file(c), *file = owned_path(account);
	struct errbuf eb = { "" };
	enum out_mode mode = own_mode(c);
	int code = EXIT_OK;
	json_t *things;
	enum err e = owned_load(file, &things, &eb);

	if (e != OK)
		code = say_exit(err_exit(e), "%s", eb.text);
	else if (mode == OUT_JSON)
		out_json(things);
	else if (json_array_size(json_object_get(things, "things")) == 0)
		say("nothing was claimed with %s yet", account);
	else
		out_rows(mode, columns, json_object_get(things, "things"));
	json_decref(things);
	free(file);
	free(account);
	return code;
}
