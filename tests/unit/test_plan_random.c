/* Plans of templates made at random: what holds of all of them. */
#include "drivers/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TRIES = 20000, FIELDS = 12, SPAN = 60, MS = 1000 };

static char normal[] = "normal";

struct scene {
	struct poll_class poll;
	struct field fields[FIELDS];
	bool cut[FIELDS];
	struct tmpl t;
	struct plan_cost cost;
	struct plan plan;
	uint32_t base;                  /* where the addresses begin */
	bool absent[SPAN + FIELDS * 4]; /* registers, from base on */
};

/* xorshift: the same on each machine. */
static unsigned
any(uint32_t *seed, unsigned below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

static void
make_field(struct scene *s, uint32_t *seed, struct field *f)
{
	static const enum reg_type types[] = { REG_U16, REG_U16, REG_I32,
		REG_F32, REG_F64 };

	*f = (struct field){ .bit_lo = 1,
		.table = any(seed, 5) ? MB_HOLDING : MB_COIL,
		.sf_field = -1,
		.type = types[any(seed, 5)],
		.solo = any(seed, 10) == 0,
		.optional = any(seed, 4) == 0 };
	if (f->table == MB_COIL)
		f->type = REG_BOOL;
	f->addr = (uint16_t)(s->base + any(seed, SPAN));
	if (f->addr + plan_regs(f) > 0x10000)
		f->addr = (uint16_t)(0x10000 - plan_regs(f));
}

static void
make_scene(struct scene *s, uint32_t *seed)
{
	memset(s, 0, sizeof(*s));
	s->base = any(seed, 4) ? any(seed, 3) * 100 : 0x10000 - SPAN;
	s->poll = (struct poll_class){ .name = normal, .ms = MS };
	s->t = (struct tmpl){ .kind = TMPL_MODBUS,
		.polls = &s->poll,
		.n_polls = 1,
		.fields = s->fields,
		.n_fields = 1 + any(seed, FIELDS),
		.max_read = any(seed, 2) ? 4 + any(seed, 20) : 0,
		.max_read_bits = any(seed, 2) ? 1 + any(seed, 40) : 0,
		.min_read = any(seed, 4) ? 0 : 1 + any(seed, 8),
		.max_gap = any(seed, 2) ? any(seed, 10) : 0 };
	s->cost = (struct plan_cost){ any(seed, 30000), any(seed, 30000),
		1 + any(seed, 3000) };
	for (size_t i = 0; i < s->t.n_fields; i++)
		make_field(s, seed, &s->fields[i]);
}

static const struct field *
field_at(const struct scene *s, size_t i)
{
	return &s->fields[s->plan.fields[i]];
}

static int64_t
limit(const struct scene *s, enum modbus_table table)
{
	int64_t said = table == MB_COIL ? s->t.max_read_bits : s->t.max_read;
	int64_t all = table == MB_COIL ? 2000 : 125;

	return said ? said : all;
}

static int64_t
floor_of(const struct scene *s, enum modbus_table table)
{
	int64_t max = limit(s, table);

	if (table == MB_COIL)
		return 1;
	return s->t.min_read < max ? s->t.min_read : max;
}

static void
check_block(const struct scene *s, const struct plan_block *b, bool *seen)
{
	int64_t end = b->addr + b->count;

	assert_in_range(end, 1, 0x10000);
	assert_true(b->count >= floor_of(s, b->table));
	assert_true(b->n >= 1);
	assert_true(b->n == 1 || b->count <= limit(s, b->table));
	for (size_t i = b->first; i < b->first + b->n; i++) {
		const struct field *f = field_at(s, i);

		assert_false(seen[s->plan.fields[i]]);
		seen[s->plan.fields[i]] = true;
		assert_int_equal(f->table, b->table);
		assert_true(f->addr >= b->addr);
		assert_true(f->addr + plan_regs(f) <= end);
		assert_true(!f->solo || b->n == 1);
		assert_true(i == b->first || !s->cut[s->plan.fields[i]]);
	}
}

/* What fields [first, end) of the plan cost in one request; -1: they cannot. */
static int64_t
cost_of(const struct scene *s, size_t first, size_t end)
{
	const struct field *a = field_at(s, first);
	int64_t reach = a->addr + plan_regs(a), count;

	for (size_t i = first + 1; i < end; i++) {
		const struct field *f = field_at(s, i);
		int64_t hole = f->addr - reach;

		if (f->table != a->table || f->solo || a->solo ||
		    s->cut[s->plan.fields[i]])
			return -1;
		if (hole > 0 && s->t.max_gap && hole > s->t.max_gap)
			return -1;
		for (size_t k = 0; hole > 0 && k < s->t.n_fields; k++) {
			const struct field *g = &s->fields[k];

			if (g->solo && g->table == f->table &&
			    g->addr < f->addr && g->addr + plan_regs(g) > reach)
				return -1;
		}
		if (f->addr + plan_regs(f) > reach)
			reach = f->addr + plan_regs(f);
	}
	count = reach - a->addr;
	if (end - first > 1 && count > limit(s, a->table))
		return -1;
	if (count < floor_of(s, a->table))
		count = floor_of(s, a->table);
	return plan_us(&s->cost, a->table, (uint16_t)count);
}

/* The least that any way to part them costs. */
static int64_t
least_cost(const struct scene *s, size_t n)
{
	int64_t least = INT64_MAX;

	assert_in_range(n, 1, FIELDS);
	for (unsigned parted = 0; parted < 1u << n >> 1; parted++) {
		int64_t sum = 0;
		size_t first = 0;

		for (size_t i = 1; i <= n && sum >= 0; i++) {
			int64_t cost;

			if (i < n && !(parted >> (i - 1) & 1))
				continue;
			cost = cost_of(s, first, i);
			sum = cost < 0 ? -1 : sum + cost;
			first = i;
		}
		if (sum >= 0 && sum < least)
			least = sum;
	}
	return least;
}

static int64_t
planned_cost(const struct scene *s)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->plan.n_blocks; i++)
		sum += plan_us(
		    &s->cost, s->plan.blocks[i].table, s->plan.blocks[i].count);
	return sum;
}

static void
check_plan(const struct scene *s)
{
	bool seen[FIELDS] = { false };
	size_t n = 0;

	assert_int_equal(s->plan.n_fields, s->t.n_fields);
	for (size_t i = 0; i < s->plan.n_blocks; i++) {
		assert_int_equal(s->plan.blocks[i].first, n);
		n += s->plan.blocks[i].n;
		check_block(s, &s->plan.blocks[i], seen);
	}
	assert_int_equal(n, s->t.n_fields);
}

static void
build(struct scene *s)
{
	plan_build(&s->t, MS, 0, &s->cost, s->cut, &s->plan);
}

static void
each_field_once_at_the_least_cost(void **state)
{
	uint32_t seed = 12345;

	(void)state;
	for (int i = 0; i < TRIES; i++) {
		struct scene s;

		make_scene(&s, &seed);
		for (size_t k = 0; k < s.t.n_fields; k++)
			s.cut[k] = any(&seed, 8) == 0;
		build(&s);
		check_plan(&s);
		if (s.t.n_fields > 0 && s.t.n_fields <= 8)
			assert_true(
			    planned_cost(&s) <= least_cost(&s, s.t.n_fields));
		plan_fini(&s.plan);
	}
}

static bool
refuses(const struct scene *s, const struct plan_block *b)
{
	if (b->table == MB_COIL)
		return false;
	for (uint32_t a = b->addr; a < (uint32_t)b->addr + b->count; a++)
		if (a >= s->base && s->absent[a - s->base])
			return true;
	return false;
}

/* One cycle, as a bus does it: how many requests were refused. */
static unsigned
cycle(struct scene *s, bool *again)
{
	unsigned refused = 0;

	*again = false;
	for (size_t i = 0; i < s->plan.n_blocks; i++) {
		while (refuses(s, &s->plan.blocks[i])) {
			refused++;
			if (plan_split(&s->t, &s->plan, i, s->cut))
				continue;
			*again |= plan_heal(&s->t, &s->plan, i, s->cut);
			break;
		}
	}
	check_plan(s);
	return refused;
}

/* How many fields have a register that the device lacks. */
static unsigned
lacking(const struct scene *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->t.n_fields; i++) {
		const struct field *f = &s->fields[i];
		struct plan_block b = { .table = f->table,
			.addr = f->addr,
			.count = plan_regs(f) };

		n += refuses(s, &b);
	}
	return n;
}

static void
what_is_refused_is_found_in_the_end(void **state)
{
	uint32_t seed = 4711;

	(void)state;
	for (int i = 0; i < TRIES; i++) {
		unsigned rounds = 0, refused;
		struct scene s;
		bool again;

		make_scene(&s, &seed);
		s.t.min_read = 0;
		for (unsigned k = any(&seed, 12); k > 0; k--)
			s.absent[any(&seed, SPAN)] = true;
		do {
			build(&s);
			refused = cycle(&s, &again);
			plan_fini(&s.plan);
			assert_true(++rounds <= FIELDS);
		} while (refused > lacking(&s));
		assert_int_equal(refused, lacking(&s));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_once_at_the_least_cost),
		cmocka_unit_test(what_is_refused_is_found_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
