/* Which registry it is: configured, an account by its user name, or one of the
 * server's components.  Claims stay with the registry that has them. */
#include "common/log.h"
#include "gateway/friends.h"
#include "gateway/registrar_impl.h"
#include "gateway/store.h"
#include "protocol/discovery.h"
#include "xmpp/find_txt.h"

#include <stdio.h>
#include <string.h>

/* What has acknowledged something, the last time. */
#define KNOWN_REGISTRY "registry"

const char *
registrar_how(const struct registrar *r)
{
	return r->jid[0] ? r->how : "";
}

static size_t
owned_nodes(const struct registrar *r)
{
	const struct nodes *t = &r->gw->nodes;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += thing_has_owner(&t->v[i]->thing);
	return n;
}

static const char *
how_configured(const struct cfg_registry *c)
{
	if (c->subdomain)
		return "configured as subdomain";
	return c->user ? "configured as user" : "configured";
}

/* Claims are at the registry that has them: another one, that does not know
 * them, would look like owners who let go of their things, and whoever has an
 * old sticker could claim there.  Only the installer knows that the data were
 * taken along. */
static bool
has_claims(const struct registrar *r, const char *jid)
{
	const char *from = r->gw->first->registry.moved_from;

	return !*r->known || strcmp(r->known, jid) == 0 || !owned_nodes(r) ||
	    (from && jid_same_bare(from, r->known));
}

static void
note_elsewhere(struct registrar *r, const char *jid)
{
	char text[sizeof(r->trouble)];
	size_t n = owned_nodes(r);

	snprintf(text, sizeof(text),
	    "%.60s is not used: the claims of %zu %s are at %.60s; if its "
	    "data are at the new one now, write jid and moved_from into "
	    "[registry]",
	    jid, n, n == 1 ? "node" : "nodes", r->known);
	if (r->probes == 0)
		log_warn("registry", "%s", text);
	registrar_note(r, text);
}

void
registrar_find_init(struct registrar *r, const char *configured)
{
	store_known(r->gw->store, KNOWN_REGISTRY, r->known, sizeof(r->known));
	r->configured =
	    configured && jid_bare(configured, r->configured_jid) == OK;
	if (!r->configured || !has_claims(r, r->configured_jid))
		return;
	snprintf(r->jid, sizeof(r->jid), "%s", r->configured_jid);
	r->how = how_configured(&r->gw->cfg->registry);
}

void
registrar_proven(struct registrar *r)
{
	enum err e;

	if (strcmp(r->known, r->jid) == 0)
		return;
	if (*r->known)
		log_warn(
		    "registry", "it was %s, and now is %s", r->known, r->jid);
	memcpy(r->known, r->jid, sizeof(r->known));
	e = store_know(r->gw->store, KNOWN_REGISTRY, r->known);
	(void)e; /* the end of the turn says so */
}

/* A component is talked to at once; an account is asked first, and answers
 * with its presence. */
static void
approach(struct registrar *r)
{
	if (registrar_is_account(r)) {
		registrar_court(r);
		return;
	}
	snprintf(r->to, sizeof(r->to), "%s", r->jid);
	registrar_arrive(r);
}

static void
take(struct registrar *r, const struct seek_try *found)
{
	if (jid_bare(found->jid, r->jid) != OK)
		return;
	r->how = found->how;
	snprintf(r->to, sizeof(r->to), "%s", found->jid);
	log_info("registry", "%s: %s", r->jid, r->how);
	if (registrar_is_account(r)) {
		log_warn("registry",
		    "%s is trusted for its user name alone: see that the "
		    "account is yours, and write jid into [registry]",
		    r->jid);
		friends_approve(r->gw->friends, r->jid);
	}
	registrar_arrive(r);
}

static void
sought(void *arg, const struct seek_try *found, const char *why)
{
	struct registrar *r = arg;
	char bare[JID_SIZE];

	r->seek = NULL;
	if (!found && !*why)
		return; /* the connection was lost */
	if (found && jid_bare(found->jid, bare) == OK) {
		if (has_claims(r, bare))
			take(r, found);
		else
			note_elsewhere(r, bare);
		return;
	}
	if (r->probes == 0)
		log_warn("registry",
		    "none is found: %s; trying again now and then", why);
	registrar_note(r, why);
}

/* One that has claims may only be offline. */
static void
leave(void *arg, const char *bare)
{
	struct registrar *r = arg;

	if (strcmp(bare, r->known) != 0)
		friends_drop(r->gw->friends, bare);
}

static void
add_user(
    struct registrar *r, struct seek_plan *p, const char *user, const char *how)
{
	char text[JID_SIZE + HINT_USER], jid[JID_SIZE];

	snprintf(text, sizeof(text), "%s@%s", user,
	    strchr(session_bare(r->gw->session), '@') + 1);
	if (jid_bare(text, jid) == OK && has_claims(r, jid))
		seek_add(p, jid, how);
}

static void
search(struct registrar *r)
{
	const struct cfg_registry *c = &r->gw->first->registry;
	const struct hints *h = session_hints(r->gw->session);
	struct seek_plan plan = { .feature = DISCOVERY_NS,
		.done = sought,
		.leave = leave,
		.arg = r };

	/* the one that it was the last time */
	if (*r->known && !strchr(r->known, '@'))
		seek_add(
		    &plan, r->known, "found among the server's components");
	for (size_t i = 0; c->announced && h && i < h->registry.n; i++)
		add_user(r, &plan, h->registry.name[i],
		    "announced by the server (mDNS, regis)");
	if (c->predefined)
		add_user(r, &plan, "registry", "predefined user name");
	r->seek = seek_start(r->gw->session, &plan);
	if (!r->seek)
		registrar_note(r, "busy");
}

void
registrar_find(struct registrar *r)
{
	if (r->seek || !session_online(r->gw->session))
		return;
	if (r->configured && !has_claims(r, r->configured_jid)) {
		r->jid[0] = '\0';
		note_elsewhere(r, r->configured_jid);
		return;
	}
	if (r->configured) {
		memcpy(r->jid, r->configured_jid, sizeof(r->jid));
		r->how = how_configured(&r->gw->first->registry);
	}
	/* An account that was found stays the one until the daemon ends. */
	if (r->configured || registrar_is_account(r))
		approach(r);
	else
		search(r);
}
