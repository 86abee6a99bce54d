#include "xmpp/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
the_step_doubles_to_a_minute(void **state)
{
	static const int64_t want[] = { 500, 1000, 2000, 4000, 8000, 16000,
		32000, 60000, 60000 };
	struct backoff b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		assert_int_equal(
		    backoff_next(&b, (BACKOFF_RANDOM - 1) / 2), want[i]);
}

static void
jitter_is_half_of_the_step(void **state)
{
	struct backoff low = { 8000 }, high = { 8000 };

	(void)state;
	assert_int_equal(backoff_next(&low, 0), 4000);
	assert_int_equal(backoff_next(&high, BACKOFF_RANDOM - 1), 12000);
}

static void
a_proven_connection_starts_over(void **state)
{
	struct backoff b = { 16000 };

	(void)state;
	backoff_was_online(&b, BACKOFF_PROVEN_MS - 1);
	assert_int_equal(b.step_ms, 16000);
	backoff_was_online(&b, BACKOFF_PROVEN_MS);
	assert_int_equal(backoff_next(&b, 0), BACKOFF_FIRST_MS / 2);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_step_doubles_to_a_minute),
		cmocka_unit_test(jitter_is_half_of_the_step),
		cmocka_unit_test(a_proven_connection_starts_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
