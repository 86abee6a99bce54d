/* Ad-hoc commands (XEP-0050): one request, one answer, a data form in each. */
#ifndef PROTOCOL_ADHOC_H
#define PROTOCOL_ADHOC_H

#include "common/err.h"

#include <strophe.h>

#define ADHOC_NS "http://jabber.org/protocol/commands"

enum { ADHOC_ID_MAX = 256 }; /* bytes of a node or a session id */

enum adhoc_action {
	ADHOC_EXECUTE, /* also where none is named */
	ADHOC_NEXT,
	ADHOC_PREV,
	ADHOC_COMPLETE,
	ADHOC_CANCEL,
	ADHOC_ACTIONS
};

struct adhoc_req {
	const char *node;    /* which command */
	const char *session; /* NULL: it begins */
	enum adhoc_action action;
	xmpp_stanza_t *form; /* or NULL */
};

enum adhoc_status {
	ADHOC_EXECUTING, /* the form is to be filled in; then `complete` */
	ADHOC_COMPLETED,
	ADHOC_CANCELED,
	ADHOC_STATUSES
};

struct adhoc_answer {
	const char *node, *session;
	enum adhoc_status status;
	xmpp_stanza_t *form; /* or NULL */
	char *note;          /* for people, or NULL */
};

/* Both parsers borrow from el, but for note: call adhoc_answer_fini, also after
 * an error.  Both builders copy the form.  Returns owned.
 * Errors: ERR_UNSUP another element; ERR_PROTO no node, an unknown action or
 * status, ERR_RANGE too long; eb (may be NULL) says which. */
enum err adhoc_req_parse(
    xmpp_stanza_t *el, struct adhoc_req *out, struct errbuf *eb) MUST_USE;
xmpp_stanza_t *adhoc_req_build(xmpp_ctx_t *ctx, const struct adhoc_req *r);

enum err adhoc_answer_parse(
    xmpp_stanza_t *el, struct adhoc_answer *out, struct errbuf *eb) MUST_USE;
xmpp_stanza_t *adhoc_answer_build(
    xmpp_ctx_t *ctx, const struct adhoc_answer *a);
void adhoc_answer_fini(struct adhoc_answer *a);

#endif
