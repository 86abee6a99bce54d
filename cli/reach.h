/* Where somebody is asked: a component as it is named; an account lets us in
 * first, and is asked where it is online; and who is not named at all is
 * searched for among the server's components.  Thread: loop. */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include "cli/online.h"
#include "protocol/jid.h"

struct seek;

struct reach {
	const char *named;   /* a prepared bare JID, or NULL */
	const char *feature; /* static: what it must have */
	/* Called once, maybe from within reach_begin.  to is NULL when it is
	 * not reached; why is then a part of a sentence. */
	void (*done)(void *arg, const char *to, const char *why);
	void *arg;
	enum err err; /* with to NULL: ERR_NOTFOUND there is none; ERR_TIMEOUT
			 something did not answer; ERR_OFFLINE */
	struct online *online;
	struct seek *seek; /* under way, or NULL */
};

void reach_begin(struct reach *r, struct online *o);
/* reach_end: when the visit has ended. */
void reach_end(struct reach *r);

/* Of online_watch, for an account. */
void reach_presence(struct reach *r, xmpp_stanza_t *presence);
void reach_tick(struct reach *r, int64_t mono);

#endif
