#include "config/config.h"

#include "common/mem.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/tagrule.h"
#include "config/value.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };

/* clang-format off: one entry a key */
#define K(member) offsetof(struct cfg_gateway, member)
static const struct key gateway_keys[] = {
	{ "state", KEY_TEXT, K(state), "/var/lib/thingbridge/state.db",
	    .restart = true, .help = "database of claims, KEYs and history" },
	{ "control", KEY_TEXT, K(control), "/run/thingbridge/control.sock",
	    .restart = true, .help = "socket for the thingbridge command" },
	{ "log", KEY_ENUM, K(log), "info", .words = "error|warning|info|debug",
	    .help = "the least important messages that are shown" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_xmpp, member)
static const struct key xmpp_keys[] = {
	{ "jid", KEY_JID, K(jid), .required = true, .restart = true,
	    .help = "the account, as plant7@example.org/gateway" },
	{ "password", KEY_SECRET, K(password), .required = true,
	    .restart = true, .help = "its password, in a file of its own" },
	{ "host", KEY_TEXT, K(host), .restart = true,
	    .help = "host[:port] of the server; without it: the SRV records of "
		    "the JID's domain" },
	{ "tls", KEY_ENUM, K(tls), "required", .words = "required|optional",
	    .restart = true,
	    .help = "optional is allowed for a server on this machine alone" },
	{ "ca_file", KEY_TEXT, K(ca_file), .restart = true,
	    .help = "certificates to trust (PEM); without it: the system's" },
	{ "register", KEY_BOOL, K(register_), "no", .restart = true,
	    .help = "create the account when it does not exist (XEP-0077)" },
	{ "window", KEY_INT, K(window), "16", 1, 64,
	    .help = "requests under way at a time" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_registry, member)
static const struct key registry_keys[] = {
	{ "jid", KEY_JID, K(jid),
	    .help = "the Thing Registry, a component of an XMPP server, as "
		    "registry.example.org" },
	{ "subdomain", KEY_TEXT, K(subdomain),
	    .help = "instead of jid: SUBDOMAIN.(domain of our JID)" },
	{ "user", KEY_TEXT, K(user),
	    .help = "instead of jid: USER@(domain of our JID); accounts are "
		    "not served yet" },
	{ "key_after_disown", KEY_ENUM, K(key_after_disown), "renew",
	    .words = "renew|keep",
	    .help = "renew makes the old sticker void, as its KEY is known" },
	{ "key_clear", KEY_DURATION, K(key_clear_ms), "30s", 0, HOUR_MS,
	    .help = "from a public claim to taking KEY out of the registry" },
	{ "min_interval", KEY_DURATION, K(min_interval_ms), "1min", 1000,
	    DAY_MS,
	    .help = "least time between updates of a tag that follows a "
		    "field" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_provisioning, member)
static const struct key provisioning_keys[] = {
	{ "jid", KEY_JID, K(jid),
	    .help = "the provisioning server, which may see the gateway's "
		    "presence; it is not asked yet" },
	{ "subdomain", KEY_TEXT, K(subdomain),
	    .help = "instead of jid: SUBDOMAIN.(domain of our JID)" },
	{ "user", KEY_TEXT, K(user),
	    .help = "instead of jid: USER@(domain of our JID)" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_bus, member)
static const struct key bus_keys[] = {
	{ "type", KEY_ENUM, K(type), .required = true,
	    .words = "modbus-tcp|modbus-rtu|modbus-rtu-tcp|serial",
	    .help = "what is spoken, and over what" },
	{ "host", KEY_TEXT, K(host),
	    .help = "TCP: host[:port] or [IPv6]:port; port 502 when left out; "
		    "type = serial may have a host:port too" },
	{ "port", KEY_TEXT, K(port),
	    .help = "the serial port's path; /dev/serial/by-id/... stays the "
		    "same after a reboot" },
	{ "serial", KEY_TEXT, K(serial_text),
	    .help = "speed and mode, as 9600 8N1; without it: what the nodes' "
		    "templates say" },
	{ "rs485", KEY_ENUM, K(rs485), "auto", .words = "auto|off|on",
	    .help = "whether the kernel switches the line's direction" },
	{ "timeout", KEY_DURATION, K(timeout_ms), "0s", 0, 60000,
	    .help = "how long an answer may take; 0s: what templates say" },
	{ "gap", KEY_DURATION, K(gap_ms), "0s", 0, 10000,
	    .help = "least silence before a request; 0s: 3.5 characters, or "
		    "what templates say" },
	{ "unit_gap", KEY_DURATION, K(unit_gap_ms), "0s", 0, 10000,
	    .help = "silence when the unit that is asked changes" },
	{ "connect_delay", KEY_DURATION, K(connect_delay_ms), "0s", 0, 60000,
	    .help = "pause after the line was opened" },
	{ 0 },
};
#undef K
#define K(member) offsetof(struct cfg_node, member)
static const struct key node_keys[] = {
	{ "source", KEY_TEXT, K(source), "MeteringTopology",
	    .help = "the data source that the node belongs to (sourceId)" },
	{ "cache", KEY_TEXT, K(cache),
	    .help = "cacheType, when node ids are not unique in the source" },
	{ "bus", KEY_TEXT, K(bus), .required = true,
	    .help = "the [bus NAME] that the device is on" },
	{ "address", KEY_INT, K(address), .min = 0, .max = 255,
	    .help =
		"its unit address: 1 to 247, on modbus-tcp 0 to 255; may be "
		"left out when the template has one or needs none" },
	{ "template", KEY_TEXT, K(template_id), .required = true,
	    .help = "the id of the template of its model" },
	{ "poll", KEY_DURATION, K(poll_ms), "0s", 100, DAY_MS,
	    .help = "how often it is read, instead of the template's `normal`; "
		    "0s: as the template says" },
	{ "name", KEY_TEXT, K(name),
	    .help = "its name for people; without it: the node's id" },
	{ "self_owned", KEY_BOOL, K(self_owned), "no",
	    .help = "the gateway owns it, nobody can claim it" },
	{ "enabled", KEY_BOOL, K(enabled), "yes",
	    .help = "no: it is kept, and not read" },
	{ 0 },
};
#undef K

static const struct section sections[] = {
	{ "gateway", .keys = gateway_keys, .at = offsetof(struct cfg, gateway),
	    .help = "this program" },
	{ "xmpp", .keys = xmpp_keys, .at = offsetof(struct cfg, xmpp),
	    .required = true, .help = "the account and its server" },
	{ "registry", .keys = registry_keys,
	    .at = offsetof(struct cfg, registry),
	    .help = "the Thing Registry" },
	{ "provisioning", .keys = provisioning_keys,
	    .at = offsetof(struct cfg, provisioning),
	    .help = "the server that decides who may read and control" },
	{ "tags", .wild = "", .help = "meta tags of every node",
	    .wild_help =
		"NAME = text, #NAME = number, or @field: the value of "
		"that field of each node.  A tag.NAME of a node counts "
		"more." },
	{ "bus", .named = true, .keys = bus_keys,
	    .size = sizeof(struct cfg_bus),
	    .help = "a line that devices are on" },
	{ "node", .named = true, .wild = "claim.|tag.", .keys = node_keys,
	    .size = sizeof(struct cfg_node),
	    .help = "a device, presented as a thing of its own",
	    .wild_help =
		"claim.NAME adds a claim tag to the template's, "
		"tag.NAME a tag that is pushed to the registry.  The "
		"value is text, or of #NAME a number, or @field: the "
		"value of that field, which for a claim tag must be of "
		"kind=identity." },
};
/* clang-format on */

enum { N_SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static const struct schema schema = { sections, N_SECTIONS };

static const struct section *
section_named(const char *name)
{
	for (size_t i = 0; i < N_SECTIONS; i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

/* --- tags --- */

struct tag_list {
	struct cfg_tag **v;
	size_t *n;
};

static void
add_tag(struct load *l, struct tag_list to, const char *key,
    const struct ini_section *s, const struct ini_item *i)
{
	struct place at = ini_place(s, i);
	bool num;
	const char *name = tagrule_split(key, &num);

	if (!tagrule_check(name, i->value, num, at, &l->notes))
		return;
	if (*to.n == CFG_TAGS_MAX) {
		note_error(&l->notes, at, "tag %s: there are more than %d",
		    name, CFG_TAGS_MAX);
		return;
	}
	*to.v = mem_resize(*to.v, *to.n + 1, sizeof(**to.v));
	(*to.v)[(*to.n)++] = (struct cfg_tag){ mem_strdup(name),
		mem_strdup(i->value), num, i->line, s->file };
}

static void
fill_node_tags(
    struct load *l, struct cfg_node *node, const struct ini_section *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ini_item *item = &s->items[i];

		if (item->bad)
			continue;
		if (strncmp(item->key, "claim.", 6) == 0)
			add_tag(l,
			    (struct tag_list){ &node->claim, &node->n_claim },
			    item->key + 6, s, item);
		if (strncmp(item->key, "tag.", 4) == 0)
			add_tag(l,
			    (struct tag_list){ &node->tags, &node->n_tags },
			    item->key + 4, s, item);
	}
}

/* --- sections --- */

static bool
id_fits(struct load *l, const struct ini_section *s)
{
	if (!strpbrk(s->id, " \t/") && s->id[0])
		return true;
	note_error(&l->notes, ini_place(s, NULL),
	    "a name here is one word without '/'");
	l->ini.bad = true;
	return false;
}

static void
fill_bus(struct load *l, struct ini_section *s)
{
	const struct section *table = section_named("bus");
	struct cfg *c = l->c;
	struct cfg_bus *b = &c->buses[c->n_buses];

	if (!id_fits(l, s))
		return;
	if (c->n_buses == CFG_BUSES_MAX)
		note_error(&l->notes, ini_place(s, NULL),
		    "there are more than %d buses", CFG_BUSES_MAX);
	b->name = mem_strdup(s->id);
	keys_init(table, b);
	keys_fill(&schema, table, s, b, l->secrets, &l->notes);
	l->bus_at[c->n_buses++] = s;
}

static void
fill_node(struct load *l, struct ini_section *s)
{
	const struct section *table = section_named("node");
	struct cfg *c = l->c;
	struct cfg_node *n = &c->nodes[c->n_nodes];

	if (!id_fits(l, s))
		return;
	if (c->n_nodes == CFG_NODES_MAX)
		note_error(&l->notes, ini_place(s, NULL),
		    "there are more than %d nodes", CFG_NODES_MAX);
	n->name_id = mem_strdup(s->id);
	keys_init(table, n);
	keys_fill(&schema, table, s, n, l->secrets, &l->notes);
	fill_node_tags(l, n, s);
	if (!n->cache)
		n->cache = mem_strdup("");
	if (!n->name)
		n->name = mem_strdup(s->id);
	l->node_at[c->n_nodes++] = s;
}

static void
fill_tags(struct load *l, const struct ini_section *s)
{
	struct tag_list to = { &l->c->tags, &l->c->n_tags };

	for (size_t i = 0; i < s->n; i++)
		if (!s->items[i].bad)
			add_tag(l, to, s->items[i].key, s, &s->items[i]);
}

static void
fill_section(struct load *l, const struct section *table, struct ini_section *s)
{
	if (strcmp(table->name, "bus") == 0)
		fill_bus(l, s);
	else if (strcmp(table->name, "node") == 0)
		fill_node(l, s);
	else if (strcmp(table->name, "tags") == 0)
		fill_tags(l, s);
	else
		keys_fill(&schema, table, s, (char *)l->c + table->at,
		    l->secrets, &l->notes);
}

static size_t
count_sections(const struct ini *ini, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < ini->n; i++)
		n += strcmp(ini->sections[i].kind, kind) == 0;
	return n;
}

static void
fill_all(struct load *l)
{
	struct cfg *c = l->c;
	size_t buses = count_sections(&l->ini, "bus") + 1;
	size_t nodes = count_sections(&l->ini, "node") + 1;
	const struct section **found =
	    mem_array(l->ini.n + 1, sizeof(const struct section *));

	c->buses = mem_array(buses, sizeof(*c->buses));
	c->nodes = mem_array(nodes, sizeof(*c->nodes));
	l->bus_at = mem_array(buses, sizeof(struct ini_section *));
	l->node_at = mem_array(nodes, sizeof(struct ini_section *));
	for (size_t i = 0; i < N_SECTIONS; i++)
		if (!sections[i].named)
			keys_init(&sections[i], (char *)c + sections[i].at);
	keys_match(&schema, &l->ini, found, &l->notes);
	for (size_t i = 0; i < l->ini.n; i++)
		if (found[i])
			fill_section(l, found[i], &l->ini.sections[i]);
	free(found);
}

/* --- files --- */

static const char *
add_file(struct cfg *c, char *path)
{
	c->files = mem_resize(c->files, c->n_files + 1, sizeof(char *));
	c->files[c->n_files++] = path;
	return path;
}

/* ^[A-Za-z0-9_-]+\.conf$: what editors and packages leave behind is not read.
 */
static int
is_part(const struct dirent *d)
{
	const char *p = d->d_name;

	while (isalnum((unsigned char)*p) || *p == '_' || *p == '-')
		p++;
	return p > d->d_name && strcmp(p, ".conf") == 0;
}

/* alphasort() would follow the locale. */
static int
byte_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err
read_parts(struct load *l, const char *dir)
{
	struct dirent **v;
	int n = scandir(dir, &v, is_part, byte_order);
	enum err e = OK;

	if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
		note_errno(&l->notes, (struct place){ dir, 0, NULL },
		    "cannot be read");
		return ERR_IO;
	}
	for (int i = 0; i < n; i++) {
		const char *path =
		    add_file(l->c, mem_printf("%s/%s", dir, v[i]->d_name));
		enum err got = ini_read_file(&l->ini, path, &l->notes);

		e = e == OK ? got : e;
		free(v[i]);
	}
	if (n >= 0)
		free(v);
	return e;
}

static enum err
read_files(struct load *l)
{
	struct cfg *c = l->c;
	const char *main_file = add_file(c, mem_strdup(c->path));
	enum err e = ini_read_file(&l->ini, main_file, &l->notes);
	char *copy = mem_strdup(c->path);
	char *dir = mem_printf("%s/conf.d", dirname(copy));

	if (e == OK)
		e = read_parts(l, dir);
	free(dir);
	free(copy);
	return e;
}

static void
load_init(struct load *l, const char *path, bool secrets, struct buf *notes)
{
	*l = (struct load){ .secrets = secrets, .notes = { .out = notes } };
	l->c = mem_zalloc(sizeof(*l->c));
	l->c->path = mem_strdup(path);
}

/* Checks what was read, if it could be read, and ends the load. */
static enum err
load_finish(struct load *l, enum err e, struct cfg **out)
{
	if (e == OK) {
		ini_repeats(&l->ini, &l->notes);
		fill_all(l);
		load_check(l);
		e = l->notes.errors ? ERR_CONFIG : OK;
	}
	ini_fini(&l->ini);
	tmpl_index_fini(&l->index);
	for (size_t i = 0; i < l->n_broken; i++)
		free(l->broken[i]);
	free(l->broken);
	free(l->bus_at);
	free(l->node_at);
	*out = e == OK ? l->c : NULL;
	if (e != OK)
		cfg_free(l->c);
	return e;
}

enum err
cfg_load(const char *path, bool secrets, struct cfg **out, struct buf *notes)
{
	struct load l;

	load_init(&l, path, secrets, notes);
	return load_finish(&l, read_files(&l), out);
}

enum err
cfg_load_text(const char *path, const char *data, size_t len, struct cfg **out,
    struct buf *notes)
{
	struct load l;

	load_init(&l, path, false, notes);
	ini_read(&l.ini, add_file(l.c, mem_strdup(path)), data, len, &l.notes);
	return load_finish(&l, OK, out);
}

static void
free_tags(struct cfg_tag *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].value);
	}
	free(v);
}

void
cfg_free(struct cfg *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < N_SECTIONS; i++)
		if (!sections[i].named)
			keys_fini(&sections[i], (char *)c + sections[i].at);
	for (size_t i = 0; i < c->n_buses; i++) {
		keys_fini(section_named("bus"), &c->buses[i]);
		free(c->buses[i].name);
	}
	for (size_t i = 0; i < c->n_nodes; i++) {
		struct cfg_node *n = &c->nodes[i];

		keys_fini(section_named("node"), n);
		free(n->name_id);
		free_tags(n->claim, n->n_claim);
		free_tags(n->tags, n->n_tags);
	}
	free_tags(c->tags, c->n_tags);
	for (size_t i = 0; i < c->n_templates; i++)
		tmpl_free(c->templates[i]);
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	free(c->templates);
	free(c->buses);
	free(c->nodes);
	free(c->files);
	free(c->path);
	free(c);
}

/* --- printing --- */

static void
print_tags(const struct cfg_tag *v, size_t n, const char *prefix, FILE *out)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s%s = %s\n", prefix, v[i].num ? "#" : "",
		    v[i].name, v[i].value);
}

static void
print_bus(const struct cfg_bus *b, FILE *out)
{
	fprintf(out, "\n[bus %s]\n", b->name);
	keys_print(section_named("bus"), b, out);
	if (b->port)
		fprintf(out, "; the line is %d %d%c%d\n", b->serial.baud,
		    b->serial.bits, b->serial.parity, b->serial.stop);
}

static void
print_node(const struct cfg_node *n, FILE *out)
{
	fprintf(out, "\n[node %s]\n", n->name_id);
	keys_print(section_named("node"), n, out);
	print_tags(n->claim, n->n_claim, "claim.", out);
	print_tags(n->tags, n->n_tags, "tag.", out);
	fprintf(out, "; template from %s\n", n->tmpl->file);
}

void
cfg_print(const struct cfg *c, FILE *out)
{
	for (size_t i = 0; i < c->n_files; i++)
		fprintf(out, "; read: %s\n", c->files[i]);
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (!sections[i].keys || sections[i].named)
			continue;
		fprintf(out, "\n[%s]\n", sections[i].name);
		keys_print(&sections[i], (const char *)c + sections[i].at, out);
	}
	if (c->n_tags) {
		fputs("\n[tags]\n", out);
		print_tags(c->tags, c->n_tags, "", out);
	}
	for (size_t i = 0; i < c->n_buses; i++)
		print_bus(&c->buses[i], out);
	for (size_t i = 0; i < c->n_nodes; i++)
		print_node(&c->nodes[i], out);
}

void
cfg_help(FILE *out)
{
	keys_help(sections, N_SECTIONS, out);
}

void
cfg_mdoc(FILE *out)
{
	keys_mdoc(sections, N_SECTIONS, out);
}

/* --- comparing --- */

bool
cfg_tags_equal(
    const struct cfg_tag *a, size_t n, const struct cfg_tag *b, size_t m)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(a[i].name, b[i].name) != 0 ||
		    strcmp(a[i].value, b[i].value) != 0 || a[i].num != b[i].num)
			return false;
	return true;
}

bool
cfg_bus_equal(const struct cfg_bus *a, const struct cfg_bus *b)
{
	return strcmp(a->name, b->name) == 0 &&
	    serial_mode_equal(&a->serial, &b->serial) &&
	    keys_equal(section_named("bus"), a, b, false, NULL);
}

bool
cfg_node_equal(const struct cfg_node *a, const struct cfg_node *b)
{
	return strcmp(a->name_id, b->name_id) == 0 &&
	    tmpl_equal(a->tmpl, b->tmpl) &&
	    keys_equal(section_named("node"), a, b, false, NULL) &&
	    cfg_tags_equal(a->claim, a->n_claim, b->claim, b->n_claim) &&
	    cfg_tags_equal(a->tags, a->n_tags, b->tags, b->n_tags);
}

void
cfg_restart(const struct cfg *a, const struct cfg *b, struct buf *out)
{
	for (size_t i = 0; i < N_SECTIONS; i++) {
		const struct section *s = &sections[i];
		struct section rest = *s;
		const struct key *k;

		if (s->named)
			continue;
		while (!keys_equal(&rest, (const char *)a + s->at,
		    (const char *)b + s->at, true, &k)) {
			buf_printf(out, "%s%s.%s", out->len ? ", " : "",
			    s->name, k->name);
			rest.keys = k + 1;
		}
	}
}
