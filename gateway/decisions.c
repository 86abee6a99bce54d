#include "gateway/decisions.h"

#include "common/mem.h"
#include "gateway/store.h"
#include "protocol/jid.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256 };

/* One who was judged. */
struct person {
	char *bare; /* prepared */
	TAILQ_HEAD(, decision) has;
	size_t n, bytes;
	LIST_ENTRY(person) entry;
};

struct decisions {
	struct store *store;
	xmpp_ctx_t *ctx;
	TAILQ_HEAD(, decision) all;
	size_t n, bytes;
	LIST_HEAD(, person) people[BUCKETS];
};

/* --- people --- */

static unsigned
bucket_of(const char *bare)
{
	unsigned h = 5381;

	while (*bare)
		h = h * 33 + (unsigned char)*bare++;
	return h % BUCKETS;
}

static struct person *
find_person(const struct decisions *t, const char *bare)
{
	struct person *p;

	LIST_FOREACH(p, &t->people[bucket_of(bare)], entry)
	{
		if (strcmp(p->bare, bare) == 0)
			return p;
	}
	return NULL;
}

static struct person *
need_person(struct decisions *t, const char *bare)
{
	struct person *p = find_person(t, bare);

	if (p)
		return p;
	p = mem_zalloc(sizeof(*p));
	p->bare = mem_strdup(bare);
	TAILQ_INIT(&p->has);
	LIST_INSERT_HEAD(&t->people[bucket_of(bare)], p, entry);
	return p;
}

/* --- one decision --- */

static size_t
size_of(const struct decision *d)
{
	return strlen(d->question) + strlen(d->answer);
}

static int
by_ref(const void *a, const void *b)
{
	const struct node_ref *x = a, *y = b;
	int c = strcmp(x->node, y->node);

	if (c == 0)
		c = strcmp(x->source, y->source);
	return c ? c : strcmp(x->cache, y->cache);
}

static bool
has(const struct node_refs *refs, const struct node_ref *ref)
{
	return refs->n &&
	    bsearch(ref, refs->v, refs->n, sizeof(*refs->v), by_ref);
}

/* Copies the nodes asked about, and of them the granted ones. */
static void
take_nodes(struct decision *d, const struct node_refs *asked,
    const struct prov_msg *answer)
{
	struct node_refs named = { 0 };

	d->text = node_refs_copy(&d->asked, asked);
	for (size_t i = 0; i < answer->nodes.n; i++)
		node_refs_add(&named, &answer->nodes.v[i]);
	if (named.n)
		qsort(named.v, named.n, sizeof(*named.v), by_ref);
	if (d->asked.n)
		qsort(d->asked.v, d->asked.n, sizeof(*d->asked.v), by_ref);
	for (size_t i = 0; answer->result && i < d->asked.n; i++) {
		if (named.n == 0 || has(&named, &d->asked.v[i]))
			node_refs_add(&d->granted, &d->asked.v[i]);
	}
	node_refs_fini(&named);
}

bool
decisions_read(
    xmpp_stanza_t *el, const struct prov_msg *asked, struct prov_msg *answer)
{
	return el && prov_parse(el, answer, NULL) == OK &&
	    answer->op == asked->op + 1 &&
	    jid_same_bare(answer->jid, asked->jid);
}

/* Reads what d decides; false: nothing. */
static bool
understand(struct decisions *t, struct decision *d)
{
	const char *text = strchr(d->question, '\n');
	xmpp_stanza_t *q =
	    text ? xmpp_stanza_new_from_string(t->ctx, text + 1) : NULL;
	xmpp_stanza_t *a = xmpp_stanza_new_from_string(t->ctx, d->answer);
	struct prov_msg asked = { 0 }, answer = { 0 };
	char bare[JID_SIZE];
	bool good = q && prov_parse(q, &asked, NULL) == OK &&
	    jid_bare(asked.jid, bare) == OK &&
	    decisions_read(a, &asked, &answer);

	if (good) {
		d->op = asked.op;
		d->yes = answer.result;
		take_nodes(d, &asked.nodes, &answer);
		d->of = need_person(t, bare);
	}
	prov_fini(&asked);
	prov_fini(&answer);
	if (q)
		xmpp_stanza_release(q);
	if (a)
		xmpp_stanza_release(a);
	return good;
}

static void
decision_free(struct decision *d)
{
	node_refs_fini(&d->asked);
	node_refs_fini(&d->granted);
	free(d->text);
	free(d->question);
	free(d->answer);
	free(d);
}

static void
drop(struct decisions *t, struct decision *d)
{
	struct person *p = d->of;

	TAILQ_REMOVE(&t->all, d, entry);
	TAILQ_REMOVE(&p->has, d, beside);
	t->n--;
	p->n--;
	t->bytes -= size_of(d);
	p->bytes -= size_of(d);
	decision_free(d);
	if (p->n)
		return;
	LIST_REMOVE(p, entry);
	free(p->bare);
	free(p);
}

static void
forget(struct decisions *t, struct decision *d)
{
	(void)!store_undecide(t->store, d->question);
	drop(t, d);
}

static struct decision *
find(const struct decisions *t, const char *bare, const char *question)
{
	const struct person *p = find_person(t, bare);
	struct decision *d = p ? TAILQ_FIRST(&p->has) : NULL;

	while (d && strcmp(d->question, question) != 0)
		d = TAILQ_NEXT(d, beside);
	return d;
}

/* --- all of them --- */

static struct decision *
add(struct decisions *t, const char *question, const char *answer)
{
	struct decision *d = mem_zalloc(sizeof(*d));

	d->question = mem_strdup(question);
	d->answer = mem_strdup(answer);
	if (!understand(t, d)) {
		decision_free(d);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&t->all, d, entry);
	TAILQ_INSERT_TAIL(&d->of->has, d, beside);
	t->n++;
	d->of->n++;
	t->bytes += size_of(d);
	d->of->bytes += size_of(d);
	return d;
}

static void
load(void *arg, const char *question, const char *answer)
{
	(void)add(arg, question, answer);
}

struct decisions *
decisions_new(struct store *store)
{
	struct decisions *t = mem_zalloc(sizeof(*t));

	t->store = store;
	t->ctx = xmpp_ctx_new(NULL, NULL); /* there is no session yet */
	TAILQ_INIT(&t->all);
	for (size_t i = 0; i < BUCKETS; i++)
		LIST_INIT(&t->people[i]);
	store_decisions(store, load, t);
	return t;
}

void
decisions_free(struct decisions *t)
{
	struct decision *d, *next;

	for (d = TAILQ_FIRST(&t->all); d; d = next) {
		next = TAILQ_NEXT(d, entry);
		drop(t, d);
	}
	xmpp_ctx_free(t->ctx);
	free(t);
}

/* Whoever asks much pushes out his own. */
static void
make_room(struct decisions *t, const struct decision *added)
{
	const struct person *p = added->of;

	while (p->n > 1 &&
	    (p->n > DECISIONS_EACH || p->bytes > DECISIONS_EACH_BYTES))
		forget(t, TAILQ_FIRST(&p->has));
	while (t->n > 1 && (t->n > DECISIONS_MAX || t->bytes > DECISIONS_BYTES))
		forget(t, TAILQ_FIRST(&t->all));
}

void
decisions_put(struct decisions *t, const char *question, const char *answer)
{
	struct decision *d = add(t, question, answer), *had;

	if (!d)
		return;
	had = find(t, d->of->bare, question); /* the older one is before it */
	if (had != d)
		drop(t, had);
	(void)!store_decide(t->store, question, answer);
	make_room(t, d);
}

static void
use(struct decisions *t, struct decision *d)
{
	TAILQ_REMOVE(&t->all, d, entry);
	TAILQ_INSERT_TAIL(&t->all, d, entry);
	TAILQ_REMOVE(&d->of->has, d, beside);
	TAILQ_INSERT_TAIL(&d->of->has, d, beside);
}

const char *
decisions_answer(struct decisions *t, const char *bare, const char *question)
{
	struct decision *d = find(t, bare, question);

	if (!d)
		return NULL;
	use(t, d);
	return d->answer;
}

bool
decisions_yes(const struct decisions *t, const char *server, enum prov_op op,
    const char *bare, const struct node_ref *node)
{
	const struct person *p = find_person(t, bare);
	const struct decision *d;

	if (!p)
		return false;
	TAILQ_FOREACH(d, &p->has, beside)
	{
		if (d->op == op && d->yes &&
		    (!server || decision_from(d, server)) &&
		    (!node || has(&d->granted, node)))
			return true;
	}
	return false;
}

bool
decision_from(const struct decision *d, const char *server)
{
	size_t len = strlen(server);

	return strncmp(d->question, server, len) == 0 &&
	    d->question[len] == '\n';
}

bool
decisions_from(const struct decisions *t, const char *server)
{
	const struct decision *d;

	TAILQ_FOREACH(d, &t->all, entry)
	{
		if (decision_from(d, server))
			return true;
	}
	return false;
}

const char *
decision_about(const struct decision *d)
{
	return d->of->bare;
}

bool
decision_names(const struct decision *d, const struct node_ref *node)
{
	return has(&d->asked, node);
}

void
decisions_forget(struct decisions *t,
    bool (*is)(void *arg, const struct decision *d),
    void (*each)(void *arg, const struct decision *d), void *arg)
{
	struct decision *d, *next;

	for (d = TAILQ_FIRST(&t->all); d; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (!is(arg, d))
			continue;
		if (each)
			each(arg, d);
		forget(t, d);
	}
}
