#include "tests/thingsim/pdu.h"

#include "tests/thingsim/ident.h"
#include "tests/thingsim/stamp.h"
#include "tests/thingsim/unit.h"

enum { READ_REGS_MAX = 125, READ_BITS_MAX = 2000 };
enum { WRITE_REGS_MAX = 123, WRITE_BITS_MAX = 1968, BOTH_WRITE_MAX = 121 };
enum { COIL_ON = 0xFF00 };
enum { FC_BOTH = 23 };

/* The part of a request that concerns one table. */
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

/* A device answers for what it has; between its registers most answer zero,
 * and a stamped one has them all. */
static bool
readable(const struct unit *u, const struct request *r)
{
	bool strict = u->limits.holes == HOLES_EXCEPTION;
	bool all = u->limits.values != VALUES_FIELDS;

	if (r->addr + r->n > UINT16_MAX + 1U)
		return false;
	if (all && !strict)
		return true;
	for (unsigned a = r->addr; a < r->addr + r->n; a++)
		if (!image_has(&u->image, r->table, a) &&
		    (strict || !image_spans(&u->image, r->table, a)))
			return false;
	return true;
}

static unsigned
value_at(const struct unit *u, const struct image *img, enum modbus_table table,
    unsigned addr)
{
	unsigned v = image_get(img, table, addr);

	if (u->now.kind == FAULT_ZEROS)
		return 0;
	if (u->now.kind == FAULT_ONES)
		return UINT16_MAX;
	if (u->limits.values != VALUES_FIELDS && !image_has(img, table, addr))
		v = stamp((unsigned)u->address, table, addr);
	if (u->limits.values == VALUES_STAMP_COUNT && !is_bits(table))
		v += (unsigned)u->requests - 1;
	return v;
}

static bool
allowed_count(const struct unit *u, const struct request *r)
{
	unsigned most = is_bits(r->table) ? READ_BITS_MAX : READ_REGS_MAX;

	if (r->n == 0 || r->n > most)
		return false;
	if (is_bits(r->table))
		return u->limits.max_read_bits <= 0 ||
		    r->n <= u->limits.max_read_bits;
	return r->n >= u->limits.min_read &&
	    (u->limits.max_read <= 0 || r->n <= u->limits.max_read);
}

static void
put_bits(const struct unit *u, const struct image *img, const struct request *r,
    struct buf *answer)
{
	buf_putc(answer, (char)((r->n + 7) / 8));
	for (unsigned i = 0; i < r->n; i += 8) {
		unsigned byte = 0;

		for (unsigned k = 0; k < 8 && i + k < r->n; k++)
			byte |=
			    (value_at(u, img, r->table, r->addr + i + k) & 1U)
			    << k;
		buf_putc(answer, (char)byte);
	}
}

static void
put_regs(const struct unit *u, const struct image *img, const struct request *r,
    struct buf *answer)
{
	uint8_t bytes[2 * READ_REGS_MAX];

	for (unsigned i = 0; i < r->n; i++) {
		unsigned v = value_at(u, img, r->table, r->addr + i);

		bytes[(size_t)2 * i] = (uint8_t)(v >> 8);
		bytes[(size_t)2 * i + 1] = (uint8_t)v;
	}
	buf_putc(answer, (char)(2 * r->n));
	buf_add(answer, bytes, (size_t)2 * r->n);
}

/* without_values is the image with no value in each field that can say so. */
static void
without_values(const struct unit *u, struct image *out)
{
	image_copy(out, &u->image);
	for (size_t i = 0; i < u->tmpl->n_fields; i++)
		if (image_store(out, &u->tmpl->fields[i], "nan") != OK)
			continue;
}

static enum exception
read_table(struct unit *u, const struct request *r, struct buf *answer)
{
	bool none = u->now.kind == FAULT_SENTINEL;
	struct image nan = { 0 };
	const struct image *img = &u->image;

	if (!allowed_count(u, r))
		return EX_VALUE;
	if (!readable(u, r))
		return EX_ADDRESS;
	unit_refresh(u, true);
	if (none) {
		without_values(u, &nan);
		img = &nan;
	}
	if (is_bits(r->table))
		put_bits(u, img, r, answer);
	else
		put_regs(u, img, r, answer);
	image_fini(&nan);
	return EX_NONE;
}

static bool
writable(const struct unit *u, const struct request *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!image_has(&u->image, r->table, r->addr + i))
			return false;
	return true;
}

/* Nothing is written unless all of it can be. */
static enum exception
write_table(struct unit *u, const struct request *r)
{
	if (!writable(u, r))
		return EX_ADDRESS;
	if (u->now.kind == FAULT_WRITE_IGNORED)
		return EX_NONE;
	for (unsigned i = 0; i < r->n; i++)
		image_put(&u->image, r->table, r->addr + i,
		    (uint16_t)(is_bits(r->table)
			    ? r->data[i / 8] >> i % 8 & 1U
			    : get16(r->data + (size_t)2 * i)));
	unit_written(u, r->table, r->addr, r->n);
	return EX_NONE;
}

static enum exception
do_read(struct unit *u, const struct request *r, struct buf *answer)
{
	if (r->len != 0)
		return EX_VALUE;
	return read_table(u, r, answer);
}

static enum exception
do_write_one(struct unit *u, const struct request *r, struct buf *answer)
{
	unsigned value = r->n;
	uint8_t bit = value == COIL_ON;
	uint8_t reg[2] = { (uint8_t)(value >> 8), (uint8_t)value };
	struct request one = *r;

	if (r->len != 0 ||
	    (is_bits(r->table) && value != COIL_ON && value != 0))
		return EX_VALUE;
	one.n = 1;
	one.data = is_bits(r->table) ? &bit : reg;
	put16(answer, r->addr);
	put16(answer, value);
	return write_table(u, &one);
}

static enum exception
do_write_many(struct unit *u, const struct request *r, struct buf *answer)
{
	unsigned most = is_bits(r->table) ? WRITE_BITS_MAX : WRITE_REGS_MAX;
	size_t bytes = is_bits(r->table) ? (r->n + 7) / 8 : (size_t)2 * r->n;
	struct request w = *r;

	if (r->n == 0 || r->n > most || r->len != 1 + bytes ||
	    r->data[0] != bytes)
		return EX_VALUE;
	w.data++;
	put16(answer, r->addr);
	put16(answer, r->n);
	return write_table(u, &w);
}

/* (now AND and) OR (or AND NOT and); the count's place holds the AND mask. */
static enum exception
do_mask(struct unit *u, const struct request *r, struct buf *answer)
{
	unsigned and = r->n, or, value;
	struct request one = *r;
	uint8_t reg[2];

	if (r->len != 2)
		return EX_VALUE;
	or = get16(r->data);
	value = image_get(&u->image, r->table, r->addr);
	value = (value & and) | (or &~and);
	reg[0] = (uint8_t)(value >> 8);
	reg[1] = (uint8_t)value;
	one.n = 1;
	one.data = reg;
	put16(answer, r->addr);
	put16(answer, and);
	put16(answer, or);
	return write_table(u, &one);
}

/* The write comes before the read. */
static enum exception
do_both(struct unit *u, const struct request *r, struct buf *answer)
{
	struct request rd = *r, wr = *r;
	enum exception ex;

	if (r->len < 5)
		return EX_VALUE;
	wr.addr = get16(r->data);
	wr.n = get16(r->data + 2);
	wr.data = r->data + 5;
	wr.len = r->len - 5;
	rd.len = 0;
	if (wr.n == 0 || wr.n > BOTH_WRITE_MAX || wr.len != (size_t)2 * wr.n ||
	    r->data[4] != wr.len || !allowed_count(u, &rd))
		return EX_VALUE;
	if (!readable(u, &rd))
		return EX_ADDRESS;
	ex = write_table(u, &wr);
	return ex == EX_NONE ? read_table(u, &rd, answer) : ex;
}

static const struct function {
	enum exception (*run)(
	    struct unit *u, const struct request *r, struct buf *answer);
	enum modbus_table table;
	bool write, one; /* one: what stands in the count's place is none */
} functions[] = {
	[1] = { do_read, MB_COIL, false, false },
	[2] = { do_read, MB_DISCRETE, false, false },
	[3] = { do_read, MB_HOLDING, false, false },
	[4] = { do_read, MB_INPUT, false, false },
	[5] = { do_write_one, MB_COIL, true, true },
	[6] = { do_write_one, MB_HOLDING, true, true },
	[15] = { do_write_many, MB_COIL, true, false },
	[16] = { do_write_many, MB_HOLDING, true, false },
	[22] = { do_mask, MB_HOLDING, true, true },
	[FC_BOTH] = { do_both, MB_HOLDING, true, false },
};

static const struct function *
find_function(unsigned fc)
{
	if (fc >= sizeof(functions) / sizeof(functions[0]) ||
	    !functions[fc].run)
		return NULL;
	return &functions[fc];
}

struct pdu_about
pdu_about(const uint8_t *req, size_t len)
{
	const struct function *f = find_function(req[0]);
	struct pdu_about about = { .function = req[0] };

	if (!f || len < 5)
		return about;
	about.write = f->write;
	about.addr = get16(req + 1);
	about.count = f->one ? 1 : get16(req + 3);
	return about;
}

static enum exception
serve(struct unit *u, const uint8_t *req, size_t len, struct buf *answer)
{
	const struct function *f = find_function(req[0]);
	struct request r = { 0 };

	if (req[0] == 17 && u->limits.identify)
		return len == 1 ? ident_server_id(u, answer) : EX_VALUE;
	if (req[0] == 43 && u->limits.identify)
		return ident_device_id(u, req + 1, len - 1, answer);
	if (!f)
		return EX_FUNCTION;
	if (len < 5)
		return EX_VALUE;
	r.table = f->table;
	r.addr = get16(req + 1);
	r.n = get16(req + 3);
	r.data = req + 5;
	r.len = len - 5;
	return f->run(u, &r, answer);
}

void
pdu_serve(struct unit *u, const uint8_t *req, size_t len, struct buf *answer)
{
	size_t start = answer->len;
	int ex;

	buf_putc(answer, (char)req[0]);
	if (u->now.kind == FAULT_EXCEPTION)
		ex = (int)u->now.arg;
	else
		ex = (int)serve(u, req, len, answer);
	if (ex == EX_NONE)
		return;
	answer->len = start;
	buf_putc(answer, (char)(req[0] | 0x80));
	buf_putc(answer, (char)ex);
}
