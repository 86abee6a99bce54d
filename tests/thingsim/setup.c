#include "tests/thingsim/setup.h"

#include "common/mem.h"
#include "config/ini.h"
#include "config/keys.h"
#include "tests/thingsim/text.h"
#include "tests/thingsim/unit.h"
#include "tests/thingsim/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a character on the line: start, eight bits, stop. */
enum { BITS_PER_BYTE = 10 };

static const struct proto protos[] = {
	{ "modbus-tcp", true, wire_tcp_input },
	{ "modbus-rtu", true, wire_rtu_input },
	{ "modbus-rtu-tcp", true, wire_rtu_input },
	{ "serial", false, text_input },
};

struct bus_keys {
	int type; /* index in protos */
	char *listen, *link;
	int64_t baud;
};

struct unit_keys {
	char *bus, *template_id, *answer, *fault;
	int64_t address, count, period_ms, vary_ms, max_read;
	int holes;
};
enum { HOLES_ZERO, HOLES_EXCEPTION };

#define BUS(member) offsetof(struct bus_keys, member)
#define UNIT(member) offsetof(struct unit_keys, member)

static const struct key bus_table[] = {
	{ .name = "type",
	    .type = KEY_ENUM,
	    .offset = BUS(type),
	    .words = "modbus-tcp|modbus-rtu|modbus-rtu-tcp|serial",
	    .required = true,
	    .help = "what is spoken; serial is text" },
	{ .name = "listen",
	    .type = KEY_TEXT,
	    .offset = BUS(listen),
	    .help = "ADDRESS:PORT of a TCP socket; port 0: any free one" },
	{ .name = "link",
	    .type = KEY_TEXT,
	    .offset = BUS(link),
	    .help = "without listen: where to put a link to the pty" },
	{ .name = "baud",
	    .type = KEY_INT,
	    .offset = BUS(baud),
	    .max = 4000000,
	    .help = "send no faster than this; 0: at once" },
	{ .name = NULL },
};

#define UNIT_KEYS                                                             \
	{ .name = "bus",                                                      \
		.type = KEY_TEXT,                                             \
		.offset = UNIT(bus),                                          \
		.required = true,                                             \
		.help = "the bus it is on" },                                 \
	    { .name = "template",                                             \
		    .type = KEY_TEXT,                                         \
		    .offset = UNIT(template_id),                              \
		    .required = true,                                         \
		    .help = "id of its device template" },                    \
	    { .name = "address",                                              \
		    .type = KEY_INT,                                          \
		    .offset = UNIT(address),                                  \
		    .def = "1",                                               \
		    .min = 0,                                                 \
		    .max = 255,                                               \
		    .help = "its address" },                                  \
	    { .name = "answer",                                               \
		    .type = KEY_TEXT,                                         \
		    .offset = UNIT(answer),                                   \
		    .help =                                                   \
			"text: what it says, %FIELD% replaced, %% for %" },   \
	    { .name = "period",                                               \
		    .type = KEY_DURATION,                                     \
		    .offset = UNIT(period_ms),                                \
		    .def = "1s",                                              \
		    .min = 10,                                                \
		    .max = 3600000,                                           \
		    .help = "text stream: between two messages" },            \
	    { .name = "vary_period",                                          \
		    .type = KEY_DURATION,                                     \
		    .offset = UNIT(vary_ms),                                  \
		    .def = "1s",                                              \
		    .min = 0,                                                 \
		    .max = 3600000,                                           \
		    .help = "between two values of vary.FIELD; 0: at each "   \
			    "request" },                                      \
	    { .name = "holes",                                                \
		    .type = KEY_ENUM,                                         \
		    .offset = UNIT(holes),                                    \
		    .def = "zero",                                            \
		    .words = "zero|exception",                                \
		    .help = "what it reads between its registers" },          \
	    { .name = "max_read",                                             \
		    .type = KEY_INT,                                          \
		    .offset = UNIT(max_read),                                 \
		    .def = "-1",                                              \
		    .min = -1,                                                \
		    .max = 125,                                               \
		    .help = "registers in a request; -1: the template's, 0: " \
			    "any" },                                          \
	{                                                                     \
		.name = "fault", .type = KEY_TEXT, .offset = UNIT(fault),     \
		.help = "wrong from the start, as in the control command"     \
	}

static const struct key unit_table[] = {
	UNIT_KEYS,
	{ .name = NULL },
};

static const struct key units_table[] = {
	UNIT_KEYS,
	{ .name = "count",
	    .type = KEY_INT,
	    .offset = UNIT(count),
	    .required = true,
	    .min = 1,
	    .max = 256,
	    .help = "how many, at addresses that follow one another" },
	{ .name = NULL },
};

#define VALUE "value."
#define VARY "vary."
#define WILD VALUE "|" VARY
#define WILD_HELP                                                            \
	"value.FIELD = what it has at first; vary.FIELD = MIN..MAX, within " \
	"which it moves"

static const struct section sections[] = {
	{ .name = "bus",
	    .named = true,
	    .keys = bus_table,
	    .size = sizeof(struct bus_keys),
	    .help = "A TCP endpoint or a serial line." },
	{ .name = "unit",
	    .named = true,
	    .keys = unit_table,
	    .wild = WILD,
	    .wild_help = WILD_HELP,
	    .size = sizeof(struct unit_keys),
	    .help = "A device." },
	{ .name = "units",
	    .named = true,
	    .keys = units_table,
	    .wild = WILD,
	    .wild_help = WILD_HELP,
	    .size = sizeof(struct unit_keys),
	    .help = "Many devices: NAME1, NAME2 ..." },
};
enum { SECTION_BUS, SECTION_UNIT, SECTION_UNITS, SECTIONS };

/* What is read so far. */
struct plan {
	struct plant *plant;
	struct tmpl_index index;
	struct notes notes;
};

static const struct schema schema = { sections, SECTIONS };

void
setup_help(FILE *out)
{
	keys_help(sections, SECTIONS, out);
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
	    sizeof(*p->templates));
	p->templates[p->n_templates++] = t;
	return t;
}

static void
setup_bus(struct plan *pl, struct ini_section *in)
{
	const struct section *s = &sections[SECTION_BUS];
	struct bus_keys k = { 0 };
	size_t before = pl->notes.errors;
	struct bus *b;

	keys_init(s, &k);
	keys_fill(&schema, s, in, &k, false, &pl->notes);
	if (pl->notes.errors == before && !k.listen &&
	    strstr(protos[k.type].name, "tcp"))
		note_error(
		    &pl->notes, ini_place(in, NULL), "listen is missing");
	if (pl->notes.errors == before) {
		b = plant_add_bus(pl->plant, in->id);
		b->proto = &protos[k.type];
		b->listen = mem_strdup(k.listen);
		b->link = mem_strdup(k.link);
		if (k.baud)
			b->us_per_byte =
			    INT64_C(1000000) * BITS_PER_BYTE / k.baud;
	}
	keys_fini(s, &k);
}

static void
set_item(struct unit *u, const struct ini_section *in, const struct ini_item *i,
    struct notes *notes)
{
	struct errbuf eb = { "" };
	enum err e = OK;

	if (strncmp(i->key, VALUE, strlen(VALUE)) == 0)
		e = unit_set(u, i->key + strlen(VALUE), i->value, &eb);
	else if (strncmp(i->key, VARY, strlen(VARY)) == 0)
		e = unit_vary(u, i->key + strlen(VARY), i->value, &eb);
	if (e != OK)
		note_error(notes, ini_place(in, i), "%s", eb.text);
}

static void
setup_unit(struct unit *u, const struct unit_keys *k,
    const struct ini_section *in, struct notes *notes)
{
	const char *answer = k->answer;
	struct errbuf eb = { "" };

	if (!answer && u->tmpl->kind == TMPL_TEXT)
		answer = text_answer_default(u->tmpl);
	if (!answer && u->tmpl->kind == TMPL_TEXT &&
	    u->tmpl->parse.format == PARSE_REGEX)
		note_error(notes, ini_place(in, NULL),
		    "answer is missing: a regex does not tell how to write");
	u->answer = mem_strdup(answer);
	u->vary_us = k->vary_ms * 1000;
	u->period_us = k->period_ms * 1000;
	u->strict_holes = k->holes == HOLES_EXCEPTION;
	u->max_read = k->max_read < 0 ? u->tmpl->max_read : k->max_read;
	if (k->fault && fault_parse(k->fault, &u->fault, &eb) != OK)
		note_error(notes, ini_place(in, NULL), "%s", eb.text);
	for (size_t i = 0; i < in->n; i++)
		set_item(u, in, &in->items[i], notes);
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
	u = plant_add_unit(pl->plant, name, sp->tmpl, sp->bus);
	u->address = sp->address;
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
	keys_fill(&schema, s, in, &k, false, &pl->notes);
	if (pl->notes.errors == before)
		add_units(pl, &k, in);
	keys_fini(s, &k);
}

static void
setup_all(struct plan *pl, struct ini *ini)
{
	const struct section **kinds = mem_array(ini->n, sizeof(*kinds));

	keys_match(&schema, ini, kinds, &pl->notes);
	for (size_t i = 0; i < ini->n; i++)
		if (kinds[i] == &sections[SECTION_BUS])
			setup_bus(pl, &ini->sections[i]);
	for (size_t i = 0; i < ini->n; i++)
		if (kinds[i] && kinds[i] != &sections[SECTION_BUS])
			setup_units(pl, kinds[i], &ini->sections[i]);
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
