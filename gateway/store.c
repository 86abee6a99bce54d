#include "gateway/store_impl.h"

#include "common/log.h"

#include <stdio.h>

static enum err
fail(struct store *s, const char *doing)
{
	if (!s->failed)
		snprintf(s->why, sizeof(s->why), "%s: %s", doing,
		    sqlite3_errmsg(s->db));
	s->failed = true;
	return ERR_IO;
}

/* Runs a statement that yields no rows. */
static enum err
run(struct store *s, enum statement which)
{
	sqlite3_stmt *st = s->st[which];
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err
begin(struct store *s)
{
	if (s->failed)
		return ERR_IO;
	if (s->open_tx)
		return OK;
	if (run(s, ST_BEGIN) != OK)
		return fail(s, "cannot begin to write");
	s->open_tx = true;
	return OK;
}

enum err
store_node(struct store *s, struct node *n)
{
	enum statement which = n->row ? ST_UPDATE : ST_INSERT;
	sqlite3_stmt *st = s->st[which];

	if (begin(s) != OK)
		return ERR_IO;
	store_bind(st, 1, n->id);
	store_bind(st, 2, n->source);
	store_bind(st, 3, n->cache);
	store_bind(st, 4, claim_name(n->thing.claim));
	store_bind(st, 5, n->thing.owner);
	sqlite3_bind_int(st, 6, n->thing.self_owned);
	sqlite3_bind_int(st, 7, n->thing.key_cleared);
	sqlite3_bind_int(st, 8, n->thing.unregister_due);
	store_bind(st, 9, n->key);
	sqlite3_bind_int64(st, 10, n->key_gen);
	sqlite3_bind_int(st, 11, n->frozen);
	sqlite3_bind_int64(st, 12, n->printed_gen);
	sqlite3_bind_int64(st, 13, n->printed_utc);
	sqlite3_bind_int(st, 14, n->printed_copies);
	if (run(s, which) != OK)
		return fail(s, "cannot write a node");
	if (which == ST_INSERT)
		n->row = sqlite3_last_insert_rowid(s->db);
	else if (sqlite3_changes(s->db) != 1)
		return fail(s, "the row of a node is not there");
	return OK;
}

void
store_bind(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_TRANSIENT);
}

struct tags *
store_tags_of(struct node *n, enum store_role role)
{
	return role == STORE_CLAIM ? &n->claim
	    : role == STORE_ACKED  ? &n->acked
				   : &n->meta;
}

enum err
store_tags(struct store *s, struct node *n, enum store_role role)
{
	const struct tags *t = store_tags_of(n, role);
	sqlite3_stmt *st = s->st[ST_TAG_ADD];

	if (begin(s) != OK || (n->row == 0 && store_node(s, n) != OK))
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_TAG_CLEAR], 1, n->row);
	sqlite3_bind_int(s->st[ST_TAG_CLEAR], 2, (int)role);
	if (run(s, ST_TAG_CLEAR) != OK)
		return fail(s, "cannot write tags");
	for (size_t i = 0; i < t->n; i++) {
		sqlite3_bind_int64(st, 1, n->row);
		sqlite3_bind_int(st, 2, (int)role);
		sqlite3_bind_int64(st, 3, (sqlite3_int64)i);
		store_bind(st, 4, t->v[i].name);
		sqlite3_bind_int(st, 5, t->v[i].num);
		store_bind(st, 6, t->v[i].value);
		if (run(s, ST_TAG_ADD) != OK)
			return fail(s, "cannot write tags");
	}
	return OK;
}

enum err
store_learned(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_LEARNED_ADD];

	if (begin(s) != OK || (n->row == 0 && store_node(s, n) != OK))
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_LEARNED_CLEAR], 1, n->row);
	if (run(s, ST_LEARNED_CLEAR) != OK)
		return fail(s, "cannot write what was learned");
	for (size_t i = 0; i < n->learned.n; i++) {
		sqlite3_bind_int64(st, 1, n->row);
		store_bind(st, 2, n->learned.fields[i]);
		sqlite3_bind_int64(st, 3, n->learned.tmpl);
		if (run(s, ST_LEARNED_ADD) != OK)
			return fail(s, "cannot write what was learned");
	}
	return OK;
}

enum err
store_shares(struct store *s, struct node *n)
{
	sqlite3_stmt *st = s->st[ST_SHARE_ADD];

	if (begin(s) != OK || (n->row == 0 && store_node(s, n) != OK))
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_SHARE_CLEAR], 1, n->row);
	if (run(s, ST_SHARE_CLEAR) != OK)
		return fail(s, "cannot write shares");
	for (size_t i = 0; i < n->shares.n; i++) {
		sqlite3_bind_int64(st, 1, n->row);
		store_bind(st, 2, n->shares.v[i].bare);
		sqlite3_bind_int(st, 3, n->shares.v[i].control);
		if (run(s, ST_SHARE_ADD) != OK)
			return fail(s, "cannot write shares");
	}
	return OK;
}

enum err
store_decide(struct store *s, const char *question, const char *answer)
{
	if (begin(s) != OK)
		return ERR_IO;
	store_bind(s->st[ST_DECIDE], 1, question);
	store_bind(s->st[ST_DECIDE], 2, answer);
	return run(s, ST_DECIDE) == OK ? OK : fail(s, "cannot write");
}

enum err
store_undecide(struct store *s, const char *question)
{
	if (begin(s) != OK)
		return ERR_IO;
	store_bind(s->st[ST_UNDECIDE], 1, question);
	return run(s, ST_UNDECIDE) == OK ? OK : fail(s, "cannot write");
}

enum err
store_undecide_all(struct store *s)
{
	if (begin(s) != OK)
		return ERR_IO;
	return run(s, ST_UNDECIDE_ALL) == OK ? OK : fail(s, "cannot write");
}

enum err
store_delete(struct store *s, const struct node *n)
{
	if (n->row == 0)
		return OK;
	if (begin(s) != OK)
		return ERR_IO;
	sqlite3_bind_int64(s->st[ST_DELETE], 1, n->row);
	if (run(s, ST_DELETE) != OK)
		return fail(s, "cannot delete a node");
	return OK;
}

enum err
store_know(struct store *s, const char *name, const char *value)
{
	if (begin(s) != OK)
		return ERR_IO;
	store_bind(s->st[ST_KNOW], 1, name);
	store_bind(s->st[ST_KNOW], 2, value);
	return run(s, ST_KNOW) == OK ? OK : fail(s, "cannot write");
}

enum err
store_commit(struct store *s, struct errbuf *eb)
{
	if (!s->open_tx && !s->failed)
		return OK;
	if (!s->failed && run(s, ST_COMMIT) != OK)
		fail(s, "cannot commit");
	if (s->failed && !sqlite3_get_autocommit(s->db) &&
	    run(s, ST_ROLLBACK) != OK)
		log_err("store", "cannot roll back: %s", sqlite3_errmsg(s->db));
	s->open_tx = false;
	if (!s->failed)
		return OK;
	s->failed = false;
	return errbuf_set(eb, ERR_IO, "%s", s->why);
}
