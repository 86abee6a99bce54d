/* The verbs of thingowner, and what they share. */
#ifndef CLI_OWN_H
#define CLI_OWN_H

#include "cli/online.h"
#include "cli/out.h"
#include "cli/owned.h"
#include "cli/verb.h"
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

/* One request to a registry.  done prints what came of it and returns the exit
 * code; it is called once, with the reply. */
struct own_request {
	const struct call *call;
	const char *registry;
	const struct disc_msg *msg;
	int (*done)(struct own_request *rq, const struct owner_reply *reply);
	void *arg;
	const char *befriend; /* set by done: subscribe to this bare JID */
	/* own_ask's own */
	struct online *online;
	int64_t timeout_ms;
};

/* own_ask connects, sends, waits and leaves.  Returns the exit code. */
int own_ask(struct own_request *rq, const struct cfg_account *account);

/* own_failed says why there is no success and returns the exit code; verb is
 * "claimed", "removed" ... */
int own_failed(const char *verb, const struct own_request *rq,
    const struct owner_reply *reply);

int own_claim(const struct call *c);
int own_things(const struct call *c);
int own_remove(const struct call *c);
int own_disown(const struct call *c);
int own_update(const struct call *c);
int own_search(const struct call *c);
int own_login(const struct call *c);

extern const struct opt own_claim_opts[];
extern const struct opt own_search_opts[];

/* own_tags_text writes the tags of a row: "NAME=value #NAME=1".  Returns owned.
 */
char *own_tags_text(const json_t *row);

#endif
