/* A registry that is an account: it must let us in, and what it is, only its
 * full JID tells.  The friendship is kept while there is something to say or to
 * hear, so that a registry has no more friends than it needs.
 * Spec: XEP-0347 Friendships between Things and Registry. */
#include "common/log.h"
#include "gateway/provisioner.h"
#include "gateway/registrar_impl.h"
#include "protocol/discovery.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <string.h>

enum { IDLE_MS = 5000 }; /* nothing to say for so long: done */

bool
registrar_is_account(const struct registrar *r)
{
	return strchr(r->jid, '@') != NULL;
}

const char *
registrar_to(const struct registrar *r)
{
	return r->to;
}

bool
registrar_rests(const struct registrar *r)
{
	return r->rests;
}

bool
registrar_befriends(const struct registrar *r, const char *bare)
{
	return (!r->rests && jid_same_bare(bare, r->jid)) ||
	    seek_courts(r->seek, bare);
}

/* An unclaimed node waits for its owner, a public one tells its tags.  A
 * private one asks now and then whether it is still claimed. */
static bool
node_needs(const struct node *n, int64_t mono)
{
	const struct duty *d = &n->duty;

	if (d->want || d->in_flight || n->thing.unregister_due)
		return true;
	if (n->thing.claim == CLAIM_PRIVATE)
		return !d->heard || d->check || d->check_mono <= mono;
	return n->thing.claim != CLAIM_REMOVED;
}

static bool
needed(const struct registrar *r)
{
	const struct nodes *t = &r->gw->nodes;
	int64_t mono = registrar_now(r);

	for (size_t i = 0; i < t->n; i++)
		if (node_needs(t->v[i], mono))
			return true;
	return provisioner_is(r->gw->provisioner, r->jid);
}

static void told(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza);

static void
ask_what(struct registrar *r, const char *jid)
{
	struct session *s = r->gw->session;

	r->asks = iq_request(s, "get", jid,
		      stanza_el(session_ctx(s), "query", NS_DISCO_INFO),
		      REGISTRAR_REQUEST_MS, told, r) == OK;
}

void
registrar_court(struct registrar *r)
{
	r->rests = !needed(r);
	r->trouble[0] = '\0';
	if (r->rests)
		return;
	presence_send(r->gw->session, PRESENCE_SUBSCRIBE, r->jid);
	if (r->other[0] && !r->asks)
		ask_what(r, r->other);
	registrar_note(r, "it is not there, or has not let us in yet");
}

static void
rest(struct registrar *r)
{
	log_info("registry",
	    "%s: nothing to say; the friendship ends until "
	    "there is",
	    r->jid);
	r->rests = true;
	r->reachable = r->heard = false;
	r->to[0] = r->other[0] = '\0';
	r->idle_mono = r->probe_mono = r->lease_mono = 0;
	roster_remove(r->gw->session, r->jid);
}

void
registrar_friend_tick(struct registrar *r, int64_t mono)
{
	if (r->seek)
		seek_tick(r->seek, mono);
	if (!registrar_is_account(r))
		return;
	if (r->rests && needed(r)) {
		registrar_find(r);
	} else if (!r->reachable || needed(r)) {
		r->idle_mono = 0;
	} else if (r->idle_mono == 0) {
		r->idle_mono = mono + IDLE_MS;
	} else if (r->idle_mono <= mono) {
		rest(r);
	}
}

/* Of its resources the newest that is a registry is used. */
static void
told(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct registrar *r = arg;
	bool first = r->to[0] == '\0';
	const char *from = stanza ? xmpp_stanza_get_from(stanza) : NULL;

	r->asks = false;
	if (!from || !jid_same(from, r->other))
		return;
	if (outcome != IQ_RESULT || !seek_has(stanza, DISCOVERY_NS)) {
		if (first)
			registrar_note(
			    r, "what has let us in is no Thing Registry");
		return;
	}
	memcpy(r->other, r->to, sizeof(r->other));
	memcpy(r->to, from, strlen(from) + 1);
	r->rests = false;
	if (!first)
		return;
	log_info("registry", "%s has let us in", r->jid);
	registrar_arrive(r);
}

void
registrar_presence(struct registrar *r, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence);
	enum presence_type type = presence_type(presence);

	if (r->seek) {
		seek_presence(r->seek, presence);
		return;
	}
	if (!from || !registrar_is_account(r) || !jid_same_bare(from, r->jid) ||
	    !strchr(from, '/') || strlen(from) >= sizeof(r->other))
		return;
	if (type == PRESENCE_AVAILABLE && !jid_same(from, r->to)) {
		memcpy(r->other, from, strlen(from) + 1);
		if (!r->asks)
			ask_what(r, from);
	} else if (type == PRESENCE_UNAVAILABLE && jid_same(from, r->other)) {
		r->other[0] = '\0';
	} else if (type == PRESENCE_UNAVAILABLE && jid_same(from, r->to)) {
		r->to[0] = '\0';
		registrar_lost(r, "it has gone offline");
	}
}
