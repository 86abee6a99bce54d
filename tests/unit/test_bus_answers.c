/* What devices answer to a bus: exceptions, garble, another's frames, and
 * values that need another value. */
#include "aside.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

/* Register 3 does not exist, nor does what reads it. */
static void
has_a_hole(struct ask *a, void *arg)
{
	(void)arg;
	if (a->addr <= 3 && a->addr + a->count > 3)
		a->exception = 2;
}

static void
hole_splits(void **state)
{
	struct rig r = { 0 };
	struct drv_stats st;

	(void)state;
	device_init(&r.dev, 5, 1, 300);
	r.dev.fields[3].addr = 4; /* 0 1 2 (3) 4, 5: merged over the hole */
	r.dev.fields[4].addr = 5;
	r.dev.t.max_gap = 2;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(has_a_hole, NULL), 1);
	listen_for(&r, 500);
	drv_bus_stats(r.bus, &st);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(st.exceptions, 1);
	assert_true(r.heard[0].by_field[4] > 5);
	rig_stop(&r);
}

static void
missing_register(void **state)
{
	struct rig r = { 0 };
	struct drv_stats st;

	(void)state;
	device_init(&r.dev, 6, 1, 300);
	r.dev.fields[3].optional = true;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(has_a_hole, NULL), 1);
	listen_for(&r, 500);
	drv_bus_stats(r.bus, &st);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_int_equal(r.heard[0].bad, 1); /* said once, then left alone */
	assert_int_equal(r.heard[0].quality[3], QUALITY_MISSING);
	assert_int_equal(st.exceptions, 3);
	assert_true(r.heard[0].by_field[2] > 5);
	assert_true(r.heard[0].by_field[5] > 5);
	rig_stop(&r);
}

static void
garbles(struct ask *a, void *arg)
{
	(void)arg;
	a->garble = a->number % 3 == 1;
	a->first = a->garble ? 77 : a->addr;
}

static void
bad_crc(void **state)
{
	struct rig r = { 0 };
	struct drv_stats st;

	(void)state;
	device_init(&r.dev, 2, 10, 60);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(garbles, NULL), 1);
	listen_for(&r, 3000);
	drv_bus_stats(r.bus, &st);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_true(r.heard[0].bad > 0);
	assert_true(r.heard[0].good > 0);
	assert_true(st.crc >= 4);
	rig_stop(&r);
}

static void
wrong_unit(struct ask *a, void *arg)
{
	(void)arg;
	a->as_unit = a->unit == 2 ? 9 : a->unit;
}

static void
strict_match(void **state)
{
	static const int types[] = { BUS_MODBUS_TCP, BUS_MODBUS_RTU };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rig r = { 0 };

		device_init(&r.dev, 2, 10, 60);
		rig_start(&r, types[i],
		    types[i] == BUS_MODBUS_TCP ? slave_tcp(wrong_unit, NULL)
					       : slave_pty(wrong_unit, NULL),
		    2);
		listen_for(&r, 1000);
		assert_true(r.heard[0].good > 0);
		assert_int_equal(r.heard[1].good, 0);
		assert_true(r.heard[1].bad > 0);
		rig_stop(&r);
	}
}

static void
behind_gateway(struct ask *a, void *arg)
{
	(void)arg;
	if (a->unit == 2)
		a->exception = 11;
}

static void
gateway_exception(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(behind_gateway, NULL), 2);
	listen_for(&r, 500);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[1].offline, 1);
	assert_int_equal(r.heard[1].good, 0);
	rig_stop(&r);
}

/* --- what exceptions mean --- */

/* Function 2 is unknown; register 10 fails now and then, 20 always. */
static void
has_moods(struct ask *a, void *arg)
{
	unsigned *unknown = arg;

	if (a->function == 2) {
		(*unknown)++;
		a->exception = 1;
	} else if (a->addr == 20) {
		a->exception = 4;
	}
}

static void
unsupported_and_faulty(void **state)
{
	struct rig r = { 0 };
	unsigned unknown = 0;

	(void)state;
	device_init(&r.dev, 4, 10, 300);
	r.dev.fields[3].table = MB_DISCRETE;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(has_moods, &unknown), 1);
	listen_for(&r, 500);
	rig_stop(&r);
	assert_int_equal(unknown, 1); /* asked again in an hour */
	assert_int_equal(r.heard[0].online, 1);
	assert_int_equal(r.heard[0].suspect + r.heard[0].offline, 0);
	assert_true(r.heard[0].by_field[0] > 5 && r.heard[0].by_field[1] > 5);
	assert_int_equal(r.heard[0].quality[2], QUALITY_ERROR);
}

static void
always_fails(struct ask *a, void *arg)
{
	bool *well = arg;

	if (!*well)
		a->exception = 4;
}

/* It answers, so it is not offline, and is asked on. */
static void
faulty(void **state)
{
	struct rig r = { 0 };
	bool well = false;

	(void)state;
	device_init(&r.dev, 3, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(always_fails, &well), 1);
	listen_for(&r, 600);
	assert_int_equal(r.heard[0].suspect, 1);
	assert_int_equal(r.heard[0].offline, 0);
	assert_int_equal(r.heard[0].good, 0);
	print_message("  %s\n", r.heard[0].text);
	rig_stop(&r);
	well = true;
	memset(&r.heard, 0, sizeof(r.heard));
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(always_fails, &well), 1);
	listen_for(&r, 300);
	assert_int_equal(r.heard[0].online, 1);
	rig_stop(&r);
}

/* Silent at first, then it answers: that it fails. */
struct wreck {
	atomic_bool speaks;
	atomic_uint asked;
};

static void
comes_back_faulty(struct ask *a, void *arg)
{
	struct wreck *w = arg;

	atomic_fetch_add(&w->asked, 1);
	if (!atomic_load(&w->speaks))
		a->delay_ms = -1;
	else
		a->exception = 4;
}

/* It is asked as often as before, and not all the time. */
static void
faulty_after_silence(void **state)
{
	struct wreck w = { 0 };
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 60);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(comes_back_faulty, &w), 1);
	for (int i = 0; i < 100 && r.heard[0].offline == 0; i++)
		listen_for(&r, 20);
	atomic_store(&w.speaks, true);
	atomic_store(&w.asked, 0);
	drv_bus_read_now(r.bus, 0);
	listen_for(&r, 1000);
	print_message("  asked %u times\n", atomic_load(&w.asked));
	assert_in_range(atomic_load(&w.asked), 2, 60);
	rig_stop(&r);
}

static void
unit_2_is_busy(struct ask *a, void *arg)
{
	(void)arg;
	if (a->unit == 2)
		a->exception = 5;
}

/* One that needs its time does not take the others'. */
static void
busy_neighbour(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(unit_2_is_busy, NULL), 2);
	listen_for(&r, 2500);
	assert_true(r.heard[0].gap_max < 100);
	assert_int_equal(r.heard[1].offline + r.heard[1].suspect, 0);
	assert_int_equal(r.heard[1].quality[0], QUALITY_ERROR);
	rig_stop(&r);
}

/* --- scale factors --- */

static void
scaled(void **state)
{
	static const int distance[] = { 1, 50 };
	struct rig r = { 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(&r, 0, sizeof(r));
		device_init(&r.dev, 2, 10, 300);
		r.any_value = true;
		r.dev.fields[0].sf = r.dev.fields[1].name;
		r.dev.fields[0].sf_field = 1;
		r.dev.fields[1].type = REG_I16;
		r.dev.fields[1].addr = (uint16_t)distance[i];
		r.slave = slave_tcp(answers_all, NULL);
		slave_store(r.slave, 0, 2305);
		slave_store(r.slave, (uint16_t)distance[i], (uint16_t)-1);
		rig_start(&r, BUS_MODBUS_TCP, r.slave, 1);
		listen_for(&r, 300);
		assert_true(r.heard[0].by_field[0] > 3);
		assert_int_equal(r.heard[0].bad, 0);
		assert_int_equal(r.heard[0].value[0], 2305);
		assert_int_equal(r.heard[0].dec[0], 1);
		rig_stop(&r);
	}
}

/* The factor is read once, before what it scales. */
static void
scaled_once(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	r.any_value = true;
	r.dev.fields[0].sf = r.dev.fields[1].name;
	r.dev.fields[0].sf_field = 1;
	r.dev.fields[1].type = REG_I16;
	r.dev.fields[1].poll = rig_once;
	r.slave = slave_tcp(answers_all, NULL);
	slave_store(r.slave, 0, 2305);
	slave_store(r.slave, 10, (uint16_t)-2);
	rig_start(&r, BUS_MODBUS_TCP, r.slave, 1);
	listen_for(&r, 300);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[0].by_field[1], 1);
	assert_int_equal(r.heard[0].dec[0], 2);
	rig_stop(&r);
}

/* --- who answers --- */

/* Field 1 tells the device's model, which must be 101 to 103. */
static void
of_a_model(struct rig *r, uint16_t model)
{
	memset(r, 0, sizeof(*r));
	device_init(&r->dev, 2, 10, 300);
	r->any_value = true;
	r->dev.fields[1].kind = KIND_IDENTITY;
	r->dev.fields[1].poll = rig_once;
	r->dev.fields[1].has_min = true;
	r->dev.fields[1].has_max = true;
	r->dev.fields[1].min = (struct num){ 101, 0 };
	r->dev.fields[1].max = (struct num){ 103, 0 };
	r->slave = slave_tcp(answers_all, NULL);
	slave_store(r->slave, 0, 2305);
	slave_store(r->slave, 10, model);
	rig_start(r, BUS_MODBUS_TCP, r->slave, 1);
}

static void
the_device_of_the_template(void **state)
{
	struct rig r;

	(void)state;
	of_a_model(&r, 102);
	listen_for(&r, 300);
	assert_true(r.heard[0].by_field[0] > 3);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[0].value[0], 2305);
	rig_stop(&r);
}

/* Its registers mean something else: nothing of them is published. */
static void
another_device(void **state)
{
	struct rig r;

	(void)state;
	of_a_model(&r, 113);
	listen_for(&r, 300);
	assert_int_equal(r.heard[0].by_field[0], 0);
	assert_int_equal(r.heard[0].by_field[1], 0);
	assert_true(r.heard[0].bad > 3);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hole_splits),
		cmocka_unit_test(missing_register),
		cmocka_unit_test(bad_crc),
		cmocka_unit_test(strict_match),
		cmocka_unit_test(gateway_exception),
		cmocka_unit_test(unsupported_and_faulty),
		cmocka_unit_test(faulty),
		cmocka_unit_test(faulty_after_silence),
		cmocka_unit_test(busy_neighbour),
		cmocka_unit_test(scaled),
		cmocka_unit_test(scaled_once),
		cmocka_unit_test(the_device_of_the_template),
		cmocka_unit_test(another_device),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
