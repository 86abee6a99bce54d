/* Modbus TCP frames in a stream: none is longer than allowed, what the header
 * says does not change with more bytes, and an answer that is taken fills its
 * frame. */
#include "drivers/line/mbap.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mb_request rq = {
		.unit = 1, .function = MB_READ_HOLDING, .count = 2
	};
	static struct mb_answer a;

	while (size) {
		int span = mbap_span(data, size);

		if (span == PDU_UNKNOWN || span == PDU_MORE)
			break;
		must(span > MBAP_HEAD && span <= MBAP_MAX);
		must(mbap_span(data, MBAP_HEAD) == span);
		if (size < (size_t)span)
			break;
		if (pdu_answer(data + MBAP_HEAD, (size_t)span - MBAP_HEAD, &rq,
			&a) == OK)
			must(span == MBAP_HEAD + 7 && a.n == 2);
		data += span;
		size -= (size_t)span;
	}
	return 0;
}
