/* The hand-over sheet's drawing: wrapping, pages, and input that is none. */
#include "labels/report.h"

#include "labels/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
wrapping(void **state)
{
	static const struct type big = { FONT_PLAIN, 10, INK_TEXT };
	static const struct type fine = { FONT_PLAIN, 5, INK_SOFT };
	static const double line = 10 * PAGE_LEAD, half = 5 * PAGE_LEAD;
	const struct {
		const char *text;
		double w, want;
	} rows[] = {
		{ "", 100, 0 },
		{ "a", 100, line },
		{ "a b", 100, line },
		{ "a\nb", 100, line + half },
		{ "\nb", 100, line },
		{ "a\nb\nc", 100, line + 2 * half },
		{ "aaaaaaaaaa bbbbbbbbbb", 70, 2 * line },
		{ "iiii", 0.1, 4 * line },
		{ "Größe", 0.1, 5 * line },
		{ " ", 100, line },
		{ "   ", 0.1, line },
		{ "a ", 100, line },
	};
	int missing = 0;
	struct page p = { .font = font_open(), .missing = &missing };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* On the heap, so that a step too far is seen. */
		char *text = strdup(rows[i].text);
		struct block b = { &big, &fine, 0, rows[i].w, false, text };

		print_message("\"%s\" on %g mm\n", text, rows[i].w);
		assert_true(
		    page_block(&p, &b, 0, false) - rows[i].want < 0.001);
		assert_true(
		    page_block(&p, &b, 0, false) - rows[i].want > -0.001);
		free(text);
	}
	font_close(p.font);
}

static enum err
drawn(const char *json, struct buf *out)
{
	struct errbuf eb = { "" };
	int missing;
	enum err e = report_draw(json, strlen(json), out, &missing, &eb);

	assert_null(strstr(eb.text, "SECRET"));
	assert_true(e == OK || eb.text[0]);
	return e;
}

static void
input(void **state)
{
	static const struct {
		const char *json;
		enum err want;
	} rows[] = {
		{ "", ERR_PROTO },
		{ "[]", ERR_PROTO },
		{ "{\"title\":\"SECRET", ERR_PROTO },
		{ "{}", OK },
		{ "{\"title\":1,\"facts\":{},\"parts\":\"x\"}", OK },
		{ "{\"facts\":[1,[],[null,null],[\"a\"]]}", OK },
		{ "{\"parts\":[1,null,{},{\"steps\":[1],\"sign\":[2]}]}", OK },
		{ "{\"parts\":[{\"columns\":[1,{\"width\":\"x\"}],"
		  "\"rows\":[1,[\"a\",2,3],[]]}]}",
		    OK },
		{ "{\"parts\":[{\"columns\":[{\"width\":-5},{\"width\":0}],"
		  "\"rows\":[[\"SECRET\",\"SECRET\"]]}]}",
		    OK },
		{ "{\"parts\":[{\"codes\":[{\"text\":\"SECRET\"}]}]}", OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf out = { 0 };

		print_message("%s\n", rows[i].json);
		assert_int_equal(drawn(rows[i].json, &out), rows[i].want);
		if (rows[i].want == OK)
			assert_memory_equal(out.data, "%PDF-", 5);
		buf_fini(&out);
	}
}

static void
too_long_for_a_code(void **state)
{
	struct buf json = { 0 }, out = { 0 };

	(void)state;
	buf_puts(&json, "{\"parts\":[{\"codes\":[{\"text\":\"");
	for (int i = 0; i < 600; i++)
		buf_puts(&json, "SECRET");
	buf_puts(&json, "\"}]}]}");
	assert_int_equal(drawn(json.data, &out), ERR_RANGE);
	buf_fini(&json);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrapping),
		cmocka_unit_test(input),
		cmocka_unit_test(too_long_for_a_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
