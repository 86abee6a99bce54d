/* How long to wait before the next attempt to connect: doubling, with jitter,
 * so that a hundred gateways do not come back in the same second. */
#ifndef XMPP_BACKOFF_H
#define XMPP_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BACKOFF_FIRST_MS = 500,
	BACKOFF_LAST_MS = 60000,
	BACKOFF_PROVEN_MS = 30000, /* online for so long: start over */
	/* A server that ends loses all of its gateways at once. */
	BACKOFF_SPREAD_MS = 10000,
	BACKOFF_RANDOM = 1001, /* jitter is 0..BACKOFF_RANDOM-1 */
};

/* Zero-initialised is fresh. */
struct backoff {
	int64_t step_ms;
	bool spread; /* the next delay is the first after a proven connection */
};

/* backoff_next returns the next delay, its step plus or minus half of it, and
 * doubles the step; after a proven connection, half of the first step and up to
 * BACKOFF_SPREAD_MS more, where the steps then begin.  jitter is random,
 * 0..BACKOFF_RANDOM-1. */
int64_t backoff_next(struct backoff *b, uint32_t jitter);

/* backoff_was_online starts over when the connection had held long enough. */
void backoff_was_online(struct backoff *b, int64_t online_ms);

#endif
