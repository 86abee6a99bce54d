/* Creating the own account on the server, over a raw stream of its own, before
 * any login (XEP-0077). */
#ifndef XMPP_ACCOUNT_H
#define XMPP_ACCOUNT_H

#include "common/log.h"

#include <stdbool.h>
#include <strophe.h>

/* ACCOUNT_NONE: it ended before the server said anything. */
enum account_outcome { ACCOUNT_NONE, ACCOUNT_CREATED, ACCOUNT_REFUSED };

/* What must come next; anything else is passed over. */
enum account_step {
	ACCOUNT_FEATURES,
	ACCOUNT_PROCEED,
	ACCOUNT_FORM,
	ACCOUNT_MADE,
};

struct account {
	bool plain_allowed; /* without TLS: on this machine only */
	bool no_starttls;   /* the server offers none, so nothing was asked */
	enum account_step awaits;
	enum account_outcome outcome;
	char why[LOG_SAFE]; /* the server's condition, when refused */
};

/* account_begin adds the handlers to a connection that is about to be opened
 * by xmpp_connect_raw; JID and password are set.  The conversation ends with
 * the connection.  Thread: loop. */
void account_begin(struct account *a, xmpp_conn_t *conn);

#endif
