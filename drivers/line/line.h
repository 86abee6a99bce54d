/* A line: how the bytes of a bus travel.  One thread at a time uses it.
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

	/* read is one Modbus transaction.  Errors: ERR_TIMEOUT, ERR_PROTO (what
	 * came is not the answer), ERR_REFUSED (an exception), ERR_IO.  NULL
	 * for lines of text. */
	enum err (*read)(
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

enum { LINE_DOUBTS = 16 };

struct line {
	const struct line_ops *ops;
	const struct cfg_bus *cfg; /* borrowed */
	struct serial_mode mode;   /* of a serial line */
	const atomic_bool *stop;   /* when true, waiting ends early */
	int fd;                    /* -1: closed */
	int lock;                  /* of a serial port: holds it; or -1 */
	void *impl;                /* modbus_t, sp_port, or NULL */
	uint16_t tid;              /* of the last Modbus TCP request */
	unsigned silent;           /* timeouts since any answer */
	bool broken;               /* in the middle of a frame */
	/* RTU: requests that were not answered, and perhaps still will be; a
	 * ring, count 0: none */
	struct mb_request doubt[LINE_DOUBTS];
	size_t n_doubts;      /* ever */
	int unit;             /* that was asked last */
	int64_t last_us;      /* when the last frame ended */
	int64_t gap_ms;       /* of the unit asked; 0: the line's */
	uint64_t late, bytes; /* ever */
};

extern const struct line_ops line_tcp, line_rtu, line_serial, line_none;

/* line_init chooses the kind of line that cfg asks for. */
void line_init(struct line *l, const struct cfg_bus *cfg,
    struct serial_mode mode, const atomic_bool *stop);

/* For lines of text (line_serial).  line_write sends all bytes, char_delay_ms
 * apart; line_recv waits up to wait_ms for bytes.
 * Errors: ERR_TIMEOUT nothing came, ERR_IO. */
enum err line_write(struct line *l, const void *data, size_t len,
    int64_t char_delay_ms) MUST_USE;
enum err line_recv(struct line *l, void *out, size_t size, int64_t wait_ms,
    size_t *n) MUST_USE;

/* What the kinds of line share. */
int64_t line_now_us(void);
int64_t line_char_us(const struct line *l, size_t chars);
void line_gap(struct line *l, int unit);

/* line_wait waits until fd is readable.  Errors: ERR_TIMEOUT; ERR_IO when the
 * line hung up and nothing is left to read. */
enum err line_wait(struct line *l, int64_t ms) MUST_USE;

/* line_settle reads and counts late bytes until quiet_ms have passed without
 * one.  Errors: ERR_IO. */
enum err line_settle(struct line *l, int64_t quiet_ms) MUST_USE;

/* line_flush drops what came unasked, counted as late; returns how much. */
size_t line_flush(struct line *l);

/* line_hangup is the idle of a terminal: ERR_IO once it has hung up. */
enum err line_hangup(struct line *l) MUST_USE;

enum { LINE_REASON = 96 };

/* line_reason puts the operating system's words for errno code into out. */
const char *line_reason(int code, char out[LINE_REASON]);

#endif
