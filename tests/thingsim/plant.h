/* The plant: buses, the units on them, and what is wrong with each. */
#ifndef THINGSIM_PLANT_H
#define THINGSIM_PLANT_H

#include "common/buf.h"
#include "common/err.h"
#include "config/template.h"
#include "tests/thingsim/fault.h"
#include "tests/thingsim/image.h"
#include "tests/thingsim/line.h"
#include "tests/thingsim/loop.h"
#include "tests/thingsim/vary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct chan;
struct reqlog;
struct rule;

enum { ADDRESSES = 256 };

/* What its registers hold. */
enum unit_values {
	VALUES_FIELDS,      /* what its fields are */
	VALUES_STAMP,       /* stamp.h: where they stand, by their value */
	VALUES_STAMP_COUNT, /* and how many requests came before */
};

/* What a device allows and how fast it is; can be changed as it runs. */
struct limits {
	int64_t min_read, max_read; /* registers in a request; 0: any */
	int64_t max_read_bits;
	int holes;                   /* enum holes */
	int values;                  /* enum unit_values */
	int identify;                /* answers functions 17 and 43 */
	int64_t delay_us, jitter_us; /* between request and answer */
	int64_t baud; /* hears only what a master sends at this; 0: all */
};
enum holes { HOLES_ZERO, HOLES_EXCEPTION };

struct unit {
	char *name;
	struct bus *bus;
	const struct tmpl *tmpl;
	int address;
	struct limits limits;
	bool stamped; /* its registers have been */
	/* values */
	struct image image;  /* Modbus */
	char **texts;        /* text devices: the value of each field */
	char *answer;        /* text devices: the message, %field% replaced */
	struct vary *vary;   /* of each field */
	size_t moving;       /* how many of these move */
	int64_t vary_ns;     /* between two values; 0: at every request */
	int64_t period_ns;   /* streaming: between two messages */
	struct start *start; /* its values when the plant started */
	int64_t start_ns;
	/* faults */
	struct fault fault;  /* as commanded */
	struct fault now;    /* of the request in hand */
	struct rule **rules; /* as scheduled; owned by the plant */
	size_t n_rules, cap_rules;
	struct buf held;       /* FAULT_STALE, FAULT_PAIR: an earlier answer */
	int64_t busy_until_ns; /* one request after the other */
	int64_t dead_until_ns; /* a reboot */
	int64_t noise_ms;
	struct timer noise, stream;
	/* what was seen */
	uint64_t requests, answers, faults, noises;
	struct reqlog *log; /* or NULL; owned by the plant */
};

/* How bytes become requests, by the type of the bus. */
struct proto {
	const char *name;
	bool modbus;
	bool silence;                  /* ends a frame */
	void (*input)(struct chan *c); /* looks at c->in */
};

/* A line as it is set; can be changed as it runs. */
struct bus_limits {
	int64_t baud; /* 0: as fast as it goes */
	int mode;     /* index in the words of its key: 8N1 ... */
	int64_t usb_ms;
	int64_t connections; /* at most */
	int early;           /* enum early */
};
/* A request that comes before the line was silent for its time. */
enum early { EARLY_COUNT, EARLY_IGNORE };

struct bus {
	char *name;
	const struct proto *proto;
	char *listen; /* "host:port", or NULL: a pty */
	char *link;   /* the symlink to the pty, or NULL */
	struct bus_limits limits;
	struct serial_mode serial; /* of limits; baud 0: no pace */
	struct line line;
	int fd;          /* listener; -1: down, or a pty */
	char where[160]; /* "tcp 127.0.0.1:5020", "pty /run/..." */
	char *slave;     /* the name of its pty, now or last */
	struct chan *chans;
	struct unit **units;
	size_t n_units, cap_units;
	struct unit *at[ADDRESSES];
	bool own_speeds; /* one of its units has a baud of its own */
	uint64_t accepted, refused, bytes_in, bytes_out, early_frames;
	struct plant *plant;
};

struct plant {
	struct loop *loop;
	struct bus **buses;
	size_t n_buses, cap_buses;
	struct unit **units;
	size_t n_units, cap_units;
	struct tmpl **templates;
	size_t n_templates, cap_templates;
	struct rule **rules;
	size_t n_rules, cap_rules;
	struct reqlog *logs;
	uint64_t seed;
};

struct plant *plant_new(struct loop *l, uint64_t seed);
void plant_free(struct plant *p);

/* plant_add_bus and plant_add_unit make them, empty; the plant owns them. */
struct bus *plant_add_bus(struct plant *p, const char *name);
struct unit *plant_add_unit(
    struct bus *b, const char *name, const struct tmpl *t, int address);

struct bus *plant_bus(const struct plant *p, const char *name);
struct unit *plant_unit(const struct plant *p, const char *name);

/* plant_at finds the unit of a bus by its address, or returns NULL. */
struct unit *plant_at(const struct bus *b, int address);

/* plant_start opens every bus, keeps the values of the start, and lets the
 * streaming units speak and the schedules begin. */
enum err plant_start(struct plant *p, struct errbuf *eb) MUST_USE;

/* plant_random is a number 0..2^64-1 that depends on the seed, name and n
 * alone: the same plant does the same again. */
uint64_t plant_random(const struct plant *p, const char *name, uint64_t n);

#endif
