#include "gateway/warnings.h"

#include "common/mem.h"
#include "drivers/busload.h"
#include "gateway/cmd.h"
#include "gateway/interpret.h"
#include "gateway/keeper.h"
#include "gateway/meta.h"
#include "gateway/plant.h"
#include "gateway/registrar.h"
#include "gateway/sticker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
warn(json_t *a, const char *command, char *text)
{
	json_array_append_new(
	    a, json_pack("{s:s, s:s}", "text", text, "command", command));
	free(text);
}

/* As values that are out of range or no words of a field are. */
static void
wrong_warning(json_t *a, const struct node *n)
{
	const struct tmpl *t = n->cfg->tmpl;
	size_t of, first, wrong = node_wrong(n, &of, &first);
	const struct field *f;
	char cmd[256];

	if (!wrong)
		return;
	f = &t->fields[first];
	if (t->kind == TMPL_MODBUS)
		snprintf(cmd, sizeof(cmd), "thingbridge probe %s %d %s:%d",
		    n->cfg->bus, (int)n->cfg->address,
		    interpret_table(f->table), (int)f->addr);
	else
		snprintf(cmd, sizeof(cmd), "thingbridge probe %s %d %s",
		    n->cfg->bus, (int)n->cfg->address, t->id);
	warn(a, cmd,
	    mem_printf("%s: %zu of %zu fields cannot be right (%s: %s): "
		       "another byte order, or another device?",
		n->id, wrong, of, f->name, n->points[first].why));
}

static void
device_warning(json_t *a, struct gateway *gw, const struct node *n)
{
	char cmd[256];

	if (n->device != UNIT_OFFLINE) {
		wrong_warning(a, n);
		return;
	}
	if (*plant_down(gw->plant, n->cfg->on))
		return; /* that is told of the bus */
	snprintf(cmd, sizeof(cmd), "thingbridge probe %s %d", n->cfg->bus,
	    (int)n->cfg->address);
	warn(a, cmd,
	    mem_printf("%s: %s", n->id,
		n->trouble ? n->trouble : "the device does not answer"));
}

static void
node_warning(json_t *a, const struct node *n)
{
	char cmd[256];

	if (n->thing.claim != CLAIM_REMOVED || thing_has_owner(&n->thing))
		return;
	snprintf(cmd, sizeof(cmd), "thingbridge reset %s", n->id);
	warn(a, cmd, mem_printf("%s: not in the registry", n->id));
}

/* Whoever reads the node takes it for the device that was claimed. */
static void
replaced_warning(json_t *a, const struct node *n)
{
	const struct tag *was = tags_find(&n->claim, "SN"), *is;
	struct tags now = { 0 };
	char cmd[256];

	meta_claim(n, &now);
	is = tags_find(&now, "SN");
	if (n->frozen && was && is && strcmp(was->value, is->value) != 0) {
		snprintf(cmd, sizeof(cmd), "thingbridge reset %s", n->id);
		warn(a, cmd,
		    mem_printf("%s: the device there says SN %s, its sticker "
			       "says %s: was it replaced?  A reset makes it a "
			       "node of its own, for which a new sticker goes "
			       "to the owner",
			n->id, is->value, was->value));
	}
	tags_fini(&now);
}

/* The nodes of one warning: a line each would hide the others'. */
struct tally {
	const struct node *first;
	size_t n;
	int days; /* the most of any */
};

static void
count(struct tally *t, const struct node *n, int days)
{
	if (t->n++ == 0)
		t->first = n;
	if (days > t->days)
		t->days = days;
}

static char *
tally_text(const struct tally *t)
{
	if (t->n == 1)
		return mem_strdup(t->first->id);
	return mem_printf("%s and %zu more", t->first->id, t->n - 1);
}

static void
due_warning(json_t *a, const struct tally *t)
{
	const char *which = t->n == 1 ? t->first->id : "--unclaimed";
	char *who = tally_text(t);
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
	    "thingbridge stickers %s -f pdf -o stickers.pdf", which);
	warn(a, cmd,
	    mem_printf("%s: a new sticker is due; the KEY has changed (disown "
		       "or reset), and the old one claims nothing",
		who));
	free(who);
}

static void
idle_warning(json_t *a, const struct tally *t)
{
	char *who = tally_text(t);
	char cmd[256];

	if (t->n == 1)
		snprintf(cmd, sizeof(cmd), "thingbridge stickers %s -f term",
		    t->first->id);
	else
		snprintf(cmd, sizeof(cmd), "thingbridge nodes --unclaimed");
	warn(a, cmd,
	    mem_printf("%s: sticker%s %d days ago, still unclaimed", who,
		t->n == 1 ? " printed" : "s printed up to", t->days));
	free(who);
}

static void
sticker_warnings(json_t *a, const struct gateway *gw)
{
	struct tally due = { NULL, 0, 0 }, idle = { NULL, 0, 0 };

	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct node *n = gw->nodes.v[i];
		int days = sticker_idle_days(n, clock_utc(gw->clock));

		if (n->cfg && sticker_due(n))
			count(&due, n, 0);
		if (n->cfg && days)
			count(&idle, n, days);
	}
	if (due.n)
		due_warning(a, &due);
	if (idle.n)
		idle_warning(a, &idle);
}

/* One line for all nodes that the registry refused: the cause is mostly one. */
static void
refusal_warning(json_t *a, const struct gateway *gw)
{
	const char *trouble = registrar_trouble(gw->registrar);
	const struct node *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < gw->nodes.n; i++) {
		if (gw->nodes.v[i]->duty.refusal[0] == '\0')
			continue;
		if (n++ == 0)
			first = gw->nodes.v[i];
	}
	if (n)
		warn(a, "thingbridge registry",
		    mem_printf("%s refused %zu %s (%s: %s); is it a Thing "
			       "Registry, and the right one?%s%s",
			registrar_jid(gw->registrar), n,
			n == 1 ? "node" : "nodes", first->id,
			first->duty.refusal, *trouble ? "  " : "", trouble));
}

static void
bus_warning(json_t *a, const struct bus_status *b)
{
	char cmd[256] = "";

	if (b->line->port)
		snprintf(cmd, sizeof(cmd), "thingbridge ports");
	if (b->trouble[0])
		warn(a, cmd,
		    strncmp(b->trouble, "bus ", 4) == 0
			? mem_strdup(b->trouble)
			: mem_printf("bus %s: %s", b->line->name, b->trouble));
	if (b->planned_percent <= BUSLOAD_WARN)
		return;
	warn(a, "thingbridge plan",
	    mem_printf("bus %s: its nodes need about %d %% of the line's time, "
		       "reckoned before anything was measured; poll more "
		       "slowly, or put some on another line",
		b->line->name, b->planned_percent));
}

static void
config_warnings(json_t *a, const struct gateway *gw)
{
	if (gw->cfg_refused[0])
		warn(a, "thingbridge check",
		    mem_printf("the last reload was refused: %s; what was "
			       "read before goes on",
			gw->cfg_refused));
	if (gw->cfg_restart[0])
		warn(a, "systemctl restart thingbridged",
		    mem_printf(
			"takes effect after a restart: %s", gw->cfg_restart));
}

static void
history_warning(json_t *a, const struct gateway *gw)
{
	struct history_state h;

	keeper_state(gw->keeper, &h);
	if (*h.trouble)
		warn(a, "df -h",
		    mem_printf("no history is kept: %s; is there room, and may "
			       "it be written?",
			h.trouble));
}

/* What helps; the sentence itself says the rest. */
static const char *
offline_hint(const struct gateway *gw)
{
	switch (gw->offline_fault) {
	case SESSION_NO_AUTH: /* a new password is read at the start only */
		return "systemctl restart thingbridged";
	case SESSION_NO_ADDRESS:
	case SESSION_NO_CONNECT:
	case SESSION_NO_TLS:
	case SESSION_SILENT:
	case SESSION_LOST:
	case SESSION_REPLACED:
		break;
	}
	return "";
}

static void
connection_warning(json_t *a, struct gateway *gw)
{
	const char *trouble = registrar_trouble(gw->registrar);

	if (!session_online(gw->session)) {
		if (gw->offline_why[0])
			warn(a, offline_hint(gw), mem_strdup(gw->offline_why));
	} else if (!*registrar_jid(gw->registrar)) {
		warn(a, "thingbridge registry",
		    mem_printf("no Thing Registry is found%s%s; is it "
			       "running?  [registry] jid names one elsewhere",
			trouble[0] ? ": " : "", trouble));
	} else if (!registrar_reachable(gw->registrar) &&
	    !registrar_rests(gw->registrar)) {
		warn(a, "thingbridge registry",
		    mem_printf("the registry %s cannot be reached%s%s",
			registrar_jid(gw->registrar), trouble[0] ? ": " : "",
			trouble));
	}
}

json_t *
warnings_json(struct gateway *gw)
{
	json_t *a = json_array();

	connection_warning(a, gw);
	config_warnings(a, gw);
	history_warning(a, gw);
	refusal_warning(a, gw);
	for (size_t i = 0; i < plant_count(gw->plant); i++) {
		struct bus_status b;

		plant_status(gw->plant, i, &b);
		bus_warning(a, &b);
	}
	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct node *n = gw->nodes.v[i];

		if (!n->cfg)
			continue;
		device_warning(a, gw, n);
		node_warning(a, n);
		replaced_warning(a, n);
	}
	sticker_warnings(a, gw);
	return a;
}
