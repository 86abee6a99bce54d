/* A bus: one thread that owns a line (a serial port or a TCP endpoint) and all
 * units on it.  It polls them on schedule, isolates those that do not answer,
 * and reopens the line when it is lost.
 *
 * A late answer is never taken for another's: after a timeout an RTU line stays
 * silent until the answer can no longer come and is then flushed, a TCP line is
 * closed or drained until the transaction ids agree. */
#ifndef DRIVERS_BUS_H
#define DRIVERS_BUS_H

#include "common/clock.h"
#include "common/mailbox.h"
#include "config/config.h"
#include "drivers/reading.h"

struct drv_bus;

struct drv_unit {
	uint32_t handle;  /* the loop's name for it, returned in events */
	const char *name; /* node id, for the log */
	int address;
	const struct tmpl *tmpl;
	int64_t poll_ms; /* 0: the template's */
};

struct drv_stats {
	uint64_t requests, timeouts, crc, exceptions, late, reconnects, bytes;
	uint64_t busy_ms; /* spent in transactions */
	uint64_t rtt_us;  /* smoothed */
	bool up;
};

/* drv_bus_start copies line and units (templates are borrowed and must outlive
 * the bus) and starts the thread.  Events go to box as heap struct drv_event,
 * released with free(); when it is full the oldest readings that will be read
 * again are dropped, but never a state or what is read once.
 * Thread: loop.  Owns: returns owned.  Never fails: a line that cannot be
 * opened is an event. */
struct drv_bus *drv_bus_start(const struct cfg_bus *line,
    const struct drv_unit *units, size_t n, struct mailbox *box,
    const struct clock *clock);

/* drv_bus_stop asks the thread to end and joins it: within one transfer
 * timeout.  To stop many at once, call drv_bus_ask_stop on each first. */
void drv_bus_ask_stop(struct drv_bus *b);
void drv_bus_stop(struct drv_bus *b);

/* drv_bus_read_now makes every poll of the unit due at once. */
void drv_bus_read_now(struct drv_bus *b, uint32_t handle);

void drv_bus_stats(struct drv_bus *b, struct drv_stats *out);
const char *drv_bus_name(const struct drv_bus *b);

#endif
