/* Registers of any type and order: what is decoded is a proper value, and what
 * can be written again reads back as the same. */
#include "common/utf8.h"
#include "drivers/decode.h"
#include "drivers/encode.h"
#include "drivers/plan.h"
#include "drivers/truth.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 8, REGS = 128 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The first bytes say what kind of field it is. */
static struct field
field_of(const uint8_t h[HEAD], uint64_t *nan)
{
	struct field f = { .type = h[0] % (REG_STR + 1),
		.order = h[1] % 4,
		.bit_hi = h[2] % 16,
		.bit_lo = h[3] % 16,
		.scale = { (int8_t)h[4], h[4] % 7 },
		.offset = { (int8_t)h[5], h[5] % 5 },
		.str_len = h[6] % 129,
		.has_dec = h[7] & 1,
		.dec = h[7] % 10,
		.has_min = h[7] & 2,
		.min = { -1000, 0 },
		.has_max = h[7] & 4,
		.max = { 100000, 1 } };

	if (f.type == REG_STR && f.str_len == 0)
		f.str_len = 1;
	*nan = h[6];
	f.nan = nan;
	f.n_nan = h[7] & 8 ? 1 : 0;
	return f;
}

static bool
same(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_NUM)
		return num_cmp(a->num, b->num) == 0;
	if (a->type == VALUE_BOOL)
		return a->on == b->on;
	return strcmp(a->text, b->text) == 0;
}

/* Bits of a register are bool or u16, as templates have it. */
static void
write_back(const struct field *f, int sf, const struct value *v)
{
	struct control c = { .f = *f };
	struct reading r = { 0 };
	struct encoded e;

	if (f->bit_hi >= f->bit_lo && f->type != REG_BOOL && f->type != REG_U16)
		return;
	c.f.n_nan = 0;
	if (encode_value(&c, v, sf, &e, NULL) != OK)
		return;
	must(e.n == plan_regs(f) && e.n <= ENCODE_REGS);
	decode_regs(&c.f, e.value, sf, &r);
	must(r.quality == QUALITY_OK && r.value.type == v->type);
	must(same(&r.value, v));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t regs[REGS] = { 0 };
	struct reading r = { 0 };
	struct truth t = { 0 };
	struct field f;
	uint64_t nan;
	int sf = 0;

	if (size < HEAD)
		return 0;
	f = field_of(data, &nan);
	if (data[7] & 16)
		sf = (int8_t)data[5] % (SF_MAX + 1);
	for (size_t i = HEAD; i < size && i - HEAD < sizeof(regs); i++)
		regs[(i - HEAD) / 2] =
		    (uint16_t)(regs[(i - HEAD) / 2] << 8 | data[i]);
	must(plan_regs(&f) <= REGS);
	decode_regs(&f, regs, sf, &r);
	must(r.quality != QUALITY_STALE);
	must((r.quality == QUALITY_OK) == (r.why == NULL));
	if (r.quality == QUALITY_OK && r.value.type == VALUE_NUM) {
		must(r.value.num.dec <= NUM_DEC_MAX);
		must(!f.has_dec || r.value.num.dec == f.dec);
		must(!f.has_min || num_cmp(r.value.num, f.min) >= 0);
		must(!f.has_max || num_cmp(r.value.num, f.max) <= 0);
	}
	if (r.quality == QUALITY_OK && r.value.type == VALUE_TEXT)
		must(utf8_valid(r.value.text, strlen(r.value.text)));
	if (r.quality == QUALITY_OK)
		write_back(&f, sf, &r.value);
	f.kind = data[6] & 1 ? KIND_COUNTER : KIND_MOMENTARY;
	f.has_max_rate = data[6] & 2;
	f.max_rate = f.scale;
	truth_check(&f, &t, 0, &r);
	truth_check(&f, &t, data[5], &r);
	return 0;
}
