/* What the lines of bytes, serial.c, and Modbus RTU over them, rtu.c, share. */
#ifndef DRIVERS_LINE_SERIAL_H
#define DRIVERS_LINE_SERIAL_H

#include "drivers/line/line.h"

/* serial_ask is one transaction by RTU frames. */
enum err serial_ask(struct line *l, const struct mb_request *rq,
    struct mb_answer *out) MUST_USE;

/* serial_unasked notes that bytes came that nobody asked for: the last answer
 * perhaps comes twice. */
void serial_unasked(struct line *l);

#endif
