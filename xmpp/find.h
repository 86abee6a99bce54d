/* Finding the XMPP server: a given host, the domain's DNS records, mDNS/DNS-SD,
 * DHCP, in this order.  What is found are addresses; the domain, and with it
 * the certificate that the server must have, is the one of our own JID.
 *
 * Spec: XEP-0347 Finding XMPP Server.  Thread: loop. */
#ifndef XMPP_FIND_H
#define XMPP_FIND_H

#include "xmpp/find_txt.h"
#include "xmpp/resolve.h"

enum find_way {
	FIND_HOST = 1, /* its address */
	FIND_SRV = 2,  /* the domain's SRV records, else its address */
	FIND_MDNS = 4,
	FIND_DHCP = 8,
	FIND_ALL = FIND_SRV | FIND_MDNS | FIND_DHCP,
};

struct find_config {
	const char *host, *domain;
	const char *leases; /* where DHCP leases are; NULL: Debian's places */
	uint16_t port;
	unsigned ways; /* to try; the first that finds anything counts */
};

struct find_server {
	struct address address;
	unsigned number; /* addresses of one server have the same */
	struct hints hints;
};

/* All borrowed. */
struct find_result {
	enum err e;                  /* OK: n > 0 */
	enum find_way way;           /* how they were found */
	const struct find_server *v; /* in the order to be tried */
	size_t n;
	unsigned left;   /* of the ways: not tried yet */
	const char *why; /* on an error: a part of a sentence */
};
typedef void (*find_done)(void *arg, const struct find_result *found);

struct find;

/* find_start copies the configuration.  done is called exactly once, never from
 * within this call, also after find_cancel (then with ERR_OFFLINE).
 * Errors: ERR_NOTFOUND, ERR_REFUSED (SRV says: no such service). */
struct find *find_start(uv_loop_t *loop, const struct find_config *config,
    find_done done, void *arg);
void find_cancel(struct find *f);

const char *find_way_name(enum find_way way); /* "configured", "SRV" ... */

#endif
