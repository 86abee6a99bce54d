#include "xmpp/backoff.h"

/* The first attempt after an outage is one of many, and so are those after it:
 * their steps go on from that spread. */
int64_t
backoff_next(struct backoff *b, uint32_t jitter)
{
	int64_t step = b->step_ms ? b->step_ms : BACKOFF_FIRST_MS;
	int64_t least = step / 2;

	if (b->spread) {
		least = BACKOFF_FIRST_MS / 2;
		step = BACKOFF_SPREAD_MS;
	}
	b->step_ms = b->spread ? step : step * 2;
	if (b->step_ms > BACKOFF_LAST_MS)
		b->step_ms = BACKOFF_LAST_MS;
	b->spread = false;
	return least + step * jitter / (BACKOFF_RANDOM - 1);
}

void
backoff_was_online(struct backoff *b, int64_t online_ms)
{
	b->spread = online_ms >= BACKOFF_PROVEN_MS;
	if (b->spread)
		b->step_ms = 0;
}
