#include "common/utf8.h"

#include <string.h>

size_t
utf8_next(const char *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c;
	size_t n;

	if (len == 0)
		return 0;
	c = (unsigned char)s[0];
	if (c < 0x80) {
		*cp = c;
		return 1;
	}
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || len < n)
		return 0;
	*cp = c & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | ((unsigned char)s[i] & 0x3fu);
	}
	if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000))
		return 0;
	return n;
}

bool
utf8_valid(const char *s, size_t len)
{
	uint32_t cp;
	size_t n;

	for (; len; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n == 0)
			return false;
	}
	return true;
}

size_t
utf8_count(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

bool
utf8_xml(uint32_t cp)
{
	return cp == 9 || cp == 10 || cp == 13 || (cp >= 0x20 && cp < 0xd800) ||
	    (cp >= 0xe000 && cp < 0xfffe) || cp >= 0x10000;
}

bool
utf8_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

void
utf8_blot(char *s, char c)
{
	size_t len = strlen(s), n;
	uint32_t cp;

	for (; len; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n > 0 && !utf8_control(cp))
			continue;
		n = n ? n : 1;
		memset(s, c, n);
	}
}

void
utf8_sanitize(const char *s, size_t len, char *out, size_t size)
{
	static const char bad[] = "\xef\xbf\xbd";
	size_t o = 0;

	while (len && (s[len - 1] == '\0' || s[len - 1] == ' '))
		len--;
	while (len) {
		uint32_t cp = 0;
		size_t n = utf8_next(s, len, &cp);
		bool good = n > 0 && utf8_xml(cp);
		size_t need = good ? n : sizeof(bad) - 1;

		if (o + need >= size)
			break;
		memcpy(out + o, good ? s : bad, need);
		o += need;
		n = n ? n : 1;
		s += n;
		len -= n;
	}
	out[o] = '\0';
}
