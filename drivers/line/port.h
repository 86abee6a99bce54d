/* Serial ports: finding, claiming and explaining them. */
#ifndef DRIVERS_LINE_PORT_H
#define DRIVERS_LINE_PORT_H

#include "common/err.h"
#include "config/template.h"

#include <stdbool.h>
#include <termios.h>

enum { PORT_PATH = 4096 };

/* port_find resolves a port's path, which may be a link that a plugged adapter
 * moves.  Errors: as port_fail. */
enum err port_find(const char *bus, const char *path, char out[PORT_PATH],
    struct errbuf *why) MUST_USE;

/* port_fail explains why a port could not be opened: errno code, who may use
 * the port, who holds it. */
enum err port_fail(
    const char *bus, const char *path, int code, struct errbuf *why) MUST_USE;

/* port_lock makes a port ours, before anything about it is changed: it opens it
 * once more than it is used, and holds a lock by that descriptor.
 * Owns: *lock, end with port_unlock after closing all others.
 * Errors: as port_fail; ERR_IO, not a terminal. */
enum err port_lock(
    const char *bus, const char *path, int *lock, struct errbuf *why) MUST_USE;

/* port_exclude keeps programs out that do not ask for locks (TIOCEXCL); call it
 * when all descriptors are open. */
void port_exclude(int lock);
void port_unlock(int *lock);

/* port_setup sets a terminal to raw bytes at mode.  Errors: ERR_CONFIG, a rate
 * that it does not know; ERR_IO. */
enum err port_setup(int fd, struct serial_mode mode) MUST_USE;

/* port_speed is the constant for a baud rate, or B0 when there is none. */
speed_t port_speed(int baud);

#endif
