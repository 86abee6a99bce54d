#include "common/mem.h"
#include "config/ini.h"
#include "config/tagrule.h"
#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What was read as "[section] key=value" lines, then the notes. */
static char *
read_back(const char *text, size_t len)
{
	struct buf out = { 0 }, errs = { 0 };
	struct notes notes = { .out = &errs };
	struct ini ini = { 0 };

	ini_read(&ini, "f", text, len, &notes);
	ini_repeats(&ini, &notes);
	for (size_t i = 0; i < ini.n; i++) {
		const struct ini_section *s = &ini.sections[i];

		buf_printf(&out, "[%s] ", s->name);
		for (size_t k = 0; k < s->n; k++)
			buf_printf(&out, "%s=%s@%d ", s->items[k].key,
			    s->items[k].value, s->items[k].line);
	}
	if (errs.data)
		buf_puts(&out, errs.data);
	ini_fini(&ini);
	buf_fini(&errs);
	return buf_take(&out);
}

static void
reading(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "empty", "", "" },
		{ "one key", "[a]\nk = v\n", "[a] k=v@2 " },
		{ "no end of line", "[a]\nk=v", "[a] k=v@2 " },
		{ "carriage returns", "[a]\r\nk = v\r\n", "[a] k=v@2 " },
		{ "byte order mark", "\xEF\xBB\xBF[a]\nk = v\n", "[a] k=v@2 " },
		{ "blanks in a name", "[ bus \t plc ]\nk=v\n",
		    "[bus plc] k=v@2 " },
		{ "comments", "; x\n# y\n[a] ; z\n ; w\nk = v ; u\n",
		    "[a] k=v@5 " },
		{ "no comment without blanks", "[a]\nk = a;b ;c; d\n",
		    "[a] k=a;b ;c; d@2 " },
		{ "a comment at the line's end", "[a]\nk = v ;\n",
		    "[a] k=v@2 " },
		{ "nothing but a comment", "[a]\nk = ; v\n", "[a] k=@2 " },
		{ "a ';' that stands so", "[a]\nk = x \\; y\n",
		    "[a] k=x ; y@2 " },
		{ "a backslash before it", "[a]\nk = \\\\; x \\\\\\;\n",
		    "[a] k=\\; x \\\\;@2 " },
		{ "other backslashes stay", "[a]\nk = \\;\\r\\\\;\n",
		    "[a] k=\\;\\r\\\\;@2 " },
		{ "quotes stay", "[a]\nk = \"v\"\n", "[a] k=\"v\"@2 " },
		{ "'=' in a value", "[a]\nk = b = c\n", "[a] k=b = c@2 " },
		{ "a value like inih's own marks", "[a]\nk = [b] = #c\n",
		    "[a] k=[b] = #c@2 " },
		{ "number tags", "[tags]\n#LAT = -33.0\n#X_1=2\n",
		    "[tags] #LAT=-33.0@2 #X_1=2@3 " },
		{ "a '#' that is no number tag",
		    "[tags]\n# LAT = 1\n#lat = 1\n#LAT\n#LAT =\n#LAT x = 1\n",
		    "[tags] " },
		{ "'#' elsewhere is a comment", "[bus]\n#LAT = 1\n", "[bus] " },
		{ "a key with '#' inside", "[node a]\ntag.#LAT = 1\n",
		    "[node a] tag.#LAT=1@2 " },
		{ "a lost section takes its keys along",
		    "[a]\nk=v\n[b\nk=v\nl\n[c]\nk=v\n",
		    "[a] k=v@2 [c] k=v@7 f:3: error: the section's name is "
		    "not closed by ']'\n" },
		{ "three times", "[a]\nk=1\nk=2\nk=3\n",
		    "[a] k=1@2 k=2@3 k=3@4 "
		    "f:3: error: [a] k is set twice (first at f:2)\n"
		    "f:4: error: [a] k is set twice (first at f:2)\n" },
		{ "all that is wrong is told", "[a]\nx\ny\n",
		    "[a] f:2: error: [a] this is not a `key = value` line\n"
		    "f:3: error: [a] this is not a `key = value` line\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got;

		print_message("  %s\n", rows[i].name);
		got = read_back(rows[i].in, strlen(rows[i].in));
		assert_string_equal(got, rows[i].out);
		free(got);
	}
}

/* What inih alone would cut at 200 bytes. */
static void
long_values(void **state)
{
	char *value = mem_zalloc(4001);
	char *text, *want, *got;

	(void)state;
	memset(value, 'x', 4000);
	text = mem_printf("[a]\nk = %s\nl = 1\n", value);
	want = mem_printf("[a] k=%s@2 l=1@3 ", value);
	got = read_back(text, strlen(text));
	assert_string_equal(got, want);
	free(got);
	free(want);
	free(text);
	free(value);
}

static void
no_file(void **state)
{
	struct buf errs = { 0 };
	struct notes notes = { .out = &errs };
	struct ini ini = { 0 };

	(void)state;
	assert_int_equal(
	    ini_read_file(&ini, "/nonexistent/x.conf", &notes), ERR_IO);
	assert_string_equal(errs.data,
	    "/nonexistent/x.conf: error: cannot be "
	    "read: No such file or directory\n");
	assert_int_equal(ini_read_file(&ini, "/", &notes), ERR_IO);
	ini_fini(&ini);
	buf_fini(&errs);
}

static void
many_errors(void **state)
{
	struct buf text = { 0 };
	size_t lines = 0;
	char *got;

	(void)state;
	buf_puts(&text, "[a]\n");
	for (int i = 0; i < 2 * NOTES_MAX; i++)
		buf_puts(&text, "x\n");
	got = read_back(text.data, text.len);
	for (const char *p = got; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, NOTES_MAX + 1);
	assert_non_null(strstr(got, "f: error: too many errors"));
	free(got);
	buf_fini(&text);
}

static void
durations(void **state)
{
	static const struct {
		const char *text;
		enum err want;
		int64_t ms;
		const char *back;
	} rows[] = {
		{ "0", OK, 0, "0s" },
		{ "0ms", OK, 0, "0s" },
		{ "500ms", OK, 500, "500ms" },
		{ "10s", OK, 10000, "10s" },
		{ "90 s", OK, 90000, "90s" },
		{ "60s", OK, 60000, "1min" },
		{ "2h", OK, 7200000, "2h" },
		{ "1d", OK, 86400000, "1d" },
		{ "10", ERR_PROTO, 0, "" },
		{ "", ERR_PROTO, 0, "" },
		{ "s", ERR_PROTO, 0, "" },
		{ "-5s", ERR_PROTO, 0, "" },
		{ "1.5s", ERR_PROTO, 0, "" },
		{ "5m", ERR_PROTO, 0, "" },
		{ "9223372036854775807d", ERR_RANGE, 0, "" },
		{ "99999999999999999999ms", ERR_RANGE, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf back = { 0 };
		int64_t ms;

		print_message("  \"%s\"\n", rows[i].text);
		assert_int_equal(
		    value_duration(rows[i].text, &ms), rows[i].want);
		if (rows[i].want != OK)
			continue;
		assert_int_equal(ms, rows[i].ms);
		value_duration_add(ms, &back);
		assert_string_equal(back.data, rows[i].back);
		buf_fini(&back);
	}
}

static void
hosts(void **state)
{
	static const struct {
		const char *text;
		enum err want;
		const char *host;
		int port;
	} rows[] = {
		{ "192.0.2.1", OK, "192.0.2.1", 502 },
		{ "PLC.example.org:1502", OK, "plc.example.org", 1502 },
		{ "2001:db8::1", OK, "2001:db8::1", 502 },
		{ "[2001:DB8::1]:503", OK, "2001:db8::1", 503 },
		{ "[2001:db8::1]", OK, "2001:db8::1", 502 },
		{ "", ERR_PROTO, NULL, 0 },
		{ ":502", ERR_PROTO, NULL, 0 },
		{ "a:", ERR_PROTO, NULL, 0 },
		{ "a:0", ERR_PROTO, NULL, 0 },
		{ "a:65536", ERR_PROTO, NULL, 0 },
		{ "a:+1", ERR_PROTO, NULL, 0 },
		{ "a b", ERR_PROTO, NULL, 0 },
		{ "[::1", ERR_PROTO, NULL, 0 },
		{ "[::1]x", ERR_PROTO, NULL, 0 },
		{ "[x:y:z]", ERR_PROTO, NULL, 0 },
		{ "-a", ERR_PROTO, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char host[VALUE_HOST];
		int port;

		print_message("  \"%s\"\n", rows[i].text);
		assert_int_equal(value_hostport(rows[i].text, 502, host, &port),
		    rows[i].want);
		if (rows[i].want != OK)
			continue;
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
	assert_true(value_loopback("127.9.9.9"));
	assert_true(value_loopback("::1"));
	assert_true(value_loopback("localhost"));
	assert_false(value_loopback("128.0.0.1"));
	assert_false(value_loopback("127.example.org"));
}

static void
jids(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "example.org", true },
		{ "a@example.org", true },
		{ "a@example.org/x y@z/w", true },
		{ "example.org/x", true },
		{ "", false },
		{ "@example.org", false },
		{ "a@", false },
		{ "a@b@c", false },
		{ "a b@c", false },
		{ "a@c/", false },
		{ "a@c:5222", false },
		{ "a<b@c", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  \"%s\"\n", rows[i].text);
		assert_int_equal(
		    value_jid(rows[i].text, NULL, NULL), rows[i].good);
	}
}

static void
doubles(void **state)
{
	static const char *const good[] = { "0", "-33.008055", "+1.", ".5",
		"1e3", "1E-3", "-0" };
	static const char *const bad[] = { "", ".", "-", "1,5", "0x1", "INF",
		"NaN", "1e", "1e400", "1 ", "33S" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(value_double(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_double(bad[i]));
}

static void
escapes(void **state)
{
	char *out;
	size_t len;

	(void)state;
	assert_int_equal(
	    value_bytes("a\\r\\n\\t\\\\\\\"\\x7F\\0b", &out, &len), OK);
	assert_int_equal(len, 9);
	assert_memory_equal(out, "a\r\n\t\\\"\x7f\0b", 9);
	free(out);
	assert_int_equal(value_bytes("\\q", &out, &len), ERR_PROTO);
	assert_int_equal(value_bytes("\\x1", &out, &len), ERR_PROTO);
	assert_int_equal(value_bytes("\\", &out, &len), ERR_PROTO);
}

static void
guesses(void **state)
{
	struct guess g = { .word = "pasword" };
	char hint[64];

	(void)state;
	assert_int_equal(value_near("bus", "bus"), 0);
	assert_int_equal(value_near("buss", "bus"), 1);
	assert_int_equal(value_near("bsu", "bus"), 1);
	assert_int_equal(value_near("Node", "node"), 0);
	assert_string_equal(guess_hint(&g, hint, sizeof(hint)), "");
	guess_try(&g, "jid");
	guess_try(&g, "password");
	guess_try(&g, "port");
	assert_string_equal(guess_hint(&g, hint, sizeof(hint)),
	    " (did you mean \"password\"?)");
}

static void
followed_fields(void **state)
{
	const char *at = "@one,@two";
	char field[TAGRULE_FIELD];

	(void)state;
	assert_true(tagrule_field(&at, field));
	assert_string_equal(field, "one");
	assert_true(tagrule_field(&at, field));
	assert_string_equal(field, "two");
	assert_false(tagrule_field(&at, field));
	at = "text";
	assert_false(tagrule_field(&at, field));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(long_values),
		cmocka_unit_test(no_file),
		cmocka_unit_test(many_errors),
		cmocka_unit_test(durations),
		cmocka_unit_test(hosts),
		cmocka_unit_test(jids),
		cmocka_unit_test(doubles),
		cmocka_unit_test(escapes),
		cmocka_unit_test(guesses),
		cmocka_unit_test(followed_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
