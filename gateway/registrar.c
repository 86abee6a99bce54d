#include "gateway/registrar.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "gateway/friends.h"
#include "gateway/gateway.h"
#include "gateway/meta.h"
#include "gateway/store.h"
#include "protocol/discovery.h"
#include "protocol/stanza.h"
#include "xmpp/iq.h"
#include "xmpp/presence.h"

#include <stdlib.h>
#include <string.h>

enum {
	REQUEST_MS = 20000,
	LEASE_MS = 60000, /* well within what the registry grants */
	LEASE_FIRST_MS = 5000,
	PROBE_FIRST_MS = 5000,
	PROBE_MAX_MS = 60000,
	LOST_AFTER = 3, /* unanswered requests in a row */
	RETRY_TIMEOUT_MS = 5000,
	RETRY_TIMEOUT_MAX_MS = 300000,
	RETRY_ERROR_MS = 60000,
	RETRY_ERROR_MAX_MS = 3600000,
	STRANGER_LOG_MS = 10000,
	SENDS = THING_REGISTER | THING_UPDATE | THING_UNREGISTER,
};

/* Something that may be told only after the turn's commit. */
struct after {
	enum { AFTER_ACK, AFTER_NAK, AFTER_FRIEND, AFTER_UNFRIEND } what;
	struct iq_in *rq;
	char jid[JID_SIZE];
};

STAILQ_HEAD(due_list, node);

struct registrar {
	struct gateway *gw;
	char jid[JID_SIZE];
	bool reachable;             /* nothing speaks against it */
	bool heard;                 /* it has answered since it was found */
	unsigned in_flight, silent; /* silent: unanswered in a row */
	struct due_list due;
	struct after *after;
	size_t n_after, cap_after;
	struct node **changed; /* written in this turn */
	size_t n_changed, cap_changed;
	int64_t lease_mono, probe_mono; /* when due; 0: not */
	unsigned probes;
	bool lease_asked;
	bool unwritable;     /* the last commit failed */
	int64_t quiet_until; /* no more warnings of strangers before */
};

/* A request on its way. */
struct request {
	struct registrar *r;
	uint32_t handle; /* of the node, which may be gone by the answer */
	unsigned kind;   /* THING_REGISTER, THING_UPDATE or THING_UNREGISTER */
	int64_t key_gen; /* of the node when it was sent */
	struct tags sent;
	bool key_cleared;
};

struct registrar *
registrar_new(struct gateway *gw, const char *registry_jid)
{
	struct registrar *r = mem_zalloc(sizeof(*r));

	r->gw = gw;
	if (!registry_jid || jid_bare(registry_jid, r->jid) != OK)
		r->jid[0] = '\0';
	STAILQ_INIT(&r->due);
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

static int64_t
now(const struct registrar *r)
{
	return clock_mono(r->gw->clock);
}

/* Doubles from first to most, and takes up to a quarter off, so that many
 * gateways do not come back in step. */
static int64_t
backoff(unsigned failures, int64_t first, int64_t most)
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

static void
enqueue(struct registrar *r, struct node *n)
{
	if (n->duty.queued || n->duty.in_flight || n->duty.want == 0)
		return;
	n->duty.queued = true;
	STAILQ_INSERT_TAIL(&r->due, n, due);
}

static void
dequeue(struct registrar *r, struct node *n)
{
	if (n->duty.queued)
		STAILQ_REMOVE(&r->due, n, node, due);
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

static void
retry(struct registrar *r, struct node *n, unsigned kind, int64_t first,
    int64_t most)
{
	n->duty.want |= kind;
	n->duty.retry_mono = now(r) + backoff(++n->duty.failures, first, most);
}

/* The second half: what is to be sent, none of it before the commit. */
static void
oblige(struct registrar *r, struct node *n, const struct thing_out *out)
{
	unsigned acts = out->acts, sends = acts & SENDS;

	if (acts & THING_UNFRIEND)
		defer_jid(r, AFTER_UNFRIEND, out->old_owner);
	if (acts & THING_FRIEND)
		defer_jid(r, AFTER_FRIEND, n->thing.owner);
	if (acts & THING_STOP) {
		n->duty.want = 0;
		n->duty.retry_mono = 0;
		n->duty.key_clear_mono = 0;
		dequeue(r, n);
	}
	if (acts & THING_ARM_KEY_CLEAR)
		n->duty.key_clear_mono =
		    now(r) + r->gw->cfg->registry.key_clear_ms + 1;
	if (sends && acts & THING_RETRY) {
		retry(r, n, sends, RETRY_ERROR_MS, RETRY_ERROR_MAX_MS);
	} else if (sends) {
		n->duty.want |= sends;
		n->duty.retry_mono = 0;
		enqueue(r, n);
	}
	if (acts & THING_WARN_REMOVED)
		log_warn("claim",
		    "node %s is no longer in the registry: its owner removed "
		    "it, or the registry lost its data; it is not registered "
		    "again by itself.  To offer it anew with a new sticker: "
		    "thingbridge reset %s",
		    n->id, n->id);
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
static unsigned
apply(struct registrar *r, struct node *n, const struct thing_event *ev,
    struct iq_in *rq)
{
	struct thing was = n->thing;
	struct thing_out out;

	thing_step(&n->thing, ev, &out);
	log_change(n, was.claim, was.owner);
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
	return apply(r, n, &ev, NULL) & THING_REFUSE ? ERR_REFUSED : OK;
}

static void
event_all(struct registrar *r, enum thing_event_kind kind)
{
	struct nodes *t = &r->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		enum err e = registrar_event(r, t->v[i], kind);

		(void)e; /* only commands are refused */
	}
}

/* Answers of the registry. */

static bool
unreachable(const char *condition)
{
	static const char *const names[] = { "service-unavailable",
		"remote-server-not-found", "remote-server-timeout",
		"recipient-unavailable", "gone" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(condition, names[i]) == 0)
			return true;
	}
	return false;
}

static void
lost(struct registrar *r, const char *why)
{
	if (r->reachable)
		log_warn("registry", "%s cannot be reached (%s); trying again",
		    r->jid, why);
	r->reachable = false;
	r->heard = false;
	if (r->probe_mono == 0)
		r->probe_mono =
		    now(r) + backoff(++r->probes, PROBE_FIRST_MS, PROBE_MAX_MS);
}

/* It answers pings, which any server does: the pauses between attempts grow on
 * until it has answered more, or once more. */
static void
found(struct registrar *r)
{
	if (!r->reachable)
		log_info("registry", "%s is there", r->jid);
	r->silent = 0;
	r->probe_mono = 0;
	if (r->reachable)
		return;
	r->reachable = true;
	event_all(r, THING_ONLINE);
}

/* op is what the answer said, DISC_OPS when it was empty. */
static void
acknowledged(struct request *q, struct node *n, enum disc_op op)
{
	struct registrar *r = q->r;

	r->heard = true;
	r->probes = 0;
	n->duty.failures = 0;
	n->duty.refusal[0] = '\0';
	if (q->key_cleared)
		n->duty.key_clear_mono = 0;
	if (q->key_gen != n->key_gen || (q->kind == THING_UPDATE && !q->sent.n))
		return; /* about a record of before, or nothing new */
	if (op == DISC_CLAIMED || op == DISC_DISOWNED)
		return;              /* it stored nothing */
	if (q->kind != THING_UPDATE) /* only the claim tags are there now */
		tags_fini(&n->acked);
	else if (tags_merge(&n->acked, &q->sent) != OK)
		return;
	registrar_touch(r, n);
	store_tags(r->gw->store, n, STORE_ACKED);
}

/* What each kind of request is called, and what its outcomes are. */
static const struct {
	unsigned kind;
	const char *name;
	enum thing_event_kind accepted, failed;
} kinds[] = {
	{ THING_REGISTER, "register", THING_REGISTERED, THING_REGISTER_FAILED },
	{ THING_UPDATE, "update", THING_UPDATED, THING_UPDATE_FAILED },
	{ THING_UNREGISTER, "unregister", THING_UNREGISTERED, THING_EVENTS },
};

static size_t
kind_of(const struct request *q)
{
	size_t k = 0;

	while (kinds[k].kind != q->kind)
		k++;
	return k;
}

static void
answered(struct request *q, struct node *n, xmpp_stanza_t *result)
{
	struct thing_event ev = { .kind = kinds[kind_of(q)].accepted,
		.updated_key = q->key_cleared };
	struct disc_msg m = { .op = DISC_OPS };
	xmpp_stanza_t *el = stanza_payload(result, NULL);
	char owner[JID_SIZE];

	if (el && discovery_parse(el, &m, NULL) != OK)
		m.op = DISC_OPS;
	if (m.op == DISC_CLAIMED && q->kind == THING_REGISTER &&
	    jid_bare(m.jid, owner) == OK) {
		ev.kind = THING_REGISTER_CLAIMED;
		ev.jid = owner;
		ev.is_public = m.is_public;
		ev.is_self =
		    jid_same_bare(owner, session_bare(q->r->gw->session));
	} else if (m.op == DISC_DISOWNED && q->kind == THING_UPDATE) {
		ev.kind = THING_UPDATE_DISOWNED;
	}
	acknowledged(q, n, m.op);
	apply(q->r, n, &ev, NULL);
	discovery_fini(&m);
}

/* Sends it again after a pause, if the node still is where it makes sense. */
static void
failed(struct request *q, struct node *n, int64_t first, int64_t most)
{
	struct thing_event ev = { .kind = kinds[kind_of(q)].failed };

	if (q->kind == THING_UNREGISTER
		? n->thing.unregister_due
		: apply(q->r, n, &ev, NULL) & THING_RETRY)
		retry(q->r, n, q->kind, first, most);
}

static void
refused(struct request *q, struct node *n, const char *condition)
{
	struct thing_event ev = { .kind = THING_UPDATE_NOTFOUND };
	char safe[LOG_SAFE];

	if (q->kind == THING_UPDATE &&
	    strcmp(condition, "item-not-found") == 0) {
		q->r->heard = true;
		apply(q->r, n, &ev, NULL);
		return;
	}
	if (n->duty.refusal[0] == '\0')
		log_warn("registry",
		    "node %s: %s refused %s: %s; tried again now and then",
		    n->id, q->r->jid, kinds[kind_of(q)].name,
		    log_safe(safe, condition));
	utf8_sanitize(condition, strlen(condition), n->duty.refusal,
	    sizeof(n->duty.refusal));
	failed(q, n, RETRY_ERROR_MS, RETRY_ERROR_MAX_MS);
}

static void
unanswered(struct request *q, struct node *n)
{
	failed(q, n, RETRY_TIMEOUT_MS, RETRY_TIMEOUT_MAX_MS);
	if (++q->r->silent >= LOST_AFTER)
		lost(q->r, "no answers");
}

static void
done(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct request *q = arg;
	struct registrar *r = q->r;
	struct node *n = nodes_by_handle(&r->gw->nodes, q->handle);

	r->in_flight--;
	if (n)
		n->duty.in_flight = 0;
	if (outcome == IQ_RESULT || outcome == IQ_ERROR)
		r->silent = 0;
	if (n && outcome == IQ_RESULT)
		answered(q, n, stanza);
	else if (n && outcome == IQ_TIMEOUT)
		unanswered(q, n);
	else if (n && outcome == IQ_ERROR &&
	    unreachable(stanza_condition(stanza)))
		lost(r, stanza_condition(stanza));
	else if (n && outcome == IQ_ERROR)
		refused(q, n, stanza_condition(stanza));
	if (n && n->duty.retry_mono == 0)
		enqueue(r, n);
	tags_fini(&q->sent);
	free(q);
}

/* Requests to the registry. */

/* Which duty comes first: what leaves the registry, then what enters it. */
static unsigned
first_duty(unsigned want)
{
	if (want & THING_UNREGISTER)
		return THING_UNREGISTER;
	return want & THING_REGISTER ? THING_REGISTER : THING_UPDATE;
}

static void
fill_update(
    struct registrar *r, struct node *n, struct request *q, struct disc_msg *m)
{
	m->op = DISC_UPDATE;
	if (!thing_may_update(&n->thing) || !n->cfg)
		return; /* private: only asks whether it is still claimed */
	meta_diff(n, r->gw->cfg, &q->sent);
	tags_copy(&m->tags, &q->sent);
	if (n->thing.claim != CLAIM_PUBLIC || n->thing.key_cleared ||
	    n->duty.key_clear_mono == 0 || n->duty.key_clear_mono > now(r))
		return;
	q->key_cleared = tags_set(&m->tags, "KEY", "", false, NULL) == OK;
}

static void
fill_register(struct node *n, struct disc_msg *m)
{
	enum err e;

	m->op = DISC_REGISTER;
	m->self_owned = n->thing.self_owned;
	tags_copy(&m->tags, &n->claim);
	e = tags_set(&m->tags, "KEY", n->key, false, NULL);
	(void)e; /* 26 capitals are always a tag */
}

static void
send_duty(struct registrar *r, struct node *n)
{
	struct request *q = mem_zalloc(sizeof(*q));
	struct disc_msg m = { .op = DISC_UNREGISTER };
	xmpp_stanza_t *el;

	q->r = r;
	q->handle = n->handle;
	q->kind = first_duty(n->duty.want);
	q->key_gen = n->key_gen;
	m.node = node_ref_of(n);
	if (q->kind == THING_REGISTER)
		fill_register(n, &m);
	else if (q->kind == THING_UPDATE)
		fill_update(r, n, q, &m);
	el = discovery_build(session_ctx(r->gw->session), &m);
	discovery_fini(&m);
	if (iq_request(
		r->gw->session, "set", r->jid, el, REQUEST_MS, done, q) != OK) {
		retry(r, n, q->kind, RETRY_TIMEOUT_MS, RETRY_TIMEOUT_MAX_MS);
		tags_fini(&q->sent);
		free(q);
		return;
	}
	n->duty.want &= ~q->kind;
	n->duty.in_flight = q->kind;
	r->in_flight++;
}

/* A register needs frozen claim tags, which must be on disk before. */
static bool
sendable(struct registrar *r, struct node *n)
{
	if (first_duty(n->duty.want) != THING_REGISTER || n->frozen)
		return true;
	if (!n->cfg || !meta_freeze(n))
		return false; /* registrar_wake comes when it can be */
	registrar_touch(r, n);
	store_node(r->gw->store, n);
	store_tags(r->gw->store, n, STORE_CLAIM);
	return true;
}

static bool commit(struct registrar *r);

static void
pump(struct registrar *r)
{
	struct node *ready[64];
	unsigned n = 0, room = (unsigned)r->gw->cfg->xmpp.window;

	if (!r->reachable || !session_online(r->gw->session))
		return;
	while (r->in_flight + n < room && n < 64 && !STAILQ_EMPTY(&r->due)) {
		struct node *node = STAILQ_FIRST(&r->due);

		dequeue(r, node);
		if (node->duty.want && sendable(r, node))
			ready[n++] = node;
	}
	if (n == 0)
		return;
	if (commit(r)) {
		for (unsigned i = 0; i < n; i++)
			send_duty(r, ready[i]);
		return;
	}
	for (unsigned i = 0; i < n; i++) /* those that needed no write */
		registrar_wake(r, ready[i]);
}

void
registrar_wake(struct registrar *r, struct node *n)
{
	if (n->duty.retry_mono == 0)
		enqueue(r, n);
}

/* The end of a turn. */

static void
tell(struct registrar *r, struct after *a, bool kept)
{
	if (a->rq && !kept)
		iq_reply_error(
		    a->rq, "internal-server-error", "it could not be stored");
	else if (a->what == AFTER_ACK)
		iq_reply(a->rq, NULL);
	else if (a->what == AFTER_NAK)
		iq_reply_error(a->rq, "item-not-found", NULL);
	else if (kept && a->what == AFTER_FRIEND)
		friends_approve(r->gw->friends, a->jid);
	else if (kept)
		friends_drop(r->gw->friends, a->jid);
}

/* Takes a node back to what the disk says; what that obliges to is sent after
 * a pause, as after a login. */
static void
restore(struct registrar *r, struct node *n)
{
	const struct thing_event ev = { .kind = THING_ONLINE };
	struct thing_out out;
	enum err e = store_reload(r->gw->store, n);

	if (e != OK && e != ERR_NOTFOUND)
		log_err("store", "node %s: cannot be read back", n->id);
	dequeue(r, n);
	n->duty.want = 0;
	n->duty.retry_mono = 0;
	thing_step(&n->thing, &ev, &out);
	if (out.acts & SENDS)
		retry(r, n, out.acts & SENDS, RETRY_TIMEOUT_MS,
		    RETRY_TIMEOUT_MAX_MS);
	if (out.acts & THING_ARM_KEY_CLEAR)
		n->duty.key_clear_mono =
		    now(r) + r->gw->cfg->registry.key_clear_ms + 1;
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
		dequeue(r, n);
		nodes_remove(&r->gw->nodes, n);
	}
}

static bool
commit(struct registrar *r)
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
	if (!commit(r))
		return ERR_IO;
	pump(r);
	return OK;
}

/* Reachability and time. */

static void
probed(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct registrar *r = arg;

	r->lease_asked = false;
	if (outcome == IQ_RESULT && r->reachable) {
		r->heard = true;
		r->probes = 0;
	}
	if (outcome == IQ_RESULT ||
	    (outcome == IQ_ERROR && !unreachable(stanza_condition(stanza))))
		found(r);
	else if (outcome == IQ_ERROR)
		lost(r, stanza_condition(stanza));
	else if (outcome == IQ_TIMEOUT &&
	    (!r->reachable || ++r->silent >= LOST_AFTER))
		lost(r, "no answers");
}

/* Directed presence is what a component registry knows a gateway by; the ping
 * renews its lease (XEP-0199). */
static void
announce(struct registrar *r)
{
	struct session *s = r->gw->session;
	xmpp_stanza_t *ping;

	if (!r->reachable)
		presence_send(s, PRESENCE_AVAILABLE, r->jid);
	r->lease_mono = now(r) + LEASE_MS;
	if (r->lease_asked)
		return;
	ping = stanza_el(session_ctx(s), "ping", NS_PING);
	r->lease_asked =
	    iq_request(s, "get", r->jid, ping, REQUEST_MS, probed, r) == OK;
	if (!r->lease_asked && !r->reachable)
		lost(r, "busy");
}

void
registrar_online(struct registrar *r)
{
	presence_send(r->gw->session, PRESENCE_AVAILABLE, r->jid);
	r->reachable = true;
	r->silent = 0;
	r->probes = 0;
	r->probe_mono = 0;
	r->lease_asked = false;
	r->lease_mono = now(r) + LEASE_FIRST_MS;
	event_all(r, THING_ONLINE);
}

void
registrar_offline(struct registrar *r)
{
	struct nodes *t = &r->gw->nodes;

	r->reachable = false;
	r->heard = false;
	r->lease_mono = 0;
	r->probe_mono = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct duty *d = &t->v[i]->duty;

		dequeue(r, t->v[i]);
		d->want = 0;
		d->retry_mono = 0;
		d->failures = 0;
	}
}

static void
tick_node(struct registrar *r, struct node *n, int64_t mono)
{
	struct thing_event due = { .kind = THING_KEY_CLEAR_DUE };
	struct thing_event tags = { .kind = THING_TAGS_CHANGED };

	if (n->duty.retry_mono && n->duty.retry_mono <= mono) {
		n->duty.retry_mono = 0;
		enqueue(r, n);
	}
	if (n->duty.key_clear_mono && n->duty.key_clear_mono <= mono &&
	    !n->duty.want && !n->duty.in_flight)
		apply(r, n, &due, NULL);
	if (n->n_follows &&
	    meta_follow(n, r->gw->cfg->registry.min_interval_ms, mono))
		apply(r, n, &tags, NULL);
}

/* A reload that could not be kept: the nodes went back, the configuration did
 * not. */
static void
configure_again(struct registrar *r)
{
	struct nodes *t = &r->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		enum err e = registrar_event(r, t->v[i],
		    t->v[i]->cfg ? THING_CONFIGURED : THING_DECONFIGURED);

		(void)e; /* only commands are refused */
	}
}

void
registrar_tick(struct registrar *r)
{
	struct nodes *t = &r->gw->nodes;
	int64_t mono = now(r);

	if (r->unwritable)
		configure_again(r);
	if (!session_online(r->gw->session))
		return;
	if (r->probe_mono && r->probe_mono <= mono) {
		r->probe_mono = 0;
		announce(r);
	}
	if (r->reachable && r->lease_mono && r->lease_mono <= mono)
		announce(r);
	if (!r->reachable)
		return;
	for (size_t i = 0; i < t->n; i++)
		tick_node(r, t->v[i], mono);
}

/* Requests of the registry. */

static bool
from_registry(struct registrar *r, struct iq_in *rq)
{
	char safe[LOG_SAFE];

	if (jid_same(iq_in_from(rq), r->jid))
		return true;
	if (now(r) >= r->quiet_until) { /* a stranger shall not fill the log */
		log_warn("claim",
		    "%s is not the registry: ignored what it said of a claim",
		    log_safe(safe, iq_in_from(rq)));
		r->quiet_until = now(r) + STRANGER_LOG_MS;
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
	apply(r, n, &ev, rq);
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
