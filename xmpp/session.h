/* The live connection of a program to its XMPP server, as a client (TLS, SASL)
 * or as a component (XEP-0114), driven by a libuv loop.
 *
 * It reconnects by itself with jittered backoff, notices a dead link or a hung
 * server within 60 s (TCP keepalive, user timeout, XEP-0199 ping), ends a
 * handshake that falls silent, and sends nothing before it is online.
 * One session per process: libstrophe keeps hidden state between connections.
 *
 * Thread: loop, all of it. */
#ifndef XMPP_SESSION_H
#define XMPP_SESSION_H

#include "common/clock.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <strophe.h>
#include <uv.h>

struct session;
struct iq_table;
struct hints; /* xmpp/find_txt.h */

enum session_kind { SESSION_CLIENT, SESSION_COMPONENT };
enum session_tls { SESSION_TLS_REQUIRED, SESSION_TLS_OPTIONAL };

struct session_config {
	enum session_kind kind;
	const char *jid;      /* client: full JID; component: its domain */
	const char *password; /* or the component's secret */
	/* NULL or "": SRV of the domain, else the domain; for a component, this
	 * machine. */
	const char *host;
	unsigned ways;        /* without a host: enum find_way; 0: SRV */
	const char *leases;   /* as struct find_config */
	uint16_t port;        /* 0: 5222, or 5347 for a component */
	enum session_tls tls; /* optional is allowed on loopback only */
	const char *ca_file;  /* or NULL: the system's */
	bool create_account;  /* XEP-0077 when the login is refused */
	int64_t ping_ms;      /* between pings; 0: 20 s */
	bool once; /* tools: report the first failure, do not retry */
};

/* Why a session is not online. */
enum session_fault {
	SESSION_NO_ADDRESS, /* the host name is not known */
	SESSION_NO_CONNECT, /* refused or unreachable */
	SESSION_NO_TLS,     /* certificate or handshake */
	SESSION_NO_AUTH,    /* wrong password or secret */
	SESSION_SILENT,     /* handshake or ping without an answer */
	SESSION_LOST,       /* the stream ended */
	SESSION_REPLACED,   /* the same resource logged in elsewhere */
};

struct session_events {
	/* full_jid is borrowed.  Called after each login. */
	void (*online)(void *arg, const char *full_jid);
	/* text is a sentence for people, with what to do.  Called once for each
	 * loss and for each failed attempt.  With once, nothing follows. */
	void (*offline)(void *arg, enum session_fault fault, const char *text);
	/* Each presence stanza; NULL: ignored. */
	void (*presence)(void *arg, xmpp_stanza_t *stanza);
	/* Each message that is not of type error; NULL: ignored. */
	void (*message)(void *arg, xmpp_stanza_t *stanza);
	/* Each that is: one of ours came back.  NULL: ignored. */
	void (*bounced)(void *arg, xmpp_stanza_t *stanza);
	void *arg;
};

/* session_new copies the configuration.  Nothing happens before session_start.
 * Errors: ERR_CONFIG (tls optional off loopback, not a JID ...), eb says what.
 * Owns: *out is owned. */
enum err session_new(uv_loop_t *loop, const struct clock *clock,
    const struct session_config *config, const struct session_events *events,
    struct session **out, struct errbuf *eb) MUST_USE;

void session_start(struct session *s);

/* session_stop closes the stream (it gives the server a moment to take
 * </stream>) and calls done(arg) once all handles are closed and s is freed.
 * Pending requests end as IQ_LOST before. */
void session_stop(struct session *s, void (*done)(void *arg), void *arg);

bool session_online(const struct session *s);
const char *session_jid(const struct session *s);  /* full when online */
const char *session_bare(const struct session *s); /* own bare JID or domain */
xmpp_ctx_t *session_ctx(const struct session *s);
bool session_secured(const struct session *s); /* under TLS now */
const char *session_server(
    const struct session *s); /* "host:port" last tried */

/* session_way tells how the server was found: "configured", "SRV", "mDNS",
 * "DHCP"; session_hints what it announced by mDNS.  "" and NULL when offline.
 */
const char *session_way(const struct session *s);
const struct hints *session_hints(const struct session *s); /* borrowed */

/* session_send sends a stanza and gives up the caller's hold on it.  For a
 * component, `from` is set to its domain when absent.  On an error it is
 * dropped. Errors: ERR_OFFLINE; ERR_BUSY so much waits that the server must be
 * hanging; ERR_UNSUP a component's stanza without `to`, which would end the
 * stream. */
enum err session_send(struct session *s, xmpp_stanza_t *stanza);

/* session_queued is how many stanzas wait to be written to the socket. */
int session_queued(const struct session *s);

/* The table of requests and handlers of this session: xmpp/iq.h. */
struct iq_table *session_iq(struct session *s);

#endif
