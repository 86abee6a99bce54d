#include "registry/things.h"

#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "protocol/xmltype.h"

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
	S_TAGS,
	S_TAGS_CLEAR,
	S_TAG_ADD,
	S_AT,
	S_PLACE_SAME,
	S_PLACE_PUT,
	S_PLACE_DROP,
	S_COUNT
};

static const char *const sql[S_COUNT] = {
	[S_FIND] = "SELECT " COLUMNS " FROM thing WHERE " THIS,
	[S_FULL] = "SELECT (SELECT count(*) FROM thing WHERE jid = ?1)"
		   " + (SELECT count(*) FROM notice WHERE jid = ?1) >= ?2",
	[S_MATCH] = "SELECT " COLUMNS " FROM thing WHERE canon = ?1"
		    " AND (?2 = '' OR node = ?2) AND (?3 = '' OR source = ?3)"
		    " AND (?4 = '' OR cache = ?4) LIMIT 2",
	[S_INSERT] = "INSERT INTO thing"
		     " (jid, node, source, cache, owner, public, canon, via)"
		     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7)",
	[S_REPLACE] = "UPDATE thing SET owner = ?5, public = ?6, via = ?7"
		      " WHERE " THIS,
	[S_OWN] = "UPDATE thing SET owner = ?2, public = ?3 WHERE id = ?1",
	[S_VIA] = "UPDATE thing SET via = ?2 WHERE id = ?1",
	[S_CANON] = "UPDATE thing SET canon = ?2 WHERE id = ?1",
	[S_DISOWN] = "UPDATE thing SET owner = NULL, public = 0 WHERE id = ?1",
	[S_DELETE] = "DELETE FROM thing WHERE id = ?1",
	[S_UNREGISTER] = "DELETE FROM thing WHERE " THIS,
	[S_TAGS] = "SELECT name, value, num IS NOT NULL FROM tag"
		   " WHERE thing = ?1 ORDER BY name",
	[S_TAGS_CLEAR] = "DELETE FROM tag WHERE thing = ?1",
	[S_TAG_ADD] = "INSERT INTO tag (thing, name, value, num)"
		      " VALUES (?1, ?2, ?3, ?4)",
	[S_AT] = "SELECT " COLUMNS " FROM thing WHERE id = ?1",
	[S_PLACE_SAME] = "SELECT 1 FROM place WHERE id = ?1"
			 " AND lat0 <= ?2 AND lat1 >= ?2"
			 " AND lon0 <= ?3 AND lon1 >= ?3",
	[S_PLACE_PUT] = "INSERT OR REPLACE INTO place"
			" VALUES (?1, ?2, ?2, ?3, ?3)",
	[S_PLACE_DROP] = "DELETE FROM place WHERE id = ?1",
};

struct things {
	struct db *db;
	size_t max_tags;
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
	e = db_prepare(db, sql, S_COUNT, ts->st, eb);
	if (e != OK) {
		things_free(ts);
		ts = NULL;
	}
	*out = ts;
	return e;
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
	sqlite3_stmt *st = ts->st[S_TAGS];
	enum err e;

	db_bind(st, "i", id);
	while ((e = db_step(ts->db, st)) == OK) {
		e = tags_add(out, db_text(st, 0), db_text(st, 1),
		    sqlite3_column_int(st, 2), NULL);
		if (e != OK)
			break;
	}
	db_end(st);
	return e == ERR_NOTFOUND ? OK : ERR_IO;
}

static enum err
add_tag(struct things *ts, int64_t id, const struct tag *t)
{
	sqlite3_stmt *st = ts->st[S_TAG_ADD];
	double num;

	if (!t->num)
		return db_exec(ts->db, st, "ittn", id, t->name, t->value);
	if (xml_double(t->value, &num) != OK)
		return ERR_RANGE;
	return db_exec(ts->db, st, "ittd", id, t->name, t->value, num);
}

static bool
coordinate(const struct tags *tags, const char *name, double *out)
{
	const struct tag *t = tags_find(tags, name);

	return t && t->num && xml_double(t->value, out) == OK &&
	    *out <= PLACE_MAX && *out >= -PLACE_MAX;
}

/* Most updates move nothing, and moving is dear. */
static enum err
store_place(struct things *ts, int64_t id, const struct tags *tags)
{
	sqlite3_stmt *st = ts->st[S_PLACE_SAME];
	double lat, lon;
	enum err e;

	if (!coordinate(tags, "LAT", &lat) || !coordinate(tags, "LON", &lon))
		return db_exec(ts->db, ts->st[S_PLACE_DROP], "i", id);
	db_bind(st, "idd", id, lat, lon);
	e = db_step(ts->db, st);
	db_end(st);
	if (e != ERR_NOTFOUND)
		return e;
	return db_exec(ts->db, ts->st[S_PLACE_PUT], "idd", id, lat, lon);
}

/* store_tags makes tags all that the record has. */
static enum err
store_tags(struct things *ts, int64_t id, const struct tags *tags)
{
	struct buf canon = { 0 };
	enum err e;

	e = db_exec(ts->db, ts->st[S_TAGS_CLEAR], "i", id);
	for (size_t i = 0; e == OK && i < tags->n; i++)
		e = add_tag(ts, id, &tags->v[i]);
	if (e == OK)
		e = store_place(ts, id, tags);
	if (e != OK)
		return e;
	tags_canonical(tags, &canon);
	e = db_exec(
	    ts->db, ts->st[S_CANON], "it", id, canon.data ? canon.data : "");
	buf_fini(&canon);
	return e;
}

/* put_record makes the record or gives it a new owner and origin. */
static enum err
put_record(struct things *ts, const struct thing_origin *from, bool exists,
    bool self_owned)
{
	const struct thing_key *k = &from->key;

	return db_exec(ts->db, ts->st[exists ? S_REPLACE : S_INSERT], "tttttit",
	    k->jid, k->node.node, k->node.source, k->node.cache,
	    self_owned ? k->jid : NULL, (int64_t)self_owned, from->via);
}

/* has_room: a notice outlives its record, so it counts too, or an account that
 * never takes any could fill the disk with them. */
static enum err
has_room(struct things *ts, const char *jid)
{
	sqlite3_stmt *st = ts->st[S_FULL];
	enum err e;
	bool full;

	db_bind(st, "ti", jid, (int64_t)THINGS_MAX);
	e = db_step(ts->db, st);
	full = e == OK && sqlite3_column_int(st, 0);
	db_end(st);
	if (e != OK)
		return ERR_IO;
	return full ? ERR_REFUSED : OK;
}

/* register_as does the work of things_register once the record may be had. */
static enum err
register_as(struct things *ts, const struct thing_origin *from,
    const struct tags *tags, bool self_owned, bool exists)
{
	struct tags kept = { 0 };
	struct thing now;
	enum err e;

	tags_copy(&kept, tags);
	tags_drop_empty(&kept);
	e = kept.n > ts->max_tags ? ERR_RANGE : OK;
	if (e == OK && !exists)
		e = has_room(ts, from->key.jid);
	if (e == OK)
		e = put_record(ts, from, exists, self_owned);
	if (e == OK)
		e = things_find(ts, &from->key, &now);
	if (e == OK) {
		e = store_tags(ts, now.id, &kept);
		thing_fini(&now);
	}
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
	struct thing old = { 0 };
	bool exists;
	enum err e;

	*claimed = old;
	e = db_write(ts->db);
	if (e == OK)
		e = things_find(ts, &from->key, &old);
	if (e != OK && e != ERR_NOTFOUND)
		return e;
	exists = e == OK;
	if (!old.owner) {
		thing_fini(&old);
		return register_as(ts, from, tags, self_owned, exists);
	}
	e = note_via(ts, &old, from->via);
	if (e == OK) {
		*claimed = old;
		return ERR_BUSY;
	}
	thing_fini(&old);
	return e;
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
	struct tags all = { 0 };
	size_t before;
	enum err e;

	e = db_write(ts->db);
	if (e == OK)
		e = things_tags(ts, id, &all);
	before = all.n;
	if (e == OK)
		e = tags_merge(&all, tags);
	if (e == OK && all.n > ts->max_tags && all.n > before)
		e = ERR_RANGE;
	if (e == OK)
		e = store_tags(ts, id, &all);
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
	struct tags only = { 0 };
	char key[KEY_SIZE];
	enum err e;

	key_new(key);
	e = tags_add(&only, "KEY", key, false, NULL);
	if (e == OK)
		e = db_write(ts->db);
	if (e == OK)
		e = db_exec(ts->db, ts->st[S_DISOWN], "i", id);
	if (e == OK)
		e = store_tags(ts, id, &only);
	tags_fini(&only);
	explicit_bzero(key, sizeof(key));
	return e;
}
