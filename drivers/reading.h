/* What a bus thread tells the loop: readings, and how units and lines are. */
#ifndef DRIVERS_READING_H
#define DRIVERS_READING_H

#include "common/err.h"
#include "common/num.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_TEXT_SIZE = 129 };

enum value_type { VALUE_NUM, VALUE_BOOL, VALUE_TEXT, VALUE_WORD };

enum quality {
	QUALITY_MISSING, /* never read, or the device marks it as no value */
	QUALITY_OK,
	QUALITY_STALE, /* older than its max_age */
	QUALITY_ERROR, /* the last attempt failed */
};

struct value {
	enum value_type type;
	struct num num;             /* VALUE_NUM */
	bool on;                    /* VALUE_BOOL */
	char text[VALUE_TEXT_SIZE]; /* VALUE_TEXT, VALUE_WORD: UTF-8 that XML
				       may carry */
};

struct reading {
	uint16_t field;       /* index in the template's fields */
	enum quality quality; /* never STALE here */
	bool impossible;      /* QUALITY_ERROR: a device of the template would
				 not send this */
	struct value value;   /* meaningful when QUALITY_OK */
	const char *why;      /* static text: what is wrong, or NULL */
};

/* A value as it is kept: in a tenth of the room.  Zero-initialised: a 0. */
struct kept {
	union {
		int64_t mant;
		bool on;
		char *text; /* owned */
	};
	uint8_t dec, type; /* enum value_type */
};

/* kept_set replaces k by v, kept_get unpacks it; kept_set with NULL frees.
 * Thread: any. */
void kept_set(struct kept *k, const struct value *v);
void kept_get(const struct kept *k, struct value *out);

enum unit_state { UNIT_UNKNOWN, UNIT_ONLINE, UNIT_SUSPECT, UNIT_OFFLINE };

/* What a unit has done since its bus knows it. */
struct drv_counters {
	uint64_t ok, timeouts, garbled, late, retries, bytes, overruns;
	uint64_t exceptions;
	uint32_t exception[12];          /* by code; 0: every other code */
	uint32_t rtt_p50_us, rtt_p99_us; /* of the last answers; 0: none */
	int64_t ok_utc_ms, bad_utc_ms;   /* of the last; 0: never */
};

enum drv_event_kind {
	DRV_READINGS,  /* of unit */
	DRV_UNIT,      /* unit went to state; text says why */
	DRV_LINE_UP,   /* the line is open */
	DRV_LINE_DOWN, /* it is not; text is a sentence for people */
	DRV_ONCE_DONE, /* each identity field of unit was answered, by a value
			  or by an exception, since the last connection */
	DRV_LEARNED,   /* r[].field: the fields of unit before which a request
			  must end, as the device refuses to read across; all
			  of them, each time */
	DRV_ANSWER,    /* to drv_bus_ask; answer, and of a write r[0], the value
			  read back */
	DRV_TRACE,     /* a frame that passed: text is its direction ('>' sent,
			  '<' received, '!' a remark), then its bytes in hex or
			  the remark */
};

/* What became of a drv_ask. */
struct drv_answer {
	uint64_t token;
	enum err result; /* OK; ERR_TIMEOUT; ERR_PROTO what came was not the
			    answer; ERR_REFUSED an exception; ERR_RANGE not
			    sent, the template forbids the value; ERR_IO the
			    line is down; ERR_NOTFOUND no such unit; ERR_BUSY
			    read back and found otherwise; ERR_UNSUP this
			    line or control cannot */
	uint8_t exception;
	int64_t took_us;
	const char *why; /* or NULL; it ends with the event */
	size_t n;
	uint16_t value[]; /* as of struct mb_answer; or bytes of text */
};

/* A reading in an event: see drv_event_reading. */
struct drv_reading {
	const char *why;
	struct kept value;
	uint16_t field;
	uint8_t quality; /* enum quality */
	bool impossible;
};

struct drv_event {
	enum drv_event_kind kind;
	struct drv_bus *bus;
	uint32_t unit; /* the handle that the loop gave */
	enum unit_state state;
	bool keep;               /* readings that nothing later will repeat */
	int64_t mono_ms, utc_ms; /* when the answer had arrived */
	struct drv_counters counters; /* DRV_READINGS, DRV_UNIT */
	struct drv_answer *answer;    /* DRV_ANSWER; freed with the event */
	const char *text;             /* "" when there is nothing to say */
	size_t n;
	struct drv_reading r[]; /* n of them */
};

/* drv_event_reading unpacks reading i of ev. */
void drv_event_reading(
    const struct drv_event *ev, size_t i, struct reading *out);

/* drv_event_free frees an event that a bus has sent. */
void drv_event_free(void *event);

#endif
