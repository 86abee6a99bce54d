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
	{ 3, 0, 0, NOT_THERE, "the device refuses this register or value" },
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

const char *
drv_refusal(uint8_t code)
{
	return look_up(code)->why;
}

/* One block, once. */
static enum err
ask(struct drv_bus *b, struct unit *u, const struct plan_block *block,
    int64_t timeout_ms, struct mb_answer *out)
{
	struct line *l = bus_line(b);
	struct mb_request rq = { .unit = (uint8_t)u->address,
		.function = pdu_reads(block->table),
		.addr = block->addr,
		.count = block->count,
		.timeout_ms = timeout_ms };
	int64_t start = line_now_us();
	enum err e;

	l->gap_ms = u->t->frame_gap_ms;
	e = l->ops->ask(l, &rq, out);
	if (e == OK)
		plan_measured(&u->cost, block->table, block->count,
		    line_now_us() - start);
	return bus_tried(b, u, e, start, timeout_ms);
}

/* No values, for a reason.  answered: the device itself said so. */
static void
report_bad(struct drv_bus *b, struct task *k, const struct plan_block *block,
    enum quality q, const char *why, bool answered)
{
	struct drv_event *ev = bus_batch(b, k->unit, block->n);

	for (size_t i = 0; i < block->n; i++)
		bus_add_bad(ev, k->plan.fields[block->first + i], q, why);
	bus_send(b, k->unit, ev, answered);
}

void
modbus_unanswered(struct drv_bus *b, struct task *k, size_t i)
{
	report_bad(b, k, &k->plan.blocks[i], QUALITY_ERROR,
	    k->unit->why ? k->unit->why : "the device does not answer", false);
}

/* Values whose scale factor is still to come wait for it. */
static bool
is_unscaled(const struct unit *u, size_t field)
{
	const struct field *f = &u->t->fields[field];

	return f->sf && u->sf[f->sf_field] == SF_UNKNOWN &&
	    unit_awaits(u, (size_t)f->sf_field);
}

/* Whether the value of a field cannot be used yet, but soon. */
static bool
must_wait(const struct unit *u, size_t field)
{
	return is_unscaled(u, field) ||
	    (!u->proven && field != (size_t)u->proof &&
		unit_awaits(u, (size_t)u->proof));
}

/* Another device than that of the template may answer at an address, and what
 * its registers mean is not known. */
static void
prove(struct unit *u, struct reading *r)
{
	if (r->field == u->proof)
		u->proven = r->quality == QUALITY_OK;
	else if (!u->proven && r->quality == QUALITY_OK)
		decode_bad(r, QUALITY_ERROR,
		    "the device has not shown to be its template's");
}

static void
report(struct drv_bus *b, struct task *k, const struct plan_block *block,
    const struct mb_answer *a)
{
	struct unit *u = k->unit;
	struct drv_event *ev = bus_batch(b, u, block->n);
	struct decode_job job = { .t = u->t,
		.fields = &k->plan.fields[block->first],
		.n = block->n,
		.addr = block->addr,
		.regs = a->value };

	decode_scales(&job, u->sf);
	for (size_t i = 0; i < block->n; i++) {
		struct reading r;

		if (must_wait(u, job.fields[i])) {
			k->waits = true;
			continue;
		}
		decode_field(&job, u->sf, i, &r);
		prove(u, &r);
		unit_truth(u, ev->mono_ms, &r);
		bus_add(ev, &r);
	}
	bus_send(b, u, ev, true);
}

/* The device refused the block's registers: smaller blocks in its place, or
 * its only field has none. */
static enum verdict
not_there(struct drv_bus *b, struct task *k, size_t i, const char *why)
{
	struct unit *u = k->unit;
	struct plan_block *block = &k->plan.blocks[i];
	bool optional;

	if (plan_split(u->t, &k->plan, i, u->cut)) {
		bus_learned(b, u);
		return AGAIN;
	}
	if (plan_heal(u->t, &k->plan, i, u->cut)) {
		bus_learned(b, u);
		k->replan = true;
	}
	optional = u->t->fields[k->plan.fields[block->first]].optional;
	block->not_before = bus_now(b) + RETEST_MS;
	report_bad(
	    b, k, block, optional ? QUALITY_MISSING : QUALITY_ERROR, why, true);
	return ANSWERED;
}

/* The device, or the gateway before it, said what is wrong. */
static enum verdict
told(struct drv_bus *b, struct task *k, size_t i, const struct exception *x)
{
	struct plan_block *block = &k->plan.blocks[i];

	switch (x->meaning) {
	case FAULT:
	case NO_UNIT:
		k->unit->why = x->why;
		report_bad(
		    b, k, block, QUALITY_ERROR, x->why, x->meaning == FAULT);
		return x->meaning == FAULT ? FAULTY : ABSENT;
	case NOT_THERE:
		bus_alive(b, k->unit);
		return not_there(b, k, i, x->why);
	case UNSUPPORTED:
		block->not_before = bus_now(b) + RETEST_MS;
		break;
	case BUSY:
	case OTHER:
		break;
	}
	bus_alive(b, k->unit);
	report_bad(b, k, block, QUALITY_ERROR, x->why, x->meaning != BUSY);
	return ANSWERED;
}

static enum verdict
refused(struct drv_bus *b, struct task *k, size_t i, uint8_t code)
{
	const struct exception *x = look_up(code);
	struct unit *u = k->unit;

	tally_exception(&u->tally, code);
	if (x->meaning != BUSY && x->meaning != NO_UNIT)
		bus_exception(b, u, code, x->why);
	if (k->tries < x->retries) {
		k->tries++;
		u->tally.c.retries++;
		if (x->meaning == BUSY)
			bus_alive(b, u);
		if (x->wait_ms)
			k->sched.due = bus_now(b) + x->wait_ms;
		return LATER;
	}
	return told(b, k, i, x);
}

/* A living unit is asked again, as often as its template says; a block that
 * stays silent while its unit answers others is left alone for a while, so that
 * it does not eat their time. */
static enum verdict
silent(struct drv_bus *b, struct task *k, size_t i, enum err e)
{
	struct plan_block *block = &k->plan.blocks[i];
	struct unit *u = k->unit;

	/* A connection that was made anew is no fault of the unit's. */
	if (k->tries < (e == ERR_BUSY                           ? 1
			       : u->health.state == UNIT_ONLINE ? u->t->retries
								: 0)) {
		k->tries++;
		u->tally.c.retries++;
		return LATER;
	}
	u->why = e == ERR_PROTO ? "the device's answer is garbled"
				: "the device does not answer";
	if (++block->fails >= SILENT_MAX && k->answers > 0)
		block->not_before = bus_now(b) + SILENT_MS;
	modbus_unanswered(b, k, i);
	return SILENT;
}

enum verdict
modbus_block(struct drv_bus *b, struct task *k, size_t i, int64_t timeout_ms)
{
	struct plan_block *block = &k->plan.blocks[i];
	struct mb_answer a;
	enum err e = ask(b, k->unit, block, timeout_ms, &a);

	if (e == ERR_IO || (e != OK && bus_stopping(b)))
		return LOST;
	if (e == ERR_REFUSED)
		return refused(b, k, i, a.exception);
	if (e != OK)
		return silent(b, k, i, e);
	block->fails = 0;
	bus_alive(b, k->unit);
	report(b, k, block, &a);
	return ANSWERED;
}
