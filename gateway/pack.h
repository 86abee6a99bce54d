/* Readings of one field, packed for the history: a time and a value in a few
 * bytes.  Pure.
 *
 * First a byte: the type of all values, and of numbers their decimals.  Then of
 * each reading the milliseconds since the one before, and of a number what it
 * has changed; both as seven bits a byte, the least first.  Thread: any. */
#ifndef GATEWAY_PACK_H
#define GATEWAY_PACK_H

#include "common/buf.h"
#include "common/err.h"
#include "drivers/reading.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACK_SPAN_MS = 3600000, /* from the first reading to the last, most */
	PACK_BYTES = 4096,      /* about, before another is begun */
};

/* Zero-initialised is empty. */
struct pack {
	struct buf bytes;
	size_t n;
	int64_t first, last; /* UTC, milliseconds */
	int64_t mant;        /* of the last number */
};

/* pack_add appends a reading; false when it does not go with what is there:
 * another type, an earlier time, or enough. */
bool pack_add(struct pack *p, int64_t utc_ms, const struct value *v) MUST_USE;
void pack_clear(struct pack *p);

/* unpack calls each for the readings in data, the first at `first`, until it
 * returns false.  Errors: ERR_PROTO it is broken; what came before was told. */
typedef bool (*unpack_each)(void *arg, int64_t utc_ms, const struct value *v);
enum err unpack(const void *data, size_t len, int64_t first, unpack_each each,
    void *arg) MUST_USE;

#endif
