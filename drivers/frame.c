#include "drivers/frame.h"

#include "common/mem.h"
#include "drivers/checksum.h"

#include <stdlib.h>
#include <string.h>

static size_t
max_payload(const struct frame *spec)
{
	int64_t max = spec->length > spec->max ? spec->length : spec->max;

	return max > 0 && max < FRAME_MAX ? (size_t)max : FRAME_MAX;
}

/* How many bytes follow the end: the BCC of IEC 62056-21 does. */
static size_t
trailer(const struct frame *spec)
{
	return spec->check == CHECK_BCC && spec->end.len ? 1 : 0;
}

static size_t
longest(const struct frame *spec)
{
	return spec->start.len + max_payload(spec) + spec->end.len +
	    trailer(spec);
}

void
framer_init(struct framer *f, const struct frame *spec)
{
	memset(f, 0, sizeof(*f));
	f->spec = spec;
	f->cap = longest(spec) + FRAMER_CHUNK;
	f->data = mem_zalloc(f->cap);
}

void
framer_fini(struct framer *f)
{
	free(f->data);
	memset(f, 0, sizeof(*f));
}

static void
drop(struct framer *f, size_t n)
{
	memmove(f->data, f->data + n, f->len - n);
	f->len -= n;
}

static void
drop_garbage(struct framer *f, size_t n)
{
	f->garbage += n;
	drop(f, n);
}

void
framer_reset(struct framer *f)
{
	drop(f, f->done);
	f->done = 0;
	drop_garbage(f, f->len);
	f->skipping = false;
}

void
framer_feed(struct framer *f, const void *data, size_t n)
{
	drop(f, f->done);
	f->done = 0;
	if (n > f->cap - f->len) {
		f->garbage += n - (f->cap - f->len);
		n = f->cap - f->len;
	}
	if (n)
		memcpy(f->data + f->len, data, n);
	f->len += n;
}

/* The place of what in s[len], or len. */
static size_t
find(const char *s, size_t len, const struct bytes *what)
{
	for (size_t i = 0; i + what->len <= len; i++) {
		if (memcmp(s + i, what->data, what->len) == 0)
			return i;
	}
	return len;
}

/* Drops what stands before the start bytes; false: they have not come. */
static bool
seek_start(struct framer *f)
{
	const struct bytes *start = &f->spec->start;
	size_t at, keep;

	if (start->len == 0)
		return f->len > 0;
	at = find(f->data, f->len, start);
	if (at < f->len) {
		drop_garbage(f, at);
		return true;
	}
	/* The tail may be the first part of the start bytes. */
	keep = f->len < start->len - 1 ? f->len : start->len - 1;
	drop_garbage(f, f->len - keep);
	return false;
}

/* The length of the whole frame at the front, or 0: it is not complete.
 * *payload is the length of what stands between start and end. */
static size_t
whole(const struct framer *f, bool idle, size_t *payload)
{
	const struct frame *spec = f->spec;
	size_t from = spec->start.len, len, total;

	if (spec->length > 0) {
		size_t want = (size_t)spec->length;
		size_t ends = from + spec->end.len;

		*payload = want > ends ? want - ends : 0;
		return f->len >= want ? want : 0;
	}
	if (spec->end.len) {
		len = find(f->data + from, f->len - from, &spec->end);
		total = from + len + spec->end.len + trailer(spec);
		*payload = len;
		if (len < f->len - from && total <= f->len)
			return total;
	}
	if (spec->end.len == 0 && idle && spec->idle_ms > 0) {
		*payload = f->len - from;
		return f->len;
	}
	return 0;
}

/* A start inside of a message: the one before it lost its end.  Not for
 * messages of fixed length, which may hold any byte, nor where one character
 * is both start and end. */
static size_t
restart(const struct framer *f, size_t payload)
{
	const struct frame *spec = f->spec;
	size_t from = spec->start.len, at;

	if (from == 0 || spec->length > 0 || spec->end.len == 0)
		return 0;
	at = find(f->data + from, payload, &spec->start);
	return at < payload ? from + at : 0;
}

/* Gives up on a message that is too long: goes on at the next start, or after
 * the next end. */
static void
resync(struct framer *f)
{
	const struct bytes *end = &f->spec->end;
	size_t at = f->len;

	if (f->spec->start.len) {
		drop_garbage(f, 1);
		return;
	}
	f->skipping = true;
	if (end->len) {
		at = find(f->data, f->len, end);
		if (at == f->len) /* its last bytes may be the end's first */
			at -= end->len - 1;
	}
	drop_garbage(f, at);
}

static bool
end_holds(const struct framer *f, size_t payload)
{
	const struct frame *spec = f->spec;

	return spec->length <= 0 || spec->end.len == 0 ||
	    memcmp(f->data + spec->start.len + payload, spec->end.data,
		spec->end.len) == 0;
}

/* Decides about the whole frame at the front: hand it out, or drop it. */
static bool
take(struct framer *f, size_t total, size_t payload, struct message *out)
{
	size_t from = f->spec->start.len, again = restart(f, payload);

	if (again) {
		drop_garbage(f, again);
		return false;
	}
	if (!end_holds(f, payload)) {
		drop_garbage(f, 1);
		return false;
	}
	if (payload > max_payload(f->spec) && from) {
		resync(f);
		return false;
	}
	if (f->skipping || payload > max_payload(f->spec)) {
		f->skipping = false;
		drop_garbage(f, total);
		return false;
	}
	if (payload == 0) {
		drop(f, total);
		return false;
	}
	f->done = total;
	out->data = f->data + from;
	out->len = payload;
	out->after = trailer(f->spec) ? (uint8_t)f->data[total - 1] : 0;
	return true;
}

bool
framer_next(struct framer *f, bool idle, struct message *out)
{
	drop(f, f->done);
	f->done = 0;
	while (seek_start(f)) {
		size_t payload = 0, total = whole(f, idle, &payload);

		if (total == 0 && idle && f->spec->idle_ms > 0) {
			drop_garbage(f, f->len);
		} else if (total == 0) {
			if (f->len <= longest(f->spec))
				return false;
			resync(f);
		} else if (take(f, total, payload, out)) {
			return true;
		}
	}
	if (idle && f->len == 0)
		f->skipping = false;
	return false;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Compares the two hexadecimal digits at s. */
static bool
hex_is(const char *s, unsigned want)
{
	int hi = hex_digit(s[0]), lo = hex_digit(s[1]);

	return hi >= 0 && lo >= 0 && (unsigned)(hi << 4 | lo) == want;
}

static bool
check_nmea(const struct frame *spec, const struct message *m, size_t body)
{
	(void)spec;
	return m->data[body] == '*' &&
	    hex_is(m->data + body + 1, checksum_xor(m->data, body));
}

static bool
check_crc16(const struct frame *spec, const struct message *m, size_t body)
{
	unsigned crc = checksum_crc16(m->data, body, CRC16_MODBUS_INIT);

	(void)spec;
	return (uint8_t)m->data[body] == (crc & 0xff) &&
	    (uint8_t)m->data[body + 1] == crc >> 8;
}

static bool
check_sdi12(const struct frame *spec, const struct message *m, size_t body)
{
	char crc[SDI12_CRC_LEN];

	(void)spec;
	checksum_sdi12(m->data, body, crc);
	return memcmp(m->data + body, crc, sizeof(crc)) == 0;
}

static bool
check_lrc(const struct frame *spec, const struct message *m, size_t body)
{
	(void)spec;
	return hex_is(
	    m->data + body, (uint8_t) - (unsigned)checksum_sum(m->data, body));
}

static bool
check_sum8(const struct frame *spec, const struct message *m, size_t body)
{
	(void)spec;
	return hex_is(m->data + body, checksum_sum(m->data, body));
}

static bool
check_bcc(const struct frame *spec, const struct message *m, size_t body)
{
	uint8_t sum = checksum_xor(m->data, body);

	if (spec->end.len == 0)
		return (uint8_t)m->data[body] == sum;
	sum ^= checksum_xor(spec->end.data, spec->end.len);
	return m->after == sum;
}

enum err
frame_check(const struct frame *spec, struct message *m)
{
	static const struct {
		size_t len; /* of the checksum inside of the message */
		bool (*holds)(
		    const struct frame *, const struct message *, size_t);
	} checks[] = {
		[CHECK_NONE] = { 0, NULL },
		[CHECK_NMEA_XOR] = { 3, check_nmea },
		[CHECK_CRC16_MODBUS] = { 2, check_crc16 },
		[CHECK_SDI12_CRC] = { SDI12_CRC_LEN, check_sdi12 },
		[CHECK_LRC] = { 2, check_lrc },
		[CHECK_SUM8] = { 2, check_sum8 },
		[CHECK_BCC] = { 1, check_bcc },
	};
	size_t len = trailer(spec) ? 0 : checks[spec->check].len;

	if (m->len < len)
		return ERR_PROTO;
	if (checks[spec->check].holds &&
	    !checks[spec->check].holds(spec, m, m->len - len))
		return ERR_PROTO;
	m->len -= len;
	return OK;
}
