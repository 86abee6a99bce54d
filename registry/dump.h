/* All that the registry keeps as JSON lines, and back.
 *
 * The first line says how many of each there are; then a line a thing, in the
 * order of their first registration, a line a notice that its thing has not
 * acknowledged, a line an account whose address is known, a line a rule.
 * Writing what was read gives the same bytes, until the service has run on it.
 * KEYs are among them. */
#ifndef REGISTRY_DUMP_H
#define REGISTRY_DUMP_H

#include "common/err.h"
#include "registry/db.h"

#include <stdbool.h>
#include <stdio.h>

/* dump_write writes all; progress goes to stderr when it takes long.
 * Errors: ERR_IO, eb says why. */
enum err dump_write(struct db *db, FILE *out, struct errbuf *eb) MUST_USE;

/* dump_read fills an empty store with all, or with nothing; name is the file's
 * for eb.
 * Errors: ERR_BUSY the store is not empty; ERR_PROTO a line that is wrong, eb
 * says which; ERR_IO. */
enum err dump_read(
    struct db *db, FILE *in, const char *name, struct errbuf *eb) MUST_USE;

#endif
