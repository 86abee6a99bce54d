/* The values of one simulated device. */
#ifndef THINGSIM_UNIT_H
#define THINGSIM_UNIT_H

#include "tests/thingsim/plant.h"

/* unit_set gives a field a value and stops its variation; unit_get reads it.
 * Modbus control points have names too, as fields have.
 * Errors: ERR_NOTFOUND no such field, ERR_RANGE, ERR_PROTO. */
enum err unit_set(struct unit *u, const char *field, const char *text,
    struct errbuf *eb) MUST_USE;
enum err unit_get(struct unit *u, const char *field, char out[IMAGE_TEXT],
    struct errbuf *eb) MUST_USE;

/* unit_vary lets a field move within "MIN..MAX". */
enum err unit_vary(struct unit *u, const char *field, const char *range,
    struct errbuf *eb) MUST_USE;

/* unit_refresh brings the varying fields to now; unit_defaults gives every
 * field a first value that its template allows. */
void unit_refresh(struct unit *u);
void unit_defaults(struct unit *u);

/* unit_written carries what a master wrote to n cells on to the field of the
 * same name as the control point, where the two stand apart. */
void unit_written(struct unit *u, int table, unsigned addr, unsigned n);

#endif
