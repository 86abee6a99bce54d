/* Searching the components of the server we are connected to for one that has
 * a feature: a Thing Registry, a provisioning server.
 *
 * Asked are, one after the other, what the server is, what items it has, and
 * what each item is, until one has the feature.
 *
 * Spec: XEP-0347 Determining Support, XEP-0030.  Thread: loop. */
#ifndef REGISTRY_CLIENT_SEEK_H
#define REGISTRY_CLIENT_SEEK_H

#include "protocol/jid.h"
#include "xmpp/session.h"

enum { SEEK_ITEMS = 64, SEEK_ANSWER_MS = 10000 };

struct seek;

/* jid is borrowed, or NULL; why then is a part of a sentence, or "" when the
 * connection was lost. */
typedef void (*seek_done)(void *arg, const char *jid, const char *why);

/* seek_start asks first, if that is a JID: it is taken before all others, for
 * it was the one the last time.  done is called once, never from within this
 * call.  Returns NULL when nothing can be sent now; nothing follows then. */
struct seek *seek_start(struct session *s, const char *feature,
    const char *first, seek_done done, void *arg);
void seek_free(struct seek *k); /* before done: it is not called any more */

/* seek_has tells whether a disco#info result has the feature. */
bool seek_has(xmpp_stanza_t *info, const char *feature);

#endif
