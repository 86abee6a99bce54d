#include "tests/thingsim/pdu.h"

#include "tests/thingsim/unit.h"

#include <string.h>

enum exception { EX_NONE, EX_FUNCTION, EX_ADDRESS, EX_VALUE };
enum { READ_REGS_MAX = 125, READ_BITS_MAX = 2000 };
enum { WRITE_REGS_MAX = 123, WRITE_BITS_MAX = 1968 };
enum { COIL_ON = 0xFF00 };

/* A request of one of the eight functions, taken apart. */
struct request {
	enum modbus_table table;
	unsigned addr, n;
	const uint8_t *data; /* what is written */
	size_t len;
};

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put16(struct buf *b, unsigned v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

static bool
is_bits(enum modbus_table t)
{
	return t == MB_COIL || t == MB_DISCRETE;
}

/* A device answers for what it has; between its registers most answer zero. */
static bool
readable(const struct unit *u, const struct request *r)
{
	for (unsigned a = r->addr; a < r->addr + r->n; a++) {
		if (image_cell(&u->image, (int)r->table, a))
			continue;
		if (u->strict_holes ||
		    !image_spans(&u->image, (int)r->table, a))
			return false;
	}
	return true;
}

static unsigned
value_at(const struct unit *u, const struct request *r, unsigned i)
{
	const struct cell *c =
	    image_cell(&u->image, (int)r->table, r->addr + i);

	return c ? c->value : 0;
}

static bool
allowed_count(const struct unit *u, const struct request *r)
{
	unsigned most = is_bits(r->table) ? READ_BITS_MAX : READ_REGS_MAX;

	if (r->n == 0 || r->n > most)
		return false;
	if (is_bits(r->table))
		return u->tmpl->max_read_bits <= 0 ||
		    r->n <= u->tmpl->max_read_bits;
	return u->max_read <= 0 || r->n <= u->max_read;
}

static enum exception
read_table(struct unit *u, const struct request *r, struct buf *answer)
{
	if (!allowed_count(u, r))
		return EX_VALUE;
	if (!readable(u, r))
		return EX_ADDRESS;
	unit_refresh(u);
	if (is_bits(r->table)) {
		buf_putc(answer, (char)((r->n + 7) / 8));
		for (unsigned i = 0; i < r->n; i += 8) {
			unsigned byte = 0;

			for (unsigned k = 0; k < 8 && i + k < r->n; k++)
				byte |= value_at(u, r, i + k) << k;
			buf_putc(answer, (char)byte);
		}
		return EX_NONE;
	}
	buf_putc(answer, (char)(2 * r->n));
	for (unsigned i = 0; i < r->n; i++)
		put16(answer, value_at(u, r, i));
	return EX_NONE;
}

/* Nothing is written unless all of it can be. */
static enum exception
write_table(struct unit *u, const struct request *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!image_cell(&u->image, (int)r->table, r->addr + i))
			return EX_ADDRESS;
	for (unsigned i = 0; i < r->n; i++) {
		struct cell *c =
		    image_cell(&u->image, (int)r->table, r->addr + i);

		c->value = (uint16_t)(is_bits(r->table)
			? r->data[i / 8] >> i % 8 & 1U
			: get16(r->data + (size_t)2 * i));
	}
	unit_written(u, (int)r->table, r->addr, r->n);
	return EX_NONE;
}

static enum exception
write_one(struct unit *u, const struct request *r, struct buf *answer)
{
	unsigned value = r->n;
	uint8_t bit = value == COIL_ON;
	uint8_t reg[2] = { (uint8_t)(value >> 8), (uint8_t)value };
	struct request one = *r;

	if (is_bits(r->table) && value != COIL_ON && value != 0)
		return EX_VALUE;
	one.n = 1;
	one.data = is_bits(r->table) ? &bit : reg;
	put16(answer, r->addr);
	put16(answer, value);
	return write_table(u, &one);
}

static enum exception
write_many(struct unit *u, struct request *r, struct buf *answer)
{
	unsigned most = is_bits(r->table) ? WRITE_BITS_MAX : WRITE_REGS_MAX;
	size_t bytes = is_bits(r->table) ? (r->n + 7) / 8 : (size_t)2 * r->n;

	if (r->n == 0 || r->n > most || r->len != 1 + bytes ||
	    r->data[0] != bytes)
		return EX_VALUE;
	r->data++;
	put16(answer, r->addr);
	put16(answer, r->n);
	return write_table(u, r);
}

enum action { ACT_NONE, ACT_READ, ACT_WRITE_ONE, ACT_WRITE_MANY };

static const struct {
	enum action action;
	enum modbus_table table;
} functions[] = {
	[1] = { ACT_READ, MB_COIL },
	[2] = { ACT_READ, MB_DISCRETE },
	[3] = { ACT_READ, MB_HOLDING },
	[4] = { ACT_READ, MB_INPUT },
	[5] = { ACT_WRITE_ONE, MB_COIL },
	[6] = { ACT_WRITE_ONE, MB_HOLDING },
	[15] = { ACT_WRITE_MANY, MB_COIL },
	[16] = { ACT_WRITE_MANY, MB_HOLDING },
};

static enum exception
serve(struct unit *u, const uint8_t *req, size_t len, struct buf *answer)
{
	unsigned fc = req[0];
	struct request r = { 0 };

	if (fc >= sizeof(functions) / sizeof(functions[0]) ||
	    functions[fc].action == ACT_NONE)
		return EX_FUNCTION;
	if (len < 5 || (functions[fc].action != ACT_WRITE_MANY && len != 5))
		return EX_VALUE;
	r.table = functions[fc].table;
	r.addr = get16(req + 1);
	r.n = get16(req + 3);
	r.data = req + 5;
	r.len = len - 5;
	switch (functions[fc].action) {
	case ACT_READ:
		return read_table(u, &r, answer);
	case ACT_WRITE_ONE:
		return write_one(u, &r, answer);
	case ACT_WRITE_MANY:
		return write_many(u, &r, answer);
	case ACT_NONE:
		break;
	}
	return EX_FUNCTION;
}

void
pdu_serve(struct unit *u, const uint8_t *req, size_t len, struct buf *answer)
{
	size_t start = answer->len;
	int ex;

	buf_putc(answer, (char)req[0]);
	if (u->fault.kind == FAULT_EXCEPTION)
		ex = (int)u->fault.arg;
	else
		ex = (int)serve(u, req, len, answer);
	if (ex == EX_NONE)
		return;
	answer->len = start;
	buf_putc(answer, (char)(req[0] | 0x80));
	buf_putc(answer, (char)ex);
}
