#include "drivers/frame.h"

#include "common/buf.h"
#include "common/mem.h"
#include "common/num.h"
#include "drivers/checksum.h"

#include <stdlib.h>
#include <string.h>

char *
frame_fill(const struct bytes *text, int address, size_t *len)
{
	static const char mark[] = "{address}";
	const size_t n = sizeof(mark) - 1;
	struct buf b = { 0 };

	for (size_t i = 0; i < text->len;) {
		if (i + n <= text->len &&
		    memcmp(text->data + i, mark, n) == 0) {
			buf_printf(&b, "%d", address);
			i += n;
		} else {
			buf_putc(&b, text->data[i++]);
		}
	}
	*len = b.len;
	return buf_take(&b);
}

/* Whether a message tells its length, or all have the same. */
static bool
has_length(const struct frame *spec)
{
	return spec->length > 0 || spec->has_length_at;
}

static size_t
max_payload(const struct frame *spec)
{
	int64_t max = spec->length > spec->max ? spec->length : spec->max;

	return max > 0 && max < FRAME_MAX ? (size_t)max : FRAME_MAX;
}

enum { BCC_LEN = 1, DSMR_LEN = 4 };

/* How many bytes follow the end: the BCC of IEC 62056-21 does, and the CRC of
 * a smart meter. */
static size_t
trailer(const struct frame *spec)
{
	if (spec->end.len == 0)
		return 0;
	return spec->check == CHECK_BCC       ? BCC_LEN
	    : spec->check == CHECK_CRC16_DSMR ? DSMR_LEN
					      : 0;
}

static const struct bytes *
end_at(const struct frame *spec, size_t i)
{
	return i == 0 ? &spec->end : &spec->ends[i - 1];
}

static size_t
longest_end(const struct frame *spec)
{
	size_t max = 0;

	for (size_t i = 0; i <= spec->n_ends; i++) {
		if (end_at(spec, i)->len > max)
			max = end_at(spec, i)->len;
	}
	return max;
}

static size_t
longest(const struct frame *spec)
{
	return spec->start.len + max_payload(spec) + longest_end(spec) +
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
	if (n == 0)
		return;
	memmove(f->data, f->data + n, f->len - n);
	f->len -= n;
	f->looked = 0;
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

/* A whole frame at the front of what has come. */
struct whole {
	size_t total, payload;
	const struct bytes *end; /* NULL: none */
};

/* The end string that is complete with the byte at i of s; the longest, for
 * "\r\n" holds "\n". */
static const struct bytes *
end_with(const struct frame *spec, const char *s, size_t i)
{
	const struct bytes *best = NULL;

	for (size_t k = 0; k <= spec->n_ends; k++) {
		const struct bytes *end = end_at(spec, k);

		if (end->len == 0 || end->len > i + 1 ||
		    memcmp(s + i + 1 - end->len, end->data, end->len) != 0)
			continue;
		if (!best || end->len > best->len)
			best = end;
	}
	return best;
}

static bool
whole_by_end(struct framer *f, struct whole *w)
{
	size_t from = f->spec->start.len;
	size_t len = f->len > from ? f->len - from : 0;

	for (size_t i = f->looked; i < len; i++) {
		w->end = end_with(f->spec, f->data + from, i);
		if (!w->end)
			continue;
		f->looked = i; /* its trailer may be missing still */
		w->payload = i + 1 - w->end->len;
		w->total = from + i + 1 + trailer(f->spec);
		return w->total <= f->len;
	}
	f->looked = len;
	return false;
}

/* The whole length that the message tells, or that all have; 0: not yet. */
static int64_t
told_length(const struct framer *f)
{
	const struct frame *spec = f->spec;

	if (!spec->has_length_at)
		return spec->length;
	if ((int64_t)f->len <= spec->length_at)
		return 0;
	return (uint8_t)f->data[spec->length_at] + spec->length_add;
}

/* False as well when no message can be as long as it says: *bad. */
static bool
whole_by_length(const struct framer *f, struct whole *w, bool *bad)
{
	const struct frame *spec = f->spec;
	int64_t told = told_length(f);
	size_t around = spec->start.len + spec->end.len + trailer(spec);

	if (told == 0 && spec->has_length_at &&
	    (int64_t)f->len <= spec->length_at)
		return false;
	*bad = told <= (int64_t)around || told > (int64_t)longest(spec) ||
	    (spec->has_length_at && told <= spec->length_at);
	if (*bad || (int64_t)f->len < told)
		return false;
	w->total = (size_t)told;
	w->payload = w->total - around;
	w->end = spec->end.len ? &spec->end : NULL;
	return true;
}

static bool
whole(struct framer *f, bool idle, struct whole *w, bool *bad)
{
	const struct frame *spec = f->spec;

	if (has_length(spec))
		return whole_by_length(f, w, bad);
	if (spec->end.len)
		return whole_by_end(f, w);
	if (!idle || spec->idle_ms <= 0)
		return false;
	w->total = f->len;
	w->payload = f->len - spec->start.len;
	return true;
}

/* The last start inside of a message: those before it lost their end.  Not for
 * messages that have a length, which may hold any byte, nor where one character
 * is both start and end. */
static size_t
restart(const struct framer *f, size_t payload)
{
	const struct bytes *start = &f->spec->start;

	if (start->len == 0 || has_length(f->spec) || f->spec->end.len == 0)
		return 0;
	for (size_t at = payload; at >= start->len; at--) {
		if (memcmp(f->data + at, start->data, start->len) == 0)
			return at;
	}
	return 0;
}

static void
give_up(struct framer *f, size_t n)
{
	f->resyncs++;
	drop_garbage(f, n);
}

/* Where the first end in what has come begins; or, without one, where it
 * may. */
static size_t
end_begin(const struct framer *f)
{
	size_t keep = longest_end(f->spec);

	for (size_t i = 0; i < f->len; i++) {
		const struct bytes *end = end_with(f->spec, f->data, i);

		if (end)
			return i + 1 - end->len;
	}
	if (keep == 0 || f->len < keep - 1)
		return f->len;
	return f->len - (keep - 1);
}

/* Gives up on a message that is too long: goes on at the next start, or after
 * the next end. */
static void
resync(struct framer *f)
{
	if (f->spec->start.len || has_length(f->spec)) {
		give_up(f, 1);
		return;
	}
	f->resyncs += !f->skipping;
	f->skipping = true;
	drop_garbage(f, end_begin(f));
}

static bool
end_holds(const struct framer *f, const struct whole *w)
{
	const struct frame *spec = f->spec;

	return !has_length(spec) || !w->end ||
	    memcmp(f->data + spec->start.len + w->payload, w->end->data,
		w->end->len) == 0;
}

/* Decides about the whole frame at the front: hand it out, or drop it. */
static bool
take(struct framer *f, const struct whole *w, struct message *out)
{
	size_t from = f->spec->start.len, again = restart(f, w->payload);

	if (again) {
		give_up(f, again);
		return false;
	}
	if (!end_holds(f, w)) {
		give_up(f, 1);
		return false;
	}
	if (w->payload > max_payload(f->spec) && from) {
		resync(f);
		return false;
	}
	if (f->skipping || w->payload > max_payload(f->spec)) {
		f->resyncs += !f->skipping;
		f->skipping = false;
		drop_garbage(f, w->total);
		return false;
	}
	if (w->payload == 0) {
		drop(f, w->total);
		return false;
	}
	f->done = w->total;
	out->data = f->data + from;
	out->len = w->payload;
	out->start = &f->spec->start;
	out->end = w->end;
	out->after = f->data + w->total - trailer(f->spec);
	return true;
}

void
framer_reject(struct framer *f)
{
	const struct frame *spec = f->spec;
	bool crc = spec->check == CHECK_CRC16_MODBUS ||
	    spec->check == CHECK_SDI12_CRC || spec->check == CHECK_CRC16_DSMR;

	f->resyncs++;
	f->garbage += f->done;
	if (spec->start.len || (has_length(spec) && crc)) {
		f->garbage -= f->done ? f->done - 1 : 0;
		f->done = f->done ? 1 : 0;
	}
}

bool
framer_next(struct framer *f, bool idle, struct message *out)
{
	drop(f, f->done);
	f->done = 0;
	while (seek_start(f)) {
		struct whole w = { 0 };
		bool bad = false;

		if (whole(f, idle, &w, &bad)) {
			if (take(f, &w, out))
				return true;
		} else if (idle && f->spec->idle_ms > 0) {
			give_up(f, f->len);
		} else if (bad || f->len > longest(f->spec)) {
			resync(f);
		} else {
			return false;
		}
	}
	if (idle && f->len == 0)
		f->skipping = false;
	return false;
}

/* Compares the two hexadecimal digits at s. */
static bool
hex_is(const char *s, unsigned want)
{
	int hi = num_hex(s[0]), lo = num_hex(s[1]);

	return hi >= 0 && lo >= 0 && (unsigned)(hi << 4 | lo) == want;
}

static bool
check_nmea(const struct message *m, size_t body)
{
	return m->data[body] == '*' &&
	    hex_is(m->data + body + 1, checksum_xor(m->data, body));
}

static bool
check_crc16(const struct message *m, size_t body)
{
	unsigned crc = checksum_crc16(m->data, body, CRC16_MODBUS_INIT);

	return (uint8_t)m->data[body] == (crc & 0xff) &&
	    (uint8_t)m->data[body + 1] == crc >> 8;
}

static bool
check_sdi12(const struct message *m, size_t body)
{
	char crc[SDI12_CRC_LEN];

	checksum_sdi12(m->data, body, crc);
	return memcmp(m->data + body, crc, sizeof(crc)) == 0;
}

static bool
check_lrc(const struct message *m, size_t body)
{
	return hex_is(
	    m->data + body, (uint8_t) - (unsigned)checksum_sum(m->data, body));
}

static bool
check_sum8(const struct message *m, size_t body)
{
	return hex_is(m->data + body, checksum_sum(m->data, body));
}

static bool
check_bcc(const struct message *m, size_t body)
{
	uint8_t sum = checksum_xor(m->data, body);

	if (!m->end)
		return (uint8_t)m->data[body] == sum;
	sum ^= checksum_xor(m->end->data, m->end->len);
	return (uint8_t)m->after[0] == sum;
}

/* Over all from '/' to '!'.  Spec: DSMR P1 companion standard 4.0, 5.12. */
static bool
check_dsmr(const struct message *m, size_t body)
{
	const char *told = m->end ? m->after : m->data + body;
	uint16_t crc = CRC16_DSMR_INIT;

	if (m->start)
		crc = checksum_crc16(m->start->data, m->start->len, crc);
	crc = checksum_crc16(m->data, body, crc);
	if (m->end)
		crc = checksum_crc16(m->end->data, m->end->len, crc);
	return hex_is(told, crc >> 8) && hex_is(told + 2, crc & 0xff);
}

enum err
frame_check(const struct frame *spec, struct message *m)
{
	static const struct {
		size_t len; /* of the checksum inside of the message */
		bool (*holds)(const struct message *, size_t body);
	} checks[] = {
		[CHECK_NONE] = { 0, NULL },
		[CHECK_NMEA_XOR] = { 3, check_nmea },
		[CHECK_CRC16_MODBUS] = { 2, check_crc16 },
		[CHECK_SDI12_CRC] = { SDI12_CRC_LEN, check_sdi12 },
		[CHECK_LRC] = { 2, check_lrc },
		[CHECK_SUM8] = { 2, check_sum8 },
		[CHECK_BCC] = { BCC_LEN, check_bcc },
		[CHECK_CRC16_DSMR] = { DSMR_LEN, check_dsmr },
	};
	size_t len = m->end && trailer(spec) ? 0 : checks[spec->check].len;

	if (m->len < len)
		return ERR_PROTO;
	if (checks[spec->check].holds &&
	    !checks[spec->check].holds(m, m->len - len))
		return ERR_PROTO;
	m->len -= len;
	return OK;
}
