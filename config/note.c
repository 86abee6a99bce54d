#include "config/note.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_SIZE = 1024 };

static void add(struct notes *n, struct place at, const char *kind,
    const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void
add(struct notes *n, struct place at, const char *kind, const char *fmt,
    va_list ap)
{
	char text[NOTE_SIZE];

	if (n->shown++ == NOTES_MAX)
		buf_printf(n->out,
		    "%s: error: too many errors, the rest is "
		    "not shown\n",
		    at.file);
	if (n->shown > NOTES_MAX)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	buf_puts(n->out, at.file);
	if (at.line)
		buf_printf(n->out, ":%d", at.line);
	buf_printf(n->out, ": %s: ", kind);
	if (at.section)
		buf_printf(n->out, "[%s] ", at.section);
	buf_printf(n->out, "%s\n", text);
}

void
note_error(struct notes *n, struct place at, const char *fmt, ...)
{
	va_list ap;

	n->errors++;
	va_start(ap, fmt);
	add(n, at, "error", fmt, ap);
	va_end(ap);
}

void
note_warning(struct notes *n, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(n, at, "warning", fmt, ap);
	va_end(ap);
}

void
note_errno(struct notes *n, struct place at, const char *what)
{
	const char *hint = errno == EACCES
	    ? " (repeat with sudo, or let this user read it)"
	    : "";
	char text[128];

	if (strerror_r(errno, text, sizeof(text)) != 0)
		snprintf(text, sizeof(text), "error %d", errno);
	note_error(n, at, "%s: %s%s", what, text, hint);
}
