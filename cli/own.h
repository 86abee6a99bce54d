/* The verbs of thingowner, and what they share. */
#ifndef CLI_OWN_H
#define CLI_OWN_H

#include "cli/online.h"
#include "cli/out.h"
#include "cli/owned.h"
#include "cli/reach.h"
#include "cli/verb.h"
#include "protocol/jid.h"
#include "registry-client/owner.h"

/* The program's own options, in the order of its table. */
enum own_global {
	OWN_ACCOUNT,
	OWN_JSON,
	OWN_PLAIN,
	OWN_TIMEOUT,
	OWN_REGISTRY,
};

enum out_mode own_mode(const struct call *c);

/* own_account_file is the account file of this call.  Returns owned. */
char *own_account_file(const struct call *c);

/* own_timeout reads --timeout.  Returns an exit code; what is wrong was said.
 */
int own_timeout(const struct call *c, int64_t *ms);

/* own_account loads the account and checks the common options.  Returns an exit
 * code, likewise. */
int own_account(
    const struct call *c, const char *file, struct cfg_account *out);

/* What done returns when it has asked more: own_end follows. */
enum { OWN_WAITS = -1 };

/* One request to a registry.  done prints what came of it and returns the exit
 * code, or OWN_WAITS; it is called once, with the reply. */
struct own_request {
	const struct call *call;
	const char *registry; /* a bare JID; NULL: searched for */
	const struct disc_msg *msg;
	int (*done)(struct own_request *rq, const struct owner_reply *reply);
	void *arg;
	const char *befriend; /* set by done: subscribe to this bare JID */
	/* own_ask's own */
	struct online *online;
	int64_t timeout_ms;
	struct reach reach;
	int64_t until;     /* for reach */
	char to[JID_SIZE]; /* where the registry is asked */
	void (*go)(void *rq);
};

/* own_ask connects, sends, waits and leaves.  Returns the exit code. */
int own_ask(struct own_request *rq, const struct cfg_account *account);

/* own_end befriends and leaves. */
void own_end(struct own_request *rq, int code);

/* own_reach finds out where rq->registry is asked, and calls go(rq) with rq->to
 * set, maybe at once; or it ends o.  reach_end(&rq->reach) when o has ended. */
void own_reach(struct own_request *rq, struct online *o, void (*go)(void *rq));

/* own_registry is the one to ask: of the option, else of known, else of the
 * account; prepared and bare in out.  Sets *registry to out, or to NULL when
 * none is named.  Returns an exit code; what is wrong was said. */
int own_registry(const struct call *c, const char *known,
    const struct cfg_account *a, char out[JID_SIZE], const char **registry);

/* own_failed says why there is no success and returns the exit code; verb is
 * "claimed", "removed" ... */
int own_failed(const char *verb, const struct own_request *rq,
    const struct owner_reply *reply);

int own_claim(const struct call *c);
int own_things(const struct call *c);
void own_words(const struct call *c, const char *what);
int own_remove(const struct call *c);
int own_disown(const struct call *c);
int own_update(const struct call *c);
int own_search(const struct call *c);
int own_login(const struct call *c);
int own_read(const struct call *c);
int own_set(const struct call *c);
int own_form(const struct call *c);
int own_browse(const struct call *c);
int own_share(const struct call *c);
int own_unshare(const struct call *c);
int own_allow(const struct call *c);
int own_deny(const struct call *c);
int own_rules(const struct call *c);

extern const struct opt own_claim_opts[];
extern const struct opt own_search_opts[];
extern const struct opt own_read_opts[];
extern const struct opt own_thing_opts[];
extern const struct opt own_share_opts[];
extern const struct opt own_allow_opts[];
extern const struct opt own_rules_opts[];

/* own_tags_text writes the tags of a row: "NAME=value #NAME=1".  Returns owned.
 */
char *own_tags_text(const json_t *row);

#endif
