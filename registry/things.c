#include "registry/things.h"

#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "protocol/jid.h"
#include "registry/tagstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS "id, jid, node, source, cache, owner, public, via"
#define THIS "jid = ?1 AND node = ?2 AND source = ?3 AND cache = ?4"

enum {
	S_FIND,
	S_FULL,
	S_MATCH,
	S_INSERT,
	S_REPLACE,
	S_OWN,
	S_VIA,
	S_CANON,
	S_DISOWN,
	S_DELETE,
	S_UNREGISTER,
	S_AT,
	S_COUNT
};

static const char *const sql[S_COUNT] = {
	[S_FIND] = "SELECT " COLUMNS " FROM thing WHERE " THIS,
	[S_FULL] = "SELECT (SELECT count(*) FROM thing WHERE jid = ?1)"
		   " + (SELECT count(*) FROM notice WHERE jid = ?1)",
	[S_MATCH] = "SELECT " COLUMNS " FROM thing WHERE canon = ?1"
		    " AND (?2 = '' OR node = ?2) AND (?3 = '' OR source = ?3)"
		    " AND (?4 = '' OR cache = ?4) LIMIT 2",
	[S_INSERT] = "INSERT INTO thing"
		     " (jid, node, source, cache, owner, public, canon, via)"
		     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?8, ?7)",
	[S_REPLACE] = "UPDATE thing"
		      " SET owner = ?5, public = ?6, via = ?7, canon = ?8"
		      " WHERE " THIS,
	[S_OWN] = "UPDATE thing SET owner = ?2, public = ?3 WHERE id = ?1",
	[S_VIA] = "UPDATE thing SET via = ?2 WHERE id = ?1",
	[S_CANON] = "UPDATE thing SET canon = ?2 WHERE id = ?1",
	[S_DISOWN] = "UPDATE thing SET owner = NULL, public = 0 WHERE id = ?1",
	[S_DELETE] = "DELETE FROM thing WHERE id = ?1",
	[S_UNREGISTER] = "DELETE FROM thing WHERE " THIS,
	[S_AT] = "SELECT " COLUMNS " FROM thing WHERE id = ?1",
};

/* The account whose records were counted last, and how many more it may
 * register before they are counted again. */
struct room {
	char jid[JID_SIZE];
	size_t left;
};

struct things {
	struct db *db;
	size_t max_tags, max_things;
	struct room room;
	struct tagstore tags;
	sqlite3_stmt *st[S_COUNT];
};

enum err
things_new(
    struct db *db, size_t max_tags, struct things **out, struct errbuf *eb)
{
	struct things *ts = mem_zalloc(sizeof(*ts));
	enum err e;

	ts->db = db;
	ts->max_tags = max_tags;
	ts->max_things = THINGS_MAX;
	e = db_prepare(db, sql, S_COUNT, ts->st, eb);
	if (e == OK)
		e = tagstore_init(&ts->tags, db, eb);
	if (e != OK) {
		things_free(ts);
		ts = NULL;
	}
	*out = ts;
	return e;
}

void
things_limit(struct things *ts, size_t max)
{
	ts->max_things = max;
}

void
things_free(struct things *ts)
{
	free(ts);
}

void
thing_fini(struct thing *t)
{
	free(t->jid);
	free(t->node);
	free(t->source);
	free(t->cache);
	free(t->owner);
	free(t->via);
	*t = (struct thing){ 0 };
}

struct thing_key
thing_key(const struct thing *t)
{
	return (struct thing_key){ .jid = t->jid,
		.node = {
		    .node = t->node, .source = t->source, .cache = t->cache } };
}

static void
read_thing(sqlite3_stmt *st, struct thing *out)
{
	bool claimed = sqlite3_column_type(st, 5) != SQLITE_NULL;

	*out = (struct thing){
		.id = sqlite3_column_int64(st, 0),
		.jid = mem_strdup(db_text(st, 1)),
		.node = mem_strdup(db_text(st, 2)),
		.source = mem_strdup(db_text(st, 3)),
		.cache = mem_strdup(db_text(st, 4)),
		.owner = claimed ? mem_strdup(db_text(st, 5)) : NULL,
		.is_public = sqlite3_column_int(st, 6),
		.via = mem_strdup(db_text(st, 7)),
	};
}

enum err
things_find(struct things *ts, const struct thing_key *key, struct thing *out)
{
	sqlite3_stmt *st = ts->st[S_FIND];
	enum err e;

	*out = (struct thing){ 0 };
	db_bind(st, "tttt", key->jid, key->node.node, key->node.source,
	    key->node.cache);
	e = db_step(ts->db, st);
	if (e != OK)
		return e;
	read_thing(st, out);
	db_end(st);
	return OK;
}

enum err
things_at(struct things *ts, int64_t id, struct thing *out)
{
	sqlite3_stmt *st = ts->st[S_AT];
	enum err e;

	*out = (struct thing){ 0 };
	db_bind(st, "i", id);
	e = db_step(ts->db, st);
	if (e != OK)
		return e;
	read_thing(st, out);
	db_end(st);
	return OK;
}

enum err
things_tags(struct things *ts, int64_t id, struct tags *out)
{
	return tagstore_read(&ts->tags, id, out);
}

static char *
canonical(const struct tags *tags)
{
	struct buf canon = { 0 };

	tags_canonical(tags, &canon);
	return buf_take(&canon);
}

/* replace_tags gives tags to a record that has old. */
static enum err
replace_tags(struct things *ts, int64_t id, const struct tags *old,
    const struct tags *tags)
{
	char *canon = canonical(tags);
	enum err e = tagstore_write(&ts->tags, id, old, tags);

	if (e == OK)
		e = db_exec(ts->db, ts->st[S_CANON], "it", id, canon);
	mem_free_secret(canon);
	return e;
}

/* has_room: a notice outlives its record, so it counts too, or an account that
 * never takes any could fill the disk with them.  Counting takes longer the
 * more there are, so what it finds serves for a while. */
static enum err
has_room(struct things *ts, const char *jid)
{
	enum { RECOUNT = 100 };
	sqlite3_stmt *st = ts->st[S_FULL];
	struct room *room = &ts->room;
	size_t n;

	if (room->left == 0 || strcmp(room->jid, jid) != 0) {
		db_bind(st, "t", jid);
		if (db_step(ts->db, st) != OK)
			return ERR_IO;
		n = (size_t)sqlite3_column_int64(st, 0);
		db_end(st);
		if (n >= ts->max_things)
			return ERR_REFUSED;
		n = ts->max_things - n;
		room->left = n < RECOUNT ? n : RECOUNT;
		snprintf(room->jid, sizeof(room->jid), "%s", jid);
	}
	room->left--;
	return OK;
}

/* put_record makes the record, or changes the one that exists; its tags are
 * left to the caller. */
static enum err
put_record(struct things *ts, const struct thing_record *r, bool exists,
    const struct tags *tags)
{
	const struct thing_key *k = &r->key;
	char *canon = canonical(tags);
	enum err e;

	e = db_exec(ts->db, ts->st[exists ? S_REPLACE : S_INSERT], "tttttitt",
	    k->jid, k->node.node, k->node.source, k->node.cache, r->owner,
	    (int64_t)r->is_public, r->via, canon);
	mem_free_secret(canon);
	return e;
}

static enum err
insert(struct things *ts, const struct thing_record *r, const struct tags *tags)
{
	const struct tags none = { 0 };
	enum err e = put_record(ts, r, false, tags);

	return e != OK
	    ? e
	    : tagstore_write(&ts->tags, db_last_id(ts->db), &none, tags);
}

/* replace makes the record id what r and tags say. */
static enum err
replace(struct things *ts, int64_t id, const struct thing_record *r,
    const struct tags *tags)
{
	struct tags old = { 0 };
	enum err e = things_tags(ts, id, &old);

	if (e == OK)
		e = put_record(ts, r, true, tags);
	if (e == OK)
		e = tagstore_write(&ts->tags, id, &old, tags);
	tags_fini(&old);
	return e;
}

/* register_as does the work of things_register once the record may be had;
 * old has no id: there is none yet. */
static enum err
register_as(struct things *ts, const struct thing_record *r,
    const struct tags *tags, const struct thing *old)
{
	struct tags kept = { 0 };
	enum err e;

	tags_copy(&kept, tags);
	tags_drop_empty(&kept);
	if (kept.n > ts->max_tags)
		e = ERR_RANGE;
	else if (old->id)
		e = replace(ts, old->id, r, &kept);
	else
		e = has_room(ts, r->key.jid);
	if (e == OK && !old->id)
		e = insert(ts, r, &kept);
	tags_fini(&kept);
	return e;
}

static enum err
note_via(struct things *ts, const struct thing *t, const char *via)
{
	if (strcmp(t->via, via) == 0)
		return OK;
	return db_exec(ts->db, ts->st[S_VIA], "it", t->id, via);
}

enum err
things_register(struct things *ts, const struct thing_origin *from,
    const struct tags *tags, bool self_owned, struct thing *claimed)
{
	const struct thing_record r = { .key = from->key,
		.owner = self_owned ? from->key.jid : NULL,
		.is_public = self_owned,
		.via = from->via };
	struct thing old = { 0 };
	enum err e;

	*claimed = old;
	e = db_write(ts->db);
	if (e == OK)
		e = things_find(ts, &from->key, &old);
	if (e != OK && e != ERR_NOTFOUND)
		return e;
	if (!old.owner) {
		e = register_as(ts, &r, tags, &old);
		thing_fini(&old);
		return e;
	}
	e = note_via(ts, &old, from->via);
	if (e == OK) {
		*claimed = old;
		return ERR_BUSY;
	}
	thing_fini(&old);
	return e;
}

enum err
things_restore(
    struct things *ts, const struct thing_record *r, const struct tags *tags)
{
	struct thing old = { 0 };
	enum err e = db_write(ts->db);

	if (e == OK)
		e = things_find(ts, &r->key, &old);
	thing_fini(&old);
	if (e == ERR_NOTFOUND)
		return insert(ts, r, tags);
	return e == OK ? ERR_BUSY : e;
}

/* match finds the one record with exactly these tags.  Equal records are told
 * apart by nobody, so none of them is picked; and a record without tags, which
 * everybody could name, is never matched. */
static enum err
match(struct things *ts, const struct thing_claim *claim, struct thing *out)
{
	sqlite3_stmt *st = ts->st[S_MATCH];
	struct tags wanted = { 0 };
	struct buf canon = { 0 };
	enum err e = ERR_NOTFOUND;

	tags_copy(&wanted, claim->tags);
	tags_drop_empty(&wanted);
	if (wanted.n == 0)
		goto out;
	tags_canonical(&wanted, &canon);
	db_bind(st, "tttt", canon.data, claim->node.node, claim->node.source,
	    claim->node.cache);
	e = db_step(ts->db, st);
	if (e != OK)
		goto out;
	read_thing(st, out);
	e = db_step(ts->db, st);
	db_end(st);
	if (e == OK)
		log_warn("claim",
		    "several things registered the same tags as %s: none of "
		    "them can be claimed",
		    out->jid);
	e = e == ERR_NOTFOUND ? OK : e == OK ? ERR_NOTFOUND : e;
out:
	db_end(st);
	tags_fini(&wanted);
	buf_fini(&canon);
	if (e != OK)
		thing_fini(out);
	return e;
}

enum err
things_claim(struct things *ts, const struct thing_claim *claim,
    struct thing *out, bool *news)
{
	enum err e;

	*out = (struct thing){ 0 };
	*news = false;
	e = db_write(ts->db);
	if (e == OK)
		e = match(ts, claim, out);
	if (e != OK)
		return e;
	if (out->owner && strcmp(out->owner, claim->owner) != 0) {
		thing_fini(out);
		return ERR_NOTFOUND;
	}
	*news = !out->owner || out->is_public != claim->is_public;
	mem_set(&out->owner, claim->owner);
	out->is_public = claim->is_public;
	e = db_exec(ts->db, ts->st[S_OWN], "iti", out->id, claim->owner,
	    (int64_t)claim->is_public);
	if (e != OK)
		thing_fini(out);
	return e;
}

enum err
things_update(
    struct things *ts, const struct thing_origin *from, const struct tags *tags)
{
	struct thing t;
	enum err e;

	e = db_write(ts->db);
	if (e == OK)
		e = things_find(ts, &from->key, &t);
	if (e != OK)
		return e;
	e = note_via(ts, &t, from->via);
	if (e == OK)
		e = t.owner ? things_merge(ts, t.id, tags) : ERR_REFUSED;
	thing_fini(&t);
	return e;
}

enum err
things_owned(struct things *ts, const struct thing_key *key, const char *owner,
    struct thing *out)
{
	enum err e = things_find(ts, key, out);

	if (e != OK)
		return e;
	if (out->owner && strcmp(out->owner, owner) == 0)
		return OK;
	thing_fini(out);
	return ERR_NOTFOUND;
}

enum err
things_merge(struct things *ts, int64_t id, const struct tags *tags)
{
	struct tags old = { 0 }, all = { 0 };
	enum err e;

	e = db_write(ts->db);
	if (e == OK)
		e = things_tags(ts, id, &old);
	tags_copy(&all, &old);
	if (e == OK)
		e = tags_merge(&all, tags);
	if (e == OK && all.n > ts->max_tags && all.n > old.n)
		e = ERR_RANGE;
	if (e == OK)
		e = replace_tags(ts, id, &old, &all);
	tags_fini(&old);
	tags_fini(&all);
	return e;
}

enum err
things_delete(struct things *ts, int64_t id)
{
	enum err e = db_write(ts->db);

	return e != OK ? e : db_exec(ts->db, ts->st[S_DELETE], "i", id);
}

enum err
things_unregister(struct things *ts, const struct thing_key *key)
{
	enum err e = db_write(ts->db);

	if (e != OK)
		return e;
	return db_exec(ts->db, ts->st[S_UNREGISTER], "tttt", key->jid,
	    key->node.node, key->node.source, key->node.cache);
}

enum err
things_disown(struct things *ts, int64_t id)
{
	struct tags old = { 0 }, only = { 0 };
	char key[KEY_SIZE];
	enum err e;

	key_new(key);
	e = tags_add(&only, "KEY", key, false, NULL);
	if (e == OK)
		e = db_write(ts->db);
	if (e == OK)
		e = things_tags(ts, id, &old);
	if (e == OK)
		e = db_exec(ts->db, ts->st[S_DISOWN], "i", id);
	if (e == OK)
		e = replace_tags(ts, id, &old, &only);
	tags_fini(&old);
	tags_fini(&only);
	explicit_bzero(key, sizeof(key));
	return e;
}
