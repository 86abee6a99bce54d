#include "protocol/tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define X8 "xxxxxxxx"
#define X32 X8 X8 X8 X8
#define X128 X32 X32 X32 X32
#define E8 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"

static void
check(void **state)
{
	static const struct {
		const char *what, *name, *value;
		bool num;
		enum err want;
	} rows[] = {
		{ "plain", "SN", "394872", false, OK },
		{ "empty value deletes", "KEY", "", false, OK },
		{ "empty number", "V", "", true, ERR_PROTO },
		{ "number", "V", "1.2", true, OK },
		{ "number with exponent", "V", "12e-1", true, OK },
		{ "number with comma", "V", "1,2", true, ERR_PROTO },
		{ "NaN", "V", "NaN", true, ERR_PROTO },
		{ "empty name", "", "x", false, ERR_RANGE },
		{ "name of 32", X32, "x", false, OK },
		{ "name of 33", X32 "x", "x", false, ERR_RANGE },
		{ "name of 32, two bytes each", E8 E8 E8 E8, "x", false, OK },
		{ "colon", "A:B", "x", false, ERR_PROTO },
		{ "hash", "#V", "x", false, ERR_PROTO },
		{ "blank", "A B", "x", false, ERR_PROTO },
		{ "tab", "A\tB", "x", false, ERR_PROTO },
		{ "no-break space",
		    "A\xc2\xa0"
		    "B",
		    "x", false, ERR_PROTO },
		{ "odd but allowed", "A;\\=<>~B", "x", false, OK },
		{ "name not UTF-8", "A\xff", "x", false, ERR_PROTO },
		{ "value of 128", "A", X128, false, OK },
		{ "value of 129", "A", X128 "x", false, ERR_RANGE },
		{ "value not UTF-8", "A", "\xc3", false, ERR_PROTO },
		{ "value not XML", "A", "a\x07", false, ERR_PROTO },
		{ "markup in a value", "A", "<&'\"", false, OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct errbuf eb = { "" };

		print_message("  %s\n", rows[i].what);
		assert_int_equal(
		    tag_check(rows[i].name, rows[i].value, rows[i].num, &eb),
		    rows[i].want);
		assert_int_equal(*eb.text != '\0', rows[i].want != OK);
	}
}

static void
no_value_in_error_texts(void **state)
{
	struct errbuf eb;

	(void)state;
	assert_int_equal(tag_check("KEY", "secret\x01", false, &eb), ERR_PROTO);
	assert_null(strstr(eb.text, "secret"));
	assert_int_equal(tag_check("KEY", "secret", true, &eb), ERR_PROTO);
	assert_null(strstr(eb.text, "secret"));
}

static void
set_of_tags(void **state)
{
	struct tags t = { 0 }, copy = { 0 };

	(void)state;
	assert_int_equal(tags_add(&t, "sn", "1", false, NULL), OK);
	assert_string_equal(t.v[0].name, "SN");
	assert_int_equal(tags_add(&t, "Sn", "2", false, NULL), ERR_BUSY);
	assert_int_equal(tags_add(&t, "V", "x", true, NULL), ERR_PROTO);
	assert_int_equal(t.n, 1);
	assert_int_equal(tags_set(&t, "sN", "2.5", true, NULL), OK);
	assert_int_equal(t.n, 1);
	assert_true(t.v[0].num);
	assert_string_equal(tags_find(&t, "SN")->value, "2.5");
	assert_int_equal(tags_set(&t, "MAN", "a", false, NULL), OK);
	assert_int_equal(tags_set(&t, "MODEL", "", false, NULL), OK);
	tags_copy(&copy, &t);
	tags_drop_empty(&t);
	assert_int_equal(t.n, 2);
	assert_null(tags_find(&t, "MODEL"));
	assert_int_equal(copy.n, 3);
	assert_true(tags_remove(&t, "sn"));
	assert_false(tags_remove(&t, "sn"));
	assert_string_equal(t.v[0].name, "MAN");
	tags_fini(&t);
	tags_fini(&copy);
	assert_int_equal(copy.n, 0);
}

static void
fill(struct tags *t, int n)
{
	char name[16];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "T%d", i);
		assert_int_equal(tags_add(t, name, "1", false, NULL), OK);
	}
}

static void
at_most(void **state)
{
	struct tags t = { 0 }, more = { 0 };

	(void)state;
	fill(&t, TAGS_MAX);
	assert_int_equal(tags_add(&t, "X", "1", false, NULL), ERR_RANGE);
	assert_int_equal(tags_set(&t, "X", "1", false, NULL), ERR_RANGE);
	assert_int_equal(tags_set(&t, "T3", "2", false, NULL), OK);
	assert_int_equal(tags_add(&more, "X", "1", false, NULL), OK);
	assert_int_equal(tags_add(&more, "T0", "9", false, NULL), OK);
	assert_int_equal(tags_merge(&t, &more), ERR_RANGE);
	assert_string_equal(tags_find(&t, "T0")->value, "1");
	assert_int_equal(tags_add(&more, "T1", "", false, NULL), OK);
	assert_int_equal(tags_merge(&t, &more), OK);
	assert_int_equal(t.n, TAGS_MAX);
	assert_null(tags_find(&t, "T1"));
	assert_non_null(tags_find(&t, "X"));
	tags_fini(&t);
	tags_fini(&more);
}

static void
merge(void **state)
{
	struct tags t = { 0 }, from = { 0 };

	(void)state;
	assert_int_equal(tags_add(&t, "KEY", "k", false, NULL), OK);
	assert_int_equal(tags_add(&t, "V", "1.2", true, NULL), OK);
	assert_int_equal(tags_add(&t, "SN", "7", false, NULL), OK);
	assert_int_equal(tags_add(&from, "key", "", false, NULL), OK);
	assert_int_equal(tags_add(&from, "ROOM", "", false, NULL), OK);
	assert_int_equal(tags_add(&from, "v", "two", false, NULL), OK);
	assert_int_equal(tags_add(&from, "LON", "-71.5", true, NULL), OK);
	assert_int_equal(tags_merge(&t, &from), OK);
	assert_int_equal(t.n, 3);
	assert_null(tags_find(&t, "KEY"));
	assert_string_equal(tags_find(&t, "V")->value, "two");
	assert_false(tags_find(&t, "V")->num);
	assert_true(tags_find(&t, "LON")->num);
	tags_fini(&t);
	tags_fini(&from);
}

/* Sets that a claim takes as one, and sets that it must not. */
static void
canonical(void **state)
{
	struct tag_row {
		const char *name, *value;
		bool num;
	};
	static const struct {
		const char *what;
		struct tag_row a[2], b[2];
		bool same;
	} rows[] = {
		{ "order", { { "A", "1", 0 }, { "B", "2", 0 } },
		    { { "B", "2", 0 }, { "A", "1", 0 } }, true },
		{ "case of names", { { "key", "1", 0 } }, { { "KEY", "1", 0 } },
		    true },
		{ "1.2 is 12e-1", { { "V", "1.2", 1 } },
		    { { "V", "12e-1", 1 } }, true },
		{ "1.2 is 1.20", { { "V", "1.2", 1 } }, { { "V", " 1.20", 1 } },
		    true },
		{ "-0 is 0", { { "V", "-0", 1 } }, { { "V", "0.0", 1 } },
		    true },
		{ "type", { { "V", "1.2", 1 } }, { { "V", "1.2", 0 } }, false },
		{ "case of values", { { "A", "x", 0 } }, { { "A", "X", 0 } },
		    false },
		{ "blanks of values", { { "A", "x", 0 } }, { { "A", "x ", 0 } },
		    false },
		{ "one more", { { "A", "x", 0 } },
		    { { "A", "x", 0 }, { "B", "", 0 } }, false },
		{ "text of another tag in a value", { { "A", "1 s B 2", 0 } },
		    { { "A", "1", 0 }, { "B", "2", 0 } }, false },
		{ "neighbours among doubles", { { "V", "0.1", 1 } },
		    { { "V", "0.10000000000000002", 1 } }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tags a = { 0 }, b = { 0 };
		struct buf x = { 0 }, y = { 0 };

		print_message("  %s\n", rows[i].what);
		for (size_t k = 0; k < 2; k++) {
			const struct tag_row *p = &rows[i].a[k];
			const struct tag_row *q = &rows[i].b[k];

			if (p->name)
				assert_int_equal(tags_add(&a, p->name, p->value,
						     p->num, NULL),
				    OK);
			if (q->name)
				assert_int_equal(tags_add(&b, q->name, q->value,
						     q->num, NULL),
				    OK);
		}
		tags_canonical(&a, &x);
		tags_canonical(&b, &y);
		assert_int_equal(strcmp(x.data, y.data) == 0, rows[i].same);
		if (a.n == 1 && b.n == 1)
			assert_int_equal(
			    tag_equal(&a.v[0], &b.v[0]), rows[i].same);
		buf_fini(&x);
		buf_fini(&y);
		tags_fini(&a);
		tags_fini(&b);
	}
}

static void
canonical_text(void **state)
{
	struct tags t = { 0 };
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(tags_add(&t, "v", "1.20", true, NULL), OK);
	assert_int_equal(tags_add(&t, "SN", "7", false, NULL), OK);
	tags_canonical(&t, &b);
	assert_string_equal(b.data,
	    "SN\x1fs\x1f"
	    "7\x1eV\x1fn\x1f"
	    "1.2\x1e");
	buf_fini(&b);
	tags_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check),
		cmocka_unit_test(no_value_in_error_texts),
		cmocka_unit_test(set_of_tags),
		cmocka_unit_test(at_most),
		cmocka_unit_test(merge),
		cmocka_unit_test(canonical),
		cmocka_unit_test(canonical_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
