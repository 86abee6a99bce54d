#include "gateway/period.h"

#include <stdbool.h>
#include <time.h>

enum { HALF_DAY_S = 43200, TURN_S = 1800 };

static bool
is_on(time_t t, const struct tm *day)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return tm.tm_mday == day->tm_mday && tm.tm_mon == day->tm_mon;
}

/* The first moment of a local day.  Where clocks are turned at midnight, that
 * is there twice or not at all; noon is there once.  They are turned by half
 * hours. */
static time_t
day_begin(struct tm *day)
{
	time_t t;

	day->tm_sec = day->tm_min = 0;
	day->tm_hour = 12;
	day->tm_isdst = -1;
	t = mktime(day) - HALF_DAY_S;
	while (!is_on(t, day))
		t += TURN_S;
	while (is_on(t - TURN_S, day))
		t -= TURN_S;
	return t;
}

/* The hour that is there twice is two, also when that is half an hour. */
static time_t
hour_begin(time_t t, const struct tm *tm)
{
	time_t begin = t - (tm->tm_min * 60 + tm->tm_sec);
	struct tm at;

	localtime_r(&begin, &at);
	return at.tm_gmtoff == tm->tm_gmtoff ? begin : begin + TURN_S;
}

int64_t
period_begin(int64_t utc_ms, enum period p)
{
	static const int64_t fixed_ms[] = { 1000, 60000 };
	time_t t = (time_t)(utc_ms / 1000);
	struct tm tm;

	if (p < PERIOD_HOUR)
		return utc_ms - utc_ms % fixed_ms[p];
	localtime_r(&t, &tm);
	if (p == PERIOD_HOUR)
		return (int64_t)hour_begin(t, &tm) * 1000;
	if (p == PERIOD_WEEK)
		tm.tm_mday -= (tm.tm_wday + 6) % 7;
	if (p >= PERIOD_MONTH)
		tm.tm_mday = 1;
	if (p == PERIOD_QUARTER)
		tm.tm_mon -= tm.tm_mon % 3;
	if (p == PERIOD_YEAR)
		tm.tm_mon = 0;
	return (int64_t)day_begin(&tm) * 1000;
}

int64_t
period_end(int64_t begin, enum period p)
{
	static const int64_t beyond_s[PERIODS] = { 1, 60, 3600,
		36 * INT64_C(3600), 8 * INT64_C(86400), 40 * INT64_C(86400),
		100 * INT64_C(86400), 380 * INT64_C(86400) };

	return period_begin(begin + beyond_s[p] * 1000, p);
}
