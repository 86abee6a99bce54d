/* Modbus reads: the request's bytes, and what an answer must match.  Pure. */
#ifndef DRIVERS_LINE_PDU_H
#define DRIVERS_LINE_PDU_H

#include "common/err.h"
#include "config/template.h"

#include <stddef.h>
#include <stdint.h>

enum { PDU_REQUEST = 6, MB_VALUES_MAX = 2000 };

struct mb_request {
	uint8_t unit;
	enum modbus_table table;
	uint16_t addr, count;
	int64_t timeout_ms;
};

struct mb_answer {
	uint8_t exception;             /* with ERR_REFUSED */
	uint16_t value[MB_VALUES_MAX]; /* registers; or 0 and 1 */
};

/* pdu_request writes unit, function, address, count. */
void pdu_request(const struct mb_request *rq, uint8_t out[PDU_REQUEST]);

/* pdu_answer takes the values out of an answer, from its unit byte on and
 * without CRC, when it answers rq: same unit, same function, as many bytes.
 * Errors: ERR_REFUSED with the exception, ERR_PROTO.  Thread: any. */
enum err pdu_answer(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out) MUST_USE;

#endif
