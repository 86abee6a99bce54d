#include "labels/zpl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Ten dots a row: two bytes, the last six bits white. */
static void
bits(void **state)
{
	static const unsigned char rows[] = { 0x80, 0x40, 0x80, 0x40, 0xff, 0,
		0, 0, 0, 0 };
	struct buf out = { 0 };

	(void)state;
	zpl_bits(rows, 10, 5, &out);
	assert_string_equal(out.data,
	    "^XA\n^PW10\n^LL5\n^LH0,0\n^FO0,0\n^GFA,10,10,2,\n"
	    "8040,\n:\nFF,\n,\n:\n^FS\n^XZ\n");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
