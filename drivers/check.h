/* What can be told of a configuration's buses and templates without a device,
 * beyond what config/ tells: a line each, as its notes.  Thread: any. */
#ifndef DRIVERS_CHECK_H
#define DRIVERS_CHECK_H

#include "common/buf.h"
#include "config/config.h"

#include <stdbool.h>

/* check_template notes, as an error, what PCRE2 has against a template's regex,
 * and returns whether there is nothing. */
bool check_template(const struct tmpl *t, struct buf *notes);

/* check_config does so for all templates of c, and warns of buses that have too
 * much to do.  Returns whether there is no error. */
bool check_config(const struct cfg *c, struct buf *notes);

#endif
