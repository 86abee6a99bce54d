#include "drivers/line/rtu_frame.h"

#include "drivers/checksum.h"

#include <string.h>

size_t
rtu_request(const struct mb_request *rq, uint8_t out[RTU_MAX])
{
	size_t n = pdu_request(rq, out);
	uint16_t crc = checksum_crc16(out, n, CRC16_MODBUS_INIT);

	out[n++] = (uint8_t)(crc & 0xff);
	out[n++] = (uint8_t)(crc >> 8);
	return n;
}

static bool
crc_holds(const uint8_t *data, size_t n)
{
	uint16_t crc = checksum_crc16(data, n - RTU_CRC, CRC16_MODBUS_INIT);

	return data[n - 2] == (crc & 0xff) && data[n - 1] == crc >> 8;
}

/* No unit that answers has these numbers, but the one that was asked. */
static bool
is_noise(uint8_t byte, uint8_t unit)
{
	return (byte == 0 || byte == 0xff) && byte != unit;
}

static enum rtu_what
frame(const uint8_t *data, size_t n, bool silent, size_t *used)
{
	int span = pdu_span(data, n);
	size_t len = span > 0 ? (size_t)span + RTU_CRC : 0;

	if (span != PDU_UNKNOWN && (span == PDU_MORE || n < len) && !silent)
		return RTU_MORE;
	if (span > 0 && n >= len && crc_holds(data, len)) {
		*used = len;
		return RTU_FRAME;
	}
	*used = n;
	return RTU_GARBLED;
}

enum rtu_what
rtu_next(const uint8_t *data, size_t n, bool silent, const uint8_t *sent,
    size_t n_sent, size_t *used)
{
	size_t head = n < n_sent ? n : n_sent;

	*used = 0;
	if (n == 0)
		return RTU_MORE;
	if (memcmp(data, sent, head) == 0) {
		if (n >= n_sent) {
			*used = n_sent;
			return RTU_ECHO;
		}
		if (!silent)
			return RTU_MORE;
	}
	if (is_noise(data[0], sent[0])) {
		*used = 1;
		return RTU_NOISE;
	}
	return frame(data, n, silent, used);
}
