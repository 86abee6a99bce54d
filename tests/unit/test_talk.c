/* Text devices on a noisy line: behind a message that does not hold, the next
 * one counts. */
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CRC_BY_HAND = 0xa001 };

static void
as_telegrams(struct rig *r, enum frame_mode mode)
{
	static char key[2][4] = { "Ta", "Ua" }, request[] = "{address}?",
		    start[] = "/", end[] = "!", match[] = "{address}r0,";

	device_init(&r->dev, 2, 10, 0);
	r->dev.t.kind = TMPL_TEXT;
	r->dev.t.frame = (struct frame){ .mode = mode,
		.start = { start, 1 },
		.end = { end, 1 },
		.match = { match, 12 },
		.max = 100,
		.timeout_ms = 300,
		.check = CHECK_CRC16_DSMR };
	if (mode == FRAME_POLL)
		r->dev.t.frame.request = (struct bytes){ request, 10 };
	r->dev.t.parse.format = PARSE_KEYED;
	for (size_t i = 0; i < 2; i++) {
		r->dev.fields[i].where = TEXT_KEY;
		r->dev.fields[i].type = REG_F64;
		r->dev.fields[i].key = key[i];
	}
}

#define LOST "/1r0,Ta=1,Ua=2!\r\n"
#define GOOD "/1r0,Ta=22.5,Ua=40.1!"

/* One telegram that lost its checksum and a good one, in text. */
static void
noisy(char text[64])
{
	unsigned crc = 0;

	for (const char *s = GOOD; *s; s++) {
		crc ^= (unsigned char)*s;
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ CRC_BY_HAND : crc >> 1;
	}
	snprintf(text, 64, LOST GOOD "%04X\r\n", crc);
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
streamed(void **state)
{
	struct rig r = { 0 };
	char text[64];

	(void)state;
	noisy(text);
	as_telegrams(&r, FRAME_STREAM);
	rig_start(&r, BUS_SERIAL, slave_text(deaf, NULL), 1);
	listen_for(&r, 100);
	for (int i = 0; i < 5; i++) {
		(void)!write(slave_fd(r.slave), text, strlen(text));
		listen_for(&r, 50);
	}
	listen_for(&r, 100);
	assert_int_equal(r.heard[0].good, 10);
	assert_int_equal(r.heard[0].bad, 0);
	assert_int_equal(r.heard[0].online, 1);
	assert_int_equal(r.heard[0].offline, 0);
	rig_stop(&r);
}

static void
answers(int fd, const char *data, size_t n, void *arg)
{
	const char *text = arg;

	if (n > 0 && data[0] == '1')
		(void)!write(fd, text, strlen(text));
}

static void
polled(void **state)
{
	struct rig r = { 0 };
	char text[64];

	(void)state;
	noisy(text);
	as_telegrams(&r, FRAME_POLL);
	rig_start(&r, BUS_SERIAL, slave_text(answers, text), 1);
	listen_for(&r, 1000);
	print_message("  %u good\n", r.heard[0].good);
	assert_true(r.heard[0].good > 10);
	assert_int_equal(r.heard[0].offline, 0);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streamed),
		cmocka_unit_test(polled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
