#include "gateway/provisioner.h"

#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "gateway/friends.h"
#include "gateway/gateway.h"
#include "gateway/judge.h"
#include "gateway/registrar.h"
#include "protocol/provisioning.h"
#include "protocol/stanza.h"
#include "registry-client/seek.h"
#include "xmpp/find_txt.h"
#include "xmpp/iq.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OWNERS_MAX = 256,
	CHECK_MS = 60000,
	SEARCH_FIRST_MS = 60000,
	SEARCH_MAX_MS = 3600000,
};

/* One who may be it: an owner, or the one for all nodes. */
struct candidate {
	struct gateway *gw;
	struct provisioning_peer peer;
	char asked[JID_SIZE]; /* what it is, under this JID */
	bool asks;            /* now */
	bool is;              /* it has said so once, or is configured */
};

struct provisioner {
	struct gateway *gw;
	bool configured;
	bool part; /* found among the components: an owner comes first */
	struct candidate all;
	struct candidate *owner[OWNERS_MAX];
	size_t n_owners;
	struct seek *seek; /* under way, or NULL */
	unsigned searches; /* in vain, in a row */
	int64_t due_mono;  /* the next search, or look */
};

static bool
is_account(const char *jid)
{
	return strchr(jid, '@') != NULL;
}

struct provisioner *
provisioner_new(struct gateway *gw)
{
	const struct cfg_provisioning *c = &gw->cfg->provisioning;
	struct provisioner *p = mem_zalloc(sizeof(*p));

	p->gw = p->all.gw = gw;
	p->configured = c->jid && jid_bare(c->jid, p->all.peer.jid) == OK;
	p->all.is = p->configured;
	p->all.peer.how = c->subdomain ? "configured as subdomain"
	    : c->user                  ? "configured as user"
				       : "configured";
	return p;
}

void
provisioner_free(struct provisioner *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_owners; i++)
		free(p->owner[i]);
	free(p);
}

/* Asking one what it is. */

static void ask(struct candidate *c, const char *jid);

static void
told(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct candidate *c = arg;
	bool was = c->peer.to[0] != '\0';
	bool is = outcome == IQ_RESULT && seek_has(stanza, PROVISIONING_NS);

	c->asks = false;
	if (outcome == IQ_TIMEOUT) /* its next presence asks again */
		c->asked[0] = c->peer.to[0] = '\0';
	if (outcome == IQ_LOST || !c->asked[0])
		return;
	if (!jid_same(xmpp_stanza_get_from(stanza), c->asked)) {
		ask(c, c->asked); /* another came meanwhile */
		return;
	}
	c->is |= is;
	memcpy(c->peer.to, is ? c->asked : "", is ? strlen(c->asked) + 1 : 1);
	if (is && !was)
		log_info("provisioning", "%s is there: %s", c->peer.jid,
		    c->peer.how);
}

static void
ask(struct candidate *c, const char *jid)
{
	struct session *s = c->gw->session;

	if (strlen(jid) >= sizeof(c->asked))
		return;
	memmove(c->asked, jid, strlen(jid) + 1);
	if (c->asks)
		return;
	c->asks = iq_request(s, "get", jid,
		      stanza_el(session_ctx(s), "query", NS_DISCO_INFO),
		      SEEK_ANSWER_MS, told, c) == OK;
}

static void
heard(struct candidate *c, const char *from, enum presence_type type)
{
	bool same = jid_same(from, c->asked);

	if (type == PRESENCE_AVAILABLE && !c->peer.to[0] && !same)
		ask(c, from);
	if (type == PRESENCE_UNAVAILABLE && same)
		c->asked[0] = '\0';
	if (type == PRESENCE_UNAVAILABLE && jid_same(from, c->peer.to))
		c->peer.to[0] = '\0';
}

/* Owners. */

static bool
owns(const struct gateway *gw, const char *bare)
{
	for (size_t i = 0; i < gw->nodes.n; i++)
		if (strcmp(gw->nodes.v[i]->thing.owner, bare) == 0)
			return true;
	return false;
}

static struct candidate *
owner_of(struct provisioner *p, const char *bare)
{
	struct candidate *c;

	for (size_t i = 0; i < p->n_owners; i++)
		if (strcmp(p->owner[i]->peer.jid, bare) == 0)
			return p->owner[i];
	if (p->n_owners == OWNERS_MAX || !owns(p->gw, bare))
		return NULL;
	c = mem_zalloc(sizeof(*c));
	c->gw = p->gw;
	c->peer.how = "the owner of the nodes";
	memcpy(c->peer.jid, bare, strlen(bare) + 1);
	p->owner[p->n_owners++] = c;
	return c;
}

void
provisioner_drop(struct provisioner *p, const char *bare)
{
	if (owns(p->gw, bare))
		return;
	for (size_t i = 0; i < p->n_owners; i++) {
		struct candidate *c = p->owner[i];

		if (strcmp(c->peer.jid, bare) != 0)
			continue;
		iq_forget(p->gw->session, c);
		free(c);
		p->owner[i] = p->owner[--p->n_owners];
		return;
	}
}

void
provisioner_presence(struct provisioner *p, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence);
	enum presence_type type = presence_type(presence);
	struct candidate *c;
	char bare[JID_SIZE];

	if (p->seek)
		seek_presence(p->seek, presence);
	if (!from || !strchr(from, '/') || jid_bare(from, bare) != OK ||
	    !is_account(bare))
		return;
	if (strcmp(bare, p->all.peer.jid) == 0) {
		heard(&p->all, from, type);
		return;
	}
	c = p->configured ? NULL : owner_of(p, bare);
	if (c)
		heard(c, from, type);
}

/* The one for all. */

static void
sought(void *arg, const struct seek_try *found, const char *why)
{
	struct provisioner *p = arg;
	struct provisioning_peer *peer = &p->all.peer;
	int64_t pause = SEARCH_FIRST_MS;

	p->seek = NULL;
	if (found && jid_bare(found->jid, peer->jid) == OK) {
		snprintf(peer->to, sizeof(peer->to), "%s", found->jid);
		peer->how = found->how;
		p->all.is = true;
		/* what a search of components names stands in no plan */
		p->part = strncmp(found->how, "found", 5) == 0;
		log_info("provisioning", "%s: %s", peer->jid, peer->how);
		judge_trust(p->gw->judge, peer->jid);
		friends_approve(p->gw->friends, peer->jid);
		if (!is_account(peer->jid))
			presence_send(
			    p->gw->session, PRESENCE_AVAILABLE, peer->jid);
		p->due_mono = clock_mono(p->gw->clock) + CHECK_MS;
		return;
	}
	if (p->searches++ == 0 && *why)
		log_info("provisioning", "no server is found: %s", why);
	for (unsigned i = 1; i < p->searches && pause < SEARCH_MAX_MS; i++)
		pause *= 2;
	p->due_mono = clock_mono(p->gw->clock) + pause +
	    random_below((uint32_t)pause / 4);
}

static void
leave(void *arg, const char *bare)
{
	struct provisioner *p = arg;

	friends_drop(p->gw->friends, bare);
}

static void
add_user(struct provisioner *p, struct seek_plan *plan, const char *user,
    const char *how)
{
	char text[JID_SIZE + HINT_USER], jid[JID_SIZE];

	snprintf(text, sizeof(text), "%s@%s", user,
	    strchr(session_bare(p->gw->session), '@') + 1);
	if (jid_bare(text, jid) == OK)
		seek_add(plan, jid, how);
}

/* The registry comes before the components; without it nothing is owned. */
static void
search(struct provisioner *p)
{
	const struct cfg_provisioning *c = &p->gw->first->provisioning;
	const struct hints *h = session_hints(p->gw->session);
	const char *registry = registrar_to(p->gw->registrar);
	struct seek_plan plan = { .feature = PROVISIONING_NS,
		.done = sought,
		.leave = leave,
		.arg = p };

	if (!*registry || !registrar_reachable(p->gw->registrar))
		return;
	for (size_t i = 0; c->announced && h && i < h->provisioning.n; i++)
		add_user(p, &plan, h->provisioning.name[i],
		    "announced by the server (mDNS, provis)");
	if (c->predefined)
		add_user(p, &plan, "provisioning", "predefined user name");
	seek_add(&plan, registry, "the registry itself");
	p->seek = seek_start(p->gw->session, &plan);
}

/* A component tells nobody that it has come or gone; an account that has not
 * let us in is asked again. */
static void
look(struct provisioner *p)
{
	const struct provisioning_peer *peer = &p->all.peer;
	struct session *s = p->gw->session;

	p->due_mono = clock_mono(p->gw->clock) + CHECK_MS;
	if (is_account(peer->jid)) {
		if (!peer->to[0])
			presence_send(s, PRESENCE_SUBSCRIBE, peer->jid);
		return;
	}
	if (!peer->to[0])
		presence_send(s, PRESENCE_AVAILABLE, peer->jid);
	ask(&p->all, peer->jid);
}

void
provisioner_tick(struct provisioner *p)
{
	int64_t mono = clock_mono(p->gw->clock);

	if (!session_online(p->gw->session))
		return;
	if (p->seek)
		seek_tick(p->seek, mono);
	else if (p->due_mono > mono)
		return;
	else if (p->all.is)
		look(p);
	else
		search(p);
}

void
provisioner_offline(struct provisioner *p)
{
	seek_free(p->seek);
	p->seek = NULL;
	p->searches = 0;
	p->due_mono = 0;
	p->all.peer.to[0] = p->all.asked[0] = '\0';
	for (size_t i = 0; i < p->n_owners; i++)
		p->owner[i]->peer.to[0] = p->owner[i]->asked[0] = '\0';
	if (p->configured)
		return;
	p->all.is = false; /* searched anew, in order */
	p->all.peer.jid[0] = '\0';
}

const struct provisioning_peer *
provisioner_for(const struct provisioner *p, const char *owner)
{
	if (p->all.is && !p->part)
		return &p->all.peer;
	for (size_t i = 0; *owner && i < p->n_owners; i++)
		if (p->owner[i]->is &&
		    strcmp(p->owner[i]->peer.jid, owner) == 0)
			return &p->owner[i]->peer;
	return p->all.is ? &p->all.peer : NULL;
}

bool
provisioner_is(const struct provisioner *p, const char *bare)
{
	return p->all.is && jid_same_bare(bare, p->all.peer.jid);
}

bool
provisioner_befriends(const struct provisioner *p, const char *bare)
{
	return provisioner_is(p, bare) || seek_courts(p->seek, bare);
}
