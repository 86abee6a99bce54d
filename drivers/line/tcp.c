/* Modbus TCP.  libmodbus reads frames.  The connection is made here, because
 * libmodbus cannot be stopped while it connects.  The header is written and
 * matched here too: libmodbus does not compare the unit of an answer, and after
 * one late answer it takes each answer for the request before (its own
 * transaction id then never agrees again).  Here late answers are known by
 * their id, counted and skipped, so that one silent unit behind a gateway costs
 * the others nothing. */
#include "drivers/line/line.h"
#include "drivers/line/lookup.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MBAP = 6, /* transaction id, protocol id, length */
	HOST = 256,
	SERVICE = 16,
	CONNECT_US = 3000000,
	FRAME_MS = 500, /* between the bytes of one frame */
	SILENT_MAX = 2, /* timeouts without any answer, then connect anew */
	SLICE_MS = 100, /* how long connecting is deaf to stop */
};

struct peer {
	char host[HOST], service[SERVICE];
};

/* host, host:port, [v6], [v6]:port, or a bare v6 address */
static enum err
split(const char *text, struct peer *out)
{
	const char *end, *port = NULL;
	size_t len;

	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (!end)
			return ERR_CONFIG;
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strchr(text, ':');
		if (end && strchr(end + 1, ':'))
			end = NULL;
		port = end ? end + 1 : NULL;
	}
	len = end ? (size_t)(end - text) : strlen(text);
	if (len == 0 || len >= HOST || (port && strlen(port) >= SERVICE))
		return ERR_CONFIG;
	memcpy(out->host, text, len);
	out->host[len] = '\0';
	snprintf(out->service, SERVICE, "%s", port && *port ? port : "502");
	return OK;
}

static enum err
fail(const struct line *l, int code, struct errbuf *why)
{
	static const struct {
		int code;
		const char *hint;
	} hints[] = {
		{ ECONNREFUSED,
		    "it refuses the connection: is Modbus TCP switched on in "
		    "the device, is the port right?" },
		{ ETIMEDOUT,
		    "no answer: is it switched on, is the address right, does "
		    "a firewall stand between?" },
		{ EHOSTUNREACH,
		    "it cannot be reached: check cable, address and network" },
		{ ENETUNREACH,
		    "its network cannot be reached: check this machine's "
		    "address and gateway" },
		{ EMFILE,
		    "too many files are open for another Modbus TCP "
		    "connection" },
	};
	char reason[LINE_REASON];

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (hints[i].code == code)
			return errbuf_set(why, ERR_IO, "bus %s: %s: %s",
			    l->cfg->name, l->cfg->host, hints[i].hint);
	}
	return errbuf_set(why, ERR_IO, "bus %s: %s: %s", l->cfg->name,
	    l->cfg->host, line_reason(code, reason));
}

/* What became of a connection that is being made: 0 or an errno. */
static int
await_connection(const struct line *l, int fd)
{
	int64_t end = line_now_us() + CONNECT_US;
	struct pollfd p = { fd, POLLOUT, 0 };
	int code = 0;
	socklen_t len = sizeof(code);

	while (line_now_us() < end && !atomic_load(l->stop)) {
		if (poll(&p, 1, SLICE_MS) <= 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
			return errno;
		return code;
	}
	return ETIMEDOUT;
}

/* libmodbus waits with select(2), and would write outside of its set. */
static int
connect_socket(const struct line *l, int fd, const struct addrinfo *ai)
{
	const int one = 1;

	if (fd >= FD_SETSIZE)
		return EMFILE;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return 0;
	return errno == EINPROGRESS ? await_connection(l, fd) : errno;
}

/* Connects to one address; returns 0 or an errno. */
static int
connect_one(struct line *l, const struct addrinfo *ai)
{
	int fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int code = fd < 0 ? errno : connect_socket(l, fd, ai);
	modbus_t *mb = NULL;

	if (code == 0) {
		mb =
		    modbus_new_tcp(NULL, 0); /* it has the socket, no address */
		code = mb ? 0 : errno;
	}
	if (code != 0) {
		if (fd >= 0)
			close(fd);
		return code;
	}
	modbus_set_socket(mb, fd);
	modbus_set_response_timeout(mb, 0, FRAME_MS * 1000);
	modbus_set_byte_timeout(mb, 0, FRAME_MS * 1000);
	l->impl = mb;
	l->fd = fd;
	return 0;
}

static enum err
tcp_open(struct line *l, struct errbuf *why)
{
	struct addrinfo *list = NULL, *ai;
	int rc, code = EADDRNOTAVAIL;
	struct peer peer;

	l->tid = 0;
	l->silent = 0;
	l->broken = false;
	if (!l->cfg->host || split(l->cfg->host, &peer) != OK)
		return errbuf_set(why, ERR_CONFIG,
		    "bus %s: host must be ADDRESS or ADDRESS:PORT",
		    l->cfg->name);
	rc = lookup_addresses(peer.host, peer.service, l->stop, &list);
	if (rc != 0)
		return errbuf_set(why, ERR_IO,
		    "bus %s: no address for %s (%s): check host= and the DNS",
		    l->cfg->name, peer.host, gai_strerror(rc));
	for (ai = list; ai && code != 0 && !atomic_load(l->stop);
	     ai = ai->ai_next)
		code = connect_one(l, ai);
	freeaddrinfo(list);
	return code == 0 ? OK : fail(l, code, why);
}

static void
tcp_close(struct line *l)
{
	if (l->impl) {
		modbus_close(l->impl);
		modbus_free(l->impl);
	}
	l->impl = NULL;
	l->fd = -1;
}

static enum err
send_request(struct line *l, const struct mb_request *rq)
{
	uint8_t msg[MBAP + PDU_REQUEST] = { 0 };
	ssize_t n;

	l->tid++;
	msg[0] = (uint8_t)(l->tid >> 8);
	msg[1] = (uint8_t)(l->tid & 0xff);
	msg[5] = PDU_REQUEST;
	pdu_request(rq, msg + MBAP);
	do
		n = send(l->fd, msg, sizeof(msg), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	l->bytes += sizeof(msg);
	return n == (ssize_t)sizeof(msg) ? OK : ERR_IO;
}

/* Reads one frame that has begun to arrive.  Errors: ERR_IO: the connection is
 * gone, or where frames begin in it is lost. */
static enum err
receive(struct line *l, uint8_t frame[MODBUS_TCP_MAX_ADU_LENGTH], size_t *len)
{
	int n = modbus_receive_confirmation(l->impl, frame);

	l->last_us = line_now_us();
	if (n < MBAP + 1) {
		l->broken = true;
		return n < 0 && errno == ECONNRESET ? ERR_IO : ERR_PROTO;
	}
	l->bytes += (uint64_t)n;
	*len = (size_t)n;
	return OK;
}

static bool
is_ours(const struct line *l, const uint8_t *frame)
{
	return (frame[0] << 8 | frame[1]) == l->tid;
}

/* Protocol id 0 and a length that agrees: else the stream is out of step. */
static bool
in_step(const uint8_t *frame, size_t len)
{
	return frame[2] == 0 && frame[3] == 0 &&
	    (size_t)(frame[4] << 8 | frame[5]) == len - MBAP;
}

static enum err
await_answer(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	int64_t end = line_now_us() + rq->timeout_ms * 1000;
	uint8_t frame[MODBUS_TCP_MAX_ADU_LENGTH];
	size_t len = 0;

	for (;;) {
		int64_t left = (end - line_now_us() + 999) / 1000;
		enum err e = line_wait(l, left > 0 ? left : 0);

		if (e == OK)
			e = receive(l, frame, &len);
		if (e != OK)
			return e;
		if (!in_step(frame, len)) {
			l->broken = true;
			return ERR_PROTO;
		}
		if (is_ours(l, frame))
			break;
		l->late++;
		if (left <= 0)
			return ERR_TIMEOUT;
	}
	return pdu_answer(frame + MBAP, len - MBAP, rq, out);
}

static enum err
tcp_read(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	enum err e;

	line_gap(l, rq->unit);
	e = send_request(l, rq);
	if (e == OK)
		e = await_answer(l, rq, out);
	if (e == OK || e == ERR_REFUSED)
		l->silent = 0;
	else if (e == ERR_TIMEOUT)
		l->silent++;
	else if (e == ERR_PROTO)
		l->broken = true;
	return e;
}

static enum err
tcp_recover(struct line *l, int64_t quiet_ms)
{
	(void)quiet_ms;
	return l->broken || l->silent >= SILENT_MAX ? ERR_IO : OK;
}

/* Something came that was not asked for: a late answer, or the end. */
static enum err
tcp_idle(struct line *l)
{
	uint8_t frame[MODBUS_TCP_MAX_ADU_LENGTH];
	size_t len = 0;
	enum err e = line_wait(l, 0);

	if (e == ERR_TIMEOUT)
		return OK;
	if (e != OK || receive(l, frame, &len) != OK || !in_step(frame, len))
		return ERR_IO;
	l->late++;
	return OK;
}

const struct line_ops line_tcp = {
	.open = tcp_open,
	.close = tcp_close,
	.read = tcp_read,
	.recover = tcp_recover,
	.idle = tcp_idle,
	.idle_events = POLLIN,
};
