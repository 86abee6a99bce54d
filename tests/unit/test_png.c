#include "labels/png.h"

#include "labels/svg.h"
#include "labels/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A PNG's first bytes up to the end of IHDR, then anything. */
static void
density(void **state)
{
	static const unsigned char want[] = { 0, 0, 0, 9, 'p', 'H', 'Y', 's', 0,
		0, 0x2e, 0x23, 0, 0, 0x2e, 0x23, 1, 0x78, 0xa5, 0x3f, 0x76 };
	struct buf png = { 0 }, out = { 0 };
	char head[33 + 4] = "";

	(void)state;
	memcpy(head + 33, "rest", 4);
	buf_add(&png, head, sizeof(head));
	png_add_dpi(&png, 300, &out);
	assert_int_equal(out.len, sizeof(head) + sizeof(want));
	assert_memory_equal(out.data + 33, want, sizeof(want));
	assert_memory_equal(out.data + 33 + sizeof(want), "rest", 4);
	buf_fini(&png);
	buf_fini(&out);
}

static void
svg_escapes(void **state)
{
	struct layout lo = { .w = 10, .h = 10, .n = 1 };
	struct buf out = { 0 };

	(void)state;
	lo.line[0].text = (char[]){ "a<b>&\"c" };
	svg_draw(&lo, NULL, &out);
	assert_non_null(strstr(out.data, ">a&lt;b&gt;&amp;&quot;c</text>"));
	buf_fini(&out);
}

static void
term_size(void **state)
{
	static const char json[] = "[{\"node\":\"n\",\"text\":\"A\"}]";
	struct labels ls;
	struct buf out = { 0 };
	int columns, rows = 0;

	(void)state;
	assert_int_equal(labels_parse(json, sizeof(json) - 1, &ls, NULL), OK);
	assert_int_equal(term_draw(ls.v, &out, &columns), OK);
	assert_int_equal(columns, 21 + 8);
	for (const char *p = out.data; (p = strstr(p, "\033[0m\n")); p++)
		rows++;
	assert_int_equal(rows, (columns + 1) / 2);
	labels_fini(&ls);
	buf_fini(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(density),
		cmocka_unit_test(svg_escapes),
		cmocka_unit_test(term_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
