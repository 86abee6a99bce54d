/* Command: looks at one device closely, and says what to do when it does not
 * answer. */
#include "common/buf.h"
#include "common/mem.h"
#include "common/num.h"
#include "drivers/decode.h"
#include "drivers/plan.h"
#include "gateway/ask.h"
#include "gateway/cmd.h"
#include "gateway/inquiry.h"
#include "gateway/interpret.h"
#include "gateway/plant.h"
#include "gateway/probe_impl.h"
#include "gateway/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAMES_MAX = 400,
	RTU_ADDRESS_MAX = 247,
	MBAP_UNIT = 6, /* where a TCP frame has its unit */
};

static void
closed(uv_handle_t *h)
{
	struct probe *p = h->data;

	guesses_fini(&p->guesses);
	tmpl_free(p->tmpl);
	json_decref(p->frames);
	json_decref(p->readings);
	free(p->line);
	free(p->field);
	free(p->field_utc);
	free(p->sf);
	free(p->order);
	free(p->hint);
	free(p->bus);
	free(p);
}

static void
probe_free(struct job *j)
{
	struct probe *p = (struct probe *)j;

	watch_end(p->gw, p);
	ask_forget(p->gw->asks, p);
	inquiry_free(p->inquiry);
	p->inquiry = NULL;
	uv_close((uv_handle_t *)&p->starter, closed);
}

/* The end. */

static json_t *
fields_json(const struct probe *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->tmpl->n_fields; i++) {
		const struct reading *r = &p->field[i];
		const struct reading_json j = { &p->tmpl->fields[i], &r->value,
			r->quality, r->why, p->field_utc[i] };

		json_array_append_new(a, cmd_field_json(&j));
	}
	return a;
}

static json_t *
looks_json(const struct probe *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->found.n_looks; i++)
		json_array_append_new(a, json_string(p->found.looks[i]->id));
	return a;
}

static const char *
result_text(const struct probe *p, char out[24])
{
	if (p->ok)
		return "ok";
	if (p->exception) {
		snprintf(out, 24, "exception %d", p->exception);
		return out;
	}
	return p->garbled ? "garbled" : "timeout";
}

static void
finish(struct probe *p)
{
	const struct cfg_bus *line = plant_line(p->gw->plant, p->bus);
	bool by_template = p->tmpl && !p->line;
	char result[24];
	json_t *data = json_pack(
	    "{s:i, s:s, s:o, s:i, s:O, s:s, s:o, s:o, s:o, s:o}", "schema", 1,
	    "bus", p->bus, "serial", line ? cmd_serial(line) : json_null(),
	    "address", (int)p->address, "frames", p->frames, "result",
	    result_text(p, result), "hint", cmd_text_or_null(p->hint), "maker",
	    cmd_text_or_null(p->found.maker), "product",
	    cmd_text_or_null(p->found.product), "looks_like", looks_json(p));

	if (by_template)
		json_object_set_new(data, "fields", fields_json(p));
	else
		json_object_set(data, "readings", p->readings);
	job_done(&p->job, data);
}

static void
probe_stop(struct job *j)
{
	finish((struct probe *)j);
}

static const struct job_ops probe_ops = { probe_stop, probe_free };

static void
fail(struct probe *p, const char *why)
{
	struct errbuf eb;

	job_fail(&p->job, ask_line_down(p->gw, p->bus, why, &eb), &eb);
}

static void go_on(struct probe *p);

void
probe_answered(
    void *arg, const struct drv_answer *a, const struct reading *back)
{
	struct probe *p = arg;

	(void)back;
	if (a->result == ERR_IO) {
		fail(p, a->why);
		return;
	}
	p->plan->answered(p, a);
	go_on(p);
}

static void
hint_silent(struct probe *p)
{
	const struct cfg_bus *line = plant_line(p->gw->plant, p->bus);
	char mode[CMD_SERIAL];
	struct buf b = { 0 };

	buf_printf(&b, "nobody answers at address %d.  Check:\n", p->address);
	if (line && line->port)
		buf_printf(&b,
		    "  1 the two wires: swap A and B\n"
		    "  2 speed and parity: %s here; look it up on the device\n"
		    "  3 the address set on the device\n"
		    "  4 power, and a common ground\n"
		    "  5 one device alone on the line, 120 ohm at its ends",
		    cmd_serial_text(&line->serial, mode));
	else
		buf_puts(&b,
		    "  1 the unit id set on the device (or behind the "
		    "gateway)\n"
		    "  2 that no other program has the device's only "
		    "connection\n"
		    "  3 behind a gateway: its serial settings, A and B, "
		    "power, ground");
	if (line && line->port && p->plan)
		buf_puts(&b, "\nother usual speeds were tried, in vain");
	free(p->hint);
	p->hint = buf_take(&b);
}

/* The course of it. */

/* When nothing came, what to check; on a port, other speeds first. */
static bool
try_speeds(struct probe *p)
{
	const struct cfg_bus *line = plant_line(p->gw->plant, p->bus);

	if (!probe_is_silent(p) || p->plan == &probe_by_speed || !line ||
	    !line->port || line->type != BUS_MODBUS_RTU)
		return false;
	p->plan = &probe_by_speed;
	p->i = 0;
	return true;
}

static void
hint_garbled(struct probe *p)
{
	p->hint = mem_strdup(
	    "what comes back is no whole answer: two devices of this address, "
	    "another speed or parity, no 120 ohm at the ends of the line, or "
	    "an adapter that echoes");
}

static void
go_on(struct probe *p)
{
	enum err e = OK;

	do {
		if (p->plan->ask(p, &e)) {
			if (e != OK)
				fail(p, "the bus has too much to do");
			return;
		}
	} while (try_speeds(p));
	if (!p->hint && probe_is_silent(p))
		hint_silent(p);
	else if (!p->hint && p->garbled && !p->ok)
		hint_garbled(p);
	finish(p);
}

static void
inquired(void *arg, const struct findings *f)
{
	struct probe *p = arg;

	p->inquiry = NULL;
	p->found = *f;
	if (f->presence == INQUIRY_DOWN) {
		fail(p, f->why);
		return;
	}
	p->silent += f->presence == INQUIRY_NOBODY;
	p->garbled +=
	    f->presence == INQUIRY_GARBLED || f->presence == INQUIRY_TWO;
	p->exception = f->exception;
	go_on(p);
}

/* The byte at a place of "01 03 .." or "0103..", or -1. */
static int
hex_byte(const char *hex, size_t at)
{
	for (;; hex += 2) {
		int high, low;

		hex += strspn(hex, " ");
		high = num_hex(hex[0]);
		low = high < 0 ? -1 : num_hex(hex[1]);
		if (low < 0 || at-- == 0)
			return low < 0 ? -1 : high << 4 | low;
	}
}

/* Of this device, or the bus's business with another? */
static bool
is_ours(const struct probe *p, const char *hex)
{
	size_t at = p->type == BUS_MODBUS_TCP ? MBAP_UNIT : 0;

	return p->type == BUS_SERIAL || hex_byte(hex, at) == p->address;
}

static void
seen(void *arg, const struct frame_seen *f)
{
	struct probe *p = arg;
	const struct serial_mode *other = probe_speed(p);
	char mode[CMD_SERIAL];
	json_t *o;

	if (!f || f->mono_ms < p->began_mono ||
	    json_array_size(p->frames) >= FRAMES_MAX || f->text[0] == '\0')
		return;
	if (f->text[0] == '>')
		p->heard = is_ours(p, f->text + 1);
	if (!p->heard || (other && f->text[0] == '!'))
		return; /* what came of other speeds stands in the hint */
	o = watch_frame_json(f, p->type == BUS_SERIAL);
	json_object_set_new(
	    o, "at_ms", json_integer((json_int_t)(f->mono_ms - p->began_mono)));
	if (other)
		json_object_set_new(
		    o, "serial", json_string(cmd_serial_text(other, mode)));
	json_array_append_new(p->frames, o);
}

static void
begin_inquiry(struct probe *p)
{
	const struct inquiry_of of = { .bus = p->bus,
		.type = p->type,
		.address = p->address,
		.guesses = &p->guesses };

	guesses_load(&p->guesses, p->gw->cfg->path);
	if (inquiry_begin(p->gw, &of, inquired, p, &p->inquiry) != OK)
		fail(p, "the bus cannot be asked now");
}

static void
start(uv_timer_t *t)
{
	struct probe *p = t->data;

	watch_begin(p->gw, p->bus, true, seen, p);
	if (p->plan == &probe_by_tables)
		begin_inquiry(p);
	else
		go_on(p);
}

/* Which of the plans. */

static void
order_fields(struct probe *p)
{
	size_t n = 0, count = p->tmpl->n_fields;

	p->field = mem_array(count, sizeof(*p->field));
	p->field_utc = mem_array(count, sizeof(*p->field_utc));
	p->sf = mem_array(count, sizeof(*p->sf));
	p->order = mem_array(count, sizeof(*p->order));
	decode_sf_init(p->tmpl, p->sf);
	for (int last = 0; last < 2; last++) {
		for (size_t i = 0; i < count; i++) {
			if ((p->sf[i] == SF_UNUSED) == (last != 0))
				p->order[n++] = i;
		}
	}
}

static enum err
load_template(struct call *c, struct probe *p, const char *id)
{
	struct tmpl_index ix = { 0 };
	struct buf errs = { 0 };
	const char *path;
	enum err e = OK;

	tmpl_index_build(&ix, p->gw->cfg->path);
	path = tmpl_index_path(&ix, id);
	if (!path)
		e = errbuf_set(c->eb, ERR_NOTFOUND,
		    "there is no template \"%s\"; thingbridge templates lists "
		    "them",
		    id);
	else if (tmpl_load(path, &p->tmpl, &errs) != OK)
		e = errbuf_set(c->eb, ERR_CONFIG, "%.*s",
		    (int)strcspn(errs.data, "\n"), errs.data);
	buf_fini(&errs);
	tmpl_index_fini(&ix);
	return e;
}

static enum err
by_template(struct call *c, struct probe *p, const char *id)
{
	bool text = p->type == BUS_SERIAL;
	enum err e = load_template(c, p, id);

	if (e != OK)
		return e;
	if (text != (p->tmpl->kind == TMPL_TEXT))
		return errbuf_set(c->eb, ERR_RANGE,
		    "template %s is for %s devices, and bus %s is not", id,
		    text ? "Modbus" : "text", p->bus);
	if (text && p->tmpl->frame.mode != FRAME_POLL)
		return errbuf_set(c->eb, ERR_UNSUP,
		    "devices of template %s speak by themselves; watch them "
		    "with: thingbridge trace %s",
		    id, p->bus);
	order_fields(p);
	p->plan = text ? &probe_by_text : &probe_by_fields;
	return OK;
}

static enum err
by_place(struct call *c, struct probe *p, const char *where)
{
	const char *type = cmd_text(c, "type");
	const struct field *f;
	enum err e = interpret_where(where, type, &p->tmpl, c->eb);

	if (e != OK)
		return e;
	f = &p->tmpl->fields[0];
	p->typed = type != NULL;
	p->line = mem_printf("%s %s", where,
	    type                      ? type
		: f->type == REG_BOOL ? "bool"
				      : "u16");
	p->count = plan_regs(f) > PROBE_RANGE ? plan_regs(f) : PROBE_RANGE;
	if (0x10000 - f->addr < p->count)
		p->count = (uint16_t)(0x10000 - f->addr);
	p->plan = &probe_by_where;
	return OK;
}

static enum err
choose(struct call *c, struct probe *p)
{
	const char *id = cmd_text(c, "template"), *where = cmd_text(c, "where");

	if (id)
		return by_template(c, p, id);
	if (p->type == BUS_SERIAL)
		return errbuf_set(c->eb, ERR_RANGE,
		    "bus %s has text devices: name a template, or watch it "
		    "with: thingbridge trace %s",
		    p->bus, p->bus);
	if (where)
		return by_place(c, p, where);
	p->count = PROBE_RANGE;
	p->plan = &probe_by_tables;
	return OK;
}

static bool
is_rtu(const struct cfg_bus *line)
{
	return line->type == BUS_MODBUS_RTU || line->type == BUS_MODBUS_RTU_TCP;
}

enum err
cmd_probe(struct call *c)
{
	const struct cfg_bus *line = cmd_line(c);
	int64_t address = -1;
	struct probe *p;
	enum err e;

	if (!line)
		return c->e;
	e = cmd_int(c, "address", 0, 255, &address);
	if (e == OK && address < 0)
		e = errbuf_set(c->eb, ERR_RANGE, "which address?");
	if (e == OK && is_rtu(line) &&
	    (address == 0 || address > RTU_ADDRESS_MAX))
		e = errbuf_set(c->eb, ERR_RANGE,
		    "devices on a serial line of Modbus have the addresses 1 "
		    "to %d; 0 speaks to all, and none answers",
		    RTU_ADDRESS_MAX);
	if (e != OK)
		return e;
	p = mem_zalloc(sizeof(*p));
	p->job = (struct job){ &probe_ops, *c->to };
	p->gw = c->gw;
	p->bus = mem_strdup(line->name);
	p->type = line->type;
	p->address = (uint8_t)address;
	p->frames = json_array();
	p->readings = json_array();
	p->began_mono = clock_mono(c->gw->clock);
	uv_timer_init(&c->gw->loop, &p->starter);
	p->starter.data = p;
	e = choose(c, p);
	if (e != OK) {
		probe_free(&p->job);
		return e;
	}
	uv_timer_start(&p->starter, start, 0, 0);
	c->out.job = &p->job;
	return OK;
}
