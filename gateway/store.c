#include "gateway/store.h"

#include "common/filelock.h"
#include "common/log.h"
#include "common/mem.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 4 };

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
};

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
	ST_DECISIONS,
	STATEMENTS
};

#define NODE_COLUMNS                                                  \
	"node, source, cache, claim, owner, self_owned, key_cleared," \
	" unregister_due, key, key_gen, frozen, printed_gen, printed_utc"

static const char *const sql[STATEMENTS] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_INSERT] = "INSERT INTO node(" NODE_COLUMNS ")"
		      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	[ST_UPDATE] = "UPDATE node SET claim=?4, owner=?5, self_owned=?6,"
		      " key_cleared=?7, unregister_due=?8, key=?9, key_gen=?10,"
		      " frozen=?11, printed_gen=?12, printed_utc=?13"
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
	[ST_DECISIONS] = "SELECT question, answer FROM decision"
			 " ORDER BY rowid",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	int lock; /* descriptor that holds the daemon's lock */
	bool open_tx, failed;
	char why[256];
};

static enum err
fail(struct store *s, const char *doing)
{
	if (!s->failed)
		snprintf(s->why, sizeof(s->why), "%s: %s", doing,
		    sqlite3_errmsg(s->db));
	s->failed = true;
	return ERR_IO;
}

/* Runs a statement that yields no rows. */
static enum err
run(struct store *s, enum statement which)
{
	sqlite3_stmt *st = s->st[which];
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err
begin(struct store *s)
{
	if (s->failed)
		return ERR_IO;
	if (s->open_tx)
		return OK;
	if (run(s, ST_BEGIN) != OK)
		return fail(s, "cannot begin to write");
	s->open_tx = true;
	return OK;
}

static void
bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_TRANSIENT);
}

enum err
store_node(struct store *s, struct node *n)
{
	enum statement which = n->row ? ST_UPDATE : ST_INSERT;
	sqlite3_stmt *st = s->st[which];

	if (begin(s) != OK)
		return ERR_IO;
	bind_text(st, 1, n->id);
	bind_text(st, 2, n->source);
	bind_text(st, 3, n->cache);
	bind_text(st, 4, claim_name(n->thing.claim));
	bind_text(st, 5, n->thing.owner);
	sqlite3_bind_int(st, 6, n->thing.self_owned);
	sqlite3_bind_int(st, 7, n->thing.key_cleared);
	sqlite3_bind_int(st, 8, n->thing.unregister_due);
	bind_text(st, 9, n->key);
	sqlite3_bind_int64(st, 10, n->key_gen);
	sqlite3_bind_int(st, 11, n->frozen);
	sqlite3_bind_int64(st, 12, n->printed_gen);
	sqlite3_bind_int64(st, 13, n->printed_utc);
	if (run(s, which) != OK)
		return fail(s, "cannot write a node");
	if (which == ST_INSERT)
		n->row = sqlite3_last_insert_rowid(s->db);
	else if (sqlite3_changes(s->db) != 1)
		return fail(s, "the row of a node is not there");
	return OK;
}

static struct tags *
tags_of(struct node *n, enum store_role role)
{
	return role == STORE_CLAIM ? &n->claim
	    : role == STORE_ACKED  ? &n->acked
				   : &n->meta;
}

enum err
store_tags(struct store *s, struct node *n, enum store_role role)
{
	const struct tags *t = tags_of(n, role);
	sqlite3_stmt *st = s->st[ST_TAG_ADD];

	if (begin(s) != OK || (n->row == 0 && store_node(s, n) != OK))
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_TAG_CLEAR], 1, n->row);
	sqlite3_bind_int(s->st[ST_TAG_CLEAR], 2, (int)role);
	if (run(s, ST_TAG_CLEAR) != OK)
		return fail(s, "cannot write tags");
	for (size_t i = 0; i < t->n; i++) {
		sqlite3_bind_int64(st, 1, n->row);
		sqlite3_bind_int(st, 2, (int)role);
		sqlite3_bind_int64(st, 3, (sqlite3_int64)i);
		bind_text(st, 4, t->v[i].name);
		sqlite3_bind_int(st, 5, t->v[i].num);
		bind_text(st, 6, t->v[i].value);
		if (run(s, ST_TAG_ADD) != OK)
			return fail(s, "cannot write tags");
	}
	return OK;
}

enum err
store_learned(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_LEARNED_ADD];

	if (begin(s) != OK || (n->row == 0 && store_node(s, n) != OK))
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_LEARNED_CLEAR], 1, n->row);
	if (run(s, ST_LEARNED_CLEAR) != OK)
		return fail(s, "cannot write what was learned");
	for (size_t i = 0; i < n->learned.n; i++) {
		sqlite3_bind_int64(st, 1, n->row);
		bind_text(st, 2, n->learned.fields[i]);
		sqlite3_bind_int64(st, 3, n->learned.tmpl);
		if (run(s, ST_LEARNED_ADD) != OK)
			return fail(s, "cannot write what was learned");
	}
	return OK;
}

enum err
store_shares(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_SHARE_ADD];

	if (begin(s) != OK || (n->row == 0 && store_node(s, n) != OK))
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_SHARE_CLEAR], 1, n->row);
	if (run(s, ST_SHARE_CLEAR) != OK)
		return fail(s, "cannot write shares");
	for (size_t i = 0; i < n->shares.n; i++) {
		sqlite3_bind_int64(st, 1, n->row);
		bind_text(st, 2, n->shares.v[i].bare);
		sqlite3_bind_int(st, 3, n->shares.v[i].control);
		if (run(s, ST_SHARE_ADD) != OK)
			return fail(s, "cannot write shares");
	}
	return OK;
}

enum err
store_decide(struct store *s, const char *question, const char *answer)
{
	if (begin(s) != OK)
		return ERR_IO;
	bind_text(s->st[ST_DECIDE], 1, question);
	bind_text(s->st[ST_DECIDE], 2, answer);
	return run(s, ST_DECIDE) == OK ? OK : fail(s, "cannot write");
}

enum err
store_undecide(struct store *s, const char *question)
{
	if (begin(s) != OK)
		return ERR_IO;
	bind_text(s->st[ST_UNDECIDE], 1, question);
	return run(s, ST_UNDECIDE) == OK ? OK : fail(s, "cannot write");
}

enum err
store_delete(struct store *s, const struct node *n)
{
	if (n->row == 0)
		return OK;
	if (begin(s) != OK)
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_DELETE], 1, n->row);
	if (run(s, ST_DELETE) != OK)
		return fail(s, "cannot delete a node");
	return OK;
}

enum err
store_know(struct store *s, const char *name, const char *value)
{
	if (begin(s) != OK)
		return ERR_IO;
	bind_text(s->st[ST_KNOW], 1, name);
	bind_text(s->st[ST_KNOW], 2, value);
	return run(s, ST_KNOW) == OK ? OK : fail(s, "cannot write");
}

void
store_known(struct store *s, const char *name, char *out, size_t size)
{
	sqlite3_stmt *st = s->st[ST_KNOWN];

	out[0] = '\0';
	bind_text(st, 1, name);
	if (sqlite3_step(st) == SQLITE_ROW)
		snprintf(
		    out, size, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_reset(st);
}

enum err
store_commit(struct store *s, struct errbuf *eb)
{
	if (!s->open_tx && !s->failed)
		return OK;
	if (!s->failed && run(s, ST_COMMIT) != OK)
		fail(s, "cannot commit");
	if (s->failed && !sqlite3_get_autocommit(s->db) &&
	    run(s, ST_ROLLBACK) != OK)
		log_err("store", "cannot roll back: %s", sqlite3_errmsg(s->db));
	s->open_tx = false;
	if (!s->failed)
		return OK;
	s->failed = false;
	return errbuf_set(eb, ERR_IO, "%s", s->why);
}

static const char *
column(sqlite3_stmt *st, int i)
{
	const unsigned char *p = sqlite3_column_text(st, i);

	return p ? (const char *)p : "";
}

static enum err
read_tags(struct store *s, int64_t row, enum store_role role, struct tags *t)
{
	sqlite3_stmt *st = s->st[ST_TAGS];
	enum err e = OK;
	int rc;

	tags_fini(t);
	sqlite3_bind_int64(st, 1, row);
	sqlite3_bind_int(st, 2, (int)role);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && e == OK)
		e = tags_add(t, column(st, 0), column(st, 1),
		    sqlite3_column_int(st, 2) != 0, NULL);
	sqlite3_reset(st);
	return e == OK && rc == SQLITE_DONE ? OK : ERR_IO;
}

/* The node of a row, *at being that of the row before: both grow. */
static struct node *
owner_of(const struct nodes *t, size_t *at, int64_t row)
{
	while (*at < t->n && t->v[*at]->row < row)
		(*at)++;
	return *at < t->n && t->v[*at]->row == row ? t->v[*at] : NULL;
}

/* One walk over all of them: a query a node takes a third of the start. */
static enum err
load_tags(struct store *s, const struct nodes *t)
{
	sqlite3_stmt *st = s->st[ST_ALL_TAGS];
	enum err e = OK;
	size_t at = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW && e == OK) {
		struct node *n = owner_of(t, &at, sqlite3_column_int64(st, 0));
		int role = sqlite3_column_int(st, 1);

		if (n)
			e = tags_add(tags_of(n, (enum store_role)role),
			    column(st, 2), column(st, 3),
			    sqlite3_column_int(st, 4) != 0, NULL);
	}
	sqlite3_reset(st);
	return e == OK && rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err
load_learned(struct store *s, const struct nodes *t)
{
	sqlite3_stmt *st = s->st[ST_ALL_LEARNED];
	size_t at = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct node *n = owner_of(t, &at, sqlite3_column_int64(st, 0));

		if (!n)
			continue;
		learned_add(&n->learned, column(st, 1));
		n->learned.tmpl = sqlite3_column_int64(st, 2);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

void
store_decisions(struct store *s,
    void (*each)(void *arg, const char *question, const char *answer),
    void *arg)
{
	sqlite3_stmt *st = s->st[ST_DECISIONS];

	while (sqlite3_step(st) == SQLITE_ROW)
		each(arg, column(st, 0), column(st, 1));
	sqlite3_reset(st);
}

static enum err
load_shares(struct store *s, const struct nodes *t)
{
	sqlite3_stmt *st = s->st[ST_ALL_SHARES];
	size_t at = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct node *n = owner_of(t, &at, sqlite3_column_int64(st, 0));

		if (n)
			shares_set(&n->shares, column(st, 1),
			    sqlite3_column_int(st, 2) != 0);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err
read_shares(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_SHARES];
	int rc;

	shares_fini(&n->shares);
	sqlite3_bind_int64(st, 1, n->row);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		shares_set(
		    &n->shares, column(st, 1), sqlite3_column_int(st, 2) != 0);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

/* Fills n from the row that st stands on (its tags are read afterwards). */
static enum err
read_node(sqlite3_stmt *st, struct node *n)
{
	n->row = sqlite3_column_int64(st, 0);
	snprintf(n->thing.owner, sizeof(n->thing.owner), "%s", column(st, 5));
	n->thing.self_owned = sqlite3_column_int(st, 6) != 0;
	n->thing.key_cleared = sqlite3_column_int(st, 7) != 0;
	n->thing.unregister_due = sqlite3_column_int(st, 8) != 0;
	snprintf(n->key, sizeof(n->key), "%s", column(st, 9));
	n->key_gen = sqlite3_column_int64(st, 10);
	n->frozen = sqlite3_column_int(st, 11) != 0;
	n->printed_gen = sqlite3_column_int64(st, 12);
	n->printed_utc = sqlite3_column_int64(st, 13);
	return claim_parse(column(st, 4), &n->thing.claim);
}

static enum err
read_all_tags(struct store *s, struct node *n)
{
	if (read_tags(s, n->row, STORE_CLAIM, &n->claim) != OK ||
	    read_tags(s, n->row, STORE_ACKED, &n->acked) != OK)
		return ERR_IO;
	return read_tags(s, n->row, STORE_META, &n->meta);
}

enum err
store_load(struct store *s, struct nodes *t, struct errbuf *eb)
{
	sqlite3_stmt *st = s->st[ST_NODES];
	enum err e = OK;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW && e == OK) {
		struct node_ref ref = { column(st, 1), column(st, 2),
			column(st, 3) };

		e = read_node(st, nodes_add(t, &ref));
	}
	sqlite3_reset(st);
	if (rc != SQLITE_DONE && e == OK)
		e = ERR_IO;
	if (e == OK)
		e = load_tags(s, t);
	if (e == OK)
		e = load_learned(s, t);
	if (e == OK)
		e = load_shares(s, t);
	if (e != OK)
		return errbuf_set(eb, ERR_IO,
		    "the state file cannot be read: %s; restore a backup, or "
		    "move it away and reset the nodes",
		    sqlite3_errmsg(s->db));
	return OK;
}

/* What a failed transaction inserted has a row no more. */
static void
never_written(struct node *n)
{
	n->row = 0;
	memset(&n->thing, 0, sizeof(n->thing));
	n->frozen = false;
	n->printed_gen = 0;
	tags_fini(&n->claim);
	tags_fini(&n->acked);
	tags_fini(&n->meta);
	shares_fini(&n->shares);
}

enum err
store_reload(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_NODE];
	enum err e = ERR_IO;
	int rc;

	bind_text(st, 1, n->id);
	bind_text(st, 2, n->source);
	bind_text(st, 3, n->cache);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		e = read_node(st, n);
	sqlite3_reset(st);
	if (rc != SQLITE_DONE) {
		if (e == OK)
			e = read_all_tags(s, n);
		return e == OK ? read_shares(s, n) : e;
	}
	never_written(n);
	return ERR_NOTFOUND;
}

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
	if (e != OK) {
		store_close(s);
		return errbuf_set(eb, e, "state file %s: %s", path, why.text);
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
