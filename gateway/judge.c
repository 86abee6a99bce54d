#include "gateway/judge.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/decisions.h"
#include "gateway/friends.h"
#include "gateway/gateway.h"
#include "gateway/registrar.h"
#include "gateway/review.h"
#include "gateway/store.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* A question on its way. */
struct inquest {
	struct judge *of;
	char *question;
	char peer[JID_SIZE];
	xmpp_stanza_t *el;     /* what was asked */
	struct prov_msg asked; /* the same; borrows from it */
	judge_done done;
	void *arg;
	bool stale; /* what it was asked for has changed meanwhile */
	LIST_ENTRY(inquest) next;
};

/* About whom servers were asked lately, in a ring. */
enum { RECENT_MAX = 512, MINUTE_MS = 60000 };
struct recent {
	char *bare;
	int64_t at;
};

struct judge {
	struct gateway *gw;
	struct recent recent[RECENT_MAX];
	size_t at; /* the next place */
	struct decisions *decided;
	size_t open;
	LIST_HEAD(, inquest) inquests;
	struct reviews *reviews;
	struct iq_in **acks; /* clearCache that this turn's commit answers */
	size_t n_acks, cap_acks;
	bool unkept; /* this turn's commit is waited for */
	bool wipe;   /* it failed: the store may know what holds no more */
};

struct judge *
judge_new(struct gateway *gw)
{
	struct judge *j = mem_zalloc(sizeof(*j));

	j->gw = gw;
	LIST_INIT(&j->inquests);
	j->reviews = reviews_new(gw);
	j->decided = decisions_new(gw->store);
	if (provisioner_for(gw->provisioner, ""))
		judge_trust(j, provisioner_for(gw->provisioner, "")->jid);
	return j;
}

/* The decisions are written in this turn; clearCache may wait for that. */
static void
settled(void *arg, bool kept)
{
	struct judge *j = arg;
	const struct prov_msg done = { .op = PROV_CLEAR_CACHE_RESPONSE,
		.tokens = { "", "", "" } };

	j->unkept = false;
	j->wipe |= !kept;
	for (size_t i = 0; i < j->n_acks; i++) {
		if (kept)
			iq_reply(j->acks[i],
			    prov_build(session_ctx(j->gw->session), &done));
		else
			iq_reply_error(j->acks[i], "internal-server-error",
			    "it could not be stored");
	}
	j->n_acks = 0;
}

static void
await_commit(struct judge *j)
{
	if (!j->unkept)
		registrar_after(j->gw->registrar, settled, j);
	j->unkept = true;
}

/* What is kept is less than what is known then, never more. */
void
judge_tick(struct judge *j)
{
	if (!j->wipe)
		return;
	j->wipe = false;
	await_commit(j);
	(void)!store_undecide_all(j->gw->store);
}

static void
inquest_free(struct inquest *q)
{
	LIST_REMOVE(q, next);
	q->of->open--;
	prov_fini(&q->asked);
	xmpp_stanza_release(q->el);
	free(q->question);
	free(q);
}

void
judge_free(struct judge *j)
{
	struct inquest *q, *next;

	if (!j)
		return;
	for (q = LIST_FIRST(&j->inquests); q; q = next) {
		next = LIST_NEXT(q, next);
		if (j->gw->session)
			iq_forget(j->gw->session, q);
		inquest_free(q);
	}
	reviews_free(j->reviews);
	for (size_t i = 0; i < j->n_acks; i++)
		iq_reply(j->acks[i], NULL); /* its connection is gone */
	free(j->acks);
	decisions_free(j->decided);
	for (size_t i = 0; i < RECENT_MAX; i++)
		free(j->recent[i].bare);
	free(j);
}

void
judge_forget(struct judge *j, const void *arg)
{
	struct inquest *q;

	LIST_FOREACH(q, &j->inquests, next)
	{
		if (q->arg == arg)
			q->done = NULL;
	}
}

static void
remember(struct judge *j, const char *question, xmpp_stanza_t *answer)
{
	char *text;
	size_t len;

	if (xmpp_stanza_to_text(answer, &text, &len) != 0)
		return;
	await_commit(j);
	decisions_put(j->decided, question, text);
	xmpp_free(session_ctx(j->gw->session), text);
}

static void
answered(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct inquest *q = arg;
	xmpp_stanza_t *el =
	    outcome == IQ_RESULT ? stanza_payload(stanza, NULL) : NULL;
	struct prov_msg answer = { 0 };
	bool good = !q->stale && decisions_read(el, &q->asked, &answer);

	if (good)
		remember(q->of, q->question, el);
	else if (!q->stale)
		log_warn("access",
		    "the provisioning server %s has not answered %s for %s: "
		    "that means no",
		    q->peer, prov_name(q->asked.op), q->asked.jid);
	if (q->done)
		q->done(q->arg, &q->asked, good ? &answer : NULL);
	prov_fini(&answer);
	inquest_free(q);
}

/* The remembered answer to what was built as el. */
static bool
recall(struct judge *j, const char *question, const struct prov_msg *asked,
    judge_done done, void *arg)
{
	char bare[JID_SIZE];
	const char *text = jid_bare(asked->jid, bare) == OK
	    ? decisions_answer(j->decided, bare, question)
	    : NULL;
	struct prov_msg answer = { 0 };
	xmpp_stanza_t *el;
	bool good;

	if (!text)
		return false;
	el = xmpp_stanza_new_from_string(session_ctx(j->gw->session), text);
	good = decisions_read(el, asked, &answer);
	if (good)
		done(arg, asked, &answer);
	prov_fini(&answer);
	if (el)
		xmpp_stanza_release(el);
	return good;
}

static char *
question_text(const struct judge *j, const char *peer, xmpp_stanza_t *el)
{
	char *text, *out;
	size_t len;

	if (xmpp_stanza_to_text(el, &text, &len) != 0)
		abort();
	out = mem_printf("%s\n%s", peer, text);
	xmpp_free(session_ctx(j->gw->session), text);
	return out;
}

/* Whether a server may be asked about bare once more this minute. */
static bool
is_due(struct judge *j, const char *bare)
{
	int64_t now = clock_mono(j->gw->clock);
	struct recent *r = &j->recent[j->at];
	size_t n = 0;

	for (size_t i = 0; i < RECENT_MAX; i++)
		n += j->recent[i].bare && now - j->recent[i].at < MINUTE_MS &&
		    strcmp(j->recent[i].bare, bare) == 0;
	if (n >= JUDGE_MINUTE_MAX)
		return false;
	free(r->bare);
	r->bare = mem_strdup(bare);
	r->at = now;
	j->at = (j->at + 1) % RECENT_MAX;
	return true;
}

enum err
judge_ask(struct judge *j, const struct provisioning_peer *peer,
    const struct prov_msg *m, judge_done done, void *arg)
{
	xmpp_ctx_t *ctx = session_ctx(j->gw->session);
	struct inquest *q;
	xmpp_stanza_t *el = prov_build(ctx, m);
	char *question = question_text(j, peer->jid, el);
	bool known = recall(j, question, m, done, arg);
	bool busy = !known && *peer->to &&
	    (j->open >= JUDGE_OPEN_MAX || !is_due(j, m->jid));

	if (known || busy || !*peer->to) {
		if (!known && !busy)
			done(arg, m, NULL);
		xmpp_stanza_release(el);
		free(question);
		return busy ? ERR_BUSY : OK;
	}
	q = mem_zalloc(sizeof(*q));
	q->of = j;
	q->question = question;
	memcpy(q->peer, peer->jid, sizeof(q->peer));
	q->el = xmpp_stanza_clone(el);
	q->done = done;
	q->arg = arg;
	LIST_INSERT_HEAD(&j->inquests, q, next);
	j->open++;
	/* Of more nodes or names than a request holds nobody is asked. */
	if (prov_parse(q->el, &q->asked, NULL) != OK)
		xmpp_stanza_release(el);
	else if (iq_request(j->gw->session, "get", peer->to, el,
		     JUDGE_ANSWER_MS, answered, q) == OK)
		return OK;
	done(arg, m, NULL);
	inquest_free(q);
	return OK;
}

bool
judge_knows(const struct judge *j, const char *server, const char *bare,
    const struct node_ref *node)
{
	return decisions_yes(j->decided, server,
	    node ? PROV_CAN_READ : PROV_IS_FRIEND, bare, node);
}

/* --- what holds no more --- */

/* Which decisions: of that server, and about that person, or that node. */
struct which {
	const struct judge *of;
	const char *server, *friend;
	const struct node_ref *node;
};

static bool
is_servers(void *arg, const struct decision *d)
{
	const struct which *w = arg;

	return decision_from(d, w->server);
}

/* Who is a friend may depend on who owns what. */
static bool
is_of_node(void *arg, const struct decision *d)
{
	const struct which *w = arg;

	return d->op == PROV_IS_FRIEND || decision_names(d, w->node);
}

/* Owners judge beside it, each his own nodes. */
static bool
is_owner(const struct judge *j, const char *bare)
{
	const struct nodes *t = &j->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->v[i]->thing.owner, bare) == 0)
			return true;
	}
	return false;
}

static bool
is_of_another(void *arg, const struct decision *d)
{
	const struct which *w = arg;
	char server[JID_SIZE];
	size_t len = strcspn(d->question, "\n");

	if (decision_from(d, w->server) || len >= sizeof(server))
		return !decision_from(d, w->server);
	memcpy(server, d->question, len);
	server[len] = '\0';
	return !is_owner(w->of, server);
}

void
judge_trust(struct judge *j, const char *server)
{
	struct which w = { j, server, NULL, NULL };
	struct inquest *q;

	await_commit(j);
	decisions_forget(j->decided, is_of_another, NULL, &w);
	LIST_FOREACH(q, &j->inquests, next)
	{
		if (strcmp(q->peer, server) != 0 && !is_owner(j, q->peer))
			q->stale = true;
	}
	access_unjudge(j->gw->access);
}

static void
review(void *arg, const struct decision *d)
{
	const struct which *w = arg;

	review_add(w->of->reviews, d);
}

void
judge_lapse(struct judge *j, const struct node_ref *node)
{
	struct which w = { j, NULL, NULL, node };
	struct inquest *q;

	await_commit(j);
	decisions_forget(j->decided, is_of_node, review, &w);
	LIST_FOREACH(q, &j->inquests, next)
	{
		if (q->asked.op == PROV_IS_FRIEND ||
		    node_refs_has(&q->asked.nodes, node))
			q->stale = true;
	}
	reviews_run(j->reviews, node);
}

static bool
is_yes_about(void *arg, const struct decision *d)
{
	const struct which *w = arg;

	return decision_from(d, w->server) && d->yes &&
	    strcmp(decision_about(d), w->friend) == 0;
}

void
judge_unfriend(struct judge *j, const char *server, const char *bare)
{
	struct which w = { j, server, bare, NULL };
	struct inquest *q;

	await_commit(j);
	decisions_forget(j->decided, is_yes_about, review, &w);
	access_unjudge(j->gw->access);
	LIST_FOREACH(q, &j->inquests, next)
	{
		if (strcmp(q->peer, server) == 0 &&
		    strcmp(q->asked.jid, bare) == 0)
			q->stale = true;
	}
	reviews_run(j->reviews, NULL);
}

/* What is on its way was decided by then, or will be by the old rule. */
static void
clear(struct judge *j, const char *server)
{
	struct which w = { j, server, NULL, NULL };
	struct inquest *q;

	await_commit(j);
	decisions_forget(j->decided, is_servers, review, &w);
	access_unjudge(j->gw->access);
	LIST_FOREACH(q, &j->inquests, next)
	{
		if (strcmp(q->peer, server) == 0)
			q->stale = true;
	}
	log_info("access", "%s has changed its decisions", server);
	reviews_run(j->reviews, NULL);
	friends_mend(j->gw->friends);
}

static void
clear_cache(void *arg, struct iq_in *rq)
{
	struct judge *j = arg;
	const struct provisioning_peer *peer = NULL;
	char bare[JID_SIZE];

	/* An owner may be the server, of his own nodes. */
	if (jid_bare(iq_in_from(rq), bare) == OK)
		peer = provisioner_for(j->gw->provisioner, bare);
	/* It may be on its way to be found again, after a new login. */
	if ((!peer || strcmp(peer->jid, bare) != 0) &&
	    !decisions_from(j->decided, bare)) {
		log_warn("access",
		    "refused clearCache of %s: it is not the provisioning "
		    "server",
		    iq_in_from(rq));
		iq_reply_error(rq, "forbidden/cancel", NULL);
		return;
	}
	clear(j, bare);
	j->acks = mem_grow(j->acks, j->n_acks, &j->cap_acks, sizeof(*j->acks));
	j->acks[j->n_acks++] = rq;
}

const struct iq_route judge_routes[] = {
	{ PROVISIONING_NS, "clearCache", IQ_GET | IQ_SET, clear_cache },
	{ NULL, NULL, 0, NULL },
};
