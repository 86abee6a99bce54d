#include "gateway/readout_impl.h"

#include "common/mem.h"
#include "gateway/addressed.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

/* The same for what does not exist, to who may not know of it. */
static const char not_yours[] = "you may not read this; its owner can allow it";

/* Answers. */

/* Clients of version 0.2 look for <rejected/>, and miss any other error. */
static void
refuse(struct readout *r, struct iq_in *rq, const char *condition,
    const char *text)
{
	xmpp_ctx_t *ctx = session_ctx(r->gw->session);
	xmpp_stanza_t *rejected = NULL;
	int32_t seqnr;

	if (r->gw->cfg->xmpp.legacy_rejected &&
	    sd_seqnr(iq_in_payload(rq), &seqnr) == OK) {
		rejected = sd_simple(ctx, "rejected", seqnr);
		stanza_put(ctx, rejected, "error", text);
	}
	iq_reply_fault(rq, condition, text, NULL, rejected);
}

/* Visits. */

static struct visit *
find(const struct readout *r, const char *from, int32_t seqnr)
{
	struct visit *v;

	TAILQ_FOREACH(v, &r->visits, next)
	{
		if (v->seqnr == seqnr && strcmp(v->from, from) == 0)
			return v;
	}
	return NULL;
}

static void
drop_items(struct visit *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct item *it = &v->items[i];

		granted_fini(&it->grant);
		free(it->text);
		free(it->failure);
	}
	free(v->items);
	v->of->n_items -= v->n;
	v->items = NULL;
	v->n = 0;
}

void
visit_end(struct visit *v)
{
	struct readout *r = v->of;

	if (v->asking)
		access_forget(r->gw->access, v);
	if (v->rq)
		refuse(r, v->rq, "undefined-condition", "it was cancelled");
	TAILQ_REMOVE(&r->visits, v, next);
	r->n--;
	drop_items(v);
	sd_drop(&v->out);
	names_fini(&v->fields);
	free(v->text);
	free(v);
}

/* Ends the visits of a client, of an account, or all. */
static void
end_of(struct readout *r, const char *from)
{
	bool bare = from && !strchr(from, '/');
	struct visit *v, *next;

	for (v = TAILQ_FIRST(&r->visits); v; v = next) {
		next = TAILQ_NEXT(v, next);
		if (!from || strcmp(bare ? v->bare : v->from, from) == 0)
			visit_end(v);
	}
}

/* Access. */

static void
add_item(struct visit *v, const struct node *n, const struct granted *g)
{
	struct item *it = &v->items[v->n++];
	char *at = mem_array(strlen(n->id) + strlen(n->source) +
		strlen(n->cache) + strlen(n->thing.owner) + 4,
	    1);

	granted_copy(&it->grant, g);
	it->text = at;
	it->ref.node = mem_pack(&at, n->id);
	it->ref.source = mem_pack(&at, n->source);
	it->ref.cache = mem_pack(&at, n->cache);
	it->owner = mem_pack(&at, n->thing.owner);
	v->of->n_items++;
}

static void
add_items(struct visit *v, const struct access_grant *g)
{
	v->items = mem_array(g->n, sizeof(*v->items));
	for (size_t i = 0; i < g->n; i++) {
		const struct node *n =
		    nodes_by_handle(&v->of->gw->nodes, g->v[i].handle);

		if (n)
			add_item(v, n, &g->v[i]);
	}
}

static const struct granted *
grant_of(const struct access_grant *g, uint32_t handle)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i].handle == handle)
			return &g->v[i];
	}
	return NULL;
}

/* A request is judged again when its time has come, if it was queued, and when
 * a right was taken from anybody.  It was accepted, so it fails node by node.
 */
static void
judged_again(struct visit *v, const struct access_grant *g)
{
	for (size_t i = 0; i < v->n; i++) {
		struct item *it = &v->items[i];
		const struct granted *now = grant_of(g, it->grant.handle);

		if (it->part == PART_DONE)
			continue;
		if (now) {
			granted_fini(&it->grant);
			granted_copy(&it->grant, now);
			continue;
		}
		it->part = PART_DONE;
		it->failure = mem_strdup("access is no longer granted");
	}
}

static void
accept_visit(struct visit *v)
{
	int64_t now = clock_utc(v->of->gw->clock);
	struct iq_in *rq = v->rq;

	v->queued = v->when > now;
	v->rq = NULL;
	iq_reply(rq, sd_accepted(v->out.ctx, v->seqnr, v->queued));
	readout_wake(v->of);
}

static void
judged(void *arg, const struct access_grant *g)
{
	struct visit *v = arg;

	v->asking = false;
	if (!v->rq) {
		judged_again(v, g);
		readout_wake(v->of);
		return;
	}
	if (v->of->n_items + g->n > VISIT_NODES_MAX) {
		refuse(v->of, v->rq, "resource-constraint",
		    "too many nodes are being read at present");
	} else if (g->n == 0 && g->busy) {
		refuse(v->of, v->rq, "resource-constraint",
		    "you ask too much; try again in a minute");
	} else if (g->n == 0) {
		refuse(v->of, v->rq, "forbidden/cancel", not_yours);
	} else {
		add_items(v, g);
		accept_visit(v);
		return;
	}
	v->rq = NULL;
	visit_end(v);
}

void
visit_ask(struct visit *v, struct node *const *nodes, size_t n)
{
	const struct access_q q = { .from = v->from,
		.what = ACCESS_READ,
		.tokens = &v->tokens,
		.nodes = nodes,
		.n = n,
		.types = v->types,
		.names = &v->fields };

	v->asking = true;
	v->taken = access_taken(v->of->gw->access);
	access_ask(v->of->gw->access, &q, judged, v);
}

/* Requests. */

struct asked {
	struct iq_in *rq;
	const struct sd_req *req;
	const char *bare; /* who asks */
};

/* Without a node all are meant that the client may know of. */
static enum err
all_nodes(const struct readout *r, const char *bare, struct node ***out,
    size_t *count)
{
	const struct nodes *t = &r->gw->nodes;
	struct node **v = mem_array(NODE_REFS_MAX, sizeof(*v));
	size_t n = 0;

	*out = v;
	*count = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->v[i]->cfg || !access_sees(r->gw->access, bare, t->v[i]))
			continue;
		if (n == NODE_REFS_MAX)
			return ERR_RANGE;
		v[n++] = t->v[i];
	}
	*count = n;
	return n ? OK : ERR_REFUSED;
}

static size_t
count_of(const struct readout *r, const char *bare)
{
	const struct visit *v;
	size_t n = 0;

	TAILQ_FOREACH(v, &r->visits, next)
	n += strcmp(v->bare, bare) == 0;
	return n;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Takes the texts of a request, which live no longer than it. */
static void
take_texts(struct visit *v, const struct asked *a)
{
	const struct tokens *t = &a->req->tokens;
	const struct names *fields = &a->req->fields;
	const char *from = iq_in_from(a->rq);
	size_t size = strlen(from) + strlen(a->bare) + strlen(t->service) +
	    strlen(t->device) + strlen(t->user) + 5;
	char *at;

	for (size_t i = 0; i < fields->n; i++)
		size += strlen(fields->v[i]) + 1;
	at = v->text = mem_array(size, 1);
	v->from = mem_pack(&at, from);
	v->bare = mem_pack(&at, a->bare);
	v->tokens.service = mem_pack(&at, t->service);
	v->tokens.device = mem_pack(&at, t->device);
	v->tokens.user = mem_pack(&at, t->user);
	for (size_t i = 0; i < fields->n; i++)
		names_add(&v->fields, mem_pack(&at, fields->v[i]));
	if (v->fields.n)
		qsort(v->fields.v, v->fields.n, sizeof(*v->fields.v), by_name);
}

static struct visit *
visit_new(struct readout *r, const struct asked *a)
{
	const struct sd_req *req = a->req;
	struct visit *v = mem_zalloc(sizeof(*v));

	v->of = r;
	take_texts(v, a);
	v->seqnr = req->seqnr;
	v->types = req->types ? req->types : SD_MOMENTARY;
	v->from_utc = req->has_from ? req->from : 0;
	v->to_utc = req->has_to ? req->to : INT64_MAX;
	v->when = req->has_when ? req->when : 0;
	v->rq = a->rq;
	v->left = VISIT_VALUES_MAX;
	v->out.ctx = session_ctx(r->gw->session);
	v->out.seqnr = v->seqnr;
	TAILQ_INSERT_TAIL(&r->visits, v, next);
	r->n++;
	return v;
}

/* What keeps a request from being looked at; NULL: nothing. */
static const char *
no_room(const struct readout *r, const char *bare)
{
	if (r->n >= VISITS_MAX)
		return "too many requests are under way";
	if (count_of(r, bare) >= VISITS_EACH)
		return "too many of your requests are under way";
	return NULL;
}

static enum err
find_nodes(
    struct readout *r, const struct asked *a, struct node ***nodes, size_t *n)
{
	const struct sd_req *req = a->req;
	const struct node_ref *missing;
	enum err e;
	char *text;

	if (req->nodes.n == 0) {
		e = all_nodes(r, a->bare, nodes, n);
		if (e == ERR_RANGE)
			refuse(r, a->rq, "resource-constraint",
			    "these are too many nodes for one request");
		else if (e != OK)
			refuse(r, a->rq, "forbidden/cancel",
			    "no node here is yours");
		return e;
	}
	e = addressed_nodes(&r->gw->nodes, &req->nodes, nodes, n, &missing);
	if (e == OK)
		return OK;
	if (!access_sees_any(r->gw->access, a->bare)) {
		refuse(r, a->rq, "forbidden/cancel", not_yours);
		return e;
	}
	text = mem_printf("there is no node \"%s\"%s%s", missing->node,
	    *missing->source ? " in source " : "", missing->source);
	refuse(r, a->rq, "item-not-found", text);
	free(text);
	return e;
}

static void
take(struct readout *r, const struct asked *a)
{
	const char *no = no_room(r, a->bare);
	struct node **nodes = NULL;
	size_t n = 0;

	if (find(r, iq_in_from(a->rq), a->req->seqnr))
		refuse(r, a->rq, "conflict", "a request of that seqnr goes on");
	else if (no)
		refuse(r, a->rq, "resource-constraint", no);
	else if (find_nodes(r, a, &nodes, &n) == OK)
		visit_ask(visit_new(r, a), nodes, n);
	free(nodes);
}

static void
requested(void *arg, struct iq_in *rq)
{
	struct readout *r = arg;
	char bare[JID_SIZE];
	struct sd_req req;
	struct errbuf eb;

	if (sd_req_parse(iq_in_payload(rq), &req, &eb) != OK)
		refuse(r, rq, "bad-request", eb.text);
	else if (jid_bare(iq_in_from(rq), bare) != OK)
		refuse(r, rq, "forbidden/cancel", "who asks is not known");
	else
		take(r, &(struct asked){ rq, &req, bare });
	sd_req_fini(&req);
}

static void
cancelled(void *arg, struct iq_in *rq)
{
	struct readout *r = arg;
	struct visit *v;
	int32_t seqnr;

	if (sd_seqnr(iq_in_payload(rq), &seqnr) != OK) {
		refuse(r, rq, "bad-request", "seqnr is no number");
		return;
	}
	v = find(r, iq_in_from(rq), seqnr);
	if (!v) {
		refuse(r, rq, "item-not-found", "no such request goes on");
		return;
	}
	visit_end(v);
	iq_reply(
	    rq, sd_simple(session_ctx(r->gw->session), "cancelled", seqnr));
}

const struct iq_route readout_routes[] = {
	{ SENSOR_NS, "req", IQ_GET, requested },
	{ SENSOR_NS, "cancel", IQ_GET, cancelled },
	{ NULL, NULL, 0, NULL },
};

/* Begin and end. */

struct readout *
readout_new(struct gateway *gw)
{
	struct readout *r = mem_zalloc(sizeof(*r));

	r->gw = gw;
	TAILQ_INIT(&r->visits);
	uv_timer_init(&gw->loop, &r->runner);
	r->runner.data = r;
	return r;
}

void
readout_offline(struct readout *r)
{
	end_of(r, NULL);
}

void
readout_stop(struct readout *r)
{
	if (!r)
		return;
	readout_offline(r);
	uv_close((uv_handle_t *)&r->runner, NULL);
}

void
readout_free(struct readout *r)
{
	free(r);
}

void
readout_presence(struct readout *r, xmpp_stanza_t *presence)
{
	const char *type = xmpp_stanza_get_type(presence);
	const char *from = xmpp_stanza_get_from(presence);

	if (from && type && strcmp(type, "unavailable") == 0)
		end_of(r, from);
}

void
readout_bounced(struct readout *r, xmpp_stanza_t *message)
{
	const char *from = xmpp_stanza_get_from(message);

	if (from)
		end_of(r, from);
}
