/* Inside the concentrator: browse.c walks the tree, browse_command.c runs the
 * commands of nodes.  Thread: loop. */
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

enum conc_result browse_commands(struct call *c);
enum conc_result browse_command_form(struct call *c);
enum conc_result browse_execute(struct call *c);

#endif
