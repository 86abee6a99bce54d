#include "labels/code.h"

#include <math.h>
#include <setjmp.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLAIM                                                         \
	"IoTDisco;SN:BQ1230042X;MAN:carlogavazzi.com;MODEL:EM24-DIN;" \
	"KEY:7K2QM9XR4TVD81JHWZ3NPC6FYB"

static void
choose(void **state)
{
	static const struct {
		const char *name, *text;
		double mm, dot;
		enum err want;
		int version;
		char level;
	} rows[] = {
		{ "large: H", CLAIM, 29, 0, OK, 8, 'H' },
		{ "Q is wide enough, H is not", CLAIM, 21, 0, OK, 7, 'Q' },
		{ "M only", CLAIM, 17.5, 0, OK, 5, 'M' },
		{ "small: L for the modules",
		    "IoTDisco;SN:BQ1230042X;"
		    "KEY:7K2QM9XR4TVD81JHWZ3NPC6FYB",
		    13, 0, OK, 3, 'L' },
		{ "too small", CLAIM, 11, 0, ERR_RANGE, 0, 0 },
		{ "whole dots at 203 dpi", CLAIM, 25, 25.4 / 203, OK, 5, 'M' },
		{ "271 dots at 300 dpi", CLAIM, 271 * 25.4 / 300, 25.4 / 300,
		    OK, 7, 'Q' },
		{ "a higher level for nothing", "A", 8, 0, OK, 1, 'H' },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct code_square sq = { rows[i].mm, rows[i].dot, false };
		struct errbuf eb = { "" };
		struct code c;

		print_message("  %s\n", rows[i].name);
		assert_int_equal(
		    code_choose(rows[i].text, &sq, &c, &eb), rows[i].want);
		if (rows[i].want != OK) {
			assert_non_null(strstr(eb.text, "mm"));
			assert_null(strstr(eb.text, "7K2Q"));
			continue;
		}
		print_message("    v%d %c %.3f mm\n", c.version,
		    code_letter(c.level), code_module(&c, &sq));
		assert_int_equal(c.version, rows[i].version);
		assert_int_equal(code_letter(c.level), rows[i].level);
		code_fini(&c);
	}
}

static void
too_long(void **state)
{
	char text[4000];
	struct code c;
	struct code_square sq = { 1000, 0, false };

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(code_choose(text, &sq, &c, NULL), ERR_RANGE);
	text[2700] = '\0'; /* fits at L alone */
	assert_int_equal(code_choose(text, &sq, &c, NULL), OK);
	assert_int_equal(code_letter(c.level), 'L');
	code_fini(&c);
}

static void
whole_dots(void **state)
{
	struct code c;
	struct code_square sq = { 10, 25.4 / 300, false };

	(void)state;
	assert_int_equal(code_make(CLAIM, CODE_L, &c), OK);
	assert_int_equal(c.width, 37);
	assert_true(fabs(code_module(&c, &sq) - 2 * 25.4 / 300) < 1e-9);
	sq.mm = 45 * 25.4 / 300; /* 45 modules, one dot each */
	assert_true(fabs(code_module(&c, &sq) - 25.4 / 300) < 1e-9);
	sq.mm -= 0.01;
	assert_true(fabs(code_module(&c, &sq) - 0) < 1e-9);
	code_fini(&c);
}

/* A header would cost ASCII 12 bits: what just fits must go on fitting. */
static void
header_where_it_is_needed(void **state)
{
	static const struct {
		const char *text; /* in 17 bytes, the most of version 1 L */
		int version;
	} rows[] = {
		{ "iotdisco:abcdefgh", 1 },
		{ "iotdisco:abcde\xc3\xa9g", 2 },
		{ "iotdisco:\xc3\xa9", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct code c;

		assert_int_equal(code_make(rows[i].text, CODE_L, &c), OK);
		assert_int_equal(c.version, rows[i].version);
		code_fini(&c);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(choose),
		cmocka_unit_test(too_long),
		cmocka_unit_test(whole_dots),
		cmocka_unit_test(header_where_it_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
