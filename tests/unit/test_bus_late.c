/* Buses against devices whose answers come late, and are taken for no other's.
 */
#include "aside.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

/* Answers correctly, but often after the timeout, and at times after the
 * silence that follows it. */
static void
answers_late(struct ask *a, void *arg)
{
	static const int delays[] = { 0, 0, 130, 0, 290, 0, 0, 190, 160, 0, 320,
		0, 0, 270, 350, 0, 230 };

	(void)arg;
	a->delay_ms = delays[a->number % (sizeof(delays) / sizeof(delays[0]))];
}

static void
late(int type)
{
	struct rig r = { 0 };
	struct drv_stats st;

	device_init(&r.dev, N_FIELDS, 10, 100);
	rig_start(&r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(answers_late, NULL)
				   : slave_pty(answers_late, NULL),
	    2);
	listen_for(&r, 6000);
	drv_bus_stats(r.bus, &st);
	print_message("  good %u bad %u late %llu timeouts %llu\n",
	    r.heard[0].good, r.heard[0].bad, (unsigned long long)st.late,
	    (unsigned long long)st.timeouts);
	assert_int_equal(r.heard[0].wrong + r.heard[1].wrong, 0);
	assert_true(r.heard[0].good > 20);
	assert_true(st.late > 0);
	assert_true(st.timeouts > 0);
	rig_stop(&r);
}

static void
late_tcp(void **state)
{
	(void)state;
	late(BUS_MODBUS_TCP);
}

static void
late_rtu(void **state)
{
	(void)state;
	late(BUS_MODBUS_RTU);
}

/* Each answer comes one request too late, however long one waits. */
static void
answers_shifted(struct ask *a, void *arg)
{
	uint16_t *before = arg;

	a->first = a->number ? *before : a->addr;
	*before = a->addr;
	a->delay_ms = a->number == 0 ? -1 : 0;
}

static void
shifted_rtu(void **state)
{
	struct rig r = { 0 };
	uint16_t before = 0;

	(void)state;
	device_init(&r.dev, 1, 1, 100);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(answers_shifted, &before), 1);
	listen_for(&r, 1500);
	assert_int_equal(r.heard[0].wrong, 0);
	rig_stop(&r);
}

/* A device that answers in order, but falls asleep: from number 20 on, the
 * first request for addr is answered wait + 1 of its requests later. */
struct sleeper {
	uint16_t addr; /* of the request that is held back */
	uint8_t unit;  /* 0: any */
	unsigned wait; /* requests of that unit that stay silent after it */
	unsigned asked;
	struct ask held;
};

static void
sleeps(struct ask *a, void *arg)
{
	struct sleeper *s = arg;

	if (a->number < 20 || (s->unit && a->unit != s->unit))
		return;
	if (s->asked == 0 && a->addr != s->addr)
		return;
	s->asked++;
	if (s->asked == 1)
		s->held = *a;
	if (s->asked <= s->wait + 1) {
		a->delay_ms = -1;
	} else if (s->asked == s->wait + 2) {
		a->first = s->held.addr;
		a->count = s->held.count;
	}
}

static void
falls_asleep(struct sleeper s, size_t n_units)
{
	struct rig r = { 0 };

	device_init(&r.dev, 3, 10, 60);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(sleeps, &s), n_units);
	listen_for(&r, 2500);
	rig_stop(&r); /* and with it the device's thread */
	assert_true(s.asked > s.wait + 2);
	assert_int_equal(r.heard[0].wrong + r.heard[1].wrong, 0);
	assert_true(r.heard[0].good > 10);
}

/* What is asked to make sure is not answered either. */
static void
sleeps_long_rtu(void **state)
{
	(void)state;
	falls_asleep((struct sleeper){ .addr = 10, .wait = 1 }, 1);
	falls_asleep((struct sleeper){ .addr = 10, .wait = 2 }, 1);
}

/* Another unit's answer says nothing about this one's. */
static void
sleeps_aside_rtu(void **state)
{
	(void)state;
	falls_asleep((struct sleeper){ .addr = 20, .unit = 1 }, 2);
}

/* --- a line that another had before --- */

enum { HASTE_MS = 200 };

/* Answers the first request late; the others wait behind it. */
struct slow {
	int late_ms;
	atomic_size_t asked;
};

static void
slow_once(struct ask *a, void *arg)
{
	struct slow *s = arg;

	if (a->number == 0)
		a->delay_ms = s->late_ms;
	atomic_fetch_add(&s->asked, 1);
}

/* A bus that is stopped with its first request on its way, as by a reload or
 * the end of a daemon.  The next one's is alike, for another register. */
static void
handed_over(int late_ms)
{
	struct slow s = { .late_ms = late_ms };
	struct rig r = { 0 };

	device_init(&r.dev, 1, 1, HASTE_MS);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(slow_once, &s), 1);
	while (atomic_load(&s.asked) == 0)
		listen_for(&r, 1);
	drv_bus_stop(r.bus);
	listen_for(&r, 1);
	assert_int_equal(r.heard[0].good, 0);
	r.dev.fields[0].addr = 30;
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	for (int i = 0; i < 1000 && r.heard[0].good == 0; i++)
		listen_for(&r, 10);
	listen_for(&r, 300);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_true(r.heard[0].good > 0);
	rig_stop(&r);
}

static void
handed_over_rtu(void **state)
{
	(void)state;
	handed_over(HASTE_MS * 5 / 4);
	handed_over(HASTE_MS * 3 / 2);
	handed_over(HASTE_MS * 7 / 4);
}

/* When the silence before the first request is over. */
static void
handed_over_late_rtu(void **state)
{
	(void)state;
	handed_over(HASTE_MS * 2);
	handed_over(HASTE_MS * 3);
	handed_over(HASTE_MS * 9 / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_tcp),
		cmocka_unit_test(late_rtu),
		cmocka_unit_test(sleeps_long_rtu),
		cmocka_unit_test(sleeps_aside_rtu),
		cmocka_unit_test(shifted_rtu),
		cmocka_unit_test(handed_over_rtu),
		cmocka_unit_test(handed_over_late_rtu),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
