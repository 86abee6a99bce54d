/* The XMPP servers that announce themselves in the local network, asked of
 * avahi-daemon: services of type _xmpp-client._tcp.  Asking is the work of a
 * program of its own, mdns.c; what it writes is not trusted.
 *
 * Thread: a worker's, since it waits; one at a time. */
#ifndef XMPP_FIND_MDNS_H
#define XMPP_FIND_MDNS_H

#include "common/err.h"
#include "xmpp/find_txt.h"
#include "xmpp/resolve.h"

#include <stdatomic.h>

enum { MDNS_SERVERS = RESOLVE_ADDRESSES, MDNS_BROWSE_MS = 4000 };

struct mdns_server {
	struct address address;
	struct hints hints; /* domain is never empty */
};

struct mdns_found {
	struct mdns_server v[MDNS_SERVERS];
	size_t n;
	char why[128]; /* a part of a sentence, when n is 0 */
};

/* mdns_browse looks until all that is known has been told, at most for
 * MDNS_BROWSE_MS, or until *stop.  The helper is $THINGBRIDGE_MDNS, else the
 * installed one, and is gone afterwards. */
void mdns_browse(struct mdns_found *out, const atomic_bool *stop);

/* mdns_take adds the server that a line of the helper tells; other lines are
 * left out.  Cuts line into words. */
void mdns_take(struct mdns_found *out, char *line);

#endif
