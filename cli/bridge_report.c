#include "cli/bridge.h"

#include "cli/handover.h"
#include "cli/say.h"
#include "cli/sticker.h"
#include "common/clock.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_OUTPUT, OPT_KEYS };

const struct opt bridge_report_opts[] = {
	[OPT_OUTPUT] = { "output", 'o', "FILE", "the PDF, mode 0600" },
	[OPT_KEYS] = { "with-keys", 0, NULL,
	    "add the QR codes and KEYs to claim by" },
	{ NULL, 0, NULL, NULL },
};

/* What is asked of the daemon, and becomes the sheet. */
struct sheet {
	const struct call *c;
	int64_t now_utc;
	json_t *status;
	json_t *nodes; /* of `nodes`, `stickers` and `read` */
	json_t *codes; /* stickers that can be claimed by, with their KEYs */
};

static int
ask_part(
    const struct call *c, json_t *request, const char *member, json_t **out)
{
	json_t *d;
	int code = bridge_ask(c, request, &d);

	*out = NULL;
	if (code != EXIT_OK)
		return code;
	*out = json_incref(json_object_get(d, member));
	json_decref(d);
	return *out ? EXIT_OK
		    : say_exit(EXIT_FAILED, "the answer has no %s", member);
}

static int
ask_stickers(struct sheet *s, bool keys, json_t **out)
{
	struct sticker_query q = { .unclaimed = keys, .secrets = keys };
	json_t *d;
	int code = sticker_ask(s->c, &q, &d);

	*out = NULL;
	if (code != EXIT_OK)
		return code;
	*out = json_incref(json_object_get(d, "stickers"));
	json_decref(d);
	return EXIT_OK;
}

/* join adds to each node what its sticker says. */
static void
join(json_t *nodes, const json_t *stickers)
{
	json_t *n;
	size_t i;

	json_array_foreach(nodes, i, n)
	{
		json_t *s = json_array_get(stickers, i);

		/* A reload may have come between: then it stays unsaid. */
		if (strcmp(out_string(n, "node"), out_string(s, "node")) == 0)
			json_object_update_missing(n, s);
	}
}

static int
ask_readings(struct sheet *s)
{
	json_t *n;
	size_t i;

	json_array_foreach(s->nodes, i, n)
	{
		json_t *fields;
		int code = ask_part(s->c,
		    json_pack("{s:s, s:O, s:[]}", "cmd", "read", "node",
			json_object_get(n, "node"), "fields"),
		    "fields", &fields);

		if (code != EXIT_OK)
			return code;
		json_object_set_new(n, "fields", fields);
	}
	return EXIT_OK;
}

static int
ask_nodes(struct sheet *s)
{
	json_t *stickers;
	int code = ask_part(
	    s->c, json_pack("{s:s}", "cmd", "nodes"), "nodes", &s->nodes);

	if (code == EXIT_OK)
		code = ask_stickers(s, false, &stickers);
	if (code != EXIT_OK)
		return code;
	join(s->nodes, stickers);
	json_decref(stickers);
	return ask_readings(s);
}

/* What has no claim text now is no code. */
static void
keep_codes(json_t *stickers)
{
	for (size_t i = json_array_size(stickers); i-- > 0;) {
		const json_t *s = json_array_get(stickers, i);

		if (*out_string(s, "text"))
			continue;
		say("%s has no claim text now: %s", out_string(s, "node"),
		    out_string(s, "why"));
		json_array_remove(stickers, i);
	}
}

static int
ask(struct sheet *s)
{
	int code =
	    bridge_ask(s->c, json_pack("{s:s}", "cmd", "status"), &s->status);

	if (code == EXIT_OK)
		code = ask_nodes(s);
	if (code != EXIT_OK || !s->c->opt[OPT_KEYS])
		return code;
	code = ask_stickers(s, true, &s->codes);
	keep_codes(s->codes);
	return code;
}

static void
fact(json_t *facts, const char *name, char *value)
{
	json_array_append_new(facts, json_pack("[s, s]", name, value));
	free(value);
}

/* "FILE" or "FILE and 3 more" */
static char *
files_text(const json_t *files)
{
	const char *first = json_string_value(json_array_get(files, 0));
	size_t n = json_array_size(files);

	if (n < 2)
		return mem_strdup(first ? first : "-");
	return mem_printf("%s and %zu more", first, n - 1);
}

static json_t *
facts(const struct sheet *s, const char *host, const char *day)
{
	const json_t *st = s->status;
	const char *jid = out_string(st, "registry.jid");
	json_t *a = json_array();

	fact(a, "Gateway",
	    mem_printf(
		"%s, %s", out_string(st, "jid"), out_string(st, "xmpp")));
	fact(a, "Registry",
	    *jid ? mem_printf("%s (%s)", jid, out_string(st, "registry.how"))
		 : mem_strdup("none found yet"));
	fact(a, "Machine", mem_strdup(host));
	fact(a, "Configuration", files_text(json_object_get(st, "config")));
	fact(a, "Nodes", bridge_nodes_text(st));
	fact(a, "Date", mem_strdup(day));
	return a;
}

static json_t *
parts(const struct sheet *s)
{
	const json_t *warnings = json_object_get(s->status, "warnings");
	json_t *a = json_array();

	json_array_append_new(a, handover_steps(s->nodes, s->now_utc));
	if (json_array_size(warnings))
		json_array_append_new(a, handover_points(warnings));
	json_array_append_new(a, handover_nodes(s->nodes, s->now_utc));
	json_array_append_new(
	    a, handover_buses(json_object_get(s->status, "buses")));
	json_array_append_new(a, handover_readings(s->nodes));
	json_array_append_new(a,
	    json_pack("{s:s, s:[s, s]}", "title", "Handed over", "sign",
		"Installer (name, date)", "Owner (name, date)"));
	if (json_array_size(s->codes))
		json_array_append_new(a, handover_codes(s->codes));
	return a;
}

static json_t *
document(const struct sheet *s)
{
	bool keys = json_array_size(s->codes) > 0;
	char host[256] = "", day[HANDOVER_DAY];

	gethostname(host, sizeof(host) - 1);
	handover_day(s->now_utc, day);
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "title",
	    "Hand-over sheet", "subtitle",
	    json_sprintf("Gateway %s", out_string(s->status, "jid")), "notice",
	    keys ? "Holds the KEYs to claim nodes by: for the owner alone."
		 : "",
	    "foot",
	    json_sprintf("%s · %s · thingbridge %s", day, host, TB_VERSION),
	    "facts", facts(s, host, day), "parts", parts(s));
}

static int
draw(const struct sheet *s)
{
	const struct sticker_pass options[] = {
		{ "report", "", true },
		{ "output", s->c->opt[OPT_OUTPUT], false },
		{ NULL, NULL, false },
	};
	json_t *doc = document(s);
	int code = sticker_draw(options, doc);

	json_decref(doc);
	return code;
}

static void
say_done(const struct sheet *s)
{
	const char *file = s->c->opt[OPT_OUTPUT];

	if (strcmp(file, "-") == 0)
		return;
	say("the hand-over sheet is in %s (mode 0600).%s", file,
	    json_array_size(s->codes) ? "  Whoever reads it can claim the nodes"
		: s->c->opt[OPT_KEYS] ? "  No node can be claimed now: no KEY "
					"is in it"
				      : "  No KEY is in it");
}

static int
check_options(const struct call *c)
{
	const char *file = c->opt[OPT_OUTPUT];

	if (!file)
		return verb_usage(c, "where to?  -o FILE");
	if (strcmp(file, "-") == 0 && isatty(STDOUT_FILENO))
		return verb_usage(c, "a PDF does not go to a terminal");
	return EXIT_OK;
}

int
bridge_report(const struct call *c)
{
	struct sheet s = { .c = c, .now_utc = clock_utc(&clock_system) };
	int code = check_options(c);

	if (code != EXIT_OK)
		return code;
	code = ask(&s);
	if (code == EXIT_OK)
		code = draw(&s);
	if (code == EXIT_OK && json_array_size(s.codes))
		code = sticker_mark(c, s.codes);
	if (code == EXIT_OK || code == EXIT_PARTLY)
		say_done(&s);
	json_decref(s.status);
	json_decref(s.nodes);
	json_decref(s.codes);
	return code;
}
