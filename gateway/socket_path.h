/* Where a Unix socket is about to stand. */
#ifndef GATEWAY_SOCKET_PATH_H
#define GATEWAY_SOCKET_PATH_H

#include "common/err.h"

/* socket_path_clear removes a socket that is left over: nobody answers there.
 * Errors: ERR_CONFIG too long; ERR_BUSY somebody answers; ERR_IO; eb says what.
 */
enum err socket_path_clear(const char *path, struct errbuf *eb) MUST_USE;

#endif
