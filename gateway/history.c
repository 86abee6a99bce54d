#include "common/mem.h"
#include "gateway/history_impl.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIDY_MS = 3600000,
	TIDY_SERIES = 50, /* in one tick */
	DAY_LEAST_MS = 23 * 3600000,
	DAY_MOST_MS = 25 * 3600000,
};

/* --- series --- */

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
	if (d == 0)
		d = strcmp(x->unit, y->unit);
	return d ? d : strcmp(x->of.owner, y->of.owner);
}

/* A copy of key in the table. */
static struct series *
add(struct history *h, const struct series *key)
{
	const struct node_ref *n = &key->of.node;
	struct series *s = mem_zalloc(sizeof(*s));
	char *at = mem_array(strlen(n->node) + strlen(n->source) +
		strlen(n->cache) + strlen(key->of.owner) + strlen(key->field) +
		strlen(key->unit) + 6,
	    1);

	s->text = at;
	s->of.node.node = mem_pack(&at, n->node);
	s->of.node.source = mem_pack(&at, n->source);
	s->of.node.cache = mem_pack(&at, n->cache);
	s->of.owner = mem_pack(&at, key->of.owner);
	s->field = mem_pack(&at, key->field);
	s->unit = mem_pack(&at, key->unit);
	SLIST_INSERT_HEAD(&h->all, s, next);
	if (!tsearch(s, &h->tree, order))
		abort();
	h->n_series++;
	return s;
}

struct series *
history_find(struct history *h, const struct history_of *of, const char *field,
    const char *unit)
{
	const struct series key = { .of = *of, .field = field, .unit = unit };
	struct series **found = tfind(&key, &h->tree, order);

	return found ? *found : add(h, &key);
}

struct series *
history_series(struct history *h, const struct history_of *of,
    const struct history_field *f)
{
	struct series *s = history_find(h, of, f->name, f->unit);
	bool changed = s->keep_ms != f->keep_ms;

	s->keep_ms = f->keep_ms;
	s->every_ms = f->every_ms;
	if (changed && s->id)
		history_file_note(h, history_write_keep(h, s));
	return s;
}

static void
series_free(struct history *h, struct series *s)
{
	tdelete(s, &h->tree, order);
	h->n_series--;
	free(s->text);
	pack_clear(&s->pack);
	free(s);
}

bool
history_sweep(struct history *h, history_wanted wanted, void *arg)
{
	struct series **at = &SLIST_FIRST(&h->all), *s;
	bool all = true;

	h->tidy = NULL;
	while ((s = *at)) {
		bool is_wanted = wanted(arg, &s->of);

		if (is_wanted || !history_erase(h, s)) {
			all = all && is_wanted;
			at = &SLIST_NEXT(s, next);
			continue;
		}
		*at = SLIST_NEXT(s, next);
		series_free(h, s);
	}
	return all;
}

/* --- begin and end --- */

/* What is not found sound while it is loaded is set aside. */
static int
load(struct history *h)
{
	int rc = history_file_ready(h);

	if (rc == SQLITE_OK)
		rc = history_file_load(h);
	if (!history_file_is_broken(rc))
		return rc;
	h->broken = true;
	return history_file_ready(h);
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
	/* Not yet: at the start the clock may be far ahead. */
	h->tidy_mono = clock_mono(clock) + TIDY_MS;
	*out = h;
	rc = load(h);
	if (rc == SQLITE_OK)
		return OK;
	errbuf_set(eb, ERR_IO, "%s: %s", h->path, sqlite3_errstr(rc));
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
	if (h->waiting || h->flush_mono)
		(void)history_flush(h);
	history_file_close(h);
	while ((s = SLIST_FIRST(&h->all))) {
		SLIST_REMOVE_HEAD(&h->all, next);
		series_free(h, s);
	}
	free(h->path);
	free(h);
}

/* --- readings --- */

/* The least and the most count every reading, kept or not.  One of the day
 * before is late; what is further behind tells that the clock was ahead. */
static void
note_today(struct series *s, int64_t utc_ms, struct num v)
{
	struct sum *t = &s->today.sum;
	int64_t since = utc_ms - t->from, begin;

	if (t->n && since >= 0 && since < DAY_LEAST_MS) {
		s->today.changed |= sum_widen(t, utc_ms, v);
		return;
	}
	begin = period_begin(utc_ms, PERIOD_DAY);
	if (t->n && begin == t->from) {
		s->today.changed |= sum_widen(t, utc_ms, v);
	} else if (t->n == 0 || begin > t->from ||
	    t->from - begin > DAY_MOST_MS) {
		*t = sum_begin(begin, utc_ms, v);
		s->today.changed = true;
	}
}

static void
wait_for_flush(struct history *h)
{
	if (!h->flush_mono)
		h->flush_mono = clock_mono(h->clock) + h->flush_ms;
}

static bool
keep(struct history *h, struct series *s, int64_t utc_ms, const struct value *v)
{
	size_t had = s->pack.bytes.len;

	if (h->waiting_bytes >= HISTORY_WAITING ||
	    !pack_add(&s->pack, utc_ms, v))
		return false;
	h->waiting_bytes += s->pack.bytes.len - had;
	h->waiting++;
	s->kept_at = utc_ms;
	return true;
}

void
history_note(
    struct history *h, struct series *s, int64_t utc_ms, const struct value *v)
{
	if (!clock_is_set(utc_ms))
		return;
	if (v->type == VALUE_NUM)
		note_today(s, utc_ms, v->num);
	wait_for_flush(h);
	if (s->kept_at && utc_ms >= s->kept_at &&
	    utc_ms - s->kept_at < s->every_ms)
		return;
	if (!keep(h, s, utc_ms, v) &&
	    (*h->trouble || !history_flush(h) || !keep(h, s, utc_ms, v)))
		h->dropped++;
	wait_for_flush(h);
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

/* --- time passes --- */

static void
tidy_some(struct history *h)
{
	int64_t now = clock_utc(h->clock);

	for (int i = 0; i < TIDY_SERIES && h->tidy; i++) {
		/* Rows hold up to an hour from their first reading on. */
		history_prune(
		    h, h->tidy, now - h->tidy->keep_ms - PACK_SPAN_MS);
		h->tidy = SLIST_NEXT(h->tidy, next);
	}
}

void
history_tick(struct history *h)
{
	int64_t mono = clock_mono(h->clock);

	if (h->flush_mono && mono >= h->flush_mono && history_flush(h) &&
	    history_file_bytes(h) > h->max_bytes)
		history_shrink(h);
	if (mono >= h->tidy_mono && clock_is_set(clock_utc(h->clock))) {
		h->tidy_mono = mono + TIDY_MS;
		h->tidy = SLIST_FIRST(&h->all);
	}
	if (h->tidy)
		tidy_some(h);
}

void
history_state(const struct history *h, struct history_state *out)
{
	*out = (struct history_state){ history_file_bytes(h), h->n_series,
		h->waiting, h->dropped, h->trouble };
}
