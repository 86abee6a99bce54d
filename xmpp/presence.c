#include "xmpp/presence.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/stanza.h"
#include "xmpp/iq_table.h"

#include <stdlib.h>
#include <string.h>

enum { ROSTER_ANSWER_MS = 30000 };

static const char *const names[] = {
	[PRESENCE_AVAILABLE] = NULL,
	[PRESENCE_UNAVAILABLE] = "unavailable",
	[PRESENCE_SUBSCRIBE] = "subscribe",
	[PRESENCE_SUBSCRIBED] = "subscribed",
	[PRESENCE_UNSUBSCRIBE] = "unsubscribe",
	[PRESENCE_UNSUBSCRIBED] = "unsubscribed",
	[PRESENCE_PROBE] = "probe",
	[PRESENCE_ERROR] = "error",
};

enum presence_type
presence_type(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	if (!type)
		return PRESENCE_AVAILABLE;
	for (int i = PRESENCE_UNAVAILABLE; i < PRESENCE_OTHER; i++)
		if (strcmp(type, names[i]) == 0)
			return (enum presence_type)i;
	return PRESENCE_OTHER;
}

void
presence_send(struct session *s, enum presence_type type, const char *to)
{
	xmpp_stanza_t *p;

	/* An error needs the stanza it answers; other is no type to send. */
	if (!session_online(s) || type >= PRESENCE_ERROR)
		return;
	p = xmpp_presence_new(session_ctx(s));
	if (names[type])
		xmpp_stanza_set_type(p, names[type]);
	if (to)
		xmpp_stanza_set_to(p, to);
	(void)session_send(s, p);
}

static xmpp_stanza_t *
roster_query(struct session *s)
{
	return stanza_el(session_ctx(s), "query", NS_ROSTER);
}

static void
removed(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	(void)arg;
	/* item-not-found: it was not there. */
	if (outcome == IQ_ERROR)
		log_debug("xmpp", "roster removal refused condition=%s",
		    stanza_condition(stanza));
}

void
roster_remove(struct session *s, const char *bare)
{
	xmpp_stanza_t *query, *item;

	if (!session_online(s))
		return;
	query = roster_query(s);
	item = stanza_el(session_ctx(s), "item", NULL);
	xmpp_stanza_set_attribute(item, "jid", bare);
	xmpp_stanza_set_attribute(item, "subscription", "remove");
	stanza_add(query, item);
	if (iq_request(
		s, "set", NULL, query, ROSTER_ANSWER_MS, removed, NULL) != OK)
		log_debug("xmpp", "roster removal not sent");
}

struct roster_walk {
	void (*each)(void *arg, const char *bare, const char *subscription);
	void (*done)(void *arg, bool ok);
	void *arg;
};

static void
walk(const struct roster_walk *w, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *query = xmpp_stanza_get_child_by_ns(stanza, NS_ROSTER);
	xmpp_stanza_t *item = query ? xmpp_stanza_get_children(query) : NULL;

	for (; item; item = xmpp_stanza_get_next(item)) {
		const char *name = xmpp_stanza_get_name(item);
		const char *jid, *sub;

		if (!name || strcmp(name, "item") != 0)
			continue;
		jid = xmpp_stanza_get_attribute(item, "jid");
		sub = xmpp_stanza_get_attribute(item, "subscription");
		if (jid)
			w->each(w->arg, jid, sub ? sub : "none");
	}
}

static void
got_roster(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct roster_walk *w = arg;

	if (outcome == IQ_RESULT)
		walk(w, stanza);
	w->done(w->arg, outcome == IQ_RESULT);
	free(w);
}

void
roster_get(struct session *s,
    void (*each)(void *arg, const char *bare, const char *subscription),
    void (*done)(void *arg, bool ok), void *arg)
{
	struct roster_walk *w;
	struct iq_ask ask = { .type = "get",
		.timeout_ms = ROSTER_ANSWER_MS,
		.done = got_roster,
		.owner = arg,
		.drop = free };

	if (!session_online(s)) {
		done(arg, false);
		return;
	}
	w = mem_zalloc(sizeof(*w));
	w->each = each;
	w->done = done;
	w->arg = arg;
	ask.arg = w;
	ask.payload = roster_query(s);
	if (iq_ask(s, &ask) == OK)
		return;
	free(w);
	done(arg, false);
}
