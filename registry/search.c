#include "registry/search.h"

#include "common/log.h"
#include "common/mem.h"
#include "registry/search_sql.h"

#include <stdlib.h>
#include <string.h>

/* COUNT_MAX: how far rows are counted to choose a way, and COUNT_SURE when that
 * was too short; FEW: so few that any other way cannot be worth the question;
 * GUESS_MS: how long a way may take that was chosen since much seems to match.
 */
enum { COUNT_MAX = 8192, COUNT_SURE = 262144, FEW = 1000, GUESS_MS = 60 };

/* What a search takes above FREE_MS is a debt, which falls by half of the time
 * that goes by: so long searches leave half of it to things and owners. */
enum { FREE_MS = 20, DEBT_MAX_MS = 4 * SEARCH_MS };

enum { S_LAST, S_COUNT };

static const char *const sql[S_COUNT] = {
	[S_LAST] = "SELECT max(id) FROM thing",
};

struct searches {
	struct db *db;
	struct things *things;
	const struct clock *clock;
	size_t max_count;
	int64_t debt_ms, at; /* and when that was */
	sqlite3_stmt *st[S_COUNT];
};

/* One search under way. */
struct hunt {
	struct searches *ss;
	struct terms terms;
	int64_t limit, offset;
	int64_t far;                  /* how far rows are counted */
	int64_t total;                /* things there are, about */
	int64_t rows[SEARCH_OPS_MAX]; /* of each term's index, about */
	int64_t in_box;               /* of the map, about; if boxed */
	int64_t *ids;                 /* room for limit */
	size_t n;
};

enum err
/* NOLINTNEXTLINE(readability-function-size): as its header has it */
searches_new(struct db *db, struct things *things, const struct clock *clock,
    size_t max_count, struct searches **out, struct errbuf *eb)
{
	struct searches *ss = mem_zalloc(sizeof(*ss));
	enum err e;

	ss->db = db;
	ss->things = things;
	ss->clock = clock;
	ss->at = clock_mono(clock);
	ss->max_count = max_count;
	e = db_prepare(db, sql, S_COUNT, ss->st, eb);
	if (e == OK && search_sql_ready(sqlite3_db_handle(ss->st[0])) != OK)
		e = errbuf_set(eb, ERR_IO, "cannot prepare searches");
	if (e != OK) {
		searches_free(ss);
		ss = NULL;
	}
	*out = ss;
	return e;
}

void
searches_free(struct searches *ss)
{
	free(ss);
}

static enum err
count(struct hunt *h, struct way way, int64_t *out)
{
	struct buf text = { 0 };
	sqlite3_stmt *st = NULL;
	enum err e;

	count_sql(&h->terms, way, &text);
	e = db_query(h->ss->db, text.data, &st);
	if (e == OK) {
		terms_bind(&h->terms, st, h->far, 0);
		e = db_query_step(h->ss->db, st);
	}
	if (e == OK)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	buf_fini(&text);
	return e;
}

/* What was not counted to its end may be any part of all. */
static int64_t
about(const struct hunt *h, int64_t rows)
{
	if (rows < h->far || h->total / 8 < rows)
		return rows;
	return h->total / 8;
}

/* survey counts what each way would look at, until one has few. */
static enum err
survey(struct hunt *h, int64_t far, struct way *best)
{
	int64_t least = INT64_MAX;
	enum err e = OK;

	h->far = far;
	h->in_box = 0;
	if (h->terms.boxed) {
		*best = (struct way){ .kind = WAY_PLACE };
		e = count(h, *best, &h->in_box);
		least = about(h, h->in_box);
	}
	for (size_t i = 0; i < h->terms.n && e == OK && least > FEW; i++) {
		const struct way way = { WAY_TAG, i };

		e = count(h, way, &h->rows[i]);
		h->rows[i] = about(h, h->rows[i]);
		if (e == OK && h->rows[i] < least) {
			least = h->rows[i];
			*best = way;
		}
	}
	return e;
}

static int64_t
rows_of(const struct hunt *h, struct way way)
{
	return way.kind == WAY_PLACE ? about(h, h->in_box) : h->rows[way.term];
}

/* expected says how many things must be looked at, in their order, until the
 * page is full, if tags have nothing to do with each other; but leaves out the
 * term that leads. */
static double
expected(const struct hunt *h, const struct term *lead)
{
	double n = (double)(h->offset + h->limit);

	for (size_t i = 0; i < h->terms.n; i++)
		if (&h->terms.v[i] != lead)
			n *= (double)h->total / (double)h->rows[i];
	return n;
}

/* hope looks for a way that gives things in their order, so that it ends with
 * the page, and seems to be shorter than best. */
static bool
hope(const struct hunt *h, struct way best, struct way *out)
{
	double least = (double)rows_of(h, best);
	double all = expected(h, NULL);
	bool found = all < least;

	if (found) {
		least = all;
		*out = (struct way){ .kind = WAY_ALL };
	}
	for (size_t i = 0; i < h->terms.n; i++) {
		double n = expected(h, &h->terms.v[i]);

		if (h->terms.v[i].kind != SEARCH_EQ || n >= least)
			continue;
		least = n;
		*out = (struct way){ WAY_TAG, i };
		found = true;
	}
	return found;
}

/* go takes the page by one way. */
static enum err
go(struct hunt *h, struct way way)
{
	struct db *db = h->ss->db;
	struct buf text = { 0 };
	sqlite3_stmt *st = NULL;
	enum err e;

	search_sql(&h->terms, way, &text);
	h->n = 0;
	e = db_query(db, text.data, &st);
	if (e == OK)
		terms_bind(&h->terms, st, h->limit, h->offset);
	while (e == OK && (e = db_query_step(db, st)) == OK)
		h->ids[h->n++] = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	buf_fini(&text);
	return e == ERR_NOTFOUND ? OK : e;
}

/* find fills h->ids.  Hope may be vain: then the way that is the shortest for
 * sure has the rest of the time. */
static enum err
find(struct hunt *h)
{
	struct way best = { WAY_TAG, 0 }, hoped;
	struct db *db = h->ss->db;
	enum err e;

	db_limit(db, SEARCH_MS);
	e = survey(h, COUNT_MAX, &best);
	if (e != OK || rows_of(h, best) == 0)
		return e;
	if (rows_of(h, best) > FEW && hope(h, best, &hoped)) {
		db_limit(db, GUESS_MS);
		e = go(h, hoped);
		if (e != ERR_TIMEOUT)
			return e;
		db_limit(db, SEARCH_MS - GUESS_MS);
		e = survey(h, COUNT_SURE, &best);
	}
	return e == OK ? go(h, best) : e;
}

static bool
asks_for_key(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->ops[i].name, "KEY") == 0)
			return true;
	return false;
}

/* What a text takes in XML at most. */
static size_t
weigh(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += strchr("<>&'\"", *s) ? 6 : 1;
	return n;
}

static size_t
weigh_thing(const struct found_thing *t)
{
	enum { THING = 64, TAG = 24 }; /* names of elements and attributes */
	size_t n = THING + weigh(t->owner) + weigh(t->jid) +
	    weigh(t->node.node) + weigh(t->node.source) + weigh(t->node.cache);

	for (size_t i = 0; i < t->tags.n; i++)
		n += TAG + weigh(t->tags.v[i].name) + weigh(t->tags.v[i].value);
	return n;
}

/* add puts a thing into the answer, if there is room; *room is what is left. */
static enum err
add(struct searches *ss, int64_t id, xmpp_stanza_t *found, size_t *room)
{
	struct found_thing shown = { 0 };
	struct thing t;
	size_t size;
	enum err e = things_at(ss->things, id, &t);

	if (e != OK)
		return ERR_IO;
	shown.owner = t.owner;
	shown.jid = t.jid;
	shown.node = thing_key(&t).node;
	e = things_tags(ss->things, id, &shown.tags);
	size = e == OK ? weigh_thing(&shown) : 0;
	if (e == OK && size > *room)
		e = ERR_RANGE;
	if (e == OK) {
		*room -= size;
		found_add(found, &shown);
	}
	tags_fini(&shown.tags);
	thing_fini(&t);
	return e;
}

/* The last id of h only tells that there is more. */
static enum err
answer(struct hunt *h, xmpp_ctx_t *ctx, xmpp_stanza_t **out)
{
	size_t page = (size_t)h->limit - 1, room = SEARCH_BYTES, i;
	enum err e = OK;

	*out = found_build(ctx, h->n > page);
	for (i = 0; i < h->n && i < page; i++) {
		e = add(h->ss, h->ids[i], *out, &room);
		if (e != OK)
			break;
	}
	if (e == ERR_RANGE) {
		xmpp_stanza_set_attribute(*out, "more", "true");
		e = OK;
	}
	if (e != OK)
		xmpp_stanza_release(*out);
	return e;
}

static int64_t
total(struct searches *ss)
{
	sqlite3_stmt *st = ss->st[S_LAST];
	int64_t n = 0;

	db_bind(st, "");
	if (db_step(ss->db, st) == OK)
		n = sqlite3_column_int64(st, 0);
	db_end(st);
	return n;
}

static bool
in_debt(struct searches *ss)
{
	int64_t now = clock_mono(ss->clock);

	ss->debt_ms -= (now - ss->at) / 2;
	if (ss->debt_ms < 0)
		ss->debt_ms = 0;
	ss->at = now;
	return ss->debt_ms > DEBT_MAX_MS;
}

static void
owe(struct searches *ss)
{
	int64_t took = clock_mono(ss->clock) - ss->at;

	if (took > FREE_MS)
		ss->debt_ms += took - FREE_MS;
}

/* hunt_for finds and builds, by h whose terms are ready. */
static enum err
hunt_for(struct hunt *h, xmpp_ctx_t *ctx, xmpp_stanza_t **out)
{
	enum err e = find(h);

	db_limit(h->ss->db, 0);
	if (e == ERR_TIMEOUT)
		log_info("search", "given up after %d ms", SEARCH_MS);
	return e == OK ? answer(h, ctx, out) : e;
}

enum err
search_run(struct searches *ss, xmpp_ctx_t *ctx, const struct search *s,
    xmpp_stanza_t **out)
{
	struct hunt h = { .ss = ss, .offset = s->offset };
	int64_t page = (int64_t)ss->max_count;
	enum err e;

	if (asks_for_key(s)) {
		*out = found_build(ctx, false);
		return OK;
	}
	if (in_debt(ss))
		return ERR_REFUSED;
	if (s->count > 0 && s->count < page)
		page = s->count;
	h.limit = page + 1;
	h.ids = mem_array((size_t)h.limit, sizeof(*h.ids));
	h.total = total(ss);
	terms_init(&h.terms, s);
	e = hunt_for(&h, ctx, out);
	terms_fini(&h.terms);
	free(h.ids);
	owe(ss);
	return e;
}
