/* One line on a terminal's standard error that says how far a command is. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct progress {
	const char *what; /* "rs485-1  19200 8E1" */
	const char *at;   /* "address 94", or "" */
	int64_t done, of;
	int64_t left_s; /* 0: not known */
	size_t found;
};

/* progress_text writes the line, cut to size - 1 bytes.  Pure. */
void progress_text(const struct progress *p, char *out, size_t size);

/* progress_show draws it over the one before, progress_clear takes it away:
 * nothing happens without a terminal. */
void progress_show(const struct progress *p);
void progress_clear(void);

#endif
