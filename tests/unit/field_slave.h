/* Field devices for tests: a thread that answers Modbus requests on a pty or
 * a TCP port as a test's function tells it.  It has a CRC of its own. */
#ifndef TESTS_FIELD_SLAVE_H
#define TESTS_FIELD_SLAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
};

struct slave;
typedef void slave_fn(struct ask *a, void *arg);

/* The value of each register. */
static inline uint16_t
slave_value(uint8_t unit, uint16_t addr)
{
	return (uint16_t)(unit * 1000 + addr);
}

struct slave *slave_pty(slave_fn *fn, void *arg);
struct slave *slave_tcp(slave_fn *fn, void *arg);
const char *slave_path(const struct slave *s); /* the pty, or 127.0.0.1:PORT */
void slave_stop(struct slave *s);

/* What a text device does with bytes: writes to fd. */
typedef void slave_text_fn(int fd, const char *data, size_t n, void *arg);
struct slave *slave_text(slave_text_fn *fn, void *arg);
int slave_fd(const struct slave *s); /* the master side */

#endif
