/* What is told: when, and to whom of those that may see it. */
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/portrait.h"
#include "gateway/tell_impl.h"
#include "protocol/stanza.h"

#include <string.h>

enum {
	SOON_MS = 20,     /* what comes at once is told at once */
	PAUSE_MS = 1000,  /* between two rounds */
	BUSY_MS = 10,     /* until the server is looked at again */
	QUEUE_FULL = 500, /* stanzas that it has not taken */
};

/* --- events --- */

bool
tell_sees(const struct tell *t, const struct sub *s, const struct node *n)
{
	return strcmp(n->source, s->source) == 0 && n->cfg &&
	    access_sees(t->gw->access, s->bare, n);
}

/* A stored event would tell of what is long past (XEP-0334). */
static void
deliver(struct tell *t, const struct sub *s, xmpp_stanza_t *event)
{
	xmpp_ctx_t *ctx = session_ctx(t->gw->session);
	xmpp_stanza_t *m = xmpp_message_new(ctx, NULL, s->full, NULL);

	stanza_add(m, event);
	stanza_add(m, stanza_el(ctx, "no-store", "urn:xmpp:hints"));
	(void)session_send(t->gw->session, m);
}

static void
deliver_node(
    struct tell *t, const struct sub *s, struct node *n, enum conc_event e)
{
	xmpp_ctx_t *ctx = session_ctx(t->gw->session);
	const struct view v = { t->gw, s->bare };
	const struct spot spot = { n, n->cfg->on, n->source };
	xmpp_stanza_t *el = conc_event_new(ctx, e);
	struct portrait p;

	portrait_take(&p, &v, &spot, &s->wants);
	if (e == CONC_STATUS_CHANGED)
		conc_status_build(ctx, el, &p.info);
	else
		conc_node_build(ctx, el, &p.info);
	portrait_fini(&p);
	deliver(t, s, el);
}

static void
deliver_note(struct tell *t, const struct sub *s, const struct note *note)
{
	const struct node_ref ref = { note->node, note->source, note->cache };
	struct node *n = nodes_by_ref(&t->gw->nodes, &ref);
	bool there = n && tell_sees(t, s, n);
	xmpp_stanza_t *el;

	if (note->added && there && s->events & 1u << CONC_ADDED)
		deliver_node(t, s, n, CONC_ADDED);
	if (note->added || there || !(s->events & 1u << CONC_REMOVED))
		return;
	el = conc_event_new(session_ctx(t->gw->session), CONC_REMOVED);
	node_ref_build(el, &ref);
	deliver(t, s, el);
}

/* A node that is new or changed is told whole, with the state it is in. */
static void
deliver_news(struct tell *t, const struct sub *s, struct node *n)
{
	static const enum conc_event kinds[] = { CONC_ADDED, CONC_UPDATED,
		CONC_STATUS_CHANGED };
	unsigned events = t->events & s->events;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(events & 1u << kinds[i]))
			continue;
		if (tell_sees(t, s, n))
			deliver_node(t, s, n, kinds[i]);
		return;
	}
}

/* --- rounds --- */

static bool
is_full(const struct tell *t)
{
	return session_queued(t->gw->session) >= QUEUE_FULL;
}

static bool
tell_notes_to(struct tell *t, struct sub *s)
{
	struct note *note, *next;

	for (note = TAILQ_FIRST(&s->notes); note; note = next) {
		if (is_full(t))
			return false;
		next = TAILQ_NEXT(note, entry);
		deliver_note(t, s, note);
		tell_note_free(t, s, note);
	}
	return true;
}

/* Who sees nothing of the source any more is told that, and no more. */
static bool
tell_notes(struct tell *t)
{
	struct sub *s, *next;

	for (s = TAILQ_FIRST(&t->subs); s && t->n_notes; s = next) {
		const struct view v = { t->gw, s->bare };

		next = TAILQ_NEXT(s, entry);
		if (!s->n_notes)
			continue;
		if (!tell_notes_to(t, s))
			return false;
		if (!tree_has_source(&v, s->source))
			tell_sub_end(t, s);
	}
	return true;
}

/* Begins to tell of a node: not of a state that it has left again. */
static void
begin(struct tell *t, struct node *n)
{
	t->events = n ? n->standing.news : 0;
	t->within = true;
	t->next = TAILQ_FIRST(&t->subs);
	if (!n)
		return;
	if (n->standing.told == n->standing.state)
		t->events &= ~(1u << CONC_STATUS_CHANGED);
	n->standing.told = n->standing.state;
	n->standing.news = 0;
}

static bool
tell_nodes(struct tell *t)
{
	for (; t->at < t->round.n; t->at++) {
		struct node *n =
		    nodes_by_handle(&t->gw->nodes, t->round.v[t->at]);

		if (!t->within)
			begin(t, n);
		while (n && n->cfg && t->events && t->next) {
			const struct sub *s = t->next;

			if (is_full(t))
				return false;
			t->next = TAILQ_NEXT(s, entry);
			deliver_news(t, s, n);
		}
		t->within = false;
		t->next = NULL;
	}
	return true;
}

static void
next_round(struct tell *t)
{
	struct handles was = t->round;

	t->round = t->queue;
	t->queue = was;
	t->queue.n = 0;
	t->at = 0;
	t->round_mono = clock_mono(t->gw->clock);
}

static void flush(uv_timer_t *h);

/* The turn ends, and its changes are on disk, before a timer runs. */
void
tell_arm(struct tell *t)
{
	int64_t now = clock_mono(t->gw->clock);
	int64_t due = t->round_mono + PAUSE_MS;

	if (t->closed || uv_is_active((uv_handle_t *)&t->timer))
		return;
	if (due < now + SOON_MS)
		due = now + SOON_MS;
	uv_timer_start(&t->timer, flush, (uint64_t)(due - now), 0);
}

static void
flush(uv_timer_t *h)
{
	struct tell *t = h->data;

	if (t->at == t->round.n)
		next_round(t);
	if (!tell_notes(t) || !tell_nodes(t))
		uv_timer_start(h, flush, BUSY_MS, 0);
	else if (t->queue.n || t->n_notes)
		tell_arm(t);
}
