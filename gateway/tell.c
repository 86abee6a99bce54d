#include "gateway/tell.h"

#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/portrait.h"
#include "protocol/stanza.h"
#include "xmpp/presence.h"

#include <stdlib.h>
#include <string.h>

enum {
	SOON_MS = 20,      /* what comes at once is told at once */
	PAUSE_MS = 1000,   /* between two rounds */
	BUSY_MS = 10,      /* until the server is looked at again */
	QUEUE_FULL = 500,  /* stanzas that it has not taken */
	NOTES_MAX = 10000, /* of a subscriber: as many as there are nodes */
};

/* For one subscriber alone: a node came into his sight, or left it.  It is
 * looked at again when it is told: its claim may not have been kept. */
struct note {
	TAILQ_ENTRY(note) entry;
	bool added;
	char *node, *source, *cache;
};

struct sub {
	TAILQ_ENTRY(sub) entry;
	char *full, *bare, *source;
	unsigned events; /* bits by enum conc_event */
	struct portrait_wants wants;
	TAILQ_HEAD(, note) notes;
	size_t n_notes;
};

/* Handles of nodes that have news. */
struct handles {
	uint32_t *v;
	size_t n, cap;
};

struct tell {
	struct gateway *gw;
	uv_timer_t timer;
	bool closed;
	TAILQ_HEAD(, sub) subs;
	size_t n;
	size_t n_notes;
	struct handles queue, round; /* for the next round; of this one */
	size_t at;                   /* in the round */
	bool within;                 /* node `at` is being told: */
	unsigned events;             /* this, */
	struct sub *next;            /* to him and those after him */
	int64_t round_mono;          /* when it began */
};

/* --- notes and subscriptions --- */

static void
note_free(struct tell *t, struct sub *s, struct note *note)
{
	TAILQ_REMOVE(&s->notes, note, entry);
	s->n_notes--;
	t->n_notes--;
	free(note->node);
	free(note->source);
	free(note->cache);
	free(note);
}

static void
sub_end(struct tell *t, struct sub *s)
{
	struct note *note, *next;

	if (t->next == s)
		t->next = TAILQ_NEXT(s, entry);
	for (note = TAILQ_FIRST(&s->notes); note; note = next) {
		next = TAILQ_NEXT(note, entry);
		note_free(t, s, note);
	}
	TAILQ_REMOVE(&t->subs, s, entry);
	t->n--;
	free(s->full);
	free(s->bare);
	free(s->source);
	free(s);
}

static struct sub *
sub_of(const struct tell *t, const char *full, const char *source)
{
	struct sub *s;

	TAILQ_FOREACH(s, &t->subs, entry)
	{
		if (strcmp(s->full, full) == 0 &&
		    strcmp(s->source, source) == 0)
			return s;
	}
	return NULL;
}

static size_t
subs_of(const struct tell *t, const char *bare)
{
	const struct sub *s;
	size_t n = 0;

	TAILQ_FOREACH(s, &t->subs, entry)
	n += strcmp(s->bare, bare) == 0;
	return n;
}

enum err
tell_subscribe(struct tell *t, const char *from, const char *bare,
    const struct conc_req *r)
{
	struct sub *s = sub_of(t, from, r->ref.source);

	if (!s) {
		if (t->n >= TELL_SUBS_MAX || subs_of(t, bare) >= TELL_SUBS_EACH)
			return ERR_BUSY;
		s = mem_zalloc(sizeof(*s));
		s->full = mem_strdup(from);
		s->bare = mem_strdup(bare);
		s->source = mem_strdup(r->ref.source);
		TAILQ_INIT(&s->notes);
		TAILQ_INSERT_TAIL(&t->subs, s, entry);
		t->n++;
	}
	s->events |= r->events;
	s->wants = (struct portrait_wants){ r->parameters, r->messages };
	return OK;
}

void
tell_unsubscribe(struct tell *t, const char *from, const struct conc_req *r)
{
	struct sub *s = sub_of(t, from, r->ref.source);

	if (!s)
		return;
	s->events &= ~r->events;
	if (!s->events)
		sub_end(t, s);
}

/* --- what is told --- */

static bool
sees(const struct tell *t, const struct sub *s, const struct node *n)
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
	bool there = n && sees(t, s, n);
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
		if (sees(t, s, n))
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
		note_free(t, s, note);
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
			sub_end(t, s);
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
static void
arm(struct tell *t)
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
		arm(t);
}

/* --- what happens --- */

static void
news(struct tell *t, struct node *n, enum conc_event e)
{
	struct standing *st = &n->standing;

	if (!t->n) {
		st->told = st->state;
		return;
	}
	if (!st->news) {
		t->queue.v = mem_grow(
		    t->queue.v, t->queue.n, &t->queue.cap, sizeof(*t->queue.v));
		t->queue.v[t->queue.n++] = n->handle;
	}
	st->news |= (uint8_t)(1u << e);
	arm(t);
}

static void
enter(struct tell *t, struct node *n, enum conc_state state)
{
	n->standing.state = (uint8_t)state;
	n->standing.changed = clock_utc(t->gw->clock);
	news(t, n, CONC_STATUS_CHANGED);
}

void
tell_news(struct tell *t, struct node *n)
{
	enum conc_state now = tree_state(n);

	if (!n->standing.changed)
		n->standing.changed = t->gw->cfg_utc;
	if (tree_unsign(n->standing.state) != now)
		enter(t, n, now);
}

bool
tell_acknowledge(struct tell *t, struct node *n)
{
	enum conc_state to = tree_sign(n->standing.state);

	if (to == (enum conc_state)n->standing.state)
		return false;
	enter(t, n, to);
	return true;
}

static void
note(struct tell *t, struct sub *s, const struct node *n, bool added)
{
	struct note *add;

	if (s->n_notes == NOTES_MAX)
		return;
	add = mem_zalloc(sizeof(*add));
	add->added = added;
	add->node = mem_strdup(n->id);
	add->source = mem_strdup(n->source);
	add->cache = mem_strdup(n->cache);
	TAILQ_INSERT_TAIL(&s->notes, add, entry);
	s->n_notes++;
	t->n_notes++;
	arm(t);
}

static struct note *
note_of(const struct sub *s, const struct node *n)
{
	const struct node_ref ref = node_ref_of(n);
	struct note *note;

	TAILQ_FOREACH(note, &s->notes, entry)
	{
		const struct node_ref of = { note->node, note->source,
			note->cache };

		if (node_ref_same(&of, &ref))
			return note;
	}
	return NULL;
}

/* What came and went before it was told is not told. */
static void
note_to(struct tell *t, const struct node *n, const char *bare, bool added)
{
	struct sub *s;

	TAILQ_FOREACH(s, &t->subs, entry)
	{
		struct note *had;

		if (strcmp(s->bare, bare) != 0 ||
		    strcmp(s->source, n->source) != 0)
			continue;
		had = note_of(s, n);
		if (!had)
			note(t, s, n, added);
		else if (had->added != added)
			note_free(t, s, had);
	}
}

void
tell_shared(struct tell *t, const struct node *n, const char *bare)
{
	note_to(t, n, bare, true);
}

void
tell_hide(struct tell *t, const struct node *n, const char *bare)
{
	note_to(t, n, bare, false);
}

void
tell_claim(struct tell *t, const struct node *n, const char *was_owner)
{
	/* What leaves the configuration, or comes, is told by that. */
	if (!n->cfg || n->standing.news & 1u << CONC_ADDED ||
	    strcmp(n->thing.owner, was_owner) == 0)
		return;
	tell_hide(t, n, was_owner);
	tell_shared(t, n, n->thing.owner);
}

void
tell_configure(struct tell *t, struct node *n, const struct cfg_node *is)
{
	struct sub *s;

	if (n->cfg && is && cfg_node_equal(n->cfg, is))
		return;
	n->standing.changed = clock_utc(t->gw->clock);
	if (is) {
		news(t, n, n->cfg ? CONC_UPDATED : CONC_ADDED);
		return;
	}
	TAILQ_FOREACH(s, &t->subs, entry)
	{
		if (sees(t, s, n))
			note(t, s, n, false);
	}
}

/* --- what ends subscriptions --- */

static void
end_of(struct tell *t, const char *from)
{
	bool bare = !strchr(from, '/');
	struct sub *s, *next;

	for (s = TAILQ_FIRST(&t->subs); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (strcmp(bare ? s->bare : s->full, from) == 0)
			sub_end(t, s);
	}
}

void
tell_presence(struct tell *t, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence);

	if (from && presence_type(presence) == PRESENCE_UNAVAILABLE)
		end_of(t, from);
}

void
tell_bounced(struct tell *t, xmpp_stanza_t *message)
{
	const char *from = xmpp_stanza_get_from(message);

	if (from)
		end_of(t, from);
}

void
tell_offline(struct tell *t)
{
	struct sub *s, *next;

	for (s = TAILQ_FIRST(&t->subs); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		sub_end(t, s);
	}
}

/* --- begin and end --- */

struct tell *
tell_new(struct gateway *gw)
{
	struct tell *t = mem_zalloc(sizeof(*t));

	t->gw = gw;
	TAILQ_INIT(&t->subs);
	uv_timer_init(&gw->loop, &t->timer);
	t->timer.data = t;
	return t;
}

void
tell_stop(struct tell *t)
{
	if (t->closed)
		return;
	t->closed = true;
	tell_offline(t);
	uv_close((uv_handle_t *)&t->timer, NULL);
}

void
tell_free(struct tell *t)
{
	if (!t)
		return;
	free(t->queue.v);
	free(t->round.v);
	free(t);
}
