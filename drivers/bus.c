#include "drivers/bus.h"

#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "drivers/bus_impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
	TIMEOUT_MAX_MS = 5000, /* late answers raise a timeout no further */
	QUIET_MIN_MS = 200,    /* of silence after a timeout */
	REOPEN_MIN_MS = 1000,
	REOPEN_MAX_MS = 30000,
	WAIT_MAX_MS = 3600000,
	PAUSE_SLICE_MS = 50,
	RTT_WEIGHT = 8, /* of the past in the smoothed round trip */
	DROPS_MAX = 4,  /* connections in a row that brought nothing */
};

/* --- small things --- */

void
bus_count(struct drv_bus *b, enum stat s, uint64_t n)
{
	atomic_fetch_add_explicit(&b->stats[s], n, memory_order_relaxed);
}

static uint64_t
stat_get(const struct drv_bus *b, enum stat s)
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

bool
bus_stopping(const struct drv_bus *b)
{
	return atomic_load(&b->stop);
}

void
bus_garbled(struct drv_bus *b)
{
	bus_count(b, STAT_CRC, 1);
}

void
bus_pause(struct drv_bus *b, int64_t ms)
{
	for (; ms > 0 && !bus_stopping(b); ms -= PAUSE_SLICE_MS)
		poll(NULL, 0, (int)(ms < PAUSE_SLICE_MS ? ms : PAUSE_SLICE_MS));
}

/* --- events --- */

static struct drv_event *
event_new(struct drv_bus *b, enum drv_event_kind kind, size_t max)
{
	struct drv_event *ev =
	    mem_zalloc(sizeof(*ev) + max * sizeof(struct reading));

	ev->kind = kind;
	ev->bus = b;
	return ev;
}

static bool
is_of_line(const struct drv_event *ev)
{
	return ev->kind == DRV_LINE_UP || ev->kind == DRV_LINE_DOWN;
}

/* Whether ev says all that old said. */
static bool
replaces(const struct drv_event *ev, const struct drv_event *old)
{
	if (ev->bus != old->bus)
		return false;
	if (is_of_line(ev))
		return is_of_line(old);
	if (ev->kind != old->kind || ev->unit != old->unit)
		return false;
	return ev->kind != DRV_READINGS ||
	    (ev->keep && ev->n == old->n && ev->r[0].field == old->r[0].field);
}

/* When the loop does not keep up: a field that is polled will be read again,
 * but a state is said once, and a lost one would stand wrong for ever. */
static bool
gives_way(const void *old, const void *msg)
{
	const struct drv_event *was = old;

	return (was->kind == DRV_READINGS && !was->keep) || replaces(msg, was);
}

static void
post(struct drv_bus *b, struct drv_event *ev)
{
	ev->mono_ms = clock_mono(b->clock);
	ev->utc_ms = clock_utc(b->clock);
	free(mailbox_push_newest(b->box, ev, gives_way));
}

struct drv_event *
bus_batch(struct drv_bus *b, struct unit *u, size_t max)
{
	struct drv_event *ev = event_new(b, DRV_READINGS, max);

	ev->unit = u->handle;
	return ev;
}

static void
post_unit(struct drv_bus *b, const struct unit *u, enum drv_event_kind kind,
    const char *text)
{
	struct drv_event *ev = event_new(b, kind, 0);

	ev->unit = u->handle;
	ev->state = u->health.state;
	snprintf(ev->text, sizeof(ev->text), "%s", text);
	post(b, ev);
}

void
bus_check_once(struct drv_bus *b, struct unit *u)
{
	if (u->once_done || u->n_once > 0 || u->health.state != UNIT_ONLINE)
		return;
	u->once_done = true;
	post_unit(b, u, DRV_ONCE_DONE, "");
}

void
bus_send(struct drv_bus *b, struct unit *u, struct drv_event *ev, bool answered)
{
	for (size_t i = 0; answered && i < ev->n; i++) {
		bool *once = &u->once[ev->r[i].field];

		ev->keep = ev->keep || *once;
		u->n_once -= *once;
		*once = false;
	}
	if (ev->n == 0) {
		free(ev);
		return;
	}
	ev->state = u->health.state;
	post(b, ev);
	bus_check_once(b, u);
}

/* --- units --- */

static void
unit_changed(struct drv_bus *b, struct unit *u)
{
	const char *why =
	    u->health.state == UNIT_OFFLINE || u->health.state == UNIT_SUSPECT
	    ? u->why
	    : NULL;

	if (u->health.state == UNIT_OFFLINE)
		log_warn("bus", "%s is offline: %s bus=%s unit=%d", u->name,
		    why ? why : "no answer", b->cfg.name, u->address);
	else if (u->health.state == UNIT_ONLINE)
		log_info("bus", "%s is online bus=%s unit=%d", u->name,
		    b->cfg.name, u->address);
	else
		log_debug("bus", "%s is %s: %s bus=%s unit=%d", u->name,
		    health_word(u->health.state), why ? why : "not asked yet",
		    b->cfg.name, u->address);
	post_unit(b, u, DRV_UNIT, why ? why : "");
}

/* Nothing of an offline unit is fresh, but what does not change. */
static void
unit_lost(struct drv_bus *b, struct unit *u)
{
	struct drv_event *ev = bus_batch(b, u, u->t->n_fields);

	for (size_t i = 0; i < u->t->n_fields; i++) {
		if (tmpl_poll_ms(u->t, &u->t->fields[i], u->poll_ms) == 0)
			continue;
		ev->r[ev->n].field = (uint16_t)i;
		decode_bad(&ev->r[ev->n++], QUALITY_ERROR,
		    u->why ? u->why : "the device does not answer");
	}
	bus_send(b, u, ev, false);
	unit_changed(b, u);
}

void
bus_alive(struct drv_bus *b, struct unit *u)
{
	enum unit_state before = u->health.state;
	bool changed = health_answered(&u->health);

	b->drops = 0;
	b->reopen_wait = REOPEN_MIN_MS;
	u->why = NULL;
	if (!changed)
		return;
	if (before == UNIT_OFFLINE)
		unit_rearm(u, bus_now(b));
	unit_changed(b, u);
	bus_check_once(b, u);
}

void
bus_failed(struct drv_bus *b, struct unit *u, bool at_once)
{
	uint32_t jitter = random_below(HEALTH_JITTER);
	int64_t now = bus_now(b);
	bool changed = at_once ? health_offline(&u->health, now, jitter)
			       : health_failed(&u->health, now, jitter);

	if (changed && u->health.state == UNIT_OFFLINE)
		unit_lost(b, u);
	else if (changed)
		unit_changed(b, u);
}

/* --- the line --- */

static void
line_trouble(struct drv_bus *b, const char *text)
{
	struct drv_event *ev;

	if (strncmp(b->said, text, sizeof(b->said) - 1) == 0)
		return;
	snprintf(b->said, sizeof(b->said), "%s", text);
	log_warn("bus", "%s", b->said);
	ev = event_new(b, DRV_LINE_DOWN, 0);
	snprintf(ev->text, sizeof(ev->text), "%s", b->said);
	post(b, ev);
}

/* The line cannot be used: says so, and when to try again. */
static void
line_down(struct drv_bus *b, enum err e, const char *text)
{
	int64_t wait = b->reopen_wait;

	b->line.ops->close(&b->line);
	atomic_store(&b->up, false);
	line_trouble(b, text);
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];

		u->why = "its bus is down";
		if (u->health.state != UNIT_OFFLINE)
			bus_failed(b, u, true);
	}
	/* A serial port that is not there costs nothing to look for. */
	b->reopen_at = bus_now(b) + (e == ERR_NOTFOUND ? REOPEN_MIN_MS : wait) +
	    random_below(REOPEN_MIN_MS / 10);
	b->reopen_wait = wait * 2 < REOPEN_MAX_MS ? wait * 2 : REOPEN_MAX_MS;
}

static void
unit_begin(struct drv_bus *b, struct unit *u, int64_t ready)
{
	u->timeout_ms = u->base_timeout_ms;
	if (!u->talk && u->n_tasks == 0)
		return; /* not for this bus */
	u->why = NULL;
	unit_rearm(u, ready);
	if (unit_is_stream(u))
		talk_expect(u, ready);
	if (health_forget(&u->health))
		unit_changed(b, u);
}

static enum err
start_streams(struct drv_bus *b)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < b->n_units; i++) {
		if (b->units[i].talk && unit_is_stream(&b->units[i]))
			e = talk_start(b, &b->units[i]);
	}
	return e;
}

static void
line_up(struct drv_bus *b)
{
	int64_t ready = bus_now(b) + b->cfg.connect_delay_ms;

	atomic_store(&b->up, true);
	b->said[0] = '\0';
	b->drops = 0;
	b->suspect = NULL;
	log_info("bus", "%s is open", b->cfg.name);
	post(b, event_new(b, DRV_LINE_UP, 0));
	for (size_t i = 0; i < b->n_units; i++)
		unit_begin(b, &b->units[i], ready);
	b->sched.probe_after = ready;
}

static void
line_open(struct drv_bus *b)
{
	struct errbuf why = { "" };
	enum err e = b->line.ops->open(&b->line, &why);

	if (e == OK)
		line_up(b);
	else
		line_down(b, e, why.text);
	if (e == OK && start_streams(b) != OK)
		line_down(b, ERR_IO, "the port was lost");
}

/* Connects a TCP line anew without a word, if that works. */
static enum err
line_renew(struct drv_bus *b)
{
	struct errbuf why = { "" };
	enum err e;

	bus_count(b, STAT_RECONNECTS, 1);
	b->line.ops->close(&b->line);
	e = b->line.ops->open(&b->line, &why);
	b->suspect = NULL;
	if (e != OK)
		line_down(b, e, why.text);
	else
		bus_pause(b, b->cfg.connect_delay_ms);
	return e == OK ? OK : ERR_IO;
}

/* The other side ended the line.  A TCP peer may do so at one request that it
 * dislikes; one that does it again and again does not want us. */
enum err
bus_line_lost(struct drv_bus *b)
{
	char text[sizeof(b->said)];
	bool tcp = b->cfg.type == BUS_MODBUS_TCP;

	if (tcp && ++b->drops < DROPS_MAX)
		return line_renew(b);
	if (tcp)
		snprintf(text, sizeof(text),
		    "bus %s: %s ends the connection at once: does it allow so "
		    "many connections, and this machine's address?",
		    b->cfg.name, b->cfg.host);
	else
		snprintf(text, sizeof(text),
		    "bus %s: %s is gone: was the adapter unplugged?",
		    b->cfg.name, b->cfg.port);
	line_down(b, tcp ? ERR_IO : ERR_NOTFOUND, text);
	return ERR_IO;
}

/* Late answers mean that their unit needs more time. */
static void
note_late(struct drv_bus *b)
{
	uint64_t late = b->line.late - stat_get(b, STAT_LATE);
	struct unit *u = b->suspect;

	if (late == 0)
		return;
	bus_count(b, STAT_LATE, late);
	b->suspect = NULL;
	if (!u || u->timeout_ms >= TIMEOUT_MAX_MS)
		return;
	u->timeout_ms *= 2;
	if (u->timeout_ms > TIMEOUT_MAX_MS)
		u->timeout_ms = TIMEOUT_MAX_MS;
	log_info("bus", "%s answers late: timeout_ms=%lld bus=%s", u->name,
	    (long long)u->timeout_ms, b->cfg.name);
}

static void
account(struct drv_bus *b, enum err e, int64_t took_us)
{
	uint64_t rtt = stat_get(b, STAT_RTT_US), took = (uint64_t)took_us;

	bus_count(b, STAT_REQUESTS, 1);
	if (e == ERR_TIMEOUT)
		bus_count(b, STAT_TIMEOUTS, 1);
	else if (e == ERR_PROTO)
		bus_count(b, STAT_CRC, 1);
	else if (e == ERR_REFUSED)
		bus_count(b, STAT_EXCEPTIONS, 1);
	if (e == OK || e == ERR_REFUSED)
		bus_set(b, STAT_RTT_US,
		    rtt == 0 ? took
			     : (rtt * (RTT_WEIGHT - 1) + took) / RTT_WEIGHT);
}

static enum err
make_safe(struct drv_bus *b, struct unit *u, enum err e)
{
	int64_t quiet = u->timeout_ms + u->timeout_ms / 2;
	enum err safe;

	if (e == OK || e == ERR_REFUSED)
		return e;
	if (e == ERR_IO)
		return bus_line_lost(b) == OK ? ERR_BUSY : ERR_IO;
	note_late(b);
	b->suspect = e == ERR_TIMEOUT ? u : NULL;
	safe = b->line.ops->recover(
	    &b->line, quiet > QUIET_MIN_MS ? quiet : QUIET_MIN_MS);
	note_late(b);
	if (safe == OK)
		return e;
	if (b->cfg.type == BUS_MODBUS_TCP)
		return line_renew(b) == OK ? e : ERR_IO;
	bus_line_lost(b);
	return ERR_IO;
}

enum err
bus_tried(struct drv_bus *b, struct unit *u, enum err e, int64_t started_us)
{
	account(b, e, line_now_us() - started_us);
	e = make_safe(b, u, e);
	note_late(b);
	bus_set(b, STAT_BYTES, b->line.bytes);
	bus_count(b, STAT_BUSY_US, (uint64_t)(line_now_us() - started_us));
	return e;
}

/* --- the thread --- */

static void
take_requests(struct drv_bus *b)
{
	int64_t now = bus_now(b);
	uint64_t n;

	if (read(b->wake_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_err("bus", "%s: eventfd: errno=%d", b->cfg.name, errno);
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];

		if (!atomic_exchange(&u->read_now, false))
			continue;
		u->health.probe_at = now;
		b->sched.probe_after = now;
		for (size_t j = 0; j < u->n_tasks; j++)
			u->tasks[j].due = now;
	}
}

/* The line broke while nothing was asked.  Many devices end a connection that
 * is not used; it is made again when it is needed. */
static void
line_idle(struct drv_bus *b)
{
	if (b->line.ops->idle(&b->line) == OK)
		return;
	if (b->cfg.type == BUS_MODBUS_TCP)
		b->line.ops->close(&b->line);
	else
		bus_line_lost(b);
}

/* Sleeps until wake, a request, or news on the line. */
static void
rest(struct drv_bus *b, int64_t wake)
{
	struct pollfd p[2] = { { b->wake_fd, POLLIN, 0 }, { -1, 0, 0 } };
	int64_t ms = wake - bus_now(b);
	int n;

	if (ms < 0)
		ms = 0;
	p[1].fd = b->line.fd;
	p[1].events = b->line.ops->idle_events;
	if (b->n_streams)
		p[1].events = POLLIN;
	n = poll(p, 2, (int)(ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS));
	if (n <= 0)
		return;
	if (p[0].revents)
		take_requests(b);
	if (!p[1].revents)
		return;
	if (b->n_streams && (p[1].revents & POLLIN))
		turn_hear(b);
	else
		line_idle(b);
	note_late(b);
}

static void
step(struct drv_bus *b)
{
	struct choice c = { 0 };
	int64_t wake;

	if (!atomic_load(&b->up)) {
		if (bus_now(b) >= b->reopen_at)
			line_open(b);
		else
			rest(b, b->reopen_at);
		return;
	}
	wake = turn_watch(b);
	c = sched_next(&b->sched, b->units, b->n_units, bus_now(b));
	if (!c.unit) {
		rest(b, c.wake < wake ? c.wake : wake);
		return;
	}
	if (b->line.fd >= 0 || line_renew(b) == OK)
		turn_take(b, &c);
	take_requests(b);
}

static void
refuse_strangers(struct drv_bus *b)
{
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];

		if (u->why)
			bus_failed(b, u, true);
	}
}

static void *
run(void *arg)
{
	struct drv_bus *b = arg;

	b->sched.epoch = bus_now(b);
	refuse_strangers(b);
	while (!bus_stopping(b))
		step(b);
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
	b->reopen_wait = REOPEN_MIN_MS;
	b->reopen_at = INT64_MIN;
	b->units = mem_array(n, sizeof(*b->units));
	b->n_units = n;
	for (size_t i = 0; i < n; i++) {
		unit_init(&b->units[i], &units[i], &b->cfg);
		b->n_streams +=
		    b->units[i].talk && unit_is_stream(&b->units[i]);
	}
	line_init(&b->line, &b->cfg, serial_of(line, units, n), &b->stop);
	b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b->started = b->wake_fd >= 0 && start_thread(b);
	if (!b->started)
		line_trouble(b,
		    "this machine is out of threads or files: a "
		    "bus cannot be started");
	return b;
}

static void
wake(struct drv_bus *b)
{
	const uint64_t one = 1;

	if (write(b->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_err("bus", "%s: eventfd: errno=%d", b->cfg.name, errno);
}

void
drv_bus_ask_stop(struct drv_bus *b)
{
	atomic_store(&b->stop, true);
	if (b->started)
		wake(b);
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
	for (size_t i = 0; i < b->n_units; i++)
		unit_fini(&b->units[i]);
	free(b->units);
	free(b->cfg.name);
	free(b->cfg.host);
	free(b->cfg.port);
	free(b->cfg.serial_text);
	free(b);
}

void
drv_bus_read_now(struct drv_bus *b, uint32_t handle)
{
	for (size_t i = 0; i < b->n_units; i++) {
		if (b->units[i].handle == handle)
			atomic_store(&b->units[i].read_now, true);
	}
	if (b->started)
		wake(b);
}

void
drv_bus_stats(struct drv_bus *b, struct drv_stats *out)
{
	*out = (struct drv_stats){
		.requests = stat_get(b, STAT_REQUESTS),
		.timeouts = stat_get(b, STAT_TIMEOUTS),
		.crc = stat_get(b, STAT_CRC),
		.exceptions = stat_get(b, STAT_EXCEPTIONS),
		.late = stat_get(b, STAT_LATE),
		.reconnects = stat_get(b, STAT_RECONNECTS),
		.bytes = stat_get(b, STAT_BYTES),
		.busy_ms = stat_get(b, STAT_BUSY_US) / 1000,
		.rtt_us = stat_get(b, STAT_RTT_US),
		.up = atomic_load(&b->up),
	};
}

const char *
drv_bus_name(const struct drv_bus *b)
{
	return b->cfg.name;
}
