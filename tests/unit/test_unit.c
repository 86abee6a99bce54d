/* What is known of a unit, without a line. */
#include "drivers/unit.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct cfg_bus rtu = { .type = BUS_MODBUS_RTU,
	.serial = { 9600, 8, 'N', 1 } };

static struct unit *
unit_of(struct device *d, const uint16_t *learned, size_t n_learned)
{
	static const char name[] = "unit";
	struct drv_unit u = { .name = name,
		.address = 1,
		.tmpl = &d->t,
		.learned = learned,
		.n_learned = n_learned };

	return unit_new(&u, &rtu);
}

/* Late answers get more time: four times as much, and 5 s, unless the template
 * says more. */
static void
more_time(void **state)
{
	static const struct {
		int64_t base, most;
	} cases[] = { { 100, 400 }, { 1000, 4000 }, { 2000, 5000 },
		{ 8000, 8000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct device d;
		struct unit *u;

		device_init(&d, 1, 1, cases[i].base);
		u = unit_of(&d, NULL, 0);
		assert_int_equal(unit_timeout(u), cases[i].base);
		for (int k = 0; k < 8; k++)
			unit_was_late(u);
		assert_int_equal(unit_timeout(u), cases[i].most);
		assert_false(unit_was_late(u));
		unit_free(u);
	}
}

/* It is taken back after a hundred answers in time. */
static void
less_time_again(void **state)
{
	struct device d;
	struct unit *u;

	(void)state;
	device_init(&d, 1, 1, 100);
	u = unit_of(&d, NULL, 0);
	assert_true(unit_was_late(u));
	assert_int_equal(unit_timeout(u), 200);
	for (int i = 0; i < 99; i++)
		unit_account(u, OK, 1000, 0);
	assert_int_equal(unit_timeout(u), 200);
	unit_account(u, OK, 1000, 0);
	assert_int_equal(unit_timeout(u), 150);
	unit_free(u);
}

/* What was learned of a template that had more fields does no harm. */
static void
learned_too_much(void **state)
{
	static const uint16_t learned[] = { 1, 2, 3, 60000 };
	struct device d;
	struct unit *u;

	(void)state;
	device_init(&d, 2, 1, 100);
	u = unit_of(&d, learned, 4);
	assert_false(u->cut[0]);
	assert_true(u->cut[1]);
	assert_int_equal(u->tasks[0].plan.n_blocks, 2);
	unit_free(u);
}

/* A field that may be missing proves nothing. */
static void
proof(void **state)
{
	struct device d;
	struct unit *u;

	(void)state;
	device_init(&d, 3, 10, 100);
	for (size_t i = 0; i < 3; i++) {
		d.fields[i].kind = KIND_IDENTITY;
		d.fields[i].optional = i == 0;
		d.fields[i].has_max = i != 1;
	}
	u = unit_of(&d, NULL, 0);
	assert_int_equal(u->proof, 2);
	assert_false(u->proven);
	u->proven = true;
	unit_rearm(u, 0);
	assert_false(u->proven);
	unit_free(u);
}

/* A device that was away may have another scale now. */
static void
scales_are_forgotten(void **state)
{
	struct device d;
	struct unit *u;

	(void)state;
	device_init(&d, 2, 10, 100);
	d.fields[0].sf = d.fields[1].name;
	d.fields[0].sf_field = 1;
	u = unit_of(&d, NULL, 0);
	assert_int_equal(u->sf[1], SF_UNKNOWN);
	u->sf[1] = -2;
	unit_rearm(u, 0);
	assert_int_equal(u->sf[1], SF_UNKNOWN);
	unit_free(u);
}

/* Of blocks that are joined, what was left alone goes with what was not. */
static void
replanned(void **state)
{
	static const uint16_t learned[] = { 1 };
	struct device d;
	struct unit *u;
	struct task *k;

	(void)state;
	device_init(&d, 2, 1, 100);
	u = unit_of(&d, learned, 1);
	k = &u->tasks[0];
	assert_int_equal(k->plan.n_blocks, 2);
	k->plan.blocks[0].not_before = 500;
	k->plan.blocks[1].not_before = 900;
	u->cut[1] = false;
	unit_replan(u, k);
	assert_int_equal(k->plan.n_blocks, 1);
	assert_int_equal(k->plan.blocks[0].not_before, 500);
	unit_free(u);
}

/* A device that speaks by itself would spoil what others say. */
static void
no_stream_between_requests(void **state)
{
	struct device d;
	struct unit *u;

	(void)state;
	device_init(&d, 1, 1, 100);
	d.t.kind = TMPL_TEXT;
	d.t.frame.mode = FRAME_LISTEN;
	u = unit_of(&d, NULL, 0);
	assert_null(u->talk);
	assert_non_null(u->why);
	unit_free(u);
	d.t.frame.mode = FRAME_POLL;
	u = unit_of(&d, NULL, 0);
	assert_non_null(u->talk);
	assert_null(u->why);
	unit_free(u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_time),
		cmocka_unit_test(less_time_again),
		cmocka_unit_test(learned_too_much),
		cmocka_unit_test(proof),
		cmocka_unit_test(scales_are_forgotten),
		cmocka_unit_test(replanned),
		cmocka_unit_test(no_stream_between_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
