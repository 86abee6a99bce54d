/* Faults that come and go by themselves:
 *     10s..12s silent          once, so long after the start
 *     every 30s for 2s garble  first after 30 s
 *     chance 5% late 700       of each request, by the seed */
#ifndef THINGSIM_SCHEDULE_H
#define THINGSIM_SCHEDULE_H

#include "tests/thingsim/plant.h"

struct rule;

/* schedule_add reads a rule for a unit, or for a bus and each of its units
 * when u is NULL.  It rests until schedule_begin.
 * Owns: the plant owns *out.  Errors: ERR_PROTO, ERR_RANGE, said in eb. */
enum err schedule_add(struct bus *b, struct unit *u, const char *text,
    struct rule **out, struct errbuf *eb) MUST_USE;

/* schedule_begin counts the times of the rule from now on. */
void schedule_begin(struct rule *r);

/* schedule_end takes back every rule of the unit, or of the bus when u is
 * NULL, and what they did. */
void schedule_end(struct bus *b, struct unit *u);
void schedule_free(struct rule *r); /* at the end of the plant */

/* schedule_pick returns the first fault that a rule gives the request that u
 * has in hand, or FAULT_NONE. */
struct fault schedule_pick(struct unit *u, bool write);

#endif
