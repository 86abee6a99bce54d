/* What an XMPP server says of itself in the TXT record that it announces by
 * DNS-SD.  No I/O, no state.  Spec: XEP-0347 TXT Record Parameters Registry;
 * RFC 6763 6.  Thread: any. */
#ifndef XMPP_FIND_TXT_H
#define XMPP_FIND_TXT_H

#include <stddef.h>
#include <stdint.h>

enum {
	HINT_USERS = 4,
	HINT_USER = 64, /* longer user names are left out */
	HINT_DOMAIN = 256,
};

struct hint_users {
	char name[HINT_USERS][HINT_USER];
	size_t n;
};

/* User names are of accounts of that server; anybody on the network can
 * announce them.  Zero-initialised is empty. */
struct hints {
	char domain[HINT_DOMAIN]; /* ordom: of the XMPP service; or "" */
	struct hint_users registry, provisioning;
};

/* txt_read reads the record's data: strings with a length byte before each.
 * Of a key that stands there twice the first counts; what makes no JID is left
 * out. */
void txt_read(const uint8_t *data, size_t len, struct hints *out);

#endif
