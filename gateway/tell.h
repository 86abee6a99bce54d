/* Events: who subscribed to a source is told what happens to its nodes.
 *
 * What happens waits for the turn's commit, at most a second, so that a device
 * that comes and goes makes one event of it, or none.  Each event is judged for
 * each subscriber when it is sent.  A subscription is of a full JID and ends
 * with its presence, with a bounce, with our connection, and when its
 * subscriber sees nothing of the source any more.  Buses have no events: their
 * nodes tell it.  Nothing of this is kept: after a restart a state counts as
 * not acknowledged, since what is wrong then may be something else.
 *
 * Thread: loop.  Spec: XEP-0326 3.4, 3.5. */
#ifndef GATEWAY_TELL_H
#define GATEWAY_TELL_H

#include "gateway/node.h"
#include "protocol/concentrator.h"

struct gateway;
struct tell;

struct tell *tell_new(struct gateway *gw);
void tell_stop(struct tell *t); /* closes its timer */
void tell_free(struct tell *t); /* once the loop has ended */

/* tell_subscribe adds kinds of events of r's source to what from has; the
 * flags of the last request count.  Errors: ERR_BUSY too many. */
enum { TELL_SUBS_MAX = 4096, TELL_SUBS_EACH = 32 }; /* of all, of an account */
enum err tell_subscribe(struct tell *t, const char *from, const char *bare,
    const struct conc_req *r) MUST_USE;
/* tell_unsubscribe takes kinds away, all when none is named; a subscription
 * without any ends. */
void tell_unsubscribe(
    struct tell *t, const char *from, const struct conc_req *r);

/* tell_news: something was heard of the node, or that it is silent. */
void tell_news(struct tell *t, struct node *n);
/* tell_acknowledge: its owner has seen the state it is in.  Returns whether
 * there was anything to acknowledge. */
bool tell_acknowledge(struct tell *t, struct node *n);
/* tell_claim: its owner may be another. */
void tell_claim(struct tell *t, const struct node *n, const char *was_owner);
/* tell_shared: bare may see the node now; tell_hide: not any more. */
void tell_shared(struct tell *t, const struct node *n, const char *bare);
void tell_hide(struct tell *t, const struct node *n, const char *bare);
/* tell_has: bare is told of events. */
bool tell_has(const struct tell *t, const char *bare);
/* tell_configure: the section of n is about to be replaced by `is`; NULL: n
 * leaves the configuration. */
void tell_configure(struct tell *t, struct node *n, const struct cfg_node *is);

/* What ends subscriptions. */
void tell_offline(struct tell *t);
void tell_presence(struct tell *t, xmpp_stanza_t *presence);
void tell_bounced(struct tell *t, xmpp_stanza_t *message);

#endif
