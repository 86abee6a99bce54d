/* Modbus transactions: the request's bytes, and what an answer must match.
 * Pure. */
#ifndef DRIVERS_LINE_PDU_H
#define DRIVERS_LINE_PDU_H

#include "common/err.h"
#include "config/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Modbus application protocol 1.1b3, 6. */
enum mb_function {
	MB_READ_COILS = 1,
	MB_READ_DISCRETES = 2,
	MB_READ_HOLDING = 3,
	MB_READ_INPUT = 4,
	MB_WRITE_COIL = 5,
	MB_WRITE_REGISTER = 6,
	MB_WRITE_COILS = 15,
	MB_WRITE_REGISTERS = 16,
	MB_SERVER_ID = 17,
	MB_MASK_WRITE = 22,
	MB_DEVICE_ID = 43, /* MEI 14 */
};

enum {
	PDU_MAX = 254,      /* unit and PDU */
	MB_REGS_MAX = 125,  /* in one read */
	MB_BITS_MAX = 2000, /* in one read */
	MB_WRITE_MAX = 123, /* registers in one write */
	MB_WRITE_BITS_MAX = 1968,
	MB_VALUES_MAX = MB_BITS_MAX,
};

struct mb_request {
	uint8_t unit;
	enum mb_function function;
	uint16_t addr;
	uint16_t count; /* registers or bits; 1 for functions 5, 6 and 22 */
	const uint16_t *value; /* writes: count registers, or 0 and 1; 22: the
				  AND mask, the OR mask; 43: access code and
				  object; else NULL */
	int64_t timeout_ms;
};

struct mb_answer {
	bool sent; /* by a line, also on errors: the request itself went out */
	uint8_t exception;             /* with ERR_REFUSED */
	size_t n;                      /* of value */
	uint16_t value[MB_VALUES_MAX]; /* reads: registers; or 0 and 1.
					  17 and 43: the bytes after the
					  function, one each */
};

/* pdu_reads is the function that reads a table. */
enum mb_function pdu_reads(enum modbus_table table);
bool pdu_is_write(enum mb_function f);

/* pdu_valid tells whether the specification knows such a request: its function,
 * how much of it, and where it ends. */
bool pdu_valid(const struct mb_request *rq);

/* pdu_request writes unit, function and the rest, without CRC or header, and
 * returns its length.  Shape: rq is valid. */
size_t pdu_request(const struct mb_request *rq, uint8_t out[PDU_MAX]);

/* pdu_answer takes the values out of an answer, from its unit byte on and
 * without CRC, when it answers rq: same unit, same function, as many bytes, and
 * of a write the same address, count, value or masks.
 * Errors: ERR_REFUSED with the exception, ERR_PROTO.  Thread: any. */
enum err pdu_answer(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out) MUST_USE;

enum { PDU_UNKNOWN = -1, PDU_MORE = 0 };

/* pdu_span is the length, from the unit byte on and without CRC, of the answer
 * that begins with msg[n]; PDU_MORE when that is too little to tell,
 * PDU_UNKNOWN when no answer begins like this. */
int pdu_span(const uint8_t *msg, size_t n);

#endif
