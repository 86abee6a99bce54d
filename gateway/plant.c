#include "gateway/plant.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "gateway/gateway.h"
#include "gateway/meta.h"
#include "gateway/registrar.h"

#include <stdlib.h>
#include <string.h>

enum { MAILBOX_SIZE = 1024 };

struct run {
	struct drv_bus *bus;
	struct cfg_bus *line; /* in cfg */
	struct cfg *cfg;      /* the bus borrows its templates */
	char trouble[256];
	int64_t since_mono;
};

struct plant {
	struct gateway *gw;
	struct mailbox *box;
	uv_async_t arrived;
	struct run *runs;
	size_t n;
	struct cfg **old; /* configurations that running buses still use */
	size_t n_old;
};

static void
wake(void *arg)
{
	uv_async_send(arg);
}

static struct run *
run_of(struct plant *p, const struct drv_bus *bus)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->runs[i].bus == bus)
			return &p->runs[i];
	}
	return NULL;
}

static void
identity_may_be_known(struct gateway *gw, struct node *n)
{
	if (!n->frozen)
		registrar_wake(gw->registrar, n);
}

static void
readings(struct gateway *gw, struct node *n, const struct drv_event *ev)
{
	node_read(n, ev);
	if (n->n_follows &&
	    meta_follow(n, gw->cfg->registry.min_interval_ms, ev->mono_ms)) {
		enum err e =
		    registrar_event(gw->registrar, n, THING_TAGS_CHANGED);

		(void)e; /* only commands are refused */
	}
	identity_may_be_known(gw, n);
}

static void
unit_changed(struct node *n, const struct drv_event *ev)
{
	n->device = ev->state;
	n->trouble[0] = '\0';
	if (ev->state != UNIT_ONLINE)
		utf8_sanitize(
		    ev->text, strlen(ev->text), n->trouble, sizeof(n->trouble));
}

static void
line_changed(struct run *run, const struct drv_event *ev)
{
	run->trouble[0] = '\0';
	if (ev->kind == DRV_LINE_DOWN)
		utf8_sanitize(ev->text, strlen(ev->text), run->trouble,
		    sizeof(run->trouble));
}

static void
take(struct plant *p, const struct drv_event *ev)
{
	struct run *run = run_of(p, ev->bus);
	struct node *n;

	if (!run)
		return; /* of a bus that was stopped since */
	if (ev->kind == DRV_LINE_UP || ev->kind == DRV_LINE_DOWN) {
		line_changed(run, ev);
		return;
	}
	n = nodes_by_handle(&p->gw->nodes, ev->unit);
	if (!n || !n->cfg)
		return;
	if (ev->kind == DRV_READINGS) {
		readings(p->gw, n, ev);
	} else if (ev->kind == DRV_UNIT) {
		unit_changed(n, ev);
	} else {
		n->once_done = true;
		identity_may_be_known(p->gw, n);
	}
}

static void
arrived(uv_async_t *h)
{
	struct plant *p = h->data;
	struct drv_event *ev;

	while ((ev = mailbox_pop(p->box))) {
		take(p, ev);
		free(ev);
	}
}

struct plant *
plant_new(struct gateway *gw)
{
	struct plant *p = mem_zalloc(sizeof(*p));

	p->gw = gw;
	uv_async_init(&gw->loop, &p->arrived, arrived);
	p->arrived.data = p;
	p->box = mailbox_new(MAILBOX_SIZE, wake, &p->arrived);
	return p;
}

/* The enabled nodes of gw->cfg on a bus, as units.  Returns how many. */
static size_t
units_on(struct gateway *gw, const struct cfg_bus *line, struct drv_unit *out)
{
	size_t n = 0;

	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct node *node = gw->nodes.v[i];

		if (!node->cfg || node->cfg->on != line || !node->cfg->enabled)
			continue;
		out[n].handle = node->handle;
		out[n].name = node->id;
		out[n].address = (int)node->cfg->address;
		out[n].tmpl = node->cfg->tmpl;
		out[n].poll_ms = node->cfg->poll_ms;
		n++;
	}
	return n;
}

/* The sections of the enabled nodes of a configuration on one bus are the same
 * in both, in number, order and content. */
static bool
same_nodes(const struct cfg *a, const struct cfg_bus *on_a, const struct cfg *b,
    const struct cfg_bus *on_b)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		while (i < a->n_nodes &&
		    (a->nodes[i].on != on_a || !a->nodes[i].enabled))
			i++;
		while (k < b->n_nodes &&
		    (b->nodes[k].on != on_b || !b->nodes[k].enabled))
			k++;
		if (i == a->n_nodes || k == b->n_nodes)
			return i == a->n_nodes && k == b->n_nodes;
		if (strcmp(a->nodes[i].name_id, b->nodes[k].name_id) != 0 ||
		    strcmp(a->nodes[i].source, b->nodes[k].source) != 0 ||
		    strcmp(a->nodes[i].cache, b->nodes[k].cache) != 0 ||
		    !node_polled_alike(&a->nodes[i], &b->nodes[k]))
			return false;
	}
}

static struct cfg_bus *
line_named(const struct cfg *c, const char *name)
{
	for (size_t i = 0; i < c->n_buses; i++) {
		if (strcmp(c->buses[i].name, name) == 0)
			return &c->buses[i];
	}
	return NULL;
}

static bool
undisturbed(const struct run *run, const struct cfg *now)
{
	const struct cfg_bus *line = line_named(now, run->line->name);

	return line && cfg_bus_equal(run->line, line) &&
	    same_nodes(run->cfg, run->line, now, line);
}

/* Stops, all at once, what the configuration has changed. */
static void
stop_changed(struct plant *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (!undisturbed(&p->runs[i], p->gw->cfg))
			drv_bus_ask_stop(p->runs[i].bus);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (undisturbed(&p->runs[i], p->gw->cfg))
			p->runs[kept++] = p->runs[i];
		else
			drv_bus_stop(p->runs[i].bus);
	}
	p->n = kept;
}

static bool
running(const struct plant *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->runs[i].line->name, name) == 0)
			return true;
	}
	return false;
}

static void
start(struct plant *p, struct cfg_bus *line)
{
	struct gateway *gw = p->gw;
	struct drv_unit *units = mem_array(gw->nodes.n, sizeof(*units));
	size_t n = units_on(gw, line, units);
	struct run *run;

	p->runs = mem_resize(p->runs, p->n + 1, sizeof(*p->runs));
	run = &p->runs[p->n++];
	memset(run, 0, sizeof(*run));
	run->line = line;
	run->cfg = gw->cfg;
	run->since_mono = clock_mono(gw->clock);
	run->bus = drv_bus_start(line, units, n, p->box, gw->clock);
	free(units);
}

static void
free_unused(struct plant *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_old; i++) {
		bool used = false;

		for (size_t k = 0; k < p->n; k++)
			used |= p->runs[k].cfg == p->old[i];
		if (used)
			p->old[kept++] = p->old[i];
		else
			cfg_free(p->old[i]);
	}
	p->n_old = kept;
}

size_t
plant_apply(struct plant *p, struct cfg *old)
{
	struct cfg *c = p->gw->cfg;
	size_t started = 0;

	stop_changed(p);
	/* What stopped buses still had to say goes now: a bus started next may
	 * get the address of one of them, and its fields have other numbers. */
	arrived(&p->arrived);
	for (size_t i = 0; i < c->n_buses; i++) {
		if (running(p, c->buses[i].name))
			continue;
		start(p, &c->buses[i]);
		started++;
	}
	if (old) {
		p->old = mem_resize(p->old, p->n_old + 1, sizeof(*p->old));
		p->old[p->n_old++] = old;
	}
	free_unused(p);
	return started;
}

void
plant_stop(struct plant *p)
{
	for (size_t i = 0; i < p->n; i++)
		drv_bus_ask_stop(p->runs[i].bus);
	for (size_t i = 0; i < p->n; i++)
		drv_bus_stop(p->runs[i].bus);
	p->n = 0;
	free_unused(p);
	uv_close((uv_handle_t *)&p->arrived, NULL);
}

void
plant_free(struct plant *p)
{
	if (!p)
		return;
	mailbox_free(p->box, free);
	free(p->runs);
	free(p->old);
	free(p);
}

size_t
plant_count(const struct plant *p)
{
	return p->n;
}

void
plant_status(struct plant *p, size_t i, struct bus_status *out)
{
	struct run *run = &p->runs[i];
	int64_t up = clock_mono(p->gw->clock) - run->since_mono;

	drv_bus_stats(run->bus, &out->stats);
	out->name = run->line->name;
	out->trouble = run->trouble;
	out->load_percent =
	    up > 0 ? (unsigned)((int64_t)out->stats.busy_ms * 100 / up) : 0;
}
