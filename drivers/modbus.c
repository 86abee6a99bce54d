/* Modbus units: one block of registers at a time, and what its device's answer
 * means for it. */
#include "drivers/unit.h"

#include <stdlib.h>
#include <string.h>

enum {
	RETEST_MS = 60 * 60 * 1000, /* of what a device refused */
	SILENT_MS = 5 * 60 * 1000,  /* of a block that is never answered */
	SILENT_MAX = 3,
};

/* What an exception means. */
enum meaning {
	UNSUPPORTED, /* the device does not know the function */
	NOT_THERE,   /* at least one of the registers does not exist */
	FAULT,       /* the device is not well */
	BUSY,        /* later */
	NO_UNIT,     /* a gateway: nobody there */
	OTHER,
};

struct exception {
	uint8_t code;
	uint8_t retries;
	uint16_t wait_ms;
	enum meaning meaning;
	const char *why;
};

/* Spec: Modbus application protocol 1.1b3, 7. */
static const struct exception exceptions[] = {
	{ 1, 0, 0, UNSUPPORTED, "the device does not know the function" },
	{ 2, 0, 0, NOT_THERE, "the device does not have this register" },
	{ 3, 0, 0, NOT_THERE, "the device refuses to read this register" },
	{ 4, 1, 0, FAULT, "the device reports a failure (exception 4)" },
	{ 5, 3, 500, BUSY, "the device needs more time (exception 5)" },
	{ 6, 3, 100, BUSY, "the device is busy (exception 6)" },
	{ 8, 1, 0, FAULT, "the device reports a memory fault (exception 8)" },
	{ 10, 0, 0, NO_UNIT, "the gateway has no path (exception 10)" },
	{ 11, 0, 0, NO_UNIT, "behind the gateway it is silent (exception 11)" },
};

static const struct exception exception_other = { 0, 0, 0, OTHER,
	"the device answered with an unknown exception" };

static const struct exception *
look_up(uint8_t code)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]);
	     i++) {
		if (exceptions[i].code == code)
			return &exceptions[i];
	}
	return &exception_other;
}

/* One block, tried as often as its unit and the exception allow. */
static enum err
ask(struct drv_bus *b, struct unit *u, const struct plan_block *block,
    struct mb_answer *out)
{
	struct line *l = bus_line(b);
	int64_t tries = 1, refused = 0;
	bool renewed = false;

	if (u->health.state == UNIT_ONLINE && u->t->retries > 0)
		tries += u->t->retries;
	for (;;) {
		struct mb_request rq = { (uint8_t)u->address, block->table,
			block->addr, block->count, u->timeout_ms };
		int64_t start = line_now_us();
		enum err e;

		l->gap_ms = u->t->frame_gap_ms;
		e = bus_tried(b, u, l->ops->read(l, &rq, out), start);
		if (e == OK || e == ERR_IO || bus_stopping(b))
			return e;
		if (e == ERR_BUSY && !renewed) {
			renewed = true;
			continue;
		}
		if (e == ERR_REFUSED) {
			const struct exception *x = look_up(out->exception);

			if (refused++ >= x->retries)
				return e;
			bus_pause(b, x->wait_ms);
		} else if (--tries <= 0) {
			return e;
		}
	}
}

/* No values, for a reason.  answered: the device itself said so. */
static void
report_bad(struct drv_bus *b, struct task *k, const struct plan_block *block,
    enum quality q, const char *why, bool answered)
{
	struct drv_event *ev = bus_batch(b, k->unit, block->n);

	for (; ev->n < block->n; ev->n++) {
		size_t field = k->plan.fields[block->first + ev->n];

		ev->r[ev->n].field = (uint16_t)field;
		decode_bad(&ev->r[ev->n], q, why);
	}
	bus_send(b, k->unit, ev, answered);
}

void
modbus_unanswered(struct drv_bus *b, struct task *k, size_t i)
{
	report_bad(b, k, &k->plan.blocks[i], QUALITY_ERROR,
	    k->unit->why ? k->unit->why : "the device does not answer", false);
}

static void
report(struct drv_bus *b, struct task *k, const struct plan_block *block,
    const struct mb_answer *a)
{
	const struct tmpl *t = k->unit->t;
	struct drv_event *ev = bus_batch(b, k->unit, block->n);

	for (size_t i = 0; i < block->n; i++) {
		size_t field = k->plan.fields[block->first + i];
		const struct field *f = &t->fields[field];
		struct reading *r = &ev->r[ev->n++];

		r->field = (uint16_t)field;
		decode_regs(f, &a->value[f->addr - block->addr], r);
		if (f->kind == KIND_COUNTER)
			counter_check(&k->unit->counters[field], r);
	}
	bus_send(b, k->unit, ev, true);
}

/* The device refused the block's registers: smaller blocks in its place, or
 * its only field has none. */
static enum verdict
not_there(struct drv_bus *b, struct task *k, size_t i, const char *why)
{
	struct plan_block *block = &k->plan.blocks[i];
	bool optional;

	if (plan_split(k->unit->t, &k->plan, i))
		return AGAIN;
	optional = k->unit->t->fields[k->plan.fields[block->first]].optional;
	if (optional)
		block->not_before = bus_now(b) + RETEST_MS;
	report_bad(
	    b, k, block, optional ? QUALITY_MISSING : QUALITY_ERROR, why, true);
	return ANSWERED;
}

static enum verdict
refused(struct drv_bus *b, struct task *k, size_t i, uint8_t code)
{
	const struct exception *x = look_up(code);
	struct plan_block *block = &k->plan.blocks[i];

	if (x->meaning == NOT_THERE) {
		bus_alive(b, k->unit);
		return not_there(b, k, i, x->why);
	}
	k->unit->why = x->why;
	if (x->meaning == FAULT || x->meaning == NO_UNIT) {
		report_bad(
		    b, k, block, QUALITY_ERROR, x->why, x->meaning == FAULT);
		return x->meaning == FAULT ? SILENT : ABSENT;
	}
	bus_alive(b, k->unit);
	if (x->meaning == UNSUPPORTED)
		block->not_before = bus_now(b) + RETEST_MS;
	report_bad(b, k, block, QUALITY_ERROR, x->why, x->meaning != BUSY);
	return ANSWERED;
}

/* A block that stays silent while its unit answers others is left alone for a
 * while, so that it does not eat their time. */
static enum verdict
silent(struct drv_bus *b, struct task *k, struct plan_block *block, enum err e)
{
	k->unit->why = e == ERR_PROTO ? "the device's answer is garbled"
				      : "the device does not answer";
	if (++block->fails >= SILENT_MAX && k->answers > 0)
		block->not_before = bus_now(b) + SILENT_MS;
	modbus_unanswered(b, k, (size_t)(block - k->plan.blocks));
	return SILENT;
}

enum verdict
modbus_block(struct drv_bus *b, struct task *k, size_t i)
{
	struct plan_block *block = &k->plan.blocks[i];
	struct mb_answer a;
	enum err e = ask(b, k->unit, block, &a);

	if (e == ERR_IO || (e != OK && bus_stopping(b)))
		return LOST;
	if (e == ERR_REFUSED)
		return refused(b, k, i, a.exception);
	if (e != OK)
		return silent(b, k, block, e);
	block->fails = 0;
	bus_alive(b, k->unit);
	report(b, k, block, &a);
	return ANSWERED;
}
