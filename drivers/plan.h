/* Which requests read the fields of a template.  A hole between two fields is
 * read along when that takes less of the line's time than one request more; a
 * request that a device refuses falls apart into smaller ones, and what was
 * learnt so is kept as cuts.  Pure. */
#ifndef DRIVERS_PLAN_H
#define DRIVERS_PLAN_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the line's time costs, in microseconds.  A request for n registers
 * takes request_us + device_us + n * register_us; 16 bits count as one
 * register. */
struct plan_cost {
	int64_t request_us;  /* 13 characters, the silences and the pauses */
	int64_t device_us;   /* the device and what is between: a guess, then as
				measured */
	int64_t register_us; /* two characters */
};

struct plan_block {
	enum modbus_table table;
	uint16_t addr, count; /* registers, or bits of coils and discretes */
	size_t first, n;      /* its fields, in plan.fields */
	bool split;           /* made by plan_split */
	bool absent;          /* its single field was refused: plan_heal */
	unsigned fails;       /* timeouts in a row while the unit answered */
	int64_t not_before;   /* refused or silent: not asked until then */
};

/* Zero-initialised is empty. */
struct plan {
	size_t *fields; /* indices in the template, in order of address; those
			   that stand alone (solo) last */
	size_t n_fields;
	struct plan_block *blocks;
	size_t n_blocks;
};

/* plan_cost_of is the cost on a line, as long as nothing was measured: with its
 * own serial mode or, when it has none, 9600 8N1.  gap_ms is the unit's own
 * silence between frames, 0: the line's.  Thread: any.
 * Spec: Modbus over serial line 1.02, 2.5.1.1: 3.5 characters of 11 bits, and
 * 1.75 ms above 19200 baud. */
struct plan_cost plan_cost_of(const struct cfg_bus *line, int64_t gap_ms);

/* plan_us is what a request for count registers (or bits) takes, and plan_bytes
 * how many bytes go to and fro.  Thread: any. */
int64_t plan_us(
    const struct plan_cost *c, enum modbus_table table, uint16_t count);
unsigned plan_bytes(
    enum cfg_bus_type type, enum modbus_table table, uint16_t count);

/* plan_measured corrects c->device_us by a request that was answered within
 * took_us, the silence before it included.  Thread: any. */
void plan_measured(struct plan_cost *c, enum modbus_table table, uint16_t count,
    int64_t took_us);

/* plan_is_stale tells whether another plan than the one built at the cost
 * planned would be worth while at the cost now: the hole worth reading has
 * become half as long or twice as long.  Thread: any. */
bool plan_is_stale(
    const struct plan_cost *planned, const struct plan_cost *now);

/* plan_build plans the fields of t whose interval is interval_ms (see
 * tmpl_poll_ms; 0: those read once) at the least cost.
 *
 * Shape:   cut has t->n_fields entries: a request must end before this field;
 *          NULL: none.
 * Owns:    end *out with plan_fini.
 * Thread:  any. */
void plan_build(const struct tmpl *t, int64_t interval_ms, int64_t override_ms,
    const struct plan_cost *cost, const bool *cut, struct plan *out);
void plan_fini(struct plan *p);

/* plan_split replaces block i, which the device refused with exception 2 or 3,
 * by two in its place: parted at its largest hole, or else where fields that
 * are optional begin or end, or else in the middle; and notes it in cut.
 * False: it has a single field, which the device does not have.
 * Shape: cut as of plan_build, not NULL.  Thread: any. */
bool plan_split(const struct tmpl *t, struct plan *p, size_t i, bool *cut);

/* plan_heal is for a block whose single field was refused: it notes that, and
 * takes back the cuts that plan_split made on the way to find it, where
 * registers touch.  True when there were any: the plan is then to be built anew
 * between two cycles, and asks less often.  Thread: any. */
bool plan_heal(const struct tmpl *t, struct plan *p, size_t i, bool *cut);

/* plan_regs is the number of registers (or bits) that a field takes. */
uint16_t plan_regs(const struct field *f);

#endif
