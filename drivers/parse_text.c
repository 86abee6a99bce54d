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

enum found { ABSENT, FOUND, BROKEN };

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

static enum found
find_nmea(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	struct span rest = msg, name;

	(void)p;
	if (!next_piece(&rest, ',', &name) || !span_is(name, f->key))
		return ABSENT;
	if (f->key2)
		return find_xdr(rest, f, out);
	return piece_at(rest, ',', f->from, &out->value) ? FOUND : ABSENT;
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

/* 1-0:1.8.0(000123.45*kWh), one or several a line (IEC 62056-21). */
static enum found
find_obis(const struct text_parser *p, struct span msg, const struct field *f,
    struct token *out)
{
	struct span rest = msg, code, body;
	enum found found = ABSENT;

	(void)p;
	while (next_piece(&rest, '(', &code) && next_piece(&rest, ')', &body)) {
		if (!rest.s || !span_is(trim(last_line(code)), f->key))
			continue;
		if (found == FOUND)
			return BROKEN;
		next_piece(&body, '*', &out->value);
		out->unit = (struct span){ body.s, body.s ? body.len : 0 };
		found = FOUND;
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

/* Whether the message as a whole holds; for a regex, its groups. */
static bool
accepts(struct text_parser *p, struct span msg)
{
	if (p->t->parse.format == PARSE_KEYED)
		return !is_merged(p, msg);
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

/* The length of the number at the front: [+-] digits [. digits] */
static size_t
number_length(struct span s)
{
	size_t i = 0;

	if (i < s.len && (s.s[i] == '-' || s.s[i] == '+'))
		i++;
	while (i < s.len && is_digit(s.s[i]))
		i++;
	if (i < s.len && s.s[i] == '.') {
		i++;
		while (i < s.len && is_digit(s.s[i]))
			i++;
	}
	return i;
}

static bool
read_number(struct span s, struct num *out)
{
	char text[NUMBER_MAX];

	if (s.len == 0 || s.len >= sizeof(text))
		return false;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	return num_parse(text, out) == OK;
}

/* Converts by the unit that followed the number.  Few digits are added: 0.6
 * knots are not 0.3086664 m/s. */
static bool
convert(const struct suffix *x, struct num *v)
{
	struct num r = *v;
	unsigned most = v->dec + (unsigned)EXTRA_DECIMALS;

	if (num_mul(r, x->factor, &r) != OK)
		return false;
	if (x->offset.mant != 0 && num_add(r, x->offset, &r) != OK)
		return false;
	if (r.dec > most && num_round(r, (uint8_t)most, &r) != OK)
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
			return convert(&f->suffix[i], v);
	}
	if (f->n_suffix)
		return false;
	return unit.len == 0 || (apart && span_is(unit, f->unit));
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
		decode_num(f, v, out);
}

static void
read_field(const struct text_parser *p, const struct field *f,
    struct token *token, struct reading *out)
{
	if (f->type == REG_STR) {
		struct span s = trim(token->value);

		if (is_invalid(p, token, (struct span){ "", 0 }))
			decode_bad(
			    out, QUALITY_MISSING, "the device says: no value");
		else
			decode_text(s.s, s.len, out);
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
		else
			decode_bad(r, QUALITY_ERROR, "it stands there twice");
		++*n;
	}
	return OK;
}
