/* The writes of a request, one after the other. */
#include "common/buf.h"
#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/steer_impl.h"

#include <stdlib.h>

enum { LISTED_MAX = 10 }; /* names in a sentence */

static bool
has_node(const struct errand *e, uint32_t handle)
{
	for (size_t i = 0; i < e->n_nodes; i++) {
		if (e->nodes[i].handle == handle)
			return true;
	}
	return false;
}

static bool
is_done(const struct errand *e)
{
	return e->at == e->n_nodes * e->n;
}

/* Another request writes a node of e, or waits for one since longer. */
bool
errand_is_locked(const struct errand *e)
{
	const struct errand *o = e;

	while ((o = TAILQ_PREV(o, errands, entry))) {
		for (size_t i = 0; o->ready && i < o->n_nodes; i++) {
			if (has_node(e, o->nodes[i].handle))
				return true;
		}
	}
	return false;
}

static void
succeed(struct errand *e)
{
	xmpp_ctx_t *ctx = session_ctx(e->steer->gw->session);
	struct node_refs nodes = { 0 };
	struct names params = { 0 };

	for (size_t i = 0; i < e->n_nodes && e->reduced; i++) {
		const struct node *n = errand_node(e, i);
		struct node_ref ref;

		if (!n)
			continue;
		ref = node_ref_of(n);
		node_refs_add(&nodes, &ref);
	}
	for (size_t i = 0; i < e->n && e->reduced; i++)
		names_add(&params, e->v[i].name);
	if (e->rq)
		iq_reply(e->rq, ctl_done(ctx, &nodes, &params));
	node_refs_fini(&nodes);
	names_fini(&params);
	errand_end(e);
}

/* The writes from..to of a request, for a sentence. */
static char *
list(const struct errand *e, size_t from, size_t to)
{
	struct buf out = { 0 };
	size_t listed = 0, more = 0;

	for (size_t i = from; i < to; i++) {
		const struct node *n = errand_node(e, i / e->n);
		const struct wish *w = &e->v[i % e->n];

		if (errand_is_pulse(e, w))
			continue;
		if (listed == LISTED_MAX) {
			more++;
			continue;
		}
		buf_printf(&out, "%s%.32s of %.32s", listed++ ? ", " : "",
		    w->name, n ? n->id : "a node that was removed");
	}
	if (more)
		buf_printf(&out, " and %zu more", more);
	return listed ? buf_take(&out) : mem_strdup("nothing");
}

/* What was written stays, and is told. */
static void
tell_midway(struct errand *e, struct fault *f)
{
	size_t all = e->n_nodes * e->n;
	char *before = list(e, 0, e->at), *after = list(e, e->at + 1, all);
	struct errbuf why = f->text;

	if (all > 1)
		errbuf_set(&f->text, ERR_IO,
		    "%.200s (written before: %.140s; not tried: %.140s)",
		    why.text, before, after);
	free(before);
	free(after);
}

static void
stop_midway(struct errand *e, struct fault *f)
{
	tell_midway(e, f);
	errand_refuse(e, f);
}

static void proceed(struct errand *e);

static void
written(void *arg, const struct setting_end *end)
{
	struct errand *e = arg;
	const struct node *n = errand_node(e, e->at / e->n);
	struct fault f = { .condition = FAULT_FAILED,
		.node = n ? n->id : NULL };

	e->setting = NULL;
	/* The daemon stops: it is not said what cannot be known any more. */
	if (e->steer->gw->stopping)
		return;
	if (e->late) {
		errand_end(e);
		return;
	}
	if (end->result == OK) {
		e->at++;
		proceed(e);
		return;
	}
	if (end->result == ERR_TIMEOUT)
		f.condition = "remote-server-timeout";
	errbuf_set(&f.text, end->result, "%s", end->text);
	stop_midway(e, &f);
}

/* All is checked once more: since then the configuration may be another. */
static bool
write_next(struct errand *e, const struct wish *w, struct fault *f)
{
	const struct node *n = errand_node(e, e->at / e->n);
	struct setting_what what;
	struct value to;

	if (!errand_holds(e, e->at / e->n, f) ||
	    !errand_understand(e, n, w, &to, &what, f))
		return false;
	f->param = NULL;
	f->condition = FAULT_LOCKED;
	e->setting = setting_write(e->steer->gw, &what, written, e, &f->text);
	return e->setting != NULL;
}

static void
proceed(struct errand *e)
{
	struct fault f = { 0 };

	while (!is_done(e) && errand_is_pulse(e, &e->v[e->at % e->n]))
		e->at++;
	if (is_done(e))
		succeed(e);
	else if (!write_next(e, &e->v[e->at % e->n], &f))
		stop_midway(e, &f);
}

/* What is under way cannot be called back: it keeps its node until it ends. */
void
errand_hurry(struct errand *e)
{
	const struct wish *w = &e->v[e->at % e->n];
	const struct node *n = errand_node(e, e->at / e->n);
	struct fault f = { .condition = FAULT_LOCKED,
		.node = n ? n->id : NULL };

	e->late = true;
	errbuf_set(&f.text, ERR_BUSY,
	    "%.32s: %.64s is still being written after %d s, and it is not "
	    "known whether it will be",
	    n ? n->id : "a node that was removed", w->name, ANSWER_MS / 1000);
	tell_midway(e, &f);
	errand_answer(e, &f);
}

static struct errand *
next_to_serve(struct steer *s)
{
	struct errand *e = TAILQ_FIRST(&s->errands);

	while (e && (!e->ready || e->writing || errand_is_locked(e)))
		e = TAILQ_NEXT(e, entry);
	return e;
}

/* One that ends at once lets others begin: those are found here too. */
void
errand_serve(struct steer *s)
{
	struct errand *e;

	if (s->serving)
		return;
	s->serving = true;
	while ((e = next_to_serve(s))) {
		e->writing = true;
		proceed(e);
	}
	s->serving = false;
}
