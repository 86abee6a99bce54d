/* Inside the probe: probe.c has its course and its end, probe_plans.c what it
 * asks.  Thread: loop. */
#ifndef GATEWAY_PROBE_IMPL_H
#define GATEWAY_PROBE_IMPL_H

#include "drivers/bus.h"
#include "gateway/cmd.h"
#include "gateway/inquiry.h"

#include <uv.h>

struct probe;

/* What to do next; each asks one thing, or returns false when it is through. */
struct probe_plan {
	bool (*ask)(struct probe *p, enum err *e);
	void (*answered)(struct probe *p, const struct drv_answer *a);
};

struct probe {
	struct job job;
	struct gateway *gw;
	char *bus;
	int type; /* enum cfg_bus_type */
	uint8_t address;
	const struct probe_plan *plan;
	json_t *frames, *readings;
	bool heard; /* the last request was this device's */
	int64_t began_mono;
	/* what has come */
	unsigned ok, silent, garbled;
	uint8_t exception;
	char *hint;
	/* a template, or the one field of where and type */
	struct tmpl *tmpl;
	char *line;            /* `where type` as given */
	bool typed;            /* the type was given too */
	struct reading *field; /* of each */
	int64_t *field_utc;
	int8_t *sf;
	size_t *order; /* in which fields are read: scale factors first */
	size_t i;
	uint16_t count;
	/* neither */
	struct guesses guesses;
	struct inquiry *inquiry;
	struct findings found;
	uv_timer_t starter;
};

/* By each field of a template; by a text template's request; by one place; by
 * the beginning of each table; and, when nobody answers, by other speeds. */
extern const struct probe_plan probe_by_fields, probe_by_text, probe_by_where,
    probe_by_tables, probe_by_speed;

enum { PROBE_RANGE = 4 /* registers that are read when they are there */ };

/* probe_answered is what a plan's asks call; arg is the probe. */
void probe_answered(
    void *arg, const struct drv_answer *a, const struct reading *back);

/* probe_speed is the serial setting that is tried instead of the line's, or
 * NULL. */
const struct serial_mode *probe_speed(const struct probe *p);

/* It was asked, and nothing came. */
bool probe_is_silent(const struct probe *p);

#endif
