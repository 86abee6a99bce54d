/* Bytes of a text device to messages: where one begins and ends, and whether
 * its checksum holds.  No I/O, no clock. */
#ifndef DRIVERS_FRAME_H
#define DRIVERS_FRAME_H

#include "common/err.h"
#include "config/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAMER_CHUNK = 512, FRAME_MAX = 65536 };

/* A message without its start and end bytes; it lies in the framer until the
 * framer's next call. */
struct message {
	const char *data;
	size_t len;
	const struct bytes *start; /* that it began with, may be empty */
	const struct bytes *end;   /* that it ended with; NULL: none */
	const char *after;         /* bcc, crc16-dsmr: what follows the end */
};

struct framer {
	const struct frame *spec; /* borrowed */
	char *data;
	size_t len, cap;
	size_t done;      /* bytes of the message handed out last */
	bool skipping;    /* inside a message that is too long */
	size_t looked;    /* bytes behind the start without an end in them */
	uint64_t garbage; /* bytes that belonged to no message */
	uint64_t resyncs; /* times that a message had to be given up */
};

/* frame_fill makes the text of one unit: "{address}" becomes its address; text
 * may hold any byte.  Returns owned, of *len bytes. */
char *frame_fill(const struct bytes *text, int address, size_t *len);

/* framer_init makes an empty framer.  Owns: end with framer_fini. */
void framer_init(struct framer *f, const struct frame *spec);
void framer_fini(struct framer *f);

/* framer_reset forgets what came, counted as garbage. */
void framer_reset(struct framer *f);

/* framer_feed adds n bytes, at most FRAMER_CHUNK; call framer_next until it is
 * false before the next. */
void framer_feed(struct framer *f, const void *data, size_t n);

/* framer_next hands out the next whole message, or false.  idle: the line has
 * been silent for spec->idle_ms.  Bytes outside of messages, messages longer
 * than spec->max and empty ones are dropped; bytes after a message are kept.
 * Of several end strings the one that is complete first ends the message.
 * Silence ends a message that has neither end bytes nor a length; of others it
 * drops the part that came, whose rest was lost. */
bool framer_next(struct framer *f, bool idle, struct message *out);

/* framer_reject says that the message handed out last did not hold.  Where
 * start bytes, or a length and a CRC, tell messages from rubbish, what follows
 * its first byte is looked at again: the true one may have begun inside. */
void framer_reject(struct framer *f);

/* frame_check verifies m and drops the checksum from m->len:
 *
 *     nmea-xor      ...*hh        xor of what stands before the star
 *     crc16-modbus  ... lo hi     two raw bytes
 *     sdi12-crc     ...ccc        three characters
 *     lrc           ...hh         two's complement of the sum
 *     sum8          ...hh         sum of the bytes
 *     bcc           ... end b     raw xor of message and end (IEC 62056-21);
 *                                 without end bytes, its last byte
 *     crc16-dsmr    ... end hhhh  CRC of start, message and end (DSMR P1);
 *                                 without end bytes, its last four
 *
 * hh are two hexadecimal digits of either case.
 * Errors: ERR_PROTO.  Thread: any. */
enum err frame_check(const struct frame *spec, struct message *m) MUST_USE;

#endif
