/* Asking units and listening to them: one cycle after the other, one block of
 * it at a time, so that an earlier one can come between. */
#include "drivers/bus_impl.h"

enum {
	STREAM_CHUNK = 512,
	STREAM_CHUNKS = 16, /* read in one go */
};

static bool
block_waits(const struct drv_bus *b, const struct task *k)
{
	return k->cursor < k->plan.n_blocks &&
	    k->plan.blocks[k->cursor].not_before > bus_now(b);
}

/* The rest of a cycle that is given up has no values. */
static void
give_up(struct drv_bus *b, struct task *k)
{
	for (k->cursor++; k->cursor < k->plan.n_blocks; k->cursor++) {
		if (!block_waits(b, k))
			modbus_unanswered(b, k, k->cursor);
	}
}

static void
end_cycle(struct drv_bus *b, struct task *k)
{
	bool failed = k->answers == 0 && k->failures > 0;

	k->cursor = 0;
	k->answers = 0;
	k->failures = 0;
	sched_done(&b->sched, k, bus_now(b));
	if (failed)
		bus_failed(b, k->unit, false);
	bus_check_once(b, k->unit);
}

/* A unit that is not known to live is not asked for more after one failure,
 * a living one after two. */
static bool
hopeless(const struct task *k)
{
	unsigned patience = k->unit->health.state == UNIT_ONLINE ? 2 : 1;

	return k->answers == 0 && k->failures >= patience;
}

static void
turn_modbus(struct drv_bus *b, struct task *k)
{
	enum verdict v = ANSWERED;

	while (block_waits(b, k))
		k->cursor++;
	if (k->cursor >= k->plan.n_blocks) {
		end_cycle(b, k);
		return;
	}
	v = modbus_block(b, k, k->cursor);
	if (v == LOST)
		return;
	if (v == ANSWERED || v == AGAIN)
		k->answers++;
	else
		k->failures++;
	if (v == ABSENT) {
		give_up(b, k);
		k->failures = 0;
		bus_failed(b, k->unit, true);
	} else if (v == SILENT && hopeless(k)) {
		give_up(b, k);
	} else if (v != AGAIN) {
		k->cursor++;
	}
	if (k->cursor >= k->plan.n_blocks)
		end_cycle(b, k);
}

static void
bad_text(struct drv_bus *b, struct unit *u)
{
	struct drv_event *ev = bus_batch(b, u, u->t->n_fields);

	for (size_t i = 0; i < u->t->n_fields; i++) {
		ev->r[i].field = (uint16_t)i;
		decode_bad(&ev->r[i], QUALITY_ERROR, u->why);
	}
	ev->n = u->t->n_fields;
	bus_send(b, u, ev, false);
}

static void
turn_text(struct drv_bus *b, struct task *k)
{
	enum verdict v = talk_ask(b, k->unit);

	if (v == LOST)
		return;
	k->answers = v == ANSWERED;
	k->failures = v != ANSWERED;
	if (v != ANSWERED)
		bad_text(b, k->unit);
	end_cycle(b, k);
}

/* The task and block that bring the template's first field: cheap to ask. */
static enum verdict
probe_modbus(struct drv_bus *b, struct unit *u)
{
	for (size_t i = 0; i < u->n_tasks; i++) {
		struct plan *p = &u->tasks[i].plan;

		for (size_t j = 0; j < p->n_blocks; j++) {
			const struct plan_block *block = &p->blocks[j];

			for (size_t f = 0; f < block->n; f++)
				if (p->fields[block->first + f] == 0)
					return modbus_block(b, &u->tasks[i], j);
		}
	}
	return SILENT;
}

static void
probe(struct drv_bus *b, struct unit *u)
{
	int64_t start = bus_now(b);
	enum verdict v = u->talk ? talk_ask(b, u) : probe_modbus(b, u);

	if (v == SILENT || v == ABSENT) {
		bus_failed(b, u, true);
		sched_probed(&b->sched, bus_now(b), bus_now(b) - start);
	}
}

void
turn_take(struct drv_bus *b, const struct choice *c)
{
	if (!c->task)
		probe(b, c->unit);
	else if (c->unit->talk)
		turn_text(b, c->task);
	else
		turn_modbus(b, c->task);
}

/* --- streams --- */

static void
hear(struct drv_bus *b, const char *data, size_t n)
{
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];

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
			hear(b, chunk, n);
	}
	bus_set(b, STAT_BYTES, b->line.bytes);
	if (e == ERR_IO)
		bus_line_lost(b);
}

int64_t
turn_watch(struct drv_bus *b)
{
	int64_t wake = TASK_NEVER, now = bus_now(b);

	if (b->n_streams == 0)
		return wake;
	hear(b, NULL, 0);
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];

		if (!u->talk || !unit_is_stream(u))
			continue;
		if (talk_deadline(u) <= now) {
			u->why = "the device has fallen silent";
			talk_expect(u, now);
			if (u->health.state != UNIT_OFFLINE)
				bus_failed(b, u, true);
		}
		if (talk_deadline(u) < wake)
			wake = talk_deadline(u);
		if (talk_idle_at(u) < wake)
			wake = talk_idle_at(u);
	}
	return wake;
}
