#include "line_peer.h"

#include "common/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MBAP = 6, CRC = 2 };

struct impl {
	pthread_t thread;
	atomic_bool stop;
	int listening; /* pty: the slave side, held so that it stays */
	uint8_t in[2 * PEER_MAX];
	size_t n;
};

int64_t
peer_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
peer_sleep_us(int64_t us)
{
	struct timespec t = { us / 1000000, (long)(us % 1000000 * 1000) };

	nanosleep(&t, NULL);
}

unsigned
peer_random(struct peer *p, unsigned below)
{
	return (unsigned)rand_r(&p->seed) % below;
}

uint16_t
peer_value(unsigned unit, unsigned addr)
{
	return (uint16_t)(unit * 1000 + addr * 7 + 1);
}

static uint16_t
value_of(const struct peer *p, unsigned unit, unsigned addr)
{
	if (unit < PEER_UNITS && addr < PEER_REGS && p->is_written[unit][addr])
		return p->written[unit][addr];
	return peer_value(unit, addr);
}

static void
write_to(struct peer *p, unsigned unit, unsigned addr, unsigned value)
{
	if (unit >= PEER_UNITS || addr >= PEER_REGS)
		return;
	p->written[unit][addr] = (uint16_t)value;
	p->is_written[unit][addr] = true;
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static size_t
read_regs(struct peer *p, const uint8_t *rq, uint8_t *out)
{
	unsigned addr = get16(rq + 2), count = get16(rq + 4);
	bool bits = rq[1] <= 2;

	out[2] = (uint8_t)(bits ? (count + 7) / 8 : count * 2);
	memset(out + 3, 0, out[2]);
	for (unsigned i = 0; i < count; i++) {
		unsigned v = value_of(p, rq[0], addr + i);

		if (bits) {
			out[3 + i / 8] |= (uint8_t)((v & 1) << i % 8);
		} else {
			out[3 + 2 * i] = (uint8_t)(v >> 8);
			out[4 + 2 * i] = (uint8_t)v;
		}
	}
	return 3u + out[2];
}

static size_t
write_regs(struct peer *p, const uint8_t *rq, uint8_t *out)
{
	unsigned addr = get16(rq + 2), v = get16(rq + 4);

	memcpy(out, rq, 8);
	if (rq[1] == 5)
		write_to(p, rq[0], addr, v ? 1 : 0);
	if (rq[1] == 6)
		write_to(p, rq[0], addr, v);
	if (rq[1] == 22)
		write_to(p, rq[0], addr,
		    (value_of(p, rq[0], addr) & v) | (get16(rq + 6) & ~v));
	for (unsigned i = 0; rq[1] == 15 && i < v; i++)
		write_to(p, rq[0], addr + i, rq[7 + i / 8] >> i % 8 & 1);
	for (unsigned i = 0; rq[1] == 16 && i < v; i++)
		write_to(p, rq[0], addr + i, get16(rq + 7 + 2 * (size_t)i));
	return rq[1] == 22 ? 8 : 6;
}

size_t
peer_answer(struct peer *p, const uint8_t *rq, uint8_t *out)
{
	static const uint8_t device[] = { 0x2b, 14, 1, 1, 0, 0, 2, 0, 4, 'A',
		'C', 'M', 'E', 1, 3, 'X', '-', '1' };
	static const uint8_t server[] = { 3, 0x42, 0xff, '!' };

	out[0] = rq[0];
	out[1] = rq[1];
	if (rq[1] >= 1 && rq[1] <= 4)
		return read_regs(p, rq, out);
	if (rq[1] == 17) {
		memcpy(out + 2, server, sizeof(server));
		return 2 + sizeof(server);
	}
	if (rq[1] == 43) {
		memcpy(out + 1, device, sizeof(device));
		return 1 + sizeof(device);
	}
	return write_regs(p, rq, out);
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

size_t
peer_frame(const struct peer *p, const uint8_t *pdu, size_t n, uint8_t *out)
{
	size_t head = p->kind == PEER_TCP ? MBAP : 0;
	unsigned c;

	memmove(out + head, pdu, n);
	if (head) {
		out[0] = (uint8_t)(p->id >> 8);
		out[1] = (uint8_t)p->id;
		out[2] = 0;
		out[3] = 0;
		out[4] = (uint8_t)(n >> 8);
		out[5] = (uint8_t)n;
		return MBAP + n;
	}
	c = crc(out, n);
	out[n] = (uint8_t)c;
	out[n + 1] = (uint8_t)(c >> 8);
	return n + CRC;
}

void
peer_put(struct peer *p, const uint8_t *data, size_t n)
{
	ssize_t w = p->kind == PEER_PTY ? write(p->fd, data, n)
					: send(p->fd, data, n, MSG_NOSIGNAL);

	(void)w;
}

void
peer_obey(struct peer *p, const uint8_t *rq, size_t n)
{
	uint8_t pdu[PEER_MAX], frame[PEER_MAX];
	size_t len = peer_answer(p, rq, pdu);

	(void)n;
	peer_put(p, frame, peer_frame(p, pdu, len, frame));
}

/* How long the request at the head is, without CRC or header; 0: not whole. */
static size_t
request_len(const uint8_t *rq, size_t n)
{
	size_t want = 6;

	if (n < 2)
		return 0;
	if (rq[1] == 15 || rq[1] == 16)
		want = n > 6 ? 7u + rq[6] : SIZE_MAX;
	else if (rq[1] == 17)
		want = 2;
	else if (rq[1] == 22)
		want = 8;
	else if (rq[1] == 43)
		want = 5;
	return n >= want ? want : 0;
}

static void
take(struct peer *p, struct impl *m, int64_t came)
{
	size_t head = p->kind == PEER_TCP ? MBAP : 0;
	size_t tail = p->kind == PEER_TCP ? 0 : CRC;
	uint8_t rq[PEER_MAX];
	size_t n;

	while (m->n > head + tail &&
	    (n = request_len(m->in + head, m->n - head - tail)) > 0) {
		p->id = head ? (uint16_t)get16(m->in) : 0;
		memcpy(rq, m->in + head, n);
		m->n -= head + n + tail;
		memmove(m->in, m->in + head + n + tail, m->n);
		if (p->number < PEER_LOG)
			p->at_us[p->number] = came;
		p->fn(p, rq, n);
		p->number++;
		atomic_fetch_add(&p->requests, 1);
	}
}

static void
serve(struct peer *p, struct impl *m)
{
	int64_t came = 0;

	m->n = 0;
	while (!atomic_load(&m->stop) && p->fd >= 0) {
		struct pollfd q = { p->fd, POLLIN, 0 };
		size_t before = m->n;
		ssize_t n;

		if (poll(&q, 1, 20) <= 0)
			continue;
		n = read(p->fd, m->in + m->n, sizeof(m->in) - m->n);
		if (n <= 0 && p->kind == PEER_PTY) {
			peer_sleep_us(1000);
			continue;
		}
		if (n <= 0)
			return;
		if (before == 0)
			came = peer_now_us();
		m->n += (size_t)n;
		for (size_t i = before;
		     p->number == 0 && i < m->n && i < PEER_LOG; i++)
			p->byte_us[i] = peer_now_us();
		take(p, m, came);
	}
}

static void *
run(void *arg)
{
	struct peer *p = arg;
	struct impl *m = p->impl;
	const int one = 1;

	while (!atomic_load(&m->stop)) {
		struct pollfd q = { m->listening, POLLIN, 0 };

		if (p->kind != PEER_PTY) {
			if (poll(&q, 1, 20) <= 0)
				continue;
			p->fd = accept(m->listening, NULL, NULL);
			setsockopt(
			    p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			atomic_fetch_add(&p->connections, 1);
		}
		serve(p, m);
		if (p->kind != PEER_PTY && p->fd >= 0)
			close(p->fd);
	}
	return NULL;
}

static void
listen_on(struct peer *p, struct impl *m)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	m->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(m->listening, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(m->listening, 8) != 0 ||
	    getsockname(m->listening, (struct sockaddr *)&a, &len) != 0)
		abort();
	snprintf(p->name, sizeof(p->name), "127.0.0.1:%u",
	    (unsigned)ntohs(a.sin_port));
}

struct peer *
peer_start(enum peer_kind kind, peer_fn *fn)
{
	struct peer *p = mem_zalloc(sizeof(*p));
	struct impl *m = mem_zalloc(sizeof(*m));
	struct termios t;
	int fd;

	p->kind = kind;
	p->fn = fn;
	p->impl = m;
	p->fd = -1;
	p->seed = 1;
	if (kind == PEER_PTY) {
		if (openpty(&fd, &m->listening, p->name, NULL, NULL) != 0)
			abort();
		p->fd = fd;
		tcgetattr(m->listening, &t);
		cfmakeraw(&t);
		tcsetattr(m->listening, TCSANOW, &t);
	} else {
		listen_on(p, m);
	}
	if (pthread_create(&m->thread, NULL, run, p) != 0)
		abort();
	return p;
}

void
peer_end(struct peer *p)
{
	struct impl *m = p->impl;

	if (!atomic_exchange(&m->stop, true))
		pthread_join(m->thread, NULL);
}

void
peer_stop(struct peer *p)
{
	struct impl *m = p->impl;

	peer_end(p);
	close(m->listening);
	if (p->kind == PEER_PTY && p->fd >= 0)
		close(p->fd);
	free(m);
	free(p);
}

struct cfg_bus
peer_bus(struct peer *p)
{
	static const int types[] = { BUS_MODBUS_RTU, BUS_MODBUS_RTU_TCP,
		BUS_MODBUS_TCP };
	static char name[] = "test";

	return (struct cfg_bus){ .name = name,
		.type = types[p->kind],
		.host = p->kind == PEER_PTY ? NULL : p->name,
		.port = p->kind == PEER_PTY ? p->name : NULL,
		.serial = { 115200, 8, 'N', 1 } };
}
