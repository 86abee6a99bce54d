#include "drivers/truth.h"

#include "drivers/decode.h"

/* |a - b|; false when it does not fit. */
static bool
distance(struct num a, struct num b, struct num *out)
{
	if (b.mant == INT64_MIN)
		return false;
	b.mant = -b.mant;
	if (num_add(a, b, out) != OK || out->mant == INT64_MIN)
		return false;
	if (out->mant < 0)
		out->mant = -out->mant;
	return true;
}

/* The smallest step that the device can make: a counter of whole units may
 * well take one more within a second. */
static struct num
step_of(const struct field *f, struct num v)
{
	struct num last_place = { 1, v.dec };

	if (num_cmp(f->scale, last_place) > 0)
		return f->scale;
	return last_place;
}

/* Whether a change fits into the time that it took.  A number too large to
 * reckon with sets no limit. */
static bool
is_slow(const struct field *f, struct num change, int64_t took_ms)
{
	struct num seconds = { took_ms > 0 ? took_ms : 0, 3 }, most;

	if (num_mul(f->max_rate, seconds, &most) != OK ||
	    num_add(most, step_of(f, change), &most) != OK)
		return true;
	return num_cmp(change, most) <= 0;
}

/* A counter that the device has not begun to count. */
static bool
is_zero(const struct field *f, struct num v)
{
	return f->kind == KIND_COUNTER && num_cmp(v, f->offset) == 0;
}

static const char *
doubt(const struct field *f, struct num from, struct num to, int64_t took_ms)
{
	struct num change;

	if (is_zero(f, to) && num_cmp(to, from) < 0)
		return "the counter went back to 0; that it counts on, or a "
		       "minute, must confirm it";
	if (f->kind == KIND_COUNTER && num_cmp(to, from) < 0)
		return "the counter went back; the next reading must confirm "
		       "it";
	if (!f->has_max_rate)
		return NULL;
	if (!distance(to, from, &change) || !is_slow(f, change, took_ms))
		return "it changed too fast; the next reading must confirm it";
	return NULL;
}

/* Whether a reading goes on from the one that was held back before it. */
static bool
confirms(
    const struct field *f, const struct truth *t, struct num v, int64_t mono_ms)
{
	return t->held && !is_zero(f, v) &&
	    !doubt(f, t->candidate, v, mono_ms - t->candidate_ms);
}

/* Whether so much was held back that this must be how things are. */
static bool
persists(
    const struct field *f, const struct truth *t, struct num v, int64_t mono_ms)
{
	return t->held >= TRUTH_HELD &&
	    (!is_zero(f, v) ||
		(is_zero(f, t->candidate) &&
		    mono_ms - t->since_ms >= TRUTH_ZERO_MS));
}

static void
hold(struct truth *t, struct num v, int64_t mono_ms)
{
	if (!t->held || num_cmp(t->candidate, v) != 0)
		t->since_ms = mono_ms;
	t->held++;
	t->candidate = v;
	t->candidate_ms = mono_ms;
}

bool
truth_asks(const struct field *f)
{
	return f->kind == KIND_COUNTER || f->has_max_rate;
}

void
truth_check(
    const struct field *f, struct truth *t, int64_t mono_ms, struct reading *r)
{
	struct num v;
	const char *why = NULL;

	if (!truth_asks(f) || r->quality != QUALITY_OK ||
	    r->value.type != VALUE_NUM)
		return;
	v = r->value.num;
	if (t->seen)
		why = doubt(f, t->last, v, mono_ms - t->last_ms);
	if (why && !confirms(f, t, v, mono_ms) && !persists(f, t, v, mono_ms)) {
		hold(t, v, mono_ms);
		decode_bad(r, QUALITY_ERROR, why);
		return;
	}
	t->held = 0;
	t->seen = true;
	t->last = v;
	t->last_ms = mono_ms;
}
