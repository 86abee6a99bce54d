#include "cli/plot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
quotes_cells(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "12.5", "12.5" },
		{ "Power, L1", "\"Power, L1\"" },
		{ "a \"b\"", "\"a \"\"b\"\"\"" },
		{ "a\nb", "\"a\nb\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = plot_csv(rows[i][0]);

		assert_string_equal(got, rows[i][1]);
		free(got);
	}
}

static void
draws_bars(void **state)
{
	const struct plot_point v[] = { { 0, 0 }, { 10, 7 }, { 15, 9 },
		{ 30, 4 }, { 40, 8 } };
	char *got = plot_bars(v, 5, 4);

	(void)state;
	assert_string_equal(got, "\xe2\x96\x81\xe2\x96\x87 \xe2\x96\x86");
	free(got);
	got = plot_bars(v, 0, 4);
	assert_string_equal(got, "");
	free(got);
	got = plot_bars(v, 1, 3);
	assert_string_equal(got, "\xe2\x96\x81  ");
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_cells),
		cmocka_unit_test(draws_bars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
