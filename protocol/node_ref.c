#include "protocol/node_ref.h"

#include "common/mem.h"
#include "common/utf8.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <stdlib.h>
#include <string.h>

/* An attribute, and where it stands in its structure. */
struct attr {
	const char *name;
	size_t at;
};

static const struct attr node_attrs[] = {
	{ "nodeId", offsetof(struct node_ref, node) },
	{ "sourceId", offsetof(struct node_ref, source) },
	{ "cacheType", offsetof(struct node_ref, cache) },
};

static const struct attr token_attrs[] = {
	{ "serviceToken", offsetof(struct tokens, service) },
	{ "deviceToken", offsetof(struct tokens, device) },
	{ "userToken", offsetof(struct tokens, user) },
};

enum { ATTRS = 3 }; /* of each */

static void
build(xmpp_stanza_t *el, const struct attr *attrs, const void *from)
{
	for (size_t i = 0; i < ATTRS; i++) {
		const char *text;

		memcpy(&text, (const char *)from + attrs[i].at, sizeof(text));
		if (text && *text)
			xmpp_stanza_set_attribute(el, attrs[i].name, text);
	}
}

enum err
node_ref_parse(xmpp_stanza_t *el, struct node_ref *out, struct errbuf *eb)
{
	for (size_t i = 0; i < ATTRS; i++) {
		const char *text = attr_text(el, node_attrs[i].name);

		if (utf8_count(text) > NODE_ID_MAX)
			return errbuf_set(eb, ERR_RANGE,
			    "%s is longer than %d characters",
			    node_attrs[i].name, NODE_ID_MAX);
		/* XML makes blanks of them on the way: another node's name. */
		if (strpbrk(text, "\t\n\r"))
			return errbuf_set(eb, ERR_PROTO,
			    "%s has a tab or a line break", node_attrs[i].name);
		memcpy((char *)out + node_attrs[i].at, &text, sizeof(text));
	}
	return OK;
}

void
node_ref_build(xmpp_stanza_t *el, const struct node_ref *node)
{
	build(el, node_attrs, node);
}

bool
node_ref_same(const struct node_ref *a, const struct node_ref *b)
{
	return strcmp(a->node, b->node) == 0 &&
	    strcmp(a->source, b->source) == 0 &&
	    strcmp(a->cache, b->cache) == 0;
}

xmpp_stanza_t *
child_next(xmpp_stanza_t *c, const char *name, const char *ns)
{
	for (; c; c = xmpp_stanza_get_next(c)) {
		const char *has = xmpp_stanza_get_name(c);
		const char *in = has ? xmpp_stanza_get_ns(c) : NULL;

		if (has && (!name || strcmp(has, name) == 0) &&
		    (!in || strcmp(in, ns) == 0))
			return c;
	}
	return NULL;
}

bool
node_refs_has(const struct node_refs *t, const struct node_ref *ref)
{
	for (size_t i = 0; i < t->n; i++) {
		if (node_ref_same(&t->v[i], ref))
			return true;
	}
	return false;
}

void
node_refs_add(struct node_refs *t, const struct node_ref *ref)
{
	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = *ref;
}

char *
node_refs_copy(struct node_refs *to, const struct node_refs *from)
{
	char *text, *at;
	size_t size = 1;

	for (size_t i = 0; i < from->n; i++)
		size += strlen(from->v[i].node) + strlen(from->v[i].source) +
		    strlen(from->v[i].cache) + 3;
	at = text = mem_array(size, 1);
	for (size_t i = 0; i < from->n; i++) {
		const char *node = mem_pack(&at, from->v[i].node);
		const char *source = mem_pack(&at, from->v[i].source);
		const struct node_ref ref = { node, source,
			mem_pack(&at, from->v[i].cache) };

		node_refs_add(to, &ref);
	}
	return text;
}

enum err
node_refs_parse(xmpp_stanza_t *el, struct node_refs *out, struct errbuf *eb)
{
	const char *ns = xmpp_stanza_get_ns(el);
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);
	struct node_ref ref = { "", "", "" };
	enum err e;

	for (; (c = child_next(c, "node", ns ? ns : ""));
	     c = xmpp_stanza_get_next(c)) {
		if (out->n == NODE_REFS_MAX)
			return errbuf_set(
			    eb, ERR_RANGE, "more than %d nodes", NODE_REFS_MAX);
		e = node_ref_parse(c, &ref, eb);
		if (e != OK)
			return e;
		if (!*ref.node)
			return errbuf_set(
			    eb, ERR_PROTO, "a node has no nodeId");
		node_refs_add(out, &ref);
	}
	return OK;
}

void
node_refs_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct node_ref *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		xmpp_stanza_t *c = stanza_el(ctx, "node", NULL);

		node_ref_build(c, &v[i]);
		stanza_add(el, c);
	}
}

void
node_refs_fini(struct node_refs *t)
{
	free(t->v);
	*t = (struct node_refs){ 0 };
}

void
tokens_parse(xmpp_stanza_t *el, struct tokens *out)
{
	out->service = attr_text(el, "serviceToken");
	out->device = attr_text(el, "deviceToken");
	out->user = attr_text(el, "userToken");
}

void
tokens_build(xmpp_stanza_t *el, const struct tokens *t)
{
	build(el, token_attrs, t);
}
