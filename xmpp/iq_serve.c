/* Requests of others. */
#include "xmpp/iq_table.h"

#include "common/mem.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

/* A request of somebody else.  table is NULL once it is gone. */
struct iq_in {
	struct iq_table *table;
	xmpp_stanza_t *stanza;
	uint64_t connection;
	char *from;
	struct iq_in *prev, *next;
};

xmpp_stanza_t *
iq_in_payload(const struct iq_in *rq)
{
	return rq->stanza ? stanza_payload(rq->stanza, NULL) : NULL;
}

const char *
iq_in_from(const struct iq_in *rq)
{
	return rq->from;
}

bool
iq_in_is_set(const struct iq_in *rq)
{
	const char *type = rq->stanza ? xmpp_stanza_get_type(rq->stanza) : NULL;

	return type && strcmp(type, "set") == 0;
}

void
iq_in_detach(struct iq_in *rq)
{
	struct iq_table *t = rq->table;

	if (!t)
		return;
	if (rq->prev)
		rq->prev->next = rq->next;
	else
		t->deferred = rq->next;
	if (rq->next)
		rq->next->prev = rq->prev;
	t->n_deferred--;
	xmpp_stanza_release(rq->stanza);
	rq->stanza = NULL;
	rq->table = NULL;
}

/* The answer to request: to its sender, and from the address it was sent to,
 * which for a component may be any of its domain.  payload and error may be
 * NULL. */
static void
send_answer(struct iq_table *t, xmpp_stanza_t *request, xmpp_stanza_t *payload,
    xmpp_stanza_t *error)
{
	const char *from = xmpp_stanza_get_from(request);
	const char *to = xmpp_stanza_get_to(request);
	xmpp_stanza_t *iq = xmpp_iq_new(session_ctx(t->session),
	    error ? "error" : "result", xmpp_stanza_get_id(request));

	if (from)
		xmpp_stanza_set_to(iq, from);
	if (to && !strchr(session_bare(t->session), '@'))
		xmpp_stanza_set_from(iq, to);
	if (payload)
		stanza_add(iq, payload);
	if (error)
		stanza_add(iq, error);
	(void)session_send(t->session, iq);
}

static void
send_error(struct iq_table *t, xmpp_stanza_t *request, const char *condition,
    const char *text)
{
	send_answer(t, request, NULL,
	    stanza_error(session_ctx(t->session), condition, text));
}

static bool
is_current(const struct iq_in *rq)
{
	return rq->table && rq->connection == rq->table->connection &&
	    session_online(rq->table->session);
}

static void
iq_in_free(struct iq_in *rq)
{
	iq_in_detach(rq);
	free(rq->from);
	free(rq);
}

void
iq_reply(struct iq_in *rq, xmpp_stanza_t *payload)
{
	if (is_current(rq))
		send_answer(rq->table, rq->stanza, payload, NULL);
	else if (payload)
		xmpp_stanza_release(payload);
	iq_in_free(rq);
}

void
iq_reply_error(struct iq_in *rq, const char *condition, const char *text)
{
	iq_reply_fault(rq, condition, text, NULL, NULL);
}

void
iq_reply_fault(struct iq_in *rq, const char *condition, const char *text,
    xmpp_stanza_t *detail, xmpp_stanza_t *payload)
{
	if (is_current(rq)) {
		xmpp_stanza_t *error = stanza_error(
		    session_ctx(rq->table->session), condition, text);

		if (detail)
			stanza_add(error, detail);
		send_answer(rq->table, rq->stanza, payload, error);
	} else {
		if (detail)
			xmpp_stanza_release(detail);
		if (payload)
			xmpp_stanza_release(payload);
	}
	iq_in_free(rq);
}

static struct iq_in *
iq_in_new(struct iq_table *t, xmpp_stanza_t *stanza)
{
	const char *from = xmpp_stanza_get_from(stanza);
	struct iq_in *rq = mem_zalloc(sizeof(*rq));

	rq->table = t;
	rq->stanza = xmpp_stanza_clone(stanza);
	rq->connection = t->connection;
	rq->from = mem_strdup(from ? from : session_bare(t->session));
	rq->next = t->deferred;
	if (rq->next)
		rq->next->prev = rq;
	t->deferred = rq;
	t->n_deferred++;
	return rq;
}

/* ------------------------------------------------------ answered right here */

static void
answer_disco_info(void *arg, struct iq_in *rq)
{
	const struct iq_table *t = arg;
	const char *node;
	xmpp_stanza_t *query;

	if (!t->identity) {
		iq_reply_error(rq, "service-unavailable", NULL);
		return;
	}
	query = stanza_disco_info(
	    session_ctx(t->session), t->identity, t->features);
	node = xmpp_stanza_get_attribute(iq_in_payload(rq), "node");
	if (node)
		xmpp_stanza_set_attribute(query, "node", node);
	iq_reply(rq, query);
}

static void
answer_disco_items(void *arg, struct iq_in *rq)
{
	const struct iq_table *t = arg;
	xmpp_stanza_t *query =
	    stanza_el(session_ctx(t->session), "query", NS_DISCO_ITEMS);
	const char *node = xmpp_stanza_get_attribute(iq_in_payload(rq), "node");

	if (node)
		xmpp_stanza_set_attribute(query, "node", node);
	iq_reply(rq, query);
}

static void
answer_ping(void *arg, struct iq_in *rq)
{
	(void)arg;
	iq_reply(rq, NULL);
}

/* A push from anyone but the own server is a forgery (RFC 6121 2.1.6). */
static void
answer_roster_push(void *arg, struct iq_in *rq)
{
	const struct iq_table *t = arg;

	if (iq_from_own_server(t, iq_in_from(rq)))
		iq_reply(rq, NULL);
	else
		iq_reply_error(rq, "service-unavailable", NULL);
}

const struct iq_route iq_own_routes[] = {
	{ NS_DISCO_INFO, "query", IQ_GET, answer_disco_info },
	{ NS_DISCO_ITEMS, "query", IQ_GET, answer_disco_items },
	{ NS_PING, "ping", IQ_GET, answer_ping },
	{ NS_ROSTER, "query", IQ_SET, answer_roster_push },
	{ NULL, NULL, 0, NULL },
};

/* ----------------------------------------------------------------- dispatch */

struct match {
	const struct iq_route *route;
	void *arg;
	bool known_ns;
};

static void
match_table(struct match *m, const struct iq_routes_of *in, const char *ns,
    const char *name)
{
	for (const struct iq_route *r = in->table; r->ns; r++) {
		if (strcmp(r->ns, ns) != 0)
			continue;
		m->known_ns = true;
		if (r->name ? strcmp(r->name, name) != 0 : m->route != NULL)
			continue;
		if (m->route && m->route->name)
			return;
		m->route = r;
		m->arg = in->arg;
	}
}

/* A named route comes before one for every other element of its namespace, the
 * program's before those of this file, which are the first table. */
static struct match
match_routes(const struct iq_table *t, xmpp_stanza_t *payload)
{
	const char *ns = xmpp_stanza_get_ns(payload);
	const char *name = xmpp_stanza_get_name(payload);
	struct match m = { 0 };

	for (size_t i = t->n_routes; ns && name && i-- > 0;)
		match_table(&m, &t->routes[i], ns, name);
	return m;
}

static const char *
refusal(const struct iq_table *t, xmpp_stanza_t *stanza, bool is_set,
    struct match *m)
{
	const char *from = xmpp_stanza_get_from(stanza);
	xmpp_stanza_t *payload;
	size_t n;

	payload = stanza_payload(stanza, &n);
	if (n != 1 || strlen(xmpp_stanza_get_id(stanza)) > IQ_ID_MAX ||
	    (from && strlen(from) >= JID_SIZE))
		return "bad-request";
	*m = match_routes(t, payload);
	if (!m->route)
		return m->known_ns ? "feature-not-implemented"
				   : "service-unavailable";
	if (!(m->route->types & (is_set ? IQ_SET : IQ_GET)))
		return "bad-request";
	if (t->n_deferred >= IQ_DEFERRED_MAX)
		return "resource-constraint";
	return NULL;
}

void
iq_serve(struct iq_table *t, xmpp_stanza_t *stanza, bool is_set)
{
	struct match m = { 0 };
	const char *no;

	/* Nobody could tell what an answer without an id answers. */
	if (!xmpp_stanza_get_id(stanza))
		return;
	no = refusal(t, stanza, is_set, &m);
	if (no)
		send_error(t, stanza, no, NULL);
	else
		m.route->handle(m.arg, iq_in_new(t, stanza));
}

void
iq_routes(struct session *s, const struct iq_route *table, void *arg)
{
	struct iq_table *t = session_iq(s);

	t->routes = mem_grow(
	    t->routes, t->n_routes, &t->cap_routes, sizeof(*t->routes));
	t->routes[t->n_routes].table = table;
	t->routes[t->n_routes++].arg = arg;
}

void
iq_disco(struct session *s, const struct disco_identity *id,
    const char *const *features)
{
	struct iq_table *t = session_iq(s);

	t->identity = id;
	t->features = features;
}
