/* The commands that change a running plant, a line of text each. */
#ifndef THINGSIM_COMMAND_H
#define THINGSIM_COMMAND_H

#include "tests/thingsim/plant.h"

#include <stdio.h>

/* command_run obeys one line and appends "ok ..." or "error ...", without the
 * line's end.  Modbus values that masters wrote are read like any other. */
void command_run(struct plant *p, const char *line, struct buf *answer);

void command_help(FILE *out); /* a line or two of each */

#endif
