/* Buses against devices whose answers come late, and are taken for no other's.
 */
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_tcp),
		cmocka_unit_test(late_rtu),
		cmocka_unit_test(sleeps_long_rtu),
		cmocka_unit_test(sleeps_aside_rtu),
		cmocka_unit_test(shifted_rtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
