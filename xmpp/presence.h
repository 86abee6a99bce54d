/* Presence and roster: subscriptions are decided by the program, never by the
 * library.  Thread: loop. */
#ifndef XMPP_PRESENCE_H
#define XMPP_PRESENCE_H

#include "xmpp/session.h"

enum presence_type {
	PRESENCE_AVAILABLE,
	PRESENCE_UNAVAILABLE,
	PRESENCE_SUBSCRIBE,
	PRESENCE_SUBSCRIBED,
	PRESENCE_UNSUBSCRIBE,
	PRESENCE_UNSUBSCRIBED,
	PRESENCE_PROBE,
	PRESENCE_ERROR,
	PRESENCE_OTHER,
};

enum presence_type presence_type(xmpp_stanza_t *stanza);

/* presence_send sends presence of a type to a JID; to NULL broadcasts. */
void presence_send(struct session *s, enum presence_type type, const char *to);

/* roster_remove takes bare out of the roster, which ends both subscriptions
 * (RFC 6121 2.5).  Asked again at the next login by the caller if offline. */
void roster_remove(struct session *s, const char *bare);

/* roster_get asks for the roster; each(arg, bare, subscription) is called for
 * every item, then done(arg).  A pending inbound request is not in it. */
void roster_get(struct session *s,
    void (*each)(void *arg, const char *bare, const char *subscription),
    void (*done)(void *arg, bool ok), void *arg);

#endif
