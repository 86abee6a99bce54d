/* Bytes on a serial port or over host:port: for text, and for RTU frames. */
#include "drivers/line/serial.h"

#include "drivers/line/connect.h"
#include "drivers/line/port.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { WRITE_MS = 1000, US = 1000 };

/* Doubts stay: what was asked before may be answered now. */
static void
start_anew(struct line *l)
{
	l->mode = l->own;
	l->echo = ECHO_UNKNOWN;
	l->echo_told = false;
	l->n_in = 0;
	l->answered.size = 0;
	l->doubles = false;
	l->twins = 0;
	memset(l->heard, 0, sizeof(l->heard));
	memset(l->met, 0, sizeof(l->met));
}

static enum err
port_line_open(struct line *l, struct errbuf *why)
{
	start_anew(l);
	return port_open(l->cfg, l->mode, &l->fd, why);
}

static void
port_line_close(struct line *l)
{
	port_close(&l->fd);
}

static enum err
host_line_open(struct line *l, struct errbuf *why)
{
	start_anew(l);
	return connect_open(l, why);
}

/* Something came that was not asked for, or the line broke. */
static enum err
idle(struct line *l)
{
	enum err e = line_wait(l, 0);
	char buf[256];
	size_t n = 0;

	if (e == OK)
		e = line_read(l, buf, sizeof(buf), &n);
	if (n > 0) {
		line_tell(l, '<', buf, n);
		line_remark(l, "it came late, or unasked");
		l->late++;
		serial_unasked(l);
	}
	return e == ERR_IO ? e : OK;
}

static ssize_t
write_some(const struct line *l, const void *data, size_t len)
{
	return l->cfg->port ? write(l->fd, data, len)
			    : send(l->fd, data, len, MSG_NOSIGNAL);
}

static enum err
put(struct line *l, const uint8_t *data, size_t len)
{
	while (len && !line_stopped(l)) {
		struct pollfd p = { l->fd, POLLOUT, 0 };
		ssize_t n = write_some(l, data, len);

		if (n > 0) {
			l->bytes += (uint64_t)n;
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return ERR_IO;
		if (poll(&p, 1, WRITE_MS) <= 0 || !(p.revents & POLLOUT))
			return ERR_IO;
	}
	return OK;
}

/* Each character begins a pause after the one before has ended. */
static enum err
put_slowly(struct line *l, const uint8_t *data, size_t len, int64_t pause_us)
{
	int64_t at = line_now_us();
	enum err e = OK;

	for (size_t i = 0; i < len && e == OK && !line_stopped(l); i++) {
		line_sleep(l, at);
		e = put(l, data + i, 1);
		at = line_now_us() + line_char_us(l, 1) + pause_us;
	}
	return e;
}

static bool
by_rts(const struct cfg_bus *cfg)
{
	return cfg->port &&
	    (cfg->rs485 == CFG_RS485_RTS_UP ||
		cfg->rs485 == CFG_RS485_RTS_DOWN);
}

/* Switches the transmitter on and off around what put sends. */
static enum err
put_by_rts(struct line *l, const uint8_t *data, size_t len, int64_t pause_us)
{
	enum err e = port_talk(l->fd, l->cfg, true);

	line_sleep(l, line_now_us() + l->cfg->rts_before_us);
	if (e == OK)
		e = pause_us ? put_slowly(l, data, len, pause_us)
			     : put(l, data, len);
	if (e == OK && tcdrain(l->fd) != 0)
		e = ERR_IO;
	line_sleep(l, line_now_us() + l->cfg->rts_after_us);
	if (port_talk(l->fd, l->cfg, false) != OK)
		e = ERR_IO;
	return e;
}

enum err
line_write(struct line *l, const void *data, size_t len, int64_t char_delay_ms)
{
	int64_t pause = char_delay_ms ? char_delay_ms : l->cfg->char_delay_ms;
	enum err e;

	line_tell(l, '>', data, len);
	if (by_rts(l->cfg))
		e = put_by_rts(l, data, len, pause * US);
	else if (pause > 0)
		e = put_slowly(l, data, len, pause * US);
	else
		e = put(l, data, len);
	l->last_us = line_now_us();
	if (!by_rts(l->cfg)) /* the port has them, and sends them now */
		l->last_us += line_char_us(l, pause > 0 ? 1 : len);
	return e;
}

const struct line_ops line_port = {
	.open = port_line_open,
	.close = port_line_close,
	.ask = serial_ask,
	.recover = line_settle,
	.idle = idle,
	.idle_events = 0,
};

const struct line_ops line_host = {
	.open = host_line_open,
	.close = connect_close,
	.ask = serial_ask,
	.recover = line_settle,
	.idle = idle,
	.idle_events = POLLIN,
};
