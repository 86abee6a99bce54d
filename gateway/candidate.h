/* What scans found that is no node yet: kept in memory, by numbers that stay
 * until the same addresses are scanned again.  Thread: loop. */
#ifndef GATEWAY_CANDIDATE_H
#define GATEWAY_CANDIDATE_H

#include <jansson.h>
#include <stdint.h>

struct candidates {
	json_t *rows; /* NULL: none yet */
};

/* candidates_forget drops those of a bus from first to last: they are asked
 * anew. */
void candidates_forget(
    struct candidates *c, const char *bus, int64_t first, int64_t last);

/* candidates_add gives a row of a scan its number, as "candidate", and keeps a
 * copy of it; null when there are too many. */
void candidates_add(struct candidates *c, const char *bus, json_t *row);

void candidates_fini(struct candidates *c);

#endif
