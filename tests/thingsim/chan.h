/* A connection to a master: a TCP client, or the pty of a serial line.  What
 * comes in is gathered; what goes out is sent when it is due, at the speed of
 * the line. */
#ifndef THINGSIM_CHAN_H
#define THINGSIM_CHAN_H

#include "common/buf.h"
#include "tests/thingsim/plant.h"

#include <stdbool.h>
#include <stdint.h>

struct job;

struct chan {
	struct chan *next; /* of the bus */
	struct bus *bus;
	int fd;
	bool pty, hung; /* hung: nobody has the pty open */
	bool dead;      /* closed; freed on the next round of the loop */
	char *slave;    /* the pty's name */
	struct buf in;
	size_t in_old; /* of these, what an earlier read left */
	int64_t last_in_us;
	struct job *jobs; /* in order of their time */
};

/* chan_new takes fd, which is non-blocking, and adds the channel to bus.
 * slave is the name of a pty's other side; NULL for TCP. */
struct chan *chan_new(struct bus *b, int fd, const char *slave);

/* chan_close closes at once and forgets what is unsent; freed later. */
void chan_close(struct chan *c);
void chan_close_all(struct bus *b);
void chan_free_all(struct bus *b); /* at the end of the plant */

/* chan_send takes the bytes of out, which is emptied, and sends them at
 * due_us.  step_us between bytes; 0: the line's own speed.  reset: a TCP reset
 * follows. */
struct sending {
	int64_t due_us, step_us;
	bool reset;
};
void chan_send(struct chan *c, struct buf *out, const struct sending *how);

/* chan_answer sends a unit's answer to a request, spoiled by its fault. */
void chan_answer(struct chan *c, struct unit *u, struct buf *frame,
    const void *request, size_t request_len, size_t garble_at);

#endif
