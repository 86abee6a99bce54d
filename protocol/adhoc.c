#include "protocol/adhoc.h"

#include "protocol/form.h"
#include "protocol/node_ref.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

static const char *const actions[ADHOC_ACTIONS] = {
	[ADHOC_EXECUTE] = "execute",
	[ADHOC_NEXT] = "next",
	[ADHOC_PREV] = "prev",
	[ADHOC_COMPLETE] = "complete",
	[ADHOC_CANCEL] = "cancel",
};

static const char *const statuses[ADHOC_STATUSES] = {
	[ADHOC_EXECUTING] = "executing",
	[ADHOC_COMPLETED] = "completed",
	[ADHOC_CANCELED] = "canceled",
};

static enum err
find_word(const char *word, const char *const *words, size_t n, size_t *at,
    struct errbuf *eb)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0) {
			*at = i;
			return OK;
		}
	}
	return errbuf_set(
	    eb, ERR_PROTO, "unknown action or status of a command");
}

/* What a request and an answer share. */
static enum err
parse_ids(xmpp_stanza_t *el, const char **node, const char **session,
    xmpp_stanza_t **form, struct errbuf *eb)
{
	const char *name = xmpp_stanza_get_name(el);
	const char *ns = xmpp_stanza_get_ns(el);

	if (!name || !ns || strcmp(name, "command") != 0 ||
	    strcmp(ns, ADHOC_NS) != 0)
		return errbuf_set(eb, ERR_UNSUP, "not a command of " ADHOC_NS);
	*node = xmpp_stanza_get_attribute(el, "node");
	*session = xmpp_stanza_get_attribute(el, "sessionid");
	*form = xmpp_stanza_get_child_by_name_and_ns(el, "x", FORM_NS);
	if (!*node || !**node)
		return errbuf_set(eb, ERR_PROTO, "a command without a node");
	if (strlen(*node) > ADHOC_ID_MAX ||
	    (*session && strlen(*session) > ADHOC_ID_MAX))
		return errbuf_set(eb, ERR_RANGE,
		    "a command's node or sessionid is longer than %d bytes",
		    ADHOC_ID_MAX);
	return OK;
}

static xmpp_stanza_t *
build_ids(xmpp_ctx_t *ctx, const char *node, const char *session)
{
	xmpp_stanza_t *el = stanza_el(ctx, "command", ADHOC_NS);

	xmpp_stanza_set_attribute(el, "node", node);
	if (session)
		xmpp_stanza_set_attribute(el, "sessionid", session);
	return el;
}

static void
put_form(xmpp_stanza_t *el, xmpp_stanza_t *form)
{
	if (form)
		stanza_add(el, xmpp_stanza_copy(form));
}

enum err
adhoc_req_parse(xmpp_stanza_t *el, struct adhoc_req *out, struct errbuf *eb)
{
	const char *action;
	size_t at = ADHOC_EXECUTE;
	enum err e;

	memset(out, 0, sizeof(*out));
	e = parse_ids(el, &out->node, &out->session, &out->form, eb);
	if (e != OK)
		return e;
	action = xmpp_stanza_get_attribute(el, "action");
	if (action)
		e = find_word(action, actions, ADHOC_ACTIONS, &at, eb);
	out->action = (enum adhoc_action)at;
	return e;
}

xmpp_stanza_t *
adhoc_req_build(xmpp_ctx_t *ctx, const struct adhoc_req *r)
{
	xmpp_stanza_t *el = build_ids(ctx, r->node, r->session);

	xmpp_stanza_set_attribute(el, "action", actions[r->action]);
	put_form(el, r->form);
	return el;
}

enum err
adhoc_answer_parse(
    xmpp_stanza_t *el, struct adhoc_answer *out, struct errbuf *eb)
{
	const char *status;
	xmpp_stanza_t *note;
	size_t at = 0;
	enum err e;

	memset(out, 0, sizeof(*out));
	e = parse_ids(el, &out->node, &out->session, &out->form, eb);
	if (e != OK)
		return e;
	status = xmpp_stanza_get_attribute(el, "status");
	e = find_word(status ? status : "", statuses, ADHOC_STATUSES, &at, eb);
	out->status = (enum adhoc_status)at;
	note = child_next(xmpp_stanza_get_children(el), "note", ADHOC_NS);
	if (note)
		out->note = stanza_text(note);
	return e;
}

/* There is one step, and so one way on. */
static void
put_actions(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	xmpp_stanza_t *list = stanza_el(ctx, "actions", NULL);

	xmpp_stanza_set_attribute(list, "execute", actions[ADHOC_COMPLETE]);
	stanza_add(list, stanza_el(ctx, actions[ADHOC_COMPLETE], NULL));
	stanza_add(el, list);
}

xmpp_stanza_t *
adhoc_answer_build(xmpp_ctx_t *ctx, const struct adhoc_answer *a)
{
	xmpp_stanza_t *el = build_ids(ctx, a->node, a->session);

	xmpp_stanza_set_attribute(el, "status", statuses[a->status]);
	if (a->status == ADHOC_EXECUTING)
		put_actions(ctx, el);
	if (a->note) {
		stanza_put(ctx, el, "note", a->note);
		xmpp_stanza_set_attribute(
		    child_next(xmpp_stanza_get_children(el), "note", ADHOC_NS),
		    "type", "info");
	}
	put_form(el, a->form);
	return el;
}

void
adhoc_answer_fini(struct adhoc_answer *a)
{
	free(a->note);
	a->note = NULL;
}
