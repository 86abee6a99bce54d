/* The commands of nodes, for their owners alone. */
#include "gateway/browse_impl.h"

#include "common/log.h"
#include "gateway/access.h"
#include "gateway/plant.h"
#include "gateway/tell.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <string.h>

static enum conc_result acknowledge(struct call *c, struct node *n);
static enum conc_result read_now(struct call *c, struct node *n);
static enum conc_result share(struct call *c, struct node *n);
static enum conc_result share_end(struct call *c, struct node *n);

static const struct form_field fields[] = {
	{ .var = "jid", .type = "jid-single", .label = "Address" },
	{ .var = "control",
	    .type = "boolean",
	    .label = "May also control",
	    .value = "false" },
};

static const struct command {
	struct conc_command what;
	size_t n_fields; /* of the form: these first */
	enum conc_result (*run)(struct call *c, struct node *n);
} commands[] = {
	{ { .command = "acknowledge", .name = "Acknowledge the state" }, 0,
	    acknowledge },
	{ { .command = "readNow", .name = "Read the device now" }, 0,
	    read_now },
	{ { .command = "share",
	      .name = "Share with somebody",
	      .type = CONC_PARAMETERIZED },
	    2, share },
	{ { .command = "unshare",
	      .name = "Share no more with somebody",
	      .type = CONC_PARAMETERIZED },
	    1, share_end },
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static enum conc_result
no_command(struct call *c)
{
	errbuf_set(&c->eb, ERR_NOTFOUND, "the node has no such command");
	return CONC_NOT_FOUND;
}

/* The node of a request, *out NULL: a bus, which has no commands. */
static enum conc_result
find_node(struct call *c, struct node **out)
{
	const struct view *v = &c->view;
	struct spot s;

	if (!tree_find(v, &c->req->ref, &s)) {
		errbuf_set(&c->eb, ERR_NOTFOUND, "there is no such node here");
		return CONC_NOT_FOUND;
	}
	*out = s.node;
	if (s.node && !access_is_owner(v->gw->access, v->bare, s.node)) {
		errbuf_set(&c->eb, ERR_REFUSED, "you do not own it");
		return CONC_INSUFFICIENT_PRIVILEGES;
	}
	return CONC_OK;
}

static enum conc_result
find_command(struct call *c, struct node **n, const struct command **out)
{
	enum conc_result r = find_node(c, n);

	if (r != CONC_OK)
		return r;
	for (size_t i = 0; *n && i < COMMANDS; i++) {
		*out = &commands[i];
		if (strcmp(commands[i].what.command, c->req->command) == 0)
			return CONC_OK;
	}
	return no_command(c);
}

enum conc_result
browse_commands(struct call *c)
{
	struct node *n;
	enum conc_result r = find_node(c, &n);

	for (size_t i = 0; r == CONC_OK && n && i < COMMANDS; i++)
		conc_command_build(c->ctx, c->answer, &commands[i].what);
	return r;
}

enum conc_result
browse_command_form(struct call *c)
{
	const struct command *k;
	struct node *n;
	enum conc_result r = find_command(c, &n, &k);
	xmpp_stanza_t *x;

	if (r != CONC_OK)
		return r;
	if (!k->n_fields) {
		errbuf_set(&c->eb, ERR_UNSUP, "it takes no parameters");
		return CONC_OTHER_ERROR;
	}
	x = form_new(c->ctx, "form", k->what.name);
	for (size_t i = 0; i < k->n_fields; i++)
		form_put(c->ctx, x, &fields[i]);
	stanza_add(c->answer, x);
	return CONC_OK;
}

enum conc_result
browse_execute(struct call *c)
{
	const struct command *k;
	struct node *n;
	enum conc_result r = find_command(c, &n, &k);
	char who[LOG_SAFE];

	if (r == CONC_OK)
		r = k->run(c, n);
	if (r == CONC_OK)
		log_info("browse", "node %s: %s by %s", n->id, k->what.command,
		    log_safe(who, c->from));
	return r;
}

static enum conc_result
acknowledge(struct call *c, struct node *n)
{
	tell_acknowledge(c->view.gw->tell, n);
	return CONC_OK;
}

static enum conc_result
read_now(struct call *c, struct node *n)
{
	struct plant *p = c->view.gw->plant;
	struct drv_bus *bus = plant_bus(p, n->cfg->bus);

	if (bus && n->cfg->enabled && !*plant_down(p, n->cfg->on)) {
		drv_bus_read_now(bus, n->unit);
		return CONC_OK;
	}
	errbuf_set(&c->eb, ERR_IO, "%s",
	    n->cfg->enabled ? "its line is down" : "it is disabled");
	return CONC_OTHER_ERROR;
}

/* --- sharing --- */

static enum conc_result
form_error(struct call *c, const char *var, const char *text)
{
	xmpp_stanza_t *el = stanza_el(c->ctx, "error", NULL);

	xmpp_stanza_set_attribute(el, "var", var);
	stanza_add_text(c->ctx, el, text);
	stanza_add(c->answer, el);
	errbuf_set(&c->eb, ERR_RANGE, "%s: %s", var, text);
	return CONC_FORM_ERROR;
}

struct sharing {
	char bare[JID_SIZE];
	bool control;
};

static enum conc_result
take_sharing(struct call *c, const struct form *f, struct sharing *out)
{
	const char *jid = form_value(f, "jid");
	const char *control = form_value(f, "control");

	out->control = false;
	if (!jid || jid_bare(jid, out->bare) != OK)
		return form_error(c, "jid", "this is not an address");
	if (control && *control && xml_bool(control, &out->control) != OK)
		return form_error(c, "control", "neither true nor false");
	return CONC_OK;
}

static enum conc_result
read_sharing(struct call *c, struct sharing *out)
{
	struct form f = { 0 };
	enum conc_result r;

	if (!c->req->form)
		return form_error(c, "jid", "the form is missing");
	if (form_parse(c->req->form, &f, &c->eb) != OK)
		r = CONC_OTHER_ERROR;
	else if (!f.type || strcmp(f.type, "submit") != 0)
		r = form_error(c, "jid", "the form is not submitted");
	else
		r = take_sharing(c, &f, out);
	form_fini(&f);
	return r;
}

static enum conc_result
share(struct call *c, struct node *n)
{
	struct gateway *gw = c->view.gw;
	struct sharing with;
	enum conc_result r = read_sharing(c, &with);
	bool saw;

	if (r != CONC_OK)
		return r;
	if (access_is_owner(gw->access, with.bare, n))
		return form_error(c, "jid", "this is its owner");
	saw = access_sees(gw->access, with.bare, n);
	if (access_share(gw->access, n, with.bare, with.control) != OK)
		return form_error(
		    c, "jid", "it is shared with too many already");
	if (!saw)
		tell_shared(gw->tell, n, with.bare);
	c->waits = true;
	return CONC_OK;
}

static enum conc_result
share_end(struct call *c, struct node *n)
{
	struct gateway *gw = c->view.gw;
	struct sharing with;
	enum conc_result r = read_sharing(c, &with);

	if (r != CONC_OK)
		return r;
	if (access_unshare(gw->access, n, with.bare) != OK)
		return form_error(c, "jid", "it is not shared with them");
	tell_hide(gw->tell, n, with.bare);
	c->waits = true;
	return CONC_OK;
}
