/* Who may see the gateway's presence: owners of its nodes, the registry, the
 * provisioning server, and nobody else.  The roster follows from who owns what,
 * so it is put right after every login.  Thread: loop.
 * Spec: XEP-0347 3.8 (after a claim), 3.15 (after disowning). */
#ifndef GATEWAY_FRIENDS_H
#define GATEWAY_FRIENDS_H

#include <strophe.h>

struct friends;
struct gateway;

struct friends *friends_new(struct gateway *gw);
void friends_free(struct friends *f);

void friends_online(struct friends *f); /* asks for the roster and mends it */
/* friends_mend drops from the roster who is not a friend any more. */
void friends_mend(struct friends *f);
void friends_presence(struct friends *f, xmpp_stanza_t *presence);

/* friends_message: what the provisioning server recommends (XEP-0324). */
void friends_message(struct friends *f, xmpp_stanza_t *message);

/* friends_approve answers a subscription that waited for its owner's claim. */
void friends_approve(struct friends *f, const char *bare);

/* friends_drop ends the friendship, unless bare still owns a node. */
void friends_drop(struct friends *f, const char *bare);

void friends_tick(struct friends *f); /* refuses what waited too long */

#endif
