#include "drivers/sched.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

enum { LAST_PATIENCE_MS = 2 * SCHED_PATIENCE_MS };

/* FNV-1a, its bits mixed so that the remainder by any interval spreads */
uint32_t
sched_spread(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	h = (h ^ h >> 16) * 0x85ebca6bu;
	return h ^ h >> 13;
}

void
sched_add(struct sched *s, struct sched_task *t)
{
	s->tasks = mem_grow(s->tasks, s->n, &s->cap, sizeof(*s->tasks));
	s->tasks[s->n++] = t;
}

void
sched_remove(struct sched *s, const struct sched_task *t)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i] != t)
			continue;
		s->tasks[i] = s->tasks[--s->n];
		return;
	}
}

void
sched_fini(struct sched *s)
{
	free(s->tasks);
	memset(s, 0, sizeof(*s));
}

/* What a look at all tasks has found.  There are a few hundred at most on a
 * line, and each look is followed by a frame that takes a thousand times as
 * long. */
struct scan {
	int64_t now;
	struct sched_task *live, *suspect; /* of the earliest deadline */
	struct sched_task *offline;        /* of the unit to probe first */
	int64_t probe_at;                  /* of offline */
	int64_t next_live, next_other;     /* the next moment to come */
};

static int64_t
deadline(const struct sched_task *t)
{
	return t->due + (t->interval_ms > 0 ? t->interval_ms : SCHED_ONCE_MS);
}

static void
earlier(struct sched_task **best, struct sched_task *t)
{
	if (!*best || deadline(t) < deadline(*best))
		*best = t;
}

static void
least(int64_t *best, int64_t v)
{
	if (v < *best)
		*best = v;
}

static void
look_at_offline(struct scan *c, const struct sched *s, struct sched_task *t)
{
	int64_t at = t->unit->health->probe_at;

	if (at < s->probe_after)
		at = s->probe_after;
	if (at > c->now) {
		least(&c->next_other, at);
	} else if (!c->offline || at < c->probe_at) {
		c->offline = t;
		c->probe_at = at;
	}
}

static void
look_at(struct scan *c, const struct sched *s, struct sched_task *t)
{
	enum unit_state state = t->unit->health->state;

	if (state == UNIT_OFFLINE)
		look_at_offline(c, s, t);
	else if (state == UNIT_ONLINE && t->due > c->now)
		least(&c->next_live, t->due);
	else if (state == UNIT_ONLINE)
		earlier(&c->live, t);
	else if (t->due > c->now)
		least(&c->next_other, t->due);
	else
		earlier(&c->suspect, t);
}

static struct choice
choose(enum sched_what what, struct sched_task *t)
{
	return (struct choice){ .what = what, .unit = t->unit, .task = t };
}

/* A unit that was never asked gets its whole cycle, one that has failed a
 * question first. */
static struct choice
choose_suspect(struct sched_task *t)
{
	return choose(
	    t->unit->health->state == UNIT_SUSPECT ? SCHED_PROBE : SCHED_POLL,
	    t);
}

static struct choice
choose_probe(struct sched_task *t)
{
	struct choice c = choose(SCHED_PROBE, t);

	c.task = NULL;
	return c;
}

/* What is due, of those that do not answer: only when none that does is, or
 * after a long wait; and a probe where it disturbs nobody, or after one. */
static bool
may_probe(const struct scan *c, int64_t room)
{
	int64_t waits = c->now - c->probe_at;

	if (!c->offline)
		return false;
	if (c->live)
		return waits > LAST_PATIENCE_MS;
	return room >= c->offline->unit->probe_ms || waits > SCHED_PATIENCE_MS;
}

static bool
may_try(const struct scan *c)
{
	if (!c->suspect)
		return false;
	return !c->live || c->now - c->suspect->due > SCHED_PATIENCE_MS;
}

static struct choice
choose_poll(const struct scan *c, int64_t room, bool behind)
{
	if (may_try(c))
		return choose_suspect(c->suspect);
	if (may_probe(c, room))
		return choose_probe(c->offline);
	if (c->live)
		return choose(SCHED_POLL, c->live);
	if (behind)
		return (struct choice){ .what = SCHED_BEHIND };
	return (struct choice){ .what = SCHED_REST };
}

/* When to look again: a probe that waits for room gets it after the next live
 * cycle, or by patience. */
static int64_t
wake_of(const struct scan *c)
{
	int64_t wake = c->next_live;

	least(&wake, c->next_other);
	if (c->offline)
		least(&wake, c->probe_at + SCHED_PATIENCE_MS + 1);
	return wake;
}

struct choice
sched_next(const struct sched *s, bool asks, bool behind, int64_t now)
{
	struct scan scan = {
		.now = now, .next_live = SCHED_NEVER, .next_other = SCHED_NEVER
	};
	struct choice c = { .what = SCHED_ASK };
	int64_t room;

	if (asks)
		return c;
	for (size_t i = 0; i < s->n; i++)
		look_at(&scan, s, s->tasks[i]);
	room = scan.live ? 0 : scan.next_live;
	if (room != SCHED_NEVER && !scan.live)
		room -= now;
	if (behind && now >= s->behind_after)
		c.what = SCHED_BEHIND;
	else
		c = choose_poll(&scan, room, behind);
	c.room_ms = room;
	c.wake = c.what == SCHED_REST ? wake_of(&scan) : now;
	if (c.what == SCHED_POLL && c.task->began == SCHED_NEVER)
		c.task->began = now;
	return c;
}

void
sched_skip(struct sched *s, const struct sched_unit *u, int64_t now)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i]->unit == u && s->tasks[i]->due <= now)
			sched_done(s, s->tasks[i], true, now);
	}
}

void
sched_probed(struct sched *s, int64_t now, int64_t cost_ms)
{
	s->probe_after = now + cost_ms * (SCHED_SHARE - 1);
}

void
sched_behind_done(struct sched *s, int64_t now, int64_t cost_ms)
{
	s->behind_after = now + cost_ms * (SCHED_SHARE - 1);
}

/* How many moments lie in (-inf, at], from some fixed one on. */
static int64_t
moments(const struct sched *s, const struct sched_task *t, int64_t at)
{
	int64_t phase = t->unit->spread % t->interval_ms;
	int64_t since = at - s->epoch - phase;
	int64_t n = since / t->interval_ms;

	return since % t->interval_ms < 0 ? n - 1 : n;
}

static int64_t
moment(const struct sched *s, const struct sched_task *t, int64_t n)
{
	return s->epoch + t->unit->spread % t->interval_ms + n * t->interval_ms;
}

/* The cycle has served all moments until it began, and of those that passed
 * since then only the last is still worth a cycle.  A task that was due between
 * two moments has not missed the one after. */
void
sched_done(const struct sched *s, struct sched_task *t, bool again, int64_t now)
{
	int64_t began = t->began < now ? t->began : now, served, due, missed;

	t->began = SCHED_NEVER;
	if (t->interval_ms == 0) {
		t->due = again ? now + SCHED_ONCE_MS : SCHED_NEVER;
		return;
	}
	served = moments(s, t, began);
	due = moments(s, t, t->due);
	missed = served - due;
	if (missed > 0 && moment(s, t, due) != t->due)
		missed--;
	if (moments(s, t, now) > served) {
		missed += moments(s, t, now) - served - 1;
		served = moments(s, t, now) - 1;
	}
	t->overruns += missed > 0 ? (uint64_t)missed : 0;
	t->due = moment(s, t, served + 1);
}
