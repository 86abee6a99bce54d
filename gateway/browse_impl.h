/* Inside the concentrator: browse.c walks the tree, browse_sort.c sorts what is
 * found, browse_command.c runs the commands of nodes.  Thread: loop. */
#ifndef GATEWAY_BROWSE_IMPL_H
#define GATEWAY_BROWSE_IMPL_H

#include "gateway/browse.h"
#include "gateway/gateway.h"
#include "gateway/tree.h"

struct browse {
	struct gateway *gw;
	struct iq_in **kept; /* answered at the end of the turn */
	size_t n, cap;
};

/* A request. */
struct call {
	struct browse *browse;
	const struct conc_req *req;
	const char *from; /* full JID */
	struct view view;
	xmpp_ctx_t *ctx;
	xmpp_stanza_t *answer; /* the response */
	struct errbuf eb;      /* why it is none */
	bool waits;            /* for the end of the turn */
};

/* browse_sort sorts by parameters, by their ids or names, as c asks: numbers by
 * value, all else by its bytes, what has none last. */
void browse_sort(const struct call *c, struct spots *spots);

enum conc_result browse_commands(struct call *c);
enum conc_result browse_command_form(struct call *c);
enum conc_result browse_execute(struct call *c);

#endif
