/* What numbers were over periods: least, most, mean.  Thread: any. */
#ifndef GATEWAY_SUMS_H
#define GATEWAY_SUMS_H

#include "drivers/reading.h"
#include "gateway/period.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of one period of local time. */
struct sum {
	int64_t from;              /* the period's begin, UTC */
	size_t n;                  /* readings; never 0 */
	struct num min, max, mean; /* mean: with the decimals of max */
	int64_t min_at, max_at;    /* when first; UTC */
};

/* What adds readings up by periods; zero-initialised but for the period.
 * sums_add takes a number on; true when it ended a period, whose sum is *out.
 * sums_end gives the last, if there is one.  Texts and flags have none, and
 * what is of a period before that under way (the clock was set back) is left
 * out: each period is told once. */
struct sums {
	enum period period;
	int64_t end; /* of the period under way */
	struct sum now;
	long double total;
};
bool sums_add(
    struct sums *s, int64_t utc_ms, const struct value *v, struct sum *out);
bool sums_end(struct sums *s, struct sum *out);

/* sum_begin is the sum of one number, sum_widen takes another on: least and
 * most.  True: it is one of them. */
struct sum sum_begin(int64_t from, int64_t utc_ms, struct num v);
bool sum_widen(struct sum *t, int64_t utc_ms, struct num v);

#endif
