/* One unit of a bus, and what its bus and its protocol do with it.  Internal to
 * the folder; bus thread only. */
#ifndef DRIVERS_UNIT_H
#define DRIVERS_UNIT_H

#include "drivers/bus.h"
#include "drivers/decode.h"
#include "drivers/health.h"
#include "drivers/line/line.h"
#include "drivers/plan.h"
#include "drivers/sched.h"
#include "drivers/tally.h"
#include "drivers/truth.h"

struct talker;
struct unit;

/* The fields of a unit that are read together, at one interval. */
struct task {
	struct sched_task sched; /* of: this task */
	struct unit *unit;
	struct plan plan;           /* Modbus */
	size_t cursor;              /* the block that is next in this cycle */
	unsigned tries;             /* of that block, so far */
	unsigned answers, failures; /* in this cycle */
	unsigned faults;            /* of the failures, those it told of */
	uint64_t overruns;          /* that were counted */
	bool replan;                /* when the cycle has ended */
	bool ended;                 /* a cycle has, since all began anew */
	bool waits; /* values wait for their scale factor, or for the proof */
};

#define TASK_NEVER SCHED_NEVER

struct unit {
	uint32_t handle;
	char *name;
	int address;
	const struct tmpl *t; /* borrowed */
	int64_t poll_ms;
	struct sched_unit sched; /* of: this unit */
	struct health health;
	const char *why;                    /* static: the last failure */
	int64_t base_timeout_ms, raised_ms; /* raised when answers came late */
	unsigned punctual;                  /* answers since it was raised */
	struct plan_cost planned, cost;     /* what the plans stand on, and as
					       measured since */
	bool *cut;                          /* as of plan_build */
	struct task *tasks;
	size_t n_tasks;
	struct truth **truth; /* one a field, NULL as long as not needed */
	int8_t *sf;           /* one a field, as of decode_scales */
	bool *once;           /* a field: still to be answered */
	size_t n_once;        /* how many are */
	bool once_done;       /* DRV_ONCE_DONE was sent */
	int proof;            /* the field that proves what device answers: the
				 first identity field with limits; or -1 */
	bool proven;          /* it was within them, since all began anew */
	bool first;           /* it answered before the line was lost: ask it
				 before others */
	bool faulty;          /* it is suspect by what it said itself */
	unsigned probes;      /* of a unit that is offline, in a row */
	uint32_t said;        /* exceptions that were logged, a bit each */
	struct tally tally;
	struct talker *talk; /* text devices */
};

/* What came of asking a unit. */
enum verdict {
	ANSWERED, /* by values, or by an exception: it is alive */
	AGAIN,    /* alive; the cursor's block is another one now */
	LATER,    /* nothing yet: to be asked for the same once more */
	SILENT,   /* nothing usable */
	FAULTY,   /* alive, but it says that it is not well */
	ABSENT,   /* a gateway says that the unit is not there */
	LOST,     /* the line is gone, and nothing was learnt */
};

/* unit_new copies u and plans its tasks; unit_free accepts NULL. */
struct unit *unit_new(const struct drv_unit *u, const struct cfg_bus *line);
void unit_free(struct unit *u);

/* unit_adopt replaces the unit's template by one that equals it. */
void unit_adopt(struct unit *u, const struct tmpl *t);

/* unit_rearm makes everything due at now, the fields read once included, and
 * forgets what may have changed while the device was away. */
void unit_rearm(struct unit *u, int64_t now);

/* task_rewind makes a cycle begin with its first block again; unit_rewind all
 * of the unit's. */
void task_rewind(struct task *k);
void unit_rewind(struct unit *u);

/* unit_due makes all that is polled due, and what the device refused be asked
 * again if refused is set. */
void unit_due(struct unit *u, int64_t now, bool refused);

/* unit_awaits tells whether a field will be asked for soon for the first time;
 * unit_rescale makes what waited for a task that has ended due. */
bool unit_awaits(const struct unit *u, size_t field);
void unit_rescale(struct unit *u, struct task *k, int64_t now);

/* unit_replan plans a task anew as the measured times and the cuts say;
 * between two cycles. */
void unit_replan(struct unit *u, struct task *k);

/* unit_timeout is how long an answer may take: what is configured, more when
 * answers came late, or when the slowest of the last take nearly as long. */
int64_t unit_timeout(const struct unit *u);

/* unit_was_late notes a late answer; false when there is no more to give. */
bool unit_was_late(struct unit *u);

/* unit_account counts an exchange. */
void unit_account(struct unit *u, enum err e, int64_t took_us, int64_t utc_ms);

/* unit_is_stream tells whether the unit speaks without being asked. */
bool unit_is_stream(const struct unit *u);

/* unit_truth looks whether a reading of an answer can be true; unit_forget
 * forgets what a field's values were. */
void unit_truth(struct unit *u, int64_t mono_ms, struct reading *r);
void unit_forget(struct unit *u, size_t field);

/* modbus_block asks for block i of a task, for timeout_ms, and reports what
 * came. */
enum verdict modbus_block(
    struct drv_bus *b, struct task *k, size_t i, int64_t timeout_ms);

/* modbus_unanswered reports that block i has no values. */
void modbus_unanswered(struct drv_bus *b, struct task *k, size_t i);

/* --- text devices, talk.c --- */

struct talker *talker_new(const struct unit *u, struct errbuf *why);
void talker_free(struct talker *t);
void talker_adopt(struct unit *u);

/* talk_ask asks once, for timeout_ms, and reports what came. */
enum verdict talk_ask(struct drv_bus *b, struct task *k, int64_t timeout_ms);

/* talk_hear gives a stream's bytes to u; n 0: the line has been silent. */
void talk_hear(struct drv_bus *b, struct unit *u, const char *data, size_t n);

/* talk_start sends a stream's opening request, if it has one. */
enum err talk_start(struct drv_bus *b, struct unit *u) MUST_USE;

/* talk_idle_at is when talk_hear wants to know of silence, or TASK_NEVER;
 * talk_deadline is when a stream counts as silent. */
int64_t talk_idle_at(const struct unit *u);
int64_t talk_deadline(const struct unit *u);
void talk_expect(struct unit *u, int64_t now);

/* --- what the bus offers to modbus.c, talk.c and write.c --- */

struct line *bus_line(struct drv_bus *b);
int64_t bus_now(const struct drv_bus *b);
int64_t bus_utc(const struct drv_bus *b);
bool bus_stopping(const struct drv_bus *b);

/* bus_tried accounts for one exchange that ended with e, with u or, NULL, with
 * nobody in particular, and makes the line safe again, connecting anew if it
 * must.  Returns e; or ERR_BUSY when the connection had gone and is there
 * again, so that it may be asked once more; or ERR_IO when the line is down
 * now.  started_us: line_now_us() before it; timeout_ms: what it was given. */
enum err bus_tried(struct drv_bus *b, struct unit *u, enum err e,
    int64_t started_us, int64_t timeout_ms) MUST_USE;

/* bus_garbled counts a message that a stream spoilt. */
void bus_garbled(struct drv_bus *b, struct unit *u);

/* bus_alive notes that u answered, before its readings are reported. */
void bus_alive(struct drv_bus *b, struct unit *u);

/* bus_learned tells the loop where the requests of u must end. */
void bus_learned(struct drv_bus *b, const struct unit *u);

/* bus_exception logs an exception, once of each unit. */
void bus_exception(
    struct drv_bus *b, struct unit *u, uint8_t code, const char *why);

/* A batch of readings of one unit, on its way to the loop. */
struct drv_event *bus_batch(struct drv_bus *b, struct unit *u, size_t max);
void bus_add(struct drv_event *ev, const struct reading *r);
void bus_add_bad(
    struct drv_event *ev, size_t field, enum quality q, const char *why);

/* bus_send reports it.  answered: the device said so, by values or by an
 * exception, which is what fields that are read once wait for. */
void bus_send(
    struct drv_bus *b, struct unit *u, struct drv_event *ev, bool answered);

/* bus_check_once tells the loop, once, that all fields that are read once were
 * answered. */
void bus_check_once(struct drv_bus *b, struct unit *u);

/* bus_mode changes the line's speed for one exchange, bus_usual_mode back.
 * Errors: ERR_UNSUP. */
enum err bus_mode(struct drv_bus *b, struct serial_mode m) MUST_USE;
void bus_usual_mode(struct drv_bus *b);

#endif
