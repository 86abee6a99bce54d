/* Which requests read the fields of a template: neighbouring registers share
 * one, and a request that a device refuses falls apart into smaller ones. */
#ifndef DRIVERS_PLAN_H
#define DRIVERS_PLAN_H

#include "config/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_block {
	enum modbus_table table;
	uint16_t addr, count; /* registers, or bits of coils and discretes */
	size_t first, n;      /* its fields, in plan.fields */
	unsigned fails;       /* timeouts in a row while the unit answered */
	int64_t not_before;   /* refused or silent: not asked until then */
};

/* Zero-initialised is empty. */
struct plan {
	size_t *fields; /* indices in the template, in order of address */
	size_t n_fields;
	struct plan_block *blocks;
	size_t n_blocks;
};

/* plan_build plans the fields of t whose interval is interval_ms (see
 * tmpl_poll_ms; 0: those read once).  Thread: any.  Owns: end with plan_fini.
 */
void plan_build(const struct tmpl *t, int64_t interval_ms, int64_t override_ms,
    struct plan *out);
void plan_fini(struct plan *p);

/* plan_split replaces block i, which the device refused, by smaller ones in its
 * place: by the runs between its holes, or one block a field.  False when it
 * has a single field.  Thread: any. */
bool plan_split(const struct tmpl *t, struct plan *p, size_t i);

/* plan_regs is the number of registers (or bits) that a field takes. */
uint16_t plan_regs(const struct field *f);

#endif
