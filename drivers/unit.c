#include "drivers/unit.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_MS = 500,
	TIMEOUT_TEXT_MS = 1000,
	RAISED_MAX = 4,        /* times what is configured, by late answers: its
				  neighbours wait as long for a lost one */
	TIMEOUT_MAX_MS = 5000, /* and no further than this */
	PUNCTUAL = 100,        /* answers in time, then it is lowered again */
	PROBE_EXTRA_MS = 30,   /* what a probe takes besides its timeout */
};

bool
unit_is_stream(const struct unit *u)
{
	return u->t->kind == TMPL_TEXT && u->t->frame.mode != FRAME_POLL;
}

static int64_t
interval(const struct unit *u, size_t field)
{
	return tmpl_poll_ms(u->t, &u->t->fields[field], u->poll_ms);
}

static struct task *
add_task(struct unit *u, int64_t interval_ms)
{
	struct task *k = &u->tasks[u->n_tasks++];

	k->unit = u;
	k->sched = (struct sched_task){ .of = k,
		.unit = &u->sched,
		.interval_ms = interval_ms,
		.due = TASK_NEVER,
		.began = TASK_NEVER };
	return k;
}

/* Adds a task for each interval that the fields have. */
static void
plan_modbus(struct unit *u)
{
	int64_t *ms = mem_array(u->t->n_fields, sizeof(*ms));
	size_t n = 0;

	for (size_t i = 0; i < u->t->n_fields; i++) {
		size_t at = 0;

		ms[n] = interval(u, i);
		while (ms[at] != ms[n])
			at++;
		n += at == n;
	}
	u->tasks = mem_array(n, sizeof(*u->tasks));
	for (size_t i = 0; i < n; i++)
		plan_build(u->t, ms[i], u->poll_ms, &u->planned, u->cut,
		    &add_task(u, ms[i])->plan);
	free(ms);
}

/* One message brings all fields: it is asked for as often as the fastest needs
 * it. */
static void
plan_text(struct unit *u)
{
	int64_t least = 0;

	u->tasks = mem_array(1, sizeof(*u->tasks));
	for (size_t i = 0; i < u->t->n_fields; i++) {
		int64_t ms = interval(u, i);

		if (ms > 0 && (least == 0 || ms < least))
			least = ms;
	}
	add_task(u, least);
}

static int64_t
first_timeout(const struct tmpl *t, const struct cfg_bus *line)
{
	if (line->timeout_ms > 0)
		return line->timeout_ms;
	if (t->kind == TMPL_TEXT)
		return t->frame.timeout_ms > 0 ? t->frame.timeout_ms
					       : TIMEOUT_TEXT_MS;
	return t->timeout_ms > 0 ? t->timeout_ms : TIMEOUT_MS;
}

/* A text device that is asked may share an RTU line with Modbus devices; one
 * that speaks by itself may not. */
static bool
fits(const struct unit *u, const struct cfg_bus *line)
{
	if (line->type == BUS_SERIAL)
		return u->t->kind == TMPL_TEXT;
	if (line->type == BUS_MODBUS_TCP)
		return u->t->kind == TMPL_MODBUS;
	return !unit_is_stream(u);
}

static void
plan_tasks(struct unit *u, const struct cfg_bus *line)
{
	struct errbuf why;

	if (!fits(u, line)) {
		u->why = "its template does not speak this bus's protocol";
		return;
	}
	if (u->t->kind == TMPL_MODBUS) {
		plan_modbus(u);
		return;
	}
	u->talk = talker_new(u, &why);
	if (!u->talk)
		u->why = "its template's regex is wrong";
	else if (!unit_is_stream(u))
		plan_text(u);
}

static int
proof_of(const struct tmpl *t)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (t->kind == TMPL_MODBUS && f->kind == KIND_IDENTITY &&
		    !f->optional && (f->has_min || f->has_max))
			return (int)i;
	}
	return -1;
}

struct unit *
unit_new(const struct drv_unit *u, const struct cfg_bus *line)
{
	struct unit *out = mem_zalloc(sizeof(*out));
	size_t n = u->tmpl->n_fields;

	out->handle = u->handle;
	out->name = mem_strdup(u->name);
	out->address = u->address;
	out->t = u->tmpl;
	out->poll_ms = u->poll_ms;
	out->base_timeout_ms = first_timeout(u->tmpl, line);
	out->sched = (struct sched_unit){ .of = out,
		.health = &out->health,
		.spread = sched_spread(u->name),
		.probe_ms = out->base_timeout_ms + PROBE_EXTRA_MS };
	out->truth = mem_array(n, sizeof(*out->truth));
	out->sf = mem_array(n, sizeof(*out->sf));
	out->once = mem_array(n, sizeof(*out->once));
	out->cut = mem_array(n, sizeof(*out->cut));
	for (size_t i = 0; i < u->n_learned; i++) {
		if (u->learned[i] < n)
			out->cut[u->learned[i]] = true;
	}
	decode_sf_init(u->tmpl, out->sf);
	out->proof = proof_of(u->tmpl);
	out->proven = out->proof < 0;
	out->planned = plan_cost_of(line, u->tmpl->frame_gap_ms);
	out->cost = out->planned;
	plan_tasks(out, line);
	return out;
}

void
unit_free(struct unit *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n_tasks; i++)
		plan_fini(&u->tasks[i].plan);
	talker_free(u->talk);
	free(u->tasks);
	for (size_t i = 0; i < u->t->n_fields; i++)
		unit_forget(u, i);
	free(u->truth);
	free(u->sf);
	free(u->once);
	free(u->cut);
	free(u->name);
	free(u);
}

void
unit_adopt(struct unit *u, const struct tmpl *t)
{
	u->t = t;
	if (u->talk)
		talker_adopt(u);
}

bool
unit_awaits(const struct unit *u, size_t field)
{
	for (size_t i = 0; i < u->n_tasks; i++) {
		const struct task *k = &u->tasks[i];

		for (size_t j = 0; j < k->plan.n_fields; j++)
			if (k->plan.fields[j] == field)
				return !k->ended;
	}
	return false;
}

void
unit_rescale(struct unit *u, struct task *k, int64_t now)
{
	if (k->ended)
		return;
	k->ended = true;
	for (size_t i = 0; i < u->n_tasks; i++) {
		if (u->tasks[i].waits)
			u->tasks[i].sched.due = now;
		u->tasks[i].waits = false;
	}
}

void
task_rewind(struct task *k)
{
	k->cursor = 0;
	k->tries = 0;
	k->answers = 0;
	k->failures = 0;
	k->faults = 0;
}

void
unit_rewind(struct unit *u)
{
	for (size_t i = 0; i < u->n_tasks; i++)
		task_rewind(&u->tasks[i]);
}

static void
arm_task(struct unit *u, struct task *k, int64_t now)
{
	k->sched.due = now - u->first;
	k->sched.began = TASK_NEVER;
	k->ended = false;
	k->waits = false;
}

void
unit_rearm(struct unit *u, int64_t now)
{
	u->n_once = 0;
	for (size_t i = 0; i < u->t->n_fields; i++) {
		u->once[i] = interval(u, i) == 0;
		u->n_once += u->once[i];
	}
	u->once_done = false;
	u->proven = u->proof < 0;
	decode_sf_init(u->t, u->sf);
	unit_rewind(u);
	for (size_t i = 0; i < u->n_tasks; i++)
		arm_task(u, &u->tasks[i], now);
}

void
unit_due(struct unit *u, int64_t now, bool refused)
{
	for (size_t i = 0; i < u->n_tasks; i++) {
		struct task *k = &u->tasks[i];

		if (k->sched.interval_ms > 0 || refused)
			k->sched.due = now;
		for (size_t j = 0; refused && j < k->plan.n_blocks; j++)
			k->plan.blocks[j].not_before = 0;
	}
}

/* When the field of a plan is to be asked for again. */
static int64_t
deferred(const struct plan *p, size_t field)
{
	for (size_t i = 0; i < p->n_blocks; i++) {
		const struct plan_block *b = &p->blocks[i];

		for (size_t f = 0; f < b->n; f++)
			if (p->fields[b->first + f] == field)
				return b->not_before;
	}
	return 0;
}

void
unit_replan(struct unit *u, struct task *k)
{
	struct plan was = k->plan;

	k->replan = false;
	plan_build(
	    u->t, k->sched.interval_ms, u->poll_ms, &u->cost, u->cut, &k->plan);
	for (size_t i = 0; i < k->plan.n_blocks; i++) {
		struct plan_block *b = &k->plan.blocks[i];

		b->not_before = deferred(&was, k->plan.fields[b->first]);
		for (size_t f = 1; f < b->n; f++) {
			int64_t at =
			    deferred(&was, k->plan.fields[b->first + f]);

			b->not_before = at < b->not_before ? at : b->not_before;
		}
	}
	plan_fini(&was);
}

int64_t
unit_timeout(const struct unit *u)
{
	int64_t most = u->base_timeout_ms * RAISED_MAX;
	int64_t ms = u->tally.c.rtt_p99_us * INT64_C(3) / 2000;

	if (most > TIMEOUT_MAX_MS)
		most = TIMEOUT_MAX_MS;
	if (most < u->base_timeout_ms)
		most = u->base_timeout_ms;
	if (ms < u->base_timeout_ms)
		ms = u->base_timeout_ms;
	if (ms < u->raised_ms)
		ms = u->raised_ms;
	return ms < most ? ms : most;
}

static void
raise_to(struct unit *u, int64_t ms)
{
	u->raised_ms = ms;
	u->punctual = 0;
	u->sched.probe_ms = unit_timeout(u) + PROBE_EXTRA_MS;
}

bool
unit_was_late(struct unit *u)
{
	int64_t before = unit_timeout(u);

	raise_to(u, before * 2);
	return unit_timeout(u) > before;
}

static void
note_punctual(struct unit *u)
{
	if (u->raised_ms > u->base_timeout_ms && ++u->punctual >= PUNCTUAL)
		raise_to(u, (u->raised_ms + u->base_timeout_ms) / 2);
}

void
unit_account(struct unit *u, enum err e, int64_t took_us, int64_t utc_ms)
{
	struct drv_counters *c = &u->tally.c;

	if (e == OK || e == ERR_REFUSED) {
		tally_rtt(&u->tally, took_us);
		note_punctual(u);
	}
	c->ok += e == OK;
	c->timeouts += e == ERR_TIMEOUT;
	c->garbled += e == ERR_PROTO;
	*(e == OK ? &c->ok_utc_ms : &c->bad_utc_ms) = utc_ms;
}

void
unit_truth(struct unit *u, int64_t mono_ms, struct reading *r)
{
	const struct field *f = &u->t->fields[r->field];
	struct truth **t = &u->truth[r->field];

	if (!truth_asks(f))
		return;
	if (!*t)
		*t = mem_zalloc(sizeof(**t));
	truth_check(f, *t, mono_ms, r);
}

void
unit_forget(struct unit *u, size_t field)
{
	free(u->truth[field]);
	u->truth[field] = NULL;
}
