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

static const struct {
	const char *uri;
	const char *is; /* operators, each ended by ';'; NULL: an error */
	const char *registry;
} uris[] = {
	{ "iotdisco:MAN=www.example.org;#V>=1.5;R=reg.example.org",
	    "MAN = www.example.org;#V >= 1.5;", "reg.example.org" },
	{ "IOTDISCO:model<>IMC;A<b;C>d;E<=f",
	    "MODEL != IMC;A < b;C > d;E <= f;", NULL },
	{ "iotdisco:SN~*9873*;N~%c3%a5x%C3%a5", "SN ~ 9873*;N ~ x\303\245;",
	    NULL },
	{ "iotdisco:A=1%3B2\\;3;R=", "A = 1;2;3;", NULL },
	{ "iotdisco:#K>2;#K<3", "#K > 2;#K < 3;", NULL },
	{ "iotdisco:#K>3;#K<2", "#K out [2,3];", NULL },
	{ "iotdisco:#K<=2;A=1;#K>=10", "#K out (2,10);A = 1;", NULL },
	{ "iotdisco:K>=2;K<=2", "K >= 2;K <= 2;", NULL },
	{ "iotdisco:K>2;#K<1;k<2", "K out [2,2];#K < 1;", NULL },
	{ "iotdisco:A=1;KEY=2", NULL, NULL },
	{ "iotdisco:A=1;key~*2", NULL, NULL },
	{ "iotdisco:JID=a@b;NID=1", NULL, NULL },
	{ "iotdisco:A", NULL, NULL },
	{ "iotdisco:A~", NULL, NULL },
	{ "iotdisco:=1", NULL, NULL },
	{ "iotdisco:#A=x", NULL, NULL },
	{ "iotdisco:#A~*x", NULL, NULL },
	{ "iotdisco:A=1;R=a;R=b", NULL, NULL },
	{ "iotdisco:A=1;R=@", NULL, NULL },
	{ "IoTDisco;A:1", NULL, NULL },
};

static void
search_uris(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct criteria c = { .n_texts = 0 };
		struct errbuf eb = { "" };
		char *registry, text[256] = "";
		enum err e = criteria_uri(&c, uris[i].uri, &registry, &eb);

		print_message("  %s\n", uris[i].uri);
		assert_int_equal(e == OK, uris[i].is != NULL);
		for (size_t k = 0; e == OK && k < c.search.n; k++) {
			size_t n = strlen(text);

			describe(&c.search.ops[k], text + n, sizeof(text) - n);
			strcat(text, ";");
		}
		if (e == OK)
			assert_string_equal(text, uris[i].is);
		else
			assert_true(*eb.text && !registry);
		assert_int_equal(!registry, !uris[i].registry);
		if (registry)
			assert_string_equal(registry, uris[i].registry);
		free(registry);
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
		cmocka_unit_test(search_uris),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
