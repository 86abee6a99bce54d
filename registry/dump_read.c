#include "common/mem.h"
#include "protocol/jid.h"
#include "registry/dump.h"
#include "registry/dump_impl.h"
#include "registry/notices.h"
#include "registry/rules.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { S_NOTICE, S_PEER, S_RULE, S_COUNT };

static const char *const sql[S_COUNT] = {
	[S_NOTICE] = "INSERT INTO notice"
		     " (jid, node, source, cache, via, owner, public, kind)"
		     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[S_PEER] = "INSERT INTO peer (jid, address, subscribed, asked)"
		   " VALUES (?1, ?2, ?3, ?4)",
	[S_RULE] = "INSERT INTO rule"
		   " (id, owner, thing, who, allow, control, names)"
		   " VALUES (?1, ?2, nullif(?3, 0), ?4, ?5, ?6, ?7)",
};

struct reader {
	struct db *db;
	struct things *ts;
	sqlite3_stmt *st[S_COUNT];
	struct dump_counts promised, seen;
	int64_t last_rule;
	struct errbuf why; /* of the line at hand */
};

static enum err
wrong(struct reader *r, const char *what)
{
	return errbuf_set(&r->why, ERR_PROTO, "%s", what);
}

/* unpacked says which member is wrong; the text names no values. */
static enum err
unpacked(struct reader *r, int code, const json_error_t *why)
{
	return code == 0 ? OK : wrong(r, why->text);
}

static enum err
prepared(struct reader *r, const char *jid)
{
	char bare[JID_SIZE];

	if (jid_bare(jid, bare) == OK && strcmp(bare, jid) == 0)
		return OK;
	return wrong(r, "jid and owner must be bare JIDs in lower case");
}

/* An address is a full JID of jid's account, or not known. */
static enum err
reachable(struct reader *r, const char *jid, const char *address)
{
	struct jid j;

	if (!*address ||
	    (jid_parse(address, &j) == OK && strcmp(j.full, address) == 0 &&
		strcmp(j.bare, jid) == 0))
		return OK;
	return wrong(r, "via and address must be full JIDs of jid");
}

static enum err
read_tag(struct reader *r, json_t *from, struct tags *tags)
{
	const char *name, *str = NULL, *num = NULL;
	json_error_t why;
	enum err e = unpacked(r,
	    json_unpack_ex(from, &why, JSON_STRICT, "{s:s, s?s, s?s}", "name",
		&name, "str", &str, "num", &num),
	    &why);

	if (e == OK && !str == !num)
		e = wrong(r, "a tag needs either str or num");
	if (e == OK &&
	    tags_add(tags, name, num ? num : str, num != NULL, &r->why) != OK)
		e = ERR_PROTO;
	return e;
}

static enum err
read_tags(struct reader *r, json_t *list, struct tags *tags)
{
	enum err e = json_is_array(list) ? OK : wrong(r, "tags is no list");
	json_t *tag;
	size_t i;

	json_array_foreach(list, i, tag)
	{
		if (e == OK)
			e = read_tag(r, tag, tags);
	}
	return e;
}

/* read_owner checks what a thing and a notice share; owner is JSON's. */
static enum err
read_owner(struct reader *r, json_t *owner, struct thing_record *t)
{
	enum err e = prepared(r, t->key.jid);

	if (e == OK)
		e = reachable(r, t->key.jid, t->via);
	t->owner = json_string_value(owner);
	if (e == OK && t->owner)
		e = prepared(r, t->owner);
	if (e == OK && !t->owner && !json_is_null(owner))
		e = wrong(r, "owner is neither a text nor null");
	if (e == OK && !t->owner && t->is_public)
		e = wrong(r, "public without an owner");
	return e;
}

#define RECORD "s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:b"
#define RECORD_TO(t)                                                      \
	"kind", &kind, "jid", &(t).key.jid, "node", &(t).key.node.node,   \
	    "source", &(t).key.node.source, "cache", &(t).key.node.cache, \
	    "via", &(t).via, "owner", &owner, "public", &is_public

static enum err
read_thing(struct reader *r, json_t *line)
{
	struct thing_record t = { 0 };
	struct tags tags = { 0 };
	json_t *owner, *list;
	const char *kind;
	int is_public, own;
	json_error_t why;
	enum err e = unpacked(r,
	    json_unpack_ex(line, &why, JSON_STRICT, "{" RECORD ", s:b, s:o}",
		RECORD_TO(t), "self_owned", &own, "tags", &list),
	    &why);

	if (e != OK)
		return e;
	t.is_public = is_public;
	e = read_owner(r, owner, &t);
	if (e == OK && own != (t.owner && strcmp(t.owner, t.key.jid) == 0))
		e = wrong(r, "self_owned does not fit the owner");
	if (e == OK)
		e = read_tags(r, list, &tags);
	if (e == OK)
		e = things_restore(r->ts, &t, &tags);
	tags_fini(&tags);
	return e == ERR_BUSY ? wrong(r, "this thing has a line already") : e;
}

static enum err
read_notice(struct reader *r, json_t *line)
{
	static const int kinds[] = { DISC_CLAIMED, DISC_REMOVED, NOTICE_CLEAR };
	struct thing_record t = { 0 };
	const char *kind, *told;
	json_t *owner;
	int is_public;
	json_error_t why;
	int64_t op = -1;
	enum err e = unpacked(r,
	    json_unpack_ex(line, &why, JSON_STRICT, "{" RECORD ", s:s}",
		RECORD_TO(t), "told", &told),
	    &why);

	if (e != OK)
		return e;
	t.is_public = is_public;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(told, notice_name(kinds[i])) == 0)
			op = kinds[i];
	e = op < 0 ? wrong(r, "told is no notice") : read_owner(r, owner, &t);
	if (e != OK)
		return e;
	return db_exec(r->db, r->st[S_NOTICE], "ttttttii", t.key.jid,
	    t.key.node.node, t.key.node.source, t.key.node.cache, t.via,
	    t.owner, (int64_t)t.is_public, op);
}

static enum err
read_peer(struct reader *r, json_t *line)
{
	const char *kind, *jid, *address;
	int subscribed, asked;
	json_error_t why;
	enum err e = unpacked(r,
	    json_unpack_ex(line, &why, JSON_STRICT, "{s:s, s:s, s:s, s:b, s:b}",
		"kind", &kind, "jid", &jid, "address", &address, "subscribed",
		&subscribed, "asked", &asked),
	    &why);

	if (e == OK)
		e = prepared(r, jid);
	if (e == OK)
		e = reachable(r, jid, address);
	return e != OK ? e
		       : db_exec(r->db, r->st[S_PEER], "ttii", jid, address,
			     (int64_t)subscribed, (int64_t)asked);
}

/* check_rule takes only what the program itself would have stored. */
static enum err
check_rule(struct reader *r, const struct rule *rule)
{
	char who[JID_SIZE], *text = mem_strdup(rule->names), *names = NULL;
	struct names list = { 0 };
	char *rest = NULL;
	enum err e = prepared(r, rule->owner);

	for (char *name = strtok_r(text, "\n", &rest); name;
	     name = strtok_r(NULL, "\n", &rest))
		names_add(&list, name);
	if (e == OK &&
	    (rules_who(rule->who, who, NULL) != OK ||
		strcmp(who, rule->who) != 0))
		e = wrong(r, "who must be a bare JID, @ and a domain, or *");
	if (e == OK &&
	    (rules_names(&list, &names, NULL) != OK ||
		strcmp(names, rule->names) != 0))
		e = wrong(r, "names must be lines, in order");
	names_fini(&list);
	free(names);
	free(text);
	return e;
}

/* rule_thing finds what the rule is about, which has come before it. */
static enum err
rule_thing(struct reader *r, const struct thing_key *key, struct rule *rule)
{
	struct thing t;
	enum err e;

	if (!*key->jid)
		return OK;
	e = things_owned(r->ts, key, rule->owner, &t);
	rule->thing = t.id;
	thing_fini(&t);
	return e == ERR_NOTFOUND ? wrong(r, "this owner has no such thing") : e;
}

static enum err
read_rule(struct reader *r, json_t *line)
{
	struct rule rule = { 0 };
	struct thing_key key;
	json_int_t id = 0;
	const char *kind;
	int allow, control;
	json_error_t why;
	enum err e = unpacked(r,
	    json_unpack_ex(line, &why, JSON_STRICT,
		"{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s}",
		"kind", &kind, "rule", &id, "owner", &rule.owner, "jid",
		&key.jid, "node", &key.node.node, "source", &key.node.source,
		"cache", &key.node.cache, "who", &rule.who, "allow", &allow,
		"control", &control, "names", &rule.names),
	    &why);

	if (e == OK)
		e = check_rule(r, &rule);
	if (e == OK)
		e = rule_thing(r, &key, &rule);
	if (e == OK && (id <= r->last_rule || id > INT32_MAX))
		e = wrong(r, "rules must be numbered, in order");
	if (e != OK)
		return e;
	r->last_rule = id;
	return db_exec(r->db, r->st[S_RULE], "ititiit", id, rule.owner,
	    rule.thing, rule.who, (int64_t)allow, (int64_t)control, rule.names);
}

static enum err
read_header(struct reader *r, json_t *line)
{
	int format = 0;

	if (json_unpack(line, "{s:i}", "thingregistry", &format) != 0)
		return wrong(r, "no export of thingregistryd begins so");
	if (format != DUMP_FORMAT)
		return wrong(r, "a newer version of this program wrote it");
	for (size_t i = 0; i < DUMP_KINDS; i++) {
		json_t *n = json_object_get(line, dump_names[i].many);

		if (!json_is_integer(n))
			return wrong(r, "the first line lacks a count");
		r->promised.n[i] = json_integer_value(n);
	}
	return OK;
}

static enum err (*const readers[DUMP_KINDS])(struct reader *, json_t *) = {
	read_thing,
	read_notice,
	read_peer,
	read_rule,
};

static enum err
read_record(struct reader *r, json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "kind"));

	for (size_t i = 0; name && i < DUMP_KINDS; i++)
		if (strcmp(dump_names[i].one, name) == 0) {
			r->seen.n[i]++;
			return readers[i](r, line);
		}
	return wrong(r, "kind is neither thing, notice, peer nor rule");
}

/* Jansson's own words would show what stands at the place, a KEY perhaps. */
static enum err
read_line(struct reader *r, const char *text, size_t len, bool first)
{
	json_error_t at;
	json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
	enum err e;

	if (!json_is_object(line)) {
		json_decref(line);
		return errbuf_set(&r->why, ERR_PROTO,
		    "not one JSON object (see column %d)", at.column);
	}
	e = first ? read_header(r, line) : read_record(r, line);
	json_decref(line);
	return e;
}

static enum err
complete(struct reader *r)
{
	for (size_t i = 0; i < DUMP_KINDS; i++)
		if (r->seen.n[i] != r->promised.n[i])
			return errbuf_set(&r->why, ERR_PROTO,
			    "the first line promises %" PRId64 " %s, and there "
			    "are %" PRId64 ": is the file cut off?",
			    r->promised.n[i], dump_names[i].many, r->seen.n[i]);
	return OK;
}

static enum err
read_lines(struct reader *r, FILE *in, int64_t *number)
{
	struct dump_progress p = { 0 };
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;
	enum err e = OK;

	while (e == OK && (len = getline(&text, &cap, in)) >= 0) {
		e = read_line(r, text, (size_t)len, ++*number == 1);
		if (*number == 1)
			p = dump_progress("imported", &r->promised);
		else
			dump_step(&p);
	}
	if (text)
		explicit_bzero(text, cap);
	free(text);
	if (e == OK && ferror(in))
		e = errbuf_errno(&r->why, "it could not be read");
	if (e == OK && *number == 0)
		e = wrong(r, "it is empty");
	return e == OK ? complete(r) : e;
}

static enum err
is_empty(struct reader *r, struct errbuf *eb)
{
	struct dump_counts held;

	if (dump_count(r->db, &held) != OK)
		return errbuf_set(eb, ERR_IO, "the store could not be read");
	for (size_t i = 0; i < DUMP_KINDS; i++)
		if (held.n[i] > 0)
			return errbuf_set(eb, ERR_BUSY,
			    "the store holds %" PRId64 " %s already, and "
			    "nothing is mixed: move its file away first",
			    held.n[i], dump_names[i].many);
	return OK;
}

enum err
dump_read(struct db *db, FILE *in, const char *name, struct errbuf *eb)
{
	struct reader r = { .db = db };
	int64_t number = 0;
	enum err e = things_new(db, TAGS_MAX, &r.ts, eb);

	dump_wipes();
	/* One transaction writes all: with room for the ends of its indexes. */
	if (e == OK)
		e = db_script(db, "PRAGMA cache_size = -65536", eb);
	if (e == OK)
		e = db_prepare(db, sql, S_COUNT, r.st, eb);
	if (e == OK)
		e = is_empty(&r, eb);
	if (e != OK) {
		things_free(r.ts);
		return e;
	}
	e = db_write(db);
	if (e == OK)
		e = read_lines(&r, in, &number);
	if (e == OK)
		e = db_mark(db, &r.why);
	if (e != OK) {
		db_undo(db);
		errbuf_set(eb, e, "%s:%" PRId64 ": %s; nothing was imported",
		    name, number,
		    *r.why.text ? r.why.text : "it could not be stored");
	} else if (db_commit(db) != OK) {
		e = errbuf_set(eb, ERR_IO, "the store could not be written");
	}
	things_free(r.ts);
	return e;
}
