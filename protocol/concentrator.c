#include "protocol/concentrator.h"

#include "common/clock.h"
#include "protocol/stanza.h"
#include "protocol/xmltime.h"
#include "protocol/xmltype.h"

#include <stdio.h>
#include <string.h>

/* What a request carries besides its tokens. */
enum part {
	NODE = 1 << 0,   /* sourceId and nodeId; cacheType */
	SOURCE = 1 << 1, /* sourceId */
	NODES = 1 << 2,
	INFO = 1 << 3, /* parameters, messages */
	TYPES = 1 << 4,
	SORT = 1 << 5,
	EVENTS = 1 << 6,
	COMMAND = 1 << 7,
	FORM = 1 << 8,
	SET = 1 << 9, /* changes something */
};

static const struct cmd {
	const char *name;
	unsigned parts;
} cmds[CONC_CMDS] = {
	[CONC_GET_CAPABILITIES] = { "getCapabilities", 0 },
	[CONC_GET_ALL_DATA_SOURCES] = { "getAllDataSources", 0 },
	[CONC_GET_ROOT_DATA_SOURCES] = { "getRootDataSources", 0 },
	[CONC_GET_CHILD_DATA_SOURCES] = { "getChildDataSources", SOURCE },
	[CONC_CONTAINS_NODE] = { "containsNode", NODE },
	[CONC_CONTAINS_NODES] = { "containsNodes", NODES },
	[CONC_GET_NODE] = { "getNode", NODE | INFO },
	[CONC_GET_NODES] = { "getNodes", NODES | INFO },
	[CONC_GET_ALL_NODES] = { "getAllNodes", SOURCE | INFO | TYPES },
	[CONC_GET_NODE_INHERITANCE] = { "getNodeInheritance", NODE },
	[CONC_GET_ROOT_NODES] = { "getRootNodes", SOURCE | INFO },
	[CONC_GET_CHILD_NODES] = { "getChildNodes", NODE | INFO | SORT },
	[CONC_GET_ANCESTORS] = { "getAncestors", NODE | INFO },
	[CONC_SUBSCRIBE] = { "subscribe", SOURCE | INFO | EVENTS | SET },
	[CONC_UNSUBSCRIBE] = { "unsubscribe", SOURCE | EVENTS | SET },
	[CONC_GET_NODE_COMMANDS] = { "getNodeCommands", NODE },
	[CONC_GET_COMMAND_PARAMETERS] = { "getCommandParameters",
	    NODE | COMMAND },
	[CONC_EXECUTE_NODE_COMMAND] = { "executeNodeCommand",
	    NODE | COMMAND | FORM | SET },
	[CONC_OTHERS] = { "executeNodeQuery", SET },
	{ "abortNodeQuery", SET },
	{ "getCommonNodeCommands", 0 },
	{ "getCommonCommandParameters", 0 },
	{ "executeCommonNodeCommand", SET },
	{ "executeCommonNodeQuery", SET },
	{ "abortCommonNodeQuery", SET },
	{ "getNodeParametersForEdit", 0 },
	{ "setNodeParametersAfterEdit", SET },
	{ "getCommonNodeParametersForEdit", 0 },
	{ "setCommonNodeParametersAfterEdit", SET },
	{ "getAddableNodeTypes", 0 },
	{ "getParametersForNewNode", 0 },
	{ "createNewNode", SET },
	{ "destroyNode", SET },
	{ "moveNodeUp", SET },
	{ "moveNodeDown", SET },
	{ "moveNodesUp", SET },
	{ "moveNodesDown", SET },
	{ "getIndices", 0 },
	{ "getNodesFromIndex", 0 },
	{ "getNodesFromIndices", 0 },
	{ "getAllIndexValues", 0 },
	{ "getDatabases", 0 },
	{ "getDatabaseReadoutParameters", 0 },
	{ "startDatabaseReadout", SET },
};

static const struct {
	const char *name, *condition;
} results[CONC_RESULTS] = {
	{ "OK", NULL },
	{ "NotFound", "item-not-found" },
	{ "InsufficientPrivileges", "forbidden/cancel" },
	{ "Locked", "conflict" },
	{ "NotImplemented", "feature-not-implemented" },
	{ "FormError", "bad-request" },
	{ "OtherError", "bad-request" },
};

static const char *const events[CONC_EVENTS] = { "nodeAdded", "nodeUpdated",
	"nodeStatusChanged", "nodeRemoved", "nodeMovedUp", "nodeMovedDown" };
static const char *const states[CONC_STATES] = { "None", "Information",
	"WarningSigned", "WarningUnsigned", "ErrorSigned", "ErrorUnsigned" };
static const char *const levels[CONC_LEVELS] = { "Error", "Warning",
	"Information" };
static const char *const command_types[CONC_COMMAND_TYPES] = { "Simple",
	"Parameterized", "Query" };

/* The index of text in names[n], or n. */
static unsigned
find(const char *const *names, unsigned n, const char *text)
{
	unsigned i = 0;

	while (i < n && strcmp(names[i], text) != 0)
		i++;
	return i;
}

const char *
conc_cmd_name(enum conc_cmd cmd)
{
	return cmds[cmd].name;
}

bool
conc_cmd_changes(enum conc_cmd cmd)
{
	return cmds[cmd].parts & SET;
}

const char *
conc_result_name(enum conc_result r)
{
	return results[r].name;
}

const char *
conc_condition(enum conc_result r)
{
	return results[r].condition;
}

const char *
conc_event_name(enum conc_event e)
{
	return events[e];
}

const char *
conc_state_name(enum conc_state s)
{
	return states[s];
}

const char *
conc_level_name(enum conc_level l)
{
	return levels[l];
}

static enum err
flag(xmpp_stanza_t *el, const char *name, bool *out, struct errbuf *eb)
{
	return attr_bool(el, name, out) == ERR_PROTO
	    ? errbuf_set(eb, ERR_PROTO, "%s is neither true nor false", name)
	    : OK;
}

static enum err
parse_ref(
    xmpp_stanza_t *el, unsigned parts, struct node_ref *out, struct errbuf *eb)
{
	enum err e = node_ref_parse(el, out, eb);

	if (e == OK && parts & (NODE | SOURCE) && !*out->source)
		return errbuf_set(eb, ERR_PROTO, "there is no sourceId");
	if (e == OK && parts & NODE && !*out->node)
		return errbuf_set(eb, ERR_PROTO, "there is no nodeId");
	return e;
}

/* Names of types stand as text: <onlyIfDerivedFrom>Meter</...>. */
static enum err
parse_info(xmpp_stanza_t *el, struct conc_req *r, struct errbuf *eb)
{
	enum err e = flag(el, "parameters", &r->parameters, eb);

	return e == OK ? flag(el, "messages", &r->messages, eb) : e;
}

static enum err
parse_types(xmpp_stanza_t *el, struct conc_req *r, struct errbuf *eb)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);

	for (; (c = child_next(c, "onlyIfDerivedFrom", CONCENTRATOR_NS));
	     c = xmpp_stanza_get_next(c)) {
		xmpp_stanza_t *text = xmpp_stanza_get_children(c);

		if (r->types.n == SD_NAMES_MAX)
			return errbuf_set(eb, ERR_RANGE, "too many types");
		if (text && xmpp_stanza_is_text(text))
			names_add(&r->types, xmpp_stanza_get_text_ptr(text));
	}
	return OK;
}

static enum err
parse_sort(xmpp_stanza_t *el, struct conc_req *r, struct errbuf *eb)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);
	enum err e = OK;

	for (; e == OK && (c = child_next(c, "sortOrder", CONCENTRATOR_NS));
	     c = xmpp_stanza_get_next(c)) {
		bool ascending = true;

		if (r->n_sort == CONC_SORT_MAX)
			return errbuf_set(eb, ERR_RANGE, "more than %d orders",
			    CONC_SORT_MAX);
		e = flag(c, "ascending", &ascending, eb);
		r->sort[r->n_sort++] =
		    (struct conc_sort){ attr_text(c, "parameterName"),
			    !ascending };
	}
	return e;
}

static enum err
parse_events(xmpp_stanza_t *el, struct conc_req *r, struct errbuf *eb)
{
	enum err e = OK;

	for (unsigned i = 0; i < CONC_EVENTS && e == OK; i++) {
		bool on = false;

		e = flag(el, events[i], &on, eb);
		if (on)
			r->events |= 1u << i;
	}
	r->has_since = xmpp_stanza_get_attribute(el, "getEventsSince") != NULL;
	return e;
}

static enum err
parse_command(xmpp_stanza_t *el, struct conc_req *r, struct errbuf *eb)
{
	r->command = attr_text(el, "command");
	return *r->command ? OK
			   : errbuf_set(eb, ERR_PROTO, "there is no command");
}

static enum err
parse_parts(
    xmpp_stanza_t *el, unsigned parts, struct conc_req *r, struct errbuf *eb)
{
	enum err e =
	    parts & (NODE | SOURCE) ? parse_ref(el, parts, &r->ref, eb) : OK;

	if (e == OK && parts & NODES)
		e = node_refs_parse(el, &r->nodes, eb);
	if (e == OK && parts & INFO)
		e = parse_info(el, r, eb);
	if (e == OK && parts & TYPES)
		e = parse_types(el, r, eb);
	if (e == OK && parts & SORT)
		e = parse_sort(el, r, eb);
	if (e == OK && parts & EVENTS)
		e = parse_events(el, r, eb);
	if (e == OK && parts & COMMAND)
		e = parse_command(el, r, eb);
	return e;
}

enum err
conc_req_parse(xmpp_stanza_t *el, struct conc_req *out, struct errbuf *eb)
{
	const char *name = xmpp_stanza_get_name(el);
	const char *ns = xmpp_stanza_get_ns(el);
	unsigned i = 0;

	memset(out, 0, sizeof(*out));
	out->ref = (struct node_ref){ "", "", "" };
	out->command = "";
	if (!name || !ns || strcmp(ns, CONCENTRATOR_NS) != 0)
		return errbuf_set(
		    eb, ERR_UNSUP, "not an element of " CONCENTRATOR_NS);
	while (i < CONC_CMDS && strcmp(cmds[i].name, name) != 0)
		i++;
	if (i == CONC_CMDS)
		return errbuf_set(
		    eb, ERR_UNSUP, "not a request of " CONCENTRATOR_NS);
	out->cmd = (enum conc_cmd)i;
	tokens_parse(el, &out->tokens);
	if (cmds[i].parts & FORM)
		out->form =
		    child_next(xmpp_stanza_get_children(el), "x", FORM_NS);
	return parse_parts(el, cmds[i].parts, out, eb);
}

void
conc_req_fini(struct conc_req *r)
{
	node_refs_fini(&r->nodes);
	names_fini(&r->types);
}

static void
put_bool(xmpp_stanza_t *el, const char *name, bool on)
{
	if (on)
		xmpp_stanza_set_attribute(el, name, "true");
}

static void
put_text(xmpp_stanza_t *el, const char *name, const char *text)
{
	if (text && *text)
		xmpp_stanza_set_attribute(el, name, text);
}

static void
put_time(xmpp_stanza_t *el, const char *name, int64_t utc_ms)
{
	char text[CLOCK_TEXT];

	if (!utc_ms)
		return;
	clock_format(utc_ms, text);
	xmpp_stanza_set_attribute(el, name, text);
}

/* The form, if any, becomes a part of the request. */
xmpp_stanza_t *
conc_req_build(xmpp_ctx_t *ctx, const struct conc_req *r)
{
	xmpp_stanza_t *el = stanza_el(ctx, cmds[r->cmd].name, CONCENTRATOR_NS);

	tokens_build(el, &r->tokens);
	node_ref_build(el, &r->ref);
	node_refs_build(ctx, el, r->nodes.v, r->nodes.n);
	put_bool(el, "parameters", r->parameters);
	put_bool(el, "messages", r->messages);
	for (unsigned i = 0; i < CONC_EVENTS; i++)
		put_bool(el, events[i], r->events & 1u << i);
	put_text(el, "command", r->command);
	for (size_t i = 0; i < r->types.n; i++)
		stanza_put(ctx, el, "onlyIfDerivedFrom", r->types.v[i]);
	for (size_t i = 0; i < r->n_sort; i++) {
		xmpp_stanza_t *c = stanza_el(ctx, "sortOrder", NULL);

		xmpp_stanza_set_attribute(
		    c, "parameterName", r->sort[i].parameter);
		if (r->sort[i].descending)
			xmpp_stanza_set_attribute(c, "ascending", "false");
		stanza_add(el, c);
	}
	if (r->form)
		stanza_add(el, xmpp_stanza_clone(r->form));
	return el;
}

xmpp_stanza_t *
conc_response(xmpp_ctx_t *ctx, enum conc_cmd cmd, enum conc_result result)
{
	char name[64];
	xmpp_stanza_t *el;

	snprintf(name, sizeof(name), "%sResponse", cmds[cmd].name);
	el = stanza_el(ctx, name, CONCENTRATOR_NS);
	xmpp_stanza_set_attribute(el, "result", results[result].name);
	return el;
}

enum err
conc_result_parse(xmpp_stanza_t *el, enum conc_result *out)
{
	const char *text = attr_text(el, "result");

	for (unsigned i = 0; i < CONC_RESULTS; i++) {
		if (strcmp(results[i].name, text) == 0) {
			*out = (enum conc_result)i;
			return OK;
		}
	}
	return ERR_PROTO;
}

void
conc_source_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *response, const struct conc_source *s)
{
	xmpp_stanza_t *el = stanza_el(ctx, "dataSource", NULL);

	xmpp_stanza_set_attribute(el, "sourceId", s->id);
	xmpp_stanza_set_attribute(el, "name", s->name);
	put_bool(el, "hasChildren", s->has_children);
	put_time(el, "lastChanged", s->changed);
	stanza_add(response, el);
}

static int64_t
time_or_0(xmpp_stanza_t *el, const char *name)
{
	int64_t at = 0;
	enum err e = xml_datetime(attr_text(el, name), &at);

	return e == OK ? at : 0;
}

enum err
conc_source_parse(xmpp_stanza_t *el, struct conc_source *out)
{
	out->id = attr_text(el, "sourceId");
	out->name = attr_text(el, "name");
	out->has_children = false;
	if (!*out->id ||
	    flag(el, "hasChildren", &out->has_children, NULL) != OK)
		return ERR_PROTO;
	out->changed = time_or_0(el, "lastChanged");
	return OK;
}

static void
build_param(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct conc_param *p)
{
	xmpp_stanza_t *c = stanza_el(ctx, ctl_type_name(p->type), NULL);

	xmpp_stanza_set_attribute(c, "id", p->id);
	xmpp_stanza_set_attribute(c, "name", p->name);
	xmpp_stanza_set_attribute(c, "value", p->value);
	stanza_add(el, c);
}

static void
build_message(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct conc_message *m)
{
	xmpp_stanza_t *c = stanza_el(ctx, "message", NULL);

	put_time(c, "timestamp", m->at);
	xmpp_stanza_set_type(c, levels[m->level]);
	stanza_add_text(ctx, c, m->text);
	stanza_add(el, c);
}

void
conc_node_build(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct conc_node *n)
{
	node_ref_build(el, &n->ref);
	put_text(el, "displayName", n->display);
	put_text(el, "nodeType", n->type);
	put_text(el, "localId", n->local_id);
	put_text(el, "logId", n->log_id);
	xmpp_stanza_set_attribute(el, "state", states[n->state]);
	xmpp_stanza_set_attribute(
	    el, "hasChildren", n->has_children ? "true" : "false");
	put_bool(el, "childrenOrdered", n->ordered);
	put_bool(el, "isReadable", n->readable);
	put_bool(el, "isControllable", n->controllable);
	put_bool(el, "hasCommands", n->has_commands);
	put_text(el, "parentId", n->parent);
	put_text(el, "parentCacheType", n->parent_cache);
	put_time(el, "lastChanged", n->changed);
	for (size_t i = 0; i < n->n_params; i++)
		build_param(ctx, el, &n->params[i]);
	for (size_t i = 0; i < n->n_messages; i++)
		build_message(ctx, el, &n->messages[i]);
}

void
conc_status_build(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct conc_node *n)
{
	node_ref_build(el, &n->ref);
	xmpp_stanza_set_attribute(el, "state", states[n->state]);
	for (size_t i = 0; i < n->n_messages; i++)
		build_message(ctx, el, &n->messages[i]);
}

static enum err
parse_flags(xmpp_stanza_t *el, struct conc_node *n)
{
	const struct {
		const char *name;
		bool *to;
	} all[] = {
		{ "hasChildren", &n->has_children },
		{ "childrenOrdered", &n->ordered },
		{ "isReadable", &n->readable },
		{ "isControllable", &n->controllable },
		{ "hasCommands", &n->has_commands },
	};
	enum err e = OK;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && e == OK; i++)
		e = flag(el, all[i].name, all[i].to, NULL);
	return e;
}

enum err
conc_node_parse(xmpp_stanza_t *el, struct conc_node *out)
{
	unsigned state = find(states, CONC_STATES, attr_text(el, "state"));
	enum err e;

	memset(out, 0, sizeof(*out));
	e = node_ref_parse(el, &out->ref, NULL);
	if (e != OK)
		return e;
	if (state == CONC_STATES || !*out->ref.node)
		return ERR_PROTO;
	out->state = (enum conc_state)state;
	out->display = attr_text(el, "displayName");
	out->type = attr_text(el, "nodeType");
	out->local_id = attr_text(el, "localId");
	out->log_id = attr_text(el, "logId");
	out->parent = attr_text(el, "parentId");
	out->parent_cache = attr_text(el, "parentCacheType");
	out->changed = time_or_0(el, "lastChanged");
	return parse_flags(el, out);
}

xmpp_stanza_t *
conc_param_next(xmpp_stanza_t *from, struct conc_param *out)
{
	for (; (from = child_next(from, NULL, CONCENTRATOR_NS));
	     from = xmpp_stanza_get_next(from)) {
		unsigned t;

		for (t = 0; t < CTL_TYPES; t++) {
			if (strcmp(ctl_type_name((enum ctl_type)t),
				xmpp_stanza_get_name(from)) == 0)
				break;
		}
		if (t == CTL_TYPES)
			continue;
		*out = (struct conc_param){ (enum ctl_type)t,
			attr_text(from, "id"), attr_text(from, "name"),
			attr_text(from, "value") };
		return from;
	}
	return NULL;
}

/* An unknown type is an error's: somebody should look. */
xmpp_stanza_t *
conc_message_next(
    xmpp_stanza_t *from, int64_t *at, enum conc_level *level, char **text)
{
	unsigned l;

	from = child_next(from, "message", CONCENTRATOR_NS);
	if (!from)
		return NULL;
	l = find(levels, CONC_LEVELS, attr_text(from, "type"));
	*level = l == CONC_LEVELS ? CONC_ERROR : (enum conc_level)l;
	*at = time_or_0(from, "timestamp");
	*text = stanza_text(from);
	return from;
}

xmpp_stanza_t *
conc_event_new(xmpp_ctx_t *ctx, enum conc_event e)
{
	return stanza_el(ctx, events[e], CONCENTRATOR_NS);
}

bool
conc_event_parse(xmpp_stanza_t *el, enum conc_event *out)
{
	const char *name = xmpp_stanza_get_name(el);
	const char *ns = xmpp_stanza_get_ns(el);
	unsigned i;

	if (!name || !ns || strcmp(ns, CONCENTRATOR_NS) != 0)
		return false;
	i = find(events, CONC_EVENTS, name);
	*out = (enum conc_event)i;
	return i < CONC_EVENTS;
}

void
conc_command_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *response, const struct conc_command *c)
{
	xmpp_stanza_t *el = stanza_el(ctx, "command", NULL);

	xmpp_stanza_set_attribute(el, "command", c->command);
	xmpp_stanza_set_attribute(el, "name", c->name);
	xmpp_stanza_set_type(el, command_types[c->type]);
	put_text(el, "confirmationString", c->confirmation);
	put_text(el, "failureString", c->failure);
	put_text(el, "successString", c->success);
	stanza_add(response, el);
}

enum err
conc_command_parse(xmpp_stanza_t *el, struct conc_command *out)
{
	unsigned type =
	    find(command_types, CONC_COMMAND_TYPES, attr_text(el, "type"));

	*out = (struct conc_command){
		.command = attr_text(el, "command"),
		.name = attr_text(el, "name"),
		.type = (enum conc_command_type)type,
		.confirmation = attr_text(el, "confirmationString"),
		.failure = attr_text(el, "failureString"),
		.success = attr_text(el, "successString"),
	};
	return *out->command && type < CONC_COMMAND_TYPES ? OK : ERR_PROTO;
}
