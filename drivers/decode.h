/* Registers and numbers to readings: pure functions. */
#ifndef DRIVERS_DECODE_H
#define DRIVERS_DECODE_H

#include "config/template.h"
#include "drivers/reading.h"

/* What is known of a scale factor (SunSpec sunssf): a power of ten from
 * -SF_MAX to SF_MAX, or one of these. */
enum {
	SF_MAX = 10,
	SF_NONE = 125,    /* the device says that there is none */
	SF_UNKNOWN = 126, /* not read yet */
	SF_UNUSED = 127,  /* the field is no scale factor */
};

/* decode_sf_init says of each field whether it is a scale factor of others:
 * SF_UNKNOWN, or SF_UNUSED.  Shape: t->n_fields entries.  Thread: any. */
void decode_sf_init(const struct tmpl *t, int8_t *sf);

/* The fields of one answer, of which regs[0] is the register addr (of coils and
 * discretes each is 0 or 1): decode_scales takes the scale factors among them
 * to sf, where they hold for those that come later; then decode_field reads
 * fields[i], out->field included.
 * Shape: sf as of decode_sf_init.  Thread: any. */
struct decode_job {
	const struct tmpl *t;
	const size_t *fields; /* indices in the template */
	size_t n;
	uint16_t addr;
	const uint16_t *regs;
};
void decode_scales(const struct decode_job *job, int8_t *sf);
void decode_field(const struct decode_job *job, const int8_t *sf, size_t i,
    struct reading *out);

/* decode_regs reads the value of f from its registers, of which regs[0] is the
 * one at f->addr.  sf is its scale factor, 0 when it has none.  It fills out's
 * quality, value and why, not its field.
 * Shape: plan_regs(f) registers.  Thread: any. */
void decode_regs(
    const struct field *f, const uint16_t *regs, int sf, struct reading *out);

/* decode_num turns a number as the device sent it to a reading: words, scale
 * (and sf), offset, decimals, limits.  Thread: any. */
void decode_num(
    const struct field *f, struct num v, int sf, struct reading *out);

/* decode_text keeps a device's text, cut and made safe; an empty one is
 * MISSING.  Thread: any. */
void decode_text(const char *s, size_t len, struct reading *out);

/* decode_bad makes out a reading without value; decode_impossible one that a
 * device of the template would not have sent.  why is static text. */
void decode_bad(struct reading *out, enum quality q, const char *why);
void decode_impossible(struct reading *out, const char *why);

#endif
