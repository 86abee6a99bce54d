/* Registers in every way, and the line to paste. */
#include "gateway/interpret.h"

#include "common/buf.h"
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *
member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static void
assert_reading(
    const json_t *list, const char *type, const char *order, const char *value)
{
	const json_t *o;
	size_t i;

	print_message("  %s %s\n", type, order);
	json_array_foreach(list, i, o)
	{
		if (strcmp(member(o, "type"), type) != 0 ||
		    strcmp(member(o, "order"), order) != 0)
			continue;
		assert_string_equal(member(o, "value"), value);
		return;
	}
	fail_msg("there is none");
}

static void
four_registers(void **state)
{
	static const uint16_t regs[] = { 0x4366, 0x199a, 0x4142, 0xfffe };
	const struct range r = { MB_HOLDING, 0x0100, regs, 4 };
	json_t *out = json_array();

	(void)state;
	interpret(&r, out);
	assert_reading(out, "hex", "", "0x4366");
	assert_reading(out, "bits", "", "0100 0011 0110 0110");
	assert_reading(out, "u16", "", "17254");
	assert_reading(out, "u32", "ABCD", "1130764698");
	assert_reading(out, "u32", "CDAB", "429540198");
	assert_reading(out, "i32", "DCBA", "-1709611453");
	assert_reading(out, "f32", "ABCD", "230.1");
	assert_reading(out, "u64", "ABCD", "4856597398476226558");
	json_decref(out);
}

static void
one_type(void **state)
{
	static const uint16_t regs[] = { 0x4366, 0x199a };
	const struct range r = { MB_HOLDING, 0x0100, regs, 2 };
	const struct range bits = { MB_COIL, 0, regs, 2 };
	json_t *out = json_array();

	(void)state;
	assert_true(interpret_type(&r, "u16", out));
	assert_int_equal(json_array_size(out), 1);
	assert_reading(out, "u16", "", "17254");
	json_array_clear(out);
	assert_true(interpret_type(&r, "f32", out));
	assert_int_equal(json_array_size(out), 4);
	assert_reading(out, "f32", "ABCD", "230.1");
	json_array_clear(out);
	assert_false(interpret_type(&r, "u64", out)); /* it is too short */
	assert_false(interpret_type(&r, "bcd16", out));
	assert_false(interpret_type(&bits, "u16", out));
	assert_int_equal(json_array_size(out), 0);
	json_decref(out);
}

static void
only_what_there_is(void **state)
{
	static const uint16_t one[] = { 0x8001 };
	const struct range r = { MB_INPUT, 7, one, 1 };
	json_t *out = json_array();

	(void)state;
	interpret(&r, out);
	assert_int_equal(json_array_size(out), 4);
	assert_reading(out, "i16", "", "-32767");
	json_decref(out);
}

/* Each line can be pasted into a template's [field]. */
static void
lines_parse(void **state)
{
	static const uint16_t regs[] = { 1, 2, 3, 4 };
	const struct range ranges[] = { { MB_INPUT, 0xfffc, regs, 4 },
		{ MB_COIL, 8, regs, 1 } };
	json_t *out = json_array();
	const json_t *o;
	size_t i;

	(void)state;
	interpret(&ranges[0], out);
	interpret(&ranges[1], out);
	json_array_foreach(out, i, o)
	{
		const char *line = member(o, "line");
		struct buf errs = { 0 };
		struct tmpl *t;
		char *text;

		if (!*line)
			continue;
		print_message("  %s\n", line);
		text = mem_printf("[template]\nid = x\nname = x\nclass = x\n"
				  "kind = modbus\nversion = 1\n"
				  "[poll]\nnormal = 1s\n[field]\n%s\n",
		    line);
		assert_int_equal(
		    tmpl_load_text("x", text, strlen(text), &t, &errs), OK);
		tmpl_free(t);
		buf_fini(&errs);
		free(text);
	}
	json_decref(out);
}

static void
where(void **state)
{
	static const struct {
		const char *where, *type;
		enum err want;
		const char *says;
	} cases[] = {
		{ "holding:0x10", NULL, OK, "" },
		{ "coil:3", NULL, OK, "" },
		{ "input:5", "f32", OK, "" },
		{ "input:5", "f32 order=CDAB dec=2", OK, "" },
		{ "input:5", "str:20", OK, "" },
		{ "nowhere:5", NULL, ERR_RANGE, "where" },
		{ "holding:70000", NULL, ERR_RANGE, "address" },
		{ "holding:1", "u17", ERR_RANGE, "type" },
		{ "holding:1\nother = holding:2", "u16", ERR_RANGE, "line" },
		{ "holding:1", "u16\n[tag]", ERR_RANGE, "line" },
		{ "", "", ERR_RANGE, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct errbuf eb = { "" };
		struct tmpl *t;

		print_message("  %s %s\n", cases[i].where,
		    cases[i].type ? cases[i].type : "");
		assert_int_equal(
		    interpret_where(cases[i].where, cases[i].type, &t, &eb),
		    cases[i].want);
		assert_non_null(strstr(eb.text, cases[i].says));
		assert_int_equal(t != NULL, cases[i].want == OK);
		tmpl_free(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_registers),
		cmocka_unit_test(one_type),
		cmocka_unit_test(only_what_there_is),
		cmocka_unit_test(lines_parse),
		cmocka_unit_test(where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
