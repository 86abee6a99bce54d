/* The plant's file. */
#ifndef THINGSIM_SETUP_H
#define THINGSIM_SETUP_H

#include "tests/thingsim/plant.h"

#include <stdio.h>

/* setup_load reads path and fills the plant.  Templates are found by their id
 * where the product finds them (tmpl_index_build).  out gets every fault of the
 * files, a line each. Errors: ERR_CONFIG, ERR_IO. */
enum err setup_load(
    struct plant *p, const char *path, struct buf *out) MUST_USE;

void setup_help(FILE *out); /* --help-config */

#endif
