/* Registers and numbers to readings: pure functions. */
#ifndef DRIVERS_DECODE_H
#define DRIVERS_DECODE_H

#include "config/template.h"
#include "drivers/reading.h"

/* decode_regs reads the value of f from its registers, of which regs[0] is the
 * one at f->addr (of coils and discretes each is 0 or 1).  It fills out's
 * quality, value and why, not its field.
 * Shape: plan_regs(f) registers.  Thread: any. */
void decode_regs(
    const struct field *f, const uint16_t *regs, struct reading *out);

/* decode_num turns a number as the device sent it to a reading: words, scale,
 * offset, decimals, limits.  Thread: any. */
void decode_num(const struct field *f, struct num v, struct reading *out);

/* decode_text keeps a device's text, cut and made safe; an empty one is
 * MISSING.  Thread: any. */
void decode_text(const char *s, size_t len, struct reading *out);

/* decode_bad makes out a reading without value.  why is static text. */
void decode_bad(struct reading *out, enum quality q, const char *why);

/* What is known of a counter, which must not go back.  Zero-initialised:
 * nothing. */
struct counter {
	bool seen, held;
	struct num last, candidate;
};

/* counter_check accepts a reading of a counter, or holds it back
 * (QUALITY_ERROR) when it is lower than the last one, until the next one
 * confirms it: a device that restarts sends a 0 once, a new meter goes on from
 * where it is. Readings without a number pass.  Thread: any. */
void counter_check(struct counter *c, struct reading *r);

#endif
