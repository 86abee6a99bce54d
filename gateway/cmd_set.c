/* Command: writes one value to a device, for the installer. */
#include "common/mem.h"
#include "config/value.h"
#include "drivers/encode.h"
#include "gateway/cmd.h"
#include "gateway/setting.h"

#include <stdlib.h>

struct set_job {
	struct job job;
	char *node, *field, *unit;
	struct setting *setting; /* NULL once it has ended */
};

static void
set_free(struct job *j)
{
	struct set_job *s = (struct set_job *)j;

	if (s->setting)
		setting_drop(s->setting);
	free(s->node);
	free(s->field);
	free(s->unit);
	free(s);
}

/* What is on its way to the device cannot be called back: its outcome is told
 * all the same. */
static void
set_stop(struct job *j)
{
	(void)j;
}

static const struct job_ops set_ops = { set_stop, set_free };

static json_t *
answer(const struct set_job *s, const char *old, const char *to,
    const char *outcome)
{
	return json_pack("{s:i, s:s, s:s, s:o, s:s, s:s, s:s}", "schema", 1,
	    "node", s->node, "field", s->field, "old",
	    old ? json_string(old) : json_null(), "new", to, "unit", s->unit,
	    "outcome", outcome);
}

static void
ended(void *arg, const struct setting_end *end)
{
	struct set_job *s = arg;
	struct errbuf eb;

	s->setting = NULL;
	if (end->result == OK) {
		job_done(&s->job, answer(s, end->old, end->to, end->outcome));
		return;
	}
	errbuf_set(&eb, end->result,
	    end->result == ERR_TIMEOUT ? "%s; see: thingbridge read %s" : "%s",
	    end->text, s->node);
	job_fail(&s->job, end->result, &eb);
}

/* A field that cannot be written, or does not exist. */
static enum err
no_control(struct call *c, const struct node *n, const char *field)
{
	const struct tmpl *t = n->cfg->tmpl;
	struct guess guess = { .word = field };
	char hint[96];

	if (tmpl_find(t, field))
		return errbuf_set(c->eb, ERR_REFUSED,
		    "%s of %s can only be read; thingbridge templates show %s "
		    "lists what can be set",
		    field, n->id, t->id);
	if (t->n_controls == 0)
		return errbuf_set(c->eb, ERR_NOTFOUND,
		    "nothing of node %s can be set: its template %s has no "
		    "[control] section",
		    n->id, t->id);
	for (size_t i = 0; i < t->n_controls; i++)
		guess_try(&guess, t->controls[i].f.name);
	return errbuf_set(c->eb, ERR_NOTFOUND,
	    "node %s has no field \"%s\" to set%s; thingbridge templates show "
	    "%s lists what can be set",
	    n->id, field, guess_hint(&guess, hint, sizeof(hint)), t->id);
}

/* What the template allows to write, before anything is sent. */
static enum err
check(struct call *c, const struct node *n, const struct control *k,
    struct value *to)
{
	const char *text = cmd_text(c, "value");
	struct errbuf why = { "" };
	enum err e;

	if (!text)
		return errbuf_set(c->eb, ERR_RANGE, "which value?");
	e = encode_parse(k, text, to, &why);
	if (e == OK)
		e = setting_check(n, k, to, 0, &why);
	if (e != OK)
		return errbuf_set(
		    c->eb, e, "%s: %s: %s", n->id, k->f.name, why.text);
	return OK;
}

static struct set_job *
job_new(const struct call *c, const struct node *n, const struct control *k)
{
	struct set_job *s = mem_zalloc(sizeof(*s));

	s->job = (struct job){ &set_ops, *c->to };
	s->node = mem_strdup(n->id);
	s->field = mem_strdup(k->f.name);
	s->unit = mem_strdup(k->f.unit);
	return s;
}

static void
tell_only(struct call *c, const struct node *n, const struct control *k,
    const struct value *to, const struct set_job *s)
{
	char old[VALUE_TEXT_SIZE], new[VALUE_TEXT_SIZE];
	bool has_old = setting_old(n, k, old);

	value_text(to, new);
	c->out.data = answer(s, has_old ? old : NULL, new, "dry");
}

enum err
cmd_set(struct call *c)
{
	struct node *n = cmd_node(c, cmd_text(c, "node"));
	const char *field = cmd_text(c, "field");
	char who[CMD_WHO];
	struct value to;
	struct setting_what what = { .node = n, .to = &to, .who = who };
	struct set_job *s;
	enum err e;

	if (!n)
		return c->e;
	if (!field)
		return errbuf_set(c->eb, ERR_RANGE, "which field?");
	what.control = tmpl_find_control(n->cfg->tmpl, field);
	if (!what.control)
		return no_control(c, n, field);
	e = check(c, n, what.control, &to);
	if (e != OK)
		return e;
	s = job_new(c, n, what.control);
	cmd_who(c, who);
	if (cmd_flag(c, "dry"))
		tell_only(c, n, what.control, &to, s);
	else
		s->setting = setting_write(c->gw, &what, ended, s, c->eb);
	if (s->setting)
		c->out.job = &s->job;
	else
		set_free(&s->job);
	return c->out.data || c->out.job ? OK : ERR_BUSY;
}
