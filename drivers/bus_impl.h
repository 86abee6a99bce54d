/* The inside of a bus, shared by the files that make it up: bus.c (thread and
 * life), orders.c (what the loop wants), event.c (what the loop is told),
 * wire.c (the line's state), roll.c (the units'), turn.c (asking and listening)
 * and asks.c with write.c (what comes between polls).  Bus thread only. */
#ifndef DRIVERS_BUS_IMPL_H
#define DRIVERS_BUS_IMPL_H

#include "drivers/bus.h"
#include "drivers/encode.h"
#include "drivers/sched.h"
#include "drivers/trace.h"
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
	STAT_OVERRUNS,
	STAT_BUSY_US,
	STAT_RTT_US,
	STAT_COUNT
};

/* An ask under way, or waiting. */
struct job {
	struct job *next;
	struct drv_ask ask;
	int64_t due;        /* not before */
	int64_t started_us; /* of its first exchange; 0: none yet */
	/* of a write */
	bool checking;   /* it was sent; now it is read back */
	bool back;       /* it ends a pulse, and nobody waits for it */
	bool again;      /* it was sent a second time */
	enum err sent;   /* what came of sending it */
	enum err result; /* of all, when it is done */
	unsigned tries;  /* since it is sent, or checked */
	int64_t until;   /* reading back ends */
	struct encoded want;
	struct encoded before; /* of a pulse: what it ends with */
};

/* First in, first out. */
struct jobs {
	struct job *first, *last;
};

/* What became of a job. */
struct outcome {
	enum err result;
	uint8_t exception;
	const char *why;       /* or NULL */
	const uint16_t *value; /* n of them, borrowed */
	size_t n;
	const struct reading *read; /* what was read back, or NULL */
};

struct drv_bus {
	struct cfg_bus cfg; /* its strings are our own */
	struct mailbox *box;
	const struct clock *clock;
	pthread_t thread;
	bool started;
	int wake_fd;
	struct mailbox *inbox; /* of struct order */
	atomic_uint n_asks;    /* that have no answer yet */
	atomic_bool applying;
	atomic_bool stop, up;
	atomic_uint_fast64_t stats[STAT_COUNT];

	/* the thread's own */
	struct line line;
	struct serial_mode mode; /* the line's usual one */
	struct unit **units;
	size_t n_units, n_streams;
	struct sched sched;
	struct unit *suspect; /* whose answer may still come */
	unsigned drops;       /* connections lost since any answer */
	int64_t reopen_at, reopen_wait;
	bool missing; /* the port is not plugged in */
	struct jobs jobs, behind, pulses;
	unsigned asked; /* steps of asks, in a row */
	bool tracing;
	struct trace trace;
	char said[256]; /* last trouble of the line */
};

void bus_count(struct drv_bus *b, enum stat s, uint64_t n);
uint64_t bus_stat(const struct drv_bus *b, enum stat s);
void bus_set(struct drv_bus *b, enum stat s, uint64_t v);

/* --- event.c --- */

/* event_new makes an event with room for max readings; it copies text.
 * event_post stamps nothing and gives it to the loop. */
struct drv_event *event_new(
    struct drv_bus *b, enum drv_event_kind kind, size_t max, const char *text);
void event_post(struct drv_bus *b, struct drv_event *ev);

/* event_unit tells how u is. */
void event_unit(struct drv_bus *b, const struct unit *u,
    enum drv_event_kind kind, const char *text);

/* event_frame is told by the line of a frame that passed; event_frames tells
 * the loop of the last ones. */
void event_frame(void *bus, char dir, const void *data, size_t len);
void event_frames(struct drv_bus *b);

/* --- roll.c: units that come, go, answer and fall silent --- */

/* roll_failed notes a cycle without any answer, or a probe, or (at_once) that
 * the unit is certainly not there; roll_faulty, that it answers, but only with
 * faults. */
void roll_failed(struct drv_bus *b, struct unit *u, bool at_once);
void roll_faulty(struct drv_bus *b, struct unit *u);

/* roll_begin makes u due at ready, when the line has come up. */
void roll_begin(struct drv_bus *b, struct unit *u, int64_t ready);

struct unit *roll_find(struct drv_bus *b, uint32_t handle);

/* roll_set gives the bus its first units, and roll_call lets its thread know
 * them; roll_apply gives it others (see drv_bus_apply). */
struct roll_change {
	const struct drv_unit *units;
	size_t n;
	const uint32_t *changed; /* handles */
	size_t n_changed;
};
void roll_set(struct drv_bus *b, const struct drv_unit *units, size_t n);
void roll_call(struct drv_bus *b);
void roll_apply(struct drv_bus *b, const struct roll_change *c);
void roll_free(struct drv_bus *b);

/* --- wire.c: the line, up and down --- */

void wire_init(struct drv_bus *b);
void wire_open(struct drv_bus *b);

/* wire_ready makes sure that a line that is up can be asked: a connection that
 * ended while idle is made again.  Errors: ERR_IO, it is down now. */
enum err wire_ready(struct drv_bus *b) MUST_USE;

/* wire_lost handles a line that the other side ended.  OK when it is there
 * again. */
enum err wire_lost(struct drv_bus *b);

/* wire_idle looks after a line on which something happened unasked. */
void wire_idle(struct drv_bus *b);

/* wire_trouble says what is wrong with the line, once. */
void wire_trouble(struct drv_bus *b, const char *text);

/* wire_brought notes that the line has brought an answer. */
void wire_brought(struct drv_bus *b);

/* wire_late counts late answers, and gives the unit they are from more time. */
void wire_late(struct drv_bus *b);

/* --- orders.c --- */

enum order_kind { ORDER_ASK, ORDER_READ_NOW, ORDER_APPLY, ORDER_TRACE };

/* orders_take does what the loop has asked for; call it where units may come
 * and go. */
void orders_take(struct drv_bus *b);
void orders_wake(void *bus);
void orders_free(struct drv_bus *b);

/* --- asks.c --- */

/* asks_add queues a copy of ask; asks_later a job, owned then. */
void asks_add(struct drv_bus *b, const struct drv_ask *ask);
void asks_later(struct drv_bus *b, struct job *j);

/* asks_wait tells whether any can be served at now; behind: of those that wait
 * for a pause.  asks_wake is when one can, or TASK_NEVER. */
bool asks_wait(const struct drv_bus *b, bool behind, int64_t now);
int64_t asks_wake(const struct drv_bus *b);

/* asks_step serves the first that can be. */
void asks_step(struct drv_bus *b, bool behind);

/* asks_answer tells the loop what became of j. */
void asks_answer(
    struct drv_bus *b, const struct job *j, const struct outcome *o);

/* asks_refuse answers all that wait; asks_refuse_unit those for a unit that
 * goes, whose pulses end at once. */
void asks_refuse(struct drv_bus *b, enum err e, const char *why);
void asks_refuse_unit(struct drv_bus *b, uint32_t handle);

/* asks_end ends all pulses at once, connecting anew if it must; asks_free
 * forgets all. */
void asks_end(struct drv_bus *b);
void asks_free(struct drv_bus *b);

/* asks_supersede forgets the end of a pulse of this control; false when there
 * is none, else *with is what it would have ended with. */
bool asks_supersede(
    struct drv_bus *b, uint32_t handle, uint16_t control, struct encoded *with);

/* --- write.c --- */

/* write_step makes one exchange of a write.  True: it was answered and is done
 * with; false: it goes on at j->due. */
bool write_step(struct drv_bus *b, struct job *j);

/* --- turn.c --- */

/* turn_take asks the unit that was chosen, for one block or message. */
void turn_take(struct drv_bus *b, const struct choice *c);

/* turn_hear reads what streams say; turn_watch ends their messages by silence,
 * notes those that fell silent, and returns when to look again. */
void turn_hear(struct drv_bus *b);
int64_t turn_watch(struct drv_bus *b);

/* turn_overhear gives bytes that an ask received to the streams. */
void turn_overhear(struct drv_bus *b, const char *data, size_t n);

#endif
