/* Pieces of a text that is not ended by NUL.  Thread: any. */
#ifndef DRIVERS_SPAN_H
#define DRIVERS_SPAN_H

#include "common/num.h"

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *s;
	size_t len;
};

/* span_trim takes blanks and line ends off both ends. */
struct span span_trim(struct span s);

bool span_is(struct span s, const char *text);

/* span_next cuts the next piece up to sep off *rest; false when there is none
 * left, *out is then as it was. */
bool span_next(struct span *rest, char sep, struct span *out);

/* span_at finds piece number index, from 1; false when there are fewer. */
bool span_at(struct span s, char sep, int index, struct span *out);

/* span_digits returns where the digits end that begin at i. */
size_t span_digits(struct span s, size_t i);

/* span_num reads the whole of s as num_parse does. */
bool span_num(struct span s, struct num *out);

#endif
