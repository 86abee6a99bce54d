#include "tests/thingsim/plant.h"

#include "common/mem.h"
#include "tests/thingsim/chan.h"
#include "tests/thingsim/port.h"
#include "tests/thingsim/text.h"
#include "tests/thingsim/unit.h"

#include <stdlib.h>
#include <string.h>

struct plant *
plant_new(struct loop *l, uint64_t seed)
{
	struct plant *p = mem_zalloc(sizeof(*p));

	p->loop = l;
	p->seed = seed;
	p->start_us = loop_us();
	return p;
}

static void
bus_free(struct bus *b)
{
	port_close(b);
	chan_free_all(b);
	free(b->name);
	free(b->listen);
	free(b->link);
	free(b->units);
	free(b);
}

static void
unit_free(struct unit *u)
{
	image_fini(&u->image);
	for (size_t i = 0; u->texts && i < u->tmpl->n_fields; i++)
		free(u->texts[i]);
	free(u->texts);
	free(u->vary);
	free(u->answer);
	free(u->name);
	free(u);
}

void
plant_free(struct plant *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_buses; i++)
		bus_free(p->buses[i]);
	for (size_t i = 0; i < p->n_units; i++)
		unit_free(p->units[i]);
	for (size_t i = 0; i < p->n_templates; i++)
		tmpl_free(p->templates[i]);
	free(p->buses);
	free(p->units);
	free(p->templates);
	free(p);
}

struct bus *
plant_add_bus(struct plant *p, const char *name)
{
	struct bus *b = mem_zalloc(sizeof(*b));

	b->name = mem_strdup(name);
	b->fd = -1;
	b->plant = p;
	p->buses =
	    mem_grow(p->buses, p->n_buses, &p->cap_buses, sizeof(*p->buses));
	p->buses[p->n_buses++] = b;
	return b;
}

struct unit *
plant_add_unit(
    struct plant *p, const char *name, const struct tmpl *t, struct bus *b)
{
	struct unit *u = mem_zalloc(sizeof(*u));

	u->name = mem_strdup(name);
	u->bus = b;
	u->tmpl = t;
	u->vary = mem_array(t->n_fields, sizeof(*u->vary));
	if (t->kind == TMPL_MODBUS)
		image_init(&u->image, t);
	else
		u->texts = mem_array(t->n_fields, sizeof(*u->texts));
	unit_defaults(u);
	p->units =
	    mem_grow(p->units, p->n_units, &p->cap_units, sizeof(*p->units));
	p->units[p->n_units++] = u;
	b->units =
	    mem_grow(b->units, b->n_units, &b->cap_units, sizeof(*b->units));
	b->units[b->n_units++] = u;
	return u;
}

struct bus *
plant_bus(const struct plant *p, const char *name)
{
	for (size_t i = 0; i < p->n_buses; i++)
		if (strcmp(p->buses[i]->name, name) == 0)
			return p->buses[i];
	return NULL;
}

struct unit *
plant_unit(const struct plant *p, const char *name)
{
	for (size_t i = 0; i < p->n_units; i++)
		if (strcmp(p->units[i]->name, name) == 0)
			return p->units[i];
	return NULL;
}

struct unit *
plant_at(const struct bus *b, int address)
{
	for (size_t i = 0; i < b->n_units; i++)
		if (b->units[i]->address == address)
			return b->units[i];
	return NULL;
}

enum err
plant_start(struct plant *p, struct errbuf *eb)
{
	for (size_t i = 0; i < p->n_buses; i++) {
		enum err e = port_open(p->buses[i], eb);

		if (e != OK)
			return e;
	}
	for (size_t i = 0; i < p->n_units; i++)
		if (p->units[i]->tmpl->kind == TMPL_TEXT &&
		    p->units[i]->tmpl->frame.mode != FRAME_POLL)
			text_stream(p->units[i]);
	return OK;
}
