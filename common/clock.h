/* Time: monotonic milliseconds for intervals, UTC only for people and stanzas.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A clock is given to whoever needs the time, so that a test owns it. */
struct clock {
	int64_t (*mono_ms)(const struct clock *);
	int64_t (*utc_ms)(const struct clock *); /* since 1970, UTC */
};

/* clock_system is the machine's clock.  Thread: any. */
extern const struct clock clock_system;

/* A clock that stands still until the test moves it. */
struct clock_fake {
	struct clock clock;
	int64_t mono, utc;
};
void clock_fake_init(struct clock_fake *c, int64_t mono, int64_t utc);

static inline int64_t
clock_mono(const struct clock *c)
{
	return c->mono_ms(c);
}

static inline int64_t
clock_utc(const struct clock *c)
{
	return c->utc_ms(c);
}

enum { CLOCK_TEXT = 32 };

/* clock_format writes "2026-11-22T18:07:00.123Z" (xs:dateTime, XEP-0082).
 * Thread: any. */
void clock_format(int64_t utc_ms, char out[CLOCK_TEXT]);

/* clock_is_set tells whether the wall clock can be believed: a machine without
 * a battery clock starts in 1970 until time is fetched.  Thread: any. */
bool clock_is_set(int64_t utc_ms);

#endif
