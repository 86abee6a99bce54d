#include "drivers/line/pdu.h"

#include <stdbool.h>

enum { EXCEPTION_BIT = 0x80, EXCEPTION_LEN = 3, HEAD = 3 };

static uint8_t
function_of(enum modbus_table table)
{
	static const uint8_t functions[] = { [MB_COIL] = 1,
		[MB_DISCRETE] = 2,
		[MB_HOLDING] = 3,
		[MB_INPUT] = 4 };

	return functions[table];
}

static bool
is_bits(enum modbus_table table)
{
	return table == MB_COIL || table == MB_DISCRETE;
}

void
pdu_request(const struct mb_request *rq, uint8_t out[PDU_REQUEST])
{
	out[0] = rq->unit;
	out[1] = function_of(rq->table);
	out[2] = (uint8_t)(rq->addr >> 8);
	out[3] = (uint8_t)(rq->addr & 0xff);
	out[4] = (uint8_t)(rq->count >> 8);
	out[5] = (uint8_t)(rq->count & 0xff);
}

static void
take_values(
    const uint8_t *data, const struct mb_request *rq, struct mb_answer *out)
{
	for (size_t i = 0; i < rq->count; i++) {
		if (is_bits(rq->table))
			out->value[i] = data[i / 8] >> (i % 8) & 1;
		else
			out->value[i] =
			    (uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);
	}
}

enum err
pdu_answer(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out)
{
	size_t bytes =
	    is_bits(rq->table) ? (rq->count + 7u) / 8u : rq->count * 2u;
	uint8_t function = function_of(rq->table);

	if (len < HEAD || msg[0] != rq->unit)
		return ERR_PROTO;
	if (msg[1] == (function | EXCEPTION_BIT) && len == EXCEPTION_LEN) {
		out->exception = msg[2];
		return ERR_REFUSED;
	}
	if (msg[1] != function || msg[2] != bytes || len != HEAD + bytes)
		return ERR_PROTO;
	take_values(msg + HEAD, rq, out);
	return OK;
}
