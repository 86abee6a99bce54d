#include "protocol/provisioning.h"

#include "protocol/jid.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <string.h>

static const struct op {
	const char *name;
	const char *child; /* of what is asked for, or NULL */
	bool jid, result, types;
} ops[PROV_OPS] = {
	[PROV_IS_FRIEND] = { "isFriend", NULL, true, false, false },
	[PROV_IS_FRIEND_RESPONSE] = { "isFriendResponse", NULL, true, true,
	    false },
	[PROV_CAN_READ] = { "canRead", "field", true, false, true },
	[PROV_CAN_READ_RESPONSE] = { "canReadResponse", "field", true, true,
	    true },
	[PROV_CAN_CONTROL] = { "canControl", "parameter", true, false, false },
	[PROV_CAN_CONTROL_RESPONSE] = { "canControlResponse", "parameter", true,
	    true, false },
	[PROV_CLEAR_CACHE] = { "clearCache", NULL, false, false, false },
	[PROV_CLEAR_CACHE_RESPONSE] = { "clearCacheResponse", NULL, false,
	    false, false },
	[PROV_FRIEND] = { "friend", NULL, true, false, false },
	[PROV_UNFRIEND] = { "unfriend", NULL, true, false, false },
};

const char *
prov_name(enum prov_op op)
{
	return ops[op].name;
}

static const struct op *
find_op(xmpp_stanza_t *el)
{
	const char *name = xmpp_stanza_get_name(el);
	const char *ns = xmpp_stanza_get_ns(el);

	if (!name || !ns || strcmp(ns, PROVISIONING_NS) != 0)
		return NULL;
	for (size_t i = 0; i < PROV_OPS; i++) {
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	}
	return NULL;
}

static enum err
parse_who(xmpp_stanza_t *el, struct prov_msg *m, const struct op *op,
    struct errbuf *eb)
{
	char bare[JID_SIZE];
	enum err e;

	m->jid = attr_text(el, "jid");
	if (op->jid && jid_bare(m->jid, bare) != OK)
		return errbuf_set(
		    eb, ERR_PROTO, "the jid of %s is not an address", op->name);
	if (!op->result)
		return OK;
	e = attr_bool(el, "result", &m->result);
	return e == ERR_PROTO
	    ? errbuf_set(eb, e, "result is neither true nor false")
	    : OK;
}

enum err
prov_parse(xmpp_stanza_t *el, struct prov_msg *out, struct errbuf *eb)
{
	const struct op *op = find_op(el);
	enum err e;

	memset(out, 0, sizeof(*out));
	if (!op)
		return errbuf_set(
		    eb, ERR_UNSUP, "not an element of " PROVISIONING_NS);
	out->op = (enum prov_op)(op - ops);
	tokens_parse(el, &out->tokens);
	e = parse_who(el, out, op, eb);
	if (e == OK && op->types)
		e = sd_types_parse(el, &out->types, eb);
	if (e == OK && op->child)
		e = node_refs_parse(el, &out->nodes, eb);
	if (e == OK && op->child)
		e = names_parse(el, op->child, &out->names, eb);
	return e;
}

xmpp_stanza_t *
prov_build(xmpp_ctx_t *ctx, const struct prov_msg *m)
{
	const struct op *op = &ops[m->op];
	xmpp_stanza_t *el = stanza_el(ctx, op->name, PROVISIONING_NS);

	tokens_build(el, &m->tokens);
	if (op->jid)
		xmpp_stanza_set_attribute(el, "jid", m->jid);
	if (op->result)
		xmpp_stanza_set_attribute(
		    el, "result", m->result ? "true" : "false");
	if (op->types)
		sd_types_build(el, m->types);
	if (op->child) {
		node_refs_build(ctx, el, m->nodes.v, m->nodes.n);
		names_build(ctx, el, op->child, &m->names);
	}
	return el;
}

void
prov_fini(struct prov_msg *m)
{
	node_refs_fini(&m->nodes);
	names_fini(&m->names);
}
