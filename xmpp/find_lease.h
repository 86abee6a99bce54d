/* The XMPP server's name in what a DHCP client keeps: option 224 of the
 * site-specific range, or 84.  No I/O, no state.
 *
 * Known by their content: systemd-networkd's leases and those of
 * NetworkManager's internal client (OPTION_224=hex), dhclient's, also under
 * NetworkManager (option unknown-224 ...), dhcpcd's (the server's message as it
 * came) and what `dhcpcd -U` prints, udhcpc's variables (opt224=hex), and the
 * files that the hooks of packaging/dhcp write (xmpp_server=name).
 *
 * Spec: XEP-0347 XMPP Server Option.  Thread: any. */
#ifndef XMPP_FIND_LEASE_H
#define XMPP_FIND_LEASE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	LEASE_NAMES = 4,
	LEASE_NAME = 254, /* RFC 1035, with the NUL */
	LEASE_FILE_MAX = 1 << 20,
};

/* Zero-initialised is empty. */
struct lease {
	char name[LEASE_NAMES][LEASE_NAME]; /* as is, maybe without a domain */
	size_t n;
};

/* lease_read adds the names that data[len], one file, holds: of the last lease
 * in it, option 224 before 84.  What is no host name is left out. */
void lease_read(const char *data, size_t len, struct lease *out);

/* lease_add adds the host names of one value of the option, separated by
 * spaces or commas; those that are there already, or one too many, are not. */
void lease_add(struct lease *l, const char *value, size_t len);

#endif
