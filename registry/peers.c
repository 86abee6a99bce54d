#include "registry/peers.h"

#include "common/mem.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KNOWN_MAX = 65536, /* full JIDs in memory, and some more */
	NEWS_MAX = 8192,
};

/* Accounts that nothing hangs on. */
#define FORGET                                    \
	"DELETE FROM peer WHERE subscribed = 0"   \
	" AND jid NOT IN (SELECT jid FROM thing)" \
	" AND jid NOT IN (SELECT jid FROM notice)"

/* online: full JIDs of this session; available while their presence says so,
 * else reachable for a lease after seen. */
static const char *const tables =
    "CREATE TEMP TABLE online ("
    "	address TEXT PRIMARY KEY,"
    "	jid TEXT NOT NULL,"
    "	available INTEGER NOT NULL,"
    "	seen INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX temp.online_jid ON online (jid, seen);" FORGET ";";

enum {
	S_LOAD,
	S_HEARD,
	S_LAST,
	S_KEEP,
	S_GONE,
	S_GONE_LAST,
	S_AVAILABLE,
	S_WHERE,
	S_TIDY,
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
	[S_WHERE] = "SELECT address FROM online WHERE jid = ?1 AND " REACHABLE
		    " ORDER BY address = ?3 DESC, seen DESC LIMIT 1",
	[S_TIDY] = "DELETE FROM online WHERE NOT available AND seen < ?1",
	[S_CAP] = "DELETE FROM online WHERE address IN (SELECT address"
		  " FROM online ORDER BY seen DESC LIMIT -1 OFFSET ?1)",
	[S_FORGET] = FORGET,
};

struct peers {
	struct db *db;
	const struct clock *clock;
	int64_t lease_ms;
	unsigned news; /* since online was last cut to size */
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
cut(struct peers *ps)
{
	db_do(ps->db, ps->st[S_CAP], "i", (int64_t)KNOWN_MAX);
	ps->news = 0;
}

/* Strangers may bring any number of full JIDs. */
static void
news(struct peers *ps)
{
	if (++ps->news >= NEWS_MAX)
		cut(ps);
}

static void
heard(struct peers *ps, const struct jid *from, bool may_add)
{
	db_do(ps->db, ps->st[S_HEARD], "tti", from->full, from->bare,
	    clock_mono(ps->clock));
	news(ps);
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
came(struct peers *ps, const struct jid *from)
{
	db_do(ps->db, ps->st[S_AVAILABLE], "tti", from->full, from->bare,
	    clock_mono(ps->clock));
	news(ps);
	keep(ps, from, false);
}

enum peer_news
peers_presence(
    struct peers *ps, struct session *s, xmpp_stanza_t *stanza, struct jid *who)
{
	const char *from = xmpp_stanza_get_from(stanza);

	if (!from || jid_parse(from, who) != OK)
		return PEER_NOTHING;
	switch (presence_type(stanza)) {
	case PRESENCE_AVAILABLE:
		came(ps, who);
		return PEER_CAME;
	case PRESENCE_UNAVAILABLE:
		/* Or it only ended the friendship, and is still to be had. */
		db_do(ps->db, ps->st[S_GONE], "t", who->full);
		return PEER_WENT;
	case PRESENCE_PROBE:
		presence_send(s, PRESENCE_AVAILABLE, who->full);
		return PEER_NOTHING;
	case PRESENCE_SUBSCRIBE:
	case PRESENCE_SUBSCRIBED:
	case PRESENCE_UNSUBSCRIBE:
	case PRESENCE_UNSUBSCRIBED:
	case PRESENCE_ERROR:
	case PRESENCE_OTHER:
		break;
	}
	return PEER_NOTHING;
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
	cut(ps);
	if (db_write(ps->db) == OK)
		db_do(ps->db, ps->st[S_FORGET], "");
}
