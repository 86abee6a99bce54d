#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
format(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -1000, "1969-12-31T23:59:59.000Z" },
		{ INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
		{ INT64_C(2147483648123), "2038-01-19T03:14:08.123Z" },
		{ INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[CLOCK_TEXT];

		clock_format(rows[i].ms, text);
		assert_string_equal(text, rows[i].want);
	}
}

static void
fake(void **state)
{
	struct clock_fake f;

	(void)state;
	clock_fake_init(&f, 5, 7);
	assert_int_equal(clock_mono(&f.clock), 5);
	assert_int_equal(clock_utc(&f.clock), 7);
	f.mono += 10;
	assert_int_equal(clock_mono(&f.clock), 15);
	assert_int_equal(clock_utc(&f.clock), 7);
}

static void
of_the_machine(void **state)
{
	int64_t then = clock_mono(&clock_system);

	(void)state;
	assert_true(clock_mono(&clock_system) >= then);
	assert_true(clock_is_set(clock_utc(&clock_system)));
	assert_false(clock_is_set(0));
	assert_false(clock_is_set(INT64_C(1000000000000)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format),
		cmocka_unit_test(fake),
		cmocka_unit_test(of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
