#include "gateway/registrar_impl.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/friends.h"
#include "gateway/meta.h"
#include "gateway/provisioner.h"
#include "gateway/store.h"
#include "gateway/tell.h"
#include "protocol/discovery.h"

#include <stdlib.h>
#include <string.h>

enum { STRANGER_LOG_MS = 10000 };

/* Something that may be told only after the turn's commit. */
struct after {
	enum {
		AFTER_ACK,
		AFTER_NAK,
		AFTER_FRIEND,
		AFTER_UNFRIEND,
		AFTER_CALL
	} what;
	struct iq_in *rq;
	void (*done)(void *arg, bool kept);
	void *arg;
	char jid[JID_SIZE];
};

struct registrar *
registrar_new(struct gateway *gw, const char *registry_jid)
{
	struct registrar *r = mem_zalloc(sizeof(*r));

	r->gw = gw;
	registrar_find_init(r, registry_jid);
	TAILQ_INIT(&r->due);
	random_bytes(&r->salt, sizeof(r->salt));
	return r;
}

void
registrar_free(struct registrar *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_after; i++) {
		if (r->after[i].rq) /* sends nothing: its connection is gone */
			iq_reply(r->after[i].rq, NULL);
	}
	free(r->after);
	free(r->changed);
	free(r);
}

bool
registrar_reachable(const struct registrar *r)
{
	return r->reachable;
}

bool
registrar_heard(const struct registrar *r)
{
	return r->heard;
}

const char *
registrar_jid(const struct registrar *r)
{
	return r->jid;
}

int64_t
registrar_now(const struct registrar *r)
{
	return clock_mono(r->gw->clock);
}

/* Doubles from first to most, and takes up to a quarter off, so that many
 * gateways do not come back in step. */
int64_t
registrar_backoff(unsigned failures, int64_t first, int64_t most)
{
	int64_t ms = first;

	while (failures-- > 1 && ms < most)
		ms *= 2;
	if (ms > most)
		ms = most;
	return ms - random_below((uint32_t)(ms / 4 + 1));
}

static struct after *
defer(struct registrar *r)
{
	struct after *a;

	r->after =
	    mem_grow(r->after, r->n_after, &r->cap_after, sizeof(*r->after));
	a = &r->after[r->n_after++];
	memset(a, 0, sizeof(*a));
	return a;
}

static void
defer_jid(struct registrar *r, int what, const char *jid)
{
	struct after *a = defer(r);

	a->what = what;
	memcpy(a->jid, jid, strlen(jid) + 1);
}

void
registrar_touch(struct registrar *r, struct node *n)
{
	r->changed = mem_grow(
	    r->changed, r->n_changed, &r->cap_changed, sizeof(*r->changed));
	r->changed[r->n_changed++] = n;
}

void
registrar_after(
    struct registrar *r, void (*done)(void *arg, bool kept), void *arg)
{
	struct after *a = defer(r);

	a->what = AFTER_CALL;
	a->done = done;
	a->arg = arg;
}

void
registrar_enqueue(struct registrar *r, struct node *n)
{
	if (n->duty.queued || n->duty.in_flight || n->duty.want == 0)
		return;
	n->duty.queued = true;
	TAILQ_INSERT_TAIL(&r->due, n, due);
}

void
registrar_dequeue(struct registrar *r, struct node *n)
{
	if (n->duty.queued)
		TAILQ_REMOVE(&r->due, n, due);
	n->duty.queued = false;
}

static void
renew_key(struct registrar *r, struct node *n, enum thing_event_kind why)
{
	bool disown = why == THING_DISOWNED || why == THING_UPDATE_DISOWNED;

	if (disown && r->gw->cfg->registry.key_after_disown == CFG_KEY_KEEP)
		return;
	key_new(n->key);
	n->key_gen++;
	/* A new sticker is due anyway, so the device may have been replaced:
	 * what it says of itself now is frozen with the new key. */
	if (n->cfg && meta_freeze(n))
		store_tags(r->gw->store, n, STORE_CLAIM);
}

/* The first half of the actions: memory and disk. */
static void
record(struct registrar *r, struct node *n, enum thing_event_kind why,
    unsigned acts)
{
	struct store *st = r->gw->store;

	if (acts &
	    (THING_NEW_KEY | THING_FORGET_TAGS | THING_PERSIST | THING_DELETE))
		registrar_touch(r, n);
	if (acts & THING_NEW_KEY)
		renew_key(r, n, why);
	if (acts & THING_FORGET_TAGS) {
		tags_fini(&n->acked);
		store_tags(st, n, STORE_ACKED);
	}
	if (acts & (THING_PERSIST | THING_NEW_KEY))
		store_node(st, n);
	if (acts & THING_DELETE) {
		n->thing.unregister_due = false;
		store_delete(st, n);
	}
}

void
registrar_retry(struct registrar *r, struct node *n, unsigned kind,
    int64_t first, int64_t most)
{
	n->duty.want |= kind;
	n->duty.retry_mono = registrar_now(r) +
	    registrar_backoff(++n->duty.failures, first, most);
}

/* The second half: what is to be sent, none of it before the commit. */
static void
oblige(struct registrar *r, struct node *n, const struct thing_out *out)
{
	unsigned acts = out->acts, sends = acts & REGISTRAR_SENDS;

	if (acts & THING_UNFRIEND)
		defer_jid(r, AFTER_UNFRIEND, out->old_owner);
	if (acts & THING_FRIEND)
		defer_jid(r, AFTER_FRIEND, n->thing.owner);
	if (acts & THING_STOP) {
		n->duty.want = 0;
		n->duty.retry_mono = 0;
		n->duty.key_clear_mono = 0;
		registrar_dequeue(r, n);
	}
	if (acts & THING_ARM_KEY_CLEAR)
		n->duty.key_clear_mono =
		    registrar_now(r) + r->gw->cfg->registry.key_clear_ms + 1;
	if (sends && acts & THING_RETRY) {
		registrar_retry(
		    r, n, sends, RETRY_ERROR_MS, RETRY_ERROR_MAX_MS);
	} else if (sends) {
		n->duty.want |= sends;
		n->duty.retry_mono = 0;
		registrar_enqueue(r, n);
	}
	if (acts & THING_WARN_REMOVED)
		log_warn("claim",
		    "node %s is no longer in the registry: its owner removed "
		    "it, or the registry lost its data; it is not registered "
		    "again by itself.  To offer it anew with a new sticker: "
		    "thingbridge reset %s",
		    n->id, n->id);
}

/* Takes a node back to what the disk says; what that obliges to is sent after
 * a pause, as after a login. */
static void
restore(struct registrar *r, struct node *n)
{
	const struct thing_event ev = { .kind = THING_ONLINE };
	struct thing_out out;
	enum err e = store_reload(r->gw->store, n);
	bool unread = e != OK && e != ERR_NOTFOUND;

	if (unread && !n->unread)
		log_err("store", "node %s: cannot be read back", n->id);
	n->unread = unread;
	registrar_dequeue(r, n);
	n->duty.want = 0;
	n->duty.retry_mono = 0;
	thing_step(&n->thing, &ev, &out);
	if (out.acts & REGISTRAR_SENDS)
		registrar_retry(r, n, out.acts & REGISTRAR_SENDS,
		    RETRY_TIMEOUT_MS, RETRY_TIMEOUT_MAX_MS);
	if (out.acts & THING_ARM_KEY_CLEAR)
		n->duty.key_clear_mono =
		    registrar_now(r) + r->gw->cfg->registry.key_clear_ms + 1;
}

/* What is only in memory counts for nothing: it could be acknowledged without
 * being written.  It is read again first. */
static bool
is_known(struct registrar *r, struct node *n)
{
	if (n->unread)
		restore(r, n);
	return !n->unread;
}

static void
log_change(const struct node *n, enum claim was, const char *was_owner)
{
	if (n->thing.claim == was && strcmp(n->thing.owner, was_owner) == 0)
		return;
	log_info("claim", "node %s: %s -> %s%s%s", n->id, claim_name(was),
	    claim_name(n->thing.claim), n->thing.owner[0] ? " owner=" : "",
	    n->thing.owner);
}

/* Returns the actions that were decided. */
unsigned
registrar_apply(struct registrar *r, struct node *n,
    const struct thing_event *ev, struct iq_in *rq)
{
	struct thing was;
	struct thing_out out;

	if (!is_known(r, n)) {
		if (rq)
			iq_reply_error(rq, "internal-server-error",
			    "its state cannot be read");
		return 0;
	}
	was = n->thing;
	thing_step(&n->thing, ev, &out);
	log_change(n, was.claim, was.owner);
	tell_claim(r->gw->tell, n, was.owner);
	if (ev->kind == THING_REGISTERED || ev->kind == THING_UPDATED ||
	    ev->kind == THING_REGISTER_CLAIMED)
		registrar_proven(r);
	if (strcmp(was.owner, n->thing.owner) != 0 ||
	    out.acts & THING_NEW_KEY ||
	    (ev->kind == THING_DECONFIGURED && n->shares.n))
		access_lapse(r->gw->access, n);
	record(r, n, ev->kind, out.acts);
	if (rq) {
		struct after *a = defer(r);

		a->what = out.acts & THING_ACK ? AFTER_ACK : AFTER_NAK;
		a->rq = rq;
	}
	oblige(r, n, &out);
	return out.acts;
}

enum err
registrar_event(struct registrar *r, struct node *n, enum thing_event_kind kind)
{
	struct thing_event ev = { .kind = kind };

	if (n->cfg)
		ev.self_owned = n->cfg->self_owned;
	if (registrar_apply(r, n, &ev, NULL) & THING_REFUSE)
		return ERR_REFUSED;
	return n->unread ? ERR_IO : OK;
}

/* The end of a turn. */

static void
part(struct gateway *gw, const char *owner)
{
	provisioner_drop(gw->provisioner, owner);
	friends_drop(gw->friends, owner);
}

static void
tell(struct registrar *r, struct after *a, bool kept)
{
	if (a->rq && !kept)
		iq_reply_error(
		    a->rq, "internal-server-error", "it could not be stored");
	else if (a->what == AFTER_CALL)
		a->done(a->arg, kept);
	else if (a->what == AFTER_ACK)
		iq_reply(a->rq, NULL);
	else if (a->what == AFTER_NAK)
		iq_reply_error(a->rq, "item-not-found", NULL);
	else if (kept && a->what == AFTER_FRIEND)
		friends_approve(r->gw->friends, a->jid);
	else if (kept)
		part(r->gw, a->jid);
}

static bool
is_done_with(const struct node *n)
{
	return !n->cfg && n->thing.claim == CLAIM_GONE &&
	    !n->thing.unregister_due && !n->duty.in_flight;
}

static void
drop_gone(struct registrar *r)
{
	for (size_t i = 0; i < r->n_changed; i++) {
		struct node *n = r->changed[i];
		bool again = false;

		if (!is_done_with(n))
			continue;
		for (size_t k = i + 1; k < r->n_changed; k++)
			again |= r->changed[k] == n;
		if (again)
			continue;
		registrar_dequeue(r, n);
		nodes_remove(&r->gw->nodes, n);
	}
}

bool
registrar_commit(struct registrar *r)
{
	struct errbuf eb;
	bool kept = store_commit(r->gw->store, &eb) == OK;

	if (!kept) {
		if (!r->unwritable)
			log_err("store",
			    "%s; claims wait until it can be written", eb.text);
		r->unwritable = true;
		for (size_t i = 0; i < r->n_changed; i++)
			restore(r, r->changed[i]);
	} else if (r->n_changed) {
		if (r->unwritable)
			log_info("store", "can be written again");
		r->unwritable = false;
		drop_gone(r);
	}
	r->n_changed = 0;
	/* Telling may call back, but never adds to this turn's list. */
	for (size_t i = 0; i < r->n_after; i++)
		tell(r, &r->after[i], kept);
	r->n_after = 0;
	return kept;
}

enum err
registrar_turn(struct registrar *r)
{
	return registrar_pump(r) ? OK : ERR_IO;
}

/* Requests of the registry. */

static bool
from_registry(struct registrar *r, struct iq_in *rq)
{
	char safe[LOG_SAFE];

	if (registrar_is_account(r) ? jid_same_bare(iq_in_from(rq), r->jid)
				    : jid_same(iq_in_from(rq), r->jid))
		return true;
	if (registrar_now(r) >=
	    r->quiet_until) { /* a stranger shall not fill the log */
		log_warn("claim",
		    "%s is not the registry: ignored what it said of a claim",
		    log_safe(safe, iq_in_from(rq)));
		r->quiet_until = registrar_now(r) + STRANGER_LOG_MS;
	}
	iq_reply_error(rq, "service-unavailable", NULL);
	return false;
}

static void
obey(struct registrar *r, struct iq_in *rq, const struct disc_msg *m)
{
	struct node *n = nodes_by_ref(&r->gw->nodes, &m->node);
	struct thing_event ev = { .is_public = m->is_public };
	char owner[JID_SIZE];

	if (!n) {
		iq_reply_error(rq, "item-not-found", NULL);
		return;
	}
	ev.kind = m->op == DISC_CLAIMED ? THING_CLAIMED
	    : m->op == DISC_REMOVED     ? THING_REMOVED
					: THING_DISOWNED;
	if (m->op == DISC_CLAIMED) {
		if (jid_bare(m->jid, owner) != OK) {
			iq_reply_error(rq, "bad-request", "jid is not a JID");
			return;
		}
		ev.jid = owner;
		ev.is_self = jid_same_bare(owner, session_bare(r->gw->session));
	}
	registrar_apply(r, n, &ev, rq);
}

static void
from_outside(void *arg, struct iq_in *rq)
{
	struct registrar *r = arg;
	struct disc_msg m;
	struct errbuf eb;

	if (!from_registry(r, rq))
		return;
	if (discovery_parse(iq_in_payload(rq), &m, &eb) == OK)
		obey(r, rq, &m);
	else
		iq_reply_error(rq, "bad-request", eb.text);
	discovery_fini(&m);
}

const struct iq_route registrar_routes[] = {
	{ DISCOVERY_NS, "claimed", IQ_SET, from_outside },
	{ DISCOVERY_NS, "removed", IQ_SET, from_outside },
	{ DISCOVERY_NS, "disowned", IQ_SET, from_outside },
	{ NULL, NULL, 0, NULL },
};
