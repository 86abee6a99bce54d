/* Which registry it is: configured, or one of the server's components; and how
 * one that is an account lets us in. */
#include "common/log.h"
#include "gateway/registrar_impl.h"
#include "gateway/store.h"
#include "protocol/discovery.h"
#include "xmpp/presence.h"

#include <stdio.h>
#include <string.h>

bool
registrar_is_account(const struct registrar *r)
{
	return strchr(r->jid, '@') != NULL;
}

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

void
registrar_find_init(struct registrar *r, const char *configured)
{
	r->how = how_configured(&r->gw->cfg->registry);
	r->configured = configured && jid_bare(configured, r->jid) == OK;
	if (!r->configured)
		r->jid[0] = '\0';
}

/* A component is talked to at once; an account is asked first, and answers
 * with its presence. */
static void
approach(struct registrar *r)
{
	if (!registrar_is_account(r)) {
		snprintf(r->to, sizeof(r->to), "%s", r->jid);
		registrar_arrive(r);
		return;
	}
	presence_send(r->gw->session, PRESENCE_SUBSCRIBE, r->jid);
	registrar_note(r, "it is not there, or has not let us in yet");
}

static void
remember(struct registrar *r, const char *was)
{
	enum err e;

	if (strcmp(was, r->jid) == 0)
		return;
	if (*was)
		log_warn("registry", "it was %s, and now is %s", was, r->jid);
	e = store_know(r->gw->store, KNOWN_REGISTRY, r->jid);
	(void)e; /* the end of the turn says so */
}

/* Claims are at the registry that has them: another one, that does not know
 * them, would look like owners who let go of their things. */
static void
sought(void *arg, const char *jid, const char *why)
{
	struct registrar *r = arg;
	char known[JID_SIZE], text[sizeof(r->trouble)];

	r->seek = NULL;
	store_known(r->gw->store, KNOWN_REGISTRY, known, sizeof(known));
	if (!jid && !*why)
		return; /* the connection was lost */
	if (jid && (!*known || strcmp(known, jid) == 0 || !owned_nodes(r))) {
		snprintf(r->jid, sizeof(r->jid), "%s", jid);
		r->how = "found among the server's components";
		log_info("registry", "%s: %s", r->jid, r->how);
		remember(r, known);
		approach(r);
		return;
	}
	if (jid)
		snprintf(text, sizeof(text),
		    "%.80s is one, but the claims are at %.80s; to move them, "
		    "write jid into [registry]",
		    jid, known);
	if (r->probes == 0)
		log_warn("registry",
		    "none is found: %s; trying again now "
		    "and then",
		    jid ? text : why);
	registrar_note(r, jid ? text : why);
}

void
registrar_find(struct registrar *r)
{
	char known[JID_SIZE];

	if (r->seek || !session_online(r->gw->session))
		return;
	if (r->configured) {
		store_known(r->gw->store, KNOWN_REGISTRY, known, sizeof(known));
		remember(r, known);
		approach(r);
		return;
	}
	store_known(r->gw->store, KNOWN_REGISTRY, known, sizeof(known));
	r->seek = seek_start(r->gw->session, DISCOVERY_NS, known, sought, r);
	if (!r->seek)
		registrar_note(r, "busy");
}

void
registrar_presence(struct registrar *r, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence);
	enum presence_type type = presence_type(presence);

	if (!from || !registrar_is_account(r) || !jid_same_bare(from, r->jid) ||
	    !strchr(from, '/') || strlen(from) >= sizeof(r->to))
		return;
	if (type == PRESENCE_AVAILABLE && !r->to[0]) {
		memcpy(r->to, from, strlen(from) + 1);
		log_info("registry", "%s has let us in", r->jid);
		registrar_arrive(r);
	} else if (type == PRESENCE_UNAVAILABLE && jid_same(from, r->to)) {
		registrar_lost(r, "it has gone offline");
		r->to[0] = '\0';
	}
}
