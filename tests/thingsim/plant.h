/* The plant: buses, the units on them, and what is wrong with each. */
#ifndef THINGSIM_PLANT_H
#define THINGSIM_PLANT_H

#include "common/buf.h"
#include "common/err.h"
#include "config/template.h"
#include "tests/thingsim/fault.h"
#include "tests/thingsim/image.h"
#include "tests/thingsim/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chan;
struct bus;

/* A value that moves between two bounds by itself. */
struct vary {
	bool on;
	struct num lo, hi;
};

struct unit {
	char *name;
	struct bus *bus;
	const struct tmpl *tmpl;
	int address;
	struct image image; /* Modbus */
	char **texts;       /* text devices: the value of each field */
	char *answer;       /* text devices: the message, %field% replaced */
	struct vary *vary;  /* of each field */
	int64_t vary_us;    /* between two values; 0: at every request */
	int64_t vary_tick;
	int64_t period_us; /* streaming: between two messages */
	int64_t max_read;  /* registers in one request */
	bool strict_holes; /* exception 2 instead of zeros */
	struct fault fault;
	int64_t
	    busy_until_us; /* a slow unit answers one request after the other */
	uint64_t requests;
};

/* How bytes become requests, by the type of the bus. */
struct proto {
	const char *name;
	bool modbus;
	void (*input)(struct chan *c); /* looks at c->in */
};

struct bus {
	char *name;
	const struct proto *proto;
	char *listen;        /* "host:port", or NULL: a pty */
	char *link;          /* the symlink to the pty, or NULL */
	int64_t us_per_byte; /* 0: as fast as it goes */
	int fd;              /* listener; -1: down, or a pty */
	char where[160];     /* "tcp 127.0.0.1:5020", "pty /run/..." */
	struct chan *chans;
	struct unit **units;
	size_t n_units, cap_units;
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
	uint64_t seed;
	int64_t start_us;
};

struct plant *plant_new(struct loop *l, uint64_t seed);
void plant_free(struct plant *p);

/* plant_add_bus and plant_add_unit make them, empty; the plant owns them. */
struct bus *plant_add_bus(struct plant *p, const char *name);
struct unit *plant_add_unit(
    struct plant *p, const char *name, const struct tmpl *t, struct bus *b);

struct bus *plant_bus(const struct plant *p, const char *name);
struct unit *plant_unit(const struct plant *p, const char *name);

/* plant_at finds the unit of a bus by its address, or returns NULL. */
struct unit *plant_at(const struct bus *b, int address);

/* plant_start opens every bus and lets the streaming units speak. */
enum err plant_start(struct plant *p, struct errbuf *eb) MUST_USE;

#endif
