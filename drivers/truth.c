#include "drivers/truth.h"

#include "drivers/decode.h"

#include <string.h>

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

	if (f->scale.mant > 0 && num_cmp(f->scale, last_place) > 0)
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

static const char *
doubt(const struct field *f, struct num from, struct num to, int64_t took_ms)
{
	struct num change;

	if (f->kind == KIND_COUNTER && num_cmp(to, from) < 0)
		return "the counter went back; the next reading must confirm "
		       "it";
	if (!f->has_max_rate)
		return NULL;
	if (!distance(to, from, &change) || !is_slow(f, change, took_ms))
		return "it changed too fast; the next reading must confirm it";
	return NULL;
}

void
truth_check(
    const struct field *f, struct truth *t, int64_t mono_ms, struct reading *r)
{
	struct num v = r->value.num;
	const char *why = NULL;

	if (r->quality != QUALITY_OK || r->value.type != VALUE_NUM)
		return;
	if (f->kind != KIND_COUNTER && !f->has_max_rate)
		return;
	if (t->seen)
		why = doubt(f, t->last, v, mono_ms - t->last_ms);
	if (why && t->held &&
	    !doubt(f, t->candidate, v, mono_ms - t->candidate_ms))
		why = NULL;
	t->held = why != NULL;
	if (why) {
		t->candidate = v;
		t->candidate_ms = mono_ms;
		decode_bad(r, QUALITY_ERROR, why);
		return;
	}
	t->seen = true;
	t->last = v;
	t->last_ms = mono_ms;
}

/* --- news --- */

/* FNV-1a */
static uint32_t
hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

/* What is no number, in short. */
static uint32_t
digest(const struct reading *r)
{
	if (r->quality != QUALITY_OK)
		return r->why ? hash(r->why) : 0;
	if (r->value.type == VALUE_BOOL)
		return r->value.on;
	return r->value.type == VALUE_NUM ? 0 : hash(r->value.text);
}

static bool
differs(const struct field *f, struct num a, struct num b)
{
	struct num change;

	if (!f->has_deadband || f->deadband.mant == 0)
		return num_cmp(a, b) != 0;
	return !distance(a, b, &change) || num_cmp(change, f->deadband) >= 0;
}

bool
truth_is_news(const struct field *f, struct truth *t, int64_t mono_ms,
    int64_t heartbeat_ms, const struct reading *r)
{
	bool number = r->quality == QUALITY_OK && r->value.type == VALUE_NUM;
	uint32_t h = digest(r);
	bool news = !t->told || r->quality != t->told_quality ||
	    h != t->told_hash ||
	    (number && differs(f, r->value.num, t->told_num)) ||
	    (heartbeat_ms > 0 && mono_ms - t->told_ms >= heartbeat_ms);

	if (!news)
		return false;
	t->told = true;
	t->told_quality = r->quality;
	t->told_hash = h;
	t->told_ms = mono_ms;
	if (number)
		t->told_num = r->value.num;
	return true;
}
