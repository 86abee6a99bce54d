/* What keys and sections say about each other. */
#include "config/load.h"

#include "common/mem.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

struct ini_section *
load_section(struct load *l, const char *name)
{
	for (size_t i = 0; i < l->ini.n; i++)
		if (strcmp(l->ini.sections[i].name, name) == 0)
			return &l->ini.sections[i];
	return NULL;
}

struct ini_item *
load_good(const struct ini_section *s, const char *key)
{
	struct ini_item *i = ini_find(s, key);

	return i && !i->bad && i->value[0] ? i : NULL;
}

/* --- xmpp, registry, provisioning --- */

static void
check_tls(struct load *l, const struct ini_section *s)
{
	const struct cfg_xmpp *x = &l->c->xmpp;
	char host[VALUE_HOST];
	int port;

	if (x->tls == CFG_TLS_REQUIRED)
		return;
	if (x->host && value_hostport(x->host, 0, host, &port) == OK &&
	    value_loopback(host))
		return;
	note_error(&l->notes, ini_place(s, ini_find(s, "tls")),
	    "tls = optional is allowed only with a host on this machine "
	    "(host = 127.0.0.1)");
}

static void
check_xmpp(struct load *l)
{
	const struct ini_section *s = load_section(l, "xmpp");
	const struct cfg_xmpp *x = &l->c->xmpp;
	const struct ini_item *jid = load_good(s, "jid"),
			      *host = load_good(s, "host");
	char name[VALUE_HOST];
	bool local;
	int port;

	if (!s)
		return;
	if (jid && value_jid(x->jid, &local, NULL) && !local)
		note_error(&l->notes, ini_place(s, jid),
		    "jid must be an account, as plant7@example.org");
	if (host && value_hostport(x->host, 0, name, &port) != OK)
		note_error(&l->notes, ini_place(s, host),
		    "host must be host[:port], not \"%s\"", x->host);
	else
		check_tls(l, s);
}

/* The domain of our JID, owned, or NULL. */
static char *
own_domain(const struct load *l)
{
	const char *jid = l->c->xmpp.jid;
	const char *at = jid ? strchr(jid, '@') : NULL;

	return at ? mem_strndup(at + 1, strcspn(at + 1, "/")) : NULL;
}

/* jid = | subdomain = | user =: one of them, and *jid made of the others. */
static void
check_peer(struct load *l, const char *section, char **jid)
{
	const struct ini_section *s = load_section(l, section);
	const struct ini_item *said = load_good(s, "jid");
	const struct ini_item *sub = load_good(s, "subdomain");
	const struct ini_item *user = load_good(s, "user");
	const struct ini_item *only = sub ? sub : user;
	char *domain = own_domain(l);
	bool resource;

	if (said && value_jid(*jid, NULL, &resource) && resource)
		note_error(&l->notes, ini_place(s, said),
		    "jid must have no resource, not \"%s\"", *jid);
	if (!!said + !!sub + !!user > 1) {
		note_error(&l->notes, ini_place(s, said && only ? only : user),
		    "jid, subdomain and user exclude each other");
	} else if (only && domain) {
		free(*jid);
		*jid =
		    mem_printf("%s%c%s", only->value, sub ? '.' : '@', domain);
		if (!value_jid(*jid, NULL, NULL) || strchr(*jid, '/') ||
		    strchr(only->value, '@'))
			note_error(&l->notes, ini_place(s, only),
			    "%s does not make a JID: \"%s\"", only->key, *jid);
	}
	free(domain);
}

void
load_check(struct load *l)
{
	check_xmpp(l);
	check_peer(l, "registry", &l->c->registry.jid);
	check_peer(l, "provisioning", &l->c->provisioning.jid);
	load_check_buses(l);
	load_check_nodes(l);
	load_check_units(l);
	load_check_tags(l);
	load_take_serial(l);
	if (l->secrets != SECRETS_FORM)
		load_check_outside(l);
}
