#include "drivers/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT = 160 };

static uint64_t nans[] = { 0x8000, 0xffffffff, UINT64_MAX };
static char word_off[] = "off", word_on[] = "on \xc3\xa9";
static struct enum_word words[] = { { 0, word_off }, { 3, word_on } };

/* A reading as text: its value, or MISSING, or ERROR. */
static void
show(const struct reading *r, char out[TEXT])
{
	char num[NUM_TEXT];

	if (r->quality != QUALITY_OK) {
		assert_non_null(r->why);
		snprintf(out, TEXT, "%s",
		    r->quality == QUALITY_MISSING ? "MISSING" : "ERROR");
		return;
	}
	num_format(r->value.num, num);
	switch (r->value.type) {
	case VALUE_NUM:
		snprintf(out, TEXT, "%s", num);
		break;
	case VALUE_BOOL:
		snprintf(out, TEXT, "%s", r->value.on ? "true" : "false");
		break;
	case VALUE_TEXT:
	case VALUE_WORD:
		snprintf(out, TEXT, "'%s'", r->value.text);
		break;
	}
}

#define PLAIN .bit_lo = 1, .scale = { 1, 0 }
#define TENTH .bit_lo = 1, .scale = { 1, 1 }
#define DEC(n) .has_dec = true, .dec = (n)

static const struct {
	const char *name;
	struct field f;
	uint16_t regs[8];
	const char *want;
} cases[] = {
	{ "i16 tenths", { .type = REG_I16, TENTH, DEC(1) }, { 0xff9c },
	    "-10.0" },
	{ "u16", { .type = REG_U16, PLAIN }, { 65535 }, "65535" },
	{ "scale without dec keeps its digits", { .type = REG_U16, TENTH },
	    { 10 }, "1.0" },
	{ "scale and offset",
	    { .type = REG_I16, TENTH, .offset = { -400, 1 }, DEC(1) }, { 625 },
	    "22.5" },
	{ "rounding, half away from zero",
	    { .type = REG_I16, .bit_lo = 1, .scale = { 1, 2 }, DEC(1) },
	    { (uint16_t)-25 }, "-0.3" },
	{ "i32 ABCD", { .type = REG_I32, PLAIN }, { 0x0001, 0x0002 }, "65538" },
	{ "i32 CDAB", { .type = REG_I32, PLAIN, .order = ORDER_CDAB },
	    { 0x0002, 0x0001 }, "65538" },
	{ "i32 BADC", { .type = REG_I32, PLAIN, .order = ORDER_BADC },
	    { 0x0100, 0x0200 }, "65538" },
	{ "i32 DCBA", { .type = REG_I32, PLAIN, .order = ORDER_DCBA },
	    { 0x0200, 0x0100 }, "65538" },
	{ "i32 negative", { .type = REG_I32, PLAIN }, { 0xffff, 0xfffe },
	    "-2" },
	{ "u32", { .type = REG_U32, PLAIN }, { 0xffff, 0xfffe }, "4294967294" },
	{ "i64", { .type = REG_I64, PLAIN }, { 0xffff, 0xffff, 0xffff, 0xffff },
	    "-1" },
	{ "i64 CDAB", { .type = REG_I64, PLAIN, .order = ORDER_CDAB },
	    { 4, 3, 2, 1 }, "281483566841860" },
	{ "u64 that fits", { .type = REG_U64, PLAIN },
	    { 0x7fff, 0xffff, 0xffff, 0xffff }, "9223372036854775807" },
	{ "u64 that does not", { .type = REG_U64, PLAIN }, { 0x8000, 0, 0, 0 },
	    "ERROR" },
	{ "scale overflows",
	    { .type = REG_I64, .bit_lo = 1, .scale = { 1000, 0 } },
	    { 0x7fff, 0, 0, 0 }, "ERROR" },
	{ "u8h", { .type = REG_U8H, PLAIN }, { 0x12ab }, "18" },
	{ "u8l", { .type = REG_U8L, PLAIN }, { 0x12ab }, "171" },
	{ "f32", { .type = REG_F32, PLAIN, DEC(1) }, { 0x4366, 0x8000 },
	    "230.5" },
	{ "f32 CDAB", { .type = REG_F32, PLAIN, .order = ORDER_CDAB, DEC(1) },
	    { 0x8000, 0x4366 }, "230.5" },
	{ "f32 without dec", { .type = REG_F32, PLAIN }, { 0x3dcc, 0xcccd },
	    "0.1" },
	{ "f32 scaled",
	    { .type = REG_F32, .bit_lo = 1, .scale = { 1000, 0 }, DEC(0) },
	    { 0x3dcc, 0xcccd }, "100" },
	{ "f32 zero", { .type = REG_F32, PLAIN, DEC(2) }, { 0, 0 }, "0.00" },
	{ "f32 NaN", { .type = REG_F32, PLAIN, DEC(1) }, { 0x7fc0, 0 },
	    "MISSING" },
	{ "f32 infinite", { .type = REG_F32, PLAIN, DEC(1) }, { 0x7f80, 0 },
	    "ERROR" },
	{ "f32 huge", { .type = REG_F32, PLAIN, DEC(9) }, { 0x7f00, 0 },
	    "ERROR" },
	{ "f64", { .type = REG_F64, PLAIN, DEC(3) },
	    { 0xc02e, 0x0000, 0x0000, 0x0000 }, "-15.000" },
	{ "f16", { .type = REG_F16, PLAIN, DEC(2) }, { 0x3e00 }, "1.50" },
	{ "f16 subnormal", { .type = REG_F16, PLAIN, DEC(9) }, { 0x8001 },
	    "-0.000000060" },
	{ "f16 NaN", { .type = REG_F16, PLAIN, DEC(2) }, { 0x7e00 },
	    "MISSING" },
	{ "bcd16", { .type = REG_BCD16, PLAIN }, { 0x1234 }, "1234" },
	{ "bcd32", { .type = REG_BCD32, PLAIN }, { 0x0012, 0x3456 }, "123456" },
	{ "bcd that is none", { .type = REG_BCD16, PLAIN }, { 0x12a4 },
	    "ERROR" },
	{ "bits 4:2",
	    { .type = REG_U16, .bit_hi = 4, .bit_lo = 2, .scale = { 1, 0 } },
	    { 0x0014 }, "5" },
	{ "bit 15", { .type = REG_BOOL, .bit_hi = 15, .bit_lo = 15 },
	    { 0x8000 }, "true" },
	{ "bit 0", { .type = REG_BOOL, .bit_hi = 0, .bit_lo = 0 }, { 0xfffe },
	    "false" },
	{ "coil", { .table = MB_COIL, .type = REG_BOOL, PLAIN }, { 1 },
	    "true" },
	{ "no value", { .type = REG_I16, PLAIN, .nan = nans, .n_nan = 1 },
	    { 0x8000 }, "MISSING" },
	{ "no value, 32 bits",
	    { .type = REG_U32, PLAIN, .nan = nans + 1, .n_nan = 1 },
	    { 0xffff, 0xffff }, "MISSING" },
	{ "no value, wider than the field",
	    { .type = REG_I16, PLAIN, .nan = nans + 2, .n_nan = 1 }, { 0xffff },
	    "MISSING" },
	{ "a value all the same",
	    { .type = REG_I16, PLAIN, .nan = nans, .n_nan = 1 }, { 0x7fff },
	    "32767" },
	{ "below min",
	    { .type = REG_I16, TENTH, .has_min = true, .min = { -40, 0 } },
	    { (uint16_t)-401 }, "ERROR" },
	{ "at min",
	    { .type = REG_I16, TENTH, .has_min = true, .min = { -40, 0 } },
	    { (uint16_t)-400 }, "-40.0" },
	{ "above max",
	    { .type = REG_F32,
		PLAIN,
		DEC(1),
		.has_max = true,
		.max = { 230, 0 } },
	    { 0x4366, 0x8000 }, "ERROR" },
	{ "word", { .type = REG_U16, PLAIN, .words = words, .n_words = 2 },
	    { 3 }, "'on \xc3\xa9'" },
	{ "not one of the words",
	    { .type = REG_U16, PLAIN, .words = words, .n_words = 2 }, { 1 },
	    "ERROR" },
	{ "text", { .type = REG_STR, .str_len = 8, PLAIN },
	    { 0x4142, 0x4344, 0x2000, 0x0000 }, "'ABCD'" },
	{ "text, bytes swapped",
	    { .type = REG_STR, .str_len = 4, .order = ORDER_BADC },
	    { 0x4241, 0x4443 }, "'ABCD'" },
	{ "text of odd length", { .type = REG_STR, .str_len = 3 },
	    { 0x4142, 0x4344 }, "'ABC'" },
	{ "text ends at NUL", { .type = REG_STR, .str_len = 6 },
	    { 0x4100, 0x4344, 0x4546 }, "'A'" },
	{ "text with rubbish", { .type = REG_STR, .str_len = 4 },
	    { 0x4101, 0xff42 },
	    "'A\xef\xbf\xbd\xef\xbf\xbd"
	    "B'" },
	{ "empty text", { .type = REG_STR, .str_len = 4 }, { 0x2020, 0 },
	    "MISSING" },
};

static void
regs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r = { 0 };
		char text[TEXT];

		print_message("  %s\n", cases[i].name);
		decode_regs(&cases[i].f, cases[i].regs, &r);
		show(&r, text);
		assert_string_equal(text, cases[i].want);
	}
}

static const struct {
	const char *name;
	int64_t in[8];
	size_t n;
	const char *want; /* + accepted, - held */
} counters[] = {
	{ "rises", { 1, 2, 2, 9 }, 4, "++++" },
	{ "a single zero", { 100, 0, 101 }, 3, "+-+" },
	{ "a reset, confirmed", { 100, 0, 1, 2 }, 4, "+-++" },
	{ "confirmed by the same", { 100, 0, 0 }, 3, "+-+" },
	{ "a lower one after a lower one", { 100, 50, 40, 41 }, 4, "+--+" },
	{ "a single spike down, later another", { 100, 5, 101, 6, 102 }, 5,
	    "+-+-+" },
	{ "starts at zero", { 0, 0, 5 }, 3, "+++" },
};

static void
counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		struct counter c = { 0 };
		char got[8] = "";

		print_message("  %s\n", counters[i].name);
		for (size_t j = 0; j < counters[i].n; j++) {
			struct reading r = { .quality = QUALITY_OK,
				.value.num = { counters[i].in[j], 0 } };

			counter_check(&c, &r);
			got[j] = r.quality == QUALITY_OK ? '+' : '-';
		}
		assert_string_equal(got, counters[i].want);
	}
}

/* What is no number neither confirms nor resets. */
static void
counts_past_errors(void **state)
{
	struct counter c = { 0 };
	struct reading r = { .quality = QUALITY_OK, .value.num = { 7, 0 } };

	(void)state;
	counter_check(&c, &r);
	decode_bad(&r, QUALITY_ERROR, "test");
	counter_check(&c, &r);
	assert_int_equal(c.last.mant, 7);
	r.quality = QUALITY_OK;
	r.value.num.mant = 0;
	counter_check(&c, &r);
	assert_int_equal(r.quality, QUALITY_ERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regs),
		cmocka_unit_test(counts),
		cmocka_unit_test(counts_past_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
