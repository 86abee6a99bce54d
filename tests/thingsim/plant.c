#include "tests/thingsim/plant.h"

#include "common/mem.h"
#include "tests/thingsim/chan.h"
#include "tests/thingsim/port.h"
#include "tests/thingsim/reqlog.h"
#include "tests/thingsim/schedule.h"
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
	free(b->slave);
	free(b->units);
	free(b);
}

static void
unit_free(struct unit *u)
{
	timer_stop(u->bus->plant->loop, &u->noise);
	timer_stop(u->bus->plant->loop, &u->stream);
	unit_fini(u);
	buf_fini(&u->held);
	free(u->rules);
	free(u->answer);
	free(u->name);
	free(u);
}

void
plant_free(struct plant *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_rules; i++)
		schedule_free(p->rules[i]);
	for (size_t i = 0; i < p->n_units; i++)
		unit_free(p->units[i]);
	for (size_t i = 0; i < p->n_buses; i++)
		bus_free(p->buses[i]);
	for (size_t i = 0; i < p->n_templates; i++)
		tmpl_free(p->templates[i]);
	reqlog_free_all(p);
	free(p->rules);
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
	    mem_grow(p->buses, p->n_buses, &p->cap_buses, sizeof(struct bus *));
	p->buses[p->n_buses++] = b;
	return b;
}

struct unit *
plant_add_unit(
    struct bus *b, const char *name, const struct tmpl *t, int address)
{
	struct plant *p = b->plant;
	struct unit *u = mem_zalloc(sizeof(*u));

	u->name = mem_strdup(name);
	u->bus = b;
	u->tmpl = t;
	u->address = address;
	unit_init(u);
	p->units = mem_grow(
	    p->units, p->n_units, &p->cap_units, sizeof(struct unit *));
	p->units[p->n_units++] = u;
	b->units = mem_grow(
	    b->units, b->n_units, &b->cap_units, sizeof(struct unit *));
	b->units[b->n_units++] = u;
	if (address >= 0 && address < ADDRESSES && !b->at[address])
		b->at[address] = u;
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
	return address >= 0 && address < ADDRESSES ? b->at[address] : NULL;
}

enum err
plant_start(struct plant *p, struct errbuf *eb)
{
	for (size_t i = 0; i < p->n_buses; i++) {
		enum err e = port_open(p->buses[i], eb);

		if (e != OK)
			return e;
	}
	for (size_t i = 0; i < p->n_units; i++) {
		struct unit *u = p->units[i];

		unit_keep(u);
		if (u->tmpl->kind == TMPL_TEXT &&
		    u->tmpl->frame.mode != FRAME_POLL)
			text_stream(u);
	}
	for (size_t i = 0; i < p->n_rules; i++)
		schedule_begin(p->rules[i]);
	return OK;
}

/* splitmix64's mixing. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

uint64_t
plant_random(const struct plant *p, const char *name, uint64_t n)
{
	uint64_t x = mix(p->seed);

	for (const char *c = name; *c; c++)
		x = mix(x ^ (unsigned char)*c);
	return mix(x ^ mix(n));
}
