#include "labels/sheet.h"

#include "common/buf.h"
#include "config/note.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SHEET                                                    \
	"[stock a]\npage = a4\nlabel = 63.5x38.1\ncells = 3x7\n" \
	"margin = 7.2x15.15\npitch = 66.04x38.1\n"

static enum err
read_text(const char *text, struct stocks *out, struct buf *said)
{
	struct notes notes = { .out = said };

	memset(out, 0, sizeof(*out));
	return stocks_read("my.ini", text, strlen(text), out, &notes);
}

static void
near(double got, double want)
{
	assert_true(fabs(got - want) < 1e-9);
}

static void
pairs(void **state)
{
	static const struct {
		const char *text;
		char between;
		bool good;
		double x, y;
	} cases[] = {
		{ "63.5x38.1", 'x', true, 63.5, 38.1 },
		{ "-0.4,1", ',', true, -0.4, 1 },
		{ "1", ',', false, 0, 0 },
		{ "1,", ',', false, 0, 0 },
		{ "1,2mm", ',', false, 0, 0 },
		{ "1x2", ',', false, 0, 0 },
		{ "0x0", 'x', true, 0, 0 },
		{ "1-2,3", ',', false, 0, 0 },
		{ "-,3", ',', false, 0, 0 },
		{ "nan,1", ',', false, 0, 0 },
		{ "1,inf", ',', false, 0, 0 },
		{ "", ',', false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair p;

		print_message("  %s\n", cases[i].text);
		assert_int_equal(
		    pair_parse(cases[i].text, cases[i].between, &p),
		    cases[i].good);
		if (!cases[i].good)
			continue;
		near(p.x, cases[i].x);
		near(p.y, cases[i].y);
	}
}

static void
wrong(void **state)
{
	static const struct {
		const char *name, *text, *says;
	} cases[] = {
		{ "unknown key", SHEET "colour = red\n", "my.ini:7: error" },
		{ "no label", "[stock a]\npage = roll\n", "label" },
		{ "not a pair", "[stock a]\npage = roll\nlabel = 62\n",
		    "my.ini:3: error" },
		{ "no cells", "[stock a]\npage = a4\nlabel = 60x30\n",
		    "cells is two whole numbers" },
		{ "half a cell",
		    "[stock a]\npage = a4\nlabel = 60x30\ncells = 1.5x2\n"
		    "margin = 5x5\npitch = 60x30\n",
		    "my.ini:4: error" },
		{ "overlap",
		    "[stock a]\npage = a4\nlabel = 60x30\ncells = 3x7\n"
		    "margin = 5x5\npitch = 50x30\n",
		    "overlap" },
		{ "off the paper",
		    "[stock a]\npage = letter\nlabel = 60x30\ncells = 4x7\n"
		    "margin = 5x5\npitch = 60x30\n",
		    "do not fit on 215.9x279.4 mm" },
		{ "no stock", "[roll a]\n", "my.ini:1: error" },
		{ "dpi", "[stock a]\npage = roll\nlabel = 9x9\ndpi = 1\n",
		    "my.ini:4: error" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stocks s;
		struct buf said = { 0 };

		print_message("  %s\n", cases[i].name);
		assert_int_equal(
		    read_text(cases[i].text, &s, &said), ERR_CONFIG);
		assert_non_null(strstr(said.data, cases[i].says));
		stocks_fini(&s);
		buf_fini(&said);
	}
}

static void
names(void **state)
{
	struct stocks s;
	struct buf said = { 0 };

	(void)state;
	assert_int_equal(
	    read_text(SHEET "[stock b]\npage = roll\nlabel = 62x29\n"
			    "same_as = dk-1, dk-11\n",
		&s, &said),
	    OK);
	assert_int_equal(said.len, 0);
	assert_string_equal(stocks_find(&s, "dk-11")->id, "b");
	assert_string_equal(stocks_find(&s, "dk-1")->id, "b");
	assert_null(stocks_find(&s, "dk"));
	assert_null(stocks_find(&s, ""));
	near(stock_paper(stocks_find(&s, "a")).y, 297);
	stocks_fini(&s);
}

static void
cells(void **state)
{
	static const struct {
		const char *start;
		bool by_column;
		int i, page;
		double x, y; /* in labels, from the first one */
	} cases[] = {
		{ "1", false, 0, 0, 0, 0 },
		{ "1", false, 2, 0, 2, 0 },
		{ "1", false, 3, 0, 0, 1 },
		{ "1", false, 20, 0, 2, 6 },
		{ "1", false, 21, 1, 0, 0 },
		{ "1", true, 1, 0, 0, 1 },
		{ "1", true, 7, 0, 1, 0 },
		{ "4", false, 0, 0, 0, 1 },
		{ "2:1", false, 0, 0, 0, 1 },
		{ "2:1", true, 0, 0, 0, 1 },
		{ "7:3", false, 0, 0, 2, 6 },
		{ "7:3", false, 1, 1, 0, 0 },
		{ "7:3", true, 1, 1, 0, 0 },
		{ "1:2", true, 6, 0, 1, 6 },
		{ "1:2", true, 7, 0, 2, 0 },
	};
	struct stocks s;
	struct buf said = { 0 };

	(void)state;
	assert_int_equal(read_text(SHEET, &s, &said), OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sheet sh = { s.v, cases[i].by_column, 0 };
		struct cell c;

		print_message("  %s + %d\n", cases[i].start, cases[i].i);
		assert_int_equal(sheet_start(&sh, cases[i].start, NULL), OK);
		c = sheet_cell(&sh, cases[i].i);
		assert_int_equal(c.page, cases[i].page);
		near(c.at.x, 7.2 + 66.04 * cases[i].x);
		near(c.at.y, 15.15 + 38.1 * cases[i].y);
	}
	stocks_fini(&s);
}

static void
no_cell(void **state)
{
	static const char *const starts[] = { "", "0", "22", "8:1", "1:4",
		"0:1", "1:0", "1:", ":1", "1:1:1", "-1", "a", " 1",
		"99999999999999999999" };
	struct stocks s;
	struct buf said = { 0 };

	(void)state;
	assert_int_equal(read_text(SHEET, &s, &said), OK);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct sheet sh = { s.v, false, 0 };
		struct errbuf eb;

		print_message("  %s\n", starts[i]);
		assert_int_equal(sheet_start(&sh, starts[i], &eb), ERR_RANGE);
		assert_non_null(strstr(eb.text, "7 rows and 3 columns"));
	}
	stocks_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(wrong),
		cmocka_unit_test(names),
		cmocka_unit_test(cells),
		cmocka_unit_test(no_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
