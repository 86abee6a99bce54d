#include "cli/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
text(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "-" },
		{ "plain", "plain" },
		{ "a\033[2Jb\177", "a?[2Jb?" },
		{ "\xc2\x9b[2J", "??[2J" }, /* CSI of C1 */
		{ "\xc2\xa0 21.5 \xc2\xb0", "\xc2\xa0 21.5 \xc2\xb0" },
		{ "W\xc3\xa4rme", "W\xc3\xa4rme" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *v = json_string(rows[i].in);
		char *got = out_text(v);

		print_message("row %zu\n", i);
		assert_string_equal(got, rows[i].want);
		free(got);
		json_decref(v);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
