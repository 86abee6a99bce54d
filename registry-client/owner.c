#include "registry-client/owner.h"

#include "common/mem.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"
#include "xmpp/iq.h"

#include <stdlib.h>
#include <string.h>

/* A request is a disc_op, or a search; a refusal may be of ANY. */
enum { SEARCH = DISC_OPS, ANY };

struct pending {
	int op;
	owner_done done;
	void *arg;
};

/* The first row that fits the condition and the request. */
static const struct refusal {
	const char *condition; /* NULL: any other */
	int op;
	enum err err;
	const char *text;
} refusals[] = {
	{ "item-not-found", DISC_MINE, ERR_NOTFOUND,
	    "nothing to claim: no such thing is registered, or somebody has "
	    "claimed it already" },
	{ "item-not-found", ANY, ERR_NOTFOUND,
	    "the registry knows no such thing, or it is not yours" },
	{ "not-allowed", DISC_DISOWN, ERR_REFUSED,
	    "the thing must be online and a friend of the registry to be "
	    "disowned; the owner is unchanged" },
	{ "not-allowed", ANY, ERR_REFUSED,
	    "the registry, or the server on the way to it, does not allow "
	    "that: is the registry's JID right?" },
	{ "bad-request", SEARCH, ERR_REFUSED,
	    "the registry does not understand this search" },
	{ "feature-not-implemented", SEARCH, ERR_UNSUP,
	    "this registry cannot search" },
	{ "resource-constraint", SEARCH, ERR_REFUSED,
	    "this search is too much for the registry: add an operator that "
	    "few things meet" },
	{ "service-unavailable", ANY, ERR_OFFLINE,
	    "there is no registry at this address, or it is not running" },
	{ "remote-server-not-found", ANY, ERR_OFFLINE,
	    "there is no server at the registry's address" },
	{ "remote-server-timeout", ANY, ERR_OFFLINE,
	    "the registry's server does not answer" },
	{ "recipient-unavailable", ANY, ERR_OFFLINE,
	    "the registry is not online" },
	{ "gone", ANY, ERR_OFFLINE, "the registry is no longer there" },
	{ NULL, ANY, ERR_REFUSED, "the registry refused the request" },
};

static const struct refusal *
find_refusal(const char *condition, int op)
{
	const struct refusal *r = refusals;

	while (r->condition &&
	    (strcmp(r->condition, condition) != 0 ||
		(r->op != ANY && r->op != op)))
		r++;
	return r;
}

static void
tell(const struct pending *p, enum err e, const char *text)
{
	struct owner_reply reply = {
		.err = e, .text = text, .node = { "", "", "" }
	};

	p->done(p->arg, &reply);
}

static void
refused(const struct pending *p, xmpp_stanza_t *stanza)
{
	const char *condition = stanza_condition(stanza);
	const struct refusal *r = find_refusal(condition, p->op);
	struct owner_reply reply = {
		.err = r->err,
		.condition = condition,
		.text = r->text,
		.node = { "", "", "" },
	};

	p->done(p->arg, &reply);
}

/* The answer to mine holds <claimed/> with the thing's address. */
static void
claimed(const struct pending *p, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *el = stanza_payload(stanza, NULL);
	struct owner_reply reply = { .err = OK, .text = "the thing is yours" };
	char bare[JID_SIZE];
	struct disc_msg m;

	if (!el) {
		tell(
		    p, ERR_PROTO, "the registry did not say which thing it is");
		return;
	}
	if (discovery_parse(el, &m, NULL) != OK || m.op != DISC_CLAIMED ||
	    jid_bare(m.jid, bare) != OK) {
		tell(
		    p, ERR_PROTO, "the registry's answer cannot be understood");
	} else {
		reply.jid = bare;
		reply.node = m.node;
		p->done(p->arg, &reply);
	}
	discovery_fini(&m);
}

static void
found(const struct pending *p, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *el = stanza_payload(stanza, NULL);
	struct owner_reply reply = { .err = OK, .text = "done" };
	struct found f = { 0 };

	reply.node = (struct node_ref){ "", "", "" };
	reply.found = &f;
	if (!el || found_parse(el, &f, NULL) != OK)
		tell(
		    p, ERR_PROTO, "the registry's answer cannot be understood");
	else
		p->done(p->arg, &reply);
	found_fini(&f);
}

static void
result(const struct pending *p, xmpp_stanza_t *stanza)
{
	if (p->op == DISC_MINE)
		claimed(p, stanza);
	else if (p->op == SEARCH)
		found(p, stanza);
	else
		tell(p, OK, "done");
}

/* A search changes nothing, so that there is nothing not to know. */
static const char *
unanswered(const struct pending *p, bool lost)
{
	if (p->op == SEARCH)
		return lost ? "the connection was lost before the registry "
			      "answered"
			    : "the registry did not answer";
	return lost ? "the connection was lost before the registry answered; "
		      "whether the request was carried out is not known"
		    : "the registry did not answer; whether the request was "
		      "carried out is not known";
}

static void
answered(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct pending *p = arg;

	switch (outcome) {
	case IQ_RESULT:
		result(p, stanza);
		break;
	case IQ_ERROR:
		refused(p, stanza);
		break;
	case IQ_TIMEOUT:
		tell(p, ERR_TIMEOUT, unanswered(p, false));
		break;
	case IQ_LOST:
		tell(p, ERR_OFFLINE, unanswered(p, true));
		break;
	}
	free(p);
}

static struct pending *
pending_new(int op, owner_done done, void *arg)
{
	struct pending *p = mem_zalloc(sizeof(*p));

	p->op = op;
	p->done = done;
	p->arg = arg;
	return p;
}

enum err
owner_request(struct session *s, const char *registry, const struct disc_msg *m,
    int64_t timeout_ms, owner_done done, void *arg)
{
	struct pending *p = pending_new((int)m->op, done, arg);
	enum err e;

	e = iq_request(s, "set", registry, discovery_build(session_ctx(s), m),
	    timeout_ms, answered, p);
	if (e != OK)
		free(p);
	return e;
}

enum err
owner_search(struct session *s, const char *registry, const struct search *what,
    int64_t timeout_ms, owner_done done, void *arg)
{
	struct pending *p = pending_new(SEARCH, done, arg);
	enum err e;

	e = iq_request(s, "get", registry, search_build(session_ctx(s), what),
	    timeout_ms, answered, p);
	if (e != OK)
		free(p);
	return e;
}
