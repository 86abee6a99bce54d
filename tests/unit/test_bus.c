/* Buses against devices that misbehave: what counts is that no reading is ever
 * wrong, and that one bad unit does not spoil the others. */
#include "aside.h"
#include "common/mem.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
polls(int type)
{
	struct rig r = { 0 };
	struct drv_stats st;

	device_init(&r.dev, 5, 1, 300);
	r.dev.fields[4].poll = rig_once;
	rig_start(&r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(answers_all, NULL)
				   : slave_pty(answers_all, NULL),
	    2);
	listen_up(&r);
	listen_for(&r, 600);
	drv_bus_stats(r.bus, &st);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(r.heard[i].wrong, 0);
		assert_int_equal(r.heard[i].bad, 0);
		assert_in_range(r.heard[i].by_field[0], 8, 14);
		assert_int_equal(r.heard[i].by_field[4], 1);
		assert_int_equal(r.heard[i].online, 1);
		assert_int_equal(r.heard[i].once, 1);
	}
	assert_int_equal(r.up, 1);
	assert_true(st.up);
	assert_int_equal(st.timeouts + st.crc + st.late, 0);
	assert_true(st.requests >= 18 && st.rtt_us > 0 && st.bytes > 0);
	rig_stop(&r);
}

/* By name, which may have an IPv6 address where nobody listens. */
static void
polls_localhost(void **state)
{
	struct rig r = { 0 };
	const char *port;

	(void)state;
	device_init(&r.dev, 1, 1, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 1);
	drv_bus_stop(r.bus);
	port = strchr(slave_path(r.slave), ':');
	free(r.cfg.host);
	r.cfg.host = mem_printf("localhost%s", port);
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	r.heard[0].good = 0;
	listen_for(&r, 400);
	assert_true(r.heard[0].good > 0);
	rig_stop(&r);
}

static void
polls_tcp(void **state)
{
	(void)state;
	polls(BUS_MODBUS_TCP);
}

static void
polls_rtu(void **state)
{
	(void)state;
	polls(BUS_MODBUS_RTU);
}

/* The loop hangs: readings may go, but states and what is read once stay. */
static void
full_box(void **state)
{
	struct rig r = { .room = 4 };

	(void)state;
	device_init(&r.dev, 3, 10, 300);
	r.dev.fields[1].poll = rig_once;
	r.dev.polls[0].ms = 10;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 2);
	usleep(600000);
	assert_true(mailbox_dropped(r.box) > 10);
	drv_bus_stop(r.bus);
	r.bus = NULL;
	listen_for(&r, 100);
	assert_int_equal(r.up, 1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(r.heard[i].online, 1);
		assert_int_equal(r.heard[i].once, 1);
		assert_int_equal(r.heard[i].by_field[1], 1);
	}
	rig_stop(&r);
}

static void
unit_2_is_dead(struct ask *a, void *arg)
{
	(void)arg;
	if (a->unit == 2)
		a->delay_ms = -1;
}

static void
dead_neighbour(int type)
{
	struct rig r = { 0 };

	device_init(&r.dev, 4, 10, 100);
	rig_start(&r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(unit_2_is_dead, NULL)
				   : slave_pty(unit_2_is_dead, NULL),
	    2);
	listen_for(&r, 4000);
	print_message("  live: %u good, longest gap %lld ms\n",
	    r.heard[0].good / 4, (long long)r.heard[0].gap_max);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_int_equal(r.heard[1].good, 0);
	assert_int_equal(r.heard[1].offline, 1);
	assert_int_equal(r.heard[0].offline, 0);
	/* 4 s at 50 ms are 80 polls */
	assert_true(r.heard[0].good / 4 > 55);
	assert_true(r.heard[0].gap_max < 700);
	rig_stop(&r);
}

static void
dead_neighbour_tcp(void **state)
{
	(void)state;
	dead_neighbour(BUS_MODBUS_TCP);
}

static void
dead_neighbour_rtu(void **state)
{
	(void)state;
	dead_neighbour(BUS_MODBUS_RTU);
}

/* Once it is known to be dead, a neighbour takes no time from the others: it is
 * probed where there is room. */
static void
probes_between(void **state)
{
	struct rig r = { 0 };
	struct drv_stats before, after;

	(void)state;
	device_init(&r.dev, 8, 10, 100);
	r.dev.polls[0].ms = 300;
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(unit_2_is_dead, NULL), 2);
	for (int i = 0; i < 100 && r.heard[1].offline == 0; i++)
		listen_for(&r, 50);
	assert_int_equal(r.heard[1].offline, 1);
	listen_for(&r, 400);
	drv_bus_stats(r.bus, &before);
	r.heard[0].last = 0;
	r.heard[0].gap_max = 0;
	listen_for(&r, 6500);
	drv_bus_stats(r.bus, &after);
	print_message("  longest gap %lld ms\n", (long long)r.heard[0].gap_max);
	assert_true(after.timeouts > before.timeouts);
	assert_true(r.heard[0].gap_max < 330);
	rig_stop(&r);
}

static void
read_now(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	r.dev.polls[0].ms = 3600000;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 1);
	listen_for(&r, 200);
	assert_int_equal(r.heard[0].good, 1);
	drv_bus_read_now(r.bus, 0);
	listen_for(&r, 200);
	assert_int_equal(r.heard[0].good, 2);
	rig_stop(&r);
}

/* An installer reads what is wrong, where, and what to look at. */
static void
says_what_to_look_at(void **state)
{
	struct rig r = { 0 };
	const char *text = r.heard[1].text;

	(void)state;
	device_init(&r.dev, 2, 10, 60);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(unit_2_is_dead, NULL), 2);
	listen_for(&r, 1500);
	print_message("  %s\n", text);
	assert_non_null(strstr(text, "does not answer"));
	assert_non_null(strstr(text, "address 2 on /dev/pts/"));
	assert_non_null(strstr(text, "115200 8N1"));
	assert_non_null(strstr(text, "not answered yet"));
	assert_non_null(strstr(text, "A and B"));
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polls_tcp),
		cmocka_unit_test(polls_rtu),
		cmocka_unit_test(polls_localhost),
		cmocka_unit_test(full_box),
		cmocka_unit_test(dead_neighbour_tcp),
		cmocka_unit_test(dead_neighbour_rtu),
		cmocka_unit_test(probes_between),
		cmocka_unit_test(read_now),
		cmocka_unit_test(says_what_to_look_at),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
