/* A connection to a master: a TCP client, or the pty of a serial line.  What
 * comes in is gathered, as fast as the line's characters come; what goes out
 * leaves through the outbox. */
#ifndef THINGSIM_CHAN_H
#define THINGSIM_CHAN_H

#include "common/buf.h"
#include "tests/thingsim/outbox.h"
#include "tests/thingsim/plant.h"

#include <stdbool.h>
#include <stdint.h>

struct chan {
	struct chan *next; /* of the bus */
	struct bus *bus;
	int fd;
	bool pty, hung; /* hung: nobody has the pty open */
	bool deaf;      /* half open: neither reads nor writes */
	bool dead;      /* closed; freed on the next round of the loop */
	char *slave;    /* the pty's name */
	struct buf in;
	size_t in_old; /* of these, what an earlier read left */
	int64_t last_in_ns;
	struct buf coming;    /* read, and on the line still */
	int64_t heard_ns;     /* when the last of it has passed */
	int64_t line_busy_ns; /* when the last character either way has */
	int64_t silence_ns;   /* before the first byte of in */
	struct outbox out;
	struct timer arrival, reap;
};

/* chan_new takes fd, which is non-blocking, and adds the channel to bus.
 * slave is the name of a pty's other side; NULL for TCP. */
struct chan *chan_new(struct bus *b, int fd, const char *slave);

/* chan_close closes at once and forgets what is unsent; freed later. */
void chan_close(struct chan *c);
void chan_close_all(struct bus *b);
void chan_free_all(struct bus *b); /* at the end of the plant */
size_t chan_count(const struct bus *b);

/* chan_deafen_all makes each TCP connection of the bus half open. */
void chan_deafen_all(struct bus *b);

/* chan_disturb sends stray bytes, if the line is idle. */
void chan_disturb(struct chan *c, const char *bytes, size_t n);

/* chan_line_idle tells whether nothing passes or waits, either way. */
bool chan_line_idle(const struct chan *c);

/* chan_baud is the speed that the master has set, 0 where that cannot be
 * told. */
int chan_baud(const struct chan *c);

#endif
