/* A bus with a device for tests, and what is heard of it. */
#ifndef TESTS_FIELD_RIG_H
#define TESTS_FIELD_RIG_H

#include "drivers/bus.h"
#include "field_slave.h"

enum {
	N_FIELDS = 8,
	N_CONTROLS = 8,
	UNITS_MAX = 4,
	BOX = 65536,
	ANSWERS_MAX = 64,
	TEXT_MAX = 300,
	VALUES = 16
};

/* A device of registers, each its own request unless they touch. */
struct device {
	struct field fields[N_FIELDS];
	struct control controls[N_CONTROLS];
	struct poll_class polls[2];
	struct tmpl t;
};

/* n input registers, stride apart, polled each 50 ms. */
void device_init(
    struct device *d, size_t n, unsigned stride, int64_t timeout_ms);

/* What was heard of one unit. */
struct heard {
	unsigned good, bad, wrong, offline, online, suspect, once;
	int64_t last, gap_max; /* of good readings, ms */
	int64_t online_at;     /* mono */
	unsigned by_field[N_FIELDS];
	enum quality quality[N_FIELDS];
	int64_t value[N_FIELDS];
	uint8_t dec[N_FIELDS];
	struct drv_counters counters;
	char text[TEXT_MAX];
	uint16_t learned[N_FIELDS];
	size_t n_learned;
	unsigned learnings;
};

/* An answer to an ask. */
struct heard_answer {
	uint64_t token;
	enum err result;
	uint8_t exception;
	int64_t took_us, at_ms;
	size_t n;
	uint16_t value[VALUES];
	char why[TEXT_MAX];
	bool has_reading;
	struct reading reading;
};

struct rig {
	struct device dev;
	struct cfg_bus cfg;
	struct drv_unit units[UNITS_MAX];
	size_t n_units;
	struct mailbox *box;
	size_t room; /* of the box; 0: plenty */
	struct drv_bus *bus;
	struct slave *slave;
	struct heard heard[UNITS_MAX];
	unsigned up, down;
	bool any_value; /* values are not those of slave_value() */
	char text[TEXT_MAX];
	struct heard_answer answers[ANSWERS_MAX];
	size_t n_answers;
	char trace[ANSWERS_MAX][64];
	size_t n_trace;
};

extern char rig_bus_name[], rig_once[];

/* rig_start starts a bus with units 1 to n_units, all alike. */
void rig_start(struct rig *r, int type, struct slave *slave, size_t n_units);
void rig_stop(struct rig *r);

/* listen_up waits for the line, which is silent at first. */
void listen_up(struct rig *r);

/* listen_for takes what the bus says for ms; listen_until, at most so long,
 * until *count has reached n. */
void listen_for(struct rig *r, int64_t ms);
void listen_until(struct rig *r, int64_t ms, const size_t *count, size_t n);

/* A slave that answers everything. */
void answers_all(struct ask *a, void *arg);

#endif
