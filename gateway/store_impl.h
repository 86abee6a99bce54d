/* Inside the store: store.c writes, store_read.c reads, store_open.c has the
 * file, its tables and the statements.  Thread: loop. */
#ifndef GATEWAY_STORE_IMPL_H
#define GATEWAY_STORE_IMPL_H

#include "gateway/store.h"

#include <sqlite3.h>

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_INSERT,
	ST_UPDATE,
	ST_DELETE,
	ST_TAG_CLEAR,
	ST_TAG_ADD,
	ST_NODES,
	ST_NODE,
	ST_TAGS,
	ST_ALL_TAGS,
	ST_LEARNED_CLEAR,
	ST_LEARNED_ADD,
	ST_ALL_LEARNED,
	ST_KNOW,
	ST_KNOWN,
	ST_SHARE_CLEAR,
	ST_SHARE_ADD,
	ST_SHARES,
	ST_ALL_SHARES,
	ST_DECIDE,
	ST_UNDECIDE,
	ST_UNDECIDE_ALL,
	ST_DECISIONS,
	STATEMENTS
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	int lock; /* descriptor that holds the daemon's lock */
	bool open_tx, failed;
	char why[256];
};

void store_bind(sqlite3_stmt *st, int i, const char *text);
struct tags *store_tags_of(struct node *n, enum store_role role);

#endif
