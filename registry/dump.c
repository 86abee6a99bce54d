#include "registry/dump.h"

#include "common/clock.h"
#include "common/mem.h"
#include "registry/dump_impl.h"
#include "registry/notices.h"
#include "registry/things.h"

#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRESS_MS = 5000, PROGRESS_EVERY = 1000 };

const struct dump_names dump_names[DUMP_KINDS] = {
	[DUMP_THING] = { "thing", "things" },
	[DUMP_NOTICE] = { "notice", "notices" },
	[DUMP_PEER] = { "peer", "peers" },
	[DUMP_RULE] = { "rule", "rules" },
};

static const char *const counts[DUMP_KINDS] = {
	[DUMP_THING] = "SELECT count(*) FROM thing",
	[DUMP_NOTICE] = "SELECT count(*) FROM notice",
	[DUMP_PEER] = "SELECT count(*) FROM peer",
	[DUMP_RULE] = "SELECT count(*) FROM rule",
};

static const char *const rows[DUMP_KINDS] = {
	[DUMP_THING] = "SELECT jid, node, source, cache, via, owner, public, id"
		       " FROM thing ORDER BY id",
	[DUMP_NOTICE] = "SELECT jid, node, source, cache, via, owner, public,"
			" kind FROM notice ORDER BY id",
	[DUMP_PEER] = "SELECT jid, address, subscribed, asked FROM peer"
		      " ORDER BY jid",
	[DUMP_RULE] = "SELECT r.id, r.owner, t.jid, t.node, t.source, t.cache,"
		      " r.who, r.allow, r.control, r.names FROM rule AS r"
		      " LEFT JOIN thing AS t ON t.id = r.thing ORDER BY r.id",
};

static void
wipe_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void
dump_wipes(void)
{
	json_set_alloc_funcs(malloc, wipe_free);
}

void
dump_step(struct dump_progress *p)
{
	int64_t now;

	if (++p->done % PROGRESS_EVERY)
		return;
	now = clock_mono(&clock_system);
	if (now - p->told_at < PROGRESS_MS)
		return;
	p->told_at = now;
	fprintf(stderr, "%s: %" PRId64 " of %" PRId64 "\n", p->doing, p->done,
	    p->all);
}

struct dump_progress
dump_progress(const char *doing, const struct dump_counts *all)
{
	struct dump_progress p = { .doing = doing,
		.told_at = clock_mono(&clock_system) };

	for (size_t i = 0; i < DUMP_KINDS; i++)
		p.all += all->n[i];
	return p;
}

enum err
dump_count(struct db *db, struct dump_counts *out)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < DUMP_KINDS; i++) {
		sqlite3_stmt *st = NULL;

		e = db_query(db, counts[i], &st);
		if (e == OK)
			e = db_query_step(db, st);
		if (e == OK)
			out->n[i] = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
	}
	return e;
}

/* put_line takes line. */
static enum err
put_line(json_t *line, FILE *out)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	bool kept = text && fputs(text, out) >= 0 && putc('\n', out) != EOF;

	wipe_free(text);
	json_decref(line);
	return kept ? OK : ERR_IO;
}

static enum err
put_header(const struct dump_counts *all, FILE *out)
{
	json_t *line = json_pack("{s:i}", "thingregistry", DUMP_FORMAT);

	for (size_t i = 0; i < DUMP_KINDS; i++)
		json_object_set_new(
		    line, dump_names[i].many, json_integer(all->n[i]));
	return put_line(line, out);
}

static json_t *
tags_json(const struct tags *tags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tags->n; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s}", "name", tags->v[i].name,
			tags->v[i].num ? "num" : "str", tags->v[i].value));
	return list;
}

static json_t *
record_json(enum dump_kind kind, sqlite3_stmt *st)
{
	const char *owner = db_text(st, 5);
	bool owned = sqlite3_column_type(st, 5) != SQLITE_NULL;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:b}", "kind",
	    dump_names[kind].one, "jid", db_text(st, 0), "node", db_text(st, 1),
	    "source", db_text(st, 2), "cache", db_text(st, 3), "via",
	    db_text(st, 4), "owner", owned ? owner : NULL, "public",
	    sqlite3_column_int(st, 6) != 0);
}

static enum err
put_thing(struct things *ts, sqlite3_stmt *st, FILE *out)
{
	json_t *line = record_json(DUMP_THING, st);
	bool own = strcmp(db_text(st, 5), db_text(st, 0)) == 0;
	struct tags tags = { 0 };
	enum err e = things_tags(ts, sqlite3_column_int64(st, 7), &tags);

	if (e == OK && line) {
		json_object_set_new(line, "self_owned", json_boolean(own));
		json_object_set_new(line, "tags", tags_json(&tags));
		e = put_line(json_incref(line), out);
	}
	json_decref(line);
	tags_fini(&tags);
	return line ? e : ERR_IO;
}

static enum err
put_notice(sqlite3_stmt *st, FILE *out)
{
	json_t *line = record_json(DUMP_NOTICE, st);

	if (line)
		json_object_set_new(line, "told",
		    json_string(notice_name(sqlite3_column_int64(st, 7))));
	return put_line(line, out);
}

static enum err
put_peer(sqlite3_stmt *st, FILE *out)
{
	return put_line(
	    json_pack("{s:s, s:s, s:s, s:b, s:b}", "kind",
		dump_names[DUMP_PEER].one, "jid", db_text(st, 0), "address",
		db_text(st, 1), "subscribed", sqlite3_column_int(st, 2),
		"asked", sqlite3_column_int(st, 3)),
	    out);
}

/* A rule about all things of its owner names none. */
static enum err
put_rule(sqlite3_stmt *st, FILE *out)
{
	json_t *line =
	    json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s}",
		"kind", dump_names[DUMP_RULE].one, "rule",
		(json_int_t)sqlite3_column_int64(st, 0), "owner",
		db_text(st, 1), "jid", db_text(st, 2), "node", db_text(st, 3),
		"source", db_text(st, 4), "cache", db_text(st, 5), "who",
		db_text(st, 6), "allow", sqlite3_column_int(st, 7), "control",
		sqlite3_column_int(st, 8), "names", db_text(st, 9));

	return put_line(line, out);
}

static enum err
put_record(struct things *ts, enum dump_kind kind, sqlite3_stmt *st, FILE *out)
{
	switch (kind) {
	case DUMP_THING:
		return put_thing(ts, st, out);
	case DUMP_NOTICE:
		return put_notice(st, out);
	case DUMP_PEER:
		return put_peer(st, out);
	case DUMP_RULE:
		return put_rule(st, out);
	case DUMP_KINDS:
		break;
	}
	return ERR_IO;
}

static enum err
put_kind(struct db *db, struct things *ts, enum dump_kind kind, FILE *out,
    struct dump_progress *p)
{
	sqlite3_stmt *st = NULL;
	enum err e = db_query(db, rows[kind], &st);

	while (e == OK && (e = db_query_step(db, st)) == OK) {
		e = put_record(ts, kind, st, out);
		dump_step(p);
	}
	sqlite3_finalize(st);
	return e == ERR_NOTFOUND ? OK : e;
}

enum err
dump_write(struct db *db, FILE *out, struct errbuf *eb)
{
	struct dump_counts all;
	struct things *ts;
	struct dump_progress p;
	enum err e = things_new(db, TAGS_MAX, &ts, eb);

	if (e != OK)
		return e;
	dump_wipes();
	e = dump_count(db, &all);
	if (e == OK)
		e = put_header(&all, out);
	if (e == OK)
		p = dump_progress("exported", &all);
	for (int i = 0; e == OK && i < DUMP_KINDS; i++)
		e = put_kind(db, ts, (enum dump_kind)i, out, &p);
	things_free(ts);
	if (e == OK && fflush(out) == 0)
		return OK;
	return errbuf_set(eb, ERR_IO,
	    ferror(out) ? "it could not be written: is the disk full?"
			: "the store could not be read");
}
