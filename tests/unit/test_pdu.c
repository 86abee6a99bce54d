#include "drivers/line/mbap.h"
#include "drivers/line/pdu.h"
#include "drivers/line/rtu_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(s) s, sizeof(s) - 1

static const uint16_t v_one[] = { 1 }, v_reg[] = { 3 };
static const uint16_t v_regs[] = { 0x0a, 0x0102 };
static const uint16_t v_bits[] = { 1, 0, 1, 1, 0, 0, 1, 1, 1, 0 };
static const uint16_t v_mask[] = { 0xf2, 0x25 };
static const uint16_t v_basic[] = { 1, 0 }, v_object[] = { 4, 2 };

/* unit, function, address, count, values */
#define RQ(u, f, a, c, v)                                                \
	{                                                                \
		.unit = (u), .function = (f), .addr = (a), .count = (c), \
		.value = (v)                                             \
	}

/* Requests and answers of the specification's own examples, and their like. */
static const struct {
	const char *name;
	struct mb_request rq;
	const char *sent;
	size_t n_sent;
	const char *answer;
	size_t n;
	size_t values;
	unsigned first;
} pairs[] = {
	{ "coils", RQ(3, MB_READ_COILS, 0x13, 19, NULL),
	    BYTES("\3\1\0\x13\0\x13"), BYTES("\3\1\3\xcd\x6b\5"), 19, 1 },
	{ "discrete inputs", RQ(3, MB_READ_DISCRETES, 0xc4, 22, NULL),
	    BYTES("\3\2\0\xc4\0\x16"), BYTES("\3\2\3\xac\xdb\x35"), 22, 0 },
	{ "holding", RQ(3, MB_READ_HOLDING, 0x6b, 3, NULL),
	    BYTES("\3\3\0\x6b\0\3"), BYTES("\3\3\6\2\x2b\0\0\0\x64"), 3,
	    0x022b },
	{ "input", RQ(3, MB_READ_INPUT, 8, 1, NULL), BYTES("\3\4\0\x8\0\1"),
	    BYTES("\3\4\2\0\xa"), 1, 10 },
	{ "coil on", RQ(3, MB_WRITE_COIL, 0xac, 1, v_one),
	    BYTES("\3\5\0\xac\xff\0"), BYTES("\3\5\0\xac\xff\0"), 0, 0 },
	{ "register", RQ(3, MB_WRITE_REGISTER, 1, 1, v_reg),
	    BYTES("\3\6\0\1\0\3"), BYTES("\3\6\0\1\0\3"), 0, 0 },
	{ "write coils", RQ(3, MB_WRITE_COILS, 0x13, 10, v_bits),
	    BYTES("\3\xf\0\x13\0\xa\2\xcd\1"), BYTES("\3\xf\0\x13\0\xa"), 0,
	    0 },
	{ "write registers", RQ(3, MB_WRITE_REGISTERS, 1, 2, v_regs),
	    BYTES("\3\x10\0\1\0\2\4\0\xa\1\2"), BYTES("\3\x10\0\1\0\2"), 0, 0 },
	{ "mask", RQ(3, MB_MASK_WRITE, 4, 1, v_mask),
	    BYTES("\3\x16\0\4\0\xf2\0\x25"), BYTES("\3\x16\0\4\0\xf2\0\x25"), 0,
	    0 },
	{ "server id", RQ(3, MB_SERVER_ID, 0, 0, NULL), BYTES("\3\x11"),
	    BYTES("\3\x11\3\x42\xff!"), 4, 3 },
	{ "device id", RQ(3, MB_DEVICE_ID, 0, 0, v_basic),
	    BYTES("\3\x2b\xe\1\0"), BYTES("\3\x2b\xe\1\1\0\0\2\0\2ab\1\0"), 12,
	    14 },
	{ "one object", RQ(3, MB_DEVICE_ID, 0, 0, v_object),
	    BYTES("\3\x2b\xe\4\2"), BYTES("\3\x2b\xe\4\x81\0\0\1\2\1z"), 9,
	    14 },
};

static struct mb_answer a;

static enum err
answer(const char *msg, size_t n, const struct mb_request *rq)
{
	uint8_t copy[PDU_MAX + 1];

	memcpy(copy, msg, n);
	memset(&a, 0, sizeof(a));
	return pdu_answer(copy, n, rq, &a);
}

static void
requests_and_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct mb_request *rq = &pairs[i].rq;
		uint8_t out[PDU_MAX];
		size_t n;

		print_message("  %s\n", pairs[i].name);
		assert_true(pdu_valid(rq));
		n = pdu_request(rq, out);
		assert_int_equal(n, pairs[i].n_sent);
		assert_memory_equal(out, pairs[i].sent, n);
		assert_int_equal(answer(pairs[i].answer, pairs[i].n, rq), OK);
		assert_int_equal(a.n, pairs[i].values);
		if (a.n)
			assert_int_equal(a.value[0], pairs[i].first);
	}
}

/* An answer that differs in one bit where it names what was asked, or in
 * length, is none; nor is another request's. */
static void
strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct mb_request *rq = &pairs[i].rq;
		size_t n = pairs[i].n,
		       head = pdu_is_write(rq->function) ? n : 3;
		char msg[PDU_MAX];

		print_message("  %s\n", pairs[i].name);
		if (rq->function == MB_SERVER_ID)
			head = 2;
		for (size_t bit = 0; bit < head * 8; bit++) {
			memcpy(msg, pairs[i].answer, n);
			msg[bit / 8] = (char)(msg[bit / 8] ^ 1 << bit % 8);
			assert_int_not_equal(answer(msg, n, rq), OK);
		}
		memcpy(msg, pairs[i].answer, n);
		msg[n] = 0;
		assert_int_equal(answer(msg, n + 1, rq), ERR_PROTO);
		for (size_t len = 0; len < n; len++)
			assert_int_equal(answer(msg, len, rq), ERR_PROTO);
		for (size_t j = 0; j < sizeof(pairs) / sizeof(pairs[0]); j++) {
			if (j != i)
				assert_int_equal(
				    answer(msg, n, &pairs[j].rq), ERR_PROTO);
		}
	}
}

static void
exceptions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct mb_request *rq = &pairs[i].rq;
		char msg[4] = { 3, (char)(rq->function | 0x80), 2, 2 };

		assert_int_equal(answer(msg, 3, rq), ERR_REFUSED);
		assert_int_equal(a.exception, 2);
		assert_int_equal(answer(msg, 4, rq), ERR_PROTO);
		msg[0] = 4;
		assert_int_equal(answer(msg, 3, rq), ERR_PROTO);
		msg[0] = 3;
		msg[1] ^= 1;
		assert_int_equal(answer(msg, 3, rq), ERR_PROTO);
	}
}

static void
limits(void **state)
{
	static const struct {
		const char *name;
		struct mb_request rq;
		bool valid;
	} cases[] = {
		{ "125", RQ(1, MB_READ_HOLDING, 0, 125, NULL), true },
		{ "126", RQ(1, MB_READ_HOLDING, 0, 126, NULL), false },
		{ "none", RQ(1, MB_READ_HOLDING, 0, 0, NULL), false },
		{ "the last", RQ(1, MB_READ_INPUT, 65535, 1, NULL), true },
		{ "beyond it", RQ(1, MB_READ_INPUT, 65535, 2, NULL), false },
		{ "2000 bits", RQ(1, MB_READ_COILS, 0, 2000, NULL), true },
		{ "2001 bits", RQ(1, MB_READ_COILS, 0, 2001, NULL), false },
		{ "124 written", RQ(1, MB_WRITE_REGISTERS, 0, 124, v_bits),
		    false },
		{ "no values", RQ(1, MB_WRITE_REGISTER, 0, 1, NULL), false },
		{ "no function", RQ(1, 9, 0, 1, v_bits), false },
		{ "far function", RQ(1, 99, 0, 1, v_bits), false },
		{ "no object", RQ(1, MB_DEVICE_ID, 0, 0, NULL), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].name);
		assert_int_equal(pdu_valid(&cases[i].rq), cases[i].valid);
	}
	assert_int_equal(pdu_reads(MB_INPUT), MB_READ_INPUT);
	assert_int_equal(pdu_reads(MB_COIL), MB_READ_COILS);
}

/* --- RTU frames --- */

static const uint8_t request[] = "\1\3\0\0\0\2\xc4\x0b";
enum { N_REQUEST = sizeof(request) - 1 };

static void
rtu_frames(void **state)
{
	static const struct {
		const char *name, *data;
		size_t n;
		bool silent;
		enum rtu_what want;
		size_t used;
	} cases[] = {
		{ "nothing", BYTES(""), true, RTU_MORE, 0 },
		{ "the answer", BYTES("\1\3\4\0\1\0\2\x2a\x32"), false,
		    RTU_FRAME, 9 },
		{ "twice", BYTES("\1\3\4\0\1\0\2\x2a\x32\1\3\4"), false,
		    RTU_FRAME, 9 },
		{ "a part", BYTES("\1\3\4\0\1\0\2\x2a"), false, RTU_MORE, 0 },
		{ "no more than that", BYTES("\1\3\4\0\1\0\2\x2a"), true,
		    RTU_GARBLED, 8 },
		{ "a wrong crc", BYTES("\1\3\4\0\1\0\2\x2a\x33"), false,
		    RTU_GARBLED, 9 },
		{ "an exception", BYTES("\1\x83\2\xc0\xf1"), false, RTU_FRAME,
		    5 },
		{ "the echo", BYTES("\1\3\0\0\0\2\xc4\x0b\1"), false, RTU_ECHO,
		    8 },
		{ "the echo's begin", BYTES("\1\3\0"), false, RTU_MORE, 0 },
		{ "and no more", BYTES("\1\3\0"), true, RTU_GARBLED, 3 },
		{ "a glitch", BYTES("\0\1\3"), false, RTU_NOISE, 1 },
		{ "another glitch", BYTES("\xff\1\3"), false, RTU_NOISE, 1 },
		{ "no function", BYTES("\1\x63\1"), false, RTU_GARBLED, 3 },
		{ "too long", BYTES("\1\3\xff"), false, RTU_GARBLED, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t used = 99;

		print_message("  %s\n", cases[i].name);
		assert_int_equal(
		    rtu_next((const uint8_t *)cases[i].data, cases[i].n,
			cases[i].silent, request, N_REQUEST, &used),
		    cases[i].want);
		assert_int_equal(used, cases[i].used);
	}
}

static void
whole_frames(void **state)
{
	static const struct mb_request rq = RQ(1, MB_READ_HOLDING, 0, 2, NULL);
	uint8_t out[MBAP_MAX];

	(void)state;
	assert_int_equal(rtu_request(&rq, out), N_REQUEST);
	assert_memory_equal(out, request, N_REQUEST);
	assert_int_equal(mbap_request(0x1234, &rq, out), 12);
	assert_memory_equal(out, "\x12\x34\0\0\0\6\1\3\0\0\0\2", 12);
	assert_int_equal(mbap_id(out), 0x1234);
}

static void
mbap_frames(void **state)
{
	static const struct {
		const char *name, *data;
		size_t n;
		int want;
	} cases[] = {
		{ "a part", BYTES("\0\1\0\0\0"), PDU_MORE },
		{ "a header", BYTES("\0\1\0\0\0\5"), 11 },
		{ "the longest", BYTES("\0\1\0\0\0\xfe"), 260 },
		{ "longer", BYTES("\0\1\0\0\0\xff"), PDU_UNKNOWN },
		{ "too short", BYTES("\0\1\0\0\0\1"), PDU_UNKNOWN },
		{ "far too long", BYTES("\0\1\0\0\1\5"), PDU_UNKNOWN },
		{ "another protocol", BYTES("\0\1\0\1\0\5"), PDU_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].name);
		assert_int_equal(
		    mbap_span((const uint8_t *)cases[i].data, cases[i].n),
		    cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_answers),
		cmocka_unit_test(strict),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(limits),
		cmocka_unit_test(rtu_frames),
		cmocka_unit_test(whole_frames),
		cmocka_unit_test(mbap_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
