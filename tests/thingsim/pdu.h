/* A Modbus server: one request PDU to one answer PDU. */
#ifndef THINGSIM_PDU_H
#define THINGSIM_PDU_H

#include "tests/thingsim/plant.h"

enum { PDU_MAX = 253 };

/* pdu_serve reads or writes the unit's image and appends the answer, which is
 * an exception when the request is not one a device would obey.  len > 0.
 * Spec: MODBUS Application Protocol V1.1b3, 6. */
void pdu_serve(
    struct unit *u, const uint8_t *req, size_t len, struct buf *answer);

#endif
