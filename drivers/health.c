#include "drivers/health.h"

static bool
enter(struct health *h, enum unit_state s)
{
	bool changed = h->state != s;

	h->state = s;
	return changed;
}

bool
health_answered(struct health *h)
{
	h->fails = 0;
	h->backoff_ms = 0;
	return enter(h, UNIT_ONLINE);
}

/* Doubles the pause between probes, give or take a tenth. */
bool
health_offline(struct health *h, int64_t now, uint32_t jitter)
{
	int64_t spread;

	h->backoff_ms = h->backoff_ms ? h->backoff_ms * 2 : HEALTH_BACKOFF_MIN;
	if (h->backoff_ms > HEALTH_BACKOFF_MAX)
		h->backoff_ms = HEALTH_BACKOFF_MAX;
	spread = h->backoff_ms / 5 * (int64_t)jitter / HEALTH_JITTER;
	h->probe_at = now + h->backoff_ms - h->backoff_ms / 10 + spread;
	return enter(h, UNIT_OFFLINE);
}

bool
health_failed(struct health *h, int64_t now, uint32_t jitter)
{
	h->fails++;
	if (h->state == UNIT_OFFLINE || h->fails >= HEALTH_FAILS)
		return health_offline(h, now, jitter);
	return enter(h, UNIT_SUSPECT);
}

bool
health_forget(struct health *h)
{
	h->fails = 0;
	h->backoff_ms = 0;
	return enter(h, UNIT_UNKNOWN);
}

bool
health_faulty(struct health *h)
{
	h->fails = 0;
	h->backoff_ms = 0;
	return enter(h, UNIT_SUSPECT);
}

const char *
health_word(enum unit_state s)
{
	static const char *const words[] = { [UNIT_UNKNOWN] = "unknown",
		[UNIT_ONLINE] = "online",
		[UNIT_SUSPECT] = "suspect",
		[UNIT_OFFLINE] = "offline" };

	return words[s];
}
