/* How many requests an account may make: a bucket each, that fills again.
 *
 * Thread: loop.  Spec: XEP-0347, its section on tag name spam. */
#ifndef REGISTRY_PACE_H
#define REGISTRY_PACE_H

#include "common/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct pace;

/* pace_new: burst requests at once, after that rate (0: no limit) a second.
 * Owns: returns owned; clock is borrowed. */
struct pace *pace_new(const struct clock *clock, int64_t rate, int64_t burst);
void pace_free(struct pace *p);

/* pace_take counts one request; false: the account has had its share.  At most
 * PACE_ACCOUNTS are counted at a time: while so many are busy, others pass. */
enum { PACE_ACCOUNTS = 65536 };
bool pace_take(struct pace *p, const char *bare);

#endif
