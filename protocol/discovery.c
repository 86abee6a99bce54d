#include "protocol/discovery.h"

#include "common/log.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <string.h>

enum jid_use { JID_NONE, JID_MAY, JID_MUST };

/* What the schema gives each element besides the node attributes. */
static const struct op {
	const char *name;
	enum jid_use jid;
	bool is_public, self_owned, tags;
} ops[DISC_OPS] = {
	[DISC_REGISTER] = { "register", JID_NONE, false, true, true },
	[DISC_MINE] = { "mine", JID_NONE, true, false, true },
	[DISC_CLAIMED] = { "claimed", JID_MUST, true, false, false },
	[DISC_REMOVE] = { "remove", JID_MUST, false, false, false },
	[DISC_REMOVED] = { "removed", JID_NONE, false, false, false },
	[DISC_UPDATE] = { "update", JID_MAY, false, false, true },
	[DISC_UNREGISTER] = { "unregister", JID_NONE, false, false, false },
	[DISC_DISOWN] = { "disown", JID_MUST, false, false, false },
	[DISC_DISOWNED] = { "disowned", JID_NONE, false, false, false },
};

const char *
discovery_name(enum disc_op op)
{
	return ops[op].name;
}

static const struct op *
find_op(xmpp_stanza_t *el)
{
	const char *name = xmpp_stanza_get_name(el);
	const char *ns = xmpp_stanza_get_ns(el);

	if (!name || !ns || strcmp(ns, DISCOVERY_NS) != 0)
		return NULL;
	for (size_t i = 0; i < DISC_OPS; i++) {
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	}
	return NULL;
}

static enum err
parse_jid(
    xmpp_stanza_t *el, const struct op *op, const char **out, struct errbuf *eb)
{
	const char *text = xmpp_stanza_get_attribute(el, "jid");
	char bare[JID_SIZE];
	enum err e;

	if (op->jid == JID_NONE || (op->jid == JID_MAY && !text))
		return OK;
	if (!text)
		return errbuf_set(eb, ERR_PROTO, "%s has no jid", op->name);
	*out = text;
	e = jid_bare(text, bare);
	return e == OK
	    ? OK
	    : errbuf_set(eb, e, "the jid of %s is not an address", op->name);
}

/* An absent flag leaves *out as it is. */
static enum err
parse_flag(xmpp_stanza_t *el, const char *name, bool *has, bool *out,
    struct errbuf *eb)
{
	enum err e = attr_bool(el, name, out);

	if (e == ERR_NOTFOUND)
		return OK;
	if (e != OK)
		return errbuf_set(eb, e, "%s is neither true nor false", name);
	*has = true;
	return OK;
}

static bool
is_tag(xmpp_stanza_t *el, bool *num)
{
	const char *name = xmpp_stanza_get_name(el);
	const char *ns = xmpp_stanza_get_ns(el);

	if (!name || (ns && strcmp(ns, DISCOVERY_NS) != 0))
		return false;
	*num = strcmp(name, "num") == 0;
	return *num || strcmp(name, "str") == 0;
}

static enum err
parse_tag(xmpp_stanza_t *el, bool num, struct tags *out, struct errbuf *eb)
{
	const char *name = xmpp_stanza_get_attribute(el, "name");
	const char *value = xmpp_stanza_get_attribute(el, "value");
	enum err e;

	if (!name || !value)
		return errbuf_set(
		    eb, ERR_PROTO, "a tag has no name or no value");
	e = tags_add(out, name, value, num, eb);
	return e == ERR_BUSY ? ERR_PROTO : e;
}

enum err
discovery_parse_tags(xmpp_stanza_t *el, struct tags *out, struct errbuf *eb)
{
	xmpp_stanza_t *c;
	enum err e = OK;
	bool num;

	for (c = xmpp_stanza_get_children(el); c && e == OK;
	     c = xmpp_stanza_get_next(c)) {
		if (is_tag(c, &num))
			e = parse_tag(c, num, out, eb);
	}
	return e;
}

enum err
discovery_parse(xmpp_stanza_t *el, struct disc_msg *out, struct errbuf *eb)
{
	const struct op *op = find_op(el);
	bool has = false;
	enum err e;

	memset(out, 0, sizeof(*out));
	out->node = (struct node_ref){ "", "", "" };
	out->is_public = true;
	if (!op)
		return errbuf_set(
		    eb, ERR_UNSUP, "not an element of " DISCOVERY_NS);
	out->op = (enum disc_op)(op - ops);
	e = node_ref_parse(el, &out->node, eb);
	if (e == OK)
		e = parse_jid(el, op, &out->jid, eb);
	if (e == OK && op->is_public)
		e = parse_flag(
		    el, "public", &out->has_public, &out->is_public, eb);
	if (e == OK && op->self_owned)
		e = parse_flag(el, "selfOwned", &has, &out->self_owned, eb);
	if (e == OK && op->tags)
		e = discovery_parse_tags(el, &out->tags, eb);
	return e;
}

void
discovery_fini(struct disc_msg *m)
{
	tags_fini(&m->tags);
}

/* The default of public on claimed is disputed (prose true, schema false), so
 * there it is always written; on mine both say true. */
static bool
writes_public(const struct disc_msg *m)
{
	return ops[m->op].is_public && m->has_public &&
	    (m->op == DISC_CLAIMED || !m->is_public);
}

void
discovery_build_tags(
    xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct tags *tags)
{
	for (size_t i = 0; i < tags->n; i++) {
		const struct tag *tag = &tags->v[i];
		xmpp_stanza_t *c =
		    stanza_el(ctx, tag->num ? "num" : "str", NULL);

		xmpp_stanza_set_attribute(c, "name", tag->name);
		xmpp_stanza_set_attribute(c, "value", tag->value);
		stanza_add(el, c);
	}
}

xmpp_stanza_t *
discovery_build(xmpp_ctx_t *ctx, const struct disc_msg *m)
{
	const struct op *op = &ops[m->op];
	xmpp_stanza_t *el = stanza_el(ctx, op->name, DISCOVERY_NS);

	node_ref_build(el, &m->node);
	if (op->jid != JID_NONE && m->jid)
		xmpp_stanza_set_attribute(el, "jid", m->jid);
	if (writes_public(m))
		xmpp_stanza_set_attribute(
		    el, "public", m->is_public ? "true" : "false");
	if (op->self_owned && m->self_owned)
		xmpp_stanza_set_attribute(el, "selfOwned", "true");
	if (op->tags)
		discovery_build_tags(ctx, el, &m->tags);
	return el;
}
