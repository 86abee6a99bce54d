#include "tests/thingsim/chan.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

/* A peer that sends and never reads, or never ends a request, is cut here. */
enum { IN_MAX = 65536 };

static void
chan_free(struct chan *c)
{
	timer_stop(c->bus->plant->loop, &c->reap);
	buf_fini(&c->in);
	buf_fini(&c->coming);
	free(c->slave);
	free(c);
}

static void
on_reap(void *arg)
{
	struct chan *c = arg, **at = &c->bus->chans;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	chan_free(c);
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
	if (c->hung)
		return;
	c->hung = true;
	c->in.len = 0;
	c->in_old = 0;
	flush_slave(c);
}

/* heard passes on what has come in whole. */
static void
heard(struct chan *c)
{
	c->bus->proto->input(c);
	if (!c->dead)
		c->last_in_ns = loop_ns();
}

static void
on_arrival(void *arg)
{
	struct chan *c = arg;

	buf_add(&c->in, c->coming.data, c->coming.len);
	c->coming.len = 0;
	heard(c);
}

/* A pty delivers at once what a line would have passed character by
 * character. */
static void
hear_slowly(struct chan *c, const char *data, size_t n, int64_t char_ns)
{
	int64_t now = loop_ns();
	int64_t start = c->heard_ns > now ? c->heard_ns : now;
	int64_t silence = start - c->line_busy_ns;

	if (c->bus->proto->silence && silence >= c->bus->line.gap_ns) {
		c->in.len = 0; /* silence has ended what stood there */
		c->in_old = 0;
	}
	if (c->in.len + c->coming.len == 0)
		c->silence_ns = silence;
	buf_add(&c->coming, data, n);
	c->heard_ns = start + (int64_t)n * char_ns;
	if (c->heard_ns > c->line_busy_ns)
		c->line_busy_ns = c->heard_ns;
	timer_at(c->bus->plant->loop, &c->arrival, c->heard_ns);
}

static int64_t
char_ns(const struct chan *c)
{
	const struct bus *b = c->bus;
	struct serial_mode m = b->serial;

	if (m.baud && b->own_speeds && c->pty)
		m.baud = chan_baud(c);
	return line_char_ns(&m);
}

static void
take(struct chan *c, const char *data, size_t n)
{
	int64_t step = char_ns(c);

	c->hung = false;
	c->bus->bytes_in += n;
	if (c->pty && c->in.len + c->coming.len > IN_MAX)
		return; /* a wire has no end to cut */
	if (step) {
		hear_slowly(c, data, n, step);
		return;
	}
	c->silence_ns = INT64_MAX;
	buf_add(&c->in, data, n);
	heard(c);
}

/* An edge comes once: a pty is read until it has nothing more. */
static void
on_readable(void *arg, uint32_t events)
{
	struct chan *c = arg;
	char data[4096];
	ssize_t n;

	(void)events;
	do {
		n = read(c->fd, data, sizeof(data));
		if (n > 0)
			take(c, data, (size_t)n);
	} while (n > 0 && c->pty && !c->dead);
	if (c->dead || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (c->pty && n < 0)
		hang_up(c);
	if (!c->pty && (n <= 0 || c->in.len + c->coming.len > IN_MAX))
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
	c->arrival =
	    (struct timer){ .fn = on_arrival, .arg = c, .exact = true };
	c->reap = (struct timer){ .fn = on_reap, .arg = c };
	outbox_init(&c->out, c);
	c->next = b->chans;
	b->chans = c;
	/* A pty that nobody has open would be "hung up" again and again. */
	loop_watch(b->plant->loop, fd, c->pty ? LOOP_EDGE : LOOP_READABLE,
	    on_readable, c);
	return c;
}

void
chan_close(struct chan *c)
{
	struct loop *l = c->bus->plant->loop;

	if (c->dead)
		return;
	c->dead = true;
	outbox_clear(&c->out, c);
	timer_stop(l, &c->arrival);
	loop_unwatch(l, c->fd);
	close(c->fd);
	timer_at(l, &c->reap, loop_ns());
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
		chan_free(c);
	}
}

size_t
chan_count(const struct bus *b)
{
	size_t n = 0;

	for (const struct chan *c = b->chans; c; c = c->next)
		n += !c->dead;
	return n;
}

static void
on_left(void *arg, uint32_t events)
{
	(void)events;
	chan_close(arg);
}

void
chan_deafen_all(struct bus *b)
{
	for (struct chan *c = b->chans; c; c = c->next) {
		if (c->pty || c->dead)
			continue;
		c->deaf = true;
		outbox_clear(&c->out, c);
		timer_stop(b->plant->loop, &c->arrival);
		loop_watch(b->plant->loop, c->fd, LOOP_HANGUP, on_left, c);
	}
}

bool
chan_line_idle(const struct chan *c)
{
	return c->in.len + c->coming.len == 0 && !c->out.jobs &&
	    c->line_busy_ns <= loop_ns();
}

void
chan_disturb(struct chan *c, const char *bytes, size_t n)
{
	struct sending how = { .start_ns = loop_ns(),
		.step_ns = c->bus->line.char_ns };
	struct buf out = { 0 };

	if (c->dead || !chan_line_idle(c))
		return;
	buf_add(&out, bytes, n);
	outbox_send(c, &out, &how);
	buf_fini(&out);
}

int
chan_baud(const struct chan *c)
{
	static const struct {
		speed_t speed;
		int baud;
	} speeds[] = {
		{ B300, 300 },
		{ B600, 600 },
		{ B1200, 1200 },
		{ B2400, 2400 },
		{ B4800, 4800 },
		{ B9600, 9600 },
		{ B19200, 19200 },
		{ B38400, 38400 },
		{ B57600, 57600 },
		{ B115200, 115200 },
		{ B230400, 230400 },
		{ B460800, 460800 },
		{ B921600, 921600 },
	};
	struct termios t;

	if (!c->pty || tcgetattr(c->fd, &t) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (cfgetospeed(&t) == speeds[i].speed)
			return speeds[i].baud;
	return 0;
}
