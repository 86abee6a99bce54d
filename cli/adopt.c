#include "cli/adopt.h"

#include "cli/bridge.h"
#include "cli/say.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "config/tagrule.h"
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ID_MAX = 43, /* [node ID] has 48 bytes */
	SILENCE_MS = 120000,
	SHOWN = 8, /* readings */
};

void
adopt_fini(struct adopt *a)
{
	amend_fini(&a->amend);
	cfg_free(a->cfg);
	tmpl_free(a->tmpl);
	free(a->bus);
	free(a->template);
	free(a->serial);
	free(a->id);
	free(a->read_sn);
	free(a->sn);
}

bool
adopt_has_address(const struct adopt *a)
{
	return a->tmpl->kind == TMPL_MODBUS || tmpl_has_address(a->tmpl) ||
	    a->address;
}

/* The node's id. */

static bool
is_used(const struct cfg *cfg, const char *id)
{
	for (size_t i = 0; i < cfg->n_nodes; i++) {
		if (strcmp(cfg->nodes[i].name_id, id) == 0)
			return true;
	}
	return false;
}

/* Made of the template and the address; no other node of cfg has it.  Returns
 * owned. */
static char *
propose_id(const struct cfg *cfg, const char *template, int address)
{
	const char *dot = strrchr(template, '.');
	char stem[ID_MAX - 8], *id;
	int n = 0;

	for (const char *s = dot && dot[1] ? dot + 1 : template;
	     *s && n < (int)sizeof(stem) - 1; s++)
		stem[n++] = (char)(isalnum((unsigned char)*s)
			? tolower((unsigned char)*s)
			: '-');
	stem[n] = '\0';
	id = address ? mem_printf("%s-%d", stem, address)
		     : mem_printf("%s-1", stem);
	for (n = 2; is_used(cfg, id); n++) {
		free(id);
		id = address ? mem_printf("%s-%d-%d", stem, address, n)
			     : mem_printf("%s-%d", stem, n);
	}
	return id;
}

static int
choose_id(const struct call *c, struct adopt *a)
{
	const char *given = c->opt[ADOPT_ID];

	if (!given) {
		a->id = propose_id(a->cfg, a->template, (int)a->address);
		return EXIT_OK;
	}
	if (!isalnum((unsigned char)given[0]) || strlen(given) > ID_MAX ||
	    strpbrk(given, " \t\r\n/[];\"\\"))
		return verb_usage(c,
		    "\"%s\" can be no node id: one word of at most %d letters, "
		    "digits, '.', '_' and '-', as meter1",
		    given, ID_MAX);
	if (is_used(a->cfg, given))
		return say_exit(EXIT_REFUSED,
		    "there is a node %s already (thingbridge nodes %s); give "
		    "another --id",
		    given, given);
	a->id = mem_strdup(given);
	return EXIT_OK;
}

/* The place. */

static int
load_before(struct adopt *a)
{
	struct buf notes = { 0 };
	int code = EXIT_OK;

	if (cfg_load(a->amend.conf, false, &a->cfg, &notes) != OK)
		code = say_exit(EXIT_CONFIG,
		    "the configuration %s has errors, and would not be taken "
		    "with one more node; thingbridge check tells",
		    a->amend.conf);
	buf_fini(&notes);
	return code;
}

static int
load_template(struct adopt *a)
{
	struct tmpl_index ix = { 0 };
	struct buf errs = { 0 };
	struct guess guess = { .word = a->template };
	char hint[96];
	const char *path;
	int code = EXIT_OK;

	tmpl_index_build(&ix, a->amend.conf);
	path = tmpl_index_path(&ix, a->template);
	for (size_t i = 0; i < ix.n; i++)
		guess_try(&guess, ix.v[i].id);
	if (!path)
		code = say_exit(EXIT_NOTFOUND,
		    "there is no template \"%s\"%s; thingbridge templates "
		    "lists them",
		    a->template, guess_hint(&guess, hint, sizeof(hint)));
	else if (tmpl_load(path, &a->tmpl, &errs) != OK)
		code = say_exit(EXIT_CONFIG, "%.*s",
		    (int)strcspn(errs.data, "\n"), errs.data);
	buf_fini(&errs);
	tmpl_index_fini(&ix);
	return code;
}

static const struct cfg_bus *
find_bus(const struct adopt *a)
{
	struct guess guess = { .word = a->bus };
	char hint[96];

	for (size_t i = 0; i < a->cfg->n_buses; i++) {
		const struct cfg_bus *b = &a->cfg->buses[i];

		if (strcmp(b->name, a->bus) == 0)
			return b;
		guess_try(&guess, b->name);
	}
	say("there is no bus \"%s\"%s; thingbridge status lists them", a->bus,
	    guess_hint(&guess, hint, sizeof(hint)));
	return NULL;
}

/* Two devices that answer at once answer wrongly. */
static int
check_free(const struct adopt *a)
{
	for (size_t i = 0; i < a->cfg->n_nodes; i++) {
		const struct cfg_node *n = &a->cfg->nodes[i];

		if (strcmp(n->bus, a->bus) == 0 && n->address == a->address)
			return say_exit(EXIT_REFUSED,
			    "address %d on %s is that of node %s already "
			    "(thingbridge nodes %s); a second device there "
			    "must get another address first",
			    (int)a->address, a->bus, n->name_id, n->name_id);
	}
	return EXIT_OK;
}

/* A bus is spoken to at one speed, and one that says none takes that of its
 * first template. */
static int
check_speed(const struct adopt *a, const struct cfg_bus *bus)
{
	const struct serial_mode *own = &a->tmpl->serial;
	struct serial_mode answered = bus->serial, then = bus->serial;

	if (!bus->port)
		return EXIT_OK;
	if (*a->serial && serial_mode_parse(a->serial, &answered) != OK)
		return say_exit(
		    EXIT_FAILED, "\"%s\" is no serial setting", a->serial);
	if (!bus->serial_text && own->baud)
		then = *own;
	if (serial_mode_equal(&answered, &then))
		return EXIT_OK;
	return say_exit(EXIT_CONFIG,
	    "the device is spoken to at %d %d%c%d, and bus %s would be set to "
	    "%d %d%c%d; write  serial = %d %d%c%d  into its section (%s:%d), "
	    "thingbridge reload, and adopt it again",
	    answered.baud, answered.bits, answered.parity, answered.stop,
	    bus->name, then.baud, then.bits, then.parity, then.stop,
	    answered.baud, answered.bits, answered.parity, answered.stop,
	    bus->file, bus->line);
}

int
adopt_place(const struct call *c, struct adopt *a)
{
	const struct cfg_bus *bus;
	int code = load_before(a);

	if (code != EXIT_OK)
		return code;
	bus = find_bus(a);
	if (!bus)
		return EXIT_NOTFOUND;
	code = load_template(a);
	if (code == EXIT_OK && adopt_has_address(a))
		code = check_free(a);
	if (code == EXIT_OK)
		code = check_speed(a, bus);
	if (code == EXIT_OK)
		code = choose_id(c, a);
	return code;
}

/* The device. */

static bool
is_ok(const json_t *field)
{
	return strcmp(out_string(field, "quality"), "ok") == 0;
}

static const json_t *
find_field(const json_t *fields, const char *name)
{
	const json_t *f;
	size_t i;

	json_array_foreach(fields, i, f)
	{
		if (strcmp(out_string(f, "name"), name) == 0 && is_ok(f))
			return f;
	}
	return NULL;
}

/* What "@a,@b" reads, joined; NULL when one of them is not there. */
static char *
identity(const json_t *fields, const char *spec)
{
	char name[TAGRULE_FIELD];
	struct buf b = { 0 };

	while (tagrule_field(&spec, name)) {
		const json_t *f = find_field(fields, name);

		if (!f) {
			buf_fini(&b);
			return NULL;
		}
		buf_puts(&b, out_string(f, "value"));
	}
	return buf_take(&b);
}

static const char *
template_sn(const struct tmpl *t)
{
	for (size_t i = 0; i < t->n_tags; i++) {
		if (strcmp(t->tags[i].name, "SN") == 0)
			return t->tags[i].value;
	}
	return NULL;
}

static char *
ask_sn(void)
{
	char line[256];

	fprintf(stderr,
	    "its serial number cannot be read; what is on its plate? (empty: "
	    "none) ");
	if (!fgets(line, sizeof(line), stdin))
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return mem_strdup(line);
}

/* A template that reads it says so, and the gateway freezes what it read. */
static void
find_sn(const struct call *c, struct adopt *a, const json_t *fields)
{
	const char *spec = template_sn(a->tmpl);

	if (spec && spec[0] == '@')
		a->read_sn = identity(fields, spec);
	else if (spec)
		a->read_sn = mem_strdup(spec);
	if (c->opt[ADOPT_SN])
		a->sn = mem_strdup(c->opt[ADOPT_SN]);
	else if (!a->read_sn && !c->opt[ADOPT_YES])
		a->sn = ask_sn();
	if (bridge_mode(c) != OUT_TABLE)
		return;
	if (a->read_sn && !a->sn) {
		char *text = out_safe(a->read_sn);

		printf("SN %s (read from the device)\n", text);
		free(text);
	} else if (!a->sn || !*a->sn) {
		printf("SN none: its KEY alone will tell it from others\n");
	}
}

static const struct column shown[] = {
	{ .title = "FIELD", .member = "name" },
	{ .title = "VALUE", .member = "value", .right = true },
	{ .title = "UNIT", .member = "unit" },
	{ .title = NULL },
};

/* The first of what it measures, and how many there are. */
static size_t
show_readings(const struct call *c, const json_t *fields)
{
	json_t *rows = json_array(), *f;
	size_t i, good = 0;

	json_array_foreach(fields, i, f)
	{
		if (!is_ok(f))
			continue;
		good++;
		if (json_array_size(rows) < SHOWN &&
		    strcmp(out_string(f, "kind"), "identity") != 0)
			json_array_append(rows, f);
	}
	if (bridge_mode(c) == OUT_TABLE && good) {
		out_rows(OUT_TABLE, shown, rows);
		printf("%zu of %zu fields can be read\n", good,
		    json_array_size(fields));
	}
	json_decref(rows);
	return good;
}

static int
say_silent(const struct adopt *a, const json_t *d)
{
	const char *result = out_string(d, "result");
	const char *hint = out_string(d, "hint");

	if (strncmp(result, "exception", 9) == 0 || strcmp(result, "ok") == 0)
		return say_exit(EXIT_DEVICE,
		    "the device answers, but has none of what template %s "
		    "reads: it is of another model; thingbridge probe %s %d "
		    "tells more",
		    a->template, a->bus, (int)a->address);
	return say_exit(EXIT_DEVICE, "%s", *hint ? hint : result);
}

static int
probe(const struct call *c, struct adopt *a)
{
	struct daemon_call dc = { .silence_ms = SILENCE_MS };
	json_t *d;
	int code = bridge_tell(c, &dc,
	    json_pack("{s:s, s:s, s:I, s:s}", "cmd", "probe", "bus", a->bus,
		"address", (json_int_t)a->address, "template", a->template),
	    &d);

	if (code != EXIT_OK)
		return code;
	if (show_readings(c, json_object_get(d, "fields")))
		find_sn(c, a, json_object_get(d, "fields"));
	else
		code = say_silent(a, d);
	json_decref(d);
	return code;
}

int
adopt_look(const struct call *c, struct adopt *a)
{
	int code = EXIT_OK;

	if (bridge_mode(c) == OUT_TABLE)
		printf("%s address %d as %s\n", a->bus, (int)a->address,
		    a->template);
	if (a->tmpl->kind == TMPL_TEXT && a->tmpl->frame.mode != FRAME_POLL) {
		say("devices of this kind speak by themselves, and cannot be "
		    "asked now; thingbridge read %s shows what comes",
		    a->id);
		find_sn(c, a, NULL);
	} else {
		code = probe(c, a);
	}
	fflush(stdout);
	return code;
}
