#include "common/clock.h"
#include "protocol/xmltime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} cases[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2013-03-07T16:24:30Z", 1362673470000 },
	{ " 2013-03-07T16:24:30Z\n", 1362673470000 },
	{ "2013-03-07T16:24:30.5Z", 1362673470500 },
	{ "2013-03-07T16:24:30.123456Z", 1362673470123 },
	{ "2013-03-07T13:24:30-03:00", 1362673470000 },
	{ "2013-03-07T21:54:30+05:30", 1362673470000 },
	{ "2000-02-29T00:00:00Z", 951782400000 },
	{ "2024-02-29T24:00:00Z", 1709251200000 },
	{ "2024-03-01T00:00:00Z", 1709251200000 },
	{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	{ "", -1 },
	{ "2013-03-07", -1 },
	{ "2013-03-07T16:24Z", -1 },
	{ "2013-03-07 16:24:30Z", -1 },
	{ "2013-03-07T16:24:30z", -1 },
	{ "2013-03-07T16:24:30.Z", -1 },
	{ "2013-03-07T16:24:30ZZ", -1 },
	{ "2013-3-07T16:24:30Z", -1 },
	{ "2013-02-29T00:00:00Z", -1 },
	{ "1900-02-29T00:00:00Z", -1 },
	{ "1969-12-31T00:00:00Z", -1 },
	{ "-2013-03-07T16:24:30Z", -1 },
	{ "2013-13-07T16:24:30Z", -1 },
	{ "2013-00-07T16:24:30Z", -1 },
	{ "2013-03-00T16:24:30Z", -1 },
	{ "2013-04-31T16:24:30Z", -1 },
	{ "2013-03-07T25:00:00Z", -1 },
	{ "2013-03-07T24:00:01Z", -1 },
	{ "2013-03-07T24:00:00.001Z", -1 },
	{ "2013-03-07T16:60:30Z", -1 },
	{ "2013-03-07T16:24:60Z", -1 },
	{ "2013-03-07T16:24:30+14:01", -1 },
	{ "2013-03-07T16:24:30+15:00", -1 },
	{ "2013-03-07T16:24:30+05", -1 },
	{ "2013-03-07T16:24:30+0530", -1 },
	{ "\xd9\xa2"
	  "013-03-07T16:24:30Z",
	    -1 },
};

static void
reads_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = 77;
		enum err e = xml_datetime(cases[i].text, &ms);

		if (cases[i].ms < 0 ? e != ERR_PROTO || ms != 77
				    : e != OK || ms != cases[i].ms)
			fail_msg("\"%s\": %d, %lld", cases[i].text, e,
			    (long long)ms);
	}
}

/* Every day of four centuries, against the C library. */
static void
agrees_with_the_calendar(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 365 * 400; day++) {
		time_t t = (time_t)(day * 86400 + day % 86400);
		char text[CLOCK_TEXT];
		int64_t ms = -1;

		clock_format((int64_t)t * 1000 + day % 1000, text);
		assert_int_equal(xml_datetime(text, &ms), OK);
		assert_int_equal(ms, (int64_t)t * 1000 + day % 1000);
	}
}

static void
local_without_a_zone(void **state)
{
	int64_t ms;

	(void)state;
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	assert_int_equal(xml_datetime("2013-01-07T16:00:00", &ms), OK);
	assert_int_equal(ms, 1357592400000); /* 21:00 UTC */
	assert_int_equal(xml_datetime("2013-07-07T16:00:00.25", &ms), OK);
	assert_int_equal(ms, 1373227200250); /* 20:00 UTC */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_times),
		cmocka_unit_test(agrees_with_the_calendar),
		cmocka_unit_test(local_without_a_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
