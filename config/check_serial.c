/* The serial mode of each bus. */
#include "config/load.h"

/* Of a line behind TCP only the time that characters take matters: the
 * slowest counts. */
static void
take_timing(struct cfg_bus *b, const struct serial_mode *m)
{
	if (m->baud && (b->serial.baud == 0 || m->baud < b->serial.baud))
		b->serial = *m;
}

/* A text device among Modbus devices is asked at its own speed. */
static bool
has_own_speed(const struct cfg_node *n)
{
	return n->on->type == BUS_MODBUS_RTU && n->tmpl->kind == TMPL_TEXT;
}

static void
take_serial(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	struct cfg_bus *b = &l->c->buses[n->on - l->c->buses];
	const struct serial_mode *m = &n->tmpl->serial;
	struct place at = ini_place(s, ini_find(s, "template"));

	if (b->serial_text || has_own_speed(n))
		return;
	if (!b->port)
		take_timing(b, m);
	else if (m->baud == 0)
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

void
load_take_serial(struct load *l)
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
