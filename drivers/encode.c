#include "drivers/encode.h"

#include "common/utf8.h"
#include "drivers/decode.h"
#include "drivers/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ALL_BITS = 0xffff, WORDS_MAX = 4, LIST_TEXT = 160 };

/* --- what a person wrote --- */

static const struct {
	const char *word;
	bool on;
} switches[] = {
	{ "on", true },
	{ "true", true },
	{ "yes", true },
	{ "1", true },
	{ "off", false },
	{ "false", false },
	{ "no", false },
	{ "0", false },
};

/* The control's words, for the sentence that refuses another. */
static void
list_words(const struct field *f, char out[LIST_TEXT])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < f->n_words && n < LIST_TEXT; i++)
		n += (size_t)snprintf(out + n, LIST_TEXT - n, "%s%s",
		    i ? ", " : "", f->words[i].word);
}

static enum err
no_word(const struct field *f, struct errbuf *why)
{
	char words[LIST_TEXT];

	list_words(f, words);
	return errbuf_set(why, ERR_RANGE, "not one of: %s", words);
}

static void
take_text(enum value_type type, const char *text, struct value *out)
{
	out->type = type;
	snprintf(out->text, sizeof(out->text), "%s", text);
}

static enum err
parse_word(const struct field *f, const char *text, struct value *out,
    struct errbuf *why)
{
	struct num v;
	bool number = num_parse(text, &v) == OK;

	for (size_t i = 0; i < f->n_words; i++) {
		struct num n = { f->words[i].value, 0 };

		if (strcasecmp(f->words[i].word, text) != 0 &&
		    !(number && num_cmp(n, v) == 0))
			continue;
		take_text(VALUE_WORD, f->words[i].word, out);
		return OK;
	}
	return no_word(f, why);
}

static enum err
parse_bool(const char *text, struct value *out, struct errbuf *why)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (strcasecmp(switches[i].word, text) != 0)
			continue;
		out->type = VALUE_BOOL;
		out->on = switches[i].on;
		return OK;
	}
	return errbuf_set(why, ERR_RANGE, "neither on nor off");
}

static enum err
parse_text(const char *text, struct value *out, struct errbuf *why)
{
	if (strlen(text) >= sizeof(out->text))
		return errbuf_set(why, ERR_RANGE, "longer than %d bytes",
		    (int)sizeof(out->text) - 1);
	take_text(VALUE_TEXT, text, out);
	return OK;
}

enum err
encode_parse(const struct control *c, const char *text, struct value *out,
    struct errbuf *why)
{
	enum err e;

	memset(out, 0, sizeof(*out));
	if (c->f.n_words)
		return parse_word(&c->f, text, out, why);
	if (c->f.type == REG_BOOL)
		return parse_bool(text, out, why);
	if (c->f.type == REG_STR)
		return parse_text(text, out, why);
	e = num_parse(text, &out->num);
	if (e == ERR_RANGE)
		return errbuf_set(why, e, "too many digits");
	if (e != OK)
		return errbuf_set(why, ERR_RANGE, "not a number");
	return OK;
}

/* --- the template's guards --- */

/* a / b, when it is a whole number. */
static enum err
divide(struct num a, struct num b, int64_t *out)
{
	a = num_trim(a);
	b = num_trim(b);
	for (; a.dec < b.dec; a.dec++) {
		if (__builtin_mul_overflow(a.mant, 10, &a.mant))
			return ERR_RANGE;
	}
	for (; b.dec < a.dec; b.dec++) {
		if (__builtin_mul_overflow(b.mant, 10, &b.mant))
			return ERR_PROTO; /* a is less than one b */
	}
	if (b.mant == 0 || (b.mant == -1 && a.mant == INT64_MIN))
		return ERR_RANGE;
	if (a.mant % b.mant != 0)
		return ERR_PROTO;
	*out = a.mant / b.mant;
	return OK;
}

static enum err
beyond(const char *what, struct num limit, struct errbuf *why)
{
	char text[NUM_TEXT];

	num_format(limit, text);
	return errbuf_set(why, ERR_RANGE, "%s %s", what, text);
}

static enum err
guard(const struct control *c, struct num v, struct errbuf *why)
{
	const struct field *f = &c->f;
	int64_t steps;

	if (f->has_min && num_cmp(v, f->min) < 0)
		return beyond("below the minimum of", f->min, why);
	if (f->has_max && num_cmp(v, f->max) > 0)
		return beyond("above the maximum of", f->max, why);
	if (c->has_step && divide(v, c->step, &steps) != OK)
		return beyond("not a multiple of", c->step, why);
	return OK;
}

/* --- raw numbers to registers --- */

/* What the integer types can hold. */
static const struct {
	int64_t min, max;
} ranges[] = {
	[REG_BOOL] = { 0, 1 },
	[REG_U8H] = { 0, UINT8_MAX },
	[REG_U8L] = { 0, UINT8_MAX },
	[REG_I8H] = { INT8_MIN, INT8_MAX },
	[REG_I8L] = { INT8_MIN, INT8_MAX },
	[REG_I16] = { INT16_MIN, INT16_MAX },
	[REG_U16] = { 0, UINT16_MAX },
	[REG_I32] = { INT32_MIN, INT32_MAX },
	[REG_U32] = { 0, UINT32_MAX },
	[REG_I64] = { INT64_MIN, INT64_MAX },
	[REG_U64] = { 0, INT64_MAX },
	[REG_F16] = { 0, 0 },
	[REG_F32] = { 0, 0 },
	[REG_F64] = { 0, 0 },
	[REG_BCD16] = { 0, 9999 },
	[REG_BCD32] = { 0, 99999999 },
	[REG_STR] = { 0, 0 },
};

static bool
is_float(const struct field *f)
{
	return f->type == REG_F16 || f->type == REG_F32 || f->type == REG_F64;
}

static bool
swaps_bytes(const struct field *f)
{
	return f->order == ORDER_BADC || f->order == ORDER_DCBA;
}

static uint16_t
swapped(uint16_t r)
{
	return (uint16_t)(r << 8 | r >> 8);
}

/* raw, most significant first, in the order of the field. */
static void
take_apart(const struct field *f, uint64_t raw, struct encoded *out)
{
	bool low_first = f->order == ORDER_CDAB || f->order == ORDER_DCBA;

	out->n = plan_regs(f);
	for (size_t i = 0; i < out->n; i++) {
		size_t at = low_first ? i : out->n - 1 - i;
		uint16_t r = (uint16_t)(raw >> 16 * i);

		out->value[at] = swaps_bytes(f) ? swapped(r) : r;
	}
	if (swaps_bytes(f))
		out->mask = swapped(out->mask);
}

static uint64_t
to_bcd(int64_t v)
{
	uint64_t raw = 0;

	for (unsigned shift = 0; v > 0; v /= 10, shift += 4)
		raw |= (uint64_t)(v % 10) << shift;
	return raw;
}

/* The bits of the register that the field has. */
static void
place_bits(const struct field *f, uint64_t *raw, struct encoded *out)
{
	unsigned width = f->bit_hi - f->bit_lo + 1u;

	if (f->type == REG_U8H || f->type == REG_I8H) {
		*raw = (*raw & 0xff) << 8;
		out->mask = 0xff00;
	} else if (f->type == REG_U8L || f->type == REG_I8L) {
		*raw &= 0xff;
		out->mask = 0x00ff;
	} else if (f->bit_hi >= f->bit_lo) {
		out->mask = (uint16_t)(((1u << width) - 1) << f->bit_lo);
		*raw = *raw << f->bit_lo & out->mask;
	}
}

static enum err
encode_int(
    const struct field *f, int64_t v, struct encoded *out, struct errbuf *why)
{
	int64_t min = ranges[f->type].min, max = ranges[f->type].max;
	uint64_t raw = (uint64_t)v;

	if (f->bit_hi >= f->bit_lo) {
		min = 0;
		max = (INT64_C(1) << (f->bit_hi - f->bit_lo + 1)) - 1;
	}
	if (v < min || v > max)
		return errbuf_set(
		    why, ERR_RANGE, "the device's register cannot hold it");
	if (f->type == REG_BCD16 || f->type == REG_BCD32)
		raw = to_bcd(v);
	place_bits(f, &raw, out);
	take_apart(f, raw, out);
	return OK;
}

/* IEEE 754 binary16, rounded to the nearest; beyond its range: infinity. */
static uint64_t
half_of(double v)
{
	uint64_t sign = signbit(v) ? 0x8000 : 0;
	int exp;
	double frac;

	v = fabs(v);
	if (v >= 65520.0)
		return sign | 0x7c00;
	if (v < ldexp(1, -14))
		return sign | (uint64_t)lrint(ldexp(v, 24));
	frac = frexp(v, &exp);
	/* a mantissa that rounds up carries into the exponent, as it must */
	return sign |
	    (((uint64_t)(exp + 13) << 10) + (uint64_t)lrint(ldexp(frac, 11)));
}

static uint64_t
float_bits(const struct field *f, double v)
{
	float single = (float)v;
	uint64_t raw = 0;
	uint32_t bits;

	if (f->type == REG_F16)
		return half_of(v);
	if (f->type == REG_F64) {
		memcpy(&raw, &v, sizeof(raw));
		return raw;
	}
	memcpy(&bits, &single, sizeof(bits));
	return bits;
}

/* scale times ten to the sf, both sides exact. */
static enum err
factor(const struct field *f, int sf, struct num *out)
{
	struct num s = f->scale.mant ? f->scale : (struct num){ 1, 0 };
	struct num ten = { 1, 0 };

	for (int i = 0; i < sf; i++)
		ten.mant *= 10;
	if (sf < 0)
		ten.dec = (uint8_t)-sf;
	return num_mul(s, ten, out);
}

/* Rounded once, as both sides are whole numbers; a zero is never below zero,
 * which devices do not give back. */
static double
quotient(struct num a, struct num b)
{
	double over = (double)a.mant, under = (double)b.mant;

	for (; a.dec < b.dec; a.dec++)
		over *= 10;
	for (; b.dec < a.dec; b.dec++)
		under *= 10;
	return over / under + 0.0;
}

static enum err
encode_num(const struct field *f, struct num v, int sf, struct encoded *out,
    struct errbuf *why)
{
	struct num scale, minus = { 0, f->offset.dec };
	int64_t raw;
	enum err e;

	if (__builtin_sub_overflow(0, f->offset.mant, &minus.mant) ||
	    factor(f, sf, &scale) != OK || num_add(v, minus, &v) != OK)
		return errbuf_set(why, ERR_RANGE, "too many digits");
	if (is_float(f)) {
		take_apart(f, float_bits(f, quotient(v, scale)), out);
		return OK;
	}
	e = divide(v, scale, &raw);
	if (e == ERR_PROTO)
		return beyond("finer than the device's steps of", scale, why);
	if (e != OK)
		return errbuf_set(why, ERR_RANGE, "too many digits");
	return encode_int(f, raw, out, why);
}

static enum err
encode_text(const struct field *f, const char *text, struct encoded *out,
    struct errbuf *why)
{
	size_t len = strlen(text), n = plan_regs(f);

	if (len > f->str_len || n > ENCODE_REGS)
		return errbuf_set(
		    why, ERR_RANGE, "longer than %d bytes", (int)f->str_len);
	if (len && text[len - 1] == ' ')
		return errbuf_set(why, ERR_RANGE,
		    "ends with a blank, which devices do not keep");
	for (size_t i = 0; i < n; i++) {
		unsigned hi = 2 * i < len ? (uint8_t)text[2 * i] : 0;
		unsigned lo = 2 * i + 1 < len ? (uint8_t)text[2 * i + 1] : 0;
		uint16_t r = (uint16_t)(hi << 8 | lo);

		out->value[i] = swaps_bytes(f) ? swapped(r) : r;
	}
	out->n = n;
	return OK;
}

static enum err
encode_word(const struct field *f, const struct value *v, struct encoded *out,
    struct errbuf *why)
{
	for (size_t i = 0; i < f->n_words; i++) {
		struct num n = { f->words[i].value, 0 };
		bool same = false;

		if (v->type == VALUE_WORD || v->type == VALUE_TEXT)
			same = strcmp(v->text, f->words[i].word) == 0;
		else if (v->type == VALUE_NUM)
			same = num_cmp(v->num, n) == 0;
		else
			same = n.mant == v->on;
		if (same)
			return encode_int(f, n.mant, out, why);
	}
	return no_word(f, why);
}

/* What the device would say then is what was to be written: a last guard, and
 * the one that knows how many digits a float keeps. */
static enum err
check_back(const struct field *f, struct num v, int sf, const struct encoded *e,
    struct errbuf *why)
{
	struct reading r = { 0 };

	decode_regs(f, e->value, sf, &r);
	if (r.quality == QUALITY_OK && num_cmp(r.value.num, v) == 0)
		return OK;
	return errbuf_set(
	    why, ERR_RANGE, "the device's register cannot hold it exactly");
}

enum err
encode_value(const struct control *c, const struct value *v, int sf,
    struct encoded *out, struct errbuf *why)
{
	const struct field *f = &c->f;
	enum err e;

	memset(out, 0, sizeof(*out));
	out->mask = ALL_BITS;
	if (sf < -SF_MAX || sf > SF_MAX)
		return errbuf_set(
		    why, ERR_RANGE, "the device's scale factor is not known");
	if (f->n_words)
		return encode_word(f, v, out, why);
	if (f->type == REG_STR)
		return v->type == VALUE_TEXT
		    ? encode_text(f, v->text, out, why)
		    : errbuf_set(why, ERR_RANGE, "not a text");
	if (f->type == REG_BOOL)
		return v->type == VALUE_BOOL
		    ? encode_int(f, v->on, out, why)
		    : errbuf_set(why, ERR_RANGE, "neither on nor off");
	if (v->type != VALUE_NUM)
		return errbuf_set(why, ERR_RANGE, "not a number");
	e = guard(c, v->num, why);
	if (e == OK)
		e = encode_num(f, v->num, sf, out, why);
	return e == OK ? check_back(f, v->num, sf, out, why) : e;
}

uint16_t
encode_merge(const struct encoded *e, uint16_t old)
{
	return (uint16_t)((old & ~e->mask) | e->value[0]);
}

bool
encode_same(const struct encoded *e, const uint16_t *regs)
{
	for (size_t i = 0; i < e->n; i++) {
		unsigned mask = i == 0 ? e->mask : ALL_BITS;

		if ((regs[i] & mask) != (e->value[i] & mask))
			return false;
	}
	return true;
}
