/* Command: writes one value to a device, for the installer. */
#include "common/log.h"
#include "common/mem.h"
#include "drivers/encode.h"
#include "gateway/ask.h"
#include "gateway/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
	struct job job;
	struct gateway *gw;
	char *node, *field, *unit, *bus;
	char who[CMD_WHO];
	bool has_old, unverified;
	bool asked;   /* and not answered yet */
	bool dropped; /* nobody waits any more */
	char old[VALUE_TEXT_SIZE], new[VALUE_TEXT_SIZE];
};

static void
setting_end(struct setting *s)
{
	free(s->node);
	free(s->field);
	free(s->unit);
	free(s->bus);
	free(s);
}

/* Its client may go, what it wrote is noted all the same. */
static void
setting_free(struct job *j)
{
	struct setting *s = (struct setting *)j;

	if (s->asked)
		s->dropped = true;
	else
		setting_end(s);
}

/* What is on its way to the device cannot be called back: its outcome is told
 * all the same. */
static void
setting_stop(struct job *j)
{
	(void)j;
}

static const struct job_ops setting_ops = { setting_stop, setting_free };

static json_t *
answer(const struct setting *s, const char *outcome)
{
	return json_pack("{s:i, s:s, s:s, s:o, s:s, s:s, s:s}", "schema", 1,
	    "node", s->node, "field", s->field, "old",
	    s->has_old ? json_string(s->old) : json_null(), "new", s->new,
	    "unit", s->unit, "outcome", outcome);
}

/* Who wrote what, and what became of it. */
static void
audit(const struct setting *s, const char *outcome)
{
	char old[LOG_SAFE], new[LOG_SAFE];

	log_info("set", "node %s: %s = \"%s\" (was %s) by %s: %s", s->node,
	    s->field, log_safe(new, s->new),
	    s->has_old ? log_safe(old, s->old) : "not known", s->who, outcome);
}

static enum err
explain(const struct setting *s, const struct drv_answer *a, struct errbuf *eb)
{
	const char *why = a->why ? a->why : err_str(a->result);

	if (a->result == ERR_TIMEOUT)
		return errbuf_set(eb, ERR_TIMEOUT,
		    "%s: the device did not answer; whether %s was written is "
		    "not known; see: thingbridge read %s",
		    s->node, s->field, s->node);
	if (a->result == ERR_REFUSED)
		return errbuf_set(eb, ERR_REFUSED,
		    "%s: the device refused to write %s (exception %d): %s",
		    s->node, s->field, a->exception, why);
	if (a->result == ERR_BUSY)
		return errbuf_set(eb, ERR_PROTO,
		    "%s: %s was written, and read back it is not %s: the "
		    "device took no notice, or something else sets it too",
		    s->node, s->field, s->new);
	if (a->result == ERR_IO)
		return errbuf_set(eb, ERR_IO,
		    "%s: the line of bus %s is down: %s", s->node, s->bus, why);
	return errbuf_set(eb, a->result, "%s: %s: %s", s->node, s->field, why);
}

static void
written(void *arg, const struct drv_answer *a, const struct reading *back)
{
	struct setting *s = arg;
	const char *outcome = s->unverified ? "written" : "verified";
	struct errbuf eb = { "" };
	enum err e = OK;

	s->asked = false;
	if (a->result != OK)
		e = explain(s, a, &eb);
	else if (back && back->quality == QUALITY_OK)
		value_text(&back->value, s->new);
	audit(s, e == OK ? outcome : eb.text);
	if (s->dropped)
		setting_end(s);
	else if (e == OK)
		job_done(&s->job, answer(s, outcome));
	else
		job_fail(&s->job, e, &eb);
}

/* A field that cannot be written, or does not exist. */
static enum err
no_control(struct call *c, const struct node *n, const char *field)
{
	if (!tmpl_find(n->cfg->tmpl, field))
		return errbuf_set(c->eb, ERR_NOTFOUND,
		    "node %s has no field \"%s\"; thingbridge read %s lists "
		    "them",
		    n->id, field, n->id);
	return errbuf_set(c->eb, ERR_REFUSED,
	    "%s of %s can only be read: template %s has no [control] line for "
	    "it",
	    field, n->id, n->cfg->tmpl->id);
}

/* What the template allows to write, before anything is sent. */
static enum err
check(struct call *c, const struct node *n, const struct control *k,
    struct value *to)
{
	const char *text = cmd_text(c, "value");
	struct encoded regs;
	struct errbuf why = { "" };
	enum err e = ERR_RANGE;

	if (!text)
		return errbuf_set(c->eb, ERR_RANGE, "which value?");
	if (!n->cfg->enabled)
		return errbuf_set(
		    c->eb, ERR_REFUSED, "%s is disabled (enabled = no)", n->id);
	e = encode_parse(k, text, to, &why);
	if (e == OK && !k->f.sf)
		e = encode_value(k, to, 0, &regs, &why);
	if (e != OK)
		return errbuf_set(
		    c->eb, e, "%s: %s: %s", n->id, k->f.name, why.text);
	return OK;
}

static struct setting *
setting_new(struct call *c, const struct node *n, const struct control *k,
    const struct value *to)
{
	struct setting *s = mem_zalloc(sizeof(*s));

	s->job = (struct job){ &setting_ops, *c->to };
	s->gw = c->gw;
	s->node = mem_strdup(n->id);
	s->field = mem_strdup(k->f.name);
	s->unit = mem_strdup(k->f.unit);
	s->bus = mem_strdup(n->cfg->bus);
	s->unverified = k->write_only || k->verify == VERIFY_NONE;
	cmd_who(c, s->who);
	value_text(to, s->new);
	s->has_old = k->field >= 0 && n->points[k->field].at_utc != 0 &&
	    n->points[k->field].quality == QUALITY_OK;
	if (s->has_old)
		point_text(n, (size_t)k->field, s->old);
	return s;
}

static enum err
send_it(struct call *c, const struct node *n, const struct control *k,
    const struct value *to, struct setting *s)
{
	struct drv_ask q = {
		.kind = DRV_ASK_WRITE,
		.handle = n->unit,
		.control = (uint16_t)(k - n->cfg->tmpl->controls),
		.to = *to,
	};
	enum err e = ask_bus(c->gw, n->cfg->bus, &q, written, s);

	s->asked = e == OK;
	if (e == OK)
		return OK;
	return errbuf_set(c->eb, ERR_BUSY,
	    "bus %s has too much to do; try again", n->cfg->bus);
}

enum err
cmd_set(struct call *c)
{
	struct node *n = cmd_node(c, cmd_text(c, "node"));
	const char *field = cmd_text(c, "field");
	const struct control *k;
	struct setting *s;
	struct value to;
	enum err e;

	if (!n)
		return c->e;
	if (!field)
		return errbuf_set(c->eb, ERR_RANGE, "which field?");
	k = tmpl_find_control(n->cfg->tmpl, field);
	if (!k)
		return no_control(c, n, field);
	e = check(c, n, k, &to);
	if (e != OK)
		return e;
	s = setting_new(c, n, k, &to);
	if (cmd_flag(c, "dry"))
		c->out.data = answer(s, "dry");
	else
		e = send_it(c, n, k, &to, s);
	if (e == OK && !c->out.data)
		c->out.job = &s->job;
	else
		setting_free(&s->job);
	return e;
}
