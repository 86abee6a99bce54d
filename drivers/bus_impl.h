/* The inside of a bus, shared by the files that make it up: bus.c (events, line
 * and thread) and turn.c (asking and listening).  Bus thread only. */
#ifndef DRIVERS_BUS_IMPL_H
#define DRIVERS_BUS_IMPL_H

#include "drivers/bus.h"
#include "drivers/sched.h"
#include "drivers/unit.h"

#include <pthread.h>
#include <stdatomic.h>

enum stat {
	STAT_REQUESTS,
	STAT_TIMEOUTS,
	STAT_CRC,
	STAT_EXCEPTIONS,
	STAT_LATE,
	STAT_RECONNECTS,
	STAT_BYTES,
	STAT_BUSY_US,
	STAT_RTT_US,
	STAT_COUNT
};

struct drv_bus {
	struct cfg_bus cfg; /* its strings are our own */
	struct mailbox *box;
	const struct clock *clock;
	pthread_t thread;
	bool started;
	int wake_fd;
	atomic_bool stop, up;
	atomic_uint_fast64_t stats[STAT_COUNT];

	/* the thread's own */
	struct line line;
	struct unit *units;
	size_t n_units, n_streams;
	struct sched sched;
	struct unit *suspect; /* whose answer may still come */
	unsigned drops;       /* connections lost since any answer */
	int64_t reopen_at, reopen_wait;
	char said[sizeof(((struct drv_event *)0)->text)]; /* last trouble */
};

void bus_count(struct drv_bus *b, enum stat s, uint64_t n);
void bus_set(struct drv_bus *b, enum stat s, uint64_t v);

/* bus_failed notes a cycle without any answer, or a probe, or (at_once) that
 * the unit is certainly not there. */
void bus_failed(struct drv_bus *b, struct unit *u, bool at_once);

/* bus_check_once tells the loop, once, that all fields that are read once were
 * answered. */
void bus_check_once(struct drv_bus *b, struct unit *u);

/* bus_line_lost handles a line that the other side ended. */
enum err bus_line_lost(struct drv_bus *b);

/* turn_take asks the unit that was chosen, for one block or message. */
void turn_take(struct drv_bus *b, const struct choice *c);

/* turn_hear reads what streams say; turn_watch ends their messages by silence,
 * notes those that fell silent, and returns when to look again. */
void turn_hear(struct drv_bus *b);
int64_t turn_watch(struct drv_bus *b);

#endif
