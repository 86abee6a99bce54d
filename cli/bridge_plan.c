#include "cli/bridge.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/mem.h"
#include "config/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPT_VERBOSE };

const struct opt bridge_plan_opts[] = {
	{ "verbose", 'v', NULL, "every request of every node" },
	{ NULL, 0, NULL, NULL },
};

enum { LOAD_MAX = 80 }; /* percent: beyond, polls are late or skipped */

char *
bridge_every_text(const json_t *row)
{
	json_int_t ms = json_integer_value(json_object_get(row, "every_ms"));
	struct buf b = { 0 };

	if (ms <= 0)
		return mem_strdup("once");
	value_duration_add(ms, &b);
	return buf_take(&b);
}

/* As templates have it. */
static char *
address_text(const json_t *row)
{
	const json_t *at = json_object_get(row, "address");

	if (!json_is_integer(at))
		return mem_strdup("-");
	return mem_printf(
	    "0x%04llX", (unsigned long long)json_integer_value(at));
}

static char *
fields_text(const json_t *row)
{
	const json_t *names = json_object_get(row, "fields"), *name;
	struct buf b = { 0 };
	size_t i;

	json_array_foreach(names, i, name)
	{
		char *text = out_text(name);

		buf_printf(&b, "%s%s", i ? "," : "", text);
		free(text);
	}
	return buf_take(&b);
}

static char *
load_text(const json_t *row)
{
	double load = json_number_value(json_object_get(row, "load"));

	return mem_printf("%.1f", load);
}

static char *
overload_text(const json_t *row)
{
	double load = json_number_value(json_object_get(row, "load"));

	return mem_strdup(load > LOAD_MAX ? "OVERLOAD" : "");
}

static bool
is_measured(const json_t *bus)
{
	return json_is_number(json_object_get(bus, "rtt_ms"));
}

static char *
source_text(const json_t *row)
{
	return mem_strdup(is_measured(row) ? "measured" : "guessed");
}

static const struct column bus_columns[] = {
	{ .title = "BUS", .member = "bus" },
	{ .title = "NODES", .member = "n_nodes", .right = true },
	{ .title = "REQUESTS", .member = "n_requests", .right = true },
	{ .title = "LOAD %", .text = load_text, .right = true },
	{ .title = "FROM", .text = source_text },
	{ .title = "GUESSED %", .member = "guessed", .right = true },
	{ .title = "", .text = overload_text },
	{ .title = NULL },
};

static const struct column node_columns[] = {
	{ .title = "NODE", .member = "node" },
	{ .title = "BUS", .member = "bus" },
	{ .title = "TEMPLATE", .member = "template" },
	{ .title = "REQUESTS", .member = "n_requests", .right = true },
	{ .title = "BYTES", .member = "bytes", .right = true },
	{ .title = "MS", .member = "ms", .right = true },
	{ .title = "LOAD %", .text = load_text, .right = true },
	{ .title = "", .text = overload_text },
	{ .title = NULL },
};

static const struct column request_columns[] = {
	{ .title = "NODE", .member = "node" },
	{ .title = "TABLE", .member = "table" },
	{ .title = "ADDR", .text = address_text, .right = true },
	{ .title = "COUNT", .member = "count", .right = true },
	{ .title = "EVERY", .text = bridge_every_text, .right = true },
	{ .title = "BYTES", .member = "bytes", .right = true },
	{ .title = "MS", .member = "ms", .right = true },
	{ .title = "FIELDS", .text = fields_text },
	{ .title = NULL },
};

const struct column *const bridge_request_columns = request_columns + 1;

static const struct column plain[] = {
	{ .title = "bus", .member = "bus" },
	{ .title = "node", .member = "node" },
	{ .title = "table", .member = "table" },
	{ .title = "address", .member = "address" },
	{ .title = "count", .member = "count" },
	{ .title = "every_ms", .member = "every_ms" },
	{ .title = "bytes", .member = "bytes" },
	{ .title = "ms", .member = "ms" },
	{ .title = "fields", .text = fields_text },
	{ .title = NULL },
};

/* The daemon's tree as three flat lists. */
struct flat {
	json_t *buses, *nodes, *requests;
};

static json_t *
sum(const json_t *rows, const char *member)
{
	double total = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) total +=
	    json_number_value(json_object_get(row, member));
	return total == floor(total) ? json_integer((json_int_t)total)
				     : json_real(total);
}

static void
add_node(struct flat *f, const char *bus, json_t *node)
{
	json_t *requests = json_object_get(node, "requests"), *rq;
	json_t *row = json_copy(node);
	size_t i;

	json_object_set_new(row, "bus", json_string(bus));
	json_object_set_new(row, "n_requests",
	    json_integer((json_int_t)json_array_size(requests)));
	json_object_set_new(row, "bytes", sum(requests, "bytes"));
	json_object_set_new(row, "ms", sum(requests, "ms"));
	json_array_append_new(f->nodes, row);
	json_array_foreach(requests, i, rq)
	{
		row = json_copy(rq);
		json_object_set_new(row, "bus", json_string(bus));
		json_object_set_new(
		    row, "node", json_string(out_string(node, "node")));
		json_array_append_new(f->requests, row);
	}
}

static void
flatten(struct flat *f, const json_t *buses)
{
	json_t *bus, *node;
	size_t i, k;

	json_array_foreach(buses, i, bus)
	{
		json_t *nodes = json_object_get(bus, "nodes");
		json_t *row = json_copy(bus);
		size_t before = json_array_size(f->requests);

		json_array_foreach(nodes, k, node)
		    add_node(f, out_string(bus, "bus"), node);
		json_object_set_new(row, "n_nodes",
		    json_integer((json_int_t)json_array_size(nodes)));
		json_object_set_new(row, "n_requests",
		    json_integer(
			(json_int_t)(json_array_size(f->requests) - before)));
		json_array_append_new(f->buses, row);
	}
}

/* Why check may say otherwise. */
static void
say_source(const json_t *buses)
{
	const json_t *bus;
	size_t i, measured = 0;

	json_array_foreach(buses, i, bus) measured += is_measured(bus);
	if (measured)
		say("MS and LOAD %% of a measured bus are by its mean round "
		    "trip; GUESSED %% is by speed and templates alone, "
		    "as check and status reckon");
}

static void
print(const struct call *c, const json_t *d)
{
	struct flat f = { json_array(), json_array(), json_array() };
	bool details = c->argc > 0 || c->opt[OPT_VERBOSE];
	const json_t *bus;
	size_t i;

	flatten(&f, json_object_get(d, "buses"));
	if (bridge_mode(c) == OUT_PLAIN) {
		out_rows(OUT_PLAIN, plain, f.requests);
	} else {
		if (details && json_array_size(f.requests) > 0) {
			out_rows(OUT_TABLE, request_columns, f.requests);
			putchar('\n');
		}
		if (json_array_size(f.nodes) > 0) {
			out_rows(OUT_TABLE, node_columns, f.nodes);
			putchar('\n');
		}
		out_rows(OUT_TABLE, bus_columns, f.buses);
		fflush(stdout);
		say_source(f.buses);
	}
	json_array_foreach(f.buses, i, bus)
	{
		if (json_number_value(json_object_get(bus, "load")) > LOAD_MAX)
			say("bus %s is overloaded: poll less often, or move "
			    "nodes to another bus",
			    out_string(bus, "bus"));
	}
	json_decref(f.buses);
	json_decref(f.nodes);
	json_decref(f.requests);
}

int
bridge_plan(const struct call *c)
{
	json_t *rq = json_pack("{s:s}", "cmd", "plan"), *d;
	int code;

	if (c->argc)
		json_object_set_new(rq, "node", json_string(c->argv[0]));
	code = bridge_ask(c, rq, &d);
	if (code != EXIT_OK)
		return code;
	if (bridge_mode(c) == OUT_JSON)
		out_json(d);
	else
		print(c, d);
	json_decref(d);
	return EXIT_OK;
}
