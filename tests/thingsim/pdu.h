/* A Modbus server: one request PDU to one answer PDU. */
#ifndef THINGSIM_PDU_H
#define THINGSIM_PDU_H

#include "tests/thingsim/plant.h"

enum { PDU_MAX = 253 };

/* pdu_serve reads or writes the unit's image, as far as the fault u->now lets
 * it, and appends the answer, which is an exception when the request is not
 * one a device would obey.  len > 0.
 * Spec: MODBUS Application Protocol V1.1b3, 6. */
void pdu_serve(
    struct unit *u, const uint8_t *req, size_t len, struct buf *answer);

/* What a request is about; addr and count are 0 where it has none. */
struct pdu_about {
	unsigned function, addr, count;
	bool write;
};
struct pdu_about pdu_about(const uint8_t *req, size_t len);

#endif
