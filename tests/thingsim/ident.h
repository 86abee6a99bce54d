/* What a Modbus device says about itself: functions 17 and 43/14. */
#ifndef THINGSIM_IDENT_H
#define THINGSIM_IDENT_H

#include "tests/thingsim/exception.h"
#include "tests/thingsim/plant.h"

/* ident_server_id appends the answer to function 17 after its function code:
 * the unit's address as its id, running, and the template's name. */
enum exception ident_server_id(const struct unit *u, struct buf *answer);

/* ident_device_id answers function 43 with the tags MAN, MODEL, V, URL and the
 * template's name.  req[len] is the request after its function code.
 * Spec: MODBUS Application Protocol V1.1b3, 6.21. */
enum exception ident_device_id(
    struct unit *u, const uint8_t *req, size_t len, struct buf *answer);

#endif
