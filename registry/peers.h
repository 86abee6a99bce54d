/* Where the accounts of things can be reached.
 *
 * A component has no roster and is told nothing after a restart, so the last
 * full JID of each account is kept in the database; who is available now is
 * kept in memory only.
 *
 * Thread: loop.  Spec: XEP-0347 3.2; RFC 6121 3, 4. */
#ifndef REGISTRY_PEERS_H
#define REGISTRY_PEERS_H

#include "common/clock.h"
#include "common/err.h"
#include "protocol/jid.h"
#include "registry/db.h"
#include "xmpp/session.h"

#include <stdbool.h>
#include <stdint.h>

struct peers;

/* peers_new knows the addresses that db holds as heard of just now.
 * Owns: *out is owned; db and clock are borrowed.  Errors: ERR_IO. */
enum err peers_new(struct db *db, const struct clock *clock, int64_t lease_ms,
    struct peers **out, struct errbuf *eb) MUST_USE;
void peers_free(struct peers *ps);

/* peers_heard notes that a thing spoke: it can be reached there for a lease.
 * peers_alive does so for whoever may be one: only what has been heard before
 * is stored. */
void peers_heard(struct peers *ps, const struct jid *from);
void peers_alive(struct peers *ps, const struct jid *from);

/* peers_gone forgets a full JID that cannot be reached. */
void peers_gone(struct peers *ps, const char *full);

enum peer_news { PEER_NOTHING, PEER_CAME, PEER_WENT };

/* peers_presence notes who comes and goes, and answers a probe.  who receives
 * whose news it is. */
enum peer_news peers_presence(struct peers *ps, struct session *s,
    xmpp_stanza_t *stanza, struct jid *who) MUST_USE;

/* peers_where writes the full JID to use for a thing of an account: via while
 * it can be reached, else the newest that can, else the last one known.
 * False: none is known.  Spec: XEP-0347 3.8. */
bool peers_where(struct peers *ps, const char *bare, const char *via,
    char out[JID_SIZE]) MUST_USE;

/* peers_tidy drops what has not been heard of for a lease, and accounts without
 * things, notices or subscription. */
void peers_tidy(struct peers *ps);

#endif
