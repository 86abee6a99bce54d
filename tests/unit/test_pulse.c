/* Controls that are set for a time. */
#include "aside.h"
#include "field_controls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

static void
may_be_silent(struct ask *a, void *arg)
{
	atomic_bool *silent = arg;

	if (a->unit == 1 && atomic_load(silent))
		a->delay_ms = -1;
}

static void
pulse(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	ask.pulse_ms = 400;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	assert_int_equal(write_it(&r, ask).result, OK);
	listen_for(&r, 200);
	assert_int_equal(slave_stored(r.slave, 1, 101), 1);
	listen_for(&r, 300);
	assert_int_equal(slave_stored(r.slave, 1, 101), 0);
	assert_int_equal(r.n_answers, 1);

	rig_stop(&r);
}

/* It ends early when the bus does. */
static void
pulse_stopped(void **state)
{
	static const int types[] = { BUS_MODBUS_TCP, BUS_MODBUS_RTU };
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	ask.pulse_ms = 2000;
	for (size_t i = 0; i < 2; i++) {
		begin(&r, answers_all, NULL, types[i]);
		assert_int_equal(write_it(&r, ask).result, OK);
		drv_bus_stop(r.bus);
		r.bus = NULL;
		usleep(20000);
		assert_int_equal(slave_stored(r.slave, 1, 101), 0);
		rig_stop(&r);
	}
}

/* A peer that ends connections: idle ones, and that of the first request which
 * sets the pulse back. */
struct ends {
	int idle_ms;
	unsigned to_lose;
};

static void
ends_connections(struct ask *a, void *arg)
{
	struct ends *e = arg;

	a->idle_ms = e->idle_ms;
	if (a->function != 5 || a->value != 0 || e->to_lose == 0)
		return;
	e->to_lose--;
	a->ignore = true;
	a->hang_up = true;
}

/* The device is connected to once more to end it, though the bus stops. */
static void
pulse_stopped_without_connection(void **state)
{
	static const struct ends cases[] = { { 100, 0 }, { 0, 1 } };
	struct drv_ask ask = on_off(PULSED, true);

	(void)state;
	ask.pulse_ms = 2000;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ends ends = cases[i];
		struct rig r = { 0 };

		plant(&r.dev);
		r.any_value = true;
		r.dev.polls[0].ms = 3600000;
		rig_start(
		    &r, BUS_MODBUS_TCP, slave_tcp(ends_connections, &ends), 1);
		listen_for(&r, 80);
		assert_int_equal(write_it(&r, ask).result, OK);
		listen_for(&r, 300);
		drv_bus_stop(r.bus);
		r.bus = NULL;
		assert_int_equal(slave_stored(r.slave, 1, 101), 0);
		rig_stop(&r);
	}
}

/* A device that does not answer does not keep the bus from stopping. */
static void
pulses_stopped_in_vain(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	atomic_bool silent = false;
	struct rig r;
	int64_t start;

	(void)state;
	begin(&r, may_be_silent, &silent, BUS_MODBUS_RTU);
	allow_pulse(&r, RELAY);
	allow_pulse(&r, BITS);
	ask.pulse_ms = 2000;
	for (size_t i = 0; i < 3; i++) {
		static const uint16_t which[] = { PULSED, RELAY, BITS };

		ask.control = which[i];
		ask.to.type = i < 2 ? VALUE_BOOL : VALUE_NUM;
		ask.to.num.mant = 5;
		assert_int_equal(write_it(&r, ask).result, OK);
	}
	atomic_store(&silent, true);
	start = clock_mono(&clock_system);
	drv_bus_stop(r.bus);
	r.bus = NULL;
	assert_true(clock_mono(&clock_system) - start < 1500);
	rig_stop(&r);
}

/* A short pulse does not wait for a long one of the same device. */
static void
pulses_side_by_side(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	allow_pulse(&r, RELAY);
	ask.control = RELAY;
	ask.pulse_ms = 3000;
	assert_int_equal(write_it(&r, ask).result, OK);
	ask.control = PULSED;
	ask.pulse_ms = 200;
	assert_int_equal(write_it(&r, ask).result, OK);
	listen_for(&r, 400);
	assert_int_equal(slave_stored(r.slave, 1, 100), 1);
	assert_int_equal(slave_stored(r.slave, 1, 101), 0);
	rig_stop(&r);
}

/* A number goes back to what it was before the first of two. */
static void
pulse_prolonged(void **state)
{
	struct drv_ask ask = number(SETPOINT, 40);
	struct rig r;

	(void)state;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	allow_pulse(&r, SETPOINT);
	assert_int_equal(write_it(&r, number(SETPOINT, 20)).result, OK);
	ask.pulse_ms = 400;
	assert_int_equal(write_it(&r, ask).result, OK);
	ask.to.num.mant = 41;
	assert_int_equal(write_it(&r, ask).result, OK);
	assert_int_equal(slave_stored(r.slave, 1, 0), 41);
	listen_for(&r, 600);
	assert_int_equal(slave_stored(r.slave, 1, 0), 20);
	rig_stop(&r);
}

/* A command that does not reach the device leaves the pulse as it is. */
static void
pulse_outlives_failure(void **state)
{
	struct drv_ask ask = number(BITS, 5);
	atomic_bool silent = false;
	struct rig r;

	(void)state;
	begin(&r, may_be_silent, &silent, BUS_MODBUS_TCP);
	allow_pulse(&r, BITS);
	slave_store(r.slave, 40, 0);
	ask.pulse_ms = 800;
	assert_int_equal(write_it(&r, ask).result, OK);
	assert_int_equal(slave_stored(r.slave, 1, 40), 0x50);
	atomic_store(&silent, true);
	assert_int_equal(write_it(&r, number(BITS, 6)).result, ERR_TIMEOUT);
	atomic_store(&silent, false);
	listen_for(&r, 1200);
	assert_int_equal(slave_stored(r.slave, 1, 40), 0);
	rig_stop(&r);
}

struct dead {
	atomic_bool silent;
	atomic_uint asked; /* in vain */
};

static void
may_be_dead(struct ask *a, void *arg)
{
	struct dead *d = arg;

	if (a->unit != 1 || !atomic_load(&d->silent))
		return;
	a->delay_ms = -1;
	atomic_fetch_add(&d->asked, 1);
}

/* A device that is gone, with a pulse to end, costs its neighbour no more than
 * any other that is gone; and when it is back it is ended. */
static void
pulse_of_the_dead(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	struct dead dead = { false, 0 };
	struct rig r;

	(void)state;
	begin_n(&r, may_be_dead, &dead, BUS_MODBUS_TCP, 2);
	ask.pulse_ms = 300;
	assert_int_equal(write_it(&r, ask).result, OK);
	atomic_store(&dead.silent, true);
	while (r.heard[0].offline == 0)
		listen_for(&r, 100);
	atomic_store(&dead.asked, 0);
	listen_for(&r, 7000);
	print_message("  asked %u\n", atomic_load(&dead.asked));
	assert_true(atomic_load(&dead.asked) <= 3);
	atomic_store(&dead.silent, false);
	for (int i = 0; i < 160 && slave_stored(r.slave, 1, 101); i++)
		listen_for(&r, 100);
	assert_int_equal(slave_stored(r.slave, 1, 101), 0);
	rig_stop(&r);
}

/* A later command counts, not the end of the pulse before it. */
static void
pulse_superseded(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	ask.pulse_ms = 300;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	assert_int_equal(write_it(&r, ask).result, OK);
	assert_int_equal(write_it(&r, on_off(PULSED, true)).result, OK);
	listen_for(&r, 500);
	assert_int_equal(slave_stored(r.slave, 1, 101), 1);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pulse_of_the_dead),
		cmocka_unit_test(pulse),
		cmocka_unit_test(pulse_superseded),
		cmocka_unit_test(pulse_stopped),
		cmocka_unit_test(pulse_stopped_without_connection),
		cmocka_unit_test(pulses_stopped_in_vain),
		cmocka_unit_test(pulses_side_by_side),
		cmocka_unit_test(pulse_prolonged),
		cmocka_unit_test(pulse_outlives_failure),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
