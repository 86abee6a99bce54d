#include "common/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
names_and_exit_codes(void **state)
{
	static const struct {
		enum err e;
		enum exit_code code;
	} rows[] = {
		{ OK, EXIT_OK },
		{ ERR_IO, EXIT_FAILED },
		{ ERR_TIMEOUT, EXIT_TIMEOUT },
		{ ERR_PROTO, EXIT_FAILED },
		{ ERR_REFUSED, EXIT_REFUSED },
		{ ERR_RANGE, EXIT_USAGE },
		{ ERR_NOTFOUND, EXIT_NOTFOUND },
		{ ERR_UNSUP, EXIT_FAILED },
		{ ERR_BUSY, EXIT_FAILED },
		{ ERR_OFFLINE, EXIT_OFFLINE },
		{ ERR_CONFIG, EXIT_CONFIG },
	};
	size_t n = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(err_exit(rows[i].e), rows[i].code);
		assert_string_not_equal(err_str(rows[i].e), "unknown error");
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    err_str(rows[i].e), err_str(rows[k].e));
	}
	assert_string_equal(err_str((enum err) - 99), "unknown error");
}

static void
sentence(void **state)
{
	struct errbuf eb = { "" };
	char longer[1000];

	(void)state;
	assert_int_equal(
	    errbuf_set(&eb, ERR_IO, "no %s: %d", "port", 7), ERR_IO);
	assert_string_equal(eb.text, "no port: 7");
	assert_int_equal(errbuf_set(NULL, ERR_BUSY, "x"), ERR_BUSY);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(errbuf_set(&eb, ERR_IO, "%s", longer), ERR_IO);
	assert_int_equal(strlen(eb.text), sizeof(eb.text) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_exit_codes),
		cmocka_unit_test(sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
