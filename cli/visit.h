/* A visit to one thing of the owner's: find its account online, then ask it.
 * Thread: loop. */
#ifndef CLI_VISIT_H
#define CLI_VISIT_H

#include "cli/own.h"
#include "xmpp/iq.h"

/* Every verb for a thing has these two options, first in its table. */
enum { VISIT_SOURCE, VISIT_CACHE, VISIT_OPTS };
#define VISIT_OPTIONS                                              \
	{ "source", 0, "ID",                                       \
		"sourceId, when the node is not of your things" }, \
	{                                                          \
		"cache", 0, "TYPE", "cacheType, likewise"          \
	}

struct visit {
	const struct call *call;
	const char *feature; /* static: the namespace that is spoken */
	/* The thing is reached: asks something. */
	void (*go)(struct visit *v);
	/* Each message of the thing; may be NULL, as tick. */
	void (*message)(struct visit *v, xmpp_stanza_t *message);
	void (*tick)(struct visit *v, int64_t mono);
	bool whole; /* the gateway is meant, and no node of it */
	/* set by visit_run */
	struct thing_name name; /* which thing: jid is bare */
	int rest;               /* the first operand that is not the thing's */
	char to[JID_SIZE];      /* its full JID */
	int64_t timeout_ms;
	struct online *online;
	/* its own */
	char bare[JID_SIZE];
	json_t *things;
	struct cfg_account account;
	struct reach reach;
};

/* visit_run understands THING (JID, JID NODE, or NODE), connects and visits.
 * Returns the exit code of visit_end. */
int visit_run(struct visit *v);

/* visit_open does the first half, so that a verb can check what follows the
 * thing before anything is sent; visit_run then does not again. */
int visit_open(struct visit *v);
void visit_close(struct visit *v);

xmpp_ctx_t *visit_ctx(const struct visit *v);

/* visit_ask sends an IQ to the thing; done is called once.  arg is v. */
void visit_ask(
    struct visit *v, const char *type, xmpp_stanza_t *payload, iq_done done);

/* visit_refused says what is wrong with an answer that is no result, and
 * returns the exit code; what is "read", "set" ...  changed: it may have been
 * carried out all the same. */
int visit_refused(const struct visit *v, const char *what,
    enum iq_outcome outcome, xmpp_stanza_t *stanza, bool changed);

void visit_end(struct visit *v, int code);

#endif
