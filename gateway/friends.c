#include "gateway/friends.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/judge.h"
#include "gateway/provisioner.h"
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
	bool refused; /* but his claim may be on its way */
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
	if (f && f->gw->judge)
		judge_forget(f->gw->judge, f);
	free(f);
}

static bool
is_friend(const struct friends *f, const char *bare)
{
	const struct nodes *t = &f->gw->nodes;

	if (jid_same_bare(bare, registrar_jid(f->gw->registrar)) ||
	    provisioner_is(f->gw->provisioner, bare))
		return true;
	/* An owner stays one while his node is disabled. */
	for (size_t i = 0; i < t->n; i++) {
		if (thing_has_owner(&t->v[i]->thing) &&
		    jid_same_bare(bare, t->v[i]->thing.owner))
			return true;
	}
	return access_is_friend(f->gw->access, bare);
}

/* A registry that rests may ask for us again, but is not asked. */
static bool
is_kept(const struct friends *f, const char *bare)
{
	const struct registrar *r = f->gw->registrar;

	if (registrar_befriends(r, bare) ||
	    provisioner_befriends(f->gw->provisioner, bare))
		return true;
	return is_friend(f, bare) &&
	    !(registrar_rests(r) && jid_same_bare(bare, registrar_jid(r)));
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
forget_waiting(struct friends *f, struct waiting *w)
{
	*w = f->waiting[--f->n];
}

static void
refuse(struct friends *f, struct waiting *w)
{
	log_info("friends",
	    "refused the subscription of %s: it owns nothing here", w->bare);
	presence_send(f->gw->session, PRESENCE_UNSUBSCRIBED, w->bare);
	w->refused = true;
}

static struct waiting *
find_waiting(struct friends *f, const char *bare)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->waiting[i].bare, bare) == 0)
			return &f->waiting[i];
	}
	return NULL;
}

/* Silence is a no, which comes with the end of waiting. */
static void
judged_friend(
    void *arg, const struct prov_msg *asked, const struct prov_msg *answer)
{
	struct friends *f = arg;
	struct waiting *w = find_waiting(f, asked->jid);

	if (answer && answer->result)
		friends_approve(f, asked->jid);
	else if (answer && w && !w->refused)
		refuse(f, w);
}

static void
judged_kept(
    void *arg, const struct prov_msg *asked, const struct prov_msg *answer)
{
	if (!answer || !answer->result)
		friends_drop(arg, asked->jid);
}

/* False: there is nobody to ask. */
static bool
ask_judge(struct friends *f, const char *bare, judge_done done)
{
	const struct provisioning_peer *peer =
	    provisioner_for(f->gw->provisioner, "");
	const struct prov_msg m = {
		.op = PROV_IS_FRIEND, .jid = bare, .tokens = { "", "", "" }
	};

	if (!peer || !*peer->to)
		return false;
	return judge_ask(f->gw->judge, peer, &m, done, f) == OK;
}

static void
subscribe(struct friends *f, const char *bare)
{
	struct waiting *w = find_waiting(f, bare);

	if (is_friend(f, bare)) {
		accept_friend(f, bare);
		return;
	}
	if (w && !w->refused)
		return;
	if (w)
		forget_waiting(f, w);
	if (f->n == WAITING_MAX) {
		presence_send(f->gw->session, PRESENCE_UNSUBSCRIBED, bare);
		return;
	}
	w = &f->waiting[f->n++];
	snprintf(w->bare, JID_SIZE, "%s", bare);
	w->refused = false;
	w->until_mono = clock_mono(f->gw->clock) + WAIT_MS;
	ask_judge(f, bare, judged_friend);
}

static void
recommended(struct friends *f, const char *server, const struct prov_msg *m)
{
	char bare[JID_SIZE];

	if (jid_bare(m->jid, bare) != OK)
		return;
	if (m->op == PROV_FRIEND) {
		accept_friend(f, bare);
		return;
	}
	judge_unfriend(f->gw->judge, server, bare);
	friends_drop(f, bare);
}

/* friend and unfriend, of the provisioning server alone. */
void
friends_message(struct friends *f, xmpp_stanza_t *message)
{
	xmpp_stanza_t *el = child_next(
	    xmpp_stanza_get_children(message), NULL, PROVISIONING_NS);
	const char *from = xmpp_stanza_get_from(message);
	struct prov_msg m = { 0 };
	char bare[JID_SIZE];

	if (!el || !from || jid_bare(from, bare) != OK)
		return;
	if (prov_parse(el, &m, NULL) == OK &&
	    (m.op == PROV_FRIEND || m.op == PROV_UNFRIEND)) {
		if (provisioner_is(f->gw->provisioner, bare))
			recommended(f, bare, &m);
		else
			log_warn("access",
			    "ignored %s of %s: it is not the provisioning "
			    "server",
			    prov_name(m.op), from);
	}
	prov_fini(&m);
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
	struct waiting *w = find_waiting(f, bare);

	if (!w)
		return;
	forget_waiting(f, w);
	accept_friend(f, bare);
}

void
friends_drop(struct friends *f, const char *bare)
{
	if (!session_online(f->gw->session) || is_kept(f, bare))
		return; /* offline: the next login mends the roster */
	log_info("friends", "%s owns nothing here any more", bare);
	roster_remove(f->gw->session, bare);
}

void
friends_tick(struct friends *f)
{
	int64_t now = clock_mono(f->gw->clock);

	for (size_t i = f->n; i-- > 0;) {
		struct waiting *w = &f->waiting[i];

		if (w->until_mono > now)
			continue;
		if (!w->refused)
			refuse(f, w);
		forget_waiting(f, w);
	}
}

static void
mend(void *arg, const char *bare, const char *subscription)
{
	struct friends *f = arg;

	(void)subscription;
	if (is_kept(f, bare) || ask_judge(f, bare, judged_kept))
		return;
	/* The server that said so may not have been found yet. */
	if (!judge_knows(f->gw->judge, NULL, bare, NULL))
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
friends_mend(struct friends *f)
{
	roster_get(f->gw->session, mend, mended, f);
}

void
friends_online(struct friends *f)
{
	f->n = 0; /* the server repeats what was not answered */
	friends_mend(f);
	presence_send(f->gw->session, PRESENCE_AVAILABLE, NULL);
}
