/* Lines of text: real ports through libserialport, which looks a port up in
 * /sys/class/tty by its literal name and knows no pseudo-terminal; those are
 * opened here.  After opening both are read and written by descriptor. */
#include "drivers/line/line.h"
#include "drivers/line/port.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_MS = 1000 };

static enum err
open_pty(struct line *l, const char *path, struct errbuf *why)
{
	l->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (l->fd < 0)
		return port_fail(l->cfg->name, path, errno, why);
	if (port_setup(l->fd, l->mode) != OK)
		return errbuf_set(why, ERR_IO,
		    "bus %s: %s does not take %d %d%c%d", l->cfg->name, path,
		    l->mode.baud, l->mode.bits, l->mode.parity, l->mode.stop);
	return OK;
}

static enum sp_return
configure(struct sp_port *port, struct serial_mode mode)
{
	static const struct {
		char letter;
		enum sp_parity parity;
	} parities[] = { { 'N', SP_PARITY_NONE }, { 'E', SP_PARITY_EVEN },
		{ 'O', SP_PARITY_ODD } };
	enum sp_parity parity = SP_PARITY_NONE;
	enum sp_return rc;

	for (size_t i = 0; i < sizeof(parities) / sizeof(parities[0]); i++) {
		if (parities[i].letter == mode.parity)
			parity = parities[i].parity;
	}
	rc = sp_set_baudrate(port, mode.baud);
	if (rc == SP_OK)
		rc = sp_set_bits(port, mode.bits);
	if (rc == SP_OK)
		rc = sp_set_parity(port, parity);
	if (rc == SP_OK)
		rc = sp_set_stopbits(port, mode.stop);
	if (rc == SP_OK)
		rc = sp_set_flowcontrol(port, SP_FLOWCONTROL_NONE);
	return rc;
}

static enum err
open_port(struct line *l, const char *path, struct errbuf *why)
{
	struct sp_port *port = NULL;
	enum sp_return rc = sp_get_port_by_name(path, &port);

	if (rc != SP_OK)
		return errbuf_set(why, ERR_IO,
		    "bus %s: %s is not a serial port", l->cfg->name, path);
	l->impl = port;
	if (sp_open(port, SP_MODE_READ_WRITE) != SP_OK)
		return port_fail(l->cfg->name, path, sp_last_error_code(), why);
	if (sp_get_port_handle(port, &l->fd) != SP_OK)
		return port_fail(l->cfg->name, path, EIO, why);
	if (configure(port, l->mode) != SP_OK)
		return errbuf_set(why, ERR_IO,
		    "bus %s: %s does not take %d %d%c%d", l->cfg->name, path,
		    l->mode.baud, l->mode.bits, l->mode.parity, l->mode.stop);
	return OK;
}

static enum err
serial_open(struct line *l, struct errbuf *why)
{
	static const char ptys[] = "/dev/pts/";
	char path[PORT_PATH];
	enum err e = port_find(l->cfg->name, l->cfg->port, path, why);

	if (e == OK)
		e = port_lock(l->cfg->name, path, &l->lock, why);
	if (e != OK)
		return e;
	if (strncmp(path, ptys, sizeof(ptys) - 1) == 0)
		e = open_pty(l, path, why);
	else
		e = open_port(l, path, why);
	port_exclude(l->lock);
	if (e == OK)
		tcflush(l->fd, TCIOFLUSH);
	return e;
}

static void
serial_close(struct line *l)
{
	if (l->impl) {
		sp_close(l->impl);
		sp_free_port(l->impl);
	} else if (l->fd >= 0) {
		close(l->fd);
	}
	port_unlock(&l->lock);
	l->impl = NULL;
	l->fd = -1;
}

static enum err
write_some(struct line *l, const char *data, size_t len, size_t *n)
{
	struct pollfd p = { l->fd, POLLOUT, 0 };
	ssize_t w;

	if (poll(&p, 1, WRITE_MS) <= 0 || !(p.revents & POLLOUT))
		return ERR_IO;
	w = write(l->fd, data, len);
	if (w < 0 && errno != EAGAIN && errno != EINTR)
		return ERR_IO;
	*n = w > 0 ? (size_t)w : 0;
	l->bytes += *n;
	return OK;
}

enum err
line_write(struct line *l, const void *data, size_t len, int64_t char_delay_ms)
{
	struct timespec pause = { char_delay_ms / 1000,
		char_delay_ms % 1000 * 1000000 };
	const char *p = data;

	while (len && !atomic_load(l->stop)) {
		size_t n = 0;
		enum err e = write_some(l, p, char_delay_ms > 0 ? 1 : len, &n);

		if (e != OK)
			return e;
		p += n;
		len -= n;
		if (len && char_delay_ms > 0)
			nanosleep(&pause, NULL);
	}
	l->last_us = line_now_us();
	return OK;
}

enum err
line_recv(struct line *l, void *out, size_t size, int64_t wait_ms, size_t *n)
{
	enum err e = line_wait(l, wait_ms);
	ssize_t got;

	*n = 0;
	if (e != OK)
		return e;
	got = read(l->fd, out, size);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return ERR_IO;
	*n = got > 0 ? (size_t)got : 0;
	l->bytes += *n;
	l->last_us = line_now_us();
	return OK;
}

const struct line_ops line_serial = {
	.open = serial_open,
	.close = serial_close,
	.recover = line_settle,
	.idle = line_hangup,
	.idle_events = 0,
};
