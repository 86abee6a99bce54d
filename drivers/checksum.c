#include "drivers/checksum.h"

enum { CRC16_POLY = 0xa001 };

uint16_t
checksum_crc16(const void *data, size_t len, uint16_t init)
{
	const uint8_t *p = data;
	unsigned crc = init;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ CRC16_POLY : crc >> 1;
	}
	return (uint16_t)crc;
}

void
checksum_sdi12(const void *data, size_t len, char out[SDI12_CRC_LEN])
{
	unsigned crc = checksum_crc16(data, len, CRC16_SDI12_INIT);

	out[0] = (char)(0x40 | crc >> 12);
	out[1] = (char)(0x40 | (crc >> 6 & 0x3f));
	out[2] = (char)(0x40 | (crc & 0x3f));
}

uint8_t
checksum_xor(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (len--)
		sum ^= *p++;
	return sum;
}

uint8_t
checksum_sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	unsigned sum = 0;

	while (len--)
		sum += *p++;
	return (uint8_t)sum;
}
