#include "tests/thingsim/setup.h"

#include "common/mem.h"
#include "config/ini.h"
#include "tests/thingsim/schedule.h"
#include "tests/thingsim/setup_keys.h"
#include "tests/thingsim/tune.h"
#include "tests/thingsim/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is read so far. */
struct plan {
	struct plant *plant;
	struct tmpl_index index;
	struct notes notes;
};

static const struct schema schema = { setup_sections, SECTIONS };

void
setup_help(FILE *out)
{
	keys_help(setup_sections, SECTIONS, out);
	fputs("\nWHEN of a schedule: FROM..TO, as 10s..12s after the start; "
	      "every TIME for TIME;\nor chance N%, of each request.  FAULT, "
	      "with [times N] [on reads|on writes]:\n",
	    out);
	fault_help(out);
}

/* get_template returns the template of that id, loaded once, or NULL with a
 * note of what is wrong. */
static const struct tmpl *
get_template(struct plan *pl, const char *id, struct place at)
{
	struct plant *p = pl->plant;
	const char *path = tmpl_index_path(&pl->index, id);
	struct tmpl *t;

	for (size_t i = 0; i < p->n_templates; i++)
		if (strcmp(p->templates[i]->id, id) == 0)
			return p->templates[i];
	if (!path) {
		note_error(&pl->notes, at, "no template %s", id);
		return NULL;
	}
	if (tmpl_load(path, &t, pl->notes.out) != OK) {
		note_error(&pl->notes, at, "template %s is wrong", id);
		return NULL;
	}
	p->templates = mem_grow(p->templates, p->n_templates, &p->cap_templates,
	    sizeof(struct tmpl *));
	p->templates[p->n_templates++] = t;
	return t;
}

static void
setup_bus(struct plan *pl, struct ini_section *in)
{
	const struct section *s = &setup_sections[SECTION_BUS];
	struct bus_keys k = { 0 };
	size_t before = pl->notes.errors;
	struct bus *b;

	keys_init(s, &k);
	keys_fill(&schema, s, in, &k, SECRETS_FORM, &pl->notes);
	if (pl->notes.errors == before && !k.listen &&
	    strstr(setup_protos[k.type].name, "tcp"))
		note_error(
		    &pl->notes, ini_place(in, NULL), "listen is missing");
	if (pl->notes.errors == before) {
		b = plant_add_bus(pl->plant, in->id);
		b->proto = &setup_protos[k.type];
		b->listen = mem_strdup(k.listen);
		b->link = mem_strdup(k.link);
		b->limits = k.limits;
		tune_settle_bus(b);
	}
	keys_fini(s, &k);
}

/* tail returns what follows the prefix in the key, or NULL. */
static const char *
tail(const struct ini_item *i, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(i->key, prefix, len) == 0 ? i->key + len : NULL;
}

static enum err
set_item(struct unit *u, const struct ini_item *i, struct errbuf *eb)
{
	static const struct {
		const char *prefix;
		enum err (*set)(struct unit *u, const char *field,
		    const char *text, struct errbuf *eb);
	} kinds[] = {
		{ KEY_VALUE, unit_set },
		{ KEY_VARY, unit_vary },
		{ KEY_RAMP, unit_ramp },
	};
	struct rule *r;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const char *field = tail(i, kinds[k].prefix);

		if (field)
			return kinds[k].set(u, field, i->value, eb);
	}
	if (tail(i, KEY_SCHEDULE))
		return schedule_add(u->bus, u, i->value, &r, eb);
	return OK;
}

static void
setup_unit(struct unit *u, const struct unit_keys *k,
    const struct ini_section *in, struct notes *notes)
{
	struct errbuf eb = { "" };

	u->answer = mem_strdup(k->answer);
	u->vary_ns = k->vary_ms * 1000000;
	u->period_ns = k->period_ms * 1000000;
	u->limits = k->limits;
	tune_settle_unit(u);
	if (k->fault && fault_parse(k->fault, &u->fault, &eb) != OK)
		note_error(notes, ini_place(in, NULL), "%s", eb.text);
	for (size_t i = 0; i < in->n; i++)
		if (set_item(u, &in->items[i], &eb) != OK)
			note_error(
			    notes, ini_place(in, &in->items[i]), "%s", eb.text);
}

/* What a unit is and where. */
struct spot {
	const struct tmpl *tmpl;
	struct bus *bus;
	int address;
};

static void
add_unit(struct plan *pl, const char *name, const struct spot *sp,
    const struct unit_keys *k, const struct ini_section *in)
{
	struct place at = ini_place(in, NULL);
	struct unit *u;

	if (plant_unit(pl->plant, name) || plant_bus(pl->plant, name))
		note_error(&pl->notes, at, "the name %s is taken", name);
	if (sp->bus->proto->modbus && plant_at(sp->bus, sp->address))
		note_error(&pl->notes, at, "address %d is taken", sp->address);
	u = plant_add_unit(sp->bus, name, sp->tmpl, sp->address);
	setup_unit(u, k, in, &pl->notes);
}

static void
add_units(
    struct plan *pl, const struct unit_keys *k, const struct ini_section *in)
{
	struct place at = ini_place(in, NULL);
	struct spot sp = {
		.tmpl = get_template(pl, k->template_id, at),
		.bus = plant_bus(pl->plant, k->bus),
		.address = (int)k->address,
	};

	if (!sp.bus)
		note_error(&pl->notes, at, "no bus %s", k->bus);
	if (!sp.tmpl || !sp.bus)
		return;
	if ((sp.tmpl->kind == TMPL_MODBUS) != sp.bus->proto->modbus) {
		note_error(&pl->notes, at, "%s does not go on a %s bus",
		    sp.tmpl->id, sp.bus->proto->name);
		return;
	}
	if (k->count == 0)
		add_unit(pl, in->id, &sp, k, in);
	for (int64_t i = 1; i <= k->count; i++, sp.address++) {
		char *name = mem_printf("%s%" PRId64, in->id, i);

		add_unit(pl, name, &sp, k, in);
		free(name);
	}
}

static void
setup_units(struct plan *pl, const struct section *s, struct ini_section *in)
{
	struct unit_keys k = { 0 };
	size_t before = pl->notes.errors;

	keys_init(s, &k);
	keys_fill(&schema, s, in, &k, SECRETS_FORM, &pl->notes);
	if (pl->notes.errors == before)
		add_units(pl, &k, in);
	keys_fini(s, &k);
}

/* A bus's schedules are for its units too, which come later in the file. */
static void
setup_bus_schedules(struct plan *pl, const struct ini_section *in)
{
	struct bus *b = plant_bus(pl->plant, in->id);
	struct errbuf eb = { "" };
	struct rule *r;

	for (size_t i = 0; b && i < in->n; i++)
		if (tail(&in->items[i], KEY_SCHEDULE) &&
		    schedule_add(b, NULL, in->items[i].value, &r, &eb) != OK)
			note_error(&pl->notes, ini_place(in, &in->items[i]),
			    "%s", eb.text);
}

static void
setup_all(struct plan *pl, struct ini *ini)
{
	const struct section *bus = &setup_sections[SECTION_BUS];
	const struct section **kinds =
	    mem_array(ini->n, sizeof(struct section *));

	keys_match(&schema, ini, kinds, &pl->notes);
	for (size_t i = 0; i < ini->n; i++)
		if (kinds[i] == bus)
			setup_bus(pl, &ini->sections[i]);
	for (size_t i = 0; i < ini->n; i++)
		if (kinds[i] && kinds[i] != bus)
			setup_units(pl, kinds[i], &ini->sections[i]);
	for (size_t i = 0; i < ini->n; i++)
		if (kinds[i] == bus)
			setup_bus_schedules(pl, &ini->sections[i]);
	free(kinds);
}

enum err
setup_load(struct plant *p, const char *path, struct buf *out)
{
	struct plan pl = { .plant = p, .notes = { .out = out } };
	struct ini ini = { 0 };
	enum err e = ini_read_file(&ini, path, &pl.notes);

	if (e == OK) {
		tmpl_index_build(&pl.index, path);
		ini_repeats(&ini, &pl.notes);
		setup_all(&pl, &ini);
		tmpl_index_fini(&pl.index);
		e = pl.notes.errors ? ERR_CONFIG : OK;
	}
	ini_fini(&ini);
	return e;
}
