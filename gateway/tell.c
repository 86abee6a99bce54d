#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/tell_impl.h"
#include "gateway/tree.h"
#include "xmpp/presence.h"

#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 10000 }; /* of a subscriber: as many as there are nodes */

/* --- notes and subscriptions --- */

void
tell_note_free(struct tell *t, struct sub *s, struct note *note)
{
	TAILQ_REMOVE(&s->notes, note, entry);
	s->n_notes--;
	t->n_notes--;
	free(note->node);
	free(note->source);
	free(note->cache);
	free(note);
}

void
tell_sub_end(struct tell *t, struct sub *s)
{
	struct note *note, *next;

	if (t->next == s)
		t->next = TAILQ_NEXT(s, entry);
	for (note = TAILQ_FIRST(&s->notes); note; note = next) {
		next = TAILQ_NEXT(note, entry);
		tell_note_free(t, s, note);
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

bool
tell_has(const struct tell *t, const char *bare)
{
	return subs_of(t, bare) > 0;
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
	s->events &= r->events ? ~r->events : 0;
	if (!s->events)
		tell_sub_end(t, s);
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
	tell_arm(t);
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
	tell_arm(t);
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
			tell_note_free(t, s, had);
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
		if (tell_sees(t, s, n))
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
			tell_sub_end(t, s);
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
		tell_sub_end(t, s);
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
