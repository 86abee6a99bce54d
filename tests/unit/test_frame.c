#include "drivers/checksum.h"
#include "drivers/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT = 256, PIECES = 4 };

static char crlf[] = "\r\n", dollar[] = "$", stx[] = "\2", etx[] = "\3",
	    slash[] = "/", bang[] = "!";

#define END .end = { crlf, 2 }

static const struct {
	const char *name;
	struct frame spec;
	const char *in[PIECES]; /* "IDLE": silence */
	const char *want;       /* messages, each in [] */
	unsigned garbage;
} cases[] = {
	{ "two at once, one in pieces", { END, .max = 20 },
	    { "one\r\ntwo\r\nth", "ree\r", "\nfo" }, "[one][two][three]", 0 },
	{ "empty ones", { END, .max = 20 }, { "\r\n\r\na\r\n" }, "[a]", 0 },
	{ "start and end", { .start = { dollar, 1 }, END, .max = 20 },
	    { "xx$one\r\nyy\r\n$two\r\n" }, "[one][two]", 6 },
	{ "a start inside: the first lost its end",
	    { .start = { dollar, 1 }, END, .max = 20 }, { "$lost$good\r\n" },
	    "[good]", 5 },
	{ "start in pieces",
	    { .start = { crlf, 2 }, .end = { bang, 1 }, .max = 20 },
	    { "xx\r", "\none!", "\r", "\ntwo!" }, "[one][two]", 2 },
	{ "too long, then good", { END, .max = 5 },
	    { "far too long", " and more", "\r\nok\r\n" }, "[ok]", 23 },
	{ "too long with a start", { .start = { dollar, 1 }, END, .max = 5 },
	    { "$123456789012345", "$ok\r\n" }, "[ok]", 16 },
	{ "one byte too long", { END, .max = 5 }, { "123456\r\n12345\r\n" },
	    "[12345]", 8 },
	{ "ended by silence", { .idle_ms = 20, .max = 20 },
	    { "16.02C,", "55.85%", "IDLE", "x" }, "[16.02C,55.85%]", 0 },
	{ "silence ends rubbish too", { .idle_ms = 20, .max = 3 },
	    { "0123456789", "IDLE", "ok", "IDLE" }, "[ok]", 10 },
	{ "silence does not stand in for the end",
	    { END, .idle_ms = 20, .max = 20 }, { "T=2", "IDLE", "T=22.5\r\n" },
	    "[T=22.5]", 3 },
	{ "nor for the rest of a fixed length",
	    { .length = 4, .idle_ms = 20, .max = 20 },
	    { "abc", "IDLE", "abcd" }, "[abcd]", 3 },
	{ "fixed length", { .length = 4, .max = 20 }, { "abcdef", "ghi" },
	    "[abcd][efgh]", 0 },
	{ "fixed length, start and end",
	    { .length = 4, .start = { stx, 1 }, .end = { etx, 1 }, .max = 20 },
	    { "\2ab\3x\2\2c\3", "\2abc\2de\3" }, "[ab][\2c][de]", 5 },
	{ "bcc after the end",
	    { .start = { stx, 1 },
		.end = { etx, 1 },
		.check = CHECK_BCC,
		.max = 20 },
	    { "\2ab\3", "x\2cd\3y" }, "[ab][cd]", 0 },
	{ "a telegram",
	    { .start = { slash, 1 }, .end = { bang, 1 }, .max = 200 },
	    { "/ID\r\n1.8.0(1)\r\n!\r\n" }, "[ID\r\n1.8.0(1)\r\n]", 2 },
};

static void
drain(struct framer *f, bool idle, char out[TEXT])
{
	struct message m;

	while (framer_next(f, idle, &m)) {
		size_t n = strlen(out);

		snprintf(out + n, TEXT - n, "[%.*s]", (int)m.len, m.data);
	}
}

static void
frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[TEXT] = "";
		struct framer f;

		print_message("  %s\n", cases[i].name);
		framer_init(&f, &cases[i].spec);
		for (size_t j = 0; j < PIECES && cases[i].in[j]; j++) {
			const char *in = cases[i].in[j];
			bool idle = strcmp(in, "IDLE") == 0;

			framer_feed(&f, in, idle ? 0 : strlen(in));
			drain(&f, idle, got);
		}
		assert_string_equal(got, cases[i].want);
		assert_int_equal(f.garbage, cases[i].garbage);
		framer_fini(&f);
	}
}

/* However the bytes are cut, the messages are the same. */
static void
frames_bytewise(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[TEXT] = "";
		struct framer f;

		print_message("  %s\n", cases[i].name);
		framer_init(&f, &cases[i].spec);
		for (size_t j = 0; j < PIECES && cases[i].in[j]; j++) {
			const char *in = cases[i].in[j];

			if (strcmp(in, "IDLE") == 0)
				drain(&f, true, got);
			for (; *in && strcmp(cases[i].in[j], "IDLE") != 0;
			     in++) {
				framer_feed(&f, in, 1);
				drain(&f, false, got);
			}
		}
		assert_string_equal(got, cases[i].want);
		framer_fini(&f);
	}
}

/* Messages that the manual of a weather station prints. */
#define MWV "WIMWV,282,R,0.1,M,A"
#define RAIN "0r3,Rc=0.00M,Rd=0s,Ri=0.0M"

static const struct {
	const char *name;
	enum frame_check check;
	const char *msg;
	size_t body; /* 0: refused */
	uint8_t after;
	bool end;
} checks[] = {
	{ "none", CHECK_NONE, "abc", 3, 0, false },
	{ "nmea", CHECK_NMEA_XOR, MWV "*37", sizeof(MWV) - 1, 0, false },
	{ "nmea, small letters", CHECK_NMEA_XOR, "k*6b", 1, 0, false },
	{ "nmea, spoilt", CHECK_NMEA_XOR, MWV "*36", 0, 0, false },
	{ "nmea, no star", CHECK_NMEA_XOR, MWV, 0, 0, false },
	{ "nmea, too short", CHECK_NMEA_XOR, "*0", 0, 0, false },
	{ "nmea, not hexadecimal", CHECK_NMEA_XOR, "a*6g", 0, 0, false },
	{ "crc16-modbus", CHECK_CRC16_MODBUS, "123456789\x37\x4b", 9, 0,
	    false },
	{ "crc16-modbus, swapped", CHECK_CRC16_MODBUS, "123456789\x4b\x37", 0,
	    0, false },
	{ "sdi12", CHECK_SDI12_CRC, "0+3.14OqZ", 6, 0, false },
	{ "sdi12, of rain", CHECK_SDI12_CRC, RAIN "Ilm", sizeof(RAIN) - 1, 0,
	    false },
	{ "nmea, a query", CHECK_NMEA_XOR, "--WIQ,MWV*2F", 9, 0, false },
	{ "sdi12, spoilt", CHECK_SDI12_CRC, "0+3.15OqZ", 0, 0, false },
	{ "sdi12, too short", CHECK_SDI12_CRC, "Oq", 0, 0, false },
	{ "lrc", CHECK_LRC, "ABC3A", 3, 0, false },
	{ "lrc, spoilt", CHECK_LRC, "ABC3B", 0, 0, false },
	{ "sum8", CHECK_SUM8, "ABCc6", 3, 0, false },
	{ "sum8, spoilt", CHECK_SUM8, "ABC00", 0, 0, false },
	{ "bcc after the end", CHECK_BCC, "AB", 2, 'A' ^ 'B' ^ 3, true },
	{ "bcc after the end, spoilt", CHECK_BCC, "AB", 0, 'A' ^ 'B', true },
	{ "bcc without an end", CHECK_BCC, "AB\3", 2, 0, false },
};

static void
checksums(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct frame spec = { .check = checks[i].check };
		struct message m = { checks[i].msg, strlen(checks[i].msg),
			checks[i].after };
		enum err e;

		print_message("  %s\n", checks[i].name);
		if (checks[i].end)
			spec.end = (struct bytes){ etx, 1 };
		e = frame_check(&spec, &m);
		assert_int_equal(e, checks[i].body ? OK : ERR_PROTO);
		if (e == OK)
			assert_int_equal(m.len, checks[i].body);
	}
}

/* Known values: CRC-16/MODBUS and CRC-16/ARC of "123456789". */
static void
known_crcs(void **state)
{
	(void)state;
	assert_int_equal(
	    checksum_crc16("123456789", 9, CRC16_MODBUS_INIT), 0x4b37);
	assert_int_equal(
	    checksum_crc16("123456789", 9, CRC16_SDI12_INIT), 0xbb3d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(frames_bytewise),
		cmocka_unit_test(checksums),
		cmocka_unit_test(known_crcs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
