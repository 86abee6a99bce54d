/*
 * Modbus TCP:  | transaction 2 | protocol 2 = 0 | length 2 | unit 1 | PDU |
 *              length counts the unit and the PDU
 * Modbus RTU:  | unit 1 | PDU | CRC-16 2, low byte first |
 *
 * A serial frame ends where the line falls silent.  On a pty there is no such
 * silence, but the length of every request follows from its function.
 */
#include "tests/thingsim/wire.h"

#include "tests/thingsim/chan.h"
#include "tests/thingsim/check.h"
#include "tests/thingsim/exchange.h"
#include "tests/thingsim/pdu.h"

#include <string.h>

enum { MBAP = 7, LENGTH_MAX = 1 + PDU_MAX, RTU_MAX = LENGTH_MAX + 2 };
/* What a broken frame may wait for its rest, where no silence is measured. */
enum { STALE_NS = 100000000 };

/* What stands on the wire around a PDU, each in its own way. */
struct heard {
	const uint8_t *frame;
	size_t len;
	uint8_t unit;
	const uint8_t *pdu;
	size_t pdu_len;
};

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Some faults change what stands before a check is made of it. */
static uint8_t
answer_unit(const struct unit *u, uint8_t asked)
{
	return (uint8_t)(asked + (u->now.kind == FAULT_WRONG_UNIT));
}

static void
wrap_tcp(const struct unit *u, const struct heard *h, const struct buf *pdu,
    struct buf *out)
{
	unsigned tid = get16(h->frame) + (u->now.kind == FAULT_WRONG_TID);
	size_t len = pdu->len + 1;
	uint8_t head[MBAP] = { (uint8_t)(tid >> 8), (uint8_t)tid, 0, 0,
		(uint8_t)(len >> 8), (uint8_t)len, answer_unit(u, h->unit) };

	buf_add(out, head, sizeof(head));
	buf_add(out, pdu->data, pdu->len);
}

static void
wrap_rtu(const struct unit *u, const struct heard *h, const struct buf *pdu,
    struct buf *out)
{
	uint16_t crc;

	buf_putc(out, (char)answer_unit(u, h->unit));
	buf_add(out, pdu->data, pdu->len);
	crc = check_crc16(out->data, out->len);
	buf_putc(out, (char)crc);
	buf_putc(out, (char)(crc >> 8));
}

typedef void wrap_fn(const struct unit *u, const struct heard *h,
    const struct buf *pdu, struct buf *out);

static struct exchange
exchange(struct chan *c, struct unit *u, const struct heard *h)
{
	struct pdu_about about = pdu_about(h->pdu, h->pdu_len);

	return (struct exchange){
		.chan = c,
		.unit = u,
		.request = h->frame,
		.len = h->len,
		.write = about.write,
		.function = about.function,
		.addr = about.addr,
		.count = about.count,
	};
}

static void
serve(struct chan *c, struct unit *u, const struct heard *h, wrap_fn *wrap)
{
	struct exchange x = exchange(c, u, h);
	struct buf pdu = { 0 }, out = { 0 };

	if (!exchange_begin(&x))
		return;
	pdu_serve(u, h->pdu, h->pdu_len, &pdu);
	if (u->now.kind == FAULT_WRONG_FUNCTION)
		pdu.data[0]++;
	if (h->unit != 0 || wrap == wrap_tcp) {
		wrap(u, h, &pdu, &out);
		/* Without a check on TCP the byte count, or exception code, is
		 * spoilt: the frame contradicts itself.  On a serial line it is
		 * the CRC. */
		exchange_answer(
		    &x, &out, wrap == wrap_rtu ? out.len - 1 : MBAP + 1);
	}
	buf_fini(&pdu);
	buf_fini(&out);
}

void
wire_tcp_input(struct chan *c)
{
	while (!c->dead && c->in.len >= MBAP) {
		const uint8_t *p = (const uint8_t *)c->in.data;
		size_t length = get16(p + 4);
		struct heard h = {
			.frame = p,
			.len = MBAP - 1 + length,
			.unit = p[6],
			.pdu = p + MBAP,
			.pdu_len = length - 1,
		};
		struct unit *u;

		if (get16(p + 2) != 0 || length < 2 || length > LENGTH_MAX) {
			chan_close(c);
			return;
		}
		if (c->in.len < h.len)
			return;
		u = plant_at(c->bus, h.unit);
		if (u)
			serve(c, u, &h, wrap_tcp);
		buf_consume(&c->in, h.len);
	}
}

/* The frame lengths of requests, unit to CRC; 0: not one that is known. */
static const uint8_t lengths[] = {
	[1] = 8,
	[2] = 8,
	[3] = 8,
	[4] = 8,
	[5] = 8,
	[6] = 8,
	[7] = 4,
	[8] = 8,
	[11] = 4,
	[12] = 4,
	[17] = 4,
	[22] = 10,
	[43] = 7,
};

/* request_len gives the length of the frame that begins at p, 0 when it begins
 * with no function known, or SIZE_MAX while that cannot be told. */
static size_t
request_len(const uint8_t *p, size_t len)
{
	size_t count_at;

	if (len < 2)
		return SIZE_MAX;
	if (p[1] != 15 && p[1] != 16 && p[1] != 23)
		return p[1] < sizeof(lengths) ? lengths[p[1]] : 0;
	count_at = p[1] == 23 ? 10 : 6;
	return len > count_at ? count_at + 1 + p[count_at] + 2 : SIZE_MAX;
}

/* too_early tells whether the line was not silent for as long as a frame
 * needs to be told from the one before. */
static bool
too_early(struct chan *c)
{
	if (c->silence_ns >= exchange_gap(c))
		return false;
	c->bus->early_frames++;
	return c->bus->limits.early == EARLY_IGNORE;
}

static void
serve_rtu(struct chan *c, const uint8_t *p, size_t len)
{
	struct heard h = { p, len, p[0], p + 1, len - 3 };
	struct unit *u = plant_at(c->bus, h.unit);

	if (too_early(c))
		return;
	if (u && h.unit)
		serve(c, u, &h, wrap_rtu);
	/* A broadcast is for all of them, and nobody answers. */
	for (size_t i = 0; !h.unit && i < c->bus->n_units; i++)
		serve(c, c->bus->units[i], &h, wrap_rtu);
}

/* An unknown function does not tell its length: it is a frame if all that has
 * come is one. */
static bool
is_frame(const uint8_t *p, size_t len)
{
	return len >= 4 && len <= RTU_MAX && check_crc16(p, len) == 0;
}

void
wire_rtu_input(struct chan *c)
{
	if (loop_ns() - c->last_in_ns > STALE_NS && c->in_old)
		buf_consume(&c->in, c->in_old);
	while (!c->dead && c->in.len) {
		const uint8_t *p = (const uint8_t *)c->in.data;
		size_t len = request_len(p, c->in.len);

		if (len == 0 && is_frame(p, c->in.len))
			len = c->in.len;
		if (len != 0 && len > c->in.len)
			break;
		if (len == 0 || check_crc16(p, len) != 0) {
			buf_consume(&c->in, 1); /* look for one further on */
			continue;
		}
		serve_rtu(c, p, len);
		buf_consume(&c->in, len);
	}
	c->in_old = c->in.len;
}
