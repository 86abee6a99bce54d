/* Command: who is on a bus, one address after the other, while its polls go
 * on. */
#include "common/log.h"
#include "common/mem.h"
#include "gateway/ask.h"
#include "gateway/cmd.h"
#include "gateway/inquiry.h"
#include "gateway/plant.h"

#include <stdlib.h>
#include <string.h>

enum {
	MODES_MAX = 16,
	ADDRESS_LAST = 247,
	ADDRESS_LAST_TCP = 255,
	ADDRESS_LAST_TEXT = 9,
	TIMEOUT_MAX_MS = 10000,
	SAY_MS = 250, /* between lines of progress */
	PAUSE_MS = 1000,
	PAUSES_MAX = 10, /* while the line is not up */
};

struct scan {
	struct job job;
	struct gateway *gw;
	char *bus;
	int type;
	struct serial_mode mode[MODES_MAX]; /* one, without port */
	size_t n_modes, at_mode;
	int64_t first, last, address, timeout_ms;
	struct guesses guesses;
	struct inquiry *inquiry;
	uv_timer_t pause;
	unsigned pauses;
	json_t *found;
	int64_t done, began_mono, said_mono;
	bool stopping;
	LIST_ENTRY(scan) link;
};

static void
closed(uv_handle_t *h)
{
	struct scan *s = h->data;

	guesses_fini(&s->guesses);
	json_decref(s->found);
	free(s->bus);
	free(s);
}

static void
scan_free(struct job *j)
{
	struct scan *s = (struct scan *)j;

	LIST_REMOVE(s, link);
	inquiry_free(s->inquiry);
	s->inquiry = NULL;
	uv_close((uv_handle_t *)&s->pause, closed);
}

static void
finish(struct scan *s)
{
	json_t *data = json_pack("{s:i, s:s, s:b, s:O}", "schema", 1, "bus",
	    s->bus, "stopped", s->stopping, "found", s->found);

	job_done(&s->job, data);
}

static void
scan_stop(struct job *j)
{
	struct scan *s = (struct scan *)j;

	s->stopping = true;
	finish(s);
}

static const struct job_ops scan_ops = { scan_stop, scan_free };

static const struct cfg_bus *
line_of(const struct scan *s)
{
	return plant_line(s->gw->plant, s->bus);
}

/* The setting of the line itself, at which its nodes are polled. */
static bool
own_mode(const struct scan *s)
{
	const struct cfg_bus *line = line_of(s);

	return !line || !line->port ||
	    serial_mode_equal(&s->mode[s->at_mode], &line->serial);
}

static json_t *
mode_json(const struct scan *s)
{
	const struct cfg_bus *line = line_of(s);
	char text[CMD_SERIAL];

	if (!line || !line->port)
		return json_null();
	return json_string(cmd_serial_text(&s->mode[s->at_mode], text));
}

/* Tells how far it is, and what was found (taken) if anything. */
static void
say(struct scan *s, json_t *found)
{
	int64_t now = clock_mono(s->gw->clock);
	int64_t of = (s->last - s->first + 1) * (int64_t)s->n_modes;
	int64_t left_ms =
	    s->done ? (now - s->began_mono) * (of - s->done) / s->done : 0;
	json_t *o;

	if (!found && now - s->said_mono < SAY_MS)
		return;
	s->said_mono = now;
	o = json_pack("{s:i, s:s, s:o, s:I, s:I, s:I, s:I}", "schema", 1, "bus",
	    s->bus, "serial", mode_json(s), "address", (json_int_t)s->address,
	    "done", (json_int_t)s->done, "of", (json_int_t)of, "left_s",
	    (json_int_t)(left_ms + 999) / 1000);
	if (found) {
		json_array_append(s->found, found);
		json_object_set_new(o, "found", found);
	}
	job_more(&s->job, o);
}

static json_t *
found_json(const struct scan *s, const char *answer, const char *maker,
    const char *product)
{
	return json_pack("{s:n, s:I, s:o, s:s, s:[], s:n, s:o, s:o, s:[], s:n, "
			 "s:n}",
	    "candidate", "address", (json_int_t)s->address, "serial",
	    mode_json(s), "answer", answer, "looks_like", "certain", "maker",
	    cmd_text_or_null(maker), "product", cmd_text_or_null(product),
	    "sunspec", "node", "state");
}

static const char *
claim_value(const struct node *n, const char *name)
{
	const struct tag *g = tags_find(&n->claim, name);

	return g ? g->value : NULL;
}

/* A node of the configuration at the address that is asked, the first or the
 * one after; NULL. */
static const struct node *
node_here(const struct scan *s, const struct node *after)
{
	const struct nodes *t = &s->gw->nodes;
	size_t i = 0;

	if (!own_mode(s))
		return NULL;
	while (after && t->v[i++] != after)
		;
	for (; i < t->n; i++) {
		const struct node *n = t->v[i];

		if (n->cfg && n->cfg->enabled &&
		    n->cfg->address == s->address &&
		    strcmp(n->cfg->bus, s->bus) == 0)
			return n;
	}
	return NULL;
}

static const char *
answer_word(const struct findings *f, char exception[24])
{
	static const char *const words[] = {
		[INQUIRY_NOBODY] = "no answer",
		[INQUIRY_ANSWERS] = "ok",
		[INQUIRY_GARBLED] = "garbled",
		[INQUIRY_TWO] = "two devices?",
		[INQUIRY_UNASKED] = "not asked",
	};

	snprintf(exception, 24, "exception %d", f->exception);
	if (f->presence == INQUIRY_ANSWERS && f->exception)
		return exception;
	return words[f->presence];
}

/* Who a configured device is need not be asked; whether it has what was asked
 * for says nothing of one that is polled. */
static json_t *
node_json(const struct scan *s, const struct findings *f, const struct node *n)
{
	bool ok = f->presence == INQUIRY_ANSWERS && n->device == UNIT_ONLINE;
	char exception[24];
	json_t *o = found_json(s, ok ? "ok" : answer_word(f, exception),
	    claim_value(n, "MAN"), claim_value(n, "MODEL"));

	json_array_append_new(
	    json_object_get(o, "looks_like"), json_string(n->cfg->tmpl->id));
	json_object_set_new(o, "node", json_string(n->id));
	json_object_set_new(o, "state", json_string(node_device(n)));
	return o;
}

static json_t *
findings_json(const struct scan *s, const struct findings *f)
{
	char exception[24];
	json_t *o =
	    found_json(s, answer_word(f, exception), f->maker, f->product);

	for (size_t i = 0; i < f->n_looks; i++)
		json_array_append_new(json_object_get(o, "looks_like"),
		    json_string(f->looks[i]->id));
	for (size_t i = 0; i < f->n_sunspec; i++)
		json_array_append_new(
		    json_object_get(o, "sunspec"), json_integer(f->sunspec[i]));
	json_object_set_new(o, "certain", cmd_text_or_null(f->certain));
	return o;
}

/* Somebody who could become a node. */
static json_t *
candidate_json(struct scan *s, const struct findings *f)
{
	json_t *o = findings_json(s, f);

	if (f->presence == INQUIRY_ANSWERS)
		candidates_add(&s->gw->candidates, s->bus, o);
	return o;
}

/* Tells of what is there: of each node that should be. */
static void
say_findings(struct scan *s, const struct findings *f)
{
	const struct node *n = node_here(s, NULL);

	if (!n)
		say(s,
		    f->presence == INQUIRY_NOBODY ? NULL
						  : candidate_json(s, f));
	for (; n; n = node_here(s, n))
		say(s, node_json(s, f, n));
}

static enum err next(struct scan *s, struct errbuf *eb);

static void
down(struct scan *s, const char *why)
{
	struct errbuf eb;

	job_fail(&s->job, ask_line_down(s->gw, s->bus, why, &eb), &eb);
}

static void
go_on(struct scan *s)
{
	struct errbuf eb;
	enum err e = next(s, &eb);

	if (e != OK)
		job_fail(&s->job, e, &eb);
}

static void
again(uv_timer_t *t)
{
	go_on(t->data);
}

static void
inquired(void *arg, const struct findings *f)
{
	struct scan *s = arg;

	s->inquiry = NULL;
	if (f->presence == INQUIRY_DOWN) {
		/* It may be on its way up: a connection is made again. */
		if (!line_of(s) || ++s->pauses > PAUSES_MAX)
			down(s, f->why);
		else
			uv_timer_start(&s->pause, again, PAUSE_MS, 0);
		return;
	}
	s->pauses = 0;
	s->done++;
	say_findings(s, f);
	s->address++;
	go_on(s);
}

/* The template of what should be at the address: of these, which no reload
 * frees. */
static const struct tmpl *
known_here(const struct scan *s)
{
	const struct node *n = node_here(s, NULL);

	for (size_t i = 0; n && i < s->guesses.n; i++) {
		if (strcmp(s->guesses.v[i]->id, n->cfg->tmpl->id) == 0)
			return s->guesses.v[i];
	}
	return NULL;
}

static enum err
inquire(struct scan *s, struct errbuf *eb)
{
	const struct inquiry_of of = {
		.bus = s->bus,
		.type = s->type,
		.address = (uint8_t)s->address,
		.serial = own_mode(s) ? (struct serial_mode){ 0 }
				      : s->mode[s->at_mode],
		.timeout_ms = s->timeout_ms,
		.behind = true,
		.known = known_here(s),
		.guesses = &s->guesses,
	};
	enum err e = inquiry_begin(s->gw, &of, inquired, s, &s->inquiry);

	if (e == ERR_UNSUP)
		return errbuf_set(eb, e,
		    "bus %s: no template of a text device is asked by its "
		    "address, so there is nothing to scan for",
		    s->bus);
	if (e == ERR_NOTFOUND)
		return errbuf_set(
		    eb, e, "bus %s does not run (any more)", s->bus);
	if (e != OK)
		return errbuf_set(eb, e, "bus %s has too much to do", s->bus);
	return OK;
}

/* Goes to the next address that can be asked, or ends. */
static enum err
next(struct scan *s, struct errbuf *eb)
{
	static const struct findings none = { .presence = INQUIRY_UNASKED };

	for (;;) {
		enum err e;

		if (s->address > s->last) {
			s->address = s->first;
			s->at_mode++;
		}
		if (s->at_mode == s->n_modes) {
			finish(s);
			return OK;
		}
		say(s, NULL);
		e = inquire(s, eb);
		if (e != ERR_UNSUP || !node_here(s, NULL))
			return e;
		say_findings(s, &none);
		s->done++;
		s->address++;
	}
}

static enum err
read_modes(struct call *c, const struct cfg_bus *line, struct scan *s)
{
	const json_t *list = json_object_get(c->rq, "serial"), *item;
	size_t i;

	s->n_modes = 1;
	s->mode[0] = line->serial;
	if (json_array_size(list) == 0)
		return OK;
	if (!line->port)
		return errbuf_set(c->eb, ERR_RANGE,
		    "bus %s is no serial port of this machine: the device "
		    "server has the settings",
		    line->name);
	if (json_array_size(list) > MODES_MAX)
		return errbuf_set(c->eb, ERR_RANGE,
		    "at most %d serial settings at once", MODES_MAX);
	s->n_modes = json_array_size(list);
	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		if (!text || serial_mode_parse(text, &s->mode[i]) != OK)
			return errbuf_set(c->eb, ERR_RANGE,
			    "\"%s\" is no serial setting, as 9600 8N1",
			    text ? text : "");
	}
	return OK;
}

static enum err
read_range(struct call *c, const struct cfg_bus *line, struct scan *s)
{
	bool tcp = line->type == BUS_MODBUS_TCP;
	bool text = line->type == BUS_SERIAL;
	int64_t most = tcp || text ? ADDRESS_LAST_TCP : ADDRESS_LAST;
	enum err e;

	s->first = tcp || text ? 0 : 1;
	s->last = text ? ADDRESS_LAST_TEXT : most;
	e = cmd_int(c, "first", s->first, most, &s->first);
	if (e == OK)
		e = cmd_int(c, "last", s->first, most, &s->last);
	if (e != OK)
		return errbuf_set(c->eb, ERR_RANGE,
		    "the addresses on bus %s are %d to %d", line->name,
		    tcp || text ? 0 : 1, (int)most);
	e = cmd_int(c, "timeout_ms", 10, TIMEOUT_MAX_MS, &s->timeout_ms);
	if (e == OK && s->last < s->first)
		s->last = s->first;
	return e;
}

static bool
is_scanned(const struct gateway *gw, const char *bus)
{
	const struct scan *s;

	LIST_FOREACH(s, &gw->scans, link)
	{
		if (strcmp(s->bus, bus) == 0)
			return true;
	}
	return false;
}

/* The devices of some lines are heard, or have no address to be asked by; what
 * other devices are asked with could mean anything to them. */
static bool
is_for_others(const struct gateway *gw, const struct cfg_bus *line)
{
	bool any = false;

	if (line->type != BUS_SERIAL)
		return false;
	for (size_t i = 0; i < gw->nodes.n; i++) {
		const struct cfg_node *n = gw->nodes.v[i]->cfg;

		if (!n || n->on != line)
			continue;
		if (tmpl_has_address(n->tmpl) &&
		    n->tmpl->frame.mode == FRAME_POLL)
			return false;
		any = true;
	}
	return any;
}

static struct scan *
scan_new(struct call *c, const struct cfg_bus *line)
{
	struct scan *s = mem_zalloc(sizeof(*s));

	s->job = (struct job){ &scan_ops, *c->to };
	s->gw = c->gw;
	s->bus = mem_strdup(line->name);
	s->type = line->type;
	s->found = json_array();
	s->began_mono = clock_mono(c->gw->clock);
	uv_timer_init(&c->gw->loop, &s->pause);
	s->pause.data = s;
	LIST_INSERT_HEAD(&c->gw->scans, s, link);
	return s;
}

static void
start(uv_timer_t *t)
{
	struct scan *s = t->data;

	if (*plant_down(s->gw->plant, line_of(s))) {
		down(s, NULL);
		return;
	}
	candidates_forget(&s->gw->candidates, s->bus, s->first, s->last);
	guesses_load(&s->guesses, s->gw->cfg->path);
	go_on(s);
}

enum err
cmd_scan(struct call *c)
{
	const struct cfg_bus *line = cmd_line(c);
	struct scan *s;
	enum err e;

	if (!line)
		return c->e;
	if (is_scanned(c->gw, line->name))
		return errbuf_set(c->eb, ERR_BUSY,
		    "bus %s is being scanned already; wait for that, or end it",
		    line->name);
	if (is_for_others(c->gw, line))
		return errbuf_set(c->eb, ERR_UNSUP,
		    "%s has text devices, which are not scanned; thingbridge "
		    "probe %s 0 shows what comes",
		    line->name, line->name);
	s = scan_new(c, line);
	e = read_modes(c, line, s);
	if (e == OK)
		e = read_range(c, line, s);
	if (e != OK) {
		scan_free(&s->job);
		return e;
	}
	s->address = s->first;
	log_info("scan", "bus %s: addresses %d to %d", s->bus, (int)s->first,
	    (int)s->last);
	/* It may end at once, which a job must not do from within here. */
	uv_timer_start(&s->pause, start, 0, 0);
	c->out.job = &s->job;
	return OK;
}
