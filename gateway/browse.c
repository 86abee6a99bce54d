#include "gateway/browse_impl.h"

#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/portrait.h"
#include "gateway/tell.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

enum {
	ANSWER_MAX = 64000, /* bytes: servers take 64 KiB at the least */
	SPOTS_MAX = 400,    /* more do not fit into that */
};

static enum conc_result
not_found(struct call *c)
{
	errbuf_set(&c->eb, ERR_NOTFOUND, "there is no such node here");
	return CONC_NOT_FOUND;
}

static enum conc_result
too_much(struct call *c)
{
	errbuf_set(&c->eb, ERR_RANGE,
	    "too much for one answer: go from getRootNodes to getChildNodes, "
	    "ask without parameters, or name fewer nodes in getNodes");
	return CONC_OTHER_ERROR;
}

/* --- sources --- */

static void
put_source(struct call *c, const char *source)
{
	struct conc_source s = { .id = source, .name = source };

	for (size_t i = 0; i < c->view.gw->nodes.n; i++) {
		const struct node *n = c->view.gw->nodes.v[i];

		if (strcmp(n->source, source) == 0 &&
		    n->standing.changed > s.changed &&
		    access_sees(c->view.gw->access, c->view.bare, n))
			s.changed = n->standing.changed;
	}
	conc_source_build(c->ctx, c->answer, &s);
}

static enum conc_result
all_sources(struct call *c)
{
	struct names sources = { 0 };

	tree_sources(&c->view, &sources);
	for (size_t i = 0; i < sources.n; i++)
		put_source(c, sources.v[i]);
	names_fini(&sources);
	return CONC_OK;
}

static enum conc_result
need_source(struct call *c)
{
	if (tree_has_source(&c->view, c->req->ref.source))
		return CONC_OK;
	errbuf_set(&c->eb, ERR_NOTFOUND, "there is no such source here");
	return CONC_NOT_FOUND;
}

/* --- nodes --- */

static bool
need_spot(struct call *c, struct spot *out)
{
	return tree_find(&c->view, &c->req->ref, out);
}

/* Writes a spot on el. */
static void
draw(struct call *c, const struct spot *s, xmpp_stanza_t *el)
{
	const struct portrait_wants wants = { c->req->parameters,
		c->req->messages };
	struct portrait p;

	portrait_take(&p, &c->view, s, &wants);
	conc_node_build(c->ctx, el, &p.info);
	portrait_fini(&p);
}

static void
put_spot(struct call *c, const struct spot *s)
{
	xmpp_stanza_t *el = stanza_el(c->ctx, "node", NULL);

	draw(c, s, el);
	stanza_add(c->answer, el);
}

/* Frees spots. */
static enum conc_result
put_spots(struct call *c, struct spots *spots)
{
	bool fits = spots->n <= SPOTS_MAX;

	for (size_t i = 0; fits && i < spots->n; i++)
		put_spot(c, &spots->v[i]);
	free(spots->v);
	return fits ? CONC_OK : too_much(c);
}

static void
put_value(struct call *c, xmpp_stanza_t *to, const char *text)
{
	stanza_put(c->ctx, to, "value", text);
}

static enum conc_result
contains_node(struct call *c)
{
	struct spot s;

	stanza_add_text(c->ctx, c->answer, need_spot(c, &s) ? "true" : "false");
	return CONC_OK;
}

static enum conc_result
contains_nodes(struct call *c)
{
	struct spot s;

	for (size_t i = 0; i < c->req->nodes.n; i++)
		put_value(c, c->answer,
		    tree_find(&c->view, &c->req->nodes.v[i], &s) ? "true"
								 : "false");
	return CONC_OK;
}

static enum conc_result
get_node(struct call *c)
{
	struct spot s;

	if (!need_spot(c, &s))
		return not_found(c);
	draw(c, &s, c->answer);
	return CONC_OK;
}

static enum conc_result
get_nodes(struct call *c)
{
	if (c->req->nodes.n > SPOTS_MAX)
		return too_much(c);
	for (size_t i = 0; i < c->req->nodes.n; i++) {
		struct spot s;

		if (!tree_find(&c->view, &c->req->nodes.v[i], &s))
			return not_found(c);
		put_spot(c, &s);
	}
	return CONC_OK;
}

static bool
is_of_types(const struct spot *s, const struct names *types)
{
	return types->n == 0 || names_has(types, tree_type(s)) ||
	    names_has(types, tree_base(s));
}

static enum conc_result
get_all_nodes(struct call *c)
{
	enum conc_result r = need_source(c);
	struct spots all = { 0 };
	size_t kept = 0;

	if (r != CONC_OK)
		return r;
	tree_all(&c->view, c->req->ref.source, &all);
	for (size_t i = 0; i < all.n; i++) {
		if (is_of_types(&all.v[i], &c->req->types))
			all.v[kept++] = all.v[i];
	}
	all.n = kept;
	return put_spots(c, &all);
}

static enum conc_result
get_root_nodes(struct call *c)
{
	enum conc_result r = need_source(c);
	struct spots roots = { 0 };

	if (r != CONC_OK)
		return r;
	tree_roots(&c->view, c->req->ref.source, &roots);
	return put_spots(c, &roots);
}

static enum conc_result
get_child_nodes(struct call *c)
{
	struct spots children = { 0 };
	struct spot s;

	if (!need_spot(c, &s))
		return not_found(c);
	tree_children(&c->view, &s, &children);
	if (c->req->n_sort && children.n <= SPOTS_MAX)
		browse_sort(c, &children);
	return put_spots(c, &children);
}

static enum conc_result
get_ancestors(struct call *c)
{
	struct spot s;

	if (!need_spot(c, &s))
		return not_found(c);
	put_spot(c, &s);
	if (!s.node)
		return CONC_OK;
	s.node = NULL;
	put_spot(c, &s);
	return CONC_OK;
}

static enum conc_result
get_inheritance(struct call *c)
{
	xmpp_stanza_t *classes = stanza_el(c->ctx, "baseClasses", NULL);
	struct spot s;
	bool found = need_spot(c, &s);

	if (found)
		put_value(c, classes, tree_base(&s));
	stanza_add(c->answer, classes);
	return found ? CONC_OK : not_found(c);
}

/* --- events --- */

static enum conc_result
subscribe(struct call *c)
{
	enum conc_result r = need_source(c);

	if (r != CONC_OK)
		return r;
	if (c->req->has_since) {
		errbuf_set(&c->eb, ERR_UNSUP,
		    "past events are not kept; nothing was subscribed");
		return CONC_NOT_IMPLEMENTED;
	}
	if (!c->req->events) {
		errbuf_set(&c->eb, ERR_PROTO, "no kind of event is asked for");
		return CONC_OTHER_ERROR;
	}
	if (tell_subscribe(c->view.gw->tell, c->from, c->view.bare, c->req) ==
	    OK)
		return CONC_OK;
	errbuf_set(&c->eb, ERR_BUSY, "too many subscriptions; end some");
	return CONC_OTHER_ERROR;
}

static enum conc_result
unsubscribe(struct call *c)
{
	tell_unsubscribe(c->view.gw->tell, c->from, c->req);
	return CONC_OK;
}

/* --- requests --- */

static enum conc_result get_capabilities(struct call *c);

static enum conc_result (*const serves[CONC_CMDS])(struct call *) = {
	[CONC_GET_CAPABILITIES] = get_capabilities,
	[CONC_GET_ALL_DATA_SOURCES] = all_sources,
	[CONC_GET_ROOT_DATA_SOURCES] = all_sources,
	[CONC_GET_CHILD_DATA_SOURCES] = need_source,
	[CONC_CONTAINS_NODE] = contains_node,
	[CONC_CONTAINS_NODES] = contains_nodes,
	[CONC_GET_NODE] = get_node,
	[CONC_GET_NODES] = get_nodes,
	[CONC_GET_ALL_NODES] = get_all_nodes,
	[CONC_GET_NODE_INHERITANCE] = get_inheritance,
	[CONC_GET_ROOT_NODES] = get_root_nodes,
	[CONC_GET_CHILD_NODES] = get_child_nodes,
	[CONC_GET_ANCESTORS] = get_ancestors,
	[CONC_SUBSCRIBE] = subscribe,
	[CONC_UNSUBSCRIBE] = unsubscribe,
	[CONC_GET_NODE_COMMANDS] = browse_commands,
	[CONC_GET_COMMAND_PARAMETERS] = browse_command_form,
	[CONC_EXECUTE_NODE_COMMAND] = browse_execute,
};

static enum conc_result
get_capabilities(struct call *c)
{
	for (unsigned i = 0; i < CONC_CMDS; i++) {
		if (serves[i])
			put_value(
			    c, c->answer, conc_cmd_name((enum conc_cmd)i));
	}
	return CONC_OK;
}

static bool
fits(xmpp_stanza_t *answer)
{
	char *text = NULL;
	size_t len = 0;

	if (xmpp_stanza_to_text(answer, &text, &len) != XMPP_EOK)
		return false;
	xmpp_free(xmpp_stanza_get_context(answer), text);
	return len <= ANSWER_MAX;
}

/* What failed says so alone, and why; a form's errors say which field. */
static void
reply(struct call *c, struct iq_in *rq, enum conc_result r)
{
	if (r == CONC_OK && !fits(c->answer))
		r = too_much(c);
	if (r != CONC_OK && r != CONC_FORM_ERROR) {
		xmpp_stanza_release(c->answer);
		c->answer = conc_response(c->ctx, c->req->cmd, r);
	}
	xmpp_stanza_set_attribute(c->answer, "result", conc_result_name(r));
	if (r == CONC_OK || r == CONC_NOT_IMPLEMENTED)
		iq_reply(rq, c->answer);
	else
		iq_reply_fault(
		    rq, conc_condition(r), c->eb.text, NULL, c->answer);
}

static void
serve(struct call *c, struct iq_in *rq)
{
	enum conc_cmd cmd = c->req->cmd;
	enum conc_result r;

	c->answer = conc_response(c->ctx, cmd, CONC_OK);
	if (!serves[cmd]) {
		reply(c, rq, CONC_NOT_IMPLEMENTED);
		return;
	}
	if (conc_cmd_changes(cmd) && !iq_in_is_set(rq)) {
		errbuf_set(&c->eb, ERR_PROTO, "this must be an IQ set");
		reply(c, rq, CONC_OTHER_ERROR);
		return;
	}
	r = serves[cmd](c);
	if (r != CONC_OK || !c->waits) {
		reply(c, rq, r);
		return;
	}
	xmpp_stanza_release(c->answer);
	c->browse->kept = mem_grow(c->browse->kept, c->browse->n,
	    &c->browse->cap, sizeof(struct iq_in *));
	c->browse->kept[c->browse->n++] = rq;
}

static void
requested(void *arg, struct iq_in *rq)
{
	struct browse *b = arg;
	char bare[JID_SIZE];
	struct conc_req req;
	struct call c = { .browse = b,
		.req = &req,
		.from = iq_in_from(rq),
		.view = { b->gw, bare },
		.ctx = session_ctx(b->gw->session) };
	enum err e = conc_req_parse(iq_in_payload(rq), &req, &c.eb);

	if (e == ERR_UNSUP)
		iq_reply_error(rq, "feature-not-implemented", NULL);
	else if (jid_bare(iq_in_from(rq), bare) != OK)
		iq_reply_error(rq, "forbidden/cancel", "who asks is not known");
	else if (e == OK)
		serve(&c, rq);
	else
		iq_reply_fault(rq, "bad-request", c.eb.text, NULL,
		    conc_response(c.ctx, req.cmd, CONC_OTHER_ERROR));
	conc_req_fini(&req);
}

const struct iq_route browse_routes[] = {
	{ CONCENTRATOR_NS, NULL, IQ_GET | IQ_SET, requested },
	{ NULL, NULL, 0, NULL },
};

/* A request of the past connection has no payload any more. */
static void
reply_kept(struct browse *b, struct iq_in *rq, bool kept)
{
	xmpp_ctx_t *ctx = session_ctx(b->gw->session);

	if (kept)
		iq_reply(
		    rq, conc_response(ctx, CONC_EXECUTE_NODE_COMMAND, CONC_OK));
	else
		iq_reply_fault(rq, "internal-server-error",
		    "it could not be stored", NULL,
		    conc_response(
			ctx, CONC_EXECUTE_NODE_COMMAND, CONC_OTHER_ERROR));
}

void
browse_turn(struct browse *b, bool kept)
{
	for (size_t i = 0; i < b->n; i++)
		reply_kept(b, b->kept[i], kept);
	b->n = 0;
}

struct browse *
browse_new(struct gateway *gw)
{
	struct browse *b = mem_zalloc(sizeof(*b));

	b->gw = gw;
	return b;
}

void
browse_free(struct browse *b)
{
	if (!b)
		return;
	free(b->kept);
	free(b);
}
