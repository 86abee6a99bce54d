#include "registry-client/seek.h"

#include "common/mem.h"
#include "protocol/stanza.h"
#include "xmpp/iq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seek {
	struct session *session;
	seek_done done;
	void *arg;
	char *feature;
	char jid[JID_SIZE]; /* asked now */
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
	free(k->feature);
	free(k);
}

static void
finish(struct seek *k, const char *jid, const char *why)
{
	seek_done done = k->done;
	void *arg = k->arg;
	char found[JID_SIZE];

	snprintf(found, sizeof(found), "%s", jid ? jid : "");
	seek_free(k);
	done(arg, jid ? found : NULL, why);
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

	if (jid != k->jid)
		snprintf(k->jid, sizeof(k->jid), "%s", jid);
	return iq_request(k->session, "get", k->jid, query, SEEK_ANSWER_MS,
		   done, k) == OK;
}

static void on_item(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza);

static void
next_item(struct seek *k)
{
	while (k->next < k->n)
		if (ask(k, NS_DISCO_INFO, k->item[k->next++], on_item))
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
	else if (outcome == IQ_RESULT && seek_has(stanza, k->feature))
		finish(k, k->jid, "");
	else {
		k->silent |= outcome == IQ_TIMEOUT;
		next_item(k);
	}
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

	if (outcome == IQ_LOST) {
		finish(k, NULL, "");
		return;
	}
	if (outcome != IQ_RESULT) {
		finish(k, NULL, "the server does not tell its components");
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

	if (outcome == IQ_LOST) {
		finish(k, NULL, "");
		return;
	}
	if (outcome == IQ_RESULT && seek_has(stanza, k->feature)) {
		finish(k, k->jid, "");
		return;
	}
	if (outcome != IQ_RESULT || !seek_has(stanza, NS_DISCO_ITEMS)) {
		finish(k, NULL, "the server does not tell its components");
		return;
	}
	if (!ask(k, NS_DISCO_ITEMS, k->jid, on_items))
		finish(k, NULL, "");
}

static const char *
server_of(const struct seek *k)
{
	return strchr(session_bare(k->session), '@') + 1;
}

static void
on_first(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct seek *k = arg;

	if (outcome == IQ_RESULT && seek_has(stanza, k->feature))
		finish(k, k->jid, "");
	else if (outcome == IQ_LOST ||
	    !ask(k, NS_DISCO_INFO, server_of(k), on_server))
		finish(k, NULL, "");
}

struct seek *
seek_start(struct session *s, const char *feature, const char *first,
    seek_done done, void *arg)
{
	struct seek *k = mem_zalloc(sizeof(*k));
	bool asked;

	k->session = s;
	k->done = done;
	k->arg = arg;
	k->feature = mem_strdup(feature);
	asked = first && *first
	    ? ask(k, NS_DISCO_INFO, first, on_first)
	    : ask(k, NS_DISCO_INFO, server_of(k), on_server);
	if (asked)
		return k;
	seek_free(k);
	return NULL;
}
