/* A search as SQL: operators become conditions, their values parameters.
 *
 * No text of a peer ever gets into the SQL.  Who searches says by which way
 * things are looked up; all ways give the same things in the same order.
 * Pure, but for binding. */
#ifndef REGISTRY_SEARCH_SQL_H
#define REGISTRY_SEARCH_SQL_H

#include "common/buf.h"
#include "protocol/search.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An operator made ready; zero, or filled by terms_init. */
struct term {
	const struct search_op *op;
	enum search_kind kind; /* a mask without wildcard is an EQ */
	double low, high;
	char *from, *to; /* of a mask that begins with text: from <= v < to */
};

struct terms {
	struct term v[SEARCH_OPS_MAX];
	size_t n;
	bool boxed; /* both ends of LAT and LON are given: */
	double lat0, lat1, lon0, lon1;
};

/* terms_init borrows from s. */
void terms_init(struct terms *t, const struct search *s);
void terms_fini(struct terms *t);

/* By what things are looked up first; the rest is checked on each. */
enum way_kind {
	WAY_TAG,   /* the index of one operator's tag */
	WAY_PLACE, /* the map; only if boxed */
	WAY_ALL,   /* every thing there is */
};
struct way {
	enum way_kind kind;
	size_t term; /* of WAY_TAG */
};

/* search_sql appends the query for the ids of a page, in their order. */
void search_sql(const struct terms *t, struct way way, struct buf *out);

/* count_sql appends the query for how many rows a way (not WAY_ALL) would look
 * up, at most as many as the limit. */
void count_sql(const struct terms *t, struct way way, struct buf *out);

/* terms_bind binds the parameters of either query. */
void terms_bind(
    const struct terms *t, sqlite3_stmt *st, int64_t limit, int64_t offset);

/* search_sql_ready gives the SQL of these queries its function: once for each
 * open database.  Errors: ERR_IO. */
enum err search_sql_ready(sqlite3 *db) MUST_USE;

#endif
