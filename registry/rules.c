#include "registry/rules.h"

#include "common/buf.h"
#include "common/mem.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those of an owner about somebody and a thing; IS, since it may be NULL. */
#define SAME "owner = ?1 AND who = ?2 AND thing IS nullif(?3, 0)"

/* Who is meant: by name, by domain, as anybody. */
#define MEANT "who IN (?1, ?2, '*')"

enum {
	S_FULL,
	S_REPLACE,
	S_ADD,
	S_OF,
	S_DROP,
	S_EACH,
	S_ABOUT,
	S_FRIEND,
	S_COUNT
};

static const char *const sql[S_COUNT] = {
	[S_FULL] = "SELECT (SELECT count(*) FROM rule WHERE owner = ?1),"
		   " (SELECT count(*) FROM rule WHERE " SAME "),"
		   " EXISTS (SELECT 1 FROM thing WHERE owner = ?1)",
	/* ?4 names, ?5 control, ?6 allow.  What allows control allows reading,
	 * what denies reading denies control; a deny of control leaves what is
	 * allowed to read. */
	[S_REPLACE] = "DELETE FROM rule WHERE " SAME " AND names = ?4"
		      " AND CASE WHEN ?6 THEN control <= ?5"
		      " ELSE ?5 = 0 OR (control AND NOT allow) END",
	[S_ADD] = "INSERT INTO rule (owner, who, thing, names, control, allow)"
		  " VALUES (?1, ?2, nullif(?3, 0), ?4, ?5, ?6)",
	[S_OF] = "SELECT thing FROM rule WHERE id = ?1 AND owner = ?2",
	[S_DROP] = "DELETE FROM rule WHERE id = ?1",
	[S_EACH] = "SELECT r.id, r.thing, r.who, r.control, r.allow, r.names,"
		   " t.jid, t.node, t.source, t.cache FROM rule AS r"
		   " LEFT JOIN thing AS t ON t.id = r.thing WHERE r.owner = ?1"
		   " AND r.id > ?3 AND (?2 = 0 OR r.thing IS NULL"
		   " OR r.thing = ?2) ORDER BY r.id",
	[S_ABOUT] = "SELECT allow, names FROM rule WHERE " MEANT
		    " AND owner = ?3 AND (thing IS NULL OR thing = ?4)"
		    " AND CASE WHEN allow THEN control >= ?5"
		    " ELSE control <= ?5 END",
	/* The things that are his own, and those that a rule is about.  An
	 * account has many things, but few owners: those are taken from one
	 * to the next. */
	[S_FRIEND] =
	    "WITH RECURSIVE o (owner) AS (SELECT min(owner) FROM thing"
	    " WHERE jid = ?3 AND owner IS NOT NULL"
	    " UNION ALL SELECT (SELECT min(t.owner) FROM thing AS t"
	    " WHERE t.jid = ?3 AND t.owner > o.owner)"
	    " FROM o WHERE o.owner IS NOT NULL),"
	    " fit (owner, thing) AS (SELECT r.owner, r.thing FROM o"
	    " JOIN rule AS r ON r.owner = o.owner WHERE r.allow AND " MEANT ")"
	    " SELECT id FROM thing WHERE jid = ?3 AND owner = ?1"
	    " UNION ALL SELECT t.id FROM fit JOIN thing AS t"
	    " ON t.id = fit.thing WHERE t.jid = ?3"
	    " UNION ALL SELECT t.id FROM fit JOIN thing AS t"
	    " ON t.jid = ?3 AND t.owner = fit.owner WHERE fit.thing IS NULL",
};

struct rules {
	struct db *db;
	sqlite3_stmt *st[S_COUNT];
};

enum err
rules_new(struct db *db, struct rules **out, struct errbuf *eb)
{
	struct rules *rs = mem_zalloc(sizeof(*rs));
	enum err e = db_prepare(db, sql, S_COUNT, rs->st, eb);

	rs->db = db;
	if (e != OK) {
		free(rs);
		rs = NULL;
	}
	*out = rs;
	return e;
}

void
rules_free(struct rules *rs)
{
	free(rs);
}

/* ---- what a rule is made of ---- */

enum err
rules_who(const char *text, char out[JID_SIZE], struct errbuf *eb)
{
	bool domain = *text == '@';
	struct jid j;

	if (strcmp(text, "*") == 0) {
		snprintf(out, JID_SIZE, "*");
		return OK;
	}
	if (jid_parse(text + domain, &j) != OK || *j.resource ||
	    (domain && *j.local) || strlen(j.bare) + 1 >= JID_SIZE)
		return errbuf_set(eb, ERR_PROTO,
		    "who must be a bare JID, @ and a domain, or *");
	snprintf(out, JID_SIZE, "%s%s", domain ? "@" : "", j.bare);
	return OK;
}

static int
order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err
check_name(const char *name, struct errbuf *eb)
{
	if (!*name || utf8_count(name) > SD_NAME_MAX)
		return errbuf_set(eb, ERR_RANGE,
		    "the name of a field has 1 to %d characters", SD_NAME_MAX);
	for (; *name; name++) {
		if ((unsigned char)*name < ' ')
			return errbuf_set(eb, ERR_PROTO,
			    "the name of a field has a control character");
	}
	return OK;
}

enum err
rules_names(const struct names *names, char **out, struct errbuf *eb)
{
	struct names sorted = { 0 };
	struct buf b = { 0 };
	enum err e = OK;

	for (size_t i = 0; e == OK && i < names->n; i++) {
		e = check_name(names->v[i], eb);
		names_add(&sorted, names->v[i]);
	}
	if (sorted.n)
		qsort(sorted.v, sorted.n, sizeof(*sorted.v), order);
	for (size_t i = 0; e == OK && i < sorted.n; i++) {
		if (i == 0 || strcmp(sorted.v[i], sorted.v[i - 1]) != 0)
			buf_printf(&b, "%s%s", i ? "\n" : "", sorted.v[i]);
	}
	if (e == OK && (sorted.n > RULE_NAMES_MAX || b.len > RULE_TEXT_MAX))
		e = errbuf_set(eb, ERR_RANGE,
		    "a rule has at most %d fields, of %d bytes together",
		    RULE_NAMES_MAX, RULE_TEXT_MAX);
	names_fini(&sorted);
	*out = buf_take(&b);
	return e;
}

/* ---- changing them ---- */

static enum err
has_room(struct rules *rs, const struct rule *r, struct errbuf *eb)
{
	sqlite3_stmt *st = rs->st[S_FULL];
	int64_t all, same;
	bool owns;

	db_bind(st, "tti", r->owner, r->who, r->thing);
	if (db_step(rs->db, st) != OK)
		return ERR_IO;
	all = sqlite3_column_int64(st, 0);
	same = sqlite3_column_int64(st, 1);
	owns = sqlite3_column_int(st, 2);
	db_end(st);
	if (!owns)
		return errbuf_set(eb, ERR_NOTFOUND, "no such thing of yours");
	if (all >= RULES_MAX)
		return errbuf_set(eb, ERR_REFUSED,
		    "you have %d rules: delete some", RULES_MAX);
	if (same >= RULES_SAME_MAX)
		return errbuf_set(eb, ERR_REFUSED,
		    "you have %d rules for this thing and %s: delete some",
		    RULES_SAME_MAX, r->who);
	return OK;
}

enum err
rules_put(
    struct rules *rs, const struct rule *r, int64_t *id, struct errbuf *eb)
{
	enum err e = db_write(rs->db);

	if (e == OK)
		e = has_room(rs, r, eb);
	for (size_t i = 0; e == OK && i < 2; i++)
		e = db_exec(rs->db, rs->st[i ? S_ADD : S_REPLACE], "ttitii",
		    r->owner, r->who, r->thing, r->names, (int64_t)r->control,
		    (int64_t)r->allow);
	if (e == OK)
		*id = db_last_id(rs->db);
	return e;
}

enum err
rules_drop(struct rules *rs, const char *owner, int64_t id, int64_t *thing)
{
	sqlite3_stmt *st = rs->st[S_OF];
	enum err e = db_write(rs->db);

	db_bind(st, "it", id, owner);
	if (e == OK)
		e = db_step(rs->db, st);
	if (e != OK)
		return e;
	*thing = sqlite3_column_int64(st, 0);
	db_end(st);
	return db_exec(rs->db, rs->st[S_DROP], "i", id);
}

enum err
rules_each(struct rules *rs, const char *owner, int64_t thing, int64_t after,
    rules_each_fn each, void *arg)
{
	sqlite3_stmt *st = rs->st[S_EACH];
	bool on = true;
	enum err e = OK;

	db_bind(st, "tii", owner, thing, after);
	while (on && (e = db_step(rs->db, st)) == OK) {
		const struct rule r = {
			.id = sqlite3_column_int64(st, 0),
			.owner = owner,
			.thing = sqlite3_column_int64(st, 1),
			.who = db_text(st, 2),
			.control = sqlite3_column_int(st, 3),
			.allow = sqlite3_column_int(st, 4),
			.names = db_text(st, 5),
		};
		const struct thing_key key = { db_text(st, 6),
			{ db_text(st, 7), db_text(st, 8), db_text(st, 9) } };

		on = each(arg, &r, &key);
	}
	db_end(st);
	return e == ERR_NOTFOUND ? OK : e;
}

/* ---- judging by them ---- */

static void
add_ruling(struct rulings *to, bool allow, const char *text)
{
	struct ruling r = { .allow = allow, .text = mem_strdup(text) };
	char *rest = NULL;

	for (char *name = strtok_r(r.text, "\n", &rest); name;
	     name = strtok_r(NULL, "\n", &rest))
		names_add(&r.names, name);
	to->v = mem_grow(to->v, to->n, &to->cap, sizeof(*to->v));
	to->v[to->n++] = r;
}

void
rulings_fini(struct rulings *r)
{
	for (size_t i = 0; i < r->n; i++) {
		names_fini(&r->v[i].names);
		free(r->v[i].text);
	}
	free(r->v);
	*r = (struct rulings){ 0 };
}

enum err
rules_about(struct rules *rs, const struct thing *t, const struct jid *who,
    bool control, struct rulings *out)
{
	sqlite3_stmt *st = rs->st[S_ABOUT];
	char domain[JID_SIZE + 1];
	enum err e;

	*out = (struct rulings){ 0 };
	if (!t->owner)
		return OK;
	if (strcmp(t->owner, who->bare) == 0) {
		add_ruling(out, true, "");
		return OK;
	}
	snprintf(domain, sizeof(domain), "@%s", *who->local ? who->domain : "");
	db_bind(
	    st, "tttii", who->bare, domain, t->owner, t->id, (int64_t)control);
	while ((e = db_step(rs->db, st)) == OK)
		add_ruling(out, sqlite3_column_int(st, 0), db_text(st, 1));
	return e == ERR_NOTFOUND ? OK : e;
}

static bool
fits(const struct ruling *r, const char *name)
{
	return r->names.n == 0 ||
	    bsearch(&name, r->names.v, r->names.n, sizeof(*r->names.v), order);
}

/* What there is nobody here knows: a deny of anything denies "all". */
bool
rulings_let(const struct rulings *r, const char *name)
{
	bool let = false;

	for (size_t i = 0; i < r->n; i++) {
		const struct ruling *one = &r->v[i];

		if (!one->allow && (!name || fits(one, name)))
			return false;
		if (one->allow && (name ? fits(one, name) : one->names.n == 0))
			let = true;
	}
	return let;
}

size_t
rulings_work(const struct rulings *r)
{
	size_t n = 10;

	for (size_t i = 0; i < r->n; i++)
		n += 1 + r->v[i].names.n;
	return n;
}

/* Something: all, or one of those that an allow names. */
static bool
lets_any(const struct rulings *r)
{
	bool all = false, denied_all = false;

	for (size_t i = 0; i < r->n; i++) {
		const struct ruling *one = &r->v[i];

		if (one->names.n == 0) {
			all |= one->allow;
			denied_all |= !one->allow;
		}
		for (size_t k = 0; one->allow && k < one->names.n; k++)
			if (rulings_let(r, one->names.v[k]))
				return true;
	}
	return all && !denied_all;
}

enum err
rules_friend(struct rules *rs, struct things *ts, const char *account,
    const struct jid *who, bool *is)
{
	sqlite3_stmt *st = rs->st[S_FRIEND];
	char domain[JID_SIZE + 1];
	size_t work = 0;
	enum err e = OK;

	*is = false;
	snprintf(domain, sizeof(domain), "@%s", *who->local ? who->domain : "");
	db_bind(st, "ttt", who->bare, domain, account);
	while (!*is && work < RULES_WORK && e == OK &&
	    (e = db_step(rs->db, st)) == OK) {
		struct rulings r = { 0 };
		struct thing t;

		e = things_at(ts, sqlite3_column_int64(st, 0), &t);
		if (e == OK)
			e = rules_about(rs, &t, who, false, &r);
		if (e == OK)
			*is = lets_any(&r);
		work += rulings_work(&r);
		rulings_fini(&r);
		thing_fini(&t);
	}
	db_end(st);
	return e == ERR_NOTFOUND ? OK : e;
}
