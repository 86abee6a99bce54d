/* A record of requests, so that a test can tell when and how it was asked. */
#ifndef THINGSIM_REQLOG_H
#define THINGSIM_REQLOG_H

#include "tests/thingsim/exchange.h"
#include "tests/thingsim/plant.h"

struct reqlog;

/* reqlog_on writes a line for each request of u to the file, which is emptied
 * first unless another unit logs there already:
 *     SECONDS UNIT FUNCTION ADDRESS COUNT FAULT
 * SECONDS is the monotonic clock, to the µs, when the request had come in
 * whole; FAULT is none, or what was wrong.  Lines are in the file after 0.1 s
 * at most.  Errors: ERR_IO, said in eb. */
enum err reqlog_on(
    struct unit *u, const char *path, struct errbuf *eb) MUST_USE;
void reqlog_off(struct unit *u); /* all that was logged is in the file */

void reqlog_add(
    const struct unit *u, const struct exchange *x, const char *fault);
void reqlog_free_all(struct plant *p);

#endif
