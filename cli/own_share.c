/* share and unshare: an owner lets others read a node, or control it too; the
 * gateway keeps it, as commands of the node (XEP-0326). */
#include "cli/say.h"
#include "cli/visit.h"
#include "protocol/concentrator.h"
#include "protocol/stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CONTROL = VISIT_OPTS };

const struct opt own_share_opts[] = {
	VISIT_OPTIONS,
	{ "control", 0, NULL, "to control it too, not only to read it" },
	{ NULL, 0, NULL, NULL },
};

struct sharing {
	struct visit v;
	const char *command; /* of the node */
	char with[JID_SIZE];
	bool control;
};

/* A form that was refused says which of its fields. */
static void
tell_fields(xmpp_stanza_t *response)
{
	xmpp_stanza_t *c = response ? xmpp_stanza_get_children(response) : NULL;

	for (; (c = child_next(c, "error", CONCENTRATOR_NS));
	     c = xmpp_stanza_get_next(c)) {
		char *text = stanza_text(c);

		say("%s", text);
		free(text);
	}
}

static void
on_shared(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct sharing *s = arg;
	xmpp_stanza_t *c = stanza ? child_next(xmpp_stanza_get_children(stanza),
					NULL, CONCENTRATOR_NS)
				  : NULL;
	enum conc_result r = CONC_OTHER_ERROR;

	if (outcome == IQ_RESULT && c && conc_result_parse(c, &r) == OK &&
	    r == CONC_OK) {
		printf("%s: %s %s %s\n", s->v.name.node.node,
		    s->control ? "control" : "reading",
		    *s->command == 's' ? "shared with" : "no more shared with",
		    s->with);
		visit_end(&s->v, EXIT_OK);
		return;
	}
	tell_fields(c);
	if (outcome == IQ_RESULT) {
		visit_end(&s->v,
		    say_exit(EXIT_FAILED, "not done: %s", conc_result_name(r)));
		return;
	}
	visit_end(&s->v, visit_refused(&s->v, "shared", outcome, stanza, true));
}

static void
go(struct visit *v)
{
	struct sharing *s = (struct sharing *)v;
	struct conc_req rq = { .cmd = CONC_EXECUTE_NODE_COMMAND,
		.tokens = { "", "", "" },
		.ref = v->name.node,
		.command = s->command };

	rq.form = form_new(visit_ctx(v), "submit", NULL);
	form_submit(visit_ctx(v), rq.form, "jid", s->with);
	if (*s->command == 's')
		form_submit(visit_ctx(v), rq.form, "control",
		    s->control ? "true" : "false");
	visit_ask(v, "set", conc_req_build(visit_ctx(v), &rq), on_shared);
	xmpp_stanza_release(rq.form);
	conc_req_fini(&rq);
}

static int
prepare(struct sharing *s)
{
	const struct call *c = s->v.call;
	int code = visit_open(&s->v);

	if (code != EXIT_OK)
		return code;
	if (!*s->v.name.node.node)
		return verb_usage(c, "a node is shared: give JID NODE");
	if (s->v.rest + 1 != c->argc)
		return verb_usage(c, "with whom? Give THING and one JID");
	if (jid_bare(c->argv[s->v.rest], s->with) != OK)
		return verb_usage(c, "\"%s\" is not a JID", c->argv[s->v.rest]);
	/* A server is nobody: its people would be refused all the same. */
	if (*s->command == 's' && !strchr(s->with, '@'))
		return verb_usage(c,
		    "\"%s\" is a server; a person is NAME@SERVER, and all of "
		    "a server are let in by: thingowner allow",
		    s->with);
	return EXIT_OK;
}

static int
run(const struct call *c, const char *command, bool control)
{
	struct sharing s = {
		.v = { .call = c, .feature = CONCENTRATOR_NS, .go = go },
		.command = command,
		.control = control,
	};
	int code = prepare(&s);

	if (code == EXIT_OK)
		return visit_run(&s.v);
	visit_close(&s.v);
	return code;
}

int
own_share(const struct call *c)
{
	return run(c, "share", c->opt[OPT_CONTROL] != NULL);
}

int
own_unshare(const struct call *c)
{
	return run(c, "unshare", false);
}
