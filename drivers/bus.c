#include "drivers/bus.h"

#include "common/log.h"
#include "common/mem.h"
#include "drivers/bus_impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BUS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUS_SANITIZED 1
#endif
#ifndef BUS_SANITIZED
#define BUS_SANITIZED 0
#endif

enum {
	STACK_KB = BUS_SANITIZED ? 1024 : 128,
	WAIT_MAX_MS = 3600000,
	INBOX = 16,
	ASKS_IN_A_ROW = 8,
};

/* --- small things --- */

void
bus_count(struct drv_bus *b, enum stat s, uint64_t n)
{
	atomic_fetch_add_explicit(&b->stats[s], n, memory_order_relaxed);
}

uint64_t
bus_stat(const struct drv_bus *b, enum stat s)
{
	return atomic_load_explicit(&b->stats[s], memory_order_relaxed);
}

void
bus_set(struct drv_bus *b, enum stat s, uint64_t v)
{
	atomic_store_explicit(&b->stats[s], v, memory_order_relaxed);
}

struct line *
bus_line(struct drv_bus *b)
{
	return &b->line;
}

int64_t
bus_now(const struct drv_bus *b)
{
	return clock_mono(b->clock);
}

int64_t
bus_utc(const struct drv_bus *b)
{
	return clock_utc(b->clock);
}

bool
bus_stopping(const struct drv_bus *b)
{
	return atomic_load(&b->stop);
}

void
bus_garbled(struct drv_bus *b, struct unit *u)
{
	bus_count(b, STAT_CRC, 1);
	u->tally.c.garbled++;
	u->tally.c.bad_utc_ms = bus_utc(b);
}

/* --- the thread --- */

/* Sleeps until wake, an order, or news on the line. */
static void
rest(struct drv_bus *b, int64_t wake)
{
	struct pollfd p[2] = { { b->wake_fd, POLLIN, 0 }, { -1, 0, 0 } };
	int64_t ms = wake == TASK_NEVER ? WAIT_MAX_MS : wake - bus_now(b);
	uint64_t n;

	if (ms < 0)
		ms = 0;
	p[1].fd = b->line.fd;
	p[1].events = b->line.ops->idle_events;
	if (b->n_streams)
		p[1].events = POLLIN;
	if (poll(p, 2, (int)(ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS)) <= 0)
		return;
	if (p[0].revents && read(b->wake_fd, &n, sizeof(n)) < 0 &&
	    errno != EAGAIN)
		log_err("bus", "%s: eventfd: errno=%d", b->cfg.name, errno);
	if (!p[1].revents)
		return;
	if (b->n_streams && (p[1].revents & POLLIN))
		turn_hear(b);
	else
		wire_idle(b);
	wire_late(b);
}

static void
serve_behind(struct drv_bus *b)
{
	int64_t start = bus_now(b);

	asks_step(b, true);
	sched_behind_done(&b->sched, bus_now(b), bus_now(b) - start);
}

static int64_t
earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Asks go first, but even of many one after the other some polls are made. */
static struct choice
choose(struct drv_bus *b)
{
	int64_t now = bus_now(b);
	bool asks = asks_wait(b, false, now);
	struct choice c = sched_next(&b->sched,
	    asks && b->asked < ASKS_IN_A_ROW, asks_wait(b, true, now), now);

	if (asks && c.what != SCHED_POLL)
		c.what = SCHED_ASK;
	return c;
}

static void
step_up(struct drv_bus *b)
{
	int64_t wake = turn_watch(b);
	struct choice c;

	if (!atomic_load(&b->up))
		return;
	c = choose(b);
	b->asked = c.what == SCHED_ASK ? b->asked + 1 : 0;
	switch (c.what) {
	case SCHED_REST:
		rest(b, earliest(c.wake, earliest(wake, asks_wake(b))));
		break;
	case SCHED_ASK:
		asks_step(b, false);
		break;
	case SCHED_BEHIND:
		serve_behind(b);
		break;
	case SCHED_POLL:
	case SCHED_PROBE:
		if (wire_ready(b) == OK)
			turn_take(b, &c);
		break;
	}
}

static void
step(struct drv_bus *b)
{
	orders_take(b);
	if (atomic_load(&b->up))
		step_up(b);
	else if (bus_now(b) >= b->reopen_at)
		wire_open(b);
	else
		rest(b, b->reopen_at);
}

static void *
run(void *arg)
{
	struct drv_bus *b = arg;

	b->sched.epoch = bus_now(b);
	roll_call(b);
	while (!bus_stopping(b))
		step(b);
	asks_end(b);
	b->line.ops->close(&b->line);
	return NULL;
}

/* --- life --- */

static struct serial_mode
serial_of(const struct cfg_bus *cfg, const struct drv_unit *units, size_t n)
{
	static const struct serial_mode usual = { 9600, 8, 'N', 1 };

	if (cfg->serial.baud)
		return cfg->serial;
	for (size_t i = 0; i < n; i++) {
		if (units[i].tmpl->serial.baud)
			return units[i].tmpl->serial;
	}
	return usual;
}

/* All signals are the main thread's. */
static bool
start_thread(struct drv_bus *b)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)STACK_KB * 1024);
	rc = pthread_create(&b->thread, &attr, run, b);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0;
}

/* The low descriptors are for those who wait with select(2). */
static int
open_wake(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? fd : line_high(fd);
}

struct drv_bus *
drv_bus_start(const struct cfg_bus *line, const struct drv_unit *units,
    size_t n, struct mailbox *box, const struct clock *clock)
{
	struct drv_bus *b = mem_zalloc(sizeof(*b));

	b->cfg = *line;
	b->cfg.name = mem_strdup(line->name);
	b->cfg.host = mem_strdup(line->host);
	b->cfg.port = mem_strdup(line->port);
	b->cfg.serial_text = mem_strdup(line->serial_text);
	b->box = box;
	b->clock = clock;
	b->mode = serial_of(line, units, n);
	b->cfg.serial = b->mode;
	roll_set(b, units, n);
	wire_init(b);
	b->wake_fd = open_wake();
	b->inbox = mailbox_new(INBOX, orders_wake, b);
	b->started = b->wake_fd >= 0 && start_thread(b);
	if (!b->started)
		wire_trouble(b,
		    "this machine is out of threads or files: a "
		    "bus cannot be started");
	return b;
}

void
drv_bus_ask_stop(struct drv_bus *b)
{
	atomic_store(&b->stop, true);
	orders_wake(b);
}

void
drv_bus_stop(struct drv_bus *b)
{
	if (!b)
		return;
	drv_bus_ask_stop(b);
	if (b->started)
		pthread_join(b->thread, NULL);
	if (b->wake_fd >= 0)
		close(b->wake_fd);
	orders_free(b);
	asks_free(b);
	roll_free(b);
	free(b->cfg.name);
	free(b->cfg.host);
	free(b->cfg.port);
	free(b->cfg.serial_text);
	free(b);
}

void
drv_bus_stats(struct drv_bus *b, struct drv_stats *out)
{
	*out = (struct drv_stats){
		.requests = bus_stat(b, STAT_REQUESTS),
		.timeouts = bus_stat(b, STAT_TIMEOUTS),
		.crc = bus_stat(b, STAT_CRC),
		.exceptions = bus_stat(b, STAT_EXCEPTIONS),
		.late = bus_stat(b, STAT_LATE),
		.reconnects = bus_stat(b, STAT_RECONNECTS),
		.bytes = bus_stat(b, STAT_BYTES),
		.overruns = bus_stat(b, STAT_OVERRUNS),
		.busy_ms = bus_stat(b, STAT_BUSY_US) / 1000,
		.rtt_us = bus_stat(b, STAT_RTT_US),
		.up = atomic_load(&b->up),
	};
}

const char *
drv_bus_name(const struct drv_bus *b)
{
	return b->cfg.name;
}
