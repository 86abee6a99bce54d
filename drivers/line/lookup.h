/* Names to addresses, for a thread that may be asked to stop meanwhile: the
 * system's resolver blocks for as long as the DNS likes. */
#ifndef DRIVERS_LINE_LOOKUP_H
#define DRIVERS_LINE_LOOKUP_H

#include "drivers/line/line.h"

#include <netdb.h>

/* lookup_addresses is getaddrinfo for a stream socket; *out is released with
 * freeaddrinfo.  Once l is to stop it returns EAI_AGAIN soon.  A literal
 * address takes no time.  Errors: EAI_... */
int lookup_addresses(const char *host, const char *service,
    const struct line *l, struct addrinfo **out);

#endif
