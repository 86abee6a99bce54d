/* What stands behind the gateway, as a concentrator shows it: sources, in each
 * the buses that have nodes of it, on each bus its nodes.  A viewer sees a node
 * when access.h says so, and of buses and sources those with such a node.
 *
 * A node has the identity of its configuration.  A bus is "bus/NAME" without
 * cacheType: the name of a node never has a '/'.  Nodes whose source is empty
 * are not here, since XEP-0326 cannot name them.
 *
 * Thread: loop.  Spec: XEP-0326 2.2. */
#ifndef GATEWAY_TREE_H
#define GATEWAY_TREE_H

#include "gateway/node.h"
#include "protocol/concentrator.h"

struct gateway;

/* Who looks. */
struct view {
	struct gateway *gw;
	const char *bare;
};

/* A place in the tree: a node, or a bus in a source. */
struct spot {
	struct node *node; /* NULL: the bus */
	const struct cfg_bus *bus;
	const char *source;
};
struct spots {
	struct spot *v;
	size_t n, cap;
};

/* tree_sources appends the sources that the viewer sees, borrowed from nodes.
 */
void tree_sources(const struct view *v, struct names *out);
bool tree_has_source(const struct view *v, const char *source);

/* tree_find finds what the viewer sees under this identity. */
bool tree_find(
    const struct view *v, const struct node_ref *ref, struct spot *out);

/* Each appends what the viewer sees: the buses of a source, the nodes below a
 * spot, all of a source with each bus before its nodes.  Free out->v. */
void tree_roots(const struct view *v, const char *source, struct spots *out);
void tree_children(
    const struct view *v, const struct spot *of, struct spots *out);
void tree_all(const struct view *v, const char *source, struct spots *out);

enum { TREE_BUS_ID = 64 };
void tree_bus_id(const struct cfg_bus *bus, char out[TREE_BUS_ID]);

/* The type of a spot, "Modbus.Unit", and what it is derived from, "Unit". */
const char *tree_type(const struct spot *s);
const char *tree_base(const struct spot *s);

/* tree_state is how a node is: Information when it is disabled, WarningUnsigned
 * when values of it fail, ErrorUnsigned when its device does not answer. */
enum conc_state tree_state(const struct node *n);

/* tree_wrong counts the fields that failed at their last reading; *first is one
 * of them. */
size_t tree_wrong(const struct node *n, size_t *first);

/* tree_sign and tree_unsign: the same state, acknowledged and not. */
enum conc_state tree_sign(enum conc_state s);
enum conc_state tree_unsign(enum conc_state s);

#endif
