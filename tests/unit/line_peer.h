/* The other end of a line, for tests: a thread behind a pty or a TCP port that
 * takes Modbus requests apart and answers them as a test's function tells it.
 * It has frames and a CRC of its own. */
#ifndef TESTS_LINE_PEER_H
#define TESTS_LINE_PEER_H

#include "config/config.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_MAX = 300, PEER_LOG = 64, PEER_UNITS = 8, PEER_REGS = 64 };

enum peer_kind { PEER_PTY, PEER_RTU_TCP, PEER_TCP };

struct peer;

/* Called for each request: unit, function and the rest, without CRC or header.
 * Thread: the peer's. */
typedef void peer_fn(struct peer *p, const uint8_t *rq, size_t n);

struct peer {
	enum peer_kind kind;
	peer_fn *fn;
	unsigned number; /* of requests so far, this one excluded */
	atomic_int fd;   /* where to write */
	uint16_t id;     /* TCP: of this request */
	uint16_t written[PEER_UNITS][PEER_REGS]; /* by functions 5 to 22 */
	bool is_written[PEER_UNITS][PEER_REGS];
	int64_t at_us[PEER_LOG];   /* when each request's first byte came */
	int64_t byte_us[PEER_LOG]; /* when each byte of the first one came */
	atomic_uint requests, connections;
	char name[64]; /* the pty, or 127.0.0.1:PORT */
	void *impl;
	unsigned seed;
};

struct peer *peer_start(enum peer_kind kind, peer_fn *fn);

/* peer_end ends the thread: what it noted may be looked at. */
void peer_end(struct peer *p);
void peer_stop(struct peer *p);

/* peer_bus makes the configuration that leads there; it borrows p->name. */
struct cfg_bus peer_bus(struct peer *p);

/* The value of each register that was not written; of each bit its parity. */
uint16_t peer_value(unsigned unit, unsigned addr);

/* peer_answer makes the right answer, doing what is to be written, and returns
 * its length, again without CRC or header; peer_frame adds these. */
size_t peer_answer(struct peer *p, const uint8_t *rq, uint8_t *out);
size_t peer_frame(
    const struct peer *p, const uint8_t *pdu, size_t n, uint8_t *out);
void peer_put(struct peer *p, const uint8_t *data, size_t n);

/* peer_obey answers as it should. */
peer_fn peer_obey;
unsigned peer_random(struct peer *p, unsigned below);
int64_t peer_now_us(void);
void peer_sleep_us(int64_t us);

#endif
