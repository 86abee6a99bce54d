/* What a bus thread tells the loop: readings, and how units and lines are. */
#ifndef DRIVERS_READING_H
#define DRIVERS_READING_H

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
	struct value value;   /* meaningful when QUALITY_OK */
	const char *why;      /* static text: what is wrong, or NULL */
};

enum unit_state { UNIT_UNKNOWN, UNIT_ONLINE, UNIT_SUSPECT, UNIT_OFFLINE };

enum drv_event_kind {
	DRV_READINGS,  /* of unit */
	DRV_UNIT,      /* unit went to state; text says why */
	DRV_LINE_UP,   /* the line is open */
	DRV_LINE_DOWN, /* it is not; text is a sentence for people */
	DRV_ONCE_DONE, /* each identity field of unit was answered, by a value
			  or by an exception, since the last connection */
};

struct drv_event {
	enum drv_event_kind kind;
	struct drv_bus *bus;
	uint32_t unit; /* the handle that the loop gave */
	enum unit_state state;
	bool keep;               /* readings that nothing later will repeat */
	int64_t mono_ms, utc_ms; /* when the answer had arrived */
	char text[256];
	size_t n;
	struct reading r[]; /* DRV_READINGS */
};

#endif
