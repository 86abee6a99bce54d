/* What is asked: by which parameters, of which nodes. */
#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/addressed.h"
#include "gateway/gateway.h"
#include "gateway/steer_impl.h"

#include <stdlib.h>
#include <string.h>

const char steer_too_many[] = "too many requests at once; try again later";
const char steer_not_yours[] =
    "you may not control this; its owner can allow it";

static size_t
open_of(const struct steer *s, const char *bare)
{
	const struct errand *e;
	size_t n = 0;

	TAILQ_FOREACH(e, &s->errands, entry)
	n += strcmp(e->bare, bare) == 0;
	return n;
}

static struct node *
only_node(const struct gateway *gw)
{
	struct node *only = NULL;

	for (size_t i = 0; i < gw->nodes.n; i++) {
		if (!gw->nodes.v[i]->cfg)
			continue;
		if (only)
			return NULL;
		only = gw->nodes.v[i];
	}
	return only;
}

/* Why no node is meant. */
static bool
no_node(const struct errand *e, const struct node_ref *missing, struct fault *f)
{
	if (!access_sees_any(e->steer->gw->access, e->bare)) {
		f->condition = "forbidden/cancel";
		errbuf_set(&f->text, ERR_REFUSED, "%s", steer_not_yours);
	} else if (missing) {
		f->condition = "item-not-found";
		f->node = missing->node;
		errbuf_set(
		    &f->text, ERR_NOTFOUND, "there is no node \"%s\"", f->node);
	} else {
		f->condition = "bad-request";
		errbuf_set(&f->text, ERR_RANGE,
		    "there are several nodes here: name those to be set");
	}
	return false;
}

static void
add_target(struct errand *e, const struct node *n)
{
	e->nodes[e->n_nodes++] = (struct target){ n->handle, n->unit,
		access_standing(e->steer->gw->access, e->bare, n),
		mem_strdup(n->thing.owner) };
}

/* No node named: the device as a whole, which here is one node or nothing. */
static bool
take_nodes(struct errand *e, const struct ctl_set *set, struct fault *f)
{
	const struct gateway *gw = e->steer->gw;
	const struct node_ref *missing = NULL;
	struct node *only = set->nodes.n ? NULL : only_node(gw);
	struct node **v = NULL;
	size_t n = 0;
	bool found = set->nodes.n
	    ? addressed_nodes(&gw->nodes, &set->nodes, &v, &n, &missing) == OK
	    : only != NULL;

	e->nodes = mem_array(n + 1, sizeof(*e->nodes));
	for (size_t i = 0; found && i < n; i++)
		add_target(e, v[i]);
	if (only)
		add_target(e, only);
	free(v);
	return found || no_node(e, missing, f);
}

bool
errand_is_too_much(size_t nodes, size_t n, struct fault *f)
{
	if (nodes <= WRITES_MAX && nodes * n <= WRITES_MAX)
		return false;
	f->condition = "bad-request";
	errbuf_set(&f->text, ERR_RANGE, "more than %d values in one request",
	    WRITES_MAX);
	return true;
}

static bool
take_wishes(struct errand *e, const struct ctl_set *set, struct fault *f)
{
	if (errand_is_too_much(set->nodes.n ? set->nodes.n : 1, set->n, f))
		return false;
	e->v = mem_array(set->n + 1, sizeof(*e->v));
	for (; e->n < set->n; e->n++)
		e->v[e->n] = (struct wish){ set->v[e->n].type,
			mem_strdup(set->v[e->n].name),
			mem_strdup(set->v[e->n].value) };
	return true;
}

bool
errand_take(
    struct errand *e, xmpp_stanza_t *el, struct ctl_set *set, struct fault *f)
{
	const struct steer *s = e->steer;
	enum err err;

	if (open_of(s, e->bare) > OPEN_EACH_MAX ||
	    (s->n > OPEN_MAX && !access_sees_any(s->gw->access, e->bare))) {
		memset(set, 0, sizeof(*set));
		f->condition = "resource-constraint";
		errbuf_set(&f->text, ERR_BUSY, "%s", steer_too_many);
		return false;
	}
	err = e->is_form ? ctl_form_parse(el, set, &f->text)
			 : ctl_set_parse(el, set, &f->text);
	f->condition = "bad-request";
	return err == OK && take_wishes(e, set, f) && take_nodes(e, set, f);
}
