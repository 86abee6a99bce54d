#include "field_slave.h"

#include "common/mem.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 8, TCP_HEAD = 6, ANSWER_MAX = 512 };

struct slave {
	pthread_t thread;
	atomic_bool stop;
	slave_fn *fn;
	slave_text_fn *text;
	void *arg;
	int fd;   /* pty master, or listening socket */
	int held; /* the pty's slave side, kept open so that it stays */
	char path[64];
	unsigned number;
	int idle_ms;
	pthread_mutex_t lock; /* of the registers */
	bool has[SLAVE_REGS];
	uint16_t reg[SLAVE_REGS];
};

uint16_t
slave_stored(struct slave *s, uint8_t unit, uint16_t addr)
{
	uint16_t v = slave_value(unit, addr);

	pthread_mutex_lock(&s->lock);
	if (addr < SLAVE_REGS && s->has[addr])
		v = s->reg[addr];
	pthread_mutex_unlock(&s->lock);
	return v;
}

void
slave_store(struct slave *s, uint16_t addr, uint16_t v)
{
	if (addr >= SLAVE_REGS)
		return;
	pthread_mutex_lock(&s->lock);
	s->has[addr] = true;
	s->reg[addr] = v;
	pthread_mutex_unlock(&s->lock);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static unsigned
crc(const uint8_t *p, size_t n)
{
	unsigned c = 0xffff;

	while (n--) {
		c ^= *p++;
		for (int i = 0; i < 8; i++)
			c = c & 1 ? c >> 1 ^ 0xa001 : c >> 1;
	}
	return c;
}

/* Waits up to 50 ms; false when there is nothing. */
static bool
ready(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 50) > 0 && (p.revents & POLLIN);
}

static bool
read_all(struct slave *s, int fd, uint8_t *out, size_t n)
{
	int silent = 0;
	size_t got = 0;

	while (got < n && !atomic_load(&s->stop)) {
		ssize_t r;

		if (!ready(fd)) {
			silent += 50;
			if (s->idle_ms && silent >= s->idle_ms)
				return false;
			continue;
		}
		r = read(fd, out + got, n - got);
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	return got == n;
}

static unsigned
word(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool
is_write(uint8_t function)
{
	return function == 5 || function == 6 || function == 15 ||
	    function == 16 || function == 22;
}

/* Does what a write says, and answers it: its first bytes again. */
static size_t
do_write(struct slave *s, const uint8_t *req, const struct ask *a, uint8_t *out)
{
	size_t n = a->function == 22 ? 8 : 6;

	for (unsigned i = 0; !a->ignore && i < a->count; i++) {
		uint16_t at = (uint16_t)(a->addr + i), v = a->value;

		if (a->function == 5)
			v = v == 0xff00;
		else if (a->function == 15)
			v = req[7 + i / 8] >> i % 8 & 1;
		else if (a->function == 16)
			v = (uint16_t)word(req + 7 + (size_t)2 * i);
		else if (a->function == 22)
			v = (uint16_t)((slave_stored(s, a->unit, at) & v) |
			    (a->or &~v));
		slave_store(s, at, v);
	}
	memcpy(out, req, n);
	return n;
}

static void
read_request(struct slave *s, const uint8_t *req, struct ask *a)
{
	*a = (struct ask){ .unit = req[0],
		.function = req[1],
		.addr = (uint16_t)word(req + 2),
		.count = (uint16_t)word(req + 4),
		.value = (uint16_t)word(req + 4),
		.number = s->number++,
		.as_unit = req[0],
		.at_us = now_us() };
	a->first = a->addr;
	if (req[1] == 5 || req[1] == 6 || req[1] == 22)
		a->count = 1;
	if (req[1] == 22)
		a->or = (uint16_t)word(req + 6);
	if (req[1] == 16)
		a->value = (uint16_t)word(req + 7);
}

static size_t
values(struct slave *s, const struct ask *a, uint8_t *out)
{
	bool bits = a->function <= 2;

	out[2] = (uint8_t)(bits ? (a->count + 7) / 8 : a->count * 2);
	memset(out + 3, 0, out[2]);
	for (uint16_t i = 0; i < a->count; i++) {
		uint16_t v = slave_stored(s, a->unit, (uint16_t)(a->first + i));

		if (bits) {
			out[3 + i / 8] |= (uint8_t)((v & 1) << i % 8);
		} else {
			out[3 + 2 * i] = (uint8_t)(v >> 8);
			out[4 + 2 * i] = (uint8_t)v;
		}
	}
	return 3u + out[2];
}

/* Decides, waits, and writes unit, function and data; 0: silence. */
static size_t
answer(struct slave *s, const uint8_t *req, struct ask *a, uint8_t *out)
{
	size_t n;

	read_request(s, req, a);
	s->fn(a, s->arg);
	n = is_write(a->function) && !a->exception ? do_write(s, req, a, out)
						   : 0;
	if (a->delay_ms < 0)
		return 0;
	for (int left = a->delay_ms; left > 0 && !atomic_load(&s->stop);
	     left -= 10)
		usleep(left < 10 ? (useconds_t)left * 1000 : 10000);
	out[0] = a->as_unit;
	out[1] = a->function;
	if (a->exception) {
		out[1] |= 0x80;
		out[2] = a->exception;
		return 3;
	}
	return n ? n : values(s, a, out);
}

static void
put(int fd, const uint8_t *data, size_t n)
{
	if (write(fd, data, n) != (ssize_t)n)
		usleep(1000); /* the other side has gone */
}

/* What follows the first eight bytes, CRC included. */
static size_t
rest_of(const uint8_t *req)
{
	if (req[1] == 22)
		return 2;
	return req[1] == 15 || req[1] == 16 ? req[6] + 1u : 0;
}

static void *
run_pty(void *arg)
{
	struct slave *s = arg;
	uint8_t req[SLAVE_DATA], out[ANSWER_MAX];
	struct ask a;

	while (!atomic_load(&s->stop)) {
		size_t n;
		unsigned c;

		if (!read_all(s, s->fd, req, HEAD) ||
		    !read_all(s, s->fd, req + HEAD, rest_of(req)))
			continue;
		n = answer(s, req, &a, out);
		if (n == 0)
			continue;
		c = crc(out, n) ^ (a.garble ? 0x55 : 0);
		out[n++] = (uint8_t)c;
		out[n++] = (uint8_t)(c >> 8);
		put(s->fd, out, n);
	}
	return NULL;
}

static void
serve_tcp(struct slave *s, int fd)
{
	uint8_t req[TCP_HEAD + SLAVE_DATA], out[TCP_HEAD + ANSWER_MAX];
	struct ask a;

	while (read_all(s, fd, req, TCP_HEAD) && req[4] == 0 &&
	    read_all(s, fd, req + TCP_HEAD, req[5])) {
		size_t n = answer(s, req + TCP_HEAD, &a, out + TCP_HEAD);

		s->idle_ms = a.idle_ms;
		if (a.hang_up)
			return;
		if (n == 0)
			continue;
		memcpy(out, req, 4);
		out[4] = (uint8_t)(n >> 8);
		out[5] = (uint8_t)n;
		if (send(fd, out, n + 6, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *
run_tcp(void *arg)
{
	struct slave *s = arg;

	while (!atomic_load(&s->stop)) {
		int fd;

		if (!ready(s->fd))
			continue;
		fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			continue;
		serve_tcp(s, fd);
		close(fd);
	}
	return NULL;
}

static void *
run_text(void *arg)
{
	struct slave *s = arg;

	while (!atomic_load(&s->stop)) {
		char data[256];
		ssize_t n;

		if (!ready(s->fd))
			continue;
		n = read(s->fd, data, sizeof(data));
		if (n > 0)
			s->text(s->fd, data, (size_t)n, s->arg);
	}
	return NULL;
}

static struct slave *
new_slave(slave_fn *fn, void *arg)
{
	struct slave *s = mem_zalloc(sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	s->held = -1;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void
open_pty(struct slave *s)
{
	struct termios t;

	if (openpty(&s->fd, &s->held, s->path, NULL, NULL) != 0)
		abort();
	tcgetattr(s->held, &t);
	cfmakeraw(&t);
	tcsetattr(s->held, TCSANOW, &t);
}

struct slave *
slave_pty(slave_fn *fn, void *arg)
{
	struct slave *s = new_slave(fn, arg);

	open_pty(s);
	pthread_create(&s->thread, NULL, run_pty, s);
	return s;
}

struct slave *
slave_text(slave_text_fn *fn, void *arg)
{
	struct slave *s = new_slave(NULL, arg);

	s->text = fn;
	open_pty(s);
	pthread_create(&s->thread, NULL, run_text, s);
	return s;
}

struct slave *
slave_tcp(slave_fn *fn, void *arg)
{
	struct slave *s = new_slave(fn, arg);
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(s->fd, 8) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len) != 0)
		abort();
	snprintf(s->path, sizeof(s->path), "127.0.0.1:%u",
	    (unsigned)ntohs(a.sin_port));
	pthread_create(&s->thread, NULL, run_tcp, s);
	return s;
}

const char *
slave_path(const struct slave *s)
{
	return s->path;
}

int
slave_fd(const struct slave *s)
{
	return s->fd;
}

void
slave_stop(struct slave *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	if (s->held >= 0)
		close(s->held);
	close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
