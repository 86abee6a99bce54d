#include "xmpp/iq_table.h"

#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_deadline(uv_timer_t *timer);

static void
set_timer(struct iq_table *t)
{
	int64_t wait;

	if (t->pending.n == 0) {
		uv_timer_stop(t->timer);
		return;
	}
	wait = t->pending.heap[0]->deadline - clock_mono(t->clock);
	uv_update_time(t->timer->loop);
	uv_timer_start(t->timer, on_deadline, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void
end_pending(struct iq_table *t, struct pending *p, enum iq_outcome outcome,
    xmpp_stanza_t *stanza)
{
	pending_extract(&t->pending, p);
	set_timer(t);
	p->done(p->arg, outcome, stanza);
	pending_free(p);
}

void
iq_table_expire(struct iq_table *t)
{
	int64_t now = clock_mono(t->clock);

	while (t->pending.n > 0 && t->pending.heap[0]->deadline <= now)
		end_pending(t, t->pending.heap[0], IQ_TIMEOUT, NULL);
	set_timer(t);
}

static void
on_deadline(uv_timer_t *timer)
{
	iq_table_expire(timer->data);
}

/* --------------------------------------------------------- requests of ours */

enum err
iq_ask(struct session *s, const struct iq_ask *ask)
{
	struct iq_table *t = session_iq(s);
	struct pending *p;
	xmpp_stanza_t *iq;
	enum err e;

	if (!session_online(s) || t->pending.n == IQ_PENDING_MAX) {
		if (ask->payload)
			xmpp_stanza_release(ask->payload);
		return session_online(s) ? ERR_BUSY : ERR_OFFLINE;
	}
	p = mem_zalloc(sizeof(*p));
	snprintf(p->id, sizeof(p->id), "%s-%" PRIx64, t->prefix, ++t->count);
	iq = xmpp_iq_new(session_ctx(s), ask->type, p->id);
	if (ask->to)
		xmpp_stanza_set_to(iq, ask->to);
	if (ask->payload)
		stanza_add(iq, ask->payload);
	e = session_send(s, iq);
	if (e != OK) {
		free(p);
		return e;
	}
	p->to = mem_strdup(ask->to);
	p->deadline = clock_mono(t->clock) + ask->timeout_ms;
	p->done = ask->done;
	p->arg = ask->arg;
	p->owner = ask->owner;
	p->drop = ask->drop;
	pending_insert(&t->pending, p);
	if (p->at == 0)
		set_timer(t);
	return OK;
}

/* NOLINTBEGIN(readability-function-size): all seven are needed. */
enum err
iq_request(struct session *s, const char *type, const char *to,
    xmpp_stanza_t *payload, int64_t timeout_ms, iq_done done, void *arg)
{
	const struct iq_ask ask = { .type = type,
		.to = to,
		.payload = payload,
		.timeout_ms = timeout_ms,
		.done = done,
		.arg = arg,
		.owner = arg };

	return iq_ask(s, &ask);
}
/* NOLINTEND(readability-function-size) */

void
iq_forget(struct session *s, const void *arg)
{
	struct iq_table *t = session_iq(s);
	size_t i = 0;

	while (i < t->pending.n) {
		struct pending *p = t->pending.heap[i];

		if (p->owner != arg) {
			i++;
			continue;
		}
		pending_extract(&t->pending, p);
		if (p->drop)
			p->drop(p->arg);
		pending_free(p);
		i = 0; /* extract has moved others */
	}
	set_timer(t);
}

/* The server answers for the account: as the account, as itself, or without
 * saying so (RFC 6120 8.1.2.1 and 10.3.3). */
bool
iq_from_own_server(const struct iq_table *t, const char *from)
{
	const char *own = session_bare(t->session);
	const char *at = strchr(own, '@');

	return !from || jid_same(from, own) ||
	    jid_same(from, session_jid(t->session)) ||
	    jid_same(from, at ? at + 1 : own);
}

static bool
answers(const struct iq_table *t, const struct pending *p, const char *from)
{
	const char *own = session_bare(t->session);
	const char *at = strchr(own, '@');

	if (!p->to)
		return iq_from_own_server(t, from);
	if (!from)
		return jid_same(p->to, own) ||
		    jid_same(p->to, at ? at + 1 : own);
	return strcmp(p->to, from) == 0 || jid_same(p->to, from);
}

static void
take_answer(struct iq_table *t, xmpp_stanza_t *stanza, bool is_error)
{
	const char *id = xmpp_stanza_get_id(stanza);
	const char *from = xmpp_stanza_get_from(stanza);
	struct pending *p = id ? pending_find(&t->pending, id) : NULL;
	char safe[LOG_SAFE];

	if (p && answers(t, p, from)) {
		end_pending(t, p, is_error ? IQ_ERROR : IQ_RESULT, stanza);
		return;
	}
	/* libstrophe's own requests are answered through here too. */
	if (id && strncmp(id, "_xmpp_", 6) == 0)
		return;
	t->unasked++;
	log_debug("xmpp", "answer that was not asked for from=%s",
	    log_safe(safe, from));
}

void
iq_table_take(struct iq_table *t, xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	if (!type)
		return;
	if (strcmp(type, "result") == 0 || strcmp(type, "error") == 0)
		take_answer(t, stanza, type[0] == 'e');
	else if (strcmp(type, "get") == 0 || strcmp(type, "set") == 0)
		iq_serve(t, stanza, type[0] == 's');
}

struct iq_table *
iq_table_new(struct session *s, uv_loop_t *loop, const struct clock *clock)
{
	struct iq_table *t = mem_zalloc(sizeof(*t));
	uint64_t r;

	t->session = s;
	t->clock = clock;
	random_bytes(&r, sizeof(r));
	snprintf(t->prefix, sizeof(t->prefix), "%016" PRIx64, r);
	t->timer = mem_zalloc(sizeof(*t->timer));
	uv_timer_init(loop, t->timer);
	t->timer->data = t;
	t->routes = mem_grow(NULL, 0, &t->cap_routes, sizeof(*t->routes));
	t->routes[0].table = iq_own_routes;
	t->routes[0].arg = t;
	t->n_routes = 1;
	return t;
}

static void
free_timer(uv_handle_t *h)
{
	free(h);
}

void
iq_table_free(struct iq_table *t)
{
	if (!t)
		return;
	while (t->pending.n > 0) {
		struct pending *p = t->pending.heap[t->pending.n - 1];

		pending_extract(&t->pending, p);
		if (p->drop)
			p->drop(p->arg);
		pending_free(p);
	}
	while (t->deferred)
		iq_in_detach(t->deferred);
	uv_close((uv_handle_t *)t->timer, free_timer);
	free(t->pending.heap);
	free(t->routes);
	free(t);
}

void
iq_table_lost(struct iq_table *t)
{
	t->connection++;
	while (t->pending.n > 0)
		end_pending(t, t->pending.heap[0], IQ_LOST, NULL);
}
