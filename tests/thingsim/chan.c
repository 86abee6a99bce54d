#include "tests/thingsim/chan.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/* A peer that sends and never reads, or never ends a request, is cut here. */
enum { IN_MAX = 65536, JOBS_MAX = 256 };
enum { HUNG_CHECK_US = 20000, FULL_RETRY_US = 5000 };

struct job {
	struct job *next;
	struct sending how; /* due_us: of the next byte */
	struct buf data;
	size_t sent;
};

static void on_readable(void *arg, short revents);

static void
job_free(struct job *j)
{
	buf_fini(&j->data);
	free(j);
}

static void
chan_free(struct chan *c)
{
	buf_fini(&c->in);
	free(c->slave);
	free(c);
}

static void
reap(void *arg)
{
	struct chan *c = arg, **at = &c->bus->chans;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	chan_free(c);
}

/* While nobody has the pty open, poll(2) would report it hung up again and
 * again, so it is looked at now and then. */
static void
check_hung(void *arg)
{
	struct chan *c = arg;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	poll(&p, 1, 0);
	if (p.revents & POLLHUP) {
		loop_at(c->bus->plant->loop, loop_us() + HUNG_CHECK_US,
		    check_hung, c);
		return;
	}
	c->hung = false;
	loop_watch(c->bus->plant->loop, c->fd, on_readable, c);
}

/* What the last master left unread is not for the next one. */
static void
flush_slave(const struct chan *c)
{
	int fd = open(c->slave, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	tcflush(fd, TCIFLUSH);
	close(fd);
}

static void
hang_up(struct chan *c)
{
	c->hung = true;
	c->in.len = 0;
	c->in_old = 0;
	loop_unwatch(c->bus->plant->loop, c->fd);
	flush_slave(c);
	loop_at(c->bus->plant->loop, loop_us() + HUNG_CHECK_US, check_hung, c);
}

static void
on_readable(void *arg, short revents)
{
	struct chan *c = arg;
	char data[4096];
	ssize_t n = 0;

	if (revents & POLLIN)
		n = read(c->fd, data, sizeof(data));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (c->in.len > IN_MAX)
		n = 0;
	if (n > 0) {
		buf_add(&c->in, data, (size_t)n);
		c->bus->proto->input(c);
		if (!c->dead)
			c->last_in_us = loop_us();
		return;
	}
	if (c->pty && n <= 0)
		hang_up(c);
	else
		chan_close(c);
}

struct chan *
chan_new(struct bus *b, int fd, const char *slave)
{
	struct chan *c = mem_zalloc(sizeof(*c));

	c->bus = b;
	c->fd = fd;
	c->pty = slave != NULL;
	c->slave = mem_strdup(slave);
	c->next = b->chans;
	b->chans = c;
	loop_watch(b->plant->loop, fd, on_readable, c);
	return c;
}

/* put_bytes sends what is due of a job; true when nothing is left of it. */
static bool
put_bytes(struct chan *c, struct job *j, int64_t now)
{
	size_t n = j->data.len - j->sent;
	struct pollfd p = { .fd = c->fd };
	ssize_t put;

	if (j->how.step_us) {
		size_t due =
		    (size_t)((now - j->how.due_us) / j->how.step_us) + 1;

		n = due < n ? due : n;
	}
	if (c->pty && (c->hung || (poll(&p, 1, 0) > 0 && p.revents & POLLHUP)))
		put = (ssize_t)n; /* a wire that nobody listens to */
	else
		put = write(c->fd, j->data.data + j->sent, n);
	if (put < 0 && errno != EAGAIN && errno != EINTR)
		return true; /* the reading side will see why */
	if (put > 0)
		j->sent += (size_t)put;
	j->how.due_us += put > 0 && j->how.step_us
	    ? (int64_t)put * j->how.step_us
	    : FULL_RETRY_US;
	return j->sent == j->data.len;
}

static void
reset(struct chan *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->pty)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	chan_close(c);
}

static void
pump(void *arg)
{
	struct chan *c = arg;
	struct loop *l = c->bus->plant->loop;
	int64_t now = loop_us();

	while (c->jobs && c->jobs->how.due_us <= now) {
		struct job *j = c->jobs;
		struct sending how;

		if (!put_bytes(c, j, now))
			continue;
		how = j->how;
		c->jobs = j->next;
		job_free(j);
		/* The next frame waits until this one has left the wire. */
		if (how.step_us && c->jobs && c->jobs->how.due_us < how.due_us)
			c->jobs->how.due_us = how.due_us;
		if (how.reset) {
			reset(c);
			if (c->dead)
				return;
		}
	}
	loop_cancel(l, pump, c);
	if (c->jobs)
		loop_at(l, c->jobs->how.due_us, pump, c);
}

void
chan_close(struct chan *c)
{
	struct loop *l = c->bus->plant->loop;

	if (c->dead)
		return;
	c->dead = true;
	while (c->jobs) {
		struct job *j = c->jobs;

		c->jobs = j->next;
		job_free(j);
	}
	loop_cancel(l, pump, c);
	loop_cancel(l, check_hung, c);
	loop_unwatch(l, c->fd);
	close(c->fd);
	loop_at(l, loop_us(), reap, c);
}

void
chan_close_all(struct bus *b)
{
	for (struct chan *c = b->chans; c; c = c->next)
		chan_close(c);
}

void
chan_free_all(struct bus *b)
{
	chan_close_all(b);
	while (b->chans) {
		struct chan *c = b->chans;

		b->chans = c->next;
		loop_cancel(b->plant->loop, reap, c);
		chan_free(c);
	}
}

void
chan_send(struct chan *c, struct buf *out, const struct sending *how)
{
	struct job **at = &c->jobs;
	struct job *j = mem_zalloc(sizeof(*j));
	size_t waiting = 0;

	j->how = *how;
	if (j->how.step_us == 0)
		j->how.step_us = c->bus->us_per_byte;
	j->data = *out;
	*out = (struct buf){ 0 };
	/* A frame that has begun is not cut in two by another. */
	for (; *at; at = &(*at)->next, waiting++)
		if ((*at)->how.due_us > how->due_us && (*at)->sent == 0)
			break;
	if (c->dead || waiting >= JOBS_MAX || j->data.len == 0) {
		job_free(j);
		return;
	}
	j->next = *at;
	*at = j;
	pump(c);
}

void
chan_answer(struct chan *c, struct unit *u, struct buf *frame,
    const void *request, size_t request_len, size_t garble_at)
{
	int64_t now = loop_us();
	int64_t wire = c->bus->us_per_byte * (int64_t)request_len;
	struct sending how = { .due_us = now + wire };

	fault_shape(&u->fault, frame, request, request_len, garble_at);
	switch ((int)u->fault.kind) {
	case FAULT_LATE:
		if (u->busy_until_us > how.due_us)
			how.due_us = u->busy_until_us;
		how.due_us += u->fault.arg * 1000;
		u->busy_until_us = how.due_us;
		break;
	case FAULT_LATE_ONCE:
		how.due_us += u->fault.arg * 1000;
		u->fault.kind = FAULT_NONE;
		break;
	case FAULT_DRIP:
		how.step_us = u->fault.arg * 1000;
		break;
	case FAULT_RESET:
		how.reset = true;
		break;
	default:
		break;
	}
	chan_send(c, frame, &how);
}
