#include "protocol/xmltype.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The types here collapse white space: finds the text between the blanks. */
static const char *
trim(const char *text, size_t *len)
{
	while (is_blank(*text))
		text++;
	*len = strlen(text);
	while (*len && is_blank(text[*len - 1]))
		(*len)--;
	return text;
}

static bool
is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

enum err
xml_bool(const char *text, bool *out)
{
	size_t len;
	const char *s = trim(text, &len);
	bool yes = is_word(s, len, "true") || is_word(s, len, "1");

	if (!yes && !is_word(s, len, "false") && !is_word(s, len, "0"))
		return ERR_PROTO;
	*out = yes;
	return OK;
}

static size_t
skip_digits(const char *s, size_t len, size_t at)
{
	while (at < len && is_digit(s[at]))
		at++;
	return at;
}

static size_t
skip_sign(const char *s, size_t len, size_t at)
{
	return at < len && (s[at] == '+' || s[at] == '-') ? at + 1 : at;
}

/* [+-] digits [. digits] [eE [+-] digits], a digit before or after the point */
static bool
is_decimal(const char *s, size_t len)
{
	size_t from = skip_sign(s, len, 0);
	size_t at = skip_digits(s, len, from);
	size_t digits = at - from;

	if (at < len && s[at] == '.') {
		from = at + 1;
		at = skip_digits(s, len, from);
		digits += at - from;
	}
	if (digits == 0)
		return false;
	if (at < len && (s[at] == 'e' || s[at] == 'E')) {
		from = skip_sign(s, len, at + 1);
		at = skip_digits(s, len, from);
		if (at == from)
			return false;
	}
	return at == len;
}

/* The decimal point of strtod and printf is that of the thread's locale. */
static double
read_double(const char *s)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t old = uselocale(c);
	double v = strtod(s, NULL);

	uselocale(old);
	freelocale(c);
	return v;
}

static void
write_double(char *out, size_t size, int digits, double v)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t old = uselocale(c);

	snprintf(out, size, "%.*g", digits, v);
	uselocale(old);
	freelocale(c);
}

enum err
xml_double(const char *text, double *out)
{
	size_t len;
	const char *s = trim(text, &len);

	if (is_word(s, len, "INF"))
		*out = HUGE_VAL;
	else if (is_word(s, len, "-INF"))
		*out = -HUGE_VAL;
	else if (is_decimal(s, len))
		*out = read_double(s) + 0.0; /* -0 + 0 is 0 */
	else
		return ERR_PROTO;
	return OK;
}

void
xml_double_text(double v, char out[XML_DOUBLE_SIZE])
{
	if (isinf(v)) {
		snprintf(out, XML_DOUBLE_SIZE, "%s", v > 0 ? "INF" : "-INF");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		write_double(out, XML_DOUBLE_SIZE, digits, v + 0.0);
		if (read_double(out) == v)
			return;
	}
}

enum err
xml_int(const char *text, int32_t *out)
{
	size_t len;
	const char *s = trim(text, &len);
	size_t at = skip_sign(s, len, 0);
	int64_t v = 0;

	if (at == len || skip_digits(s, len, at) != len)
		return ERR_PROTO;
	for (; at < len; at++) {
		v = v * 10 + (s[at] - '0');
		if (v > INT64_C(1) + INT32_MAX)
			return ERR_RANGE;
	}
	if (s[0] == '-')
		v = -v;
	if (v > INT32_MAX)
		return ERR_RANGE;
	*out = (int32_t)v;
	return OK;
}

enum err
attr_bool(xmpp_stanza_t *el, const char *name, bool *out)
{
	const char *text = xmpp_stanza_get_attribute(el, name);

	return text ? xml_bool(text, out) : ERR_NOTFOUND;
}

enum err
attr_int(xmpp_stanza_t *el, const char *name, int32_t *out)
{
	const char *text = xmpp_stanza_get_attribute(el, name);

	return text ? xml_int(text, out) : ERR_NOTFOUND;
}

const char *
attr_text(xmpp_stanza_t *el, const char *name)
{
	const char *text = xmpp_stanza_get_attribute(el, name);

	return text ? text : "";
}
