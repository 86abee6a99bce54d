/* Whether a unit answers: its state, and when one that does not is asked again.
 * Pure: the caller knows the time. */
#ifndef DRIVERS_HEALTH_H
#define DRIVERS_HEALTH_H

#include "drivers/reading.h"

#include <stdbool.h>
#include <stdint.h>

/*
 *              answer                    3 failed cycles in a row
 *   UNKNOWN ───────────► ONLINE ──fail──► SUSPECT ──────────────► OFFLINE
 *      └──fail──► SUSPECT  ▲                 │ answer                │
 *                          └─────────────────┴──── answer to a probe ┘
 */
struct health {
	enum unit_state state;
	unsigned fails;     /* cycles without any answer, in a row */
	int64_t backoff_ms; /* OFFLINE: between probes */
	int64_t probe_at;   /* OFFLINE: when the next is due */
};

enum {
	HEALTH_FAILS = 3,
	HEALTH_BACKOFF_MIN = 5000,
	HEALTH_BACKOFF_MAX = 15 * 60 * 1000,
	HEALTH_JITTER = 1000, /* jitter is below it */
};

/* Each returns whether the state changed.  jitter, random, spreads probes. */
bool health_answered(struct health *h);
bool health_failed(struct health *h, int64_t now, uint32_t jitter);
bool health_offline(struct health *h, int64_t now, uint32_t jitter);
bool health_forget(struct health *h);

/* health_faulty is for a unit that answers, but only to say that it fails. */
bool health_faulty(struct health *h);

const char *health_word(enum unit_state s);

#endif
