#include "drivers/plan.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	ADDR_END = 0x10000,
	MAX_READ = 125,       /* Modbus application protocol 1.1b3, 6.3 */
	MAX_READ_BITS = 2000, /* the same, 6.1 */
};

uint16_t
plan_regs(const struct field *f)
{
	static const uint8_t regs[] = { [REG_BOOL] = 1,
		[REG_U8H] = 1,
		[REG_U8L] = 1,
		[REG_I16] = 1,
		[REG_U16] = 1,
		[REG_I32] = 2,
		[REG_U32] = 2,
		[REG_I64] = 4,
		[REG_U64] = 4,
		[REG_F16] = 1,
		[REG_F32] = 2,
		[REG_F64] = 4,
		[REG_BCD16] = 1,
		[REG_BCD32] = 2,
		[REG_STR] = 0 };

	if (f->type == REG_STR)
		return (uint16_t)((f->str_len + 1) / 2);
	return regs[f->type];
}

static bool
is_bits(enum modbus_table table)
{
	return table == MB_COIL || table == MB_DISCRETE;
}

static int64_t
max_count(const struct tmpl *t, enum modbus_table table)
{
	int64_t most = is_bits(table) ? MAX_READ_BITS : MAX_READ;
	int64_t said = is_bits(table) ? t->max_read_bits : t->max_read;

	return said > 0 && said < most ? said : most;
}

static bool
before(const struct field *a, const struct field *b)
{
	if (a->table != b->table)
		return a->table < b->table;
	return a->addr < b->addr;
}

/* Collects the fields of the interval, ordered by address. */
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

static int64_t
block_end(const struct plan_block *b)
{
	return (int64_t)b->addr + b->count;
}

/* Widens b over f; false when they do not go into one request. */
static bool
join(const struct tmpl *t, struct plan_block *b, const struct field *f,
    int64_t max_gap)
{
	const int64_t fend = (int64_t)f->addr + plan_regs(f);
	int64_t end = block_end(b);

	if (b->table != f->table || f->addr > end + max_gap)
		return false;
	if (fend > end)
		end = fend;
	if (end - b->addr > max_count(t, b->table))
		return false;
	b->count = (uint16_t)(end - b->addr);
	b->n++;
	return true;
}

/* Some devices refuse requests that are too short. */
static void
widen(const struct tmpl *t, struct plan_block *b)
{
	int64_t want = is_bits(b->table) ? 0 : t->min_read;

	if (want > max_count(t, b->table))
		want = max_count(t, b->table);
	if (want > ADDR_END - b->addr)
		want = ADDR_END - b->addr;
	if (want > b->count)
		b->count = (uint16_t)want;
}

/* Cuts plan.fields[first, first + n) into requests, appended to out[]; returns
 * their number, at most n.  max_gap -1 puts each field alone. */
static size_t
cut(const struct tmpl *t, const size_t *fields, size_t first, size_t n,
    int64_t max_gap, struct plan_block *out)
{
	struct plan_block *b = NULL;
	bool alone = true;
	size_t made = 0;

	for (size_t i = first; i < first + n; i++) {
		const struct field *f = &t->fields[fields[i]];

		if (b && !alone && !f->solo && join(t, b, f, max_gap))
			continue;
		b = &out[made++];
		*b = (struct plan_block){ .table = f->table,
			.addr = f->addr,
			.count = plan_regs(f),
			.first = i,
			.n = 1 };
		alone = f->solo || max_gap < 0;
	}
	for (size_t i = 0; i < made; i++)
		widen(t, &out[i]);
	return made;
}

void
plan_build(const struct tmpl *t, int64_t interval_ms, int64_t override_ms,
    struct plan *out)
{
	memset(out, 0, sizeof(*out));
	collect(t, interval_ms, override_ms, out);
	out->blocks = mem_array(out->n_fields, sizeof(*out->blocks));
	out->n_blocks = cut(t, out->fields, 0, out->n_fields,
	    t->max_gap > 0 ? t->max_gap : 0, out->blocks);
}

void
plan_fini(struct plan *p)
{
	free(p->fields);
	free(p->blocks);
	memset(p, 0, sizeof(*p));
}

/* There are never more blocks than fields, so the array is large enough. */
bool
plan_split(const struct tmpl *t, struct plan *p, size_t i)
{
	struct plan_block old = p->blocks[i], *parts;
	size_t n;

	if (old.n < 2)
		return false;
	parts = mem_array(old.n, sizeof(*parts));
	n = cut(t, p->fields, old.first, old.n, 0, parts);
	if (n == 1)
		n = cut(t, p->fields, old.first, old.n, -1, parts);
	memmove(&p->blocks[i + n], &p->blocks[i + 1],
	    (p->n_blocks - i - 1) * sizeof(*parts));
	memcpy(&p->blocks[i], parts, n * sizeof(*parts));
	p->n_blocks += n - 1;
	free(parts);
	return true;
}
