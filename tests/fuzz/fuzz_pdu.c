/* Modbus requests and answers: a request is never too long; an answer that is
 * taken is of the right unit, function and size, and of a write says what was
 * written. */
#include "drivers/line/pdu.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum mb_function functions[] = { MB_READ_COILS, MB_READ_DISCRETES,
	MB_READ_HOLDING, MB_READ_INPUT, MB_WRITE_COIL, MB_WRITE_REGISTER,
	MB_WRITE_COILS, MB_WRITE_REGISTERS, MB_SERVER_ID, MB_MASK_WRITE,
	MB_DEVICE_ID };

enum { HEAD = 6 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check(const uint8_t *msg, size_t n, const struct mb_request *rq)
{
	static struct mb_answer a;
	uint8_t sent[PDU_MAX];
	size_t len = pdu_request(rq, sent);
	enum err e = pdu_answer(msg, n, rq, &a);
	int span = pdu_span(msg, n);

	must(len >= 2 && len <= PDU_MAX);
	must(span == PDU_UNKNOWN || (span >= 0 && span <= PDU_MAX));
	if (e != OK && e != ERR_REFUSED)
		return;
	must(n > 2 && (size_t)span == n && msg[0] == rq->unit);
	must((msg[1] & 0x7f) == rq->function);
	must(e == OK ? msg[1] < 0x80 : n == 3);
	if (e == OK && pdu_is_write(rq->function))
		must(a.n == 0 && memcmp(msg, sent, n) == 0);
	if (e == OK && rq->function <= MB_READ_INPUT)
		must(a.n == rq->count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint16_t value[MB_WRITE_BITS_MAX];
	struct mb_request rq;

	if (size < HEAD)
		return 0;
	rq = (struct mb_request){ .unit = data[0],
		.function = functions[data[1] %
		    (sizeof(functions) / sizeof(*functions))],
		.addr = (uint16_t)(data[2] << 8 | data[3]),
		.count = (uint16_t)(data[4] << 8 | data[5]),
		.value = value };
	for (size_t i = 0; i + HEAD < size && i < MB_WRITE_BITS_MAX; i++)
		value[i] = data[HEAD + i];
	if (pdu_valid(&rq))
		check(data + HEAD, size - HEAD, &rq);
	return 0;
}
