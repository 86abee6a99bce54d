/* What comes between the polls because somebody wants it: single transactions
 * and texts, whatever they are, and writes (write.c). */
#include "common/log.h"
#include "common/mem.h"
#include "drivers/bus_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_MS = 500,
	TEXT_BYTES = 1024, /* of an answer */
	TEXT_CHUNK = 256,
	TEXT_SILENCE_MS = 60, /* ends it; USB adapters hold bytes back */
	TEXT_MORE_MS = 1000,  /* for all of it, besides what its bytes take */
	END_US = 1000000,     /* to end pulses, when the bus is to stop */
};

/* --- the queues --- */

static void
append(struct jobs *q, struct job *j)
{
	j->next = NULL;
	if (q->last)
		q->last->next = j;
	else
		q->first = j;
	q->last = j;
}

static void
prepend(struct jobs *q, struct job *j)
{
	j->next = q->first;
	q->first = j;
	if (!q->last)
		q->last = j;
}

static void
take_out(struct jobs *q, struct job *j)
{
	struct job **at = &q->first, *before = NULL;

	while (*at != j) {
		before = *at;
		at = &before->next;
	}
	*at = j->next;
	if (q->last == j)
		q->last = before;
}

/* A write waits for one to the same unit that is still being checked; the end
 * of a pulse for nothing. */
static bool
is_blocked(const struct jobs *q, const struct job *j)
{
	if (j->ask.kind != DRV_ASK_WRITE || j->back)
		return false;
	for (const struct job *i = q->first; i != j; i = i->next) {
		if (i->ask.kind == DRV_ASK_WRITE &&
		    i->ask.handle == j->ask.handle)
			return true;
	}
	return false;
}

static struct job *
first_ready(const struct jobs *q, int64_t now)
{
	for (struct job *j = q->first; j; j = j->next) {
		if (j->due <= now && !is_blocked(q, j))
			return j;
	}
	return NULL;
}

static struct jobs *
queue_of(struct drv_bus *b, bool behind, int64_t now)
{
	if (behind)
		return &b->behind;
	return first_ready(&b->pulses, now) ? &b->pulses : &b->jobs;
}

bool
asks_wait(const struct drv_bus *b, bool behind, int64_t now)
{
	if (behind)
		return first_ready(&b->behind, now);
	return first_ready(&b->pulses, now) || first_ready(&b->jobs, now);
}

static int64_t
wake_of(const struct jobs *q, int64_t wake)
{
	for (const struct job *j = q->first; j; j = j->next) {
		if (j->due < wake && !is_blocked(q, j))
			wake = j->due;
	}
	return wake;
}

int64_t
asks_wake(const struct drv_bus *b)
{
	int64_t wake = wake_of(&b->behind, TASK_NEVER);

	return wake_of(&b->jobs, wake_of(&b->pulses, wake));
}

/* --- answers --- */

void
asks_answer(struct drv_bus *b, const struct job *j, const struct outcome *o)
{
	struct drv_event *ev;
	struct drv_answer *a;

	if (j->back)
		return;
	ev = event_new(b, DRV_ANSWER, o->read != NULL, o->why ? o->why : "");
	a = mem_zalloc(sizeof(*a) + o->n * sizeof(a->value[0]));
	a->token = j->ask.token;
	a->result = o->result;
	a->exception = o->exception;
	a->why = o->why ? ev->text : NULL;
	a->took_us = j->started_us ? line_now_us() - j->started_us : 0;
	a->n = o->n;
	if (o->n)
		memcpy(a->value, o->value, o->n * sizeof(a->value[0]));
	ev->unit = j->ask.handle;
	ev->answer = a;
	if (o->read)
		bus_add(ev, o->read);
	atomic_fetch_sub(&b->n_asks, 1);
	event_post(b, ev);
}

static void
refuse(struct drv_bus *b, struct job *j, enum err e, const char *why)
{
	asks_answer(b, j, &(struct outcome){ .result = e, .why = why });
	free(j);
}

void
asks_add(struct drv_bus *b, const struct drv_ask *ask)
{
	struct job *j = mem_zalloc(sizeof(*j));

	j->ask = *ask;
	j->due = INT64_MIN;
	if (!atomic_load(&b->up) && b->reopen_at != INT64_MIN)
		refuse(b, j, ERR_IO, "the bus is down");
	else
		append(ask->behind ? &b->behind : &b->jobs, j);
}

void
asks_later(struct drv_bus *b, struct job *j)
{
	append(&b->pulses, j);
}

static void
refuse_all(struct drv_bus *b, struct jobs *q, enum err e, const char *why)
{
	struct job *j;

	while ((j = q->first)) {
		take_out(q, j);
		refuse(b, j, e, why);
	}
}

void
asks_refuse(struct drv_bus *b, enum err e, const char *why)
{
	refuse_all(b, &b->jobs, e, why);
	refuse_all(b, &b->behind, e, why);
}

/* Takes out the next job for a unit, or NULL. */
static struct job *
take_for(struct jobs *q, uint32_t handle)
{
	for (struct job *j = q->first; j; j = j->next) {
		if (j->ask.kind != DRV_ASK_WRITE || j->ask.handle != handle)
			continue;
		take_out(q, j);
		return j;
	}
	return NULL;
}

/* Sends what ends a pulse; true when the device has said that it knows. */
static bool
set_back(struct drv_bus *b, struct job *j)
{
	j->checking = false;
	return atomic_load(&b->up) && wire_ready(b) == OK &&
	    (write_step(b, j) || (j->checking && j->sent == OK));
}

/* Ends a pulse before its time, on a connection that may have ended unnoticed;
 * when that fails, the device is left so. */
static void
end_pulse(struct drv_bus *b, struct job *j)
{
	const struct unit *u = roll_find(b, j->ask.handle);

	if (u && !set_back(b, j) && (line_stopped(&b->line) || !set_back(b, j)))
		log_warn("bus", "%s: %s was not set back bus=%s", u->name,
		    u->t->controls[j->ask.control].f.name, b->cfg.name);
	free(j);
}

void
asks_refuse_unit(struct drv_bus *b, uint32_t handle)
{
	struct jobs *queues[] = { &b->jobs, &b->behind };
	struct job *j;

	for (size_t i = 0; i < 2; i++) {
		while ((j = take_for(queues[i], handle)))
			refuse(b, j, ERR_NOTFOUND,
			    "the node was configured anew meanwhile");
	}
	while ((j = take_for(&b->pulses, handle)))
		end_pulse(b, j);
}

bool
asks_supersede(
    struct drv_bus *b, uint32_t handle, uint16_t control, struct encoded *with)
{
	for (struct job *j = b->pulses.first; j; j = j->next) {
		if (j->ask.handle != handle || j->ask.control != control)
			continue;
		*with = j->want;
		take_out(&b->pulses, j);
		free(j);
		return true;
	}
	return false;
}

/* The bus is to stop, but the line not yet. */
void
asks_end(struct drv_bus *b)
{
	struct job *j = b->pulses.first;

	b->line.grace_us = line_now_us() + END_US;
	if (j && !atomic_load(&b->up))
		wire_open(b);
	for (; j; j = b->pulses.first) {
		take_out(&b->pulses, j);
		end_pulse(b, j);
	}
}

static void
free_all(struct jobs *q)
{
	struct job *j;

	while ((j = q->first)) {
		take_out(q, j);
		free(j);
	}
}

void
asks_free(struct drv_bus *b)
{
	free_all(&b->jobs);
	free_all(&b->behind);
	free_all(&b->pulses);
}

/* --- single transactions --- */

static int64_t
timeout_of(const struct drv_bus *b, const struct drv_ask *a)
{
	if (a->timeout_ms > 0)
		return a->timeout_ms;
	return b->cfg.timeout_ms > 0 ? b->cfg.timeout_ms : TIMEOUT_MS;
}

static enum err
transact(struct drv_bus *b, const struct drv_ask *ask, struct mb_answer *out)
{
	struct line *l = &b->line;
	struct mb_request rq = { .unit = ask->unit,
		.function = ask->function,
		.addr = ask->addr,
		.count = ask->count,
		.value = ask->value,
		.timeout_ms = timeout_of(b, ask) };
	bool reads = !pdu_is_write(ask->function);
	enum err e = ERR_BUSY;

	/* Once more when a connection had ended unnoticed; but who knows
	 * whether a write was done. */
	for (int i = 0; i < 2 && e == ERR_BUSY && (i == 0 || reads); i++) {
		int64_t start = line_now_us();

		l->gap_ms = 0;
		e = l->ops->ask(l, &rq, out);
		e = bus_tried(b, NULL, e, start, rq.timeout_ms);
	}
	return e == ERR_BUSY ? ERR_IO : e;
}

static void
ask_modbus(struct drv_bus *b, struct job *j)
{
	struct outcome o = { .result = ERR_UNSUP,
		.why = "no Modbus is spoken on this bus" };
	struct mb_answer a;

	a.n = 0;
	if (pdu_is_write(j->ask.function) && j->ask.count > MB_WRITE_MAX) {
		o.result = ERR_RANGE;
		o.why = "so many cannot be written at once";
	} else if (b->line.ops->ask) {
		o = (struct outcome){ .result = transact(b, &j->ask, &a) };
		if (o.result == OK) {
			o.n = a.n;
			o.value = a.value;
		} else if (o.result == ERR_REFUSED) {
			o.exception = a.exception;
			o.why = drv_refusal(a.exception);
		} else if (o.result == ERR_IO) {
			o.why = "the line was lost";
		}
	}
	asks_answer(b, j, &o);
}

/* --- texts --- */

static enum err
exchange_text(
    struct drv_bus *b, const struct drv_ask *ask, uint16_t *out, size_t *n)
{
	struct line *l = &b->line;
	char chunk[TEXT_CHUNK];
	int64_t end;
	enum err e;

	line_gap(l, -1);
	if (b->n_streams == 0)
		line_flush(l);
	e = line_write(l, ask->text, ask->n_text, 0);
	end = l->last_us + line_char_us(l, TEXT_BYTES) +
	    (timeout_of(b, ask) + TEXT_MORE_MS) * 1000;
	while (e == OK && *n < TEXT_BYTES && line_now_us() < end &&
	    !bus_stopping(b)) {
		size_t got = 0;

		e = line_recv(l, chunk, sizeof(chunk),
		    *n ? TEXT_SILENCE_MS : timeout_of(b, ask), &got);
		turn_overhear(b, chunk, got);
		for (size_t i = 0; i < got && *n < TEXT_BYTES; i++)
			out[(*n)++] = (uint8_t)chunk[i];
	}
	return e == ERR_TIMEOUT && *n ? OK : e;
}

static void
ask_text(struct drv_bus *b, struct job *j)
{
	struct outcome o = { .result = ERR_UNSUP,
		.why = "no text is spoken on this bus" };
	uint16_t *bytes = mem_array(TEXT_BYTES, sizeof(*bytes));
	int64_t start = line_now_us();

	if (b->cfg.type != BUS_MODBUS_TCP) {
		o.why = NULL;
		o.value = bytes;
		o.result = exchange_text(b, &j->ask, bytes, &o.n);
		o.result =
		    bus_tried(b, NULL, o.result, start, timeout_of(b, &j->ask));
		if (o.result == ERR_BUSY)
			o.result = ERR_IO;
	}
	asks_answer(b, j, &o);
	free(bytes);
}

/* --- serving --- */

static bool
serve(struct drv_bus *b, struct job *j)
{
	static const char no_mode[] = "this line does not take that speed";
	enum err e = bus_mode(b, j->ask.serial);

	if (j->started_us == 0)
		j->started_us = line_now_us();
	if (e != OK)
		asks_answer(
		    b, j, &(struct outcome){ .result = e, .why = no_mode });
	else if (j->ask.kind == DRV_ASK_MODBUS)
		ask_modbus(b, j);
	else
		ask_text(b, j);
	bus_usual_mode(b);
	return true;
}

/* The job is in no queue while it is served: the line may go down. */
void
asks_step(struct drv_bus *b, bool behind)
{
	struct jobs *q = queue_of(b, behind, bus_now(b));
	struct job *j = first_ready(q, bus_now(b));
	bool done;

	take_out(q, j);
	if (wire_ready(b) != OK) {
		if (j->back)
			prepend(q, j);
		else
			refuse(b, j, ERR_IO, "the line was lost");
		return;
	}
	done = j->ask.kind == DRV_ASK_WRITE ? write_step(b, j) : serve(b, j);
	if (done)
		free(j);
	else if (atomic_load(&b->up) || j->back)
		prepend(q, j);
	else
		refuse(b, j, ERR_IO, "the line was lost");
}
