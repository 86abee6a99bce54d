#include "cli/handover.h"

#include "cli/out.h"
#include "cli/words.h"
#include "common/clock.h"
#include "common/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLAIM_DAYS = 7 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

void
handover_day(int64_t utc_ms, char out[HANDOVER_DAY])
{
	char at[CLOCK_TEXT];

	clock_format(utc_ms, at);
	snprintf(out, HANDOVER_DAY, "%.*s", HANDOVER_DAY - 1, at);
}

/* Whether an owner can claim it. */
static bool
is_open(const json_t *node)
{
	const char *claim = out_string(node, "claim");

	return !*out_string(node, "why") &&
	    (strcmp(claim, "new") == 0 || strcmp(claim, "unclaimed") == 0);
}

static int64_t
node_when(const json_t *node, int64_t now_utc)
{
	bool printed = strcmp(out_string(node, "sticker"), "printed") == 0;
	int64_t at;

	if (!printed || !words_utc(out_string(node, "printed_at"), &at))
		at = now_utc;
	return at + CLAIM_DAYS * DAY_MS;
}

int64_t
handover_when(const json_t *nodes, int64_t now_utc)
{
	int64_t first = 0;
	const json_t *n;
	size_t i;

	json_array_foreach(nodes, i, n)
	{
		int64_t when = node_when(n, now_utc);

		if (is_open(n) && (first == 0 || when < first))
			first = when;
	}
	return first;
}

static size_t
count_open(const json_t *nodes)
{
	size_t open = 0, i;
	const json_t *n;

	json_array_foreach(nodes, i, n) open += is_open(n);
	return open;
}

static void
step(json_t *steps, const char *text)
{
	json_array_append_new(steps, json_string(text));
}

static void
claim_steps(json_t *steps, size_t open, int64_t when, int64_t now_utc)
{
	char day[HANDOVER_DAY];
	char *first;

	handover_day(when, day);
	first = mem_printf("Claim the %zu %s without an owner %s%s.\n"
			   "Until then whoever reads a sticker can do it.",
	    open, open == 1 ? "node" : "nodes",
	    when < now_utc ? "at once; it was due on " : "by ", day);
	step(steps, first);
	free(first);
	step(steps,
	    "Install thingowner on a computer of yours, and log in once with "
	    "your own XMPP account: thingowner login");
	step(steps,
	    "Photograph the QR code of each claim sticker, and claim by it.\n"
	    "zbarimg --nodbus -q --raw photo.jpg | thingowner claim -");
	step(steps,
	    "Destroy the claim sticker: it is void from then on.  The asset "
	    "sticker stays on the device.");
}

json_t *
handover_steps(const json_t *nodes, int64_t now_utc)
{
	json_t *steps = json_array();
	size_t open = count_open(nodes);

	if (open)
		claim_steps(
		    steps, open, handover_when(nodes, now_utc), now_utc);
	step(steps,
	    "Read what your nodes measure: thingowner things lists them, "
	    "thingowner read NODE reads one.  Let others in with thingowner "
	    "share.");
	step(steps,
	    "When a node goes to another owner: thingowner disown NODE.  Ask "
	    "the installer for its new sticker then.");
	return json_pack(
	    "{s:s, s:o}", "title", "What the owner does next", "steps", steps);
}

json_t *
handover_points(const json_t *warnings)
{
	json_t *steps = json_array();
	const json_t *w;
	size_t i;

	json_array_foreach(warnings, i, w) step(steps, out_string(w, "text"));
	return json_pack("{s:s, s:o}", "title", "Open points", "steps", steps);
}

/* tables */

struct head {
	const char *title;
	double width;
	bool right;
};

/* A part with a table of those columns, without rows. */
static json_t *
new_table(const char *title, const struct head *h)
{
	json_t *columns = json_array();

	for (; h->title; h++)
		json_array_append_new(columns,
		    json_pack("{s:s, s:f, s:b}", "title", h->title, "width",
			h->width, "right", h->right));
	return json_pack(
	    "{s:s, s:o, s:[]}", "title", title, "columns", columns, "rows");
}

static void
add_row(json_t *part, json_t *row)
{
	json_array_append_new(json_object_get(part, "rows"), row);
}

/* Two lines of a cell, or the one of them that says something. */
static json_t *
lines(const char *first, const char *second)
{
	return json_sprintf(
	    "%s%s%s", first, *first && *second ? "\n" : "", second);
}

static json_t *
device_cell(const json_t *n)
{
	const char *maker = out_string(n, "maker");
	const char *model = out_string(n, "model"), *sn = out_string(n, "sn");
	char *first =
	    mem_printf("%s%s%s", maker, *maker && *model ? " " : "", model);
	char *second = mem_printf("%s%s%s%s", *sn ? "SN " : "", sn,
	    *sn ? "\n" : "", out_string(n, "template"));
	json_t *cell = lines(first, second);

	free(first);
	free(second);
	return cell;
}

static json_t *
owner_cell(const json_t *n, int64_t now_utc)
{
	const char *owner = out_string(n, "owner");
	const char *claim = out_string(n, "claim");
	char day[HANDOVER_DAY];

	if (*owner)
		return lines(owner, claim);
	if (!is_open(n))
		return lines(claim, out_string(n, "why"));
	handover_day(node_when(n, now_utc), day);
	return json_sprintf("nobody yet\nclaim by %s", day);
}

json_t *
handover_nodes(const json_t *nodes, int64_t now_utc)
{
	static const struct head heads[] = {
		{ "NODE", 24, false },
		{ "NAME AND PLACE", 44, false },
		{ "DEVICE", 44, false },
		{ "LINE", 20, false },
		{ "STATE", 16, false },
		{ "OWNER", 32, false },
		{ NULL, 0, false },
	};
	json_t *part = new_table("Nodes", heads);
	const json_t *n;
	size_t i;

	json_array_foreach(nodes, i, n)
	{
		char *address = out_text(json_object_get(n, "address"));

		add_row(part,
		    json_pack("[s, o, o, o, s, o]", out_string(n, "node"),
			lines(out_string(n, "name"), out_string(n, "place")),
			device_cell(n),
			json_sprintf(
			    "%s\naddress %s", out_string(n, "bus"), address),
			out_string(n, "device"), owner_cell(n, now_utc)));
		free(address);
	}
	return part;
}

static const char *
bus_state(const json_t *b)
{
	const char *trouble = out_string(b, "trouble");

	if (*trouble)
		return trouble;
	return json_is_true(json_object_get(b, "up")) ? "up" : "down";
}

json_t *
handover_buses(const json_t *buses)
{
	static const struct head heads[] = {
		{ "BUS", 24, false },
		{ "IN EFFECT", 76, false },
		{ "UNITS", 14, true },
		{ "LOAD", 14, true },
		{ "STATE", 52, false },
		{ NULL, 0, false },
	};
	json_t *part = new_table("Buses, with the settings in effect", heads);
	const json_t *b;
	size_t i;

	json_array_foreach(buses, i, b)
	{
		char *load = out_text(json_object_get(b, "load"));

		add_row(part,
		    json_pack("[s, s, o, o, s]", out_string(b, "name"),
			out_string(b, "line"),
			json_sprintf("%zu",
			    json_array_size(json_object_get(b, "units"))),
			json_sprintf("%s %%", load), bus_state(b)));
		free(load);
	}
	return part;
}

/* "2026-11-23T04:50:12.123Z" as "2026-11-23 04:50:12" */
static json_t *
time_cell(const json_t *field)
{
	enum { DAY = 10, TIME = 8 };
	const char *at = out_string(field, "at");

	if (strlen(at) <= DAY + TIME)
		return json_string("");
	return json_sprintf("%.*s %.*s", DAY, at, TIME, at + DAY + 1);
}

static json_t *
value_cell(const json_t *field)
{
	const char *value = out_string(field, "value");
	const char *unit = out_string(field, "unit");
	const char *quality = out_string(field, "quality");
	const char *error = out_string(field, "error");

	if (strcmp(quality, "ok") == 0)
		return json_sprintf("%s%s%s", value, *unit ? " " : "", unit);
	return json_sprintf("none: %s%s%s", quality, *error ? ", " : "", error);
}

static void
node_readings(json_t *part, const json_t *n)
{
	enum { SHOWN = 8 };
	const json_t *fields = json_object_get(n, "fields");
	const char *name = out_string(n, "node");
	size_t all = json_array_size(fields);

	for (size_t i = 0; i < all && i < SHOWN; i++) {
		const json_t *f = json_array_get(fields, i);

		add_row(part,
		    json_pack("[o, s, o, o]",
			json_sprintf("%s%s", i ? "\n" : "", name),
			out_string(f, "name"), value_cell(f), time_cell(f)));
	}
	if (all > SHOWN)
		add_row(part,
		    json_pack("[o, o]", json_sprintf("\n%s", name),
			json_sprintf("\nand %zu more: thingbridge read %s",
			    all - SHOWN, name)));
}

json_t *
handover_readings(const json_t *nodes)
{
	static const struct head heads[] = {
		{ "NODE", 36, false },
		{ "FIELD", 56, false },
		{ "VALUE", 50, false },
		{ "READ AT (UTC)", 38, false },
		{ NULL, 0, false },
	};
	json_t *part = new_table("Readings at hand-over", heads);
	const json_t *n;
	size_t i;

	json_array_foreach(nodes, i, n) node_readings(part, n);
	return part;
}

json_t *
handover_codes(const json_t *stickers)
{
	return json_pack("{s:s, s:b, s:s, s:O}", "title", "To claim by", "page",
	    true, "text",
	    "Each code belongs to one owner.  Give this page to nobody else, "
	    "and destroy it when all is claimed.",
	    "codes", stickers);
}
