#include "registry/rule_commands.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/adhoc.h"
#include "protocol/form.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_BYTES = 20000, /* about, of a table: servers cap stanzas */
	NUMBER_MAX = 24,
};

/* One command on its way. */
struct run {
	const struct rule_commands *rc;
	const char *account;
	const struct command *command;
	struct form form;
	xmpp_ctx_t *ctx;
	xmpp_stanza_t *out; /* a form, or NULL */
	char *note;
	struct errbuf *eb;
};

static const struct form_field rule_fields[] = {
	{ .var = "jid",
	    .type = "text-single",
	    .label = "JID of the thing; *: all things of yours" },
	{ .var = "node", .type = "text-single", .label = "its nodeId" },
	{ .var = "source", .type = "text-single", .label = "its sourceId" },
	{ .var = "cache", .type = "text-single", .label = "its cacheType" },
	{ .var = "who",
	    .type = "text-single",
	    .label = "a JID, @domain, or * for anybody" },
	{ .var = "control",
	    .type = "boolean",
	    .value = "false",
	    .label = "control, not reading alone" },
	{ .var = "names",
	    .type = "text-multi",
	    .label = "fields and parameters, one a line; empty: all" },
	{ .var = NULL },
};
static const struct form_field list_fields[] = {
	{ .var = "jid",
	    .type = "jid-single",
	    .label = "JID of a thing; empty: all rules" },
	{ .var = "node", .type = "text-single", .label = "its nodeId" },
	{ .var = "source", .type = "text-single", .label = "its sourceId" },
	{ .var = "cache", .type = "text-single", .label = "its cacheType" },
	{ .var = "after",
	    .type = "text-single",
	    .label = "the last rule that was told" },
	{ .var = NULL },
};
static const struct form_field delete_fields[] = {
	{ .var = "rule", .type = "text-single", .label = "number of the rule" },
	{ .var = NULL },
};

static enum err act_allow(struct run *r);
static enum err act_deny(struct run *r);
static enum err act_list(struct run *r);
static enum err act_delete(struct run *r);

/* at_once: without a form it does something too. */
static const struct command {
	const char *node, *name;
	const struct form_field *fields;
	bool at_once;
	enum err (*act)(struct run *r);
} commands[] = {
	{ "allow", "Let somebody read or control a thing", rule_fields, false,
	    act_allow },
	{ "deny", "Let somebody not", rule_fields, false, act_deny },
	{ "rules", "Who may do what", list_fields, true, act_list },
	{ "delete", "Delete a rule", delete_fields, false, act_delete },
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct command *
find_command(const char *node)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].node, node) == 0)
			return &commands[i];
	}
	return NULL;
}

static const char *
text_of(const struct run *r, const char *var)
{
	const char *value = form_value(&r->form, var);

	return value ? value : "";
}

/* number_of reads an optional number, 0 when it is not there. */
static enum err
number_of(const struct run *r, const char *var, int64_t *out)
{
	const char *text = text_of(r, var);
	int32_t n = 0;

	*out = 0;
	if (*text && (xml_int(text, &n) != OK || n < 0))
		return errbuf_set(
		    r->eb, ERR_PROTO, "%s must be the number of a rule", var);
	*out = n;
	return OK;
}

/* thing_of finds the account's thing that the form names; 0: all of them, which
 * must be said, and is not what a field left empty means. */
static enum err
thing_of(const struct run *r, int64_t *id)
{
	const char *jid = text_of(r, "jid");
	char bare[JID_SIZE];
	struct thing_key key = { bare,
		{ text_of(r, "node"), text_of(r, "source"),
		    text_of(r, "cache") } };
	struct thing t;
	enum err e;

	*id = 0;
	if (strcmp(jid, "*") == 0)
		return OK;
	if (jid_bare(jid, bare) != OK)
		return errbuf_set(r->eb, ERR_PROTO,
		    "jid must be that of a thing, or * for all of yours");
	e = things_owned(r->rc->things, &key, r->account, &t);
	if (e == OK)
		*id = t.id;
	else if (e == ERR_NOTFOUND)
		errbuf_set(r->eb, e, "no such thing of yours");
	thing_fini(&t);
	return e;
}

/* names_of takes the lines of a field; empty ones, which clients leave, do not
 * count. */
static enum err
names_of(const struct run *r, char **out)
{
	const struct form_field *f = form_field(&r->form, "names");
	struct names names = { 0 };
	enum err e;

	if (f && f->value && *f->value)
		names_add(&names, f->value);
	for (size_t i = 0; f && i < f->n_more; i++) {
		if (*f->more[i])
			names_add(&names, f->more[i]);
	}
	e = rules_names(&names, out, r->eb);
	names_fini(&names);
	return e;
}

static void
put_number(struct run *r, xmpp_stanza_t *to, const char *var, int64_t n)
{
	char text[NUMBER_MAX];

	snprintf(text, sizeof(text), "%" PRId64, n);
	form_submit(r->ctx, to, var, text);
}

/* put_rule carries out allow and deny. */
static enum err
put_rule(struct run *r, struct rule *rule)
{
	enum err e = rules_put(r->rc->rules, rule, &rule->id, r->eb);
	char jid[LOG_SAFE], node[LOG_SAFE];

	if (e == OK)
		e = provision_changed(
		    r->rc->provision, r->account, rule->thing);
	if (e != OK)
		return e;
	log_info("rule", "%s: rule %" PRId64 ": %s %s %s %s node=%s",
	    r->account, rule->id, rule->who, rule->allow ? "may" : "may not",
	    rule->control ? "control" : "read",
	    rule->thing ? log_safe(jid, text_of(r, "jid")) : "all",
	    log_safe(node, text_of(r, "node")));
	r->note = mem_printf("rule %" PRId64, rule->id);
	r->out = form_new(r->ctx, "result", NULL);
	put_number(r, r->out, "rule", rule->id);
	return OK;
}

static enum err
act_rule(struct run *r, bool allow)
{
	struct rule rule = { .owner = r->account, .allow = allow };
	const char *control = text_of(r, "control");
	char who[JID_SIZE], *names = NULL;
	enum err e = thing_of(r, &rule.thing);

	if (e == OK)
		e = rules_who(text_of(r, "who"), who, r->eb);
	if (e == OK && *control && xml_bool(control, &rule.control) != OK)
		e = errbuf_set(
		    r->eb, ERR_PROTO, "control must be true or false");
	if (e == OK)
		e = names_of(r, &names);
	rule.who = who;
	rule.names = names;
	if (e == OK)
		e = put_rule(r, &rule);
	free(names);
	return e;
}

static enum err
act_allow(struct run *r)
{
	return act_rule(r, true);
}

static enum err
act_deny(struct run *r)
{
	return act_rule(r, false);
}

/* A table in the making. */
struct table {
	struct run *run;
	size_t bytes;
	int64_t last;
	bool more;
};

static void
put_names(struct run *r, xmpp_stanza_t *row, const char *names)
{
	char *text = mem_strdup(names), *rest = NULL;
	const char *lines[RULE_NAMES_MAX];
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &rest);
	     line && n < RULE_NAMES_MAX; line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	form_put(r->ctx, row,
	    &(struct form_field){ .var = "names",
		.value = n ? lines[0] : "",
		.more = lines + 1,
		.n_more = n ? n - 1 : 0 });
	free(text);
}

static bool
put_row(void *arg, const struct rule *rule, const struct thing_key *key)
{
	struct table *t = arg;
	struct run *r = t->run;
	xmpp_stanza_t *row;

	t->more = t->bytes > PAGE_BYTES;
	if (t->more)
		return false;
	row = form_row(r->ctx, r->out, "item");
	put_number(r, row, "rule", rule->id);
	form_submit(r->ctx, row, "effect", rule->allow ? "allow" : "deny");
	form_submit(r->ctx, row, "who", rule->who);
	form_submit(r->ctx, row, "what", rule->control ? "control" : "read");
	form_submit(r->ctx, row, "jid", key->jid);
	form_submit(r->ctx, row, "node", key->node.node);
	form_submit(r->ctx, row, "source", key->node.source);
	form_submit(r->ctx, row, "cache", key->node.cache);
	put_names(r, row, rule->names);
	t->last = rule->id;
	t->bytes +=
	    400 + strlen(rule->names) + strlen(rule->who) + strlen(key->jid);
	return true;
}

static void
put_heading(struct run *r)
{
	static const char *const columns[][2] = { { "rule", "Rule" },
		{ "effect", "Effect" }, { "who", "Who" }, { "what", "What" },
		{ "jid", "JID" }, { "node", "Node" }, { "source", "Source" },
		{ "cache", "Cache" }, { "names", "Fields" } };
	xmpp_stanza_t *row = form_row(r->ctx, r->out, "reported");

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		form_put(r->ctx, row,
		    &(struct form_field){
			.var = columns[i][0], .label = columns[i][1] });
}

/* after: where to go on from, when there is more. */
static enum err
act_list(struct run *r)
{
	struct table t = { .run = r };
	int64_t thing = 0, after;
	enum err e = *text_of(r, "jid") ? thing_of(r, &thing) : OK;

	if (e == OK)
		e = number_of(r, "after", &after);
	if (e != OK)
		return e;
	r->out = form_new(r->ctx, "result", "Rules");
	put_heading(r);
	e = rules_each(r->rc->rules, r->account, thing, after, put_row, &t);
	if (t.more)
		put_number(r, r->out, "after", t.last);
	return e;
}

static enum err
act_delete(struct run *r)
{
	int64_t id, thing;
	enum err e = number_of(r, "rule", &id);

	if (e == OK)
		e = rules_drop(r->rc->rules, r->account, id, &thing);
	if (e == ERR_NOTFOUND)
		errbuf_set(r->eb, e, "you have no rule of that number");
	if (e == OK)
		e = provision_changed(r->rc->provision, r->account, thing);
	if (e != OK)
		return e;
	log_info("rule", "%s: rule %" PRId64 " deleted", r->account, id);
	r->note = mem_printf("rule %" PRId64 " deleted", id);
	return OK;
}

/* ---- the command around it ---- */

static void
ask(struct run *r)
{
	r->out = form_new(r->ctx, "form", r->command->name);
	for (const struct form_field *f = r->command->fields; f->var; f++)
		form_put(r->ctx, r->out, f);
}

/* A form that is handed back empty, or given up, is no order. */
static enum err
submitted(struct run *r, xmpp_stanza_t *x)
{
	enum err e = form_parse(x, &r->form, r->eb);

	if (e == OK && (!r->form.type || strcmp(r->form.type, "submit") != 0))
		e = errbuf_set(r->eb, ERR_PROTO, "the form is not submitted");
	return e;
}

/* A command has one step, so that there is no session to keep: whatever comes
 * with a form is that step. */
static enum err
carry_out(struct run *r, const struct adhoc_req *rq, enum adhoc_status *status)
{
	enum err e = OK;

	*status = ADHOC_COMPLETED;
	if (rq->action == ADHOC_CANCEL) {
		*status = ADHOC_CANCELED;
		return OK;
	}
	if (rq->action == ADHOC_PREV)
		return errbuf_set(r->eb, ERR_PROTO, "there is one step");
	if (!rq->form && !r->command->at_once) {
		*status = ADHOC_EXECUTING;
		ask(r);
		return OK;
	}
	if (rq->form)
		e = submitted(r, rq->form);
	return e == OK ? r->command->act(r) : e;
}

enum err
rule_commands_run(const struct rule_commands *rc, const char *account,
    xmpp_stanza_t *el, xmpp_ctx_t *ctx, xmpp_stanza_t **answer,
    struct errbuf *eb)
{
	struct run r = { .rc = rc, .account = account, .ctx = ctx, .eb = eb };
	struct adhoc_answer a = { 0 };
	struct adhoc_req rq;
	enum err e = adhoc_req_parse(el, &rq, eb);

	if (e != OK)
		return e;
	r.command = find_command(rq.node);
	if (!r.command)
		return errbuf_set(eb, ERR_NOTFOUND, "no such command");
	e = carry_out(&r, &rq, &a.status);
	if (e == OK) {
		a.node = rq.node;
		a.session = rq.session ? rq.session : rq.node;
		a.form = r.out;
		a.note = r.note;
		*answer = adhoc_answer_build(ctx, &a);
	}
	if (r.out)
		xmpp_stanza_release(r.out);
	free(r.note);
	form_fini(&r.form);
	return e;
}

xmpp_stanza_t *
rule_commands_items(xmpp_ctx_t *ctx, const char *jid)
{
	xmpp_stanza_t *query = stanza_el(ctx, "query", NS_DISCO_ITEMS);

	for (size_t i = 0; i < COMMANDS; i++) {
		xmpp_stanza_t *item = stanza_el(ctx, "item", NULL);

		xmpp_stanza_set_attribute(item, "jid", jid);
		xmpp_stanza_set_attribute(item, "node", commands[i].node);
		xmpp_stanza_set_attribute(item, "name", commands[i].name);
		stanza_add(query, item);
	}
	return query;
}

xmpp_stanza_t *
rule_commands_info(xmpp_ctx_t *ctx, const char *node)
{
	static const char *const features[] = { ADHOC_NS, FORM_NS, NULL };
	const struct command *c = find_command(node);
	const struct disco_identity id = { "automation", "command-node",
		c ? c->name : NULL };

	return c ? stanza_disco_info(ctx, &id, features) : NULL;
}
