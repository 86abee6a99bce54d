#include "drivers/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FIELDS = 8, TEXT = 256 };

static char fast[] = "fast", slow[] = "slow", once[] = "once";

static struct poll_class polls[] = { { fast, 1000 }, { slow, 60000 },
	{ once, 0 } };

struct spec {
	enum modbus_table table;
	uint16_t addr;
	enum reg_type type;
	bool solo;
	char *poll; /* NULL: fast */
};

/* A hole of ten registers is worth a request. */
static const struct plan_cost ten = {
	.request_us = 15, .device_us = 5, .register_us = 2
};

static const struct {
	const char *name;
	int64_t interval, max_gap, max_read, max_bits, min_read;
	struct spec spec[FIELDS];
	size_t n;
	const char *want;  /* table:addr+count=fields ... */
	const char *split; /* after the first block was refused, or NULL */
} cases[] = {
	{ "neighbours share a request", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_F32, 0, 0 }, { MB_INPUT, 2, REG_F32, 0, 0 },
		{ MB_INPUT, 4, REG_U16, 0, 0 } },
	    3, "2:0+5=3", "2:0+2=1 2:2+3=2" },
	{ "a hole as long as a request is worth is read along", 1000, 0, 0, 0,
	    0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 11, REG_U16, 0, 0 } },
	    2, "2:0+12=2", "2:0+1=1 2:11+1=1" },
	{ "a longer one divides", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 12, REG_U16, 0, 0 } },
	    2, "2:0+1=1 2:12+1=1", NULL },
	{ "the template's word is an upper bound", 1000, 2, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 3, REG_U16, 0, 0 },
		{ MB_INPUT, 7, REG_U16, 0, 0 } },
	    3, "2:0+4=2 2:7+1=1", NULL },
	{ "and only that", 1000, 100, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 12, REG_U16, 0, 0 } },
	    2, "2:0+1=1 2:12+1=1", NULL },
	{ "split at the largest hole", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 2, REG_U16, 0, 0 },
		{ MB_INPUT, 6, REG_U16, 0, 0 },
		{ MB_INPUT, 8, REG_U16, 0, 0 } },
	    4, "2:0+9=4", "2:0+3=2 2:6+3=2" },
	{ "out of order, several tables", 1000, 0, 0, 0, 0,
	    { { MB_HOLDING, 7, REG_U16, 0, 0 }, { MB_INPUT, 7, REG_U16, 0, 0 },
		{ MB_HOLDING, 6, REG_U16, 0, 0 } },
	    3, "2:7+1=1 3:6+2=2", NULL },
	{ "max_read", 1000, 0, 4, 0, 0,
	    { { MB_INPUT, 0, REG_F32, 0, 0 }, { MB_INPUT, 2, REG_F32, 0, 0 },
		{ MB_INPUT, 4, REG_F32, 0, 0 } },
	    3, "2:0+2=1 2:2+4=2", NULL },
	{ "not the first hole, but the cheapest way", 1000, 0, 11, 0, 0,
	    { { MB_INPUT, 0, REG_I32, 0, 0 }, { MB_INPUT, 4, REG_I32, 0, 0 },
		{ MB_INPUT, 8, REG_I32, 0, 0 }, { MB_INPUT, 10, REG_I32, 0, 0 },
		{ MB_INPUT, 12, REG_I32, 0, 0 } },
	    5, "2:0+2=1 2:4+10=4", NULL },
	{ "the protocol's limit holds whatever is said", 1000, 0, 500, 0, 0,
	    { { MB_INPUT, 0, REG_STR, 0, 0 }, { MB_INPUT, 60, REG_STR, 0, 0 },
		{ MB_INPUT, 125, REG_U16, 0, 0 } },
	    3, "2:0+124=2 2:125+1=1", NULL },
	{ "bits have their own limit", 1000, 0, 1, 2, 0,
	    { { MB_COIL, 0, REG_BOOL, 0, 0 }, { MB_COIL, 1, REG_BOOL, 0, 0 },
		{ MB_COIL, 2, REG_BOOL, 0, 0 } },
	    3, "0:0+1=1 0:1+2=2", NULL },
	{ "16 bits are as cheap as a register", 1000, 0, 0, 0, 0,
	    { { MB_COIL, 0, REG_BOOL, 0, 0 }, { MB_COIL, 150, REG_BOOL, 0, 0 },
		{ MB_COIL, 340, REG_BOOL, 0, 0 } },
	    3, "0:0+151=2 0:340+1=1", NULL },
	{ "solo stands alone, and nothing is read across it", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 1, REG_U16, 1, 0 },
		{ MB_INPUT, 2, REG_U16, 0, 0 } },
	    3, "2:0+1=1 2:2+1=1 2:1+1=1", NULL },
	{ "solo inside of another's registers", 1000, 4, 11, 0, 0,
	    { { MB_INPUT, 0x0a, REG_I32, 0, 0 },
		{ MB_INPUT, 0x0b, REG_U16, 1, 0 },
		{ MB_INPUT, 0x0c, REG_I32, 0, 0 } },
	    3, "2:10+4=2 2:11+1=1", NULL },
	{ "a solo of another class", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 2, REG_U16, 1, slow },
		{ MB_INPUT, 4, REG_U16, 0, 0 } },
	    3, "2:0+1=1 2:4+1=1", NULL },
	{ "only the class asked for", 60000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 1, REG_U16, 0, slow },
		{ MB_INPUT, 2, REG_U16, 0, slow } },
	    3, "2:1+2=2", NULL },
	{ "once", 0, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, once },
		{ MB_INPUT, 1, REG_U16, 0, 0 } },
	    2, "2:0+1=1", NULL },
	{ "several fields of one register", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 5, REG_U8H, 0, 0 }, { MB_INPUT, 5, REG_U8L, 0, 0 },
		{ MB_INPUT, 4, REG_I64, 0, 0 },
		{ MB_INPUT, 8, REG_U16, 0, 0 } },
	    4, "2:4+5=4", "2:4+4=2 2:5+4=2" },
	{ "min_read: towards the registers that are known", 1000, 0, 0, 0, 4,
	    { { MB_INPUT, 5, REG_U16, 0, 0 }, { MB_INPUT, 50, REG_U16, 0, 0 },
		{ MB_INPUT, 48, REG_U16, 1, slow } },
	    3, "2:5+4=1 2:47+4=1", NULL },
	{ "min_read: what another table has is no reason", 1000, 0, 0, 0, 4,
	    { { MB_INPUT, 5, REG_U16, 0, 0 },
		{ MB_HOLDING, 2, REG_I32, 0, slow } },
	    2, "2:5+4=1", NULL },
	{ "min_read and the end of the address space", 1000, 0, 0, 0, 4,
	    { { MB_INPUT, 65534, REG_U16, 0, 0 } }, 1, "2:65532+4=1", NULL },
	{ "min_read of a split", 1000, 0, 0, 0, 2,
	    { { MB_INPUT, 5, REG_U16, 0, 0 }, { MB_INPUT, 7, REG_U16, 0, 0 } },
	    2, "2:5+3=2", "2:5+2=1 2:7+2=1" },
	{ "min_read never exceeds max_read", 1000, 0, 2, 0, 4,
	    { { MB_INPUT, 5, REG_U16, 0, 0 } }, 1, "2:5+2=1", NULL },
	{ "nothing", 1000, 0, 0, 0, 0, { { 0 } }, 0, "", NULL },
};

static void
show(const struct plan *p, char out[TEXT])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < p->n_blocks; i++)
		n += (size_t)snprintf(out + n, TEXT - n, "%s%d:%d+%d=%zu",
		    i ? " " : "", (int)p->blocks[i].table, p->blocks[i].addr,
		    p->blocks[i].count, p->blocks[i].n);
}

static void
plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct field f[FIELDS] = { 0 };
		struct tmpl t = { .polls = polls,
			.n_polls = 3,
			.fields = f,
			.n_fields = cases[i].n,
			.max_gap = cases[i].max_gap,
			.max_read = cases[i].max_read,
			.max_read_bits = cases[i].max_bits,
			.min_read = cases[i].min_read };
		bool cut[FIELDS] = { false };
		char text[TEXT];
		struct plan p;

		for (size_t j = 0; j < cases[i].n; j++) {
			const struct spec *s = &cases[i].spec[j];

			f[j].table = s->table;
			f[j].addr = s->addr;
			f[j].type = s->type;
			f[j].str_len = 128;
			f[j].solo = s->solo;
			f[j].poll = s->poll ? s->poll : fast;
		}
		print_message("  %s\n", cases[i].name);
		plan_build(&t, cases[i].interval, 0, &ten, NULL, &p);
		show(&p, text);
		assert_string_equal(text, cases[i].want);
		if (cases[i].split) {
			assert_true(plan_split(&t, &p, 0, cut));
			show(&p, text);
			assert_string_equal(text, cases[i].split);
			plan_fini(&p);
			/* what was learnt leads to the same at once */
			plan_build(&t, cases[i].interval, 0, &ten, cut, &p);
			show(&p, text);
			assert_string_equal(text, cases[i].split);
		}
		plan_fini(&p);
	}
}

/* --- the two meters of the design's reckoning --- */

/* 9600 8N1: a request takes 21.56 ms without the device, a register 2.08 ms. */
static const struct cfg_bus rs485 = { .type = BUS_MODBUS_RTU,
	.serial = { 9600, 8, 'N', 1 } };

static const struct meter {
	const char *name;
	int64_t max_read, max_gap;
	size_t n;
	struct {
		uint16_t addr;
		enum reg_type type;
	} f[24];
	int64_t single_ms, planned_ms;
	size_t requests;
} meters[] = {
	{ "SDM630", 80, 12, 24,
	    { { 0x00, REG_F32 }, { 0x02, REG_F32 }, { 0x04, REG_F32 },
		{ 0x06, REG_F32 }, { 0x08, REG_F32 }, { 0x0a, REG_F32 },
		{ 0x0c, REG_F32 }, { 0x0e, REG_F32 }, { 0x10, REG_F32 },
		{ 0x1e, REG_F32 }, { 0x20, REG_F32 }, { 0x22, REG_F32 },
		{ 0x34, REG_F32 }, { 0x38, REG_F32 }, { 0x3c, REG_F32 },
		{ 0x3e, REG_F32 }, { 0x46, REG_F32 }, { 0x48, REG_F32 },
		{ 0x4a, REG_F32 }, { 0xf8, REG_F32 }, { 0x156, REG_F32 },
		{ 0x15a, REG_F32 }, { 0x15c, REG_F32 }, { 0x15e, REG_F32 } },
	    738, 256, 4 },
	{ "EM24", 11, 4, 22,
	    { { 0x00, REG_I32 }, { 0x02, REG_I32 }, { 0x04, REG_I32 },
		{ 0x0c, REG_I32 }, { 0x0e, REG_I32 }, { 0x10, REG_I32 },
		{ 0x12, REG_I32 }, { 0x14, REG_I32 }, { 0x16, REG_I32 },
		{ 0x28, REG_I32 }, { 0x32, REG_I16 }, { 0x33, REG_I16 },
		{ 0x34, REG_I16 }, { 0x35, REG_I16 }, { 0x36, REG_I16 },
		{ 0x37, REG_U16 }, { 0x3e, REG_I32 }, { 0x42, REG_I32 },
		{ 0x46, REG_I32 }, { 0x48, REG_I32 }, { 0x4a, REG_I32 },
		{ 0x5c, REG_I32 } },
	    664, 300, 8 },
};

static void
meters_as_reckoned(void **state)
{
	struct plan_cost c = plan_cost_of(&rs485, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(meters) / sizeof(meters[0]); i++) {
		const struct meter *m = &meters[i];
		struct field f[24] = { 0 };
		struct tmpl t = { .polls = polls,
			.n_polls = 3,
			.fields = f,
			.n_fields = m->n,
			.max_read = m->max_read,
			.max_gap = m->max_gap };
		int64_t single = 0, planned = 0;
		struct plan p;

		for (size_t j = 0; j < m->n; j++) {
			f[j].table = MB_INPUT;
			f[j].addr = m->f[j].addr;
			f[j].type = m->f[j].type;
			f[j].poll = fast;
			single += plan_us(&c, MB_INPUT, plan_regs(&f[j]));
		}
		plan_build(&t, 1000, 0, &c, NULL, &p);
		for (size_t j = 0; j < p.n_blocks; j++)
			planned += plan_us(&c, MB_INPUT, p.blocks[j].count);
		print_message("  %s: %lld -> %lld us\n", m->name,
		    (long long)single, (long long)planned);
		assert_in_range(single / 1000, m->single_ms - 1, m->single_ms);
		assert_true((planned + 500) / 1000 <= m->planned_ms);
		assert_true((planned + 500) / 1000 >= m->planned_ms * 98 / 100);
		assert_int_equal(p.n_blocks, m->requests);
		plan_fini(&p);
	}
}

/* The longest hole worth reading, from the line's speed and the device. */
static void
holes(void **state)
{
	static const struct {
		struct serial_mode mode;
		int64_t device_us;
		int64_t regs;
	} rows[] = {
		{ { 9600, 8, 'E', 1 }, 0, 9 },
		{ { 9600, 8, 'E', 1 }, 5000, 12 },
		{ { 9600, 8, 'E', 1 }, 21000, 19 },
		{ { 19200, 8, 'E', 1 }, 0, 9 },
		{ { 19200, 8, 'E', 1 }, 5000, 14 },
		{ { 19200, 8, 'E', 1 }, 21000, 28 },
		{ { 115200, 8, 'E', 1 }, 0, 24 },
		{ { 115200, 8, 'E', 1 }, 5000, 51 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cfg_bus bus = { .type = BUS_MODBUS_RTU,
			.serial = rows[i].mode };
		struct plan_cost c = plan_cost_of(&bus, 0);
		int64_t hole;

		c.device_us = rows[i].device_us;
		hole = (c.request_us + c.device_us) / c.register_us;
		print_message("  %d baud, device %lld us: %lld registers\n",
		    rows[i].mode.baud, (long long)rows[i].device_us,
		    (long long)hole);
		assert_in_range(hole, rows[i].regs, rows[i].regs + 1);
	}
}

/* T(N) of 11-bit characters, as in the design's table. */
static void
takes_as_long(void **state)
{
	static const struct {
		int baud;
		uint16_t count;
		int64_t us;
	} rows[] = {
		{ 9600, 1, 25208 },
		{ 9600, 10, 45833 },
		{ 9600, 50, 137500 },
		{ 9600, 125, 309375 },
		{ 19200, 1, 12604 },
		{ 38400, 1, 7797 },
		{ 57600, 10, 9802 },
		{ 115200, 1, 4932 },
		{ 115200, 125, 28613 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cfg_bus bus = { .type = BUS_MODBUS_RTU,
			.serial = { rows[i].baud, 8, 'E', 1 } };
		struct plan_cost c = plan_cost_of(&bus, 0);
		int64_t us;

		c.device_us = 0;
		us = plan_us(&c, MB_INPUT, rows[i].count);
		print_message("  %d baud, %d registers: %lld us\n",
		    rows[i].baud, rows[i].count, (long long)us);
		assert_in_range(
		    us, rows[i].us * 99 / 100, rows[i].us * 101 / 100);
	}
}

static void
cost_of_lines(void **state)
{
	struct cfg_bus bus = rs485;
	struct plan_cost plain = plan_cost_of(&bus, 0), c;

	(void)state;
	assert_int_equal(
	    plan_cost_of(&bus, 20).request_us, plain.request_us - 8021 + 40000);
	bus.gap_ms = 20;
	assert_int_equal(plan_cost_of(&bus, 0).request_us,
	    plan_cost_of(&bus, 20).request_us);
	bus.gap_ms = 0;
	bus.rts_before_us = 300;
	bus.rts_after_us = 200;
	assert_int_equal(
	    plan_cost_of(&bus, 0).request_us, plain.request_us + 500);
	bus.char_delay_ms = 2; /* before each of the eight it is asked with */
	assert_int_equal(
	    plan_cost_of(&bus, 0).request_us, plain.request_us + 500 + 16000);
	bus.type = BUS_MODBUS_TCP;
	c = plan_cost_of(&bus, 0);
	assert_true(c.register_us * 100 < c.request_us + c.device_us);
	assert_int_equal(plan_bytes(BUS_MODBUS_RTU, MB_INPUT, 10), 8 + 25);
	assert_int_equal(plan_bytes(BUS_MODBUS_RTU, MB_COIL, 10), 8 + 7);
	assert_int_equal(plan_bytes(BUS_MODBUS_TCP, MB_INPUT, 10), 12 + 29);
}

static void
measured(void **state)
{
	struct plan_cost planned = plan_cost_of(&rs485, 0), now = planned;

	(void)state;
	assert_false(plan_is_stale(&planned, &now));
	for (int i = 0; i < 50; i++)
		plan_measured(
		    &now, MB_INPUT, 10, plan_us(&planned, MB_INPUT, 10));
	assert_false(plan_is_stale(&planned, &now));
	/* an adapter that gathers for 16 ms, and then some */
	for (int i = 0; i < 50; i++)
		plan_measured(&now, MB_INPUT, 10,
		    plan_us(&planned, MB_INPUT, 10) + 40000);
	assert_in_range(now.device_us, 44900, 45000);
	assert_true(plan_is_stale(&planned, &now));
	assert_true(plan_is_stale(&now, &planned));
	/* faster than the line can be: the clock is wrong, not the device */
	for (int i = 0; i < 50; i++)
		plan_measured(&now, MB_INPUT, 10, 0);
	assert_in_range(now.device_us, 0, 100);
}

/* By the longest hole that is worth reading: half as long, or twice. */
static void
stale(void **state)
{
	struct plan_cost ten_long = ten, now = ten;

	(void)state;
	now.device_us = -3; /* 6 */
	assert_false(plan_is_stale(&ten_long, &now));
	now.device_us = -5; /* 5 */
	assert_true(plan_is_stale(&ten_long, &now));
	now.device_us = 25; /* 20 */
	assert_false(plan_is_stale(&ten_long, &now));
	now.device_us = 27; /* 21 */
	assert_true(plan_is_stale(&ten_long, &now));
}

/* --- refusals --- */

enum { REGS = 24 };

/* A device that has all registers but one, or that reads no more than so many,
 * or not across a hole. */
struct device {
	int missing, most;
	uint32_t holes; /* bit i: register i does not exist */
};

static bool
refuses(const struct device *d, const struct plan_block *b)
{
	if (d->most && b->count > d->most)
		return true;
	for (int i = b->addr; i < b->addr + b->count; i++) {
		if (i == d->missing || (d->holes >> i & 1))
			return true;
	}
	return false;
}

struct learner {
	struct tmpl t;
	struct field f[REGS];
	bool cut[REGS];
	struct plan p;
};

static void
learner_plan(struct learner *l)
{
	plan_fini(&l->p);
	plan_build(&l->t, 1000, 0, &ten, l->cut, &l->p);
}

static void
learner_init(struct learner *l, uint32_t fields, uint32_t optional)
{
	memset(l, 0, sizeof(*l));
	l->t = (struct tmpl){ .polls = polls, .n_polls = 3, .fields = l->f };
	for (unsigned i = 0; i < REGS; i++) {
		if (!(fields >> i & 1))
			continue;
		l->f[l->t.n_fields++] = (struct field){ .table = MB_INPUT,
			.addr = (uint16_t)i,
			.type = REG_U16,
			.optional = optional >> i & 1,
			.poll = fast };
	}
	learner_plan(l);
}

/* One cycle as a bus does it; returns how many requests were refused. */
static unsigned
cycle(struct learner *l, const struct device *d)
{
	unsigned n = 0;
	bool heal = false;

	for (size_t i = 0; i < l->p.n_blocks;) {
		bool no = refuses(d, &l->p.blocks[i]);

		n += no;
		if (no && plan_split(&l->t, &l->p, i, l->cut))
			continue;
		heal |= no && plan_heal(&l->t, &l->p, i, l->cut);
		i++;
	}
	if (heal)
		learner_plan(l);
	return n;
}

static void
learns(void **state)
{
	static const struct {
		const char *name;
		uint32_t fields, optional;
		struct device d;
		unsigned refused; /* in the first cycle, at most */
		const char *want; /* then */
	} rows[] = {
		{ "a missing register", 0xffff, 0, { 5, 0, 0 }, 5,
		    "2:0+5=5 2:5+1=1 2:6+10=10" },
		{ "the first", 0xffff, 0, { 0, 0, 0 }, 5, "2:0+1=1 2:1+15=15" },
		{ "the last", 0xffff, 0, { 15, 0, 0 }, 5,
		    "2:0+15=15 2:15+1=1" },
		{ "one that is optional", 0xffff, 1 << 9, { 9, 0, 0 }, 3,
		    "2:0+9=9 2:9+1=1 2:10+6=6" },
		{ "one of several that are optional", 0xffff, 7 << 9,
		    { 10, 0, 0 }, 5, "2:0+10=10 2:10+1=1 2:11+5=5" },
		{ "two", 0xffff, 0, { 3, 0, 1 << 12 }, 10,
		    "2:0+3=3 2:3+1=1 2:4+8=8 2:12+1=1 2:13+3=3" },
		{ "a hole", 0xf0f, 0, { -1, 0, 1 << 5 }, 1, "2:0+4=4 2:8+4=4" },
		{ "the smaller of two holes", 0x3073, 0, { -1, 0, 1 << 2 }, 2,
		    "2:0+2=2 2:4+3=3 2:12+2=2" },
		{ "fewer at once than the template says", 0xffff, 0,
		    { -1, 10, 0 }, 1, "2:0+8=8 2:8+8=8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct learner l;
		char text[TEXT];
		unsigned n;

		print_message("  %s\n", rows[i].name);
		learner_init(&l, rows[i].fields, rows[i].optional);
		n = cycle(&l, &rows[i].d);
		print_message("    %u refused\n", n);
		assert_in_range(n, 1, rows[i].refused);
		/* it comes to rest: only what is missing is still refused */
		for (int j = 0; j < 4; j++)
			cycle(&l, &rows[i].d);
		show(&l.p, text);
		assert_string_equal(text, rows[i].want);
		learner_plan(&l); /* as after a restart, from what is kept */
		show(&l.p, text);
		assert_string_equal(text, rows[i].want);
		plan_fini(&l.p);
	}
}

/* Whatever is refused, it ends, with each field alone and none lost. */
static void
splits_to_the_end(void **state)
{
	static const struct device none = { .most = -1 };
	bool seen[REGS] = { false };
	struct learner l;

	(void)state;
	learner_init(&l, 0x9f3d5b, 0x111111);
	assert_int_equal(l.p.n_blocks, 1);
	for (size_t i = 0; i < l.p.n_blocks;)
		i += !plan_split(&l.t, &l.p, i, l.cut);
	assert_int_equal(l.p.n_blocks, l.t.n_fields);
	for (size_t i = 0; i < l.p.n_blocks; i++)
		seen[l.p.fields[l.p.blocks[i].first]] = true;
	for (size_t i = 0; i < l.t.n_fields; i++)
		assert_true(seen[i]);
	for (int i = 0; i < 10; i++)
		cycle(&l, &none);
	plan_fini(&l.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(meters_as_reckoned),
		cmocka_unit_test(holes),
		cmocka_unit_test(takes_as_long),
		cmocka_unit_test(cost_of_lines),
		cmocka_unit_test(measured),
		cmocka_unit_test(stale),
		cmocka_unit_test(learns),
		cmocka_unit_test(splits_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
