/* Control of devices over XMPP: sets, and the forms that say what can be set.
 *
 * A request is judged whole before anything is written: who asks (access.h),
 * which nodes and parameters, each value on each node.  Then one value after
 * the other is written and read back, in the order of the request; the first
 * that fails ends it, and the answer says which had been written.  What was
 * reloaded or changed hands meanwhile is written no more.  A node serves one
 * request at a time: another gets conflict, and a set by message, which cannot
 * be told so, waits for its turn.  One that is not done after four seconds gets
 * conflict too, since programs wait five: no further write is begun.  A write
 * that has begun ends and is logged, whoever has left meanwhile.  A message
 * that a server had kept is not executed.
 *
 * Spec: XEP-0325.  Thread: loop. */
#ifndef GATEWAY_STEER_H
#define GATEWAY_STEER_H

#include "xmpp/iq.h"

struct gateway;
struct steer;

extern const struct iq_route steer_routes[];

struct steer *steer_new(struct gateway *gw);

void steer_stop(struct steer *s); /* closes its timer */

/* steer_free: the buses have stopped by then, and the session has ended. */
void steer_free(struct steer *s);

/* steer_message takes a message when it is a set. */
void steer_message(struct steer *s, xmpp_stanza_t *message);

#endif
