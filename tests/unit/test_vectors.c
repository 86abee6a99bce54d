/* What registers mean, against a model that is written apart:
 * tests/data/decode. */
#include "drivers/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE = 256, WORD = 32, FEWEST = 300 };

static const char *const types[] = {
	[REG_BOOL] = "bool",
	[REG_U8H] = "u8h",
	[REG_U8L] = "u8l",
	[REG_I8H] = "i8h",
	[REG_I8L] = "i8l",
	[REG_I16] = "i16",
	[REG_U16] = "u16",
	[REG_I32] = "i32",
	[REG_U32] = "u32",
	[REG_I64] = "i64",
	[REG_U64] = "u64",
	[REG_F16] = "f16",
	[REG_F32] = "f32",
	[REG_F64] = "f64",
	[REG_BCD16] = "bcd16",
	[REG_BCD32] = "bcd32",
};

static const char *const orders[] = {
	[ORDER_ABCD] = "ABCD",
	[ORDER_BADC] = "BADC",
	[ORDER_CDAB] = "CDAB",
	[ORDER_DCBA] = "DCBA",
};

static size_t
index_of(const char *const *words, size_t n, const char *word)
{
	size_t i = 0;

	while (i < n && strcmp(words[i], word) != 0)
		i++;
	assert_true(i < n);
	return i;
}

struct vector {
	struct field f;
	uint64_t nan;
	int sf;
	uint16_t regs[4];
	char want[WORD];
};

static char *
word(char **at)
{
	char *w = strtok_r(NULL, " \n", at);

	assert_non_null(w);
	return w;
}

static int64_t
whole(char **at)
{
	return strtoll(word(at), NULL, 10);
}

static void
read_vector(char *line, struct vector *v)
{
	struct field *f = &v->f;
	char *at, *type = strtok_r(line, " ", &at);
	int64_t dec;

	memset(v, 0, sizeof(*v));
	assert_non_null(type);
	f->type = (enum reg_type)index_of(
	    types, sizeof(types) / sizeof(types[0]), type);
	f->order = (enum reg_order)index_of(
	    orders, sizeof(orders) / sizeof(orders[0]), word(&at));
	f->table = MB_HOLDING;
	f->bit_hi = (uint8_t)whole(&at);
	f->bit_lo = (uint8_t)whole(&at);
	f->scale.mant = whole(&at);
	f->scale.dec = (uint8_t)whole(&at);
	f->offset.mant = whole(&at);
	f->offset.dec = (uint8_t)whole(&at);
	dec = whole(&at);
	f->has_dec = dec >= 0;
	f->dec = (uint8_t)(dec >= 0 ? dec : 0);
	f->sf_field = -1;
	v->sf = (int)whole(&at);
	f->nan = &v->nan;
	f->n_nan = *at != '-';
	v->nan = strtoull(word(&at), NULL, 10);
	for (size_t i = 0; i < 4; i++)
		v->regs[i] = (uint16_t)whole(&at);
	snprintf(v->want, sizeof(v->want), "%s", word(&at));
}

static void
show(const struct reading *r, char out[WORD])
{
	if (r->quality == QUALITY_MISSING)
		snprintf(out, WORD, "%s", "MISSING");
	else if (r->quality != QUALITY_OK)
		snprintf(out, WORD, "%s", "ERROR");
	else if (r->value.type == VALUE_BOOL)
		snprintf(out, WORD, "%s", r->value.on ? "true" : "false");
	else
		num_format(r->value.num, out);
}

static void
as_the_model(void **state)
{
	FILE *file = fopen(TEST_DATA "/decode/vectors", "r");
	char line[LINE], got[WORD];
	int n = 0;

	(void)state;
	assert_non_null(file);
	for (; fgets(line, sizeof(line), file); n++) {
		struct reading r = { 0 };
		struct vector v;

		read_vector(line, &v);
		decode_regs(&v.f, v.regs, v.sf, &r);
		show(&r, got);
		if (strcmp(got, v.want) != 0)
			print_message("  line %d\n", n + 1);
		assert_string_equal(got, v.want);
	}
	fclose(file);
	assert_true(n >= FEWEST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_the_model) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
