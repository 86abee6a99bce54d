#include "gateway/parameter.h"

#include "common/mem.h"
#include "protocol/stanza.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Texts of a template are its own, and not const. */
static char none[] = "", off[] = "off", autom[] = "auto", x_name[] = "x",
	    y_name[] = "y", x_label[] = "X", amps[] = "A";
static struct enum_word words[] = { { 0, NULL, off }, { 3, NULL, autom } };

/* One control of each kind. */
static struct control
control(enum reg_type type, int64_t mant, uint8_t dec)
{
	return (struct control){ .f = { .name = x_name,
				     .unit = none,
				     .label = x_label,
				     .type = type,
				     .scale = { mant, dec } },
		.field = -1 };
}

static struct control
limited(enum reg_type type, int64_t min, int64_t max)
{
	struct control k = control(type, 1, 0);

	k.f.has_min = k.f.has_max = true;
	k.f.min = (struct num){ min, 0 };
	k.f.max = (struct num){ max, 0 };
	return k;
}

static struct control
of_words(enum reg_type type)
{
	struct control k = control(type, 1, 0);

	k.f.words = words;
	k.f.n_words = 2;
	return k;
}

static void
types(void **state)
{
	const struct {
		const char *name;
		struct control k;
		enum ctl_type want;
	} rows[] = {
		{ "coil", control(REG_BOOL, 1, 0), CTL_BOOLEAN },
		{ "words of a coil", of_words(REG_BOOL), CTL_STRING },
		{ "words", of_words(REG_U16), CTL_STRING },
		{ "text", control(REG_STR, 1, 0), CTL_STRING },
		{ "u16", control(REG_U16, 1, 0), CTL_INT },
		{ "i32", control(REG_I32, 1, 0), CTL_INT },
		{ "u32", control(REG_U32, 1, 0), CTL_LONG },
		{ "u32 within", limited(REG_U32, 0, 100), CTL_INT },
		{ "i32 beyond", limited(REG_I32, 0, INT64_C(3000000000)),
		    CTL_LONG },
		{ "u16 times ten", control(REG_U16, 10, 0), CTL_LONG },
		{ "a tenth", control(REG_I16, 1, 1), CTL_DOUBLE },
		{ "1.0 is whole", control(REG_I16, 10, 1), CTL_INT },
		{ "f32", control(REG_F32, 1, 0), CTL_DOUBLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].name);
		assert_string_equal(ctl_type_name(param_type(&rows[i].k)),
		    ctl_type_name(rows[i].want));
	}
}

static void
values(void **state)
{
	const struct control whole = control(REG_I32, 1, 0),
			     tenth = control(REG_I16, 1, 1),
			     wide = control(REG_I64, 1, 0),
			     coil = control(REG_BOOL, 1, 0),
			     word = of_words(REG_U16),
			     text = control(REG_STR, 1, 0);
	const struct {
		const struct control *k;
		enum ctl_type given;
		const char *text;
		enum err want;
		enum value_type type;
		int64_t mant;
		uint8_t dec;
		const char *word;
	} rows[] = {
		{ &whole, CTL_INT, "7", OK, VALUE_NUM, 7, 0, NULL },
		{ &whole, CTL_INT, " -007\n", OK, VALUE_NUM, -7, 0, NULL },
		{ &whole, CTL_INT, "2147483647", OK, VALUE_NUM, INT32_MAX, 0,
		    NULL },
		{ &whole, CTL_INT, "2147483648", ERR_RANGE, 0, 0, 0, NULL },
		{ &whole, CTL_INT, "1.0", ERR_PROTO, 0, 0, 0, NULL },
		{ &whole, CTL_INT, "1e3", ERR_PROTO, 0, 0, 0, NULL },
		{ &whole, CTL_INT, "", ERR_PROTO, 0, 0, 0, NULL },
		{ &whole, CTL_INT, "1 2", ERR_PROTO, 0, 0, 0, NULL },
		{ &whole, CTL_DOUBLE, "7.000", OK, VALUE_NUM, 7, 0, NULL },
		{ &whole, CTL_DOUBLE, "70e-1", OK, VALUE_NUM, 7, 0, NULL },
		{ &whole, CTL_BOOLEAN, "true", OK, VALUE_NUM, 1, 0, NULL },
		{ &whole, CTL_BOOLEAN, "yes", ERR_PROTO, 0, 0, 0, NULL },
		{ &whole, CTL_FORM, "7", OK, VALUE_NUM, 7, 0, NULL },
		{ &whole, CTL_STRING, "7", ERR_UNSUP, 0, 0, 0, NULL },
		{ &whole, CTL_DATE, "2026-01-01", ERR_UNSUP, 0, 0, 0, NULL },
		{ &wide, CTL_LONG, "-9223372036854775808", OK, VALUE_NUM,
		    INT64_MIN, 0, NULL },
		{ &wide, CTL_LONG, "9223372036854775808", ERR_RANGE, 0, 0, 0,
		    NULL },
		{ &tenth, CTL_DOUBLE, "+21.50", OK, VALUE_NUM, 215, 1, NULL },
		{ &tenth, CTL_DOUBLE, ".5", OK, VALUE_NUM, 5, 1, NULL },
		{ &tenth, CTL_DOUBLE, "5.", OK, VALUE_NUM, 5, 0, NULL },
		{ &tenth, CTL_DOUBLE, "-0", OK, VALUE_NUM, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "0e999999999999", OK, VALUE_NUM, 0, 0,
		    NULL },
		{ &tenth, CTL_DOUBLE, "2.5E2", OK, VALUE_NUM, 250, 0, NULL },
		{ &tenth, CTL_DOUBLE, "1e18", OK, VALUE_NUM,
		    INT64_C(1000000000000000000), 0, NULL },
		{ &tenth, CTL_DOUBLE, "1e19", ERR_RANGE, 0, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "1e-19", ERR_RANGE, 0, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "1e999", ERR_RANGE, 0, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "1e-99999999999999999999", ERR_RANGE, 0,
		    0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "INF", ERR_RANGE, 0, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "-INF", ERR_RANGE, 0, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "NaN", ERR_PROTO, 0, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "0x1p3", ERR_PROTO, 0, 0, 0, NULL },
		{ &tenth, CTL_DOUBLE, "1,5", ERR_PROTO, 0, 0, 0, NULL },
		{ &tenth, CTL_INT, "3", OK, VALUE_NUM, 3, 0, NULL },
		{ &coil, CTL_BOOLEAN, " true ", OK, VALUE_BOOL, 1, 0, NULL },
		{ &coil, CTL_BOOLEAN, "0", OK, VALUE_BOOL, 0, 0, NULL },
		{ &coil, CTL_BOOLEAN, "on", ERR_PROTO, 0, 0, 0, NULL },
		{ &coil, CTL_INT, "1", OK, VALUE_BOOL, 1, 0, NULL },
		{ &coil, CTL_DOUBLE, "0.0", OK, VALUE_BOOL, 0, 0, NULL },
		{ &coil, CTL_INT, "2", ERR_RANGE, 0, 0, 0, NULL },
		{ &coil, CTL_STRING, "true", ERR_UNSUP, 0, 0, 0, NULL },
		{ &word, CTL_STRING, "auto", OK, VALUE_WORD, 0, 0, "auto" },
		{ &word, CTL_FORM, "off", OK, VALUE_WORD, 0, 0, "off" },
		{ &word, CTL_STRING, "on", ERR_RANGE, 0, 0, 0, NULL },
		{ &word, CTL_INT, "3", ERR_UNSUP, 0, 0, 0, NULL },
		{ &text, CTL_STRING, "a b", OK, VALUE_TEXT, 0, 0, "a b" },
		{ &text, CTL_INT, "1", ERR_UNSUP, 0, 0, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct errbuf why = { "" };
		struct value v;
		enum err e = param_value(
		    rows[i].k, rows[i].given, rows[i].text, &v, &why);

		print_message("  %s \"%s\" %s\n", ctl_type_name(rows[i].given),
		    rows[i].text, why.text);
		assert_string_equal(err_str(e), err_str(rows[i].want));
		assert_int_equal(e == OK, why.text[0] == '\0');
		if (e != OK)
			continue;
		assert_int_equal(v.type, rows[i].type);
		if (v.type == VALUE_NUM) {
			assert_int_equal(v.num.mant, rows[i].mant);
			assert_int_equal(v.num.dec, rows[i].dec);
		} else if (v.type == VALUE_BOOL) {
			assert_int_equal(v.on, rows[i].mant);
		} else {
			assert_string_equal(v.text, rows[i].word);
		}
	}
}

static void
durations(void **state)
{
	static const struct {
		const char *text;
		enum err want;
		int64_t ms;
	} rows[] = {
		{ "PT5S", OK, 5000 },
		{ " PT0.25S ", OK, 250 },
		{ "PT1.23456S", OK, 1234 },
		{ "P1DT2H3M4S", OK, 93784000 },
		{ "P2D", OK, 172800000 },
		{ "PT90M", OK, 5400000 },
		{ "PT0S", OK, 0 },
		{ "-PT0S", OK, 0 },
		{ "-PT1S", ERR_RANGE, 0 },
		{ "P1M", ERR_RANGE, 0 },
		{ "P1Y", ERR_RANGE, 0 },
		{ "P10001D", ERR_RANGE, 0 },
		{ "P999999999D", ERR_RANGE, 0 },
		{ "P9999999999D", ERR_PROTO, 0 },
		{ "", ERR_PROTO, 0 },
		{ "P", ERR_PROTO, 0 },
		{ "PT", ERR_PROTO, 0 },
		{ "P1DT", ERR_PROTO, 0 },
		{ "5", ERR_PROTO, 0 },
		{ "PT5", ERR_PROTO, 0 },
		{ "PTS", ERR_PROTO, 0 },
		{ "P5S", ERR_PROTO, 0 },
		{ "PT1D", ERR_PROTO, 0 },
		{ "PT1S1M", ERR_PROTO, 0 },
		{ "PT1S1S", ERR_PROTO, 0 },
		{ "PT1HT1S", ERR_PROTO, 0 },
		{ "PT1.5M", ERR_PROTO, 0 },
		{ "PT1.S", ERR_PROTO, 0 },
		{ "PT.5S", ERR_PROTO, 0 },
		{ "+PT1S", ERR_PROTO, 0 },
		{ "PT-1S", ERR_PROTO, 0 },
		{ "PT5S PT5S", ERR_PROTO, 0 },
		{ "pt5s", ERR_PROTO, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[PARAM_DURATION];
		int64_t ms = -1, again = -1;
		enum err e = param_duration(rows[i].text, &ms);

		print_message("  %s\n", rows[i].text);
		assert_string_equal(err_str(e), err_str(rows[i].want));
		if (e != OK)
			continue;
		assert_int_equal(ms, rows[i].ms);
		param_duration_text(ms, text);
		assert_int_equal(param_duration(text, &again), OK);
		assert_int_equal(again, ms);
	}
}

static void
names(void **state)
{
	(void)state;
	assert_int_equal(param_pulse("relay1, pulse"), 6);
	assert_int_equal(param_pulse("relay1"), 0);
	assert_int_equal(param_pulse(", pulse"), 0);
	assert_int_equal(param_pulse(""), 0);
	assert_int_equal(param_pulse("relay1, pulse "), 0);
}

static void
alike(void **state)
{
	struct control a = limited(REG_U16, 0, 5), b = limited(REG_I32, 0, 5);
	struct control other[] = { limited(REG_U16, 0, 6), of_words(REG_U16),
		control(REG_U16, 1, 0), limited(REG_U16, 0, 5),
		limited(REG_U16, 0, 5), limited(REG_U16, 0, 5) };

	(void)state;
	assert_true(param_alike(&a, &b));
	other[3].f.unit = amps;
	other[4].has_pulse = true;
	other[5].f.name = y_name;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_false(param_alike(&a, &other[i]));
}

static void
form(void **state)
{
	xmpp_ctx_t *ctx = *state;
	struct control k = limited(REG_U16, 6, 16);
	xmpp_stanza_t *x = form_new(ctx, "form", NULL);
	struct errbuf eb = { "" };
	struct form f;

	k.f.unit = amps;
	k.has_step = k.has_pulse = true;
	k.step = (struct num){ 2, 0 };
	k.pulse_max_ms = 1500;
	param_form(ctx, x, &k, "8");
	assert_int_equal(form_parse(x, &f, &eb), OK);
	assert_int_equal(f.n, 2);
	assert_string_equal(f.v[0].var, "x");
	assert_string_equal(f.v[0].label, "X (A)");
	assert_string_equal(f.v[0].desc, "6 to 16 in steps of 2");
	assert_string_equal(f.v[0].datatype, "xs:int");
	assert_string_equal(f.v[0].min, "6");
	assert_string_equal(f.v[0].value, "8");
	assert_true(f.v[0].not_same);
	assert_string_equal(f.v[1].var, "x, pulse");
	assert_string_equal(f.v[1].max, "PT1.500S");
	assert_string_equal(f.v[1].value, "PT0S");
	assert_string_equal(f.v[1].group, f.v[0].group);
	form_fini(&f);
	xmpp_stanza_release(x);
}

static int
setup(void **state)
{
	*state = xmpp_ctx_new(NULL, NULL);
	return *state ? 0 : -1;
}

static int
teardown(void **state)
{
	xmpp_ctx_free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(values),
		cmocka_unit_test(durations),
		cmocka_unit_test(names),
		cmocka_unit_test(alike),
		cmocka_unit_test_setup_teardown(form, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
