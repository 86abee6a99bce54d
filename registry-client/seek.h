/* Finding an entity that has a feature: a Thing Registry, a provisioning
 * server.
 *
 * Tried are, one after the other, the addresses of the plan, and then the
 * components of the server that we are connected to: what it is, what items it
 * has, and what each item is, until one has the feature.  An account of the
 * plan is asked to let us in first; what it is, only its full JID tells.
 *
 * Spec: XEP-0347 Determining Support, Finding Thing Registry, XEP-0030.
 * Thread: loop. */
#ifndef REGISTRY_CLIENT_SEEK_H
#define REGISTRY_CLIENT_SEEK_H

#include "protocol/jid.h"
#include "xmpp/session.h"

enum {
	SEEK_ITEMS = 64,
	SEEK_TRIES = 8,
	SEEK_ANSWER_MS = 10000,
	SEEK_LET_IN_MS = 10000, /* for an account to let us in */
};

struct seek;

struct seek_try {
	char jid[JID_SIZE]; /* a component; an account; a full JID */
	const char *how;    /* it was found; static */
};

/* found is borrowed (of an account the full JID), or NULL; why then is a part
 * of a sentence, or "" when the connection was lost. */
typedef void (*seek_done)(
    void *arg, const struct seek_try *found, const char *why);

struct seek_plan {
	const char *feature; /* static */
	seek_done done;
	/* The account is of no use: ends the friendship, if nothing else needs
	 * it. */
	void (*leave)(void *arg, const char *bare);
	void *arg;
	struct seek_try v[SEEK_TRIES];
	size_t n;
};

/* seek_add appends an address; beyond SEEK_TRIES they are left out. */
void seek_add(struct seek_plan *p, const char *jid, const char *how);

/* seek_start copies the plan.  done is called once, never from within this
 * call.  Returns NULL when nothing can be sent now; nothing follows then. */
struct seek *seek_start(struct session *s, const struct seek_plan *plan);
void seek_free(struct seek *k); /* before done: it is not called any more */

/* Both may call done: k is gone then. */
void seek_presence(struct seek *k, xmpp_stanza_t *presence);
void seek_tick(struct seek *k, int64_t mono);

/* seek_courts tells whether bare is an account that is tried, or will be; k may
 * be NULL. */
bool seek_courts(const struct seek *k, const char *bare);

/* seek_unanswered tells, when done is called, whether what was asked did not
 * answer: what is sought may be there all the same. */
bool seek_unanswered(const struct seek *k);

/* seek_has tells whether a disco#info result has the feature. */
bool seek_has(xmpp_stanza_t *info, const char *feature);

#endif
