/* What a word of the command line can become, for the shell's completion.
 *
 * packaging/completion.bash asks `PROGRAM __complete WORD...`: the words so
 * far, the last of them the one that is begun, maybe empty.  What can stand
 * there is told a line each; the shell leaves out what does not fit. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "cli/verb.h"

#define COMPLETE_VERB "__complete"

enum { COMPLETE_WAIT_MS = 200 };

/* complete_run prints them, from the tables of the program and its words().
 * Returns EXIT_OK, also when it knows nothing. */
int complete_run(const struct program *p, int argc, char **argv);

#endif
