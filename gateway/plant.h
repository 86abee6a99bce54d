/* The plant: the buses and what they report.  Thread: loop. */
#ifndef GATEWAY_PLANT_H
#define GATEWAY_PLANT_H

#include "config/config.h"
#include "drivers/bus.h"

#include <stdbool.h>

struct gateway;
struct plant;

struct plant *plant_new(struct gateway *gw);

/* plant_apply starts the buses of gw->cfg, stops those that are gone, and
 * restarts those whose line or units have changed; others go on undisturbed.
 * old is the configuration before, which the plant now owns: it is freed once
 * no running bus uses it.  Returns how many buses were restarted. */
size_t plant_apply(struct plant *p, struct cfg *old);

/* plant_stop stops all buses: within one transfer timeout. */
void plant_stop(struct plant *p);
void plant_free(struct plant *p);

/* One line for `status`: how a bus is. */
struct bus_status {
	const char *name;
	const char *trouble; /* a sentence, or "" when the line is up */
	unsigned load_percent;
	struct drv_stats stats;
};
size_t plant_count(const struct plant *p);
void plant_status(struct plant *p, size_t i, struct bus_status *out);

#endif
