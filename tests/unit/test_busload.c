#include "drivers/busload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char normal[] = "normal", once[] = "once", rs485[] = "rs485",
	    lan[] = "lan", path[] = "site.conf", port[] = "/dev/ttyUSB0",
	    ask[] = "{address}r0\r\n", end[] = "\r\n";

static struct poll_class polls[] = { { normal, 1000 }, { once, 0 } };

/* Ten registers in a row, and one that is read once. */
static struct field fields[] = {
	{ .table = MB_INPUT,
	    .addr = 0,
	    .type = REG_STR,
	    .str_len = 20,
	    .poll = normal },
	{ .table = MB_HOLDING, .addr = 0, .type = REG_U16, .poll = once },
};
static struct tmpl meter = { .kind = TMPL_MODBUS,
	.polls = polls,
	.n_polls = 2,
	.fields = fields,
	.n_fields = 2 };
static struct tmpl station = { .kind = TMPL_TEXT,
	.frame = { .request = { ask, sizeof(ask) - 1 },
	    .end = { end, 2 },
	    .max = 200 },
	.polls = polls,
	.n_polls = 2,
	.fields = fields,
	.n_fields = 1 };

enum { NODES = 20 };

struct site {
	struct cfg_bus buses[2];
	struct cfg_node nodes[NODES];
	struct cfg c;
};

/* A line of 9600 8N1 with n nodes, and an empty one. */
static void
site_init(struct site *s, const struct tmpl *t, size_t n)
{
	memset(s, 0, sizeof(*s));
	s->buses[0] = (struct cfg_bus){ .name = rs485,
		.type = t->kind == TMPL_TEXT ? BUS_SERIAL : BUS_MODBUS_RTU,
		.port = port,
		.serial = { 9600, 8, 'N', 1 },
		.file = "site.conf",
		.line = 7 };
	s->buses[1] = (struct cfg_bus){ .name = lan, .type = BUS_MODBUS_TCP };
	for (size_t i = 0; i < n; i++)
		s->nodes[i] = (struct cfg_node){
			.enabled = true, .tmpl = t, .on = &s->buses[0]
		};
	s->c = (struct cfg){ .path = path,
		.buses = s->buses,
		.n_buses = 2,
		.nodes = s->nodes,
		.n_nodes = n };
}

/* T(10) = 13542 + 8021 + 5000 + 10 * 2083 = 47.4 ms */
static void
modbus(void **state)
{
	struct busload l;
	struct site s;

	(void)state;
	site_init(&s, &meter, 3);
	s.nodes[1].enabled = false;
	s.nodes[2].poll_ms = 2000;
	busload_of(&s.c, &s.buses[0], 0, &l);
	assert_int_equal(l.n_nodes, 2);
	assert_ptr_equal(l.nodes[1].node, &s.nodes[2]);
	assert_int_equal(l.nodes[0].n_requests, 2);
	assert_int_equal(l.nodes[0].requests[0].count, 10);
	assert_int_equal(l.nodes[0].requests[0].n_fields, 1);
	assert_int_equal(l.nodes[0].requests[0].every_ms, 1000);
	assert_int_equal(l.nodes[0].requests[0].bytes, 33);
	assert_in_range(l.nodes[0].requests[0].us, 47390, 47400);
	assert_int_equal(l.nodes[0].requests[1].every_ms, 0);
	assert_int_equal(l.nodes[0].requests[1].fields[0], 1);
	assert_true(l.nodes[0].percent > 4.73 && l.nodes[0].percent < 4.75);
	assert_true(l.percent > 7.09 && l.percent < 7.12);
	busload_fini(&l);
	busload_of(&s.c, &s.buses[1], 0, &l);
	assert_int_equal(l.n_nodes, 0);
	assert_true(l.percent < 0.001);
	busload_fini(&l);
}

/* What was measured takes the place of the guess. */
static void
as_measured(void **state)
{
	struct busload l;
	struct site s;

	(void)state;
	site_init(&s, &meter, 1);
	busload_of(&s.c, &s.buses[0], 80000, &l);
	assert_in_range(l.nodes[0].requests[0].us, 79900, 80100);
	busload_fini(&l);
	/* faster than its characters can be: then the device takes no time */
	busload_of(&s.c, &s.buses[0], 100, &l);
	assert_in_range(l.nodes[0].requests[0].us, 42390, 42400);
	busload_fini(&l);
	s.buses[0].unit_gap_ms = 10;
	busload_of(&s.c, &s.buses[0], 0, &l);
	assert_in_range(l.nodes[0].requests[0].us, 57390, 57400);
	busload_fini(&l);
	s.buses[0].type = BUS_MODBUS_TCP;
	busload_of(&s.c, &s.buses[0], 700, &l);
	assert_in_range(l.nodes[0].requests[0].us, 10690, 10710);
	busload_fini(&l);
}

/* request 13 + answer 10 characters: 24 ms, and the device */
static void
text(void **state)
{
	struct busload l;
	struct site s;

	(void)state;
	site_init(&s, &station, 1);
	busload_of(&s.c, &s.buses[0], 0, &l);
	assert_int_equal(l.nodes[0].n_requests, 1);
	assert_int_equal(l.nodes[0].requests[0].bytes, 23);
	assert_in_range(l.nodes[0].requests[0].us, 73000, 75000);
	busload_fini(&l);
	/* 13 characters to ask with, 2 ms before each, and 10 after it */
	s.buses[0].char_delay_ms = 2;
	s.buses[0].unit_gap_ms = 10;
	busload_of(&s.c, &s.buses[0], 0, &l);
	assert_in_range(
	    l.nodes[0].requests[0].us, 73000 + 36000, 75000 + 36000);
	busload_fini(&l);
	/* a round trip that was measured has them in it */
	busload_of(&s.c, &s.buses[0], 30000, &l);
	assert_int_equal(l.nodes[0].requests[0].us, 30000 + 10000);
	busload_fini(&l);
	station.frame.mode = FRAME_STREAM;
	busload_of(&s.c, &s.buses[0], 0, &l);
	station.frame.mode = FRAME_POLL;
	assert_int_equal(l.nodes[0].n_requests, 0);
	busload_fini(&l);
}

static void
warns(void **state)
{
	struct buf notes = { 0 };
	struct site s;

	(void)state;
	site_init(&s, &meter, 16);
	assert_int_equal(busload_check(&s.c, &notes), 0);
	assert_int_equal(notes.len, 0);
	site_init(&s, &meter, 20);
	assert_int_equal(busload_check(&s.c, &notes), 1);
	assert_string_equal(notes.data,
	    "site.conf:7: warning: [bus rs485] its nodes need about 95 % of "
	    "the line's time, reckoned before anything was measured: poll "
	    "slower, raise the speed, or split the bus (thingbridge plan shows "
	    "each request, and what was measured)\n");
	buf_fini(&notes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modbus),
		cmocka_unit_test(as_measured),
		cmocka_unit_test(text),
		cmocka_unit_test(warns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
