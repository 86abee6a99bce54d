/* Names to addresses, for a thread that may be asked to stop meanwhile: the
 * system's resolver blocks for as long as the DNS likes. */
#ifndef DRIVERS_LINE_LOOKUP_H
#define DRIVERS_LINE_LOOKUP_H

#include <netdb.h>
#include <stdatomic.h>

/* lookup_addresses is getaddrinfo for a stream socket; *out is released with
 * freeaddrinfo.  Once stop is true it returns EAI_AGAIN soon.  A literal
 * address takes no time.  Errors: EAI_... */
int lookup_addresses(const char *host, const char *service,
    const atomic_bool *stop, struct addrinfo **out);

#endif
