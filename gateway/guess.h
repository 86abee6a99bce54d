/* Which template fits a device: what the templates say about how to tell, and
 * what a device answered to it.  No I/O but reading the templates.
 * Thread: loop. */
#ifndef GATEWAY_GUESS_H
#define GATEWAY_GUESS_H

#include "config/template.h"
#include "drivers/reading.h"

#include <stdbool.h>

/* All templates that can be named. */
struct guesses {
	struct tmpl **v;
	size_t n;
};
void guesses_load(struct guesses *g, const char *conf);
void guesses_fini(struct guesses *g);

/* guess_field is the n'th field that tells whether a Modbus device is of t:
 * that of its probe line, then identity fields that only some values fit; or
 * NULL. */
const struct field *guess_field(const struct tmpl *t, size_t n);

/* guess_fits decodes its registers: whether they are what t says.  of is as it
 * reads then. */
bool guess_fits(const struct tmpl *t, const struct field *f,
    const uint16_t *regs, struct reading *of);

/* guess_named tells whether the texts in which a device names itself name the
 * model of t; either may be "". */
bool guess_named(const struct tmpl *t, const char *product, const char *maker);

/* guess_text_request is what to send to a text device of t at an address; 0
 * when t is not asked by address, or it is too long.  guess_text_fits tells
 * whether msg is its answer.  Shape: out has DRV_ASK_TEXT_MAX bytes. */
size_t guess_text_request(const struct tmpl *t, int address, uint8_t *out);
bool guess_text_fits(
    const struct tmpl *t, int address, const char *msg, size_t len);

/* guess_text reads msg to the fields of t.  Shape: out has t->n_fields.
 * Errors: ERR_PROTO it is not a whole answer. */
enum err guess_text_read(const struct tmpl *t, int address, const char *msg,
    size_t len, struct reading *out, size_t *n) MUST_USE;

#endif
