#include "cli/bridge.h"

#include "cli/progress.h"
#include "cli/say.h"
#include "cli/words.h"
#include "common/buf.h"
#include "common/mem.h"
#include "config/template.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_ADDRESSES, OPT_SERIAL, OPT_TIMEOUT };

const struct opt bridge_scan_opts[] = {
	[OPT_ADDRESSES] = { "addresses", 'a', "A-B", "5 or 1-32 (all)" },
	[OPT_SERIAL] = { "serial", 0, "LIST",
	    "instead of the line's, as \"9600 8N1,19200 8E1\"" },
	[OPT_TIMEOUT] = { "timeout", 't', "MS", "to wait for each answer" },
	{ NULL, 0, NULL, NULL },
};

enum {
	ADDRESS_MAX = 255, /* on TCP */
	TIMEOUT_MIN = 10,
	TIMEOUT_MAX = 60000,
	SILENCE_MS = 300000,
};

/* A request for each address and serial setting may take its whole timeout. */
struct scan {
	const char *bus;
	enum out_mode mode;
	bool tried;    /* serial settings other than the line's */
	bool line;     /* it has serial settings: it is no network */
	json_t *found; /* all so far: kept when the daemon is lost */
	size_t printed;
};

/* A node of the configuration is told of even when its device is silent. */
static bool
answered(const json_t *row)
{
	const char *answer = out_string(row, "answer");

	return strcmp(answer, "no answer") != 0 &&
	    strcmp(answer, "not asked") != 0;
}

static size_t
count_answers(const struct scan *s)
{
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(s->found, i, row) n += answered(row);
	return n;
}

static bool
collides(const json_t *row)
{
	const char *answer = out_string(row, "answer");

	return strcmp(answer, "garbled") == 0 ||
	    strcmp(answer, "two devices?") == 0;
}

/* The best guess; the others are for programs. */
static char *
guess_text(const json_t *row)
{
	const json_t *ids = json_object_get(row, "looks_like");
	size_t n = json_array_size(ids);
	char *first, *text;

	if (collides(row))
		return mem_strdup("TWO DEVICES ON THIS ADDRESS?");
	if (n == 0)
		return mem_strdup(answered(row) ? "unknown" : "-");
	first = out_text(json_array_get(ids, 0));
	text = n == 1 ? mem_strdup(first)
		      : mem_printf("%s, or %zu more", first, n - 1);
	free(first);
	return text;
}

static char *
certain_text(const json_t *row)
{
	char *certain = out_text(json_object_get(row, "certain"));
	char *maker, *product;

	if (strcmp(certain, "-") != 0 || !*out_string(row, "product"))
		return certain;
	free(certain);
	maker = out_text(json_object_get(row, "maker"));
	product = out_text(json_object_get(row, "product"));
	certain = mem_printf("%s%s%s", strcmp(maker, "-") == 0 ? "" : maker,
	    strcmp(maker, "-") == 0 ? "" : " ", product);
	free(maker);
	free(product);
	return certain;
}

static char *
guesses_text(const json_t *row)
{
	const json_t *ids = json_object_get(row, "looks_like"), *id;
	struct buf b = { 0 };
	size_t i;

	json_array_foreach(ids, i, id)
	    buf_printf(&b, "%s%s", i ? "," : "", json_string_value(id));
	return buf_take(&b);
}

static const struct column plain[] = {
	{ .title = "address", .member = "address" },
	{ .title = "serial", .member = "serial" },
	{ .title = "answer", .member = "answer" },
	{ .title = "node", .member = "node" },
	{ .title = "looks_like", .text = guesses_text },
	{ .title = "certain", .member = "certain" },
	{ .title = "maker", .member = "maker" },
	{ .title = "product", .member = "product" },
	{ .title = "candidate", .member = "candidate" },
	{ .title = NULL },
};

/* Rows are printed as they are found, so their columns have fixed widths. */
static void
print_row(struct scan *s, const json_t *row)
{
	char *number, *serial, *answer, *node, *guess, *certain;

	if (s->printed++ == 0)
		printf("  # ADDR  SERIAL      ANSWER        NODE          "
		       "LOOKS LIKE                    CERTAIN\n");
	number = out_text(json_object_get(row, "candidate"));
	serial = out_text(json_object_get(row, "serial"));
	answer = out_text(json_object_get(row, "answer"));
	node = out_text(json_object_get(row, "node"));
	guess = guess_text(row);
	certain = certain_text(row);
	printf("%3s %4lld  %-10s  %-12s  %-12s  %-28s  %s\n", number,
	    (long long)json_integer_value(json_object_get(row, "address")),
	    serial, answer, node, guess, certain);
	free(number);
	free(serial);
	free(answer);
	free(node);
	free(guess);
	free(certain);
}

static void
take_found(struct scan *s, json_t *row)
{
	json_t *rows;

	json_array_append(s->found, row);
	if (s->mode == OUT_TABLE) {
		print_row(s, row);
	} else if (s->mode == OUT_PLAIN) {
		rows = json_pack("[O]", row);
		out_rows(OUT_PLAIN, plain, rows);
		json_decref(rows);
	}
}

static void
show_progress(const struct scan *s, const json_t *d)
{
	char *what = mem_printf("%s  %s", s->bus, out_string(d, "serial"));
	char *at = mem_printf("address %lld",
	    (long long)json_integer_value(json_object_get(d, "address")));
	struct progress p = {
		.what = what,
		.at = at,
		.done = json_integer_value(json_object_get(d, "done")),
		.of = json_integer_value(json_object_get(d, "of")),
		.left_s = json_integer_value(json_object_get(d, "left_s")),
		.found = count_answers(s),
	};

	progress_show(&p);
	free(what);
	free(at);
}

static bool
on_more(void *arg, const json_t *d)
{
	struct scan *s = arg;
	json_t *row = json_object_get(d, "found");

	s->line = *out_string(d, "serial") != '\0';
	if (json_is_object(row)) {
		progress_clear();
		take_found(s, row);
		if (fflush(stdout) != 0)
			return false; /* the reader has gone */
	}
	show_progress(s, d);
	return true;
}

static bool
is_known(const struct scan *s, const json_t *row)
{
	const json_t *seen;
	size_t i;

	json_array_foreach(s->found, i, seen)
	{
		if (json_equal(json_object_get(seen, "address"),
			json_object_get(row, "address")) &&
		    strcmp(out_string(seen, "serial"),
			out_string(row, "serial")) == 0)
			return true;
	}
	return false;
}

static void
hint_doubles(const struct scan *s)
{
	const json_t *row;
	size_t i;

	json_array_foreach(s->found, i, row)
	{
		long long at =
		    json_integer_value(json_object_get(row, "address"));

		if (collides(row))
			say("address %lld: answers that run into each other; "
			    "take one of the devices off the line, give it "
			    "another address, and scan %s -a %lld again",
			    at, s->bus, at);
	}
}

/* What to do with the first device that is no node yet. */
static void
hint_next(const struct scan *s)
{
	const json_t *row;
	size_t i;

	json_array_foreach(s->found, i, row)
	{
		const json_t *ids = json_object_get(row, "looks_like");
		const char *id = json_string_value(json_array_get(ids, 0));
		long long candidate =
		    json_integer_value(json_object_get(row, "candidate"));

		if (*out_string(row, "node") || collides(row))
			continue;
		if (id)
			say("Next: thingbridge adopt %lld --name NAME --room "
			    "ROOM",
			    candidate);
		else
			say("Next: thingbridge probe %s %lld", s->bus,
			    (long long)json_integer_value(
				json_object_get(row, "address")));
		return;
	}
	if (count_answers(s) > 0)
		say("Next: thingbridge nodes");
	else if (!s->line)
		say("nothing answered.  Most often: another unit id; another "
		    "program that has the device's only connection; behind a "
		    "gateway its serial settings, A and B, power and ground.\n"
		    "Next: thingbridge status");
	else
		say("nothing answered.  Most often: A and B swapped; %s; the "
		    "device off, or no bus ground; an adapter that does not "
		    "switch its direction.\n"
		    "Next: thingbridge ports",
		    s->tried ? "a baud rate or parity that was not tried"
			     : "another baud rate or parity (--serial \"9600 "
			       "8N1,19200 8E1\")");
}

static int
finish(struct scan *s, json_t *d, const struct daemon_call *dc, int code)
{
	json_t *rows = json_object_get(d, "found"), *row;
	size_t i;

	progress_clear();
	json_array_foreach(rows, i, row)
	{
		if (!is_known(s, row))
			take_found(s, row);
	}
	if (s->mode == OUT_JSON && (code == EXIT_OK || dc->stopped)) {
		json_t *o = json_pack("{s:i, s:s, s:b, s:O}", "schema", 1,
		    "bus", s->bus, "stopped", dc->stopped, "found", s->found);

		out_json(o);
		json_decref(o);
	}
	fflush(stdout);
	if (dc->error)
		say("%s", dc->error);
	if (code != EXIT_OK && json_array_size(s->found) == 0)
		return code;
	if (dc->stopped)
		say("stopped: not all addresses were asked");
	hint_doubles(s);
	hint_next(s);
	if (code != EXIT_OK || dc->stopped)
		return code != EXIT_OK ? code : EXIT_PARTLY;
	return count_answers(s) ? EXIT_OK : EXIT_NOTFOUND;
}

static int
add_serial(const struct call *c, json_t *rq)
{
	const char *text = c->opt[OPT_SERIAL];
	json_t *list;

	if (!text)
		return EXIT_OK;
	list = json_array();
	json_object_set_new(rq, "serial", list);
	for (;;) {
		struct serial_mode mode;
		char one[32];
		size_t n;

		text += strspn(text, " ");
		n = strcspn(text, ",");
		snprintf(one, sizeof(one), "%.*s", (int)n, text);
		if (n >= sizeof(one) || serial_mode_parse(one, &mode) != OK)
			return verb_usage(
			    c, "\"%s\" is not like 9600 8N1", one);
		json_array_append_new(list, json_string(one));
		if (!text[n])
			return EXIT_OK;
		text += n + 1;
	}
}

static int
make_request(const struct call *c, json_t **rq)
{
	int64_t first, last, timeout = 0;
	const char *range = c->opt[OPT_ADDRESSES], *t = c->opt[OPT_TIMEOUT];

	*rq = NULL;
	if (range && !words_range(range, 0, ADDRESS_MAX, &first, &last))
		return verb_usage(
		    c, "--addresses \"%s\" is not like 5 or 1-32", range);
	if (t &&
	    (value_int(t, &timeout) != OK || timeout < TIMEOUT_MIN ||
		timeout > TIMEOUT_MAX))
		return verb_usage(
		    c, "--timeout is %d to %d ms", TIMEOUT_MIN, TIMEOUT_MAX);
	*rq = json_pack("{s:s, s:s}", "cmd", "scan", "bus", c->argv[0]);
	if (range) {
		json_object_set_new(*rq, "first", json_integer(first));
		json_object_set_new(*rq, "last", json_integer(last));
	}
	if (t)
		json_object_set_new(*rq, "timeout_ms", json_integer(timeout));
	return add_serial(c, *rq);
}

int
bridge_scan(const struct call *c)
{
	struct scan s = { .bus = c->argv[0],
		.mode = bridge_mode(c),
		.tried = c->opt[OPT_SERIAL] != NULL };
	struct daemon_call dc = {
		.more = on_more, .arg = &s, .silence_ms = SILENCE_MS
	};
	json_t *rq, *d;
	int code = make_request(c, &rq);

	if (code != EXIT_OK) {
		json_decref(rq);
		return code;
	}
	s.found = json_array();
	code = bridge_talk(c, &dc, rq, &d);
	code = finish(&s, d, &dc, code);
	json_decref(s.found);
	json_decref(d);
	free(dc.error);
	return code;
}
