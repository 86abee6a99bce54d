/* The provisioning server: who it is, how it was found, whether it is there.
 *
 * In this order: configured; announced or predefined accounts, when the
 * configuration allows them; the registry; the owner of a node, for his nodes
 * alone; a component of the server.  It is searched once the registry is
 * there, for without one nothing has an owner.
 *
 * Spec: XEP-0347 Finding Provisioning Server, XEP-0324.  Thread: loop. */
#ifndef GATEWAY_PROVISIONER_H
#define GATEWAY_PROVISIONER_H

#include "protocol/jid.h"

#include <strophe.h>

struct gateway;
struct provisioner;

struct provisioning_peer {
	char jid[JID_SIZE]; /* bare; "": none */
	char to[JID_SIZE];  /* where requests go; "": it is not there */
	const char *how;    /* it was found; static */
};

struct provisioner *provisioner_new(struct gateway *gw);
void provisioner_free(struct provisioner *p);

void provisioner_offline(struct provisioner *p);
void provisioner_presence(struct provisioner *p, xmpp_stanza_t *presence);
void provisioner_tick(struct provisioner *p);

/* provisioner_drop forgets an owner to whom no node is left. */
void provisioner_drop(struct provisioner *p, const char *bare);

/* provisioner_for tells who decides on the nodes of that owner (a bare JID), or
 * on those of none with ""; NULL: nobody.  Another owner's server is never the
 * answer.  Borrowed until the next turn of the loop. */
const struct provisioning_peer *provisioner_for(
    const struct provisioner *p, const char *owner);

/* provisioner_is: bare decides on something, so it may see our presence;
 * provisioner_befriends: it stays in the roster, for it may turn out to. */
bool provisioner_is(const struct provisioner *p, const char *bare);
bool provisioner_befriends(const struct provisioner *p, const char *bare);

#endif
