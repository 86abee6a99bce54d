#include "registry/db.h"

#include "common/clock.h"
#include "common/filelock.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUSY_MS = 2000 };

struct db {
	sqlite3 *sql;
	sqlite3_stmt **stmts; /* all that db_prepare made */
	size_t n, cap;
	int lock; /* descriptor that holds the file for this process */
	bool begun, failed; /* of the transaction */
	int64_t until;      /* db_limit */
};

/* schema[v] leads from user_version v to v + 1.
 *
 * thing:   a record; owner NULL is unclaimed.  canon is tags_canonical() of its
 *          tags, so that a claim is one look-up of an equal text.  via is the
 *          full JID that last registered or updated the record.
 * tag:     num is NULL for strings; value is the text as it was given.
 * notice:  what a thing must be told and has not acknowledged yet; it outlives
 *          its thing.
 * peer:    the last full JID of an account, and what is known of its
 *          subscription; asked: it may remember answers that it got by the
 *          rules as they are.
 * rule:    what an owner lets whom do with a thing, or (thing NULL) with all of
 *          his; names are lines, in order, and none stands for all.
 * place:   where the things with numbers LAT and LON are, rounded outwards, so
 *          that a search by a box need not look at the whole strip of the
 *          earth that is as wide as one of its sides. */
static const char *const schema[] = {
	"CREATE TABLE thing ("
	"	id INTEGER PRIMARY KEY,"
	"	jid TEXT NOT NULL,"
	"	node TEXT NOT NULL,"
	"	source TEXT NOT NULL,"
	"	cache TEXT NOT NULL,"
	"	owner TEXT,"
	"	public INTEGER NOT NULL,"
	"	canon TEXT NOT NULL,"
	"	via TEXT NOT NULL,"
	"	UNIQUE (jid, node, source, cache));"
	"CREATE INDEX thing_canon ON thing (canon);"
	"CREATE INDEX thing_owner ON thing (owner) WHERE owner IS NOT NULL;"
	"CREATE TABLE tag ("
	"	thing INTEGER NOT NULL REFERENCES thing ON DELETE CASCADE,"
	"	name TEXT NOT NULL,"
	"	num REAL,"
	"	value TEXT NOT NULL,"
	"	PRIMARY KEY (thing, name)) WITHOUT ROWID;"
	"CREATE INDEX tag_str ON tag (name, value) WHERE num IS NULL;"
	"CREATE INDEX tag_num ON tag (name, num) WHERE num IS NOT NULL;"
	"CREATE TABLE notice ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	jid TEXT NOT NULL,"
	"	node TEXT NOT NULL,"
	"	source TEXT NOT NULL,"
	"	cache TEXT NOT NULL,"
	"	via TEXT NOT NULL,"
	"	kind INTEGER NOT NULL,"
	"	owner TEXT,"
	"	public INTEGER NOT NULL);"
	"CREATE INDEX notice_thing ON notice (jid, node, source, cache);"
	"CREATE TABLE peer ("
	"	jid TEXT PRIMARY KEY,"
	"	address TEXT NOT NULL DEFAULT '',"
	"	subscribed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;",

	"CREATE INDEX thing_public ON thing (id, public) WHERE public;"
	/* With num, or SQLite fetches each row of the table to look at num. */
	"DROP INDEX tag_str;"
	"CREATE INDEX tag_str ON tag (name, value, thing, num)"
	"	WHERE num IS NULL;"
	"CREATE VIRTUAL TABLE place USING rtree (id, lat0, lat1, lon0, lon1);"
	"CREATE TRIGGER thing_place AFTER DELETE ON thing BEGIN"
	"	DELETE FROM place WHERE id = old.id;"
	"END;"
	"INSERT INTO place SELECT a.thing, a.num, a.num, b.num, b.num"
	"	FROM tag AS a JOIN tag AS b USING (thing)"
	"	WHERE a.name = 'LAT' AND abs(a.num) <= 1e9"
	"	AND b.name = 'LON' AND abs(b.num) <= 1e9;",

	"ALTER TABLE peer ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE rule ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	owner TEXT NOT NULL,"
	"	thing INTEGER REFERENCES thing ON DELETE CASCADE,"
	"	who TEXT NOT NULL,"
	"	control INTEGER NOT NULL,"
	"	allow INTEGER NOT NULL,"
	"	names TEXT NOT NULL);"
	"CREATE INDEX thing_account ON thing (jid, owner)"
	"	WHERE owner IS NOT NULL;"
	"CREATE INDEX peer_asked ON peer (jid) WHERE asked;"
	"CREATE INDEX rule_thing ON rule (thing);"
	"CREATE INDEX rule_who ON rule (owner, who);"
	"CREATE TRIGGER thing_rules AFTER UPDATE OF owner ON thing"
	"	WHEN old.owner IS NOT new.owner BEGIN"
	"	DELETE FROM rule WHERE thing = old.id;"
	"END;",
};

/* Of a file that was brought back, until db_unmark. */
#define MARK "PRAGMA application_id = 1"

enum { SCHEMA_VERSION = sizeof(schema) / sizeof(schema[0]) };

static enum err
failed(struct db *db, const char *what)
{
	log_err("store", "%s: %s", what, sqlite3_errmsg(db->sql));
	db->failed = true;
	return ERR_IO;
}

static enum err
run(struct db *db, const char *sql)
{
	return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK
	    ? OK
	    : ERR_IO;
}

static int
pragma(struct db *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int v = -1;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return v;
}

static int
version(struct db *db)
{
	return pragma(db, "PRAGMA user_version");
}

static enum err
migrate(struct db *db)
{
	int v = version(db);
	char *mark;
	enum err e;

	if (v < 0 || run(db, "BEGIN IMMEDIATE") != OK)
		return ERR_IO;
	for (; v < SCHEMA_VERSION; v++)
		if (run(db, schema[v]) != OK)
			return ERR_IO;
	mark = mem_printf("PRAGMA user_version = %d; COMMIT", v);
	e = run(db, mark);
	free(mark);
	return e;
}

/* A claim that was answered must survive a power cut, hence synchronous=FULL.
 */
static enum err
set_up(struct db *db)
{
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	if (run(db,
		"PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON;"
		"PRAGMA temp_store = MEMORY;") != OK)
		return ERR_IO;
	return migrate(db);
}

static const char *
advice(int code)
{
	switch (code) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another program holds it: stop that first";
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return "its directory must exist and be writable";
	case SQLITE_FULL:
		return "the disk is full";
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return "it is damaged or no registry: restore a backup";
	default:
		return "see the log of the system";
	}
}

/* give_up says why a file could not be opened. */
static enum err
give_up(struct db *db, const char *path, struct errbuf *eb)
{
	int code = sqlite3_errcode(db->sql) & 0xff;

	if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
		errbuf_set(eb, ERR_IO,
		    "%s: made by a newer version of this program", path);
	else
		errbuf_set(eb, ERR_IO, "%s: %s (%s)", path,
		    sqlite3_errmsg(db->sql), advice(code));
	db_close(db);
	return ERR_IO;
}

enum err
db_open(const char *path, struct db **out, struct errbuf *eb)
{
	struct db *db = mem_zalloc(sizeof(*db));
	struct errbuf why;
	enum err e;
	int code;

	*out = NULL;
	e = filelock_take(path, "thingregistryd", &db->lock, &why);
	if (e != OK) {
		db_close(db);
		return errbuf_set(eb, e, "%s: %s%s", path, why.text,
		    e == ERR_BUSY
			? ""
			: " (its directory must exist and be writable)");
	}
	code = sqlite3_open_v2(path, &db->sql,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    NULL);
	if (code == SQLITE_OK && set_up(db) == OK &&
	    version(db) == SCHEMA_VERSION) {
		*out = db;
		return OK;
	}
	return give_up(db, path, eb);
}

enum err
db_open_beside(const char *path, struct db **out, struct errbuf *eb)
{
	struct db *db = mem_zalloc(sizeof(*db));
	int v;

	*out = NULL;
	db->lock = -1;
	if (sqlite3_open_v2(path, &db->sql,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return give_up(db, path, eb);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	if (run(db, "PRAGMA temp_store = MEMORY; BEGIN") != OK)
		return give_up(db, path, eb);
	v = version(db);
	if (v >= 0 && v < SCHEMA_VERSION) {
		db_close(db);
		return errbuf_set(eb, ERR_IO,
		    "%s: made by an older version of this program, or no "
		    "registry: run thingregistryd on it first",
		    path);
	}
	if (v != SCHEMA_VERSION)
		return give_up(db, path, eb);
	*out = db;
	return OK;
}

enum err
db_copy(struct db *db, const char *path, struct errbuf *eb)
{
	sqlite3 *to = NULL;
	sqlite3_backup *copy = NULL;
	int code = sqlite3_open_v2(path, &to,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    NULL);

	if (code == SQLITE_OK)
		copy = sqlite3_backup_init(to, "main", db->sql, "main");
	if (copy) {
		sqlite3_backup_step(copy, -1);
		code = sqlite3_backup_finish(copy);
	}
	if (code == SQLITE_OK)
		code = sqlite3_exec(to, MARK, NULL, NULL, NULL);
	if (code != SQLITE_OK || !copy)
		errbuf_set(eb, ERR_IO, "%s: %s", path, sqlite3_errmsg(to));
	sqlite3_close(to);
	return code == SQLITE_OK && copy ? OK : ERR_IO;
}

enum err
db_mark(struct db *db, struct errbuf *eb)
{
	return db_script(db, MARK, eb);
}

bool
db_marked(struct db *db)
{
	return pragma(db, "PRAGMA application_id") == 1;
}

enum err
db_unmark(struct db *db, struct errbuf *eb)
{
	return db_script(db, "PRAGMA application_id = 0", eb);
}

void
db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->n; i++)
		sqlite3_finalize(db->stmts[i]);
	free(db->stmts);
	sqlite3_close(db->sql);
	if (db->lock >= 0)
		close(db->lock);
	free(db);
}

enum err
db_script(struct db *db, const char *sql, struct errbuf *eb)
{
	if (run(db, sql) == OK)
		return OK;
	return errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(db->sql));
}

enum err
db_prepare(struct db *db, const char *const *sql, size_t n, sqlite3_stmt **st,
    struct errbuf *eb)
{
	for (size_t i = 0; i < n; i++) {
		if (sqlite3_prepare_v3(db->sql, sql[i], -1,
			SQLITE_PREPARE_PERSISTENT, &st[i], NULL) != SQLITE_OK)
			return errbuf_set(
			    eb, ERR_IO, "%s", sqlite3_errmsg(db->sql));
		db->stmts =
		    mem_grow(db->stmts, db->n, &db->cap, sizeof(*db->stmts));
		db->stmts[db->n++] = st[i];
	}
	return OK;
}

enum err
db_write(struct db *db)
{
	if (db->failed)
		return ERR_IO;
	if (db->begun)
		return OK;
	if (run(db, "BEGIN IMMEDIATE") != OK)
		return failed(db, "begin");
	db->begun = true;
	return OK;
}

enum err
db_commit(struct db *db)
{
	bool undo = db->failed;

	if (!undo && db->begun && run(db, "COMMIT") != OK) {
		failed(db, "commit");
		undo = true;
	}
	/* Some failures have rolled back already. */
	if (undo && !sqlite3_get_autocommit(db->sql))
		run(db, "ROLLBACK");
	db->begun = false;
	db->failed = false;
	return undo ? ERR_IO : OK;
}

void
db_undo(struct db *db)
{
	db->failed = true;
	if (db_commit(db) != ERR_IO)
		assert(false);
}

static void
bind_list(sqlite3_stmt *st, const char *types, va_list ap)
{
	const char *text;

	sqlite3_reset(st);
	for (int i = 1; *types; types++, i++) {
		switch (*types) {
		case 't':
			text = va_arg(ap, const char *);
			sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
			break;
		case 'i':
			sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 'd':
			sqlite3_bind_double(st, i, va_arg(ap, double));
			break;
		default:
			assert(*types == 'n');
			sqlite3_bind_null(st, i);
		}
	}
}

void
db_bind(sqlite3_stmt *st, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	bind_list(st, types, ap);
	va_end(ap);
}

/* After a failure the transaction may be gone already, and what followed would
 * be kept on its own: so nothing more is done until db_commit. */
enum err
db_step(struct db *db, sqlite3_stmt *st)
{
	int code;

	if (db->failed)
		return ERR_IO;
	code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		return OK;
	sqlite3_reset(st);
	return code == SQLITE_DONE ? ERR_NOTFOUND : failed(db, "statement");
}

void
db_end(sqlite3_stmt *st)
{
	sqlite3_reset(st);
}

static enum err
exec_list(struct db *db, sqlite3_stmt *st, const char *types, va_list ap)
{
	enum err e;

	bind_list(st, types, ap);
	e = db_step(db, st);
	sqlite3_reset(st);
	return e == ERR_IO ? ERR_IO : OK;
}

enum err
db_exec(struct db *db, sqlite3_stmt *st, const char *types, ...)
{
	va_list ap;
	enum err e;

	va_start(ap, types);
	e = exec_list(db, st, types, ap);
	va_end(ap);
	return e;
}

void
db_do(struct db *db, sqlite3_stmt *st, const char *types, ...)
{
	va_list ap;
	enum err e;

	va_start(ap, types);
	e = exec_list(db, st, types, ap);
	va_end(ap);
	(void)e; /* db->failed holds it */
}

enum { LIMIT_OPS = 1000 }; /* of the database's machine, between two looks */

static int
is_late(void *arg)
{
	const struct db *db = arg;

	return clock_mono(&clock_system) >= db->until;
}

void
db_limit(struct db *db, int64_t ms)
{
	db->until = clock_mono(&clock_system) + ms;
	sqlite3_progress_handler(
	    db->sql, ms ? LIMIT_OPS : 0, ms ? is_late : NULL, db);
}

static enum err
query_failed(struct db *db, int code)
{
	if (code == SQLITE_INTERRUPT)
		return ERR_TIMEOUT;
	log_err("store", "query: %s", sqlite3_errmsg(db->sql));
	return ERR_IO;
}

enum err
db_query(struct db *db, const char *sql, sqlite3_stmt **st)
{
	int code = sqlite3_prepare_v2(db->sql, sql, -1, st, NULL);

	return code == SQLITE_OK ? OK : query_failed(db, code);
}

enum err
db_query_step(struct db *db, sqlite3_stmt *st)
{
	int code;

	if (db->failed)
		return ERR_IO;
	code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		return OK;
	return code == SQLITE_DONE ? ERR_NOTFOUND : query_failed(db, code);
}

int64_t
db_last_id(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->sql);
}

const char *
db_text(sqlite3_stmt *st, int column)
{
	const unsigned char *text = sqlite3_column_text(st, column);

	return text ? (const char *)text : "";
}
