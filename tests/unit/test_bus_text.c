/* Text devices on a bus: asked, or speaking by themselves, alone or between
 * Modbus devices. */
#include "aside.h"
#include "common/mem.h"
#include "field_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

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

/* An answer that was not asked for lies there already, another's comes first,
 * and one field is missing, which may be. */
static void
meddled(int fd, const char *data, size_t n, void *arg)
{
	char crc[3], text[128];

	(void)arg;
	if (n == 0 || data[0] != '1')
		return;
	sdi12("1r0,Ta=22.5", crc);
	snprintf(text, sizeof(text), "9r0,Ta=1\r\n1r0,Ta=22.5%.3s\r\n", crc);
	(void)!write(fd, text, strlen(text));
	usleep(2000);
	sdi12("1r0,Ta=99", crc);
	snprintf(text, sizeof(text), "1r0,Ta=99%.3s\r\n", crc);
	(void)!write(fd, text, strlen(text));
}

static void
text_meddled(void **state)
{
	struct drv_stats st;
	struct rig r = { 0 };

	(void)state;
	as_text(&r, FRAME_POLL);
	r.any_value = true;
	r.dev.fields[1].optional = true;
	rig_start(&r, BUS_SERIAL, slave_text(meddled, NULL), 1);
	listen_up(&r);
	listen_for(&r, 600);
	drv_bus_stats(r.bus, &st);
	assert_true(r.heard[0].good > 5);
	assert_int_equal(r.heard[0].value[0], 225);
	assert_int_equal(r.heard[0].quality[1], QUALITY_MISSING);
	assert_true(st.late >= r.heard[0].good);
	rig_stop(&r);
}

static void
slowly(int fd, const char *data, size_t n, void *arg)
{
	const char *text = arg;

	for (size_t i = 0; n > 0 && data[0] == '1' && text[i]; i++) {
		(void)!write(fd, text + i, 1);
		usleep(40000);
	}
}

/* An answer that has begun has the time that its bytes take at this speed. */
static void
text_on_slow_line(void **state)
{
	struct rig r = { 0 };
	char text[64], crc[3];

	(void)state;
	sdi12("1r0,Ta=22.5,Ua=40.1", crc);
	snprintf(text, sizeof(text), "1r0,Ta=22.5,Ua=40.1%.3s\r\n", crc);
	as_text(&r, FRAME_POLL);
	r.any_value = true;
	rig_start(&r, BUS_SERIAL, slave_text(slowly, text), 1);
	drv_bus_stop(r.bus);
	usleep(1300000);
	r.cfg.serial.baud = 300;
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	listen_for(&r, 2000);
	assert_true(r.heard[0].good >= 2);
	rig_stop(&r);
}

static void
counts_requests(int fd, const char *data, size_t n, void *arg)
{
	(void)fd;
	(void)data;
	if (n > 0)
		atomic_fetch_add((atomic_uint *)arg, 1);
}

/* A device that was never there is not asked again at once. */
static void
text_not_repeated(void **state)
{
	atomic_uint asked = 0;
	struct rig r = { 0 };

	(void)state;
	as_text(&r, FRAME_POLL);
	r.dev.t.frame.timeout_ms = 50;
	r.dev.t.frame.retries = 20;
	rig_start(&r, BUS_SERIAL, slave_text(counts_requests, &asked), 1);
	for (int i = 0; i < 50 && r.heard[0].offline == 0; i++)
		listen_for(&r, 100);
	assert_int_equal(r.heard[0].offline, 1);
	assert_true(atomic_load(&asked) <= 5);
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

/* The longest message that there may be takes no time from a device that says
 * nothing: 100 bytes are 3 s at this speed. */
static void
text_silent_on_slow_line(void **state)
{
	struct rig r = { 0 };

	(void)state;
	as_text(&r, FRAME_POLL);
	r.dev.t.frame.timeout_ms = 100;
	rig_start(&r, BUS_SERIAL, slave_text(deaf, NULL), 1);
	drv_bus_stop(r.bus);
	r.cfg.serial.baud = 300;
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	listen_for(&r, 1500);
	assert_int_equal(r.heard[0].suspect, 1);
	rig_stop(&r);
}

/* Nonsense without a pause, from a peer that never listens. */
static void
babbles(int fd, const char *data, size_t n, void *arg)
{
	atomic_bool *end = arg;
	char junk[256];

	(void)data;
	(void)n;
	memset(junk, 'x', sizeof(junk));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (!atomic_load(end))
		(void)!write(fd, junk, sizeof(junk));
}

static void
text_babble(void **state)
{
	atomic_bool end = false;
	struct rig r = { 0 };
	int64_t start;

	(void)state;
	as_text(&r, FRAME_POLL);
	rig_start(&r, BUS_SERIAL, slave_text(babbles, &end), 1);
	listen_for(&r, 3000);
	assert_int_equal(r.heard[0].good, 0);
	assert_true(r.heard[0].bad > 0);
	start = clock_mono(&clock_system);
	drv_bus_stop(r.bus);
	r.bus = NULL;
	atomic_store(&end, true);
	assert_true(clock_mono(&clock_system) - start < 500);
	rig_stop(&r);
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
	/* and that there are no more */
	static const char refusal[] = { 2, (char)0x84, 2, 0x32, (char)0xc1 };

	if (n > 0 && data[0] == '1')
		weather(fd, data, n, arg);
	else if (n == 8 && data[0] == 2 && data[5] == 1)
		(void)!write(fd, frame, sizeof(frame));
	else if (n == 8 && data[0] == 2)
		(void)!write(fd, refusal, sizeof(refusal));
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
	listen_up(&r);
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
	listen_up(&r);
	listen_for(&r, 200);
	assert_int_equal(r.up, 1);
	assert_int_equal(r.heard[0].offline, 1);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_polled),
		cmocka_unit_test(text_bad_crc),
		cmocka_unit_test(text_meddled),
		cmocka_unit_test(text_on_slow_line),
		cmocka_unit_test(text_not_repeated),
		cmocka_unit_test(text_silent_on_slow_line),
		cmocka_unit_test(text_babble),
		cmocka_unit_test(text_streamed),
		cmocka_unit_test(stranger),
		cmocka_unit_test(streamed_over_tcp),
		cmocka_unit_test(mixed_protocols),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
