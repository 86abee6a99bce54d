/* Modbus answers: one that is taken is of the right unit, function and size. */
#include "drivers/line/pdu.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mb_answer a;
	struct mb_request rq;
	uint8_t bytes[PDU_REQUEST];
	enum err e;

	if (size < 3)
		return 0;
	rq = (struct mb_request){ .unit = data[0],
		.table = data[1] % 4,
		.count = (uint16_t)(data[2] % 125 + 1) };
	pdu_request(&rq, bytes);
	e = pdu_answer(data + 3, size - 3, &rq, &a);
	if (e == OK && (data[3] != rq.unit || data[4] != bytes[1]))
		abort();
	if (e == ERR_REFUSED && (size != 6 || data[3] != rq.unit))
		abort();
	return 0;
}
