/* What a channel has to send: frames in order of their time, each as fast as
 * the line passes its characters. */
#ifndef THINGSIM_OUTBOX_H
#define THINGSIM_OUTBOX_H

#include "common/buf.h"
#include "tests/thingsim/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct chan;
struct job;

struct outbox {
	struct job *jobs;
	struct timer timer;
};

struct sending {
	int64_t start_ns; /* of the first character */
	int64_t step_ns;  /* from one character to the next; 0: no time */
	bool single;      /* a write of its own for each byte */
	bool reset;       /* a TCP reset follows */
};

void outbox_init(struct outbox *o, struct chan *c);
void outbox_clear(struct outbox *o, struct chan *c);

/* outbox_send takes the bytes of out, which is emptied. */
void outbox_send(struct chan *c, struct buf *out, const struct sending *how);

#endif
