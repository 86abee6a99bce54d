#include "protocol/xmltype.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
booleans(void **state)
{
	static const struct {
		const char *in;
		enum err want;
		bool v;
	} rows[] = {
		{ "true", OK, true },
		{ "1", OK, true },
		{ "false", OK, false },
		{ "0", OK, false },
		{ " true\n", OK, true },
		{ "TRUE", ERR_PROTO, false },
		{ "yes", ERR_PROTO, false },
		{ "", ERR_PROTO, false },
		{ "truex", ERR_PROTO, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool v = !rows[i].v;

		print_message("  \"%s\"\n", rows[i].in);
		assert_int_equal(xml_bool(rows[i].in, &v), rows[i].want);
		if (rows[i].want == OK)
			assert_int_equal(v, rows[i].v);
	}
}

static const struct {
	const char *in;
	enum err want;
	double v;
	const char *text;
} doubles_rows[] = {
	{ "0", OK, 0, "0" },
	{ "-0", OK, 0, "0" },
	{ "1", OK, 1, "1" },
	{ "1.0", OK, 1, "1" },
	{ "1e0", OK, 1, "1" },
	{ "+1.50", OK, 1.5, "1.5" },
	{ ".5", OK, 0.5, "0.5" },
	{ "5.", OK, 5, "5" },
	{ " \t1.2\n", OK, 1.2, "1.2" },
	{ "12E-1", OK, 1.2, "1.2" },
	{ "0.1", OK, 0.1, "0.1" },
	{ "-71.519722", OK, -71.519722, "-71.519722" },
	{ "0.30000000000000004", OK, 0.30000000000000004,
	    "0.30000000000000004" },
	{ "1.7976931348623157e308", OK, 1.7976931348623157e308,
	    "1.7976931348623157e+308" },
	{ "1e999", OK, HUGE_VAL, "INF" },
	{ "INF", OK, HUGE_VAL, "INF" },
	{ "-INF", OK, -HUGE_VAL, "-INF" },
	{ "", ERR_PROTO, 0, NULL },
	{ " ", ERR_PROTO, 0, NULL },
	{ "NaN", ERR_PROTO, 0, NULL },
	{ "nan", ERR_PROTO, 0, NULL },
	{ "inf", ERR_PROTO, 0, NULL },
	{ "+INF", ERR_PROTO, 0, NULL },
	{ "infinity", ERR_PROTO, 0, NULL },
	{ "0x10", ERR_PROTO, 0, NULL },
	{ "1,5", ERR_PROTO, 0, NULL },
	{ "1e", ERR_PROTO, 0, NULL },
	{ "1e+", ERR_PROTO, 0, NULL },
	{ ".", ERR_PROTO, 0, NULL },
	{ "-", ERR_PROTO, 0, NULL },
	{ "1.2.3", ERR_PROTO, 0, NULL },
	{ "1 2", ERR_PROTO, 0, NULL },
	{ "--1", ERR_PROTO, 0, NULL },
	{ "1f", ERR_PROTO, 0, NULL },
};

static void
doubles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(doubles_rows) / sizeof(doubles_rows[0]);
	     i++) {
		char text[XML_DOUBLE_SIZE];
		double v = -1, again = -1;

		print_message("  \"%s\"\n", doubles_rows[i].in);
		assert_int_equal(
		    xml_double(doubles_rows[i].in, &v), doubles_rows[i].want);
		if (doubles_rows[i].want != OK)
			continue;
		assert_true(v == doubles_rows[i].v);
		assert_false(signbit(v) && v == 0);
		xml_double_text(v, text);
		assert_string_equal(text, doubles_rows[i].text);
		assert_int_equal(xml_double(text, &again), OK);
		assert_true(v == again);
	}
}

/* A locale with a decimal comma, if the machine has one. */
static void
doubles_in_a_locale(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8",
		"sv_SE.UTF-8", "de_DE", "fr_FR" };
	const char *set = NULL;

	for (size_t i = 0; !set && i < sizeof(names) / sizeof(names[0]); i++)
		set = setlocale(LC_ALL, names[i]);
	if (!set)
		skip();
	doubles(state);
	assert_string_equal(localeconv()->decimal_point, ",");
	setlocale(LC_ALL, "C");
}

static void
integers(void **state)
{
	static const struct {
		const char *in;
		enum err want;
		int32_t v;
	} rows[] = {
		{ "0", OK, 0 },
		{ "+7", OK, 7 },
		{ " -42 ", OK, -42 },
		{ "007", OK, 7 },
		{ "2147483647", OK, INT32_MAX },
		{ "-2147483648", OK, INT32_MIN },
		{ "2147483648", ERR_RANGE, 0 },
		{ "-2147483649", ERR_RANGE, 0 },
		{ "99999999999999999999999999", ERR_RANGE, 0 },
		{ "", ERR_PROTO, 0 },
		{ "-", ERR_PROTO, 0 },
		{ "1.0", ERR_PROTO, 0 },
		{ "1e3", ERR_PROTO, 0 },
		{ "0x1", ERR_PROTO, 0 },
		{ "1 2", ERR_PROTO, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t v = -1;

		print_message("  \"%s\"\n", rows[i].in);
		assert_int_equal(xml_int(rows[i].in, &v), rows[i].want);
		if (rows[i].want == OK)
			assert_int_equal(v, rows[i].v);
	}
}

static void
attributes(void **state)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *el = xmpp_stanza_new_from_string(ctx,
	    "<a xmlns='urn:x' yes='1' no='maybe' n='12' big='4294967295'/>");
	bool b = false;
	int32_t n = 5;

	(void)state;
	assert_int_equal(attr_bool(el, "yes", &b), OK);
	assert_true(b);
	assert_int_equal(attr_bool(el, "no", &b), ERR_PROTO);
	assert_int_equal(attr_bool(el, "none", &b), ERR_NOTFOUND);
	assert_true(b);
	assert_int_equal(attr_int(el, "none", &n), ERR_NOTFOUND);
	assert_int_equal(n, 5);
	assert_int_equal(attr_int(el, "n", &n), OK);
	assert_int_equal(n, 12);
	assert_int_equal(attr_int(el, "big", &n), ERR_RANGE);
	assert_string_equal(attr_text(el, "no"), "maybe");
	assert_string_equal(attr_text(el, "none"), "");
	xmpp_stanza_release(el);
	xmpp_ctx_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(booleans),
		cmocka_unit_test(doubles),
		cmocka_unit_test(doubles_in_a_locale),
		cmocka_unit_test(integers),
		cmocka_unit_test(attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
