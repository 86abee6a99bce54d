/* browse: what is behind a gateway, as far as this account may see it. */
#include "cli/say.h"
#include "cli/visit.h"
#include "common/mem.h"
#include "protocol/concentrator.h"
#include "protocol/stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 20000, DEPTH_MAX = 16 };

/* Something whose children are still to be asked for: a source, or a node. */
struct place {
	char *source, *node, *cache; /* node "": the source's roots */
	size_t row, depth; /* of the node in rows; its children come after it */
};

struct tour {
	struct visit v;
	struct place *todo; /* a stack: depth first */
	size_t n, cap;
	json_t *rows;
	bool cut;
};

static char *
indented(const json_t *row)
{
	json_int_t depth = json_integer_value(json_object_get(row, "depth"));

	return mem_printf(
	    "%*s%s", (int)(2 * depth), "", out_string(row, "node"));
}

static const struct column columns[] = {
	{ .title = "NODE", .text = indented },
	{ .title = "NAME", .member = "name" },
	{ .title = "TYPE", .member = "type" },
	{ .title = "STATE", .member = "state" },
	{ .title = "READ", .member = "readable" },
	{ .title = "SET", .member = "controllable" },
	{ .title = "SOURCE", .member = "source" },
	{ .title = NULL },
};

static const struct column plain_columns[] = {
	{ .title = "NODE", .member = "node" },
	{ .title = "SOURCE", .member = "source" },
	{ .title = "CACHE", .member = "cache" },
	{ .title = "NAME", .member = "name" },
	{ .title = "TYPE", .member = "type" },
	{ .title = "STATE", .member = "state" },
	{ .title = "READ", .member = "readable" },
	{ .title = "SET", .member = "controllable" },
	{ .title = "PARENT", .member = "parent" },
	{ .title = NULL },
};

static void
push(struct tour *t, const struct node_ref *ref, size_t depth)
{
	if (depth > DEPTH_MAX || t->n > NODES_MAX) {
		t->cut = true;
		return;
	}
	t->todo = mem_grow(t->todo, t->n, &t->cap, sizeof(*t->todo));
	t->todo[t->n++] =
	    (struct place){ mem_strdup(ref->source), mem_strdup(ref->node),
		    mem_strdup(ref->cache), json_array_size(t->rows), depth };
}

static void
place_fini(struct place *p)
{
	free(p->source);
	free(p->node);
	free(p->cache);
}

static void
finish(struct tour *t, int code)
{
	enum out_mode mode = own_mode(t->v.call);

	if (mode == OUT_JSON) {
		json_t *o = json_pack("{s:i, s:s, s:O}", "schema", 1, "jid",
		    t->v.bare, "nodes", t->rows);

		out_json(o);
		json_decref(o);
	} else if (json_array_size(t->rows)) {
		out_rows(
		    mode, mode == OUT_PLAIN ? plain_columns : columns, t->rows);
	} else if (code == EXIT_OK) {
		say("nothing there is yours, or shared with you");
	}
	if (t->cut)
		code = say_exit(
		    EXIT_PARTLY, "more than %d nodes: not all", NODES_MAX);
	visit_end(&t->v, code);
}

static void next(struct tour *t);

static json_t *
node_json(const struct conc_node *n, size_t depth)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:i}",
	    "node", n->ref.node, "source", n->ref.source, "cache", n->ref.cache,
	    "name", n->display, "type", n->type, "state",
	    conc_state_name(n->state), "readable", n->readable, "controllable",
	    n->controllable, "parent", n->parent, "depth", (int)depth);
}

/* Children follow their parent, in the order in which they were told. */
static void
take_nodes(struct tour *t, xmpp_stanza_t *el, const struct place *p)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);
	size_t at = p->row, first = t->n;

	for (; (c = child_next(c, "node", CONCENTRATOR_NS));
	     c = xmpp_stanza_get_next(c)) {
		struct conc_node n;

		if (conc_node_parse(c, &n) != OK)
			continue;
		if (!*n.ref.source)
			n.ref.source = p->source;
		if (json_array_size(t->rows) >= NODES_MAX) {
			t->cut = true;
			break;
		}
		json_array_insert_new(t->rows, at++, node_json(&n, p->depth));
		if (n.has_children)
			push(t, &n.ref, p->depth + 1);
		if (n.has_children && t->n > first)
			t->todo[t->n - 1].row = at;
	}
}

static void
on_nodes(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct tour *t = arg;
	xmpp_stanza_t *el =
	    outcome == IQ_RESULT ? stanza_payload(stanza, NULL) : NULL;
	enum conc_result r = CONC_OTHER_ERROR;
	struct place p = t->todo[--t->n];

	if (!el || conc_result_parse(el, &r) != OK || r != CONC_OK) {
		int code = el
		    ? say_exit(
			  EXIT_FAILED, "not browsed: %s", conc_result_name(r))
		    : visit_refused(&t->v, "browsed", outcome, stanza, false);

		place_fini(&p);
		finish(t, code);
		return;
	}
	take_nodes(t, el, &p);
	place_fini(&p);
	next(t);
}

/* The last that was found is gone into first, so that rows that stand before
 * those of others are not moved. */
static void
next(struct tour *t)
{
	const struct place *p;
	struct conc_req rq = { .tokens = { "", "", "" } };

	if (t->n == 0) {
		finish(t, EXIT_OK);
		return;
	}
	p = &t->todo[t->n - 1];
	rq.cmd = *p->node ? CONC_GET_CHILD_NODES : CONC_GET_ROOT_NODES;
	rq.ref = (struct node_ref){ p->node, p->source, p->cache };
	visit_ask(
	    &t->v, "get", conc_req_build(visit_ctx(&t->v), &rq), on_nodes);
}

static void
on_sources(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct tour *t = arg;
	xmpp_stanza_t *el =
	    outcome == IQ_RESULT ? stanza_payload(stanza, NULL) : NULL;
	xmpp_stanza_t *c = el ? xmpp_stanza_get_children(el) : NULL;

	if (!el) {
		visit_end(&t->v,
		    visit_refused(&t->v, "browsed", outcome, stanza, false));
		return;
	}
	for (; (c = child_next(c, "dataSource", CONCENTRATOR_NS));
	     c = xmpp_stanza_get_next(c)) {
		struct conc_source s;

		if (conc_source_parse(c, &s) == OK)
			push(t, &(struct node_ref){ "", s.id, "" }, 0);
	}
	next(t);
}

static void
go(struct visit *v)
{
	struct conc_req rq = { .cmd = CONC_GET_ALL_DATA_SOURCES,
		.tokens = { "", "", "" },
		.ref = { "", "", "" } };

	visit_ask(v, "get", conc_req_build(visit_ctx(v), &rq), on_sources);
}

int
own_browse(const struct call *c)
{
	struct tour t = {
		.v = { .call = c,
		    .feature = CONCENTRATOR_NS,
		    .go = go,
		    .whole = true },
		.rows = json_array(),
	};
	int code = visit_run(&t.v);

	for (size_t i = 0; i < t.n; i++)
		place_fini(&t.todo[i]);
	free(t.todo);
	json_decref(t.rows);
	return code;
}
