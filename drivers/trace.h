/* The last frames that passed a line, the oldest given up for new ones. */
#ifndef DRIVERS_TRACE_H
#define DRIVERS_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum { TRACE_ROOM = 2048 };

struct trace {
	size_t len;
	uint8_t data[TRACE_ROOM]; /* heads and bytes, one after the other */
};

struct trace_frame {
	int64_t mono_ms, utc_ms;
	uint16_t n;
	char dir; /* as of DRV_TRACE */
};

/* trace_add keeps a frame; of one that is too long, the beginning. */
void trace_add(struct trace *t, const struct trace_frame *f, const void *bytes);

/* trace_next takes the frame at *pos, which begins at 0, and returns its bytes,
 * or NULL when there is none. */
const uint8_t *trace_next(
    const struct trace *t, size_t *pos, struct trace_frame *out);

/* trace_text writes the direction, then the bytes in hex, or as they are when
 * it is a remark; returns text, which holds TRACE_TEXT. */
enum { TRACE_FRAME_MAX = 600, TRACE_TEXT = 2 * TRACE_FRAME_MAX + 2 };
char *trace_text(
    const struct trace_frame *f, const uint8_t *bytes, char text[TRACE_TEXT]);

#endif
