#include "gateway/readout_impl.h"

#include "common/mem.h"
#include "gateway/keeper.h"

#include <string.h>

enum {
	RAW = SD_HISTORICAL_SECOND | SD_HISTORICAL_MINUTE | SD_HISTORICAL_OTHER,
	MINUTE_MS = 60000,
};

/* What is told of periods that have passed. */
static const struct {
	unsigned type;
	const char *min, *max, *mean;
} periods[PERIODS] = {
	[PERIOD_HOUR] = { SD_HISTORICAL_HOUR, "Hour Min", "Hour Max",
	    "Hour Mean" },
	[PERIOD_DAY] = { SD_HISTORICAL_DAY, "Day Min", "Day Max", "Day Mean" },
	[PERIOD_WEEK] = { SD_HISTORICAL_WEEK, "Week Min", "Week Max",
	    "Week Mean" },
	[PERIOD_MONTH] = { SD_HISTORICAL_MONTH, "Month Min", "Month Max",
	    "Month Mean" },
	[PERIOD_QUARTER] = { SD_HISTORICAL_QUARTER, "Quarter Min",
	    "Quarter Max", "Quarter Mean" },
	[PERIOD_YEAR] = { SD_HISTORICAL_YEAR, "Year Min", "Year Max",
	    "Year Mean" },
};

/* One call of the history. */
struct telling {
	struct visit *v;
	const struct item *it;
	const struct field *f;
	bool paused;
};

static void
tell_sum(struct telling *t, enum period p, const struct sum *s)
{
	unsigned type = periods[p].type;
	const struct derived all[] = {
		{ t->f, periods[p].min, s->min, type | SD_PEAK, s->min_at },
		{ t->f, periods[p].max, s->max, type | SD_PEAK, s->max_at },
		{ t->f, periods[p].mean, s->mean, type | SD_COMPUTED, s->from },
	};
	size_t n = t->f->kind == KIND_COUNTER ? 2 : 3;

	for (size_t i = 0; i < n && t->v->left; i++)
		visit_number(t->v, t->it, &all[i]);
}

/* A reading is of its second, and the first of a minute of that too. */
static void
tell_reading(struct telling *t, int64_t utc_ms, const struct value *value)
{
	struct past *past = &t->v->past;
	int64_t minute = utc_ms - utc_ms % MINUTE_MS;
	unsigned types = SD_HISTORICAL_SECOND | SD_HISTORICAL_OTHER;
	char text[VISIT_TEXT];
	struct sd_value out;

	if (minute != past->minute)
		types |= SD_HISTORICAL_MINUTE;
	past->minute = minute;
	if (!(types & past->raw))
		return;
	sd_of(t->f, value, text, &out);
	out.types = types & (past->raw | SD_HISTORICAL_SECOND);
	visit_value(t->v, t->it, utc_ms, &out);
}

static bool
tell(void *arg, int64_t utc_ms, const struct value *value)
{
	struct telling *t = arg;
	struct past *past = &t->v->past;
	struct sum sum;

	if (visit_full(t->v) || t->v->left == 0) {
		t->paused = true;
		return false;
	}
	t->v->work -= WORK_READING;
	past->from = utc_ms + 1;
	if (past->raw)
		tell_reading(t, utc_ms, value);
	for (int p = PERIOD_HOUR; p < PERIODS; p++) {
		if (past->of & periods[p].type &&
		    sums_add(&past->v[p], utc_ms, value, &sum))
			tell_sum(t, (enum period)p, &sum);
	}
	return true;
}

/* The types of a field's history that are asked for and granted. */
static unsigned
wanted(const struct visit *v, const struct item *it, const struct field *f)
{
	unsigned types = 0;

	for (unsigned bit = SD_HISTORICAL_SECOND; bit <= SD_HISTORICAL_OTHER;
	     bit <<= 1)
		types |= visit_wants(v, it, f->name, bit) ? bit : 0;
	return types;
}

static void
begin(struct visit *v, const struct item *it, const struct field *f)
{
	int64_t now = clock_utc(v->of->gw->clock);
	struct past *past = &v->past;

	*past = (struct past){ .unit = past->unit,
		.begun = true,
		.field = past->field,
		.from = v->from_utc,
		.to = v->to_utc < now ? v->to_utc : now,
		.minute = -1,
		.raw = wanted(v, it, f) & RAW,
		.of = wanted(v, it, f) & ~RAW };
	for (int p = 0; p < PERIODS; p++)
		past->v[p].period = (enum period)p;
}

/* Goes on with a field; true when there is no more of it. */
static bool
tell_field(
    struct visit *v, struct item *it, struct series *s, const struct field *f)
{
	struct past *past = &v->past;
	struct telling t = { v, it, f, false };
	struct sum sum;

	if (!past->begun)
		begin(v, it, f);
	/* What was granted may have become less since it began. */
	past->raw &= wanted(v, it, f);
	past->of &= wanted(v, it, f);
	if (!past->raw && !past->of)
		return true;
	if (history_read(keeper_history(v->of->gw->keeper), s, past->from,
		past->to, tell, &t) != OK) {
		if (!it->failure)
			it->failure = mem_strdup("its history cannot be read");
		return true;
	}
	if (t.paused)
		return v->left == 0;
	for (int p = PERIOD_HOUR; p < PERIODS; p++) {
		if (past->of & periods[p].type && sums_end(&past->v[p], &sum))
			tell_sum(&t, (enum period)p, &sum);
	}
	return true;
}

bool
past_tell(struct visit *v, struct item *it, struct node *n)
{
	struct past *past = &v->past;

	if (!(v->types & SD_HISTORICAL))
		return true;
	for (; past->field < n->n_points; past->field++) {
		const struct field *f = &n->cfg->tmpl->fields[past->field];
		struct series *s = f->keep_ms
		    ? keeper_series(v->of->gw->keeper, n, past->field)
		    : NULL;

		if (s && !tell_field(v, it, s, f))
			return false;
		past->begun = false;
	}
	return true;
}
