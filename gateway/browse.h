/* The concentrator (XEP-0326): who may see nodes walks through them, is told
 * what happens to them (tell.h), and their owners run commands on them.
 *
 * Of what a requester does not see nothing is said: it is not there.  Served is
 * what getCapabilities lists; what else the XEP has answers NotImplemented.
 * The XEP cannot page: an answer that a server may refuse for its size is
 * OtherError, which says how to ask for less.
 *
 * Thread: loop. */
#ifndef GATEWAY_BROWSE_H
#define GATEWAY_BROWSE_H

#include "common/err.h"
#include "xmpp/iq.h"

struct browse;
struct gateway;

/* The table of requests; its argument is the browse. */
extern const struct iq_route browse_routes[];

struct browse *browse_new(struct gateway *gw);
void browse_free(struct browse *b);

/* browse_turn answers commands that changed what is kept, when that has been
 * committed, or not. */
void browse_turn(struct browse *b, bool kept);

#endif
