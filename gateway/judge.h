/* What provisioning servers say, asked once: their decisions are remembered,
 * and kept in the store, until they say that they have changed.
 *
 * Thread: loop.  Spec: XEP-0324 3. */
#ifndef GATEWAY_JUDGE_H
#define GATEWAY_JUDGE_H

#include "gateway/provisioner.h"
#include "protocol/provisioning.h"
#include "xmpp/iq.h"

#include <stdbool.h>

struct gateway;
struct judge;

enum {
	JUDGE_ANSWER_MS = 10000,
	JUDGE_OPEN_MAX = 256,  /* questions under way */
	JUDGE_MINUTE_MAX = 60, /* about one person */
};

/* clearCache, from the servers alone.  Its argument is the judge. */
extern const struct iq_route judge_routes[];

struct judge *judge_new(struct gateway *gw);
void judge_free(struct judge *j);

/* answer is NULL when there was none in time: that means no.  Both live for the
 * call; an answer may name more than was asked for. */
typedef void (*judge_done)(
    void *arg, const struct prov_msg *asked, const struct prov_msg *answer);

/* judge_ask asks peer q (isFriend, canRead or canControl); done is called once,
 * maybe from within the call.
 * Errors: ERR_BUSY too much is asked; done is not called then. */
enum err judge_ask(struct judge *j, const struct provisioning_peer *peer,
    const struct prov_msg *q, judge_done done, void *arg) MUST_USE;
void judge_forget(struct judge *j, const void *arg);

/* judge_lapse: the node has changed its owner, and what was decided of it for
 * the one before does not hold for the next. */
void judge_lapse(struct judge *j, const struct node_ref *node);

/* judge_trust: this server decides from now on; what another has decided holds
 * no more. */
void judge_trust(struct judge *j, const char *server);

/* judge_unfriend: what server has granted to bare holds no more. */
void judge_unfriend(struct judge *j, const char *server, const char *bare);

/* judge_knows: that server (NULL: any) has said yes, and it is remembered, when
 * asked whether bare may read something of that node, or is a friend (NULL). */
bool judge_knows(const struct judge *j, const char *server, const char *bare,
    const struct node_ref *node);

/* judge_tick: the store forgets what it could not before. */
void judge_tick(struct judge *j);

#endif
