#include "drivers/line/mbap.h"

enum { LEN_MIN = 2 /* unit and function */ };

size_t
mbap_request(uint16_t id, const struct mb_request *rq, uint8_t out[MBAP_MAX])
{
	size_t len = pdu_request(rq, out + MBAP_HEAD);

	out[0] = (uint8_t)(id >> 8);
	out[1] = (uint8_t)(id & 0xff);
	out[2] = 0;
	out[3] = 0;
	out[4] = 0;
	out[5] = (uint8_t)len;
	return MBAP_HEAD + len;
}

int
mbap_span(const uint8_t *data, size_t n)
{
	int len;

	if (n < MBAP_HEAD)
		return PDU_MORE;
	len = data[4] << 8 | data[5];
	if (data[2] != 0 || data[3] != 0 || len < LEN_MIN || len > PDU_MAX)
		return PDU_UNKNOWN;
	return MBAP_HEAD + len;
}

uint16_t
mbap_id(const uint8_t *frame)
{
	return (uint16_t)(frame[0] << 8 | frame[1]);
}
