#include "cli/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
span(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} rows[] = {
		{ -5, "0.0 s" },
		{ 0, "0.0 s" },
		{ 840, "0.8 s" },
		{ 9990, "10.0 s" },
		{ 10000, "10 s" },
		{ 59999, "59 s" },
		{ 60000, "1 min" },
		{ 70000, "1 min 10 s" },
		{ 3600000, "1 h" },
		{ 7800000, "2 h 10 min" },
		{ 86399999, "23 h 59 min" },
		{ 273600000, "3 d 4 h" },
		{ 864000000, "10 d" },
		{ INT64_MAX, "106751991167 d 7 h" },
		{ INT64_MIN, "0.0 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char got[WORDS_SPAN];

		print_message("%s\n", rows[i].want);
		words_span(rows[i].ms, got);
		assert_string_equal(got, rows[i].want);
	}
}

static void
utc(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"2026-11-22",
		"2026-11-22T18:07:00Z",
		"2026-11-22 18:07:00.123Z",
		"2026-11-22T18:07:00.123",
		"2026-11-22T18:07:0a.123Z",
	};
	int64_t ms;

	(void)state;
	assert_true(words_utc("1970-01-01T00:00:01.002Z", &ms));
	assert_int_equal(ms, 1002);
	assert_true(words_utc("2026-11-22T18:07:00.123Z", &ms));
	assert_int_equal(ms, INT64_C(1795370820123));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		print_message("%s\n", bad[i]);
		assert_false(words_utc(bad[i], &ms));
	}
}

static void
range(void **state)
{
	static const struct {
		const char *text;
		bool good;
		int64_t first, last;
	} rows[] = {
		{ "5", true, 5, 5 },
		{ "1-32", true, 1, 32 },
		{ "0x10-0x20", true, 16, 32 },
		{ "7-7", true, 7, 7 },
		{ "1-247", true, 1, 247 },
		{ "", false, 0, 0 },
		{ "-", false, 0, 0 },
		{ "-5", false, 0, 0 },
		{ "5-", false, 0, 0 },
		{ "9-3", false, 0, 0 },
		{ "0", false, 0, 0 },
		{ "1-248", false, 0, 0 },
		{ "1-2-3", false, 0, 0 },
		{ "a", false, 0, 0 },
		{ "111111111111111111111111111111", false, 0, 0 },
		{ "1-99999999999999999999", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t first, last;

		print_message("%s\n", rows[i].text);
		assert_int_equal(
		    words_range(rows[i].text, 1, 247, &first, &last),
		    rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(first, rows[i].first);
		assert_int_equal(last, rows[i].last);
	}
}

static void
size(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* 0: no size */
	} rows[] = {
		{ "4096", 4096 },
		{ "64k", 65536 },
		{ "10M", 10485760 },
		{ "1G", 1073741824 },
		{ "999999999G", INT64_C(999999999) << 30 },
		{ "", 0 },
		{ "0", 0 },
		{ "0k", 0 },
		{ "k", 0 },
		{ "-1", 0 },
		{ "1kB", 0 },
		{ "1T", 0 },
		{ "1.5M", 0 },
		{ "1000000000", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t got;

		print_message("%s\n", rows[i].text);
		assert_int_equal(
		    words_size(rows[i].text, &got), rows[i].want != 0);
		if (rows[i].want)
			assert_int_equal(got, rows[i].want);
	}
}

static void
hex(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "0c0300000002c516", "0C 03 00 00 00 02 C5 16" },
		{ "0C 03 00", "0C 03 00" },
		{ "0C 0300 ", "0C 03 00" },
		{ "", "" },
		{ "no frame", "no frame" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *got = words_hex(rows[i].text);

		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

static void
unit(void **state)
{
	static const struct {
		const char *value, *unit, *want;
	} rows[] = {
		{ "21.5", "°C", "21.5 °C" },
		{ "true", "", "true" },
		{ "true", NULL, "true" },
		{ NULL, "°C", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *got = words_unit(rows[i].value, rows[i].unit);

		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(span),
		cmocka_unit_test(utc),
		cmocka_unit_test(range),
		cmocka_unit_test(size),
		cmocka_unit_test(hex),
		cmocka_unit_test(unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
