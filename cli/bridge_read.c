#include "cli/bridge.h"

#include "common/clock.h"
#include "common/mem.h"

#include <string.h>
#include <time.h>

enum { OPT_WATCH };

const struct opt bridge_read_opts[] = {
	{ "watch", 'w', NULL, "again every two seconds" },
	{ NULL, 0, NULL, NULL },
};

/* digits reads n digits at *s and the character behind them. */
static bool
digits(const char **s, int n, char behind, int *out)
{
	*out = 0;
	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return *(*s)++ == behind;
}

/* "2026-11-22T18:07:00.123Z", as clock_format writes it. */
static bool
parse_utc(const char *s, int64_t *ms)
{
	struct tm tm = { .tm_isdst = 0 };
	int milli;

	if (!digits(&s, 4, '-', &tm.tm_year) ||
	    !digits(&s, 2, '-', &tm.tm_mon) ||
	    !digits(&s, 2, 'T', &tm.tm_mday) ||
	    !digits(&s, 2, ':', &tm.tm_hour) ||
	    !digits(&s, 2, ':', &tm.tm_min) ||
	    !digits(&s, 2, '.', &tm.tm_sec) || !digits(&s, 3, 'Z', &milli))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ms = (int64_t)timegm(&tm) * 1000 + milli;
	return true;
}

static char *
age_text(const json_t *row)
{
	static const struct {
		int64_t below_ms, unit_ms;
		const char *unit;
	} steps[] = {
		{ 120000, 1000, "s" },
		{ 7200000, 60000, "min" },
		{ 172800000, 3600000, "h" },
		{ INT64_MAX, 86400000, "d" },
	};
	int64_t at, age;
	size_t i = 0;

	if (!parse_utc(out_string(row, "at"), &at))
		return mem_strdup("-");
	age = clock_utc(&clock_system) - at;
	if (age < 0)
		age = 0;
	if (age < 10000)
		return mem_printf("%.1f s", (double)age / 1000);
	while (age >= steps[i].below_ms)
		i++;
	return mem_printf(
	    "%lld %s", (long long)(age / steps[i].unit_ms), steps[i].unit);
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

static const struct column columns[] = {
	{ .title = "FIELD", .member = "name" },
	{ .title = "VALUE", .member = "value", .right = true },
	{ .title = "UNIT", .member = "unit" },
	{ .title = "KIND", .member = "kind" },
	{ .title = "AGE", .text = age_text, .right = true },
	{ .title = "STATE", .text = state_text },
	{ .title = NULL },
};

/* For programs: the time itself, and quality apart from its reason. */
static const struct column plain[] = {
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

static int
show(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	json_t *fields = json_array(), *rq, *d;
	int code;

	for (int i = 1; i < c->argc; i++)
		json_array_append_new(fields, json_string(c->argv[i]));
	rq = json_pack("{s:s, s:s, s:o}", "cmd", "read", "node", c->argv[0],
	    "fields", fields);
	if (!rq)
		return verb_usage(c, "the arguments are not UTF-8");
	code = bridge_ask(c, rq, &d);
	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON)
		out_json(d);
	else
		out_rows(mode, mode == OUT_PLAIN ? plain : columns,
		    json_object_get(d, "fields"));
	json_decref(d);
	return EXIT_OK;
}

int
bridge_read(const struct call *c)
{
	return bridge_watch(c, c->opt[OPT_WATCH] != NULL, show);
}
