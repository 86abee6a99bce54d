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
	out->impossible = false;
}

void
decode_impossible(struct reading *out, const char *why)
{
	decode_bad(out, QUALITY_ERROR, why);
	out->impossible = true;
}

static void
good(struct reading *out, enum value_type type)
{
	out->quality = QUALITY_OK;
	out->why = NULL;
	out->impossible = false;
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
	decode_impossible(out, "not one of the field's words");
}

/* Times a power of ten, all digits kept. */
static enum err
shifted(struct num v, int sf, struct num *out)
{
	enum err e = OK;

	if (sf > 0)
		e = num_round(v, (uint8_t)(v.dec + sf), &v);
	else if (v.dec - sf > NUM_DEC_MAX)
		e = ERR_RANGE;
	v.dec = (uint8_t)(v.dec - sf);
	*out = v;
	return e;
}

/* A scale of zero is what a field has that never said one. */
static enum err
scaled(const struct field *f, struct num v, int sf, struct num *out)
{
	enum err e = OK;

	if (f->scale.mant != 0)
		e = num_mul(v, f->scale, &v);
	if (e == OK && sf != 0)
		e = shifted(v, sf, &v);
	if (e == OK && f->offset.mant != 0)
		e = num_add(v, f->offset, &v);
	*out = v;
	return e;
}

static void
limited(const struct field *f, struct num v, struct reading *out)
{
	if (f->has_min && num_cmp(v, f->min) < 0) {
		decode_impossible(out, "below the field's minimum");
		return;
	}
	if (f->has_max && num_cmp(v, f->max) > 0) {
		decode_impossible(out, "above the field's maximum");
		return;
	}
	good(out, VALUE_NUM);
	out->value.num = v;
}

void
decode_num(const struct field *f, struct num v, int sf, struct reading *out)
{
	if (f->n_words) {
		decode_word(f, v, out);
		return;
	}
	if (scaled(f, v, sf, &v) != OK ||
	    (f->has_dec && num_round(v, f->dec, &v) != OK)) {
		decode_impossible(out, "the number does not fit");
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

static bool
plain(const struct field *f)
{
	return f->offset.mant == 0 &&
	    (f->scale.mant == 0 || (f->scale.mant == 1 && f->scale.dec == 0));
}

/* IEEE 754: rounded once, straight to the field's decimals where it can be. */
static void
decode_float(
    const struct field *f, double v, int digits, int sf, struct reading *out)
{
	bool direct = plain(f) && sf == 0 && f->has_dec && f->n_words == 0;
	struct num n;

	if (isnan(v)) {
		decode_bad(out, QUALITY_MISSING, "the device says: no number");
		return;
	}
	if (num_from_double(v, direct ? f->dec : decimals(v, digits), &n) !=
	    OK) {
		decode_impossible(out, "the number does not fit");
		return;
	}
	if (direct)
		limited(f, n, out);
	else
		decode_num(f, num_trim(n), sf, out);
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

/* The raw value: the registers, or of half a register its byte. */
static uint64_t
raw_of(const struct field *f, const uint16_t *regs)
{
	uint64_t raw = assemble(f, regs, plan_regs(f));

	if (f->type == REG_U8H || f->type == REG_I8H)
		return raw >> 8;
	if (f->type == REG_U8L || f->type == REG_I8L)
		return raw & 0xff;
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

/* The number that an integer type makes of its raw bits. */
static int64_t
signed_of(const struct field *f, uint64_t raw)
{
	bool bits = f->bit_hi >= f->bit_lo;

	switch (f->type) {
	case REG_I8H:
	case REG_I8L:
		return (int8_t)raw;
	case REG_I16:
		return bits ? (int64_t)raw : (int16_t)raw;
	case REG_I32:
		return bits ? (int64_t)raw : (int32_t)raw;
	case REG_BOOL:
	case REG_U8H:
	case REG_U8L:
	case REG_U16:
	case REG_U32:
	case REG_I64:
	case REG_U64:
	case REG_F16:
	case REG_F32:
	case REG_F64:
	case REG_BCD16:
	case REG_BCD32:
	case REG_STR:
		break;
	}
	return (int64_t)raw;
}

static void
decode_int(const struct field *f, int64_t v, int sf, struct reading *out)
{
	decode_num(f, (struct num){ v, 0 }, sf, out);
}

static void
decode_bcd(const struct field *f, uint64_t raw, int sf, struct reading *out)
{
	int64_t v;

	if (bcd(raw, plan_regs(f) * 4u, &v))
		decode_int(f, v, sf, out);
	else
		decode_impossible(out, "not a decimal (BCD) number");
}

static void
decode_bool(const struct field *f, uint64_t raw, struct reading *out)
{
	if (f->n_words) {
		decode_int(f, raw != 0, 0, out);
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
decode_raw(const struct field *f, uint64_t raw, int sf, struct reading *out)
{
	switch (f->type) {
	case REG_BOOL:
		decode_bool(f, raw, out);
		break;
	case REG_F16:
		decode_float(f, half_to_double((unsigned)raw), 4, sf, out);
		break;
	case REG_F32:
		decode_float(f, float_of(raw), 7, sf, out);
		break;
	case REG_F64:
		decode_float(f, double_of(raw), 15, sf, out);
		break;
	case REG_BCD16:
	case REG_BCD32:
		decode_bcd(f, raw, sf, out);
		break;
	case REG_U64:
		if (raw > INT64_MAX) {
			decode_impossible(out, "the number does not fit");
			break;
		}
		decode_int(f, (int64_t)raw, sf, out);
		break;
	case REG_U8H:
	case REG_U8L:
	case REG_I8H:
	case REG_I8L:
	case REG_I16:
	case REG_U16:
	case REG_I32:
	case REG_U32:
	case REG_I64:
		decode_int(f, signed_of(f, raw), sf, out);
		break;
	case REG_STR:
		break;
	}
}

/* False when the scale factor leaves the field without a value. */
static bool
has_scale(int sf, struct reading *out)
{
	if (sf >= -SF_MAX && sf <= SF_MAX)
		return true;
	if (sf == SF_NONE)
		decode_bad(
		    out, QUALITY_MISSING, "the device says: no scale factor");
	else
		decode_bad(
		    out, QUALITY_ERROR, "its scale factor is not known yet");
	return false;
}

void
decode_regs(
    const struct field *f, const uint16_t *regs, int sf, struct reading *out)
{
	uint64_t raw;

	if (f->type == REG_STR) {
		decode_str(f, regs, out);
		return;
	}
	raw = raw_of(f, regs);
	if (is_nan(f, raw, plan_regs(f))) {
		decode_bad(out, QUALITY_MISSING, "the device says: no value");
		return;
	}
	if (has_scale(sf, out))
		decode_raw(f, bit_field(f, raw), sf, out);
}

/* --- scale factors --- */

void
decode_sf_init(const struct tmpl *t, int8_t *sf)
{
	memset(sf, SF_UNUSED, t->n_fields);
	for (size_t i = 0; i < t->n_fields; i++) {
		int of = t->fields[i].sf_field;

		if (t->fields[i].sf && of >= 0 && (size_t)of < t->n_fields)
			sf[of] = SF_UNKNOWN;
	}
}

/* Spec: SunSpec information model 1.9, sunssf: int16, -10 to 10, and 0x8000
 * where it is not implemented. */
static int8_t
read_sf(const struct field *f, const uint16_t *regs)
{
	int64_t v = signed_of(f, bit_field(f, raw_of(f, regs)));

	if (v < -SF_MAX || v > SF_MAX)
		return SF_NONE;
	return (int8_t)v;
}

static int
sf_of(const struct field *f, const int8_t *sf)
{
	return f->sf && f->sf_field >= 0 ? sf[f->sf_field] : 0;
}

void
decode_scales(const struct decode_job *job, int8_t *sf)
{
	for (size_t i = 0; i < job->n; i++) {
		size_t field = job->fields[i];
		const struct field *f = &job->t->fields[field];

		if (sf[field] != SF_UNUSED)
			sf[field] = read_sf(f, &job->regs[f->addr - job->addr]);
	}
}

void
decode_field(const struct decode_job *job, const int8_t *sf, size_t i,
    struct reading *out)
{
	const struct field *f = &job->t->fields[job->fields[i]];

	out->field = (uint16_t)job->fields[i];
	decode_regs(f, &job->regs[f->addr - job->addr], sf_of(f, sf), out);
}
