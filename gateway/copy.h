/* A copy of a database while another connection writes to it. */
#ifndef GATEWAY_COPY_H
#define GATEWAY_COPY_H

#include "common/err.h"

/* copy_database writes the SQLite file `from`, as it was at one moment, to
 * `to` (mode 0600, replaced when it is there), and looks through the copy.
 * Errors:  ERR_NOTFOUND there is no such file; ERR_IO, also when the database
 *          is damaged; eb says what, and there is no copy.
 * Thread:  any: it opens connections of its own. */
enum err copy_database(
    const char *from, const char *to, struct errbuf *eb) MUST_USE;

#endif
