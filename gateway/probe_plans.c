/* What a probe asks, and what it makes of the answers. */
#include "common/buf.h"
#include "common/mem.h"
#include "drivers/decode.h"
#include "drivers/plan.h"
#include "gateway/ask.h"
#include "gateway/interpret.h"
#include "gateway/plant.h"
#include "gateway/probe_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SILENT_MAX = 2, /* unanswered at first: it is not there */
	TRY_MS = 300,   /* for each other serial setting */
};

bool
probe_is_silent(const struct probe *p)
{
	return p->silent && !p->ok && !p->garbled && !p->exception;
}

static void
note(struct probe *p, const struct drv_answer *a)
{
	p->ok += a->result == OK;
	p->garbled += a->result == ERR_PROTO;
	p->silent += a->result == ERR_TIMEOUT;
	if (a->result == ERR_REFUSED)
		p->exception = a->exception;
}

static enum err
ask_regs(
    struct probe *p, enum modbus_table table, uint16_t addr, uint16_t count)
{
	struct drv_ask q = { .kind = DRV_ASK_MODBUS,
		.unit = p->address,
		.function = pdu_reads(table),
		.addr = addr,
		.count = count };

	return ask_bus(p->gw, p->bus, &q, probe_answered, p);
}

/* Other serial settings, when it does not answer at the line's. */

static const struct serial_mode usual[] = { { 9600, 8, 'N', 1 },
	{ 19200, 8, 'E', 1 }, { 19200, 8, 'N', 1 }, { 9600, 8, 'E', 1 },
	{ 38400, 8, 'N', 1 }, { 115200, 8, 'N', 1 }, { 4800, 8, 'N', 1 },
	{ 2400, 8, 'N', 1 } };

static bool
speed_ask(struct probe *p, enum err *e)
{
	const struct cfg_bus *line = plant_line(p->gw->plant, p->bus);
	struct drv_ask q = { .kind = DRV_ASK_MODBUS,
		.unit = p->address,
		.function = MB_READ_HOLDING,
		.count = 1,
		.timeout_ms = TRY_MS,
		.behind = true };

	while (line && p->i < sizeof(usual) / sizeof(usual[0]) &&
	    serial_mode_equal(&usual[p->i], &line->serial))
		p->i++;
	if (!line || p->i >= sizeof(usual) / sizeof(usual[0]))
		return false;
	q.serial = usual[p->i];
	*e = ask_bus(p->gw, p->bus, &q, probe_answered, p);
	return true;
}

static void
speed_answered(struct probe *p, const struct drv_answer *a)
{
	char mode[CMD_SERIAL];

	if (a->result == OK || a->result == ERR_REFUSED) {
		cmd_serial_text(&usual[p->i], mode);
		p->hint = mem_printf("it answers at %s: set that on the device "
				     "to what the line has, or serial = %s in "
				     "[bus %s]",
		    mode, mode, p->bus);
		p->i = sizeof(usual) / sizeof(usual[0]);
		return;
	}
	p->i++;
}

const struct probe_plan probe_by_speed = { speed_ask, speed_answered };

const struct serial_mode *
probe_speed(const struct probe *p)
{
	if (p->plan != &probe_by_speed ||
	    p->i >= sizeof(usual) / sizeof(usual[0]))
		return NULL;
	return &usual[p->i];
}

/* A template: each of its fields. */

static bool
fields_ask(struct probe *p, enum err *e)
{
	const struct field *f;

	if (p->i == p->tmpl->n_fields ||
	    (probe_is_silent(p) && p->silent >= SILENT_MAX))
		return false;
	f = &p->tmpl->fields[p->order[p->i]];
	*e = ask_regs(p, f->table, f->addr, plan_regs(f));
	return true;
}

/* Static text: a->why ends with its event, and readings stay. */
static const char *
why_not(const struct drv_answer *a)
{
	if (a->result == ERR_TIMEOUT)
		return "the device does not answer";
	if (a->result == ERR_REFUSED)
		return drv_refusal(a->exception);
	return "the device's answer is garbled";
}

static void
fields_answered(struct probe *p, const struct drv_answer *a)
{
	size_t i = p->order[p->i++];
	const struct decode_job job = { p->tmpl, &i, 1, p->tmpl->fields[i].addr,
		a->value };

	note(p, a);
	if (a->result != OK || a->n < plan_regs(&p->tmpl->fields[i])) {
		decode_bad(&p->field[i], QUALITY_ERROR, why_not(a));
		return;
	}
	decode_scales(&job, p->sf);
	decode_field(&job, p->sf, 0, &p->field[i]);
	if (p->field[i].quality == QUALITY_OK)
		p->field_utc[i] = clock_utc(p->gw->clock);
}

const struct probe_plan probe_by_fields = { fields_ask, fields_answered };

/* A text template: its one request. */

static bool
text_ask(struct probe *p, enum err *e)
{
	struct drv_ask q = { .kind = DRV_ASK_TEXT };

	if (p->i++)
		return false;
	q.n_text = guess_text_request(p->tmpl, p->address, q.text);
	q.timeout_ms = p->tmpl->frame.timeout_ms;
	*e = ask_bus(p->gw, p->bus, &q, probe_answered, p);
	return true;
}

static void
text_answered(struct probe *p, const struct drv_answer *a)
{
	struct reading *out = mem_array(p->tmpl->n_fields, sizeof(*out));
	struct buf msg = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		buf_putc(&msg, (char)a->value[i]);
	if (a->result == OK &&
	    guess_text_read(p->tmpl, p->address, msg.len ? msg.data : "",
		msg.len, out, &n) != OK)
		p->garbled++;
	else
		note(p, a);
	for (size_t i = 0; i < p->tmpl->n_fields; i++)
		decode_bad(&p->field[i], QUALITY_MISSING,
		    a->result == OK ? "it is not in the device's message"
				    : why_not(a));
	for (size_t i = 0; i < n; i++) {
		p->field[out[i].field] = out[i];
		if (out[i].quality == QUALITY_OK)
			p->field_utc[out[i].field] = clock_utc(p->gw->clock);
	}
	buf_fini(&msg);
	free(out);
}

const struct probe_plan probe_by_text = { text_ask, text_answered };

/* One place: as much as a device gives there. */

static bool
where_ask(struct probe *p, enum err *e)
{
	const struct field *f = &p->tmpl->fields[0];

	if (p->count == 0)
		return false;
	*e = ask_regs(p, f->table, f->addr, p->count);
	return true;
}

/* The bits of a register are what the line says, and no whole number. */
static void
show_place(struct probe *p, const struct field *f, const struct range *r)
{
	bool whole = f->bit_hi < f->bit_lo;
	const char *type = strchr(p->line, ' ') + 1;

	if (p->typed && whole && interpret_type(r, type, p->readings))
		return;
	if (p->typed || !whole)
		interpret_as(f, p->line, r->value, p->readings);
	if (!p->typed)
		interpret(r, p->readings);
}

static void
where_answered(struct probe *p, const struct drv_answer *a)
{
	const struct field *f = &p->tmpl->fields[0];
	const struct range r = { f->table, f->addr, a->value, a->n };
	uint16_t need = plan_regs(f);

	if (a->result == ERR_REFUSED && p->count > need) {
		p->count = p->count / 2 > need ? p->count / 2 : need;
		p->exception = a->exception;
		return;
	}
	note(p, a);
	p->count = 0;
	if (a->result != OK || a->n < need)
		return;
	p->exception = 0;
	show_place(p, f, &r);
}

const struct probe_plan probe_by_where = { where_ask, where_answered };

/* Neither: the beginning of each table, after the inquiry. */

static const enum modbus_table tables[] = { MB_HOLDING, MB_INPUT, MB_COIL,
	MB_DISCRETE };

static bool
tables_ask(struct probe *p, enum err *e)
{
	if (p->i == sizeof(tables) / sizeof(tables[0]) ||
	    p->found.presence != INQUIRY_ANSWERS)
		return false;
	*e = ask_regs(p, tables[p->i], 0, p->count);
	return true;
}

static void
tables_answered(struct probe *p, const struct drv_answer *a)
{
	enum modbus_table t = tables[p->i];

	note(p, a);
	if (a->result == ERR_REFUSED && p->count > 1) {
		p->count = 1;
		return;
	}
	for (size_t i = 0; a->result == OK && i < a->n; i++) {
		bool bit = t == MB_COIL || t == MB_DISCRETE;
		char value[16], *line;

		snprintf(
		    value, sizeof(value), bit ? "%d" : "%u", (int)a->value[i]);
		line = mem_printf("value = %s:%zu %s", interpret_table(t), i,
		    bit ? "bool" : "u16");
		json_array_append_new(p->readings,
		    json_pack("{s:s, s:n, s:s, s:s}", "type",
			bit ? "bool" : "u16", "order", "value", value, "line",
			line));
		free(line);
	}
	p->count = PROBE_RANGE;
	p->i++;
}

const struct probe_plan probe_by_tables = { tables_ask, tables_answered };
