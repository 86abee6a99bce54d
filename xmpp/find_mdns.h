/* The XMPP servers that announce themselves in the local network, asked of
 * avahi-daemon: services of type _xmpp-client._tcp.
 *
 * Thread: a worker's, since D-Bus blocks; one at a time. */
#ifndef XMPP_FIND_MDNS_H
#define XMPP_FIND_MDNS_H

#include "common/err.h"
#include "xmpp/find_txt.h"
#include "xmpp/resolve.h"

#include <stdatomic.h>

enum { MDNS_SERVERS = RESOLVE_ADDRESSES, MDNS_BROWSE_MS = 3000 };

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
 * MDNS_BROWSE_MS, or until *stop. */
void mdns_browse(struct mdns_found *out, const atomic_bool *stop);

#endif
