#include "drivers/health.h"
#include "drivers/sched.h"

#include <setjmp.h>
#include <stdarg.h>
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

static char name_a[] = "a", name_b[] = "b", name_c[] = "c";

/* Three units of one task each. */
struct three {
	struct unit u[3];
	struct task k[3];
	struct sched s;
};

static void
three_init(struct three *t)
{
	static char *const names[] = { name_a, name_b, name_c };

	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < 3; i++) {
		t->u[i].name = names[i];
		t->u[i].tasks = &t->k[i];
		t->u[i].n_tasks = 1;
		t->u[i].health.state = UNIT_ONLINE;
		t->k[i].unit = &t->u[i];
		t->k[i].interval_ms = 1000;
		t->k[i].due = NOW + 100;
	}
}

static const struct unit *
next(struct three *t)
{
	return sched_next(&t->s, t->u, 3, NOW).unit;
}

static void
earliest_first(void **state)
{
	struct three t;
	struct choice c;

	(void)state;
	three_init(&t);
	c = sched_next(&t.s, t.u, 3, NOW);
	assert_null(c.unit);
	assert_int_equal(c.wake, NOW + 100);
	t.k[0].due = NOW - 1;
	t.k[1].due = NOW - 5;
	assert_ptr_equal(next(&t), &t.u[1]);
}

static void
living_first(void **state)
{
	struct three t;

	(void)state;
	three_init(&t);
	t.k[0].due = NOW - 500;
	t.u[0].health.state = UNIT_SUSPECT;
	t.k[2].due = NOW - 1;
	assert_ptr_equal(next(&t), &t.u[2]);
	t.k[0].due = NOW - SCHED_PATIENCE_MS - 1; /* but not for ever */
	assert_ptr_equal(next(&t), &t.u[0]);
}

static void
offline_share(void **state)
{
	struct three t;
	struct choice c;

	(void)state;
	three_init(&t);
	for (size_t i = 0; i < 3; i++)
		t.k[i].due = NOW + 60000;
	t.u[0].health = (struct health){ UNIT_OFFLINE, 3, 5000, NOW - 1 };
	c = sched_next(&t.s, t.u, 3, NOW);
	assert_ptr_equal(c.unit, &t.u[0]);
	assert_null(c.task);
	sched_probed(&t.s, NOW, 1000);
	c = sched_next(&t.s, t.u, 3, NOW);
	assert_null(c.unit);
	assert_int_equal(c.wake, NOW + 9000);
}

/* Skipped, not queued; always at the same moments. */
static void
keeps_phase(void **state)
{
	struct three t;
	int64_t first;

	(void)state;
	three_init(&t);
	t.s.epoch = 12345;
	sched_done(&t.s, &t.k[0], NOW);
	first = t.k[0].due;
	assert_in_range(first, NOW + 1, NOW + 1000);
	sched_done(&t.s, &t.k[0], first);
	assert_int_equal(t.k[0].due, first + 1000);
	sched_done(&t.s, &t.k[0], first + 7300);
	assert_int_equal(t.k[0].due, first + 8000);
	sched_done(&t.s, &t.k[1], NOW);
	assert_int_not_equal(t.k[1].due % 1000, first % 1000);
}

static void
once(void **state)
{
	struct three t;

	(void)state;
	three_init(&t);
	t.k[0].interval_ms = 0;
	t.u[0].n_once = 1;
	sched_done(&t.s, &t.k[0], NOW);
	assert_in_range(t.k[0].due, NOW + 1000, NOW + 60000);
	t.u[0].n_once = 0;
	sched_done(&t.s, &t.k[0], NOW);
	assert_true(t.k[0].due == TASK_NEVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health_states),
		cmocka_unit_test(health_backs_off),
		cmocka_unit_test(earliest_first),
		cmocka_unit_test(living_first),
		cmocka_unit_test(offline_share),
		cmocka_unit_test(keeps_phase),
		cmocka_unit_test(once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
