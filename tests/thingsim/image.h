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

struct cell {
	uint8_t table; /* enum modbus_table */
	uint16_t addr;
	uint16_t value; /* a register, or 0 and 1 of a coil */
};

/* Only what the template names: cells in order of table and address. */
struct image {
	struct cell *cells;
	size_t n;
};

enum { IMAGE_TEXT = 260 };

void image_init(struct image *img, const struct tmpl *t);
void image_fini(struct image *img);

/* image_cell returns the cell, or NULL when the device has none there. */
struct cell *image_cell(const struct image *img, int table, unsigned addr);

/* image_spans tells whether addr lies between the first and the last cell of
 * the table. */
bool image_spans(const struct image *img, int table, unsigned addr);

/* image_store writes text as the field's raw value: a decimal, on or off, a
 * word of its enum, "nan" (no value), or text for str.
 * Errors: ERR_PROTO not such a value, ERR_RANGE does not fit. */
enum err image_store(
    struct image *img, const struct field *f, const char *text) MUST_USE;

/* image_text reads the field back as text. */
void image_text(
    const struct image *img, const struct field *f, char out[IMAGE_TEXT]);

#endif
