/* Modbus over each kind of line, with a peer that does what field devices do
 * wrong: a wrong value must never come of it. */
#include "aside.h"
#include "line_peer.h"

#include "drivers/line/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 40, READS = 60 };

static const int64_t timeout_us = (int64_t)TIMEOUT_MS * 1000;

static const char *const kind_names[] = { "pty", "rtu over tcp", "tcp" };

struct rig {
	struct peer *peer;
	struct cfg_bus cfg;
	struct line line;
	atomic_bool stop;
	char said[512]; /* remarks */
	unsigned seed;
	unsigned good, timeouts, garbled, refused, lost, wrong;
};

static struct mb_answer answer;

static void
note(void *ctx, char direction, const void *data, size_t n)
{
	struct rig *r = ctx;
	size_t len = strlen(r->said);
	if (direction == '!' && len < sizeof(r->said) - 1)
		snprintf(r->said + len, sizeof(r->said) - len, "%.*s. ", (int)n,
		    (const char *)data);
}

static void
reopen(struct rig *r)
{
	struct errbuf why = { "" };
	enum err e;

	r->line.ops->close(&r->line);
	e = r->line.ops->open(&r->line, &why);
	if (e != OK)
		print_message("%s\n", why.text);
	assert_int_equal(e, OK);
}

static void
line_start(struct rig *r)
{
	static const struct serial_mode mode = { 115200, 8, 'N', 1 };

	line_init(&r->line, &r->cfg, mode, &r->stop);
	if (!r->line.ops)
		abort();
	r->line.trace = (struct line_trace){ note, r };
	reopen(r);
}

static void
rig_start(struct rig *r, enum peer_kind kind, peer_fn *fn)
{
	memset(r, 0, sizeof(*r));
	r->peer = peer_start(kind, fn);
	r->cfg = peer_bus(r->peer);
	line_start(r);
}

static void
rig_stop(struct rig *r)
{
	r->line.ops->close(&r->line);
	peer_stop(r->peer);
}

/* As a bus does it. */
static enum err
ask(struct rig *r, const struct mb_request *rq)
{
	struct line *l = &r->line;
	enum err e = l->ops->ask(l, rq, &answer);

	if (e == ERR_IO) {
		r->lost++;
		reopen(r);
	}
	r->good += e == OK;
	r->timeouts += e == ERR_TIMEOUT;
	r->garbled += e == ERR_PROTO;
	r->refused += e == ERR_REFUSED;
	if ((e == ERR_TIMEOUT || e == ERR_PROTO) &&
	    l->ops->recover(l, rq->timeout_ms * 3 / 2) != OK) {
		r->lost++;
		reopen(r);
	}
	return e;
}

static enum err
read_at(struct rig *r, unsigned unit, enum mb_function f, unsigned addr,
    unsigned count)
{
	struct mb_request rq = { .unit = (uint8_t)unit,
		.function = f,
		.addr = (uint16_t)addr,
		.count = (uint16_t)count,
		.timeout_ms = TIMEOUT_MS };
	enum err e = ask(r, &rq);

	if (e != OK)
		return e;
	assert_int_equal(answer.n, count);
	for (unsigned i = 0; i < count; i++) {
		unsigned v = peer_value(unit, addr + i);

		if (f <= MB_READ_DISCRETES)
			v &= 1;
		r->wrong += answer.value[i] != v;
	}
	return e;
}

static enum err
write_at(struct rig *r, enum mb_function f, unsigned addr, unsigned count,
    const uint16_t *value)
{
	struct mb_request rq = { .unit = 1,
		.function = f,
		.addr = (uint16_t)addr,
		.count = (uint16_t)count,
		.value = value,
		.timeout_ms = TIMEOUT_MS };

	return ask(r, &rq);
}

/* --- faults --- */

struct sending {
	uint8_t pdu[PEER_MAX], frame[2 * PEER_MAX];
	size_t n_pdu, n;
};

static void
prepare(struct peer *p, const uint8_t *rq, struct sending *s)
{
	s->n_pdu = peer_answer(p, rq, s->pdu);
	s->n = peer_frame(p, s->pdu, s->n_pdu, s->frame);
}

static void
late(struct peer *p, const uint8_t *rq, size_t n)
{
	if (peer_random(p, 8) == 0)
		peer_sleep_us(timeout_us * (5 + peer_random(p, 20)) / 5);
	peer_obey(p, rq, n);
}

/* Very late, when the settling is over, and then in order. */
static void
sleeper(struct peer *p, const uint8_t *rq, size_t n)
{
	if (peer_random(p, 16) == 0)
		peer_sleep_us(timeout_us * 3);
	peer_obey(p, rq, n);
}

static void
silent(struct peer *p, const uint8_t *rq, size_t n)
{
	if (peer_random(p, 8))
		peer_obey(p, rq, n);
}

static void
garbles(struct peer *p, const uint8_t *rq, size_t n)
{
	struct sending s;
	size_t head = p->kind == PEER_TCP ? 8 : 0;

	(void)n;
	prepare(p, rq, &s);
	if (p->kind != PEER_TCP && peer_random(p, 6) == 0)
		s.frame[head + peer_random(p, (unsigned)(s.n - head))] ^=
		    (uint8_t)(1u << peer_random(p, 8));
	peer_put(p, s.frame, s.n);
}

static void
truncates(struct peer *p, const uint8_t *rq, size_t n)
{
	struct sending s;

	(void)n;
	prepare(p, rq, &s);
	if (peer_random(p, 10) == 0)
		s.n = 1 + peer_random(p, (unsigned)s.n - 1);
	peer_put(p, s.frame, s.n);
}

static void
wrong_unit(struct peer *p, const uint8_t *rq, size_t n)
{
	struct sending s;

	(void)n;
	prepare(p, rq, &s);
	if (peer_random(p, 8) == 0) {
		s.pdu[0] = (uint8_t)(rq[0] % 4 + 1);
		s.n = peer_frame(p, s.pdu, s.n_pdu, s.frame);
	}
	peer_put(p, s.frame, s.n);
}

static void
splits(struct peer *p, const uint8_t *rq, size_t n)
{
	struct sending s;

	(void)n;
	prepare(p, rq, &s);
	for (size_t i = 0; i < s.n; i++) {
		peer_put(p, s.frame + i, 1);
		if (peer_random(p, 12) == 0)
			peer_sleep_us(peer_random(p, 4000));
	}
}

static void
doubles(struct peer *p, const uint8_t *rq, size_t n)
{
	struct sending s;

	(void)n;
	prepare(p, rq, &s);
	memcpy(s.frame + s.n, s.frame, s.n);
	peer_put(p, s.frame, 2 * s.n);
}

/* The second time a moment after. */
static void
doubles_soon(struct peer *p, const uint8_t *rq, size_t n)
{
	struct sending s;

	(void)n;
	prepare(p, rq, &s);
	peer_put(p, s.frame, s.n);
	if (p->number % 3 == 0) {
		peer_sleep_us(1000);
		peer_put(p, s.frame, s.n);
	}
}

/* The second time when the next request has already come. */
static void
doubles_late(struct peer *p, const uint8_t *rq, size_t n)
{
	struct sending s;

	(void)n;
	prepare(p, rq, &s);
	peer_put(p, s.frame, s.n);
	peer_sleep_us(8000);
	peer_put(p, s.frame, s.n);
}

static void
glitches(struct peer *p, const uint8_t *rq, size_t n)
{
	static const uint8_t noise[] = { 0, 0xff, 0, 0 };

	if (p->kind != PEER_TCP && peer_random(p, 2))
		peer_put(p, noise, 1 + peer_random(p, 4));
	peer_obey(p, rq, n);
}

static void
chatters(struct peer *p, const uint8_t *rq, size_t n)
{
	uint8_t noise[6];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)peer_random(p, 256);
	peer_obey(p, rq, n);
	if (p->kind != PEER_TCP && peer_random(p, 4) == 0)
		peer_put(p, noise, sizeof(noise));
}

static void
resets(struct peer *p, const uint8_t *rq, size_t n)
{
	const struct linger now = { 1, 0 };
	struct sending s;

	(void)n;
	prepare(p, rq, &s);
	if (p->kind == PEER_PTY || p->number % 20 != 19) {
		peer_put(p, s.frame, s.n);
		return;
	}
	peer_put(p, s.frame, s.n / 2);
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(p->fd);
	p->fd = -1;
}

static void
mixed(struct peer *p, const uint8_t *rq, size_t n)
{
	static peer_fn *const all[] = { late, sleeper, silent, garbles,
		truncates, wrong_unit, splits, doubles, glitches, chatters,
		doubles_late };

	all[peer_random(p, sizeof(all) / sizeof(all[0]))](p, rq, n);
}

static const struct {
	const char *name;
	peer_fn *fn;
	unsigned least; /* good of a hundred */
} faults[] = {
	{ "none", peer_obey, 100 },
	{ "late", late, 40 },
	{ "very late", sleeper, 60 },
	{ "silent", silent, 60 },
	{ "garbled", garbles, 60 },
	{ "truncated", truncates, 60 },
	{ "wrong unit", wrong_unit, 60 },
	{ "split", splits, 100 },
	{ "double", doubles, 100 },
	{ "double, later", doubles_soon, 60 },
	{ "double, late", doubles_late, 90 },
	{ "glitches", glitches, 100 },
	{ "chatter", chatters, 70 },
	{ "resets", resets, 70 },
	{ "mixed", mixed, 50 },
};

static void
read_many(struct rig *r, unsigned reads)
{
	static const enum mb_function functions[] = { MB_READ_HOLDING,
		MB_READ_INPUT, MB_READ_COILS };

	for (unsigned i = 0; i < reads; i++) {
		unsigned f = (unsigned)rand_r(&r->seed) % 16;

		/* mostly requests whose answers look alike */
		(void)read_at(r, 1 + i % 3, functions[f < 3 ? f : 0],
		    (i * 3) % 40, 1 + (i % 8 == 0) * i % 5);
	}
}

static void
no_wrong_values(enum peer_kind kind)
{
	const char *more = getenv("TB_READS");
	unsigned reads = more ? (unsigned)strtoul(more, NULL, 10) : READS;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct rig r;

		rig_start(&r, kind, faults[i].fn);
		read_many(&r, reads);
		print_message("  %-12s %-14s good %u timeouts %u "
			      "garbled %u lost %u late %u wrong %u\n",
		    kind_names[kind], faults[i].name, r.good, r.timeouts,
		    r.garbled, r.lost, (unsigned)r.line.late, r.wrong);
		assert_int_equal(r.wrong, 0);
		assert_true(r.good * 100 >= faults[i].least * reads);
		rig_stop(&r);
	}
}

static void
no_wrong_values_pty(void **state)
{
	(void)state;
	no_wrong_values(PEER_PTY);
}

static void
no_wrong_values_rtu_tcp(void **state)
{
	(void)state;
	no_wrong_values(PEER_RTU_TCP);
}

static void
no_wrong_values_tcp(void **state)
{
	(void)state;
	no_wrong_values(PEER_TCP);
}

/* --- echo --- */

static void
echoes(struct peer *p, const uint8_t *rq, size_t n)
{
	uint8_t frame[PEER_MAX];

	peer_put(p, frame, peer_frame(p, rq, n, frame));
	if (rq[0] != 9)
		peer_obey(p, rq, n);
}

static unsigned
count_of(const char *text, const char *part)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

static void
local_echo(void **state)
{
	static const uint16_t seven = 7;
	struct rig r;

	(void)state;
	for (int kind = PEER_PTY; kind <= PEER_RTU_TCP; kind++) {
		rig_start(&r, kind, echoes);
		/* the first is a write, and nobody is there */
		assert_int_equal(
		    write_at(&r, MB_WRITE_REGISTER, 5, 1, &seven), OK);
		for (unsigned i = 10; i < 40; i++)
			assert_int_equal(
			    read_at(&r, 1, MB_READ_HOLDING, i, 1 + i % 3), OK);
		assert_int_equal(r.wrong, 0);
		assert_int_equal(count_of(r.said, "echoes"), 1);
		peer_end(r.peer);
		assert_int_equal(r.peer->written[1][5], 7);
		rig_stop(&r);
	}
}

/* An echo alone is no answer, to a write above all. */
static void
echo_alone(void **state)
{
	static const uint16_t on = 1;
	struct mb_request rq = { .unit = 9,
		.function = MB_WRITE_COIL,
		.addr = 3,
		.count = 1,
		.value = &on,
		.timeout_ms = TIMEOUT_MS };
	struct rig r;

	(void)state;
	rig_start(&r, PEER_PTY, echoes);
	assert_int_equal(ask(&r, &rq), ERR_TIMEOUT);
	assert_false(answer.sent);
	assert_int_equal(read_at(&r, 1, MB_READ_HOLDING, 1, 1), OK);
	assert_int_equal(ask(&r, &rq), ERR_TIMEOUT);
	assert_int_equal(read_at(&r, 9, MB_READ_HOLDING, 1, 1), ERR_TIMEOUT);
	assert_int_equal(r.good, 1);
	rig_stop(&r);
}

/* --- writes --- */

static void
all_functions(void **state)
{
	static const uint16_t v[] = { 0x1234, 0xff, 1, 0, 1 };
	static const uint16_t id[] = { 1, 0 };
	struct rig r;

	(void)state;
	for (int kind = PEER_PTY; kind <= PEER_TCP; kind++) {
		rig_start(&r, kind, peer_obey);
		assert_int_equal(write_at(&r, MB_WRITE_COIL, 1, 1, v), OK);
		assert_int_equal(write_at(&r, MB_WRITE_REGISTER, 2, 1, v), OK);
		assert_int_equal(write_at(&r, MB_WRITE_REGISTERS, 3, 5, v), OK);
		assert_int_equal(
		    write_at(&r, MB_WRITE_COILS, 20, 4, v + 1), OK);
		assert_int_equal(write_at(&r, MB_MASK_WRITE, 2, 1, v + 1), OK);
		assert_true(answer.sent);
		assert_int_equal(write_at(&r, MB_SERVER_ID, 0, 0, NULL), OK);
		assert_int_equal(answer.n, 4);
		assert_int_equal(answer.value[1], 0x42);
		assert_int_equal(write_at(&r, MB_DEVICE_ID, 0, 0, id), OK);
		assert_int_equal(answer.value[0], 14);
		assert_int_equal(answer.n, 17);
		assert_int_equal(
		    write_at(&r, MB_READ_HOLDING, 0, 126, NULL), ERR_RANGE);
		peer_end(r.peer);
		assert_int_equal(r.peer->written[1][1], 1);
		assert_int_equal(r.peer->written[1][2], 0x34);
		assert_int_equal(r.peer->written[1][3], 0x1234);
		assert_int_equal(r.peer->written[1][21], 1);
		rig_stop(&r);
	}
}

/* The answer to the first write comes during the second, which is never done:
 * it must not look as if it were. */
static void
answers_next(struct peer *p, const uint8_t *rq, size_t n)
{
	static struct sending held;

	if (p->number == 2) { /* after a read, and one before it */
		prepare(p, rq, &held);
	} else if (rq[1] >= 5 && held.n) {
		held.n = peer_frame(p, held.pdu, held.n_pdu, held.frame);
		peer_put(p, held.frame, held.n);
	} else {
		peer_obey(p, rq, n);
	}
}

static void
late_write(void **state)
{
	static const uint16_t one[] = { 1, 2 }, two[] = { 3, 4 };
	struct rig r;

	(void)state;
	rig_start(&r, PEER_PTY, answers_next);
	assert_int_equal(read_at(&r, 1, MB_READ_HOLDING, 1, 1), OK);
	assert_int_equal(
	    write_at(&r, MB_WRITE_REGISTER, 5, 1, one), ERR_TIMEOUT);
	assert_true(answer.sent);
	/* another value, another place: its answer does not pass for theirs */
	assert_int_not_equal(write_at(&r, MB_WRITE_REGISTER, 5, 1, two), OK);
	assert_int_not_equal(write_at(&r, MB_WRITE_REGISTER, 6, 1, one), OK);
	rig_stop(&r);
}

/* --- connections --- */

static void
one_dead_unit(struct peer *p, const uint8_t *rq, size_t n)
{
	if (rq[0] != 2)
		peer_obey(p, rq, n);
}

static void
keeps_connection(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, PEER_TCP, one_dead_unit);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(
		    read_at(&r, 2, MB_READ_HOLDING, i, 1), ERR_TIMEOUT);
		assert_int_equal(
		    read_at(&r, 2, MB_READ_HOLDING, i, 1), ERR_TIMEOUT);
		assert_int_equal(read_at(&r, 1, MB_READ_HOLDING, i, 1), OK);
	}
	assert_int_equal(r.lost, 0);
	assert_int_equal(atomic_load(&r.peer->connections), 1);
	for (unsigned i = 0; i < 5; i++) /* nobody is there any more */
		(void)read_at(&r, 2, MB_READ_HOLDING, i, 1);
	assert_true(r.lost > 0);
	rig_stop(&r);
}

/* What was asked for at 1 is answered at the next request, which may come by
 * another connection. */
static void
answers_before(struct peer *p, const uint8_t *rq, size_t n)
{
	static struct sending held;

	if (rq[3] == 1) {
		prepare(p, rq, &held);
		return;
	}
	if (held.n)
		peer_put(p, held.frame, held.n);
	held.n = 0;
	peer_obey(p, rq, n);
}

/* The line is opened anew while an answer is on its way; also by one who does
 * not know of it, as after a restart, and then it is the first request. */
static void
answer_of_before(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		unsigned count = 1 + i / 6;

		print_message("  %s\n", kind_names[i % 3]);
		rig_start(&r, (enum peer_kind)(i % 3), answers_before);
		if (i % 6 < 3)
			assert_int_equal(
			    read_at(&r, 1, MB_READ_HOLDING, 9, 4), OK);
		assert_int_equal(
		    read_at(&r, 1, MB_READ_HOLDING, 1, count), ERR_TIMEOUT);
		if (i % 6 < 3) {
			reopen(&r);
		} else {
			r.line.ops->close(&r.line);
			line_start(&r);
		}
		for (unsigned k = 0; k < 4; k++)
			(void)read_at(&r, 1, MB_READ_HOLDING, 5 + k, count);
		assert_int_equal(r.wrong, 0);
		assert_true(r.good >= 4);
		rig_stop(&r);
	}
}

/* Ambiguous: an exception while an older one may still come. */
static void
late_exception(struct peer *p, const uint8_t *rq, size_t n)
{
	uint8_t pdu[3] = { rq[0], rq[1] | 0x80, 2 }, frame[8];

	if (p->number == 0)
		return;
	if (p->number == 1) {
		peer_put(p, frame, peer_frame(p, pdu, sizeof(pdu), frame));
		peer_sleep_us(5000);
	}
	peer_obey(p, rq, n);
}

static void
exception_of_before(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, PEER_PTY, late_exception);
	assert_int_equal(read_at(&r, 1, MB_READ_HOLDING, 1, 2), ERR_TIMEOUT);
	assert_int_equal(read_at(&r, 1, MB_READ_HOLDING, 5, 4), OK);
	assert_int_equal(r.refused, 0);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_functions),
		cmocka_unit_test(local_echo),
		cmocka_unit_test(echo_alone),
		cmocka_unit_test(late_write),
		cmocka_unit_test(keeps_connection),
		cmocka_unit_test(exception_of_before),
		cmocka_unit_test(answer_of_before),
		cmocka_unit_test(no_wrong_values_pty),
		cmocka_unit_test(no_wrong_values_rtu_tcp),
		cmocka_unit_test(no_wrong_values_tcp),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
