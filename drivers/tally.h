/* What a unit has done: its counters, and how long its answers take.  Pure. */
#ifndef DRIVERS_TALLY_H
#define DRIVERS_TALLY_H

#include "drivers/reading.h"

enum { TALLY_STEPS = 72 };

/* Zero-initialised is empty. */
struct tally {
	struct drv_counters c;
	uint8_t rtt[TALLY_STEPS]; /* answers by their time, four steps to each
				     doubling; halved when one is full */
	uint16_t n;               /* the sum */
};

/* tally_rtt counts an answer that took us; the percentiles in c follow. */
void tally_rtt(struct tally *t, int64_t us);

void tally_exception(struct tally *t, uint8_t code);

#endif
