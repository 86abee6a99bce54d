#include "drivers/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
add(struct trace *t, int64_t at, char dir, const void *data, size_t n)
{
	struct trace_frame f = { at, 1000 + at, (uint16_t)n, dir };

	trace_add(t, &f, data);
}

static void
keeps_the_last(void **state)
{
	static uint8_t data[300];
	struct trace t = { 0 };
	struct trace_frame f;
	size_t pos = 0, n = 0;
	const uint8_t *bytes;
	int64_t at = 0;

	(void)state;
	assert_null(trace_next(&t, &pos, &f));
	for (int i = 0; i < 1000; i++) {
		data[0] = (uint8_t)i;
		add(&t, i, '<', data, 1 + (size_t)(i * 37 % 290));
		assert_true(t.len <= TRACE_ROOM);
	}
	while ((bytes = trace_next(&t, &pos, &f))) {
		assert_int_equal(bytes[0], (uint8_t)f.mono_ms);
		assert_true(n == 0 || f.mono_ms == at + 1);
		at = f.mono_ms;
		n++;
	}
	assert_int_equal(at, 999);
	assert_true(n > 4);
}

static void
in_hex(void **state)
{
	struct trace t = { 0 };
	struct trace_frame f;
	char text[TRACE_TEXT];
	const uint8_t *bytes;
	size_t pos = 0;

	(void)state;
	add(&t, 1, '>', "\x01\x04\xff", 3);
	add(&t, 2, '!', "it came late", 12);
	bytes = trace_next(&t, &pos, &f);
	assert_string_equal(trace_text(&f, bytes, text), ">0104ff");
	assert_int_equal(f.utc_ms, 1001);
	bytes = trace_next(&t, &pos, &f);
	assert_string_equal(trace_text(&f, bytes, text), "!it came late");
}

static void
too_long(void **state)
{
	static uint8_t data[5000];
	struct trace t = { 0 };
	struct trace_frame f;
	char text[TRACE_TEXT];
	size_t pos = 0;
	const uint8_t *bytes;

	(void)state;
	add(&t, 1, '<', data, sizeof(data));
	bytes = trace_next(&t, &pos, &f);
	assert_int_equal(f.n, TRACE_FRAME_MAX);
	assert_int_equal(
	    strlen(trace_text(&f, bytes, text)), 1 + 2 * TRACE_FRAME_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_last),
		cmocka_unit_test(in_hex),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
