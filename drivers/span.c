#include "drivers/span.h"

#include <string.h>

enum { NUMBER_MAX = 40 };

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
span_trim(struct span s)
{
	while (s.len && is_blank(s.s[0])) {
		s.s++;
		s.len--;
	}
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

bool
span_is(struct span s, const char *text)
{
	return text && strlen(text) == s.len && memcmp(s.s, text, s.len) == 0;
}

bool
span_next(struct span *rest, char sep, struct span *out)
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

bool
span_at(struct span s, char sep, int index, struct span *out)
{
	struct span rest = s;

	for (int i = 1; span_next(&rest, sep, out); i++) {
		if (i == index)
			return true;
	}
	return false;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

size_t
span_digits(struct span s, size_t i)
{
	while (i < s.len && is_digit(s.s[i]))
		i++;
	return i;
}

bool
span_num(struct span s, struct num *out)
{
	char text[NUMBER_MAX];

	if (s.len == 0 || s.len >= sizeof(text))
		return false;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	return num_parse(text, out) == OK;
}
