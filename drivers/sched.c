#include "drivers/sched.h"

enum { ONCE_RETRY_MS = 30000 };

/* Better is lower: what answers and is due, by its time; then the others. */
static bool
better(const struct choice *best, bool best_live, bool live, int64_t due,
    int64_t now)
{
	if (!best->unit)
		return true;
	if (live != best_live) {
		const int64_t oldest = now - SCHED_PATIENCE_MS;
		bool starved = (live ? best->wake : due) < oldest;

		return live != starved;
	}
	return due < best->wake;
}

/* The state of a scan: best->wake holds the due time of the best so far. */
struct scan {
	struct choice best;
	bool live;
	int64_t wake;
};

static void
offer(struct scan *s, struct unit *u, struct task *k, int64_t due, int64_t now)
{
	bool live = u->health.state == UNIT_ONLINE;

	if (due > now) {
		s->wake = due < s->wake ? due : s->wake;
		return;
	}
	if (!better(&s->best, s->live, live, due, now))
		return;
	s->best = (struct choice){ u, k, due };
	s->live = live;
}

static void
offer_unit(
    struct scan *scan, const struct sched *s, struct unit *u, int64_t now)
{
	if (u->n_tasks == 0)
		return;
	if (u->health.state == UNIT_OFFLINE) {
		int64_t due = u->health.probe_at;

		offer(scan, u, NULL,
		    due > s->probe_after ? due : s->probe_after, now);
		return;
	}
	for (size_t i = 0; i < u->n_tasks; i++)
		offer(scan, u, &u->tasks[i], u->tasks[i].due, now);
}

struct choice
sched_next(const struct sched *s, struct unit *units, size_t n, int64_t now)
{
	struct scan scan = { .wake = TASK_NEVER };

	for (size_t i = 0; i < n; i++)
		offer_unit(&scan, s, &units[i], now);
	scan.best.wake = scan.best.unit ? now : scan.wake;
	return scan.best;
}

void
sched_probed(struct sched *s, int64_t now, int64_t cost_ms)
{
	s->probe_after = now + cost_ms * (SCHED_OFFLINE_SHARE - 1);
}

/* FNV-1a */
static uint32_t
hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

void
sched_done(const struct sched *s, struct task *k, int64_t now)
{
	int64_t phase, since;

	if (k->interval_ms == 0) {
		k->due = k->unit->n_once ? now + ONCE_RETRY_MS : TASK_NEVER;
		return;
	}
	phase = hash(k->unit->name) % k->interval_ms;
	since = (now - s->epoch - phase) % k->interval_ms;
	if (since < 0)
		since += k->interval_ms;
	k->due = now - since + k->interval_ms;
}
