#include "cli/bridge.h"

#include "cli/words.h"
#include "common/clock.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_WATCH };

const struct opt bridge_read_opts[] = {
	{ "watch", 'w', NULL, "again and again; a line a change when piped" },
	{ NULL, 0, NULL, NULL },
};

static char *
age_text(const json_t *row)
{
	char span[WORDS_SPAN];
	int64_t at;

	if (!words_utc(out_string(row, "at"), &at))
		return mem_strdup("-");
	words_span(clock_utc(&clock_system) - at, span);
	return mem_strdup(span);
}

/* What is wrong, where something is. */
static char *
state_text(const json_t *row)
{
	const char *quality = out_string(row, "quality");
	const char *error = out_string(row, "error");

	if (!*error || strcmp(quality, "ok") == 0)
		return mem_strdup(quality);
	return mem_printf("%s: %s", quality, error);
}

const struct column bridge_field_columns[] = {
	{ .title = "FIELD", .member = "name" },
	{ .title = "VALUE", .member = "value", .right = true },
	{ .title = "UNIT", .member = "unit" },
	{ .title = "KIND", .member = "kind" },
	{ .title = "AGE", .text = age_text, .right = true },
	{ .title = "STATE", .text = state_text },
	{ .title = NULL },
};

/* For programs: the time itself, and quality apart from its reason. */
const struct column bridge_field_plain[] = {
	{ .title = "name", .member = "name" },
	{ .title = "value", .member = "value" },
	{ .title = "unit", .member = "unit" },
	{ .title = "type", .member = "type" },
	{ .title = "kind", .member = "kind" },
	{ .title = "at", .member = "at" },
	{ .title = "quality", .member = "quality" },
	{ .title = "error", .member = "error" },
	{ .title = NULL },
};

/* What a watch has shown last: a field's name to its state. */
struct watch {
	bool changes; /* only what has changed is printed */
	json_t *seen;
};

/* has_changed tells whether a field is not as it was seen, and remembers it.
 * A new time of the same value is no change. */
static bool
has_changed(json_t *seen, const json_t *field)
{
	static const char *const members[] = { "value", "quality", "error" };
	json_t *state = json_array();
	const char *name = out_string(field, "name");
	bool same;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		json_t *v = json_object_get(field, members[i]);

		json_array_append_new(state, v ? json_incref(v) : json_null());
	}
	same = json_equal(json_object_get(seen, name), state);
	json_object_set_new(seen, name, state);
	return !same;
}

static void
keep_changes(json_t *seen, json_t *fields)
{
	json_t *changed = json_array(), *field;
	size_t i;

	json_array_foreach(fields, i, field)
	{
		if (has_changed(seen, field))
			json_array_append(changed, field);
	}
	json_array_clear(fields);
	json_array_extend(fields, changed);
	json_decref(changed);
}

static void
print_changes(const json_t *fields)
{
	const json_t *f;
	size_t i;

	json_array_foreach(fields, i, f)
	{
		const char *at = out_string(f, "at");
		const char *unit = out_string(f, "unit");
		char *name = out_text(json_object_get(f, "name"));
		char *value = out_text(json_object_get(f, "value"));
		char *state = state_text(f);

		printf("%s  %s  %s%s%s  %s\n", *at ? at : "-", name, value,
		    *unit ? " " : "", unit, state);
		free(name);
		free(value);
		free(state);
	}
}

static void
print(enum out_mode mode, const struct watch *w, json_t *d)
{
	json_t *fields = json_object_get(d, "fields");

	if (w->changes)
		keep_changes(w->seen, fields);
	if (w->changes && json_array_size(fields) == 0)
		return;
	if (mode == OUT_JSON)
		out_json(d);
	else if (mode == OUT_PLAIN)
		out_rows(mode, bridge_field_plain, fields);
	else if (w->changes)
		print_changes(fields);
	else
		out_rows(mode, bridge_field_columns, fields);
}

static int
show(const struct call *c, void *arg)
{
	json_t *fields = json_array(), *rq, *d;
	int code;

	for (int i = 1; i < c->argc; i++)
		json_array_append_new(fields, json_string(c->argv[i]));
	rq = json_pack("{s:s, s:s, s:o}", "cmd", "read", "node", c->argv[0],
	    "fields", fields);
	code = bridge_ask(c, rq, &d);
	if (code != EXIT_OK)
		return code;
	print(bridge_mode(c), arg, d);
	json_decref(d);
	return EXIT_OK;
}

int
bridge_read(const struct call *c)
{
	bool again = c->opt[OPT_WATCH] != NULL;
	bool screen = bridge_mode(c) == OUT_TABLE && isatty(STDOUT_FILENO);
	struct watch w = { .changes = again && !screen, .seen = json_object() };
	int code = bridge_watch(c, again, show, &w);

	json_decref(w.seen);
	return code;
}
