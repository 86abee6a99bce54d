/* Buses against devices that misbehave: what counts is that no reading is ever
 * wrong, and that one bad unit does not spoil the others. */
#include "common/mem.h"
#include "field_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

/* Answers correctly, but often after the timeout, and at times after the
 * silence that follows it. */
static void
answers_late(struct ask *a, void *arg)
{
	static const int delays[] = { 0, 0, 130, 0, 290, 0, 0, 190, 160, 0, 320,
		0, 0, 270, 350, 0, 230 };

	(void)arg;
	a->delay_ms = delays[a->number % (sizeof(delays) / sizeof(delays[0]))];
}

static void
late(int type)
{
	struct rig r = { 0 };
	struct drv_stats st;

	device_init(&r.dev, N_FIELDS, 10, 100);
	rig_start(&r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(answers_late, NULL)
				   : slave_pty(answers_late, NULL),
	    2);
	listen_for(&r, 6000);
	drv_bus_stats(r.bus, &st);
	print_message("  good %u bad %u late %llu timeouts %llu\n",
	    r.heard[0].good, r.heard[0].bad, (unsigned long long)st.late,
	    (unsigned long long)st.timeouts);
	assert_int_equal(r.heard[0].wrong + r.heard[1].wrong, 0);
	assert_true(r.heard[0].good > 20);
	assert_true(st.late > 0);
	assert_true(st.timeouts > 1);
	rig_stop(&r);
}

static void
late_tcp(void **state)
{
	(void)state;
	late(BUS_MODBUS_TCP);
}

static void
late_rtu(void **state)
{
	(void)state;
	late(BUS_MODBUS_RTU);
}

/* Each answer comes one request too late, however long one waits. */
static void
answers_shifted(struct ask *a, void *arg)
{
	uint16_t *before = arg;

	a->first = a->number ? *before : a->addr;
	*before = a->addr;
	a->delay_ms = a->number == 0 ? -1 : 0;
}

static void
shifted_rtu(void **state)
{
	struct rig r = { 0 };
	uint16_t before = 0;

	(void)state;
	device_init(&r.dev, 1, 1, 100);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(answers_shifted, &before), 1);
	listen_for(&r, 1500);
	assert_int_equal(r.heard[0].wrong, 0);
	rig_stop(&r);
}

/* A device that answers in order, but falls asleep: from number 20 on, the
 * first request for addr is answered wait + 1 of its requests later. */
struct sleeper {
	uint16_t addr; /* of the request that is held back */
	uint8_t unit;  /* 0: any */
	unsigned wait; /* requests of that unit that stay silent after it */
	unsigned asked;
	struct ask held;
};

static void
sleeps(struct ask *a, void *arg)
{
	struct sleeper *s = arg;

	if (a->number < 20 || (s->unit && a->unit != s->unit))
		return;
	if (s->asked == 0 && a->addr != s->addr)
		return;
	s->asked++;
	if (s->asked == 1)
		s->held = *a;
	if (s->asked <= s->wait + 1) {
		a->delay_ms = -1;
	} else if (s->asked == s->wait + 2) {
		a->first = s->held.addr;
		a->count = s->held.count;
	}
}

static void
falls_asleep(struct sleeper s, size_t n_units)
{
	struct rig r = { 0 };

	device_init(&r.dev, 3, 10, 60);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(sleeps, &s), n_units);
	listen_for(&r, 2500);
	rig_stop(&r); /* and with it the device's thread */
	assert_true(s.asked > s.wait + 2);
	assert_int_equal(r.heard[0].wrong + r.heard[1].wrong, 0);
	assert_true(r.heard[0].good > 10);
}

/* What is asked to make sure is not answered either. */
static void
sleeps_long_rtu(void **state)
{
	(void)state;
	falls_asleep((struct sleeper){ .addr = 10, .wait = 1 }, 1);
	falls_asleep((struct sleeper){ .addr = 10, .wait = 2 }, 1);
}

/* Another unit's answer says nothing about this one's. */
static void
sleeps_aside_rtu(void **state)
{
	(void)state;
	falls_asleep((struct sleeper){ .addr = 20, .unit = 1 }, 2);
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

/* It takes the connection and ends it, for ever: ever longer pauses. */
static void
always_hangs_up(struct ask *a, void *arg)
{
	(void)arg;
	a->hang_up = true;
}

static void
unwelcome(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(always_hangs_up, NULL), 1);
	listen_for(&r, 4500);
	assert_in_range(r.down, 2, 3);
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

/* Register 3 does not exist, nor does what reads it. */
static void
has_a_hole(struct ask *a, void *arg)
{
	(void)arg;
	if (a->addr <= 3 && a->addr + a->count > 3)
		a->exception = 2;
}

static void
hole_splits(void **state)
{
	struct rig r = { 0 };
	struct drv_stats st;

	(void)state;
	device_init(&r.dev, 5, 1, 300);
	r.dev.fields[3].addr = 4; /* 0 1 2 (3) 4, 5: merged over the hole */
	r.dev.fields[4].addr = 5;
	r.dev.t.max_gap = 2;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(has_a_hole, NULL), 1);
	listen_for(&r, 500);
	drv_bus_stats(r.bus, &st);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(st.exceptions, 1);
	assert_true(r.heard[0].by_field[4] > 5);
	rig_stop(&r);
}

static void
missing_register(void **state)
{
	struct rig r = { 0 };
	struct drv_stats st;

	(void)state;
	device_init(&r.dev, 6, 1, 300);
	r.dev.fields[3].optional = true;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(has_a_hole, NULL), 1);
	listen_for(&r, 500);
	drv_bus_stats(r.bus, &st);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_int_equal(r.heard[0].bad, 1); /* said once, then left alone */
	assert_int_equal(r.heard[0].quality[3], QUALITY_MISSING);
	assert_int_equal(st.exceptions, 3);
	assert_true(r.heard[0].by_field[2] > 5);
	assert_true(r.heard[0].by_field[5] > 5);
	rig_stop(&r);
}

static void
garbles(struct ask *a, void *arg)
{
	(void)arg;
	a->garble = a->number % 3 == 1;
	a->first = a->garble ? 77 : a->addr;
}

static void
bad_crc(void **state)
{
	struct rig r = { 0 };
	struct drv_stats st;

	(void)state;
	device_init(&r.dev, 2, 10, 60);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(garbles, NULL), 1);
	listen_for(&r, 3000);
	drv_bus_stats(r.bus, &st);
	assert_int_equal(r.heard[0].wrong, 0);
	assert_true(r.heard[0].bad > 0);
	assert_true(r.heard[0].good > 0);
	assert_true(st.crc >= 4);
	rig_stop(&r);
}

static void
wrong_unit(struct ask *a, void *arg)
{
	(void)arg;
	a->as_unit = a->unit == 2 ? 9 : a->unit;
}

static void
strict_match(void **state)
{
	static const int types[] = { BUS_MODBUS_TCP, BUS_MODBUS_RTU };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rig r = { 0 };

		device_init(&r.dev, 2, 10, 60);
		rig_start(&r, types[i],
		    types[i] == BUS_MODBUS_TCP ? slave_tcp(wrong_unit, NULL)
					       : slave_pty(wrong_unit, NULL),
		    2);
		listen_for(&r, 1000);
		assert_true(r.heard[0].good > 0);
		assert_int_equal(r.heard[1].good, 0);
		assert_true(r.heard[1].bad > 0);
		rig_stop(&r);
	}
}

/* Ends each connection when it was silent for a while. */
static void
ends_idle(struct ask *a, void *arg)
{
	(void)arg;
	a->idle_ms = 60;
}

static void
idle_connection(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	r.dev.polls[0].ms = 300;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(ends_idle, NULL), 1);
	listen_for(&r, 2000);
	assert_true(r.heard[0].good >= 6);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[0].online, 1);
	assert_int_equal(r.down, 0);
	rig_stop(&r);
}

static void
hangs_up(struct ask *a, void *arg)
{
	(void)arg;
	a->hang_up = a->number % 5 == 4;
}

static void
reconnects(void **state)
{
	struct rig r = { 0 };
	struct drv_stats st;

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(hangs_up, NULL), 1);
	listen_for(&r, 1500);
	drv_bus_stats(r.bus, &st);
	assert_int_equal(r.heard[0].wrong + r.heard[0].bad, 0);
	assert_true(r.heard[0].good > 30);
	assert_true(st.reconnects > 3);
	assert_int_equal(r.up, 1);
	assert_int_equal(r.down, 0);
	rig_stop(&r);
}

static void
behind_gateway(struct ask *a, void *arg)
{
	(void)arg;
	if (a->unit == 2)
		a->exception = 11;
}

static void
gateway_exception(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(behind_gateway, NULL), 2);
	listen_for(&r, 500);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[1].offline, 1);
	assert_int_equal(r.heard[1].good, 0);
	rig_stop(&r);
}

static void
vanished_pty(void **state)
{
	struct rig r = { 0 };
	char link[] = "/tmp/tb-test-port-XXXXXX";
	int64_t start;

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	assert_true(mkstemp(link) >= 0);
	r.slave = slave_pty(answers_all, NULL);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink(slave_path(r.slave), link), 0);
	rig_start(&r, BUS_MODBUS_RTU, r.slave, 1);
	drv_bus_stop(r.bus); /* again, by the link */
	free(r.cfg.port);
	r.cfg.port = mem_strdup(link);
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	listen_for(&r, 300);
	assert_true(r.heard[0].good > 0);

	slave_stop(r.slave);
	start = clock_mono(&clock_system);
	while (r.down == 0 && clock_mono(&clock_system) < start + 3000)
		listen_for(&r, 20);
	assert_true(clock_mono(&clock_system) - start < 500);
	assert_int_equal(r.heard[0].offline, 1);
	print_message("  %s\n", r.text);

	r.slave = slave_pty(answers_all, NULL);
	unlink(link);
	assert_int_equal(symlink(slave_path(r.slave), link), 0);
	r.heard[0].good = 0;
	listen_for(&r, 2500);
	assert_true(r.heard[0].good > 0);
	assert_int_equal(r.heard[0].wrong, 0);
	unlink(link);
	rig_stop(&r);
}

static unsigned
open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 2048; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Nothing is asked for an hour; the port goes; its descriptor goes too. */
static void
vanishes_idle(void **state)
{
	struct rig r = { 0 };
	unsigned before;
	int64_t start;

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	r.dev.polls[0].ms = 3600000;
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(answers_all, NULL), 1);
	listen_for(&r, 300);
	assert_int_equal(r.heard[0].good, 1);
	before = open_files();
	start = clock_mono(&clock_system);
	slave_stop(r.slave); /* closes two of them */
	while (open_files() > before - 3 &&
	    clock_mono(&clock_system) < start + 1000)
		usleep(1000);
	assert_true(clock_mono(&clock_system) - start < 200);
	listen_for(&r, 50);
	assert_int_equal(r.down, 1);
	r.slave = slave_pty(answers_all, NULL);
	rig_stop(&r);
}

/* It comes back under another name: those that answered before are asked
 * first, so that the dead one costs them nothing. */
static void
replugged(void **state)
{
	struct rig r = { 0 };
	char link[] = "/tmp/tb-test-port-XXXXXX";
	int64_t start;

	(void)state;
	device_init(&r.dev, 2, 10, 500);
	assert_true(mkstemp(link) >= 0);
	r.slave = slave_pty(unit_2_is_dead, NULL);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink(slave_path(r.slave), link), 0);
	rig_start(&r, BUS_MODBUS_RTU, r.slave, 2);
	drv_bus_stop(r.bus);
	free(r.cfg.port);
	r.cfg.port = mem_strdup(link);
	r.units[0].address = 2; /* the dead one is the first */
	r.units[1].address = 1;
	r.bus = drv_bus_start(&r.cfg, r.units, 2, r.box, &clock_system);
	listen_for(&r, 2500);
	assert_true(r.heard[1].good > 0);
	unlink(link);
	slave_stop(r.slave);
	listen_for(&r, 3000);
	assert_int_equal(r.down, 1);

	r.slave = slave_pty(unit_2_is_dead, NULL);
	assert_int_equal(symlink(slave_path(r.slave), link), 0);
	start = clock_mono(&clock_system);
	r.heard[1].online = 0;
	while (
	    r.heard[1].online == 0 && clock_mono(&clock_system) < start + 3000)
		listen_for(&r, 10);
	print_message("  back after %lld ms\n",
	    (long long)(clock_mono(&clock_system) - start));
	assert_true(clock_mono(&clock_system) - start < 800);
	unlink(link);
	rig_stop(&r);
}

static void
busy_port(void **state)
{
	struct rig a = { 0 }, b = { 0 };

	(void)state;
	device_init(&a.dev, 2, 10, 300);
	device_init(&b.dev, 2, 10, 300);
	rig_start(&a, BUS_MODBUS_RTU, slave_pty(answers_all, NULL), 1);
	listen_for(&a, 200);
	rig_start(&b, BUS_MODBUS_RTU, a.slave, 1);
	listen_for(&b, 300);
	assert_int_equal(b.up, 0);
	assert_int_equal(b.down, 1);
	print_message("  %s\n", b.text);
	assert_non_null(strstr(b.text, "held by"));
	assert_non_null(strstr(b.text, "another bus of this gateway"));
	drv_bus_stop(b.bus);
	mailbox_free(b.box, drv_event_free);
	free(b.cfg.host);
	free(b.cfg.port);
	a.heard[0].bad = 0;
	listen_for(&a, 300);
	assert_int_equal(a.heard[0].bad, 0);
	rig_stop(&a);
}

/* Another program holds the port: it is named. */
static void
held_port(void **state)
{
	struct rig r = { 0 };
	char command[128];
	FILE *holder;

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	r.slave = slave_pty(answers_all, NULL);
	snprintf(command, sizeof(command), "exec flock -o %s sleep 1",
	    slave_path(r.slave));
	holder = popen(command, "r");
	assert_non_null(holder);
	usleep(300000);
	rig_start(&r, BUS_MODBUS_RTU, r.slave, 1);
	listen_for(&r, 300);
	print_message("  %s\n", r.text);
	assert_non_null(strstr(r.text, "flock (pid "));
	listen_for(&r, 3000); /* it ends, and the port is taken */
	assert_int_equal(r.up, 1);
	assert_true(r.heard[0].good > 0);
	pclose(holder);
	rig_stop(&r);
}

static void
lines_that_fail(void **state)
{
	static char missing[] = "/dev/serial/by-id/none",
		    closed[] = "127.0.0.1:1", nonsense[] = "[::1",
		    file[] = "/dev/null";
	static const struct {
		int type;
		char *port, *host;
		const char *want;
	} rows[] = {
		{ BUS_MODBUS_RTU, missing, NULL, "is the adapter plugged in?" },
		{ BUS_SERIAL, missing, NULL, "is the adapter plugged in?" },
		{ BUS_MODBUS_RTU, file, NULL, "is not a serial port" },
		{ BUS_MODBUS_TCP, NULL, closed, "refuses the connection" },
		{ BUS_MODBUS_TCP, NULL, nonsense, "host must be" },
		{ BUS_MODBUS_RTU_TCP, NULL, closed, "refuses the connection" },
		{ BUS_SERIAL, NULL, closed, "refuses the connection" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r = { 0 };

		device_init(&r.dev, 2, 10, 300);
		r.cfg = (struct cfg_bus){ .name = rig_bus_name,
			.type = rows[i].type,
			.port = rows[i].port,
			.host = rows[i].host };
		r.box = mailbox_new(BOX, NULL, NULL);
		r.bus = drv_bus_start(&r.cfg, r.units, 0, r.box, &clock_system);
		listen_for(&r, 150);
		print_message("  %s\n", r.text);
		assert_int_equal(r.up, 0);
		assert_int_equal(r.down, 1);
		assert_non_null(strstr(r.text, rows[i].want));
		drv_bus_stop(r.bus);
		mailbox_free(r.box, drv_event_free);
	}
}

static void
all_silent(struct ask *a, void *arg)
{
	(void)arg;
	a->delay_ms = -1;
}

static void
stops_soon(void **state)
{
	struct rig r = { 0 };
	int64_t start;

	(void)state;
	device_init(&r.dev, 2, 10, 2000);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(all_silent, NULL), 1);
	listen_for(&r, 2200); /* into the silence after the first timeout */
	start = clock_mono(&clock_system);
	drv_bus_ask_stop(r.bus);
	drv_bus_stop(r.bus);
	assert_true(clock_mono(&clock_system) - start < 500);
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	listen_for(&r, 300); /* into the wait for an answer */
	start = clock_mono(&clock_system);
	drv_bus_stop(r.bus);
	assert_true(clock_mono(&clock_system) - start < 500);
	r.bus = NULL;
	rig_stop(&r);
}

/* Nobody takes the connection, nor refuses it. */
static void
stops_connecting(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int full[3], door = socket(AF_INET, SOCK_STREAM, 0);
	struct rig r = { 0 };
	int64_t start;

	(void)state;
	assert_int_equal(bind(door, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(door, 0), 0);
	getsockname(door, (struct sockaddr *)&at, &len);
	for (size_t i = 0; i < 3; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(full[i], (struct sockaddr *)&at, sizeof(at));
	}
	device_init(&r.dev, 1, 10, 300);
	r.cfg.name = rig_bus_name;
	r.cfg.type = BUS_MODBUS_TCP;
	r.cfg.host = mem_printf("127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
	r.box = mailbox_new(BOX, NULL, NULL);
	r.bus = drv_bus_start(&r.cfg, r.units, 0, r.box, &clock_system);
	listen_for(&r, 300);
	assert_int_equal(r.up + r.down, 0); /* still connecting */
	start = clock_mono(&clock_system);
	drv_bus_stop(r.bus);
	assert_true(clock_mono(&clock_system) - start < 500);
	mailbox_free(r.box, drv_event_free);
	free(r.cfg.host);
	for (size_t i = 0; i < 3; i++)
		close(full[i]);
	close(door);
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

/* --- what exceptions mean --- */

/* Function 2 is unknown; register 10 fails now and then, 20 always. */
static void
has_moods(struct ask *a, void *arg)
{
	unsigned *unknown = arg;

	if (a->function == 2) {
		(*unknown)++;
		a->exception = 1;
	} else if (a->addr == 20) {
		a->exception = 4;
	}
}

static void
unsupported_and_faulty(void **state)
{
	struct rig r = { 0 };
	unsigned unknown = 0;

	(void)state;
	device_init(&r.dev, 4, 10, 300);
	r.dev.fields[3].table = MB_DISCRETE;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(has_moods, &unknown), 1);
	listen_for(&r, 500);
	rig_stop(&r);
	assert_int_equal(unknown, 1); /* asked again in an hour */
	assert_int_equal(r.heard[0].online, 1);
	assert_int_equal(r.heard[0].suspect + r.heard[0].offline, 0);
	assert_true(r.heard[0].by_field[0] > 5 && r.heard[0].by_field[1] > 5);
	assert_int_equal(r.heard[0].quality[2], QUALITY_ERROR);
}

static void
always_fails(struct ask *a, void *arg)
{
	bool *well = arg;

	if (!*well)
		a->exception = 4;
}

/* It answers, so it is not offline, and is asked on. */
static void
faulty(void **state)
{
	struct rig r = { 0 };
	bool well = false;

	(void)state;
	device_init(&r.dev, 3, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(always_fails, &well), 1);
	listen_for(&r, 600);
	assert_int_equal(r.heard[0].suspect, 1);
	assert_int_equal(r.heard[0].offline, 0);
	assert_int_equal(r.heard[0].good, 0);
	print_message("  %s\n", r.heard[0].text);
	rig_stop(&r);
	well = true;
	memset(&r.heard, 0, sizeof(r.heard));
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(always_fails, &well), 1);
	listen_for(&r, 300);
	assert_int_equal(r.heard[0].online, 1);
	rig_stop(&r);
}

static void
unit_2_is_busy(struct ask *a, void *arg)
{
	(void)arg;
	if (a->unit == 2)
		a->exception = 5;
}

/* One that needs its time does not take the others'. */
static void
busy_neighbour(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(unit_2_is_busy, NULL), 2);
	listen_for(&r, 2500);
	assert_true(r.heard[0].gap_max < 100);
	assert_int_equal(r.heard[1].offline + r.heard[1].suspect, 0);
	assert_int_equal(r.heard[1].quality[0], QUALITY_ERROR);
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

/* --- scale factors --- */

static void
scaled(void **state)
{
	static const int distance[] = { 1, 50 };
	struct rig r = { 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(&r, 0, sizeof(r));
		device_init(&r.dev, 2, 10, 300);
		r.any_value = true;
		r.dev.fields[0].sf = r.dev.fields[1].name;
		r.dev.fields[0].sf_field = 1;
		r.dev.fields[1].type = REG_I16;
		r.dev.fields[1].addr = (uint16_t)distance[i];
		r.slave = slave_tcp(answers_all, NULL);
		slave_store(r.slave, 0, 2305);
		slave_store(r.slave, (uint16_t)distance[i], (uint16_t)-1);
		rig_start(&r, BUS_MODBUS_TCP, r.slave, 1);
		listen_for(&r, 300);
		assert_true(r.heard[0].by_field[0] > 3);
		assert_int_equal(r.heard[0].bad, 0);
		assert_int_equal(r.heard[0].value[0], 2305);
		assert_int_equal(r.heard[0].dec[0], 1);
		rig_stop(&r);
	}
}

/* The factor is read once, before what it scales. */
static void
scaled_once(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	r.any_value = true;
	r.dev.fields[0].sf = r.dev.fields[1].name;
	r.dev.fields[0].sf_field = 1;
	r.dev.fields[1].type = REG_I16;
	r.dev.fields[1].poll = rig_once;
	r.slave = slave_tcp(answers_all, NULL);
	slave_store(r.slave, 0, 2305);
	slave_store(r.slave, 10, (uint16_t)-2);
	rig_start(&r, BUS_MODBUS_TCP, r.slave, 1);
	listen_for(&r, 300);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[0].by_field[1], 1);
	assert_int_equal(r.heard[0].dec[0], 2);
	rig_stop(&r);
}

/* --- text devices --- */

static void
as_text(struct rig *r, enum frame_mode mode)
{
	static char key[2][4] = { "Ta", "Ua" }, request[] = "{address}r0\r\n",
		    end[] = "\r\n", match[] = "{address}r0,";

	device_init(&r->dev, 2, 10, 0);
	r->dev.t.kind = TMPL_TEXT;
	r->dev.t.frame = (struct frame){ .mode = mode,
		.end = { end, 2 },
		.match = { match, 12 },
		.max = 100,
		.timeout_ms = 300,
		.check = CHECK_SDI12_CRC };
	if (mode == FRAME_POLL)
		r->dev.t.frame.request = (struct bytes){ request, 13 };
	r->dev.t.parse.format = PARSE_KEYED;
	for (size_t i = 0; i < 2; i++) {
		r->dev.fields[i].where = TEXT_KEY;
		r->dev.fields[i].type = REG_F64;
		r->dev.fields[i].key = key[i];
	}
}

/* "1r0,Ta=22.5,Ua=40.1" and its CRC; unit 2 stays silent. */
static void
weather(int fd, const char *data, size_t n, void *arg)
{
	static const char good[] = "1r0,Ta=22.5,Ua=40.1NZJ\r\n";
	const char *crc = arg;
	char text[sizeof(good)];

	memcpy(text, good, sizeof(good));
	memcpy(text + 19, crc, 3);
	if (n > 0 && data[0] == '1')
		(void)!write(fd, text, sizeof(good) - 1);
}

/* The CRC by its definition, bit by bit. */
static void
sdi12(const char *s, char out[3])
{
	unsigned crc = 0;

	for (; *s; s++) {
		crc ^= (unsigned char)*s;
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
	}
	out[0] = (char)(0x40 | crc >> 12);
	out[1] = (char)(0x40 | (crc >> 6 & 0x3f));
	out[2] = (char)(0x40 | (crc & 0x3f));
}

static void
text_polled(void **state)
{
	struct rig r = { 0 };
	char crc[3];

	(void)state;
	sdi12("1r0,Ta=22.5,Ua=40.1", crc);
	as_text(&r, FRAME_POLL);
	rig_start(&r, BUS_SERIAL, slave_text(weather, crc), 2);
	listen_for(&r, 4000);
	print_message("  %u good\n", r.heard[0].good);
	assert_true(r.heard[0].good > 20);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[0].once, 1);
	assert_int_equal(r.heard[1].good, 0);
	assert_int_equal(r.heard[1].offline, 1);
	rig_stop(&r);
}

static void
text_bad_crc(void **state)
{
	struct rig r = { 0 };
	char crc[3] = { 'A', 'B', 'C' };

	(void)state;
	as_text(&r, FRAME_POLL);
	rig_start(&r, BUS_SERIAL, slave_text(weather, crc), 1);
	listen_for(&r, 1500);
	assert_int_equal(r.heard[0].good, 0);
	assert_true(r.heard[0].bad > 0);
	rig_stop(&r);
}

static void
deaf(int fd, const char *data, size_t n, void *arg)
{
	(void)fd;
	(void)data;
	(void)n;
	(void)arg;
}

static void
text_streamed(void **state)
{
	struct rig r = { 0 };
	char line[64], crc[3];

	(void)state;
	as_text(&r, FRAME_STREAM);
	sdi12("1r0,Ta=22.5,Ua=40.1", crc);
	snprintf(line, sizeof(line), "1r0,Ta=22.5,Ua=40.1%.3s\r\n", crc);
	rig_start(&r, BUS_SERIAL, slave_text(deaf, NULL), 1);
	listen_for(&r, 100);
	for (int i = 0; i < 5; i++) {
		size_t half = strlen(line) / 2;

		(void)!write(slave_fd(r.slave), line, half);
		listen_for(&r, 30);
		(void)!write(
		    slave_fd(r.slave), line + half, strlen(line) - half);
		listen_for(&r, 30);
	}
	assert_int_equal(r.heard[0].good, 10);
	assert_int_equal(r.heard[0].online, 1);
	assert_int_equal(r.heard[0].offline, 0);
	listen_for(&r, 600); /* silence */
	assert_int_equal(r.heard[0].offline, 1);
	assert_int_equal(r.heard[0].quality[0], QUALITY_ERROR);
	(void)!write(slave_fd(r.slave), line, strlen(line));
	listen_for(&r, 100);
	assert_int_equal(r.heard[0].online, 2);
	assert_int_equal(r.heard[0].quality[0], QUALITY_OK);
	rig_stop(&r);
}

/* A text device and a Modbus device take turns on one line; what is a number
 * for the one is noise for the other. */
static void
two_tongues(int fd, const char *data, size_t n, void *arg)
{
	/* unit 2, input register 0: 2000, as a finished frame */
	static const char frame[] = { 2, 4, 2, 7, (char)0xd0, (char)0xfe,
		(char)0x9c };

	if (n > 0 && data[0] == '1')
		weather(fd, data, n, arg);
	else if (n == 8 && data[0] == 2)
		(void)!write(fd, frame, sizeof(frame));
}

static void
mixed_protocols(void **state)
{
	struct device modbus;
	struct rig r = { 0 };
	char crc[3];

	(void)state;
	sdi12("1r0,Ta=22.5,Ua=40.1", crc);
	as_text(&r, FRAME_POLL);
	r.dev.t.serial = (struct serial_mode){ 4800, 8, 'N', 1 };
	r.any_value = true;
	rig_start(&r, BUS_MODBUS_RTU, slave_text(two_tongues, crc), 2);
	drv_bus_stop(r.bus);
	device_init(&modbus, 1, 1, 300);
	r.units[1].tmpl = &modbus.t;
	r.bus = drv_bus_start(&r.cfg, r.units, 2, r.box, &clock_system);
	listen_for(&r, 1000);
	print_message(
	    "  %u text, %u modbus\n", r.heard[0].good, r.heard[1].good);
	assert_true(r.heard[0].good > 10);
	assert_true(r.heard[1].good > 5);
	assert_int_equal(r.heard[0].bad + r.heard[1].bad, 0);
	assert_int_equal(r.heard[1].value[0], 2000);
	rig_stop(&r);
}

/* A stream over host:port, whose other end goes and comes back. */
static void
streamed_over_tcp(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd, door = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);
	struct rig r = { 0 };
	char line[64], crc[3];

	(void)state;
	sdi12("1r0,Ta=22.5,Ua=40.1", crc);
	snprintf(line, sizeof(line), "1r0,Ta=22.5,Ua=40.1%.3s\r\n", crc);
	assert_int_equal(bind(door, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(door, 4), 0);
	getsockname(door, (struct sockaddr *)&at, &len);
	as_text(&r, FRAME_STREAM);
	r.slave = slave_text(deaf, NULL);
	rig_start(&r, BUS_SERIAL, r.slave, 1);
	drv_bus_stop(r.bus);
	free(r.cfg.port);
	r.cfg.port = NULL;
	r.cfg.host = mem_printf("127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
	listen_for(&r, 50);
	memset(r.heard, 0, sizeof(r.heard));
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	for (int i = 0; i < 2; i++) {
		fd = accept(door, NULL, NULL);
		(void)!write(fd, line, strlen(line));
		listen_for(&r, 100);
		close(fd);
	}
	assert_int_equal(r.heard[0].good, 4);
	assert_int_equal(r.heard[0].bad, 0);
	rig_stop(&r);
	close(door);
}

static void
stranger(void **state)
{
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 1, 100);
	rig_start(&r, BUS_SERIAL, slave_text(deaf, NULL), 1);
	listen_for(&r, 200);
	assert_int_equal(r.up, 1);
	assert_int_equal(r.heard[0].offline, 1);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polls_tcp),
		cmocka_unit_test(polls_rtu),
		cmocka_unit_test(polls_localhost),
		cmocka_unit_test(late_tcp),
		cmocka_unit_test(late_rtu),
		cmocka_unit_test(sleeps_long_rtu),
		cmocka_unit_test(sleeps_aside_rtu),
		cmocka_unit_test(full_box),
		cmocka_unit_test(unwelcome),
		cmocka_unit_test(shifted_rtu),
		cmocka_unit_test(dead_neighbour_tcp),
		cmocka_unit_test(dead_neighbour_rtu),
		cmocka_unit_test(probes_between),
		cmocka_unit_test(hole_splits),
		cmocka_unit_test(missing_register),
		cmocka_unit_test(bad_crc),
		cmocka_unit_test(strict_match),
		cmocka_unit_test(reconnects),
		cmocka_unit_test(idle_connection),
		cmocka_unit_test(gateway_exception),
		cmocka_unit_test(vanished_pty),
		cmocka_unit_test(busy_port),
		cmocka_unit_test(held_port),
		cmocka_unit_test(lines_that_fail),
		cmocka_unit_test(stops_soon),
		cmocka_unit_test(stops_connecting),
		cmocka_unit_test(read_now),
		cmocka_unit_test(text_polled),
		cmocka_unit_test(text_bad_crc),
		cmocka_unit_test(text_streamed),
		cmocka_unit_test(stranger),
		cmocka_unit_test(streamed_over_tcp),
		cmocka_unit_test(unsupported_and_faulty),
		cmocka_unit_test(faulty),
		cmocka_unit_test(busy_neighbour),
		cmocka_unit_test(says_what_to_look_at),
		cmocka_unit_test(scaled),
		cmocka_unit_test(scaled_once),
		cmocka_unit_test(mixed_protocols),
		cmocka_unit_test(replugged),
		cmocka_unit_test(vanishes_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
