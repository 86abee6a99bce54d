#include "xmpp/backoff.h"

int64_t
backoff_next(struct backoff *b, uint32_t jitter)
{
	int64_t step = b->step_ms ? b->step_ms : BACKOFF_FIRST_MS;

	b->step_ms = step * 2;
	if (b->step_ms > BACKOFF_LAST_MS)
		b->step_ms = BACKOFF_LAST_MS;
	return step / 2 + step * jitter / (BACKOFF_RANDOM - 1);
}

void
backoff_was_online(struct backoff *b, int64_t online_ms)
{
	if (online_ms >= BACKOFF_PROVEN_MS)
		b->step_ms = 0;
}
