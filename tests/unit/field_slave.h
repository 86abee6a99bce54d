/* Field devices for tests: a thread that answers Modbus requests on a pty or
 * a TCP port as a test's function tells it.  It has a CRC of its own. */
#ifndef TESTS_FIELD_SLAVE_H
#define TESTS_FIELD_SLAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLAVE_REGS = 256, SLAVE_DATA = 264 };

/* A request, and how it is to be answered. */
struct ask {
	uint8_t unit, function;
	uint16_t addr, count;
	unsigned number;   /* of the requests so far, from 0 */
	int delay_ms;      /* -1: silence */
	uint8_t exception; /* 0: values */
	bool garble;       /* spoil the checksum (RTU) */
	bool hang_up;      /* TCP: close instead */
	int idle_ms;       /* TCP: close when silent so long; 0: never */
	uint8_t as_unit;   /* the unit that the answer names */
	uint16_t first;    /* the register that is answered first */
	/* writes */
	uint16_t value; /* of 5 and 6; the first of 15 and 16; 22: AND mask */
	uint16_t or ;   /* 22 */
	bool ignore;    /* answer, but do not do it */
	int64_t at_us;  /* when it was whole */
};

struct slave;
typedef void slave_fn(struct ask *a, void *arg);

/* The value of each register. */
static inline uint16_t
slave_value(uint8_t unit, uint16_t addr)
{
	return (uint16_t)(unit * 1000 + addr);
}

/* slave_stored is what was written to a register of the slave, of any unit, or
 * the register's value.  slave_store writes it. */
uint16_t slave_stored(struct slave *s, uint8_t unit, uint16_t addr);
void slave_store(struct slave *s, uint16_t addr, uint16_t v);

struct slave *slave_pty(slave_fn *fn, void *arg);
struct slave *slave_tcp(slave_fn *fn, void *arg);
const char *slave_path(const struct slave *s); /* the pty, or 127.0.0.1:PORT */
void slave_stop(struct slave *s);

/* What a text device does with bytes: writes to fd. */
typedef void slave_text_fn(int fd, const char *data, size_t n, void *arg);
struct slave *slave_text(slave_text_fn *fn, void *arg);
int slave_fd(const struct slave *s); /* the master side */

#endif
