#include "drivers/text_find.h"

#include <string.h>

typedef enum text_found finder(const struct text_parser *p, struct span msg,
    const struct field *f, struct text_token *out);

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
static enum text_found
find_key(const struct text_parser *p, struct span msg, const struct field *f,
    struct text_token *out)
{
	struct span rest = msg, piece, key;
	enum text_found found = TEXT_ABSENT;

	while (span_next(&rest, separator(&p->t->parse), &piece)) {
		struct span value = piece;

		if (!span_next(&value, assign(&p->t->parse), &key) || !value.s)
			continue;
		if (!span_is(span_trim(key), f->key))
			continue;
		if (found == TEXT_FOUND)
			return TEXT_BROKEN;
		out->value = value;
		found = TEXT_FOUND;
	}
	return found;
}

static enum text_found
find_col(const struct text_parser *p, struct span msg, const struct field *f,
    struct text_token *out)
{
	return span_at(msg, separator(&p->t->parse), f->from, &out->value)
	    ? TEXT_FOUND
	    : TEXT_ABSENT;
}

static enum text_found
find_group(const struct text_parser *p, struct span msg, const struct field *f,
    struct text_token *out)
{
	enum err e = p->regex
	    ? text_regex_group(p->regex, msg, f->from, &out->value)
	    : ERR_NOTFOUND;

	if (e == ERR_NOTFOUND)
		return TEXT_ABSENT;
	return e == OK ? TEXT_FOUND : TEXT_BROKEN;
}

static enum text_found
find_fixed(const struct text_parser *p, struct span msg, const struct field *f,
    struct text_token *out)
{
	(void)p;
	if (f->from < 1 || f->to < f->from || (size_t)f->to > msg.len)
		return TEXT_ABSENT;
	out->value.s = msg.s + f->from - 1;
	out->value.len = (size_t)(f->to - f->from) + 1;
	return TEXT_FOUND;
}

/* XDR: quadruples of type, value, unit, id (NMEA 0183, XDR). */
static enum text_found
find_xdr(struct span rest, const struct field *f, struct text_token *out)
{
	struct span type, value, unit, id;
	enum text_found found = TEXT_ABSENT;

	while (span_next(&rest, ',', &type) && span_next(&rest, ',', &value) &&
	    span_next(&rest, ',', &unit) && span_next(&rest, ',', &id)) {
		if (!span_is(type, f->key2) || !span_is(id, f->key3))
			continue;
		if (found == TEXT_FOUND)
			return TEXT_BROKEN;
		out->value = value;
		out->unit = unit;
		found = TEXT_FOUND;
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

static enum text_found
find_nmea(const struct text_parser *p, struct span msg, const struct field *f,
    struct text_token *out)
{
	struct span rest = msg, name, word;

	(void)p;
	if (!span_next(&rest, ',', &name) || !is_sentence(name, f->key))
		return TEXT_ABSENT;
	if (f->key2)
		return find_xdr(rest, f, out);
	if (!span_at(rest, ',', f->from, &out->value))
		return TEXT_ABSENT;
	if (f->unit_at && !span_at(rest, ',', f->unit_at, &out->unit))
		out->unit = (struct span){ NULL, 0 };
	if (f->void_at && span_at(rest, ',', f->void_at, &word) &&
	    span_is(word, f->void_text))
		return TEXT_VOID;
	return TEXT_FOUND;
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
	struct span code = span_trim(last_line(between));

	if (code.len == 0)
		return before ? before + 1 : 0;
	return span_is(code, f->key) ? 1 : 0;
}

/* 1-0:1.8.0(000123.45*kWh), one or several a line (IEC 62056-21); a code may
 * have several brackets. */
static enum text_found
find_obis(const struct text_parser *p, struct span msg, const struct field *f,
    struct text_token *out)
{
	struct span rest = msg, between, body;
	int at = 0, value = f->from > 0 ? f->from : 1;
	enum text_found found = TEXT_ABSENT;

	(void)p;
	while (
	    span_next(&rest, '(', &between) && span_next(&rest, ')', &body)) {
		at = bracket(f, between, at);
		if (!rest.s || at == 0)
			continue;
		if (at == f->unit_at)
			out->unit = body;
		if (at != value)
			continue;
		if (found == TEXT_FOUND)
			return TEXT_BROKEN;
		found = TEXT_FOUND;
		out->value = body;
		if (f->unit_at)
			continue;
		span_next(&body, '*', &out->value);
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

	while (span_next(&msg, separator(parse), &piece)) {
		int parts = 0;

		while (span_next(&piece, assign(parse), &part))
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
	struct text_token token;

	for (size_t i = 0; i < p->t->n_fields; i++) {
		const struct field *f = &p->t->fields[i];

		if (f->optional)
			continue;
		if (f->where == TEXT_COL &&
		    find_col(p, msg, f, &token) == TEXT_ABSENT)
			return true;
		if (f->where == TEXT_FIXED &&
		    find_fixed(p, msg, f, &token) == TEXT_ABSENT)
			return true;
	}
	return false;
}

bool
text_accepts(struct text_parser *p, struct span msg)
{
	if (p->t->parse.format == PARSE_KEYED)
		return !is_merged(p, msg);
	if (p->t->parse.format == PARSE_CSV ||
	    p->t->parse.format == PARSE_FIXED)
		return !is_short(p, msg);
	return !p->regex || text_regex_match(p->regex, msg);
}

enum text_found
text_find(const struct text_parser *p, struct span msg, const struct field *f,
    struct text_token *out)
{
	static finder *const finders[] = {
		[TEXT_KEY] = find_key,
		[TEXT_COL] = find_col,
		[TEXT_GROUP] = find_group,
		[TEXT_FIXED] = find_fixed,
		[TEXT_NMEA] = find_nmea,
		[TEXT_OBIS] = find_obis,
	};

	return finders[f->where](p, msg, f, out);
}
