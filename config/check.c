/* What keys and sections say about each other. */
#include "config/load.h"

#include "common/mem.h"
#include "common/utf8.h"
#include "config/tagrule.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	UNIT_RTU_MAX = 247,
	NO_ADDRESS = -1, /* there is a note about it */
	TEXT_MAX = 128,
	TAGS_MAX = 60, /* of a thing are 64 with KEY and what is to come */
	HINT_SIZE = 96,
};

/* The section of that name; NULL when it is not there. */
static struct ini_section *
section_of(struct load *l, const char *name)
{
	for (size_t i = 0; i < l->ini.n; i++)
		if (strcmp(l->ini.sections[i].name, name) == 0)
			return &l->ini.sections[i];
	return NULL;
}

/* The item, when it was given, is not empty, and nobody complained about it. */
static struct ini_item *
good(const struct ini_section *s, const char *key)
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
	const struct ini_section *s = section_of(l, "xmpp");
	const struct cfg_xmpp *x = &l->c->xmpp;
	const struct ini_item *jid = good(s, "jid"), *host = good(s, "host");
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
	else if (host &&
	    (strcmp(x->host, "mdns") == 0 || strcmp(x->host, "dhcp") == 0))
		note_error(&l->notes, ini_place(s, host),
		    "host = %s is not served yet (write host[:port], or leave "
		    "it out for the SRV records of the domain)",
		    x->host);
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
	const struct ini_section *s = section_of(l, section);
	const struct ini_item *said = good(s, "jid");
	const struct ini_item *sub = good(s, "subdomain");
	const struct ini_item *user = good(s, "user");
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

/* --- buses --- */

/* What each type takes. */
static const struct {
	bool host, port;
} lines[] = {
	[BUS_MODBUS_TCP] = { true, false },
	[BUS_MODBUS_RTU] = { false, true },
	[BUS_MODBUS_RTU_TCP] = { true, false },
	[BUS_SERIAL] = { true, true },
};

static const char *
type_name(const struct ini_section *s)
{
	return ini_find(s, "type")->value;
}

static void
check_line(struct load *l, const struct cfg_bus *b, const struct ini_section *s)
{
	static const char *const of_port[] = { "port", "serial", "rs485" };
	const bool said[] = { true, true, b->rs485 != CFG_RS485_AUTO };
	bool host = ini_find(s, "host") && b->host;
	bool port = ini_find(s, "port") && b->port;

	if (host && !lines[b->type].host)
		note_error(&l->notes, ini_place(s, ini_find(s, "host")),
		    "type = %s has no host", type_name(s));
	for (size_t i = 0; i < 3; i++)
		if (good(s, of_port[i]) && said[i] && !lines[b->type].port)
			note_error(&l->notes,
			    ini_place(s, ini_find(s, of_port[i])),
			    "type = %s has no %s", type_name(s), of_port[i]);
	if (host && port && b->type == BUS_SERIAL)
		note_error(&l->notes, ini_place(s, ini_find(s, "host")),
		    "host and port exclude each other");
	if (!s->bad && !host && !port)
		note_error(&l->notes, ini_place(s, NULL), "type = %s needs %s",
		    type_name(s),
		    b->type == BUS_SERIAL     ? "port, or host"
			: lines[b->type].host ? "host"
					      : "port");
}

static void
check_host(struct load *l, const struct cfg_bus *b, const struct ini_section *s)
{
	struct ini_item *i = good(s, "host");
	char host[VALUE_HOST];
	int port = 0;

	if (!i)
		return;
	if (value_hostport(b->host, 0, host, &port) != OK)
		note_error(&l->notes, ini_place(s, i),
		    "host must be host[:port] or [IPv6]:port, not \"%s\"",
		    b->host);
	else if (b->type == BUS_SERIAL && port == 0)
		note_error(&l->notes, ini_place(s, i),
		    "host needs a port with type = serial, as %s:4001",
		    b->host);
	else
		return;
	i->bad = true;
}

static void
check_port(struct load *l, const struct cfg_bus *b, const struct ini_section *s)
{
	struct ini_item *i = good(s, "port");

	if (!i)
		return;
	if (b->port[0] != '/') {
		note_error(&l->notes, ini_place(s, i),
		    "port must be a path from the root, as /dev/ttyS0, not "
		    "\"%s\"",
		    b->port);
		i->bad = true;
		return;
	}
	if (strncmp(b->port, "/dev/ttyUSB", 11) == 0 ||
	    strncmp(b->port, "/dev/ttyACM", 11) == 0)
		note_warning(&l->notes, ini_place(s, i),
		    "%s may be another device after a reboot (use its name in "
		    "/dev/serial/by-id/ or by-path/)",
		    b->port);
}

static void
check_bus(struct load *l, struct cfg_bus *b, struct ini_section *s)
{
	struct ini_item *serial = good(s, "serial");

	if (good(s, "type"))
		check_line(l, b, s);
	check_host(l, b, s);
	check_port(l, b, s);
	if (serial && serial_mode_parse(b->serial_text, &b->serial) != OK) {
		note_error(&l->notes, ini_place(s, serial),
		    "serial must be as 9600 8N1, not \"%s\"", b->serial_text);
		serial->bad = true;
	}
}

/* One line has one bus: each bus with what names its line. */
struct endpoint {
	char *name;
	size_t bus;
};

static char *
endpoint_name(const struct cfg_bus *b, const struct ini_section *s)
{
	char host[VALUE_HOST], *real;
	int port;

	if (!good(s, "type"))
		return NULL;
	if (good(s, "host") && lines[b->type].host &&
	    value_hostport(b->host, CFG_MODBUS_PORT, host, &port) == OK)
		return mem_printf("%s port %d", host, port);
	if (!good(s, "port") || !lines[b->type].port)
		return NULL;
	real = realpath(b->port, NULL);
	return real ? real : mem_strdup(b->port);
}

static int
compare_endpoints(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->bus > y->bus) - (x->bus < y->bus);
}

static void
check_endpoints(struct load *l)
{
	struct endpoint *v = mem_array(l->c->n_buses + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < l->c->n_buses; i++) {
		char *name = endpoint_name(&l->c->buses[i], l->bus_at[i]);

		if (name)
			v[n++] = (struct endpoint){ name, i };
	}
	qsort(v, n, sizeof(*v), compare_endpoints);
	for (size_t i = 1; i < n; i++) {
		const struct ini_section *s = l->bus_at[v[i].bus];
		const struct ini_item *at = good(s, "port");

		if (strcmp(v[i - 1].name, v[i].name) != 0)
			continue;
		note_error(&l->notes,
		    ini_place(s, at ? at : ini_find(s, "host")),
		    "%s is the line of [bus %s] already", v[i].name,
		    l->c->buses[v[i - 1].bus].name);
	}
	for (size_t i = 0; i < n; i++)
		free(v[i].name);
	free(v);
}

/* --- templates --- */

static bool
is_broken(const struct load *l, const char *id)
{
	for (size_t i = 0; i < l->n_broken; i++)
		if (strcmp(l->broken[i], id) == 0)
			return true;
	return false;
}

static void
set_broken(struct load *l, const char *id)
{
	l->broken = mem_resize(l->broken, l->n_broken + 1, sizeof(char *));
	l->broken[l->n_broken++] = mem_strdup(id);
}

static void
unknown_template(struct load *l, const char *id, struct place at)
{
	struct guess g = { .word = id };
	char hint[HINT_SIZE];

	for (size_t i = 0; i < l->index.n; i++)
		guess_try(&g, l->index.v[i].id);
	note_error(&l->notes, at, "there is no template \"%s\"%s", id,
	    guess_hint(&g, hint, sizeof(hint)));
}

/* The template of that id, loaded once; NULL after a note, now or before. */
static const struct tmpl *
template_of(struct load *l, const char *id, struct place at)
{
	struct cfg *c = l->c;
	const char *path;
	struct tmpl *t;

	for (size_t i = 0; i < c->n_templates; i++)
		if (strcmp(c->templates[i]->id, id) == 0)
			return c->templates[i];
	if (is_broken(l, id))
		return NULL;
	path = tmpl_index_path(&l->index, id);
	if (!path) {
		unknown_template(l, id, at);
		return NULL;
	}
	if (tmpl_load(path, &t, l->notes.out) != OK) {
		l->notes.errors++;
		set_broken(l, id);
		return NULL;
	}
	c->templates =
	    mem_resize(c->templates, c->n_templates + 1, sizeof(*c->templates));
	c->templates[c->n_templates++] = t;
	return t;
}

/* --- nodes --- */

static const struct cfg_bus *
bus_of(struct load *l, const char *name, struct place at)
{
	struct guess g = { .word = name };
	char hint[HINT_SIZE];

	for (size_t i = 0; i < l->c->n_buses; i++) {
		if (strcmp(l->c->buses[i].name, name) == 0)
			return &l->c->buses[i];
		guess_try(&g, l->c->buses[i].name);
	}
	if (!l->ini.bad)
		note_error(&l->notes, at, "there is no [bus %s]%s", name,
		    guess_hint(&g, hint, sizeof(hint)));
	return NULL;
}

static struct ini_section *
place_of_bus(struct load *l, const struct cfg_bus *b)
{
	return l->bus_at[b - l->c->buses];
}

static bool
check_kind(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	bool text = n->on->type == BUS_SERIAL;

	if (!good(place_of_bus(l, n->on), "type") ||
	    text == (n->tmpl->kind == TMPL_TEXT))
		return true;
	note_error(&l->notes, ini_place(s, ini_find(s, "template")),
	    "the template %s is of kind %s, which a bus of type = %s does not "
	    "speak",
	    n->tmpl->id, text ? "modbus" : "text",
	    type_name(place_of_bus(l, n->on)));
	return false;
}

/* Takes the template's unit when the node names none. */
static void
check_address(struct load *l, struct cfg_node *n, const struct ini_section *s)
{
	struct ini_item *i = ini_find(s, "address");
	bool tcp = n->on->type == BUS_MODBUS_TCP;

	if ((i && i->bad) || s->bad || !good(place_of_bus(l, n->on), "type"))
		return;
	if (!good(s, "address")) {
		n->address = n->tmpl->unit;
		if (n->address ||
		    (n->tmpl->kind == TMPL_TEXT && !tmpl_has_address(n->tmpl)))
			return;
		note_error(&l->notes, ini_place(s, i),
		    "address is missing (the unit's address on the bus)");
		n->address = NO_ADDRESS;
		return;
	}
	if (n->tmpl->kind == TMPL_TEXT || tcp ||
	    (n->address >= 1 && n->address <= UNIT_RTU_MAX))
		return;
	note_error(&l->notes, ini_place(s, i),
	    "address must be a number from 1 to 247 on a serial line, not "
	    "%lld",
	    (long long)n->address);
	n->address = NO_ADDRESS;
}

static void
check_texts(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	static const char *const keys[] = { "source", "cache", "name" };
	const char *const values[] = { n->source, n->cache, n->name };

	for (size_t i = 0; i < 3; i++)
		if (utf8_count(values[i]) > TEXT_MAX)
			note_error(&l->notes,
			    ini_place(s, ini_find(s, keys[i])),
			    "%s is longer than 128 characters", keys[i]);
}

/* Whether the tag is there before v[i], or in other[m]. */
static bool
stands_before(const struct cfg_tag *tag, const struct cfg_tag *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(v[i].name, tag->name) == 0)
			return true;
	return false;
}

static void
check_twice(
    struct load *l, const struct cfg_tag *v, size_t n, const char *section)
{
	for (size_t i = 0; i < n; i++)
		if (stands_before(&v[i], v, i))
			note_error(&l->notes,
			    (struct place){ v[i].file, v[i].line, section },
			    "tag %s stands twice", v[i].name);
}

/* Fields that the tag follows must be there, for a claim unchanging. */
static void
check_follows(struct load *l, const struct cfg_tag *tag,
    const struct cfg_node *n, bool claim, const char *section)
{
	struct place at = { tag->file, tag->line, section };
	const char *value = tag->value;
	char field[TAGRULE_FIELD];

	while (tagrule_field(&value, field)) {
		const struct field *f = tmpl_find(n->tmpl, field);

		if (!f)
			note_error(&l->notes, at,
			    "tag %s: the template %s has no field \"%s\"",
			    tag->name, n->tmpl->id, field);
		else if (claim && f->kind != KIND_IDENTITY)
			note_error(&l->notes, at,
			    "tag %s: the field %s is not kind=identity, and "
			    "would change",
			    tag->name, field);
	}
}

static void
check_tags(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	size_t all = n->n_claim + n->n_tags + l->c->n_tags +
	    (n->tmpl ? n->tmpl->n_tags : 0);

	if (all > TAGS_MAX)
		note_error(&l->notes, ini_place(s, NULL),
		    "the node has %zu tags with those of [tags] and of its "
		    "template: %d are allowed",
		    all, TAGS_MAX);
	check_twice(l, n->claim, n->n_claim, s->name);
	check_twice(l, n->tags, n->n_tags, s->name);
	for (size_t i = 0; i < n->n_tags; i++)
		if (stands_before(&n->tags[i], n->claim, n->n_claim))
			note_error(&l->notes,
			    (struct place){
				n->tags[i].file, n->tags[i].line, s->name },
			    "tag %s is a claim tag of this node already",
			    n->tags[i].name);
	for (size_t i = 0; n->tmpl && i < n->n_claim; i++)
		check_follows(l, &n->claim[i], n, true, s->name);
	for (size_t i = 0; n->tmpl && i < n->n_tags; i++)
		check_follows(l, &n->tags[i], n, false, s->name);
}

/* A tag of [tags] that follows a field: the first node without it is named. */
static void
check_common_tag(struct load *l, const struct cfg_tag *tag)
{
	for (size_t i = 0; i < l->c->n_nodes; i++) {
		const struct cfg_node *n = &l->c->nodes[i];
		size_t before = l->notes.errors;

		if (!n->tmpl || stands_before(tag, n->tags, n->n_tags))
			continue;
		check_follows(l, tag, n, false, "tags");
		if (l->notes.errors > before)
			return;
	}
}

static void
check_common_tags(struct load *l)
{
	check_twice(l, l->c->tags, l->c->n_tags, "tags");
	for (size_t i = 0; i < l->c->n_tags; i++)
		check_common_tag(l, &l->c->tags[i]);
}

static void
check_node(struct load *l, struct cfg_node *n, struct ini_section *s)
{
	const struct ini_item *bus = good(s, "bus");
	const struct ini_item *tmpl = good(s, "template");

	if (bus)
		n->on = bus_of(l, n->bus, ini_place(s, bus));
	if (tmpl)
		n->tmpl = template_of(l, n->template_id, ini_place(s, tmpl));
	if (n->on && n->tmpl && !check_kind(l, n, s))
		n->tmpl = NULL;
	if (n->on && n->tmpl)
		check_address(l, n, s);
	check_texts(l, n, s);
	check_tags(l, n, s);
}

static int
compare_units(const void *a, const void *b)
{
	const struct cfg_node *x = *(const struct cfg_node *const *)a;
	const struct cfg_node *y = *(const struct cfg_node *const *)b;

	if (x->on != y->on)
		return (x->on > y->on) - (x->on < y->on);
	if (x->address != y->address)
		return (x->address > y->address) - (x->address < y->address);
	return (x > y) - (x < y);
}

/* A unit before v[i] on its bus whose answers could pass for those of v[i], or
 * NULL.  v is sorted by compare_units. */
static const struct cfg_node *
double_of(const struct cfg_node *const *v, size_t i)
{
	const struct cfg_node *n = v[i];

	if (i > 0 && v[i - 1]->on == n->on && v[i - 1]->address == n->address)
		return v[i - 1];
	if (n->tmpl->kind != TMPL_TEXT || tmpl_tells_address(n->tmpl))
		return NULL;
	while (i-- > 0 && v[i]->on == n->on)
		if (v[i]->tmpl == n->tmpl)
			return v[i];
	return NULL;
}

static void
same_unit(
    struct load *l, const struct cfg_node *first, const struct cfg_node *second)
{
	const struct ini_section *s = l->node_at[second - l->c->nodes];
	const struct ini_item *i = good(s, "address");

	if (first->address != second->address)
		note_error(&l->notes, ini_place(s, ini_find(s, "template")),
		    "answers of %s do not tell who they are from (its match "
		    "has no {address}), and [node %s] is on [bus %s] too",
		    second->tmpl->id, first->name_id, second->bus);
	else if (!i && second->tmpl->kind == TMPL_TEXT)
		note_error(&l->notes, ini_place(s, ini_find(s, "bus")),
		    "a device without an address is alone on its bus, and "
		    "[node %s] is there",
		    first->name_id);
	else
		note_error(&l->notes, ini_place(s, i),
		    "address %lld on [bus %s] is that of [node %s] already",
		    (long long)second->address, second->bus, first->name_id);
}

/* A node that is not enabled may wait for its turn at an address. */
static void
check_units(struct load *l)
{
	const struct cfg_node **v =
	    mem_array(l->c->n_nodes + 1, sizeof(const struct cfg_node *));
	size_t n = 0;

	for (size_t i = 0; i < l->c->n_nodes; i++) {
		const struct ini_item *a = ini_find(l->node_at[i], "address");
		const struct cfg_node *node = &l->c->nodes[i];

		if (node->on && node->tmpl && node->enabled && !(a && a->bad) &&
		    !l->node_at[i]->bad && node->address != NO_ADDRESS)
			v[n++] = node;
	}
	qsort(v, n, sizeof(*v), compare_units);
	for (size_t i = 1; i < n; i++) {
		const struct cfg_node *first = double_of(v, i);

		if (first)
			same_unit(l, first, v[i]);
	}
	free(v);
}

/* --- the serial mode of each bus --- */

static void
take_serial(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	struct cfg_bus *b = &l->c->buses[n->on - l->c->buses];
	const struct serial_mode *m = &n->tmpl->serial;
	struct place at = ini_place(s, ini_find(s, "template"));

	if (!b->port || b->serial_text)
		return;
	if (m->baud == 0)
		note_error(&l->notes, at,
		    "the template %s does not say the line's speed (write "
		    "serial = 9600 8N1 in [bus %s])",
		    n->tmpl->id, b->name);
	else if (b->serial.baud == 0)
		b->serial = *m;
	else if (!serial_mode_equal(&b->serial, m))
		note_error(&l->notes, at,
		    "the template %s wants %d %d%c%d, others on [bus %s] %d "
		    "%d%c%d (set the devices alike and write serial = in the "
		    "bus)",
		    n->tmpl->id, m->baud, m->bits, m->parity, m->stop, b->name,
		    b->serial.baud, b->serial.bits, b->serial.parity,
		    b->serial.stop);
}

static void
take_serials(struct load *l)
{
	for (size_t i = 0; i < l->c->n_nodes; i++) {
		const struct cfg_node *n = &l->c->nodes[i];

		if (n->on && n->tmpl)
			take_serial(l, n, l->node_at[i]);
	}
	for (size_t i = 0; i < l->c->n_buses; i++)
		if (l->c->buses[i].serial.baud == 0)
			l->c->buses[i].serial =
			    (struct serial_mode){ 9600, 8, 'N', 1 };
}

void
load_check(struct load *l)
{
	check_xmpp(l);
	check_peer(l, "registry", &l->c->registry.jid);
	check_peer(l, "provisioning", &l->c->provisioning.jid);
	for (size_t i = 0; i < l->c->n_buses; i++)
		check_bus(l, &l->c->buses[i], l->bus_at[i]);
	check_endpoints(l);
	if (l->c->n_nodes)
		tmpl_index_build(&l->index, l->c->path);
	for (size_t i = 0; i < l->c->n_nodes; i++)
		check_node(l, &l->c->nodes[i], l->node_at[i]);
	check_units(l);
	check_common_tags(l);
	take_serials(l);
}
