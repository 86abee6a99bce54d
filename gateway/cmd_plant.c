/* Commands: the configuration, and what it asks of the lines. */
#include "common/buf.h"
#include "common/mem.h"
#include "drivers/busload.h"
#include "drivers/line/ports.h"
#include "gateway/cmd.h"
#include "gateway/interpret.h"
#include "gateway/plant.h"

#include <math.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The errors among the notes, as many as there is room for; whole lines. */
static enum err
refuse_reload(struct call *c, enum err e, char *notes)
{
	enum { MORE = 64, ROOM = sizeof(c->eb->text) - MORE };
	struct buf b = { 0 };
	size_t left = 0;
	char *save = NULL;

	buf_puts(&b, "nothing was changed:");
	for (char *l = strtok_r(notes, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		if (!strstr(l, "error: ") && strstr(l, "warning: "))
			continue;
		if (left == 0 && b.len + 1 + strlen(l) < ROOM)
			buf_printf(&b, "\n%s", l);
		else
			left++;
	}
	if (left)
		buf_printf(
		    &b, "\nand %zu more; thingbridge check shows them", left);
	errbuf_set(c->eb, e, "%s", b.data);
	buf_fini(&b);
	return e;
}

enum err
cmd_reload(struct call *c)
{
	struct reload_counts done;
	struct buf notes = { 0 };
	json_t *a = json_array();
	enum err e = gateway_reload(c->gw, &notes, &done);
	char *text = buf_take(&notes), *save = NULL;

	if (e != OK) {
		refuse_reload(c, e, text);
		free(text);
		json_decref(a);
		return e;
	}
	for (char *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		json_array_append_new(a, json_string(l));
	free(text);
	c->out.data = json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "schema", 1, "added", (json_int_t)done.added, "changed",
	    (json_int_t)done.changed, "removed", (json_int_t)done.removed,
	    "buses_added", (json_int_t)done.buses.added, "buses",
	    (json_int_t)done.buses.reopened, "buses_removed",
	    (json_int_t)done.buses.removed, "notes", a);
	return OK;
}

/* plan */

static json_t *
request_json(const struct tmpl *t, const struct busload_request *q)
{
	bool modbus = q->count > 0;
	json_t *names = json_array();

	for (size_t i = 0; i < q->n_fields; i++)
		json_array_append_new(
		    names, json_string(t->fields[q->fields[i]].name));
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:f}", "table",
	    modbus ? json_string(interpret_table(q->table)) : json_null(),
	    "address", modbus ? json_integer(q->addr) : json_null(), "count",
	    modbus ? json_integer(q->count) : json_null(), "fields", names,
	    "every_ms", (json_int_t)q->every_ms, "bytes", (json_int_t)q->bytes,
	    "ms", (double)q->us / 1000);
}

static double
tenths(double percent)
{
	return round(percent * 10) / 10;
}

/* measured_ms 0: it is all guessed. */
static json_t *
load_json(const struct busload *load, const char *only, double guessed,
    double measured_ms)
{
	json_t *nodes = json_array();

	for (size_t i = 0; i < load->n_nodes; i++) {
		const struct busload_node *b = &load->nodes[i];
		json_t *requests;

		if (only && strcmp(b->node->name_id, only) != 0)
			continue;
		requests = json_array();
		for (size_t k = 0; k < b->n_requests; k++)
			json_array_append_new(requests,
			    request_json(b->node->tmpl, &b->requests[k]));
		json_array_append_new(nodes,
		    json_pack("{s:s, s:s, s:o, s:f}", "node", b->node->name_id,
			"template", b->node->template_id, "requests", requests,
			"load", tenths(b->percent)));
	}
	return json_pack("{s:s, s:f, s:f, s:o, s:o}", "bus", load->bus->name,
	    "load", tenths(load->percent), "guessed", tenths(guessed), "rtt_ms",
	    measured_ms > 0 ? json_real(measured_ms) : json_null(), "nodes",
	    nodes);
}

static json_t *
plan_json(struct gateway *gw, const struct bus_status *b, const char *only)
{
	struct busload guess = { 0 }, load = { 0 };
	int64_t rtt_us = (int64_t)b->stats.rtt_us;
	json_t *o;

	busload_of(gw->cfg, b->line, 0, &guess);
	busload_of(gw->cfg, b->line, rtt_us, &load);
	o = load_json(&load, only, guess.percent, (double)rtt_us / 1000);
	busload_fini(&load);
	busload_fini(&guess);
	return o;
}

enum err
cmd_plan(struct call *c)
{
	const char *only = cmd_text(c, "node");
	const struct node *one = NULL;
	json_t *a;

	if (only && !(one = cmd_node(c, only)))
		return c->e;
	a = json_array();
	for (size_t i = 0; i < plant_count(c->gw->plant); i++) {
		struct bus_status b;

		plant_status(c->gw->plant, i, &b);
		if (!one || one->cfg->on == b.line)
			json_array_append_new(a, plan_json(c->gw, &b, only));
	}
	c->out.data = json_pack("{s:i, s:o}", "schema", 1, "buses", a);
	return OK;
}

/* ports: looking through all processes takes a while, so a thread does it. */

struct looking {
	struct job job;
	uv_work_t work;
	struct gateway *gw;
	struct port_info *v;
	size_t n;
	bool dropped; /* nobody waits any more */
};

static void
look(uv_work_t *w)
{
	struct looking *l = w->data;

	l->v = ports_list(&l->n);
}

static const char *
bus_at(const struct gateway *gw, const char *path)
{
	const struct cfg *c = gw->cfg;

	for (size_t i = 0; i < c->n_buses; i++) {
		if (c->buses[i].port && ports_same(c->buses[i].port, path))
			return c->buses[i].name;
	}
	return NULL;
}

static json_t *
port_json(const struct gateway *gw, const struct port_info *p)
{
	const char *bus = bus_at(gw, p->path);
	char *hint = NULL;
	json_t *o;

	if (bus && p->ours && !p->hint)
		hint = mem_printf("in use by bus %s", bus);
	o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o}",
	    "path", p->path, "by_id", cmd_text_or_null(p->by_id), "by_path",
	    cmd_text_or_null(p->by_path), "adapter",
	    cmd_text_or_null(p->adapter), "ids", cmd_text_or_null(p->ids),
	    "bus", cmd_text_or_null(bus), "holder", cmd_text_or_null(p->holder),
	    "ours", p->ours, "access", p->access, "hint",
	    cmd_text_or_null(p->hint ? p->hint : hint));
	free(hint);
	return o;
}

/* The configured ports that this machine does not have now. */
static void
add_missing(json_t *a, const struct gateway *gw)
{
	const struct cfg *c = gw->cfg;

	for (size_t i = 0; i < c->n_buses; i++) {
		const struct cfg_bus *b = &c->buses[i];

		if (!b->port || access(b->port, F_OK) == 0)
			continue;
		json_array_append_new(a,
		    json_pack(
			"{s:s, s:n, s:n, s:n, s:n, s:s, s:n, s:b, s:b, s:s}",
			"path", b->port, "by_id", "by_path", "adapter", "ids",
			"bus", b->name, "holder", "ours", 0, "access", 0,
			"hint",
			"not there: is the adapter plugged in, and does it "
			"have this name?"));
	}
}

static void
looking_free(struct job *j)
{
	struct looking *l = (struct looking *)j;

	l->dropped = true; /* freed when the thread is through */
}

static void
looking_stop(struct job *j)
{
	(void)j; /* it does not take long */
}

static const struct job_ops looking_ops = { looking_stop, looking_free };

static void
looked(uv_work_t *w, int status)
{
	struct looking *l = w->data;
	json_t *a;

	(void)status;
	if (!l->dropped) {
		a = json_array();
		for (size_t i = 0; i < l->n; i++)
			json_array_append_new(a, port_json(l->gw, &l->v[i]));
		add_missing(a, l->gw);
		job_done(
		    &l->job, json_pack("{s:i, s:o}", "schema", 1, "ports", a));
	}
	ports_free(l->v, l->n);
	free(l);
}

enum err
cmd_ports(struct call *c)
{
	struct looking *l = mem_zalloc(sizeof(*l));

	l->job = (struct job){ &looking_ops, *c->to };
	l->gw = c->gw;
	l->work.data = l;
	uv_queue_work(&c->gw->loop, &l->work, look, looked);
	c->out.job = &l->job;
	return OK;
}
