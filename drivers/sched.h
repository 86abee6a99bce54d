/* Which unit of a bus is asked next.  Pure: the caller knows the time.
 *
 * The earliest due goes first.  Units that answer go before units that do not,
 * unless those have waited very long; and units that are offline together use
 * at most a tenth of the bus's time. */
#ifndef DRIVERS_SCHED_H
#define DRIVERS_SCHED_H

#include "drivers/unit.h"

struct sched {
	int64_t epoch;       /* phases count from here */
	int64_t probe_after; /* no probe of an offline unit before */
};

struct choice {
	struct unit *unit; /* NULL: nothing is due */
	struct task *task; /* NULL: probe unit */
	int64_t wake;      /* when the next is due; TASK_NEVER */
};

enum { SCHED_OFFLINE_SHARE = 10, SCHED_PATIENCE_MS = 10000 };

struct choice sched_next(
    const struct sched *s, struct unit *units, size_t n, int64_t now);

/* sched_probed notes that a probe took cost_ms. */
void sched_probed(struct sched *s, int64_t now, int64_t cost_ms);

/* sched_done sets when a task whose cycle has ended is due again: at the next
 * of its moments that is still to come; those that were missed are skipped.
 * Its moments depend on the unit's name alone, so that units spread. */
void sched_done(const struct sched *s, struct task *k, int64_t now);

#endif
