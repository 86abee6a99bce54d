#include "registry/tagstore.h"

#include "protocol/xmltype.h"
#include "registry/things.h"

#include <string.h>

static const char *const sql[TAGSTORE_STMTS] = {
	[TAGSTORE_READ] = "SELECT name, value, num IS NOT NULL FROM tag"
			  " WHERE thing = ?1 ORDER BY name",
	[TAGSTORE_PUT] = "INSERT INTO tag (thing, name, value, num)"
			 " VALUES (?1, ?2, ?3, ?4)"
			 " ON CONFLICT (thing, name)"
			 " DO UPDATE SET value = ?3, num = ?4",
	[TAGSTORE_DROP] = "DELETE FROM tag WHERE thing = ?1 AND name = ?2",
	[TAGSTORE_IS_AT] = "SELECT 1 FROM place WHERE id = ?1"
			   " AND lat0 <= ?2 AND lat1 >= ?2"
			   " AND lon0 <= ?3 AND lon1 >= ?3",
	[TAGSTORE_PLACE] = "INSERT OR REPLACE INTO place"
			   " VALUES (?1, ?2, ?2, ?3, ?3)",
	[TAGSTORE_NOWHERE] = "DELETE FROM place WHERE id = ?1",
};

enum err
tagstore_init(struct tagstore *ts, struct db *db, struct errbuf *eb)
{
	ts->db = db;
	return db_prepare(db, sql, TAGSTORE_STMTS, ts->st, eb);
}

enum err
tagstore_read(struct tagstore *ts, int64_t id, struct tags *out)
{
	sqlite3_stmt *st = ts->st[TAGSTORE_READ];
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
put_tag(struct tagstore *ts, int64_t id, const struct tag *t)
{
	sqlite3_stmt *st = ts->st[TAGSTORE_PUT];
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

/* To the byte: the text of a number is kept as it was given. */
static bool
holds(const struct tags *tags, const struct tag *t)
{
	const struct tag *at = tags_find(tags, t->name);

	return at && at->num == t->num && strcmp(at->value, t->value) == 0;
}

static bool
unmoved(const struct tags *old, const struct tags *tags)
{
	const struct tag *lat = tags_find(tags, "LAT");
	const struct tag *lon = tags_find(tags, "LON");

	return lat && lon && holds(old, lat) && holds(old, lon);
}

/* Most updates move nothing, and moving is dear. */
static enum err
store_place(struct tagstore *ts, int64_t id, const struct tags *tags)
{
	sqlite3_stmt *st = ts->st[TAGSTORE_IS_AT];
	double lat, lon;
	enum err e;

	if (!coordinate(tags, "LAT", &lat) || !coordinate(tags, "LON", &lon))
		return db_exec(ts->db, ts->st[TAGSTORE_NOWHERE], "i", id);
	db_bind(st, "idd", id, lat, lon);
	e = db_step(ts->db, st);
	db_end(st);
	if (e != ERR_NOTFOUND)
		return e;
	return db_exec(ts->db, ts->st[TAGSTORE_PLACE], "idd", id, lat, lon);
}

/* An update mostly changes one tag of many. */
enum err
tagstore_write(struct tagstore *ts, int64_t id, const struct tags *old,
    const struct tags *tags)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < old->n; i++)
		if (!tags_find(tags, old->v[i].name))
			e = db_exec(ts->db, ts->st[TAGSTORE_DROP], "it", id,
			    old->v[i].name);
	for (size_t i = 0; e == OK && i < tags->n; i++)
		if (!holds(old, &tags->v[i]))
			e = put_tag(ts, id, &tags->v[i]);
	if (e != OK || unmoved(old, tags))
		return e;
	return store_place(ts, id, tags);
}
