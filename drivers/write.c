/* Writes of controls.  What counts is what is read back: an answer to a write
 * says that the device understood it, and no answer says nothing at all.
 *
 *     send ──answered──────► check ──as written──► done
 *      │ └──busy: later        │ └──otherwise: check again, for a while
 *      └──no answer──► check, and when it was not done, once more ──► send
 */
#include "common/log.h"
#include "common/mem.h"
#include "drivers/bus_impl.h"

#include <stdio.h>
#include <string.h>

enum {
	CHECK_MS = 1000, /* a device may take its time to do it */
	CHECK_FIRST_MS = 20,
	CHECK_MOST_MS = 200,
	BUSY_TRIES = 3,
	BUSY_WAIT_MS = 100,
	ACKNOWLEDGED = 5, /* exceptions */
	IS_BUSY = 6,
	PULSE_AGAIN_MS = 5000, /* until it is tried again to end one */
	PULSE_LOOK_MS = 1000,  /* for the device, when it is gone */
	ALL_BITS = 0xffff,
};

static const char *const silent_why = "the device does not answer";

/* One exchange with u. */
static enum err
transact(struct drv_bus *b, struct job *j, struct unit *u,
    struct mb_request *rq, struct mb_answer *out)
{
	struct line *l = &b->line;
	int64_t start = line_now_us();
	enum err e;

	if (j->started_us == 0)
		j->started_us = start;
	rq->unit = (uint8_t)u->address;
	rq->timeout_ms = unit_timeout(u);
	out->exception = 0;
	out->sent = false;
	out->n = 0;
	l->gap_ms = u->t->frame_gap_ms;
	e = l->ops->ask(l, rq, out);
	e = bus_tried(b, u, e, start, rq->timeout_ms);
	if (e == ERR_REFUSED)
		tally_exception(&u->tally, out->exception);
	if (e == OK)
		bus_alive(b, u);
	return e;
}

static enum err
read_regs(struct drv_bus *b, struct job *j, struct unit *u,
    enum modbus_table table, uint16_t addr, struct mb_answer *out)
{
	struct mb_request rq = { .function = pdu_reads(table),
		.addr = addr,
		.count = (uint16_t)j->want.n };
	enum err e = transact(b, j, u, &rq, out);

	return e == ERR_BUSY ? transact(b, j, u, &rq, out) : e;
}

static bool
end(struct drv_bus *b, struct job *j, const struct outcome *o)
{
	struct unit *u = roll_find(b, j->ask.handle);

	/* Whatever came of it, what was known before is not sure any more. */
	if (u && j->started_us)
		unit_due(u, bus_now(b), false);
	j->result = o->result;
	asks_answer(b, j, o);
	return true;
}

static bool
fail(struct drv_bus *b, struct job *j, enum err e, const char *why)
{
	return end(b, j, &(struct outcome){ .result = e, .why = why });
}

/* --- before --- */

static int
scale_of(const struct unit *u, const struct control *c)
{
	return c->f.sf ? u->sf[c->f.sf_field] : 0;
}

/* The guards: nothing is sent that the template forbids. */
static enum err
guard(const struct unit *u, const struct control *c, struct job *j,
    struct errbuf *why)
{
	int64_t pulse = j->ask.pulse_ms;
	int sf = scale_of(u, c);

	if (!u->proven)
		return errbuf_set(why, ERR_RANGE,
		    "the device has not shown to be its template's");
	if (sf > SF_MAX)
		return errbuf_set(
		    why, ERR_RANGE, "its scale factor was not read yet");
	if (pulse > 0 && !c->has_pulse)
		return errbuf_set(why, ERR_RANGE,
		    "its template allows no setting for a time");
	if (pulse > 0 && (pulse < c->pulse_min_ms || pulse > c->pulse_max_ms))
		return errbuf_set(why, ERR_RANGE,
		    "it may be set for %lld to %lld ms",
		    (long long)c->pulse_min_ms, (long long)c->pulse_max_ms);
	return encode_value(c, &j->ask.to, sf, &j->want, why);
}

/* A pulse ends with the opposite of a bool, and of all else with what stood
 * there. */
static void
remember(const struct control *c, struct job *j, const uint16_t *old)
{
	j->before = j->want;
	if (c->f.type == REG_BOOL && j->want.n == 1)
		j->before.value[0] = (uint16_t)(~j->want.value[0] &
		    (c->f.table == MB_COIL ? 1 : j->want.mask));
	else if (old)
		memcpy(j->before.value, old,
		    j->want.n * sizeof(j->before.value[0]));
}

static bool
needs_old(const struct control *c, const struct job *j)
{
	bool merges = c->fc != MB_MASK_WRITE && c->f.table != MB_COIL &&
	    j->want.mask != ALL_BITS;

	return merges || (j->ask.pulse_ms > 0 && c->f.type != REG_BOOL);
}

/* --- sending --- */

/* Read, change, write: nothing else happens on the line between. */
static enum err
send_it(struct drv_bus *b, struct job *j, struct unit *u,
    const struct control *c, struct mb_answer *a)
{
	struct encoded out = j->want;
	uint16_t masks[2] = { (uint16_t)~out.mask,
		(uint16_t)(out.value[0] & out.mask) };
	struct mb_request rq = { .function = (enum mb_function)c->fc,
		.addr = c->f.addr,
		.count = (uint16_t)out.n,
		.value = c->fc == MB_MASK_WRITE ? masks : out.value };

	if (needs_old(c, j)) {
		enum err e = read_regs(b, j, u, c->f.table, c->f.addr, a);

		if (e != OK)
			return e == ERR_REFUSED ? e : ERR_OFFLINE;
		if (j->ask.pulse_ms > 0 && !j->back)
			remember(c, j, a->value);
		if (c->fc != MB_MASK_WRITE)
			out.value[0] = encode_merge(&j->want, a->value[0]);
	} else if (j->ask.pulse_ms > 0 && !j->back) {
		remember(c, j, NULL);
	}
	return transact(b, j, u, &rq, a);
}

static void
check_from(struct drv_bus *b, struct job *j, enum err sent)
{
	j->checking = true;
	j->sent = sent;
	j->tries = 0;
	j->due = bus_now(b);
	j->until = j->due + CHECK_MS;
}

static bool
refused(struct drv_bus *b, struct job *j, uint8_t code)
{
	if (code == IS_BUSY && j->tries++ < BUSY_TRIES) {
		j->due = bus_now(b) + BUSY_WAIT_MS;
		return false;
	}
	return end(b, j,
	    &(struct outcome){ .result = ERR_REFUSED,
		.exception = code,
		.why = drv_refusal(code) });
}

/* The value may be there: so a pulse before it does not end, and one that it
 * begins does.  One that is prolonged ends as it would have. */
static void
take_over(struct drv_bus *b, const struct job *j, const struct control *c)
{
	struct encoded old;
	struct job *back;
	bool was;

	if (j->back)
		return;
	was = asks_supersede(b, j->ask.handle, j->ask.control, &old);
	if (j->ask.pulse_ms <= 0)
		return;
	back = mem_zalloc(sizeof(*back));
	back->ask = j->ask;
	back->back = true;
	back->want = was && c->f.type != REG_BOOL ? old : j->before;
	back->due = bus_now(b) + j->ask.pulse_ms;
	asks_later(b, back);
}

static bool
send(struct drv_bus *b, struct job *j, struct unit *u, const struct control *c)
{
	struct mb_answer a;
	enum err e = send_it(b, j, u, c, &a);

	if (e == ERR_REFUSED && a.exception != ACKNOWLEDGED)
		return refused(b, j, a.exception);
	if (e == ERR_OFFLINE) /* not even read */
		return fail(b, j, ERR_TIMEOUT, silent_why);
	if (e == ERR_RANGE)
		return fail(b, j, e, "there is no such request");
	if (!a.sent) /* the line had to be made sure of first, and was not */
		return fail(b, j, e == ERR_BUSY ? ERR_TIMEOUT : e, silent_why);
	take_over(b, j, c);
	if (e == ERR_IO && c->verify == VERIFY_NONE)
		return fail(
		    b, j, e, "the line was lost; it may have been done");
	if (c->verify != VERIFY_NONE) {
		check_from(b, j, e == ERR_REFUSED ? OK : e);
		return false;
	}
	if (e != OK && e != ERR_REFUSED)
		return fail(b, j, e == ERR_BUSY ? ERR_TIMEOUT : e,
		    "no answer: it may have been done or not");
	return end(b, j, &(struct outcome){ .result = OK });
}

/* --- checking --- */

static uint16_t
field_of(const struct control *c)
{
	return c->field >= 0 ? (uint16_t)c->field : UINT16_MAX;
}

/* What was read back is news of the field too. */
static struct reading
take_back(struct drv_bus *b, struct unit *u, const struct control *c,
    const struct mb_answer *a)
{
	struct reading r = { .field = field_of(c) };
	struct field f = c->f;
	struct drv_event *ev;

	/* Its limits are for what is written. */
	f.has_min = false;
	f.has_max = false;
	decode_regs(&f, a->value, scale_of(u, c), &r);
	if (c->field < 0)
		return r;
	unit_forget(u, (size_t)c->field);
	ev = bus_batch(b, u, 1);
	bus_add(ev, &r);
	bus_send(b, u, ev, true);
	return r;
}

static bool
check_later(struct drv_bus *b, struct job *j)
{
	int64_t wait = (int64_t)CHECK_FIRST_MS << (j->tries < 5 ? j->tries : 5);

	if (bus_now(b) >= j->until)
		return false;
	j->tries++;
	j->due = bus_now(b) + (wait < CHECK_MOST_MS ? wait : CHECK_MOST_MS);
	return true;
}

/* It is not there, and no answer had come: now it is known that the request was
 * lost, and the line has been silent since. */
static bool
once_more(struct drv_bus *b, struct job *j)
{
	if (j->sent == OK || j->again)
		return false;
	j->again = true;
	j->checking = false;
	j->tries = 0;
	j->due = bus_now(b);
	return true;
}

static bool
not_as_written(struct drv_bus *b, struct job *j, struct unit *u,
    const struct control *c, const struct mb_answer *a)
{
	struct reading r;

	if (check_later(b, j) || once_more(b, j))
		return false;
	r = take_back(b, u, c, a);
	return end(b, j,
	    &(struct outcome){ .result = ERR_BUSY,
		.why = "it was sent, but the device has another value",
		.read = &r });
}

static bool
not_read(struct drv_bus *b, struct job *j, enum err e, uint8_t code)
{
	if (e == ERR_IO)
		return fail(
		    b, j, e, "the line was lost; it may have been done");
	if ((e == ERR_REFUSED && code != IS_BUSY && code != ACKNOWLEDGED) ||
	    !check_later(b, j))
		return end(b, j,
		    &(struct outcome){
			.result = e == ERR_BUSY ? ERR_TIMEOUT : e,
			.exception = code,
			.why = j->sent == OK
			    ? "it was written, but cannot be read back"
			    : silent_why });
	return false;
}

static bool
check(struct drv_bus *b, struct job *j, struct unit *u, const struct control *c)
{
	bool same = c->verify == VERIFY_SAME;
	struct mb_answer a;
	enum err e = read_regs(b, j, u, same ? c->f.table : c->verify_table,
	    same ? c->f.addr : c->verify_addr, &a);
	struct reading r;

	if (e != OK)
		return not_read(b, j, e, a.exception);
	if (!encode_same(&j->want, a.value))
		return not_as_written(b, j, u, c, &a);
	r = take_back(b, u, c, &a);
	return end(b, j, &(struct outcome){ .result = OK, .read = &r });
}

/* --- both --- */

static bool
step(struct drv_bus *b, struct job *j, struct unit *u, const struct control *c)
{
	struct errbuf why = { "" };

	if (j->checking)
		return check(b, j, u, c);
	if (!j->back && guard(u, c, j, &why) != OK)
		return fail(b, j, ERR_RANGE, why.text);
	return send(b, j, u, c);
}

/* A pulse that cannot be ended is tried to be ended for ever: something is on
 * that should not be. */
static bool
keep_trying(struct drv_bus *b, struct job *j, const struct unit *u)
{
	if (!j->again)
		log_warn("bus", "%s: %s could not be set back in time bus=%s",
		    u->name, u->t->controls[j->ask.control].f.name,
		    b->cfg.name);
	j->again = true;
	j->checking = false;
	j->due = bus_now(b) + PULSE_AGAIN_MS;
	return false;
}

/* A device that is gone is not written to over and over: a probe shows when it
 * is back. */
static bool
wait_for(struct drv_bus *b, struct job *j, struct unit *u)
{
	int64_t now = bus_now(b);

	if (u->health.probe_at > now + PULSE_AGAIN_MS)
		u->health.probe_at = now + PULSE_AGAIN_MS;
	j->due = now + PULSE_LOOK_MS;
	return false;
}

bool
write_step(struct drv_bus *b, struct job *j)
{
	struct unit *u = roll_find(b, j->ask.handle);
	bool done;

	if (!u || j->ask.control >= u->t->n_controls)
		return fail(b, j, ERR_NOTFOUND, "there is no such control");
	if (!b->line.ops->ask || u->talk)
		return fail(b, j, ERR_UNSUP, "this device cannot be written");
	if (j->back && j->again && u->health.state == UNIT_OFFLINE)
		return wait_for(b, j, u);
	done = step(b, j, u, &u->t->controls[j->ask.control]);
	if (done && j->back && j->result != OK)
		return keep_trying(b, j, u);
	return done;
}
