/* Checksums of Modbus RTU and of text messages. */
#ifndef THINGSIM_CHECK_H
#define THINGSIM_CHECK_H

#include "common/buf.h"
#include "config/template.h"

#include <stddef.h>
#include <stdint.h>

/* check_crc16 over a frame with its CRC, low byte first, gives 0. */
uint16_t check_crc16(const void *data, size_t len);

/* check_length is how many bytes the check adds to a message. */
size_t check_length(enum frame_check check);

/* check_end appends the check and the end mark of the message that stands in
 * out from `from` on, start mark included. */
void check_end(const struct frame *f, struct buf *out, size_t from);

#endif
