/* Tables for mail merge: quoting, and cells that must not become formulas. */
#include "cli/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
cells(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "meter1", "meter1" },
		{ "Größe 16 kW", "Größe 16 kW" },
		{ "a,b", "\"a,b\"" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"" },
		{ "two\nlines", "\"two\nlines\"" },
		{ "two\r\nlines", "\"two\r\nlines\"" },
		{ "a;b 'c'", "a;b 'c'" },
		{ "=1+1", "'=1+1" },
		{ "+4670", "'+4670" },
		{ "-5 °C", "'-5 °C" },
		{ "@SUM(A1)", "'@SUM(A1)" },
		{ "\t=1", "'\t=1" },
		{ "\r=1", "\"'\r=1\"" },
		{ "=HYPERLINK(\"x\",\"y\")",
		    "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"" },
		{ "5-3", "5-3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = { 0 };

		buf_puts(&b, "");
		csv_cell(&b, rows[i].text);
		assert_string_equal(b.data, rows[i].want);
		buf_fini(&b);
	}
}

static void
table(void **state)
{
	static const char *const columns[] = { "node", "address", "sn", NULL };
	json_t *rows = json_pack("[{s:s, s:i, s:s}, {s:s, s:n}]", "node", "m1",
	    "address", 7, "sn", "007", "node", "a\x1b[31m,b", "address");
	struct buf b = { 0 };

	(void)state;
	csv_table(&b, columns, rows);
	assert_string_equal(
	    b.data, "node,address,sn\r\nm1,7,007\r\n\"a?[31m,b\",,\r\n");
	buf_fini(&b);
	json_decref(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells),
		cmocka_unit_test(table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
