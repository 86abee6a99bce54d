/* The form of what can be set of one node, or alike of several.  Thread: loop.
 * Spec: XEP-0325 3.2. */
#ifndef GATEWAY_SETFORM_H
#define GATEWAY_SETFORM_H

#include "gateway/node.h"
#include "protocol/sensor_data.h"

#include <strophe.h>

/* setform_new makes the form of the allowed parameters that all nodes[n] have,
 * with the same type, unit and limits, in the order of the first one's template
 * and with the values that are known at `mono`, not with older ones: who
 * submits the form whole would set those.  Returns owned; NULL: there is none.
 */
xmpp_stanza_t *setform_new(xmpp_ctx_t *ctx, const struct node *const *nodes,
    size_t n, const struct names *allowed, int64_t mono);

#endif
