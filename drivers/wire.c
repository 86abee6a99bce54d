/* The line of a bus: opening it, noticing that it is gone, and making it safe
 * again after an exchange that went wrong. */
#include "common/key.h"
#include "common/log.h"
#include "drivers/bus_impl.h"

#include <stdio.h>
#include <string.h>

enum {
	QUIET_MIN_MS = 200, /* of silence after a timeout */
	QUIET_PROBE_MS = 20,
	QUIET_MAX_MS = 10000, /* of a line that was just opened */
	REOPEN_MIN_MS = 1000,
	REOPEN_MAX_MS = 30000,
	LOOK_MS = 500,  /* for a port that is not plugged in */
	RTT_WEIGHT = 8, /* of the past in the smoothed round trip */
	US = 1000,      /* in a ms */
	DROPS_MAX = 4,  /* connections in a row that brought nothing */
};

static bool
is_net(const struct drv_bus *b)
{
	return !b->cfg.port;
}

void
wire_init(struct drv_bus *b)
{
	line_init(&b->line, &b->cfg, b->mode, &b->stop);
	b->line.trace = (struct line_trace){ event_frame, b };
	b->reopen_wait = REOPEN_MIN_MS;
	b->reopen_at = INT64_MIN;
}

void
wire_trouble(struct drv_bus *b, const char *text)
{
	if (strncmp(b->said, text, sizeof(b->said) - 1) == 0)
		return;
	snprintf(b->said, sizeof(b->said), "%s", text);
	log_warn("bus", "%s", b->said);
	line_remark(&b->line, b->said);
	event_post(b, event_new(b, DRV_LINE_DOWN, 0, b->said));
}

static void
set_reopen(struct drv_bus *b, enum err e)
{
	int64_t wait = b->reopen_wait;

	/* A serial port that is not there costs little to look for. */
	b->missing = e == ERR_NOTFOUND && !is_net(b);
	if (b->missing) {
		b->reopen_wait = REOPEN_MIN_MS;
		b->reopen_at = bus_now(b) + LOOK_MS;
		return;
	}
	b->reopen_wait = wait * 2 < REOPEN_MAX_MS ? wait * 2 : REOPEN_MAX_MS;
	b->reopen_at = bus_now(b) + wait + random_below(REOPEN_MIN_MS / 10);
}

/* The line cannot be used: says so, and when to try again. */
static void
down(struct drv_bus *b, enum err e, const char *text)
{
	bool was_up = atomic_exchange(&b->up, false);

	b->line.ops->close(&b->line);
	wire_trouble(b, text);
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = b->units[i];

		if (was_up)
			u->first = u->health.state == UNIT_ONLINE;
		u->why = "its bus is down";
		if (u->health.state != UNIT_OFFLINE)
			roll_failed(b, u, true);
	}
	asks_refuse(b, ERR_IO, "the bus is down");
	set_reopen(b, e);
}

static enum err
start_streams(struct drv_bus *b)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < b->n_units; i++) {
		struct unit *u = b->units[i];

		if (u->talk && unit_is_stream(u))
			e = talk_start(b, u);
	}
	return e;
}

static void
up(struct drv_bus *b)
{
	int64_t ready = bus_now(b) + b->cfg.connect_delay_ms;

	atomic_store(&b->up, true);
	b->said[0] = '\0';
	b->missing = false;
	b->drops = 0;
	b->suspect = NULL;
	log_info("bus", "%s is open", b->cfg.name);
	line_remark(&b->line, "the line is open");
	event_post(b, event_new(b, DRV_LINE_UP, 0, ""));
	for (size_t i = 0; i < b->n_units; i++)
		roll_begin(b, b->units[i], ready);
	b->sched.probe_after = ready;
}

/* What was asked by one who had the line before, perhaps this gateway, may be
 * answered now: the line must be silent for as long as answers take. */
static enum err
settle(struct drv_bus *b)
{
	int64_t quiet = QUIET_MIN_MS;

	if (b->n_streams || bus_stopping(b))
		return OK;
	for (size_t i = 0; i < b->n_units; i++) {
		int64_t most = unit_timeout(b->units[i]);

		if (most + most / 2 > quiet)
			quiet = most + most / 2;
	}
	return b->line.ops->recover(
	    &b->line, quiet < QUIET_MAX_MS ? quiet : QUIET_MAX_MS);
}

/* A port that was not plugged in has nobody's answers, and is wanted soon. */
void
wire_open(struct drv_bus *b)
{
	struct errbuf why = { "" };
	bool plugged = b->missing;
	enum err e;

	if (b->missing && !line_there(&b->line)) {
		b->reopen_at = bus_now(b) + LOOK_MS;
		return;
	}
	e = b->line.ops->open(&b->line, &why);
	if (e == OK && !plugged && settle(b) != OK)
		e = errbuf_set(&why, ERR_IO,
		    "bus %s: the line was lost as soon as it was open",
		    b->cfg.name);
	if (e == OK)
		up(b);
	else if (!bus_stopping(b))
		down(b, e, why.text);
	if (e == OK && start_streams(b) != OK)
		down(b, ERR_IO, "the port was lost");
}

/* Connects anew without a word, if that works. */
static enum err
renew(struct drv_bus *b)
{
	struct errbuf why = { "" };
	enum err e;

	bus_count(b, STAT_RECONNECTS, 1);
	b->line.ops->close(&b->line);
	if (line_stopped(&b->line))
		return ERR_IO;
	e = b->line.ops->open(&b->line, &why);
	b->suspect = NULL;
	if (e != OK) {
		down(b, e, why.text);
		return ERR_IO;
	}
	line_sleep(&b->line, line_now_us() + b->cfg.connect_delay_ms * US);
	return start_streams(b);
}

enum err
wire_ready(struct drv_bus *b)
{
	return b->line.fd >= 0 ? OK : renew(b);
}

/* A TCP peer may end a connection at one request that it dislikes; one that
 * does it again and again does not want us. */
enum err
wire_lost(struct drv_bus *b)
{
	char text[sizeof(b->said)];

	if (is_net(b) && ++b->drops < DROPS_MAX)
		return renew(b);
	if (is_net(b))
		snprintf(text, sizeof(text),
		    "bus %s: %s ends the connection at once: does it allow so "
		    "many connections, and this machine's address?",
		    b->cfg.name, b->cfg.host);
	else
		snprintf(text, sizeof(text),
		    "bus %s: %s is gone: was the adapter unplugged?",
		    b->cfg.name, b->cfg.port);
	down(b, is_net(b) ? ERR_IO : ERR_NOTFOUND, text);
	return ERR_IO;
}

/* Many devices end a connection that is not used; unless it is listened to, it
 * is made again when it is needed. */
void
wire_idle(struct drv_bus *b)
{
	if (b->line.ops->idle(&b->line) == OK)
		return;
	if (is_net(b) && b->n_streams == 0)
		b->line.ops->close(&b->line);
	else
		wire_lost(b);
}

void
wire_brought(struct drv_bus *b)
{
	b->drops = 0;
	b->reopen_wait = REOPEN_MIN_MS;
}

void
wire_late(struct drv_bus *b)
{
	uint64_t late = b->line.late - bus_stat(b, STAT_LATE);
	struct unit *u = b->suspect;

	if (late == 0)
		return;
	bus_count(b, STAT_LATE, late);
	b->suspect = NULL;
	if (!u)
		return;
	u->tally.c.late++;
	if (unit_was_late(u))
		log_info("bus", "%s answers late: timeout_ms=%lld bus=%s",
		    u->name, (long long)unit_timeout(u), b->cfg.name);
}

static void
account(struct drv_bus *b, struct unit *u, enum err e, int64_t took_us)
{
	uint64_t rtt = bus_stat(b, STAT_RTT_US), took = (uint64_t)took_us;

	bus_count(b, STAT_REQUESTS, 1);
	bus_count(b, STAT_BYTES, b->line.bytes - bus_stat(b, STAT_BYTES));
	if (e == ERR_TIMEOUT)
		bus_count(b, STAT_TIMEOUTS, 1);
	else if (e == ERR_PROTO)
		bus_count(b, STAT_CRC, 1);
	else if (e == ERR_REFUSED)
		bus_count(b, STAT_EXCEPTIONS, 1);
	if (u)
		unit_account(u, e, took_us, clock_utc(b->clock));
	if (e == OK || e == ERR_REFUSED)
		bus_set(b, STAT_RTT_US,
		    rtt == 0 ? took
			     : (rtt * (RTT_WEIGHT - 1) + took) / RTT_WEIGHT);
}

/* How long the line must be silent before it is used again.  A unit that has
 * not answered for long will not do so late. */
static int64_t
quiet_ms(const struct drv_bus *b, const struct unit *u, int64_t timeout_ms)
{
	int64_t quiet = timeout_ms + timeout_ms / 2;

	if (bus_stopping(b) || (u && u->health.state == UNIT_OFFLINE))
		return QUIET_PROBE_MS;
	if (!u)
		return timeout_ms / 2 > QUIET_PROBE_MS ? timeout_ms / 2
						       : QUIET_PROBE_MS;
	return quiet > QUIET_MIN_MS ? quiet : QUIET_MIN_MS;
}

static enum err
make_safe(struct drv_bus *b, struct unit *u, enum err e, int64_t timeout_ms)
{
	if (e == ERR_IO && wire_lost(b) != OK)
		return ERR_IO;
	if (e == ERR_IO) {
		if (!u || u->talk) /* a text does not say what it answers */
			(void)settle(b);
		return ERR_BUSY;
	}
	if (e != ERR_TIMEOUT && e != ERR_PROTO)
		return e;
	wire_late(b);
	b->suspect = e == ERR_TIMEOUT ? u : NULL;
	if (b->line.ops->recover(&b->line, quiet_ms(b, u, timeout_ms)) == OK)
		return e;
	if (is_net(b))
		return renew(b) == OK ? e : ERR_IO;
	wire_lost(b);
	return ERR_IO;
}

enum err
bus_tried(struct drv_bus *b, struct unit *u, enum err e, int64_t started_us,
    int64_t timeout_ms)
{
	uint64_t bytes = bus_stat(b, STAT_BYTES);

	account(b, u, e, line_now_us() - started_us);
	if (e == ERR_TIMEOUT)
		line_remark(&b->line, "no answer");
	else if (e == ERR_PROTO && u && u->talk)
		line_remark(&b->line, "it is not whole, or its check is wrong");
	if (u)
		u->tally.c.bytes += bus_stat(b, STAT_BYTES) - bytes;
	e = make_safe(b, u, e, timeout_ms);
	wire_late(b);
	bus_count(b, STAT_BUSY_US, (uint64_t)(line_now_us() - started_us));
	return e;
}

enum err
bus_mode(struct drv_bus *b, struct serial_mode m)
{
	if (m.baud == 0 || serial_mode_equal(&m, &b->mode))
		return OK;
	if (is_net(b) || line_set_mode(&b->line, m) != OK)
		return ERR_UNSUP;
	return OK;
}

void
bus_usual_mode(struct drv_bus *b)
{
	/* After a line was lost it opens with its usual mode. */
	if (atomic_load(&b->up) && line_set_mode(&b->line, b->mode) != OK)
		wire_lost(b);
}
