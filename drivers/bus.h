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
#include "drivers/line/pdu.h"
#include "drivers/reading.h"

struct drv_bus;

struct drv_unit {
	uint32_t handle;  /* the loop's name for it, returned in events */
	const char *name; /* node id, for the log */
	int address;
	const struct tmpl *tmpl;
	int64_t poll_ms;         /* 0: the template's */
	const uint16_t *learned; /* fields of an earlier DRV_LEARNED */
	size_t n_learned;
};

struct drv_stats {
	uint64_t requests, timeouts, crc, exceptions, late, reconnects, bytes;
	uint64_t overruns; /* polls that were skipped: the bus was too busy */
	uint64_t busy_ms;  /* spent in transactions */
	uint64_t rtt_us;   /* smoothed */
	bool up;
};

/* drv_bus_start copies line and units (templates are borrowed and must outlive
 * the bus) and starts the thread.  Events go to box as heap struct drv_event,
 * released with drv_event_free(); when it is full the oldest readings that will
 * be read again are dropped, but never a state or what is read once. Thread:
 * loop.  Owns: returns owned.  Never fails: a line that cannot be opened is an
 * event. */
struct drv_bus *drv_bus_start(const struct cfg_bus *line,
    const struct drv_unit *units, size_t n, struct mailbox *box,
    const struct clock *clock);

/* drv_bus_stop asks the thread to end and joins it: within one transfer
 * timeout, or a second more when pulses are to be ended.  To stop many at once,
 * call drv_bus_ask_stop on each first. */
void drv_bus_ask_stop(struct drv_bus *b);
void drv_bus_stop(struct drv_bus *b);

/* drv_bus_apply gives the bus its units anew: those whose handle is not in
 * units[n] end, new ones begin, and those whose handle is in changed[n_changed]
 * begin again with what is given; all others go on and miss nothing.  The
 * templates of those that go on are replaced by the equal ones in units[], so
 * the old ones may be freed when drv_bus_applied() has turned true.
 * Errors: ERR_BUSY, an earlier apply is not done yet.  Thread: loop. */
enum err drv_bus_apply(struct drv_bus *b, const struct drv_unit *units,
    size_t n, const uint32_t *changed, size_t n_changed) MUST_USE;
bool drv_bus_applied(const struct drv_bus *b);

enum drv_ask_kind {
	DRV_ASK_MODBUS, /* one transaction, with any address of the bus */
	DRV_ASK_TEXT,   /* bytes out, bytes back until the line is silent */
	DRV_ASK_WRITE,  /* a control of a unit's template, verified */
};

enum { DRV_ASK_TEXT_MAX = 256, DRV_ASKS_MAX = 32 };

/* Something to do between the polls: before the next of them, in the order it
 * came, but now and then a poll goes between many; or, when behind is set, only
 * when none is due or the polls have had nine times as long as the last one of
 * these took. */
struct drv_ask {
	uint64_t token; /* returned in the answer */
	enum drv_ask_kind kind;
	bool behind;
	int64_t timeout_ms;        /* 0: the line's; a write has the unit's */
	struct serial_mode serial; /* of this one alone; baud 0: the line's */
	/* DRV_ASK_MODBUS */
	uint8_t unit;
	enum mb_function function;
	uint16_t addr, count;
	uint16_t value[MB_WRITE_MAX];
	/* DRV_ASK_TEXT */
	uint8_t text[DRV_ASK_TEXT_MAX];
	size_t n_text;
	/* DRV_ASK_WRITE */
	uint32_t handle;
	uint16_t control; /* index in the template's controls */
	struct value to;  /* a number, a bool, a word or a text */
	int64_t pulse_ms; /* then back to what it was; 0: it stays */
};

/* drv_bus_ask queues a copy; a DRV_ANSWER with the token follows, always, until
 * the bus is stopped.  Errors: ERR_BUSY, the queue is full.  Thread: loop. */
enum err drv_bus_ask(struct drv_bus *b, const struct drv_ask *ask) MUST_USE;

/* drv_bus_trace switches DRV_TRACE events on or off; on begins with the last
 * frames that passed before.  Thread: loop. */
void drv_bus_trace(struct drv_bus *b, bool on);

/* drv_bus_read_now makes every poll of the unit due at once. */
void drv_bus_read_now(struct drv_bus *b, uint32_t handle);

void drv_bus_stats(struct drv_bus *b, struct drv_stats *out);
const char *drv_bus_name(const struct drv_bus *b);

/* drv_refusal says, in static text, what a Modbus exception means. */
const char *drv_refusal(uint8_t exception);

#endif
