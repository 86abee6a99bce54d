#include "cli/bridge.h"

#include "cli/say.h"
#include "cli/words.h"
#include "common/mem.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SILENCE_MS = 120000 };

static const struct column readings[] = {
	{ .title = "TYPE", .member = "type" },
	{ .title = "ORDER", .member = "order" },
	{ .title = "VALUE", .member = "value", .right = true },
	{ .title = "LINE FOR A TEMPLATE", .member = "line" },
	{ .title = NULL },
};

/* Arguments behind the address: a template, or a place with or without a
 * type.  A place has a colon, as in holding:0x10; a template's id has none. */
static int
make_request(const struct call *c, json_t **rq)
{
	const char *third = c->argc > 2 ? c->argv[2] : NULL;
	int64_t address;

	*rq = NULL;
	if (value_int(c->argv[1], &address) != OK || address < 0 ||
	    address > 255)
		return verb_usage(c, "\"%s\" is not an address", c->argv[1]);
	if (c->argc > 3 && !strchr(third, ':'))
		return verb_usage(c,
		    "\"%s\" is no place; give WHERE TYPE as in holding:0x10 "
		    "u16, or a TEMPLATE alone",
		    third);
	*rq = json_pack("{s:s, s:s, s:I}", "cmd", "probe", "bus", c->argv[0],
	    "address", (json_int_t)address);
	if (third)
		json_object_set_new(*rq,
		    strchr(third, ':') ? "where" : "template",
		    json_string(third));
	if (c->argc > 3)
		json_object_set_new(*rq, "type", json_string(c->argv[3]));
	return EXIT_OK;
}

static void
print_frames(const json_t *frames)
{
	const json_t *f;
	size_t i;

	json_array_foreach(frames, i, f)
	{
		char *text = bridge_frame_text(f);
		const char *other = out_string(f, "serial");

		printf("%-49s %9.3f%s%s\n", text,
		    json_number_value(json_object_get(f, "at_ms")) / 1000,
		    *other ? "  at " : "", other);
		free(text);
	}
}

/* Somebody who was asked for nothing in particular has answered with an
 * exception too. */
static bool
went_well(const struct call *c, const json_t *d)
{
	const char *result = out_string(d, "result");

	return strcmp(result, "ok") == 0 ||
	    (c->argc == 2 && strncmp(result, "exception", 9) == 0);
}

/* Returns owned. */
static char *
result_text(const struct call *c, const json_t *d)
{
	static const char *const words[][2] = {
		{ "ok", "answered" },
		{ "timeout", "no answer" },
		{ "garbled",
		    "an answer that cannot be read: noise, other serial "
		    "settings, or two devices with this address" },
	};
	const char *result = out_string(d, "result");

	if (strncmp(result, "exception", 9) == 0)
		return mem_printf("answered with %s%s", result,
		    went_well(c, d) ? ": somebody is there"
			: strcmp(result, "exception 2") == 0
			? ": it does not have what was asked for"
			: "");
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(result, words[i][0]) == 0)
			return mem_strdup(words[i][1]);
	return out_text(json_object_get(d, "result"));
}

/* Lines about who it is, where something is known of that. */
static void
print_identity(const json_t *d)
{
	const json_t *ids = json_object_get(d, "looks_like"), *id;
	char *maker = out_text(json_object_get(d, "maker"));
	char *product = out_text(json_object_get(d, "product"));
	size_t i;

	if (strcmp(maker, "-") != 0 || strcmp(product, "-") != 0)
		printf("  says that it is %s %s\n", maker, product);
	if (json_array_size(ids) > 0)
		fputs("  looks like", stdout);
	json_array_foreach(ids, i, id)
	    printf("%s %s", i ? "," : "", json_string_value(id));
	if (json_array_size(ids) > 0)
		putchar('\n');
	free(maker);
	free(product);
}

/* It can become a node. */
static void
hint_node(const struct call *c, const json_t *d)
{
	if (c->argc != 3 || !json_object_get(d, "fields") ||
	    strcmp(out_string(d, "result"), "ok") != 0)
		return;
	say("Next: when these values are right: thingbridge adopt %s %s %s",
	    c->argv[0], c->argv[1], c->argv[2]);
}

static void
print_table(const struct call *c, const json_t *d)
{
	const json_t *fields = json_object_get(d, "fields");
	const json_t *rows = json_object_get(d, "readings");
	const char *serial = out_string(d, "serial");
	const char *hint = out_string(d, "hint");
	char *result = result_text(c, d);

	printf("%s%s%s address %lld\n", out_string(d, "bus"),
	    *serial ? " " : "", serial,
	    (long long)json_integer_value(json_object_get(d, "address")));
	print_frames(json_object_get(d, "frames"));
	printf("  %s\n", result);
	print_identity(d);
	if (*hint)
		printf("%s\n", hint);
	if (json_array_size(rows) > 0)
		out_rows(OUT_TABLE, readings, rows);
	if (json_array_size(fields) > 0)
		out_rows(OUT_TABLE, bridge_field_columns, fields);
	fflush(stdout);
	hint_node(c, d);
	free(result);
}

static void
print_plain(const struct call *c, const json_t *d)
{
	const json_t *fields = json_object_get(d, "fields");
	const char *hint = out_string(d, "hint");
	char *result = result_text(c, d);

	out_rows(OUT_PLAIN, fields ? bridge_field_plain : readings,
	    fields ? fields : json_object_get(d, "readings"));
	if (strcmp(out_string(d, "result"), "ok") != 0)
		say("%s%s%s", result, *hint ? "\n" : "", hint);
	free(result);
}

int
bridge_probe(const struct call *c)
{
	struct daemon_call dc = { .silence_ms = SILENCE_MS };
	enum out_mode mode = bridge_mode(c);
	json_t *rq, *d;
	int code = make_request(c, &rq);

	if (code != EXIT_OK)
		return code;
	code = bridge_tell(c, &dc, rq, &d);
	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON)
		out_json(d);
	else if (mode == OUT_PLAIN)
		print_plain(c, d);
	else
		print_table(c, d);
	code = went_well(c, d) ? EXIT_OK : EXIT_DEVICE;
	json_decref(d);
	return code;
}
