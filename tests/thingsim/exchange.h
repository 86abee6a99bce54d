/* One request and what becomes of it: what is wrong this time, and when the
 * answer leaves. */
#ifndef THINGSIM_EXCHANGE_H
#define THINGSIM_EXCHANGE_H

#include "tests/thingsim/plant.h"

#include <stdbool.h>

struct chan;

struct exchange {
	struct chan *chan;
	struct unit *unit;
	const void *request;
	size_t len;
	bool write;
	/* of the log: the function, 0 for text; address and count */
	unsigned function, addr, count;
};

/* exchange_begin counts and logs the request and makes its fault unit->now.
 * False: the unit does not hear it, or does nothing. */
bool exchange_begin(struct exchange *x);

/* exchange_answer sends the frame, which it empties, spoiled by the fault.
 * garble_at is the byte whose change spoils its check. */
void exchange_answer(struct exchange *x, struct buf *frame, size_t garble_at);

/* exchange_gap is the silence that the device needs to see that the request
 * has ended. */
int64_t exchange_gap(const struct chan *c);

#endif
