/* Latitudes and longitudes as receivers write them. */
#ifndef DRIVERS_POSITION_H
#define DRIVERS_POSITION_H

#include "config/template.h"
#include "drivers/span.h"

/* position_read turns ddmm.mmmm (a longitude: dddmm.mmmm) and its hemisphere,
 * N S E or W, to degrees with dec decimals, rounded once, half away from zero;
 * north and east are above zero.  dec < 0: as many as tell two values apart.
 * Errors: NULL, or what is wrong, in static text.  Thread: any.
 * Spec: NMEA 0183, latitude and longitude fields. */
const char *position_read(enum text_form form, struct span value,
    struct span hemisphere, int dec, struct num *out);

#endif
