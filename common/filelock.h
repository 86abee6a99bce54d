/* One program a file: a lock that ends with the process that holds it. */
#ifndef COMMON_FILELOCK_H
#define COMMON_FILELOCK_H

#include "common/err.h"

/* filelock_take makes the file if need be, readable by its owner alone, and
 * locks it.  who is the program, for the message.
 * Owns: *fd; close it after everything else of this process that has the file
 * open.  Errors: ERR_BUSY another one has it; ERR_IO.  Thread: any. */
enum err filelock_take(
    const char *path, const char *who, int *fd, struct errbuf *eb) MUST_USE;

#endif
