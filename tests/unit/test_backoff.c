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
	struct backoff low = { .step_ms = 8000 }, high = { .step_ms = 8000 };

	(void)state;
	assert_int_equal(backoff_next(&low, 0), 4000);
	assert_int_equal(backoff_next(&high, BACKOFF_RANDOM - 1), 12000);
}

static void
a_proven_connection_starts_over(void **state)
{
	struct backoff b = { .step_ms = 16000 };

	(void)state;
	backoff_was_online(&b, BACKOFF_PROVEN_MS - 1);
	assert_int_equal(b.step_ms, 16000);
	backoff_was_online(&b, BACKOFF_PROVEN_MS);
	assert_int_equal(backoff_next(&b, 0), BACKOFF_FIRST_MS / 2);
}

enum { GATEWAYS = 1000, SECONDS = 200 };

/* When the gateway of that seed gets in again after an outage of so long. */
static int64_t
back_at(unsigned seed, int64_t outage_ms)
{
	struct backoff b = { 0 };
	int64_t now = 0;

	backoff_was_online(&b, BACKOFF_PROVEN_MS);
	do {
		seed = seed * 1103515245u + 12345u;
		now += backoff_next(&b, (seed >> 16) % BACKOFF_RANDOM);
	} while (now < outage_ms);
	return now;
}

/* No second sees more than a sixth of them. */
static void
a_thousand_come_back_spread_out(void **state)
{
	static const int64_t outages_ms[] = { 0, 1000, 5000, 30000, 120000 };

	(void)state;
	for (size_t k = 0; k < sizeof(outages_ms) / sizeof(*outages_ms); k++) {
		int64_t outage = outages_ms[k];
		unsigned in_second[SECONDS] = { 0 }, most = 0;

		for (unsigned seed = 0; seed < GATEWAYS; seed++) {
			int64_t s =
			    (back_at(seed * 7919u, outage) - outage) / 1000;

			assert_true(s < SECONDS);
			in_second[s]++;
		}
		for (size_t s = 0; s < SECONDS; s++)
			if (in_second[s] > most)
				most = in_second[s];
		print_message("  outage of %lld ms: %u in the worst second\n",
		    (long long)outage, most);
		assert_true(most <= GATEWAYS / 6);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_step_doubles_to_a_minute),
		cmocka_unit_test(jitter_is_half_of_the_step),
		cmocka_unit_test(a_proven_connection_starts_over),
		cmocka_unit_test(a_thousand_come_back_spread_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
