/* What the registry's file holds, counted beside the program that serves it.
 *
 * Spec: XEP-0347 3.5 to 3.14, the states of a thing. */
#ifndef REGISTRY_STATS_H
#define REGISTRY_STATS_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum stat_what {
	STAT_THINGS, /* all of them: the sum of the next four */
	STAT_UNCLAIMED,
	STAT_PRIVATE,
	STAT_PUBLIC,
	STAT_SELF_OWNED,
	STAT_ACCOUNTS, /* that have things */
	STAT_OWNERS,   /* other than the things themselves */
	STAT_TAGS,
	STAT_NOTICES, /* that things have not acknowledged yet */
	STAT_BYTES,   /* of the file and its journal */
	STATS
};

struct stats {
	int64_t n[STATS];
};

/* stats_read counts; it takes as long as reading the whole file.
 * Errors: ERR_IO, eb says why.  Thread: any. */
enum err stats_read(
    const char *path, struct stats *out, struct errbuf *eb) MUST_USE;

/* stats_print writes a line a figure, or one JSON object. */
void stats_print(const struct stats *s, bool json, FILE *out);

/* stats_log logs one line of them. */
void stats_log(const struct stats *s);

#endif
