/* The owner's side of XEP-0347: claim, remove, disown, update, search.
 * Thread: loop. */
#ifndef REGISTRY_CLIENT_OWNER_H
#define REGISTRY_CLIENT_OWNER_H

#include "protocol/discovery.h"
#include "protocol/search.h"
#include "xmpp/session.h"

struct owner_reply {
	/* OK; ERR_NOTFOUND item-not-found; ERR_REFUSED not-allowed;
	 * ERR_TIMEOUT no answer, the outcome is unknown; ERR_OFFLINE lost or no
	 * such registry; ERR_PROTO an answer that is none. */
	enum err err;
	const char *condition; /* of the error, or NULL; borrowed */
	const char *text;      /* a sentence for people; borrowed */
	/* DISC_MINE answered OK: the thing.  Prepared and bare; borrowed. */
	const char *jid;
	struct node_ref node;
	const struct found *found; /* of owner_search answered OK; borrowed */
};

typedef void (*owner_done)(void *arg, const struct owner_reply *reply);

/* owner_request sends m (DISC_MINE, DISC_REMOVE, DISC_DISOWN, DISC_UPDATE) to
 * the registry and calls done once, with the answer in words.
 * Errors: as iq_request.  Spec: XEP-0347 3.8, 3.9, 3.12, 3.15. */
enum err owner_request(struct session *s, const char *registry,
    const struct disc_msg *m, int64_t timeout_ms, owner_done done,
    void *arg) MUST_USE;

/* owner_search sends one search for one page, likewise.  Each jid of what is
 * found is an address, but as the registry wrote it.
 * Errors: as iq_request.  Spec: XEP-0347 3.13. */
enum err owner_search(struct session *s, const char *registry,
    const struct search *what, int64_t timeout_ms, owner_done done,
    void *arg) MUST_USE;

#endif
