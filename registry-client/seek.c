#include "registry-client/seek.h"

#include "common/mem.h"
#include "protocol/stanza.h"
#include "xmpp/iq.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seek {
	struct session *session;
	struct seek_plan plan;
	size_t at;            /* the one of plan.v that is tried */
	bool waits;           /* for an account to let us in */
	int64_t until_mono;   /* so long; 0: the next tick sets it */
	struct seek_try here; /* a part of the server, asked now */
	char *item[SEEK_ITEMS];
	size_t n, next;
	bool silent; /* something did not answer */
};

void
seek_free(struct seek *k)
{
	if (!k)
		return;
	iq_forget(k->session, k);
	for (size_t i = 0; i < k->n; i++)
		free(k->item[i]);
	free(k);
}

/* k is gone after this. */
static void
finish(struct seek *k, const struct seek_try *found, const char *why)
{
	const struct seek_plan *p = &k->plan;

	iq_forget(k->session, k);
	p->done(p->arg, found, why);
	seek_free(k);
}

bool
seek_unanswered(const struct seek *k)
{
	return k->silent;
}

bool
seek_has(xmpp_stanza_t *info, const char *feature)
{
	xmpp_stanza_t *query = stanza_payload(info, NULL), *el;

	el = query ? xmpp_stanza_get_children(query) : NULL;
	for (; el; el = xmpp_stanza_get_next(el)) {
		const char *name = xmpp_stanza_get_name(el);
		const char *var = xmpp_stanza_get_attribute(el, "var");

		if (name && var && strcmp(name, "feature") == 0 &&
		    strcmp(var, feature) == 0)
			return true;
	}
	return false;
}

static bool
ask(struct seek *k, const char *ns, const char *jid, iq_done done)
{
	xmpp_stanza_t *query = stanza_el(session_ctx(k->session), "query", ns);

	return iq_request(k->session, "get", jid, query, SEEK_ANSWER_MS, done,
		   k) == OK;
}

static bool
ask_part(struct seek *k, const char *ns, const char *jid, iq_done done)
{
	if (jid != k->here.jid)
		snprintf(k->here.jid, sizeof(k->here.jid), "%s", jid);
	return ask(k, ns, k->here.jid, done);
}

static void on_item(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza);

static void
next_item(struct seek *k)
{
	while (k->next < k->n)
		if (ask_part(k, NS_DISCO_INFO, k->item[k->next++], on_item))
			return;
	finish(k, NULL,
	    k->silent ? "none of the server's components that answered is one"
		      : "none of the server's components is one");
}

static void
on_item(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct seek *k = arg;

	if (outcome == IQ_LOST)
		finish(k, NULL, "");
	else if (outcome == IQ_RESULT && seek_has(stanza, k->plan.feature))
		finish(k, &k->here, "");
	else {
		k->silent |= outcome == IQ_TIMEOUT;
		next_item(k);
	}
}

/* The server, of which all the rest is heard. */
static void
no_items(struct seek *k, enum iq_outcome outcome)
{
	const char *why = "the server does not tell its components";

	if (outcome == IQ_LOST)
		why = "";
	else if (outcome == IQ_TIMEOUT)
		why = "the server does not answer";
	k->silent |= outcome == IQ_TIMEOUT;
	finish(k, NULL, why);
}

/* Components have no user; an item with a node is a part of something. */
static void
take_item(struct seek *k, xmpp_stanza_t *el)
{
	const char *name = xmpp_stanza_get_name(el);
	const char *text = xmpp_stanza_get_attribute(el, "jid");
	struct jid jid;

	if (!name || strcmp(name, "item") != 0 || !text ||
	    xmpp_stanza_get_attribute(el, "node") || k->n == SEEK_ITEMS ||
	    jid_parse(text, &jid) != OK || strcmp(jid.full, jid.domain) != 0)
		return;
	k->item[k->n++] = mem_strdup(jid.full);
}

static void
on_items(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct seek *k = arg;
	xmpp_stanza_t *query, *el;

	if (outcome != IQ_RESULT) {
		no_items(k, outcome);
		return;
	}
	query = stanza_payload(stanza, NULL);
	el = query ? xmpp_stanza_get_children(query) : NULL;
	for (; el; el = xmpp_stanza_get_next(el))
		take_item(k, el);
	next_item(k);
}

static void
on_server(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct seek *k = arg;

	if (outcome == IQ_RESULT && seek_has(stanza, k->plan.feature))
		finish(k, &k->here, "");
	else if (outcome != IQ_RESULT || !seek_has(stanza, NS_DISCO_ITEMS))
		no_items(k, outcome);
	else if (!ask_part(k, NS_DISCO_ITEMS, k->here.jid, on_items))
		finish(k, NULL, "");
}

static const char *
server_of(const struct seek *k)
{
	return strchr(session_bare(k->session), '@') + 1;
}

/* The address itself, or the account that it is of, until it has let us in. */
static bool
is_account(const char *jid)
{
	return strchr(jid, '@') && !strchr(jid, '/');
}

static bool try_on(struct seek *k);

/* The one that is tried now is none. */
static void
try_next(struct seek *k)
{
	char bare[JID_SIZE];
	const char *jid = k->plan.v[k->at++].jid;

	k->waits = false;
	if (strchr(jid, '@') && jid_bare(jid, bare) == OK)
		k->plan.leave(k->plan.arg, bare);
	if (!try_on(k))
		finish(k, NULL, "");
}

static void
on_try(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct seek *k = arg;

	if (outcome == IQ_RESULT && seek_has(stanza, k->plan.feature)) {
		finish(k, &k->plan.v[k->at], "");
	} else if (outcome == IQ_LOST) {
		finish(k, NULL, "");
	} else {
		k->silent |= outcome == IQ_TIMEOUT;
		try_next(k);
	}
}

/* Returns false when nothing can be sent. */
static bool
try_on(struct seek *k)
{
	const char *jid;

	if (k->at == k->plan.n)
		return ask_part(k, NS_DISCO_INFO, server_of(k), on_server);
	jid = k->plan.v[k->at].jid;
	if (!is_account(jid))
		return ask(k, NS_DISCO_INFO, jid, on_try);
	k->waits = true;
	k->until_mono = 0;
	presence_send(k->session, PRESENCE_SUBSCRIBE, jid);
	return session_online(k->session);
}

struct seek *
seek_start(struct session *s, const struct seek_plan *plan)
{
	struct seek *k = mem_zalloc(sizeof(*k));

	k->session = s;
	k->plan = *plan;
	k->here.how = "found among the server's components";
	if (try_on(k))
		return k;
	seek_free(k);
	return NULL;
}

/* One that has let us in is asked by its full JID, now or when its turn comes.
 */
void
seek_presence(struct seek *k, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence);
	enum presence_type type = presence_type(presence);
	size_t i = k->at;

	while (from && i < k->plan.n &&
	    !(is_account(k->plan.v[i].jid) &&
		jid_same_bare(from, k->plan.v[i].jid)))
		i++;
	if (!from || i == k->plan.n || strlen(from) >= JID_SIZE)
		return;
	if (type == PRESENCE_AVAILABLE && strchr(from, '/')) {
		memcpy(k->plan.v[i].jid, from, strlen(from) + 1);
		if (i != k->at)
			return;
		k->waits = false;
		if (!ask(k, NS_DISCO_INFO, k->plan.v[i].jid, on_try))
			finish(k, NULL, "");
	} else if (type == PRESENCE_UNSUBSCRIBED && i == k->at) {
		try_next(k);
	}
}

void
seek_tick(struct seek *k, int64_t mono)
{
	if (!k->waits)
		return;
	if (!k->until_mono) {
		k->until_mono = mono + SEEK_LET_IN_MS;
	} else if (k->until_mono <= mono) {
		k->silent = true;
		try_next(k);
	}
}

bool
seek_courts(const struct seek *k, const char *bare)
{
	for (size_t i = k ? k->at : 0; k && i < k->plan.n; i++)
		if (jid_same_bare(bare, k->plan.v[i].jid))
			return true;
	return false;
}

void
seek_add(struct seek_plan *p, const char *jid, const char *how)
{
	struct seek_try *t = &p->v[p->n];

	if (p->n == SEEK_TRIES || strlen(jid) >= sizeof(t->jid))
		return;
	memcpy(t->jid, jid, strlen(jid) + 1);
	t->how = how;
	p->n++;
}
