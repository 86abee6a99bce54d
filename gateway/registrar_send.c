/* Requests to the registry, and its answers. */
#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "gateway/meta.h"
#include "gateway/registrar_impl.h"
#include "gateway/store.h"
#include "protocol/discovery.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW_MAX = 64 }; /* as the key `window` */

/* A request on its way. */
struct request {
	struct registrar *r;
	uint32_t handle; /* of the node, which may be gone by the answer */
	unsigned kind;   /* THING_REGISTER, THING_UPDATE or THING_UNREGISTER */
	int64_t key_gen; /* of the node when it was sent */
	struct tags sent;
	bool key_cleared;
};

/* op is what the answer said, DISC_OPS when it was empty. */
static void
acknowledged(struct request *q, struct node *n, enum disc_op op)
{
	struct registrar *r = q->r;

	r->heard = true;
	r->stranger = false;
	r->trouble[0] = '\0';
	r->probes = 0;
	n->duty.failures = 0;
	n->duty.heard = true;
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
	registrar_apply(q->r, n, &ev, NULL);
	discovery_fini(&m);
}

/* Sends it again after a pause, if the node still is where it makes sense. */
static void
failed(struct request *q, struct node *n, int64_t first, int64_t most)
{
	struct thing_event ev = { .kind = kinds[kind_of(q)].failed };

	if (q->kind == THING_UNREGISTER
		? n->thing.unregister_due
		: registrar_apply(q->r, n, &ev, NULL) & THING_RETRY)
		registrar_retry(q->r, n, q->kind, first, most);
}

static void
refused(struct request *q, struct node *n, const char *condition)
{
	struct thing_event ev = { .kind = THING_UPDATE_NOTFOUND };
	char safe[LOG_SAFE];

	if (registrar_unreachable(condition)) {
		failed(q, n, RETRY_TIMEOUT_MS, RETRY_TIMEOUT_MAX_MS);
		registrar_lost(q->r, condition);
		return;
	}
	if (q->kind == THING_UPDATE &&
	    strcmp(condition, "item-not-found") == 0) {
		q->r->heard = true;
		registrar_apply(q->r, n, &ev, NULL);
		return;
	}
	if (strcmp(condition, "feature-not-implemented") == 0 ||
	    strcmp(condition, "service-unavailable") == 0)
		registrar_look(q->r);
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
	if (++q->r->silent >= REGISTRAR_LOST_AFTER)
		registrar_lost(q->r, "no answers");
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
	else if (n && outcome == IQ_ERROR)
		refused(q, n, stanza_condition(stanza));
	else if (n) /* the connection broke: it is owed after the next login */
		failed(q, n, RETRY_TIMEOUT_MS, RETRY_TIMEOUT_MAX_MS);
	if (n && n->duty.retry_mono == 0)
		registrar_enqueue(r, n);
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
	    n->duty.key_clear_mono == 0 ||
	    n->duty.key_clear_mono > registrar_now(r))
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
	if (iq_request(r->gw->session, "set", r->to, el, REGISTRAR_REQUEST_MS,
		done, q) != OK) {
		registrar_retry(
		    r, n, q->kind, RETRY_TIMEOUT_MS, RETRY_TIMEOUT_MAX_MS);
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

/* Takes from the queue what there is room for; by handle, since telling what
 * the turn did may do away with nodes. */
static unsigned
take_due(struct registrar *r, uint32_t ready[WINDOW_MAX])
{
	unsigned n = 0, room = (unsigned)r->gw->cfg->xmpp.window;

	if (!r->reachable || !session_online(r->gw->session))
		return 0;
	while (r->in_flight + n < room && !TAILQ_EMPTY(&r->due)) {
		struct node *node = TAILQ_FIRST(&r->due);

		registrar_dequeue(r, node);
		if (node->duty.want && sendable(r, node))
			ready[n++] = node->handle;
	}
	return n;
}

/* One commit for what was answered and for what is to be sent. */
bool
registrar_pump(struct registrar *r)
{
	uint32_t ready[WINDOW_MAX];
	unsigned n = take_due(r, ready);
	bool kept = registrar_commit(r);

	for (unsigned i = 0; i < n; i++) {
		struct node *node = nodes_by_handle(&r->gw->nodes, ready[i]);

		if (node && node->duty.want && kept)
			send_duty(r, node);
		else if (node) /* one that needed no write */
			registrar_wake(r, node);
	}
	return kept;
}

void
registrar_wake(struct registrar *r, struct node *n)
{
	if (n->duty.retry_mono == 0)
		registrar_enqueue(r, n);
}
