/* What can be wrong with a device, on demand. */
#ifndef THINGSIM_FAULT_H
#define THINGSIM_FAULT_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum fault_kind {
	FAULT_NONE,
	/* when and whether the answer comes */
	FAULT_SILENT,
	FAULT_LATE,
	FAULT_LATE_ONCE,
	FAULT_AGAIN,
	FAULT_STALE,
	FAULT_PAIR,
	FAULT_DRIP,
	FAULT_SPLIT,
	FAULT_RESET,
	/* what it looks like */
	FAULT_GARBLE,
	FAULT_WRONG_UNIT,
	FAULT_WRONG_FUNCTION,
	FAULT_WRONG_TID,
	FAULT_TRUNCATE,
	FAULT_LONG,
	FAULT_TWICE,
	FAULT_ECHO,
	FAULT_GLITCH,
	/* what it says */
	FAULT_EXCEPTION,
	FAULT_SENTINEL,
	FAULT_ZEROS,
	FAULT_ONES,
	FAULT_WRITE_IGNORED,
	FAULT_WRITE_LOST,
	/* what happens apart from requests */
	FAULT_NOISE,
	FAULT_REBOOT,
	FAULT_COUNTER_RESET,
	FAULT_HALF_OPEN,
	FAULT_VANISH,
	FAULT_BACK,
};

/* Where a fault shows. */
enum fault_scope {
	SCOPE_REQUEST, /* in the answers to requests */
	SCOPE_UNIT,    /* at once, to a device */
	SCOPE_BUS,     /* at once, to its bus */
};

struct fault {
	enum fault_kind kind;
	int64_t arg;
	int64_t times;      /* how often still; 0: without end */
	bool reads, writes; /* of these only; neither: of all */
};

/* fault_parse reads "late 700", "exception 4 times 3 on writes".
 * Errors: ERR_PROTO, ERR_RANGE, said in eb. */
enum err fault_parse(
    const char *text, struct fault *out, struct errbuf *eb) MUST_USE;

enum fault_scope fault_scope(enum fault_kind kind);
const char *fault_name(enum fault_kind kind);
void fault_help(FILE *out); /* a line of each kind */

/* fault_concerns tells whether f shows in the answer to a read or a write. */
bool fault_concerns(const struct fault *f, bool write);

/* fault_shape does to a finished answer what the fault does to frames.
 * garble_at is the byte whose change spoils its check. */
void fault_shape(const struct fault *f, struct buf *frame, size_t garble_at);

#endif
