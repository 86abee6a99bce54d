#include "tests/thingsim/outbox.h"

#include "common/mem.h"
#include "tests/thingsim/chan.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { JOBS_MAX = 256, FULL_RETRY_NS = 5000000 };

struct job {
	struct job *next;
	struct sending how;
	struct buf data;
	size_t sent;
};

static void
job_free(struct job *j)
{
	buf_fini(&j->data);
	free(j);
}

static void pump(void *arg);

void
outbox_init(struct outbox *o, struct chan *c)
{
	o->timer.fn = pump;
	o->timer.arg = c;
}

void
outbox_clear(struct outbox *o, struct chan *c)
{
	timer_stop(c->bus->plant->loop, &o->timer);
	while (o->jobs) {
		struct job *j = o->jobs;

		o->jobs = j->next;
		job_free(j);
	}
}

/* A wire that nobody listens to takes everything. */
static bool
nobody_listens(struct chan *c)
{
	struct pollfd p = { .fd = c->fd };

	if (!c->pty)
		return false;
	c->hung = poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
	return c->hung;
}

/* put returns how many bytes the other side took, -1 when it is gone. */
static ssize_t
put(struct chan *c, const char *data, size_t n)
{
	ssize_t took = (ssize_t)n;

	if (c->pty && !nobody_listens(c))
		took = write(c->fd, data, n);
	else if (!c->pty && !c->deaf)
		took = send(c->fd, data, n, MSG_NOSIGNAL);
	if (took < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->bus->bytes_out += (uint64_t)took;
	return took;
}

static struct passing
passing(const struct job *j)
{
	return (struct passing){ j->how.start_ns, j->how.step_ns, j->sent,
		j->data.len };
}

static int64_t
end_ns(const struct job *j)
{
	return j->how.start_ns + j->how.step_ns * (int64_t)j->data.len;
}

/* next_bytes tells how many bytes of the first job go next, and when. */
static size_t
next_bytes(const struct chan *c, int64_t *at_ns)
{
	const struct job *j = c->out.jobs;
	struct passing p = passing(j);
	size_t n = line_next(&c->bus->line, &p, at_ns);

	if (!j->how.single)
		return n;
	*at_ns = j->how.start_ns + j->how.step_ns * (int64_t)(j->sent + 1);
	return 1;
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

/* end_job goes on to the next frame, which waits until this one has left the
 * line. */
static void
end_job(struct chan *c)
{
	struct job *j = c->out.jobs;
	int64_t end = end_ns(j);
	bool cut = j->how.reset;

	c->out.jobs = j->next;
	if (j->how.step_ns && j->next && j->next->how.start_ns < end)
		j->next->how.start_ns = end;
	job_free(j);
	if (cut)
		reset(c);
}

/* send_next hands over the next bytes of the first job; false when they have
 * to wait. */
static bool
send_next(struct chan *c, size_t n, int64_t at_ns)
{
	struct job *j = c->out.jobs;
	ssize_t took = put(c, j->data.data + j->sent, n);

	if (end_ns(j) > c->line_busy_ns)
		c->line_busy_ns = end_ns(j);
	if (took == 0) {
		j->how.start_ns += FULL_RETRY_NS;
		return false;
	}
	/* The reading side sees why it is gone. */
	j->sent = took < 0 ? j->data.len : j->sent + (size_t)took;
	line_handed_over(&c->bus->line, n, at_ns);
	if (j->sent == j->data.len)
		end_job(c);
	return true;
}

static void
pump(void *arg)
{
	struct chan *c = arg;
	struct loop *l = c->bus->plant->loop;
	int64_t now = loop_ns(), at_ns;

	while (c->out.jobs && !c->dead) {
		size_t n = next_bytes(c, &at_ns);

		if (at_ns > now || !send_next(c, n, at_ns)) {
			/* That the last byte is in time is what counts. */
			n = next_bytes(c, &at_ns);
			c->out.timer.exact =
			    c->out.jobs->sent + n == c->out.jobs->data.len;
			timer_at(l, &c->out.timer, at_ns);
			return;
		}
	}
}

static void
add_job(struct chan *c, struct buf *out, const struct sending *how)
{
	struct job **at = &c->out.jobs, *j;
	size_t waiting = 0;

	/* A frame that has begun is not cut in two by another. */
	for (; *at; at = &(*at)->next, waiting++)
		if ((*at)->how.start_ns > how->start_ns && (*at)->sent == 0)
			break;
	if (waiting >= JOBS_MAX) {
		buf_fini(out);
		return;
	}
	j = mem_zalloc(sizeof(*j));
	j->how = *how;
	j->data = *out;
	j->next = *at;
	*out = (struct buf){ 0 };
	*at = j;
	pump(c);
}

/* send_now is the short way of what need not wait at all; true when all of it
 * is gone. */
static bool
send_now(struct chan *c, struct buf *out, const struct sending *how)
{
	ssize_t took;

	if (c->out.jobs || how->step_ns || how->reset || c->bus->line.usb_ns ||
	    how->start_ns > loop_ns())
		return false;
	took = put(c, out->data, out->len);
	if (took >= 0 && (size_t)took < out->len) {
		buf_consume(out, (size_t)took);
		return false;
	}
	out->len = 0;
	return true;
}

void
outbox_send(struct chan *c, struct buf *out, const struct sending *how)
{
	if (c->dead || out->len == 0)
		out->len = 0;
	else if (!send_now(c, out, how))
		add_job(c, out, how);
}
