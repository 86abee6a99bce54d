#include "tests/thingsim/setup_keys.h"

#include "tests/thingsim/text.h"
#include "tests/thingsim/wire.h"

#include <string.h>

#define BUS(member) offsetof(struct bus_keys, member)
#define UNIT(member) offsetof(struct unit_keys, member)
#define MODES "8N1|8E1|8O1|8N2|8E2|8O2|7N1|7E1|7O1|7N2|7E2|7O2"
enum { MODE_LEN = 3 };

const struct proto setup_protos[] = {
	{ "modbus-tcp", true, false, wire_tcp_input },
	{ "modbus-rtu", true, true, wire_rtu_input },
	{ "modbus-rtu-tcp", true, true, wire_rtu_input },
	{ "serial", false, false, text_input },
};
#define TYPES "modbus-tcp|modbus-rtu|modbus-rtu-tcp|serial"

const char *
setup_mode(int index)
{
	return &MODES[(size_t)index * (MODE_LEN + 1)];
}

/* clang-format off */
#define BUS_LIMITS \
	{ .name = "baud", .type = KEY_INT, .offset = BUS(limits.baud), \
	    .max = 4000000, \
	    .help = "a request has come and an answer gone no sooner than " \
		    "this speed allows; 0: at once" }, \
	{ .name = "mode", .type = KEY_ENUM, .offset = BUS(limits.mode), \
	    .words = MODES, .def = "8N1", \
	    .help = "bits of a character" }, \
	{ .name = "early", .type = KEY_ENUM, .offset = BUS(limits.early), \
	    .words = "count|ignore", .def = "count", \
	    .help = "with baud: what becomes of a Modbus request less than " \
		    "3.5 characters after the last frame" }, \
	{ .name = "usb_latency", .type = KEY_DURATION, \
	    .offset = BUS(limits.usb_ms), .max = 255, .def = "0", \
	    .help = "an adapter hands over what has come in at these steps, " \
		    "or 62 bytes" }, \
	{ .name = "connections", .type = KEY_INT, \
	    .offset = BUS(limits.connections), .min = 1, .max = 1000, \
	    .def = "64", \
	    .help = "TCP: at most; more are closed at once" }

#define UNIT_LIMITS \
	{ .name = "values", .type = KEY_ENUM, .offset = UNIT(limits.values), \
	    .def = "fields", .words = "fields|stamp|stamp-count", \
	    .help = "stamp: every register tells its unit and address " \
		    "(stamp.h); stamp-count: and how many requests came " \
		    "before" }, \
	{ .name = "holes", .type = KEY_ENUM, .offset = UNIT(limits.holes), \
	    .def = "zero", .words = "zero|exception", \
	    .help = "what it reads between its registers" }, \
	{ .name = "min_read", .type = KEY_INT, \
	    .offset = UNIT(limits.min_read), .def = "-1", .min = -1, \
	    .max = 125, \
	    .help = "registers in a request; -1: the template's" }, \
	{ .name = "max_read", .type = KEY_INT, \
	    .offset = UNIT(limits.max_read), .def = "-1", .min = -1, \
	    .max = 125, \
	    .help = "registers in a request; -1: the template's, 0: any" }, \
	{ .name = "max_read_bits", .type = KEY_INT, \
	    .offset = UNIT(limits.max_read_bits), .def = "-1", .min = -1, \
	    .max = 2000, \
	    .help = "coils in a request; -1: the template's, 0: any" }, \
	{ .name = "identify", .type = KEY_ENUM, \
	    .offset = UNIT(limits.identify), .def = "yes", \
	    .words = "no|yes", \
	    .help = "Modbus: answers functions 17 and 43/14" }, \
	{ .name = "delay", .type = KEY_MICROS, \
	    .offset = UNIT(limits.delay_us), .max = 600000000, .def = "0", \
	    .help = "what it takes to answer" }, \
	{ .name = "jitter", .type = KEY_MICROS, \
	    .offset = UNIT(limits.jitter_us), .max = 600000000, .def = "0", \
	    .help = "so much more at most, by the seed" }, \
	{ .name = "speed", .type = KEY_INT, .offset = UNIT(limits.baud), \
	    .max = 4000000, \
	    .help = "pty: it hears only what a master sends at this baud " \
		    "rate, and answers at it; 0: at any" }

#define UNIT_KEYS \
	{ .name = "bus", .type = KEY_TEXT, .offset = UNIT(bus), \
	    .required = true, .help = "the bus it is on" }, \
	{ .name = "template", .type = KEY_TEXT, \
	    .offset = UNIT(template_id), .required = true, \
	    .help = "id of its device template" }, \
	{ .name = "address", .type = KEY_INT, .offset = UNIT(address), \
	    .def = "1", .min = 0, .max = 255, .help = "its address" }, \
	{ .name = "answer", .type = KEY_TEXT, .offset = UNIT(answer), \
	    .help = "text: what it says, %FIELD% replaced, %% for %; else " \
		    "as the template reads it" }, \
	{ .name = "period", .type = KEY_DURATION, \
	    .offset = UNIT(period_ms), .def = "1s", .min = 10, \
	    .max = 3600000, .help = "text stream: between two messages" }, \
	{ .name = "vary_period", .type = KEY_DURATION, \
	    .offset = UNIT(vary_ms), .def = "1s", .max = 3600000, \
	    .help = "between two values of vary.FIELD; 0: at each " \
		    "request" }, \
	{ .name = "fault", .type = KEY_TEXT, .offset = UNIT(fault), \
	    .help = "wrong from the start, as in the control command" }, \
	UNIT_LIMITS
/* clang-format on */

static const struct key bus_table[] = {
	{ .name = "type",
	    .type = KEY_ENUM,
	    .offset = BUS(type),
	    .words = TYPES,
	    .required = true,
	    .help = "what is spoken; serial is text" },
	{ .name = "listen",
	    .type = KEY_TEXT,
	    .offset = BUS(listen),
	    .help = "ADDRESS:PORT of a TCP socket; port 0: any free one" },
	{ .name = "link",
	    .type = KEY_TEXT,
	    .offset = BUS(link),
	    .help = "without listen: where to put a link to the pty" },
	BUS_LIMITS,
	{ .name = NULL },
};

static const struct key unit_table[] = {
	UNIT_KEYS,
	{ .name = NULL },
};

static const struct key units_table[] = {
	UNIT_KEYS,
	{ .name = "count",
	    .type = KEY_INT,
	    .offset = UNIT(count),
	    .required = true,
	    .min = 1,
	    .max = 256,
	    .help = "how many, at addresses that follow one another" },
	{ .name = NULL },
};

static const struct key unit_limits[] = {
	UNIT_LIMITS,
	{ .name = NULL },
};

static const struct key bus_limits[] = {
	BUS_LIMITS,
	{ .name = NULL },
};

#define WILD KEY_VALUE "|" KEY_VARY "|" KEY_RAMP "|" KEY_SCHEDULE
#define WILD_HELP                                                         \
	"value.FIELD = what it has at first; vary.FIELD = MIN..MAX, in "  \
	"which it moves; ramp.FIELD = FROM STEP [PERIOD], what it adds "  \
	"at each request or period; schedule.NAME = WHEN FAULT, see the " \
	"end"

const struct section setup_sections[SECTIONS] = {
	[SECTION_BUS] = { .name = "bus",
	    .named = true,
	    .keys = bus_table,
	    .wild = KEY_SCHEDULE,
	    .wild_help = "schedule.NAME = WHEN FAULT, see the end",
	    .size = sizeof(struct bus_keys),
	    .help = "A TCP endpoint or a serial line." },
	[SECTION_UNIT] = { .name = "unit",
	    .named = true,
	    .keys = unit_table,
	    .wild = WILD,
	    .wild_help = WILD_HELP,
	    .size = sizeof(struct unit_keys),
	    .help = "A device." },
	[SECTION_UNITS] = { .name = "units",
	    .named = true,
	    .keys = units_table,
	    .wild = WILD,
	    .wild_help = WILD_HELP,
	    .size = sizeof(struct unit_keys),
	    .help = "Many devices: NAME1, NAME2 ..." },
};

const struct section tune_unit_keys = {
	.name = "tune",
	.keys = unit_limits,
	.size = sizeof(struct limits),
};

const struct section tune_bus_keys = {
	.name = "tune",
	.keys = bus_limits,
	.size = sizeof(struct bus_limits),
};
