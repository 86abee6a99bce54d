#include "tests/thingsim/tune.h"

#include "common/mem.h"
#include "config/ini.h"
#include "config/keys.h"
#include "tests/thingsim/setup_keys.h"
#include "tests/thingsim/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* fill sets one key in base as the reader of the file would; what it says is
 * one line, of which the part behind the place is for people. */
static enum err
fill(const struct section *keys, void *base, const char *key, const char *value,
    struct errbuf *eb)
{
	struct schema schema = { keys, 1 };
	struct ini_item item = { 0 };
	struct ini_section in = { .file = "tune", .items = &item, .n = 1 };
	struct buf out = { 0 };
	struct notes notes = { .out = &out };
	enum err e = OK;

	in.name = mem_strdup(keys->name);
	in.kind = mem_strdup(keys->name);
	item.key = mem_strdup(key);
	item.value = mem_strdup(value);
	keys_fill(&schema, keys, &in, base, SECRETS_FORM, &notes);
	if (notes.errors)
		e = errbuf_set(eb, ERR_CONFIG, "%.*s",
		    (int)strcspn(out.data, "\n"), out.data);
	buf_fini(&out);
	free(in.name);
	free(in.kind);
	free(item.key);
	free(item.value);
	return e;
}

void
tune_settle_unit(struct unit *u)
{
	struct limits *l = &u->limits;

	if (l->min_read < 0)
		l->min_read = u->tmpl->min_read;
	if (l->max_read < 0)
		l->max_read = u->tmpl->max_read;
	if (l->max_read_bits < 0)
		l->max_read_bits = u->tmpl->max_read_bits;
	if (l->baud)
		u->bus->own_speeds = true;
	if (l->values != VALUES_FIELDS && !u->stamped &&
	    u->tmpl->kind == TMPL_MODBUS)
		unit_stamp(u);
	u->stamped = l->values != VALUES_FIELDS;
}

void
tune_settle_bus(struct bus *b)
{
	char text[32];

	snprintf(text, sizeof(text), "9600 %.3s", setup_mode(b->limits.mode));
	if (serial_mode_parse(text, &b->serial) != OK)
		b->serial = (struct serial_mode){ 9600, 8, 'N', 1 };
	b->serial.baud = (int)b->limits.baud;
	b->line.char_ns = line_char_ns(&b->serial);
	b->line.gap_ns = b->limits.baud ? line_gap_ns(&b->serial) : 0;
	b->line.usb_ns = b->limits.usb_ms * 1000000;
}

enum err
tune_unit(struct unit *u, const char *key, const char *value, struct errbuf *eb)
{
	struct limits l = u->limits;
	enum err e = fill(&tune_unit_keys, &l, key, value, eb);

	if (e == OK) {
		u->limits = l;
		tune_settle_unit(u);
	}
	return e;
}

enum err
tune_bus(struct bus *b, const char *key, const char *value, struct errbuf *eb)
{
	struct bus_limits l = b->limits;
	enum err e = fill(&tune_bus_keys, &l, key, value, eb);

	if (e == OK) {
		b->limits = l;
		tune_settle_bus(b);
	}
	return e;
}
