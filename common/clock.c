#include "common/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
system_mono(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t
system_utc(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME);
}

const struct clock clock_system = { system_mono, system_utc };

static int64_t
fake_mono(const struct clock *c)
{
	return ((const struct clock_fake *)(const void *)c)->mono;
}

static int64_t
fake_utc(const struct clock *c)
{
	return ((const struct clock_fake *)(const void *)c)->utc;
}

void
clock_fake_init(struct clock_fake *c, int64_t mono, int64_t utc)
{
	c->clock.mono_ms = fake_mono;
	c->clock.utc_ms = fake_utc;
	c->mono = mono;
	c->utc = utc;
}

void
clock_format(int64_t utc_ms, char out[CLOCK_TEXT])
{
	int64_t ms = utc_ms % 1000;
	size_t n;
	time_t sec;
	struct tm tm;

	if (ms < 0)
		ms += 1000;
	sec = (time_t)((utc_ms - ms) / 1000);
	gmtime_r(&sec, &tm);
	n = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_TEXT - n, ".%03uZ", (unsigned)ms % 1000);
}

bool
clock_is_set(int64_t utc_ms)
{
	return utc_ms > INT64_C(1704067200000); /* 2024-01-01 */
}
