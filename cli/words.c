#include "cli/words.h"

#include "common/buf.h"
#include "common/mem.h"
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
words_span(int64_t ms, char out[WORDS_SPAN])
{
	static const struct {
		int64_t s;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" },
		{ 1, "s" } };
	int64_t s = ms / 1000;
	size_t i = 0;

	if (ms < 0)
		ms = 0;
	if (ms < 10000) {
		snprintf(out, WORDS_SPAN, "%.1f s", (double)ms / 1000);
		return;
	}
	while (s < units[i].s)
		i++;
	if (s < 60 || s % units[i].s / units[i + 1].s == 0)
		snprintf(out, WORDS_SPAN, "%lld %s",
		    (long long)(s / units[i].s), units[i].name);
	else
		snprintf(out, WORDS_SPAN, "%lld %s %lld %s",
		    (long long)(s / units[i].s), units[i].name,
		    (long long)(s % units[i].s / units[i + 1].s),
		    units[i + 1].name);
}

/* digits reads n digits at *s and the character behind them. */
static bool
digits(const char **s, int n, char behind, int *out)
{
	*out = 0;
	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return *(*s)++ == behind;
}

bool
words_utc(const char *s, int64_t *ms)
{
	struct tm tm = { .tm_isdst = 0 };
	int milli;

	if (!digits(&s, 4, '-', &tm.tm_year) ||
	    !digits(&s, 2, '-', &tm.tm_mon) ||
	    !digits(&s, 2, 'T', &tm.tm_mday) ||
	    !digits(&s, 2, ':', &tm.tm_hour) ||
	    !digits(&s, 2, ':', &tm.tm_min) ||
	    !digits(&s, 2, '.', &tm.tm_sec) || !digits(&s, 3, 'Z', &milli))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ms = (int64_t)timegm(&tm) * 1000 + milli;
	return true;
}

bool
words_range(
    const char *text, int64_t min, int64_t max, int64_t *first, int64_t *last)
{
	size_t n = strcspn(text, "-");
	char low[24];

	if (n == 0 || n >= sizeof(low))
		return false;
	memcpy(low, text, n);
	low[n] = '\0';
	if (value_int(low, first) != OK)
		return false;
	*last = *first;
	if (text[n] == '-' && value_int(text + n + 1, last) != OK)
		return false;
	return min <= *first && *first <= *last && *last <= max;
}

bool
words_size(const char *text, int64_t *bytes)
{
	static const char units[] = "kMG";
	size_t n = strspn(text, "0123456789");
	const char *unit = text[n] ? strchr(units, text[n]) : NULL;
	char number[10];

	if (n == 0 || n >= sizeof(number) || (text[n] && !unit) ||
	    (unit && text[n + 1]))
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	if (value_int(number, bytes) != OK)
		return false;
	if (unit)
		*bytes <<= 10 * (unit - units + 1);
	return *bytes > 0;
}

static char
upper(char c)
{
	return (char)toupper((unsigned char)c);
}

char *
words_hex(const char *hex)
{
	static const char known[] = "0123456789abcdefABCDEF ";
	struct buf b = { 0 };
	size_t n = 0;

	if (hex[strspn(hex, known)])
		return mem_strdup(hex);
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		if (n && n % 2 == 0)
			buf_putc(&b, ' ');
		buf_putc(&b, upper(*hex));
		n++;
	}
	return buf_take(&b);
}

char *
words_unit(const char *value, const char *unit)
{
	if (!value)
		return mem_strdup("unknown");
	return mem_printf(
	    "%s%s%s", value, unit && *unit ? " " : "", unit ? unit : "");
}
