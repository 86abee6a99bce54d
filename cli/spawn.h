/* Another program of ours, fed through its standard input. */
#ifndef CLI_SPAWN_H
#define CLI_SPAWN_H

#include <stddef.h>

/* spawn_fed runs the program name, found beside this executable, in the
 * package's libexec folder or in PATH, with argv (argv[0] is set here), writes
 * input to it and waits for its end.
 * Errors:  returns its exit code; EXIT_FAILED when it could not run, which was
 *          said. */
int spawn_fed(const char *name, char **argv, const char *input, size_t len);

/* spawn_run runs argv[0] (of less than 16), found in PATH, with our standard
 * streams, and waits for its end.  Errors: as spawn_fed; EXIT_FAILED too when a
 * signal came that stop_note notes. */
int spawn_run(const char *const *argv);

#endif
