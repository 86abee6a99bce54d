#define PCRE2_CODE_UNIT_WIDTH 8

#include "drivers/parse_text.h"

#include "common/mem.h"
#include "drivers/decode.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* A regex is the installer's, the text is the device's: neither may take the
 * machine's time or memory. */
enum {
	MATCH_LIMIT = 100000,
	HEAP_LIMIT_KB = 256,
	DEPTH_LIMIT = 10000,
	NUMBER_MAX = 40,
	EXTRA_DECIMALS = 2, /* that a conversion may add to what was sent */
};

struct text_parser {
	const struct tmpl *t;
	pcre2_code *re;
	pcre2_match_data *groups;
	pcre2_match_context *limits;
};

/* A piece of a message. */
struct span {
	const char *s;
	size_t len;
};

/* What stands in a message for a field. */
struct token {
	struct span value; /* "22.5C" */
	struct span unit;  /* where a format keeps the unit apart, or empty */
};

enum found { ABSENT, FOUND, BROKEN, VOID };

typedef enum found finder(const struct text_parser *p, struct span msg,
    const struct field *f, struct token *out);

struct text_parser *
text_parser_new(const struct tmpl *t, struct errbuf *why)
{
	struct text_parser *p = mem_zalloc(sizeof(*p));
	int code = 0;
	PCRE2_SIZE at = 0;

	p->t = t;
	if (t->parse.format != PARSE_REGEX || !t->parse.regex)
		return p;
	p->re = pcre2_compile((PCRE2_SPTR)t->parse.regex, PCRE2_ZERO_TERMINATED,
	    PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);
	if (!p->re) {
		char text[128] = "";

		pcre2_get_error_message(
		    code, (PCRE2_UCHAR *)text, sizeof(text));
		errbuf_set(why, ERR_CONFIG, "%s: regex: %s at character %zu",
		    t->id ? t->id : "template", text, (size_t)at + 1);
		text_parser_free(p);
		return NULL;
	}
	p->groups = pcre2_match_data_create_from_pattern(p->re, NULL);
	p->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(p->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(p->limits, HEAP_LIMIT_KB);
	pcre2_set_depth_limit(p->limits, DEPTH_LIMIT);
	return p;
}

void
text_parser_free(struct text_parser *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->limits);
	pcre2_match_data_free(p->groups);
	pcre2_code_free(p->re);
	free(p);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
trim(struct span s)
{
	while (s.len && is_blank(s.s[0])) {
		s.s++;
		s.len--;
	}
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

static bool
span_is(struct span s, const char *text)
{
	return text && strlen(text) == s.len && memcmp(s.s, text, s.len) == 0;
}

/* The next piece of *rest up to sep; false when there is none left. */
static bool
next_piece(struct span *rest, char sep, struct span *out)
{
	const char *at;

	if (!rest->s)
		return false;
	at = memchr(rest->s, sep, rest->len);
	out->s = rest->s;
	out->len = at ? (size_t)(at - rest->s) : rest->len;
	rest->len -= out->len + (at ? 1 : 0);
	rest->s = at ? at + 1 : NULL;
	return true;
}

/* Piece number index, from 1. */
static bool
piece_at(struct span msg, char sep, int index, struct span *out)
{
	struct span rest = msg;

	for (int i = 1; next_piece(&rest, sep, out); i++) {
		if (i == index)
			return true;
	}
	return false;
}

static char
or_else(char c, char usual)
{
	if (c == '\0')
		return usual;
	return c;
}

static char
separator(const struct parse *parse)
{
	return or_else(parse->separator, ',');
}

static char
assign(const struct parse *parse)
{
	return or_else(parse->assign, '=');
}

/* A key that stands twice leaves open which value holds. */
static enum found
find_key(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	struct span rest = msg, piece, key;
	enum found found = ABSENT;

	while (next_piece(&rest, separator(&p->t->parse), &piece)) {
		struct span value = piece;

		if (!next_piece(&value, assign(&p->t->parse), &key) || !value.s)
			continue;
		if (!span_is(trim(key), f->key))
			continue;
		if (found == FOUND)
			return BROKEN;
		out->value = value;
		found = FOUND;
	}
	return found;
}

static enum found
find_col(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	return piece_at(msg, separator(&p->t->parse), f->from, &out->value)
	    ? FOUND
	    : ABSENT;
}

static enum found
find_group(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	const PCRE2_SIZE *at;

	if (!p->groups || f->from < 0 ||
	    (uint32_t)f->from >= pcre2_get_ovector_count(p->groups))
		return ABSENT;
	at = pcre2_get_ovector_pointer(p->groups) + (size_t)f->from * 2;
	if (at[0] == PCRE2_UNSET)
		return ABSENT;
	if (at[0] > at[1]) /* \K in the regex */
		return BROKEN;
	out->value.s = msg.s + at[0];
	out->value.len = at[1] - at[0];
	return FOUND;
}

static enum found
find_fixed(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	(void)p;
	if (f->from < 1 || f->to < f->from || (size_t)f->to > msg.len)
		return ABSENT;
	out->value.s = msg.s + f->from - 1;
	out->value.len = (size_t)(f->to - f->from) + 1;
	return FOUND;
}

/* XDR: quadruples of type, value, unit, id (NMEA 0183, XDR). */
static enum found
find_xdr(struct span rest, const struct field *f, struct token *out)
{
	struct span type, value, unit, id;
	enum found found = ABSENT;

	while (next_piece(&rest, ',', &type) &&
	    next_piece(&rest, ',', &value) && next_piece(&rest, ',', &unit) &&
	    next_piece(&rest, ',', &id)) {
		if (!span_is(type, f->key2) || !span_is(id, f->key3))
			continue;
		if (found == FOUND)
			return BROKEN;
		out->value = value;
		out->unit = unit;
		found = FOUND;
	}
	return found;
}

/* "--GGA" is that sentence of any talker. */
static bool
is_sentence(struct span name, const char *key)
{
	enum { TALKER = 2 };

	if (strncmp(key, "--", TALKER) != 0 || name.len < TALKER)
		return span_is(name, key);
	return span_is(
	    (struct span){ name.s + TALKER, name.len - TALKER }, key + TALKER);
}

static enum found
find_nmea(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	struct span rest = msg, name, word;

	(void)p;
	if (!next_piece(&rest, ',', &name) || !is_sentence(name, f->key))
		return ABSENT;
	if (f->key2)
		return find_xdr(rest, f, out);
	if (!piece_at(rest, ',', f->from, &out->value))
		return ABSENT;
	if (f->unit_at && !piece_at(rest, ',', f->unit_at, &out->unit))
		out->unit = (struct span){ NULL, 0 };
	if (f->void_at && piece_at(rest, ',', f->void_at, &word) &&
	    span_is(word, f->void_text))
		return VOID;
	return FOUND;
}

/* The last line of s. */
static struct span
last_line(struct span s)
{
	for (size_t i = s.len; i > 0; i--) {
		if (s.s[i - 1] == '\n')
			return (struct span){ s.s + i, s.len - i };
	}
	return s;
}

/* Which bracket behind f's code this one is, from 1; 0: of another code.
 * before is what the one before it was, between what stands between them. */
static int
bracket(const struct field *f, struct span between, int before)
{
	struct span code = trim(last_line(between));

	if (code.len == 0)
		return before ? before + 1 : 0;
	return span_is(code, f->key) ? 1 : 0;
}

/* 1-0:1.8.0(000123.45*kWh), one or several a line (IEC 62056-21); a code may
 * have several brackets. */
static enum found
find_obis(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	struct span rest = msg, between, body;
	int at = 0, value = f->from > 0 ? f->from : 1;
	enum found found = ABSENT;

	(void)p;
	while (
	    next_piece(&rest, '(', &between) && next_piece(&rest, ')', &body)) {
		at = bracket(f, between, at);
		if (!rest.s || at == 0)
			continue;
		if (at == f->unit_at)
			out->unit = body;
		if (at != value)
			continue;
		if (found == FOUND)
			return BROKEN;
		found = FOUND;
		out->value = body;
		if (f->unit_at)
			continue;
		next_piece(&body, '*', &out->value);
		out->unit = (struct span){ body.s, body.s ? body.len : 0 };
	}
	return found;
}

/* Two keys in one piece: bytes were lost between them, and no value of the
 * message can be trusted. */
static bool
is_merged(const struct text_parser *p, struct span msg)
{
	const struct parse *parse = &p->t->parse;
	struct span piece, part;

	while (next_piece(&msg, separator(parse), &piece)) {
		int parts = 0;

		while (next_piece(&piece, assign(parse), &part))
			parts++;
		if (parts > 2)
			return true;
	}
	return false;
}

/* A column that must be there is not: bytes were lost, and those that follow
 * may stand in each other's place. */
static bool
is_short(const struct text_parser *p, struct span msg)
{
	struct token token;

	for (size_t i = 0; i < p->t->n_fields; i++) {
		const struct field *f = &p->t->fields[i];

		if (f->optional)
			continue;
		if (f->where == TEXT_COL &&
		    find_col(p, msg, f, &token) == ABSENT)
			return true;
		if (f->where == TEXT_FIXED &&
		    find_fixed(p, msg, f, &token) == ABSENT)
			return true;
	}
	return false;
}

/* Whether the message as a whole holds; for a regex, its groups. */
static bool
accepts(struct text_parser *p, struct span msg)
{
	if (p->t->parse.format == PARSE_KEYED)
		return !is_merged(p, msg);
	if (p->t->parse.format == PARSE_CSV ||
	    p->t->parse.format == PARSE_FIXED)
		return !is_short(p, msg);
	if (p->re)
		return pcre2_match(p->re, (PCRE2_SPTR)msg.s, msg.len, 0, 0,
			   p->groups, p->limits) > 0;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(struct span s, size_t i)
{
	while (i < s.len && is_digit(s.s[i]))
		i++;
	return i;
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
	return digits(s, from) > from ? digits(s, from) : i;
}

/* The length of the number at the front: [+-] digits [. digits] [E [+-]
 * digits] */
static size_t
number_length(struct span s)
{
	size_t i = s.len && is_sign(s.s[0]) ? 1 : 0;

	i = digits(s, i);
	if (i < s.len && s.s[i] == '.')
		i = digits(s, i + 1);
	return i > 0 && is_digit(s.s[i - 1]) ? exponent_end(s, i) : i;
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
is_invalid(const struct text_parser *p, const struct token *t, struct span unit)
{
	char c = p->t->parse.invalid;

	if (c == '\0')
		return false;
	return memchr(t->value.s, c, t->value.len) ||
	    (unit.s && unit.len == 1 && unit.s[0] == c);
}

/* --- positions --- */

/* The whole degrees and the minutes of ddmm.mmmm; false when they are none.
 * Each digit counts: with one lost, it would be another place. */
static bool
split_degrees(const struct field *f, struct span s, struct num *degrees,
    struct num *minutes)
{
	const int64_t most = f->form == FORM_LATITUDE ? 90 : 180;
	size_t width = f->form == FORM_LATITUDE ? 2 : 3;
	size_t point = width + 2, end = point;

	if (digits(s, 0) != point)
		return false;
	if (end < s.len && s.s[end] == '.')
		end = digits(s, end + 1);
	if (end != s.len ||
	    !read_number((struct span){ s.s, width }, degrees) ||
	    !read_number((struct span){ s.s + width, s.len - width }, minutes))
		return false;
	return num_cmp(*minutes, (struct num){ 60, 0 }) < 0 &&
	    (degrees->mant < most ||
		(degrees->mant == most && minutes->mant == 0));
}

/* Minutes are not often a finite part of a degree: they are rounded once, half
 * away from zero.  v is degrees / 10^dec. */
static bool
sixtieth(struct num minutes, uint8_t dec, struct num *v)
{
	int shift = dec - minutes.dec - 1;
	int64_t num = minutes.mant, den = 6, rest;

	for (; shift > 0; shift--)
		if (__builtin_mul_overflow(num, 10, &num))
			return false;
	for (; shift < 0; shift++)
		if (__builtin_mul_overflow(den, 10, &den))
			return false;
	rest = num % den;
	v->mant = num / den + (rest >= den - rest);
	v->dec = dec;
	return true;
}

/* -1 south or west, 1 north or east, 0 neither. */
static int
hemisphere(const struct field *f, struct span s)
{
	bool latitude = f->form == FORM_LATITUDE;

	if (span_is(s, latitude ? "N" : "E"))
		return 1;
	return span_is(s, latitude ? "S" : "W") ? -1 : 0;
}

/* ddmm.mmmm and a letter (NMEA 0183) to degrees, which get as many decimals as
 * the field has, or else as tell two values apart. */
static void
read_position(
    const struct field *f, const struct token *token, struct reading *out)
{
	int sign = hemisphere(f, trim(token->unit));
	struct num degrees, minutes, v;
	uint8_t dec;

	if (!split_degrees(f, token->value, &degrees, &minutes)) {
		decode_bad(out, QUALITY_ERROR, "not degrees and minutes");
		return;
	}
	dec = f->has_dec ? f->dec : (uint8_t)(minutes.dec + EXTRA_DECIMALS);
	if (sign == 0)
		decode_bad(out, QUALITY_ERROR, "sent without a hemisphere");
	else if (dec > NUM_DEC_MAX || !sixtieth(minutes, dec, &v) ||
	    num_add(v, degrees, &v) != OK)
		decode_bad(out, QUALITY_ERROR, "the number does not fit");
	else
		decode_num(f, (struct num){ v.mant * sign, v.dec }, 0, out);
}

/* --- values --- */

static void
read_token(const struct text_parser *p, const struct field *f,
    struct token *token, struct reading *out)
{
	struct span number, unit = token->unit;
	bool apart = unit.s != NULL;
	struct num v;

	token->value = trim(token->value);
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
		unit = trim(unit);
	} else if (number.len != token->value.len) {
		number.len = 0;
	}
	if (!read_number(number, &v))
		decode_bad(out, QUALITY_ERROR, "not a number");
	else if (!apply_unit(f, trim(unit), apart, &v))
		decode_bad(out, QUALITY_ERROR, "sent in an unknown unit");
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
	decode_bad(out, QUALITY_ERROR, "not one of the field's words");
}

static void
read_text(const struct text_parser *p, const struct field *f,
    const struct token *token, struct reading *out)
{
	struct span s = trim(token->value);

	if (is_invalid(p, token, (struct span){ "", 0 }))
		decode_bad(out, QUALITY_MISSING, "the device says: no value");
	else if (s.len && f->n_words)
		read_code(f, s, out);
	else
		decode_text(s.s, s.len, out);
}

static void
read_field(const struct text_parser *p, const struct field *f,
    struct token *token, struct reading *out)
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
	static finder *const finders[] = {
		[TEXT_KEY] = find_key,
		[TEXT_COL] = find_col,
		[TEXT_GROUP] = find_group,
		[TEXT_FIXED] = find_fixed,
		[TEXT_NMEA] = find_nmea,
		[TEXT_OBIS] = find_obis,
	};
	struct span whole = { msg, len };

	*n = 0;
	if (!accepts(p, whole))
		return ERR_PROTO;
	for (size_t i = 0; i < p->t->n_fields; i++) {
		const struct field *f = &p->t->fields[i];
		struct token token = { { NULL, 0 }, { NULL, 0 } };
		enum found found = finders[f->where](p, whole, f, &token);
		struct reading *r = &out[*n];

		if (found == ABSENT)
			continue;
		memset(r, 0, sizeof(*r));
		r->field = (uint16_t)i;
		if (found == FOUND)
			read_field(p, f, &token, r);
		else if (found == VOID)
			decode_bad(
			    r, QUALITY_MISSING, "the device says: not valid");
		else
			decode_bad(r, QUALITY_ERROR, "it stands there twice");
		++*n;
	}
	return OK;
}
