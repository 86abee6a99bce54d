/* templates: what device templates there are, what one reads, and whether a new
 * one is right.  Needs no daemon. */
#include "cli/bridge.h"

#include "cli/say.h"
#include "cli/template_json.h"
#include "common/buf.h"
#include "common/mem.h"
#include "config/template.h"
#include "config/value.h"
#include "drivers/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *
from_text(const json_t *row)
{
	const char *hides = out_string(row, "hides");

	return mem_printf("%s%s%s%s", out_string(row, "file"),
	    *hides ? "   (instead of " : "", hides, *hides ? ")" : "");
}

static const struct column list_columns[] = {
	{ .title = "ID", .member = "id" },
	{ .title = "NAME", .member = "name" },
	{ .title = "CLASS", .member = "class" },
	{ .title = "KIND", .member = "kind" },
	{ .title = "FIELDS", .member = "fields", .right = true },
	{ .title = "FROM", .text = from_text },
	{ .title = NULL },
};

static const struct column list_plain[] = {
	{ .title = "id", .member = "id" },
	{ .title = "name", .member = "name" },
	{ .title = "class", .member = "class" },
	{ .title = "kind", .member = "kind" },
	{ .title = "fields", .member = "fields" },
	{ .title = "file", .member = "file" },
	{ .title = "hides", .member = "hides" },
	{ .title = NULL },
};

/* Those of the claim among them stand on the sticker. */
static char *
tags_text(const json_t *d)
{
	json_t *tags = json_object_get(d, "tags"), *value;
	struct buf b = { 0 };
	const char *name;

	json_object_foreach(tags, name, value) buf_printf(
	    &b, "%s%s=%s", b.len ? "  " : "", name, json_string_value(value));
	if (!json_object_get(tags, "SN"))
		buf_printf(
		    &b, "%s(and the node's claim.SN)", b.len ? "  " : "");
	return buf_take(&b);
}

static const struct column head[] = {
	{ .title = "Template", .member = "id" },
	{ .title = "Name", .member = "name" },
	{ .title = "Class", .member = "class" },
	{ .title = "Kind", .member = "kind" },
	{ .title = "File", .member = "file" },
	{ .title = "Tags", .text = tags_text },
	{ .title = NULL },
};

static const struct column field_columns[] = {
	{ .title = "FIELD", .member = "name" },
	{ .title = "WHERE", .member = "where" },
	{ .title = "TYPE", .member = "type" },
	{ .title = "UNIT", .member = "unit" },
	{ .title = "KIND", .member = "kind" },
	{ .title = "EVERY", .text = bridge_every_text, .right = true },
	{ .title = "OPTIONS", .member = "options" },
	{ .title = NULL },
};

static const struct column control_columns[] = {
	{ .title = "CAN BE SET", .member = "name" },
	{ .title = "WHERE", .member = "where" },
	{ .title = "TYPE", .member = "type" },
	{ .title = "UNIT", .member = "unit" },
	{ .title = "MIN", .member = "min", .right = true },
	{ .title = "MAX", .member = "max", .right = true },
	{ .title = "STEP", .member = "step", .right = true },
	{ .title = "CHECK", .member = "verify" },
	{ .title = "OPTIONS", .member = "options" },
	{ .title = NULL },
};

static const char *
kind_of(const struct tmpl *t)
{
	return t->kind == TMPL_MODBUS ? "modbus" : "text";
}

/* list */

static json_t *
entry_json(const struct tmpl_entry *e)
{
	struct buf notes = { 0 };
	struct tmpl *t = NULL;
	bool good = tmpl_load(e->path, &t, &notes) == OK;
	json_t *row;

	row = json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:s, s:s?, s:b}", "id",
	    e->id, "name", good ? t->name : "(has errors: templates test)",
	    "class", good ? t->class_ : NULL, "kind", good ? kind_of(t) : NULL,
	    "fields",
	    good ? json_integer((json_int_t)t->n_fields) : json_null(), "file",
	    e->path, "hides", e->hides, "good", good);
	tmpl_free(t);
	buf_fini(&notes);
	return row;
}

static int
list(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	struct tmpl_index ix = { .n = 0 };
	json_t *rows = json_array(), *d;

	tmpl_index_build(&ix, bridge_conf(c));
	for (size_t i = 0; i < ix.n; i++) {
		json_t *row = entry_json(&ix.v[i]);

		if (row) /* else its id is no text that could be named */
			json_array_append_new(rows, row);
	}
	if (mode == OUT_JSON) {
		d = json_pack("{s:i, s:O}", "schema", 1, "templates", rows);
		out_json(d);
		json_decref(d);
	} else if (json_array_size(rows) > 0) {
		out_rows(
		    mode, mode == OUT_PLAIN ? list_plain : list_columns, rows);
	} else {
		say("there are no templates: neither beside %s, nor in "
		    "/etc/thingbridge/templates or " TB_DATADIR "/templates",
		    bridge_conf(c));
	}
	json_decref(rows);
	tmpl_index_fini(&ix);
	return EXIT_OK;
}

/* show */

static json_t *
tmpl_json(const struct tmpl *t)
{
	return json_pack("{s:i, s:s, s:s?, s:s?, s:s, s:s, s:o, s:o, s:o, s:o}",
	    "schema", 1, "id", t->id, "name", t->name, "class", t->class_,
	    "kind", kind_of(t), "file", t->file, "tags", template_json_tags(t),
	    "fields", template_json_fields(t), "controls",
	    template_json_controls(t), "plan", template_json_plan(t));
}

static void
print_plan(const json_t *plan)
{
	const json_t *requests = json_object_get(plan, "requests");

	if (json_array_size(requests) == 0)
		return;
	printf("\nAlone on a line of %s it takes about %.1f %% of the time:\n",
	    out_string(plan, "serial"),
	    json_number_value(json_object_get(plan, "load")));
	out_rows(OUT_TABLE, bridge_request_columns, requests);
}

static void
print(enum out_mode mode, const json_t *d)
{
	const json_t *controls = json_object_get(d, "controls");

	if (mode == OUT_JSON) {
		out_json(d);
		return;
	}
	if (mode == OUT_TABLE) {
		out_fields(mode, head, d);
		putchar('\n');
	}
	out_rows(mode, field_columns, json_object_get(d, "fields"));
	if (mode == OUT_PLAIN)
		return;
	if (json_array_size(controls) > 0) {
		putchar('\n');
		out_rows(mode, control_columns, controls);
	}
	print_plan(json_object_get(d, "plan"));
}

static int
not_known(const struct tmpl_index *ix, const char *id)
{
	struct guess guess = { .word = id };
	char hint[64];

	for (size_t i = 0; i < ix->n; i++)
		guess_try(&guess, ix->v[i].id);
	return say_exit(EXIT_NOTFOUND,
	    "there is no template \"%s\"%s; thingbridge templates lists them",
	    id, guess_hint(&guess, hint, sizeof(hint)));
}

/* A file with errors is shown with them, and nothing else. */
static int
show_file(const struct call *c, const char *path, bool test)
{
	enum out_mode mode = bridge_mode(c);
	struct buf notes = { 0 };
	struct tmpl *t = NULL;
	bool good =
	    tmpl_load(path, &t, &notes) == OK && check_template(t, &notes);
	json_t *list = bridge_notes(&notes);
	json_t *d = good ? tmpl_json(t)
			 : json_pack("{s:i, s:s}", "schema", 1, "file", path);

	if (test)
		json_object_set(d, "notes", list);
	if (!good || (test && mode != OUT_JSON))
		bridge_print_notes(mode, path, list);
	if (good)
		print(mode, d);
	json_decref(list);
	json_decref(d);
	tmpl_free(t);
	buf_fini(&notes);
	return good ? EXIT_OK : EXIT_CONFIG;
}

static int
show(const struct call *c)
{
	struct tmpl_index ix = { .n = 0 };
	const char *id = c->argv[1], *path;
	int code;

	tmpl_index_build(&ix, bridge_conf(c));
	path = tmpl_index_path(&ix, id);
	code = path ? show_file(c, path, false) : not_known(&ix, id);
	tmpl_index_fini(&ix);
	return code;
}

/* test */

static int
test(const struct call *c)
{
	return show_file(c, c->argv[1], true);
}

int
bridge_templates(const struct call *c)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(const struct call *c);
		const char *needs;
	} parts[] = {
		{ "list", 1, list, "nothing more" },
		{ "show", 2, show, "the ID of a template" },
		{ "test", 2, test, "the FILE of a template" },
	};
	const char *name = c->argc ? c->argv[0] : "list";
	struct guess guess = { .word = name };
	char hint[64];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		guess_try(&guess, parts[i].name);
		if (strcmp(parts[i].name, name) != 0)
			continue;
		if (c->argc > 0 && c->argc != parts[i].args)
			return verb_usage(
			    c, "templates %s needs %s", name, parts[i].needs);
		return parts[i].run(c);
	}
	return verb_usage(c, "templates does list, show and test, not \"%s\"%s",
	    name, guess_hint(&guess, hint, sizeof(hint)));
}
