#include "drivers/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT = 160 };

static uint64_t nans[] = { 0x8000, 0xffffffff, UINT64_MAX, 0xff, 0x80, 0xffff };
static char word_off[] = "off", word_on[] = "on \xc3\xa9";
static struct enum_word words[] = { { .value = 0, .word = word_off },
	{ .value = 3, .word = word_on } };

static const char *
bad(const struct reading *r)
{
	if (r->quality == QUALITY_MISSING)
		return "MISSING";
	return r->impossible ? "ERROR" : "FAILED";
}

/* A reading as text: its value, or MISSING, or ERROR when it is impossible, or
 * FAILED. */
static void
show(const struct reading *r, char out[TEXT])
{
	char num[NUM_TEXT];

	if (r->quality != QUALITY_OK) {
		assert_non_null(r->why);
		snprintf(out, TEXT, "%s", bad(r));
		return;
	}
	assert_false(r->impossible);
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
#define FROM_0 .scale = { 1, 0 }
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
	{ "i8h", { .type = REG_I8H, PLAIN }, { 0xfe01 }, "-2" },
	{ "i8l", { .type = REG_I8L, PLAIN }, { 0x01fe }, "-2" },
	{ "i8l of swapped bytes",
	    { .type = REG_I8L, .bit_lo = 1, .order = ORDER_BADC }, { 0xfe01 },
	    "-2" },
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
	{ "bits 39:0 of 64", { .type = REG_U64, .bit_hi = 39, FROM_0 },
	    { 0xffff, 0xff01, 0x0203, 0x0405 }, "4328719365" },
	{ "bits 63:0 of 64", { .type = REG_U64, .bit_hi = 63, FROM_0 },
	    { 0, 0, 0, 5 }, "5" },
	{ "bits have no sign, of 16", { .type = REG_I16, .bit_hi = 15, FROM_0 },
	    { 0xfffe }, "65534" },
	{ "bits have no sign, of 32", { .type = REG_I32, .bit_hi = 31, FROM_0 },
	    { 0xffff, 0xfffe }, "4294967294" },
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
	{ "no value, a byte",
	    { .type = REG_U8H, PLAIN, .nan = nans + 3, .n_nan = 1 }, { 0xff12 },
	    "MISSING" },
	{ "no value, a byte with a sign",
	    { .type = REG_I8L, PLAIN, .nan = nans + 4, .n_nan = 1 }, { 0x1280 },
	    "MISSING" },
	{ "no value, in the other byte",
	    { .type = REG_U8L, PLAIN, .nan = nans + 3, .n_nan = 1 }, { 0xff12 },
	    "18" },
	{ "no value: the register, of which these are bits",
	    { .type = REG_U16,
		.bit_hi = 4,
		.bit_lo = 2,
		.nan = nans + 5,
		.n_nan = 1 },
	    { 0xffff }, "MISSING" },
	{ "bits all set, in a register that has a value",
	    { .type = REG_U16,
		.bit_hi = 4,
		.bit_lo = 2,
		.nan = nans + 5,
		.n_nan = 1 },
	    { 0x001c }, "7" },
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
		decode_regs(&cases[i].f, cases[i].regs, 0, &r);
		show(&r, text);
		assert_string_equal(text, cases[i].want);
	}
}

/* --- every type in every order --- */

/* What the registers of each order hold when abcdefgh is sent most significant
 * byte first. */
static const struct {
	enum reg_order order;
	uint8_t at2[2], at4[4], at8[8];
} orders[] = {
	{ ORDER_ABCD, { 0, 1 }, { 0, 1, 2, 3 }, { 0, 1, 2, 3, 4, 5, 6, 7 } },
	{ ORDER_BADC, { 1, 0 }, { 1, 0, 3, 2 }, { 1, 0, 3, 2, 5, 4, 7, 6 } },
	{ ORDER_CDAB, { 0, 1 }, { 2, 3, 0, 1 }, { 6, 7, 4, 5, 2, 3, 0, 1 } },
	{ ORDER_DCBA, { 1, 0 }, { 3, 2, 1, 0 }, { 7, 6, 5, 4, 3, 2, 1, 0 } },
};

static const struct golden {
	const char *name;
	enum reg_type type;
	size_t len;
	uint8_t bytes[8]; /* most significant first */
	const char *want;
} goldens[] = {
	{ "u8h", REG_U8H, 2, { 0xab, 0xcd }, "171" },
	{ "u8l", REG_U8L, 2, { 0xab, 0xcd }, "205" },
	{ "i8h", REG_I8H, 2, { 0xab, 0xcd }, "-85" },
	{ "i8l", REG_I8L, 2, { 0xab, 0xcd }, "-51" },
	{ "i16", REG_I16, 2, { 0xab, 0xcd }, "-21555" },
	{ "i16, least", REG_I16, 2, { 0x80, 0x00 }, "-32768" },
	{ "u16", REG_U16, 2, { 0xab, 0xcd }, "43981" },
	{ "i32", REG_I32, 4, { 0x89, 0xab, 0xcd, 0xef }, "-1985229329" },
	{ "i32, least", REG_I32, 4, { 0x80, 0, 0, 0 }, "-2147483648" },
	{ "u32", REG_U32, 4, { 0x89, 0xab, 0xcd, 0xef }, "2309737967" },
	{ "i64", REG_I64, 8, { 0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef },
	    "-9141386507638288913" },
	{ "i64, least", REG_I64, 8, { 0x80, 0, 0, 0, 0, 0, 0, 0 },
	    "-9223372036854775808" },
	{ "u64", REG_U64, 8, { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef },
	    "81985529216486895" },
	{ "f16", REG_F16, 2, { 0xc2, 0x48 }, "-3.141" },
	{ "f32", REG_F32, 4, { 0x40, 0x49, 0x0f, 0xdb }, "3.141593" },
	{ "f64", REG_F64, 8, { 0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18 },
	    "3.14159265359" },
	{ "bcd16", REG_BCD16, 2, { 0x98, 0x76 }, "9876" },
	{ "bcd32", REG_BCD32, 4, { 0x98, 0x76, 0x54, 0x32 }, "98765432" },
};

/* bytes, in the order of registers, as the registers that a line hands out */
static void
lay_out(const struct golden *g, size_t order, uint16_t regs[4])
{
	const uint8_t *at = g->len == 2 ? orders[order].at2
	    : g->len == 4               ? orders[order].at4
					: orders[order].at8;

	for (size_t i = 0; i < g->len / 2; i++)
		regs[i] = (uint16_t)(g->bytes[at[2 * i]] << 8 |
		    g->bytes[at[2 * i + 1]]);
}

static void
every_type_and_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		for (size_t o = 0; o < 4; o++) {
			struct field f = { .type = goldens[i].type,
				.order = orders[o].order,
				.scale = { 1, 0 },
				.bit_lo = 1 };
			uint16_t regs[4] = { 0 };
			struct reading r = { 0 };
			char text[TEXT];

			print_message("  %s, order %zu\n", goldens[i].name, o);
			lay_out(&goldens[i], o, regs);
			decode_regs(&f, regs, 0, &r);
			show(&r, text);
			assert_string_equal(text, goldens[i].want);
		}
	}
}

/* --- scale factors --- */

static const struct {
	const char *name;
	struct field f;
	uint16_t regs[8];
	const char *want;
	int sf;
} scaled[] = {
	{ "scale factor below one", { .type = REG_I16, PLAIN }, { 2305 },
	    "230.5", -1 },
	{ "scale factor above one", { .type = REG_U16, PLAIN }, { 12 }, "1200",
	    2 },
	{ "scale factor and decimals", { .type = REG_I16, PLAIN, DEC(1) },
	    { (uint16_t)-12345 }, "-12.3", -3 },
	{ "scale factor and scale", { .type = REG_U32, TENTH }, { 0, 12345 },
	    "12.345", -2 },
	{ "scale factor above one, and scale", { .type = REG_U32, TENTH },
	    { 0, 12345 }, "123450.0", 2 },
	{ "scale factor of the largest", { .type = REG_U64, PLAIN, DEC(0) },
	    { 0, 0, 0, 1 }, "10000000000", 10 },
	{ "scale factor overflows", { .type = REG_U64, PLAIN },
	    { 0x0fff, 0, 0, 0 }, "ERROR", 10 },
	{ "no scale factor", { .type = REG_U16, PLAIN }, { 5 }, "MISSING",
	    SF_NONE },
	{ "scale factor not known yet", { .type = REG_U16, PLAIN }, { 5 },
	    "FAILED", SF_UNKNOWN },
	{ "no value comes before no scale factor",
	    { .type = REG_I16, PLAIN, .nan = nans, .n_nan = 1 }, { 0x8000 },
	    "MISSING", SF_UNKNOWN },
	{ "scale factor of a float", { .type = REG_F32, PLAIN, DEC(2) },
	    { 0x4366, 0x8000 }, "23.05", -1 },
	{ "more decimals than a number can have",
	    { .type = REG_U16, .bit_lo = 1, .scale = { 1, 9 } }, { 1 }, "ERROR",
	    -10 },
	{ "as many as it can",
	    { .type = REG_U16, .bit_lo = 1, .scale = { 1, 8 } }, { 1 },
	    "0.000000000000000001", -10 },
};

static void
scaled_by_power(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scaled) / sizeof(scaled[0]); i++) {
		struct reading r = { 0 };
		char text[TEXT];

		print_message("  %s\n", scaled[i].name);
		decode_regs(&scaled[i].f, scaled[i].regs, scaled[i].sf, &r);
		show(&r, text);
		assert_string_equal(text, scaled[i].want);
	}
}

static char sf_name[] = "sf";

static void
read_all(const struct decode_job *job, int8_t *sf, struct reading *out)
{
	decode_scales(job, sf);
	for (size_t i = 0; i < job->n; i++)
		decode_field(job, sf, i, &out[i]);
}

static void
scale_factors(void **state)
{
	struct field f[3] = {
		{ .type = REG_U16,
		    .addr = 10,
		    .bit_lo = 1,
		    .sf = sf_name,
		    .sf_field = 1 },
		{ .type = REG_I16, .addr = 12, .bit_lo = 1, .sf_field = -1 },
		{ .type = REG_U16, .addr = 11, .bit_lo = 1, .sf_field = -1 },
	};
	struct tmpl t = { .fields = f, .n_fields = 3 };
	const size_t all[] = { 0, 2, 1 }, value[] = { 0 };
	uint16_t regs[] = { 2305, 7, 0xffff };
	struct decode_job whole = { &t, all, 3, 10, regs };
	struct decode_job part = { &t, value, 1, 10, regs };
	struct reading r[3];
	char text[TEXT];
	int8_t sf[3];

	(void)state;
	decode_sf_init(&t, sf);
	assert_int_equal(sf[0], SF_UNUSED);
	assert_int_equal(sf[1], SF_UNKNOWN);
	read_all(&part, sf, r);
	assert_int_equal(r[0].quality, QUALITY_ERROR);
	/* it stands behind the value, in the same answer */
	read_all(&whole, sf, r);
	show(&r[0], text);
	assert_string_equal(text, "230.5");
	assert_int_equal(r[0].field, 0);
	assert_int_equal(r[1].field, 2);
	show(&r[2], text);
	assert_string_equal(text, "-1");
	/* kept for later answers */
	regs[0] = 2311;
	read_all(&part, sf, r);
	show(&r[0], text);
	assert_string_equal(text, "231.1");
	/* not implemented, and nonsense */
	regs[2] = 0x8000;
	read_all(&whole, sf, r);
	assert_int_equal(r[0].quality, QUALITY_MISSING);
	regs[2] = 11;
	read_all(&whole, sf, r);
	assert_int_equal(r[0].quality, QUALITY_MISSING);
	assert_int_equal(sf[1], SF_NONE);
	regs[2] = (uint16_t)-11;
	read_all(&whole, sf, r);
	assert_int_equal(sf[1], SF_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regs),
		cmocka_unit_test(every_type_and_order),
		cmocka_unit_test(scaled_by_power),
		cmocka_unit_test(scale_factors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
