/* A line: how the bytes of a bus travel, and Modbus transactions over them. One
 * thread at a time uses it.
 *
 * A line never logs and never reopens itself: it returns a code, and ERR_IO
 * always means that it must be closed and opened again. */
#ifndef DRIVERS_LINE_LINE_H
#define DRIVERS_LINE_LINE_H

#include "common/err.h"
#include "config/config.h"
#include "drivers/line/pdu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line;

struct line_ops {
	/* open makes the line ready, or says in why what is wrong and what to
	 * do about it.  It may block for one connection timeout, and for as
	 * long as the DNS does, but not once the line is to stop. */
	enum err (*open)(struct line *, struct errbuf *why);
	/* close is called even after a failed open. */
	void (*close)(struct line *);

	/* ask is one Modbus transaction.  Errors: ERR_TIMEOUT; ERR_PROTO, what
	 * came is not the answer; ERR_REFUSED, an exception; ERR_RANGE, there
	 * is no such request; ERR_IO.  A write that was sent and not answered
	 * may have been done, or be done later; only reading tells. */
	enum err (*ask)(
	    struct line *, const struct mb_request *, struct mb_answer *);

	/* recover makes sure, after ERR_TIMEOUT or ERR_PROTO, that an answer
	 * still on its way is not taken for the next one's; it may take
	 * several times quiet_ms.  Errors: ERR_IO. */
	enum err (*recover)(struct line *, int64_t quiet_ms);

	/* idle is called when the silent line became readable or broke.
	 * Errors: ERR_IO. */
	enum err (*idle)(struct line *);
	short idle_events; /* for poll(2) while nothing is asked */
};

/* What passes: '>' bytes sent, '<' bytes received, '!' a remark for people, in
 * words.  Called by the thread that uses the line. */
struct line_trace {
	void (*fn)(void *ctx, char direction, const void *data, size_t len);
	void *ctx; /* borrowed; fn NULL: nobody listens */
};

/* An RTU request that was not answered, and perhaps still will be. */
struct line_doubt {
	uint8_t unit;
	uint8_t function;
	uint16_t size; /* of the answer; 0: no doubt */
};

/* Whether the adapter lets us hear what we send. */
enum line_echo { ECHO_UNKNOWN, ECHO_NONE, ECHO_HEARD };

enum { LINE_DOUBTS = 16, LINE_IN = 264 };

struct line {
	const struct line_ops *ops;
	const struct cfg_bus *cfg; /* borrowed */
	struct line_trace trace;   /* set it after line_init */
	struct serial_mode own;    /* of a serial line: after each open */
	struct serial_mode mode;   /* at present */
	const atomic_bool *stop;   /* when true, waiting ends early, */
	int64_t grace_us;          /* but not before this */
	int fd;                    /* -1: closed */
	/* Modbus: what came of the next frame */
	uint8_t in[LINE_IN];
	size_t n_in;
	/* Modbus TCP */
	uint16_t tid;    /* of the last request, on any connection */
	unsigned silent; /* timeouts since any answer */
	bool broken;     /* where frames begin is lost */
	/* Modbus RTU */
	enum line_echo echo;
	bool echo_told;
	struct line_doubt doubt[LINE_DOUBTS]; /* a ring */
	size_t n_doubts;                      /* ever */
	struct line_doubt answered;           /* the last that was */
	uint16_t answered_addr, answered_crc;
	bool doubles;      /* some unit answers twice, the second time late */
	uint8_t twins;     /* equal answers that were looked into for that */
	uint8_t heard[32]; /* a bit a unit: answered since the line is open */
	uint8_t met[256];  /* a unit: reads before its first, to make sure */
	/* all */
	int unit;             /* that was asked last */
	int64_t last_us;      /* when the last byte ended; 0: none yet */
	int64_t gap_ms;       /* of the unit asked; 0: the line's */
	uint64_t late, bytes; /* ever; late answers */
};

extern const struct line_ops line_tcp; /* Modbus TCP */
/* Modbus RTU and text, each in its turn, on a port or over host:port. */
extern const struct line_ops line_port, line_host;

/* line_init chooses the kind of line that cfg asks for. */
void line_init(struct line *l, const struct cfg_bus *cfg,
    struct serial_mode mode, const atomic_bool *stop);

/* line_set_mode changes the speed and format of an open serial port; of
 * host:port it does nothing.  The next open begins with the line's own again.
 * Errors: ERR_CONFIG, the port cannot do that; ERR_IO. */
enum err line_set_mode(struct line *l, struct serial_mode mode) MUST_USE;

/* line_there tells at little cost whether opening is worth while: a port's path
 * leads somewhere. */
bool line_there(const struct line *l);

/* line_high moves a descriptor to 1024 or higher where the process may have
 * that many: libraries that wait with select(2) need the low ones. */
int line_high(int fd);

/* Text, on any line but modbus-tcp.  line_write sends all bytes, char_delay_ms
 * (0: the line's) apart; line_recv waits up to wait_ms for bytes.
 * Errors: ERR_TIMEOUT nothing came, ERR_IO. */
enum err line_write(struct line *l, const void *data, size_t len,
    int64_t char_delay_ms) MUST_USE;
enum err line_recv(struct line *l, void *out, size_t size, int64_t wait_ms,
    size_t *n) MUST_USE;

/* line_gap waits until the line has been silent for as long as a request to
 * unit needs. */
void line_gap(struct line *l, int unit);

/* line_flush drops what came unasked; returns how much. */
size_t line_flush(struct line *l);

/* line_stopped tells whether what waits should give up; line_sleep sleeps until
 * a time, unless that comes first. */
bool line_stopped(const struct line *l);
void line_sleep(const struct line *l, int64_t until_us);

int64_t line_now_us(void);
int64_t line_char_us(const struct line *l, size_t chars);

/* --- for the files of this folder --- */

/* line_wait waits until fd is readable.  Errors: ERR_TIMEOUT; ERR_IO when the
 * line hung up and nothing is left to read. */
enum err line_wait(struct line *l, int64_t until_us) MUST_USE;

/* line_read takes what is there, perhaps nothing.  Errors: ERR_IO. */
enum err line_read(struct line *l, void *out, size_t size, size_t *n) MUST_USE;

/* line_fill waits like line_wait and adds what came to l->in; line_drop takes
 * the first n bytes out of it. */
enum err line_fill(struct line *l, int64_t until_us) MUST_USE;
void line_drop(struct line *l, size_t n);

/* line_settle reads and counts late bytes until quiet_ms have passed without
 * one.  Errors: ERR_IO. */
enum err line_settle(struct line *l, int64_t quiet_ms) MUST_USE;

void line_tell(
    const struct line *l, char direction, const void *data, size_t n);
void line_remark(const struct line *l, const char *text);

enum { LINE_REASON = 96 };

/* line_reason puts the operating system's words for errno code into out. */
const char *line_reason(int code, char out[LINE_REASON]);

#endif
