/* Serial ports: finding, claiming, setting and explaining them. */
#ifndef DRIVERS_LINE_PORT_H
#define DRIVERS_LINE_PORT_H

#include "common/err.h"
#include "config/config.h"

#include <stdbool.h>

/* port_open opens a bus's port, whose path may be a link that a plugged adapter
 * moves, for bytes at mode: without waiting, for nobody else, its direction
 * switched as the bus says.
 * Owns: *fd, end with port_close; -1 on errors.  Errors, each with what to do
 * about it: ERR_NOTFOUND no such port, ERR_REFUSED no permission, ERR_BUSY held
 * by another, ERR_CONFIG and ERR_UNSUP it cannot do that, ERR_IO. */
enum err port_open(const struct cfg_bus *bus, struct serial_mode mode, int *fd,
    struct errbuf *why) MUST_USE;
void port_close(int *fd);

/* port_setup sets speed and format once everything is sent.
 * Errors: ERR_CONFIG, the port does not know them; ERR_IO. */
enum err port_setup(int fd, struct serial_mode mode) MUST_USE;

/* port_talk switches the transmitter by RTS, on buses that say so.
 * Errors: ERR_IO. */
enum err port_talk(int fd, const struct cfg_bus *bus, bool on) MUST_USE;

#endif
