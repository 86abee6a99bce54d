/* IQ: requests of ours with their own timers, and requests of others by table.
 *
 * An answer counts only when id, type and sender match the request (RFC 6120
 * 8.1.2.1); from others it is ignored.  Every request of others is answered
 * exactly once: an unknown namespace gets service-unavailable, an unknown
 * element of a known namespace feature-not-implemented, no or several payloads
 * bad-request.
 *
 * Thread: loop. */
#ifndef XMPP_IQ_H
#define XMPP_IQ_H

#include "common/err.h"
#include "xmpp/session.h"

enum iq_outcome {
	IQ_RESULT,  /* stanza is the result */
	IQ_ERROR,   /* stanza is the error; stanza_condition() names it */
	IQ_TIMEOUT, /* nothing came; stanza NULL */
	IQ_LOST,    /* the session ended before an answer; stanza NULL */
};

typedef void (*iq_done)(
    void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza);

/* iq_request sends <iq type=TYPE to=TO>payload</iq>; payload is taken.  to may
 * be NULL (own account).  done is called exactly once, never from within this
 * call, at most timeout_ms later.
 * Errors: ERR_OFFLINE, ERR_BUSY (IQ_PENDING_MAX requests wait), ERR_UNSUP (a
 * component without to): done is then not called, payload is released. */
enum { IQ_PENDING_MAX = 4096 };
enum err iq_request(struct session *s, const char *type, const char *to,
    xmpp_stanza_t *payload, int64_t timeout_ms, iq_done done,
    void *arg) MUST_USE;

/* iq_forget calls nothing any more for requests with this arg: their owner is
 * about to be freed. */
void iq_forget(struct session *s, const void *arg);

/* A request of somebody else, waiting for its one answer. */
struct iq_in;
xmpp_stanza_t *iq_in_payload(const struct iq_in *rq); /* borrowed, or NULL */
const char *iq_in_from(const struct iq_in *rq);       /* borrowed, never NULL */
bool iq_in_is_set(const struct iq_in *rq);

/* Each ends rq.  payload is taken and may be NULL. */
void iq_reply(struct iq_in *rq, xmpp_stanza_t *payload);
void iq_reply_error(struct iq_in *rq, const char *condition, const char *text);
/* iq_reply_fault says more than an error can: detail stands in its <error/>,
 * and payload beside that.  Both are taken and may be NULL. */
void iq_reply_fault(struct iq_in *rq, const char *condition, const char *text,
    xmpp_stanza_t *detail, xmpp_stanza_t *payload);

enum { IQ_GET = 1, IQ_SET = 2 };

struct iq_route {
	const char *ns;
	const char *name; /* element; NULL: every other of the namespace */
	unsigned types;   /* IQ_GET | IQ_SET; a wrong one gets bad-request */
	/* Must answer rq, now or later (at the latest when the session ends:
	 * answering an rq of a past connection is allowed and sends nothing).
	 */
	void (*handle)(void *arg, struct iq_in *rq);
};

/* iq_routes adds a table (static, ends with a NULL ns) and the argument of its
 * handlers.  disco#info and ping are answered without one. */
void iq_routes(struct session *s, const struct iq_route *table, void *arg);

/* iq_disco sets what disco#info answers (static; features end with NULL). */
struct disco_identity;
void iq_disco(struct session *s, const struct disco_identity *id,
    const char *const *features);

#endif
