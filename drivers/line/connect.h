/* Connections to host:port, of every kind of line that has one. */
#ifndef DRIVERS_LINE_CONNECT_H
#define DRIVERS_LINE_CONNECT_H

#include "drivers/line/line.h"

/* connect_open connects l->fd to the line's host, whichever of its addresses
 * answers first in their order.  It may block for one connection timeout an
 * address, and for as long as the DNS does, but not once the line is to stop.
 * Errors: ERR_CONFIG, ERR_IO. */
enum err connect_open(struct line *l, struct errbuf *why) MUST_USE;
void connect_close(struct line *l);

#endif
