/* What is read: of the file, then of what waits. */
#include "common/log.h"
#include "gateway/history_impl.h"

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

/* No row is taken for readings that is not as it was written: the file knows
 * which page is where, not whether a bit of it has changed. */
static enum err
read_row(const struct series *s, sqlite3_stmt *st, struct window *w)
{
	const void *data = sqlite3_column_blob(st, 1);
	size_t len = (size_t)sqlite3_column_bytes(st, 1);
	int64_t id = sqlite3_column_int64(st, 0);

	if (history_row_sum(id, data, len) != sqlite3_column_int64(st, 2))
		return ERR_PROTO;
	return unpack(data, len, id - history_row(s, 0), in_window, w);
}

static void
tell_garbled(struct history *h, const struct series *s)
{
	if (!h->told_garbled)
		log_warn("history",
		    "%s: some readings, as of node %s, field %s, are garbled "
		    "and left out: the disk may be failing",
		    h->path, s->of.node.node, s->field);
	h->told_garbled = true;
}

static int
read_rows(struct history *h, const struct series *s, struct window *w)
{
	sqlite3_stmt *st = h->st[ST_READ];
	int rc;

	history_bind(
	    st, history_row(s, w->from - PACK_SPAN_MS), history_row(s, w->to));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && !w->ended) {
		if (read_row(s, st, w) != OK)
			tell_garbled(h, s);
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
		history_file_note(h, rc);
		return ERR_IO;
	}
	if (!w.ended && s->pack.n)
		(void)!unpack(s->pack.bytes.data, s->pack.bytes.len,
		    s->pack.first, in_window, &w);
	return OK;
}
