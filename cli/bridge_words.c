/* words: what NODE, BUS and the like can be on this machine now. */
#include "cli/bridge.h"

#include "cli/complete.h"
#include "config/ini.h"
#include "config/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
put_members(const json_t *rows, const char *member)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) puts(out_string(row, member));
}

/* Owns: takes request. */
static void
put_asked(
    const struct call *c, json_t *request, const char *rows, const char *member)
{
	struct daemon_call dc = { .silence_ms = COMPLETE_WAIT_MS };
	json_t *data;

	if (bridge_talk(c, &dc, request, &data) == EXIT_OK)
		put_members(json_object_get(data, rows), member);
	json_decref(data);
	free(dc.error);
}

static void
put_nodes(const struct call *c)
{
	put_asked(c, json_pack("{s:s}", "cmd", "nodes"), "nodes", "node");
}

static void
put_buses(const struct call *c)
{
	put_asked(c, json_pack("{s:s}", "cmd", "status"), "buses", "name");
}

/* The node stands before its fields. */
static void
put_fields(const struct call *c)
{
	if (c->argc > 0)
		put_asked(c,
		    json_pack("{s:s, s:s}", "cmd", "read", "node", c->argv[0]),
		    "fields", "name");
}

static void
put_templates(const struct call *c)
{
	struct tmpl_index ix = { .n = 0 };

	tmpl_index_build(&ix, bridge_conf(c));
	for (size_t i = 0; i < ix.n; i++)
		puts(ix.v[i].id);
	tmpl_index_fini(&ix);
}

/* The label stocks, as thinglabels finds them. */
static void
put_stocks(const struct call *c)
{
	static const char *const files[] = { TB_DATADIR "/labels.ini",
		"/etc/thingbridge/labels.ini" };
	struct buf text = { 0 };
	struct notes unseen = { .out = &text };
	struct ini ini = { 0 };

	(void)c;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (ini_read_file(&ini, files[i], &unseen) != OK)
			continue; /* not there */
	for (size_t i = 0; i < ini.n; i++)
		if (ini.sections[i].id)
			puts(ini.sections[i].id);
	ini_fini(&ini);
	buf_fini(&text);
}

/* Operands in capitals, options by their long names. */
static const struct {
	const char *what;
	void (*put)(const struct call *c);
} kinds[] = {
	{ "NODE", put_nodes },
	{ "FIELD", put_fields },
	{ "BUS", put_buses },
	{ "TEMPLATE", put_templates },
	{ "ID", put_templates },
	{ "template", put_templates },
	{ "stock", put_stocks },
};

void
bridge_words(const struct call *c, const char *what)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].what, what) == 0)
			kinds[i].put(c);
}
