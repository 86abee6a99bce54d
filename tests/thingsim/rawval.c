#include "tests/thingsim/rawval.h"

#include "common/num.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum form { FORM_BOOL, FORM_UNSIGNED, FORM_SIGNED, FORM_FLOAT, FORM_BCD };

static const struct {
	enum form form;
	unsigned bits, regs;
} types[] = {
	[REG_BOOL] = { FORM_BOOL, 1, 1 },
	[REG_U8H] = { FORM_UNSIGNED, 8, 1 },
	[REG_U8L] = { FORM_UNSIGNED, 8, 1 },
	[REG_I8H] = { FORM_SIGNED, 8, 1 },
	[REG_I8L] = { FORM_SIGNED, 8, 1 },
	[REG_I16] = { FORM_SIGNED, 16, 1 },
	[REG_U16] = { FORM_UNSIGNED, 16, 1 },
	[REG_I32] = { FORM_SIGNED, 32, 2 },
	[REG_U32] = { FORM_UNSIGNED, 32, 2 },
	[REG_I64] = { FORM_SIGNED, 64, 4 },
	[REG_U64] = { FORM_UNSIGNED, 64, 4 },
	[REG_F16] = { FORM_FLOAT, 16, 1 },
	[REG_F32] = { FORM_FLOAT, 32, 2 },
	[REG_F64] = { FORM_FLOAT, 64, 4 },
	[REG_BCD16] = { FORM_BCD, 16, 1 },
	[REG_BCD32] = { FORM_BCD, 32, 2 },
	[REG_STR] = { FORM_UNSIGNED, 16, 1 },
};

unsigned
rawval_regs(enum reg_type type)
{
	return types[type].regs;
}

static bool
has_bits(const struct field *f)
{
	return f->bit_hi >= f->bit_lo;
}

static unsigned
width(const struct field *f)
{
	if (has_bits(f))
		return f->bit_hi - f->bit_lo + 1U;
	return types[f->type].bits;
}

static uint64_t
mask(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static int64_t
ten_to(int n)
{
	int64_t p = 1;

	while (n-- > 0)
		p *= 10;
	return p;
}

/* Half away from zero. */
static int64_t
round_div(int64_t n, int64_t d)
{
	int64_t q = n / d, rest = n % d;

	if (rest < 0)
		rest = -rest;
	if (d < 0)
		return rest >= -d - rest ? q + (n < 0 ? 1 : -1) : q;
	return rest >= d - rest ? q + (n < 0 ? -1 : 1) : q;
}

/* unscale gives (v - offset) / scale, rounded to a whole number. */
static enum err
unscale(const struct field *f, struct num v, int64_t *out)
{
	struct num s = f->scale.mant ? f->scale : (struct num){ 1, 0 };
	enum err e =
	    num_add(v, (struct num){ -f->offset.mant, f->offset.dec }, &v);
	int up = s.dec > v.dec ? s.dec - v.dec : 0;
	int down = v.dec > s.dec ? v.dec - s.dec : 0;

	if (e != OK)
		return e;
	if (__builtin_mul_overflow(v.mant, ten_to(up), &v.mant) ||
	    __builtin_mul_overflow(s.mant, ten_to(down), &s.mant))
		return ERR_RANGE;
	*out = round_div(v.mant, s.mant);
	return OK;
}

static enum err
scale(const struct field *f, int64_t raw, struct num *out)
{
	struct num s = f->scale.mant ? f->scale : (struct num){ 1, 0 };
	enum err e = num_mul((struct num){ raw, 0 }, s, out);

	if (e == OK)
		e = num_add(*out, f->offset, out);
	if (e == OK && f->has_dec)
		e = num_round(*out, f->dec, out);
	return e;
}

static uint16_t
half_from(double v)
{
	uint16_t sign = signbit(v) ? 0x8000 : 0;
	double m, steps;
	int exp;

	if (isnan(v))
		return 0x7E00;
	v = fabs(v);
	if (v >= 65520)
		return sign | 0x7C00;
	m = frexp(v, &exp); /* v = m * 2^exp, m in 0.5..1 */
	if (exp < -13) {    /* below the smallest normal number */
		steps = rint(ldexp(v, 24));
		return (uint16_t)(sign | (uint16_t)steps);
	}
	steps = rint(ldexp(m, 11)); /* 1024..2048; 2048 carries over */
	return (uint16_t)(sign |
	    (uint16_t)((unsigned)((exp + 13) << 10) + (unsigned)steps));
}

static double
half_to(uint16_t h)
{
	int exp = h >> 10 & 0x1F;
	double m = h & 0x3FF, v;

	if (exp == 0x1F)
		v = m > 0 ? (double)NAN : (double)INFINITY;
	else if (exp == 0)
		v = ldexp(m, -24);
	else
		v = ldexp(m + 1024, exp - 25);
	return h & 0x8000 ? -v : v;
}

static uint64_t
float_bits(enum reg_type type, double v)
{
	float single = (float)v;
	uint32_t b32;
	uint64_t b64;

	if (type == REG_F16)
		return half_from(v);
	if (type == REG_F64) {
		memcpy(&b64, &v, sizeof(b64));
		return b64;
	}
	memcpy(&b32, &single, sizeof(b32));
	return b32;
}

static double
float_value(enum reg_type type, uint64_t raw)
{
	uint32_t b32 = (uint32_t)raw;
	float single;
	double v;

	if (type == REG_F16)
		return half_to((uint16_t)raw);
	if (type == REG_F64) {
		memcpy(&v, &raw, sizeof(v));
		return v;
	}
	memcpy(&single, &b32, sizeof(single));
	return (double)single;
}

static enum err
bcd_from(int64_t v, unsigned bits, uint64_t *raw)
{
	*raw = 0;
	if (v < 0)
		return ERR_RANGE;
	for (unsigned shift = 0; shift < bits; shift += 4, v /= 10)
		*raw |= (uint64_t)(v % 10) << shift;
	return v ? ERR_RANGE : OK;
}

static enum err
whole_from(enum form form, int64_t v, unsigned bits, uint64_t *raw)
{
	if (form == FORM_BCD)
		return bcd_from(v, bits, raw);
	if (form == FORM_SIGNED && bits < 64 &&
	    (v < -(INT64_C(1) << (bits - 1)) || v >= INT64_C(1) << (bits - 1)))
		return ERR_RANGE;
	if (form != FORM_SIGNED && (v < 0 || (uint64_t)v > mask(bits)))
		return ERR_RANGE;
	*raw = (uint64_t)v & mask(bits);
	return OK;
}

static bool
word_value(const struct field *f, const char *text, uint64_t *raw)
{
	for (size_t i = 0; i < f->n_words; i++) {
		if (strcmp(f->words[i].word, text) != 0)
			continue;
		*raw = (uint64_t)f->words[i].value & mask(width(f));
		return true;
	}
	return false;
}

static bool
bool_value(const char *text, uint64_t *raw)
{
	static const struct {
		const char *text;
		uint64_t raw;
	} words[] = {
		{ "on", 1 },
		{ "off", 0 },
		{ "true", 1 },
		{ "false", 0 },
		{ "1", 1 },
		{ "0", 0 },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i].text, text) == 0) {
			*raw = words[i].raw;
			return true;
		}
	}
	return false;
}

static enum err
no_value(const struct field *f, uint64_t *raw)
{
	if (has_bits(f)) /* the whole register would say so */
		return ERR_RANGE;
	if (f->n_nan)
		*raw = f->nan[0];
	else if (types[f->type].form == FORM_FLOAT)
		*raw = float_bits(f->type, (double)NAN);
	else
		return ERR_RANGE;
	return OK;
}

enum err
rawval_parse(const struct field *f, const char *text, uint64_t *raw)
{
	enum form form = types[f->type].form;
	struct num v;
	int64_t whole;
	enum err e;

	if (word_value(f, text, raw))
		return OK;
	if (strcasecmp(text, "nan") == 0)
		return no_value(f, raw);
	if (form == FORM_BOOL)
		return bool_value(text, raw) ? OK : ERR_PROTO;
	e = num_parse(text, &v);
	if (e != OK)
		return e;
	if (form == FORM_FLOAT) {
		double s = f->scale.mant ? num_to_double(f->scale) : 1;

		*raw = float_bits(
		    f->type, (num_to_double(v) - num_to_double(f->offset)) / s);
		return OK;
	}
	e = unscale(f, v, &whole);
	return e == OK ? whole_from(form, whole, width(f), raw) : e;
}

static int64_t
whole_to(enum form form, uint64_t raw, unsigned bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);
	int64_t v = 0;

	if (form == FORM_BCD) {
		for (int shift = (int)bits - 4; shift >= 0; shift -= 4)
			v = v * 10 + (int64_t)(raw >> shift & 0xF);
		return v;
	}
	if (form == FORM_SIGNED && (raw & sign))
		raw |= ~mask(bits);
	return (int64_t)raw;
}

/* A single has seven digits that mean something; what lies beyond is dropped
 * rather than shown as noise. */
static void
float_text(const struct field *f, double raw, char *out, size_t size)
{
	double s = f->scale.mant ? num_to_double(f->scale) : 1;
	double v = raw * s + num_to_double(f->offset);
	char digits[NUM_TEXT];
	struct num n;

	if (!f->has_dec) {
		snprintf(out, size, f->type == REG_F64 ? "%.15g" : "%.7g", v);
		return;
	}
	if (num_from_double(v, f->dec, &n) != OK) {
		snprintf(out, size, "nan");
		return;
	}
	num_format(n, digits);
	snprintf(out, size, "%s", digits);
}

void
rawval_text(const struct field *f, uint64_t raw, char *out, size_t size)
{
	enum form form = types[f->type].form;
	int64_t whole = whole_to(form, raw, width(f));
	char digits[NUM_TEXT];
	struct num v;

	for (size_t i = 0; i < f->n_words; i++) {
		if (f->words[i].value == whole) {
			snprintf(out, size, "%s", f->words[i].word);
			return;
		}
	}
	if (form == FORM_BOOL) {
		snprintf(out, size, "%s", raw ? "on" : "off");
	} else if (form == FORM_FLOAT) {
		float_text(f, float_value(f->type, raw), out, size);
	} else if (scale(f, whole, &v) == OK) {
		num_format(v, digits);
		snprintf(out, size, "%s", digits);
	} else {
		snprintf(out, size, "raw:%" PRIu64, raw);
	}
}

/* The order names the bytes of a 32-bit value, most significant first, as they
 * come on the wire.  Seen as registers: CDAB and DCBA begin with the low one,
 * BADC and DCBA swap the bytes of each. */
static void
reorder(const struct field *f, uint16_t *regs)
{
	unsigned n = rawval_regs(f->type);
	uint16_t in[4];

	memcpy(in, regs, n * sizeof(*regs));
	for (unsigned i = 0; i < n; i++) {
		bool back = f->order == ORDER_CDAB || f->order == ORDER_DCBA;
		uint16_t r = in[back ? n - 1 - i : i];

		if (f->order == ORDER_BADC || f->order == ORDER_DCBA)
			r = (uint16_t)(r << 8 | r >> 8);
		regs[i] = r;
	}
}

static uint64_t
whole_regs(const uint16_t *regs, unsigned n)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < n; i++)
		all = all << 16 | regs[i];
	return all;
}

/* shift is where in the registers, taken as one number, the value begins. */
static unsigned
shift(const struct field *f)
{
	if (has_bits(f))
		return f->bit_lo;
	return f->type == REG_U8H || f->type == REG_I8H ? 8 : 0;
}

void
rawval_put(const struct field *f, uint64_t raw, uint16_t *regs)
{
	unsigned n = rawval_regs(f->type);
	uint64_t own = mask(width(f)) << shift(f), all;

	reorder(f, regs);
	all = whole_regs(regs, n);
	all = (all & ~own) | (raw << shift(f) & own);
	for (unsigned i = n; i-- > 0; all >>= 16)
		regs[i] = (uint16_t)all;
	reorder(f, regs);
}

uint64_t
rawval_get(const struct field *f, const uint16_t *regs)
{
	unsigned n = rawval_regs(f->type);
	uint16_t copy[4];

	memcpy(copy, regs, n * sizeof(*regs));
	reorder(f, copy);
	return whole_regs(copy, n) >> shift(f) & mask(width(f));
}
