#include "gateway/store_impl.h"

#include <stdio.h>
#include <string.h>

static const char *
column(sqlite3_stmt *st, int i)
{
	const unsigned char *p = sqlite3_column_text(st, i);

	return p ? (const char *)p : "";
}

static enum err
read_tags(struct store *s, int64_t row, enum store_role role, struct tags *t)
{
	sqlite3_stmt *st = s->st[ST_TAGS];
	enum err e = OK;
	int rc;

	tags_fini(t);
	sqlite3_bind_int64(st, 1, row);
	sqlite3_bind_int(st, 2, (int)role);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && e == OK)
		e = tags_add(t, column(st, 0), column(st, 1),
		    sqlite3_column_int(st, 2) != 0, NULL);
	sqlite3_reset(st);
	return e == OK && rc == SQLITE_DONE ? OK : ERR_IO;
}

/* The node of a row, *at being that of the row before: both grow. */
static struct node *
owner_of(const struct nodes *t, size_t *at, int64_t row)
{
	while (*at < t->n && t->v[*at]->row < row)
		(*at)++;
	return *at < t->n && t->v[*at]->row == row ? t->v[*at] : NULL;
}

/* One walk over all of them: a query a node takes a third of the start. */
static enum err
load_tags(struct store *s, const struct nodes *t)
{
	sqlite3_stmt *st = s->st[ST_ALL_TAGS];
	enum err e = OK;
	size_t at = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW && e == OK) {
		struct node *n = owner_of(t, &at, sqlite3_column_int64(st, 0));
		int role = sqlite3_column_int(st, 1);

		if (n)
			e = tags_add(store_tags_of(n, (enum store_role)role),
			    column(st, 2), column(st, 3),
			    sqlite3_column_int(st, 4) != 0, NULL);
	}
	sqlite3_reset(st);
	return e == OK && rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err
load_learned(struct store *s, const struct nodes *t)
{
	sqlite3_stmt *st = s->st[ST_ALL_LEARNED];
	size_t at = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct node *n = owner_of(t, &at, sqlite3_column_int64(st, 0));

		if (!n)
			continue;
		learned_add(&n->learned, column(st, 1));
		n->learned.tmpl = sqlite3_column_int64(st, 2);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err
load_shares(struct store *s, const struct nodes *t)
{
	sqlite3_stmt *st = s->st[ST_ALL_SHARES];
	size_t at = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct node *n = owner_of(t, &at, sqlite3_column_int64(st, 0));

		if (n)
			shares_set(&n->shares, column(st, 1),
			    sqlite3_column_int(st, 2) != 0);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err
read_shares(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_SHARES];
	int rc;

	shares_fini(&n->shares);
	sqlite3_bind_int64(st, 1, n->row);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		shares_set(
		    &n->shares, column(st, 1), sqlite3_column_int(st, 2) != 0);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

/* Fills n from the row that st stands on (its tags are read afterwards). */
static enum err
read_node(sqlite3_stmt *st, struct node *n)
{
	n->row = sqlite3_column_int64(st, 0);
	snprintf(n->thing.owner, sizeof(n->thing.owner), "%s", column(st, 5));
	n->thing.self_owned = sqlite3_column_int(st, 6) != 0;
	n->thing.key_cleared = sqlite3_column_int(st, 7) != 0;
	n->thing.unregister_due = sqlite3_column_int(st, 8) != 0;
	snprintf(n->key, sizeof(n->key), "%s", column(st, 9));
	n->key_gen = sqlite3_column_int64(st, 10);
	n->frozen = sqlite3_column_int(st, 11) != 0;
	n->printed_gen = sqlite3_column_int64(st, 12);
	n->printed_utc = sqlite3_column_int64(st, 13);
	n->printed_copies = sqlite3_column_int(st, 14);
	return claim_parse(column(st, 4), &n->thing.claim);
}

static enum err
read_all_tags(struct store *s, struct node *n)
{
	if (read_tags(s, n->row, STORE_CLAIM, &n->claim) != OK ||
	    read_tags(s, n->row, STORE_ACKED, &n->acked) != OK)
		return ERR_IO;
	return read_tags(s, n->row, STORE_META, &n->meta);
}

enum err
store_load(struct store *s, struct nodes *t, struct errbuf *eb)
{
	sqlite3_stmt *st = s->st[ST_NODES];
	enum err e = OK;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW && e == OK) {
		struct node_ref ref = { column(st, 1), column(st, 2),
			column(st, 3) };

		e = read_node(st, nodes_add(t, &ref));
	}
	sqlite3_reset(st);
	if (rc != SQLITE_DONE && e == OK)
		e = ERR_IO;
	if (e == OK)
		e = load_tags(s, t);
	if (e == OK)
		e = load_learned(s, t);
	if (e == OK)
		e = load_shares(s, t);
	if (e != OK)
		return errbuf_set(eb, ERR_IO,
		    "the state file cannot be read: %s; restore a backup, or "
		    "move it away and reset the nodes",
		    sqlite3_errmsg(s->db));
	return OK;
}

/* What a failed transaction inserted has a row no more. */
static void
never_written(struct node *n)
{
	n->row = 0;
	memset(&n->thing, 0, sizeof(n->thing));
	n->frozen = false;
	n->printed_gen = 0;
	tags_fini(&n->claim);
	tags_fini(&n->acked);
	tags_fini(&n->meta);
	shares_fini(&n->shares);
}

enum err
store_reload(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_NODE];
	enum err e = ERR_IO;
	int rc;

	store_bind(st, 1, n->id);
	store_bind(st, 2, n->source);
	store_bind(st, 3, n->cache);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		e = read_node(st, n);
	sqlite3_reset(st);
	if (rc != SQLITE_DONE) {
		if (e == OK)
			e = read_all_tags(s, n);
		return e == OK ? read_shares(s, n) : e;
	}
	never_written(n);
	return ERR_NOTFOUND;
}

void
store_known(struct store *s, const char *name, char *out, size_t size)
{
	sqlite3_stmt *st = s->st[ST_KNOWN];

	out[0] = '\0';
	store_bind(st, 1, name);
	if (sqlite3_step(st) == SQLITE_ROW)
		snprintf(
		    out, size, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_reset(st);
}

void
store_decisions(struct store *s,
    void (*each)(void *arg, const char *question, const char *answer),
    void *arg)
{
	sqlite3_stmt *st = s->st[ST_DECISIONS];

	while (sqlite3_step(st) == SQLITE_ROW)
		each(arg, column(st, 0), column(st, 1));
	sqlite3_reset(st);
}
