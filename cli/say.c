#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *speaker = "";

void
say_open(const char *program)
{
	speaker = program;
}

static void vsay(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

static void
vsay(const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", speaker);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
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
