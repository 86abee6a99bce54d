#include "drivers/encode.h"

#include "drivers/decode.h"
#include "drivers/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT = 256, ROUNDS = 2000 };

static char word_off[] = "off", word_auto[] = "auto", word_heat[] = "heat";
static struct enum_word words[] = { { .value = 0, .word = word_off },
	{ .value = 2, .word = word_auto }, { .value = 5, .word = word_heat } };

#define PLAIN .bit_lo = 1, .scale = { 1, 0 }
#define TENTH .bit_lo = 1, .scale = { 1, 1 }
#define MIN(n) .has_min = true, .min = { (n), 0 }
#define MAX(n) .has_max = true, .max = { (n), 0 }
#define DEC(n) .has_dec = true, .dec = (n)

/* A control and what is written to it, as a person writes it. */
static const struct {
	const char *name;
	struct control c;
	const char *value;
	const char *want; /* registers, &mask when not all; or why not */
} cases[] = {
	{ "u16", { .f = { .type = REG_U16, PLAIN } }, "65535", "ffff" },
	{ "u16, too much", { .f = { .type = REG_U16, PLAIN } }, "65536",
	    "the device's register cannot hold it" },
	{ "u16, below zero", { .f = { .type = REG_U16, PLAIN } }, "-1",
	    "the device's register cannot hold it" },
	{ "i16 tenths", { .f = { .type = REG_I16, TENTH, DEC(1) } }, "-10",
	    "ff9c" },
	{ "with digits that say nothing",
	    { .f = { .type = REG_I16, TENTH, DEC(1) } }, "21.50", "00d7" },
	{ "finer than the device", { .f = { .type = REG_I16, TENTH, DEC(1) } },
	    "21.55", "finer than the device's steps of 0.1" },
	{ "coarser than one",
	    { .f = { .type = REG_U16, .bit_lo = 1, .scale = { 100, 0 } } },
	    "1200", "000c" },
	{ "not one of those",
	    { .f = { .type = REG_U16, .bit_lo = 1, .scale = { 100, 0 } } },
	    "1250", "finer than the device's steps of 100" },
	{ "offset", { .f = { .type = REG_I16, TENTH, .offset = { -40, 0 } } },
	    "22.5", "0271" },
	{ "at the maximum", { .f = { .type = REG_U16, PLAIN, MAX(60) } }, "60",
	    "003c" },
	{ "above the maximum", { .f = { .type = REG_U16, PLAIN, MAX(60) } },
	    "60.1", "above the maximum of 60" },
	{ "below the minimum", { .f = { .type = REG_I16, PLAIN, MIN(-5) } },
	    "-6", "below the minimum of -5" },
	{ "steps",
	    { .f = { .type = REG_I16, TENTH },
		.has_step = true,
		.step = { 5, 1 } },
	    "21.5", "00d7" },
	{ "between two steps",
	    { .f = { .type = REG_I16, TENTH },
		.has_step = true,
		.step = { 5, 1 } },
	    "21.6", "not a multiple of 0.5" },
	{ "a word",
	    { .f = { .type = REG_U16, PLAIN, .words = words, .n_words = 3 } },
	    "Heat", "0005" },
	{ "a word by its number",
	    { .f = { .type = REG_U16, PLAIN, .words = words, .n_words = 3 } },
	    "2", "0002" },
	{ "another word",
	    { .f = { .type = REG_U16, PLAIN, .words = words, .n_words = 3 } },
	    "cool", "not one of: off, auto, heat" },
	{ "words of bits",
	    { .f = { .type = REG_U16,
		  .bit_hi = 10,
		  .bit_lo = 8,
		  .scale = { 1, 0 },
		  .words = words,
		  .n_words = 3 } },
	    "heat", "0500&0700" },
	{ "not a number", { .f = { .type = REG_U16, PLAIN } }, "12x",
	    "not a number" },
	{ "nothing", { .f = { .type = REG_U16, PLAIN } }, "", "not a number" },
	{ "too many digits", { .f = { .type = REG_U16, PLAIN } },
	    "99999999999999999999", "too many digits" },
	{ "coil", { .f = { .table = MB_COIL, .type = REG_BOOL, PLAIN } }, "on",
	    "0001" },
	{ "coil off", { .f = { .table = MB_COIL, .type = REG_BOOL, PLAIN } },
	    "False", "0000" },
	{ "coil, perhaps",
	    { .f = { .table = MB_COIL, .type = REG_BOOL, PLAIN } }, "2",
	    "neither on nor off" },
	{ "a bit", { .f = { .type = REG_BOOL, .bit_hi = 3, .bit_lo = 3 } }, "1",
	    "0008&0008" },
	{ "a bit, bytes swapped",
	    { .f = { .type = REG_BOOL,
		  .bit_hi = 3,
		  .bit_lo = 3,
		  .order = ORDER_BADC } },
	    "1", "0800&0800" },
	{ "bits",
	    { .f = { .type = REG_U16,
		  .bit_hi = 4,
		  .bit_lo = 2,
		  .scale = { 1, 0 } } },
	    "5", "0014&001c" },
	{ "bits, too much",
	    { .f = { .type = REG_U16,
		  .bit_hi = 4,
		  .bit_lo = 2,
		  .scale = { 1, 0 } } },
	    "8", "the device's register cannot hold it" },
	{ "u8h", { .f = { .type = REG_U8H, PLAIN } }, "171", "ab00&ff00" },
	{ "i8l", { .f = { .type = REG_I8L, PLAIN } }, "-2", "00fe&00ff" },
	{ "i32 CDAB", { .f = { .type = REG_I32, PLAIN, .order = ORDER_CDAB } },
	    "-2", "fffe ffff" },
	{ "u64", { .f = { .type = REG_U64, PLAIN } }, "81985529216486895",
	    "0123 4567 89ab cdef" },
	{ "f32", { .f = { .type = REG_F32, PLAIN, DEC(1) } }, "230.5",
	    "4366 8000" },
	{ "f32 of a tenth", { .f = { .type = REG_F32, PLAIN, DEC(1) } }, "0.1",
	    "3dcc cccd" },
	{ "f32, more digits than it has",
	    { .f = { .type = REG_F32, PLAIN, DEC(3) } }, "1234567.891",
	    "the device's register cannot hold it exactly" },
	{ "f32, finer than its decimals",
	    { .f = { .type = REG_F32, PLAIN, DEC(1) } }, "0.15",
	    "the device's register cannot hold it exactly" },
	{ "f16", { .f = { .type = REG_F16, PLAIN, DEC(2) } }, "1.5", "3e00" },
	{ "f16, too large", { .f = { .type = REG_F16, PLAIN, DEC(0) } },
	    "70000", "the device's register cannot hold it exactly" },
	{ "f64", { .f = { .type = REG_F64, PLAIN, DEC(3) } }, "-15",
	    "c02e 0000 0000 0000" },
	{ "f32, a zero whose scale is below zero",
	    { .f = { .type = REG_F32, .bit_lo = 1, .scale = { -1, 0 } } }, "0",
	    "0000 0000" },
	{ "i64, its lowest, turned round",
	    { .f = { .type = REG_I64, .bit_lo = 1, .scale = { -1, 0 } } },
	    "-9223372036854775808", "too many digits" },
	{ "f64, rounded once",
	    { .f = { .type = REG_F64, .bit_lo = 1, .scale = { 25, 3 } } },
	    "3010.6", "40fd 6680 0000 0000" },
	{ "bcd16", { .f = { .type = REG_BCD16, PLAIN } }, "1234", "1234" },
	{ "bcd32", { .f = { .type = REG_BCD32, PLAIN } }, "123456",
	    "0012 3456" },
	{ "bcd below zero", { .f = { .type = REG_BCD16, PLAIN } }, "-1",
	    "the device's register cannot hold it" },
	{ "text", { .f = { .type = REG_STR, .str_len = 5 } }, "ABC",
	    "4142 4300 0000" },
	{ "text, bytes swapped",
	    { .f = { .type = REG_STR, .str_len = 4, .order = ORDER_BADC } },
	    "ABC", "4241 0043" },
	{ "no text", { .f = { .type = REG_STR, .str_len = 4 } }, "",
	    "0000 0000" },
	{ "text, too long", { .f = { .type = REG_STR, .str_len = 4 } }, "ABCDE",
	    "longer than 4 bytes" },
	{ "text that ends with a blank",
	    { .f = { .type = REG_STR, .str_len = 4 } }, "AB ",
	    "ends with a blank, which devices do not keep" },
};

static void
show(const struct encoded *e, char out[TEXT])
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		n += (size_t)snprintf(
		    out + n, TEXT - n, "%s%04x", i ? " " : "", e->value[i]);
	if (e->mask != 0xffff)
		snprintf(out + n, TEXT - n, "&%04x", e->mask);
}

static void
encodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct errbuf why = { "" };
		struct encoded e;
		struct value v;
		char text[TEXT] = "";

		print_message("  %s\n", cases[i].name);
		if (encode_parse(&cases[i].c, cases[i].value, &v, &why) == OK &&
		    encode_value(&cases[i].c, &v, 0, &e, &why) == OK)
			show(&e, text);
		else
			snprintf(text, sizeof(text), "%.200s", why.text);
		assert_string_equal(text, cases[i].want);
	}
}

static void
scale_factors(void **state)
{
	const struct control c = { .f = { .type = REG_I16, PLAIN } };
	struct value v = { .type = VALUE_NUM, .num = { 2305, 1 } };
	struct encoded e;
	struct errbuf why;

	(void)state;
	assert_int_equal(encode_value(&c, &v, -1, &e, &why), OK);
	assert_int_equal(e.value[0], 2305);
	assert_int_equal(encode_value(&c, &v, 1, &e, &why), ERR_RANGE);
	assert_string_equal(why.text, "finer than the device's steps of 10");
	assert_int_equal(encode_value(&c, &v, SF_UNKNOWN, &e, &why), ERR_RANGE);
	assert_string_equal(why.text, "the device's scale factor is not known");
}

/* Values that come by other ways than text: their type is looked at. */
static void
of_another_type(void **state)
{
	const struct control num = { .f = { .type = REG_I16, PLAIN } };
	const struct control sw = { .f = { .type = REG_BOOL, PLAIN } };
	const struct control text = { .f = { .type = REG_STR, .str_len = 4 } };
	const struct control word = {
		.f = { .type = REG_U16, PLAIN, .words = words, .n_words = 3 }
	};
	struct value on = { .type = VALUE_BOOL, .on = true };
	struct value two = { .type = VALUE_NUM, .num = { 20, 1 } };
	struct value heat = { .type = VALUE_TEXT, .text = "heat" };
	struct encoded e;
	struct errbuf why;

	(void)state;
	assert_int_equal(encode_value(&num, &on, 0, &e, &why), ERR_RANGE);
	assert_int_equal(encode_value(&num, &heat, 0, &e, &why), ERR_RANGE);
	assert_int_equal(encode_value(&sw, &two, 0, &e, &why), ERR_RANGE);
	assert_int_equal(encode_value(&text, &two, 0, &e, &why), ERR_RANGE);
	assert_int_equal(encode_value(&word, &on, 0, &e, &why), ERR_RANGE);
	assert_int_equal(encode_value(&word, &two, 0, &e, NULL), OK);
	assert_int_equal(e.value[0], 2);
	assert_int_equal(encode_value(&word, &heat, 0, &e, NULL), OK);
	assert_int_equal(e.value[0], 5);
	assert_int_equal(encode_value(&sw, &on, 0, &e, NULL), OK);
}

static void
merges(void **state)
{
	const struct control c = { .f = { .type = REG_U16,
				       .bit_hi = 4,
				       .bit_lo = 2,
				       .scale = { 1, 0 } } };
	struct value v = { .type = VALUE_NUM, .num = { 5, 0 } };
	uint16_t back = 0xff17;
	struct encoded e;

	(void)state;
	assert_int_equal(encode_value(&c, &v, 0, &e, NULL), OK);
	assert_int_equal(encode_merge(&e, 0xff0b), 0xff17);
	assert_true(encode_same(&e, &back));
	back = 0xff13;
	assert_false(encode_same(&e, &back));
}

/* --- whatever can be written reads back as it was written --- */

static uint64_t seed = 88172645463325252u;

static uint64_t
random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static struct control
random_control(enum reg_type type)
{
	uint64_t r = random64();
	struct control c = { .f = { .type = type,
				 .order = r % 4,
				 .bit_lo = 1,
				 .scale = { 1, 0 },
				 .str_len = 9 } };

	if (type != REG_BOOL && type != REG_STR) {
		c.f.scale = (struct num){ 1 + (int64_t)((r >> 8) % 5),
			(uint8_t)((r >> 16) % 4) };
		c.f.offset = (struct num){ (int64_t)((r >> 24) % 2001) - 1000,
			(uint8_t)((r >> 40) % 3) };
	}
	if (type == REG_F16 || type == REG_F32 || type == REG_F64) {
		c.f.has_dec = true;
		c.f.dec = (uint8_t)(r >> 48) % 4;
	}
	if ((type == REG_U16 || type == REG_BOOL) && (r >> 52) % 2) {
		c.f.bit_lo = (r >> 53) % 8;
		c.f.bit_hi = c.f.bit_lo;
		if (type == REG_U16)
			c.f.bit_hi = (uint8_t)(c.f.bit_lo + (r >> 56) % 8);
	}
	return c;
}

static bool
same_value(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == VALUE_NUM)
		return num_cmp(a->num, b->num) == 0;
	if (a->type == VALUE_BOOL)
		return a->on == b->on;
	return strcmp(a->text, b->text) == 0;
}

/* Any registers are a value; written back, it makes the same ones, or at least
 * the same value. */
static void
reads_back(void **state)
{
	unsigned tried[REG_STR + 1] = { 0 };

	(void)state;
	for (unsigned i = 0; i < ROUNDS * (REG_STR + 1); i++) {
		enum reg_type type = i % (REG_STR + 1);
		struct control c = random_control(type);
		uint16_t regs[8];
		struct reading r = { 0 }, back = { 0 };
		struct encoded e;
		struct errbuf why = { "" };

		for (size_t j = 0; j < 8; j++)
			regs[j] = (uint16_t)(random64() >> 20);
		if (type == REG_STR)
			for (size_t j = 0; j < 8; j++)
				regs[j] =
				    (uint16_t)(0x4141 + (regs[j] & 0x0f0f));
		decode_regs(&c.f, regs, 0, &r);
		if (r.quality != QUALITY_OK)
			continue;
		if (encode_value(&c, &r.value, 0, &e, &why) != OK) {
			/* only digits that a float does not have */
			assert_true(type == REG_F16 || type == REG_F32 ||
			    type == REG_F64);
			continue;
		}
		tried[type]++;
		assert_int_equal(e.n, plan_regs(&c.f));
		for (size_t j = 0; j < e.n; j++)
			regs[j] = e.value[j];
		decode_regs(&c.f, regs, 0, &back);
		assert_int_equal(back.quality, QUALITY_OK);
		assert_true(same_value(&r.value, &back.value));
	}
	for (int i = 0; i <= REG_STR; i++) {
		print_message("  type %d: %u values\n", i, tried[i]);
		assert_true(tried[i] > 0);
	}
}

/* And any number that a person may write is either refused or reads back. */
static void
numbers_read_back(void **state)
{
	unsigned tried = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS * REG_STR; i++) {
		struct control c = random_control(REG_U8H + i % (REG_STR - 1));
		struct value v = { .type = VALUE_NUM,
			.num = { (int64_t)random64() >> (random64() % 64),
			    (uint8_t)(random64() % 5) } };
		struct reading back = { 0 };
		struct encoded e;

		if (encode_value(&c, &v, 0, &e, NULL) != OK)
			continue;
		tried++;
		decode_regs(&c.f, e.value, 0, &back);
		assert_int_equal(back.quality, QUALITY_OK);
		assert_true(num_cmp(back.value.num, v.num) == 0);
	}
	print_message("  %u numbers\n", tried);
	assert_true(tried > ROUNDS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes),
		cmocka_unit_test(scale_factors),
		cmocka_unit_test(of_another_type),
		cmocka_unit_test(merges),
		cmocka_unit_test(reads_back),
		cmocka_unit_test(numbers_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
