/* One connection at a time of one libstrophe object, driven by the loop.
 *
 * What libstrophe does badly is done around it here: it waits in a select of
 * its own, so it is never let to wait; it has no descriptor to watch, so its
 * socket is captured; it blocks in the TLS handshake, so a watchdog ends that;
 * it crashes for components, and beyond descriptor 1023, so it is led around.
 *
 * Thread: loop. */
#ifndef XMPP_LINK_H
#define XMPP_LINK_H

#include "xmpp/fault.h"

struct link;

struct link_config {
	enum session_kind kind;
	enum session_tls tls;
	const char *jid, *password, *ca_file;
};

struct link_events {
	/* Logged in; called from within libstrophe: send, but free nothing. */
	void (*up)(void *arg, const char *full_jid);
	/* The connection, or the attempt, is over; called from the loop. */
	void (*down)(void *arg, const struct link_end *end);
	/* Every element of the stream once up. */
	void (*stanza)(void *arg, xmpp_stanza_t *stanza);
	void *arg;
};

/* Errors: ERR_BUSY there is one in this process; ERR_IO. */
enum err link_new(uv_loop_t *loop, const struct link_config *config,
    const struct link_events *events, struct link **out,
    struct errbuf *eb) MUST_USE;
void link_free(struct link *l); /* no connection is reported down any more */

/* link_open connects to a literal address.
 * Errors: ERR_IO; then nothing follows. */
enum err link_open(struct link *l, const char *address, uint16_t port) MUST_USE;

/* link_register connects to ask for the account instead of logging in; how that
 * went is in link_end.account.  Errors: as link_open. */
enum err link_register(
    struct link *l, const char *address, uint16_t port) MUST_USE;

void link_send(struct link *l, xmpp_stanza_t *stanza);
void link_cut(struct link *l, bool silent); /* at once; down follows */
void link_close(struct link *l);            /* </stream>, a moment; then down */

xmpp_ctx_t *link_ctx(const struct link *l);
bool link_secured(const struct link *l);
int link_queued(const struct link *l);

#endif
