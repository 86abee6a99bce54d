#include "labels/pdf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
make(struct buf *out)
{
	struct errbuf eb;
	struct pdf *p = pdf_open((struct pair){ 210, 297 }, "t");

	pdf_page(p);
	assert_int_equal(pdf_close(p, out, &eb), OK);
}

/* The last references point to the catalog that has the entry. */
static void
unscaled(void **state)
{
	struct buf pdf = { 0 };
	const char *ref = NULL, *object;
	char head[32];
	long at;

	(void)state;
	make(&pdf);
	for (size_t i = 0; i + 9 < pdf.len; i++)
		if (memcmp(pdf.data + i, "startxref", 9) == 0)
			ref = pdf.data + i;
	at = strtol(ref + 9, NULL, 10);
	assert_memory_equal(pdf.data + at, "xref\n", 5);
	snprintf(head, sizeof(head), "%ld 0 obj\n",
	    strtol(pdf.data + at + 5, NULL, 10));
	object = pdf.data + strtol(strstr(pdf.data + at + 5, "\n"), NULL, 10);
	assert_memory_equal(object, head, strlen(head));
	assert_non_null(strstr(object, "/Type /Catalog"));
	assert_non_null(strstr(object, "/PrintScaling /None"));
	buf_fini(&pdf);
}

static void
reproducible(void **state)
{
	struct buf a = { 0 }, b = { 0 };

	(void)state;
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	make(&a);
	make(&b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_fini(&a);
	buf_fini(&b);
}

static void
no_pdf(void **state)
{
	static const char *const texts[] = { "", "%PDF-1.5\n",
		"trailer\n<< /Size 8\n /Root 7 0 R\n /Info 6 0 R\n>>\n"
		"startxref\n99999\n%%EOF\n",
		"trailer\n<< /Size 8\n /Root 7 0 R\n /Info 6 0 R\n>>\n"
		"startxref\n0\n%%EOF\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf pdf = { 0 };

		buf_printf(&pdf, "%200s%s", "", texts[i]);
		assert_int_equal(pdf_unscaled(&pdf), ERR_PROTO);
		buf_fini(&pdf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unscaled),
		cmocka_unit_test(reproducible),
		cmocka_unit_test(no_pdf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
