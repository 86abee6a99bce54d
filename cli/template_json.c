#include "cli/template_json.h"

#include "common/buf.h"
#include "common/mem.h"
#include "config/ini.h"
#include "drivers/busload.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file's own words, which the parsed template no longer has. */
struct words {
	struct ini ini;
	struct buf unseen;
};

static void
words_open(struct words *w, const struct tmpl *t)
{
	struct notes notes = { .out = &w->unseen };

	/* It was read a moment ago; if it has gone, so have its words. */
	if (ini_read_file(&w->ini, t->file, &notes) != OK)
		ini_fini(&w->ini);
}

static void
words_close(struct words *w)
{
	ini_fini(&w->ini);
	buf_fini(&w->unseen);
}

/* A field's line, as the file has it. */
static const char *
line_of(const struct words *w, const char *section, const char *name)
{
	for (size_t i = 0; i < w->ini.n; i++) {
		const struct ini_item *item =
		    strcmp(w->ini.sections[i].name, section) == 0
		    ? ini_find(&w->ini.sections[i], name)
		    : NULL;

		if (item)
			return item->value;
	}
	return "";
}

/* next_word steps to the next word of a line and returns its length, 0: that
 * was the last. */
static size_t
next_word(const char **s)
{
	*s += strcspn(*s, " \t");
	*s += strspn(*s, " \t");
	return strcspn(*s, " \t");
}

static json_t *
word_or_null(const char *s, size_t len)
{
	return len ? json_stringn(s, len) : json_null();
}

/* What members of their own tell, up to a NULL, is left out. */
static bool
is_option(const char *word, size_t len, const char *const *told)
{
	if (!memchr(word, '=', len))
		return false;
	for (; *told; told++)
		if (strncmp(word, *told, strlen(*told)) == 0)
			return false;
	return true;
}

/* Adds where, type and options of a line to o; a text device's field may have
 * no type. */
static void
add_words(json_t *o, const char *line, const char *const *told)
{
	size_t len = strcspn(line, " \t");
	struct buf options = { 0 };

	json_object_set_new(o, "where", word_or_null(line, len));
	len = next_word(&line);
	json_object_set_new(
	    o, "type", word_or_null(line, memchr(line, '=', len) ? 0 : len));
	for (; len; len = next_word(&line))
		if (is_option(line, len, told))
			buf_printf(&options, "%s%.*s", options.len ? " " : "",
			    (int)len, line);
	json_object_set_new(
	    o, "options", word_or_null(options.data, options.len));
	buf_fini(&options);
}

static json_t *
number(bool has, struct num n)
{
	char text[NUM_TEXT];

	if (!has)
		return json_null();
	num_format(n, text);
	return json_string(text);
}

json_t *
template_json_fields(const struct tmpl *t)
{
	static const char *const kinds[] = {
		[KIND_MOMENTARY] = "momentary",
		[KIND_COUNTER] = "counter",
		[KIND_STATUS] = "status",
		[KIND_IDENTITY] = "identity",
		[KIND_PEAK] = "peak",
	};
	static const char *const told[] = { "unit=", "kind=", "poll=", NULL };
	struct words w = { .ini = { .n = 0 } };
	json_t *list = json_array();

	words_open(&w, t);
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "name", f->name,
		    "unit", f->unit, "kind", kinds[f->kind], "every_ms",
		    (json_int_t)tmpl_poll_ms(t, f, 0));

		add_words(o, line_of(&w, "field", f->name), told);
		json_array_append_new(list, o);
	}
	words_close(&w);
	return list;
}

json_t *
template_json_controls(const struct tmpl *t)
{
	static const char *const verifies[] = {
		[VERIFY_SAME] = "read back",
		[VERIFY_AT] = "read back elsewhere",
		[VERIFY_NONE] = "cannot be read back",
	};
	static const char *const told[] = {
		"unit=", "min=", "max=", "step=", "verify=", NULL
	};
	struct words w = { .ini = { .n = 0 } };
	json_t *list = json_array();

	words_open(&w, t);
	for (size_t i = 0; i < t->n_controls; i++) {
		const struct control *c = &t->controls[i];
		json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s}", "name",
		    c->f.name, "unit", c->f.unit, "min",
		    number(c->f.has_min, c->f.min), "max",
		    number(c->f.has_max, c->f.max), "step",
		    number(c->has_step, c->step), "verify",
		    verifies[c->verify]);

		add_words(o, line_of(&w, "control", c->f.name), told);
		json_array_append_new(list, o);
	}
	words_close(&w);
	return list;
}

json_t *
template_json_tags(const struct tmpl *t)
{
	json_t *o = json_object();

	for (size_t i = 0; i < t->n_tags; i++)
		json_object_set_new(
		    o, t->tags[i].name, json_string(t->tags[i].value));
	return o;
}

static json_t *
request_json(const struct tmpl *t, const struct busload_request *rq)
{
	static const char *const tables[] = {
		[MB_COIL] = "coil",
		[MB_DISCRETE] = "discrete",
		[MB_INPUT] = "input",
		[MB_HOLDING] = "holding",
	};
	bool modbus = t->kind == TMPL_MODBUS;
	json_t *names = json_array();

	for (size_t i = 0; i < rq->n_fields; i++)
		json_array_append_new(
		    names, json_string(t->fields[rq->fields[i]].name));
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:f}", "table",
	    modbus ? json_string(tables[rq->table]) : json_null(), "address",
	    modbus ? json_integer(rq->addr) : json_null(), "count",
	    modbus ? json_integer(rq->count) : json_null(), "fields", names,
	    "every_ms", (json_int_t)rq->every_ms, "bytes",
	    (json_int_t)rq->bytes, "ms", (double)rq->us / 1000);
}

json_t *
template_json_plan(const struct tmpl *t)
{
	static const struct serial_mode usual = { 9600, 8, 'N', 1 };
	char name[] = "test", serial[32];
	struct cfg_bus bus = {
		.name = name,
		.type = t->kind == TMPL_MODBUS ? BUS_MODBUS_RTU : BUS_SERIAL,
		.serial = t->serial.baud ? t->serial : usual,
	};
	struct cfg_node node = {
		.name_id = name,
		.bus = name,
		.address = 1,
		.name = name,
		.enabled = true,
		.tmpl = t,
		.on = &bus,
	};
	struct cfg cfg = {
		.buses = &bus, .n_buses = 1, .nodes = &node, .n_nodes = 1
	};
	struct busload load = { .n_nodes = 0 };
	json_t *requests = json_array();
	double percent;

	busload_of(&cfg, &bus, 0, &load);
	percent = load.percent;
	for (size_t i = 0; load.n_nodes && i < load.nodes[0].n_requests; i++)
		json_array_append_new(
		    requests, request_json(t, &load.nodes[0].requests[i]));
	busload_fini(&load);
	snprintf(serial, sizeof(serial), "%d %d%c%d", bus.serial.baud,
	    bus.serial.bits, bus.serial.parity, bus.serial.stop);
	return json_pack("{s:s, s:f, s:o}", "serial", serial, "load", percent,
	    "requests", requests);
}
