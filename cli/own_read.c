/* read: values of a thing, now, again and again, or of the past. */
#include "cli/plot.h"
#include "cli/say.h"
#include "cli/visit.h"
#include "common/clock.h"
#include "common/key.h"
#include "common/mem.h"
#include "config/value.h"
#include "protocol/sensor_data.h"
#include "protocol/xmltime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_TYPE = VISIT_OPTS,
	OPT_WATCH,
	OPT_HISTORY,
	OPT_TO,
	OPT_EVERY,
	OPT_CSV,
};

/* ROWS_MAX: a thing must not fill our memory by telling on and on. */
enum { ROWS_MAX = 1000000 };

const struct opt own_read_opts[] = {
	VISIT_OPTIONS,
	{ "type", 't', "TYPES",
	    "momentary (usual), status, identity, peak, all" },
	{ "watch", 'w', "S", "again every S seconds, until Ctrl-C" },
	{ "history", 0, "FROM", "2026-01-31, 2026-01-31T12:00:00, or 24h ago" },
	{ "to", 0, "TIME", "until when (now)" },
	{ "every", 0, "PERIOD",
	    "minute, hour, day, week, month, quarter, year" },
	{ "csv", 0, NULL, "time,field,value,unit" },
	{ NULL, 0, NULL, NULL },
};

struct readout {
	struct visit v;
	struct sd_req rq;
	int64_t watch_ms; /* 0: once */
	int64_t next_mono, late_mono;
	bool history, csv;
	json_t *rows;
	unsigned failures;
};

static const struct column columns[] = {
	{ .title = "FIELD", .member = "name" },
	{ .title = "VALUE", .member = "value", .right = true },
	{ .title = "UNIT", .member = "unit" },
	{ .title = "KIND", .member = "kind" },
	{ .title = "AT", .member = "at" },
	{ .title = "QUALITY", .member = "quality" },
	{ .title = NULL },
};

static const struct column past_columns[] = {
	{ .title = "AT", .member = "at" },
	{ .title = "FIELD", .member = "name" },
	{ .title = "VALUE", .member = "value", .right = true },
	{ .title = "UNIT", .member = "unit" },
	{ .title = NULL },
};

/* --- what is asked --- */

/* Periods of --every, as of enum sd_type. */
static const struct {
	const char *name;
	unsigned type;
} periods[] = {
	{ "minute", SD_HISTORICAL_MINUTE },
	{ "hour", SD_HISTORICAL_HOUR },
	{ "day", SD_HISTORICAL_DAY },
	{ "week", SD_HISTORICAL_WEEK },
	{ "month", SD_HISTORICAL_MONTH },
	{ "quarter", SD_HISTORICAL_QUARTER },
	{ "year", SD_HISTORICAL_YEAR },
};

static int
read_types(struct readout *r)
{
	const struct call *c = r->v.call;
	char *list = mem_strdup(c->opt[OPT_TYPE]), *rest = list, *word;
	int code = EXIT_OK;

	r->rq.types = list ? 0 : SD_MOMENTARY;
	while (list && (word = strsep(&rest, ",")) && code == EXIT_OK) {
		unsigned bit = 1;

		while (
		    sd_type_name(bit) && strcmp(sd_type_name(bit), word) != 0)
			bit <<= 1;
		if (strcmp(word, "all") == 0)
			r->rq.types = SD_ALL & ~(unsigned)SD_HISTORICAL;
		else if (sd_type_name(bit) && !(bit & SD_HISTORICAL))
			r->rq.types |= bit;
		else
			code = verb_usage(c,
			    "--type \"%s\": it is momentary, peak, status, "
			    "computed, identity or all",
			    word);
	}
	free(list);
	return code;
}

/* A time; or how long ago. */
static bool
read_time(const char *text, int64_t *out)
{
	int64_t ago;
	char *day = mem_printf("%sT00:00:00", text);
	bool good =
	    xml_datetime(text, out) == OK || xml_datetime(day, out) == OK;

	free(day);
	if (!good && value_duration(text, &ago) == OK) {
		*out = clock_utc(&clock_system) - ago;
		good = true;
	}
	return good;
}

static int
read_period(struct readout *r)
{
	const char *every = r->v.call->opt[OPT_EVERY];

	r->rq.types = SD_HISTORICAL_OTHER;
	if (!every)
		return EXIT_OK;
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		if (strcmp(periods[i].name, every) == 0) {
			r->rq.types = periods[i].type;
			return EXIT_OK;
		}
	}
	return verb_usage(r->v.call,
	    "--every is minute, hour, day, week, month, quarter or year");
}

static int
read_history(struct readout *r)
{
	const struct call *c = r->v.call;

	if (!c->opt[OPT_HISTORY] &&
	    (c->opt[OPT_TO] || c->opt[OPT_EVERY] || c->opt[OPT_CSV]))
		return verb_usage(
		    c, "--to, --every and --csv go with --history FROM");
	if (!c->opt[OPT_HISTORY])
		return EXIT_OK;
	if (c->opt[OPT_WATCH] || c->opt[OPT_TYPE])
		return verb_usage(
		    c, "--history goes without --watch and --type");
	r->history = r->rq.has_from = true;
	r->csv = c->opt[OPT_CSV] != NULL;
	r->rq.has_to = c->opt[OPT_TO] != NULL;
	if (!read_time(c->opt[OPT_HISTORY], &r->rq.from) ||
	    (r->rq.has_to && !read_time(c->opt[OPT_TO], &r->rq.to)))
		return verb_usage(c,
		    "a time is 2026-01-31, 2026-01-31T12:00:00, or a time ago "
		    "as 24h or 7d");
	if (r->rq.has_to && r->rq.to < r->rq.from)
		return verb_usage(c, "--to is before --history");
	return read_period(r);
}

static int
read_watch(struct readout *r)
{
	const char *text = r->v.call->opt[OPT_WATCH];
	int64_t s;

	if (!text)
		return EXIT_OK;
	if (value_int(text, &s) == OK && s >= 1 && s <= 86400)
		r->watch_ms = s * 1000;
	else if (value_duration(text, &r->watch_ms) != OK || r->watch_ms < 1000)
		return verb_usage(r->v.call, "--watch is 1 second or more");
	return EXIT_OK;
}

/* --- what comes --- */

static const char *
kind_of(unsigned types)
{
	for (unsigned bit = 1; sd_type_name(bit); bit <<= 1) {
		if (types & bit)
			return sd_type_name(bit);
	}
	return "";
}

/* The worst that is said of it. */
static const char *
quality_of(unsigned qualities)
{
	static const unsigned worst[] = { SD_ERROR, SD_MISSING, SD_WARNING,
		SD_TIME_OFFSET, SD_POWER_FAILURE, SD_IN_PROGRESS };

	for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++) {
		if (qualities & worst[i])
			return sd_quality_name(worst[i]);
	}
	return "ok";
}

/* A thing may tell more than was asked. */
static void
on_value(
    void *arg, const struct node_ref *ref, int64_t at, const struct sd_value *v)
{
	struct readout *r = arg;
	char when[CLOCK_TEXT];

	if ((v->types && !(v->types & r->rq.types)) ||
	    (r->rq.fields.n && !r->history &&
		!names_has(&r->rq.fields, v->name)))
		return;
	clock_format(at, when);
	json_array_append_new(r->rows,
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "node",
		ref->node, "name", v->name, "value", v->value, "unit", v->unit,
		"type", sd_kind_name(v->kind), "kind", kind_of(v->types), "at",
		when, "quality", quality_of(v->qualities), "writable",
		v->has_writable ? json_boolean(v->writable) : json_null()));
}

static void
on_failure(void *arg, const struct node_ref *ref, const char *text)
{
	struct readout *r = arg;

	r->failures++;
	say("%s: %s", *ref->node ? ref->node : r->v.bare, text);
}

static void
print_csv(const json_t *rows)
{
	const json_t *row;
	size_t i;

	puts("at,field,value,unit");
	json_array_foreach(rows, i, row)
	{
		char *name = plot_csv(out_string(row, "name"));
		char *value = plot_csv(out_string(row, "value"));
		char *unit = plot_csv(out_string(row, "unit"));

		printf(
		    "%s,%s,%s,%s\n", out_string(row, "at"), name, value, unit);
		free(name);
		free(value);
		free(unit);
	}
}

static void
print(const struct readout *r)
{
	enum out_mode mode = own_mode(r->v.call);

	if (r->csv) {
		print_csv(r->rows);
	} else if (mode == OUT_JSON) {
		json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:O}",
		    "schema", 1, "jid", r->v.bare, "node", r->v.name.node.node,
		    "source", r->v.name.node.source, "cache",
		    r->v.name.node.cache, "fields", r->rows);

		out_json(o);
		json_decref(o);
	} else if (json_array_size(r->rows)) {
		out_rows(mode, r->history ? past_columns : columns, r->rows);
		if (mode == OUT_TABLE && r->history)
			plot_show(r->rows);
	} else if (!r->failures) {
		say(r->history ? "nothing is kept of that time (a field is "
				 "kept when its gateway's configuration says "
				 "keep)"
			       : "it told nothing: it has no field of that "
				 "name, or none of that kind");
	}
	fflush(stdout);
}

/* --- the visit --- */

static void ask(struct readout *r);

static void
finished(struct readout *r)
{
	print(r);
	r->late_mono = 0;
	if (!r->watch_ms) {
		visit_end(&r->v,
		    r->failures == 0               ? EXIT_OK
			: json_array_size(r->rows) ? EXIT_PARTLY
						   : EXIT_DEVICE);
		return;
	}
	r->failures = 0;
	json_array_clear(r->rows);
}

static void
too_many(struct readout *r)
{
	print(r);
	visit_end(&r->v,
	    say_exit(EXIT_PARTLY, "more than %d values: not all", ROWS_MAX));
}

static void
still_there(struct readout *r)
{
	r->late_mono = clock_mono(&clock_system) + r->v.timeout_ms;
}

static void
on_message(struct visit *v, xmpp_stanza_t *message)
{
	struct readout *r = (struct readout *)v;
	const struct sd_reader to = { on_value, on_failure, r };
	xmpp_stanza_t *el =
	    child_next(xmpp_stanza_get_children(message), NULL, SENSOR_NS);
	int32_t seqnr;
	bool done;

	if (!el || !r->late_mono || sd_seqnr(el, &seqnr) != OK ||
	    seqnr != r->rq.seqnr)
		return;
	still_there(r);
	if (sd_each(el, &to, &seqnr, &done) == OK && done)
		finished(r);
	else if (json_array_size(r->rows) > ROWS_MAX)
		too_many(r);
}

static void
on_tick(struct visit *v, int64_t mono)
{
	struct readout *r = (struct readout *)v;

	if (r->late_mono && mono > r->late_mono) {
		print(r);
		visit_end(v,
		    say_exit(EXIT_TIMEOUT, "nothing came for %d s; %s",
			(int)(v->timeout_ms / 1000),
			json_array_size(r->rows) ? "this is not all"
						 : "no value came"));
	} else if (r->watch_ms && !r->late_mono && mono >= r->next_mono) {
		ask(r);
	}
}

static void
on_answer(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct readout *r = arg;

	if (outcome == IQ_RESULT) {
		still_there(r);
		return;
	}
	r->late_mono = 0;
	visit_end(&r->v, visit_refused(&r->v, "read", outcome, stanza, false));
}

static void
ask(struct readout *r)
{
	r->next_mono = clock_mono(&clock_system) + r->watch_ms;
	r->rq.seqnr = (int32_t)(random_below(INT32_MAX - 1) + 1);
	still_there(r);
	visit_ask(
	    &r->v, "get", sd_req_build(visit_ctx(&r->v), &r->rq), on_answer);
}

static void
go(struct visit *v)
{
	ask((struct readout *)v);
}

static int
prepare(struct readout *r)
{
	const struct call *c = r->v.call;
	int code = read_types(r);

	if (code == EXIT_OK)
		code = read_watch(r);
	if (code == EXIT_OK)
		code = read_history(r);
	if (code == EXIT_OK)
		code = visit_open(&r->v);
	if (code != EXIT_OK)
		return code;
	if (*r->v.name.node.node)
		node_refs_add(&r->rq.nodes, &r->v.name.node);
	for (int i = r->v.rest; i < c->argc; i++)
		names_add(&r->rq.fields, c->argv[i]);
	return EXIT_OK;
}

int
own_read(const struct call *c)
{
	struct readout r = {
		.v = { .call = c,
		    .feature = SENSOR_NS,
		    .go = go,
		    .message = on_message,
		    .tick = on_tick },
		.rq = { .tokens = { "", "", "" } },
		.rows = json_array(),
	};
	int code = prepare(&r);

	if (code == EXIT_OK)
		code = visit_run(&r.v);
	else
		visit_close(&r.v);
	sd_req_fini(&r.rq);
	json_decref(r.rows);
	return code;
}
