#include "drivers/line/line.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	US = 1000,            /* in a ms */
	CHARS_GAP_HALVES = 7, /* 3.5 characters of silence end an RTU frame */
	FAST_BAUD = 19200,    /* above it the silence is a constant */
	FAST_GAP_US = 1750,   /* Modbus over serial line 1.02, 2.5.1.1 */
	SLICE_MS = 100,       /* how long a wait is deaf to stop */
	SETTLE_ROUNDS = 4,    /* a line that never falls silent is noise */
};

static enum err
none_open(struct line *l, struct errbuf *why)
{
	return errbuf_set(why, ERR_UNSUP,
	    "bus %s: this kind of line is not supported yet; use modbus-tcp, "
	    "modbus-rtu or serial on a local port",
	    l->cfg->name);
}

static void
none_close(struct line *l)
{
	l->fd = -1;
}

static enum err
none_recover(struct line *l, int64_t quiet_ms)
{
	(void)l;
	(void)quiet_ms;
	return OK;
}

static enum err
none_idle(struct line *l)
{
	(void)l;
	return OK;
}

const struct line_ops line_none = {
	.open = none_open,
	.close = none_close,
	.recover = none_recover,
	.idle = none_idle,
};

void
line_init(struct line *l, const struct cfg_bus *cfg, struct serial_mode mode,
    const atomic_bool *stop)
{
	static const struct line_ops *const kinds[] = {
		[BUS_MODBUS_TCP] = &line_tcp,
		[BUS_MODBUS_RTU] = &line_rtu,
		[BUS_MODBUS_RTU_TCP] = &line_none,
		[BUS_SERIAL] = &line_serial,
	};

	memset(l, 0, sizeof(*l));
	l->ops = kinds[cfg->type];
	if (cfg->type == BUS_SERIAL && !cfg->port)
		l->ops = &line_none;
	l->cfg = cfg;
	l->mode = mode;
	l->stop = stop;
	l->fd = -1;
	l->lock = -1;
	l->unit = -1;
}

int64_t
line_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
line_char_us(const struct line *l, size_t chars)
{
	int bits = 1 + l->mode.bits + l->mode.stop + (l->mode.parity != 'N');

	if (l->mode.baud <= 0)
		return 0;
	return (int64_t)chars * bits * 1000000 / l->mode.baud;
}

/* How long the line must have been silent before a request to unit. */
static int64_t
gap_us(const struct line *l, int unit)
{
	int64_t gap = l->cfg->gap_ms ? l->cfg->gap_ms * US : l->gap_ms * US;

	if (gap == 0 && l->cfg->type == BUS_MODBUS_RTU)
		gap = l->mode.baud > FAST_BAUD
		    ? FAST_GAP_US
		    : line_char_us(l, CHARS_GAP_HALVES) / 2;
	if (l->unit >= 0 && unit != l->unit && l->cfg->unit_gap_ms * US > gap)
		gap = l->cfg->unit_gap_ms * US;
	return gap;
}

void
line_gap(struct line *l, int unit)
{
	int64_t left = l->last_us + gap_us(l, unit) - line_now_us();
	struct timespec t = { left / 1000000, left % 1000000 * 1000 };

	l->unit = unit;
	if (l->last_us != 0 && left > 0)
		nanosleep(&t, NULL);
}

static bool
readable(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

enum err
line_wait(struct line *l, int64_t ms)
{
	struct pollfd p = { l->fd, POLLIN, 0 };
	int64_t end = line_now_us() + ms * US;

	for (;;) {
		int64_t left = (end - line_now_us() + US - 1) / US;
		int64_t slice = left < SLICE_MS ? left : SLICE_MS;
		int rc = poll(&p, 1, (int)(slice > 0 ? slice : 0));

		if (rc < 0 && errno != EINTR)
			return ERR_IO;
		if (rc > 0 && (p.revents & POLLIN))
			return OK;
		if (rc > 0) /* hung up; what came before it still counts */
			return readable(l->fd) ? OK : ERR_IO;
		if (left <= 0 || atomic_load(l->stop))
			return ERR_TIMEOUT;
	}
}

enum err
line_settle(struct line *l, int64_t quiet_ms)
{
	int64_t now = line_now_us(), quiet = quiet_ms * US;
	int64_t until = now + quiet, end = now + SETTLE_ROUNDS * quiet;
	char buf[256];

	while (now < until && now < end && !atomic_load(l->stop)) {
		enum err e = line_wait(l, (until - now + US - 1) / US);
		ssize_t n = 0;

		if (e == ERR_IO)
			return e;
		if (e == OK)
			n = read(l->fd, buf, sizeof(buf));
		if (e == OK && (n == 0 || (n < 0 && errno != EAGAIN)))
			return ERR_IO;
		now = line_now_us();
		if (n > 0) {
			l->late += (uint64_t)n;
			until = now + quiet;
		}
	}
	line_flush(l);
	return OK;
}

size_t
line_flush(struct line *l)
{
	int n = 0;

	if (ioctl(l->fd, FIONREAD, &n) != 0 || n <= 0)
		return 0;
	tcflush(l->fd, TCIFLUSH);
	l->late += (uint64_t)n;
	return (size_t)n;
}

enum err
line_hangup(struct line *l)
{
	struct pollfd p = { l->fd, 0, 0 };

	return poll(&p, 1, 0) > 0 ? ERR_IO : OK;
}

const char *
line_reason(int code, char out[LINE_REASON])
{
	if (strerror_r(code, out, LINE_REASON) != 0)
		snprintf(out, LINE_REASON, "error %d", code);
	return out;
}
