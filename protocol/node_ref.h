/* What the requests of all XEPs for things share: the nodes that they are
 * about, and the tokens that they carry. */
#ifndef PROTOCOL_NODE_REF_H
#define PROTOCOL_NODE_REF_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <strophe.h>

/* A node behind a concentrator; "" where an attribute is absent, which means
 * the same (XEP-0347 3.7). */
struct node_ref {
	const char *node, *source, *cache;
};

enum {
	NODE_ID_MAX = 128,    /* code points of each part */
	NODE_REFS_MAX = 1000, /* nodes of one request */
};

/* node_ref_parse reads nodeId, sourceId and cacheType of el; they are borrowed.
 * Errors: ERR_RANGE too long, ERR_PROTO a tab or line break; eb says which. */
enum err node_ref_parse(
    xmpp_stanza_t *el, struct node_ref *out, struct errbuf *eb) MUST_USE;
void node_ref_build(xmpp_stanza_t *el, const struct node_ref *node);

bool node_ref_same(const struct node_ref *a, const struct node_ref *b);

/* The <node/> children of a request; zero-initialised is none. */
struct node_refs {
	struct node_ref *v;
	size_t n, cap;
};

/* node_refs_parse appends those of el; a node without nodeId is an error.
 * Errors: as node_ref_parse; ERR_RANGE too many.  Call node_refs_fini also
 * after an error. */
enum err node_refs_parse(
    xmpp_stanza_t *el, struct node_refs *out, struct errbuf *eb) MUST_USE;
bool node_refs_has(const struct node_refs *t, const struct node_ref *ref);
void node_refs_add(struct node_refs *t, const struct node_ref *ref);
/* node_refs_copy adds copies of from's to to; returns what their texts are in,
 * to be freed after to. */
char *node_refs_copy(struct node_refs *to, const struct node_refs *from);
void node_refs_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct node_ref *v, size_t n);
void node_refs_fini(struct node_refs *t);

/* Tokens of XEP-0324, passed on as they came; borrowed, "" when absent. */
struct tokens {
	const char *service, *device, *user;
};
void tokens_parse(xmpp_stanza_t *el, struct tokens *out);
void tokens_build(xmpp_stanza_t *el, const struct tokens *t);

/* child_next returns the first element from c on that has this name (NULL: any)
 * and belongs to ns, or to no namespace of its own.  Borrowed, or NULL. */
xmpp_stanza_t *child_next(xmpp_stanza_t *c, const char *name, const char *ns);

#endif
