/* How far off each printer is: offset and scale by the printer's name, in
 * ~/.config/thingbridge/printers.ini. */
#ifndef LABELS_PRINTER_H
#define LABELS_PRINTER_H

#include "labels/stock.h"

struct aim {
	struct pair offset; /* mm, right and down */
	struct pair scale;  /* percent */
	bool has_offset, has_scale;
};

/* aim_offset and aim_scale read "X,Y" within what a printer may be off. */
bool aim_offset(const char *s, struct aim *out) MUST_USE;
bool aim_scale(const char *s, struct aim *out) MUST_USE;

/* printer_name tells whether a printer may be called so: letters, digits, '-',
 * '_' and '.', up to 40. */
bool printer_name(const char *name);

/* printer_aim fills in what *aim does not have from the printer's section, and
 * writes down there what it has.
 * Errors: ERR_IO; ERR_CONFIG the file is wrong; eb says what. */
enum err printer_aim(
    const char *name, struct aim *aim, struct errbuf *eb) MUST_USE;

#endif
