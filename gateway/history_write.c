/* What goes to the file, in one transaction a batch, and what leaves it. */
#include "common/log.h"
#include "gateway/history_impl.h"

enum {
	RETRY_MS = 10000,
	SHRUNK_MS = 86400000, /* between two lines of that in the log */
	SHRINK_SHARE = 10,    /* of what there is, when the file is full */
	BUMPS = 1000,
};

/* --- a series --- */

static int
add_series(struct history *h, struct series *s)
{
	const struct node_ref *n = &s->of.node;
	const char *const texts[] = { n->source, n->node, n->cache, s->field };
	sqlite3_stmt *st = h->st[ST_ADD];
	int rc;

	for (int i = 0; i < 4; i++)
		sqlite3_bind_text(st, i + 1, texts[i], -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, s->keep_ms);
	sqlite3_bind_text(st, 6, s->of.owner, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 7, s->unit, -1, SQLITE_STATIC);
	rc = history_step(st);
	if (rc == SQLITE_DONE)
		s->id = sqlite3_last_insert_rowid(h->db);
	return rc;
}

int
history_write_keep(struct history *h, const struct series *s)
{
	history_bind(h->st[ST_KEEP], s->id, s->keep_ms);
	return history_step(h->st[ST_KEEP]);
}

/* A clock that was set back may give a time that is taken: the next is taken
 * then. */
static int
write_pack(struct history *h, const struct series *s)
{
	const struct buf *b = &s->pack.bytes;
	sqlite3_stmt *st = h->st[ST_INSERT];
	int rc = SQLITE_DONE;

	sqlite3_bind_blob64(st, 2, b->data, b->len, SQLITE_STATIC);
	for (int bump = 0; bump < BUMPS && rc == SQLITE_DONE; bump++) {
		int64_t id = history_row(s, s->pack.first + bump);

		sqlite3_bind_int64(st, 1, id);
		sqlite3_bind_int64(st, 3, history_row_sum(id, b->data, b->len));
		rc = history_step(st);
		if (rc == SQLITE_DONE && sqlite3_changes(h->db))
			return rc;
	}
	if (rc == SQLITE_DONE)
		h->dropped += s->pack.n;
	return rc;
}

static int
write_today(struct history *h, const struct series *s)
{
	const struct sum *t = &s->today.sum;
	sqlite3_stmt *st = h->st[ST_TODAY];

	history_bind(st, s->id, t->from);
	sqlite3_bind_int64(st, 3, t->min.mant);
	sqlite3_bind_int(st, 4, t->min.dec);
	sqlite3_bind_int64(st, 5, t->min_at);
	sqlite3_bind_int64(st, 6, t->max.mant);
	sqlite3_bind_int(st, 7, t->max.dec);
	sqlite3_bind_int64(st, 8, t->max_at);
	sqlite3_bind_int64(st, 9, history_today_sum(s));
	return history_step(st);
}

static int
write_one(struct history *h, struct series *s)
{
	int rc = SQLITE_DONE;

	if (!s->id)
		rc = add_series(h, s);
	if (rc == SQLITE_DONE && s->pack.n)
		rc = write_pack(h, s);
	if (rc == SQLITE_DONE && s->today.changed)
		rc = write_today(h, s);
	return rc;
}

/* --- a batch --- */

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

static int
write_to_sound_file(struct history *h)
{
	int rc = history_file_ready(h);

	if (rc == SQLITE_OK)
		rc = write_all(h);
	if (!history_file_is_broken(rc))
		return rc;
	h->broken = true;
	rc = history_file_ready(h);
	return rc == SQLITE_OK ? write_all(h) : rc;
}

bool
history_flush(struct history *h)
{
	int rc = write_to_sound_file(h);
	struct series *s;

	h->flush_mono = rc == SQLITE_OK ? 0 : clock_mono(h->clock) + RETRY_MS;
	history_file_note(h, rc);
	if (rc != SQLITE_OK)
		return false;
	SLIST_FOREACH(s, &h->all, next)
	{
		pack_clear(&s->pack);
		s->today.changed = false;
	}
	h->waiting = h->waiting_bytes = 0;
	return true;
}

/* --- what leaves --- */

bool
history_erase(struct history *h, struct series *s)
{
	int rc;

	h->waiting -= s->pack.n;
	h->waiting_bytes -= s->pack.bytes.len;
	pack_clear(&s->pack);
	s->today = (struct today){ 0 };
	if (!s->id)
		return true;
	history_bind(
	    h->st[ST_PRUNE], history_row(s, 0), history_row(s, INT64_MAX));
	rc = history_step(h->st[ST_PRUNE]);
	if (rc == SQLITE_DONE) {
		sqlite3_bind_int64(h->st[ST_FORGET], 1, s->id);
		rc = history_step(h->st[ST_FORGET]);
	}
	history_file_note(h, rc);
	return rc == SQLITE_DONE;
}

void
history_prune(struct history *h, const struct series *s, int64_t before)
{
	sqlite3_stmt *st = h->st[ST_PRUNE];

	if (before <= 0 || !s->id)
		return;
	history_bind(st, history_row(s, 0), history_row(s, before - 1));
	history_file_note(h, history_step(st));
}

/* The begin of what the file has of a series; none: now. */
static int64_t
oldest(struct history *h, const struct series *s, int64_t now)
{
	sqlite3_stmt *st = h->st[ST_OLDEST];
	int64_t first = now;

	if (!s->id)
		return now;
	history_bind(st, history_row(s, 0), history_row(s, INT64_MAX));
	if (sqlite3_step(st) == SQLITE_ROW &&
	    sqlite3_column_type(st, 0) != SQLITE_NULL)
		first = sqlite3_column_int64(st, 0) - history_row(s, 0);
	sqlite3_reset(st);
	return first;
}

void
history_shrink(struct history *h)
{
	int64_t now = clock_utc(h->clock);
	struct series *s;

	SLIST_FOREACH(s, &h->all, next)
	{
		int64_t first = oldest(h, s, now);

		if (first < now)
			history_prune(
			    h, s, first + (now - first) / SHRINK_SHARE + 1);
	}
	if (h->shrunk_mono && clock_mono(h->clock) < h->shrunk_mono)
		return;
	h->shrunk_mono = clock_mono(h->clock) + SHRUNK_MS;
	log_info("history",
	    "%s has reached its max_size: now and then the oldest tenth of "
	    "each field is deleted",
	    h->path);
}
