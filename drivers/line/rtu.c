/* Modbus RTU transactions.  A frame carries no number, so what could pass for
 * the answer to a request without being it must be out of the way before:
 *
 *   - the echo of the request, where an adapter hears what it sends; an answer
 *     to some writes is equal to it;
 *   - the late answer to an earlier request of the same unit and function,
 *     perhaps by one who had the line before;
 *   - an answer that comes twice.
 *
 * Each is dealt with by one more request, a read whose answer differs from what
 * is feared and whose values nobody uses.  A unit answers in order: once that
 * is answered, by an exception too, nothing older will come. */
#include "drivers/line/rtu_frame.h"
#include "drivers/line/serial.h"

#include <string.h>

enum {
	US = 1000,             /* in a ms */
	BYTE_US = 100000,      /* inside a frame; USB adapters hold back */
	BYTE_CHARS = 4,        /* and slow lines */
	HOST_BYTE_US = 400000, /* and networks */
	BABBLE_US = 1000000,   /* a line that never falls silent is noise */
	QUIET_ROUNDS = 8,
	LINGER_US = 50000, /* for an answer that comes twice */
	TWINS_MAX = 16,
	MEET_MAX = 3, /* a device may be silent when asked for what it lacks */
	EXCEPTION_BIT = 0x80,
	ADDRESSES = 0x10000,
};

/* One exchange that goes on. */
struct exchange {
	const struct mb_request *rq;
	struct mb_answer *out;
	uint8_t sent[RTU_MAX];
	size_t n_sent;
	int64_t end;   /* of the wait for an answer to begin */
	bool echoed;   /* the echo has come */
	bool refused;  /* by an exception that may be an older request's */
	bool stranger; /* a frame came that is none of ours */
	bool garbled;  /* so is what comes now, until it ends */
	bool noise;
	bool twin; /* an answer has come that may be the last one again */
	uint16_t crc;
};

static bool
is_bits(enum mb_function f)
{
	return f == MB_READ_COILS || f == MB_READ_DISCRETES;
}

/* A measure of the answer, by which two can be told apart. */
static uint16_t
size_of(const struct mb_request *rq)
{
	if (rq->function > MB_READ_INPUT)
		return 1;
	return is_bits(rq->function) ? (uint16_t)((rq->count + 7) / 8)
				     : rq->count;
}

/* --- doubts --- */

/* Whether the answer to a request in doubt would pass for one to rq.  Of writes
 * it may not say what was written. */
static bool
mistakable(const struct line *l, const struct mb_request *rq)
{
	for (size_t i = 0; i < LINE_DOUBTS; i++) {
		const struct line_doubt *d = &l->doubt[i];

		if (d->size == size_of(rq) && d->unit == rq->unit &&
		    d->function == rq->function)
			return true;
	}
	return false;
}

static bool
doubted(const struct line *l, uint8_t unit, uint8_t function)
{
	for (size_t i = 0; i < LINE_DOUBTS; i++) {
		const struct line_doubt *d = &l->doubt[i];

		if (d->size && d->unit == unit && d->function == function)
			return true;
	}
	return false;
}

static void
doubt(struct line *l, struct line_doubt d)
{
	for (size_t i = 0; i < LINE_DOUBTS; i++) {
		const struct line_doubt *o = &l->doubt[i];

		if (o->size == d.size && o->unit == d.unit &&
		    o->function == d.function)
			return;
	}
	l->doubt[l->n_doubts++ % LINE_DOUBTS] = d;
}

static struct line_doubt
doubt_of(const struct mb_request *rq)
{
	return (
	    struct line_doubt){ rq->unit, (uint8_t)rq->function, size_of(rq) };
}

static void
trust(struct line *l, uint8_t unit)
{
	for (size_t i = 0; i < LINE_DOUBTS; i++) {
		if (l->doubt[i].unit == unit)
			l->doubt[i].size = 0;
	}
}

void
serial_unasked(struct line *l)
{
	if (l->answered.size)
		doubt(l, l->answered);
}

/* --- what comes --- */

static void
set_echo(struct line *l, enum line_echo to)
{
	if (to == ECHO_HEARD && !l->echo_told) {
		line_remark(l, "the adapter echoes what is sent");
		l->echo_told = true;
	}
	l->echo = to;
}

/* What was sent has come.  It is the echo, unless there was one already, or the
 * line has none and this is an answer that looks so. */
static bool
is_echo(struct line *l, struct exchange *x)
{
	bool twin = pdu_answer(l->in, x->n_sent - RTU_CRC, x->rq, x->out) == OK;

	if (x->echoed || (twin && l->echo == ECHO_NONE))
		return false;
	x->echoed = true;
	set_echo(l, ECHO_HEARD);
	return true;
}

static uint16_t
crc_of(const struct line *l, size_t len)
{
	return (uint16_t)(l->in[len - 2] | l->in[len - 1] << 8);
}

/* Whether the frame is the last answer, byte by byte, though another place was
 * asked for.  Often that is so, and rightly. */
static bool
is_twin(const struct line *l, const struct exchange *x, size_t len)
{
	return crc_of(l, len) == l->answered_crc &&
	    l->answered.unit == x->rq->unit &&
	    l->answered.function == x->rq->function &&
	    l->answered.size == size_of(x->rq) &&
	    l->answered_addr != x->rq->addr;
}

/* An answer that fits.  Errors: ERR_NOTFOUND, it is looked into. */
static enum err
accept_answer(struct line *l, struct exchange *x, size_t len, enum err e)
{
	if (!x->echoed)
		set_echo(l, ECHO_NONE);
	x->crc = crc_of(l, len);
	if (x->twin) {
		line_remark(l, "the device answers twice");
		l->doubles = true;
		return e;
	}
	if (e != OK || l->twins >= TWINS_MAX || !is_twin(l, x, len))
		return e;
	x->twin = true;
	x->end = line_now_us() + LINGER_US;
	l->twins++;
	return ERR_NOTFOUND;
}

/* A whole frame.  Errors: as ask; ERR_NOTFOUND, it does not count. */
static enum err
judge(struct line *l, struct exchange *x, size_t len)
{
	uint8_t function = l->in[1] & (uint8_t)~EXCEPTION_BIT;
	enum err e = pdu_answer(l->in, len - RTU_CRC, x->rq, x->out);

	if (e == ERR_REFUSED && doubted(l, l->in[0], function)) {
		x->refused = true;
		return ERR_NOTFOUND;
	}
	if (e == OK || e == ERR_REFUSED)
		return accept_answer(l, x, len, e);
	if (crc_of(l, len) == l->answered_crc && l->answered.size)
		l->doubles = true;
	if (doubted(l, l->in[0], function)) {
		l->late++;
		line_remark(l, "it came late");
	} else {
		x->stranger = true;
		line_remark(l, "it is not the answer");
	}
	return ERR_NOTFOUND;
}

static void
note_garbled(struct line *l, struct exchange *x)
{
	if (!x->garbled)
		line_remark(l,
		    "CRC wrong: noise, other serial settings, or two devices");
	x->garbled = true;
}

static void
note_noise(struct line *l, struct exchange *x)
{
	if (!x->noise)
		line_remark(l, "noise before a frame");
	x->noise = true;
}

/* Takes what has come to its end.  Errors: as ask; ERR_NOTFOUND, more is
 * needed. */
static enum err
take(struct line *l, struct exchange *x, bool silent)
{
	for (;;) {
		enum err e = ERR_NOTFOUND;
		size_t used = 0;
		enum rtu_what what =
		    rtu_next(l->in, l->n_in, silent, x->sent, x->n_sent, &used);

		if (x->garbled && l->n_in) {
			what = RTU_GARBLED;
			used = l->n_in;
		}
		if (what == RTU_MORE)
			return x->garbled && silent ? ERR_PROTO : ERR_NOTFOUND;
		line_tell(l, '<', l->in, used);
		if (what == RTU_NOISE)
			note_noise(l, x);
		else if (what == RTU_GARBLED)
			note_garbled(l, x);
		else if (what == RTU_FRAME || !is_echo(l, x))
			e = judge(l, x, used);
		line_drop(l, used);
		if (e != ERR_NOTFOUND)
			return e;
	}
}

/* How long a frame that has begun may pause. */
static int64_t
byte_us(const struct line *l)
{
	int64_t us = BYTE_US + line_char_us(l, BYTE_CHARS);

	return l->cfg->port ? us : us + HOST_BYTE_US;
}

/* What there is when nothing more comes. */
static enum err
verdict(const struct exchange *x)
{
	if (x->garbled)
		return ERR_PROTO;
	if (x->twin)
		return OK;
	if (x->refused)
		return ERR_REFUSED;
	return x->stranger ? ERR_PROTO : ERR_TIMEOUT;
}

static enum err
receive(struct line *l, struct exchange *x)
{
	const int64_t most = x->end + BABBLE_US;

	for (;;) {
		bool begun = l->n_in > 0 || x->garbled;
		int64_t until = begun ? l->last_us + byte_us(l) : x->end;
		enum err e = line_fill(l, until < most ? until : most);
		bool silent = e == ERR_TIMEOUT;

		if (e == ERR_IO)
			return e;
		e = take(l, x, silent);
		if (e != ERR_NOTFOUND)
			return e;
		if ((silent && !begun) || line_now_us() >= most)
			return verdict(x);
	}
}

/* --- asking --- */

/* Nothing may be on its way when a request goes out. */
static enum err
make_quiet(struct line *l, int unit)
{
	line_gap(l, unit);
	for (int i = 0; line_flush(l) > 0; i++) {
		serial_unasked(l);
		if (i >= QUIET_ROUNDS || line_stopped(l))
			return ERR_PROTO;
		line_gap(l, unit);
	}
	return OK;
}

/* Bytes that follow an answer at once. */
static void
drop_rest(struct line *l)
{
	if (l->n_in == 0)
		return;
	line_tell(l, '<', l->in, l->n_in);
	line_remark(l, "it came unasked");
	l->late++;
	l->n_in = 0;
	serial_unasked(l);
}

/* A unit that is new here is listened to for a moment: one that answers twice
 * does so the first time, and is found out before it does harm. */
static void
meet(struct line *l, uint8_t unit)
{
	uint8_t *byte = &l->heard[unit / 8], bit = (uint8_t)(1u << unit % 8);

	if ((*byte & bit) == 0 && l->n_in == 0 &&
	    line_fill(l, line_now_us() + LINGER_US) == OK && l->n_in > 0) {
		line_remark(l, "the device answers twice");
		l->doubles = true;
	}
	*byte |= bit;
}

/* Unless it answers twice, nothing older of the unit will come. */
static void
note_answer(struct line *l, const struct exchange *x)
{
	trust(l, x->rq->unit);
	l->answered = doubt_of(x->rq);
	l->answered_addr = x->rq->addr;
	l->answered_crc = x->crc;
	meet(l, x->rq->unit);
	if (l->doubles)
		serial_unasked(l);
}

static enum err
exchange(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	struct exchange x = { .rq = rq, .out = out };
	enum err e = make_quiet(l, rq->unit);

	l->n_in = 0;
	if (e != OK)
		return e;
	x.n_sent = rtu_request(rq, x.sent);
	e = line_write(l, x.sent, x.n_sent, 0);
	out->sent = true;
	x.end = l->last_us + rq->timeout_ms * US;
	if (e == OK)
		e = receive(l, &x);
	l->answered.size = 0;
	if (e == OK || e == ERR_REFUSED)
		note_answer(l, &x);
	else
		doubt(l, doubt_of(rq));
	drop_rest(l);
	return e;
}

static bool
alike(const struct mb_request *a, const struct mb_request *b)
{
	return a->function == b->function && size_of(a) == size_of(b);
}

/* The read that is made first; shorter if possible, since a device has the
 * registers of its fields. */
static struct mb_request
harmless(const struct line *l, const struct mb_request *rq)
{
	struct mb_request other = *rq;
	int step, count = rq->count;

	if (pdu_is_write(rq->function)) {
		bool coil = rq->function == MB_WRITE_COIL ||
		    rq->function == MB_WRITE_COILS;

		other.function = coil ? MB_READ_COILS : MB_READ_HOLDING;
		other.value = NULL;
		other.count = 1;
		count = 1;
	}
	step = is_bits(other.function) ? 8 : 1;
	for (int i = 1; mistakable(l, &other) || alike(&other, rq); i++) {
		int shorter = (count - 1) / step;

		other.count =
		    (uint16_t)(i <= shorter ? count - i * step
					    : count + (i - shorter) * step);
	}
	if (other.addr + other.count > ADDRESSES)
		other.addr = (uint16_t)(ADDRESSES - other.count);
	return other;
}

/* Identification is the same whenever it was asked for.  A write must know
 * whether the line has an echo. */
static bool
needs_care(const struct line *l, const struct mb_request *rq)
{
	if (pdu_is_write(rq->function))
		return l->echo == ECHO_UNKNOWN || mistakable(l, rq);
	return rq->function <= MB_READ_INPUT &&
	    (mistakable(l, rq) || l->met[rq->unit] < MEET_MAX);
}

/* A read before the one that counts.  Nobody knows what was asked before the
 * line was opened: if an answer to that has passed for this one's, this one's
 * will come now. */
static enum err
make_sure(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	struct mb_request other = harmless(l, rq);
	bool first = l->met[rq->unit] < MEET_MAX;
	enum err e = exchange(l, &other, out);

	out->sent = false;
	l->met[rq->unit] += first;
	if (first && (e == OK || e == ERR_REFUSED)) {
		l->met[rq->unit] = MEET_MAX;
		doubt(l, doubt_of(&other));
	}
	return e;
}

enum err
serial_ask(struct line *l, const struct mb_request *rq, struct mb_answer *out)
{
	enum err e = OK;

	out->sent = false;
	if (!pdu_valid(rq))
		return ERR_RANGE;
	if (needs_care(l, rq))
		e = make_sure(l, rq, out);
	return e == OK || e == ERR_REFUSED ? exchange(l, rq, out) : e;
}
