#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
safe(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ NULL, "" },
		{ "", "" },
		{ "plain", "plain" },
		{ "a\nb\x1b[2Jc\x7f", "a?b?[2Jc?" },
		{ "\xc3\xa9", "\xc3\xa9" },
	};
	char out[LOG_SAFE], longer[LOG_SAFE * 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(log_safe(out, rows[i].in), rows[i].want);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(strlen(log_safe(out, longer)), LOG_SAFE - 1);
}

static void
levels(void **state)
{
	(void)state;
	log_open(LOG_LVL_WARNING);
	assert_true(log_shows(LOG_LVL_ERROR));
	assert_true(log_shows(LOG_LVL_WARNING));
	assert_false(log_shows(LOG_LVL_INFO));
	log_open(LOG_LVL_DEBUG);
	assert_true(log_shows(LOG_LVL_DEBUG));
}

/* What is written to stderr while the lines of say() are logged. */
static void
caught(void (*say)(void), char *out, size_t size)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(f);
	dup2(fileno(f), STDERR_FILENO);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	fclose(f);
}

static void
say_two(void)
{
	log_open(LOG_LVL_INFO);
	log_warn("bus", "line %d is silent", 3);
	log_debug("bus", "not shown");
	log_info("claim", "node %s", "a");
}

static void
say_long(void)
{
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_err("xmpp", "%s", text);
}

static void
lines(void **state)
{
	char out[4096];

	(void)state;
	caught(say_two, out, sizeof(out));
	assert_string_equal(
	    out, "<4>bus: line 3 is silent\n<6>claim: node a\n");
	caught(say_long, out, sizeof(out));
	assert_true(strlen(out) <= 1024);
	assert_int_equal(strcspn(out, "\n"), strlen(out) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(safe),
		cmocka_unit_test(levels),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
