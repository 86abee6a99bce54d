/* How long characters take on a serial line, and when an adapter hands them
 * over.  Pure. */
#ifndef THINGSIM_LINE_H
#define THINGSIM_LINE_H

#include "config/template.h"

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is a line that takes no time. */
struct line {
	int64_t char_ns; /* start bit, data, parity, stop */
	int64_t gap_ns;  /* the silence that ends a Modbus frame */
	/* A USB adapter hands over what came in when this time has passed
	 * since it did so last, or a packet is full; 0: at once. */
	int64_t usb_ns, usb_last_ns;
};

/* line_char_ns is the time of one character; 0 for baud 0. */
int64_t line_char_ns(const struct serial_mode *m);

/* line_gap_ns is that of 3.5 characters, 1.75 ms above 19200 baud.
 * Spec: MODBUS over serial line V1.02, 2.5.1.1. */
int64_t line_gap_ns(const struct serial_mode *m);

/* Bytes on their way: the first character begins at start_ns, one follows the
 * other in step_ns. */
struct passing {
	int64_t start_ns, step_ns;
	size_t sent, len;
};

/* line_next tells how many of p's bytes are handed over next, and at *at_ns
 * when: never before their last bit has passed.  Without an adapter they come
 * in handfuls that take at most half a millisecond. */
size_t line_next(
    const struct line *ln, const struct passing *p, int64_t *at_ns);

/* line_handed_over is told of each n bytes when they have been. */
void line_handed_over(struct line *ln, size_t n, int64_t at_ns);

#endif
