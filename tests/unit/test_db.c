#include "registry/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int
setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "test_db_%d.db", (int)getpid());
	unlink(path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct db *
opened(void)
{
	struct errbuf eb;
	struct db *db;

	assert_int_equal(db_open(path, &db, &eb), OK);
	return db;
}

enum { S_PUT, S_COUNT_THEM, S_NONE, S_N };

static const char *const sql[S_N] = {
	[S_PUT] = "INSERT INTO peer (jid) VALUES (?1)",
	[S_COUNT_THEM] = "SELECT count(*) FROM peer",
	[S_NONE] = "SELECT jid FROM peer WHERE jid = ?1",
};

static void
prepare(struct db *db, sqlite3_stmt *st[S_N])
{
	struct errbuf eb;

	assert_int_equal(db_prepare(db, sql, S_N, st, &eb), OK);
}

static int
count(struct db *db, sqlite3_stmt *st)
{
	int n;

	db_bind(st, "");
	assert_int_equal(db_step(db, st), OK);
	n = sqlite3_column_int(st, 0);
	db_end(st);
	return n;
}

static void
kept_over_a_restart(void **state)
{
	struct db *db = opened();
	sqlite3_stmt *st[S_N];

	(void)state;
	prepare(db, st);
	assert_int_equal(db_write(db), OK);
	assert_int_equal(db_write(db), OK);
	assert_int_equal(db_exec(db, st[S_PUT], "t", "a"), OK);
	assert_int_equal(db_commit(db), OK);
	assert_int_equal(db_commit(db), OK);
	assert_int_equal(db_write(db), OK);
	assert_int_equal(db_exec(db, st[S_PUT], "t", "b"), OK);
	db_close(db); /* without a commit */
	db = opened();
	prepare(db, st);
	assert_int_equal(count(db, st[S_COUNT_THEM]), 1);
	db_bind(st[S_NONE], "t", "b");
	assert_int_equal(db_step(db, st[S_NONE]), ERR_NOTFOUND);
	db_close(db);
}

static void
a_failure_undoes_the_turn(void **state)
{
	struct db *db = opened();
	sqlite3_stmt *st[S_N];

	(void)state;
	prepare(db, st);
	assert_int_equal(db_write(db), OK);
	assert_int_equal(db_exec(db, st[S_PUT], "t", "a"), OK);
	assert_int_equal(db_exec(db, st[S_PUT], "t", "a"), ERR_IO);
	assert_int_equal(db_exec(db, st[S_PUT], "t", "b"), ERR_IO);
	assert_int_equal(db_write(db), ERR_IO);
	assert_int_equal(db_commit(db), ERR_IO);
	assert_int_equal(count(db, st[S_COUNT_THEM]), 0);
	db_do(db, st[S_PUT], "n");
	assert_int_equal(db_commit(db), ERR_IO);
	assert_int_equal(db_commit(db), OK);
	db_close(db);
}

static void
a_newer_file(void **state)
{
	struct db *db = opened();
	struct errbuf eb;

	(void)state;
	assert_int_equal(db_script(db, "PRAGMA user_version = 9999", &eb), OK);
	db_close(db);
	assert_int_equal(db_open(path, &db, &eb), ERR_IO);
	assert_null(db);
	assert_non_null(strstr(eb.text, "newer"));
}

static void
no_directory(void **state)
{
	struct errbuf eb;
	struct db *db;

	(void)state;
	assert_int_equal(db_open("/nonexistent/x.db", &db, &eb), ERR_IO);
	assert_non_null(strstr(eb.text, "/nonexistent/x.db"));
}

static void
a_full_disk(void **state)
{
	struct db *db = opened();
	struct errbuf eb;

	(void)state;
	assert_int_equal(db_write(db), OK);
	assert_int_equal(
	    db_script(db,
		"CREATE TABLE big (b BLOB); PRAGMA max_page_count = 20", &eb),
	    OK);
	assert_int_equal(
	    db_script(db, "INSERT INTO big VALUES (zeroblob(1000000))", &eb),
	    ERR_IO);
	assert_non_null(strstr(eb.text, "full"));
	db_close(db);
}

static void
two_registries_never_share_a_file(void **state)
{
	struct db *db = opened(), *other;
	struct errbuf eb;

	(void)state;
	assert_int_equal(db_open(path, &other, &eb), ERR_BUSY);
	assert_null(other);
	assert_non_null(strstr(eb.text, "another thingregistryd uses it"));
	db_close(db);
	db_close(opened());
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(two_registries_never_share_a_file),
		TEST(kept_over_a_restart),
		TEST(a_failure_undoes_the_turn),
		TEST(a_newer_file),
		TEST(no_directory),
		TEST(a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
