/* Which nodes a request means.  Thread: any. */
#ifndef GATEWAY_ADDRESSED_H
#define GATEWAY_ADDRESSED_H

#include "gateway/node.h"
#include "protocol/node_ref.h"

/* addressed_nodes finds the configured nodes of refs, each once, in the order
 * of the table.  A reference with a nodeId alone means the node that has
 * neither sourceId nor cacheType, or else all that have that id.
 * Errors: ERR_NOTFOUND: *missing is one that nothing has.  *out is owned. */
enum err addressed_nodes(const struct nodes *t, const struct node_refs *refs,
    struct node ***out, size_t *n, const struct node_ref **missing) MUST_USE;

#endif
