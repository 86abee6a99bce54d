#include "registry/friends.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/jid.h"
#include "xmpp/presence.h"

#include <stdlib.h>
#include <string.h>

enum {
	ASK_MS = 60000, /* a subscription is asked for once in this time */
	SOME = 64,      /* friends that are let go of at once */
	SWAP_MS = 200,  /* between two that make room for others */
	NEW_MS = 3000,  /* for one who has just come to register something */
};

/* heard: when the friend last spoke; it need not survive a restart, after which
 * all have just spoken.  asked: when we asked, or long ago. */
static const char *const tables =
    "CREATE TEMP TABLE friend ("
    "	jid TEXT PRIMARY KEY,"
    "	heard INTEGER NOT NULL,"
    "	asked INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX temp.friend_heard ON friend (heard);";

enum {
	S_LOAD,
	S_COUNT_ALL,
	S_ASKED,
	S_ADD,
	S_ASK,
	S_HEARD,
	S_USELESS,
	S_DROP,
	S_GRANTED,
	S_ENDED,
	S_GRANTERS,
	S_COUNT
};

static const char *const sql[S_COUNT] = {
	[S_LOAD] = "INSERT INTO friend (jid, heard, asked)"
		   " SELECT jid, ?1, ?2 FROM peer WHERE subscribed",
	[S_COUNT_ALL] = "SELECT count(*) FROM friend",
	[S_ASKED] = "SELECT asked FROM friend WHERE jid = ?1",
	[S_ADD] = "INSERT OR IGNORE INTO friend (jid, heard, asked)"
		  " VALUES (?1, ?2, ?3)",
	[S_ASK] = "UPDATE friend SET asked = ?2 WHERE jid = ?1",
	[S_HEARD] = "UPDATE friend SET heard = ?2 WHERE jid = ?1",
	[S_USELESS] = "SELECT jid FROM friend AS f WHERE heard <= ?1"
		      " AND NOT EXISTS"
		      " (SELECT 1 FROM thing AS t WHERE t.jid = f.jid)"
		      " AND NOT EXISTS"
		      " (SELECT 1 FROM notice AS n WHERE n.jid = f.jid)"
		      " ORDER BY heard LIMIT ?2",
	[S_DROP] = "DELETE FROM friend WHERE jid = ?1",
	[S_GRANTED] = "INSERT INTO peer (jid, subscribed) VALUES (?1, 1)"
		      " ON CONFLICT (jid) DO UPDATE SET subscribed = 1",
	[S_ENDED] = "UPDATE peer SET subscribed = 0 WHERE jid = ?1",
	[S_GRANTERS] = "SELECT jid FROM peer WHERE subscribed",
};

struct friends {
	struct db *db;
	const struct clock *clock;
	int64_t max, idle_ms;
	bool full;         /* when last looked; that was said */
	int64_t swap_mono; /* when one may be let go of for another again */
	sqlite3_stmt *st[S_COUNT];
};

enum err
friends_new(struct db *db, const struct clock *clock, int64_t max,
    int64_t idle_ms, struct friends **out, struct errbuf *eb)
{
	struct friends *fs = mem_zalloc(sizeof(*fs));
	int64_t now = clock_mono(clock);
	enum err e;

	fs->db = db;
	fs->clock = clock;
	fs->max = max;
	fs->idle_ms = idle_ms;
	e = db_script(db, tables, eb);
	if (e == OK)
		e = db_prepare(db, sql, S_COUNT, fs->st, eb);
	if (e == OK && db_exec(db, fs->st[S_LOAD], "ii", now, now - ASK_MS))
		e = errbuf_set(eb, ERR_IO, "the store cannot be read");
	if (e != OK) {
		friends_free(fs);
		fs = NULL;
	}
	*out = fs;
	return e;
}

void
friends_free(struct friends *fs)
{
	free(fs);
}

/* An account has a roster, and its server answers probes. */
static bool
is_account(const struct session *s)
{
	return strchr(session_bare(s), '@');
}

static int64_t
count(struct friends *fs)
{
	sqlite3_stmt *st = fs->st[S_COUNT_ALL];
	int64_t n = 0;

	db_bind(st, "");
	if (db_step(fs->db, st) == OK)
		n = sqlite3_column_int64(st, 0);
	db_end(st);
	return n;
}

/* is_friend tells also when we asked last. */
static bool
is_friend(struct friends *fs, const char *bare, int64_t *asked)
{
	sqlite3_stmt *st = fs->st[S_ASKED];
	bool found;

	db_bind(st, "t", bare);
	found = db_step(fs->db, st) == OK;
	if (found)
		*asked = sqlite3_column_int64(st, 0);
	db_end(st);
	return found;
}

static void
add(struct friends *fs, const char *bare)
{
	int64_t now = clock_mono(fs->clock);

	db_do(fs->db, fs->st[S_ADD], "tii", bare, now, now - ASK_MS);
}

/* drop ends the friendship in both directions. */
static void
drop(struct friends *fs, struct session *s, const char *bare)
{
	log_debug("peer", "%s is no friend any more", bare);
	if (is_account(s)) {
		roster_remove(s, bare);
	} else {
		presence_send(s, PRESENCE_UNSUBSCRIBED, bare);
		presence_send(s, PRESENCE_UNSUBSCRIBE, bare);
	}
	db_do(fs->db, fs->st[S_DROP], "t", bare);
	if (db_write(fs->db) == OK)
		db_do(fs->db, fs->st[S_ENDED], "t", bare);
}

/* drop_useless lets go of at most max that have been silent since before. */
static size_t
drop_useless(struct friends *fs, struct session *s, int64_t before, int64_t max)
{
	sqlite3_stmt *st = fs->st[S_USELESS];
	char *bare[SOME];
	size_t n = 0;

	db_bind(st, "ii", before, max < SOME ? max : SOME);
	while (n < SOME && db_step(fs->db, st) == OK)
		bare[n++] = mem_strdup(db_text(st, 0));
	db_end(st);
	for (size_t i = 0; i < n; i++) {
		drop(fs, s, bare[i]);
		free(bare[i]);
	}
	return n;
}

/* has_room lets go of one when there is none.  To look for it may take long,
 * and strangers can ask as often as they like. */
static bool
has_room(struct friends *fs, struct session *s)
{
	int64_t now = clock_mono(fs->clock);
	bool room;

	if (count(fs) < fs->max)
		return true;
	/* To look is dear, and who comes could take turns with who went. */
	if (now < fs->swap_mono)
		return false;
	room = drop_useless(fs, s, now - NEW_MS, 1) > 0;
	fs->swap_mono = now + (room ? SWAP_MS : NEW_MS);
	if (!room && !fs->full)
		log_warn("peer",
		    "all %lld friends have things, or have just come: nobody "
		    "else is let in",
		    (long long)fs->max);
	fs->full = !room;
	return room;
}

/* ask sends our own subscribe, but not again within a minute: the other side
 * may answer each with one of its own. */
static void
ask(struct friends *fs, struct session *s, const char *bare, int64_t asked)
{
	int64_t now = clock_mono(fs->clock);

	if (asked > now - ASK_MS)
		return;
	db_do(fs->db, fs->st[S_ASK], "ti", bare, now);
	presence_send(s, PRESENCE_SUBSCRIBE, bare);
}

static void
let_in(struct friends *fs, struct session *s, const char *bare)
{
	int64_t asked;

	if (!is_friend(fs, bare, &asked)) {
		if (!has_room(fs, s)) {
			presence_send(s, PRESENCE_UNSUBSCRIBED, bare);
			return;
		}
		add(fs, bare);
		asked = INT64_MIN;
	}
	friends_heard(fs, bare);
	presence_send(s, PRESENCE_SUBSCRIBED, bare);
	ask(fs, s, bare, asked);
}

/* Only who was asked can grant.  An account's roster says it by itself. */
static void
granted(struct friends *fs, struct session *s, const char *bare)
{
	int64_t asked;

	if (!is_account(s) && is_friend(fs, bare, &asked) &&
	    db_write(fs->db) == OK)
		db_do(fs->db, fs->st[S_GRANTED], "t", bare);
}

/* Who is no friend is not asked to end anything, or two of a kind would never
 * come to an end. */
static void
left(struct friends *fs, struct session *s, const char *bare)
{
	int64_t asked;

	if (is_friend(fs, bare, &asked))
		drop(fs, s, bare);
	else
		presence_send(s, PRESENCE_UNSUBSCRIBED, bare);
}

static void
ended(struct friends *fs, const char *bare)
{
	if (db_write(fs->db) == OK)
		db_do(fs->db, fs->st[S_ENDED], "t", bare);
}

void
friends_presence(struct friends *fs, struct session *s, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence);
	char bare[JID_SIZE];

	if (!from || jid_bare(from, bare) != OK)
		return;
	switch (presence_type(presence)) {
	case PRESENCE_SUBSCRIBE:
		let_in(fs, s, bare);
		break;
	case PRESENCE_SUBSCRIBED:
		granted(fs, s, bare);
		break;
	case PRESENCE_UNSUBSCRIBE:
		left(fs, s, bare);
		break;
	case PRESENCE_UNSUBSCRIBED:
		ended(fs, bare);
		break;
	case PRESENCE_AVAILABLE:
		friends_heard(fs, bare);
		break;
	case PRESENCE_UNAVAILABLE:
	case PRESENCE_PROBE:
	case PRESENCE_ERROR:
	case PRESENCE_OTHER:
		break;
	}
}

/* Whoever is in the roster and of no use is let go of in time. */
static void
in_roster(void *arg, const char *jid, const char *subscription)
{
	char bare[JID_SIZE];

	(void)subscription;
	if (jid_bare(jid, bare) == OK)
		add(arg, bare);
}

static void
roster_done(void *arg, bool ok)
{
	(void)arg;
	if (!ok)
		log_warn("peer", "the roster cannot be read");
}

void
friends_online(struct friends *fs, struct session *s)
{
	sqlite3_stmt *st = fs->st[S_GRANTERS];

	if (is_account(s)) {
		roster_get(s, in_roster, roster_done, fs);
		presence_send(s, PRESENCE_AVAILABLE, NULL);
		return;
	}
	db_bind(st, "");
	while (db_step(fs->db, st) == OK)
		presence_send(s, PRESENCE_PROBE, db_text(st, 0));
}

void
friends_heard(struct friends *fs, const char *bare)
{
	db_do(fs->db, fs->st[S_HEARD], "ti", bare, clock_mono(fs->clock));
}

void
friends_tidy(struct friends *fs, struct session *s)
{
	int64_t now = clock_mono(fs->clock);
	int64_t surplus;

	fs->full = false;
	if (!session_online(s))
		return;
	drop_useless(fs, s, now - fs->idle_ms, SOME);
	surplus = count(fs) - fs->max;
	if (surplus > 0)
		drop_useless(fs, s, now, surplus);
}
