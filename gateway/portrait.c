#include "gateway/portrait.h"

#include "common/mem.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/plant.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is told is the portrait's own. */
static const char *
own(struct portrait *p, char *text)
{
	p->owned =
	    mem_grow(p->owned, p->n_owned, &p->cap_owned, sizeof(*p->owned));
	p->owned[p->n_owned++] = text;
	return text;
}

/* value is taken. */
static void
put(struct portrait *p, enum ctl_type type, const char *id, const char *name,
    char *value)
{
	p->params = mem_grow(p->params, p->n, &p->cap, sizeof(*p->params));
	p->params[p->n++] =
	    (struct conc_param){ type, id, name, own(p, value) };
}

static void
put_number(struct portrait *p, const char *id, const char *name, uint64_t n)
{
	put(p, CTL_LONG, id, name, mem_printf("%" PRIu64, n));
}

static void
put_time(struct portrait *p, const char *id, const char *name, int64_t utc_ms)
{
	char text[CLOCK_TEXT];

	if (!utc_ms)
		return;
	clock_format(utc_ms, text);
	put(p, CTL_DATETIME, id, name, mem_strdup(text));
}

/* The serial number is half of what a claim takes. */
static void
put_identity(struct portrait *p, const struct node *n, bool owner)
{
	static const struct {
		const char *tag, *id, *name;
		bool for_owner;
	} all[] = {
		{ "MAN", "manufacturer", "Manufacturer", false },
		{ "MODEL", "model", "Model", false },
		{ "V", "version", "Version", false },
		{ "SN", "serialNumber", "Serial number", true },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct tag *t = tags_find(&n->claim, all[i].tag);

		if (t && (owner || !all[i].for_owner))
			put(p, CTL_STRING, all[i].id, all[i].name,
			    mem_strdup(t->value));
	}
}

static void
put_share(void *arg, const char *bare, bool control)
{
	struct portrait *p = arg;

	put(p, CTL_STRING, own(p, mem_printf("share/%s", bare)), "Shared with",
	    mem_printf("%s %s", bare, control ? "control" : "read"));
}

static void
put_counters(struct portrait *p, const struct drv_counters *c)
{
	put_number(p, "answers", "Answers", c->ok);
	put_number(p, "timeouts", "Requests without an answer", c->timeouts);
	put_number(p, "garbled", "Answers that were garbled", c->garbled);
	put_number(p, "exceptions", "Exceptions", c->exceptions);
	put_time(p, "lastFailure", "Last failure", c->bad_utc_ms);
}

static void
params_of(struct portrait *p, const struct view *v, const struct node *n)
{
	bool owner = access_is_owner(v->gw->access, v->bare, n);

	put(p, CTL_INT, "address", "Address",
	    mem_printf("%" PRId64, n->cfg->address));
	put(p, CTL_STRING, "template", "Template",
	    mem_strdup(n->cfg->tmpl->id));
	put_identity(p, n, owner);
	put_time(p, "lastAnswer", "Last answer", n->counters.ok_utc_ms);
	if (!owner)
		return;
	put_counters(p, &n->counters);
	access_shares(v->gw->access, n, put_share, p);
}

static void
say(struct portrait *p, enum conc_level level, char *text)
{
	p->text = text;
	p->message = (struct conc_message){ p->info.changed, level, text };
	p->info.messages = &p->message;
	p->info.n_messages = 1;
}

static void
message_of(struct portrait *p, const struct node *n)
{
	enum conc_state state = tree_state(n);
	size_t first = 0, wrong = tree_wrong(n, &first);
	const char *why = wrong ? n->points[first].why : NULL;

	if (state == CONC_STATE_INFORMATION)
		say(p, CONC_INFORMATION,
		    mem_strdup("it is not read at present"));
	else if (state == CONC_STATE_ERROR_UNSIGNED)
		say(p, CONC_ERROR,
		    mem_strdup(n->trouble ? n->trouble
					  : "the device does not answer"));
	else if (state == CONC_STATE_WARNING_UNSIGNED)
		say(p, CONC_WARNING,
		    mem_printf("%zu of %zu values fail: %s: %s", wrong,
			n->n_points, n->cfg->tmpl->fields[first].name,
			why ? why : "not read"));
}

static void
take_node(struct portrait *p, const struct view *v, struct node *n,
    const struct portrait_wants *wants)
{
	struct conc_node *i = &p->info;

	i->ref = node_ref_of(n);
	if (strcmp(n->cfg->name, n->id) != 0)
		i->display = n->cfg->name;
	i->parent = p->bus_id;
	i->state = n->standing.state;
	i->changed = n->standing.changed;
	i->readable = n->cfg->enabled;
	i->controllable = n->cfg->enabled && n->cfg->tmpl->n_controls;
	i->has_commands = access_is_owner(v->gw->access, v->bare, n);
	if (wants->parameters)
		params_of(p, v, n);
	if (wants->messages)
		message_of(p, n);
}

static void
take_bus(struct portrait *p, const struct view *v, const struct spot *s,
    const struct portrait_wants *wants)
{
	const char *down = plant_down(v->gw->plant, s->bus);

	p->info.ref = (struct node_ref){ p->bus_id, s->source, "" };
	p->info.display = s->bus->name;
	p->info.state = *down ? CONC_STATE_ERROR_UNSIGNED : CONC_STATE_NONE;
	p->info.has_children = p->info.ordered = true;
	if (*down && wants->messages)
		say(p, CONC_ERROR, mem_strdup("the line is down"));
}

void
portrait_take(struct portrait *p, const struct view *v, const struct spot *s,
    const struct portrait_wants *wants)
{
	memset(p, 0, sizeof(*p));
	tree_bus_id(s->bus, p->bus_id);
	p->info.type = tree_type(s);
	if (s->node)
		take_node(p, v, s->node, wants);
	else
		take_bus(p, v, s, wants);
	p->info.params = p->params;
	p->info.n_params = p->n;
}

void
portrait_fini(struct portrait *p)
{
	for (size_t i = 0; i < p->n_owned; i++)
		free(p->owned[i]);
	free(p->owned);
	free(p->params);
	free(p->text);
}
