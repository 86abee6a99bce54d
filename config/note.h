/* What is wrong in a file, for the person who wrote it: one line a cause,
 *     file:line: error: [section] what (hint)  */
#ifndef CONFIG_NOTE_H
#define CONFIG_NOTE_H

#include "common/buf.h"

#include <stddef.h>

/* Notes beyond NOTES_MAX are counted and not shown. */
enum { NOTES_MAX = 500 };

struct notes {
	struct buf *out;
	size_t errors, shown;
};

struct place {
	const char *file;
	int line;            /* 0: the file as a whole */
	const char *section; /* NULL: none */
};

void note_error(struct notes *n, struct place at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void note_warning(struct notes *n, struct place at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* note_errno adds "what: " and the text of errno, and what helps. */
void note_errno(struct notes *n, struct place at, const char *what);

#endif
