#include "tests/thingsim/exchange.h"

#include "tests/thingsim/chan.h"
#include "tests/thingsim/reqlog.h"
#include "tests/thingsim/schedule.h"

enum { MS = 1000000, SPLIT_NS = 200000 };

/* pick_fault decides once for each request: what was commanded goes before
 * what is scheduled. */
static void
pick_fault(struct unit *u, bool write)
{
	u->now = (struct fault){ 0 };
	if (fault_concerns(&u->fault, write)) {
		u->now = u->fault;
		if (u->fault.times && --u->fault.times == 0)
			u->fault = (struct fault){ 0 };
	} else if (u->n_rules) {
		u->now = schedule_pick(u, write);
	}
	u->faults += u->now.kind != FAULT_NONE;
}

static bool
understands(const struct exchange *x)
{
	int64_t baud = x->unit->limits.baud;

	return baud == 0 || !x->chan->pty || chan_baud(x->chan) == baud;
}

bool
exchange_begin(struct exchange *x)
{
	struct unit *u = x->unit;
	const char *why = NULL;

	if (!understands(x))
		return false;
	u->requests++;
	pick_fault(u, x->write);
	if (loop_ns() < u->dead_until_ns)
		why = "dead";
	else if (u->now.kind == FAULT_SILENT)
		why = "silent";
	if (u->log)
		reqlog_add(u, x, why ? why : fault_name(u->now.kind));
	return !why;
}

int64_t
exchange_gap(const struct chan *c)
{
	return c->bus->proto->silence ? c->bus->line.gap_ns : 0;
}

/* The request has been heard to its end: now the device works, and on a line
 * that is not sooner than the silence after the request. */
static int64_t
answer_at(const struct exchange *x)
{
	struct unit *u = x->unit;
	int64_t at = loop_ns();
	int64_t us = u->limits.delay_us;

	if (x->chan->heard_ns)
		at = x->chan->heard_ns + exchange_gap(x->chan);
	if (u->limits.jitter_us)
		us += (int64_t)(plant_random(
				    u->bus->plant, u->name, u->requests) %
		    (uint64_t)u->limits.jitter_us);
	if (u->now.kind == FAULT_LATE)
		us += u->now.arg * 1000;
	/* It works on one thing after the other. */
	if (u->busy_until_ns > at)
		at = u->busy_until_ns;
	if (us == 0)
		return at;
	u->busy_until_ns = at + us * 1000;
	return u->busy_until_ns;
}

static int64_t
char_ns(const struct unit *u)
{
	struct serial_mode m = u->bus->serial;

	if (m.baud && u->limits.baud)
		m.baud = (int)u->limits.baud;
	return line_char_ns(&m);
}

static void
swap(struct buf *a, struct buf *b)
{
	struct buf c = *a;

	*a = *b;
	*b = c;
}

/* hold keeps an answer back for the next request; frame becomes what goes out
 * now, which may be nothing. */
static void
hold(struct unit *u, struct buf *frame)
{
	bool pair = u->now.kind == FAULT_PAIR;

	if (!pair && u->now.kind != FAULT_STALE) {
		u->held.len = 0;
		return;
	}
	if (pair && u->held.len) {
		buf_add(&u->held, frame->data, frame->len);
		frame->len = 0;
	}
	swap(frame, &u->held);
}

static void
echo(const struct exchange *x)
{
	struct sending how = { .start_ns = loop_ns() };
	struct buf same = { 0 };

	buf_add(&same, x->request, x->len);
	outbox_send(x->chan, &same, &how);
	buf_fini(&same);
}

static void
again(const struct exchange *x, const struct buf *frame,
    const struct sending *how)
{
	struct sending later = *how;
	struct buf copy = { 0 };

	later.start_ns += x->unit->now.arg * MS;
	buf_add(&copy, frame->data, frame->len);
	outbox_send(x->chan, &copy, &later);
	buf_fini(&copy);
}

void
exchange_answer(struct exchange *x, struct buf *frame, size_t garble_at)
{
	struct unit *u = x->unit;
	struct sending how = {
		.start_ns = answer_at(x),
		.step_ns = char_ns(u),
		.reset = u->now.kind == FAULT_RESET,
	};

	if (u->now.kind == FAULT_WRITE_LOST)
		return;
	if (u->now.kind == FAULT_LATE_ONCE)
		how.start_ns += u->now.arg * MS;
	if (u->now.kind == FAULT_DRIP) {
		how.step_ns = u->now.arg * MS;
		how.single = true;
	}
	if (u->now.kind == FAULT_SPLIT) {
		how.step_ns = how.step_ns > SPLIT_NS ? how.step_ns : SPLIT_NS;
		how.single = true;
	}
	if (u->now.kind == FAULT_ECHO)
		echo(x);
	fault_shape(&u->now, frame, garble_at);
	hold(u, frame);
	u->answers += frame->len > 0;
	if (u->now.kind == FAULT_AGAIN)
		again(x, frame, &how);
	outbox_send(x->chan, frame, &how);
}
