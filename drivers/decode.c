#include "drivers/decode.h"

#include "common/utf8.h"
#include "drivers/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 4, STR_MAX = 256 };

void
decode_bad(struct reading *out, enum quality q, const char *why)
{
	out->quality = q;
	out->why = why;
}

static void
good(struct reading *out, enum value_type type)
{
	out->quality = QUALITY_OK;
	out->why = NULL;
	out->value.type = type;
}

void
decode_text(const char *s, size_t len, struct reading *out)
{
	const char *nul = memchr(s, '\0', len);

	if (nul)
		len = (size_t)(nul - s);
	good(out, VALUE_TEXT);
	utf8_sanitize(s, len, out->value.text, sizeof(out->value.text));
	if (out->value.text[0] == '\0')
		decode_bad(out, QUALITY_MISSING, "the device sent no text");
}

static void
decode_word(const struct field *f, struct num v, struct reading *out)
{
	for (size_t i = 0; i < f->n_words; i++) {
		struct num n = { f->words[i].value, 0 };

		if (num_cmp(n, v) != 0)
			continue;
		good(out, VALUE_WORD);
		utf8_sanitize(f->words[i].word, strlen(f->words[i].word),
		    out->value.text, sizeof(out->value.text));
		return;
	}
	decode_bad(out, QUALITY_ERROR, "not one of the field's words");
}

/* A scale of zero is what a field has that never said one. */
static enum err
scaled(const struct field *f, struct num v, struct num *out)
{
	enum err e = OK;

	if (f->scale.mant != 0)
		e = num_mul(v, f->scale, &v);
	if (e == OK && f->offset.mant != 0)
		e = num_add(v, f->offset, &v);
	*out = v;
	return e;
}

static void
limited(const struct field *f, struct num v, struct reading *out)
{
	if (f->has_min && num_cmp(v, f->min) < 0) {
		decode_bad(out, QUALITY_ERROR, "below the field's minimum");
		return;
	}
	if (f->has_max && num_cmp(v, f->max) > 0) {
		decode_bad(out, QUALITY_ERROR, "above the field's maximum");
		return;
	}
	good(out, VALUE_NUM);
	out->value.num = v;
}

void
decode_num(const struct field *f, struct num v, struct reading *out)
{
	if (f->n_words) {
		decode_word(f, v, out);
		return;
	}
	if (scaled(f, v, &v) != OK ||
	    (f->has_dec && num_round(v, f->dec, &v) != OK)) {
		decode_bad(out, QUALITY_ERROR, "the number does not fit");
		return;
	}
	limited(f, v, out);
}

/* How many decimals keep digits significant digits of v. */
static uint8_t
decimals(double v, int digits)
{
	int dec = digits;

	if (v != 0.0 && isfinite(v))
		dec = digits - 1 - (int)floor(log10(fabs(v)));
	return (uint8_t)(dec < 0 ? 0 : dec > 12 ? 12 : dec);
}

/* 230.5000000 says no more than 230.5. */
static struct num
trimmed(struct num v)
{
	while (v.dec > 0 && v.mant % 10 == 0) {
		v.mant /= 10;
		v.dec--;
	}
	return v;
}

static bool
plain(const struct field *f)
{
	return f->offset.mant == 0 &&
	    (f->scale.mant == 0 || (f->scale.mant == 1 && f->scale.dec == 0));
}

/* IEEE 754: rounded once, straight to the field's decimals where it can be. */
static void
decode_float(const struct field *f, double v, int digits, struct reading *out)
{
	bool direct = plain(f) && f->has_dec && f->n_words == 0;
	struct num n;

	if (isnan(v)) {
		decode_bad(out, QUALITY_MISSING, "the device says: no number");
		return;
	}
	if (num_from_double(v, direct ? f->dec : decimals(v, digits), &n) !=
	    OK) {
		decode_bad(out, QUALITY_ERROR, "the number does not fit");
		return;
	}
	if (direct)
		limited(f, n, out);
	else
		decode_num(f, trimmed(n), out);
}

static double
half_to_double(unsigned raw)
{
	unsigned exp = raw >> 10 & 0x1f, frac = raw & 0x3ff;
	double v;

	if (exp == 0x1f)
		v = frac ? (double)NAN : (double)INFINITY;
	else if (exp == 0)
		v = ldexp(frac, -24);
	else
		v = ldexp(frac | 0x400u, (int)exp - 25);
	return raw & 0x8000 ? -v : v;
}

static double
float_of(uint64_t raw)
{
	uint32_t bits = (uint32_t)raw;
	float v;

	memcpy(&v, &bits, sizeof(v));
	return (double)v;
}

static double
double_of(uint64_t raw)
{
	double v;

	memcpy(&v, &raw, sizeof(v));
	return v;
}

/* Binary coded decimal; false when a nibble is none. */
static bool
bcd(uint64_t raw, unsigned nibbles, int64_t *out)
{
	*out = 0;
	while (nibbles--) {
		unsigned digit = (unsigned)(raw >> nibbles * 4) & 0xf;

		if (digit > 9)
			return false;
		*out = *out * 10 + digit;
	}
	return true;
}

static uint16_t
reg_at(const struct field *f, const uint16_t *regs, size_t i)
{
	uint16_t r = regs[i];

	if (f->order == ORDER_BADC || f->order == ORDER_DCBA)
		r = (uint16_t)(r << 8 | r >> 8);
	return r;
}

/* The registers as one number, most significant first.  The order is of words
 * and of bytes in a word, so it holds for 16, 32 and 64 bits alike. */
static uint64_t
assemble(const struct field *f, const uint16_t *regs, size_t n)
{
	bool low_first = f->order == ORDER_CDAB || f->order == ORDER_DCBA;
	uint64_t raw = 0;

	for (size_t i = 0; i < n; i++)
		raw = raw << 16 | reg_at(f, regs, low_first ? n - 1 - i : i);
	return raw;
}

static bool
is_nan(const struct field *f, uint64_t raw, size_t n)
{
	uint64_t mask =
	    n < WORDS_MAX ? (UINT64_C(1) << n * 16) - 1 : UINT64_MAX;

	for (size_t i = 0; i < f->n_nan; i++) {
		if ((f->nan[i] & mask) == raw)
			return true;
	}
	return false;
}

static uint64_t
bit_field(const struct field *f, uint64_t raw)
{
	unsigned width;

	if (f->bit_hi < f->bit_lo)
		return raw;
	width = f->bit_hi - f->bit_lo + 1u;
	raw >>= f->bit_lo;
	return width < 64 ? raw & ((UINT64_C(1) << width) - 1) : raw;
}

static void
decode_int(const struct field *f, int64_t v, struct reading *out)
{
	decode_num(f, (struct num){ v, 0 }, out);
}

static void
decode_u64(const struct field *f, uint64_t raw, struct reading *out)
{
	if (raw > INT64_MAX)
		decode_bad(out, QUALITY_ERROR, "the number does not fit");
	else
		decode_int(f, (int64_t)raw, out);
}

static void
decode_bcd(const struct field *f, uint64_t raw, struct reading *out)
{
	int64_t v;

	if (bcd(raw, plan_regs(f) * 4u, &v))
		decode_int(f, v, out);
	else
		decode_bad(out, QUALITY_ERROR, "not a decimal (BCD) number");
}

static void
decode_bool(const struct field *f, uint64_t raw, struct reading *out)
{
	if (f->n_words) {
		decode_int(f, raw != 0, out);
		return;
	}
	good(out, VALUE_BOOL);
	out->value.on = raw != 0;
}

static void
decode_str(const struct field *f, const uint16_t *regs, struct reading *out)
{
	char text[STR_MAX];
	size_t n = 0;

	for (size_t i = 0; n < f->str_len; i++) {
		uint16_t r = reg_at(f, regs, i);

		text[n++] = (char)(r >> 8);
		if (n < f->str_len)
			text[n++] = (char)(r & 0xff);
	}
	decode_text(text, n, out);
}

static void
decode_raw(const struct field *f, uint64_t raw, struct reading *out)
{
	bool bits = f->bit_hi >= f->bit_lo;

	switch (f->type) {
	case REG_BOOL:
		decode_bool(f, raw, out);
		break;
	case REG_U8H:
		decode_int(f, (int64_t)(raw >> 8 & 0xff), out);
		break;
	case REG_U8L:
		decode_int(f, (int64_t)(raw & 0xff), out);
		break;
	case REG_I16:
		decode_int(f, bits ? (int64_t)raw : (int16_t)raw, out);
		break;
	case REG_I32:
		decode_int(f, bits ? (int64_t)raw : (int32_t)raw, out);
		break;
	case REG_I64:
		decode_int(f, (int64_t)raw, out);
		break;
	case REG_U16:
	case REG_U32:
	case REG_U64:
		decode_u64(f, raw, out);
		break;
	case REG_F16:
		decode_float(f, half_to_double((unsigned)raw), 4, out);
		break;
	case REG_F32:
		decode_float(f, float_of(raw), 7, out);
		break;
	case REG_F64:
		decode_float(f, double_of(raw), 15, out);
		break;
	case REG_BCD16:
	case REG_BCD32:
		decode_bcd(f, raw, out);
		break;
	case REG_STR:
		break;
	}
}

void
decode_regs(const struct field *f, const uint16_t *regs, struct reading *out)
{
	size_t n = plan_regs(f);
	uint64_t raw;

	if (f->type == REG_STR) {
		decode_str(f, regs, out);
		return;
	}
	raw = assemble(f, regs, n);
	if (is_nan(f, raw, n)) {
		decode_bad(out, QUALITY_MISSING, "the device says: no value");
		return;
	}
	decode_raw(f, bit_field(f, raw), out);
}

void
counter_check(struct counter *c, struct reading *r)
{
	struct num v = r->value.num;

	if (r->quality != QUALITY_OK || r->value.type != VALUE_NUM)
		return;
	if (c->seen && num_cmp(v, c->last) < 0 &&
	    !(c->held && num_cmp(v, c->candidate) >= 0)) {
		c->held = true;
		c->candidate = v;
		decode_bad(r, QUALITY_ERROR,
		    "the counter went back; the next reading must confirm it");
		return;
	}
	c->seen = true;
	c->held = false;
	c->last = v;
}
