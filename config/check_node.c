/* Nodes: their bus, address and template. */
#include "config/load.h"

#include "common/utf8.h"
#include "config/value.h"

#include <string.h>

enum { UNIT_RTU_MAX = 247, TEXT_MAX = 128, HINT_SIZE = 96 };

static const struct cfg_bus *
bus_of(struct load *l, const char *name, struct place at)
{
	struct guess g = { .word = name };
	char hint[HINT_SIZE];

	for (size_t i = 0; i < l->c->n_buses; i++) {
		if (strcmp(l->c->buses[i].name, name) == 0)
			return &l->c->buses[i];
	}
	for (size_t i = 0; i < l->c->n_buses; i++)
		guess_try(&g, l->c->buses[i].name);
	if (!l->ini.bad)
		note_error(&l->notes, at, "there is no [bus %s]%s", name,
		    guess_hint(&g, hint, sizeof(hint)));
	return NULL;
}

static struct ini_section *
place_of_bus(struct load *l, const struct cfg_bus *b)
{
	return l->bus_at[b - l->c->buses];
}

/* Text devices are on lines of their own kind; those that speak only when they
 * are asked may share one with Modbus devices. */
static bool
kind_fits(const struct cfg_bus *b, const struct tmpl *t)
{
	if (t->kind == TMPL_MODBUS)
		return b->type != BUS_SERIAL;
	return b->type == BUS_SERIAL ||
	    (b->type != BUS_MODBUS_TCP && t->frame.mode == FRAME_POLL);
}

static bool
check_kind(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	struct place at = ini_place(s, ini_find(s, "template"));
	const struct ini_section *bus = place_of_bus(l, n->on);
	bool text = n->tmpl->kind == TMPL_TEXT;

	if (!load_good(bus, "type") || kind_fits(n->on, n->tmpl))
		return true;
	if (text && n->on->type != BUS_MODBUS_TCP)
		note_error(&l->notes, at,
		    "the template %s speaks without being asked, and a bus of "
		    "type = %s is shared by devices that are asked",
		    n->tmpl->id, ini_find(bus, "type")->value);
	else
		note_error(&l->notes, at,
		    "the template %s is of kind %s, which a bus of type = %s "
		    "does not speak",
		    n->tmpl->id, text ? "text" : "modbus",
		    ini_find(bus, "type")->value);
	return false;
}

/* Takes the template's unit when the node names none. */
static void
check_address(struct load *l, struct cfg_node *n, const struct ini_section *s)
{
	struct ini_item *i = ini_find(s, "address");
	bool tcp = n->on->type == BUS_MODBUS_TCP;

	if ((i && i->bad) || s->bad ||
	    !load_good(place_of_bus(l, n->on), "type"))
		return;
	if (!load_good(s, "address")) {
		n->address = n->tmpl->unit;
		if (n->address ||
		    (n->tmpl->kind == TMPL_TEXT && !tmpl_has_address(n->tmpl)))
			return;
		note_error(&l->notes, ini_place(s, i),
		    "address is missing (%s)",
		    n->tmpl->kind == TMPL_TEXT
			? "the template sends the device's own, 0 if that is "
			  "what is set on it"
			: "the unit's address on the bus");
		n->address = NO_ADDRESS;
		return;
	}
	if (n->tmpl->kind == TMPL_TEXT || tcp ||
	    (n->address >= 1 && n->address <= UNIT_RTU_MAX))
		return;
	note_error(&l->notes, ini_place(s, i),
	    "address must be a number from 1 to 247 on a serial line, not "
	    "%lld",
	    (long long)n->address);
	n->address = NO_ADDRESS;
}

static void
check_texts(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	static const char *const keys[] = { "source", "cache", "name" };
	const char *const values[] = { n->source, n->cache, n->name };

	for (size_t i = 0; i < 3; i++)
		if (utf8_count(values[i]) > TEXT_MAX)
			note_error(&l->notes,
			    ini_place(s, ini_find(s, keys[i])),
			    "%s is longer than 128 characters", keys[i]);
}

static void
check_node(struct load *l, struct cfg_node *n, struct ini_section *s)
{
	const struct ini_item *bus = load_good(s, "bus");
	const struct ini_item *tmpl = load_good(s, "template");

	if (bus)
		n->on = bus_of(l, n->bus, ini_place(s, bus));
	if (tmpl)
		n->tmpl = load_template(l, n->template_id, ini_place(s, tmpl));
	if (n->on && n->tmpl && !check_kind(l, n, s))
		n->tmpl = NULL;
	if (n->tmpl)
		n->tmpl = load_changed(l, n, s);
	if (n->on && n->tmpl)
		check_address(l, n, s);
	check_texts(l, n, s);
	load_check_node_tags(l, n, s);
}

void
load_check_nodes(struct load *l)
{
	if (l->c->n_nodes)
		tmpl_index_build(&l->index, l->c->path);
	for (size_t i = 0; i < l->c->n_nodes; i++)
		check_node(l, &l->c->nodes[i], l->node_at[i]);
}
