/* The peer of the registry's benchmark: SQLite alone, doing the writes that the
 * registry has to do for the same requests, as few as they can be, with
 * prepared statements and transactions of the same size.
 *
 * Usage: bare_sqlite FILE FIRST COUNT BATCH; prints the rates.  FILE is a store
 * that thingregistryd made. */
#include "tests/bench/things.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	S_BEGIN,
	S_COMMIT,
	S_THING,
	S_TAG,
	S_PLACE,
	S_OWN,
	S_NOTICE,
	S_FIND,
	S_TAG_SET,
	S_CANON,
	S_COUNT
};

static const char *const sql[S_COUNT] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_COMMIT] = "COMMIT",
	[S_THING] =
	    "INSERT INTO thing (jid, node, source, cache, owner, public,"
	    " canon, via) VALUES (?1, ?2, '', '', NULL, 0, ?3, ?1)",
	[S_TAG] = "INSERT INTO tag (thing, name, value, num)"
		  " VALUES (?1, ?2, ?3, ?4)",
	[S_PLACE] = "INSERT INTO place VALUES (?1, ?2, ?2, ?3, ?3)",
	[S_OWN] = "UPDATE thing SET owner = ?2, public = 1 WHERE canon = ?1",
	[S_NOTICE] = "INSERT INTO notice (jid, node, source, cache, via, kind,"
		     " owner, public) VALUES (?1, ?2, '', '', ?1, 2, ?3, 1)",
	[S_FIND] = "SELECT id FROM thing WHERE jid = ?1 AND node = ?2"
		   " AND source = '' AND cache = ''",
	[S_TAG_SET] = "UPDATE tag SET value = ?3, num = ?4"
		      " WHERE thing = ?1 AND name = ?2",
	[S_CANON] = "UPDATE thing SET canon = ?2 WHERE id = ?1",
};

static sqlite3 *db;
static sqlite3_stmt *st[S_COUNT];

static void
die(const char *what)
{
	fprintf(stderr, "bare_sqlite: %s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static void
step(int s)
{
	if (sqlite3_step(st[s]) != SQLITE_DONE)
		die(sql[s]);
	sqlite3_reset(st[s]);
}

static void
text(int s, int at, const char *value)
{
	sqlite3_bind_text(st[s], at, value, -1, SQLITE_STATIC);
}

static void
begin(void)
{
	step(S_BEGIN);
}

static void
commit(void)
{
	step(S_COMMIT);
}

static void
put_tag(int s, sqlite3_int64 id, const struct bench_thing *t, int k)
{
	sqlite3_bind_int64(st[s], 1, id);
	text(s, 2, bench_names[k]);
	text(s, 3, t->value[k]);
	if (bench_is_num[k])
		sqlite3_bind_double(st[s], 4, t->num[k]);
	else
		sqlite3_bind_null(st[s], 4);
	step(s);
}

static void
do_register(struct bench_thing *t)
{
	sqlite3_int64 id;

	text(S_THING, 1, t->jid);
	text(S_THING, 2, t->node);
	text(S_THING, 3, t->canon);
	step(S_THING);
	id = sqlite3_last_insert_rowid(db);
	for (int k = 0; k < BENCH_TAGS; k++)
		put_tag(S_TAG, id, t, k);
	sqlite3_bind_int64(st[S_PLACE], 1, id);
	sqlite3_bind_double(st[S_PLACE], 2, t->num[BENCH_LAT]);
	sqlite3_bind_double(st[S_PLACE], 3, t->num[BENCH_LON]);
	step(S_PLACE);
}

static void
do_mine(struct bench_thing *t)
{
	text(S_OWN, 1, t->canon);
	text(S_OWN, 2, t->owner);
	step(S_OWN);
	if (sqlite3_changes(db) != 1)
		die("claimed nothing");
	text(S_NOTICE, 1, t->jid);
	text(S_NOTICE, 2, t->node);
	text(S_NOTICE, 3, t->owner);
	step(S_NOTICE);
}

static void
do_update(struct bench_thing *t)
{
	sqlite3_int64 id;

	text(S_FIND, 1, t->jid);
	text(S_FIND, 2, t->node);
	if (sqlite3_step(st[S_FIND]) != SQLITE_ROW)
		die("updated nothing");
	id = sqlite3_column_int64(st[S_FIND], 0);
	sqlite3_reset(st[S_FIND]);
	put_tag(S_TAG_SET, id, t, BENCH_V);
	sqlite3_bind_int64(st[S_CANON], 1, id);
	text(S_CANON, 2, t->canon);
	step(S_CANON);
}

int
main(int argc, char **argv)
{
	static const struct bench_round rounds[] = {
		{ "register", "1.0", do_register },
		{ "mine", "1.0", do_mine },
		{ "update", "1.1", do_update },
	};
	struct bench_job job = { .begin = begin, .end = commit };

	if (sqlite3_open(bench_args(argc, argv, &job), &db) != SQLITE_OK)
		die("open");
	if (sqlite3_exec(db,
		"PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;", NULL,
		NULL, NULL) != SQLITE_OK)
		die("pragma");
	for (int i = 0; i < S_COUNT; i++)
		if (sqlite3_prepare_v2(db, sql[i], -1, &st[i], NULL) !=
		    SQLITE_OK)
			die(sql[i]);
	for (size_t i = 0; i < sizeof(rounds) / sizeof(*rounds); i++)
		bench_run(&rounds[i], &job);
	for (int i = 0; i < S_COUNT; i++)
		sqlite3_finalize(st[i]);
	sqlite3_close(db);
	return 0;
}
