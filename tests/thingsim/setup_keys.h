/* The keys of the plant's file. */
#ifndef THINGSIM_SETUP_KEYS_H
#define THINGSIM_SETUP_KEYS_H

#include "config/keys.h"
#include "tests/thingsim/plant.h"

struct bus_keys {
	struct bus_limits limits; /* first: tune_bus_keys fill it alone */
	int type;                 /* index of its proto */
	char *listen, *link;
};

struct unit_keys {
	struct limits limits; /* first: tune_unit_keys fill it alone */
	char *bus, *template_id, *answer, *fault;
	int64_t address, count, period_ms, vary_ms;
};

/* Keys whose rest is free. */
#define KEY_VALUE "value."
#define KEY_VARY "vary."
#define KEY_RAMP "ramp."
#define KEY_SCHEDULE "schedule."

enum { SECTION_BUS, SECTION_UNIT, SECTION_UNITS, SECTIONS };
extern const struct section setup_sections[SECTIONS];

/* What can be changed as it runs, of a unit and of a bus. */
extern const struct section tune_unit_keys, tune_bus_keys;

/* setup_protos are what a bus's type can be; setup_mode is the mode that the
 * index in limits stands for. */
extern const struct proto setup_protos[];
const char *setup_mode(int index);

#endif
