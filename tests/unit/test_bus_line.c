/* The line of a bus: lost, idle, held by another, not there, and given up. */
#include "aside.h"
#include "common/mem.h"
#include "field_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

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
	listen_up(&r);
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
	listen_up(&r);
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

static void
unit_2_is_dead(struct ask *a, void *arg)
{
	(void)arg;
	if (a->unit == 2)
		a->delay_ms = -1;
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

/* A bus that could not be started takes its units all the same. */
static void
never_started(void **state)
{
	struct rlimit old, none;
	struct device *before = mem_zalloc(sizeof(*before));
	struct rig r = { 0 };

	(void)state;
	device_init(before, 2, 10, 300);
	device_init(&r.dev, 2, 10, 300);
	r.units[0] = (struct drv_unit){
		.name = rig_bus_name, .address = 1, .tmpl = &before->t
	};
	r.cfg = (struct cfg_bus){ .name = rig_bus_name,
		.type = BUS_MODBUS_TCP,
		.host = rig_bus_name };
	r.box = mailbox_new(BOX, NULL, NULL);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	setrlimit(RLIMIT_NOFILE, &old);
	r.units[0].tmpl = &r.dev.t;
	assert_int_equal(drv_bus_apply(r.bus, r.units, 1, NULL, 0), OK);
	assert_true(drv_bus_applied(r.bus));
	free(before);
	listen_for(&r, 20);
	assert_int_equal(r.down, 1);
	drv_bus_stop(r.bus);
	mailbox_free(r.box, drv_event_free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unwelcome),
		cmocka_unit_test(reconnects),
		cmocka_unit_test(idle_connection),
		cmocka_unit_test(vanished_pty),
		cmocka_unit_test(busy_port),
		cmocka_unit_test(held_port),
		cmocka_unit_test(lines_that_fail),
		cmocka_unit_test(stops_soon),
		cmocka_unit_test(never_started),
		cmocka_unit_test(stops_connecting),
		cmocka_unit_test(replugged),
		cmocka_unit_test(vanishes_idle),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
