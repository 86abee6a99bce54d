#include "gateway/friends.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/registrar.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAITING_MAX = 64,
	WAIT_MS = 10000, /* a quick owner subscribes before `claimed` arrives */
};

struct waiting {
	char bare[JID_SIZE];
	int64_t until_mono;
};

struct friends {
	struct gateway *gw;
	struct waiting waiting[WAITING_MAX];
	size_t n;
};

struct friends *
friends_new(struct gateway *gw)
{
	struct friends *f = mem_zalloc(sizeof(*f));

	f->gw = gw;
	return f;
}

void
friends_free(struct friends *f)
{
	free(f);
}

static bool
is_friend(const struct friends *f, const char *bare)
{
	const struct nodes *t = &f->gw->nodes;

	if (jid_same_bare(bare, registrar_jid(f->gw->registrar)) ||
	    jid_same_bare(bare, f->gw->cfg->provisioning.jid))
		return true;
	for (size_t i = 0; i < t->n; i++) {
		if (thing_has_owner(&t->v[i]->thing) &&
		    jid_same_bare(bare, t->v[i]->thing.owner))
			return true;
	}
	return false;
}

/* Peers expect a subscription in both directions. */
static void
accept_friend(struct friends *f, const char *bare)
{
	log_info("friends", "%s may see this gateway", bare);
	presence_send(f->gw->session, PRESENCE_SUBSCRIBED, bare);
	presence_send(f->gw->session, PRESENCE_SUBSCRIBE, bare);
}

static void
forget_waiting(struct friends *f, size_t i)
{
	f->waiting[i] = f->waiting[--f->n];
}

static void
subscribe(struct friends *f, const char *bare)
{
	if (is_friend(f, bare)) {
		accept_friend(f, bare);
		return;
	}
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->waiting[i].bare, bare) == 0)
			return;
	}
	if (f->n == WAITING_MAX) {
		presence_send(f->gw->session, PRESENCE_UNSUBSCRIBED, bare);
		return;
	}
	snprintf(f->waiting[f->n].bare, JID_SIZE, "%s", bare);
	f->waiting[f->n++].until_mono = clock_mono(f->gw->clock) + WAIT_MS;
}

void
friends_presence(struct friends *f, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence);
	enum presence_type type = presence_type(presence);
	char bare[JID_SIZE];

	if (!from || jid_bare(from, bare) != OK)
		return;
	if (type == PRESENCE_SUBSCRIBE)
		subscribe(f, bare);
	if (type != PRESENCE_UNSUBSCRIBE)
		return;
	presence_send(f->gw->session, PRESENCE_UNSUBSCRIBED, bare);
	presence_send(f->gw->session, PRESENCE_UNSUBSCRIBE, bare);
}

void
friends_approve(struct friends *f, const char *bare)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->waiting[i].bare, bare) != 0)
			continue;
		forget_waiting(f, i);
		accept_friend(f, bare);
		return;
	}
}

void
friends_drop(struct friends *f, const char *bare)
{
	if (!session_online(f->gw->session) || is_friend(f, bare))
		return; /* offline: the next login mends the roster */
	log_info("friends", "%s owns nothing here any more", bare);
	roster_remove(f->gw->session, bare);
}

void
friends_tick(struct friends *f)
{
	int64_t now = clock_mono(f->gw->clock);

	for (size_t i = f->n; i-- > 0;) {
		if (f->waiting[i].until_mono > now)
			continue;
		log_info("friends",
		    "refused the subscription of %s: it owns "
		    "nothing here",
		    f->waiting[i].bare);
		presence_send(
		    f->gw->session, PRESENCE_UNSUBSCRIBED, f->waiting[i].bare);
		forget_waiting(f, i);
	}
}

static void
mend(void *arg, const char *bare, const char *subscription)
{
	struct friends *f = arg;

	(void)subscription;
	friends_drop(f, bare);
}

static void
mended(void *arg, bool ok)
{
	(void)arg;
	if (!ok)
		log_warn("friends", "the server did not answer for the roster");
}

void
friends_online(struct friends *f)
{
	f->n = 0; /* the server repeats what was not answered */
	roster_get(f->gw->session, mend, mended, f);
	presence_send(f->gw->session, PRESENCE_AVAILABLE, NULL);
}
