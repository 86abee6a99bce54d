#include "registry/search_sql.h"

#include "common/mem.h"
#include "protocol/xmltype.h"
#include "registry/mask.h"
#include "registry/things.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The parameters of a term, then those of the query. */
enum { P_NAME = 1, P_LOW, P_HIGH, P_WILD, P_FROM, P_TO, P_TERM = P_TO };
enum { Q_LIMIT = 1, Q_OFFSET, Q_LAT0, Q_LAT1, Q_LON0, Q_LON1 };

/* c: the column; L H W F T: parameters; < >: with = if that end is in the
 * range, and { }: with = if it is out of it. */
static const char *const conditions[SEARCH_KINDS] = {
	[SEARCH_EQ] = "$c = $L",
	[SEARCH_NEQ] = "$c <> $L",
	[SEARCH_GT] = "$c > $L",
	[SEARCH_GTEQ] = "$c >= $L",
	[SEARCH_LT] = "$c < $L",
	[SEARCH_LTEQ] = "$c <= $L",
	[SEARCH_RANGE] = "$c $> $L AND $c $< $H",
	[SEARCH_NRANGE] = "($c ${ $L OR $c $} $H)",
	[SEARCH_MASK] = "mask($c, $L, $W)",
};

static const char mask_span[] = "$c >= $F AND $c < $T";

/* Bounds that an operator sets to its tag, for the box. */
enum { AT_LEAST = 1, AT_MOST = 2 };
static const int bounds[SEARCH_KINDS] = {
	[SEARCH_EQ] = AT_LEAST | AT_MOST,
	[SEARCH_GT] = AT_LEAST,
	[SEARCH_GTEQ] = AT_LEAST,
	[SEARCH_LT] = AT_MOST,
	[SEARCH_LTEQ] = AT_MOST,
	[SEARCH_RANGE] = AT_LEAST | AT_MOST,
};

/* The least text that is greater than all that begin with prefix.  No byte of
 * UTF-8 is the last one there is. */
static char *
after(const char *prefix)
{
	char *s = mem_strdup(prefix);
	size_t n = strlen(s);

	s[n - 1] = (char)((unsigned char)s[n - 1] + 1);
	return s;
}

static void
term_init(struct term *t, const struct search_op *op)
{
	const char *wild;

	*t = (struct term){ .op = op, .kind = op->kind };
	if (op->num && xml_double(op->value, &t->low) == OK)
		t->high = t->low;
	if (op->num && op->max && xml_double(op->max, &t->high) != OK)
		t->high = t->low;
	if (op->kind != SEARCH_MASK)
		return;
	wild = strstr(op->value, op->wildcard);
	if (!wild) {
		t->kind = SEARCH_EQ;
	} else if (wild > op->value) {
		t->from = mem_strndup(op->value, (size_t)(wild - op->value));
		t->to = after(t->from);
	}
}

static void
narrow(const struct term *t, const char *name, double *low, double *high)
{
	if (!t->op->num || strcmp(t->op->name, name) != 0)
		return;
	if (bounds[t->kind] & AT_LEAST)
		*low = fmax(*low, t->low);
	if (bounds[t->kind] & AT_MOST)
		*high = fmin(*high, t->high);
}

void
terms_init(struct terms *t, const struct search *s)
{
	t->n = s->n;
	t->lat0 = t->lon0 = -INFINITY;
	t->lat1 = t->lon1 = INFINITY;
	for (size_t i = 0; i < s->n; i++) {
		term_init(&t->v[i], &s->ops[i]);
		narrow(&t->v[i], "LAT", &t->lat0, &t->lat1);
		narrow(&t->v[i], "LON", &t->lon0, &t->lon1);
	}
	/* Beyond PLACE_MAX there may be things that are not on the map. */
	t->boxed = t->lat0 >= -PLACE_MAX && t->lat1 <= PLACE_MAX &&
	    t->lon0 >= -PLACE_MAX && t->lon1 <= PLACE_MAX;
}

void
terms_fini(struct terms *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].from);
		free(t->v[i].to);
	}
	t->n = 0;
}

/* Where a term's condition stands: on the row that leads (d), where its index
 * shall be used, or on a row to check (x), where "+" keeps the planner from
 * any index but the primary key. */
struct where {
	const struct terms *terms;
	size_t term;
	const char *row; /* "d." or "+x." */
};

static void
put_parameter(const struct where *w, int which, struct buf *out)
{
	buf_printf(out, "?%zu", w->term * P_TERM + (size_t)which);
}

static void
put_piece(const struct where *w, char piece, struct buf *out)
{
	static const char letters[] = "NLHWFT";
	const struct search_op *op = w->terms->v[w->term].op;
	const char *at = strchr(letters, piece);

	switch (piece) {
	case 'c':
		buf_printf(out, "%s%s", w->row, op->num ? "num" : "value");
		break;
	case '>':
		buf_puts(out, op->min_out ? ">" : ">=");
		break;
	case '<':
		buf_puts(out, op->max_out ? "<" : "<=");
		break;
	case '{':
		buf_puts(out, op->min_out ? "<=" : "<");
		break;
	case '}':
		buf_puts(out, op->max_out ? ">=" : ">");
		break;
	default:
		put_parameter(w, P_NAME + (int)(at - letters), out);
	}
}

static void
put(const struct where *w, const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '$')
			put_piece(w, *++text, out);
		else
			buf_putc(out, *text);
	}
}

/* A part of the index that holds all rows of the term, if not only those. */
static void
put_span(const struct where *w, struct buf *out)
{
	const struct term *t = &w->terms->v[w->term];

	put(w, "d.name = $N AND d.num IS ", out);
	buf_puts(out, t->op->num ? "NOT NULL" : "NULL");
	if (t->from) {
		buf_puts(out, " AND ");
		put(w, mask_span, out);
	} else if (t->kind == SEARCH_EQ || bounds[t->kind]) {
		buf_puts(out, " AND ");
		put(w, conditions[t->kind], out);
	}
}

static void
put_check(const struct where *w, const char *id, struct buf *out)
{
	const struct term *t = &w->terms->v[w->term];

	buf_printf(
	    out, " AND EXISTS (SELECT 1 FROM tag AS x WHERE x.thing = %s", id);
	put(w, " AND x.name = $N AND +x.num IS ", out);
	buf_puts(out, t->op->num ? "NOT NULL AND " : "NULL AND ");
	put(w, conditions[t->kind], out);
	buf_putc(out, ')');
}

static void
put_lead(const struct terms *t, struct way way, struct buf *out)
{
	const struct where w = { t, way.term, "d." };

	buf_printf(out, "FROM tag AS d INDEXED BY %s",
	    t->v[way.term].op->num ? "tag_num" : "tag_str");
	buf_puts(out, " CROSS JOIN thing AS t ON t.id = d.thing WHERE ");
	put_span(&w, out);
	if (t->v[way.term].kind == SEARCH_MASK ||
	    t->v[way.term].kind == SEARCH_NEQ ||
	    t->v[way.term].kind == SEARCH_NRANGE) {
		buf_puts(out, " AND ");
		put(&w, conditions[t->v[way.term].kind], out);
	}
	buf_puts(out, " AND t.public");
}

static void
put_box(const struct terms *t, struct buf *out)
{
	const size_t q = t->n * P_TERM;

	buf_printf(out,
	    "p.lat1 >= ?%zu AND p.lat0 <= ?%zu AND p.lon1 >= ?%zu"
	    " AND p.lon0 <= ?%zu",
	    q + Q_LAT0, q + Q_LAT1, q + Q_LON0, q + Q_LON1);
}

void
search_sql(const struct terms *t, struct way way, struct buf *out)
{
	/* By the name it has in the row that leads: an index of equal values is
	 * in that order, and what is false of a thing need not be fetched. */
	static const char *const ids[] = {
		[WAY_TAG] = "d.thing",
		[WAY_PLACE] = "p.id",
		[WAY_ALL] = "t.id",
	};
	const char *id = ids[way.kind];
	const size_t q = t->n * P_TERM;

	buf_printf(out, "SELECT %s ", id);
	switch (way.kind) {
	case WAY_TAG:
		put_lead(t, way, out);
		break;
	case WAY_PLACE:
		buf_puts(out,
		    "FROM place AS p CROSS JOIN thing AS t ON t.id = p.id"
		    " WHERE ");
		put_box(t, out);
		buf_puts(out, " AND t.public");
		break;
	case WAY_ALL:
		buf_puts(out,
		    "FROM thing AS t INDEXED BY thing_public"
		    " WHERE t.public");
		break;
	}
	for (size_t i = 0; i < t->n; i++)
		if (way.kind != WAY_TAG || i != way.term)
			put_check(&(struct where){ t, i, "+x." }, id, out);
	buf_printf(out, " ORDER BY %s LIMIT ?%zu OFFSET ?%zu", id, q + Q_LIMIT,
	    q + Q_OFFSET);
}

void
count_sql(const struct terms *t, struct way way, struct buf *out)
{
	const struct where w = { t, way.term, "d." };

	buf_puts(out, "SELECT count(*) FROM (SELECT 1 FROM ");
	if (way.kind == WAY_PLACE) {
		buf_puts(out, "place AS p WHERE ");
		put_box(t, out);
	} else {
		buf_printf(out, "tag AS d INDEXED BY %s WHERE ",
		    t->v[way.term].op->num ? "tag_num" : "tag_str");
		put_span(&w, out);
	}
	buf_printf(out, " LIMIT ?%zu)", t->n * P_TERM + Q_LIMIT);
}

static void
bind_text(sqlite3_stmt *st, size_t at, const char *text)
{
	sqlite3_bind_text(st, (int)at, text, -1, SQLITE_STATIC);
}

static void
bind_term(sqlite3_stmt *st, size_t at, const struct term *t)
{
	bind_text(st, at + P_NAME, t->op->name);
	if (t->op->num) {
		sqlite3_bind_double(st, (int)at + P_LOW, t->low);
		sqlite3_bind_double(st, (int)at + P_HIGH, t->high);
	} else {
		bind_text(st, at + P_LOW, t->op->value);
		bind_text(st, at + P_HIGH, t->op->max);
	}
	bind_text(st, at + P_WILD, t->op->wildcard);
	bind_text(st, at + P_FROM, t->from);
	bind_text(st, at + P_TO, t->to);
}

/* A query has no parameters beyond its last one; binding those does nothing. */
void
terms_bind(
    const struct terms *t, sqlite3_stmt *st, int64_t limit, int64_t offset)
{
	const int q = (int)t->n * P_TERM;

	for (size_t i = 0; i < t->n; i++)
		bind_term(st, i * P_TERM, &t->v[i]);
	sqlite3_bind_int64(st, q + Q_LIMIT, limit);
	sqlite3_bind_int64(st, q + Q_OFFSET, offset);
	sqlite3_bind_double(st, q + Q_LAT0, t->lat0);
	sqlite3_bind_double(st, q + Q_LAT1, t->lat1);
	sqlite3_bind_double(st, q + Q_LON0, t->lon0);
	sqlite3_bind_double(st, q + Q_LON1, t->lon1);
}

static const char *
argument(sqlite3_value *v)
{
	const unsigned char *text = sqlite3_value_text(v);

	return text ? (const char *)text : "";
}

static void
mask_function(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int(
	    c, mask_match(argument(v[0]), argument(v[1]), argument(v[2])));
}

enum err
search_sql_ready(sqlite3 *db)
{
	return sqlite3_create_function(db, "mask", 3,
		   SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
		   mask_function, NULL, NULL) == SQLITE_OK
	    ? OK
	    : ERR_IO;
}
