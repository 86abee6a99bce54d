/* What writing and reading all that the registry keeps share. */
#ifndef REGISTRY_DUMP_IMPL_H
#define REGISTRY_DUMP_IMPL_H

#include "registry/db.h"

#include <stdint.h>

enum { DUMP_FORMAT = 1 };

/* What is kept: a line each, in this order. */
enum dump_kind { DUMP_THING, DUMP_NOTICE, DUMP_PEER, DUMP_RULE, DUMP_KINDS };

extern const struct dump_names {
	const char *one;  /* of a line of it */
	const char *many; /* in the first line */
} dump_names[DUMP_KINDS];

struct dump_counts {
	int64_t n[DUMP_KINDS];
};

/* dump_count counts what the store holds.  Errors: ERR_IO. */
enum err dump_count(struct db *db, struct dump_counts *out) MUST_USE;

/* dump_wipes: what JSON held, KEYs among it, is wiped from here on when it is
 * let go of, in this whole program. */
void dump_wipes(void);

/* A line on stderr now and then. */
struct dump_progress {
	const char *doing;
	int64_t done, all, told_at;
};
struct dump_progress dump_progress(
    const char *doing, const struct dump_counts *all);
void dump_step(struct dump_progress *p);

#endif
