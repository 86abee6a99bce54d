/* Where masters connect: a listening TCP socket, or a pty behind a link. */
#ifndef THINGSIM_PORT_H
#define THINGSIM_PORT_H

#include "tests/thingsim/plant.h"

/* port_open opens the bus and fills in b->where.  A TCP port that was chosen
 * by the system stays the same when the bus is opened again.
 * Errors: ERR_CONFIG, ERR_IO, said in eb. */
enum err port_open(struct bus *b, struct errbuf *eb) MUST_USE;

/* port_close takes the bus away: socket, connections, pty and link. */
void port_close(struct bus *b);
bool port_is_open(const struct bus *b);

#endif
