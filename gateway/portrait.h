/* All that is told of one place in the tree: attributes, parameters, messages.
 * Owners are told more: counters, the serial number, with whom the node is
 * shared.  Thread: loop.  Spec: XEP-0326 3.2.8. */
#ifndef GATEWAY_PORTRAIT_H
#define GATEWAY_PORTRAIT_H

#include "gateway/tree.h"

struct portrait {
	struct conc_node info; /* what it points to is below, or the tree's */
	struct conc_param *params;
	size_t n, cap;
	char **owned; /* ids and values of theirs */
	size_t n_owned, cap_owned;
	struct conc_message message;
	char *text;
	char bus_id[TREE_BUS_ID];
};

/* portrait_take fills p, with parameters and messages when they are wanted.
 * What p borrows lives until the loop goes on. */
struct portrait_wants {
	bool parameters, messages;
};
void portrait_take(struct portrait *p, const struct view *v,
    const struct spot *s, const struct portrait_wants *wants);
void portrait_fini(struct portrait *p);

#endif
