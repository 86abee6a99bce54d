#include "registry/notices.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/provisioning.h"
#include "protocol/stanza.h"
#include "xmpp/iq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW = 64,          /* notices in flight */
	ANSWER_MS = 20000,    /* for the thing to acknowledge */
	PATIENCE_MS = 5000,   /* between two attempts at one thing */
	BACKOFF_MAX = 600000, /* ms */
};

/* Due later than a sign of life from the thing makes it; in numbers, as an
 * index is of use only for the same words. */
#define LATE "(due > last + 5000 OR tries > 0)"
static_assert(PATIENCE_MS == 5000, "as in LATE");

/* post: when each stored notice is due; it need not survive a restart, after
 * which everything is due.  tries: those that failed since the account was
 * heard of. */
static const char *const tables =
    "CREATE TEMP TABLE post ("
    "	notice INTEGER PRIMARY KEY,"
    "	jid TEXT NOT NULL,"
    "	due INTEGER NOT NULL,"
    "	last INTEGER NOT NULL,"
    "	tries INTEGER NOT NULL);"
    "CREATE INDEX temp.post_due ON post (due);"
    "CREATE INDEX temp.post_late ON post (jid) WHERE " LATE ";"
    "INSERT INTO post SELECT id, jid, 0, 0, 0 FROM notice;";

enum {
	S_ADD,
	S_POST,
	S_DROP_KIND,
	S_DROP,
	S_ACKED,
	S_SWEEP,
	S_WAKE,
	S_DUE,
	S_LATER,
	S_HOLD,
	S_COUNT
};

#define THIS "jid = ?1 AND node = ?2 AND source = ?3 AND cache = ?4"

/* kind is stored as it is. */
static_assert(DISC_CLAIMED == 2 && DISC_REMOVED == 4 && NOTICE_CLEAR == 100,
    "a store has them");

static const char *const sql[S_COUNT] = {
	[S_ADD] = "INSERT INTO notice"
		  " (jid, node, source, cache, kind, via, owner, public)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[S_POST] = "INSERT INTO post (notice, jid, due, last, tries)"
		   " VALUES (?1, ?2, 0, 0, 0)",
	[S_DROP_KIND] = "DELETE FROM notice WHERE " THIS " AND kind = ?5",
	/* What an account is to forget is no matter of one thing. */
	[S_DROP] = "DELETE FROM notice WHERE " THIS " AND kind < 100",
	[S_ACKED] = "DELETE FROM notice WHERE id = ?1",
	[S_SWEEP] = "DELETE FROM post WHERE notice = ?1",
	[S_WAKE] = "UPDATE post SET due = min(due, last + 5000), tries = 0"
		   " WHERE jid = ?1 AND " LATE,
	/* The thing's own via is newer than that of the notice; last, whether
	 * an older notice goes first. */
	[S_DUE] = "SELECT p.notice, n.jid, n.node, n.source, n.cache, n.kind,"
		  " ifnull((SELECT t.via FROM thing t"
		  " WHERE (t.jid, t.node, t.source, t.cache)"
		  " = (n.jid, n.node, n.source, n.cache)), n.via),"
		  " n.owner, n.public, p.tries,"
		  " EXISTS (SELECT 1 FROM notice o"
		  " WHERE (o.jid, o.node, o.source, o.cache)"
		  " = (n.jid, n.node, n.source, n.cache) AND o.id < n.id"
		  " AND (o.kind < 100) = (n.kind < 100))"
		  " FROM post p LEFT JOIN notice n ON n.id = p.notice"
		  " WHERE p.due <= ?1 ORDER BY p.due LIMIT ?2",
	[S_LATER] = "UPDATE post SET due = ?2, last = ?3, tries = ?4"
		    " WHERE notice = ?1",
	[S_HOLD] = "UPDATE post SET due = max(due, ?5), last = max(last, ?6)"
		   " WHERE notice IN (SELECT id FROM notice WHERE " THIS ")",
};

struct notice {
	int64_t id;
	struct thing thing; /* without its id */
	int64_t kind;
	int tries;
	bool waits; /* for an older notice of its thing */
};

/* A notice on its way. */
struct flight {
	struct notices *ns;
	struct flight *next;
	struct notice notice;
	char to[JID_SIZE];
};

struct notices {
	struct db *db;
	struct peers *peers;
	const struct clock *clock;
	struct session *session;
	struct flight *flights;
	size_t n_flights;
	sqlite3_stmt *st[S_COUNT];
};

enum err
notices_new(struct db *db, struct peers *peers, const struct clock *clock,
    struct notices **out, struct errbuf *eb)
{
	struct notices *ns = mem_zalloc(sizeof(*ns));
	enum err e;

	ns->db = db;
	ns->peers = peers;
	ns->clock = clock;
	e = db_script(db, tables, eb);
	if (e == OK)
		e = db_prepare(db, sql, S_COUNT, ns->st, eb);
	if (e != OK) {
		notices_free(ns);
		ns = NULL;
	}
	*out = ns;
	return e;
}

static void
flight_free(struct flight *f)
{
	struct flight **p = &f->ns->flights;

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	f->ns->n_flights--;
	thing_fini(&f->notice.thing);
	free(f);
}

void
notices_free(struct notices *ns)
{
	if (!ns)
		return;
	while (ns->flights)
		flight_free(ns->flights);
	free(ns);
}

void
notices_attach(struct notices *ns, struct session *s)
{
	ns->session = s;
}

const char *
notice_name(int64_t kind)
{
	return kind == NOTICE_CLEAR ? prov_name(PROV_CLEAR_CACHE)
				    : discovery_name((enum disc_op)kind);
}

static enum err
add(struct notices *ns, int64_t kind, const struct thing *t)
{
	enum err e = db_write(ns->db);

	if (e == OK)
		e = db_exec(ns->db, ns->st[S_DROP_KIND], "tttti", t->jid,
		    t->node, t->source, t->cache, kind);
	if (e == OK)
		e = db_exec(ns->db, ns->st[S_ADD], "ttttitti", t->jid, t->node,
		    t->source, t->cache, kind, t->via, t->owner,
		    (int64_t)t->is_public);
	if (e == OK)
		e = db_exec(
		    ns->db, ns->st[S_POST], "it", db_last_id(ns->db), t->jid);
	return e;
}

enum err
notices_add(struct notices *ns, enum disc_op op, const struct thing *t)
{
	return add(ns, op, t);
}

enum err
notices_clear(struct notices *ns, const char *jid, const char *via)
{
	struct thing t = { .jid = mem_strdup(jid),
		.node = mem_strdup(""),
		.source = mem_strdup(""),
		.cache = mem_strdup(""),
		.via = mem_strdup(via) };
	enum err e = add(ns, NOTICE_CLEAR, &t);

	thing_fini(&t);
	return e;
}

enum err
notices_void(struct notices *ns, const struct thing_key *key)
{
	enum err e = db_write(ns->db);

	if (e != OK)
		return e;
	return db_exec(ns->db, ns->st[S_DROP], "tttt", key->jid, key->node.node,
	    key->node.source, key->node.cache);
}

void
notices_hold(struct notices *ns, const struct thing_key *key, int64_t ms)
{
	int64_t until = clock_mono(ns->clock) + ms;

	db_do(ns->db, ns->st[S_HOLD], "ttttii", key->jid, key->node.node,
	    key->node.source, key->node.cache, until, until - PATIENCE_MS);
}

void
notices_wake(struct notices *ns, const char *bare)
{
	db_do(ns->db, ns->st[S_WAKE], "t", bare);
}

static bool
same_thing(const struct thing *a, const struct thing *b)
{
	return strcmp(a->jid, b->jid) == 0 && strcmp(a->node, b->node) == 0 &&
	    strcmp(a->source, b->source) == 0 &&
	    strcmp(a->cache, b->cache) == 0;
}

/* What an account is to forget has no order with what its things are told. */
static bool
is_clear(const struct notice *n)
{
	return n->kind == NOTICE_CLEAR;
}

static bool
in_flight(const struct notices *ns, const struct notice *n)
{
	for (const struct flight *f = ns->flights; f; f = f->next)
		if (same_thing(&f->notice.thing, &n->thing) &&
		    is_clear(&f->notice) == is_clear(n))
			return true;
	return false;
}

static int64_t
backoff(int tries)
{
	int64_t ms = PATIENCE_MS;

	while (tries-- > 0 && ms < BACKOFF_MAX)
		ms *= 2;
	return ms < BACKOFF_MAX ? ms : BACKOFF_MAX;
}

static void
acknowledged(struct notices *ns, const struct notice *n)
{
	if (db_write(ns->db) != OK)
		return;
	db_do(ns->db, ns->st[S_ACKED], "i", n->id);
	db_do(ns->db, ns->st[S_SWEEP], "i", n->id);
	notices_wake(ns, n->thing.jid); /* another may have waited for it */
}

/* unreachable: nobody is there (the server answers for an absent resource), so
 * that the address is worth nothing and the next sign of life everything. */
static bool
unreachable(const char *condition)
{
	static const char *const conditions[] = { "service-unavailable",
		"recipient-unavailable", "gone", "remote-server-not-found",
		"remote-server-timeout" };

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		if (strcmp(condition, conditions[i]) == 0)
			return true;
	return false;
}

static void
postpone(struct notices *ns, const struct notice *n, int64_t due, int64_t last)
{
	db_do(ns->db, ns->st[S_LATER], "iiii", n->id, due, last,
	    (int64_t)n->tries);
}

/* later sets down the next attempt; heard says that the thing is there, and so
 * that a sign of life from it is no reason to hurry. */
static void
later(struct flight *f, bool heard)
{
	int64_t now = clock_mono(f->ns->clock);
	int64_t due = now + backoff(f->notice.tries);

	f->notice.tries++;
	postpone(f->ns, &f->notice, due, heard ? now : now - PATIENCE_MS);
}

/* Who asks another server now uses no answers of ours. */
static bool
is_settled(const struct notice *n, const char *condition)
{
	return is_clear(n) && strcmp(condition, "forbidden") == 0;
}

static void
refused(struct flight *f, xmpp_stanza_t *stanza)
{
	const char *condition = stanza_condition(stanza);
	bool heard = !unreachable(condition);
	char safe[LOG_SAFE];

	if (is_settled(&f->notice, condition)) {
		acknowledged(f->ns, &f->notice);
		return;
	}
	if (heard)
		log_warn("notice", "%s answered %s with %s; asked again later",
		    f->to, notice_name(f->notice.kind),
		    log_safe(safe, condition));
	else
		peers_gone(f->ns->peers, f->to);
	later(f, heard);
}

static void
done(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct flight *f = arg;

	switch (outcome) {
	case IQ_RESULT:
		acknowledged(f->ns, &f->notice);
		break;
	case IQ_ERROR:
		refused(f, stanza);
		break;
	case IQ_TIMEOUT:
	case IQ_LOST:
		later(f, false);
		break;
	}
	flight_free(f);
}

void
notices_recall(struct notices *ns, const char *full)
{
	struct flight *next;

	for (struct flight *f = ns->flights; f; f = next) {
		next = f->next;
		if (strcmp(f->to, full) != 0)
			continue;
		iq_forget(ns->session, f);
		later(f, false);
		flight_free(f);
	}
}

static xmpp_stanza_t *
payload(struct notices *ns, const struct notice *n)
{
	struct disc_msg m = {
		.op = (enum disc_op)n->kind,
		.node = thing_key(&n->thing).node,
	};
	const struct prov_msg clear = { .op = PROV_CLEAR_CACHE };

	if (is_clear(n))
		return prov_build(session_ctx(ns->session), &clear);
	if (n->kind == DISC_CLAIMED) {
		m.jid = n->thing.owner;
		m.has_public = true;
		m.is_public = n->thing.is_public;
	}
	return discovery_build(session_ctx(ns->session), &m);
}

/* dispatch takes n.  The next attempt is set down first, behind the time for an
 * answer, so that whatever becomes of this one there will be another. */
static void
dispatch(struct notices *ns, struct notice *n)
{
	struct flight *f = mem_zalloc(sizeof(*f));
	int64_t now = clock_mono(ns->clock);
	bool known;

	f->ns = ns;
	f->notice = *n;
	f->next = ns->flights;
	ns->flights = f;
	ns->n_flights++;
	known = peers_where(ns->peers, n->thing.jid, n->thing.via, f->to);
	if (!known)
		postpone(ns, n, now + BACKOFF_MAX, now - PATIENCE_MS);
	else
		postpone(ns, n, now + ANSWER_MS + PATIENCE_MS, now + ANSWER_MS);
	if (!known ||
	    iq_request(ns->session, "set", f->to, payload(ns, n), ANSWER_MS,
		done, f) != OK)
		flight_free(f);
}

static void
read_notice(sqlite3_stmt *st, struct notice *out)
{
	bool owned = sqlite3_column_type(st, 7) != SQLITE_NULL;

	*out = (struct notice){
		.id = sqlite3_column_int64(st, 0),
		.kind = sqlite3_column_int64(st, 5),
		.tries = sqlite3_column_int(st, 9),
		.waits = sqlite3_column_int(st, 10),
		.thing = {
		    .jid = mem_strdup(db_text(st, 1)),
		    .node = mem_strdup(db_text(st, 2)),
		    .source = mem_strdup(db_text(st, 3)),
		    .cache = mem_strdup(db_text(st, 4)),
		    .via = mem_strdup(db_text(st, 6)),
		    .owner = owned ? mem_strdup(db_text(st, 7)) : NULL,
		    .is_public = sqlite3_column_int(st, 8),
		},
	};
}

/* take takes n, which is due. */
static void
take(struct notices *ns, struct notice *n)
{
	bool dropped = !*n->thing.jid;
	int64_t now = clock_mono(ns->clock);

	if (!dropped && !n->waits && !in_flight(ns, n)) {
		dispatch(ns, n);
		return;
	}
	/* A dropped notice leaves its line in post. */
	if (dropped)
		db_do(ns->db, ns->st[S_SWEEP], "i", n->id);
	else
		postpone(ns, n, now + PATIENCE_MS, now - PATIENCE_MS);
	thing_fini(&n->thing);
}

/* run_some returns how many it took; none of them is due any more. */
static size_t
run_some(struct notices *ns)
{
	sqlite3_stmt *st = ns->st[S_DUE];
	struct notice due[WINDOW];
	size_t n = 0;

	db_bind(st, "ii", clock_mono(ns->clock), (int64_t)WINDOW);
	while (n < WINDOW - ns->n_flights && db_step(ns->db, st) == OK)
		read_notice(st, &due[n++]);
	db_end(st);
	for (size_t i = 0; i < n; i++)
		take(ns, &due[i]);
	return n;
}

void
notices_run(struct notices *ns)
{
	if (!ns->session || !session_online(ns->session))
		return;
	while (ns->n_flights < WINDOW && run_some(ns) > 0)
		;
}
