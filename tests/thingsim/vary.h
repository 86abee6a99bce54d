/* Values that move by themselves. */
#ifndef THINGSIM_VARY_H
#define THINGSIM_VARY_H

#include "common/err.h"
#include "common/num.h"

#include <stdbool.h>
#include <stdint.h>

enum vary_kind {
	VARY_NONE,
	VARY_RANGE, /* between lo and hi; a counter from lo to hi, once */
	VARY_RAMP,  /* lo, lo + hi, lo + 2 hi ... */
};

struct vary {
	enum vary_kind kind;
	struct num lo, hi; /* of the same number of decimals */
	int64_t period_ns; /* VARY_RAMP; 0: at every request */
	int64_t since_ns;  /* VARY_RAMP: when it began */
	int64_t tick;      /* of the value it has; -1: none yet */
};

/* vary_parse_range reads "MIN..MAX", vary_parse_ramp "FROM STEP [PERIOD]" with
 * a period like 500ms or 10s.  Errors: ERR_PROTO, ERR_RANGE, said in eb. */
enum err vary_parse_range(
    const char *text, struct vary *out, struct errbuf *eb) MUST_USE;
enum err vary_parse_ramp(
    const char *text, struct vary *out, struct errbuf *eb) MUST_USE;

/* vary_range is the value of a range at tick; random tells the points between
 * which it moves, 0..1 each. */
typedef double vary_random_fn(const void *arg, int64_t n);
struct num vary_range(const struct vary *v, int64_t tick, bool counter,
    vary_random_fn *random, const void *arg);

/* vary_ramp is the value of a ramp.  Errors: ERR_RANGE, beyond all numbers. */
enum err vary_ramp(
    const struct vary *v, int64_t tick, struct num *out) MUST_USE;

#endif
