#include "tests/thingsim/check.h"

static uint16_t
crc16(uint16_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc =
			    (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
	}
	return crc;
}

uint16_t
check_crc16(const void *data, size_t len)
{
	return crc16(0xFFFF, data, len);
}

static uint8_t
xor8(const char *p, size_t len)
{
	uint8_t x = 0;

	while (len--)
		x ^= (uint8_t)*p++;
	return x;
}

static uint8_t
sum8(const char *p, size_t len)
{
	uint8_t x = 0;

	while (len--)
		x = (uint8_t)(x + (uint8_t)*p++);
	return x;
}

static void
add_nmea(struct buf *out, const char *p, size_t len)
{
	buf_printf(out, "*%02X", xor8(p, len));
}

static void
add_crc16(struct buf *out, const char *p, size_t len)
{
	uint16_t crc = check_crc16(p, len);

	buf_putc(out, (char)crc);
	buf_putc(out, (char)(crc >> 8));
}

/* SDI-12 1.4, 4.4.12: three printable characters carry the CRC. */
static void
add_sdi12(struct buf *out, const char *p, size_t len)
{
	unsigned crc = crc16(0, p, len);

	buf_putc(out, (char)(0x40 | crc >> 12));
	buf_putc(out, (char)(0x40 | (crc >> 6 & 0x3F)));
	buf_putc(out, (char)(0x40 | (crc & 0x3F)));
}

static void
add_lrc(struct buf *out, const char *p, size_t len)
{
	buf_printf(out, "%02X", (unsigned)(-sum8(p, len) & 0xFF));
}

static void
add_sum8(struct buf *out, const char *p, size_t len)
{
	buf_printf(out, "%02X", sum8(p, len));
}

/* What stands before the end mark.  Those of meters, IEC 62056-21 and DSMR P1,
 * follow the end mark and cover it. */
static void (*const checks[])(struct buf *out, const char *p, size_t len) = {
	[CHECK_NONE] = NULL,
	[CHECK_NMEA_XOR] = add_nmea,
	[CHECK_CRC16_MODBUS] = add_crc16,
	[CHECK_SDI12_CRC] = add_sdi12,
	[CHECK_LRC] = add_lrc,
	[CHECK_SUM8] = add_sum8,
	[CHECK_BCC] = NULL,
	[CHECK_CRC16_DSMR] = NULL,
};

size_t
check_length(enum frame_check check)
{
	static const size_t lengths[] = {
		[CHECK_NONE] = 0,
		[CHECK_NMEA_XOR] = 3,
		[CHECK_CRC16_MODBUS] = 2,
		[CHECK_SDI12_CRC] = 3,
		[CHECK_LRC] = 2,
		[CHECK_SUM8] = 2,
		[CHECK_BCC] = 1,
		[CHECK_CRC16_DSMR] = 4,
	};

	return lengths[check];
}

void
check_end(const struct frame *f, struct buf *out, size_t from)
{
	struct buf sum = { 0 };
	size_t begin = from;

	from += f->start.len;
	if (checks[f->check])
		checks[f->check](&sum, out->data + from, out->len - from);
	if (sum.len)
		buf_add(out, sum.data, sum.len);
	buf_fini(&sum);
	buf_add(out, f->end.data, f->end.len);
	if (f->check == CHECK_BCC)
		buf_putc(out, (char)xor8(out->data + from, out->len - from));
	if (f->check == CHECK_CRC16_DSMR)
		buf_printf(
		    out, "%04X", crc16(0, out->data + begin, out->len - begin));
}
