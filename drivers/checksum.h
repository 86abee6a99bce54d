/* Checksums of field devices.  Thread: any. */
#ifndef DRIVERS_CHECKSUM_H
#define DRIVERS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum {
	CRC16_MODBUS_INIT = 0xffff,
	CRC16_SDI12_INIT = 0,
	CRC16_DSMR_INIT = 0,
	SDI12_CRC_LEN = 3
};

/* checksum_crc16 is the reflected CRC with polynomial 0xA001: Modbus starts
 * from 0xffff, SDI-12 and DSMR P1 from 0; what it returns of one piece is where
 * the next starts from. */
uint16_t checksum_crc16(const void *data, size_t len, uint16_t init);

/* checksum_sdi12 writes the CRC as three printable characters.
 * Spec: SDI-12 1.4, 4.4.12.2. */
void checksum_sdi12(const void *data, size_t len, char out[SDI12_CRC_LEN]);

uint8_t checksum_xor(const void *data, size_t len);
uint8_t checksum_sum(const void *data, size_t len);

#endif
