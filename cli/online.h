/* A short visit to the XMPP server: connect, do one thing, leave. */
#ifndef CLI_ONLINE_H
#define CLI_ONLINE_H

#include "config/config.h"
#include "xmpp/session.h"

struct online;

/* online_run connects with an account and calls ready(o, arg), which must lead
 * to online_end().  What goes wrong before is said.
 * Errors: returns the exit code: EXIT_CONFIG, EXIT_OFFLINE, EXIT_REFUSED a
 * wrong password, or online_end's. */
int online_run(const struct cfg_account *account, int64_t timeout_ms,
    void (*ready)(struct online *o, void *arg), void *arg);

/* What a visit hears besides answers, until its end; each may be NULL.  tick is
 * called twice a second. */
struct online_watch {
	void (*presence)(void *arg, xmpp_stanza_t *stanza);
	void (*message)(void *arg, xmpp_stanza_t *stanza);
	void (*tick)(void *arg, int64_t mono);
};
/* online_watch: watch is static; another replaces the one before. */
void online_watch(
    struct online *o, const struct online_watch *watch, void *arg);

struct session *online_session(struct online *o);

/* online_end leaves; the first code counts.  Allowed in any callback. */
void online_end(struct online *o, int code);

#endif
