/* Asking units and listening to them: one cycle after the other, one request of
 * it at a time, so that an earlier one, or an ask, can come between. */
#include "drivers/bus_impl.h"

enum {
	STREAM_CHUNK = 512,
	STREAM_CHUNKS = 16, /* read in one go */
	PROBE_MIN_MS = 150, /* nobody is given less, if that much */
	PROBE_FULL = 4,     /* each so many probes gets all its time */
};

static bool
block_waits(const struct drv_bus *b, const struct task *k)
{
	return k->cursor < k->plan.n_blocks &&
	    k->plan.blocks[k->cursor].not_before > bus_now(b);
}

static void
next_block(struct task *k)
{
	k->cursor++;
	k->tries = 0;
}

/* The rest of a cycle that is given up has no values. */
static void
give_up(struct drv_bus *b, struct task *k)
{
	for (next_block(k); k->cursor < k->plan.n_blocks; next_block(k)) {
		if (!block_waits(b, k))
			modbus_unanswered(b, k, k->cursor);
	}
}

static void
count_overruns(struct drv_bus *b, struct task *k)
{
	uint64_t more = k->sched.overruns - k->overruns;

	k->overruns = k->sched.overruns;
	k->unit->tally.c.overruns += more;
	bus_count(b, STAT_OVERRUNS, more);
}

/* Whether a plan by the times measured since would be better; then all plans of
 * the unit are made anew, each when its cycle ends. */
static void
reconsider(struct unit *u)
{
	if (u->talk || !plan_is_stale(&u->planned, &u->cost))
		return;
	u->planned = u->cost;
	for (size_t i = 0; i < u->n_tasks; i++)
		u->tasks[i].replan = true;
}

static void
end_cycle(struct drv_bus *b, struct task *k)
{
	bool failed = k->answers == 0 && k->failures > 0;
	bool faulty = failed && k->faults == k->failures;
	struct unit *u = k->unit;

	task_rewind(k);
	sched_done(&b->sched, &k->sched, u->n_once > 0, bus_now(b));
	count_overruns(b, k);
	unit_rescale(u, k, bus_now(b));
	reconsider(u);
	if (k->replan)
		unit_replan(u, k);
	if (faulty)
		roll_faulty(b, u);
	else if (failed)
		roll_failed(b, u, false);
	bus_check_once(b, u);
}

/* A unit that is not known to live is not asked for more after one failure,
 * a living one after two. */
static bool
hopeless(const struct task *k)
{
	unsigned patience = k->unit->health.state == UNIT_ONLINE ? 2 : 1;

	return k->answers == 0 && k->failures >= patience;
}

/* What an answer, or none, means for the cycle. */
static void
take_verdict(struct drv_bus *b, struct task *k, enum verdict v)
{
	k->answers += v == ANSWERED || v == AGAIN;
	k->failures += v == SILENT || v == FAULTY;
	k->faults += v == FAULTY;
	if (v == AGAIN) {
		k->tries = 0;
	} else if (v == ABSENT) {
		give_up(b, k);
		k->failures = 0;
		roll_failed(b, k->unit, true);
	} else if (v == SILENT && hopeless(k)) {
		give_up(b, k);
	} else {
		next_block(k);
	}
}

static void
turn_modbus(struct drv_bus *b, struct task *k)
{
	enum verdict v;

	while (block_waits(b, k))
		next_block(k);
	if (k->cursor < k->plan.n_blocks) {
		v = modbus_block(b, k, k->cursor, unit_timeout(k->unit));
		if (v == LOST || v == LATER)
			return;
		take_verdict(b, k, v);
	}
	if (k->cursor >= k->plan.n_blocks)
		end_cycle(b, k);
}

static void
bad_text(struct drv_bus *b, struct unit *u)
{
	struct drv_event *ev = bus_batch(b, u, u->t->n_fields);

	for (size_t i = 0; i < u->t->n_fields; i++)
		bus_add_bad(ev, i, QUALITY_ERROR, u->why);
	bus_send(b, u, ev, false);
}

static void
turn_text(struct drv_bus *b, struct task *k)
{
	enum verdict v = talk_ask(b, k, unit_timeout(k->unit));

	if (v == LOST || v == LATER)
		return;
	k->answers = v == ANSWERED;
	k->failures = v != ANSWERED;
	if (v != ANSWERED)
		bad_text(b, k->unit);
	end_cycle(b, k);
}

/* --- probes --- */

/* The smallest request that the unit is not known to refuse. */
static bool
cheapest(
    const struct drv_bus *b, struct unit *u, struct task **k, size_t *block)
{
	uint16_t least = UINT16_MAX;

	for (size_t i = 0; i < u->n_tasks; i++) {
		const struct plan *p = &u->tasks[i].plan;

		for (size_t j = 0; j < p->n_blocks; j++) {
			if (p->blocks[j].count >= least ||
			    p->blocks[j].not_before > bus_now(b))
				continue;
			least = p->blocks[j].count;
			*k = &u->tasks[i];
			*block = j;
		}
	}
	return least != UINT16_MAX;
}

/* A probe has the time until a living unit is due, if that is enough for what
 * answers fast; but now and then all its time. */
static int64_t
probe_timeout(struct unit *u, int64_t room_ms)
{
	int64_t full = unit_timeout(u), least = PROBE_MIN_MS;

	if (u->tally.c.rtt_p99_us / 500 > least)
		least = u->tally.c.rtt_p99_us / 500;
	if (room_ms >= full || u->probes++ % PROBE_FULL == PROBE_FULL - 1)
		return full;
	if (room_ms < least)
		room_ms = least;
	return room_ms < full ? room_ms : full;
}

static enum verdict
ask_cheaply(struct drv_bus *b, struct unit *u, int64_t timeout_ms)
{
	struct task *k = u->tasks;
	enum verdict v = SILENT;
	size_t block;

	if (u->talk) {
		v = talk_ask(b, k, timeout_ms);
	} else if (cheapest(b, u, &k, &block)) {
		v = modbus_block(b, k, block, timeout_ms);
	}
	if (v != LATER && k->cursor == 0)
		k->tries = 0;
	return v;
}

/* A unit that failed is asked one thing; when it answers, the cycle that is due
 * goes on. */
static void
probe(struct drv_bus *b, struct unit *u, const struct choice *c)
{
	bool offline = u->health.state == UNIT_OFFLINE;
	int64_t start = bus_now(b);
	enum verdict v = ask_cheaply(
	    b, u, offline ? probe_timeout(u, c->room_ms) : unit_timeout(u));

	if (v == FAULTY && offline)
		roll_faulty(b, u);
	else if (v == SILENT || v == ABSENT)
		roll_failed(b, u, offline || v == ABSENT);
	if (v == ANSWERED || v == AGAIN || v == LATER || v == LOST)
		return;
	unit_rewind(u);
	sched_skip(&b->sched, &u->sched, bus_now(b));
	if (offline)
		sched_probed(&b->sched, bus_now(b), bus_now(b) - start);
}

void
turn_take(struct drv_bus *b, const struct choice *c)
{
	struct unit *u = c->unit->of;

	/* One that fails by its own words answers fast: a whole cycle shows
	 * whether all of it does. */
	if (!c->task || (c->what == SCHED_PROBE && !u->faulty))
		probe(b, u, c);
	else if (u->talk)
		turn_text(b, c->task->of);
	else
		turn_modbus(b, c->task->of);
}

/* --- streams --- */

void
turn_overhear(struct drv_bus *b, const char *data, size_t n)
{
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = b->units[i];

		if (!u->talk || !unit_is_stream(u))
			continue;
		if (n > 0 || talk_idle_at(u) <= bus_now(b))
			talk_hear(b, u, data, n);
	}
}

void
turn_hear(struct drv_bus *b)
{
	char chunk[STREAM_CHUNK];
	enum err e = OK;
	size_t n = 0;

	for (int i = 0; e == OK && i < STREAM_CHUNKS; i++) {
		e = line_recv(&b->line, chunk, sizeof(chunk), 0, &n);
		if (e == OK)
			turn_overhear(b, chunk, n);
	}
	bus_set(b, STAT_BYTES, b->line.bytes);
	if (e == ERR_IO)
		wire_lost(b);
}

int64_t
turn_watch(struct drv_bus *b)
{
	int64_t wake = TASK_NEVER, now = bus_now(b);

	if (b->n_streams == 0)
		return wake;
	turn_overhear(b, NULL, 0);
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = b->units[i];

		if (!u->talk || !unit_is_stream(u))
			continue;
		if (talk_deadline(u) <= now) {
			u->why = "the device has fallen silent";
			talk_expect(u, now);
			if (u->health.state != UNIT_OFFLINE)
				roll_failed(b, u, true);
		}
		if (talk_deadline(u) < wake)
			wake = talk_deadline(u);
		if (talk_idle_at(u) < wake)
			wake = talk_idle_at(u);
	}
	return wake;
}
