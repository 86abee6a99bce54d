/* What can be wrong with a device, on demand. */
#ifndef THINGSIM_FAULT_H
#define THINGSIM_FAULT_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_SILENT,     /* hears and does not answer */
	FAULT_LATE,       /* every answer comes late by arg ms */
	FAULT_LATE_ONCE,  /* one answer late by arg ms, the others at once */
	FAULT_EXCEPTION,  /* Modbus exception arg */
	FAULT_GARBLE,     /* the check of the answer is wrong */
	FAULT_WRONG_UNIT, /* the answer carries the next address */
	FAULT_TRUNCATE,   /* only the first half of the answer */
	FAULT_LONG,       /* four bytes too many */
	FAULT_TWICE,      /* the answer two times, in one piece */
	FAULT_ECHO,       /* the request comes back before the answer */
	FAULT_GLITCH,     /* a zero byte before the answer */
	FAULT_DRIP,       /* arg ms between the bytes */
	FAULT_RESET,      /* TCP: reset in the middle of the answer */
};

struct fault {
	enum fault_kind kind;
	int64_t arg;
};

/* fault_parse reads "late 700".  Errors: ERR_PROTO, ERR_RANGE. */
enum err fault_parse(
    const char *text, struct fault *out, struct errbuf *eb) MUST_USE;

/* fault_shape does to a finished answer what the fault does to frames.
 * garble_at is the byte whose change spoils its check. */
void fault_shape(const struct fault *f, struct buf *frame, const void *request,
    size_t request_len, size_t garble_at);

#endif
