/* Why a connection ended, in words for the person who can mend it. */
#ifndef XMPP_FAULT_H
#define XMPP_FAULT_H

#include "xmpp/session.h"

#include "common/log.h"
#include "xmpp/account.h"

enum link_stage {
	LINK_CONNECTING, /* TCP */
	LINK_STREAM,     /* stream, TLS, login */
	LINK_ONLINE,
};

/* What is known about the end of a connection. */
struct link_end {
	enum link_stage stage;
	bool silent;       /* no answer in time: shut down by us */
	bool no_starttls;  /* the server offers no encryption */
	bool tls_failed;   /* the handshake failed */
	bool not_xmpp;     /* what came is not XML */
	bool auth_failed;  /* no way to log in was left */
	bool stream_error; /* type and text are set */
	int sys_error;     /* errno of the TCP connect, or 0 */
	xmpp_error_type_t type;
	char text[LOG_SAFE]; /* the server's own words, made safe */
	char cert[LOG_SAFE]; /* what is wrong with the certificate, or "" */
	enum account_outcome account;
	char account_why[LOG_SAFE];
};

struct fault_place {
	enum session_kind kind;
	const char *server; /* "host:port" */
	const char *name;   /* own bare JID or domain */
	const char *domain;
};

/* fault_explain names the fault and writes one sentence into eb.  Thread: any.
 */
enum session_fault fault_explain(const struct link_end *end,
    const struct fault_place *at, struct errbuf *eb);

#endif
