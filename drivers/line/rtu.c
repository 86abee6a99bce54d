/* Modbus RTU on a serial port or pty.  libmodbus opens the port, and writes
 * and reads frames with their CRC; what an answer must match is checked in
 * pdu.c, and when to be silent is decided here.  */
#include "drivers/line/line.h"
#include "drivers/line/port.h"

#include <errno.h>
#include <linux/serial.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>

enum {
	CRC_LEN = 2,
	BYTE_TIMEOUT_US =
	    100000, /* inside a frame; USB adapters hold bytes back */
	BYTE_CHARS = 4,
	RS485_AUTO = 0, /* cfg_bus.rs485: auto | off | on */
	RS485_OFF = 1,
	RS485_ON = 2,
};

/* Lets the kernel switch the transmitter, where its driver can. */
static enum err
use_rs485(struct line *l, const char *path, struct errbuf *why)
{
	struct serial_rs485 rs;
	bool can =
	    l->cfg->rs485 != RS485_OFF && ioctl(l->fd, TIOCGRS485, &rs) == 0;

	if (can) {
		rs.flags |= SER_RS485_ENABLED;
		can = ioctl(l->fd, TIOCSRS485, &rs) == 0;
	}
	if (can || l->cfg->rs485 != RS485_ON)
		return OK;
	return errbuf_set(why, ERR_UNSUP,
	    "bus %s: the driver of %s cannot switch RS-485; set rs485 = auto "
	    "when the adapter does it by itself",
	    l->cfg->name, path);
}

static enum err
rtu_connect(struct line *l, const char *path, struct errbuf *why)
{
	uint32_t byte_us =
	    BYTE_TIMEOUT_US + (uint32_t)line_char_us(l, BYTE_CHARS);
	modbus_t *mb = modbus_new_rtu(
	    path, l->mode.baud, l->mode.parity, l->mode.bits, l->mode.stop);
	enum err e;

	if (!mb)
		return port_fail(l->cfg->name, path, errno, why);
	l->impl = mb;
	modbus_set_response_timeout(mb, 0, byte_us);
	modbus_set_byte_timeout(mb, 0, byte_us);
	if (modbus_connect(mb) != 0)
		return port_fail(l->cfg->name, path, errno, why);
	l->fd = modbus_get_socket(mb);
	if (l->fd >= FD_SETSIZE) /* libmodbus waits with select(2) */
		return errbuf_set(why, ERR_UNSUP,
		    "bus %s: too many files are open for a Modbus RTU line "
		    "(descriptor %d, at most %d)",
		    l->cfg->name, l->fd, FD_SETSIZE - 1);
	e = use_rs485(l, path, why);
	if (e == OK)
		tcflush(l->fd, TCIOFLUSH);
	port_exclude(l->lock);
	return e;
}

/* libmodbus would take a rate that it does not know for 9600. */
static enum err
rtu_open(struct line *l, struct errbuf *why)
{
	char path[PORT_PATH];
	enum err e;

	if (port_speed(l->mode.baud) == B0)
		return errbuf_set(why, ERR_CONFIG,
		    "bus %s: %d baud is not a rate that serial ports have",
		    l->cfg->name, l->mode.baud);
	memset(l->doubt, 0, sizeof(l->doubt));
	e = port_find(l->cfg->name, l->cfg->port, path, why);
	if (e == OK)
		e = port_lock(l->cfg->name, path, &l->lock, why);
	return e == OK ? rtu_connect(l, path, why) : e;
}

static void
rtu_close(struct line *l)
{
	if (l->impl) {
		modbus_close(l->impl);
		modbus_free(l->impl);
	}
	port_unlock(&l->lock);
	l->impl = NULL;
	l->fd = -1;
}

static bool
is_gone(int code)
{
	return code == EIO || code == ENXIO || code == ENODEV ||
	    code == ECONNRESET || code == EBADF || code == EPIPE;
}

static enum err
receive(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	uint8_t frame[MODBUS_RTU_MAX_ADU_LENGTH];
	int n = modbus_receive_confirmation(l->impl, frame);

	l->last_us = line_now_us();
	if (n < 0)
		return is_gone(errno) ? ERR_IO : ERR_PROTO;
	l->bytes += (uint64_t)n;
	if (n < CRC_LEN) /* 0: another unit's */
		return ERR_PROTO;
	return pdu_answer(frame, (size_t)n - CRC_LEN, rq, out);
}

static bool
is_bits(enum modbus_table table)
{
	return table == MB_COIL || table == MB_DISCRETE;
}

/* Whether an answer to a request in doubt would pass for one to rq. */
static bool
mistakable(const struct line *l, const struct mb_request *rq)
{
	for (size_t i = 0; i < LINE_DOUBTS; i++) {
		const struct mb_request *d = &l->doubt[i];

		if (d->unit != rq->unit || d->table != rq->table)
			continue;
		if (is_bits(rq->table)
			? (d->count + 7) / 8 == (rq->count + 7) / 8
			: d->count == rq->count)
			return true;
	}
	return false;
}

static void
doubt(struct line *l, const struct mb_request *rq)
{
	if (!mistakable(l, rq))
		l->doubt[l->n_doubts++ % LINE_DOUBTS] = *rq;
}

/* A unit answers in order: nothing older of it will come. */
static void
trust(struct line *l, uint8_t unit)
{
	for (size_t i = 0; i < LINE_DOUBTS; i++) {
		if (l->doubt[i].unit == unit)
			l->doubt[i].count = 0;
	}
}

static enum err
exchange(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	uint8_t msg[PDU_REQUEST];
	int64_t sending;
	enum err e;
	int n;

	line_gap(l, rq->unit);
	line_flush(l);
	pdu_request(rq, msg);
	modbus_set_slave(l->impl, rq->unit);
	n = modbus_send_raw_request(l->impl, msg, sizeof(msg));
	if (n < 0)
		return ERR_IO;
	l->bytes += (uint64_t)n;
	sending = line_char_us(l, (size_t)n);
	l->last_us = line_now_us() + sending;
	e = line_wait(l, rq->timeout_ms + (sending + 999) / 1000);
	if (e == OK)
		e = receive(l, rq, out);
	if (e == OK || e == ERR_REFUSED)
		trust(l, rq->unit);
	else if (e == ERR_TIMEOUT || e == ERR_PROTO)
		doubt(l, rq);
	return e;
}

/* An answer may come even later than the silence after a timeout: RTU frames
 * carry no number.  So before a request that such an answer would fit, one is
 * made that none fits, of another length, whose values nobody uses.  Once that
 * is answered, by an exception too, the older ones are out of the way. */
static enum err
make_sure(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	const int step = is_bits(rq->table) ? 8 : 1;
	struct mb_request other = *rq;

	/* Shorter if possible: a device has the registers of its fields. */
	for (int i = 1; mistakable(l, &other); i++) {
		int shorter = (rq->count - 1) / step;

		other.count =
		    (uint16_t)(i <= shorter ? rq->count - i * step
					    : rq->count + (i - shorter) * step);
	}
	return exchange(l, &other, out);
}

static enum err
rtu_read(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	enum err e = OK;

	if (mistakable(l, rq))
		e = make_sure(l, rq, out);
	return e == OK || e == ERR_REFUSED ? exchange(l, rq, out) : e;
}

const struct line_ops line_rtu = {
	.open = rtu_open,
	.close = rtu_close,
	.read = rtu_read,
	.recover = line_settle,
	.idle = line_hangup,
	.idle_events = 0,
};
