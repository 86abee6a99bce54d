#include "drivers/truth.h"

#include "drivers/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { READS = 10 };

static const struct {
	const char *name;
	struct field f;
	struct {
		int64_t s;    /* when */
		int64_t mant; /* in tenths */
	} in[READS];
	size_t n;
	const char *want; /* + believed, - held back */
} cases[] = {
	{ "rises", { .kind = KIND_COUNTER },
	    { { 0, 1 }, { 1, 2 }, { 2, 2 }, { 3, 9000 } }, 4, "++++" },
	{ "a single zero", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 0 }, { 2, 101 } }, 3, "+-+" },
	{ "a reset, confirmed", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 0 }, { 2, 1 }, { 3, 2 } }, 4, "+-++" },
	{ "confirmed by the same", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 50 }, { 2, 50 } }, 3, "+-+" },
	{ "zeros while a meter starts", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 0 }, { 5, 0 },
		{ 60, 0 }, { 61, 101 } },
	    8, "+------+" },
	{ "a reset that counts on after some zeros", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 0 }, { 2, 0 }, { 9, 0 }, { 10, 1 }, { 11, 1 } },
	    6, "+---++" },
	{ "a reset, and nothing to count", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 0 }, { 20, 0 }, { 40, 0 }, { 60, 0 }, { 61, 0 },
		{ 62, 0 } },
	    7, "+----++" },
	{ "three zeros are needed however slow they are",
	    { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 100, 0 }, { 200, 0 }, { 300, 0 }, { 400, 0 } }, 5,
	    "+---+" },
	{ "zeros after other doubts wait as long", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 50 }, { 2, 40 }, { 3, 30 }, { 64, 0 }, { 65, 0 },
		{ 123, 0 }, { 124, 0 } },
	    8, "+------+" },
	{ "a meter's zero, where the one before it is added",
	    { .kind = KIND_COUNTER, .offset = { 5, 0 } },
	    { { 0, 100 }, { 1, 50 }, { 2, 50 }, { 3, 50 }, { 4, 50 },
		{ 5, 101 } },
	    6, "+----+" },
	{ "what is no counter may be zero",
	    { .kind = KIND_MOMENTARY,
		.has_max_rate = true,
		.max_rate = { 5, 1 } },
	    { { 0, 200 }, { 10, 0 }, { 20, 0 } }, 3, "+-+" },
	{ "a lower one after a lower one", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 50 }, { 2, 40 }, { 3, 41 } }, 4, "+--+" },
	{ "a single spike down, later another", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 5 }, { 2, 101 }, { 3, 6 }, { 4, 102 } }, 5,
	    "+-+-+" },
	{ "starts at zero", { .kind = KIND_COUNTER },
	    { { 0, 0 }, { 1, 0 }, { 2, 5 } }, 3, "+++" },
	{ "a counter's spike",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, 1000 }, { 10, 1100 }, { 20, 91130 }, { 30, 1300 } }, 4,
	    "++-+" },
	{ "a counter's jump, confirmed",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, 1000 }, { 10, 91130 }, { 20, 91140 }, { 30, 91150 } }, 4,
	    "+-++" },
	{ "jumps that confirm nothing",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, 1000 }, { 10, 91130 }, { 20, 50000 }, { 30, 1010 } }, 4,
	    "+--+" },
	{ "a jump is no older than itself",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, 1000 }, { 100, 9000 }, { 101, 9500 } }, 3, "+--" },
	{ "after a long silence it may have risen far",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, 1000 }, { 9000, 91000 } }, 2, "++" },
	{ "a reset, and too fast after it",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, 1000 }, { 10, 0 }, { 20, 5000 }, { 30, 5010 } }, 4, "+--+" },
	{ "one step is never too fast",
	    { .kind = KIND_COUNTER,
		.scale = { 10, 0 },
		.has_max_rate = true,
		.max_rate = { 1, 3 } },
	    { { 0, 1000 }, { 1, 1100 }, { 2, 1300 } }, 3, "++-" },
	{ "a temperature that jumps, down and up",
	    { .kind = KIND_MOMENTARY,
		.has_max_rate = true,
		.max_rate = { 5, 1 } },
	    { { 0, 200 }, { 10, 250 }, { 20, 199 }, { 30, 0 }, { 40, 201 } }, 5,
	    "+++-+" },
	{ "a temperature that has indeed jumped",
	    { .kind = KIND_MOMENTARY,
		.has_max_rate = true,
		.max_rate = { 5, 1 } },
	    { { 0, 200 }, { 10, -300 }, { 20, -310 }, { 30, -305 } }, 4,
	    "+-++" },
	{ "it sinks, and sinks", { .kind = KIND_COUNTER },
	    { { 0, 100 }, { 1, 99 }, { 2, 98 }, { 3, 97 }, { 4, 96 }, { 5, 97 },
		{ 6, 98 } },
	    7, "+---+++" },
	{ "it rises faster than its template has it",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, 0 }, { 1, 90 }, { 2, 180 }, { 3, 270 }, { 4, 360 },
		{ 5, 450 }, { 6, 540 }, { 7, 541 } },
	    8, "+---+--+" },
	{ "without a limit, anything", { .kind = KIND_MOMENTARY },
	    { { 0, 200 }, { 1, -99999 }, { 2, 99999 } }, 3, "+++" },
	{ "two at one time",
	    { .kind = KIND_MOMENTARY,
		.has_max_rate = true,
		.max_rate = { 5, 1 } },
	    { { 0, 200 }, { 0, 201 }, { 0, 202 } }, 3, "+++" },
	{ "as far as numbers go",
	    { .kind = KIND_COUNTER,
		.has_max_rate = true,
		.max_rate = { 1, 0 } },
	    { { 0, INT64_MIN }, { 1, INT64_MAX }, { 2, INT64_MAX } }, 3,
	    "+-+" },
};

static void
believes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct truth t = { 0 };
		char got[READS + 1] = "";

		print_message("  %s\n", cases[i].name);
		for (size_t j = 0; j < cases[i].n; j++) {
			struct reading r = { .quality = QUALITY_OK,
				.value.num = { cases[i].in[j].mant, 1 } };

			truth_check(
			    &cases[i].f, &t, 1000 * cases[i].in[j].s, &r);
			got[j] = r.quality == QUALITY_OK ? '+' : '-';
			assert_true((r.why == NULL) == (got[j] == '+'));
		}
		assert_string_equal(got, cases[i].want);
	}
}

/* What is no number neither confirms nor resets. */
static void
past_errors(void **state)
{
	const struct field f = { .kind = KIND_COUNTER };
	struct truth t = { 0 };
	struct reading r = { .quality = QUALITY_OK, .value.num = { 7, 0 } };

	(void)state;
	truth_check(&f, &t, 0, &r);
	decode_bad(&r, QUALITY_ERROR, "test");
	truth_check(&f, &t, 1, &r);
	assert_int_equal(t.last.mant, 7);
	r.quality = QUALITY_OK;
	r.value.num.mant = 0;
	truth_check(&f, &t, 2, &r);
	assert_int_equal(r.quality, QUALITY_ERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(believes),
		cmocka_unit_test(past_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
