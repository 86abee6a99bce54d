/* Whether a value can be true, after those before it.  Pure: by the times that
 * are given. */
#ifndef DRIVERS_TRUTH_H
#define DRIVERS_TRUTH_H

#include "config/template.h"
#include "drivers/reading.h"

enum {
	TRUTH_HELD = 3, /* readings in a row */
	TRUTH_ZERO_MS = 60000,
};

/* What is known of a field's values.  Zero-initialised: nothing. */
struct truth {
	bool seen;
	unsigned held;        /* readings that were held back, in a row */
	struct num last;      /* that was believed, at last_ms */
	struct num candidate; /* held back, at candidate_ms */
	int64_t last_ms, candidate_ms;
	int64_t since_ms; /* the candidate is the same */
};

/* truth_asks tells whether a field's values are looked at at all. */
bool truth_asks(const struct field *f);

/* truth_check believes a reading, or holds it back (QUALITY_ERROR, with why)
 * until the next one confirms it: of a counter one that went back or rose
 * faster than max_rate, of other numbers one that changed faster.  A new meter
 * goes on from where it is; one that restarts sends 0 until it knows better, so
 * that a counter's 0 is confirmed by no other 0, only by counting on from it.
 * What goes on and on is believed after TRUTH_HELD readings, confirmed or not,
 * a 0 not before TRUTH_ZERO_MS: the template may be wrong.  Readings without a
 * number pass and change nothing.
 * Units: mono_ms is when the answer had arrived.  Thread: any. */
void truth_check(
    const struct field *f, struct truth *t, int64_t mono_ms, struct reading *r);

#endif
