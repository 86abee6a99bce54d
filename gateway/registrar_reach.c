/* Whether the registry can be reached, and what is due by time. */
#include "common/log.h"
#include "common/utf8.h"
#include "gateway/meta.h"
#include "gateway/registrar_impl.h"
#include "protocol/discovery.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <string.h>

enum {
	LEASE_MS = 60000, /* well within what the registry grants */
	LEASE_FIRST_MS = 5000,
	PROBE_FIRST_MS = 5000,
	PROBE_MAX_MS = 60000,
};

bool
registrar_unreachable(const char *condition)
{
	static const char *const names[] = { "service-unavailable",
		"remote-server-not-found", "remote-server-timeout",
		"recipient-unavailable", "gone" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(condition, names[i]) == 0)
			return true;
	}
	return false;
}

/* What an entity that answered says it is. */
static void
looked(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct registrar *r = arg;
	xmpp_stanza_t *el, *query = NULL;
	const char *name = NULL;

	if (outcome == IQ_RESULT)
		query = stanza_payload(stanza, NULL);
	if (!query)
		return;
	for (el = xmpp_stanza_get_children(query); el;
	     el = xmpp_stanza_get_next(el)) {
		const char *what = xmpp_stanza_get_name(el);
		const char *var = xmpp_stanza_get_attribute(el, "var");

		if (var && strcmp(var, DISCOVERY_NS) == 0)
			return; /* it is one */
		if (what && strcmp(what, "identity") == 0 && !name)
			name = xmpp_stanza_get_attribute(el, "name");
	}
	if (!name || !*name)
		name = "something else";
	snprintf(
	    r->trouble, sizeof(r->trouble), "it is no Thing Registry, but ");
	utf8_sanitize(name, strlen(name), r->trouble + strlen(r->trouble), 64);
	r->stranger = true;
	log_warn("registry", "%s: %s; is the jid of [registry] right?", r->jid,
	    r->trouble);
}

void
registrar_look(struct registrar *r)
{
	struct session *s = r->gw->session;
	xmpp_stanza_t *query;

	if (r->looked || !session_online(s))
		return;
	query = stanza_el(session_ctx(s), "query", NS_DISCO_INFO);
	r->looked = iq_request(s, "get", r->to, query, REGISTRAR_REQUEST_MS,
			looked, r) == OK;
}

const char *
registrar_trouble(const struct registrar *r)
{
	return r->trouble;
}

/* Why it is not reached; what is known already says more than that. */
static void
note_trouble(struct registrar *r, const char *why)
{
	if (strcmp(why, "service-unavailable") == 0)
		registrar_look(r);
	if (r->trouble[0])
		return;
	if (strcmp(why, "service-unavailable") == 0)
		why = "service-unavailable: it does not run, or is no Thing "
		      "Registry";
	utf8_sanitize(why, strlen(why), r->trouble, sizeof(r->trouble));
}

/* It cannot be reached, or is not found: a later attempt will tell. */
void
registrar_note(struct registrar *r, const char *why)
{
	utf8_sanitize(why, strlen(why), r->trouble, sizeof(r->trouble));
	r->probe_mono = registrar_now(r) +
	    registrar_backoff(++r->probes, PROBE_FIRST_MS, PROBE_MAX_MS);
}

void
registrar_lost(struct registrar *r, const char *why)
{
	if (r->reachable)
		log_warn("registry", "%s cannot be reached (%s); trying again",
		    r->jid, why);
	note_trouble(r, why);
	r->reachable = false;
	r->heard = false;
	if (r->probe_mono == 0)
		r->probe_mono = registrar_now(r) +
		    registrar_backoff(
			++r->probes, PROBE_FIRST_MS, PROBE_MAX_MS);
}

/* It answers pings, which any server does: the pauses between attempts grow on
 * until it has answered more, or once more. */
void
registrar_found(struct registrar *r)
{
	if (!r->reachable)
		log_info("registry", "%s is there", r->jid);
	r->silent = 0;
	r->probe_mono = 0;
	if (!r->stranger)
		r->trouble[0] = '\0';
	if (r->reachable)
		return;
	r->reachable = true;
	registrar_round(r);
}

/* Reachability and time. */

static void
probed(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct registrar *r = arg;

	r->lease_asked = false;
	if (!r->to[0])
		return; /* it was left meanwhile */
	if (outcome == IQ_RESULT && r->reachable) {
		r->heard = true;
		r->probes = 0;
	}
	if (outcome == IQ_RESULT ||
	    (outcome == IQ_ERROR &&
		!registrar_unreachable(stanza_condition(stanza))))
		registrar_found(r);
	else if (outcome == IQ_ERROR)
		registrar_lost(r, stanza_condition(stanza));
	else if (outcome == IQ_TIMEOUT &&
	    (!r->reachable || ++r->silent >= REGISTRAR_LOST_AFTER))
		registrar_lost(r, "no answers");
}

/* Directed presence is what a component registry knows a gateway by; the ping
 * renews its lease (XEP-0199). */
static void
announce(struct registrar *r)
{
	struct session *s = r->gw->session;
	xmpp_stanza_t *ping;

	if (!r->reachable && !registrar_is_account(r))
		presence_send(s, PRESENCE_AVAILABLE, r->to);
	r->lease_mono = registrar_now(r) + LEASE_MS;
	if (r->lease_asked)
		return;
	ping = stanza_el(session_ctx(s), "ping", NS_PING);
	r->lease_asked = iq_request(s, "get", r->to, ping, REGISTRAR_REQUEST_MS,
			     probed, r) == OK;
	if (!r->lease_asked && !r->reachable)
		registrar_lost(r, "busy");
}

void
registrar_arrive(struct registrar *r)
{
	/* An account knows us by the subscription. */
	if (!registrar_is_account(r))
		presence_send(r->gw->session, PRESENCE_AVAILABLE, r->to);
	r->reachable = true;
	r->looked = r->stranger = false;
	r->trouble[0] = '\0';
	r->silent = 0;
	r->probes = 0;
	r->probe_mono = 0;
	r->lease_asked = false;
	r->lease_mono = registrar_now(r) + LEASE_FIRST_MS;
	registrar_round(r);
}

void
registrar_online(struct registrar *r)
{
	r->probes = 0;
	r->trouble[0] = '\0';
	registrar_find(r);
}

void
registrar_offline(struct registrar *r)
{
	struct nodes *t = &r->gw->nodes;

	seek_free(r->seek);
	r->seek = NULL;
	r->reachable = r->rests = false;
	r->to[0] = r->other[0] = '\0';
	r->idle_mono = 0;
	r->heard = false;
	r->lease_mono = 0;
	r->probe_mono = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct duty *d = &t->v[i]->duty;

		registrar_dequeue(r, t->v[i]);
		d->retry_mono = 0; /* what it wants, it still does */
		d->failures = 0;
	}
}

static void
tick_node(struct registrar *r, struct node *n, int64_t mono)
{
	struct thing_event due = { .kind = THING_KEY_CLEAR_DUE };
	struct thing_event tags = { .kind = THING_TAGS_CHANGED };

	if (n->duty.retry_mono && n->duty.retry_mono <= mono) {
		n->duty.retry_mono = 0;
		registrar_enqueue(r, n);
	}
	if (n->duty.key_clear_mono && n->duty.key_clear_mono <= mono &&
	    !n->duty.want && !n->duty.in_flight)
		registrar_apply(r, n, &due, NULL);
	if (n->n_follows &&
	    meta_follow(n, r->gw->cfg->registry.min_interval_ms, mono))
		registrar_apply(r, n, &tags, NULL);
}

/* A reload that could not be kept: the nodes went back, the configuration did
 * not. */
static void
configure_again(struct registrar *r)
{
	struct nodes *t = &r->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		enum err e = registrar_event(r, t->v[i],
		    t->v[i]->cfg ? THING_CONFIGURED : THING_DECONFIGURED);

		(void)e; /* only commands are refused */
	}
}

void
registrar_tick(struct registrar *r)
{
	struct nodes *t = &r->gw->nodes;
	int64_t mono = registrar_now(r);

	if (r->unwritable)
		configure_again(r);
	if (!session_online(r->gw->session))
		return;
	registrar_friend_tick(r, mono);
	if (r->probe_mono && r->probe_mono <= mono) {
		r->probe_mono = 0;
		if (r->reachable ||
		    (r->to[0] && (r->configured || registrar_is_account(r))))
			announce(r);
		else
			registrar_find(r);
	}
	if (r->reachable && r->lease_mono && r->lease_mono <= mono)
		announce(r);
	if (!r->reachable)
		return;
	for (size_t i = 0; i < t->n; i++)
		tick_node(r, t->v[i], mono);
	registrar_round_tick(r, mono);
}
