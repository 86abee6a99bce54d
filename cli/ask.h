/* Questions to whoever sits at the terminal, or to a file of answers. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "common/err.h"
#include "config/ini.h"

#include <stdbool.h>

struct question {
	const char *name; /* of its answer in a file */
	const char *ask;  /* a few words */
	const char *why;  /* one line */
	bool hidden;      /* without an echo */
	/* NULL, or tells whether the answer will do; else eb says why not. */
	bool (*fits)(const char *answer, struct errbuf *eb);
};

/* Zero-initialised asks on the terminal. */
struct asker {
	struct ini answers; /* [answers] NAME = value */
	struct buf text;
	bool from_file;
};

/* ask_open reads the answers of a file, "-" being standard input, and fails
 * without a terminal when path is NULL.
 * Errors: returns the exit code, which was said. */
int ask_open(struct asker *a, const char *path);
void ask_close(struct asker *a);

/* ask returns the answer, def when it is empty (NULL: it must not be), asking
 * until it fits; NULL when the person leaves by Ctrl-C or Ctrl-D, or the file
 * has no answer that fits.  Returns owned, freed by mem_free_secret. */
char *ask(struct asker *a, const struct question *q, const char *def);

#endif
