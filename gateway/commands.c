#include "gateway/commands.h"

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "gateway/meta.h"
#include "gateway/plant.h"
#include "gateway/registrar.h"
#include "gateway/sticker.h"
#include "gateway/store.h"

#include <stdlib.h>
#include <string.h>

struct call {
	struct gateway *gw;
	const struct caller *who;
	const json_t *rq;
	json_t *data;
	struct errbuf *eb;
	enum err e; /* of find() */
};

static const char *
arg_text(const struct call *c, const char *name)
{
	return json_string_value(json_object_get(c->rq, name));
}

static bool
arg_flag(const struct call *c, const char *name)
{
	return json_is_true(json_object_get(c->rq, name));
}

/* Returns the node of that id, or NULL with c->e and the sentence set. */
static struct node *
find(struct call *c, const char *id)
{
	struct node *n = NULL;

	c->e = id ? nodes_by_id(&c->gw->nodes, id, &n) : ERR_RANGE;
	if (!id)
		errbuf_set(c->eb, c->e, "which node?  A node id is needed");
	else if (c->e == ERR_BUSY)
		errbuf_set(
		    c->eb, c->e, "several sources have a node \"%s\"", id);
	else if (c->e != OK)
		errbuf_set(c->eb, c->e,
		    "there is no node \"%s\"; thingbridge nodes lists them",
		    id);
	return c->e == OK ? n : NULL;
}

static json_t *
text_or_null(const char *s)
{
	return s && s[0] ? json_string(s) : json_null();
}

static const char *
xmpp_state(const struct gateway *gw)
{
	if (session_online(gw->session))
		return "online";
	return gw->offline_why[0] ? "offline" : "connecting";
}

/* status */

static void
count(json_t *o, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	json_object_set_new(o, name, json_integer(n + 1));
}

static json_t *
node_counts(const struct gateway *gw)
{
	json_t *claim = json_object(), *device = json_object();
	size_t total = 0;

	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct node *n = gw->nodes.v[i];

		if (!n->cfg)
			continue;
		total++;
		count(claim, claim_name(n->thing.claim));
		count(device, node_device(n));
	}
	return json_pack("{s:I, s:o, s:o}", "total", (json_int_t)total, "claim",
	    claim, "device", device);
}

static json_t *
bus_list(struct gateway *gw)
{
	json_t *a = json_array();

	for (size_t i = 0; i < plant_count(gw->plant); i++) {
		struct bus_status b;

		plant_status(gw->plant, i, &b);
		json_array_append_new(a,
		    json_pack("{s:s, s:b, s:o, s:i, s:I, s:I, s:I, s:I, s:I,"
			      " s:I, s:f}",
			"name", b.name, "up", b.stats.up, "trouble",
			text_or_null(b.trouble), "load", (int)b.load_percent,
			"requests", (json_int_t)b.stats.requests, "timeouts",
			(json_int_t)b.stats.timeouts, "crc",
			(json_int_t)b.stats.crc, "exceptions",
			(json_int_t)b.stats.exceptions, "late",
			(json_int_t)b.stats.late, "reconnects",
			(json_int_t)b.stats.reconnects, "rtt_ms",
			(double)b.stats.rtt_us / 1000));
	}
	return a;
}

static void
warn(json_t *a, const char *command, char *text)
{
	json_array_append_new(
	    a, json_pack("{s:s, s:s}", "text", text, "command", command));
	free(text);
}

static void
node_warning(json_t *a, const struct gateway *gw, const struct node *n)
{
	static const int64_t week_ms = INT64_C(7) * 86400 * 1000;
	int64_t printed = clock_utc(gw->clock) - n->printed_utc;
	char cmd[256];

	if (n->device == UNIT_OFFLINE) {
		snprintf(cmd, sizeof(cmd), "thingbridge nodes %s", n->id);
		warn(a, cmd,
		    mem_printf("%s: no answer from the device: %s", n->id,
			n->trouble));
	}
	if (n->thing.claim == CLAIM_REMOVED && !thing_has_owner(&n->thing)) {
		snprintf(cmd, sizeof(cmd), "thingbridge reset %s", n->id);
		warn(a, cmd, mem_printf("%s: not in the registry", n->id));
	}
	if (strcmp(node_sticker(n), "stale") == 0 &&
	    !thing_has_owner(&n->thing)) {
		snprintf(cmd, sizeof(cmd), "thingbridge stickers %s", n->id);
		warn(a, cmd,
		    mem_printf("%s: its KEY has changed since the sticker was "
			       "printed; print a new one",
			n->id));
	}
	if (strcmp(node_sticker(n), "printed") == 0 && printed > week_ms) {
		snprintf(cmd, sizeof(cmd), "thingbridge stickers %s", n->id);
		warn(a, cmd,
		    mem_printf("%s: its sticker was printed %d days ago, and "
			       "nobody has claimed it",
			n->id, (int)(printed / 86400000)));
	}
}

/* One line for all nodes that the registry refused: the cause is mostly one. */
static void
refusal_warning(json_t *a, const struct gateway *gw)
{
	const struct node *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < gw->nodes.n; i++) {
		if (gw->nodes.v[i]->duty.refusal[0] == '\0')
			continue;
		if (n++ == 0)
			first = gw->nodes.v[i];
	}
	if (n)
		warn(a, "thingbridge registry",
		    mem_printf("%s refused %zu %s (%s: %s); is it a Thing "
			       "Registry, and the right one?",
			registrar_jid(gw->registrar), n,
			n == 1 ? "node" : "nodes", first->id,
			first->duty.refusal));
}

static json_t *
warnings(struct gateway *gw)
{
	json_t *a = json_array();

	if (!session_online(gw->session) && gw->offline_why[0])
		warn(a, "thingbridge check", mem_strdup(gw->offline_why));
	else if (session_online(gw->session) &&
	    !registrar_reachable(gw->registrar))
		warn(a, "thingbridge registry",
		    mem_printf("the registry %s cannot be reached",
			registrar_jid(gw->registrar)));
	refusal_warning(a, gw);
	for (size_t i = 0; i < plant_count(gw->plant); i++) {
		struct bus_status b;

		plant_status(gw->plant, i, &b);
		if (b.trouble[0])
			warn(a, "thingbridge status",
			    strncmp(b.trouble, "bus ", 4) == 0
				? mem_strdup(b.trouble)
				: mem_printf("bus %s: %s", b.name, b.trouble));
	}
	for (size_t i = 0; i < gw->nodes.n; i++) {
		if (gw->nodes.v[i]->cfg)
			node_warning(a, gw, gw->nodes.v[i]);
	}
	return a;
}

static json_t *
registry_json(const struct gateway *gw)
{
	const char *jid = registrar_jid(gw->registrar);

	return json_pack("{s:s, s:s, s:b, s:b}", "jid", jid, "how",
	    "configured", "found", jid[0] != '\0', "online",
	    registrar_heard(gw->registrar));
}

static enum err
cmd_status(struct call *c)
{
	struct gateway *gw = c->gw;
	char read_at[CLOCK_TEXT];
	json_t *files = json_array();

	for (size_t i = 0; i < gw->cfg->n_files; i++)
		json_array_append_new(files, json_string(gw->cfg->files[i]));
	clock_format(gw->cfg_utc, read_at);
	c->data =
	    json_pack("{s:i, s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o, s:s, s:o}",
		"schema", 1, "jid", session_jid(gw->session), "xmpp",
		xmpp_state(gw), "tls", session_secured(gw->session), "server",
		session_server(gw->session), "registry", registry_json(gw),
		"nodes", node_counts(gw), "buses", bus_list(gw), "config",
		files, "config_read", read_at, "warnings", warnings(gw));
	return OK;
}

/* nodes */

static json_t *
node_json(const struct node *n)
{
	bool registered = n->thing.claim != CLAIM_NEW &&
	    n->thing.claim != CLAIM_REMOVED && n->thing.claim != CLAIM_GONE;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o,"
			 " s:b, s:s, s:I, s:o}",
	    "node", n->id, "source", n->source, "cache", n->cache, "name",
	    n->cfg->name, "template", n->cfg->tmpl->id, "bus", n->cfg->bus,
	    "address", (json_int_t)n->cfg->address, "device", node_device(n),
	    "claim", claim_name(n->thing.claim), "owner",
	    text_or_null(n->thing.owner), "registered", registered, "sticker",
	    node_sticker(n), "errors", (json_int_t)n->errors, "trouble",
	    text_or_null(n->trouble));
}

static enum err
cmd_nodes(struct call *c)
{
	const char *only = arg_text(c, "node");
	json_t *a = json_array();
	struct node *one = NULL;

	if (only && !(one = find(c, only))) {
		json_decref(a);
		return c->e;
	}
	for (size_t i = 0; i < c->gw->nodes.n; i++) {
		struct node *n = c->gw->nodes.v[i];

		if (n->cfg && (!one || n == one))
			json_array_append_new(a, node_json(n));
	}
	c->data = json_pack("{s:i, s:o}", "schema", 1, "nodes", a);
	return OK;
}

/* read */

static const char *
quality_name(enum quality q)
{
	switch (q) {
	case QUALITY_OK:
		return "ok";
	case QUALITY_STALE:
		return "stale";
	case QUALITY_ERROR:
		return "error";
	case QUALITY_MISSING:
		break;
	}
	return "missing";
}

static const char *
type_name(enum value_type t)
{
	static const char *const names[] = { "numeric", "boolean", "string",
		"enum" };

	return names[t];
}

static const char *
kind_name(enum field_kind k)
{
	static const char *const names[] = { "momentary", "counter", "status",
		"identity", "peak" };

	return names[k];
}

static json_t *
field_json(const struct call *c, const struct node *n, size_t i)
{
	const struct field *f = &n->cfg->tmpl->fields[i];
	const struct point *p = &n->points[i];
	enum quality q = node_quality(n, i, clock_mono(c->gw->clock));
	char text[VALUE_TEXT_SIZE], at[CLOCK_TEXT];
	json_t *o = json_pack("{s:s, s:n, s:s, s:n, s:s, s:n, s:s, s:o}",
	    "name", f->name, "value", "unit", f->unit, "type", "kind",
	    kind_name(f->kind), "at", "quality", quality_name(q), "error",
	    text_or_null(p->why));

	if (p->at_utc == 0)
		return o;
	clock_format(p->at_utc, at);
	json_object_set_new(o, "at", json_string(at));
	json_object_set_new(o, "type", json_string(type_name(p->value.type)));
	if (q == QUALITY_ERROR || q == QUALITY_MISSING)
		return o; /* what failed shows no value */
	value_text(&p->value, text);
	json_object_set_new(o, "value", json_string(text));
	return o;
}

static enum err
read_named(struct call *c, const struct node *n, const json_t *names, json_t *a)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *want = json_string_value(name);
		const struct field *f =
		    want ? tmpl_find(n->cfg->tmpl, want) : NULL;

		if (!f)
			return errbuf_set(c->eb, ERR_NOTFOUND,
			    "node %s has no field \"%s\"; thingbridge read %s "
			    "lists them",
			    n->id, want ? want : "", n->id);
		json_array_append_new(
		    a, field_json(c, n, (size_t)(f - n->cfg->tmpl->fields)));
	}
	return OK;
}

static enum err
cmd_read(struct call *c)
{
	const json_t *names = json_object_get(c->rq, "fields");
	struct node *n = find(c, arg_text(c, "node"));
	enum err e = OK;
	json_t *a;

	if (!n)
		return c->e;
	a = json_array();
	if (json_array_size(names))
		e = read_named(c, n, names, a);
	else
		for (size_t i = 0; i < n->cfg->tmpl->n_fields; i++)
			json_array_append_new(a, field_json(c, n, i));
	c->data = json_pack(
	    "{s:i, s:s, s:o}", "schema", 1, "node", n->id, "fields", a);
	return e;
}

/* meta */

static enum err
set_one(struct call *c, struct tags *t, const json_t *tag)
{
	const char *name = json_string_value(json_object_get(tag, "name"));
	const char *value = json_string_value(json_object_get(tag, "value"));
	bool num = json_is_true(json_object_get(tag, "num"));
	struct errbuf why;

	if (!name || !value)
		return errbuf_set(c->eb, ERR_RANGE, "a tag is NAME=VALUE");
	if (strcasecmp(name, "KEY") == 0 || meta_is_claim(name))
		return errbuf_set(c->eb, ERR_REFUSED,
		    "%s belongs to the claim and stands on the sticker; set "
		    "claim.%s in the configuration and reset the node",
		    name, name);
	if (tags_set(t, name, value, num && value[0], &why) != OK)
		return errbuf_set(c->eb, ERR_RANGE, "%s: %s", name, why.text);
	return OK;
}

static enum err
set_tags(struct call *c, struct node *n, const json_t *set)
{
	struct tags t = { 0 };
	enum err e = OK;
	json_t *tag;
	size_t i;

	tags_copy(&t, &n->meta);
	json_array_foreach(set, i, tag)
	{
		if (e == OK)
			e = set_one(c, &t, tag);
	}
	if (e != OK) {
		tags_fini(&t);
		return e;
	}
	tags_fini(&n->meta);
	n->meta = t;
	registrar_touch(c->gw->registrar, n);
	if (store_tags(c->gw->store, n, STORE_META) != OK)
		return errbuf_set(
		    c->eb, ERR_IO, "the state file cannot be written");
	return registrar_event(c->gw->registrar, n, THING_TAGS_CHANGED);
}

static const char *
tag_origin(const struct node *n, const char *name)
{
	if (tags_find(&n->meta, name))
		return "installer";
	for (size_t i = 0; i < n->n_follows; i++) {
		if (strcasecmp(n->follows[i].tag, name) == 0)
			return "field";
	}
	for (size_t i = 0; i < n->cfg->n_tags; i++) {
		if (strcasecmp(n->cfg->tags[i].name, name) == 0)
			return "config";
	}
	for (size_t i = 0; i < n->cfg->tmpl->n_tags; i++) {
		if (strcasecmp(n->cfg->tmpl->tags[i].name, name) == 0)
			return "template";
	}
	return strcmp(name, "CLASS") == 0 ? "template" : "config";
}

static void
append_tag(json_t *a, const struct tag *g, const char *from, bool acked)
{
	json_array_append_new(a,
	    json_pack("{s:s, s:s, s:b, s:s, s:b}", "name", g->name, "value",
		g->value, "num", g->num, "from", from, "acknowledged", acked));
}

static enum err
cmd_meta(struct call *c)
{
	const json_t *set = json_object_get(c->rq, "set");
	struct tags want = { 0 };
	struct node *n = find(c, arg_text(c, "node"));
	enum err e = OK;
	json_t *a;

	if (!n)
		return c->e;
	if (json_array_size(set))
		e = set_tags(c, n, set);
	if (e != OK)
		return e;
	a = json_array();
	for (size_t i = 0; i < n->claim.n; i++)
		append_tag(a, &n->claim.v[i], "claim",
		    n->thing.claim != CLAIM_NEW &&
			n->thing.claim != CLAIM_REMOVED);
	meta_wanted(n, c->gw->cfg, &want);
	for (size_t i = 0; i < want.n; i++) {
		const struct tag *was = tags_find(&n->acked, want.v[i].name);

		append_tag(a, &want.v[i], tag_origin(n, want.v[i].name),
		    was && tag_equal(was, &want.v[i]));
	}
	tags_fini(&want);
	c->data =
	    json_pack("{s:i, s:s, s:o}", "schema", 1, "node", n->id, "tags", a);
	return OK;
}

/* stickers */

static bool
chosen(const struct call *c, const struct node *n)
{
	const json_t *names = json_object_get(c->rq, "nodes");
	json_t *name;
	size_t i;

	if (!n->cfg)
		return false;
	if (arg_flag(c, "unclaimed") && n->thing.claim != CLAIM_NEW &&
	    n->thing.claim != CLAIM_UNCLAIMED)
		return false;
	if (json_array_size(names) == 0)
		return true;
	json_array_foreach(names, i, name)
	{
		if (strcmp(json_string_value(name), n->id) == 0)
			return true;
	}
	return false;
}

static enum err
check_names(struct call *c)
{
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(c->rq, "nodes"), i, name)
	{
		if (!find(c, json_string_value(name)))
			return c->e;
	}
	return OK;
}

static enum err
cmd_stickers(struct call *c)
{
	const char *kind = arg_text(c, "kind");
	bool asset = kind && strcmp(kind, "asset") == 0;
	bool secrets = arg_flag(c, "secrets") && !asset;
	enum err e = check_names(c);
	json_t *a;

	if (e != OK)
		return e;
	a = json_array();
	for (size_t i = 0; i < c->gw->nodes.n; i++) {
		struct node *n = c->gw->nodes.v[i];

		if (!chosen(c, n))
			continue;
		if (arg_flag(c, "printed") && !asset)
			sticker_printed(c->gw, n);
		json_array_append_new(
		    a, sticker_json(c->gw, n, secrets, asset));
	}
	if (secrets)
		log_info("sticker",
		    "claim texts of %zu nodes shown to uid %u "
		    "(pid %d)",
		    json_array_size(a), (unsigned)c->who->uid,
		    (int)c->who->pid);
	c->data = json_pack("{s:i, s:o}", "schema", 1, "stickers", a);
	return OK;
}

/* reset, register, unregister */

static enum err
claim_command(struct call *c, enum thing_event_kind kind, const char *refused)
{
	struct node *n = find(c, arg_text(c, "node"));

	if (!n)
		return c->e;
	log_info("claim", "node %s: %s by uid %u (pid %d)", n->id,
	    arg_text(c, "cmd"), (unsigned)c->who->uid, (int)c->who->pid);
	if (registrar_event(c->gw->registrar, n, kind) != OK)
		return errbuf_set(c->eb, ERR_REFUSED, "%s is %s: %s", n->id,
		    claim_name(n->thing.claim), refused);
	c->data = json_pack("{s:i, s:s, s:s}", "schema", 1, "node", n->id,
	    "claim", claim_name(n->thing.claim));
	return OK;
}

static enum err
cmd_reset(struct call *c)
{
	return claim_command(c, THING_CMD_RESET, "it cannot be reset");
}

static enum err
cmd_register(struct call *c)
{
	return claim_command(c, THING_CMD_REGISTER,
	    "whoever kept its sticker could claim it; use thingbridge reset, "
	    "which makes a new KEY");
}

static enum err
cmd_unregister(struct call *c)
{
	return claim_command(c, THING_CMD_UNREGISTER, "nothing to unregister");
}

static enum err
cmd_registry(struct call *c)
{
	c->data = registry_json(c->gw);
	json_object_set_new(c->data, "schema", json_integer(1));
	return OK;
}

static enum err
cmd_reload(struct call *c)
{
	struct reload_counts done;
	struct buf notes = { 0 };
	json_t *a = json_array();
	enum err e = gateway_reload(c->gw, &notes, &done);
	char *text = buf_take(&notes), *save = NULL;

	if (e != OK) {
		errbuf_set(c->eb, e, "nothing was changed:\n%s", text);
		free(text);
		json_decref(a);
		return e;
	}
	for (char *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		json_array_append_new(a, json_string(l));
	free(text);
	c->data = json_pack("{s:i, s:I, s:I, s:I, s:o}", "schema", 1, "added",
	    (json_int_t)done.added, "changed", (json_int_t)done.changed,
	    "removed", (json_int_t)done.removed, "notes", a);
	return OK;
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
    json_t **data, struct errbuf *eb)
{
	struct call c = { gw, who, request, NULL, eb, OK };
	const char *cmd = arg_text(&c, "cmd");

	if (check_types(&c) != OK)
		return ERR_RANGE;
	for (size_t i = 0; cmd && i < sizeof(commands) / sizeof(commands[0]);
	     i++) {
		enum err e;

		if (strcmp(cmd, commands[i].name) != 0)
			continue;
		e = commands[i].run(&c);
		if (e != OK) {
			json_decref(c.data);
			c.data = NULL;
		}
		*data = c.data;
		return e;
	}
	return errbuf_set(eb, ERR_UNSUP,
	    "this thingbridged does not know that command; are both programs "
	    "of one version?");
}
