/* Lines made at random, a simulated hour or so of each: what holds of all. */
#include "drivers/health.h"
#include "drivers/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	LINES = 40,
	UNITS = 12,
	CLASSES = 3,
	TIMEOUT_MS = 500,
	LENGTH_MS = 3600000,
	PROBE_MS = TIMEOUT_MS + 100, /* and the block before it */
};

struct unit {
	struct health health;
	struct sched_unit sched;
	bool dead;
};

struct task {
	struct sched_task sched;
	struct unit *unit;
	int64_t block_ms;
	unsigned blocks, at;
	uint64_t cycles;
	int64_t latest; /* begun after it was due */
};

struct sim {
	uint32_t seed;
	int64_t now;
	struct sched sched;
	struct unit units[UNITS];
	struct task tasks[UNITS * CLASSES];
	size_t n_units, n_tasks;
	double load; /* of the living */
	int64_t probing;
};

static unsigned
any(struct sim *s, unsigned below)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 17;
	s->seed ^= s->seed << 5;
	return s->seed % below;
}

static void
add_task(struct sim *s, struct unit *u, unsigned most_blocks)
{
	static const int64_t intervals[] = { 500, 1000, 5000, 10000, 60000 };
	struct task *k = &s->tasks[s->n_tasks++];

	*k = (struct task){ .unit = u,
		.block_ms = 5 + any(s, 60),
		.blocks = 1 + any(s, most_blocks) };
	k->sched = (struct sched_task){ .of = k,
		.unit = &u->sched,
		.interval_ms = intervals[any(s, 5)],
		.due = s->now,
		.began = SCHED_NEVER };
	sched_add(&s->sched, &k->sched);
	if (!u->dead)
		s->load += (double)(k->block_ms * k->blocks) /
		    (double)k->sched.interval_ms;
}

static void
make(struct sim *s, uint32_t seed, unsigned dead_in_ten, double most_load)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->now = 1000000 + any(s, 1000000);
	s->sched.epoch = s->now - any(s, 100000);
	s->n_units = 1 + any(s, UNITS);
	for (size_t i = 0; i < s->n_units; i++) {
		struct unit *u = &s->units[i];
		char name[16];

		snprintf(name, sizeof(name), "unit%u", any(s, 1000));
		u->dead = any(s, 10) < dead_in_ten;
		u->sched = (struct sched_unit){ .of = u,
			.health = &u->health,
			.spread = sched_spread(name),
			.probe_ms = TIMEOUT_MS + 30 };
		for (unsigned n = 1 + any(s, CLASSES); n > 0; n--)
			if (s->load < most_load)
				add_task(s, u, 5);
	}
}

/* How many moments of t lie in (from, to]. */
static int64_t
moments(
    const struct sim *s, const struct sched_task *t, int64_t from, int64_t to)
{
	int64_t first = s->sched.epoch + t->unit->spread % t->interval_ms;
	int64_t n = 0;

	first += (from - first) / t->interval_ms * t->interval_ms;
	for (first -= t->interval_ms; first <= to; first += t->interval_ms)
		n += first > from;
	return n;
}

static void
end_cycle(struct sim *s, struct task *k)
{
	struct sched_task *t = &k->sched;
	int64_t due = t->due, began = t->began;
	uint64_t before = t->overruns;
	int64_t passed = moments(s, t, due, began);
	int64_t meanwhile = moments(s, t, began, s->now);
	int64_t skipped = meanwhile > 1 ? meanwhile - 1 : 0;

	/* The one that the cycle began for was due itself, or, when all was due
	 * at the start, the last of those that passed. */
	if (moments(s, t, due - 1, due) == 1)
		skipped += passed;
	else
		skipped += passed > 0 ? passed - 1 : 0;
	sched_done(&s->sched, t, false, s->now);
	assert_int_equal(t->overruns - before, skipped);
	assert_int_equal(moments(s, t, t->due - 1, t->due), 1);
	assert_int_equal(
	    moments(s, t, s->now, t->due), t->due > s->now ? 1 : 0);
	k->cycles++;
}

static void
poll(struct sim *s, struct task *k)
{
	struct unit *u = k->unit;

	assert_true(k->sched.due <= s->now);
	if (k->at == 0 && s->now - k->sched.due > k->latest)
		k->latest = s->now - k->sched.due;
	if (u->dead) {
		s->now += TIMEOUT_MS;
		health_failed(&u->health, s->now, any(s, HEALTH_JITTER));
		sched_skip(&s->sched, &u->sched, s->now);
		return;
	}
	s->now += k->block_ms;
	health_answered(&u->health);
	if (++k->at < k->blocks)
		return;
	k->at = 0;
	end_cycle(s, k);
}

static void
probe(struct sim *s, const struct choice *c)
{
	struct unit *u = c->unit->of;
	bool offline = u->health.state == UNIT_OFFLINE;

	assert_true(u->dead);
	s->now += TIMEOUT_MS;
	health_failed(&u->health, s->now, any(s, HEALTH_JITTER));
	if (!offline) {
		sched_skip(&s->sched, &u->sched, s->now);
		return;
	}
	sched_probed(&s->sched, s->now, TIMEOUT_MS);
	s->probing += TIMEOUT_MS;
}

static void
run(struct sim *s, int64_t length_ms)
{
	int64_t end = s->now + length_ms;

	while (s->now < end) {
		struct choice c = sched_next(&s->sched, false, false, s->now);

		switch (c.what) {
		case SCHED_REST:
			assert_true(c.wake > s->now);
			s->now = c.wake < end ? c.wake : end;
			break;
		case SCHED_POLL:
			poll(s, c.task->of);
			break;
		case SCHED_PROBE:
			probe(s, &c);
			break;
		case SCHED_ASK:
		case SCHED_BEHIND:
			fail();
		}
	}
}

/* At first nobody knows who lives; that does not count here. */
static void
warm_up(struct sim *s)
{
	run(s, LENGTH_MS / 10);
	for (size_t i = 0; i < s->n_tasks; i++)
		s->tasks[i].latest = 0;
	s->probing = 0;
}

/* Nothing is later than its next moment, but for one probe of a dead unit; of
 * a line that has too much to do, twice as many moments as it has too much. */
static void
check_line(uint32_t seed, unsigned dead_in_ten, double most_load)
{
	struct sim s;
	double slower;

	make(&s, seed, dead_in_ten, most_load);
	slower = s.load < 0.8 ? 1 : 2 * s.load;
	warm_up(&s);
	run(&s, LENGTH_MS);
	for (size_t i = 0; i < s.n_tasks; i++) {
		struct task *k = &s.tasks[i];
		int64_t patience =
		    (int64_t)((double)k->sched.interval_ms * slower);

		if (k->unit->dead)
			continue;
		assert_in_range(k->latest, 0, patience + PROBE_MS);
		assert_true(k->cycles > 0);
	}
	assert_true(s.probing <= LENGTH_MS / SCHED_SHARE + TIMEOUT_MS);
	sched_fini(&s.sched);
}

static void
lines_with_time_to_spare(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= LINES; seed++)
		check_line(seed * 7919, seed % 5, 0.5);
}

static void
overloaded_lines(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= LINES; seed++)
		check_line(seed * 104729, seed % 4, 4.0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_with_time_to_spare),
		cmocka_unit_test(overloaded_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
