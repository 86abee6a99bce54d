#include "labels/label.h"

#include "labels/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
parse(void **state)
{
	static const struct {
		const char *name, *json;
		enum err want;
		size_t n;
	} rows[] = {
		{ "none", "[]", OK, 0 },
		{ "claim", "[{\"node\":\"a\",\"text\":\"IoTDisco;KEY:1\"}]", OK,
		    1 },
		{ "asset",
		    "[{\"node\":\"a\",\"kind\":\"asset\",\"text\":null}]", OK,
		    1 },
		{ "claim without text", "[{\"node\":\"a\"}]", ERR_PROTO, 1 },
		{ "no node", "[{\"text\":\"x\"}]", ERR_PROTO, 1 },
		{ "other kind", "[{\"node\":\"a\",\"kind\":\"x\"}]", ERR_PROTO,
		    1 },
		{ "not an object", "[1]", ERR_PROTO, 1 },
		{ "object", "{}", ERR_PROTO, 0 },
		{ "nothing", "", ERR_PROTO, 0 },
		{ "cut short", "[{\"node\":\"a\"", ERR_PROTO, 0 },
		{ "second is bad", "[{\"node\":\"a\",\"text\":\"x\"},2]",
		    ERR_PROTO, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct labels ls;
		struct errbuf eb = { "" };

		print_message("  %s\n", rows[i].name);
		assert_int_equal(
		    labels_parse(rows[i].json, strlen(rows[i].json), &ls, &eb),
		    rows[i].want);
		assert_int_equal(ls.n, rows[i].n);
		assert_true(rows[i].want == OK || eb.text[0]);
		labels_fini(&ls);
	}
}

static void
members(void **state)
{
	static const char json[] =
	    "[{\"node\":\"a\",\"name\":\"N\\n1\",\"address\":3,\"sn\":null,"
	    "\"model\":\"M\\u009b2J\\u007f\","
	    "\"text\":\"t\\u0085\\nt\",\"key\":\"K\",\"why\":\"ignored\"}]";
	struct labels ls;

	(void)state;
	assert_int_equal(labels_parse(json, sizeof(json) - 1, &ls, NULL), OK);
	assert_string_equal(ls.v[0].name, "N 1"); /* one line */
	assert_string_equal(ls.v[0].address, "3");
	assert_string_equal(ls.v[0].sn, "");
	assert_string_equal(ls.v[0].text, "t\xc2\x85\nt"); /* as it claims */
	assert_string_equal(ls.v[0].model, "M  2J ");
	assert_string_equal(ls.v[0].key, "K");
	labels_fini(&ls);
}

static void
file_names(void **state)
{
	static const struct {
		const char *path, *node, *want;
	} rows[] = {
		{ "s.png", "em24-1", "s-em24-1.png" },
		{ "dir.d/s", "a", "dir.d/s-a" },
		{ "dir.d/s.svg", "a/../b", "dir.d/s-a_.._b.svg" },
		{ "s.png", "Größe 1", "s-Gr____e_1.png" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = file_name(rows[i].path, rows[i].node);

		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(members),
		cmocka_unit_test(file_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
