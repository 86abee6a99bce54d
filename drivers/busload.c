#include "drivers/busload.h"

#include "common/mem.h"
#include "drivers/plan.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIELD_CHARS = 8, /* that a field of a text device's answer takes */
	TEXT_DEVICE_US = 50000,
	SECOND_US = 1000000,
	MS_US = 1000,
};

static void
add_request(struct busload_node *n, struct busload_request r)
{
	n->requests =
	    mem_resize(n->requests, n->n_requests + 1, sizeof(*n->requests));
	n->requests[n->n_requests++] = r;
}

/* --- Modbus --- */

static void
add_plan(struct busload_node *n, const struct cfg_bus *bus,
    const struct plan_cost *cost, const struct plan *p, int64_t every_ms)
{
	for (size_t i = 0; i < p->n_blocks; i++) {
		const struct plan_block *b = &p->blocks[i];
		struct busload_request r = { .table = b->table,
			.addr = b->addr,
			.count = b->count,
			.fields = mem_array(b->n, sizeof(*r.fields)),
			.n_fields = b->n,
			.every_ms = every_ms,
			.bytes = plan_bytes(
			    (enum cfg_bus_type)bus->type, b->table, b->count),
			.us = plan_us(cost, b->table, b->count) };

		memcpy(
		    r.fields, &p->fields[b->first], b->n * sizeof(*r.fields));
		if (i == 0) /* the line goes over to this unit */
			r.us += bus->unit_gap_ms * MS_US;
		add_request(n, r);
	}
}

static bool
is_first_of_interval(const struct tmpl *t, size_t field, int64_t override)
{
	int64_t ms = tmpl_poll_ms(t, &t->fields[field], override);

	for (size_t i = 0; i < field; i++) {
		if (tmpl_poll_ms(t, &t->fields[i], override) == ms)
			return false;
	}
	return true;
}

static void
plan_modbus(struct busload_node *n, const struct cfg_bus *bus,
    const struct plan_cost *cost)
{
	const struct tmpl *t = n->node->tmpl;

	for (size_t i = 0; i < t->n_fields; i++) {
		int64_t override = n->node->poll_ms;
		int64_t ms = tmpl_poll_ms(t, &t->fields[i], override);
		struct plan p;

		if (!is_first_of_interval(t, i, override))
			continue;
		plan_build(t, ms, override, cost, NULL, &p);
		add_plan(n, bus, cost, &p, ms);
		plan_fini(&p);
	}
}

/* --- text --- */

static int64_t
fastest(const struct tmpl *t, int64_t override)
{
	int64_t min = 0;

	for (size_t i = 0; i < t->n_fields; i++) {
		int64_t ms = tmpl_poll_ms(t, &t->fields[i], override);

		if (ms > 0 && (min == 0 || ms < min))
			min = ms;
	}
	return min;
}

static int64_t
answer_bytes(const struct tmpl *t)
{
	int64_t guess = (int64_t)t->n_fields * FIELD_CHARS +
	    (int64_t)(t->frame.start.len + t->frame.end.len);

	if (t->frame.length > 0)
		return t->frame.length;
	return t->frame.max > 0 && guess > t->frame.max ? t->frame.max : guess;
}

static int64_t
char_us(const struct cfg_bus *bus)
{
	const struct serial_mode *m = &bus->serial;
	int64_t bits = 1 + m->bits + (m->parity != 'N') + m->stop;

	return m->baud > 0 && bus->port ? bits * SECOND_US / m->baud : 0;
}

static void
plan_text(struct busload_node *n, const struct cfg_bus *bus, int64_t rtt_us)
{
	const struct tmpl *t = n->node->tmpl;
	const struct frame *f = &t->frame;
	int64_t ask = (int64_t)f->request.len, answer = answer_bytes(t);
	int64_t delay = f->char_delay_ms;
	struct busload_request r = { .n_fields = t->n_fields };

	if (f->mode != FRAME_POLL)
		return;
	if (bus->char_delay_ms > 0)
		delay = bus->char_delay_ms;
	r.fields = mem_array(t->n_fields, sizeof(*r.fields));
	for (size_t i = 0; i < t->n_fields; i++)
		r.fields[i] = i;
	r.every_ms = fastest(t, n->node->poll_ms);
	r.bytes = ask + answer;
	r.us = r.bytes * char_us(bus) + TEXT_DEVICE_US +
	    (ask * delay + f->idle_ms) * MS_US;
	if (rtt_us > 0)
		r.us = rtt_us;
	r.us += (f->settle_ms + bus->unit_gap_ms) * MS_US;
	add_request(n, r);
}

/* --- buses --- */

static double
share(const struct busload_node *n)
{
	double percent = 0;

	for (size_t i = 0; i < n->n_requests; i++) {
		const struct busload_request *r = &n->requests[i];

		if (r->every_ms > 0)
			percent += (double)r->us / (double)r->every_ms / 10.0;
	}
	return percent;
}

/* What is left of a measured round trip without the bytes' own time. */
static struct plan_cost
cost_of(
    const struct busload_node *n, const struct cfg_bus *bus, int64_t device_us)
{
	struct plan_cost c = plan_cost_of(bus, n->node->tmpl->frame_gap_ms);

	if (device_us >= 0)
		c.device_us = device_us;
	return c;
}

static void
plan_nodes(const struct cfg *c, const struct cfg_bus *bus, int64_t rtt_us,
    int64_t device_us, struct busload *out)
{
	*out = (struct busload){ .bus = bus,
		.nodes = mem_array(c->n_nodes, sizeof(*out->nodes)) };
	for (size_t i = 0; i < c->n_nodes; i++) {
		struct busload_node *n = &out->nodes[out->n_nodes];
		struct plan_cost cost;

		if (c->nodes[i].on != bus || !c->nodes[i].enabled ||
		    !c->nodes[i].tmpl)
			continue;
		out->n_nodes++;
		n->node = &c->nodes[i];
		cost = cost_of(n, bus, device_us);
		if (n->node->tmpl->kind == TMPL_TEXT)
			plan_text(n, bus, rtt_us);
		else
			plan_modbus(n, bus, &cost);
		n->percent = share(n);
		out->percent += n->percent;
	}
}

/* The mean of the devices' own time, when the requests of this plan took
 * rtt_us in the mean. */
static int64_t
device_time(const struct busload *l, int64_t rtt_us)
{
	double often = 0, wire = 0;

	for (size_t i = 0; i < l->n_nodes; i++) {
		const struct busload_node *n = &l->nodes[i];
		struct plan_cost c = cost_of(n, l->bus, 0);

		for (size_t j = 0; j < n->n_requests; j++) {
			const struct busload_request *r = &n->requests[j];
			double rate =
			    r->every_ms > 0 ? 1.0 / (double)r->every_ms : 0;

			often += rate;
			wire += rate * (double)plan_us(&c, r->table, r->count);
		}
	}
	if (often > 0)
		rtt_us -= (int64_t)(wire / often);
	return rtt_us > 0 ? rtt_us : 0;
}

void
busload_of(const struct cfg *c, const struct cfg_bus *bus, int64_t rtt_us,
    struct busload *out)
{
	int64_t device_us;

	plan_nodes(c, bus, 0, -1, out);
	if (rtt_us <= 0)
		return;
	device_us = device_time(out, rtt_us);
	busload_fini(out);
	plan_nodes(c, bus, rtt_us, device_us, out);
}

void
busload_fini(struct busload *l)
{
	for (size_t i = 0; i < l->n_nodes; i++) {
		for (size_t j = 0; j < l->nodes[i].n_requests; j++)
			free(l->nodes[i].requests[j].fields);
		free(l->nodes[i].requests);
	}
	free(l->nodes);
	memset(l, 0, sizeof(*l));
}

static void
warn(const struct busload *l, struct buf *notes)
{
	buf_printf(notes,
	    "%s:%d: warning: [bus %s] its nodes need about %.0f %% of the "
	    "line's time, reckoned before anything was measured: poll slower, "
	    "raise the speed, or split the bus (thingbridge plan shows each "
	    "request, and what was measured)\n",
	    l->bus->file, l->bus->line, l->bus->name, l->percent);
}

size_t
busload_check(const struct cfg *c, struct buf *notes)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_buses; i++) {
		struct busload l;

		busload_of(c, &c->buses[i], 0, &l);
		if (l.percent > BUSLOAD_WARN) {
			warn(&l, notes);
			n++;
		}
		busload_fini(&l);
	}
	return n;
}
