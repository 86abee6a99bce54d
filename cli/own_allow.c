/* allow, deny and rules: what an owner lets others do, kept by the registry,
 * which answers his things when others ask them (XEP-0324); set by its ad-hoc
 * commands. */
#include "cli/say.h"
#include "cli/visit.h"
#include "common/clock.h"
#include "common/mem.h"
#include "protocol/adhoc.h"
#include "protocol/form.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CONTROL = VISIT_OPTS, OPT_EVERYTHING, OPT_DELETE = VISIT_OPTS };

const struct opt own_allow_opts[] = {
	VISIT_OPTIONS,
	{ "control", 0, NULL, "about controlling it, not reading alone" },
	{ "all", 0, NULL, "in place of THING: all things of yours" },
	{ NULL, 0, NULL, NULL },
};

const struct opt own_rules_opts[] = {
	VISIT_OPTIONS,
	{ "delete", 0, "N", "delete rule N" },
	{ NULL, 0, NULL, NULL },
};

enum { ROWS_MAX = 100000 }; /* a registry must not fill our memory */

/* One command, from operands to answer. */
struct order {
	struct visit v;        /* names the thing; nobody is visited */
	struct own_request rq; /* who is asked, and where */
	char registry[JID_SIZE];
	const char *command, *who;
	bool all, control;
	int names;     /* the first operand that is a field */
	int64_t after; /* of a list, the last rule seen */
	json_t *rows;
};

static const struct column columns[] = {
	{ .title = "RULE", .member = "rule", .right = true },
	{ .title = "EFFECT", .member = "effect" },
	{ .title = "WHO", .member = "who" },
	{ .title = "WHAT", .member = "what" },
	{ .title = "JID", .member = "jid" },
	{ .title = "NODE", .member = "node" },
	{ .title = "FIELDS", .member = "fields" },
	{ .title = NULL },
};

static int
refused(struct order *o, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	/* What servers say of a component that has gone. */
	static const char *const gone[] = { "service-unavailable",
		"remote-server-timeout", "remote-server-not-found" };
	const char *why = outcome == IQ_ERROR ? stanza_condition(stanza) : "";
	bool is_gone = false;

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		is_gone |= strcmp(why, gone[i]) == 0;
	if (is_gone)
		return say_exit(EXIT_OFFLINE,
		    "not done: %s is not there, or keeps no rules",
		    o->rq.registry);
	return visit_refused(&o->v, "done", outcome, stanza, false);
}

/* ---- what comes back ---- */

/* "" and one field are text; more are shown with commas between. */
static json_t *
fields_json(const struct form_field *f, bool list)
{
	json_t *all = json_array();
	char *text = mem_strdup(""), *longer;

	if (f && f->value && *f->value)
		json_array_append_new(all, json_string(f->value));
	for (size_t i = 0; f && i < f->n_more; i++)
		json_array_append_new(all, json_string(f->more[i]));
	for (size_t i = 0; !list && i < json_array_size(all); i++) {
		longer = mem_printf("%s%s%s", text, i ? ", " : "",
		    json_string_value(json_array_get(all, i)));
		free(text);
		text = longer;
	}
	if (!list) {
		json_decref(all);
		all = json_string(text);
	}
	free(text);
	return all;
}

static void
take_row(struct order *o, const struct form *f)
{
	static const char *const members[] = { "effect", "who", "what", "jid",
		"node", "source", "cache" };
	const char *number = form_value(f, "rule");
	bool list = own_mode(o->v.call) == OUT_JSON;
	json_t *row;
	int32_t rule;

	if (!number || xml_int(number, &rule) != OK)
		return;
	row = json_pack("{s:i}", "rule", rule);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *value = form_value(f, members[i]);

		json_object_set_new(
		    row, members[i], json_string(value ? value : ""));
	}
	json_object_set_new(
	    row, "fields", fields_json(form_field(f, "names"), list));
	json_array_append_new(o->rows, row);
}

static void
print_rules(struct order *o)
{
	enum out_mode mode = own_mode(o->v.call);

	if (mode == OUT_JSON) {
		json_t *all =
		    json_pack("{s:i, s:O}", "schema", 1, "rules", o->rows);

		out_json(all);
		json_decref(all);
	} else if (json_array_size(o->rows) == 0) {
		say("there are no rules: nobody but you is let in by %s",
		    o->rq.registry);
	} else {
		out_rows(mode, columns, o->rows);
	}
}

static void ask(void *rq);

/* on_list takes a page; the registry says where to go on. */
static int
on_list(struct order *o, const struct adhoc_answer *a)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(a->form);
	const char *text;
	struct form f;
	int32_t after = 0;

	for (; (c = child_next(c, "item", FORM_NS));
	     c = xmpp_stanza_get_next(c)) {
		if (form_parse_row(c, &f, NULL) == OK)
			take_row(o, &f);
		form_fini(&f);
	}
	if (form_parse(a->form, &f, NULL) == OK &&
	    (text = form_value(&f, "after")) && xml_int(text, &after) != OK)
		after = 0;
	form_fini(&f);
	if (after > o->after && json_array_size(o->rows) < ROWS_MAX) {
		o->after = after;
		ask(&o->rq);
		return OWN_WAITS;
	}
	print_rules(o);
	return EXIT_OK;
}

static const char *
thing_text(const struct order *o)
{
	if (o->all)
		return "all things";
	return *o->v.name.node.node ? o->v.name.node.node : o->v.name.jid;
}

/* rule_number is what the registry calls the rule, 0 when it did not say. */
static int32_t
rule_number(const struct order *o, const struct adhoc_answer *a)
{
	const char *text = o->who ? NULL : o->v.call->opt[OPT_DELETE];
	struct form f = { 0 };
	int32_t n = 0;

	if (a->form && form_parse(a->form, &f, NULL) == OK)
		text = form_value(&f, "rule");
	if (text && xml_int(text, &n) != OK)
		n = 0;
	form_fini(&f);
	return n;
}

static int
on_change(struct order *o, const struct adhoc_answer *a)
{
	int32_t rule = rule_number(o, a);
	json_t *data;

	if (own_mode(o->v.call) == OUT_JSON) {
		data = json_pack("{s:i, s:s, s:i}", "schema", 1, "done",
		    o->command, "rule", rule);
		out_json(data);
		json_decref(data);
	} else if (o->who) {
		printf("%s: %s %s %s%s (rule %d)\n", thing_text(o),
		    o->control ? "control" : "reading",
		    *o->command == 'a' ? "allowed to" : "denied to", o->who,
		    o->names < o->v.call->argc ? ", of these fields" : "",
		    (int)rule);
	} else {
		printf("deleted: rule %d\n", (int)rule);
	}
	return EXIT_OK;
}

static void
on_answer(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct order *o = arg;
	xmpp_stanza_t *el =
	    outcome == IQ_RESULT ? stanza_payload(stanza, NULL) : NULL;
	struct adhoc_answer a = { 0 };
	bool list = strcmp(o->command, "rules") == 0;
	int code;

	if (outcome != IQ_RESULT)
		code = refused(o, outcome, stanza);
	else if (!el || adhoc_answer_parse(el, &a, NULL) != OK ||
	    a.status != ADHOC_COMPLETED || (list && !a.form))
		code = say_exit(EXIT_FAILED,
		    "the answer of %s cannot be understood", o->rq.registry);
	else
		code = list ? on_list(o, &a) : on_change(o, &a);
	adhoc_answer_fini(&a);
	if (code != OWN_WAITS)
		online_end(o->rq.online, code);
}

/* ---- what is asked ---- */

static void
put_thing(struct order *o, xmpp_ctx_t *ctx, xmpp_stanza_t *form)
{
	const struct thing_name *n = &o->v.name;

	form_submit(ctx, form, "jid", n->jid);
	form_submit(ctx, form, "node", n->node.node);
	form_submit(ctx, form, "source", n->node.source);
	form_submit(ctx, form, "cache", n->node.cache);
}

static void
put_rule(struct order *o, xmpp_ctx_t *ctx, xmpp_stanza_t *form)
{
	const struct call *c = o->v.call;
	const char *const *names = (const char *const *)c->argv + o->names;
	size_t n = (size_t)(c->argc - o->names);

	form_submit(ctx, form, "who", o->who);
	form_submit(ctx, form, "control", o->control ? "true" : "false");
	if (n > 0)
		form_put(ctx, form,
		    &(struct form_field){ .var = "names",
			.value = names[0],
			.more = names + 1,
			.n_more = n - 1 });
}

static void
ask(void *rq)
{
	struct order *o = ((struct own_request *)rq)->arg;
	struct session *s = online_session(o->rq.online);
	const char *rule = o->who ? NULL : o->v.call->opt[OPT_DELETE];
	struct adhoc_req r = { .node = o->command,
		.form = form_new(session_ctx(s), "submit", NULL) };
	char after[24];

	o->v.online = o->rq.online;
	snprintf(o->v.to, sizeof(o->v.to), "%s", o->rq.to);
	snprintf(after, sizeof(after), "%lld", (long long)o->after);
	if (o->v.name.jid)
		put_thing(o, session_ctx(s), r.form);
	else if (o->all)
		form_submit(session_ctx(s), r.form, "jid", "*");
	if (o->who)
		put_rule(o, session_ctx(s), r.form);
	else if (rule)
		form_submit(session_ctx(s), r.form, "rule", rule);
	else if (o->after)
		form_submit(session_ctx(s), r.form, "after", after);
	if (iq_request(s, "set", o->rq.to, adhoc_req_build(session_ctx(s), &r),
		o->rq.timeout_ms, on_answer, o) != OK)
		online_end(o->rq.online,
		    say_exit(EXIT_OFFLINE,
			"the connection was lost; nothing was sent"));
	xmpp_stanza_release(r.form);
}

static void
on_ready(struct online *online, void *arg)
{
	struct order *o = arg;

	own_reach(&o->rq, online, ask);
}

/* Without a thing the account alone is needed. */
static int
open_account(struct order *o)
{
	char *file = own_account_file(o->v.call);
	int code = own_timeout(o->v.call, &o->v.timeout_ms);

	if (code == EXIT_OK)
		code = own_account(o->v.call, file, &o->v.account);
	free(file);
	return code;
}

static int
run(struct order *o)
{
	const char *known = NULL;
	int code;

	if (o->v.name.jid)
		known = json_string_value(json_object_get(
		    owned_find(o->v.things, &o->v.name), "registry"));
	code = own_registry(
	    o->v.call, known, &o->v.account, o->registry, &o->rq.registry);
	if (code != EXIT_OK)
		return code;
	o->rq.call = o->v.call;
	o->rq.timeout_ms = o->v.timeout_ms;
	o->rq.arg = o;
	code = online_run(&o->v.account, o->v.timeout_ms, on_ready, o);
	reach_end(&o->rq.reach);
	return code;
}

static int
set_rule(const struct call *c, const char *command)
{
	struct order o = { .v = { .call = c },
		.command = command,
		.control = c->opt[OPT_CONTROL] != NULL,
		.all = c->opt[OPT_EVERYTHING] != NULL };
	int code = o.all ? open_account(&o) : visit_open(&o.v);

	if (code == EXIT_OK && o.v.rest >= c->argc)
		code = verb_usage(c, "whom? A JID, @DOMAIN, or \"*\"");
	o.names = o.v.rest + 1;
	/* It would stand for all of them. */
	for (int i = o.names; code == EXIT_OK && i < c->argc; i++)
		if (!*c->argv[i])
			code = verb_usage(c, "a FIELD is empty");
	if (code == EXIT_OK) {
		o.who = c->argv[o.v.rest];
		code = run(&o);
	}
	visit_close(&o.v);
	return code;
}

int
own_allow(const struct call *c)
{
	return set_rule(c, "allow");
}

int
own_deny(const struct call *c)
{
	return set_rule(c, "deny");
}

int
own_rules(const struct call *c)
{
	const char *rule = c->opt[OPT_DELETE];
	struct order o = { .v = { .call = c },
		.command = rule ? "delete" : "rules",
		.rows = json_array() };
	int32_t number;
	int code = EXIT_OK;

	if (rule && (xml_int(rule, &number) != OK || number < 1 || c->argc))
		code = verb_usage(c, "--delete takes the number of a rule");
	if (code == EXIT_OK)
		code = c->argc ? visit_open(&o.v) : open_account(&o);
	if (code == EXIT_OK && c->argc && o.v.rest < c->argc)
		code = verb_usage(c, "rules of one thing: JID NODE, or NODE");
	if (code == EXIT_OK)
		code = run(&o);
	visit_close(&o.v);
	json_decref(o.rows);
	return code;
}
