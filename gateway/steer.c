#include "gateway/steer_impl.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/setform.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

/* --- the beginning and the end of a request --- */

static struct errand *
errand_new(struct steer *s, struct iq_in *rq, const char *from)
{
	struct errand *e = mem_zalloc(sizeof(*e));

	e->steer = s;
	e->rq = rq;
	e->due_mono = clock_mono(s->gw->clock) + ANSWER_MS;
	e->from = mem_strdup(from);
	if (jid_bare(from, e->bare) != OK)
		e->bare[0] = '\0';
	TAILQ_INSERT_TAIL(&s->errands, e, entry);
	s->n++;
	return e;
}

static void
errand_free(struct errand *e)
{
	if (e->setting)
		setting_drop(e->setting);
	for (size_t i = 0; i < e->n; i++) {
		free(e->v[i].name);
		free(e->v[i].text);
	}
	for (size_t i = 0; i < e->n_nodes; i++)
		free(e->nodes[i].owner);
	free(e->v);
	free(e->nodes);
	free(e->from);
	free(e);
}

/* Its nodes are free for others then. */
void
errand_end(struct errand *e)
{
	struct steer *s = e->steer;
	bool had_nodes = e->writing;

	TAILQ_REMOVE(&s->errands, e, entry);
	s->n--;
	errand_free(e);
	if (had_nodes)
		errand_serve(s);
}

static void
log_refusal(const struct errand *e, const struct fault *f, const char *text)
{
	char who[LOG_SAFE], node[LOG_SAFE], param[LOG_SAFE];
	char *clean = mem_strdup(text);

	for (char *p = clean; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	log_info("set", "%s of node %s, %s, by %s: %.*s: %s",
	    e->is_form ? "form" : "set",
	    f->node ? log_safe(node, f->node) : "-",
	    f->param ? log_safe(param, f->param) : "-", log_safe(who, e->from),
	    (int)strcspn(f->condition, "/"), f->condition, clean);
	free(clean);
}

/* A message is never answered (XEP-0325 3.1.4).  What a sentence quotes may
 * have been cut within a letter, which would end the stream. */
void
errand_answer(struct errand *e, const struct fault *f)
{
	xmpp_ctx_t *ctx = session_ctx(e->steer->gw->session);
	char text[sizeof(f->text.text)], detail[sizeof(f->detail.text)];

	utf8_sanitize(f->text.text, strlen(f->text.text), text, sizeof(text));
	utf8_sanitize(
	    f->detail.text, strlen(f->detail.text), detail, sizeof(detail));
	log_refusal(e, f, text);
	if (e->rq)
		iq_reply_fault(e->rq, f->condition, text,
		    f->param ? ctl_param_error(ctx, f->param, detail) : NULL,
		    NULL);
	e->rq = NULL;
}

void
errand_refuse(struct errand *e, const struct fault *f)
{
	errand_answer(e, f);
	errand_end(e);
}

static void
refuse_simply(struct errand *e, const char *condition, const char *text)
{
	struct fault f = { .condition = condition };

	errbuf_set(&f.text, OK, "%s", text);
	errand_refuse(e, &f);
}

/* --- whether it may --- */

static const struct granted *
find_grant(const struct access_grant *g, uint32_t handle)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i].handle == handle)
			return &g->v[i];
	}
	return NULL;
}

static bool
allowed_everywhere(
    const struct errand *e, const struct access_grant *g, const char *name)
{
	for (size_t i = 0; i < e->n_nodes; i++) {
		const struct granted *of = find_grant(g, e->nodes[i].handle);

		if (!access_allows(of, name, 0))
			return false;
	}
	return true;
}

/* Nodes that are not granted go, then parameters that are not granted for all
 * that are left: an answer can only say which nodes and which parameters. */
static void
reduce(struct errand *e, const struct access_grant *g)
{
	size_t nodes = 0, n = 0;

	for (size_t i = 0; i < e->n_nodes; i++) {
		if (find_grant(g, e->nodes[i].handle) && errand_node(e, i))
			e->nodes[nodes++] = e->nodes[i];
		else
			free(e->nodes[i].owner);
	}
	e->reduced = g->reduced || nodes < e->n_nodes;
	e->n_nodes = nodes;
	for (size_t i = 0; i < e->n; i++) {
		char *name = errand_control(&e->v[i]);

		if (allowed_everywhere(e, g, name)) {
			e->v[n++] = e->v[i];
		} else {
			free(e->v[i].name);
			free(e->v[i].text);
		}
		free(name);
	}
	e->reduced |= n < e->n;
	e->n = n;
}

/* --- what takes long --- */

static void look_at_due(uv_timer_t *h);

static bool
is_awaited(const struct errand *e)
{
	return e->rq && e->writing;
}

static void
watch_due(struct steer *s)
{
	int64_t now = clock_mono(s->gw->clock), due = INT64_MAX;
	const struct errand *e;

	TAILQ_FOREACH(e, &s->errands, entry)
	{
		if (is_awaited(e) && e->due_mono < due)
			due = e->due_mono;
	}
	if (due != INT64_MAX && !s->closed)
		uv_timer_start(&s->timer, look_at_due,
		    due > now ? (uint64_t)(due - now) : 0, 0);
}

static void
look_at_due(uv_timer_t *h)
{
	struct steer *s = h->data;
	int64_t now = clock_mono(s->gw->clock);
	struct errand *e;

	TAILQ_FOREACH(e, &s->errands, entry)
	{
		if (is_awaited(e) && e->due_mono <= now)
			errand_hurry(e);
	}
	watch_due(s);
}

/* --- the answer of access --- */

static void
answer_form(struct errand *e, const struct access_grant *g)
{
	const struct node **nodes = mem_array(e->n_nodes, sizeof(*nodes));
	const struct tmpl *t = errand_node(e, 0)->cfg->tmpl;
	struct names allowed = { 0 };
	xmpp_stanza_t *x;

	for (size_t i = 0; i < e->n_nodes; i++)
		nodes[i] = errand_node(e, i);
	for (size_t i = 0; i < t->n_controls; i++) {
		if (allowed_everywhere(e, g, t->controls[i].f.name))
			names_add(&allowed, t->controls[i].f.name);
	}
	x = setform_new(session_ctx(e->steer->gw->session), nodes, e->n_nodes,
	    &allowed, clock_mono(e->steer->gw->clock));
	free(nodes);
	names_fini(&allowed);
	if (!x) {
		refuse_simply(e, "feature-not-implemented",
		    "nothing can be set here, or of all these nodes alike");
		return;
	}
	iq_reply(e->rq, x);
	errand_end(e);
}

static void
start(struct errand *e)
{
	struct steer *s = e->steer;
	struct fault f = { 0 };

	if (errand_is_too_much(e->n_nodes, e->n, &f) || !errand_check(e, &f)) {
		errand_refuse(e, &f);
		return;
	}
	TAILQ_REMOVE(&s->errands, e, entry);
	TAILQ_INSERT_TAIL(&s->errands, e, entry);
	e->ready = true;
	if (e->rq && clock_mono(s->gw->clock) >= e->due_mono) {
		refuse_simply(e, FAULT_LOCKED,
		    "it took too long to find out whether you may; nothing was "
		    "written; try again");
		return;
	}
	if (e->rq && errand_is_locked(e)) {
		f.condition = FAULT_LOCKED;
		f.node = errand_node(e, 0)->id;
		errbuf_set(&f.text, ERR_BUSY,
		    "another request sets this node; try again");
		errand_refuse(e, &f);
		return;
	}
	errand_serve(s);
	watch_due(s);
}

/* A form of fewer nodes than were named would be taken for that of all. */
static void
granted(void *arg, const struct access_grant *g)
{
	struct errand *e = arg;
	struct fault f = { .condition = "forbidden/cancel" };
	const struct node *first = errand_node(e, 0);
	size_t asked = e->n_nodes;

	if (g->busy) {
		refuse_simply(e, "resource-constraint", steer_too_many);
		return;
	}
	reduce(e, g);
	e->taken = access_taken(e->steer->gw->access);
	if (e->n_nodes == 0 || (e->is_form ? e->n_nodes < asked : e->n == 0)) {
		f.node = first ? first->id : NULL;
		errbuf_set(&f.text, ERR_REFUSED, "%s", steer_not_yours);
		errand_refuse(e, &f);
		return;
	}
	if (e->is_form)
		answer_form(e, g);
	else
		start(e);
}

/* done may be called from within. */
static void
ask_access(struct errand *e, const struct tokens *tokens)
{
	struct gateway *gw = e->steer->gw;
	struct node **nodes = mem_array(e->n_nodes, sizeof(*nodes));
	struct names names = { 0 };
	char *from = mem_strdup(e->from);
	const struct access_q q = { .from = from,
		.what = ACCESS_CONTROL,
		.tokens = tokens,
		.nodes = nodes,
		.n = e->n_nodes,
		.names = &names };

	for (size_t i = 0; i < e->n_nodes; i++)
		nodes[i] = nodes_by_handle(&gw->nodes, e->nodes[i].handle);
	for (size_t i = 0; i < e->n; i++) {
		if (!errand_is_pulse(e, &e->v[i]))
			names_add(&names, e->v[i].name);
	}
	access_ask(gw->access, &q, granted, e);
	names_fini(&names);
	free(nodes);
	free(from);
}

/* --- requests --- */

static void
begin(struct errand *e, xmpp_stanza_t *el)
{
	struct ctl_set set;
	struct fault f = { 0 };

	if (errand_take(e, el, &set, &f))
		ask_access(e, &set.tokens);
	else
		errand_refuse(e, &f);
	ctl_set_fini(&set);
}

static void
handle_set(void *arg, struct iq_in *rq)
{
	begin(errand_new(arg, rq, iq_in_from(rq)), iq_in_payload(rq));
}

static void
handle_form(void *arg, struct iq_in *rq)
{
	struct errand *e = errand_new(arg, rq, iq_in_from(rq));

	e->is_form = true;
	begin(e, iq_in_payload(rq));
}

const struct iq_route steer_routes[] = {
	{ CONTROL_NS, "set", IQ_SET, handle_set },
	{ CONTROL_NS, "getForm", IQ_GET, handle_form },
	{ NULL, NULL, 0, NULL },
};

void
steer_message(struct steer *s, xmpp_stanza_t *message)
{
	const char *from = xmpp_stanza_get_from(message);
	const char *type = xmpp_stanza_get_type(message);
	xmpp_stanza_t *el =
	    xmpp_stanza_get_child_by_name_and_ns(message, "set", CONTROL_NS);

	if (!el || !from || (type && strcmp(type, "groupchat") == 0))
		return;
	if (xmpp_stanza_get_child_by_ns(message, "urn:xmpp:delay"))
		refuse_simply(errand_new(s, NULL, from), "unexpected-request",
		    "a server has kept the message: it is too late for it");
	else
		begin(errand_new(s, NULL, from), el);
}

struct steer *
steer_new(struct gateway *gw)
{
	struct steer *s = mem_zalloc(sizeof(*s));

	s->gw = gw;
	TAILQ_INIT(&s->errands);
	uv_timer_init(&gw->loop, &s->timer);
	s->timer.data = s;
	return s;
}

void
steer_stop(struct steer *s)
{
	if (s->closed)
		return;
	s->closed = true;
	uv_close((uv_handle_t *)&s->timer, NULL);
}

/* What is answered now goes nowhere. */
void
steer_free(struct steer *s)
{
	struct errand *e;

	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->errands)) {
		e = TAILQ_FIRST(&s->errands);
		TAILQ_REMOVE(&s->errands, e, entry);
		access_forget(s->gw->access, e);
		if (e->rq)
			iq_reply(e->rq, NULL);
		errand_free(e);
	}
	free(s);
}
