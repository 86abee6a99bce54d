/* Where the daemon's control socket is. */
#ifndef CLI_CONTROL_PATH_H
#define CLI_CONTROL_PATH_H

#include "common/err.h"

#define CONTROL_PATH_DEFAULT "/run/thingbridge/control.sock"

/* control_path finds [gateway] control in the configuration file conf or in
 * conf.d beside it, whatever else may be wrong there: a daemon that runs on
 * with its old configuration must be reached.
 * Owns:    *out is owned; the usual path when none is given.
 * Errors:  ERR_CONFIG conf cannot be read; eb says why.  Thread: any. */
enum err control_path(const char *conf, char **out, struct errbuf *eb) MUST_USE;

#endif
