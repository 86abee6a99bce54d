#include "field_rig.h"

#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char rig_bus_name[] = "test", rig_once[] = "once";
static char name_unit[] = "unit", class_normal[] = "normal", empty[] = "";
static char names[N_FIELDS][24];

void
device_init(struct device *d, size_t n, unsigned stride, int64_t timeout_ms)
{
	memset(d, 0, sizeof(*d));
	for (size_t i = 0; i < n; i++) {
		struct field *f = &d->fields[i];

		if (!names[i][0]) /* another's bus may be reading it */
			snprintf(names[i], sizeof(names[i]), "f%zu", i);
		f->name = names[i];
		f->unit = empty;
		f->label = names[i];
		f->poll = class_normal;
		f->table = MB_INPUT;
		f->type = REG_U16;
		f->addr = (uint16_t)(i * stride);
		f->bit_lo = 1;
		f->scale = (struct num){ 1, 0 };
		f->sf_field = -1;
	}
	d->polls[0] = (struct poll_class){ class_normal, 50 };
	d->polls[1] = (struct poll_class){ rig_once, 0 };
	d->t.id = class_normal;
	d->t.text = empty;
	d->t.kind = TMPL_MODBUS;
	d->t.polls = d->polls;
	d->t.n_polls = 2;
	d->t.fields = d->fields;
	d->t.n_fields = n;
	d->t.controls = d->controls;
	d->t.timeout_ms = timeout_ms;
	d->t.max_gap = 1;
}

void
rig_start(struct rig *r, int type, struct slave *slave, size_t n_units)
{
	r->slave = slave;
	r->cfg.name = rig_bus_name;
	r->cfg.type = type;
	*(type == BUS_MODBUS_TCP ? &r->cfg.host : &r->cfg.port) =
	    mem_strdup(slave_path(slave));
	r->cfg.serial = (struct serial_mode){ 115200, 8, 'N', 1 };
	r->n_units = n_units;
	for (size_t i = 0; i < n_units; i++)
		r->units[i] = (struct drv_unit){ .handle = (uint32_t)i,
			.name = name_unit,
			.address = (int)i + 1,
			.tmpl = &r->dev.t };
	r->box = mailbox_new(r->room ? r->room : BOX, NULL, NULL);
	r->bus =
	    drv_bus_start(&r->cfg, r->units, n_units, r->box, &clock_system);
}

static void
take_reading(
    struct rig *r, const struct drv_event *ev, const struct drv_reading *in)
{
	struct heard *h = &r->heard[ev->unit];
	const struct field *f = &r->dev.fields[in->field];
	uint8_t unit = (uint8_t)r->units[ev->unit].address;

	h->quality[in->field] = (enum quality)in->quality;
	if (in->quality != QUALITY_OK) {
		h->bad++;
		return;
	}
	if (r->cfg.type != BUS_SERIAL && !r->any_value &&
	    in->value.mant != slave_value(unit, f->addr))
		h->wrong++;
	h->value[in->field] = in->value.mant;
	h->dec[in->field] = in->value.dec;
	h->good++;
	h->by_field[in->field]++;
}

static void
take_readings(struct rig *r, const struct drv_event *ev)
{
	struct heard *h = &r->heard[ev->unit];
	unsigned good = h->good;

	h->counters = ev->counters;
	for (size_t i = 0; i < ev->n; i++)
		take_reading(r, ev, &ev->r[i]);
	if (h->good == good)
		return;
	if (h->last && ev->mono_ms - h->last > h->gap_max)
		h->gap_max = ev->mono_ms - h->last;
	h->last = ev->mono_ms;
}

static void
take_unit(struct heard *h, const struct drv_event *ev)
{
	h->offline += ev->state == UNIT_OFFLINE;
	h->online += ev->state == UNIT_ONLINE;
	h->suspect += ev->state == UNIT_SUSPECT;
	if (ev->state == UNIT_ONLINE)
		h->online_at = ev->mono_ms;
	h->counters = ev->counters;
	snprintf(h->text, sizeof(h->text), "%s", ev->text);
}

static void
take_learned(struct heard *h, const struct drv_event *ev)
{
	h->learnings++;
	h->n_learned = ev->n;
	for (size_t i = 0; i < ev->n; i++)
		h->learned[i] = ev->r[i].field;
}

static void
take_answer(struct rig *r, const struct drv_event *ev)
{
	struct heard_answer *a = &r->answers[r->n_answers % ANSWERS_MAX];
	const struct drv_answer *in = ev->answer;

	memset(a, 0, sizeof(*a));
	a->token = in->token;
	a->result = in->result;
	a->exception = in->exception;
	a->took_us = in->took_us;
	a->at_ms = ev->mono_ms;
	a->n = in->n;
	for (size_t i = 0; i < in->n && i < VALUES; i++)
		a->value[i] = in->value[i];
	snprintf(a->why, sizeof(a->why), "%s", in->why ? in->why : "");
	a->has_reading = ev->n > 0;
	if (ev->n)
		drv_event_reading(ev, 0, &a->reading);
	r->n_answers++;
}

static void
take_event(struct rig *r, const struct drv_event *ev)
{
	struct heard *h = &r->heard[ev->unit];

	switch (ev->kind) {
	case DRV_READINGS:
		take_readings(r, ev);
		break;
	case DRV_UNIT:
		take_unit(h, ev);
		break;
	case DRV_LINE_UP:
		r->up++;
		break;
	case DRV_LINE_DOWN:
		r->down++;
		snprintf(r->text, sizeof(r->text), "%s", ev->text);
		break;
	case DRV_ONCE_DONE:
		h->once++;
		break;
	case DRV_LEARNED:
		take_learned(h, ev);
		break;
	case DRV_ANSWER:
		take_answer(r, ev);
		break;
	case DRV_TRACE:
		snprintf(r->trace[r->n_trace++ % ANSWERS_MAX],
		    sizeof(r->trace[0]), "%s", ev->text);
		break;
	}
}

void
listen_until(struct rig *r, int64_t ms, const size_t *count, size_t n)
{
	int64_t end = clock_mono(&clock_system) + ms, left;

	while ((left = end - clock_mono(&clock_system)) > 0) {
		struct drv_event *ev;

		if (count && *count >= n)
			return;
		ev = mailbox_wait(r->box, left);
		if (ev)
			take_event(r, ev);
		drv_event_free(ev);
	}
}

void
listen_for(struct rig *r, int64_t ms)
{
	listen_until(r, ms, NULL, 0);
}

void
listen_up(struct rig *r)
{
	struct drv_stats st = { 0 };

	for (int i = 0; i < 1000 && !st.up; i++) {
		listen_for(r, 5);
		drv_bus_stats(r->bus, &st);
	}
}

void
rig_stop(struct rig *r)
{
	drv_bus_stop(r->bus);
	mailbox_free(r->box, drv_event_free);
	slave_stop(r->slave);
	free(r->cfg.host);
	free(r->cfg.port);
}

void
answers_all(struct ask *a, void *arg)
{
	(void)a;
	(void)arg;
}
