#include "drivers/parse_text.h"

#include "common/mem.h"
#include "drivers/decode.h"
#include "drivers/position.h"
#include "drivers/text_find.h"

#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_MAX = 40,
	EXTRA_DECIMALS = 2, /* that a conversion may add to what was sent */
};

struct text_parser *
text_parser_new(const struct tmpl *t, struct errbuf *why)
{
	struct text_parser *p = mem_zalloc(sizeof(*p));

	p->t = t;
	if (t->parse.format != PARSE_REGEX || !t->parse.regex)
		return p;
	p->regex =
	    text_regex_new(t->id ? t->id : "template", t->parse.regex, why);
	if (p->regex)
		return p;
	text_parser_free(p);
	return NULL;
}

void
text_parser_free(struct text_parser *p)
{
	if (!p)
		return;
	text_regex_free(p->regex);
	free(p);
}

static bool
is_sign(char c)
{
	return c == '-' || c == '+';
}

/* Instruments write 1.5E-03; an E that is a unit has no digits after it. */
static size_t
exponent_end(struct span s, size_t i)
{
	size_t from = i + 1;

	if (i >= s.len || (s.s[i] != 'E' && s.s[i] != 'e'))
		return i;
	if (from < s.len && is_sign(s.s[from]))
		from++;
	return span_digits(s, from) > from ? span_digits(s, from) : i;
}

/* The length of the number at the front: [+-] digits [. digits] [E [+-]
 * digits] */
static size_t
number_length(struct span s)
{
	size_t i = s.len && is_sign(s.s[0]) ? 1 : 0;

	i = span_digits(s, i);
	if (i < s.len && s.s[i] == '.')
		i = span_digits(s, i + 1);
	return i > 0 && s.s[i - 1] >= '0' && s.s[i - 1] <= '9'
	    ? exponent_end(s, i)
	    : i;
}

/* Applies "+03" of an E+03. */
static bool
raise_by(const char *text, struct num *v)
{
	struct num exp;

	if (num_parse(text, &exp) != OK || exp.dec != 0 ||
	    exp.mant > NUM_DEC_MAX || exp.mant < -NUM_DEC_MAX)
		return false;
	while (exp.mant < 0) {
		if (v->dec == NUM_DEC_MAX)
			return false;
		v->dec++;
		exp.mant++;
	}
	for (; exp.mant > 0; exp.mant--) {
		if (v->dec > 0)
			v->dec--;
		else if (__builtin_mul_overflow(v->mant, 10, &v->mant))
			return false;
	}
	return true;
}

static bool
read_number(struct span s, struct num *out)
{
	char text[NUMBER_MAX], *e;

	if (s.len == 0 || s.len >= sizeof(text))
		return false;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	e = strpbrk(text, "eE");
	if (e)
		*e++ = '\0';
	return num_parse(text, out) == OK && (!e || raise_by(e, out));
}

static bool
is_power_of_ten(int64_t n)
{
	while (n > 1 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

/* Converts by the unit that followed the number.  Few digits are added: 0.6
 * knots are not 0.3086664 m/s.  A factor of ten adds none that was not sent,
 * and a field that says its decimals is rounded to them, once. */
static bool
convert(const struct field *f, const struct suffix *x, struct num *v)
{
	struct num r = *v;
	unsigned most = v->dec + (unsigned)EXTRA_DECIMALS;
	bool keep = f->has_dec || is_power_of_ten(x->factor.mant);

	if (num_mul(r, x->factor, &r) != OK)
		return false;
	if (x->offset.mant != 0 && num_add(r, x->offset, &r) != OK)
		return false;
	if (!keep && r.dec > most && num_round(r, (uint8_t)most, &r) != OK)
		return false;
	*v = r;
	return true;
}

/* Applies the unit; false when the template does not know it. */
static bool
apply_unit(const struct field *f, struct span unit, bool apart, struct num *v)
{
	for (size_t i = 0; i < f->n_suffix; i++) {
		if (span_is(unit, f->suffix[i].mark))
			return convert(f, &f->suffix[i], v);
	}
	if (f->n_suffix)
		return false;
	return (unit.len == 0 && !f->unit_at) ||
	    (apart && span_is(unit, f->unit));
}

static bool
is_invalid(
    const struct text_parser *p, const struct text_token *t, struct span unit)
{
	char c = p->t->parse.invalid;

	if (c == '\0')
		return false;
	return memchr(t->value.s, c, t->value.len) ||
	    (unit.s && unit.len == 1 && unit.s[0] == c);
}

static void
read_position(
    const struct field *f, const struct text_token *token, struct reading *out)
{
	struct num v;
	const char *bad = position_read(
	    f->form, token->value, token->unit, f->has_dec ? f->dec : -1, &v);

	if (bad)
		decode_impossible(out, bad);
	else
		decode_num(f, v, 0, out);
}

static void
read_token(const struct text_parser *p, const struct field *f,
    struct text_token *token, struct reading *out)
{
	struct span number, unit = token->unit;
	bool apart = unit.s != NULL;
	struct num v;

	token->value = span_trim(token->value);
	if (token->value.len == 0) {
		decode_bad(out, QUALITY_MISSING, "the device left it empty");
		return;
	}
	if (is_invalid(p, token, unit)) {
		decode_bad(out, QUALITY_MISSING, "the device says: no value");
		return;
	}
	if (f->form != FORM_DECIMAL) {
		read_position(f, token, out);
		return;
	}
	number = token->value;
	number.len = number_length(number);
	if (!apart) {
		unit.s = number.s + number.len;
		unit.len = token->value.len - number.len;
		unit = span_trim(unit);
	} else if (number.len != token->value.len) {
		number.len = 0;
	}
	if (!read_number(number, &v))
		decode_impossible(out, "not a number");
	else if (!apply_unit(f, span_trim(unit), apart, &v))
		decode_impossible(out, "sent in an unknown unit");
	else
		decode_num(f, v, 0, out);
}

/* The word for what the device sent: that of its code. */
static void
read_code(const struct field *f, struct span s, struct reading *out)
{
	for (size_t i = 0; i < f->n_words; i++) {
		if (span_is(s, f->words[i].code)) {
			decode_num(
			    f, (struct num){ f->words[i].value, 0 }, 0, out);
			return;
		}
	}
	decode_impossible(out, "not one of the field's words");
}

static void
read_text(const struct text_parser *p, const struct field *f,
    const struct text_token *token, struct reading *out)
{
	struct span s = span_trim(token->value);

	if (is_invalid(p, token, (struct span){ "", 0 }))
		decode_bad(out, QUALITY_MISSING, "the device says: no value");
	else if (s.len && f->n_words)
		read_code(f, s, out);
	else
		decode_text(s.s, s.len, out);
}

static void
read_field(const struct text_parser *p, const struct field *f,
    struct text_token *token, struct reading *out)
{
	if (f->type == REG_STR) {
		read_text(p, f, token, out);
		return;
	}
	read_token(p, f, token, out);
	if (f->type == REG_BOOL && f->n_words == 0 &&
	    out->quality == QUALITY_OK) {
		out->value.on = out->value.num.mant != 0;
		out->value.type = VALUE_BOOL;
	}
}

enum err
text_parse(struct text_parser *p, const char *msg, size_t len,
    struct reading *out, size_t *n)
{
	struct span whole = { msg, len };

	*n = 0;
	if (!text_accepts(p, whole))
		return ERR_PROTO;
	for (size_t i = 0; i < p->t->n_fields; i++) {
		const struct field *f = &p->t->fields[i];
		struct text_token token = { { NULL, 0 }, { NULL, 0 } };
		enum text_found found = text_find(p, whole, f, &token);
		struct reading *r = &out[*n];

		if (found == TEXT_ABSENT)
			continue;
		memset(r, 0, sizeof(*r));
		r->field = (uint16_t)i;
		if (found == TEXT_FOUND)
			read_field(p, f, &token, r);
		else if (found == TEXT_VOID)
			decode_bad(
			    r, QUALITY_MISSING, "the device says: not valid");
		else
			decode_bad(r, QUALITY_ERROR, "it stands there twice");
		++*n;
	}
	return OK;
}
