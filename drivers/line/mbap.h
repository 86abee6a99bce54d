/* Modbus TCP frames: a header of transaction id, protocol id 0 and length, then
 * unit and PDU.  Pure.  Spec: Modbus messaging on TCP/IP 1.0b, 3.1.3. */
#ifndef DRIVERS_LINE_MBAP_H
#define DRIVERS_LINE_MBAP_H

#include "drivers/line/pdu.h"

enum { MBAP_HEAD = 6, MBAP_MAX = MBAP_HEAD + PDU_MAX };

/* mbap_request writes a whole frame and returns its length. */
size_t mbap_request(
    uint16_t id, const struct mb_request *rq, uint8_t out[MBAP_MAX]);

/* mbap_span is the length of the frame that data[n] begins with; PDU_MORE when
 * that is too little to tell, PDU_UNKNOWN when no frame begins like this. */
int mbap_span(const uint8_t *data, size_t n);

uint16_t mbap_id(const uint8_t *frame);

#endif
