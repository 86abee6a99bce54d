#include "registry/disown.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

enum {
	ANSWER_MS = 4000, /* owners' clients give up at 5 s */
	WAITING_MAX = 8,  /* requests that wait for one disown */
	OWNER_MAX = 32,   /* for the disowns of one owner */
	ROOM_MAX = 256,   /* in all: half of what the session holds */
};

struct waiting {
	struct iq_in *rq[WAITING_MAX];
	size_t n;
};

struct disown {
	struct disowns *all;
	struct disown *next;
	struct thing thing;
	char to[JID_SIZE];
	bool told;
	struct waiting owners; /* who asked for it, as the owner */
	struct waiting later;  /* what must be handled after it */
};

struct disowns {
	struct disown_uses use;
	void (*again)(void *arg, struct iq_in *rq);
	void *arg;
	struct disown *first;
};

struct disowns *
disowns_new(const struct disown_uses *use,
    void (*again)(void *arg, struct iq_in *rq), void *arg)
{
	struct disowns *ds = mem_zalloc(sizeof(*ds));

	ds->use = *use;
	ds->again = again;
	ds->arg = arg;
	return ds;
}

static void
unlink_free(struct disown *d)
{
	struct disown **p = &d->all->first;

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	thing_fini(&d->thing);
	free(d);
}

void
disowns_free(struct disowns *ds)
{
	if (!ds)
		return;
	while (ds->first)
		unlink_free(ds->first);
	free(ds);
}

static struct disown *
find(struct disowns *ds, const struct thing_key *key)
{
	for (struct disown *d = ds->first; d; d = d->next)
		if (strcmp(d->thing.jid, key->jid) == 0 &&
		    strcmp(d->thing.node, key->node.node) == 0 &&
		    strcmp(d->thing.source, key->node.source) == 0 &&
		    strcmp(d->thing.cache, key->node.cache) == 0)
			return d;
	return NULL;
}

/* is_crowded: silent things hold their requests for seconds, and those of one
 * owner must not take the room of everybody. */
static bool
is_crowded(const struct disowns *ds, const char *owner)
{
	size_t all = 0, own = 0;

	for (const struct disown *d = ds->first; d; d = d->next) {
		size_t n = d->owners.n + d->later.n;

		all += n;
		if (strcmp(d->thing.owner, owner) == 0)
			own += n;
	}
	return all >= ROOM_MAX || own >= OWNER_MAX;
}

static void
turn_away(struct disowns *ds, struct iq_in *rq)
{
	turn_reply_error(ds->use.turn, rq, "resource-constraint",
	    "too many requests wait for a thing to be disowned");
}

static void
wait_for(struct disown *d, struct waiting *w, struct iq_in *rq)
{
	if (w->n < WAITING_MAX && !is_crowded(d->all, d->thing.owner))
		w->rq[w->n++] = rq;
	else
		turn_away(d->all, rq);
}

static void
thing_copy(struct thing *to, const struct thing *from)
{
	*to = (struct thing){
		.id = from->id,
		.jid = mem_strdup(from->jid),
		.node = mem_strdup(from->node),
		.source = mem_strdup(from->source),
		.cache = mem_strdup(from->cache),
		.owner = mem_strdup(from->owner),
		.is_public = from->is_public,
		.via = mem_strdup(from->via),
	};
}

static struct disown *
add(struct disowns *ds, const struct thing *t)
{
	struct disown *d = mem_zalloc(sizeof(*d));

	d->all = ds;
	thing_copy(&d->thing, t);
	d->next = ds->first;
	ds->first = d;
	return d;
}

void
disown_start(struct disowns *ds, const struct thing *t, struct iq_in *rq)
{
	struct thing_key key = thing_key(t);
	struct disown *d = find(ds, &key);

	if (!d && !is_crowded(ds, t->owner))
		d = add(ds, t);
	if (d)
		wait_for(d, &d->owners, rq);
	else
		turn_away(ds, rq);
}

bool
disown_defer(struct disowns *ds, const struct thing_key *key, struct iq_in *rq)
{
	struct disown *d = find(ds, key);

	if (!d)
		return false;
	wait_for(d, &d->later, rq);
	return true;
}

/* release is the end of the story on our side: the record as it is now must
 * still be the one that the thing agreed to leave. */
static enum err
release(struct disown *d)
{
	struct disown_uses *use = &d->all->use;
	struct thing_key key = thing_key(&d->thing);
	struct thing now;
	enum err e;

	e = things_owned(use->things, &key, d->thing.owner, &now);
	if (e != OK)
		return e;
	e = now.id == d->thing.id
	    ? provision_changed(use->provision, now.owner, now.id)
	    : ERR_NOTFOUND;
	if (e == OK)
		e = things_disown(use->things, now.id);
	thing_fini(&now);
	if (e == OK)
		e = notices_void(use->notices, &key);
	return e;
}

static void
answer(struct disown *d, enum err e)
{
	struct turn *turn = d->all->use.turn;

	for (size_t i = 0; i < d->owners.n; i++) {
		struct iq_in *rq = d->owners.rq[i];

		if (e == OK)
			turn_reply(turn, rq, NULL);
		else if (e == ERR_NOTFOUND)
			turn_reply_error(turn, rq, "item-not-found", NULL);
		else
			turn_reply_error(turn, rq, "not-allowed", NULL);
	}
}

/* settle answers everybody.  What waited is handled after d is gone, or it
 * would wait again; after the session is lost it has nobody to answer. */
static void
settle(struct disown *d, enum err e)
{
	struct disowns *ds = d->all;
	struct waiting later = d->later;

	answer(d, e);
	unlink_free(d);
	for (size_t i = 0; i < later.n; i++)
		if (e == ERR_OFFLINE)
			iq_reply_error(
			    later.rq[i], "internal-server-error", NULL);
		else
			ds->again(ds->arg, later.rq[i]);
}

static void
done(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct disown *d = arg;
	enum err e = ERR_REFUSED;
	char safe[LOG_SAFE];

	switch (outcome) {
	case IQ_RESULT:
		e = release(d);
		break;
	case IQ_ERROR:
		log_info("disown", "%s said no: %s", d->to,
		    log_safe(safe, stanza_condition(stanza)));
		break;
	case IQ_TIMEOUT:
		log_info("disown", "%s did not answer", d->to);
		break;
	case IQ_LOST:
		e = ERR_OFFLINE;
		break;
	}
	settle(d, e);
}

/* A thing that had refused to hear of its claim must not hear of it between
 * this and its answer: it would take that claim for a new one. */
static enum err
tell(struct disown *d)
{
	struct disown_uses *use = &d->all->use;
	struct thing_key key = thing_key(&d->thing);
	struct disc_msg m = { .op = DISC_DISOWNED, .node = key.node };

	d->told = true;
	notices_hold(use->notices, &key, ANSWER_MS);
	if (!peers_where(use->peers, d->thing.jid, d->thing.via, d->to))
		return ERR_REFUSED;
	return iq_request(use->session, "set", d->to,
	    discovery_build(session_ctx(use->session), &m), ANSWER_MS, done, d);
}

void
disowns_run(struct disowns *ds, bool kept)
{
	struct disown *next;

	for (struct disown *d = ds->first; d; d = next) {
		next = d->next;
		if (!d->told && (!kept || tell(d) != OK))
			settle(d, ERR_REFUSED);
	}
}
