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
#include "tests/thingsim/pdu.h"

#include <string.h>

enum { MBAP = 7, LENGTH_MAX = 1 + PDU_MAX };
enum { STALE_US = 100000 }; /* what a broken frame may wait for its rest */

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

static uint8_t
answer_unit(const struct unit *u, uint8_t asked)
{
	return (uint8_t)(asked + (u->fault.kind == FAULT_WRONG_UNIT));
}

static void
wrap_tcp(const struct unit *u, const struct heard *h, struct buf *pdu,
    struct buf *out)
{
	size_t len = pdu->len + 1;

	buf_add(out, h->frame, 4); /* transaction and protocol as asked */
	buf_putc(out, (char)(len >> 8));
	buf_putc(out, (char)len);
	buf_putc(out, (char)answer_unit(u, h->unit));
	buf_add(out, pdu->data, pdu->len);
}

static void
wrap_rtu(const struct unit *u, const struct heard *h, struct buf *pdu,
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
    struct buf *pdu, struct buf *out);

static void
broadcast(struct chan *c, const struct heard *h)
{
	for (size_t i = 0; i < c->bus->n_units; i++) {
		struct buf unheard = { 0 };

		c->bus->units[i]->requests++;
		pdu_serve(c->bus->units[i], h->pdu, h->pdu_len, &unheard);
		buf_fini(&unheard);
	}
}

static void
serve(struct chan *c, const struct heard *h, wrap_fn *wrap)
{
	struct unit *u = plant_at(c->bus, h->unit);
	struct buf pdu = { 0 }, out = { 0 };

	if (!u)
		return;
	u->requests++;
	if (u->fault.kind == FAULT_SILENT)
		return;
	pdu_serve(u, h->pdu, h->pdu_len, &pdu);
	wrap(u, h, &pdu, &out);
	/* Without a check on TCP the byte count, or exception code, is spoilt:
	 * the frame contradicts itself.  On a serial line it is the CRC. */
	chan_answer(c, u, &out, h->frame, h->len,
	    wrap == wrap_rtu ? out.len - 1 : MBAP + 1);
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

		if (get16(p + 2) != 0 || length < 2 || length > LENGTH_MAX) {
			chan_close(c);
			return;
		}
		if (c->in.len < h.len)
			return;
		serve(c, &h, wrap_tcp);
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

static void
serve_rtu(struct chan *c, const uint8_t *p, size_t len)
{
	struct heard h = { p, len, p[0], p + 1, len - 3 };

	if (h.unit == 0)
		broadcast(c, &h);
	else
		serve(c, &h, wrap_rtu);
}

void
wire_rtu_input(struct chan *c)
{
	if (loop_us() - c->last_in_us > STALE_US && c->in_old)
		buf_consume(&c->in, c->in_old);
	while (!c->dead && c->in.len) {
		const uint8_t *p = (const uint8_t *)c->in.data;
		size_t len = request_len(p, c->in.len);

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
