/* Names to addresses without blocking the loop: SRV records first (RFC 6120
 * 3.2.1), then A and AAAA, both in libuv's thread pool. */
#ifndef XMPP_RESOLVE_H
#define XMPP_RESOLVE_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum {
	RESOLVE_ADDRESSES = 16,
	RESOLVE_TARGETS = 8,
	ADDRESS_TEXT = 64, /* IPv6 with a scope */
	SRV_NAME = 256,
};

struct address {
	char text[ADDRESS_TEXT]; /* literal */
	uint16_t port;
	bool loopback;
};

struct srv {
	char target[SRV_NAME];
	uint16_t priority, weight, port;
};

struct resolve;

/* On OK there is at least one address; else why is a part of a sentence.
 * All is borrowed. */
typedef void (*resolve_done)(
    void *arg, enum err e, const struct address *v, size_t n, const char *why);

/* resolve_start looks name up; with a service ("_xmpp-client._tcp") its SRV
 * records come first and port is for the case that there are none.  done is
 * called exactly once, never from within this call, also after
 * resolve_cancel (then with ERR_OFFLINE).
 * Errors: ERR_NOTFOUND, ERR_REFUSED (SRV says: no such service). */
struct resolve *resolve_start(uv_loop_t *loop, const char *service,
    const char *name, uint16_t port, resolve_done done, void *arg);
void resolve_cancel(struct resolve *r);

/* srv_parse reads the SRV records of a DNS answer into out, at most max, and
 * returns how many, or -1 when it is not a DNS message.  Thread: any. */
int srv_parse(const unsigned char *msg, int len, struct srv *out, int max);

/* srv_order sorts by priority and draws among equals by weight.
 * Spec: RFC 2782. */
void srv_order(struct srv *v, size_t n, uint32_t (*below)(uint32_t n));

#endif
