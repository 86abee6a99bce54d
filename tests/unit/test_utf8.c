#include "common/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
one_code_point(void **state)
{
	static const struct {
		const char *name, *in;
		size_t len, want;
		uint32_t cp;
	} rows[] = {
		{ "nothing", "", 0, 0, 0 },
		{ "NUL", "\0", 1, 1, 0 },
		{ "ASCII", "a", 1, 1, 'a' },
		{ "two bytes", "\xc3\xa9", 2, 2, 0xe9 },
		{ "three bytes", "\xe2\x82\xac", 3, 3, 0x20ac },
		{ "four bytes", "\xf0\x9f\x98\x80", 4, 4, 0x1f600 },
		{ "the last", "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		{ "beyond the last", "\xf4\x90\x80\x80", 4, 0, 0 },
		{ "five bytes", "\xf8\x88\x80\x80\x80", 5, 0, 0 },
		{ "cut", "\xe2\x82", 2, 0, 0 },
		{ "continuation alone", "\x80", 1, 0, 0 },
		{ "no continuation", "\xc3z", 2, 0, 0 },
		{ "overlong in two", "\xc0\xaf", 2, 0, 0 },
		{ "overlong in three", "\xe0\x80\xaf", 3, 0, 0 },
		{ "overlong in four", "\xf0\x80\x80\xaf", 4, 0, 0 },
		{ "surrogate", "\xed\xa0\x80", 3, 0, 0 },
		{ "0xff", "\xff", 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t cp = 0;

		print_message("  %s\n", rows[i].name);
		assert_int_equal(
		    utf8_next(rows[i].in, rows[i].len, &cp), rows[i].want);
		if (rows[i].want)
			assert_int_equal(cp, rows[i].cp);
		assert_int_equal(utf8_valid(rows[i].in, rows[i].len),
		    rows[i].len == rows[i].want);
	}
}

static void
count(void **state)
{
	(void)state;
	assert_int_equal(utf8_count(""), 0);
	assert_int_equal(utf8_count("a\xc3\xa9\xf0\x9f\x98\x80"), 3);
}

static void
xml(void **state)
{
	(void)state;
	assert_true(utf8_xml(9) && utf8_xml(10) && utf8_xml(13));
	assert_true(utf8_xml(0x20) && utf8_xml(0x10ffff) && utf8_xml(0xfffd));
	assert_false(utf8_xml(0) || utf8_xml(7) || utf8_xml(0x1f));
	assert_false(utf8_xml(0xd800) || utf8_xml(0xfffe) || utf8_xml(0xffff));
}

#define BAD "\xef\xbf\xbd"

static void
sanitize(void **state)
{
	static const struct {
		const char *name, *in;
		size_t len, size;
		const char *want;
	} rows[] = {
		{ "plain", "abc", 3, 64, "abc" },
		{ "register padding", "SN1 \0 \0", 7, 64, "SN1" },
		{ "only padding", "\0\0  ", 4, 64, "" },
		{ "NUL inside", "a\0b", 3, 64, "a" BAD "b" },
		{ "control",
		    "a\x07"
		    "b",
		    3, 64, "a" BAD "b" },
		{ "not UTF-8", "a\xff\xfe", 3, 64, "a" BAD BAD },
		{ "line break stays", "a\nb", 3, 64, "a\nb" },
		{ "cut at a code point", "a\xc3\xa9", 3, 3, "a" },
		{ "fits exactly", "a\xc3\xa9", 3, 4, "a\xc3\xa9" },
		{ "no room", "abc", 3, 1, "" },
		{ "no room for the mark", "\xff", 1, 3, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[64];

		print_message("  %s\n", rows[i].name);
		utf8_sanitize(rows[i].in, rows[i].len, out, rows[i].size);
		assert_string_equal(out, rows[i].want);
		assert_true(utf8_valid(out, strlen(out)));
	}
}

static void
blot(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = { { "", "" }, { "a\xc2\xa0\xc3\xa9~", "a\xc2\xa0\xc3\xa9~" },
		{ "\033[2J\r\n\tx\177", "?[2J???x?" },
		{ "\xc2\x80\xc2\x9f\xc2\xa0", "????\xc2\xa0" },
		{ "\x9b-\xc2", "?-?" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char s[32];

		print_message("  row %zu\n", i);
		strcpy(s, rows[i].in);
		utf8_blot(s, '?');
		assert_string_equal(s, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_code_point),
		cmocka_unit_test(count),
		cmocka_unit_test(xml),
		cmocka_unit_test(sanitize),
		cmocka_unit_test(blot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
