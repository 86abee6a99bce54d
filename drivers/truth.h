/* Whether a value can be true, after those before it; and whether it says
 * anything new.  Pure: by the times that are given. */
#ifndef DRIVERS_TRUTH_H
#define DRIVERS_TRUTH_H

#include "config/template.h"
#include "drivers/reading.h"

/* What is known of a field's values.  Zero-initialised: nothing. */
struct truth {
	bool seen, held, told;
	enum quality told_quality;
	struct num last;      /* that was believed, at last_ms */
	struct num candidate; /* held back, at candidate_ms */
	struct num told_num;  /* that was reported, at told_ms */
	int64_t last_ms, candidate_ms, told_ms;
	uint32_t told_hash; /* of what is no number */
};

/* truth_check believes a reading, or holds it back (QUALITY_ERROR, with why)
 * until the next one confirms it: of a counter one that went back or rose
 * faster than max_rate, of other numbers one that changed faster.  A device
 * that restarts sends a 0 once, a new meter goes on from where it is.  Readings
 * without a number pass and change nothing.
 * Units: mono_ms is when the answer had arrived.  Thread: any. */
void truth_check(
    const struct field *f, struct truth *t, int64_t mono_ms, struct reading *r);

/* truth_is_news tells whether a reading is worth reporting, and notes it as
 * reported if so: it differs in quality, word or text, or in its number by the
 * field's deadband (or at all, when it has none), or the last report is
 * heartbeat_ms old (0: that never counts).  Thread: any. */
bool truth_is_news(const struct field *f, struct truth *t, int64_t mono_ms,
    int64_t heartbeat_ms, const struct reading *r);

#endif
