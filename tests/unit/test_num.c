#include "common/num.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
text(void **state)
{
	static const struct {
		const char *in;
		enum err want;
		const char *out;
	} rows[] = {
		{ "0", OK, "0" },
		{ "10", OK, "10" },
		{ "10.00", OK, "10.00" },
		{ "-0.05", OK, "-0.05" },
		{ "+7.5", OK, "7.5" },
		{ "9223372036854775807", OK, "9223372036854775807" },
		{ "-9223372036854775808", OK, "-9223372036854775808" },
		{ "9223372036854775808", ERR_RANGE, NULL },
		{ "0.000000000000000001", OK, "0.000000000000000001" },
		{ "-9.223372036854775808", OK, "-9.223372036854775808" },
		{ "0.0000000000000000001", ERR_RANGE, NULL },
		{ "", ERR_PROTO, NULL },
		{ "-", ERR_PROTO, NULL },
		{ "1.", ERR_PROTO, NULL },
		{ "1,5", ERR_PROTO, NULL },
		{ "1e3", ERR_PROTO, NULL },
		{ "0x10", ERR_PROTO, NULL },
		{ "1.2.3", ERR_PROTO, NULL },
		{ " 1", ERR_PROTO, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct num v;
		char got[NUM_TEXT];

		print_message("  \"%s\"\n", rows[i].in);
		assert_int_equal(num_parse(rows[i].in, &v), rows[i].want);
		if (rows[i].want != OK)
			continue;
		num_format(v, got);
		assert_string_equal(got, rows[i].out);
	}
}

static void
arithmetic(void **state)
{
	struct num r;

	(void)state;
	assert_int_equal(
	    num_mul((struct num){ 235, 0 }, (struct num){ 1, 1 }, &r), OK);
	assert_int_equal(r.mant, 235);
	assert_int_equal(r.dec, 1);
	assert_int_equal(
	    num_mul((struct num){ INT64_MAX, 0 }, (struct num){ 2, 0 }, &r),
	    ERR_RANGE);
	assert_int_equal(
	    num_add((struct num){ 10, 1 }, (struct num){ 25, 2 }, &r), OK);
	assert_int_equal(r.mant, 125);
	assert_int_equal(r.dec, 2);
	assert_int_equal(num_round((struct num){ 125, 2 }, 1, &r), OK);
	assert_int_equal(r.mant, 13);
	assert_int_equal(num_round((struct num){ -125, 2 }, 1, &r), OK);
	assert_int_equal(r.mant, -13);
	assert_int_equal(num_round((struct num){ 124, 2 }, 1, &r), OK);
	assert_int_equal(r.mant, 12);
	assert_int_equal(num_round((struct num){ 5, 0 }, 3, &r), OK);
	assert_int_equal(r.mant, 5000);
	assert_int_equal(
	    num_round((struct num){ INT64_MAX, 0 }, 1, &r), ERR_RANGE);
	assert_int_equal(num_from_double(230.149994, 1, &r), OK);
	assert_int_equal(r.mant, 2301);
	assert_int_equal(num_from_double(NAN, 1, &r), ERR_RANGE);
	assert_int_equal(num_from_double(INFINITY, 1, &r), ERR_RANGE);
	assert_int_equal(num_from_double(1e30, 1, &r), ERR_RANGE);
}

static void
order(void **state)
{
	(void)state;
	assert_int_equal(
	    num_cmp((struct num){ 10, 1 }, (struct num){ 100, 2 }), 0);
	assert_true(num_cmp((struct num){ -5, 1 }, (struct num){ 0, 0 }) < 0);
	assert_true(num_cmp((struct num){ INT64_MAX, 0 },
			(struct num){ INT64_MAX, 18 }) > 0);
	assert_true(num_cmp((struct num){ 101, 2 }, (struct num){ 1, 0 }) > 0);
}

static void
hex(void **state)
{
	int digits = 0;

	(void)state;
	assert_int_equal(num_hex('0'), 0);
	assert_int_equal(num_hex('9'), 9);
	assert_int_equal(num_hex('a'), 10);
	assert_int_equal(num_hex('F'), 15);
	for (int c = -128; c < 128; c++)
		digits += num_hex((char)c) >= 0;
	assert_int_equal(digits, 22);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(order),
		cmocka_unit_test(hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
