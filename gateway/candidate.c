#include "gateway/candidate.h"

#include "gateway/cmd.h"
#include "gateway/gateway.h"
#include "gateway/plant.h"

#include <string.h>

enum { CANDIDATES_MAX = 2000 };

static json_int_t
number(const json_t *row, const char *member)
{
	return json_integer_value(json_object_get(row, member));
}

static bool
is_on(const json_t *row, const char *bus)
{
	return strcmp(json_string_value(json_object_get(row, "bus")), bus) == 0;
}

void
candidates_forget(
    struct candidates *c, const char *bus, int64_t first, int64_t last)
{
	for (size_t i = json_array_size(c->rows); i-- > 0;) {
		const json_t *row = json_array_get(c->rows, i);
		json_int_t address = number(row, "address");

		if (is_on(row, bus) && address >= first && address <= last)
			json_array_remove(c->rows, i);
	}
}

static bool
is_taken(const struct candidates *c, json_int_t n)
{
	const json_t *row;
	size_t i;

	json_array_foreach(c->rows, i, row)
	{
		if (number(row, "candidate") == n)
			return true;
	}
	return false;
}

void
candidates_add(struct candidates *c, const char *bus, json_t *row)
{
	json_int_t n = 1;
	json_t *kept;

	if (json_array_size(c->rows) == CANDIDATES_MAX)
		return;
	if (!c->rows)
		c->rows = json_array();
	while (is_taken(c, n))
		n++;
	json_object_set_new(row, "candidate", json_integer(n));
	kept = json_copy(row);
	json_object_set_new(kept, "bus", json_string(bus));
	json_array_append_new(c->rows, kept);
}

void
candidates_fini(struct candidates *c)
{
	json_decref(c->rows);
	c->rows = NULL;
}

/* It has become one since. */
static bool
is_node(const struct gateway *gw, const json_t *row)
{
	const char *serial = json_string_value(json_object_get(row, "serial"));

	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct cfg_node *n = gw->nodes.v[i]->cfg;
		char mode[CMD_SERIAL];

		if (n && is_on(row, n->bus) &&
		    n->address == number(row, "address") &&
		    (!serial ||
			strcmp(serial, cmd_serial_text(&n->on->serial, mode)) ==
			    0))
			return true;
	}
	return false;
}

enum err
cmd_candidates(struct call *c)
{
	json_t *a = json_array(), *row;
	size_t i;

	json_array_foreach(c->gw->candidates.rows, i, row)
	{
		if (!is_node(c->gw, row))
			json_array_append(a, row);
	}
	c->out.data = json_pack("{s:i, s:o}", "schema", 1, "candidates", a);
	return OK;
}
