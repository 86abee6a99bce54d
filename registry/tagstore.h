/* The tags of the records, and their places on the map, in the database.
 *
 * Thread: loop.  Errors: ERR_IO from all, the database failed. */
#ifndef REGISTRY_TAGSTORE_H
#define REGISTRY_TAGSTORE_H

#include "protocol/tag.h"
#include "registry/db.h"

enum {
	TAGSTORE_READ,
	TAGSTORE_PUT,
	TAGSTORE_DROP,
	TAGSTORE_IS_AT,
	TAGSTORE_PLACE,
	TAGSTORE_NOWHERE,
	TAGSTORE_STMTS
};

struct tagstore {
	struct db *db; /* borrowed */
	sqlite3_stmt *st[TAGSTORE_STMTS];
};

enum err tagstore_init(
    struct tagstore *ts, struct db *db, struct errbuf *eb) MUST_USE;

/* tagstore_read appends the tags of a record, in order of their names. */
enum err tagstore_read(
    struct tagstore *ts, int64_t id, struct tags *out) MUST_USE;

/* tagstore_write makes tags all that a record has, which has old; only what
 * differs is written.  Errors: ERR_RANGE a number that is none. */
enum err tagstore_write(struct tagstore *ts, int64_t id, const struct tags *old,
    const struct tags *tags) MUST_USE;

#endif
