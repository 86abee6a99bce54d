/* The control socket: a Unix socket that takes commands, a line each. */
#ifndef THINGSIM_CONSOLE_H
#define THINGSIM_CONSOLE_H

#include "tests/thingsim/plant.h"

struct console;

/* console_open listens at path.  Owns: *out is owned, NULL on error. */
enum err console_open(struct plant *p, const char *path, struct console **out,
    struct errbuf *eb) MUST_USE;

/* console_close removes the socket.  NULL is allowed. */
void console_close(struct console *con);

#endif
