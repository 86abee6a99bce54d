#include "tests/thingsim/vary.h"

#include "common/mem.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

/* A counter takes this many steps from the lower bound to the upper; another
 * value takes SMOOTH steps from one random point to the next. */
enum { COUNTER_STEPS = 3600, SMOOTH = 8 };

/* both_finer gives the two numbers the decimals of the finer one. */
static enum err
both_finer(struct num *a, struct num *b)
{
	enum err e = OK;

	if (a->dec < b->dec)
		e = num_round(*a, b->dec, a);
	if (e == OK)
		e = num_round(*b, a->dec, b);
	return e;
}

enum err
vary_parse_range(const char *text, struct vary *out, struct errbuf *eb)
{
	const char *dots = strstr(text, "..");
	char *lo;
	enum err e;

	*out = (struct vary){ .kind = VARY_RANGE, .tick = -1 };
	if (!dots)
		return errbuf_set(eb, ERR_PROTO, "%s: not MIN..MAX", text);
	lo = mem_strndup(text, (size_t)(dots - text));
	e = num_parse(lo, &out->lo);
	free(lo);
	if (e == OK)
		e = num_parse(dots + 2, &out->hi);
	if (e == OK)
		e = both_finer(&out->lo, &out->hi);
	if (e != OK || out->hi.mant < out->lo.mant)
		return errbuf_set(eb, ERR_RANGE, "%s: not MIN..MAX", text);
	return OK;
}

enum err
vary_parse_ramp(const char *text, struct vary *out, struct errbuf *eb)
{
	char *copy = mem_strdup(text), *rest = copy;
	const char *from = strtok_r(rest, " ", &rest);
	const char *step = strtok_r(rest, " ", &rest);
	const char *period = strtok_r(rest, " ", &rest);
	int64_t ms = 0;
	enum err e = ERR_PROTO;

	*out = (struct vary){ .kind = VARY_RAMP, .tick = -1 };
	if (from && step)
		e = num_parse(from, &out->lo);
	if (e == OK)
		e = num_parse(step, &out->hi);
	if (e == OK)
		e = both_finer(&out->lo, &out->hi);
	if (e == OK && period)
		e = value_duration(period, &ms);
	out->period_ns = ms * 1000000;
	free(copy);
	if (e != OK)
		return errbuf_set(eb, e, "%s: not FROM STEP [PERIOD]", text);
	return OK;
}

static double
position(int64_t tick, bool counter, vary_random_fn *random, const void *arg)
{
	double from, to;

	if (counter)
		return tick < COUNTER_STEPS ? (double)tick / COUNTER_STEPS : 1;
	from = random(arg, tick / SMOOTH);
	to = random(arg, tick / SMOOTH + 1);
	return from + (to - from) * (double)(tick % SMOOTH) / SMOOTH;
}

struct num
vary_range(const struct vary *v, int64_t tick, bool counter,
    vary_random_fn *random, const void *arg)
{
	double width = (double)v->hi.mant - (double)v->lo.mant;
	double at = position(tick, counter, random, arg);

	return (struct num){ v->lo.mant + (int64_t)(width * at), v->lo.dec };
}

enum err
vary_ramp(const struct vary *v, int64_t tick, struct num *out)
{
	out->dec = v->lo.dec;
	if (__builtin_mul_overflow(v->hi.mant, tick, &out->mant) ||
	    __builtin_add_overflow(out->mant, v->lo.mant, &out->mant))
		return ERR_RANGE;
	return OK;
}
