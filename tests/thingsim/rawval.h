/* One value as a device keeps it: text to raw number to registers, and back. */
#ifndef THINGSIM_RAWVAL_H
#define THINGSIM_RAWVAL_H

#include "common/err.h"
#include "config/template.h"

#include <stddef.h>
#include <stdint.h>

/* rawval_regs is how many registers a type takes; 1 for REG_STR. */
unsigned rawval_regs(enum reg_type type);

/* rawval_parse makes the raw value: scale and offset taken back, words looked
 * up, two's complement, IEEE 754 or BCD, as wide as the type or bit field.
 * Errors: ERR_PROTO not a value, ERR_RANGE does not fit the type. */
enum err rawval_parse(
    const struct field *f, const char *text, uint64_t *raw) MUST_USE;

/* rawval_text is the other way. */
void rawval_text(const struct field *f, uint64_t raw, char *out, size_t size);

/* rawval_put and rawval_get move it into and out of registers, in the field's
 * byte order; bits that the field does not own stay. */
void rawval_put(const struct field *f, uint64_t raw, uint16_t *regs);
uint64_t rawval_get(const struct field *f, const uint16_t *regs);

#endif
