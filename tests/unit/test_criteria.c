#include "cli/criteria.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *operand;
	const char *is; /* as describe writes it, NULL: an error */
} cases[] = {
	{ "MODEL=IMC", "MODEL = IMC" },
	{ "model!=IMC", "MODEL != IMC" },
	{ "#V>1", "#V > 1" },
	{ "#V>=1", "#V >= 1" },
	{ "#V<2", "#V < 2" },
	{ "#V<=-2.5e1", "#V <= -2.5e1" },
	{ "SN~39487*", "SN ~ 39487*" },
	{ "SN~a=b*c", "SN ~ a=b*c" },
	{ "ROOM=", "ROOM = " },
	{ "ROOM=a=b", "ROOM = a=b" },
	{ "#LAT=55..56", "#LAT in [55,56]" },
	{ "#LAT=[55..56]", "#LAT in [55,56]" },
	{ "#LAT=[55..56)", "#LAT in [55,56)" },
	{ "#LAT=(55..56]", "#LAT in (55,56]" },
	{ "#LAT=(-55.5..-54.5)", "#LAT in (-55.5,-54.5)" },
	{ "#LAT!=55..56", "#LAT out [55,56]" },
	{ "#LAT!=(55..56)", "#LAT out (55,56)" },
	{ "CLASS=B..D", "CLASS in [B,D]" },
	{ "#V=1..", "#V >= 1" },
	{ "#V=..2", "#V <= 2" },
	{ "#V=(1..)", "#V > 1" },
	{ "#V=(..2)", "#V < 2" },
	{ "#V!=1..", "#V < 1" },
	{ "#V!=..2", "#V > 2" },
	{ "#V!=(1..)", "#V <= 1" },
	{ "#V!=(..2)", "#V >= 2" },
	{ "NAME>a..b", "NAME > a..b" },
	{ "NAME~a..b", "NAME ~ a..b" },
	{ "MODEL", NULL },
	{ "=IMC", NULL },
	{ "#=1", NULL },
	{ "MODEL!IMC", NULL },
	{ "#V=x", NULL },
	{ "#V=1..x", NULL },
	{ "#V=", NULL },
	{ "#SN~3*", NULL },
	{ "#V=..", NULL },
	{ "#V=[1..2", NULL },
	{ "#V=1..2)", NULL },
	{ "A B=1", NULL },
	{ "Key=1", NULL },
	{ "KEY~*", NULL },
	{ "A:B=1", NULL },
	{ "", NULL },
};

static void
describe(const struct search_op *o, char *out, size_t size)
{
	static const char *const words[SEARCH_KINDS] = {
		[SEARCH_EQ] = "=",
		[SEARCH_NEQ] = "!=",
		[SEARCH_GT] = ">",
		[SEARCH_GTEQ] = ">=",
		[SEARCH_LT] = "<",
		[SEARCH_LTEQ] = "<=",
		[SEARCH_RANGE] = "in",
		[SEARCH_NRANGE] = "out",
		[SEARCH_MASK] = "~",
	};

	if (o->max)
		snprintf(out, size, "%s%s %s %c%s,%s%c", o->num ? "#" : "",
		    o->name, words[o->kind], o->min_out ? '(' : '[', o->value,
		    o->max, o->max_out ? ')' : ']');
	else
		snprintf(out, size, "%s%s %s %s", o->num ? "#" : "", o->name,
		    words[o->kind], o->value);
	assert_int_equal(o->kind == SEARCH_MASK, o->wildcard != NULL);
}

static void
operands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct criteria c = { .n_texts = 0 };
		struct errbuf eb = { "" };
		char text[256];
		enum err e;

		print_message("  %s\n", cases[i].operand);
		e = criteria_add(&c, cases[i].operand, &eb);
		assert_int_equal(e == OK, cases[i].is != NULL);
		if (e == OK) {
			describe(&c.search.ops[0], text, sizeof(text));
			assert_string_equal(text, cases[i].is);
		} else {
			assert_true(*eb.text);
			assert_int_equal(c.search.n, 0);
		}
		criteria_fini(&c);
	}
}

static void
too_many(void **state)
{
	struct criteria c = { .n_texts = 0 };

	(void)state;
	for (int i = 0; i < SEARCH_OPS_MAX; i++)
		assert_int_equal(criteria_add(&c, "A=1", NULL), OK);
	assert_int_equal(criteria_add(&c, "A=1", NULL), ERR_RANGE);
	criteria_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
