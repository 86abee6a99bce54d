/* Which template fits what a device answered. */
#include "gateway/guess.h"

#include "common/buf.h"
#include "common/mem.h"
#include "drivers/bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tmpl *
load(const char *body)
{
	char *text = mem_printf("[template]\nid = test.one\nname = One\n"
				"class = meter\nversion = 1\n%s",
	    body);
	struct buf errs = { 0 };
	struct tmpl *t;
	enum err e = tmpl_load_text("t.ini", text, strlen(text), &t, &errs);

	if (e != OK)
		print_message("%s", errs.data);
	assert_int_equal(e, OK);
	buf_fini(&errs);
	free(text);
	return t;
}

static const char meter[] =
    "kind = modbus\n[tag]\nMAN = example.org\nMODEL = EM-24 DIN\n"
    "[modbus]\nprobe = voltage 90..300\n"
    "[poll]\nnormal = 1s\nonce = connect\n[field]\n"
    "voltage = input:0 u16 scale=0.1 unit=V dec=1\n"
    "code = input:11 u16 kind=identity poll=once enum=71:EM24\n"
    "any = input:12 u16 kind=identity poll=once\n";

static void
probe_then_identities(void **state)
{
	struct tmpl *t = load(meter);

	(void)state;
	assert_string_equal(guess_field(t, 0)->name, "voltage");
	assert_string_equal(guess_field(t, 1)->name, "code");
	assert_null(guess_field(t, 2));
	tmpl_free(t);
}

static void
fits(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		uint16_t reg;
		bool want;
	} cases[] = {
		{ "within", 0, 2301, true },
		{ "lowest", 0, 900, true },
		{ "below", 0, 899, false },
		{ "highest", 0, 3000, true },
		{ "above", 0, 3001, false },
		{ "its word", 1, 71, true },
		{ "another's", 1, 72, false },
	};
	struct tmpl *t = load(meter);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r;

		print_message("  %s\n", cases[i].name);
		assert_int_equal(guess_fits(t, guess_field(t, cases[i].n),
				     &cases[i].reg, &r),
		    cases[i].want);
	}
	tmpl_free(t);
}

static void
named(void **state)
{
	static const struct {
		const char *product, *maker;
		bool want;
	} cases[] = {
		{ "EM24-DIN AV9", "Gavazzi", true },
		{ "em 24din", "", true },
		{ "EM2", "", false },
		{ "", "", false },
		{ "", "The EM-24 DIN people", true },
		{ "XEM-24 DIN", "", false },
		{ "EM-24 DINX", "", false },
		{ "EM-240 DIN", "", false },
		{ "2EM-24 DIN3", "", true },
		{ "XEM-24 DIN EM-24 DIN", "", true },
	};
	struct tmpl *t = load(meter);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].product);
		assert_int_equal(
		    guess_named(t, cases[i].product, cases[i].maker),
		    cases[i].want);
	}
	tmpl_free(t);
}

/* What many a product holds by chance names none. */
static void
short_models_name_nothing(void **state)
{
	static const struct {
		const char *model;
		bool want;
	} cases[] = { { "M-1", false }, { "---", false }, { "A/B", false },
		{ "\xc3\xa4\xc3\xb6", false }, { "EM11", false },
		{ "M111", false }, { "ABB", true }, { "E.M-111", true } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *body = mem_printf("kind = modbus\n[tag]\nMAN = a.org\n"
					"MODEL = %s\n[poll]\nnormal = 1s\n"
					"[field]\nv = input:0 u16\n",
		    cases[i].model);
		struct tmpl *t = load(body);

		print_message("  %s\n", cases[i].model);
		assert_int_equal(
		    guess_named(t, "ABB EM111", ""), cases[i].want);
		tmpl_free(t);
		free(body);
	}
}

static void
text_device(void **state)
{
	static const struct {
		const char *name, *msg;
		bool want;
	} cases[] = {
		{ "its answer", "3R,T=20.5,H=40\r\n", true },
		{ "after garbage", "xx\r\n3R,T=20.5\r\n", true },
		{ "another's", "4R,T=20.5,H=40\r\n", false },
		{ "half of it", "3R,T=2", false },
		{ "nothing", "", false },
		{ "no value in it", "3R,X=1\r\n", false },
	};
	struct tmpl *t =
	    load("kind = text\n[frame]\nmode = poll\n"
		 "request = {address}R\\r\\n\nend = \\r\\n\nmax = 100\n"
		 "timeout = 1s\nmatch = {address}R,\n[poll]\nnormal = 1s\n"
		 "[parse]\nformat = keyed\nseparator = ,\nassign = =\n"
		 "[field]\ntemp = key:T dec=1\nhum = key:H dec=0\n");
	uint8_t out[DRV_ASK_TEXT_MAX];

	(void)state;
	assert_int_equal(guess_text_request(t, 12, out), 5);
	assert_memory_equal(out, "12R\r\n", 5);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].name);
		assert_int_equal(
		    guess_text_fits(t, 3, cases[i].msg, strlen(cases[i].msg)),
		    cases[i].want);
	}
	tmpl_free(t);
}

/* Every template that comes with the program can be told by something, or is
 * not asked at all; none makes a mess of zeros and ones. */
static void
shipped_templates(void **state)
{
	static const uint16_t zero[128],
	    ones[128] = { 0xffff, 0xffff, 0xffff, 0xffff };
	struct guesses g = { 0 };

	(void)state;
	assert_int_equal(setenv("THINGBRIDGE_TEMPLATES", TEST_TEMPLATES, 1), 0);
	guesses_load(&g, NULL);
	assert_true(g.n >= 8);
	for (size_t i = 0; i < g.n; i++) {
		const struct tmpl *t = g.v[i];
		const struct field *f = guess_field(t, 0);
		uint8_t out[DRV_ASK_TEXT_MAX];
		struct reading r;

		if (f && t->kind == TMPL_MODBUS) {
			guess_fits(t, f, zero, &r);
			guess_fits(t, f, ones, &r);
		}
		assert_true(guess_text_request(t, 255, out) <= sizeof(out));
	}
	guesses_fini(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_then_identities),
		cmocka_unit_test(fits),
		cmocka_unit_test(named),
		cmocka_unit_test(short_models_name_nothing),
		cmocka_unit_test(text_device),
		cmocka_unit_test(shipped_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
