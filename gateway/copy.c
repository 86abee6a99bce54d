#include "gateway/copy.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

/* A file that was left by one who was killed may have another's mode. */
static enum err
begin_file(const char *to, struct errbuf *eb)
{
	int fd;

	unlink(to);
	fd = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return errbuf_errno(eb, "cannot make %s", to);
	close(fd);
	return OK;
}

static enum err
pages(sqlite3 *from, sqlite3 *to, struct errbuf *eb)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc;

	if (!b)
		return errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(to));
	/* In one step it is one moment, and writers of a WAL go on. */
	sqlite3_backup_step(b, -1);
	rc = sqlite3_backup_finish(b);
	if (rc != SQLITE_OK)
		return errbuf_set(eb, ERR_IO, "%s", sqlite3_errstr(rc));
	return OK;
}

/* Pages are copied unread: damage would go from backup to backup. */
static enum err
look_through(sqlite3 *db, struct errbuf *eb)
{
	sqlite3_stmt *st = NULL;
	enum err e = OK;

	/* The copy is one file, without a log beside it. */
	if (sqlite3_exec(db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) !=
		SQLITE_OK ||
	    sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL) !=
		SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		e = errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(db));
	else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
		e = errbuf_set(eb, ERR_IO, "it is damaged: %s",
		    (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return e;
}

static enum err
copy_to(sqlite3 *from, const char *path, struct errbuf *eb)
{
	sqlite3 *to = NULL;
	enum err e;

	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		e = errbuf_set(eb, ERR_IO, "%s", sqlite3_errmsg(to));
	else
		e = pages(from, to, eb);
	if (e == OK)
		e = look_through(to, eb);
	sqlite3_close(to);
	return e;
}

enum err
copy_database(const char *from, const char *to, struct errbuf *eb)
{
	struct errbuf why;
	sqlite3 *db = NULL;
	enum err e;

	if (access(from, F_OK) != 0)
		return errbuf_set(eb, ERR_NOTFOUND, "there is no %s", from);
	e = begin_file(to, eb);
	if (e != OK)
		return e;
	if (sqlite3_open_v2(from, &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		e = errbuf_set(&why, ERR_IO, "%s", sqlite3_errmsg(db));
	else {
		sqlite3_busy_timeout(db, BUSY_MS);
		e = copy_to(db, to, &why);
	}
	sqlite3_close(db);
	if (e != OK) {
		unlink(to);
		return errbuf_set(eb, e, "cannot copy %s: %s", from, why.text);
	}
	return OK;
}
