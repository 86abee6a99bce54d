#include "registry/allow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *list, *name, *value;
	bool num;
	enum err want;
} cases[] = {
	{ "*", "ANY", "1", false, OK },
	{ "A, *", "ANY", "1", false, OK },
	{ NULL, "ANY", "1", false, ERR_RANGE },
	{ "", "ANY", "1", true, ERR_RANGE },
	{ NULL, "ANY", "", false, OK }, /* it deletes */
	{ NULL, "KEY", "1", false, OK },
	{ NULL, "streetnr", "1", false, OK },
	{ NULL, "STREETN", "1", false, ERR_RANGE },
	{ NULL, "V", "1", true, OK },
	{ "power", "POWER", "1", false, OK },
	{ "A,power,B", "Power", "1", false, OK },
	{ " A ,\tPOWER ", "POWER", "1", false, OK },
	{ "POWER2", "POWER", "1", false, ERR_RANGE },
	{ "POW", "POWER", "1", false, ERR_RANGE },
	{ "\xc3\x9c", "\xc3\x9c", "1", false, OK },
	{ ",,,", "POWER", "1", false, ERR_RANGE },
};

static void
names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tags tags = { 0 };
		struct errbuf eb;

		print_message("  %s in %s\n", cases[i].name,
		    cases[i].list ? cases[i].list : "nothing");
		assert_int_equal(tags_add(&tags, cases[i].name, cases[i].value,
				     cases[i].num, NULL),
		    OK);
		assert_int_equal(
		    allow_check(cases[i].list, &tags, &eb), cases[i].want);
		tags_fini(&tags);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
