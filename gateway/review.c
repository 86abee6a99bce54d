#include "gateway/review.h"

#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/judge.h"
#include "gateway/tell.h"

#include <stdlib.h>
#include <string.h>

/* What somebody saw by one decision. */
struct sight {
	char *question;
	struct node_refs nodes;
	char *text; /* what they are in */
};

struct review {
	struct reviews *of;
	char *bare;
	struct sight *v;
	size_t n, cap;
	size_t open; /* answers that are waited for */
	LIST_ENTRY(review) entry;
};

struct reviews {
	struct gateway *gw;
	LIST_HEAD(review_list, review) fresh, asked;
};

struct reviews *
reviews_new(struct gateway *gw)
{
	struct reviews *t = mem_zalloc(sizeof(*t));

	t->gw = gw;
	LIST_INIT(&t->fresh);
	LIST_INIT(&t->asked);
	return t;
}

static void
review_free(struct review *r)
{
	LIST_REMOVE(r, entry);
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].question);
		free(r->v[i].text);
		node_refs_fini(&r->v[i].nodes);
	}
	free(r->v);
	free(r->bare);
	free(r);
}

static void
free_from(struct review *r)
{
	struct review *next;

	for (; r; r = next) {
		next = LIST_NEXT(r, entry);
		review_free(r);
	}
}

void
reviews_free(struct reviews *t)
{
	free_from(LIST_FIRST(&t->fresh));
	free_from(LIST_FIRST(&t->asked));
	free(t);
}

static struct review *
review_of(struct reviews *t, const char *bare)
{
	struct review *r;

	LIST_FOREACH(r, &t->fresh, entry)
	{
		if (strcmp(r->bare, bare) == 0)
			return r;
	}
	r = mem_zalloc(sizeof(*r));
	r->of = t;
	r->bare = mem_strdup(bare);
	LIST_INSERT_HEAD(&t->fresh, r, entry);
	return r;
}

void
review_add(struct reviews *t, const struct decision *d)
{
	struct sight s = { 0 };
	struct review *r;

	if (d->op != PROV_CAN_READ || !d->granted.n ||
	    !tell_has(t->gw->tell, decision_about(d)))
		return;
	r = review_of(t, decision_about(d));
	s.question = mem_strdup(d->question);
	s.text = node_refs_copy(&s.nodes, &d->granted);
	r->v = mem_grow(r->v, r->n, &r->cap, sizeof(*r->v));
	r->v[r->n++] = s;
}

/* Who still sees a node is not told that it went. */
static void
conclude(struct review *r)
{
	struct gateway *gw = r->of->gw;

	for (size_t i = 0; i < r->n; i++) {
		const struct node_refs *saw = &r->v[i].nodes;

		for (size_t k = 0; k < saw->n; k++) {
			const struct node *n =
			    nodes_by_ref(&gw->nodes, &saw->v[k]);

			if (n && n->cfg)
				tell_hide(gw->tell, n, r->bare);
		}
	}
	review_free(r);
}

/* The answer is remembered, or there is none, which means no. */
static void
answered(void *arg, const struct prov_msg *asked, const struct prov_msg *answer)
{
	struct review *r = arg;

	(void)asked;
	(void)answer;
	if (--r->open == 0)
		conclude(r);
}

/* Leaves the nodes that the server of then decides on now; it is the one of
 * all of them, or NULL. */
static const struct provisioning_peer *
keep_nodes(const struct gateway *gw, const char *question,
    struct node_refs *nodes, const struct node_ref *except)
{
	const struct provisioning_peer *of = NULL;
	size_t len = strcspn(question, "\n"), kept = 0;

	for (size_t i = 0; i < nodes->n; i++) {
		const struct node *n = nodes_by_ref(&gw->nodes, &nodes->v[i]);
		const struct provisioning_peer *peer =
		    n && n->cfg ? access_judge(gw->access, n) : NULL;

		if (!peer || strlen(peer->jid) != len ||
		    memcmp(peer->jid, question, len) != 0 ||
		    (except && node_ref_same(&nodes->v[i], except)))
			continue;
		of = peer;
		nodes->v[kept++] = nodes->v[i];
	}
	nodes->n = kept;
	return of;
}

static void
ask_again(struct review *r, const char *question, const struct node_ref *except)
{
	struct gateway *gw = r->of->gw;
	xmpp_stanza_t *el = xmpp_stanza_new_from_string(
	    session_ctx(gw->session), strchr(question, '\n') + 1);
	const struct provisioning_peer *peer = NULL;
	struct prov_msg m = { 0 };

	if (el && prov_parse(el, &m, NULL) == OK)
		peer = keep_nodes(gw, question, &m.nodes, except);
	r->open++;
	if (!peer || judge_ask(gw->judge, peer, &m, answered, r) != OK)
		r->open--;
	prov_fini(&m);
	if (el)
		xmpp_stanza_release(el);
}

void
reviews_run(struct reviews *t, const struct node_ref *except)
{
	struct review *r;

	while ((r = LIST_FIRST(&t->fresh))) {
		LIST_REMOVE(r, entry);
		LIST_INSERT_HEAD(&t->asked, r, entry);
		r->open = 1; /* it ends here at the earliest */
		for (size_t i = 0; i < r->n; i++)
			ask_again(r, r->v[i].question, except);
		if (--r->open == 0)
			conclude(r);
	}
}
