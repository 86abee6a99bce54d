/* Buses: what each type takes, and that each line has one bus. */
#include "config/load.h"

#include "common/mem.h"
#include "config/stable_name.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

/* What each type takes; timing: it is a serial line in the end. */
static const struct {
	bool host, port, timing;
} lines[] = {
	[BUS_MODBUS_TCP] = { true, false, false },
	[BUS_MODBUS_RTU] = { false, true, true },
	[BUS_MODBUS_RTU_TCP] = { true, false, true },
	[BUS_SERIAL] = { true, true, true },
};

static const char *
type_name(const struct ini_section *s)
{
	return ini_find(s, "type")->value;
}

/* Keys of lines with a device, and of those that are serial in the end, when
 * they say more than their default. */
static void
check_serial_keys(
    struct load *l, const struct cfg_bus *b, const struct ini_section *s)
{
	const struct {
		const char *key;
		bool said, device;
	} rules[] = {
		{ "port", b->port, true },
		{ "serial", b->serial_text, false },
		{ "rs485", b->rs485 != CFG_RS485_AUTO, true },
		{ "rts_before", b->rts_before_us, true },
		{ "rts_after", b->rts_after_us, true },
		{ "char_delay", b->char_delay_ms, false },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct ini_item *item = load_good(s, rules[i].key);
		bool fits = rules[i].device ? lines[b->type].port
					    : lines[b->type].timing;

		if (item && rules[i].said && !fits)
			note_error(&l->notes, ini_place(s, item),
			    "type = %s has no %s", type_name(s), rules[i].key);
	}
}

/* Who switches the line's direction, and where nobody does. */
static void
check_rs485(
    struct load *l, const struct cfg_bus *b, const struct ini_section *s)
{
	static const char *const keys[] = { "rs485", "rts_before",
		"rts_after" };
	const bool said[] = { b->rs485 != CFG_RS485_AUTO, b->rts_before_us,
		b->rts_after_us };

	for (size_t i = 0; b->host && b->type == BUS_SERIAL && i < 3; i++)
		if (load_good(s, keys[i]) && said[i])
			note_error(&l->notes,
			    ini_place(s, ini_find(s, keys[i])),
			    "%s is not for a line with a host (its converter "
			    "sees to that)",
			    keys[i]);
	if (b->rs485 == CFG_RS485_OFF && (said[1] || said[2]))
		note_error(&l->notes, ini_place(s, ini_find(s, "rs485")),
		    "rs485 = off switches nothing: rts_before and rts_after "
		    "do not apply");
}

static void
check_line(struct load *l, const struct cfg_bus *b, const struct ini_section *s)
{
	bool host = ini_find(s, "host") && b->host;
	bool port = ini_find(s, "port") && b->port;

	if (host && !lines[b->type].host)
		note_error(&l->notes, ini_place(s, ini_find(s, "host")),
		    "type = %s has no host", type_name(s));
	check_serial_keys(l, b, s);
	check_rs485(l, b, s);
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
	struct ini_item *i = load_good(s, "host");
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

/* USB adapters are numbered as they come. */
static void
warn_of_name(struct load *l, const char *port, struct place at)
{
	char *stable =
	    l->secrets == SECRETS_FORM ? NULL : stable_name(STABLE_NAMES, port);

	if (stable)
		note_warning(&l->notes, at,
		    "%s may be another device after a reboot (write port = %s)",
		    port, stable);
	else
		note_warning(&l->notes, at,
		    "%s may be another device after a reboot (use its name "
		    "in " STABLE_NAMES "/by-id/ or by-path/)",
		    port);
	free(stable);
}

static void
check_port(struct load *l, const struct cfg_bus *b, const struct ini_section *s)
{
	struct ini_item *i = load_good(s, "port");

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
		warn_of_name(l, b->port, ini_place(s, i));
}

static void
check_bus(struct load *l, struct cfg_bus *b, struct ini_section *s)
{
	struct ini_item *serial = load_good(s, "serial");

	if (load_good(s, "type"))
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

	if (!load_good(s, "type"))
		return NULL;
	if (load_good(s, "host") && lines[b->type].host &&
	    value_hostport(b->host, CFG_MODBUS_PORT, host, &port) == OK)
		return mem_printf("%s port %d", host, port);
	if (!load_good(s, "port") || !lines[b->type].port)
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
		const struct ini_item *at = load_good(s, "port");

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

void
load_check_buses(struct load *l)
{
	for (size_t i = 0; i < l->c->n_buses; i++)
		check_bus(l, &l->c->buses[i], l->bus_at[i]);
	check_endpoints(l);
}
