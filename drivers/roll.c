/* The units of a bus: those that come and go by the configuration, and those
 * that answer or fall silent. */
#include "common/buf.h"
#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "drivers/bus_impl.h"

#include <stdlib.h>
#include <string.h>

struct unit *
roll_find(struct drv_bus *b, uint32_t handle)
{
	for (size_t i = 0; i < b->n_units; i++) {
		if (b->units[i]->handle == handle)
			return b->units[i];
	}
	return NULL;
}

/* --- how they are --- */

static void
add_place(const struct drv_bus *b, const struct unit *u, struct buf *out)
{
	struct serial_mode m = b->mode;

	if (u->talk && u->t->serial.baud && b->cfg.type != BUS_SERIAL)
		m = u->t->serial;
	if (b->cfg.type == BUS_MODBUS_TCP)
		buf_printf(out, ": unit %d at %s", u->address, b->cfg.host);
	else if (!b->cfg.port)
		buf_printf(
		    out, ": address %d behind %s", u->address, b->cfg.host);
	else
		buf_printf(out, ": address %d on %s at %d %d%c%d", u->address,
		    b->cfg.port, m.baud, m.bits, m.parity, m.stop);
}

static void
add_last(const struct unit *u, struct buf *out)
{
	char when[CLOCK_TEXT];

	if (u->tally.c.ok_utc_ms == 0) {
		buf_puts(out, "; it has not answered yet");
		return;
	}
	clock_format(u->tally.c.ok_utc_ms, when);
	buf_printf(out, "; last answer %s", when);
}

/* What to look at, by experience. */
static const char *
hint(const struct drv_bus *b, const struct unit *u)
{
	bool never = u->tally.c.ok_utc_ms == 0;

	if (b->cfg.type == BUS_MODBUS_TCP)
		return never ? "is the unit id right, is the device behind the "
			       "gateway powered and wired?"
			     : "is the device powered, is its cable in place?";
	if (u->tally.c.garbled > u->tally.c.timeouts)
		return "do speed and parity match, has another device the same "
		       "address, is the line terminated?";
	return never ? "is it powered, are A and B swapped, do speed, parity "
		       "and address match?"
		     : "is it powered, is a wire loose?";
}

/* Why u is not well, for who has to mend it. */
static void
explain(const struct drv_bus *b, const struct unit *u, struct buf *out)
{
	buf_puts(out, u->why ? u->why : "the device does not answer");
	if (!atomic_load(&b->up) || u->health.state == UNIT_UNKNOWN)
		return;
	add_place(b, u, out);
	add_last(u, out);
	buf_printf(out, "; %s", hint(b, u));
}

static void
changed(struct drv_bus *b, struct unit *u)
{
	bool bad =
	    u->health.state == UNIT_OFFLINE || u->health.state == UNIT_SUSPECT;
	struct buf why = { 0 };

	buf_puts(&why, "");
	if (bad)
		explain(b, u, &why);
	if (u->health.state == UNIT_OFFLINE)
		log_warn("bus", "%s is offline: %s bus=%s unit=%d", u->name,
		    why.data, b->cfg.name, u->address);
	else if (u->health.state == UNIT_ONLINE)
		log_info("bus", "%s is online bus=%s unit=%d", u->name,
		    b->cfg.name, u->address);
	else
		log_debug("bus", "%s is %s bus=%s unit=%d", u->name,
		    health_word(u->health.state), b->cfg.name, u->address);
	event_unit(b, u, DRV_UNIT, bad ? why.data : "");
	buf_fini(&why);
}

/* Nothing of an offline unit is fresh, but what does not change. */
static void
lost(struct drv_bus *b, struct unit *u)
{
	struct drv_event *ev = bus_batch(b, u, u->t->n_fields);

	for (size_t i = 0; i < u->t->n_fields; i++) {
		if (tmpl_poll_ms(u->t, &u->t->fields[i], u->poll_ms) == 0)
			continue;
		bus_add_bad(ev, i, QUALITY_ERROR,
		    u->why ? u->why : "the device does not answer");
	}
	bus_send(b, u, ev, false);
	changed(b, u);
}

void
bus_alive(struct drv_bus *b, struct unit *u)
{
	enum unit_state before = u->health.state;
	bool news = health_answered(&u->health);

	wire_brought(b);
	u->why = NULL;
	u->probes = 0;
	u->faulty = false;
	if (!news)
		return;
	if (before == UNIT_OFFLINE)
		unit_rearm(u, bus_now(b));
	changed(b, u);
	bus_check_once(b, u);
}

void
roll_failed(struct drv_bus *b, struct unit *u, bool at_once)
{
	uint32_t jitter = random_below(HEALTH_JITTER);
	int64_t now = bus_now(b);
	bool news = at_once ? health_offline(&u->health, now, jitter)
			    : health_failed(&u->health, now, jitter);

	u->faulty = false;
	if (news && u->health.state == UNIT_OFFLINE)
		lost(b, u);
	else if (news)
		changed(b, u);
}

void
roll_faulty(struct drv_bus *b, struct unit *u)
{
	u->faulty = true;
	if (health_faulty(&u->health))
		changed(b, u);
}

void
bus_learned(struct drv_bus *b, const struct unit *u)
{
	struct drv_event *ev = event_new(b, DRV_LEARNED, u->t->n_fields, "");

	ev->unit = u->handle;
	for (size_t i = 0; i < u->t->n_fields; i++) {
		if (u->cut[i])
			ev->r[ev->n++].field = (uint16_t)i;
	}
	event_post(b, ev);
}

void
bus_exception(struct drv_bus *b, struct unit *u, uint8_t code, const char *why)
{
	uint32_t bit = UINT32_C(1) << (code < 31 ? code : 31);

	if (u->said & bit)
		return;
	u->said |= bit;
	log_info("bus", "%s: exception %d: %s bus=%s unit=%d", u->name, code,
	    why, b->cfg.name, u->address);
}

/* --- which they are --- */

static bool
is_there(const struct unit *u)
{
	return u->talk || u->n_tasks > 0;
}

void
roll_begin(struct drv_bus *b, struct unit *u, int64_t ready)
{
	u->raised_ms = 0;
	if (!is_there(u))
		return; /* not for this bus */
	u->why = NULL;
	unit_rearm(u, ready);
	u->first = false;
	if (unit_is_stream(u))
		talk_expect(u, ready);
	if (health_forget(&u->health))
		changed(b, u);
}

static bool
opened_once(const struct drv_bus *b)
{
	return b->reopen_at != INT64_MIN;
}

static void
join(struct drv_bus *b, struct unit *u)
{
	for (size_t i = 0; i < u->n_tasks; i++)
		sched_add(&b->sched, &u->tasks[i].sched);
	b->n_streams += u->talk && unit_is_stream(u);
	if (!is_there(u))
		roll_failed(b, u, true);
}

/* A unit that is new on a bus that runs. */
static void
enter(struct drv_bus *b, struct unit *u)
{
	join(b, u);
	if (!is_there(u))
		return;
	if (atomic_load(&b->up)) {
		roll_begin(b, u, bus_now(b));
		if (unit_is_stream(u) && b->line.fd >= 0 &&
		    talk_start(b, u) != OK)
			wire_lost(b);
	} else if (opened_once(b)) {
		u->why = "its bus is down";
		roll_failed(b, u, true);
	}
}

static void
leave(struct drv_bus *b, struct unit *u)
{
	for (size_t i = 0; i < u->n_tasks; i++)
		sched_remove(&b->sched, &u->tasks[i].sched);
	b->n_streams -= u->talk && unit_is_stream(u);
	if (b->suspect == u)
		b->suspect = NULL;
	unit_free(u);
}

void
roll_set(struct drv_bus *b, const struct drv_unit *units, size_t n)
{
	b->units = mem_array(n, sizeof(*b->units));
	for (size_t i = 0; i < n; i++)
		b->units[b->n_units++] = unit_new(&units[i], &b->cfg);
}

void
roll_call(struct drv_bus *b)
{
	for (size_t i = 0; i < b->n_units; i++)
		join(b, b->units[i]);
}

static bool
contains(const uint32_t *handles, size_t n, uint32_t handle)
{
	for (size_t i = 0; i < n; i++) {
		if (handles[i] == handle)
			return true;
	}
	return false;
}

static const struct drv_unit *
stays(const struct roll_change *c, const struct unit *u)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->units[i].handle == u->handle &&
		    !contains(c->changed, c->n_changed, u->handle))
			return &c->units[i];
	}
	return NULL;
}

/* Those that stay keep all they have, but their templates; the others go. */
static void
keep(struct drv_bus *b, const struct roll_change *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n_units; i++) {
		if (!stays(c, b->units[i]))
			asks_refuse_unit(b, b->units[i]->handle);
	}
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = b->units[i];
		const struct drv_unit *as = stays(c, u);

		if (as) {
			unit_adopt(u, as->tmpl);
			b->units[kept++] = u;
		} else {
			leave(b, u);
		}
	}
	b->n_units = kept;
}

void
roll_apply(struct drv_bus *b, const struct roll_change *c)
{
	keep(b, c);
	for (size_t i = 0; i < c->n; i++) {
		if (roll_find(b, c->units[i].handle))
			continue;
		b->units =
		    mem_resize(b->units, b->n_units + 1, sizeof(*b->units));
		b->units[b->n_units++] = unit_new(&c->units[i], &b->cfg);
		enter(b, b->units[b->n_units - 1]);
	}
}

void
roll_free(struct drv_bus *b)
{
	for (size_t i = 0; i < b->n_units; i++)
		unit_free(b->units[i]);
	free(b->units);
	sched_fini(&b->sched);
}
