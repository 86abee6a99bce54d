#include "registry/peers.h"

#include "common/mem.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KNOWN_MAX = 65536, /* full JIDs in memory */
	ASK_MS = 60000,    /* a subscription is asked for once in this time */
};

/* Accounts that nothing hangs on. */
#define FORGET                                    \
	"DELETE FROM peer WHERE subscribed = 0"   \
	" AND jid NOT IN (SELECT jid FROM thing)" \
	" AND jid NOT IN (SELECT jid FROM notice)"

/* online: full JIDs of this session; available while their presence says so,
 * else reachable for a lease after seen.  asked: whom we asked, and when. */
static const char *const tables =
    "CREATE TEMP TABLE online ("
    "	address TEXT PRIMARY KEY,"
    "	jid TEXT NOT NULL,"
    "	available INTEGER NOT NULL,"
    "	seen INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX temp.online_jid ON online (jid, seen);"
    "CREATE TEMP TABLE asked ("
    "	jid TEXT PRIMARY KEY,"
    "	at INTEGER NOT NULL) WITHOUT ROWID;" FORGET ";";

enum {
	S_LOAD,
	S_HEARD,
	S_LAST,
	S_KEEP,
	S_GONE,
	S_GONE_LAST,
	S_AVAILABLE,
	S_SUBSCRIBED,
	S_SUBSCRIBERS,
	S_ASKED,
	S_ASK,
	S_UNASK,
	S_WHERE,
	S_TIDY,
	S_TIDY_ASKED,
	S_CAP,
	S_FORGET,
	S_COUNT
};

#define REACHABLE "(available OR seen >= ?2)"

static const char *const sql[S_COUNT] = {
	[S_LOAD] = "INSERT INTO online (address, jid, available, seen)"
		   " SELECT address, jid, 0, ?1 FROM peer WHERE address <> ''",
	[S_HEARD] = "INSERT INTO online (address, jid, available, seen)"
		    " VALUES (?1, ?2, 0, ?3)"
		    " ON CONFLICT (address) DO UPDATE SET seen = ?3",
	[S_LAST] = "SELECT address FROM peer WHERE jid = ?1",
	[S_KEEP] = "INSERT INTO peer (jid, address) VALUES (?1, ?2)"
		   " ON CONFLICT (jid) DO UPDATE SET address = ?2",
	[S_GONE] = "DELETE FROM online WHERE address = ?1",
	[S_GONE_LAST] = "UPDATE peer SET address = ''"
			" WHERE jid = ?1 AND address = ?2",
	[S_AVAILABLE] = "INSERT INTO online (address, jid, available, seen)"
			" VALUES (?1, ?2, 1, ?3) ON CONFLICT (address)"
			" DO UPDATE SET available = 1, seen = ?3",
	[S_SUBSCRIBED] = "INSERT INTO peer (jid, subscribed) VALUES (?1, ?2)"
			 " ON CONFLICT (jid) DO UPDATE SET subscribed = ?2",
	[S_SUBSCRIBERS] = "SELECT jid FROM peer WHERE subscribed",
	[S_ASKED] = "SELECT 1 FROM asked WHERE jid = ?1 AND at > ?2",
	[S_ASK] = "INSERT OR REPLACE INTO asked (jid, at) VALUES (?1, ?2)",
	[S_UNASK] = "DELETE FROM asked WHERE jid = ?1",
	[S_WHERE] = "SELECT address FROM online WHERE jid = ?1 AND " REACHABLE
		    " ORDER BY address = ?3 DESC, seen DESC LIMIT 1",
	[S_TIDY] = "DELETE FROM online WHERE NOT available AND seen < ?1",
	[S_TIDY_ASKED] = "DELETE FROM asked WHERE at < ?1",
	[S_CAP] = "DELETE FROM online WHERE address IN (SELECT address"
		  " FROM online ORDER BY seen DESC LIMIT -1 OFFSET ?1)",
	[S_FORGET] = FORGET,
};

struct peers {
	struct db *db;
	const struct clock *clock;
	int64_t lease_ms;
	sqlite3_stmt *st[S_COUNT];
};

enum err
peers_new(struct db *db, const struct clock *clock, int64_t lease_ms,
    struct peers **out, struct errbuf *eb)
{
	struct peers *ps = mem_zalloc(sizeof(*ps));
	enum err e;

	ps->db = db;
	ps->clock = clock;
	ps->lease_ms = lease_ms;
	e = db_script(db, tables, eb);
	if (e == OK)
		e = db_prepare(db, sql, S_COUNT, ps->st, eb);
	if (e == OK && db_exec(db, ps->st[S_LOAD], "i", clock_mono(clock)))
		e = errbuf_set(eb, ERR_IO, "the store cannot be read");
	if (e != OK) {
		peers_free(ps);
		ps = NULL;
	}
	*out = ps;
	return e;
}

void
peers_free(struct peers *ps)
{
	free(ps);
}

/* keep stores the last address of an account, if it is another one; of one
 * without a row only when it may have one. */
static void
keep(struct peers *ps, const struct jid *from, bool may_add)
{
	sqlite3_stmt *st = ps->st[S_LAST];
	bool known, same;

	db_bind(st, "t", from->bare);
	known = db_step(ps->db, st) == OK;
	same = known && strcmp(db_text(st, 0), from->full) == 0;
	db_end(st);
	if (same || (!known && !may_add) || db_write(ps->db) != OK)
		return;
	db_do(ps->db, ps->st[S_KEEP], "tt", from->bare, from->full);
}

static void
heard(struct peers *ps, const struct jid *from, bool may_add)
{
	db_do(ps->db, ps->st[S_HEARD], "tti", from->full, from->bare,
	    clock_mono(ps->clock));
	keep(ps, from, may_add);
}

void
peers_heard(struct peers *ps, const struct jid *from)
{
	heard(ps, from, true);
}

void
peers_alive(struct peers *ps, const struct jid *from)
{
	heard(ps, from, false);
}

void
peers_gone(struct peers *ps, const char *full)
{
	struct jid j;

	if (jid_parse(full, &j) != OK)
		return;
	db_do(ps->db, ps->st[S_GONE], "t", j.full);
	if (db_write(ps->db) == OK)
		db_do(ps->db, ps->st[S_GONE_LAST], "tt", j.bare, j.full);
}

static void
set_subscribed(struct peers *ps, const struct jid *from, bool yes)
{
	if (db_write(ps->db) == OK)
		db_do(ps->db, ps->st[S_SUBSCRIBED], "ti", from->bare,
		    (int64_t)yes);
}

/* ask sends our own subscribe, but not again within a minute: the other side
 * may answer each with one of its own. */
static void
ask(struct peers *ps, struct session *s, const char *bare)
{
	int64_t now = clock_mono(ps->clock);
	sqlite3_stmt *st = ps->st[S_ASKED];
	bool lately;

	db_bind(st, "ti", bare, now - ASK_MS);
	lately = db_step(ps->db, st) == OK;
	db_end(st);
	if (lately)
		return;
	db_do(ps->db, ps->st[S_ASK], "ti", bare, now);
	presence_send(s, PRESENCE_SUBSCRIBE, bare);
}

static void
came(struct peers *ps, const struct jid *from)
{
	db_do(ps->db, ps->st[S_AVAILABLE], "tti", from->full, from->bare,
	    clock_mono(ps->clock));
	keep(ps, from, false);
}

/* subscription answers what asks for, grants or ends one. */
static void
subscription(struct peers *ps, struct session *s, enum presence_type type,
    const struct jid *from)
{
	if (type == PRESENCE_SUBSCRIBE) {
		presence_send(s, PRESENCE_SUBSCRIBED, from->bare);
		ask(ps, s, from->bare);
		return;
	}
	if (type == PRESENCE_UNSUBSCRIBE) {
		presence_send(s, PRESENCE_UNSUBSCRIBED, from->bare);
		presence_send(s, PRESENCE_UNSUBSCRIBE, from->bare);
		db_do(ps->db, ps->st[S_UNASK], "t", from->bare);
	}
	set_subscribed(ps, from, type == PRESENCE_SUBSCRIBED);
}

enum peer_news
peers_presence(
    struct peers *ps, struct session *s, xmpp_stanza_t *stanza, struct jid *who)
{
	const char *from = xmpp_stanza_get_from(stanza);
	enum presence_type type = presence_type(stanza);

	if (!from || jid_parse(from, who) != OK)
		return PEER_NOTHING;
	switch (type) {
	case PRESENCE_AVAILABLE:
		came(ps, who);
		return PEER_CAME;
	case PRESENCE_UNAVAILABLE:
		peers_gone(ps, who->full);
		return PEER_WENT;
	case PRESENCE_PROBE:
		presence_send(s, PRESENCE_AVAILABLE, who->full);
		return PEER_NOTHING;
	case PRESENCE_SUBSCRIBE:
	case PRESENCE_SUBSCRIBED:
	case PRESENCE_UNSUBSCRIBE:
	case PRESENCE_UNSUBSCRIBED:
		subscription(ps, s, type, who);
		return PEER_NOTHING;
	case PRESENCE_ERROR:
	case PRESENCE_OTHER:
		break;
	}
	return PEER_NOTHING;
}

void
peers_probe(struct peers *ps, struct session *s)
{
	sqlite3_stmt *st = ps->st[S_SUBSCRIBERS];

	db_bind(st, "");
	while (db_step(ps->db, st) == OK)
		presence_send(s, PRESENCE_PROBE, db_text(st, 0));
}

static bool
take_address(struct peers *ps, sqlite3_stmt *st, char out[JID_SIZE])
{
	bool found = db_step(ps->db, st) == OK && *db_text(st, 0);

	if (found)
		snprintf(out, JID_SIZE, "%s", db_text(st, 0));
	db_end(st);
	return found;
}

bool
peers_where(
    struct peers *ps, const char *bare, const char *via, char out[JID_SIZE])
{
	sqlite3_stmt *st = ps->st[S_WHERE];

	db_bind(st, "tit", bare, clock_mono(ps->clock) - ps->lease_ms, via);
	if (take_address(ps, st, out))
		return true;
	st = ps->st[S_LAST];
	db_bind(st, "t", bare);
	return take_address(ps, st, out);
}

void
peers_tidy(struct peers *ps)
{
	int64_t now = clock_mono(ps->clock);

	db_do(ps->db, ps->st[S_TIDY], "i", now - ps->lease_ms);
	db_do(ps->db, ps->st[S_TIDY_ASKED], "i", now - ASK_MS);
	db_do(ps->db, ps->st[S_CAP], "i", (int64_t)KNOWN_MAX);
	if (db_write(ps->db) == OK)
		db_do(ps->db, ps->st[S_FORGET], "");
}
