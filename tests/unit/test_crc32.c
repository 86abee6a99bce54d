#include "common/crc32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
known_sums(void **state)
{
	static const char text[] = "123456789";

	(void)state;
	assert_int_equal(crc32_add(0, text, 0), 0);
	assert_int_equal(crc32_add(0, text, 9), 0xcbf43926);
	assert_int_equal(
	    crc32_add(crc32_add(0, text, 4), text + 4, 5), 0xcbf43926);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
