/* What a server wants to know for an account, filled in (XEP-0077).  Pure. */
#ifndef XMPP_ACCOUNT_FORM_H
#define XMPP_ACCOUNT_FORM_H

#include "common/log.h"

#include <strophe.h>

#define NS_REGISTER "jabber:iq:register"

struct account_who {
	const char *user, *password;
};

/* account_fill answers an IQ result that tells what is wanted, as a data form
 * (XEP-0004) if it has one.  The password goes into the field of that name and
 * nowhere else.  Returns owned, or NULL: why then names what is wanted and
 * cannot be given. */
xmpp_stanza_t *account_fill(
    xmpp_stanza_t *answer, const struct account_who *who, char why[LOG_SAFE]);

#endif
