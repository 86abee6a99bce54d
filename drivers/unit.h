/* One unit of a bus, and what its bus and its protocol do with it.  Internal to
 * the folder; bus thread only, but for what is atomic. */
#ifndef DRIVERS_UNIT_H
#define DRIVERS_UNIT_H

#include "drivers/bus.h"
#include "drivers/decode.h"
#include "drivers/health.h"
#include "drivers/line/line.h"
#include "drivers/plan.h"

#include <stdatomic.h>

struct talker;
struct unit;

/* The fields of a unit that are read together, at one interval. */
struct task {
	struct unit *unit;
	int64_t interval_ms;        /* 0: once after each connection */
	int64_t due;                /* TASK_NEVER: nothing left to do */
	struct plan plan;           /* Modbus */
	size_t cursor;              /* the block that is next in this cycle */
	unsigned answers, failures; /* in this cycle */
};

#define TASK_NEVER INT64_MAX

struct unit {
	uint32_t handle;
	char *name;
	int address;
	const struct tmpl *t; /* borrowed */
	int64_t poll_ms;
	struct health health;
	const char *why;                     /* static: the last failure */
	int64_t base_timeout_ms, timeout_ms; /* raised when answers came late */
	struct task *tasks;
	size_t n_tasks;
	struct counter *counters; /* one a field */
	bool *once;               /* a field: still to be answered */
	size_t n_once;            /* how many are */
	bool once_done;           /* DRV_ONCE_DONE was sent */
	atomic_bool read_now;
	struct talker *talk; /* text devices */
};

/* What came of asking a unit. */
enum verdict {
	ANSWERED, /* by values, or by an exception: it is alive */
	AGAIN,    /* alive; the cursor's block is another one now */
	SILENT,   /* nothing usable */
	ABSENT,   /* a gateway says that the unit is not there */
	LOST,     /* the line is gone, and nothing was learnt */
};

/* unit_init copies u and plans its tasks; unit_fini accepts a zeroed unit. */
void unit_init(
    struct unit *out, const struct drv_unit *u, const struct cfg_bus *line);
void unit_fini(struct unit *u);

/* unit_rearm makes everything due, the fields read once included. */
void unit_rearm(struct unit *u, int64_t now);

/* unit_is_stream tells whether the unit speaks without being asked. */
bool unit_is_stream(const struct unit *u);

/* modbus_block asks for block i of a task and reports what came. */
enum verdict modbus_block(struct drv_bus *b, struct task *k, size_t i);

/* modbus_unanswered reports that block i has no values. */
void modbus_unanswered(struct drv_bus *b, struct task *k, size_t i);

/* --- text devices, talk.c --- */

struct talker *talker_new(const struct unit *u, struct errbuf *why);
void talker_free(struct talker *t);

/* talk_ask asks once (with retries while online) and reports what came. */
enum verdict talk_ask(struct drv_bus *b, struct unit *u);

/* talk_hear gives a stream's bytes to u; n 0: the line has been silent. */
void talk_hear(struct drv_bus *b, struct unit *u, const char *data, size_t n);

/* talk_start sends a stream's opening request, if it has one. */
enum err talk_start(struct drv_bus *b, struct unit *u) MUST_USE;

/* talk_idle_at is when talk_hear wants to know of silence, or TASK_NEVER;
 * talk_deadline is when a stream counts as silent. */
int64_t talk_idle_at(const struct unit *u);
int64_t talk_deadline(const struct unit *u);
void talk_expect(struct unit *u, int64_t now);

/* --- what bus.c offers to modbus.c and talk.c --- */

struct line *bus_line(struct drv_bus *b);
int64_t bus_now(const struct drv_bus *b);
bool bus_stopping(const struct drv_bus *b);

/* bus_tried accounts for one exchange with u that ended with e, and makes the
 * line safe again, connecting anew if it must.  Returns e; or ERR_BUSY when the
 * connection had gone and is there again, so that it may be asked once more; or
 * ERR_IO when the line is down now.  started_us: line_now_us() before it. */
enum err bus_tried(
    struct drv_bus *b, struct unit *u, enum err e, int64_t started_us) MUST_USE;

/* bus_garbled counts a message that a stream spoilt. */
void bus_garbled(struct drv_bus *b);

/* bus_pause waits, unless the bus is asked to stop. */
void bus_pause(struct drv_bus *b, int64_t ms);

/* bus_alive notes that u answered, before its readings are reported. */
void bus_alive(struct drv_bus *b, struct unit *u);

/* A batch of readings of one unit, on its way to the loop. */
struct drv_event *bus_batch(struct drv_bus *b, struct unit *u, size_t max);

/* bus_send reports it.  answered: the device said so, by values or by an
 * exception, which is what fields that are read once wait for. */
void bus_send(
    struct drv_bus *b, struct unit *u, struct drv_event *ev, bool answered);

#endif
