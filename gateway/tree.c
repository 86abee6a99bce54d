#include "gateway/tree.h"

#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char bus_prefix[] = "bus/";

static bool
sees(const struct view *v, const struct node *n)
{
	return n->cfg && *n->source && access_sees(v->gw->access, v->bare, n);
}

static bool
sees_in(const struct view *v, const struct node *n, const char *source)
{
	return strcmp(n->source, source) == 0 && sees(v, n);
}

void
tree_sources(const struct view *v, struct names *out)
{
	for (size_t i = 0; i < v->gw->nodes.n; i++) {
		const struct node *n = v->gw->nodes.v[i];

		if (!names_has(out, n->source) && sees(v, n))
			names_add(out, n->source);
	}
}

bool
tree_has_source(const struct view *v, const char *source)
{
	for (size_t i = 0; i < v->gw->nodes.n; i++) {
		if (sees_in(v, v->gw->nodes.v[i], source))
			return true;
	}
	return false;
}

static void
add(struct spots *out, struct node *n, const struct cfg_bus *bus,
    const char *source)
{
	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	out->v[out->n++] = (struct spot){ n, bus, source };
}

void
tree_children(const struct view *v, const struct spot *of, struct spots *out)
{
	for (size_t i = 0; !of->node && i < v->gw->nodes.n; i++) {
		struct node *n = v->gw->nodes.v[i];

		if (n->cfg && n->cfg->on == of->bus &&
		    sees_in(v, n, of->source))
			add(out, n, of->bus, n->source);
	}
}

/* In the order of the configuration, by one look at all nodes. */
void
tree_roots(const struct view *v, const char *source, struct spots *out)
{
	const struct cfg *c = v->gw->cfg;
	const char **of = mem_array(c->n_buses, sizeof(*of));

	for (size_t i = 0; i < v->gw->nodes.n; i++) {
		const struct node *n = v->gw->nodes.v[i];

		if (n->cfg && !of[n->cfg->on - c->buses] &&
		    sees_in(v, n, source))
			of[n->cfg->on - c->buses] = n->source;
	}
	for (size_t i = 0; i < c->n_buses; i++) {
		if (of[i])
			add(out, NULL, &c->buses[i], of[i]);
	}
	free(of);
}

static int
by_bus(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;
	uint32_t xh = x->node ? x->node->handle : 0;
	uint32_t yh = y->node ? y->node->handle : 0;

	if (x->bus != y->bus)
		return x->bus < y->bus ? -1 : 1;
	return (xh > yh) - (xh < yh);
}

void
tree_all(const struct view *v, const char *source, struct spots *out)
{
	tree_roots(v, source, out);
	for (size_t i = 0; i < v->gw->nodes.n; i++) {
		struct node *n = v->gw->nodes.v[i];

		if (sees_in(v, n, source))
			add(out, n, n->cfg->on, n->source);
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_bus);
}

static bool
find_bus(const struct view *v, const char *name, const struct node_ref *ref,
    struct spot *out)
{
	for (size_t i = 0; i < v->gw->nodes.n; i++) {
		const struct node *n = v->gw->nodes.v[i];

		if (!n->cfg || strcmp(n->cfg->bus, name) != 0 ||
		    !sees_in(v, n, ref->source))
			continue;
		*out = (struct spot){ NULL, n->cfg->on, n->source };
		return true;
	}
	return false;
}

bool
tree_find(const struct view *v, const struct node_ref *ref, struct spot *out)
{
	size_t prefix = sizeof(bus_prefix) - 1;
	struct node *n;

	if (strncmp(ref->node, bus_prefix, prefix) == 0)
		return !*ref->cache &&
		    find_bus(v, ref->node + prefix, ref, out);
	n = nodes_by_ref(&v->gw->nodes, ref);
	if (!n || !sees(v, n))
		return false;
	*out = (struct spot){ n, n->cfg->on, n->source };
	return true;
}

void
tree_bus_id(const struct cfg_bus *bus, char out[TREE_BUS_ID])
{
	snprintf(out, TREE_BUS_ID, "%s%s", bus_prefix, bus->name);
}

const char *
tree_type(const struct spot *s)
{
	static const char *const types[] = {
		[BUS_MODBUS_TCP] = "Modbus.TcpGateway",
		[BUS_MODBUS_RTU] = "Modbus.Rtu",
		[BUS_MODBUS_RTU_TCP] = "Modbus.RtuOverTcp",
		[BUS_SERIAL] = "Serial.Port",
	};

	if (!s->node)
		return types[s->bus->type];
	return s->bus->type == BUS_SERIAL ? "Serial.Device" : "Modbus.Unit";
}

const char *
tree_base(const struct spot *s)
{
	return s->node ? "Unit" : "Bus";
}

size_t
tree_wrong(const struct node *n, size_t *first)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n->n_points; i++) {
		if (n->points[i].quality == QUALITY_ERROR && wrong++ == 0)
			*first = i;
	}
	return wrong;
}

enum conc_state
tree_state(const struct node *n)
{
	size_t first;

	if (!n->cfg)
		return CONC_STATE_NONE;
	if (!n->cfg->enabled)
		return CONC_STATE_INFORMATION;
	if (n->device == UNIT_OFFLINE)
		return CONC_STATE_ERROR_UNSIGNED;
	return tree_wrong(n, &first) ? CONC_STATE_WARNING_UNSIGNED
				     : CONC_STATE_NONE;
}

enum conc_state
tree_sign(enum conc_state s)
{
	if (s == CONC_STATE_WARNING_UNSIGNED)
		return CONC_STATE_WARNING_SIGNED;
	return s == CONC_STATE_ERROR_UNSIGNED ? CONC_STATE_ERROR_SIGNED : s;
}

enum conc_state
tree_unsign(enum conc_state s)
{
	if (s == CONC_STATE_WARNING_SIGNED)
		return CONC_STATE_WARNING_UNSIGNED;
	return s == CONC_STATE_ERROR_SIGNED ? CONC_STATE_ERROR_UNSIGNED : s;
}
