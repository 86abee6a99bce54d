#include "drivers/line/pdu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name;
	struct mb_request rq;
	const char *msg;
	size_t len;
	enum err want;
	unsigned first; /* value, or exception */
} cases[] = {
	{ "two registers", { 3, MB_INPUT, 0, 2, 0 }, "\3\4\4\1\2\3\4", 7, OK,
	    0x0102 },
	{ "holding", { 3, MB_HOLDING, 0, 1, 0 }, "\3\3\2\1\2", 5, OK, 0x0102 },
	{ "coils", { 3, MB_COIL, 0, 9, 0 }, "\3\1\2\1\1", 5, OK, 1 },
	{ "discrete inputs", { 3, MB_DISCRETE, 0, 8, 0 }, "\3\2\1\2", 4, OK,
	    0 },
	{ "exception", { 3, MB_INPUT, 0, 2, 0 }, "\3\x84\2", 3, ERR_REFUSED,
	    2 },
	{ "exception of another function", { 3, MB_INPUT, 0, 2, 0 }, "\3\x83\2",
	    3, ERR_PROTO, 0 },
	{ "exception too long", { 3, MB_INPUT, 0, 2, 0 }, "\3\x84\2\2", 4,
	    ERR_PROTO, 0 },
	{ "another unit", { 3, MB_INPUT, 0, 2, 0 }, "\4\4\4\1\2\3\4", 7,
	    ERR_PROTO, 0 },
	{ "another unit's exception", { 3, MB_INPUT, 0, 2, 0 }, "\4\x84\2", 3,
	    ERR_PROTO, 0 },
	{ "another function", { 3, MB_INPUT, 0, 2, 0 }, "\3\3\4\1\2\3\4", 7,
	    ERR_PROTO, 0 },
	{ "another count", { 3, MB_INPUT, 0, 1, 0 }, "\3\4\4\1\2\3\4", 7,
	    ERR_PROTO, 0 },
	{ "too short", { 3, MB_INPUT, 0, 2, 0 }, "\3\4\4\1\2\3", 6, ERR_PROTO,
	    0 },
	{ "too long", { 3, MB_INPUT, 0, 2, 0 }, "\3\4\4\1\2\3\4\5", 8,
	    ERR_PROTO, 0 },
	{ "nothing", { 3, MB_INPUT, 0, 2, 0 }, "", 0, ERR_PROTO, 0 },
};

static void
answers(void **state)
{
	static struct mb_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t msg[16];
		enum err e;

		print_message("  %s\n", cases[i].name);
		memcpy(msg, cases[i].msg, cases[i].len);
		memset(&a, 0, sizeof(a));
		e = pdu_answer(msg, cases[i].len, &cases[i].rq, &a);
		assert_string_equal(err_str(e), err_str(cases[i].want));
		if (e == OK)
			assert_int_equal(a.value[0], cases[i].first);
		if (e == ERR_REFUSED)
			assert_int_equal(a.exception, cases[i].first);
	}
}

static void
request(void **state)
{
	static const struct mb_request rq = { 0x11, MB_HOLDING, 0x006b, 3, 0 };
	uint8_t out[PDU_REQUEST];

	(void)state;
	pdu_request(&rq, out);
	assert_memory_equal(out, "\x11\x03\x00\x6b\x00\x03", sizeof(out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
