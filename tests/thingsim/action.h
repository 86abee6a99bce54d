/* Faults that happen to a device or a bus at once, not to an answer. */
#ifndef THINGSIM_ACTION_H
#define THINGSIM_ACTION_H

#include "tests/thingsim/plant.h"

/* action_begin does it to the unit, or to the bus and each of its units when u
 * is NULL; action_end takes back what lasts.  A bus that cannot be opened
 * again stays away, said on standard error. */
void action_begin(struct bus *b, struct unit *u, const struct fault *f);
void action_end(struct bus *b, struct unit *u, const struct fault *f);

/* action_back opens a bus that has vanished.  Errors: ERR_IO. */
enum err action_back(struct bus *b, struct errbuf *eb) MUST_USE;

/* action_quiet ends the unit's noise. */
void action_quiet(struct unit *u);

#endif
