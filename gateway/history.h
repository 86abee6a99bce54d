/* What fields were, for as long as their `keep` says: in an SQLite file of its
 * own beside the claims, so that whatever happens to it, no claim is lost.
 *
 * Readings wait in memory and are written packed, a batch now and then, to
 * spare SD cards: a power cut loses what has not been written.  The file never
 * grows beyond its bound, the oldest readings go first.  A file that is found
 * broken is set aside and a new one begun, and readings that are not what was
 * written are left out; a full disk is waited for.  What waits is at most
 * HISTORY_WAITING bytes.
 *
 * Thread: loop. */
#ifndef GATEWAY_HISTORY_H
#define GATEWAY_HISTORY_H

#include "common/clock.h"
#include "common/err.h"
#include "drivers/reading.h"
#include "gateway/sums.h"
#include "protocol/node_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct series; /* of one field */

enum { HISTORY_WAITING = 4 << 20 };

struct history_config {
	const char *path;
	int64_t flush_ms;  /* how long readings wait at most */
	int64_t max_bytes; /* of the file */
};

/* history_open opens or makes the file (mode 0600).
 * Errors: ERR_IO it can neither be opened nor set aside. */
enum err history_open(const struct history_config *config,
    const struct clock *clock, struct history **out,
    struct errbuf *eb) MUST_USE;
/* history_close writes what waits. */
void history_close(struct history *h);

/* Whose readings: a node in the hands of one owner ("": nobody's).  The next
 * owner has no right to what it was before, and never gets it. */
struct history_of {
	struct node_ref node;
	const char *owner;
};

/* A field.  What was read in another unit is of another field: the number would
 * be wrong in this one. */
struct history_field {
	const char *name, *unit;
	/* From now on: how long, and the least time between two readings that
	 * are kept (0: all). */
	int64_t keep_ms, every_ms;
};

/* history_series returns the series of a field, borrowed until a sweep that
 * does not want it; it is made when there is none. */
struct series *history_series(struct history *h, const struct history_of *of,
    const struct history_field *f);

/* history_sweep deletes, and frees, each series that is not wanted.  False: the
 * file could not be written, and another sweep is needed. */
typedef bool (*history_wanted)(void *arg, const struct history_of *of);
bool history_sweep(struct history *h, history_wanted wanted, void *arg);

/* history_note takes a good reading; while the wall clock is not set, none. */
void history_note(
    struct history *h, struct series *s, int64_t utc_ms, const struct value *v);

/* history_tick writes and tidies what is due; once a second or so. */
void history_tick(struct history *h);

/* history_read calls each for the readings from..to, the oldest first (but what
 * is of a time that was there twice, as the clock was set back), until it
 * returns false.  Errors: ERR_IO; history_state says why. */
typedef bool (*history_each)(void *arg, int64_t utc_ms, const struct value *v);
enum err history_read(struct history *h, struct series *s, int64_t from,
    int64_t to, history_each each, void *arg) MUST_USE;

/* history_today: least and most since local midnight, of all good readings and
 * not only of those that are kept.  False: none yet. */
bool history_today(const struct history *h, const struct series *s,
    int64_t utc_ms, struct sum *out);

struct history_state {
	int64_t bytes;          /* of the file */
	size_t series, waiting; /* readings in memory */
	uint64_t dropped;       /* readings lost since the start */
	const char *trouble;    /* "" when there is none */
};
void history_state(const struct history *h, struct history_state *out);

#endif
