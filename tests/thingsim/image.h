/* The registers and coils of one simulated device, and how a template's fields
 * stand in them.  Written apart from the product's own decoder, so that a
 * mistake there is not repeated here. */
#ifndef THINGSIM_IMAGE_H
#define THINGSIM_IMAGE_H

#include "common/err.h"
#include "config/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGE_TABLES = 4, IMAGE_TEXT = 260 };

struct image_table;

/* Only what the template names is there. */
struct image {
	const struct tmpl *tmpl;
	struct image_table *tables[IMAGE_TABLES]; /* by enum modbus_table */
};

void image_init(struct image *img, const struct tmpl *t);
void image_fini(struct image *img);
void image_copy(struct image *to, const struct image *from); /* to is empty */

/* image_has tells whether the device has a cell there; image_get is its value,
 * a register or 0 and 1, and 0 where there is none; image_put sets it. */
bool image_has(const struct image *img, enum modbus_table table, unsigned addr);
uint16_t image_get(
    const struct image *img, enum modbus_table table, unsigned addr);
void image_put(
    struct image *img, enum modbus_table table, unsigned addr, uint16_t value);

/* image_each calls fn for each cell. */
void image_each(const struct image *img,
    void (*fn)(void *arg, enum modbus_table table, unsigned addr), void *arg);

/* image_spans tells whether addr lies between the first and the last cell of
 * the table. */
bool image_spans(
    const struct image *img, enum modbus_table table, unsigned addr);

/* image_store writes text as the field's raw value: a decimal, on or off, a
 * word of its enum, "nan" (no value), or text for str.
 * Errors: ERR_PROTO not such a value, ERR_RANGE does not fit. */
enum err image_store(
    struct image *img, const struct field *f, const char *text) MUST_USE;

/* image_text reads the field back as text. */
void image_text(
    const struct image *img, const struct field *f, char out[IMAGE_TEXT]);

#endif
