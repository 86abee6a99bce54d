#include "gateway/cmd.h"

#include "config/value.h"
#include "gateway/plant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *
cmd_text(const struct call *c, const char *name)
{
	return json_string_value(json_object_get(c->rq, name));
}

bool
cmd_flag(const struct call *c, const char *name)
{
	return json_is_true(json_object_get(c->rq, name));
}

enum err
cmd_int(
    struct call *c, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(c->rq, name);

	if (!v || json_is_null(v))
		return OK;
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return errbuf_set(c->eb, ERR_RANGE,
		    "\"%s\" must be a number from %" PRId64 " to %" PRId64,
		    name, min, max);
	*out = json_integer_value(v);
	return OK;
}

enum { HINT = 96 };

static enum err
no_node(struct call *c, const char *id)
{
	const struct nodes *t = &c->gw->nodes;
	struct guess guess = { .word = id };
	char hint[HINT];

	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i]->cfg)
			guess_try(&guess, t->v[i]->id);
	}
	return errbuf_set(c->eb, ERR_NOTFOUND,
	    "there is no node \"%s\"%s; thingbridge nodes lists them", id,
	    guess_hint(&guess, hint, sizeof(hint)));
}

struct node *
cmd_node(struct call *c, const char *id)
{
	struct node *n = NULL;

	c->e = id ? nodes_by_id(&c->gw->nodes, id, &n) : ERR_RANGE;
	if (!id)
		errbuf_set(c->eb, c->e, "which node?  A node id is needed");
	else if (c->e == ERR_BUSY)
		errbuf_set(
		    c->eb, c->e, "several sources have a node \"%s\"", id);
	else if (c->e != OK)
		c->e = no_node(c, id);
	return c->e == OK ? n : NULL;
}

static enum err
no_line(struct call *c, const char *name)
{
	const struct cfg *cfg = c->gw->cfg;
	struct guess guess = { .word = name };
	char hint[HINT];

	for (size_t i = 0; i < cfg->n_buses; i++)
		guess_try(&guess, cfg->buses[i].name);
	return errbuf_set(c->eb, ERR_NOTFOUND,
	    "there is no bus \"%s\"%s; thingbridge status lists them", name,
	    guess_hint(&guess, hint, sizeof(hint)));
}

const struct cfg_bus *
cmd_line(struct call *c)
{
	const char *name = cmd_text(c, "bus");
	const struct cfg_bus *line =
	    name ? plant_line(c->gw->plant, name) : NULL;

	c->e = !name ? ERR_RANGE : line ? OK : ERR_NOTFOUND;
	if (!name)
		errbuf_set(c->eb, c->e, "which bus?  Its name is needed");
	else if (!line)
		c->e = no_line(c, name);
	return line;
}

const char *
cmd_who(const struct call *c, char out[CMD_WHO])
{
	snprintf(out, CMD_WHO, "uid %u (pid %d)", (unsigned)c->who->uid,
	    (int)c->who->pid);
	return out;
}

json_t *
cmd_text_or_null(const char *s)
{
	return s && s[0] ? json_string(s) : json_null();
}

json_t *
cmd_time_or_null(int64_t utc_ms)
{
	char at[CLOCK_TEXT];

	if (utc_ms == 0)
		return json_null();
	clock_format(utc_ms, at);
	return json_string(at);
}

const char *
cmd_serial_text(const struct serial_mode *m, char out[CMD_SERIAL])
{
	snprintf(
	    out, CMD_SERIAL, "%d %d%c%d", m->baud, m->bits, m->parity, m->stop);
	return out;
}

json_t *
cmd_serial(const struct cfg_bus *line)
{
	char mode[CMD_SERIAL];

	if (!line->port)
		return json_null();
	return json_string(cmd_serial_text(&line->serial, mode));
}

static const struct {
	const char *name;
	enum err (*run)(struct call *);
} commands[] = {
	{ "status", cmd_status },
	{ "nodes", cmd_nodes },
	{ "read", cmd_read },
	{ "meta", cmd_meta },
	{ "stickers", cmd_stickers },
	{ "reset", cmd_reset },
	{ "register", cmd_register },
	{ "unregister", cmd_unregister },
	{ "registry", cmd_registry },
	{ "reload", cmd_reload },
	{ "plan", cmd_plan },
	{ "ports", cmd_ports },
	{ "set", cmd_set },
	{ "scan", cmd_scan },
	{ "candidates", cmd_candidates },
	{ "probe", cmd_probe },
	{ "trace", cmd_trace },
	{ "backup", cmd_backup },
};

/* A member of the wrong type must not pass for one that is absent: "nodes": ID
 * would print the stickers of all. */
static enum err
check_types(struct call *c)
{
	static const struct {
		const char *name;
		json_type type; /* JSON_TRUE: any boolean */
	} members[] = {
		{ "cmd", JSON_STRING },
		{ "node", JSON_STRING },
		{ "kind", JSON_STRING },
		{ "nodes", JSON_ARRAY },
		{ "fields", JSON_ARRAY },
		{ "set", JSON_ARRAY },
		{ "unclaimed", JSON_TRUE },
		{ "secrets", JSON_TRUE },
		{ "printed", JSON_TRUE },
		{ "key_gens", JSON_ARRAY },
		{ "field", JSON_STRING },
		{ "value", JSON_STRING },
		{ "dry", JSON_TRUE },
		{ "bus", JSON_STRING },
		{ "address", JSON_INTEGER },
		{ "first", JSON_INTEGER },
		{ "last", JSON_INTEGER },
		{ "serial", JSON_ARRAY },
		{ "timeout_ms", JSON_INTEGER },
		{ "template", JSON_STRING },
		{ "where", JSON_STRING },
		{ "type", JSON_STRING },
		{ "file", JSON_STRING },
		{ "max", JSON_INTEGER },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *v = json_object_get(c->rq, members[i].name);

		if (!v || json_is_null(v) ||
		    json_typeof(v) == members[i].type ||
		    (members[i].type == JSON_TRUE && json_is_false(v)))
			continue;
		return errbuf_set(c->eb, ERR_RANGE,
		    "\"%s\" is not of the type it should be", members[i].name);
	}
	return OK;
}

enum err
command_run(struct gateway *gw, const struct caller *who, const json_t *request,
    const struct listener *to, struct outcome *out, struct errbuf *eb)
{
	struct call c = { gw, who, request, to, { NULL, NULL, NULL }, eb, OK };
	const char *cmd = cmd_text(&c, "cmd");

	if (check_types(&c) != OK)
		return ERR_RANGE;
	for (size_t i = 0; cmd && i < sizeof(commands) / sizeof(commands[0]);
	     i++) {
		enum err e;

		if (strcmp(cmd, commands[i].name) != 0)
			continue;
		e = commands[i].run(&c);
		if (e != OK) {
			json_decref(c.out.data);
			c.out.data = NULL;
		}
		*out = c.out;
		return e;
	}
	return errbuf_set(eb, ERR_UNSUP,
	    "this thingbridged does not know that command; are both programs "
	    "of one version?");
}
