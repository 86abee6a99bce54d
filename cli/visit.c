#include "cli/visit.h"

#include "cli/say.h"
#include "protocol/stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct thing_name nowhere = { "", { "", "", "" } };

/* How many operands name the thing: a JID takes a NODE with it, unless it is a
 * thing of its own. */
static int
thing_words(const struct visit *v)
{
	char *const *w = v->call->argv;
	struct thing_name alone = { w[0], { "", "", "" } };

	if (v->whole || v->call->argc < 2)
		return 1;
	if (owned_find(v->things, &alone))
		return 1;
	return strchr(w[0], '@') ? 2 : 1;
}

static int
resolve(struct visit *v)
{
	const struct call *c = v->call;
	struct errbuf eb = { "" };
	enum err e;

	v->rest = thing_words(v);
	e = owned_resolve(v->things, v->rest, c->argv, &v->name, &eb);
	if (e == OK && jid_bare(v->name.jid, v->bare) != OK)
		e = errbuf_set(
		    &eb, ERR_RANGE, "\"%s\" is not a JID", v->name.jid);
	if (e != OK)
		return say_exit(err_exit(e), "%s", eb.text);
	v->name.jid = v->bare;
	if (c->opt[VISIT_SOURCE])
		v->name.node.source = c->opt[VISIT_SOURCE];
	if (c->opt[VISIT_CACHE])
		v->name.node.cache = c->opt[VISIT_CACHE];
	return EXIT_OK;
}

int
visit_open(struct visit *v)
{
	char *file = own_account_file(v->call), *owned = owned_path(file);
	struct errbuf eb = { "" };
	int code = own_timeout(v->call, &v->timeout_ms);

	v->name = nowhere;
	if (code == EXIT_OK)
		code = own_account(v->call, file, &v->account);
	if (code == EXIT_OK && owned_load(owned, &v->things, &eb) != OK)
		code = say_exit(EXIT_CONFIG, "%s", eb.text);
	if (code == EXIT_OK)
		code = resolve(v);
	free(owned);
	free(file);
	return code;
}

void
visit_close(struct visit *v)
{
	reach_end(&v->reach);
	cfg_account_fini(&v->account);
	json_decref(v->things);
	v->things = NULL;
}

static void
on_reached(void *arg, const char *to, const char *why)
{
	struct visit *v = arg;

	if (!to) {
		visit_end(v,
		    say_exit(EXIT_OFFLINE,
			"%s is not reached: %s; nothing was sent. Is the "
			"gateway on? Only its nodes' owners and those whom "
			"they let in see it",
			v->bare, why));
		return;
	}
	snprintf(v->to, sizeof(v->to), "%s", to);
	v->go(v);
}

static void
on_presence(void *arg, xmpp_stanza_t *presence)
{
	reach_presence(&((struct visit *)arg)->reach, presence);
}

static void
on_message(void *arg, xmpp_stanza_t *message)
{
	struct visit *v = arg;
	const char *from = xmpp_stanza_get_from(message);

	if (v->message && from && strcmp(from, v->to) == 0)
		v->message(v, message);
}

static void
on_tick(void *arg, int64_t mono)
{
	struct visit *v = arg;

	reach_tick(&v->reach, mono);
	if (v->tick && *v->to)
		v->tick(v, mono);
}

static void
on_ready(struct online *o, void *arg)
{
	static const struct online_watch watch = { on_presence, on_message,
		on_tick };
	struct visit *v = arg;

	v->online = o;
	v->reach = (struct reach){ .named = v->bare,
		.feature = v->feature,
		.done = on_reached,
		.arg = v };
	online_watch(o, &watch, v);
	reach_begin(&v->reach, o);
}

int
visit_run(struct visit *v)
{
	int code = v->things ? EXIT_OK : visit_open(v);

	if (code == EXIT_OK)
		code = online_run(&v->account, v->timeout_ms, on_ready, v);
	visit_close(v);
	return code;
}

xmpp_ctx_t *
visit_ctx(const struct visit *v)
{
	return session_ctx(online_session(v->online));
}

void
visit_ask(
    struct visit *v, const char *type, xmpp_stanza_t *payload, iq_done done)
{
	if (iq_request(online_session(v->online), type, v->to, payload,
		v->timeout_ms, done, v) != OK)
		visit_end(v,
		    say_exit(EXIT_OFFLINE,
			"the connection was lost; nothing was sent"));
}

/* What the conditions of the stanza errors mean here. */
static const struct {
	const char *condition;
	enum exit_code code;
	const char *text;
} refusals[] = {
	{ "forbidden", EXIT_REFUSED,
	    "you have no right to that: it is not yours, and its owner has not "
	    "shared it" },
	{ "item-not-found", EXIT_NOTFOUND,
	    "there is no such node, field or parameter" },
	{ "bad-request", EXIT_FAILED, "it was not understood" },
	{ "feature-not-implemented", EXIT_FAILED, "it cannot do that" },
	{ "conflict", EXIT_FAILED, "somebody else is changing it; try again" },
	{ "resource-constraint", EXIT_FAILED,
	    "it has too much to do; try again later" },
	{ "remote-server-timeout", EXIT_DEVICE, "the device does not answer" },
	{ "internal-server-error", EXIT_DEVICE, "the device refused" },
	{ "service-unavailable", EXIT_OFFLINE, "it is not there any more" },
};

static char *
error_text(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *c = xmpp_stanza_get_child_by_name(stanza, "error");

	c = c ? xmpp_stanza_get_child_by_name(c, "text") : NULL;
	return c ? stanza_text(c) : NULL;
}

static int
explain(const char *what, xmpp_stanza_t *stanza)
{
	const char *condition = stanza_condition(stanza), *why = condition;
	enum exit_code code = EXIT_FAILED;
	char *text = error_text(stanza);

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (strcmp(refusals[i].condition, condition) == 0) {
			code = refusals[i].code;
			why = refusals[i].text;
		}
	}
	say("not %s: %s (%s)%s%s", what, why, condition,
	    text && *text ? ": " : "", text ? text : "");
	free(text);
	return code;
}

int
visit_refused(const struct visit *v, const char *what, enum iq_outcome outcome,
    xmpp_stanza_t *stanza, bool changed)
{
	if (outcome == IQ_ERROR)
		return explain(what, stanza);
	return say_exit(outcome == IQ_TIMEOUT ? EXIT_TIMEOUT : EXIT_OFFLINE,
	    "%s %s%s", v->to,
	    outcome == IQ_TIMEOUT ? "has not answered in time"
				  : "went away before it answered",
	    changed ? "; whether it was carried out is not known: read it"
		    : "");
}

void
visit_end(struct visit *v, int code)
{
	online_end(v->online, code);
}
