/* The files of thingregistryd and thingowner. */
#include "config/config.h"

#include "common/mem.h"
#include "config/keys.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off: one entry a key */
#define K(member) offsetof(struct cfg_component, member)
static const struct key component_keys[] = {
	{ "jid", KEY_JID, K(jid), .required = true,
	    .help = "the component's address, as registry.example.org" },
	{ "host", KEY_TEXT, K(host), "127.0.0.1:5347",
	    .help = "host:port where the XMPP server takes components" },
	{ "secret", KEY_SECRET, K(secret), .required = true,
	    .help = "what the server asks of the component, in a file of its "
		    "own" },
	{ "log", KEY_ENUM, K(log), "info", .words = "error|warning|info|debug",
	    .help = "the least important messages that are shown" },
	{ 0 },
};
static const struct key client_keys[] = {
	{ "jid", KEY_JID, K(client.jid), .required = true,
	    .help = "the registry's account, as registry@example.org; its "
		    "resource, if it names none, is registry" },
	{ "password", KEY_SECRET, K(client.password), .required = true,
	    .help = "its password, in a file of its own" },
	{ "host", KEY_TEXT, K(client.host),
	    .help = "host[:port] of the server; without it: the SRV records of "
		    "the JID's domain" },
	{ "tls", KEY_ENUM, K(client.tls), "required",
	    .words = "required|optional",
	    .help = "optional is allowed for a server on this machine alone" },
	{ "ca_file", KEY_TEXT, K(client.ca_file),
	    .help = "certificates to trust (PEM); without it: the system's" },
	{ "register", KEY_BOOL, K(client.register_), "no",
	    .help = "create the account (XEP-0077) when it does not exist" },
	{ "log", KEY_ENUM, K(log), "info", .words = "error|warning|info|debug",
	    .help = "the least important messages that are shown" },
	{ 0 },
};
static const struct key store_keys[] = {
	{ "path", KEY_TEXT, K(store), "/var/lib/thingregistry/things.db",
	    .help = "database of things" },
	{ 0 },
};
static const struct key limit_keys[] = {
	{ "max_count", KEY_INT, K(max_count), "100", 1, 10000,
	    .help = "things in one answer of a search" },
	{ "tags", KEY_INT, K(tags), "64", 1, 64, .help = "tags of one thing" },
	{ "allow_tags", KEY_TEXT, K(allow_tags), "*",
	    .help = "names of tags that are stored, between commas, beside "
		    "those that XEP-0347 defines; *: any" },
	{ "things", KEY_INT, K(things), "20000", 1, 10000000,
	    .help = "things of one account" },
	{ "rate", KEY_INT, K(rate), "100", 0, 1000000,
	    .help = "requests of one account a second, over time; 0: any "
		    "number" },
	{ "burst", KEY_INT, K(burst), "50000", 1, 10000000,
	    .help = "requests of one account at once, after a rest" },
	{ "lease", KEY_DURATION, K(lease_ms), "10min", 10000, 86400000,
	    .help = "silence after which a gateway is taken to be offline" },
	{ "friends", KEY_INT, K(friends), "10000", 1, 1000000,
	    .help = "accounts that are let in; then those without things go "
		    "first" },
	{ "friend_idle", KEY_DURATION, K(friend_idle_ms), "1d", 1000, 604800000,
	    .help = "silence after which a friend without things goes" },
	{ "require_key", KEY_BOOL, K(require_key), "no",
	    .help = "refuse things that register without a KEY" },
	{ "lenient", KEY_BOOL, K(lenient), "yes",
	    .help = "take requests of type get where set is right" },
	{ 0 },
};
static const struct key provisioning_keys[] = {
	{ "enabled", KEY_BOOL, K(provisions), "yes",
	    .help = "answer things by the rules that their owners set "
		    "(thingowner allow, deny)" },
	{ 0 },
};
#undef K
static const struct section registryd_sections[] = {
	{ "component", .keys = component_keys,
	    .help = "the connection to the XMPP server (XEP-0114)" },
	{ "client", .keys = client_keys,
	    .help = "in place of [component]: an ordinary account" },
	{ "store", .keys = store_keys, .help = "what is kept" },
	{ "limits", .keys = limit_keys, .help = "how much is served" },
	{ "provisioning", .keys = provisioning_keys,
	    .help = "the provisioning server (XEP-0324)" },
};
#define K(member) offsetof(struct cfg_account, member)
static const struct key account_keys[] = {
	{ "jid", KEY_JID, K(jid), .required = true,
	    .help = "the owner's account" },
	{ "password", KEY_SECRET, K(password), .required = true,
	    .help = "its password, in a file of its own" },
	{ "host", KEY_TEXT, K(host),
	    .help = "host[:port] of the server; without it: the SRV records of "
		    "the JID's domain" },
	{ "tls", KEY_ENUM, K(tls), "required", .words = "required|optional",
	    .help = "optional is allowed for a server on this machine alone" },
	{ "ca_file", KEY_TEXT, K(ca_file),
	    .help = "certificates to trust (PEM); without it: the system's" },
	{ "registry", KEY_JID, K(registry),
	    .help = "the Thing Registry; without it: the server's components "
		    "are searched" },
	{ 0 },
};
#undef K
static const struct section account_sections[] = {
	{ "account", .keys = account_keys, .required = true,
	    .help = "the owner's account" },
};
/* clang-format on */

static const struct schema registryd = { registryd_sections,
	sizeof(registryd_sections) / sizeof(registryd_sections[0]) };
static const struct schema account = { account_sections,
	sizeof(account_sections) / sizeof(account_sections[0]) };

/* Fills out as far as the file is right, then calls check. */
static enum err
load(const struct schema *schema, const char *path, void *out,
    void (*check)(const struct ini *, void *, struct notes *), struct buf *errs)
{
	struct notes notes = { .out = errs };
	struct ini ini = { 0 };
	enum err e = ini_read_file(&ini, path, &notes);

	if (e == OK) {
		ini_repeats(&ini, &notes);
		keys_fill_all(schema, &ini, out, SECRETS_READ, &notes);
		check(&ini, out, &notes);
		e = notes.errors ? ERR_CONFIG : OK;
	}
	ini_fini(&ini);
	return e;
}

static const struct ini_section *
section_of(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->n; i++)
		if (strcmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	return NULL;
}

/* True when host is there and cannot be one. */
static bool
host_wrong(const char *host, char name[VALUE_HOST], int *port)
{
	name[0] = '\0';
	return host && value_hostport(host, 0, name, port) != OK;
}

static void
check_client(const struct cfg_client *c, const struct ini_section *s,
    struct notes *notes)
{
	char name[VALUE_HOST];
	bool local = true;
	int port = 0;

	if (c->jid && value_jid(c->jid, &local, NULL) && !local)
		note_error(notes, ini_place(s, ini_find(s, "jid")),
		    "jid must be an account, as registry@example.org");
	if (host_wrong(c->host, name, &port))
		note_error(notes, ini_place(s, ini_find(s, "host")),
		    "host must be host[:port], not \"%s\"", c->host);
	else if (c->tls == CFG_TLS_OPTIONAL && !value_loopback(name))
		note_error(notes, ini_place(s, ini_find(s, "tls")),
		    "tls = optional is allowed only with a host on this "
		    "machine (host = 127.0.0.1)");
}

/* Things know the registry by its full JID, which must not change. */
static void
set_resource(struct cfg_client *c)
{
	bool resource = false;
	char *full;

	if (!c->jid || !value_jid(c->jid, NULL, &resource) || resource)
		return;
	full = mem_printf("%s/registry", c->jid);
	free(c->jid);
	c->jid = full;
}

static void
check_component(const struct ini *ini, void *out, struct notes *notes)
{
	const struct ini_section *client = section_of(ini, "client");
	struct cfg_component *c = out;
	const struct ini_section *s = section_of(ini, "component");
	char name[VALUE_HOST];
	bool local = false, resource = false;
	int port = 0;

	if (client)
		check_client(&c->client, client, notes);
	set_resource(&c->client);
	if (!s == !client && !ini->bad)
		note_error(notes,
		    s ? ini_place(s, NULL)
		      : (struct place){ ini->file, 0, "client" },
		    "either [component] or [client] must be there, and not "
		    "both");
	if (!s)
		return;
	if (c->jid && value_jid(c->jid, &local, &resource) &&
	    (local || resource))
		note_error(notes, ini_place(s, ini_find(s, "jid")),
		    "jid of a component is a domain, not \"%s\"", c->jid);
	if (host_wrong(c->host, name, &port) || port == 0)
		note_error(notes, ini_place(s, ini_find(s, "host")),
		    "host must be host:port, not \"%s\"", c->host);
}

static void
check_account(const struct ini *ini, void *out, struct notes *notes)
{
	const struct cfg_account *a = out;
	const struct ini_section *s = section_of(ini, "account");
	char name[VALUE_HOST];
	bool local = true, resource = false;
	int port = 0;

	if (!s)
		return;
	if (a->jid && value_jid(a->jid, &local, NULL) && !local)
		note_error(notes, ini_place(s, ini_find(s, "jid")),
		    "jid must be an account, as owner@example.org");
	if (a->registry && value_jid(a->registry, NULL, &resource) && resource)
		note_error(notes, ini_place(s, ini_find(s, "registry")),
		    "registry must have no resource, not \"%s\"", a->registry);
	if (host_wrong(a->host, name, &port))
		note_error(notes, ini_place(s, ini_find(s, "host")),
		    "host must be host[:port], not \"%s\"", a->host);
	else if (a->tls == CFG_TLS_OPTIONAL && !value_loopback(name))
		note_error(notes, ini_place(s, ini_find(s, "tls")),
		    "tls = optional is allowed only with a host on this "
		    "machine (host = 127.0.0.1)");
}

enum err
cfg_load_registryd(
    const char *path, struct cfg_component *out, struct buf *notes)
{
	enum err e;

	memset(out, 0, sizeof(*out));
	e = load(&registryd, path, out, check_component, notes);
	if (e != OK)
		cfg_component_fini(out);
	return e;
}

void
cfg_component_fini(struct cfg_component *c)
{
	keys_fini_all(&registryd, c);
	memset(c, 0, sizeof(*c));
}

void
cfg_print_registryd(const struct cfg_component *c, FILE *out)
{
	for (size_t i = 0; i < registryd.n; i++) {
		fprintf(out, "[%s]\n", registryd.sections[i].name);
		keys_print(&registryd.sections[i], c, out);
	}
}

void
cfg_help_registryd(FILE *out)
{
	keys_help(registryd.sections, registryd.n, out);
}

void
cfg_mdoc_registryd(FILE *out)
{
	keys_mdoc(registryd.sections, registryd.n, out);
}

enum err
cfg_load_account(const char *path, struct cfg_account *out, struct buf *notes)
{
	enum err e;

	memset(out, 0, sizeof(*out));
	e = load(&account, path, out, check_account, notes);
	if (e != OK)
		cfg_account_fini(out);
	return e;
}

void
cfg_account_fini(struct cfg_account *c)
{
	keys_fini_all(&account, c);
	memset(c, 0, sizeof(*c));
}

void
cfg_help_account(FILE *out)
{
	keys_help(account.sections, account.n, out);
}

void
cfg_mdoc_account(FILE *out)
{
	keys_mdoc(account.sections, account.n, out);
}
