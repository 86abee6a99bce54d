/* The plant: the buses and what they report.  Thread: loop. */
#ifndef GATEWAY_PLANT_H
#define GATEWAY_PLANT_H

#include "config/config.h"
#include "drivers/bus.h"

#include <stdbool.h>

struct gateway;
struct plant;

struct plant *plant_new(struct gateway *gw);

/* plant_apply brings the buses in step with gw->cfg: stops those that are gone,
 * restarts those whose line has changed, starts new ones, and gives all others
 * their units anew, of which those that are polled as before go on undisturbed.
 * old is the configuration before, which the plant now owns: it is freed once
 * no bus uses it.  Returns how many buses there are more, how many were closed
 * to be opened anew, and how many are no more. */
struct bus_counts {
	size_t added, reopened, removed;
};
struct bus_counts plant_apply(struct plant *p, struct cfg *old);

/* plant_tick gives buses what they could not take yet, and frees what they use
 * no more. */
void plant_tick(struct plant *p);

/* plant_stop stops all buses: within one transfer timeout. */
void plant_stop(struct plant *p);
void plant_free(struct plant *p);

/* plant_bus is the running bus of that name, or NULL. */
struct drv_bus *plant_bus(const struct plant *p, const char *name);

/* plant_line is the configured line of a bus, or NULL. */
const struct cfg_bus *plant_line(const struct plant *p, const char *name);

/* One line for `status`: how a bus is. */
struct bus_status {
	const struct cfg_bus *line;
	const char *trouble; /* a sentence, or "" when the line is up */
	unsigned load_percent;
	int planned_percent; /* of the line's time */
	struct drv_stats stats;
};

/* plant_down says why a line of gw->cfg is not up; "" when it is, or when that
 * is not known yet. */
const char *plant_down(struct plant *p, const struct cfg_bus *line);
size_t plant_count(const struct plant *p);
void plant_status(struct plant *p, size_t i, struct bus_status *out);

#endif
