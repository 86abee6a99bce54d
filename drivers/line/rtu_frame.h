/* Modbus RTU frames in a stream of bytes: unit, PDU, CRC.  Where one ends is
 * known from what it says, not from silence alone.  Pure. */
#ifndef DRIVERS_LINE_RTU_FRAME_H
#define DRIVERS_LINE_RTU_FRAME_H

#include "drivers/line/pdu.h"

enum { RTU_CRC = 2, RTU_MAX = PDU_MAX + RTU_CRC };

enum rtu_what {
	RTU_MORE,  /* too little to tell */
	RTU_ECHO,  /* what was sent; or an answer that is equal to it */
	RTU_NOISE, /* a byte that the line makes when a sender is switched on */
	RTU_FRAME, /* whole, with a good CRC */
	RTU_GARBLED, /* no frame */
};

/* rtu_request writes a whole frame and returns its length. */
size_t rtu_request(const struct mb_request *rq, uint8_t out[RTU_MAX]);

/* rtu_next tells what data[n] begins with, and in *used how many bytes of it
 * that is (RTU_MORE: none).  sent[n_sent] is the request as it was sent.
 * silent: nothing more will follow; then RTU_MORE is for n 0 only. */
enum rtu_what rtu_next(const uint8_t *data, size_t n, bool silent,
    const uint8_t *sent, size_t n_sent, size_t *used);

#endif
