/* Hours, days and longer, of local time.  Thread: any. */
#ifndef GATEWAY_PERIOD_H
#define GATEWAY_PERIOD_H

#include <stdint.h>

enum period {
	PERIOD_SECOND,
	PERIOD_MINUTE,
	PERIOD_HOUR,
	PERIOD_DAY,
	PERIOD_WEEK, /* begins on Monday */
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_YEAR,
	PERIODS
};

/* period_begin is the begin of the period of local time that utc_ms is in;
 * period_end that of the one after, from its begin. */
int64_t period_begin(int64_t utc_ms, enum period p);
int64_t period_end(int64_t begin, enum period p);

#endif
