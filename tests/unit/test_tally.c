#include "drivers/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void
percentiles(void **state)
{
	struct tally t = { 0 };

	(void)state;
	tally_rtt(&t, 20000);
	assert_in_range(t.c.rtt_p50_us, 20000, 25000);
	assert_in_range(t.c.rtt_p99_us, 20000, 25000);
	for (int i = 0; i < 94; i++)
		tally_rtt(&t, 20000);
	for (int i = 0; i < 5; i++)
		tally_rtt(&t, 300000);
	assert_in_range(t.c.rtt_p50_us, 20000, 25000);
	assert_in_range(t.c.rtt_p99_us, 300000, 375000);
}

/* What was long ago counts less and less. */
static void
forgets(void **state)
{
	struct tally t = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		tally_rtt(&t, 300000);
	for (int i = 0; i < 3000; i++)
		tally_rtt(&t, 5000);
	assert_in_range(t.c.rtt_p50_us, 5000, 6300);
	assert_in_range(t.c.rtt_p99_us, 5000, 6300);
}

static void
any_time(void **state)
{
	static const int64_t times[] = { 0, 1, 63, 64, 65, 127, 128, 1000,
		9999999, 60000000, INT64_MAX / 2 };
	struct tally t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		tally_rtt(&t, times[i]);
		assert_true(t.c.rtt_p50_us > 0);
		assert_true(t.c.rtt_p50_us <= t.c.rtt_p99_us);
	}
}

static void
by_code(void **state)
{
	struct tally t = { 0 };

	(void)state;
	tally_exception(&t, 2);
	tally_exception(&t, 11);
	tally_exception(&t, 12);
	tally_exception(&t, 255);
	assert_int_equal(t.c.exceptions, 4);
	assert_int_equal(t.c.exception[2], 1);
	assert_int_equal(t.c.exception[11], 1);
	assert_int_equal(t.c.exception[0], 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles),
		cmocka_unit_test(forgets),
		cmocka_unit_test(any_time),
		cmocka_unit_test(by_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
