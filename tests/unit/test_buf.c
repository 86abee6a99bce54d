#include "common/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
append(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_add(&b, NULL, 0);
	assert_string_equal(b.data, "");
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_printf(&b, "-%d-%s", 42, "x");
	buf_add(&b, "y\0z", 3);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "abc-42-xy\0z", 12);
	buf_fini(&b);
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
}

static void
grows(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	assert_int_equal(b.data[99999], 'a' + 99999 % 26);
	assert_int_equal(b.data[100000], '\0');
	assert_true(b.cap < 4 * b.len);
	buf_fini(&b);
}

static void
take(void **state)
{
	struct buf b = { 0 };
	char *s = buf_take(&b);

	(void)state;
	assert_string_equal(s, "");
	free(s);
	buf_puts(&b, "text");
	s = buf_take(&b);
	assert_string_equal(s, "text");
	assert_null(b.data);
	free(s);
}

static void
consume(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_consume(&b, 0);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 2);
	assert_string_equal(b.data, "cdef");
	buf_consume(&b, 4);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_puts(&b, "g");
	assert_string_equal(b.data, "g");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append),
		cmocka_unit_test(grows),
		cmocka_unit_test(take),
		cmocka_unit_test(consume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
