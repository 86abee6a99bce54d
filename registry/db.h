/* The registry's database file: opened, migrated, one transaction at a time.
 *
 * Writes belong to a transaction that db_write opens and db_commit ends.  When
 * any statement of it fails, nothing of it is kept: db_commit says so.
 *
 * Thread: loop. */
#ifndef REGISTRY_DB_H
#define REGISTRY_DB_H

#include "common/err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

/* db_open opens or makes the file and brings its tables up to date.
 * Owns: *out is owned.  Errors: ERR_IO, eb says what to do. */
enum err db_open(const char *path, struct db **out, struct errbuf *eb) MUST_USE;
void db_close(struct db *db);

/* db_open_beside opens the file as it is now, beside a program that writes it:
 * what follows changes nothing of what is read.  Nothing can be written.
 * Owns: *out is owned.  Errors: ERR_IO, eb says what to do. */
enum err db_open_beside(
    const char *path, struct db **out, struct errbuf *eb) MUST_USE;

/* What is brought back from a copy lacks what was changed since it was made,
 * and so who was told what since: it is marked, which goes with the
 * transaction. Errors: ERR_IO. */
enum err db_mark(struct db *db, struct errbuf *eb) MUST_USE;
bool db_marked(struct db *db);
enum err db_unmark(struct db *db, struct errbuf *eb) MUST_USE;

/* db_copy writes all that db holds to a file, which is empty, and marks it.
 * Errors: ERR_IO, eb says why. */
enum err db_copy(struct db *db, const char *path, struct errbuf *eb) MUST_USE;

/* db_script runs statements that return no rows. */
enum err db_script(struct db *db, const char *sql, struct errbuf *eb) MUST_USE;

/* db_prepare compiles n statements to st[n]; they live as long as db. */
enum err db_prepare(struct db *db, const char *const *sql, size_t n,
    sqlite3_stmt **st, struct errbuf *eb) MUST_USE;

/* db_write begins the transaction, unless it has begun. */
enum err db_write(struct db *db) MUST_USE;

/* db_commit ends the transaction; without one it does nothing.
 * Errors: ERR_IO, everything since db_write is undone. */
enum err db_commit(struct db *db) MUST_USE;

void db_undo(struct db *db); /* ends the transaction and keeps nothing of it */

/* db_bind readies a statement.  types has a letter a parameter: t text (NULL
 * allowed), i int64_t, d double, n nothing follows: NULL.
 * Owns: texts are borrowed until the statement has ended. */
void db_bind(sqlite3_stmt *st, const char *types, ...);

/* db_step takes the next row: OK.  Errors: ERR_NOTFOUND no (more) rows, ERR_IO;
 * the statement has then ended. */
enum err db_step(struct db *db, sqlite3_stmt *st) MUST_USE;
void db_end(sqlite3_stmt *st); /* ends it before its last row */

/* db_exec is db_bind and db_step for a statement without rows.
 * Errors: ERR_IO. */
enum err db_exec(
    struct db *db, sqlite3_stmt *st, const char *types, ...) MUST_USE;

/* db_do is db_exec whose failure is left to db_commit to report. */
void db_do(struct db *db, sqlite3_stmt *st, const char *types, ...);

/* Reading that may take long.  db_query compiles a statement for one use, to be
 * ended by sqlite3_finalize; db_query_step takes its next row.  Their failures
 * touch no transaction.  From db_limit on, what is read ends after ms together;
 * 0: no limit.
 * Errors: ERR_IO; of db_query_step ERR_NOTFOUND no (more) rows, ERR_TIMEOUT. */
void db_limit(struct db *db, int64_t ms);
enum err db_query(struct db *db, const char *sql, sqlite3_stmt **st) MUST_USE;
enum err db_query_step(struct db *db, sqlite3_stmt *st) MUST_USE;

int64_t db_last_id(const struct db *db); /* of the row inserted last */

/* db_text returns a column of the row, "" for NULL; borrowed until db_step. */
const char *db_text(sqlite3_stmt *st, int column);

#endif
