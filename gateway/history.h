/* What fields were, for as long as their `keep` says: in an SQLite file of its
 * own beside the claims, so that whatever happens to it, no claim is lost.
 *
 * Readings wait in memory and are written packed, a batch now and then, to
 * spare SD cards: a power cut loses what has not been written.  The file never
 * grows beyond its bound, the oldest readings go first.  A file that is found
 * broken is set aside and a new one begun; a full disk is waited for.
 *
 * Thread: loop. */
#ifndef GATEWAY_HISTORY_H
#define GATEWAY_HISTORY_H

#include "common/clock.h"
#include "common/err.h"
#include "drivers/reading.h"
#include "protocol/node_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct series; /* of one field */

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

/* history_series returns the series of a field, borrowed until a sweep that
 * does not want it; it is made when there is none.  keep_ms and every_ms are
 * what holds from now on: how long, and the least time between two readings
 * that are kept (0: all). */
struct series *history_series(struct history *h, const struct history_of *of,
    const char *field, int64_t keep_ms, int64_t every_ms);

/* history_sweep deletes, and frees, each series that is not wanted.  False: the
 * file could not be written, and another sweep is needed. */
typedef bool (*history_wanted)(void *arg, const struct history_of *of);
bool history_sweep(struct history *h, history_wanted wanted, void *arg);

/* history_note takes a good reading; while the wall clock is not set, none. */
void history_note(
    struct history *h, struct series *s, int64_t utc_ms, const struct value *v);

/* history_tick writes and tidies what is due; once a second or so. */
void history_tick(struct history *h);

/* history_read calls each for the readings from..to, the oldest first, until it
 * returns false.  Errors: ERR_IO; history_state says why. */
typedef bool (*history_each)(void *arg, int64_t utc_ms, const struct value *v);
enum err history_read(struct history *h, struct series *s, int64_t from,
    int64_t to, history_each each, void *arg) MUST_USE;

enum period {
	PERIOD_SECOND,
	PERIOD_MINUTE,
	PERIOD_HOUR,
	PERIOD_DAY,
	PERIOD_WEEK, /* begins on Monday */
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_YEAR,
	PERIODS
};

/* The numbers of one period of local time. */
struct sum {
	int64_t from;              /* the period's begin, UTC */
	size_t n;                  /* readings; never 0 */
	struct num min, max, mean; /* mean: with the decimals of max */
	int64_t min_at, max_at;    /* when first; UTC */
};

/* What adds readings up by periods; zero-initialised but for the period.
 * sums_add takes a number on; true when it ended a period, whose sum is *out.
 * sums_end gives the last, if there is one.  Texts and flags have none. */
struct sums {
	enum period period;
	int64_t end; /* of the period under way */
	struct sum now;
	long double total;
};
bool sums_add(
    struct sums *s, int64_t utc_ms, const struct value *v, struct sum *out);
bool sums_end(struct sums *s, struct sum *out);

/* history_today: least and most since local midnight, of all good readings and
 * not only of those that are kept.  False: none yet. */
bool history_today(const struct history *h, const struct series *s,
    int64_t utc_ms, struct sum *out);

/* period_begin is the begin of the period of local time that utc_ms is in. */
int64_t period_begin(int64_t utc_ms, enum period p);

struct history_state {
	int64_t bytes;          /* of the file */
	size_t series, waiting; /* readings in memory */
	uint64_t dropped;       /* readings lost since the start */
	const char *trouble;    /* "" when there is none */
};
void history_state(const struct history *h, struct history_state *out);

#endif
