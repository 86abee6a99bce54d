#include "drivers/plan.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	ADDR_END = 0x10000,
	MAX_READ = 125,       /* Modbus application protocol 1.1b3, 6.3 */
	MAX_READ_BITS = 2000, /* the same, 6.1 */
	REG_BITS = 16,

	BAUD = 9600, /* of a line that does not say */
	CHAR_BITS = 10,
	SILENCE_BITS = 77, /* twice 3.5 characters of 11 bits */
	FAST_BAUD = 19200,
	FAST_SILENCE_US = 3500, /* above it, twice */
	RTU_CHARS = 13, /* address, function, CRC and the rest, both ways */
	RTU_ASK_CHARS = 8,
	TCP_BYTES = 21,
	DEVICE_US = 5000,
	DEVICE_TCP_US = 3000,
	REGISTER_TCP_US = 5,
	MS_US = 1000,
	SECOND_US = 1000000,
	WEIGHT = 8, /* of the past in what was measured */
};

uint16_t
plan_regs(const struct field *f)
{
	return (uint16_t)tmpl_field_regs(f);
}

static bool
is_bits(enum modbus_table table)
{
	return table == MB_COIL || table == MB_DISCRETE;
}

/* --- cost --- */

static struct plan_cost
tcp_cost(void)
{
	return (struct plan_cost){ .device_us = DEVICE_TCP_US,
		.register_us = REGISTER_TCP_US };
}

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
bits_us(int64_t bits, int64_t baud)
{
	return (bits * SECOND_US + baud / 2) / baud;
}

struct plan_cost
plan_cost_of(const struct cfg_bus *line, int64_t gap_ms)
{
	const struct serial_mode *m = &line->serial;
	int64_t baud = m->baud > 0 ? m->baud : BAUD;
	int64_t bits = CHAR_BITS, silence = FAST_SILENCE_US, pauses, gap;

	if (line->type == BUS_MODBUS_TCP)
		return tcp_cost();
	if (m->baud > 0)
		bits = 1 + m->bits + (m->parity != 'N') + m->stop;
	if (baud <= FAST_BAUD)
		silence = bits_us(SILENCE_BITS, baud);
	gap = most(gap_ms, line->gap_ms);
	silence = most(silence, gap * 2 * MS_US);
	pauses = line->rts_before_us + line->rts_after_us +
	    line->char_delay_ms * RTU_ASK_CHARS * MS_US;
	return (struct plan_cost){
		.request_us =
		    bits_us(RTU_CHARS * bits, baud) + silence + pauses,
		.device_us = DEVICE_US,
		.register_us = bits_us(2 * bits, baud),
	};
}

static int64_t
regs_us(const struct plan_cost *c, enum modbus_table table, int64_t count)
{
	if (is_bits(table))
		count = (count + REG_BITS - 1) / REG_BITS;
	return count * c->register_us;
}

int64_t
plan_us(const struct plan_cost *c, enum modbus_table table, uint16_t count)
{
	return c->request_us + c->device_us + regs_us(c, table, count);
}

unsigned
plan_bytes(enum cfg_bus_type type, enum modbus_table table, uint16_t count)
{
	unsigned frame = type == BUS_MODBUS_TCP ? TCP_BYTES : RTU_CHARS;

	return frame + (is_bits(table) ? (count + 7U) / 8U : 2U * count);
}

void
plan_measured(struct plan_cost *c, enum modbus_table table, uint16_t count,
    int64_t took_us)
{
	int64_t device = took_us - c->request_us - regs_us(c, table, count);

	c->device_us = (c->device_us * (WEIGHT - 1) + most(device, 0)) / WEIGHT;
}

/* The longest hole that is cheaper than a request. */
static int64_t
worth(const struct plan_cost *c)
{
	int64_t n = MAX_READ;

	if (c->register_us > 0)
		n = (c->request_us + c->device_us) / c->register_us;
	return n < MAX_READ ? n : MAX_READ;
}

bool
plan_is_stale(const struct plan_cost *planned, const struct plan_cost *now)
{
	int64_t was = worth(planned), is = worth(now);

	return is * 2 <= was || is >= was * 2 + 1;
}

/* --- the fields in order --- */

static int64_t
max_count(const struct tmpl *t, enum modbus_table table)
{
	int64_t all = is_bits(table) ? MAX_READ_BITS : MAX_READ;
	int64_t said = is_bits(table) ? t->max_read_bits : t->max_read;

	return said > 0 && said < all ? said : all;
}

static int64_t
field_end(const struct field *f)
{
	return (int64_t)f->addr + plan_regs(f);
}

static bool
before(const struct field *a, const struct field *b)
{
	if (a->solo != b->solo)
		return b->solo;
	if (a->table != b->table)
		return a->table < b->table;
	return a->addr < b->addr;
}

static void
collect(
    const struct tmpl *t, int64_t interval, int64_t override, struct plan *out)
{
	out->fields = mem_array(t->n_fields, sizeof(*out->fields));
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		size_t at = out->n_fields;

		if (tmpl_poll_ms(t, f, override) != interval)
			continue;
		for (; at > 0; at--) {
			if (!before(f, &t->fields[out->fields[at - 1]]))
				break;
			out->fields[at] = out->fields[at - 1];
		}
		out->fields[at] = i;
		out->n_fields++;
	}
}

/* --- blocks --- */

/* How many registers of the template's fields lie in [from, end). */
static int64_t
known(const struct tmpl *t, enum modbus_table table, int64_t from, int64_t end)
{
	int64_t n = 0;

	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		int64_t lo = most(f->addr, from), hi = field_end(f);

		hi = hi < end ? hi : end;
		if (f->table == table && hi > lo)
			n += hi - lo;
	}
	return n;
}

/* Some devices refuse requests that are too short: they get registers more,
 * on the side where the template knows of some. */
static void
widen(const struct tmpl *t, struct plan_block *b)
{
	int64_t want = is_bits(b->table) ? 0 : t->min_read;
	int64_t end = (int64_t)b->addr + b->count, up, down;

	if (want > max_count(t, b->table))
		want = max_count(t, b->table);
	if (want <= b->count)
		return;
	up = b->addr;
	if (up + want > ADDR_END)
		up = ADDR_END - want;
	down = most(end - want, 0);
	if (known(t, b->table, down, down + want) >
	    known(t, b->table, up, up + want))
		up = down;
	b->addr = (uint16_t)up;
	b->count = (uint16_t)want;
}

/* The request for fields[first, first + n), which lie in one table. */
static struct plan_block
block_of(const struct tmpl *t, const size_t *fields, size_t first, size_t n)
{
	const struct field *f = &t->fields[fields[first]];
	struct plan_block b = {
		.table = f->table, .addr = f->addr, .first = first, .n = n
	};
	int64_t end = 0;

	for (size_t i = first; i < first + n; i++)
		end = most(end, field_end(&t->fields[fields[i]]));
	b.count = (uint16_t)(end - b.addr);
	widen(t, &b);
	return b;
}

/* --- the cheapest plan --- */

struct planner {
	const struct tmpl *t;
	const struct plan_cost *cost;
	const bool *cut; /* or NULL */
	struct plan *p;
	bool *stop;    /* of fields[i]: a request ends before it */
	int64_t *best; /* cost of fields[0, i) */
	size_t *from;  /* where the last request of those begins */
};

/* Whether a field that must stand alone lies in the hole. */
static bool
has_solo(
    const struct tmpl *t, enum modbus_table table, int64_t from, int64_t end)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (f->solo && f->table == table && f->addr < end &&
		    field_end(f) > from)
			return true;
	}
	return false;
}

static bool
may_join(const struct planner *pl, size_t field, int64_t reach)
{
	const struct tmpl *t = pl->t;
	const struct field *f = &t->fields[field];
	int64_t hole = f->addr - reach;

	if (f->solo || (pl->cut && pl->cut[field]))
		return false;
	if (hole <= 0)
		return true;
	if (t->max_gap > 0 && hole > t->max_gap)
		return false;
	return !has_solo(t, f->table, reach, f->addr);
}

static void
find_stops(struct planner *pl)
{
	const struct field *last = NULL;
	int64_t reach = 0; /* where the registers before end */

	for (size_t i = 0; i < pl->p->n_fields; i++) {
		size_t field = pl->p->fields[i];
		const struct field *f = &pl->t->fields[field];

		if (!last || last->table != f->table || last->solo)
			reach = 0;
		pl->stop[i] = !last || last->table != f->table || last->solo ||
		    !may_join(pl, field, reach);
		reach = most(reach, field_end(f));
		last = f;
	}
}

/* Tries each request that could end with fields[i - 1]. */
static void
find_best(struct planner *pl, size_t i)
{
	const struct tmpl *t = pl->t;
	int64_t end = 0, least = pl->t->min_read;

	pl->best[i] = INT64_MAX;
	for (size_t j = i; j-- > 0;) {
		const struct field *f = &t->fields[pl->p->fields[j]];
		int64_t count, cost;

		end = most(end, field_end(f));
		count = end - f->addr;
		if (j + 1 < i && count > max_count(t, f->table))
			break;
		if (!is_bits(f->table))
			count = most(count, least);
		cost = pl->best[j] + pl->cost->request_us +
		    pl->cost->device_us + regs_us(pl->cost, f->table, count);
		if (cost <= pl->best[i]) {
			pl->best[i] = cost;
			pl->from[i] = j;
		}
		if (pl->stop[j])
			break;
	}
}

static void
make_blocks(const struct planner *pl)
{
	struct plan *p = pl->p;
	size_t n = 0;

	for (size_t i = p->n_fields; i > 0; i = pl->from[i])
		n++;
	p->blocks = mem_array(n, sizeof(*p->blocks));
	p->n_blocks = n;
	for (size_t i = p->n_fields; i > 0; i = pl->from[i]) {
		size_t first = pl->from[i];

		p->blocks[--n] = block_of(pl->t, p->fields, first, i - first);
	}
}

void
plan_build(const struct tmpl *t, int64_t interval_ms, int64_t override_ms,
    const struct plan_cost *cost, const bool *cut, struct plan *out)
{
	struct planner pl = { .t = t, .cost = cost, .cut = cut, .p = out };
	size_t n;

	memset(out, 0, sizeof(*out));
	collect(t, interval_ms, override_ms, out);
	n = out->n_fields;
	pl.stop = mem_array(n + 1, sizeof(*pl.stop));
	pl.best = mem_array(n + 1, sizeof(*pl.best));
	pl.from = mem_array(n + 1, sizeof(*pl.from));
	find_stops(&pl);
	for (size_t i = 1; i <= n; i++)
		find_best(&pl, i);
	make_blocks(&pl);
	free(pl.stop);
	free(pl.best);
	free(pl.from);
}

void
plan_fini(struct plan *p)
{
	free(p->fields);
	free(p->blocks);
	memset(p, 0, sizeof(*p));
}

/* --- what a device refuses --- */

/* The field before which block b is best parted. */
static size_t
weak_point(
    const struct tmpl *t, const struct plan *p, const struct plan_block *b)
{
	const struct field *last = &t->fields[p->fields[b->first]];
	int64_t reach = field_end(last), largest = 0;
	size_t hole = 0, optional = 0;

	for (size_t i = b->first + 1; i < b->first + b->n; i++) {
		const struct field *f = &t->fields[p->fields[i]];

		if (f->addr - reach > largest) {
			largest = f->addr - reach;
			hole = i;
		}
		if (!optional && f->optional != last->optional)
			optional = i;
		reach = most(reach, field_end(f));
		last = f;
	}
	if (hole)
		return hole;
	return optional ? optional : b->first + b->n / 2;
}

bool
plan_split(const struct tmpl *t, struct plan *p, size_t i, bool *cut)
{
	size_t first = p->blocks[i].first, n = p->blocks[i].n, at;
	struct plan_block *b;

	if (n < 2)
		return false;
	at = weak_point(t, p, &p->blocks[i]);
	p->blocks = mem_resize(p->blocks, p->n_blocks + 1, sizeof(*b));
	b = &p->blocks[i];
	memmove(b + 1, b, (p->n_blocks - i) * sizeof(*b));
	p->n_blocks++;
	b[0] = block_of(t, p->fields, first, at - first);
	b[1] = block_of(t, p->fields, at, first + n - at);
	b[0].split = true;
	b[1].split = true;
	cut[p->fields[at]] = true;
	return true;
}

/* Whether the registers of fields[i - 1] and fields[i] touch. */
static bool
touches(const struct tmpl *t, const struct plan *p, size_t i)
{
	const struct field *a = &t->fields[p->fields[i - 1]];
	const struct field *b = &t->fields[p->fields[i]];

	return a->table == b->table && !a->solo && !b->solo &&
	    b->addr <= field_end(a);
}

/* Whether the cut before block k is of this search alone. */
static bool
is_needless(const struct tmpl *t, const struct plan *p, size_t k)
{
	const struct plan_block *a = &p->blocks[k - 1], *b = &p->blocks[k];

	return a->split && b->split && !a->absent && !b->absent &&
	    touches(t, p, b->first);
}

bool
plan_heal(const struct tmpl *t, struct plan *p, size_t i, bool *cut)
{
	bool any = false;

	if (!p->blocks[i].split || p->blocks[i].n != 1)
		return false;
	p->blocks[i].absent = true;
	for (size_t k = 1; k < p->n_blocks; k++) {
		bool *c = &cut[p->fields[p->blocks[k].first]];

		if (!*c || !is_needless(t, p, k))
			continue;
		*c = false;
		any = true;
	}
	return any;
}
