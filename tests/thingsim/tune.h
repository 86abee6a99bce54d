/* What a device or a line allows, changed while it runs. */
#ifndef THINGSIM_TUNE_H
#define THINGSIM_TUNE_H

#include "tests/thingsim/plant.h"

/* tune_unit and tune_bus set one of the keys of tune_unit_keys and
 * tune_bus_keys (setup_keys.h) as the file does.
 * Errors: ERR_CONFIG, said in eb. */
enum err tune_unit(struct unit *u, const char *key, const char *value,
    struct errbuf *eb) MUST_USE;
enum err tune_bus(struct bus *b, const char *key, const char *value,
    struct errbuf *eb) MUST_USE;

/* tune_settle_unit and tune_settle_bus take over what was set in limits. */
void tune_settle_unit(struct unit *u);
void tune_settle_bus(struct bus *b);

#endif
