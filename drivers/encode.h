/* Values to registers, for controls: the inverse of decode.  Pure.  What cannot
 * be written exactly is refused, with the reason. */
#ifndef DRIVERS_ENCODE_H
#define DRIVERS_ENCODE_H

#include "config/template.h"
#include "drivers/reading.h"

enum { ENCODE_REGS = 64 };

struct encoded {
	size_t n; /* registers; 1 coil */
	uint16_t value[ENCODE_REGS];
	uint16_t mask; /* the bits of value[0] that are meant: 0xffff, or fewer
			  of a bit field and of half a register */
};

/* encode_parse reads what a person wrote: a number, one of the control's words,
 * a text, or of a bool on, off, true, false, yes, no, 1, 0.
 * Errors: ERR_RANGE, with a sentence in why.  Thread: any. */
enum err encode_parse(const struct control *c, const char *text,
    struct value *out, struct errbuf *why) MUST_USE;

/* encode_value checks v against the control's range, step and words, and makes
 * the registers; sf is its scale factor, 0 when it has none.
 * Errors: ERR_RANGE: the template forbids it, or the device cannot hold it
 * exactly; why says which: "above the maximum of 60".  Thread: any. */
enum err encode_value(const struct control *c, const struct value *v, int sf,
    struct encoded *out, struct errbuf *why) MUST_USE;

/* encode_merge is what to write where old stands, when some of the bits are
 * meant. */
uint16_t encode_merge(const struct encoded *e, uint16_t old);

/* encode_same tells whether what was read back is what was written.
 * Shape: e->n registers.  Thread: any. */
bool encode_same(const struct encoded *e, const uint16_t *regs);

#endif
