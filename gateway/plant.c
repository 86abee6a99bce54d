#include "gateway/plant.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "drivers/busload.h"
#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "gateway/keeper.h"
#include "gateway/learned.h"
#include "gateway/meta.h"
#include "gateway/readout.h"
#include "gateway/registrar.h"
#include "gateway/tell.h"
#include "gateway/watch.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAILBOX_SIZE = 8192,
	/* Taken in one turn of the loop, so that others have theirs. */
	TURN_EVENTS = 256,
	/* Many buses start one after the other, within a second. */
	START_SLICES = 50,
	START_PAUSE_MS = 20,
	START_AT_ONCE = 20,
};

/* Configurations are numbered as they come: a bus that has said that it uses
 * number n uses none before it. */
struct run {
	struct drv_bus *bus;  /* NULL: not started yet */
	struct cfg_bus *line; /* in gw->cfg */
	unsigned wants;       /* the configuration it should have */
	unsigned sent;        /* the last that it was given */
	unsigned has;         /* all before it are free */
	int planned;          /* percent of its time */
	char trouble[256];
	int64_t since_mono;
};

struct old_cfg {
	struct cfg *cfg;
	unsigned number;
};

/* What the buses call a node.  A node whose polling changes gets a new name, so
 * that what its bus has said of it before is not taken for its values. */
struct unit_name {
	uint32_t unit, handle;
};

struct plant {
	struct gateway *gw;
	struct mailbox *box;
	uv_async_t arrived;
	uv_timer_t starter;
	struct run *runs;
	size_t n;
	unsigned number; /* of gw->cfg */
	struct old_cfg *old;
	size_t n_old;
	struct unit_name *names; /* in order of unit */
	size_t n_names;
	uint32_t last_unit;
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

static struct run *
run_named(const struct plant *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->runs[i].line->name, name) == 0)
			return &p->runs[i];
	}
	return NULL;
}

struct drv_bus *
plant_bus(const struct plant *p, const char *name)
{
	const struct run *run = run_named(p, name);

	return run ? run->bus : NULL;
}

const struct cfg_bus *
plant_line(const struct plant *p, const char *name)
{
	const struct run *run = run_named(p, name);

	return run ? run->line : NULL;
}

const char *
plant_down(struct plant *p, const struct cfg_bus *line)
{
	for (size_t i = 0; i < p->n; i++) {
		struct bus_status b;

		if (p->runs[i].line != line)
			continue;
		plant_status(p, i, &b);
		return b.stats.up ? "" : b.trouble;
	}
	return "";
}

/* What the buses say. */

static int
by_unit(const void *a, const void *b)
{
	const struct unit_name *x = a, *y = b;

	return (x->unit > y->unit) - (x->unit < y->unit);
}

static struct node *
node_of(struct plant *p, uint32_t unit)
{
	const struct unit_name key = { .unit = unit }, *found;
	struct node *n;

	if (p->n_names == 0)
		return NULL;
	found = bsearch(&key, p->names, p->n_names, sizeof(key), by_unit);
	n = found ? nodes_by_handle(&p->gw->nodes, found->handle) : NULL;
	return n && n->cfg && n->unit == unit ? n : NULL;
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
	keeper_readings(gw->keeper, n, ev);
	readout_news(gw->readout);
	n->counters = ev->counters;
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
	n->counters = ev->counters;
	node_unwell(n, ev->state == UNIT_ONLINE ? "" : ev->text);
}

static void
unit_said(struct plant *p, const struct drv_event *ev)
{
	struct node *n = node_of(p, ev->unit);

	if (!n)
		return; /* of before a reload */
	if (ev->kind == DRV_READINGS) {
		readings(p->gw, n, ev);
	} else if (ev->kind == DRV_UNIT) {
		unit_changed(n, ev);
		readout_news(p->gw->readout);
	} else if (ev->kind == DRV_LEARNED) {
		learned_take(p->gw, n, ev);
	} else {
		n->once_done = true;
		identity_may_be_known(p->gw, n);
	}
	tell_news(p->gw->tell, n);
}

static void
take(struct plant *p, const struct drv_event *ev)
{
	struct run *run;

	if (ev->kind == DRV_ANSWER) {
		ask_answer(p->gw->asks, ev);
		return;
	}
	run = run_of(p, ev->bus);
	if (!run)
		return; /* of a bus that was stopped since */
	switch (ev->kind) {
	case DRV_LINE_UP:
		run->trouble[0] = '\0';
		break;
	case DRV_LINE_DOWN:
		utf8_sanitize(ev->text, strlen(ev->text), run->trouble,
		    sizeof(run->trouble));
		break;
	case DRV_TRACE:
		watch_frame(p->gw->watches, run->line->name, ev);
		break;
	case DRV_READINGS:
	case DRV_UNIT:
	case DRV_ONCE_DONE:
	case DRV_LEARNED:
	case DRV_ANSWER:
		unit_said(p, ev);
		break;
	}
}

/* Returns whether more may be there. */
static bool
take_some(struct plant *p, unsigned most)
{
	while (most--) {
		struct drv_event *ev = mailbox_pop(p->box);

		if (!ev)
			return false;
		take(p, ev);
		drv_event_free(ev);
	}
	return true;
}

static void
arrived(uv_async_t *h)
{
	struct plant *p = h->data;

	if (take_some(p, TURN_EVENTS))
		uv_async_send(h);
}

/* Units. */

/* Gives each node whose polling has changed a new name for the buses. */
static void
name_units(struct plant *p)
{
	const struct nodes *t = &p->gw->nodes;

	free(p->names);
	p->names = mem_array(t->n, sizeof(*p->names));
	p->n_names = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct node *n = t->v[i];

		if (n->changed)
			n->unit = ++p->last_unit;
		n->changed = false;
		if (n->cfg)
			p->names[p->n_names++] =
			    (struct unit_name){ n->unit, n->handle };
	}
	if (p->n_names)
		qsort(p->names, p->n_names, sizeof(*p->names), by_unit);
}

struct units {
	struct drv_unit *v;
	size_t n;
	uint16_t **learned; /* one each */
};

/* The enabled nodes of gw->cfg on a bus. */
static void
units_on(struct gateway *gw, const struct cfg_bus *line, struct units *out)
{
	const struct nodes *t = &gw->nodes;
	size_t cap = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < t->n; i++)
		cap += t->v[i]->cfg && t->v[i]->cfg->on == line;
	out->v = mem_array(cap, sizeof(*out->v));
	out->learned = mem_array(cap, sizeof(*out->learned));
	for (size_t i = 0; i < t->n; i++) {
		const struct node *node = t->v[i];
		struct drv_unit *u = &out->v[out->n];

		if (!node->cfg || node->cfg->on != line || !node->cfg->enabled)
			continue;
		u->handle = node->unit;
		u->name = node->id;
		u->address = (int)node->cfg->address;
		u->tmpl = node->cfg->tmpl;
		u->poll_ms = node->cfg->poll_ms;
		u->learned = out->learned[out->n] =
		    learned_fields(node, &u->n_learned);
		out->n++;
	}
}

static void
units_fini(struct units *us)
{
	for (size_t i = 0; i < us->n; i++)
		free(us->learned[i]);
	free(us->learned);
	free(us->v);
}

/* Gives a running bus the units of gw->cfg, when it can take them. */
static void
give_units(struct plant *p, struct run *run)
{
	struct units us;

	units_on(p->gw, run->line, &us);
	if (drv_bus_apply(run->bus, us.v, us.n, NULL, 0) == OK)
		run->sent = run->wants;
	units_fini(&us);
}

/* Runs. */

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
same_line(const struct run *run, const struct cfg *now)
{
	const struct cfg_bus *line = line_named(now, run->line->name);

	return line && cfg_bus_equal(run->line, line);
}

/* Stops, all at once, the buses whose line is gone or another.  Returns how
 * many will begin again, and how many will not. */
static struct bus_counts
stop_changed(struct plant *p)
{
	struct gateway *gw = p->gw;
	struct drv_bus **gone = mem_array(p->n + 1, sizeof(struct drv_bus *));
	struct bus_counts counts = { 0 };
	size_t kept = 0, n_gone = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (same_line(&p->runs[i], gw->cfg))
			continue;
		if (line_named(gw->cfg, p->runs[i].line->name))
			counts.reopened++;
		else
			counts.removed++;
		if (p->runs[i].bus)
			drv_bus_ask_stop(p->runs[i].bus);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (same_line(&p->runs[i], gw->cfg))
			p->runs[kept++] = p->runs[i];
		else if (p->runs[i].bus)
			drv_bus_stop(gone[n_gone++] = p->runs[i].bus);
	}
	p->n = kept;
	/* What they still had to say goes now: a bus started next may get the
	 * address of one of them. */
	while (take_some(p, TURN_EVENTS))
		;
	for (size_t i = 0; i < n_gone; i++)
		ask_stopped(gw->asks, gone[i]);
	free(gone);
	return counts;
}

static void
start(struct plant *p, struct run *run)
{
	struct units us;

	units_on(p->gw, run->line, &us);
	run->since_mono = clock_mono(p->gw->clock);
	run->bus = drv_bus_start(run->line, us.v, us.n, p->box, p->gw->clock);
	run->sent = run->has = run->wants;
	units_fini(&us);
	watch_started(p->gw->watches, run->line->name, run->bus);
}

static void
start_some(uv_timer_t *h)
{
	struct plant *p = h->data;
	size_t most = p->n / START_SLICES + 1;
	size_t i = 0;

	if (p->n <= START_AT_ONCE)
		most = p->n;
	for (; i < p->n && most; i++) {
		if (p->runs[i].bus)
			continue;
		start(p, &p->runs[i]);
		most--;
	}
	if (i < p->n)
		uv_timer_start(h, start_some, START_PAUSE_MS, 0);
}

static void
add_run(struct plant *p, struct cfg_bus *line)
{
	struct run *run;

	p->runs = mem_resize(p->runs, p->n + 1, sizeof(*p->runs));
	run = &p->runs[p->n++];
	memset(run, 0, sizeof(*run));
	run->line = line;
}

static void
free_unused(struct plant *p)
{
	unsigned oldest = p->number;
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct run *run = &p->runs[i];

		if (run->bus && run->has != run->sent &&
		    drv_bus_applied(run->bus))
			run->has = run->sent;
		if (run->bus && run->has < oldest)
			oldest = run->has;
	}
	for (size_t i = 0; i < p->n_old; i++) {
		if (p->old[i].number >= oldest)
			p->old[kept++] = p->old[i];
		else
			cfg_free(p->old[i].cfg);
	}
	p->n_old = kept;
}

void
plant_tick(struct plant *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct run *run = &p->runs[i];

		if (run->bus && run->sent != run->wants)
			give_units(p, run);
	}
	free_unused(p);
}

static int
planned(const struct cfg *c, const struct cfg_bus *line)
{
	struct busload load = { 0 };
	double percent;

	busload_of(c, line, 0, &load);
	percent = load.percent;
	busload_fini(&load);
	return percent < 10000 ? (int)(percent + 0.5) : 10000;
}

static void
keep_old(struct plant *p, struct cfg *old)
{
	if (!old)
		return;
	p->old = mem_resize(p->old, p->n_old + 1, sizeof(*p->old));
	p->old[p->n_old++] = (struct old_cfg){ old, p->number };
}

struct bus_counts
plant_apply(struct plant *p, struct cfg *old)
{
	struct cfg *c = p->gw->cfg;
	struct bus_counts counts;

	keep_old(p, old);
	p->number++;
	counts = stop_changed(p);
	name_units(p);
	for (size_t i = 0; i < p->n; i++)
		p->runs[i].line = line_named(c, p->runs[i].line->name);
	for (size_t i = 0; i < c->n_buses; i++) {
		if (run_named(p, c->buses[i].name))
			continue;
		add_run(p, &c->buses[i]);
		counts.added++;
	}
	counts.added -= counts.reopened;
	for (size_t i = 0; i < p->n; i++) {
		p->runs[i].wants = p->number;
		p->runs[i].planned = planned(c, p->runs[i].line);
	}
	start_some(&p->starter);
	plant_tick(p);
	watch_check(p->gw->watches);
	return counts;
}

/* Begin and end. */

struct plant *
plant_new(struct gateway *gw)
{
	struct plant *p = mem_zalloc(sizeof(*p));

	p->gw = gw;
	uv_async_init(&gw->loop, &p->arrived, arrived);
	uv_timer_init(&gw->loop, &p->starter);
	p->arrived.data = p->starter.data = p;
	p->box = mailbox_new(MAILBOX_SIZE, wake, &p->arrived);
	return p;
}

void
plant_stop(struct plant *p)
{
	size_t n = p->n;

	for (size_t i = 0; i < n; i++) {
		if (p->runs[i].bus)
			drv_bus_ask_stop(p->runs[i].bus);
	}
	for (size_t i = 0; i < n; i++)
		drv_bus_stop(p->runs[i].bus);
	p->n = 0;
	for (size_t i = 0; i < n; i++)
		ask_stopped(p->gw->asks, p->runs[i].bus);
	free_unused(p);
	uv_close((uv_handle_t *)&p->arrived, NULL);
	uv_close((uv_handle_t *)&p->starter, NULL);
}

void
plant_free(struct plant *p)
{
	if (!p)
		return;
	mailbox_free(p->box, drv_event_free);
	free(p->runs);
	free(p->old);
	free(p->names);
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

	memset(out, 0, sizeof(*out));
	if (run->bus)
		drv_bus_stats(run->bus, &out->stats);
	out->line = run->line;
	out->trouble = run->trouble;
	out->planned_percent = run->planned;
	out->load_percent =
	    up > 0 ? (unsigned)((int64_t)out->stats.busy_ms * 100 / up) : 0;
}
