/* Whether what is asked can be done: all of it, before anything is. */
#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/parameter.h"
#include "gateway/steer_impl.h"

#include <stdlib.h>
#include <string.h>

/* Its i-th node, or NULL when it has left the configuration. */
const struct node *
errand_node(const struct errand *e, size_t i)
{
	const struct node *n =
	    nodes_by_handle(&e->steer->gw->nodes, e->nodes[i].handle);

	return n && n->cfg ? n : NULL;
}

bool
errand_holds(const struct errand *e, size_t i, struct fault *f)
{
	const struct access *a = e->steer->gw->access;
	const struct target *was = &e->nodes[i];
	const struct node *n = errand_node(e, i);

	f->node = n ? n->id : NULL;
	f->param = NULL;
	if (!n) {
		f->condition = "item-not-found";
		errbuf_set(&f->text, ERR_NOTFOUND,
		    "the node was removed from the configuration");
		return false;
	}
	if (strcmp(n->thing.owner, was->owner) != 0 ||
	    access_standing(a, e->bare, n) < was->standing) {
		f->condition = "forbidden/cancel";
		errbuf_set(&f->text, ERR_REFUSED, "%s", steer_not_yours);
		return false;
	}
	f->condition = FAULT_LOCKED;
	if (was->standing < ACCESS_CONTROLLER && e->taken != access_taken(a)) {
		errbuf_set(&f->text, ERR_BUSY,
		    "who may control %s was changed meanwhile; try again",
		    n->id);
		return false;
	}
	if (n->unit == was->unit)
		return true;
	errbuf_set(&f->text, ERR_BUSY,
	    "%s was configured anew meanwhile; look at it, and try again",
	    n->id);
	return false;
}

/* What is asked for: the control itself, also by its pulse. */
char *
errand_control(const struct wish *w)
{
	size_t n = param_pulse(w->name);

	return mem_strndup(w->name, n ? n : strlen(w->name));
}

static const struct wish *
find_wish(const struct errand *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++) {
		if (strcmp(e->v[i].name, name) == 0)
			return &e->v[i];
	}
	return NULL;
}

/* What is wrong with a value. */
static void
blame(struct fault *f, const struct control *k, enum err err)
{
	char allowed[PARAM_ALLOWED];
	struct errbuf why = f->detail;

	f->condition = "bad-request";
	param_allowed(k, allowed);
	if (err == ERR_RANGE && *allowed && strcmp(f->param, k->f.name) == 0)
		errbuf_set(
		    &f->detail, err, "%.300s; allowed: %s", why.text, allowed);
	errbuf_set(&f->text, err, "%.100s: %.100s: %.300s", f->node, f->param,
	    f->detail.text);
}

/* How long it is set for, if that is in the request too. */
static bool
find_pulse(const struct errand *e, const struct control *k, int64_t *ms,
    struct fault *f)
{
	char *name = mem_printf("%s, pulse", k->f.name);
	const struct wish *w = find_wish(e, name);
	enum err err = OK;

	free(name);
	*ms = 0;
	if (!w)
		return true;
	f->param = w->name;
	if (w->type != CTL_DURATION && w->type != CTL_FORM)
		err = errbuf_set(
		    &f->detail, ERR_UNSUP, "Invalid parameter type.");
	else if (param_duration(w->text, ms) != OK)
		err = errbuf_set(&f->detail, ERR_PROTO,
		    "not a duration of days and less, as PT5S");
	if (err != OK)
		blame(f, k, err);
	return err == OK;
}

/* A value that a bus cannot take now, though nothing is wrong with it. */
static bool
check(const struct node *n, const struct setting_what *w, struct fault *f)
{
	enum err err =
	    setting_check(n, w->control, w->to, w->pulse_ms, &f->detail);

	if (err == OK)
		return true;
	blame(f, w->control, err);
	if (err == ERR_RANGE)
		return false;
	f->condition = err == ERR_BUSY ? FAULT_FAILED : "not-allowed";
	f->param = NULL;
	return false;
}

/* A time says nothing without the value that it is for. */
static bool
no_parameter(const struct node *n, const struct wish *w, struct fault *f)
{
	char *name = errand_control(w);
	const struct control *k = tmpl_find_control(n->cfg->tmpl, name);

	f->condition = "item-not-found";
	errbuf_set(&f->text, ERR_NOTFOUND,
	    "%.100s has no parameter \"%.200s\"; getForm lists them", n->id,
	    w->name);
	if (k && k->has_pulse) {
		f->param = w->name;
		errbuf_set(&f->detail, ERR_RANGE,
		    "a value of %.100s must be set with it", name);
		blame(f, k, ERR_PROTO);
	}
	free(name);
	return false;
}

/* What wish w means on node n. */
bool
errand_understand(const struct errand *e, const struct node *n,
    const struct wish *w, struct value *to, struct setting_what *out,
    struct fault *f)
{
	enum err err;

	*out = (struct setting_what){ .node = n, .to = to, .who = e->from };
	f->node = n->id;
	out->control = tmpl_find_control(n->cfg->tmpl, w->name);
	if (!out->control)
		return no_parameter(n, w, f);
	f->param = w->name;
	err = param_value(out->control, w->type, w->text, to, &f->detail);
	if (err != OK) {
		blame(f, out->control, err);
		return false;
	}
	return check(n, out, f) &&
	    find_pulse(e, out->control, &out->pulse_ms, f) &&
	    (out->pulse_ms == 0 || check(n, out, f));
}

bool
errand_is_pulse(const struct errand *e, const struct wish *w)
{
	char *name = errand_control(w);
	bool pulse = param_pulse(w->name) && find_wish(e, name);

	free(name);
	return pulse;
}

bool
errand_check(const struct errand *e, struct fault *f)
{
	struct gateway *gw = e->steer->gw;
	struct setting_what what;
	struct value to;

	for (size_t i = 0; i < e->n_nodes; i++) {
		if (!errand_holds(e, i, f))
			return false;
	}
	for (size_t i = 0; i < e->n_nodes * e->n; i++) {
		const struct wish *w = &e->v[i % e->n];

		if (!errand_is_pulse(e, w) &&
		    !errand_understand(
			e, errand_node(e, i / e->n), w, &to, &what, f))
			return false;
	}
	for (size_t i = 0; i < e->n_nodes; i++) {
		const struct node *n = errand_node(e, i);
		enum err err = setting_reach(gw, n, &f->text);

		f->node = n->id;
		f->param = NULL;
		f->condition =
		    err == ERR_TIMEOUT ? "remote-server-timeout" : FAULT_FAILED;
		if (err != OK)
			return false;
	}
	return true;
}
