#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
text(void **state)
{
	static const struct {
		struct progress p;
		const char *want;
	} rows[] = {
		{ { "b  9600 8N1", "address 94", 94, 247, 70, 3 },
		    "b  9600 8N1  [######----------]  38 %  address 94  3 found"
		    "  1 min 10 s left  (Ctrl-C keeps results)" },
		{ { "b", "", 0, 10, 0, 0 },
		    "b  [----------------]   0 %  0 found  (Ctrl-C keeps "
		    "results)" },
		{ { "b", "", 9, 10, 1, 1 },
		    "b  [##############--]  90 %  1 found  1 s left"
		    "  (Ctrl-C keeps results)" },
		{ { "b", "", 11, 10, -1, 0 },
		    "b  [################] 100 %  0 found  (Ctrl-C keeps "
		    "results)" },
		{ { "b", "", -1, 0, -1, 0 },
		    "b  [----------------]   0 %  0 found  (Ctrl-C keeps "
		    "results)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char got[160];

		progress_text(&rows[i].p, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
	}
}

static void
narrow(void **state)
{
	static const struct progress p = { "bus", "address 1", 1, 2, 3, 4 };
	char got[12];

	(void)state;
	progress_text(&p, got, sizeof(got));
	assert_int_equal(strlen(got), sizeof(got) - 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
