#include "cli/say.h"

#include "common/mem.h"
#include "common/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *speaker = "";

void
say_open(const char *program)
{
	speaker = program;
}

static void vsay(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

/* Parts of it may be a peer's or a device's, who must not move the cursor. */
static void
vsay(const char *fmt, va_list ap)
{
	char *text = mem_vprintf(fmt, ap), *line = text, *end;

	fprintf(stderr, "%s: ", speaker);
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		utf8_blot(line, '?');
		fprintf(stderr, "%s\n", line);
		line = end + 1;
	}
	utf8_blot(line, '?');
	fprintf(stderr, "%s\n", line);
	free(text);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap);
	va_end(ap);
}

int
say_exit(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap);
	va_end(ap);
	return code;
}
