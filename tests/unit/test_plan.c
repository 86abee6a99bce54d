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
	    3, "2:0+5=3", "2:0+2=1 2:2+2=1 2:4+1=1" },
	{ "a hole divides", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 2, REG_U16, 0, 0 } },
	    2, "2:0+1=1 2:2+1=1", NULL },
	{ "unless a gap is allowed; split at the hole first", 1000, 2, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 1, REG_U16, 0, 0 },
		{ MB_INPUT, 4, REG_U16, 0, 0 } },
	    3, "2:0+5=3", "2:0+2=2 2:4+1=1" },
	{ "out of order, several tables", 1000, 0, 0, 0, 0,
	    { { MB_HOLDING, 7, REG_U16, 0, 0 }, { MB_INPUT, 7, REG_U16, 0, 0 },
		{ MB_HOLDING, 6, REG_U16, 0, 0 } },
	    3, "2:7+1=1 3:6+2=2", NULL },
	{ "max_read", 1000, 0, 4, 0, 0,
	    { { MB_INPUT, 0, REG_F32, 0, 0 }, { MB_INPUT, 2, REG_F32, 0, 0 },
		{ MB_INPUT, 4, REG_F32, 0, 0 } },
	    3, "2:0+4=2 2:4+2=1", "2:0+2=1 2:2+2=1 2:4+2=1" },
	{ "the protocol's limit holds whatever is said", 1000, 200, 500, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 124, REG_U16, 0, 0 },
		{ MB_INPUT, 125, REG_U16, 0, 0 } },
	    3, "2:0+125=2 2:125+1=1", NULL },
	{ "bits have their own limit", 1000, 0, 1, 2, 0,
	    { { MB_COIL, 0, REG_BOOL, 0, 0 }, { MB_COIL, 1, REG_BOOL, 0, 0 },
		{ MB_COIL, 2, REG_BOOL, 0, 0 } },
	    3, "0:0+2=2 0:2+1=1", NULL },
	{ "solo stands alone", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 1, REG_U16, 1, 0 },
		{ MB_INPUT, 2, REG_U16, 0, 0 } },
	    3, "2:0+1=1 2:1+1=1 2:2+1=1", NULL },
	{ "solo inside of another's registers", 1000, 4, 11, 0, 0,
	    { { MB_INPUT, 0x0a, REG_I32, 0, 0 },
		{ MB_INPUT, 0x0b, REG_U16, 1, 0 },
		{ MB_INPUT, 0x0c, REG_I32, 0, 0 } },
	    3, "2:10+2=1 2:11+1=1 2:12+2=1", NULL },
	{ "only the class asked for", 60000, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, 0 }, { MB_INPUT, 1, REG_U16, 0, slow },
		{ MB_INPUT, 2, REG_U16, 0, slow } },
	    3, "2:1+2=2", NULL },
	{ "once", 0, 0, 0, 0, 0,
	    { { MB_INPUT, 0, REG_U16, 0, once },
		{ MB_INPUT, 1, REG_U16, 0, 0 } },
	    2, "2:0+1=1", NULL },
	{ "two fields of one register", 1000, 0, 0, 0, 0,
	    { { MB_INPUT, 5, REG_U8H, 0, 0 }, { MB_INPUT, 5, REG_U8L, 0, 0 },
		{ MB_INPUT, 4, REG_I64, 0, 0 } },
	    3, "2:4+4=3", "2:4+4=1 2:5+1=1 2:5+1=1" },
	{ "min_read, and the end of the address space", 1000, 0, 0, 0, 4,
	    { { MB_INPUT, 5, REG_U16, 0, 0 },
		{ MB_INPUT, 65534, REG_U16, 0, 0 } },
	    2, "2:5+4=1 2:65534+2=1", NULL },
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
		char text[TEXT];
		struct plan p;

		for (size_t j = 0; j < cases[i].n; j++) {
			const struct spec *s = &cases[i].spec[j];

			f[j].table = s->table;
			f[j].addr = s->addr;
			f[j].type = s->type;
			f[j].solo = s->solo;
			f[j].poll = s->poll ? s->poll : fast;
		}
		print_message("  %s\n", cases[i].name);
		plan_build(&t, cases[i].interval, 0, &p);
		show(&p, text);
		assert_string_equal(text, cases[i].want);
		if (cases[i].split) {
			assert_true(plan_split(&t, &p, 0));
			show(&p, text);
			assert_string_equal(text, cases[i].split);
		}
		plan_fini(&p);
	}
}

/* Splitting ends, with each field alone and none lost. */
static void
splits_to_the_end(void **state)
{
	struct field f[FIELDS] = { 0 };
	struct tmpl t = { .polls = polls,
		.n_polls = 3,
		.fields = f,
		.n_fields = FIELDS,
		.max_gap = 10 };
	bool seen[FIELDS] = { false };
	struct plan p;

	(void)state;
	for (size_t i = 0; i < FIELDS; i++) {
		f[i].type = REG_U16;
		f[i].addr = (uint16_t)(i * 3 / 2);
		f[i].poll = fast;
	}
	plan_build(&t, 1000, 0, &p);
	assert_int_equal(p.n_blocks, 1);
	for (size_t i = 0; i < p.n_blocks;)
		i += !plan_split(&t, &p, i);
	assert_int_equal(p.n_blocks, FIELDS);
	for (size_t i = 0; i < FIELDS; i++)
		seen[p.fields[p.blocks[i].first]] = true;
	for (size_t i = 0; i < FIELDS; i++)
		assert_true(seen[i]);
	plan_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(splits_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
