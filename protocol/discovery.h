/* XEP-0347 stanzas: one table of elements serves parser and builder. */
#ifndef PROTOCOL_DISCOVERY_H
#define PROTOCOL_DISCOVERY_H

#include "common/err.h"
#include "protocol/node_ref.h"
#include "protocol/tag.h"

#include <stdbool.h>
#include <strophe.h>

#define DISCOVERY_NS "urn:xmpp:iot:discovery"

enum disc_op {
	DISC_REGISTER,
	DISC_MINE,
	DISC_CLAIMED,
	DISC_REMOVE,
	DISC_REMOVED,
	DISC_UPDATE,
	DISC_UNREGISTER,
	DISC_DISOWN,
	DISC_DISOWNED,
	DISC_OPS
};

struct disc_msg {
	enum disc_op op;
	const char *jid; /* or NULL */
	struct node_ref node;
	bool has_public, is_public; /* absent means true: 3.8 */
	bool self_owned;
	struct tags tags;
};

/* discovery_parse reads an element of the namespace.  jid and node are borrowed
 * from el; tags are out's own: call discovery_fini, also after an error.
 * Errors: ERR_UNSUP not an element of ours (its name), ERR_PROTO a missing or
 * malformed attribute, a duplicate tag or one that breaks the tag rules,
 * ERR_RANGE a name, value or identifier that is too long, or too many tags;
 * eb says which.  Thread: loop.  Spec: XEP-0347, schema. */
enum err discovery_parse(
    xmpp_stanza_t *el, struct disc_msg *out, struct errbuf *eb) MUST_USE;
void discovery_fini(struct disc_msg *m);

/* discovery_build makes the element.  `public` is written only if has_public
 * is set; on mine only when it is false then, on claimed always.
 * Owns: returns owned. */
xmpp_stanza_t *discovery_build(xmpp_ctx_t *ctx, const struct disc_msg *m);

const char *discovery_name(enum disc_op op);

/* The children <str/> and <num/>, which elements share.  Parsing appends to
 * *out; errors as discovery_parse. */
enum err discovery_parse_tags(
    xmpp_stanza_t *el, struct tags *out, struct errbuf *eb) MUST_USE;
void discovery_build_tags(
    xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct tags *tags);

#endif
