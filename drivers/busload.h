/* How much of a line's time its nodes need, as planned.  Pure. */
#ifndef DRIVERS_BUSLOAD_H
#define DRIVERS_BUSLOAD_H

#include "common/buf.h"
#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

enum { BUSLOAD_WARN = 80 }; /* percent */

/* One request, again and again. */
struct busload_request {
	enum modbus_table table;
	uint16_t addr, count; /* of a text device 0: the request is its own */
	size_t *fields;       /* indices in the template */
	size_t n_fields;
	int64_t every_ms;  /* 0: once after each connection */
	int64_t bytes, us; /* to and fro, each time */
};

struct busload_node {
	const struct cfg_node *node; /* borrowed */
	struct busload_request *requests;
	size_t n_requests;
	double percent;
};

/* Zero-initialised is empty. */
struct busload {
	const struct cfg_bus *bus; /* borrowed */
	struct busload_node *nodes;
	size_t n_nodes;
	double percent; /* above 100: not all of it can be done */
};

/* busload_of plans the enabled nodes of a bus.  rtt_us is what its requests
 * take as measured (struct drv_stats), 0: not known yet.  A text device's
 * answer is guessed from its fields; what speaks by itself needs nothing.
 * Owns: end *out with busload_fini.  Thread: any. */
void busload_of(const struct cfg *c, const struct cfg_bus *bus, int64_t rtt_us,
    struct busload *out);
void busload_fini(struct busload *l);

/* busload_check appends a warning for each bus that needs more than
 * BUSLOAD_WARN percent, a line each:
 *     FILE:LINE: warning: [bus NAME] its nodes need about 93 % of ...
 * and returns their number.  Thread: any. */
size_t busload_check(const struct cfg *c, struct buf *notes);

#endif
