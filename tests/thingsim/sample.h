/* The shortest text that a regular expression matches, with given groups. */
#ifndef THINGSIM_SAMPLE_H
#define THINGSIM_SAMPLE_H

#include "common/buf.h"

#include <stdbool.h>

/* sample_group appends what capture group n (from 1) holds, and returns false
 * when that is not given. */
typedef bool sample_group_fn(void *arg, int n, struct buf *out);

/* sample_write appends the text: of what is optional only the groups that are
 * given, of alternatives the first.  It knows what device templates use:
 * groups, classes, escapes and repetition, not back references. */
void sample_write(
    const char *regex, sample_group_fn *group, void *arg, struct buf *out);

#endif
