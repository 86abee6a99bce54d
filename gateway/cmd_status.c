/* Command: how the gateway is. */
#include "common/mem.h"
#include "gateway/cmd.h"
#include "gateway/keeper.h"
#include "gateway/plant.h"
#include "gateway/provisioner.h"
#include "gateway/registrar.h"
#include "gateway/warnings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
xmpp_state(const struct gateway *gw)
{
	if (session_online(gw->session))
		return "online";
	return gw->offline_why[0] ? "offline" : "connecting";
}

/* status */

static void
count(json_t *o, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	json_object_set_new(o, name, json_integer(n + 1));
}

static json_t *
node_counts(const struct gateway *gw)
{
	json_t *claim = json_object(), *device = json_object();
	size_t total = 0;

	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct node *n = gw->nodes.v[i];

		if (!n->cfg)
			continue;
		total++;
		count(claim, claim_name(n->thing.claim));
		count(device, node_device(n));
	}
	return json_pack("{s:I, s:o, s:o}", "total", (json_int_t)total, "claim",
	    claim, "device", device);
}

/* {"2": 14, "6": 1}: how often each exception came; "0" are all others. */
static json_t *
exceptions_json(const struct drv_counters *k)
{
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(k->exception) / sizeof(k->exception[0]);
	     i++) {
		char code[8];

		if (k->exception[i] == 0)
			continue;
		snprintf(code, sizeof(code), "%zu", i);
		json_object_set_new(o, code, json_integer(k->exception[i]));
	}
	return o;
}

static json_t *
unit_json(const struct node *n)
{
	const struct drv_counters *k = &n->counters;
	json_t *o = json_pack("{s:s, s:I, s:s, s:o, s:f, s:f, s:o, s:o}",
	    "node", n->id, "address", (json_int_t)n->cfg->address, "state",
	    node_device(n), "exception", exceptions_json(k), "rtt_p50_ms",
	    (double)k->rtt_p50_us / 1000, "rtt_p99_ms",
	    (double)k->rtt_p99_us / 1000, "last_ok",
	    cmd_time_or_null(k->ok_utc_ms), "last_bad",
	    cmd_time_or_null(k->bad_utc_ms));
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = {
		{ "ok", k->ok },
		{ "timeouts", k->timeouts },
		{ "garbled", k->garbled },
		{ "late", k->late },
		{ "retries", k->retries },
		{ "exceptions", k->exceptions },
		{ "bytes", k->bytes },
		{ "overruns", k->overruns },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(
		    o, counts[i].name, json_integer((json_int_t)counts[i].n));
	return o;
}

static json_t *
line_json(const struct cfg_bus *line)
{
	char mode[CMD_SERIAL];
	json_t *o;
	char *text;

	if (!line->port)
		return json_string(line->host);
	text = mem_printf(
	    "%s %s", line->port, cmd_serial_text(&line->serial, mode));
	o = json_string(text);
	free(text);
	return o;
}

static json_t *
bus_json(const struct bus_status *b)
{
	json_t *o = json_pack("{s:s, s:o, s:b, s:o, s:i, s:f, s:o}", "name",
	    b->line->name, "line", line_json(b->line), "up", b->stats.up,
	    "trouble", cmd_text_or_null(b->trouble), "load",
	    (int)b->load_percent, "rtt_ms", (double)b->stats.rtt_us / 1000,
	    "planned",
	    b->planned_percent < 0 ? json_null()
				   : json_integer(b->planned_percent));
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = {
		{ "requests", b->stats.requests },
		{ "timeouts", b->stats.timeouts },
		{ "crc", b->stats.crc },
		{ "exceptions", b->stats.exceptions },
		{ "late", b->stats.late },
		{ "reconnects", b->stats.reconnects },
		{ "overruns", b->stats.overruns },
		{ "bytes", b->stats.bytes },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(
		    o, counts[i].name, json_integer((json_int_t)counts[i].n));
	return o;
}

static json_t *
peer_json(const struct provisioning_peer *peer)
{
	return json_pack("{s:s, s:s, s:b}", "jid", peer->jid, "how", peer->how,
	    "online", peer->to[0] != '\0');
}

/* Who decides on the nodes, each once: mostly one, or none. */
static json_t *
provisioning_json(const struct gateway *gw)
{
	const struct provisioning_peer *last =
	    provisioner_for(gw->provisioner, "");
	json_t *a = json_array();

	if (last)
		json_array_append_new(a, peer_json(last));
	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct provisioning_peer *peer = provisioner_for(
		    gw->provisioner, gw->nodes.v[i]->thing.owner);
		bool seen = !peer || peer == last;

		for (size_t k = 0; !seen && k < json_array_size(a); k++)
			seen = strcmp(peer->jid,
				   json_string_value(json_object_get(
				       json_array_get(a, k), "jid"))) == 0;
		if (!seen)
			json_array_append_new(a, peer_json(peer));
		last = peer;
	}
	return a;
}

json_t *
cmd_registry_json(const struct gateway *gw)
{
	const char *jid = registrar_jid(gw->registrar);

	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:o, s:o}", "jid", jid,
	    "how", registrar_how(gw->registrar), "found", jid[0] != '\0',
	    "online", registrar_heard(gw->registrar), "resting",
	    registrar_rests(gw->registrar), "trouble",
	    cmd_text_or_null(registrar_trouble(gw->registrar)), "provisioning",
	    provisioning_json(gw));
}

static json_t *
config_error(const struct gateway *gw)
{
	if (!gw->cfg_refused[0])
		return json_null();
	return json_pack("{s:o, s:s}", "at",
	    cmd_time_or_null(gw->cfg_refused_utc), "text", gw->cfg_refused);
}

static json_t *
history_json(const struct gateway *gw)
{
	struct history_state h;

	keeper_state(gw->keeper, &h);
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "bytes",
	    (json_int_t)h.bytes, "fields", (json_int_t)h.series, "waiting",
	    (json_int_t)h.waiting, "lost", (json_int_t)h.dropped, "trouble",
	    cmd_text_or_null(h.trouble));
}

/* All but the buses. */
static json_t *
head_json(struct gateway *gw)
{
	char read_at[CLOCK_TEXT];
	json_t *files = json_array();

	for (size_t i = 0; i < gw->cfg->n_files; i++)
		json_array_append_new(files, json_string(gw->cfg->files[i]));
	clock_format(gw->cfg_utc, read_at);
	return json_pack(
	    "{s:i, s:s, s:s, s:b, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:s, s:o, "
	    "s:o, s:o}",
	    "schema", 1, "jid", session_jid(gw->session), "xmpp",
	    xmpp_state(gw), "tls", session_secured(gw->session), "server",
	    session_server(gw->session), "found_by", session_way(gw->session),
	    "registry", cmd_registry_json(gw), "nodes", node_counts(gw),
	    "config", files, "config_read", read_at, "config_error",
	    config_error(gw), "restart", gw->cfg_restart, "history",
	    history_json(gw), "warnings", warnings_json(gw), "started",
	    cmd_time_or_null(gw->started_utc));
}

/* The head, then a bus at a time, and of each a unit at a time. */
struct status_list {
	struct listing listing;
	struct gateway *gw;
	bool begun;
	size_t buses; /* that were begun */
	char *bus;    /* whose units come now, or NULL */
	size_t units; /* of it that were written */
	struct node_walk walk;
};

static bool
next_bus(struct status_list *s, struct buf *out)
{
	struct bus_status b;

	if (s->buses >= plant_count(s->gw->plant)) {
		buf_puts(out, "]}");
		return false;
	}
	if (s->buses > 0)
		buf_putc(out, ',');
	plant_status(s->gw->plant, s->buses++, &b);
	listing_open(out, bus_json(&b), "units");
	s->bus = mem_strdup(b.line->name);
	s->units = 0;
	s->walk = (struct node_walk){ .t = &s->gw->nodes };
	return true;
}

static void
next_unit(struct status_list *s, struct buf *out)
{
	const struct node *n = node_walk(&s->walk);

	while (n && strcmp(n->cfg->bus, s->bus) != 0)
		n = node_walk(&s->walk);
	if (!n) {
		buf_puts(out, "]}");
		mem_set(&s->bus, NULL);
		return;
	}
	if (s->units++ > 0)
		buf_putc(out, ',');
	listing_put(out, unit_json(n));
}

static bool
next_part(struct listing *l, struct buf *out)
{
	struct status_list *s = (struct status_list *)l;

	if (!s->begun) {
		s->begun = true;
		listing_open(out, head_json(s->gw), "buses");
		return true;
	}
	if (!s->bus)
		return next_bus(s, out);
	next_unit(s, out);
	return true;
}

static void
free_status(struct listing *l)
{
	struct status_list *s = (struct status_list *)l;

	free(s->bus);
	free(s);
}

static const struct listing_ops status_ops = { next_part, free_status };

enum err
cmd_status(struct call *c)
{
	struct status_list *s = mem_zalloc(sizeof(*s));

	s->listing.ops = &status_ops;
	s->gw = c->gw;
	c->out.listing = &s->listing;
	return OK;
}
