/* The leases of this machine's DHCP clients.  Thread: any; reads files. */
#ifndef XMPP_FIND_DHCP_H
#define XMPP_FIND_DHCP_H

#include "xmpp/find_lease.h"

/* dhcp_names reads the leases of systemd-networkd, dhclient, NetworkManager,
 * dhcpcd and udhcpc, and what our hooks wrote (packaging/dhcp), the newest file
 * first; with `from`, only that file, or the files of that folder.  *closed
 * counts files that are there and may not be read. */
void dhcp_names(const char *from, struct lease *out, unsigned *closed);

#endif
