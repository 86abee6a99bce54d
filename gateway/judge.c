#include "gateway/judge.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/friends.h"
#include "gateway/gateway.h"
#include "gateway/store.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* A decision: the server's address, a line break, and the question as text; and
 * its answer as text. */
struct decision {
	char *question, *answer;
	TAILQ_ENTRY(decision) next;
};

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
	TAILQ_HEAD(decisions, decision)
	decisions; /* the one used last is last */
	size_t n, open;
	LIST_HEAD(, inquest) inquests;
};

static void
load(void *arg, const char *question, const char *answer)
{
	struct judge *j = arg;
	struct decision *d = mem_zalloc(sizeof(*d));

	d->question = mem_strdup(question);
	d->answer = mem_strdup(answer);
	TAILQ_INSERT_TAIL(&j->decisions, d, next);
	j->n++;
}

struct judge *
judge_new(struct gateway *gw)
{
	struct judge *j = mem_zalloc(sizeof(*j));

	j->gw = gw;
	TAILQ_INIT(&j->decisions);
	LIST_INIT(&j->inquests);
	store_decisions(gw->store, load, j);
	if (provisioner_for(gw->provisioner, ""))
		judge_trust(j, provisioner_for(gw->provisioner, "")->jid);
	return j;
}

static void
drop(struct judge *j, struct decision *d)
{
	TAILQ_REMOVE(&j->decisions, d, next);
	j->n--;
	free(d->question);
	free(d->answer);
	free(d);
}

static void
forget_decision(struct judge *j, struct decision *d)
{
	(void)!store_undecide(j->gw->store, d->question);
	drop(j, d);
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
	struct decision *d, *after;
	struct inquest *q, *next;

	if (!j)
		return;
	for (q = LIST_FIRST(&j->inquests); q; q = next) {
		next = LIST_NEXT(q, next);
		if (j->gw->session)
			iq_forget(j->gw->session, q);
		inquest_free(q);
	}
	for (d = TAILQ_FIRST(&j->decisions); d; d = after) {
		after = TAILQ_NEXT(d, next);
		drop(j, d);
	}
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

static struct decision *
find(const struct judge *j, const char *question)
{
	struct decision *d;

	TAILQ_FOREACH(d, &j->decisions, next)
	{
		if (strcmp(d->question, question) == 0)
			return d;
	}
	return NULL;
}

/* Not told on when it cannot be stored: then it is asked again after a start.
 */
static void
remember(struct judge *j, const char *question, xmpp_stanza_t *answer)
{
	struct decision *d = find(j, question);
	char *text;
	size_t len;

	if (xmpp_stanza_to_text(answer, &text, &len) != 0)
		return;
	if (d)
		drop(j, d);
	load(j, question, text);
	xmpp_free(session_ctx(j->gw->session), text);
	(void)!store_decide(j->gw->store, question,
	    TAILQ_LAST(&j->decisions, decisions)->answer);
	if (j->n > JUDGE_DECISIONS_MAX)
		forget_decision(j, TAILQ_FIRST(&j->decisions));
}

/* An answer counts when it is the one to that question, about that person. */
static bool
read_answer(
    xmpp_stanza_t *el, const struct prov_msg *asked, struct prov_msg *answer)
{
	return el && prov_parse(el, answer, NULL) == OK &&
	    answer->op == asked->op + 1 &&
	    jid_same_bare(answer->jid, asked->jid);
}

static void
answered(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct inquest *q = arg;
	xmpp_stanza_t *el =
	    outcome == IQ_RESULT ? stanza_payload(stanza, NULL) : NULL;
	struct prov_msg answer = { 0 };
	bool good = !q->stale && read_answer(el, &q->asked, &answer);

	if (good)
		remember(q->of, q->question, el);
	else
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
	struct decision *d = find(j, question);
	struct prov_msg answer = { 0 };
	xmpp_stanza_t *el;
	bool good;

	if (!d)
		return false;
	TAILQ_REMOVE(&j->decisions, d, next);
	TAILQ_INSERT_TAIL(&j->decisions, d, next);
	el =
	    xmpp_stanza_new_from_string(session_ctx(j->gw->session), d->answer);
	good = read_answer(el, asked, &answer);
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

static bool
is_from(const struct decision *d, const char *bare)
{
	size_t len = strlen(bare);

	return strncmp(d->question, bare, len) == 0 && d->question[len] == '\n';
}

/* Whether d lets bare do that, with the node when there is one. */
static bool
lets(const struct judge *j, const struct decision *d, enum prov_op op,
    const char *bare, const struct node_ref *node)
{
	xmpp_ctx_t *ctx = session_ctx(j->gw->session);
	const char *text = strchr(d->question, '\n') + 1;
	struct prov_msg asked = { 0 }, answer = { 0 };
	xmpp_stanza_t *q, *a;
	bool yes;

	if (!strstr(text, bare)) /* most of them, and parsing takes long */
		return false;
	q = xmpp_stanza_new_from_string(ctx, text);
	a = xmpp_stanza_new_from_string(ctx, d->answer);
	yes = q && prov_parse(q, &asked, NULL) == OK && asked.op == op &&
	    jid_same_bare(asked.jid, bare) && read_answer(a, &asked, &answer) &&
	    answer.result;
	if (yes && node)
		yes = node_refs_has(&asked.nodes, node) &&
		    (answer.nodes.n == 0 || node_refs_has(&answer.nodes, node));
	prov_fini(&asked);
	prov_fini(&answer);
	if (q)
		xmpp_stanza_release(q);
	if (a)
		xmpp_stanza_release(a);
	return yes;
}

bool
judge_knows(const struct judge *j, const char *server, const char *bare,
    const struct node_ref *node)
{
	const struct decision *d;

	TAILQ_FOREACH(d, &j->decisions, next)
	{
		if ((!server || is_from(d, server)) &&
		    lets(j, d, node ? PROV_CAN_READ : PROV_IS_FRIEND, bare,
			node))
			return true;
	}
	return false;
}

void
judge_unfriend(struct judge *j, const char *server, const char *bare)
{
	struct decision *d, *next;

	for (d = TAILQ_FIRST(&j->decisions); d; d = next) {
		next = TAILQ_NEXT(d, next);
		if (is_from(d, server) &&
		    lets(j, d, PROV_IS_FRIEND, bare, NULL))
			forget_decision(j, d);
	}
}

/* What is on its way was decided by then, or will be by the old rule. */
static void
forget_from(struct judge *j, const char *bare)
{
	struct decision *d, *next;
	struct inquest *q;

	for (d = TAILQ_FIRST(&j->decisions); d; d = next) {
		next = TAILQ_NEXT(d, next);
		if (!*bare || is_from(d, bare))
			forget_decision(j, d);
	}
	LIST_FOREACH(q, &j->inquests, next)
	{
		if (!*bare || strcmp(q->peer, bare) == 0)
			q->stale = true;
	}
}

void
judge_clear(struct judge *j)
{
	forget_from(j, "");
}

/* Owners judge beside it, each his own nodes. */
static bool
is_of_owner(const struct judge *j, const struct decision *d)
{
	const struct nodes *t = &j->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		if (thing_has_owner(&t->v[i]->thing) &&
		    is_from(d, t->v[i]->thing.owner))
			return true;
	}
	return false;
}

void
judge_trust(struct judge *j, const char *server)
{
	struct decision *d, *next;

	for (d = TAILQ_FIRST(&j->decisions); d; d = next) {
		next = TAILQ_NEXT(d, next);
		if (!is_from(d, server) && !is_of_owner(j, d))
			forget_decision(j, d);
	}
}

static void
clear_cache(void *arg, struct iq_in *rq)
{
	struct judge *j = arg;
	struct prov_msg done = { .op = PROV_CLEAR_CACHE_RESPONSE };
	const struct provisioning_peer *peer = NULL;
	char bare[JID_SIZE];

	/* An owner may be the server, of his own nodes. */
	if (jid_bare(iq_in_from(rq), bare) == OK)
		peer = provisioner_for(j->gw->provisioner, bare);
	if (!peer || strcmp(peer->jid, bare) != 0) {
		log_warn("access",
		    "refused clearCache of %s: it is not the provisioning "
		    "server",
		    iq_in_from(rq));
		iq_reply_error(rq, "forbidden", NULL);
		return;
	}
	forget_from(j, bare);
	log_info("access", "%s has changed its decisions", bare);
	friends_mend(j->gw->friends);
	done.tokens = (struct tokens){ "", "", "" };
	iq_reply(rq, prov_build(session_ctx(j->gw->session), &done));
}

const struct iq_route judge_routes[] = {
	{ PROVISIONING_NS, "clearCache", IQ_GET | IQ_SET, clear_cache },
	{ NULL, NULL, 0, NULL },
};
