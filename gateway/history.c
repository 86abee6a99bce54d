#include "gateway/history.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/pack.h"

#include <math.h>
#include <search.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	TIME_BITS = 42, /* of a row's id: its first reading, to the year 2109 */
	RETRY_MS = 10000,
	TIDY_MS = 3600000,
	SHRUNK_MS = 86400000, /* between two lines of that in the log */
	TIDY_SERIES = 50,     /* in one tick */
	SHRINK_SHARE = 10,    /* of what there is, when the file is full */
	BUMPS = 1000,
};

/* What a field was since local midnight. */
struct today {
	struct sum sum; /* n 0: nothing yet; its mean is not kept */
	bool changed;   /* since it was written */
};

struct series {
	struct history_of of; /* its texts, and the field's, are in text */
	const char *field;
	char *text;
	int64_t id; /* 0: not in the file */
	int64_t keep_ms, every_ms;
	int64_t kept_at; /* the last reading that is kept; 0 none */
	struct pack pack;
	struct today today;
	SLIST_ENTRY(series) next;
};

enum statement {
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

static const char *const sql[STATEMENTS] = {
	[ST_SERIES] = "SELECT id, source, node, cache, field, keep, begin,"
		      " min_mant, min_dec, min_at, max_mant, max_dec, max_at,"
		      " owner FROM series",
	[ST_ADD] = "INSERT INTO series"
		   "(source, node, cache, field, keep, owner)"
		   " VALUES(?1,?2,?3,?4,?5,?6)",
	[ST_KEEP] = "UPDATE series SET keep=?2 WHERE id=?1",
	[ST_INSERT] = "INSERT OR IGNORE INTO reading VALUES(?1,?2)",
	[ST_READ] = "SELECT id, data FROM reading WHERE id BETWEEN ?1 AND ?2"
		    " ORDER BY id",
	[ST_OLDEST] = "SELECT min(id) FROM reading WHERE id BETWEEN ?1 AND ?2",
	[ST_PRUNE] = "DELETE FROM reading WHERE id BETWEEN ?1 AND ?2",
	[ST_FORGET] = "DELETE FROM series WHERE id=?1",
	[ST_TODAY] = "UPDATE series SET begin=?2, min_mant=?3, min_dec=?4,"
		     " min_at=?5, max_mant=?6, max_dec=?7, max_at=?8"
		     " WHERE id=?1",
};

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=4194304;"
    "CREATE TABLE IF NOT EXISTS series("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " source TEXT NOT NULL, node TEXT NOT NULL, cache TEXT NOT NULL,"
    " owner TEXT NOT NULL, field TEXT NOT NULL, keep INT NOT NULL, begin INT,"
    " min_mant INT, min_dec INT, min_at INT,"
    " max_mant INT, max_dec INT, max_at INT,"
    " UNIQUE(source, node, cache, owner, field));"
    "CREATE TABLE IF NOT EXISTS reading("
    " id INTEGER PRIMARY KEY, data BLOB NOT NULL);";

struct history {
	char *path;
	int64_t flush_ms, max_bytes;
	const struct clock *clock;
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	SLIST_HEAD(, series) all;
	void *tree; /* of the same, by name */
	size_t n_series, waiting;
	uint64_t dropped;
	int64_t flush_mono; /* when what waits is written; 0: nothing does */
	int64_t tidy_mono, shrunk_mono;
	struct series *tidy; /* the next; NULL: none */
	char trouble[256];
};

static int
order(const void *a, const void *b)
{
	const struct series *x = a, *y = b;
	const struct node_ref *m = &x->of.node, *n = &y->of.node;
	int d = strcmp(m->node, n->node);

	if (d == 0)
		d = strcmp(x->field, y->field);
	if (d == 0)
		d = strcmp(m->source, n->source);
	if (d == 0)
		d = strcmp(m->cache, n->cache);
	return d ? d : strcmp(x->of.owner, y->of.owner);
}

static struct series *
find(const struct history *h, const struct history_of *of, const char *field)
{
	const struct series key = { .of = *of, .field = field };
	struct series **found = tfind(&key, &h->tree, order);

	return found ? *found : NULL;
}

static struct series *
add(struct history *h, const struct history_of *of, const char *field)
{
	const struct node_ref *n = &of->node;
	struct series *s = mem_zalloc(sizeof(*s));
	char *at = mem_array(strlen(n->node) + strlen(n->source) +
		strlen(n->cache) + strlen(of->owner) + strlen(field) + 5,
	    1);

	s->text = at;
	s->of.node.node = mem_pack(&at, n->node);
	s->of.node.source = mem_pack(&at, n->source);
	s->of.node.cache = mem_pack(&at, n->cache);
	s->of.owner = mem_pack(&at, of->owner);
	s->field = mem_pack(&at, field);
	SLIST_INSERT_HEAD(&h->all, s, next);
	if (!tsearch(s, &h->tree, order))
		abort();
	h->n_series++;
	return s;
}

static void
series_free(struct series *s)
{
	free(s->text);
	pack_clear(&s->pack);
	free(s);
}

static int64_t
row_id(const struct series *s, int64_t utc_ms)
{
	int64_t most = ((int64_t)1 << TIME_BITS) - 1;

	if (utc_ms < 0)
		utc_ms = 0;
	return s->id << TIME_BITS | (utc_ms > most ? most : utc_ms);
}

static int
step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc;
}

static void
bind_ids(sqlite3_stmt *st, int64_t a, int64_t b)
{
	sqlite3_bind_int64(st, 1, a);
	sqlite3_bind_int64(st, 2, b);
}

static void
close_file(struct history *h)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(h->st[i]);
		h->st[i] = NULL;
	}
	sqlite3_close(h->db);
	h->db = NULL;
}

static int
open_file(struct history *h)
{
	mode_t mask = umask(0077);
	int rc = sqlite3_open(h->path, &h->db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h->db, schema, NULL, NULL, NULL);
	for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(h->db, sql[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &h->st[i], NULL);
	umask(mask);
	return rc;
}

static bool
is_broken(int rc)
{
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

static void
load_today(sqlite3_stmt *st, struct series *s)
{
	struct sum *t = &s->today.sum;

	if (sqlite3_column_type(st, 6) == SQLITE_NULL)
		return;
	t->from = sqlite3_column_int64(st, 6);
	t->min.mant = sqlite3_column_int64(st, 7);
	t->min.dec = (uint8_t)sqlite3_column_int(st, 8);
	t->min_at = sqlite3_column_int64(st, 9);
	t->max.mant = sqlite3_column_int64(st, 10);
	t->max.dec = (uint8_t)sqlite3_column_int(st, 11);
	t->max_at = sqlite3_column_int64(st, 12);
	t->n = t->min.dec <= NUM_DEC_MAX && t->max.dec <= NUM_DEC_MAX;
}

static const char *
column(sqlite3_stmt *st, int i)
{
	const unsigned char *text = sqlite3_column_text(st, i);

	return text ? (const char *)text : "";
}

static int
load_series(struct history *h)
{
	sqlite3_stmt *st = h->st[ST_SERIES];
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct history_of of = { { column(st, 2), column(st, 1),
					     column(st, 3) },
			column(st, 13) };
		struct series *s = find(h, &of, column(st, 4));

		if (!s)
			s = add(h, &of, column(st, 4));
		s->id = sqlite3_column_int64(st, 0);
		s->keep_ms = sqlite3_column_int64(st, 5);
		load_today(st, s);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A broken file is kept for whoever wants to look, one of them. */
static int
set_aside(struct history *h)
{
	static const char *const ends[] = { "-wal", "-shm" };
	char *to = mem_printf("%s.broken", h->path);
	struct series *s;

	close_file(h);
	log_err("history",
	    "%s is broken; it is kept as %s, and a new one is begun: what was "
	    "read before is lost, claims are not",
	    h->path, to);
	if (rename(h->path, to) != 0)
		(void)unlink(h->path);
	free(to);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *path = mem_printf("%s%s", h->path, ends[i]);

		(void)unlink(path);
		free(path);
	}
	SLIST_FOREACH(s, &h->all, next)
	s->id = 0;
	return open_file(h);
}

/* Says once that something is wrong, and once that it is right again. */
static void
note_result(struct history *h, int rc)
{
	bool ok = rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW;

	if (ok && *h->trouble)
		log_info("history", "%s is written again", h->path);
	if (ok) {
		*h->trouble = '\0';
		return;
	}
	if (!*h->trouble)
		log_warn("history",
		    "%s cannot be written: %s; readings wait in memory, the "
		    "oldest stay; make room on the disk",
		    h->path, sqlite3_errstr(rc));
	snprintf(h->trouble, sizeof(h->trouble), "%s", sqlite3_errstr(rc));
}

static int
write_series(struct history *h, struct series *s)
{
	sqlite3_stmt *st = h->st[s->id ? ST_KEEP : ST_ADD];
	int rc;

	if (s->id) {
		bind_ids(st, s->id, s->keep_ms);
		return step(st);
	}
	sqlite3_bind_text(st, 1, s->of.node.source, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, s->of.node.node, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, s->of.node.cache, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, s->field, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, s->keep_ms);
	sqlite3_bind_text(st, 6, s->of.owner, -1, SQLITE_STATIC);
	rc = step(st);
	if (rc == SQLITE_DONE)
		s->id = sqlite3_last_insert_rowid(h->db);
	return rc;
}

/* A clock that was set back may give a time that is taken: the next is taken
 * then. */
static int
write_pack(struct history *h, struct series *s)
{
	sqlite3_stmt *st = h->st[ST_INSERT];
	int rc = SQLITE_DONE;

	sqlite3_bind_blob64(
	    st, 2, s->pack.bytes.data, s->pack.bytes.len, SQLITE_STATIC);
	for (int bump = 0; bump < BUMPS && rc == SQLITE_DONE; bump++) {
		sqlite3_bind_int64(st, 1, row_id(s, s->pack.first + bump));
		rc = step(st);
		if (rc == SQLITE_DONE && sqlite3_changes(h->db))
			break;
	}
	return rc;
}

static int
write_today(struct history *h, struct series *s)
{
	const struct sum *t = &s->today.sum;
	sqlite3_stmt *st = h->st[ST_TODAY];

	bind_ids(st, s->id, t->from);
	sqlite3_bind_int64(st, 3, t->min.mant);
	sqlite3_bind_int(st, 4, t->min.dec);
	sqlite3_bind_int64(st, 5, t->min_at);
	sqlite3_bind_int64(st, 6, t->max.mant);
	sqlite3_bind_int(st, 7, t->max.dec);
	sqlite3_bind_int64(st, 8, t->max_at);
	return step(st);
}

static int
write_one(struct history *h, struct series *s)
{
	int rc = SQLITE_DONE;

	if (!s->id)
		rc = write_series(h, s);
	if (rc == SQLITE_DONE && s->pack.n)
		rc = write_pack(h, s);
	if (rc == SQLITE_DONE && s->today.changed)
		rc = write_today(h, s);
	return rc;
}

/* After a transaction that was undone, new series have no row again. */
static void
undo(struct history *h, int64_t newest)
{
	struct series *s;

	(void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	SLIST_FOREACH(s, &h->all, next)
	{
		if (s->id > newest)
			s->id = 0;
	}
}

static int64_t
newest_id(const struct history *h)
{
	struct series *s;
	int64_t id = 0;

	SLIST_FOREACH(s, &h->all, next)
	{
		if (s->id > id)
			id = s->id;
	}
	return id;
}

static int
write_all(struct history *h)
{
	int64_t newest = newest_id(h);
	struct series *s;
	int rc = sqlite3_exec(h->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = SQLITE_DONE;
	SLIST_FOREACH(s, &h->all, next)
	{
		if ((s->pack.n || s->today.changed) && rc == SQLITE_DONE)
			rc = write_one(h, s);
	}
	if (rc == SQLITE_DONE)
		rc = sqlite3_exec(h->db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		undo(h, newest);
	return rc;
}

static bool
flush(struct history *h)
{
	int rc = h->db ? write_all(h) : SQLITE_CANTOPEN;
	struct series *s;

	if (is_broken(rc)) {
		rc = set_aside(h);
		if (rc == SQLITE_OK)
			rc = write_all(h);
	}
	note_result(h, rc);
	h->flush_mono = rc == SQLITE_OK ? 0 : clock_mono(h->clock) + RETRY_MS;
	if (rc != SQLITE_OK)
		return false;
	SLIST_FOREACH(s, &h->all, next)
	{
		pack_clear(&s->pack);
		s->today.changed = false;
	}
	h->waiting = 0;
	return true;
}

enum err
history_open(const struct history_config *config, const struct clock *clock,
    struct history **out, struct errbuf *eb)
{
	struct history *h = mem_zalloc(sizeof(*h));
	int rc;

	h->path = mem_strdup(config->path);
	h->flush_ms = config->flush_ms;
	h->max_bytes = config->max_bytes;
	h->clock = clock;
	SLIST_INIT(&h->all);
	*out = h;
	rc = open_file(h);
	if (is_broken(rc))
		rc = set_aside(h);
	if (rc == SQLITE_OK)
		rc = load_series(h);
	if (is_broken(rc))
		rc = set_aside(h);
	if (rc == SQLITE_OK)
		return OK;
	errbuf_set(eb, ERR_IO, "%s: %s", h->path,
	    h->db ? sqlite3_errmsg(h->db) : sqlite3_errstr(rc));
	history_close(h);
	*out = NULL;
	return ERR_IO;
}

void
history_close(struct history *h)
{
	struct series *s;

	if (!h)
		return;
	if (h->db)
		(void)flush(h);
	close_file(h);
	while ((s = SLIST_FIRST(&h->all))) {
		SLIST_REMOVE_HEAD(&h->all, next);
		tdelete(s, &h->tree, order);
		series_free(s);
	}
	free(h->path);
	free(h);
}

struct series *
history_series(struct history *h, const struct history_of *of,
    const char *field, int64_t keep_ms, int64_t every_ms)
{
	struct series *s = find(h, of, field);
	bool changed = s && s->keep_ms != keep_ms;

	if (!s)
		s = add(h, of, field);
	s->keep_ms = keep_ms;
	s->every_ms = every_ms;
	if (changed && s->id)
		note_result(h, write_series(h, s));
	return s;
}

/* Deletes what the file has of a series. */
static bool
erase(struct history *h, struct series *s)
{
	int rc;

	h->waiting -= s->pack.n;
	pack_clear(&s->pack);
	s->today = (struct today){ 0 };
	if (!s->id)
		return true;
	bind_ids(h->st[ST_PRUNE], row_id(s, 0), row_id(s, INT64_MAX));
	rc = step(h->st[ST_PRUNE]);
	if (rc == SQLITE_DONE) {
		sqlite3_bind_int64(h->st[ST_FORGET], 1, s->id);
		rc = step(h->st[ST_FORGET]);
	}
	note_result(h, rc);
	return rc == SQLITE_DONE;
}

bool
history_sweep(struct history *h, history_wanted wanted, void *arg)
{
	struct series **at = &SLIST_FIRST(&h->all), *s;
	bool all = true;

	h->tidy = NULL;
	while ((s = *at)) {
		bool is_wanted = wanted(arg, &s->of);

		if (is_wanted || !erase(h, s)) {
			all = all && is_wanted;
			at = &SLIST_NEXT(s, next);
			continue;
		}
		*at = SLIST_NEXT(s, next);
		tdelete(s, &h->tree, order);
		h->n_series--;
		series_free(s);
	}
	return all;
}

/* The least and the most count every reading, kept or not. */
static void
note_today(struct series *s, int64_t utc_ms, const struct num *v)
{
	struct sum *t = &s->today.sum;
	int64_t begin = period_begin(utc_ms, PERIOD_DAY);

	if (t->n == 0 || begin > t->from) {
		*t = (struct sum){ .from = begin,
			.n = 1,
			.min = *v,
			.max = *v,
			.min_at = utc_ms,
			.max_at = utc_ms };
		s->today.changed = true;
		return;
	}
	if (begin < t->from)
		return;
	if (num_cmp(*v, t->min) < 0) {
		t->min = *v;
		t->min_at = utc_ms;
		s->today.changed = true;
	}
	if (num_cmp(*v, t->max) > 0) {
		t->max = *v;
		t->max_at = utc_ms;
		s->today.changed = true;
	}
}

static void
wait_for_flush(struct history *h)
{
	if (!h->flush_mono)
		h->flush_mono = clock_mono(h->clock) + h->flush_ms;
}

void
history_note(
    struct history *h, struct series *s, int64_t utc_ms, const struct value *v)
{
	if (!clock_is_set(utc_ms))
		return;
	if (v->type == VALUE_NUM)
		note_today(s, utc_ms, &v->num);
	wait_for_flush(h);
	if (s->kept_at && utc_ms >= s->kept_at &&
	    utc_ms - s->kept_at < s->every_ms)
		return;
	if (!pack_add(&s->pack, utc_ms, v) &&
	    (*h->trouble || !flush(h) || !pack_add(&s->pack, utc_ms, v))) {
		h->dropped++;
		return;
	}
	h->waiting++;
	s->kept_at = utc_ms;
	wait_for_flush(h);
}

static int64_t
pragma(const struct history *h, const char *text)
{
	sqlite3_stmt *st;
	int64_t out = 0;

	if (sqlite3_prepare_v2(h->db, text, -1, &st, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_step(st) == SQLITE_ROW)
		out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return out;
}

static int64_t
used_bytes(const struct history *h)
{
	return h->db ? (pragma(h, "PRAGMA page_count") -
			   pragma(h, "PRAGMA freelist_count")) *
		pragma(h, "PRAGMA page_size")
		     : 0;
}

static void
prune(struct history *h, const struct series *s, int64_t before)
{
	sqlite3_stmt *st = h->st[ST_PRUNE];

	if (before <= 0 || !s->id)
		return;
	bind_ids(st, row_id(s, 0), row_id(s, before - 1));
	note_result(h, step(st));
}

/* Takes a share of the time of every series away, the oldest. */
static void
shrink(struct history *h)
{
	int64_t now = clock_utc(h->clock);
	sqlite3_stmt *st = h->st[ST_OLDEST];
	struct series *s;

	SLIST_FOREACH(s, &h->all, next)
	{
		int64_t first = now;

		bind_ids(st, row_id(s, 0), row_id(s, INT64_MAX));
		if (s->id && sqlite3_step(st) == SQLITE_ROW &&
		    sqlite3_column_type(st, 0) != SQLITE_NULL)
			first = sqlite3_column_int64(st, 0) - row_id(s, 0);
		sqlite3_reset(st);
		if (first < now)
			prune(h, s, first + (now - first) / SHRINK_SHARE + 1);
	}
	if (h->shrunk_mono && clock_mono(h->clock) < h->shrunk_mono)
		return;
	h->shrunk_mono = clock_mono(h->clock) + SHRUNK_MS;
	log_info("history",
	    "%s has reached its max_size: now and then the oldest tenth of "
	    "each field is deleted",
	    h->path);
}

static void
tidy_some(struct history *h)
{
	int64_t now = clock_utc(h->clock);

	for (int i = 0; i < TIDY_SERIES && h->tidy; i++) {
		/* Rows hold up to an hour from their first reading on. */
		prune(h, h->tidy, now - h->tidy->keep_ms - PACK_SPAN_MS);
		h->tidy = SLIST_NEXT(h->tidy, next);
	}
}

void
history_tick(struct history *h)
{
	int64_t mono = clock_mono(h->clock);

	if (h->flush_mono && mono >= h->flush_mono && flush(h) &&
	    used_bytes(h) > h->max_bytes)
		shrink(h);
	if (mono >= h->tidy_mono && clock_is_set(clock_utc(h->clock))) {
		h->tidy_mono = mono + TIDY_MS;
		h->tidy = SLIST_FIRST(&h->all);
	}
	if (h->db && h->tidy)
		tidy_some(h);
}

/* Hands on what lies between two times. */
struct window {
	int64_t from, to;
	history_each each;
	void *arg;
	bool ended;
};

static bool
in_window(void *arg, int64_t utc_ms, const struct value *v)
{
	struct window *w = arg;

	if (utc_ms < w->from)
		return true;
	if (utc_ms > w->to || !w->each(w->arg, utc_ms, v)) {
		w->ended = utc_ms <= w->to;
		return false;
	}
	return true;
}

static int
read_rows(struct history *h, const struct series *s, struct window *w)
{
	sqlite3_stmt *st = h->st[ST_READ];
	int64_t base = row_id(s, 0);
	int rc;

	bind_ids(st, row_id(s, w->from - PACK_SPAN_MS), row_id(s, w->to));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && !w->ended) {
		const void *data = sqlite3_column_blob(st, 1);
		size_t len = (size_t)sqlite3_column_bytes(st, 1);

		if (unpack(data, len, sqlite3_column_int64(st, 0) - base,
			in_window, w) != OK)
			log_warn("history",
			    "%s: some readings of node %s, field %s are "
			    "broken and left out",
			    h->path, s->of.node.node, s->field);
	}
	sqlite3_reset(st);
	return rc;
}

enum err
history_read(struct history *h, struct series *s, int64_t from, int64_t to,
    history_each each, void *arg)
{
	struct window w = { from, to, each, arg, false };
	int rc = SQLITE_DONE;

	if (to < from)
		return OK;
	if (s->id)
		rc = read_rows(h, s, &w);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
		note_result(h, rc);
		return ERR_IO;
	}
	if (!w.ended && s->pack.n)
		(void)!unpack(s->pack.bytes.data, s->pack.bytes.len,
		    s->pack.first, in_window, &w);
	return OK;
}

/* The begin of the period after that of utc_ms. */
static int64_t
period_end(int64_t begin, enum period p)
{
	static const int64_t beyond_s[PERIODS] = { 1, 60, 3600,
		36 * INT64_C(3600), 8 * INT64_C(86400), 40 * INT64_C(86400),
		100 * INT64_C(86400), 380 * INT64_C(86400) };

	return period_begin(begin + beyond_s[p] * 1000, p);
}

bool
sums_end(struct sums *s, struct sum *out)
{
	struct sum *t = &s->now;

	if (t->n == 0)
		return false;
	if (num_from_double((double)(s->total / (long double)t->n), t->max.dec,
		&t->mean) != OK)
		t->mean = t->max;
	*out = *t;
	t->n = 0;
	return true;
}

bool
sums_add(struct sums *s, int64_t utc_ms, const struct value *v, struct sum *out)
{
	struct sum *t = &s->now;
	bool ended = false;

	if (v->type != VALUE_NUM)
		return false;
	if (t->n == 0 || utc_ms >= s->end || utc_ms < t->from) {
		ended = sums_end(s, out);
		*t = (struct sum){ .from = period_begin(utc_ms, s->period),
			.min = v->num,
			.max = v->num,
			.min_at = utc_ms,
			.max_at = utc_ms };
		s->end = period_end(t->from, s->period);
		s->total = 0;
	}
	if (num_cmp(v->num, t->min) < 0) {
		t->min = v->num;
		t->min_at = utc_ms;
	}
	if (num_cmp(v->num, t->max) > 0) {
		t->max = v->num;
		t->max_at = utc_ms;
	}
	s->total += (long double)num_to_double(v->num);
	t->n++;
	return ended;
}

bool
history_today(const struct history *h, const struct series *s, int64_t utc_ms,
    struct sum *out)
{
	(void)h;
	if (s->today.sum.n == 0 ||
	    s->today.sum.from != period_begin(utc_ms, PERIOD_DAY))
		return false;
	*out = s->today.sum;
	return true;
}

int64_t
period_begin(int64_t utc_ms, enum period p)
{
	static const int64_t fixed_ms[] = { 1000, 60000, 3600000 };
	time_t t = (time_t)(utc_ms / 1000);
	struct tm tm;

	if (p < PERIOD_HOUR)
		return utc_ms - utc_ms % fixed_ms[p];
	localtime_r(&t, &tm);
	if (p == PERIOD_HOUR) /* mktime could not tell the hour that is twice */
		return (t - tm.tm_min * INT64_C(60) - tm.tm_sec) *
		    (int64_t)1000;
	tm.tm_sec = tm.tm_min = 0;
	tm.tm_hour = 0;
	if (p == PERIOD_WEEK)
		tm.tm_mday -= (tm.tm_wday + 6) % 7;
	if (p >= PERIOD_MONTH)
		tm.tm_mday = 1;
	if (p == PERIOD_QUARTER)
		tm.tm_mon -= tm.tm_mon % 3;
	if (p == PERIOD_YEAR)
		tm.tm_mon = 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * 1000;
}

void
history_state(const struct history *h, struct history_state *out)
{
	*out = (struct history_state){ used_bytes(h), h->n_series, h->waiting,
		h->dropped, h->trouble };
}
