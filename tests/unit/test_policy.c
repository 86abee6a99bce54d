/* What a bus asks for after each kind of answer, and after none. */
#include "aside.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

enum { FAR = 10, SELDOM_MS = 3600000 };

/* Refuses the first so many requests for the register FAR. */
struct refusal {
	uint8_t code;
	atomic_uint left;
};

static void
refuses(struct ask *a, void *arg)
{
	struct refusal *r = arg;

	if (a->addr != FAR || atomic_load(&r->left) == 0)
		return;
	atomic_fetch_sub(&r->left, 1);
	a->exception = r->code;
}

static const struct {
	const char *name;
	uint8_t code;
	unsigned times;
	bool good;
} refusals[] = {
	{ "a failure, once", 4, 1, true },
	{ "a failure, twice", 4, 2, false },
	{ "more time is needed, once", 5, 1, true },
	{ "busy, three times", 6, 3, true },
	{ "busy, four times", 6, 4, false },
	{ "a memory fault, once", 8, 1, true },
	{ "an unknown one", 7, 1, false },
};

static void
asked_again_after(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct refusal refusal = { .code = refusals[i].code };
		struct rig r = { 0 };

		print_message("  %s\n", refusals[i].name);
		atomic_store(&refusal.left, refusals[i].times);
		device_init(&r.dev, 2, FAR, 300);
		r.dev.polls[0].ms = SELDOM_MS;
		rig_start(&r, BUS_MODBUS_TCP, slave_tcp(refuses, &refusal), 1);
		listen_for(&r, 1000);
		assert_int_equal(r.heard[0].bad, refusals[i].good ? 0 : 1);
		assert_int_equal(r.heard[0].good, refusals[i].good ? 2 : 1);
		rig_stop(&r);
	}
}

static void
lacks_one(struct ask *a, void *arg)
{
	atomic_uint *longest = arg;

	if (a->addr <= 1 && a->addr + a->count > 1)
		a->exception = 2;
	else if (a->addr == 2)
		atomic_store(longest, a->count);
}

/* Parting 0 to 5 to find that 1 is missing has parted 2 from 3, for nothing. */
static void
joined_again(void **state)
{
	atomic_uint longest = 0;
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 6, 1, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(lacks_one, &longest), 1);
	listen_for(&r, 500);
	assert_int_equal(atomic_load(&longest), 4);
	assert_int_equal(r.heard[0].wrong, 0);
	rig_stop(&r);
}

static void
every_other(struct ask *a, void *arg)
{
	atomic_uint *asked = arg;

	if (a->addr == FAR && atomic_fetch_add(asked, 1) % 2 == 0)
		a->delay_ms = -1;
}

/* Only silence in a row makes a block be left alone. */
static void
now_and_then_silent(void **state)
{
	atomic_uint asked = 0;
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, FAR, 40);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(every_other, &asked), 1);
	listen_for(&r, 3000);
	assert_true(atomic_load(&asked) >= 10);
	rig_stop(&r);
}

static void
may_be_silent(struct ask *a, void *arg)
{
	if (atomic_load((atomic_bool *)arg))
		a->delay_ms = -1;
}

/* Nor is a block of a unit that was silent altogether. */
static void
back_with_all(void **state)
{
	atomic_bool silent = true;
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, FAR, 40);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(may_be_silent, &silent), 1);
	for (int i = 0; i < 100 && r.heard[0].offline == 0; i++)
		listen_for(&r, 100);
	assert_int_equal(r.heard[0].offline, 1);
	atomic_store(&silent, false);
	for (int i = 0; i < 100 && r.heard[0].online == 0; i++)
		listen_for(&r, 100);
	listen_for(&r, 500);
	assert_int_equal(r.heard[0].quality[0], QUALITY_OK);
	assert_int_equal(r.heard[0].quality[1], QUALITY_OK);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_again_after),
		cmocka_unit_test(joined_again),
		cmocka_unit_test(now_and_then_silent),
		cmocka_unit_test(back_with_all),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
