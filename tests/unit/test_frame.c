#include "drivers/checksum.h"
#include "drivers/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT = 256, PIECES = 4 };

static char crlf[] = "\r\n", dollar[] = "$", stx[] = "\2", etx[] = "\3",
	    slash[] = "/", bang[] = "!", lf[] = "\n", sync[] = "\xaa\x55";
static struct bytes or_etx[] = { { etx, 1 } }, or_lf[] = { { lf, 1 } };

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
	{ "several ends", { END, .ends = or_etx, .n_ends = 1, .max = 20 },
	    { "one\3two\r\nthr", "ee\3" }, "[one][two][three]", 0 },
	{ "an end inside of another",
	    { .end = { lf, 1 },
		.ends = &(struct bytes){ crlf, 2 },
		.n_ends = 1,
		.max = 20 },
	    { "one\ntwo\r\nthree\r", "\n" }, "[one][two][three]", 0 },
	{ "several ends, too long",
	    { END, .ends = or_lf, .n_ends = 1, .max = 4 },
	    { "far too long\r\nok\nlonger", " still\nfine\n" }, "[ok][fine]",
	    27 },
	{ "bcc after either end",
	    { .start = { stx, 1 },
		.end = { etx, 1 },
		.ends = &(struct bytes){ bang, 1 },
		.n_ends = 1,
		.check = CHECK_BCC,
		.max = 20 },
	    { "\2ab!", "x\2cd\3y" }, "[ab][cd]", 0 },
	{ "a crc after the end",
	    { .start = { slash, 1 },
		.end = { bang, 1 },
		.check = CHECK_CRC16_DSMR,
		.max = 20 },
	    { "/a!12", "34\r\n/b!a", "bc", "d\r\n" }, "[a][b]", 4 },
	{ "fixed length, bcc included",
	    { .length = 5,
		.start = { stx, 1 },
		.end = { etx, 1 },
		.check = CHECK_BCC,
		.max = 20 },
	    { "\2ab\3x\2cd\3y" }, "[ab][cd]", 0 },
	{ "tells its length",
	    { .has_length_at = true,
		.length_at = 1,
		.length_add = 2,
		.max = 20 },
	    { "A\3xyz", "B\1pC", "\2" }, "[A\3xyz][B\1p]", 0 },
	{ "tells its length, behind a start",
	    { .start = { sync, 2 },
		.has_length_at = true,
		.length_at = 2,
		.length_add = 3,
		.max = 20 },
	    { "??\xaa\x55\2xy\xaa", "\x55\1z" }, "[\2xy][\1z]", 2 },
	{ "a length that cannot be",
	    { .start = { sync, 2 },
		.has_length_at = true,
		.length_at = 2,
		.length_add = 3,
		.max = 20 },
	    { "\xaa\x55\x7fxx\xaa\x55\2xy" }, "[\2xy]", 5 },
	{ "a length that is over before it stands there",
	    { .has_length_at = true, .length_at = 3, .max = 20 },
	    { "abc\2abc\5x" }, "[abc\5x]", 4 },
	{ "an end that is not where the length says",
	    { .start = { stx, 1 },
		.end = { etx, 1 },
		.has_length_at = true,
		.length_at = 1,
		.max = 20 },
	    { "\2\5abc\2\5ab\3" }, "[\5ab]", 5 },
	{ "silence ends what a length began",
	    { .has_length_at = true, .length_at = 0, .idle_ms = 20, .max = 20 },
	    { "\4ab", "IDLE", "\4abc" }, "[\4abc]", 3 },
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

/* Feeds all of in and hands out the messages that hold, rejecting others. */
static void
sieve(const struct frame *spec, const char *in, size_t len, char out[TEXT])
{
	struct framer f;
	struct message m;

	out[0] = '\0';
	framer_init(&f, spec);
	framer_feed(&f, in, len);
	while (framer_next(&f, false, &m)) {
		size_t n = strlen(out);

		if (frame_check(spec, &m) != OK) {
			framer_reject(&f);
			continue;
		}
		snprintf(out + n, TEXT - n, "[%.*s]", (int)m.len, m.data);
	}
	snprintf(out + strlen(out), TEXT - strlen(out), " %d", (int)f.garbage);
	framer_fini(&f);
}

/* A message that did not hold may have hidden the begin of the next. */
static void
rejected(void **state)
{
	static const struct {
		const char *name;
		struct frame spec;
		const char *in;
		const char *want; /* messages and the count of garbage */
	} rows[] = {
		{ "a false start before the true one",
		    { .start = { stx, 1 },
			.length = 6,
			.check = CHECK_SUM8,
			.max = 20 },
		    "\2x\2ABCc6\2ABCc6", "[ABC][ABC] 2" },
		{ "a telegram that lost its checksum",
		    { .start = { slash, 1 },
			.end = { bang, 1 },
			.check = CHECK_CRC16_DSMR,
			.max = 20 },
		    "/a!\r\n/b!B1D8\r\n", "[b] 7" },
		{ "lines end where they end",
		    { END, .check = CHECK_NMEA_XOR, .max = 40 },
		    "a*61\r\nb*61\r\nc*63\r\n", "[a][c] 6" },
		{ "all of one length, one byte lost",
		    { .length = 11, .check = CHECK_CRC16_MODBUS, .max = 20 },
		    "23456789\x37\x4b"
		    "123456789\x37\x4b"
		    "123456789\x37\x4b",
		    "[123456789][123456789] 10" },
	};
	char got[TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].name);
		sieve(&rows[i].spec, rows[i].in, strlen(rows[i].in), got);
		assert_string_equal(got, rows[i].want);
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
	const char *after;
	bool end;
} checks[] = {
	{ "none", CHECK_NONE, "abc", 3, NULL, false },
	{ "nmea", CHECK_NMEA_XOR, MWV "*37", sizeof(MWV) - 1, NULL, false },
	{ "nmea, small letters", CHECK_NMEA_XOR, "k*6b", 1, NULL, false },
	{ "nmea, spoilt", CHECK_NMEA_XOR, MWV "*36", 0, NULL, false },
	{ "nmea, no star", CHECK_NMEA_XOR, MWV, 0, NULL, false },
	{ "nmea, too short", CHECK_NMEA_XOR, "*0", 0, NULL, false },
	{ "nmea, not hexadecimal", CHECK_NMEA_XOR, "a*6g", 0, NULL, false },
	{ "crc16-modbus", CHECK_CRC16_MODBUS, "123456789\x37\x4b", 9, NULL,
	    false },
	{ "crc16-modbus, swapped", CHECK_CRC16_MODBUS, "123456789\x4b\x37", 0,
	    NULL, false },
	{ "sdi12", CHECK_SDI12_CRC, "0+3.14OqZ", 6, NULL, false },
	{ "sdi12, of rain", CHECK_SDI12_CRC, RAIN "Ilm", sizeof(RAIN) - 1, NULL,
	    false },
	{ "nmea, a query", CHECK_NMEA_XOR, "--WIQ,MWV*2F", 9, NULL, false },
	{ "sdi12, spoilt", CHECK_SDI12_CRC, "0+3.15OqZ", 0, NULL, false },
	{ "sdi12, too short", CHECK_SDI12_CRC, "Oq", 0, NULL, false },
	{ "lrc", CHECK_LRC, "ABC3A", 3, NULL, false },
	{ "lrc, spoilt", CHECK_LRC, "ABC3B", 0, NULL, false },
	{ "sum8", CHECK_SUM8, "ABCc6", 3, NULL, false },
	{ "sum8, spoilt", CHECK_SUM8, "ABC00", 0, NULL, false },
	{ "bcc after the end", CHECK_BCC, "AB", 2, "", true },
	{ "bcc after the end, spoilt", CHECK_BCC, "AB", 0, "\3", true },
	{ "bcc without an end", CHECK_BCC, "AB\3", 2, NULL, false },
	{ "crc16-dsmr without an end", CHECK_CRC16_DSMR, "123456789BB3D", 9,
	    NULL, false },
	{ "crc16-dsmr, small letters", CHECK_CRC16_DSMR, "123456789bb3d", 9,
	    NULL, false },
	{ "crc16-dsmr, the end counts", CHECK_CRC16_DSMR, "123456789", 0,
	    "BB3D", true },
	{ "crc16-dsmr, bytes swapped", CHECK_CRC16_DSMR, "1234567893DBB", 0,
	    NULL, false },
	{ "crc16-dsmr, not hexadecimal", CHECK_CRC16_DSMR, "123456789BB3 ", 0,
	    NULL, false },
	{ "crc16-dsmr, too short", CHECK_CRC16_DSMR, "B3D", 0, NULL, false },
};

static void
checksums(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct frame spec = { .check = checks[i].check };
		struct message m = { .data = checks[i].msg,
			.len = strlen(checks[i].msg),
			.after = checks[i].after };
		enum err e;

		print_message("  %s\n", checks[i].name);
		if (checks[i].end)
			spec.end = (struct bytes){ etx, 1 };
		if (checks[i].end)
			m.end = &spec.end;
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
		cmocka_unit_test(rejected),
		cmocka_unit_test(checksums),
		cmocka_unit_test(known_crcs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
