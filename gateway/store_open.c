#include "gateway/store_impl.h"

#include "common/filelock.h"
#include "common/mem.h"
#include "config/config.h"

#include <stdlib.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 5 };

static const char *const migrations[SCHEMA_VERSION] = {
	"CREATE TABLE node("
	" id INTEGER PRIMARY KEY,"
	" node TEXT NOT NULL, source TEXT NOT NULL, cache TEXT NOT NULL,"
	" claim TEXT NOT NULL, owner TEXT NOT NULL, self_owned INT NOT NULL,"
	" key_cleared INT NOT NULL, unregister_due INT NOT NULL,"
	" key TEXT NOT NULL, key_gen INT NOT NULL, frozen INT NOT NULL,"
	" printed_gen INT NOT NULL, printed_utc INT NOT NULL,"
	" UNIQUE(node, source, cache));"
	"CREATE TABLE tag("
	" node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,"
	" role INT NOT NULL, seq INT NOT NULL,"
	" name TEXT NOT NULL, num INT NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY(node, role, seq)) WITHOUT ROWID;",
	"CREATE TABLE learned("
	" node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,"
	" field TEXT NOT NULL, template INT NOT NULL,"
	" PRIMARY KEY(node, field)) WITHOUT ROWID;",
	("CREATE TABLE known("
	 " name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"),
	"CREATE TABLE share("
	" node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,"
	" jid TEXT NOT NULL, control INT NOT NULL,"
	" PRIMARY KEY(node, jid)) WITHOUT ROWID;"
	"CREATE TABLE decision("
	" question TEXT PRIMARY KEY, answer TEXT NOT NULL);",
	"ALTER TABLE node ADD printed_copies INT NOT NULL DEFAULT 1;",
};

#define NODE_COLUMNS                                                       \
	"node, source, cache, claim, owner, self_owned, key_cleared,"      \
	" unregister_due, key, key_gen, frozen, printed_gen, printed_utc," \
	" printed_copies"

static const char *const sql[STATEMENTS] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_INSERT] = "INSERT INTO node(" NODE_COLUMNS ")"
		      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
		      "?14)",
	[ST_UPDATE] = "UPDATE node SET claim=?4, owner=?5, self_owned=?6,"
		      " key_cleared=?7, unregister_due=?8, key=?9, key_gen=?10,"
		      " frozen=?11, printed_gen=?12, printed_utc=?13,"
		      " printed_copies=?14"
		      " WHERE node=?1 AND source=?2 AND cache=?3",
	[ST_DELETE] = "DELETE FROM node WHERE id=?1",
	[ST_TAG_CLEAR] = "DELETE FROM tag WHERE node=?1 AND role=?2",
	[ST_TAG_ADD] = "INSERT INTO tag VALUES(?1,?2,?3,?4,?5,?6)",
	[ST_NODES] = "SELECT id, " NODE_COLUMNS " FROM node ORDER BY id",
	[ST_NODE] = "SELECT id, " NODE_COLUMNS " FROM node"
		    " WHERE node=?1 AND source=?2 AND cache=?3",
	[ST_TAGS] = "SELECT name, value, num FROM tag"
		    " WHERE node=?1 AND role=?2 ORDER BY seq",
	[ST_ALL_TAGS] = "SELECT node, role, name, value, num FROM tag"
			" ORDER BY node, role, seq",
	[ST_LEARNED_CLEAR] = "DELETE FROM learned WHERE node=?1",
	[ST_LEARNED_ADD] = "INSERT OR IGNORE INTO learned VALUES(?1,?2,?3)",
	[ST_ALL_LEARNED] = "SELECT node, field, template FROM learned"
			   " ORDER BY node",
	[ST_KNOW] = "INSERT OR REPLACE INTO known VALUES(?1,?2)",
	[ST_KNOWN] = "SELECT value FROM known WHERE name=?1",
	[ST_SHARE_CLEAR] = "DELETE FROM share WHERE node=?1",
	[ST_SHARE_ADD] = "INSERT INTO share VALUES(?1,?2,?3)",
	[ST_SHARES] = "SELECT node, jid, control FROM share WHERE node=?1",
	[ST_ALL_SHARES] = "SELECT node, jid, control FROM share ORDER BY node",
	[ST_DECIDE] = "INSERT OR REPLACE INTO decision VALUES(?1,?2)",
	[ST_UNDECIDE] = "DELETE FROM decision WHERE question=?1",
	[ST_UNDECIDE_ALL] = "DELETE FROM decision",
	[ST_DECISIONS] = "SELECT question, answer FROM decision"
			 " ORDER BY rowid",
};

static enum err
migrate(struct store *s, struct errbuf *eb)
{
	sqlite3_stmt *st = NULL;
	int version = -1;
	char *q;

	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version < 0)
		return errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(s->db));
	if (version > SCHEMA_VERSION)
		return errbuf_set(eb, ERR_UNSUP,
		    "written by a newer thingbridge (version %d, this one "
		    "knows "
		    "%d); install that one again",
		    version, SCHEMA_VERSION);
	for (; version < SCHEMA_VERSION; version++) {
		int rc;

		q = sqlite3_mprintf("BEGIN; %s PRAGMA user_version=%d; COMMIT;",
		    migrations[version], version + 1);
		rc = sqlite3_exec(s->db, q, NULL, NULL, NULL);
		sqlite3_free(q);
		if (rc != SQLITE_OK)
			return errbuf_set(
			    eb, ERR_IO, "%s", sqlite3_errmsg(s->db));
	}
	return OK;
}

static enum err
prepare(struct store *s, struct errbuf *eb)
{
	static const char setup[] = "PRAGMA journal_mode=WAL;"
				    "PRAGMA synchronous=FULL;"
				    "PRAGMA foreign_keys=ON;"
				    "PRAGMA busy_timeout=2000;";
	enum err e;

	if (sqlite3_exec(s->db, setup, NULL, NULL, NULL) != SQLITE_OK)
		return errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(s->db));
	e = migrate(s, eb);
	for (int i = 0; e == OK && i < STATEMENTS; i++) {
		if (sqlite3_prepare_v2(s->db, sql[i], -1, &s->st[i], NULL) !=
		    SQLITE_OK)
			e = errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(s->db));
	}
	return e;
}

/* What helps. */
static const char *
advice(const struct store *s, const char *path)
{
	int code = s->db ? sqlite3_errcode(s->db) & 0xff : SQLITE_OK;

	if (code == SQLITE_FULL)
		return "; make room on the disk (df -h)";
	if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
		return "; put a backup in its place: thingbridge restore FILE";
	if (access(path, R_OK | W_OK) != 0)
		return "; its folder must be there, and be writable for the "
		       "daemon's user";
	return "";
}

/* After a restore: what was decided may have been taken back since the backup,
 * and the server has no reason to tell us once more. */
static enum err
undecide_restored(struct store *s, const char *path, struct errbuf *eb)
{
	char *mark = mem_printf("%s" CFG_RESTORED, path);
	enum err e = OK;

	if (access(mark, F_OK) == 0) {
		if (sqlite3_exec(s->db, "DELETE FROM decision", NULL, NULL,
			NULL) != SQLITE_OK)
			e = errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(s->db));
		else if (unlink(mark) != 0)
			e = errbuf_errno(eb, "cannot delete %s", mark);
	}
	free(mark);
	return e;
}

enum err
store_open(const char *path, struct store **out, struct errbuf *eb)
{
	struct store *s = mem_zalloc(sizeof(*s));
	struct errbuf why;
	enum err e;

	*out = NULL;
	/* The lock stands on the file itself: two daemons never share one. */
	e = filelock_take(path, "thingbridged", &s->lock, &why);
	if (e == OK &&
	    sqlite3_open_v2(path, &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		e = errbuf_set(&why, ERR_IO, "%s", sqlite3_errmsg(s->db));
	if (e == OK)
		e = prepare(s, &why);
	if (e == OK)
		e = undecide_restored(s, path, &why);
	if (e != OK) {
		errbuf_set(eb, e, "state file %s: %s%s", path, why.text,
		    advice(s, path));
		store_close(s);
		return e;
	}
	*out = s;
	return OK;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->st[i]);
	sqlite3_close(s->db);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
}
