#include "drivers/truth.h"

#include "drivers/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { READS = 8 };

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
	    { { 0, 100 }, { 1, 0 }, { 2, 0 } }, 3, "+-+" },
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

static struct reading
number(int64_t tenths)
{
	return (struct reading){ .quality = QUALITY_OK,
		.value.num = { tenths, 1 } };
}

static bool
news(const struct field *f, struct truth *t, int64_t at, struct reading r)
{
	return truth_is_news(f, t, at, 60000, &r);
}

static void
deadband(void **state)
{
	const struct field f = { .has_deadband = true, .deadband = { 5, 1 } };
	struct truth t = { 0 };

	(void)state;
	assert_true(news(&f, &t, 0, number(200)));
	assert_false(news(&f, &t, 1000, number(204)));
	assert_false(news(&f, &t, 2000, number(196)));
	assert_true(news(&f, &t, 3000, number(205)));
	assert_false(news(&f, &t, 4000, number(201)));
	assert_true(news(&f, &t, 5000, number(-200)));
	assert_false(news(&f, &t, 64999, number(-200)));
	assert_true(news(&f, &t, 65000, number(-200)));
	assert_true(news(&f, &t, 65001, number(INT64_MAX)));
	assert_true(news(&f, &t, 65002, number(INT64_MIN)));
	assert_true(news(&f, &t, 65003, number(INT64_MAX)));
}

static void
changes(void **state)
{
	const struct field f = { .has_deadband = false };
	struct truth t = { 0 };
	struct reading bad = { .quality = QUALITY_ERROR, .why = "one" };
	struct reading on = { .quality = QUALITY_OK,
		.value = { .type = VALUE_BOOL, .on = true } };
	struct reading text = { .quality = QUALITY_OK,
		.value = { .type = VALUE_TEXT, .text = "a" } };

	(void)state;
	assert_true(news(&f, &t, 0, number(200)));
	assert_false(news(&f, &t, 1, number(200)));
	assert_true(news(&f, &t, 2, number(201)));
	assert_true(news(&f, &t, 3, bad));
	assert_false(news(&f, &t, 4, bad));
	bad.why = "another";
	assert_true(news(&f, &t, 5, bad));
	assert_true(news(&f, &t, 6, number(201)));
	assert_true(news(&f, &t, 7, on));
	assert_false(news(&f, &t, 8, on));
	on.value.on = false;
	assert_true(news(&f, &t, 9, on));
	assert_true(news(&f, &t, 10, text));
	assert_false(news(&f, &t, 11, text));
	text.value.text[0] = 'b';
	assert_true(news(&f, &t, 12, text));
	/* without a heartbeat, silence */
	assert_false(truth_is_news(&f, &t, INT64_MAX, 0, &text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(believes),
		cmocka_unit_test(past_errors),
		cmocka_unit_test(deadband),
		cmocka_unit_test(changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
