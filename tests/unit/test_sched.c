#include "drivers/health.h"
#include "drivers/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1000000, JITTER = HEALTH_JITTER / 2 };

static void
health_states(void **state)
{
	struct health h = { 0 };

	(void)state;
	assert_true(health_failed(&h, NOW, JITTER));
	assert_int_equal(h.state, UNIT_SUSPECT);
	assert_false(health_failed(&h, NOW, JITTER));
	assert_true(health_answered(&h));
	assert_int_equal(h.state, UNIT_ONLINE);
	assert_false(health_answered(&h));
	for (int i = 0; i < HEALTH_FAILS; i++)
		health_failed(&h, NOW, JITTER);
	assert_int_equal(h.state, UNIT_OFFLINE);
	assert_int_equal(h.probe_at, NOW + HEALTH_BACKOFF_MIN);
	assert_true(health_forget(&h));
	assert_int_equal(h.state, UNIT_UNKNOWN);
}

static void
health_backs_off(void **state)
{
	struct health h = { 0 };

	(void)state;
	health_offline(&h, NOW, 0);
	assert_in_range(
	    h.probe_at - NOW, HEALTH_BACKOFF_MIN * 9 / 10, HEALTH_BACKOFF_MIN);
	for (int i = 0; i < 20; i++)
		assert_false(health_failed(&h, NOW, HEALTH_JITTER - 1));
	assert_in_range(
	    h.probe_at - NOW, HEALTH_BACKOFF_MAX, HEALTH_BACKOFF_MAX / 10 * 11);
	health_answered(&h);
	health_offline(&h, NOW, JITTER);
	assert_int_equal(h.probe_at, NOW + HEALTH_BACKOFF_MIN);
}

/* Units of one task each. */
enum { UNITS = 3 };

struct plant {
	struct health h[UNITS];
	struct sched_unit u[UNITS];
	struct sched_task k[UNITS];
	struct sched s;
};

static void
plant_init(struct plant *p)
{
	static const char *const names[UNITS] = { "a", "b", "c" };

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < UNITS; i++) {
		p->h[i].state = UNIT_ONLINE;
		p->u[i].of = &p->h[i];
		p->u[i].health = &p->h[i];
		p->u[i].spread = sched_spread(names[i]);
		p->k[i] = (struct sched_task){ .unit = &p->u[i],
			.interval_ms = 1000,
			.due = NOW + 100,
			.began = SCHED_NEVER };
		sched_add(&p->s, &p->k[i]);
	}
}

static struct choice
next(struct plant *p)
{
	return sched_next(&p->s, false, false, NOW);
}

static void
earliest_deadline_first(void **state)
{
	struct plant p;
	struct choice c;

	(void)state;
	plant_init(&p);
	c = next(&p);
	assert_int_equal(c.what, SCHED_REST);
	assert_true(c.wake == NOW + 100);
	p.k[0].due = NOW - 5;
	p.k[1].due = NOW - 1;
	c = next(&p);
	assert_int_equal(c.what, SCHED_POLL);
	assert_ptr_equal(c.task, &p.k[0]);
	assert_true(p.k[0].began == NOW);
	/* a faster one passes a slower one that is due a little longer */
	p.k[0].interval_ms = 60000;
	assert_ptr_equal(next(&p).task, &p.k[1]);
	/* and what is read once comes after, but it comes */
	p.k[0].interval_ms = 0;
	assert_ptr_equal(next(&p).task, &p.k[1]);
	p.k[0].due = NOW - SCHED_ONCE_MS - 1000;
	assert_ptr_equal(next(&p).task, &p.k[0]);
	sched_fini(&p.s);
}

static void
living_first(void **state)
{
	struct plant p;
	struct choice c;

	(void)state;
	plant_init(&p);
	p.k[0].due = NOW - 500;
	p.h[0].state = UNIT_SUSPECT;
	p.k[2].due = NOW - 1;
	assert_ptr_equal(next(&p).task, &p.k[2]);
	p.k[0].due = NOW - SCHED_PATIENCE_MS - 1; /* but not for ever */
	c = next(&p);
	assert_int_equal(c.what, SCHED_PROBE);
	assert_ptr_equal(c.unit, &p.u[0]);
	assert_ptr_equal(c.task, &p.k[0]);
	/* nobody knows yet: asked for all it has */
	p.h[0].state = UNIT_UNKNOWN;
	assert_int_equal(next(&p).what, SCHED_POLL);
	sched_fini(&p.s);
}

/* One question is enough, of all classes that are due. */
static void
suspects_skip(void **state)
{
	struct plant p;

	(void)state;
	plant_init(&p);
	p.k[1].unit = &p.u[0];
	p.k[1].interval_ms = 5000;
	p.k[0].due = p.k[1].due = NOW - 500;
	sched_skip(&p.s, &p.u[0], NOW);
	assert_true(p.k[0].due > NOW);
	assert_true(p.k[1].due > NOW);
	assert_true(p.k[2].due == NOW + 100);
	sched_fini(&p.s);
}

static void
offline_share(void **state)
{
	struct plant p;
	struct choice c;

	(void)state;
	plant_init(&p);
	for (size_t i = 0; i < UNITS; i++)
		p.k[i].due = NOW + 60000;
	p.u[0].probe_ms = 500;
	p.h[0] = (struct health){ UNIT_OFFLINE, 3, 5000, NOW - 1 };
	c = next(&p);
	assert_int_equal(c.what, SCHED_PROBE);
	assert_ptr_equal(c.unit, &p.u[0]);
	assert_null(c.task);
	assert_true(c.room_ms == 60000);
	sched_probed(&p.s, NOW, 1000);
	c = next(&p);
	assert_int_equal(c.what, SCHED_REST);
	assert_true(c.wake == NOW + 9000);
	sched_fini(&p.s);
}

/* A probe waits until it disturbs nobody; in the end it goes all the same. */
static void
probes_find_room(void **state)
{
	struct plant p;
	struct choice c;

	(void)state;
	plant_init(&p);
	p.k[1].due = NOW + 300;
	p.k[2].due = NOW + 400;
	p.u[0].probe_ms = 500;
	p.h[0] = (struct health){ UNIT_OFFLINE, 3, 5000, NOW - 1 };
	c = next(&p);
	assert_int_equal(c.what, SCHED_REST);
	assert_true(c.wake == NOW + 300);
	p.k[1].due = NOW + 500;
	p.k[2].due = NOW + 600;
	c = next(&p);
	assert_int_equal(c.what, SCHED_PROBE);
	assert_true(c.room_ms == 500);
	p.k[1].due = NOW + 300;
	p.h[0].probe_at = NOW - SCHED_PATIENCE_MS - 1;
	assert_int_equal(next(&p).what, SCHED_PROBE);
	p.k[1].due = NOW - 1; /* after that which is due */
	assert_int_equal(next(&p).what, SCHED_POLL);
	p.h[0].probe_at = NOW - 2 * SCHED_PATIENCE_MS - 1;
	assert_int_equal(next(&p).what, SCHED_PROBE);
	sched_fini(&p.s);
}

static void
asks(void **state)
{
	struct plant p;

	(void)state;
	plant_init(&p);
	assert_int_equal(sched_next(&p.s, false, true, NOW).what, SCHED_BEHIND);
	p.k[0].due = NOW - 1;
	assert_int_equal(sched_next(&p.s, true, true, NOW).what, SCHED_ASK);
	/* behind: once at the begin, then a tenth of the time */
	assert_int_equal(sched_next(&p.s, false, true, NOW).what, SCHED_BEHIND);
	sched_behind_done(&p.s, NOW, 100);
	assert_int_equal(sched_next(&p.s, false, true, NOW).what, SCHED_POLL);
	assert_int_equal(
	    sched_next(&p.s, false, true, NOW + 899).what, SCHED_POLL);
	assert_int_equal(
	    sched_next(&p.s, false, true, NOW + 900).what, SCHED_BEHIND);
	p.k[0].due = NOW + 1;
	assert_int_equal(sched_next(&p.s, false, true, NOW).what, SCHED_BEHIND);
	sched_fini(&p.s);
}

/* Ends the cycle of p's first task, which began and was due then. */
static uint64_t
done(struct plant *p, int64_t due, int64_t began, int64_t now)
{
	uint64_t before = p->k[0].overruns;

	p->k[0].due = due;
	p->k[0].began = began;
	sched_done(&p->s, &p->k[0], false, now);
	assert_true(p->k[0].began == SCHED_NEVER);
	return p->k[0].overruns - before;
}

/* Skipped, not queued; always at the same moments. */
static void
keeps_phase(void **state)
{
	struct plant p;
	int64_t m;

	(void)state;
	plant_init(&p);
	p.s.epoch = 12345;
	assert_int_equal(done(&p, NOW, NOW, NOW + 1), 0);
	m = p.k[0].due;
	assert_in_range(m, NOW + 1, NOW + 1001);
	/* in time; a little late; later than the next */
	assert_int_equal(done(&p, m, m, m + 40), 0);
	assert_true(p.k[0].due == m + 1000);
	assert_int_equal(done(&p, m, m + 300, m + 999), 0);
	assert_true(p.k[0].due == m + 1000);
	/* the line was busy elsewhere: what passed before it began is read */
	assert_int_equal(done(&p, m, m + 7250, m + 7300), 7);
	assert_true(p.k[0].due == m + 8000);
	/* the cycle itself takes longer than its interval: on at once */
	assert_int_equal(done(&p, m, m, m + 1200), 0);
	assert_true(p.k[0].due == m + 1000);
	assert_int_equal(done(&p, m, m, m + 3200), 2);
	assert_true(p.k[0].due == m + 3000);
	/* asked for between two moments: that is none missed */
	assert_int_equal(done(&p, m + 500, m + 500, m + 600), 0);
	assert_true(p.k[0].due == m + 1000);
	assert_int_equal(done(&p, m + 900, m + 1050, m + 1100), 0);
	assert_true(p.k[0].due == m + 2000);
	sched_fini(&p.s);
}

/* 247 units' moments lie all over the interval, whatever it is. */
static void
spreads(void **state)
{
	static const int64_t intervals[] = { 1000, 5000, 10000, 60000 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		unsigned tenth[10] = { 0 };

		for (int unit = 1; unit <= 247; unit++) {
			char name[32];

			snprintf(name, sizeof(name), "meter%d", unit);
			tenth[sched_spread(name) % intervals[i] * 10 /
			    intervals[i]]++;
		}
		for (int j = 0; j < 10; j++)
			assert_in_range(tenth[j], 10, 42);
	}
}

static void
once(void **state)
{
	struct plant p;

	(void)state;
	plant_init(&p);
	p.k[0].interval_ms = 0;
	sched_done(&p.s, &p.k[0], true, NOW);
	assert_true(p.k[0].due == NOW + SCHED_ONCE_MS);
	sched_done(&p.s, &p.k[0], false, NOW);
	assert_true(p.k[0].due == SCHED_NEVER);
	sched_fini(&p.s);
}

static void
comes_and_goes(void **state)
{
	struct plant p;

	(void)state;
	plant_init(&p);
	p.k[1].due = NOW - 1;
	sched_remove(&p.s, &p.k[0]);
	assert_ptr_equal(next(&p).task, &p.k[1]);
	sched_remove(&p.s, &p.k[1]);
	sched_remove(&p.s, &p.k[1]);
	assert_int_equal(p.s.n, 1);
	sched_remove(&p.s, &p.k[2]);
	assert_int_equal(next(&p).what, SCHED_REST);
	assert_true(next(&p).wake == SCHED_NEVER);
	sched_fini(&p.s);
}

/* --- simulations: a line, its units, and a clock that jumps --- */

enum { SIM_UNITS = 300 };

struct sim_unit {
	struct health h;
	struct sched_unit u;
	struct sched_task k;
	bool dead;
	int64_t block_ms, timeout_ms; /* a timeout, silence after it included */
	unsigned blocks, at;
	int64_t last, widest, narrowest; /* between the ends of cycles */
	unsigned cycles, probes;
	int64_t probing_ms;
};

struct sim {
	struct sched s;
	struct sim_unit v[SIM_UNITS];
	size_t n;
	int64_t now, asked_ms;
	bool behind;
	unsigned behinds;
};

static struct sim sim;

static struct sim_unit *
sim_add(int64_t interval_ms, unsigned blocks, int64_t block_ms)
{
	struct sim_unit *v = &sim.v[sim.n++];
	char name[32];

	snprintf(name, sizeof(name), "unit%zu", sim.n);
	memset(v, 0, sizeof(*v));
	v->u = (struct sched_unit){
		.of = v, .health = &v->h, .spread = sched_spread(name)
	};
	v->k = (struct sched_task){ .of = v,
		.unit = &v->u,
		.interval_ms = interval_ms,
		.began = SCHED_NEVER };
	v->blocks = blocks;
	v->block_ms = block_ms;
	v->narrowest = INT64_MAX;
	sched_add(&sim.s, &v->k);
	return v;
}

static void
sim_cycle_done(struct sim_unit *v, int64_t from)
{
	int64_t gap = sim.now - v->last;

	sched_done(&sim.s, &v->k, false, sim.now);
	v->at = 0;
	if (v->last > from) {
		v->widest = gap > v->widest ? gap : v->widest;
		v->narrowest = gap < v->narrowest ? gap : v->narrowest;
	}
	v->last = sim.now;
	v->cycles++;
}

/* from: only later cycles count. */
static void
sim_poll(struct sim_unit *v, int64_t from)
{
	if (v->dead) {
		sim.now += v->timeout_ms;
		v->at = 0;
		health_failed(&v->h, sim.now, JITTER);
		sched_done(&sim.s, &v->k, false, sim.now);
		return;
	}
	sim.now += v->block_ms;
	health_answered(&v->h);
	if (++v->at >= v->blocks)
		sim_cycle_done(v, from);
}

static void
sim_probe(const struct choice *c)
{
	struct sim_unit *v = c->unit->of;
	int64_t cost = v->dead ? v->timeout_ms : v->block_ms;

	sim.now += cost;
	v->probes++;
	if (!v->dead) {
		health_answered(&v->h);
		v->k.due = sim.now;
	} else if (c->task) {
		health_failed(&v->h, sim.now, JITTER);
		sched_skip(&sim.s, &v->u, sim.now);
	} else {
		health_failed(&v->h, sim.now, JITTER);
		v->probing_ms += cost;
		sched_probed(&sim.s, sim.now, cost);
	}
}

static void
sim_run(int64_t until, int64_t from)
{
	while (sim.now < until) {
		struct choice c =
		    sched_next(&sim.s, false, sim.behind, sim.now);

		switch (c.what) {
		case SCHED_POLL:
			sim_poll(c.task->of, from);
			break;
		case SCHED_PROBE:
			sim_probe(&c);
			break;
		case SCHED_BEHIND:
			sim.now += 500;
			sim.asked_ms += 500;
			sim.behinds++;
			sched_behind_done(&sim.s, sim.now, 500);
			break;
		case SCHED_REST:
			assert_true(c.wake > sim.now);
			sim.now = c.wake < until ? c.wake : until;
			break;
		case SCHED_ASK:
			fail();
		}
	}
}

static void
sim_reset(void)
{
	sched_fini(&sim.s);
	memset(&sim, 0, sizeof(sim));
}

/* A dead unit with ten registers beside one that is read each second: once it
 * is known to be dead, the living one is on time, each time. */
static void
dead_neighbour(void **state)
{
	struct sim_unit *live, *dead;

	(void)state;
	sim_reset();
	live = sim_add(1000, 1, 40);
	dead = sim_add(1000, 1, 0);
	dead->dead = true;
	dead->timeout_ms = 700;
	dead->u.probe_ms = dead->timeout_ms;
	sim_run(600000, 10000);
	print_message("  live: %u cycles, %lld to %lld ms; dead: %u probes\n",
	    live->cycles, (long long)live->narrowest, (long long)live->widest,
	    dead->probes);
	assert_in_range(live->cycles, 590, 605);
	assert_in_range(live->narrowest, 900, 1000);
	assert_in_range(live->widest, 1000, 1100);
	assert_in_range(dead->probes, 5, 60);
	sched_fini(&sim.s);
}

/* The same with a timeout that fits nowhere: the mean holds. */
static void
dead_and_slow(void **state)
{
	struct sim_unit *live, *dead;

	(void)state;
	sim_reset();
	live = sim_add(1000, 2, 40);
	dead = sim_add(1000, 1, 0);
	dead->dead = true;
	dead->timeout_ms = 1250;
	dead->u.probe_ms = dead->timeout_ms;
	sim_run(600000, 10000);
	print_message("  live: %u cycles, up to %lld ms; dead: %u probes\n",
	    live->cycles, (long long)live->widest, dead->probes);
	assert_in_range(live->cycles, 540, 605);
	assert_in_range(dead->probes, 4, 60);
	sched_fini(&sim.s);
}

/* Forty dead ones take a tenth of the time together, and each is asked. */
static void
many_dead(void **state)
{
	struct sim_unit *live;
	int64_t probing = 0;

	(void)state;
	sim_reset();
	live = sim_add(1000, 2, 40);
	for (int i = 0; i < 40; i++) {
		struct sim_unit *v = sim_add(1000, 1, 0);

		v->dead = true;
		v->timeout_ms = 800;
		v->u.probe_ms = 800;
	}
	sim_run(3600000, 240000);
	for (size_t i = 1; i < sim.n; i++) {
		probing += sim.v[i].probing_ms;
		assert_true(sim.v[i].probes > 3);
	}
	print_message("  live: %u cycles, up to %lld ms; probing %lld ms\n",
	    live->cycles, (long long)live->widest, (long long)probing);
	assert_true(probing <= 3600000 / SCHED_SHARE);
	assert_in_range(live->widest, 1000, 1100);
	sched_fini(&sim.s);
}

/* A unit that comes back is found, and polled at once. */
static void
comes_back(void **state)
{
	struct sim_unit *live, *dead;

	(void)state;
	sim_reset();
	live = sim_add(1000, 1, 40);
	dead = sim_add(1000, 1, 40);
	dead->dead = true;
	dead->timeout_ms = 700;
	dead->u.probe_ms = dead->timeout_ms;
	sim_run(120000, 10000);
	assert_int_equal(dead->h.state, UNIT_OFFLINE);
	dead->dead = false;
	sim_run(240000, 10000);
	assert_int_equal(dead->h.state, UNIT_ONLINE);
	assert_true(dead->cycles > 20);
	assert_true(live->cycles > 230);
	sched_fini(&sim.s);
}

/* Twice as much as the line can do: no moment without work, nothing queues up,
 * all get their share, and it is counted. */
static void
overload(void **state)
{
	uint64_t overruns = 0;
	unsigned cycles = 0, least = UINT32_MAX;

	(void)state;
	sim_reset();
	for (int i = 0; i < 20; i++)
		sim_add(1000, 2, 50);
	sim_run(600000, 0);
	for (size_t i = 0; i < sim.n; i++) {
		const struct sim_unit *v = &sim.v[i];

		overruns += v->k.overruns;
		cycles += v->cycles;
		least = v->cycles < least ? v->cycles : least;
	}
	print_message("  %u cycles, %llu overruns\n", cycles,
	    (unsigned long long)overruns);
	assert_in_range(cycles, 5990, 6001);
	assert_in_range(overruns, 5900, 6020);
	assert_in_range(least, 280, 300);
	sched_fini(&sim.s);
}

/* Slow classes do not starve behind fast ones, nor asks behind polls. */
static void
nobody_starves(void **state)
{
	struct sim_unit *slow;

	(void)state;
	sim_reset();
	for (int i = 0; i < 12; i++)
		sim_add(1000, 1, 100);
	slow = sim_add(60000, 3, 100);
	sim.behind = true;
	sim_run(600000, 0);
	print_message("  slow: %u cycles; behind: %lld of 600000 ms\n",
	    slow->cycles, (long long)sim.asked_ms);
	assert_in_range(slow->cycles, 9, 11);
	assert_in_range(sim.asked_ms, 57000, 60500);
	sched_fini(&sim.s);
}

/* A cycle that takes a little longer than its interval goes on at once. */
static void
longer_than_its_interval(void **state)
{
	struct sim_unit *v;

	(void)state;
	sim_reset();
	v = sim_add(1000, 11, 100);
	sim_run(110000, 0);
	assert_in_range(v->cycles, 99, 100);
	sched_fini(&sim.s);
}

/* A probe for which there is no room goes all the same, in time. */
static void
wakes_for_patience(void **state)
{
	struct plant p;
	struct choice c;

	(void)state;
	plant_init(&p);
	for (size_t i = 0; i < UNITS; i++)
		p.k[i].due = NOW + 60000;
	health_offline(&p.h[0], NOW, JITTER);
	p.h[0].probe_at = NOW - 1000;
	p.u[0].probe_ms = 100000;
	c = next(&p);
	assert_int_equal(c.what, SCHED_REST);
	assert_int_equal(c.wake, NOW - 1000 + SCHED_PATIENCE_MS + 1);
	c = sched_next(&p.s, false, false, c.wake);
	assert_int_equal(c.what, SCHED_PROBE);
	sched_fini(&p.s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wakes_for_patience),
		cmocka_unit_test(health_states),
		cmocka_unit_test(health_backs_off),
		cmocka_unit_test(earliest_deadline_first),
		cmocka_unit_test(living_first),
		cmocka_unit_test(suspects_skip),
		cmocka_unit_test(offline_share),
		cmocka_unit_test(probes_find_room),
		cmocka_unit_test(asks),
		cmocka_unit_test(keeps_phase),
		cmocka_unit_test(spreads),
		cmocka_unit_test(once),
		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(dead_neighbour),
		cmocka_unit_test(dead_and_slow),
		cmocka_unit_test(many_dead),
		cmocka_unit_test(comes_back),
		cmocka_unit_test(overload),
		cmocka_unit_test(nobody_starves),
		cmocka_unit_test(longer_than_its_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
