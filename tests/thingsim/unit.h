/* The values of one simulated device. */
#ifndef THINGSIM_UNIT_H
#define THINGSIM_UNIT_H

#include "tests/thingsim/plant.h"

/* unit_init gives every field a first value that its template allows. */
void unit_init(struct unit *u);
void unit_fini(struct unit *u);

/* unit_set gives a field a value and stops its movement; unit_get reads it.
 * Modbus control points have names too, as fields have.
 * Errors: ERR_NOTFOUND no such field, ERR_RANGE, ERR_PROTO. */
enum err unit_set(struct unit *u, const char *field, const char *text,
    struct errbuf *eb) MUST_USE;
enum err unit_get(struct unit *u, const char *field, char out[IMAGE_TEXT],
    struct errbuf *eb) MUST_USE;

/* unit_vary lets a field move within "MIN..MAX", unit_ramp as "FROM STEP
 * [PERIOD]" says. */
enum err unit_vary(struct unit *u, const char *field, const char *range,
    struct errbuf *eb) MUST_USE;
enum err unit_ramp(struct unit *u, const char *field, const char *ramp,
    struct errbuf *eb) MUST_USE;

/* unit_stamp makes stamps of all registers (stamp.h). */
void unit_stamp(struct unit *u);

/* unit_refresh brings what moves to now; request: one has come. */
void unit_refresh(struct unit *u, bool request);

/* unit_keep remembers the values of now as those of the start; unit_restart
 * brings them back.  unit_reset_counters has them begin at 0. */
void unit_keep(struct unit *u);
void unit_restart(struct unit *u);
void unit_reset_counters(struct unit *u);

/* unit_written carries what a master wrote to n cells on to where it is read
 * back, and ends the movement of what it wrote. */
void unit_written(
    struct unit *u, enum modbus_table table, unsigned addr, unsigned n);

#endif
