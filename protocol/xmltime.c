#include "protocol/xmltime.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { MINUTE_MS = 60000, DAY_MS = 86400000 };

struct reader {
	const char *at;
	bool bad;
};

/* Exactly n digits, as a number between min and max. */
static int
digits(struct reader *r, int n, int min, int max)
{
	int v = 0;

	for (; n > 0 && !r->bad; n--) {
		if (*r->at < '0' || *r->at > '9')
			r->bad = true;
		else
			v = 10 * v + (*r->at++ - '0');
	}
	if (r->bad || v < min || v > max) {
		r->bad = true;
		return min;
	}
	return v;
}

static void
mark(struct reader *r, char c)
{
	if (r->bad || *r->at != c)
		r->bad = true;
	else
		r->at++;
}

static int
fraction_ms(struct reader *r)
{
	int ms = 0, weight = 100;

	if (r->bad || *r->at != '.')
		return 0;
	r->at++;
	if (*r->at < '0' || *r->at > '9')
		r->bad = true;
	for (; *r->at >= '0' && *r->at <= '9'; r->at++, weight /= 10)
		ms += (*r->at - '0') * weight;
	return ms;
}

/* Days from 1970-01-01 (Gregorian), by counting years that begin in March. */
static int64_t
days(int y, int m, int d)
{
	int64_t year = m > 2 ? y : y - 1;
	int64_t century = year / 100;
	int month = (m + 9) % 12;

	return 365 * year + year / 4 - century + century / 4 +
	    (153 * month + 2) / 5 + d - 1 - 719468;
}

static int
month_days(int y, int m)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && leap ? 29 : lengths[m - 1];
}

/* The offset of the local zone at that local time. */
static int64_t
local_offset_ms(int y, int m, int d, int64_t in_day_ms)
{
	int64_t seconds = in_day_ms / 1000;
	struct tm tm = { .tm_year = y - 1900,
		.tm_mon = m - 1,
		.tm_mday = d,
		.tm_hour = (int)(seconds / 3600),
		.tm_min = (int)(seconds / 60 % 60),
		.tm_sec = (int)(seconds % 60),
		.tm_isdst = -1 };
	time_t t = mktime(&tm);

	return days(y, m, d) * DAY_MS + seconds * 1000 - (int64_t)t * 1000;
}

/* Z, an offset, or nothing: then false. */
static bool
zone(struct reader *r, int64_t *offset_ms)
{
	int sign = *r->at == '-' ? -1 : 1;
	int h, m;

	*offset_ms = 0;
	if (r->bad)
		return true;
	if (*r->at == 'Z') {
		r->at++;
		return true;
	}
	if (*r->at != '+' && *r->at != '-')
		return false;
	r->at++;
	h = digits(r, 2, 0, 14);
	mark(r, ':');
	m = digits(r, 2, 0, h == 14 ? 0 : 59);
	*offset_ms = (int64_t)sign * (60 * h + m) * MINUTE_MS;
	return true;
}

enum err
xml_datetime(const char *text, int64_t *utc_ms)
{
	struct reader r = { text + strspn(text, " \t\r\n"), false };
	int y, m, d, h, min, s;
	int64_t in_day, offset;

	y = digits(&r, 4, 1970, 9999);
	mark(&r, '-');
	m = digits(&r, 2, 1, 12);
	mark(&r, '-');
	d = digits(&r, 2, 1, month_days(y, m));
	mark(&r, 'T');
	h = digits(&r, 2, 0, 24);
	mark(&r, ':');
	min = digits(&r, 2, 0, h == 24 ? 0 : 59);
	mark(&r, ':');
	s = digits(&r, 2, 0, h == 24 ? 0 : 59);
	in_day = ((int64_t)h * 60 + min) * MINUTE_MS + (int64_t)s * 1000 +
	    fraction_ms(&r);
	if (!zone(&r, &offset))
		offset = local_offset_ms(y, m, d, in_day);
	if (r.bad || r.at[strspn(r.at, " \t\r\n")] || in_day > DAY_MS)
		return ERR_PROTO;
	*utc_ms = days(y, m, d) * DAY_MS + in_day - offset;
	return OK;
}
