#include "gateway/access.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/friends.h"
#include "gateway/gateway.h"
#include "gateway/judge.h"
#include "gateway/provisioner.h"
#include "gateway/registrar.h"
#include "gateway/store.h"
#include "gateway/tell.h"
#include "protocol/jid.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* A question on its way: what is known here, and what the judges say. */
struct asked {
	struct access *of;
	char bare[JID_SIZE];
	struct access_grant grant;
	size_t cap, n_nodes; /* n_nodes: were asked for */
	size_t open;         /* judges that have not spoken */
	access_done done;
	void *arg;
	bool calling; /* within access_ask: the end is told there */
	LIST_ENTRY(asked) next;
};

struct access {
	struct gateway *gw;
	LIST_HEAD(, asked) asked;
	uint64_t taken;
};

enum { ASKED_MAX = 16 }; /* of one requester */

struct access *
access_new(struct gateway *gw)
{
	struct access *a = mem_zalloc(sizeof(*a));

	a->gw = gw;
	LIST_INIT(&a->asked);
	return a;
}

/* Fields or parameters, sorted, as a peer may name a thousand; those of one
 * answer are shared by all of its nodes. */
struct granted_names {
	size_t refs, n;
	char **v;
};

void
granted_copy(struct granted *to, const struct granted *g)
{
	*to = *g;
	if (g->names)
		g->names->refs++;
}

void
granted_fini(struct granted *g)
{
	struct granted_names *t = g->names;

	g->names = NULL;
	if (!t || --t->refs)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	free(t);
}

static void
asked_free(struct asked *q)
{
	for (size_t i = 0; i < q->grant.n; i++)
		granted_fini(&q->grant.v[i]);
	free(q->grant.v);
	free(q);
}

static void
asked_forget(struct asked *q)
{
	judge_forget(q->of->gw->judge, q);
	LIST_REMOVE(q, next);
	asked_free(q);
}

void
access_free(struct access *a)
{
	struct asked *q;

	if (!a)
		return;
	while ((q = LIST_FIRST(&a->asked)))
		asked_forget(q);
	free(a);
}

void
access_forget(struct access *a, const void *arg)
{
	struct asked *q, *next;

	for (q = LIST_FIRST(&a->asked); q; q = next) {
		next = LIST_NEXT(q, next);
		if (q->arg == arg)
			asked_forget(q);
	}
}

bool
access_is_owner(const struct access *a, const char *bare, const struct node *n)
{
	if (!n->cfg)
		return false;
	if (n->thing.claim == CLAIM_SELF_OWNED)
		return jid_same_bare(bare, session_bare(a->gw->session));
	return thing_has_owner(&n->thing) &&
	    jid_same_bare(bare, n->thing.owner);
}

/* Whether somebody may be let in at all: nobody owns it, nobody decides. */
static bool
is_owned(const struct node *n)
{
	return n->cfg &&
	    (n->thing.claim == CLAIM_SELF_OWNED || thing_has_owner(&n->thing));
}

/* These speak their own protocols, and nothing else. */
static bool
is_service(const struct access *a, const char *bare)
{
	return jid_same_bare(bare, registrar_jid(a->gw->registrar)) ||
	    provisioner_is(a->gw->provisioner, bare);
}

enum access_standing
access_standing(const struct access *a, const char *bare, const struct node *n)
{
	const struct share *s;

	if (!is_owned(n))
		return ACCESS_NOBODY;
	if (access_is_owner(a, bare, n))
		return ACCESS_OWNER;
	if (is_service(a, bare))
		return ACCESS_NOBODY;
	s = shares_find(&n->shares, bare);
	if (s)
		return s->control ? ACCESS_CONTROLLER : ACCESS_READER;
	return ACCESS_STRANGER;
}

static void
grant(struct asked *q, struct granted g)
{
	q->grant.v =
	    mem_grow(q->grant.v, q->grant.n, &q->cap, sizeof(*q->grant.v));
	q->grant.v[q->grant.n++] = g;
	if (!g.all)
		q->grant.reduced = true;
}

/* q is gone after this. */
static void
conclude(struct asked *q)
{
	if (q->grant.n < q->n_nodes)
		q->grant.reduced = true;
	LIST_REMOVE(q, next);
	q->done(q->arg, &q->grant);
	asked_free(q);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Only what was asked for counts, whatever the answer lists. */
static struct granted
granted_of(const struct prov_msg *m, const struct prov_msg *of)
{
	struct granted g = { .judged = true, .types = m->types & of->types };
	struct granted_names *t;

	if (m->names.n) {
		t = g.names = mem_zalloc(sizeof(*t));
		t->refs = 1;
		t->v = mem_array(m->names.n, sizeof(*t->v));
		for (size_t i = 0; i < m->names.n; i++) {
			const char *name = m->names.v[i];

			if (!of->names.n || names_has(&of->names, name))
				t->v[t->n++] = mem_strdup(name);
		}
		if (t->n)
			qsort(t->v, t->n, sizeof(*t->v), by_name);
	}
	g.all = m->names.n == 0 && (m->types & of->types) == of->types;
	if (m->types == 0)
		g.all = m->names.n == 0;
	return g;
}

/* The answer may name fields and none that was asked for, or no type of them:
 * that is nothing. */
static bool
is_nothing(const struct prov_msg *m, const struct granted *g)
{
	return (g->names && !g->names->n) || (m->types && !g->types);
}

/* A judge has spoken; m NULL: it has not, which means no. */
static void
judged(void *arg, const struct prov_msg *of, const struct prov_msg *m)
{
	struct asked *q = arg;
	struct granted what = { 0 }, g;
	bool nothing = true;

	if (m && m->result) {
		what = granted_of(m, of);
		nothing = is_nothing(m, &what);
	}
	for (size_t i = 0; !nothing && i < of->nodes.n; i++) {
		struct node *n =
		    nodes_by_ref(&q->of->gw->nodes, &of->nodes.v[i]);

		/* Much may have happened since it was asked. */
		if (!n ||
		    (m->nodes.n &&
			!node_refs_has(&m->nodes, &of->nodes.v[i])) ||
		    access_standing(q->of, q->bare, n) == ACCESS_NOBODY)
			continue;
		granted_copy(&g, &what);
		g.handle = n->handle;
		grant(q, g);
	}
	granted_fini(&what);
	if (--q->open == 0 && !q->calling)
		conclude(q);
}

static size_t
under_way(const struct access *a, const char *bare)
{
	struct asked *q;
	size_t n = 0;

	LIST_FOREACH(q, &a->asked, next)
	n += strcmp(q->bare, bare) == 0;
	return n;
}

static const char *
owner_of(const struct access *a, const struct node *n)
{
	return n->thing.claim == CLAIM_SELF_OWNED ? session_bare(a->gw->session)
						  : n->thing.owner;
}

const struct provisioning_peer *
access_judge(const struct access *a, const struct node *n)
{
	return provisioner_for(a->gw->provisioner, owner_of(a, n));
}

/* Asks the judge of the first of pending, about all that are its; takes them
 * out. */
static void
ask_judge(struct asked *q, const struct access_q *of, struct node **pending,
    size_t *n)
{
	const struct access *a = q->of;
	const struct provisioning_peer *peer = access_judge(a, pending[0]);
	struct prov_msg m = {
		.op =
		    of->what == ACCESS_READ ? PROV_CAN_READ : PROV_CAN_CONTROL,
		.jid = q->bare,
		.tokens = *of->tokens,
		.names = *of->names, /* borrowed */
		.types = of->what == ACCESS_READ ? of->types : 0,
	};
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		struct node_ref ref = node_ref_of(pending[i]);

		if (access_judge(a, pending[i]) == peer)
			node_refs_add(&m.nodes, &ref);
		else
			pending[kept++] = pending[i];
	}
	*n = kept;
	q->open++;
	if (!peer || judge_ask(a->gw->judge, peer, &m, judged, q) != OK) {
		q->open--;
		q->grant.busy = peer != NULL;
	}
	node_refs_fini(&m.nodes);
}

void
access_ask(
    struct access *a, const struct access_q *q, access_done done, void *arg)
{
	struct asked *as = mem_zalloc(sizeof(*as));
	struct node **pending = mem_array(q->n ? q->n : 1, sizeof(*pending));
	size_t n = 0;

	as->of = a;
	as->n_nodes = q->n;
	as->done = done;
	as->arg = arg;
	as->calling = true;
	if (jid_bare(q->from, as->bare) != OK)
		as->bare[0] = '\0';
	LIST_INSERT_HEAD(&a->asked, as, next);
	for (size_t i = 0; i < q->n && as->bare[0]; i++) {
		enum access_standing s =
		    access_standing(a, as->bare, q->nodes[i]);

		if (s >= ACCESS_CONTROLLER ||
		    (s == ACCESS_READER && q->what == ACCESS_READ))
			grant(as,
			    (struct granted){
				.handle = q->nodes[i]->handle, .all = true });
		else if (s >= ACCESS_STRANGER)
			pending[n++] = q->nodes[i];
	}
	as->grant.busy = n && under_way(a, as->bare) > ASKED_MAX;
	while (n && !as->grant.busy)
		ask_judge(as, q, pending, &n);
	free(pending);
	as->calling = false;
	if (as->open == 0)
		conclude(as);
}

/* What questions that still wait for a judge were granted by others: of the
 * node (NULL: of all, by judges), to that person (NULL: to all). */
static void
take_back(struct access *a, const struct node *n, const char *bare)
{
	struct asked *q;

	a->taken++;
	LIST_FOREACH(q, &a->asked, next)
	{
		struct access_grant *g = &q->grant;
		size_t kept = 0;

		if (bare && strcmp(q->bare, bare) != 0)
			continue;
		for (size_t i = 0; i < g->n; i++) {
			if (n ? g->v[i].handle == n->handle : g->v[i].judged)
				granted_fini(&g->v[i]);
			else
				g->v[kept++] = g->v[i];
		}
		g->n = kept;
	}
}

uint64_t
access_taken(const struct access *a)
{
	return a->taken;
}

void
access_unjudge(struct access *a)
{
	if (a)
		take_back(a, NULL, NULL);
}

bool
access_allows(const struct granted *g, const char *name, unsigned types)
{
	if (g->all)
		return true;
	if (g->types && types && !(g->types & types))
		return false;
	return !g->names ||
	    bsearch(
		&name, g->names->v, g->names->n, sizeof(*g->names->v), by_name);
}

bool
access_sees(const struct access *a, const char *bare, const struct node *n)
{
	enum access_standing s = access_standing(a, bare, n);
	struct node_ref ref = node_ref_of(n);
	const struct provisioning_peer *peer;

	if (s != ACCESS_STRANGER)
		return s >= ACCESS_READER;
	peer = access_judge(a, n);
	return peer && judge_knows(a->gw->judge, peer->jid, bare, &ref);
}

bool
access_sees_any(const struct access *a, const char *bare)
{
	const struct nodes *t = &a->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		if (access_sees(a, bare, t->v[i]))
			return true;
	}
	return false;
}

bool
access_is_friend(const struct access *a, const char *bare)
{
	const struct nodes *t = &a->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		if (access_standing(a, bare, t->v[i]) >= ACCESS_READER)
			return true;
	}
	return false;
}

enum err
access_share(struct access *a, struct node *n, const char *jid, bool control)
{
	const struct share *was;
	char bare[JID_SIZE];

	if (jid_bare(jid, bare) != OK)
		return ERR_PROTO;
	was = shares_find(&n->shares, bare);
	if (!was && n->shares.n >= ACCESS_SHARES_MAX)
		return ERR_RANGE;
	if (was && was->control && !control)
		take_back(a, n, bare);
	registrar_touch(a->gw->registrar, n);
	shares_set(&n->shares, bare, control);
	log_info("access", "node %s is shared with %s%s", n->id, bare,
	    control ? ", to control it too" : "");
	friends_approve(a->gw->friends, bare);
	return store_shares(a->gw->store, n);
}

enum err
access_unshare(struct access *a, struct node *n, const char *jid)
{
	char bare[JID_SIZE];

	if (jid_bare(jid, bare) != OK || !shares_find(&n->shares, bare))
		return ERR_NOTFOUND;
	registrar_touch(a->gw->registrar, n);
	shares_drop(&n->shares, bare);
	take_back(a, n, bare);
	log_info("access", "node %s is no more shared with %s", n->id, bare);
	friends_drop(a->gw->friends, bare);
	return store_shares(a->gw->store, n);
}

void
access_lapse(struct access *a, struct node *n)
{
	const struct node_ref ref = node_ref_of(n);
	struct shares had = n->shares;

	take_back(a, n, NULL);
	n->shares = (struct shares){ 0 };
	registrar_touch(a->gw->registrar, n);
	if (had.n)
		(void)!store_shares(a->gw->store, n);
	for (size_t i = 0; i < had.n; i++) {
		friends_drop(a->gw->friends, had.v[i].bare);
		if (n->cfg)
			tell_hide(a->gw->tell, n, had.v[i].bare);
	}
	shares_fini(&had);
	judge_lapse(a->gw->judge, &ref);
}

void
access_shares(const struct access *a, const struct node *n,
    void (*each)(void *arg, const char *bare, bool control), void *arg)
{
	(void)a;
	for (size_t i = 0; i < n->shares.n; i++)
		each(arg, n->shares.v[i].bare, n->shares.v[i].control);
}
