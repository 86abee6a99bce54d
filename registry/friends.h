/* Who is let in: whoever asks, but no more than are of use.  A friend without
 * things and notices who has long been silent is let go of; so is, when there
 * are too many, whoever of them has been silent longest, but for a moment.
 *
 * A registry that is an account has them in its roster, which the login brings
 * in line with the records; a component has no roster.
 *
 * Thread: loop.  Spec: XEP-0347 Friendships between Things and Registry;
 * RFC 6121 2, 3. */
#ifndef REGISTRY_FRIENDS_H
#define REGISTRY_FRIENDS_H

#include "common/clock.h"
#include "common/err.h"
#include "registry/db.h"
#include "xmpp/session.h"

#include <stdint.h>

struct friends;

/* friends_new: at most max friends, and idle_ms of silence for the useless.
 * Owns: *out is owned; db and clock are borrowed.  Errors: ERR_IO. */
enum err friends_new(struct db *db, const struct clock *clock, int64_t max,
    int64_t idle_ms, struct friends **out, struct errbuf *eb) MUST_USE;
void friends_free(struct friends *fs);

/* friends_online asks all friends where they are; an account says that it is
 * there, and its server asks. */
void friends_online(struct friends *fs, struct session *s);

/* friends_presence answers who asks for, grants or ends a subscription: one is
 * accepted and asked for in return. */
void friends_presence(
    struct friends *fs, struct session *s, xmpp_stanza_t *presence);

/* friends_heard notes that an account spoke. */
void friends_heard(struct friends *fs, const char *bare);

/* friends_tidy lets go of some of those that are of no use. */
void friends_tidy(struct friends *fs, struct session *s);

#endif
