#include "gateway/sums.h"

struct sum
sum_begin(int64_t from, int64_t utc_ms, struct num v)
{
	return (struct sum){ .from = from,
		.n = 1,
		.min = v,
		.max = v,
		.min_at = utc_ms,
		.max_at = utc_ms };
}

bool
sum_widen(struct sum *t, int64_t utc_ms, struct num v)
{
	if (num_cmp(v, t->min) < 0) {
		t->min = v;
		t->min_at = utc_ms;
		return true;
	}
	if (num_cmp(v, t->max) > 0) {
		t->max = v;
		t->max_at = utc_ms;
		return true;
	}
	return false;
}

bool
sums_end(struct sums *s, struct sum *out)
{
	struct sum *t = &s->now;

	if (t->n == 0)
		return false;
	if (num_from_double((double)(s->total / (long double)t->n), t->max.dec,
		&t->mean) != OK)
		t->mean = t->max;
	*out = *t;
	t->n = 0;
	return true;
}

bool
sums_add(struct sums *s, int64_t utc_ms, const struct value *v, struct sum *out)
{
	struct sum *t = &s->now;
	bool ended = false;

	if (v->type != VALUE_NUM || (t->n && utc_ms < t->from))
		return false;
	if (t->n && utc_ms < s->end) {
		(void)sum_widen(t, utc_ms, v->num);
		t->n++;
	} else {
		ended = sums_end(s, out);
		*t = sum_begin(period_begin(utc_ms, s->period), utc_ms, v->num);
		s->end = period_end(t->from, s->period);
		s->total = 0;
	}
	s->total += (long double)num_to_double(v->num);
	return ended;
}
