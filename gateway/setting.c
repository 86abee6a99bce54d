#include "gateway/setting.h"

#include "common/log.h"
#include "common/mem.h"
#include "drivers/encode.h"
#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "gateway/plant.h"

#include <stdio.h>
#include <stdlib.h>

struct setting {
	struct gateway *gw;
	setting_done done; /* NULL: nobody waits any more */
	void *arg;
	char *node, *field, *bus, *who;
	bool has_old, unverified;
	char old[VALUE_TEXT_SIZE], to[VALUE_TEXT_SIZE];
	int64_t pulse_ms;
};

/* --- what may be written --- */

/* The scale factor that the device gave last. */
static bool
find_scale(const struct node *n, const struct control *k, int *sf)
{
	const struct point *p;
	struct value v;

	*sf = 0;
	if (!k->f.sf)
		return true;
	if (k->f.sf_field < 0 || (size_t)k->f.sf_field >= n->n_points)
		return false;
	p = &n->points[k->f.sf_field];
	if (p->at_utc == 0 || p->quality != QUALITY_OK)
		return false;
	kept_get(&p->value, &v);
	*sf = (int)v.num.mant;
	return v.type == VALUE_NUM && v.num.dec == 0 && *sf == v.num.mant;
}

static enum err
check_pulse(const struct control *k, int64_t ms, struct errbuf *why)
{
	if (ms == 0)
		return OK;
	if (!k->has_pulse)
		return errbuf_set(
		    why, ERR_RANGE, "it cannot be set for a time");
	if (ms < k->pulse_min_ms || ms > k->pulse_max_ms)
		return errbuf_set(why, ERR_RANGE,
		    "it may be set for %lld to %lld ms",
		    (long long)k->pulse_min_ms, (long long)k->pulse_max_ms);
	return OK;
}

enum err
setting_check(const struct node *n, const struct control *k,
    const struct value *to, int64_t pulse_ms, struct errbuf *why)
{
	struct encoded regs;
	enum err e;
	int sf;

	if (!n->cfg->enabled)
		return errbuf_set(
		    why, ERR_REFUSED, "the node is disabled (enabled = no)");
	e = check_pulse(k, pulse_ms, why);
	if (e != OK)
		return e;
	if (!find_scale(n, k, &sf))
		return errbuf_set(
		    why, ERR_BUSY, "its scale factor was not read yet");
	return encode_value(k, to, sf, &regs, why);
}

enum err
setting_reach(struct gateway *gw, const struct node *n, struct errbuf *eb)
{
	const struct cfg_bus *line = plant_line(gw->plant, n->cfg->bus);

	if (!line || *plant_down(gw->plant, line))
		return ask_line_down(gw, n->cfg->bus, NULL, eb);
	if (n->device == UNIT_OFFLINE)
		return errbuf_set(eb, ERR_TIMEOUT,
		    "%s: the device does not answer; nothing was sent", n->id);
	return OK;
}

bool
setting_old(
    const struct node *n, const struct control *k, char out[VALUE_TEXT_SIZE])
{
	const struct point *p = k->field >= 0 ? &n->points[k->field] : NULL;

	if (!p || p->at_utc == 0 || p->quality != QUALITY_OK)
		return false;
	point_text(n, (size_t)k->field, out);
	return true;
}

/* --- the write --- */

static void
setting_free(struct setting *s)
{
	free(s->node);
	free(s->field);
	free(s->bus);
	free(s->who);
	free(s);
}

/* Who wrote what, and what became of it. */
static void
audit(const struct setting *s, const char *outcome)
{
	char old[LOG_SAFE], to[LOG_SAFE], who[LOG_SAFE], pulse[48] = "";

	if (s->pulse_ms)
		snprintf(pulse, sizeof(pulse), " for %lld ms",
		    (long long)s->pulse_ms);
	log_info("set", "node %s: %s = \"%s\"%s (was %s) by %s: %s", s->node,
	    s->field, log_safe(to, s->to), pulse,
	    s->has_old ? log_safe(old, s->old) : "not known",
	    log_safe(who, s->who), outcome);
}

static enum err
explain(const struct setting *s, const struct drv_answer *a, struct errbuf *eb)
{
	const char *why = a->why ? a->why : err_str(a->result);
	char to[LOG_SAFE];

	if (a->result == ERR_TIMEOUT)
		return errbuf_set(eb, ERR_TIMEOUT,
		    "%s: the device did not answer; whether %s was written is "
		    "not known",
		    s->node, s->field);
	if (a->result == ERR_REFUSED)
		return errbuf_set(eb, ERR_REFUSED,
		    "%s: the device refused to write %s (exception %d): %s",
		    s->node, s->field, a->exception, why);
	if (a->result == ERR_BUSY)
		return errbuf_set(eb, ERR_PROTO,
		    "%s: %s was written, and read back it is not %s: the "
		    "device took no notice, or something else sets it too",
		    s->node, s->field, log_safe(to, s->to));
	if (a->result == ERR_IO)
		return ask_line_down(s->gw, s->bus, a->why, eb);
	return errbuf_set(eb, a->result, "%s: %s: %s", s->node, s->field, why);
}

static void
written(void *arg, const struct drv_answer *a, const struct reading *back)
{
	struct setting *s = arg;
	struct errbuf eb = { "" };
	struct setting_end end = { .text = eb.text,
		.old = s->has_old ? s->old : NULL,
		.to = s->to,
		.outcome = s->unverified ? "written" : "verified" };

	if (a->result != OK)
		end.result = explain(s, a, &eb);
	else if (back && back->quality == QUALITY_OK)
		value_text(&back->value, s->to);
	audit(s, end.result == OK ? end.outcome : eb.text);
	if (s->done)
		s->done(s->arg, &end);
	setting_free(s);
}

static struct setting *
setting_new(struct gateway *gw, const struct setting_what *w)
{
	const struct control *k = w->control;
	struct setting *s = mem_zalloc(sizeof(*s));

	s->gw = gw;
	s->node = mem_strdup(w->node->id);
	s->field = mem_strdup(k->f.name);
	s->bus = mem_strdup(w->node->cfg->bus);
	s->who = mem_strdup(w->who);
	s->pulse_ms = w->pulse_ms;
	s->unverified = k->write_only || k->verify == VERIFY_NONE;
	s->has_old = setting_old(w->node, k, s->old);
	value_text(w->to, s->to);
	return s;
}

struct setting *
setting_write(struct gateway *gw, const struct setting_what *w,
    setting_done done, void *arg, struct errbuf *eb)
{
	const struct node *n = w->node;
	struct drv_ask q = {
		.kind = DRV_ASK_WRITE,
		.handle = n->unit,
		.control = (uint16_t)(w->control - n->cfg->tmpl->controls),
		.to = *w->to,
		.pulse_ms = w->pulse_ms,
	};
	struct setting *s = setting_new(gw, w);

	s->done = done;
	s->arg = arg;
	if (ask_bus(gw, s->bus, &q, written, s) == OK)
		return s;
	errbuf_set(
	    eb, ERR_BUSY, "bus %s has too much to do; try again", s->bus);
	setting_free(s);
	return NULL;
}

void
setting_drop(struct setting *s)
{
	s->done = NULL;
}
