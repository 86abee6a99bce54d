#include "drivers/line/line.h"

#include "drivers/line/port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	US = 1000,            /* in a ms */
	SECOND_US = 1000000,  /* in a s */
	CHARS_GAP_HALVES = 7, /* 3.5 characters of silence end an RTU frame */
	FAST_BAUD = 19200,    /* above it the silence is a constant */
	FAST_GAP_US = 1750,   /* Modbus over serial line 1.02, 2.5.1.1 */
	SLICE_US = 100000,    /* how long a wait is deaf to stop */
	SETTLE_ROUNDS = 4,    /* a line that never falls silent is noise */
	HIGH = 1024,          /* FD_SETSIZE */
	FLUSH_MAX = 65536,
};

void
line_init(struct line *l, const struct cfg_bus *cfg, struct serial_mode mode,
    const atomic_bool *stop)
{
	memset(l, 0, sizeof(*l));
	l->ops = cfg->port ? &line_port : &line_host;
	if (cfg->type == BUS_MODBUS_TCP)
		l->ops = &line_tcp;
	l->cfg = cfg;
	l->own = mode;
	l->mode = mode;
	l->stop = stop;
	l->fd = -1;
	l->unit = -1;
	/* not where one that ended a moment ago has begun: what it asked may be
	 * answered on this one's connection */
	l->tid = (uint16_t)(line_now_us() / US);
}

int64_t
line_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

int64_t
line_char_us(const struct line *l, size_t chars)
{
	int bits = 1 + l->mode.bits + l->mode.stop + (l->mode.parity != 'N');

	if (l->mode.baud <= 0)
		return 0;
	return (int64_t)chars * bits * SECOND_US / l->mode.baud;
}

void
line_tell(const struct line *l, char direction, const void *data, size_t n)
{
	if (l->trace.fn && n > 0)
		l->trace.fn(l->trace.ctx, direction, data, n);
}

void
line_remark(const struct line *l, const char *text)
{
	line_tell(l, '!', text, strlen(text));
}

/* How long the line must have been silent before a request to unit. */
static int64_t
gap_us(const struct line *l, int unit)
{
	int64_t gap = l->cfg->gap_ms ? l->cfg->gap_ms * US : l->gap_ms * US;

	if (gap == 0 &&
	    (l->cfg->type == BUS_MODBUS_RTU ||
		l->cfg->type == BUS_MODBUS_RTU_TCP))
		gap = l->mode.baud > FAST_BAUD
		    ? FAST_GAP_US
		    : line_char_us(l, CHARS_GAP_HALVES) / 2;
	if (l->unit >= 0 && unit != l->unit && l->cfg->unit_gap_ms * US > gap)
		gap = l->cfg->unit_gap_ms * US;
	return gap;
}

bool
line_stopped(const struct line *l)
{
	return atomic_load(l->stop) && line_now_us() >= l->grace_us;
}

void
line_sleep(const struct line *l, int64_t until_us)
{
	int64_t now = line_now_us();

	while (now < until_us && !line_stopped(l)) {
		int64_t to =
		    until_us - now < SLICE_US ? until_us : now + SLICE_US;
		struct timespec t = { to / SECOND_US,
			(long)(to % SECOND_US * 1000) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		now = line_now_us();
	}
}

void
line_gap(struct line *l, int unit)
{
	int64_t gap = gap_us(l, unit);

	l->unit = unit;
	if (l->last_us != 0 && gap > 0)
		line_sleep(l, l->last_us + gap);
}

/* A poll that hung up or failed; what came before still counts. */
static enum err
hung_up(const struct pollfd *p)
{
	return p->revents & POLLIN ? OK : ERR_IO;
}

enum err
line_wait(struct line *l, int64_t until_us)
{
	struct pollfd p = { l->fd, POLLIN, 0 };

	for (;;) {
		int64_t left = until_us - line_now_us();
		int64_t slice = left < SLICE_US ? left : SLICE_US;
		int rc;

		if (slice < 0)
			slice = 0;
		rc = poll(&p, 1, (int)((slice + US - 1) / US));
		if (rc < 0 && errno != EINTR)
			return ERR_IO;
		if (rc > 0)
			return hung_up(&p);
		if (left <= 0 || line_stopped(l))
			return ERR_TIMEOUT;
	}
}

/* Nothing to read is not the end, but 0 bytes are: of a terminal that hung up,
 * and of a connection that the other side ended. */
enum err
line_read(struct line *l, void *out, size_t size, size_t *n)
{
	ssize_t got = read(l->fd, out, size);

	*n = got > 0 ? (size_t)got : 0;
	l->bytes += *n;
	if (got > 0)
		l->last_us = line_now_us();
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return ERR_IO;
	return OK;
}

enum err
line_fill(struct line *l, int64_t until_us)
{
	size_t n = 0;
	enum err e = line_wait(l, until_us);

	if (e == OK)
		e = line_read(l, l->in + l->n_in, LINE_IN - l->n_in, &n);
	l->n_in += n;
	return e;
}

void
line_drop(struct line *l, size_t n)
{
	l->n_in -= n;
	memmove(l->in, l->in + n, l->n_in);
}

enum err
line_settle(struct line *l, int64_t quiet_ms)
{
	int64_t now = line_now_us(), quiet = quiet_ms * US;
	int64_t until = now + quiet, end = now + SETTLE_ROUNDS * quiet;
	bool any = false;

	while (now < until && now < end && !line_stopped(l)) {
		enum err e = line_wait(l, until);
		char buf[256];
		size_t n = 0;

		if (e == OK)
			e = line_read(l, buf, sizeof(buf), &n);
		if (e == ERR_IO)
			return e;
		line_tell(l, '<', buf, n);
		now = line_now_us();
		if (n > 0)
			until = now + quiet;
		any = any || n > 0;
	}
	l->late += any;
	if (any)
		line_remark(l, "it came late, or unasked");
	return OK;
}

size_t
line_flush(struct line *l)
{
	size_t all = 0, n = 0;
	char buf[256];

	while (all < FLUSH_MAX && line_read(l, buf, sizeof(buf), &n) == OK &&
	    n > 0) {
		line_tell(l, '<', buf, n);
		all += n;
	}
	l->late += all > 0;
	if (all > 0)
		line_remark(l, "it came late, or unasked");
	return all;
}

enum err
line_recv(struct line *l, void *out, size_t size, int64_t wait_ms, size_t *n)
{
	enum err e = line_wait(l, line_now_us() + wait_ms * US);

	*n = 0;
	if (e == OK)
		e = line_read(l, out, size, n);
	line_tell(l, '<', out, *n);
	return e;
}

static void
remark_mode(const struct line *l)
{
	const struct serial_mode *m = &l->mode;
	char text[48];

	snprintf(text, sizeof(text), "the line is at %d %d%c%d", m->baud,
	    m->bits, m->parity, m->stop);
	line_remark(l, text);
}

enum err
line_set_mode(struct line *l, struct serial_mode mode)
{
	enum err e;

	if (!l->cfg->port || serial_mode_equal(&l->mode, &mode))
		return OK;
	e = port_setup(l->fd, mode);
	if (e == OK) {
		l->mode = mode;
		remark_mode(l);
	} else if (port_setup(l->fd, l->mode) != OK) /* half of it was done */
		e = ERR_IO;
	return e;
}

bool
line_there(const struct line *l)
{
	return !l->cfg->port || access(l->cfg->port, F_OK) == 0;
}

int
line_high(int fd)
{
	int high = fd < HIGH ? fcntl(fd, F_DUPFD_CLOEXEC, HIGH) : -1;

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

const char *
line_reason(int code, char out[LINE_REASON])
{
	if (strerror_r(code, out, LINE_REASON) != 0)
		snprintf(out, LINE_REASON, "error %d", code);
	return out;
}
