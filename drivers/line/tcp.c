/* Modbus TCP.  An answer is known by its transaction id: late ones are counted
 * and skipped, so that one silent unit behind a gateway costs the others
 * nothing.  The part of a frame that came stays in the line for the next who
 * waits; a frame that stays half ends the
 * connection, as nothing tells where the next one begins. */
#include "drivers/line/connect.h"
#include "drivers/line/mbap.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
	US = 1000,         /* in a ms */
	FRAME_US = 500000, /* more time for an answer that has begun */
	SILENT_MAX = 4,    /* timeouts without any answer, then connect anew */
};

static enum err
tcp_open(struct line *l, struct errbuf *why)
{
	l->silent = 0;
	l->n_in = 0;
	l->broken = false;
	return connect_open(l, why);
}

/* A request is small: a peer whose buffers do not take it is not reading. */
static enum err
send_request(struct line *l, const struct mb_request *rq)
{
	uint8_t msg[MBAP_MAX];
	size_t len = mbap_request(++l->tid, rq, msg);
	ssize_t n;

	do
		n = send(l->fd, msg, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)len)
		return ERR_IO;
	line_tell(l, '>', msg, len);
	l->bytes += len;
	l->last_us = line_now_us();
	return OK;
}

/* Skips what is late.  *len is the length of the whole frame that answers at
 * the head of l->in, or 0 when there is none yet. */
static enum err
look(struct line *l, bool asked, size_t *len)
{
	*len = 0;
	for (;;) {
		int span = mbap_span(l->in, l->n_in);

		if (span == PDU_UNKNOWN) {
			line_tell(l, '<', l->in, l->n_in);
			line_remark(l, "this is not Modbus TCP");
			l->broken = true;
			return ERR_PROTO;
		}
		if (span == PDU_MORE || l->n_in < (size_t)span)
			return OK;
		line_tell(l, '<', l->in, (size_t)span);
		if (asked && mbap_id(l->in) == l->tid) {
			*len = (size_t)span;
			return OK;
		}
		line_remark(l, "it came late, or unasked");
		l->late++;
		line_drop(l, (size_t)span);
	}
}

static enum err
await_answer(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	int64_t end = line_now_us() + rq->timeout_ms * US;
	size_t len = 0;
	enum err e = look(l, true, &len);

	while (e == OK && len == 0) {
		e = line_fill(l, l->n_in ? end + FRAME_US : end);
		if (e == OK)
			e = look(l, true, &len);
		if (e == OK && len == 0 && line_now_us() > end + FRAME_US)
			e = ERR_TIMEOUT;
	}
	if (e == ERR_TIMEOUT && l->n_in > 0) {
		line_tell(l, '<', l->in, l->n_in);
		line_remark(l, "the rest of it does not come");
		l->broken = true;
		e = ERR_PROTO;
	}
	if (e != OK)
		return e;
	e = pdu_answer(l->in + MBAP_HEAD, len - MBAP_HEAD, rq, out);
	line_drop(l, len);
	return e;
}

static enum err
tcp_ask(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	enum err e;

	out->sent = false;
	if (!pdu_valid(rq))
		return ERR_RANGE;
	line_gap(l, rq->unit);
	e = send_request(l, rq);
	out->sent = e == OK;
	if (e == OK)
		e = await_answer(l, rq, out);
	if (e == ERR_TIMEOUT)
		l->silent++;
	else
		l->silent = 0;
	return e;
}

/* A silent unit is no reason to end a connection that others use.  */
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
	size_t len;
	enum err e = line_fill(l, 0);

	if (e == ERR_TIMEOUT)
		return OK;
	return e == OK && look(l, false, &len) == OK ? OK : ERR_IO;
}

const struct line_ops line_tcp = {
	.open = tcp_open,
	.close = connect_close,
	.ask = tcp_ask,
	.recover = tcp_recover,
	.idle = tcp_idle,
	.idle_events = POLLIN,
};
