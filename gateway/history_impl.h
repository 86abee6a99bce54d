/* Inside the history: history.c takes readings in, history_file.c is the file,
 * history_write.c what goes to it and leaves it, history_read.c what is read.
 * Thread: loop. */
#ifndef GATEWAY_HISTORY_IMPL_H
#define GATEWAY_HISTORY_IMPL_H

#include "gateway/history.h"
#include "gateway/pack.h"

#include <sqlite3.h>
#include <sys/queue.h>

/* What a field was since local midnight. */
struct today {
	struct sum sum; /* n 0: nothing yet; its mean is not kept */
	bool changed;   /* since it was written */
};

struct series {
	struct history_of of; /* its texts, and the field's, are in text */
	const char *field, *unit;
	char *text;
	int64_t id; /* 0: not in the file */
	int64_t keep_ms, every_ms;
	int64_t kept_at; /* the last reading that is kept; 0 none */
	struct pack pack;
	struct today today;
	SLIST_ENTRY(series) next;
};

enum history_statement {
	ST_SERIES,
	ST_ADD,
	ST_KEEP,
	ST_INSERT,
	ST_READ,
	ST_OLDEST,
	ST_PRUNE,
	ST_FORGET,
	ST_TODAY,
	STATEMENTS
};

struct history {
	char *path;
	int64_t flush_ms, max_bytes;
	const struct clock *clock;
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	SLIST_HEAD(, series) all;
	void *tree; /* of the same, by name */
	size_t n_series, waiting, waiting_bytes;
	uint64_t dropped;
	int64_t flush_mono; /* when what waits is written; 0: nothing does */
	int64_t tidy_mono, shrunk_mono;
	struct series *tidy; /* the next; NULL: none */
	bool broken;         /* the file is, and is to be set aside */
	bool told_garbled;   /* that readings in it are */
	char trouble[256];
};

/* history.c: the series of that name, made when there is none. */
struct series *history_find(struct history *h, const struct history_of *of,
    const char *field, const char *unit);

/* history_file.c: each returns SQLite's code.  history_file_ready opens what is
 * not open, and before that sets aside what is broken. */
int history_file_ready(struct history *h);
void history_file_close(struct history *h);
int history_file_load(struct history *h);

/* history_file_note takes the outcome of anything done with the file: says once
 * that something is wrong, and once that it is right again. */
void history_file_note(struct history *h, int rc);
bool history_file_is_broken(int rc);
int64_t history_file_bytes(const struct history *h);

/* Of a row: its id, from its first reading, and what proves that it is as it
 * was written. */
int64_t history_row(const struct series *s, int64_t utc_ms);
int64_t history_row_sum(int64_t id, const void *data, size_t len);
int64_t history_today_sum(const struct series *s); /* of what it was today */
int history_step(sqlite3_stmt *st);
void history_bind(sqlite3_stmt *st, int64_t a, int64_t b);

/* history_write.c: history_flush writes what waits; false: it still does. */
bool history_flush(struct history *h);
int history_write_keep(struct history *h, const struct series *s);
bool history_erase(struct history *h, struct series *s);
/* Takes the oldest tenth away; what one series has kept long enough. */
void history_shrink(struct history *h);
void history_prune(struct history *h, const struct series *s, int64_t before);

#endif
