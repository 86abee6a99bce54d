/* Controls that are written: what is reported is what the device has. */
#include "aside.h"
#include "field_controls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

/* Field 3 proves the device, and this one is another. */
static void
not_to_another_device(void **state)
{
	struct rig r;
	struct heard_answer a;

	(void)state;
	memset(&r, 0, sizeof(r));
	plant(&r.dev);
	r.any_value = true;
	r.dev.fields[3].kind = KIND_IDENTITY;
	r.dev.fields[3].has_max = true;
	r.dev.fields[3].max = (struct num){ 1, 0 };
	r.slave = slave_tcp(answers_all, NULL);
	slave_store(r.slave, 60, 2);
	rig_start(&r, BUS_MODBUS_TCP, r.slave, 1);
	listen_for(&r, 150);
	a = write_it(&r, number(SETPOINT, 42));
	assert_int_equal(a.result, ERR_RANGE);
	assert_int_not_equal(slave_stored(r.slave, 1, 0), 42);
	slave_store(r.slave, 60, 1);
	listen_for(&r, 400);
	a = write_it(&r, number(SETPOINT, 42));
	assert_int_equal(a.result, OK);
	rig_stop(&r);
}

static void
by_every_function(void **state)
{
	static const int types[] = { BUS_MODBUS_TCP, BUS_MODBUS_RTU };
	struct heard_answer a;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(&r, answers_all, NULL, types[i]);
		a = write_it(&r, number(SETPOINT, 21));
		assert_int_equal(a.result, OK);
		assert_true(a.has_reading);
		assert_int_equal(a.reading.field, 0);
		assert_int_equal(a.reading.value.num.mant, 21);
		assert_int_equal(slave_stored(r.slave, 1, 0), 21);
		assert_int_equal(r.heard[0].value[0], 21);

		a = write_it(&r, on_off(RELAY, true));
		assert_int_equal(a.result, OK);
		assert_true(a.has_reading && a.reading.value.on);
		assert_int_equal(slave_stored(r.slave, 1, 100), 1);

		slave_store(r.slave, 20, 0xabcd);
		assert_int_equal(write_it(&r, number(MASKED, 3)).result, OK);
		assert_int_equal(slave_stored(r.slave, 1, 20), 0xab3d);

		slave_store(r.slave, 40, 0x1234);
		assert_int_equal(write_it(&r, number(BITS, 9)).result, OK);
		assert_int_equal(slave_stored(r.slave, 1, 40), 0x1294);

		assert_int_equal(
		    write_it(&r, number(WIDE, 0x10002)).result, OK);
		assert_int_equal(slave_stored(r.slave, 1, 60), 1);
		assert_int_equal(slave_stored(r.slave, 1, 61), 2);
		rig_stop(&r);
	}
}

static void
counts_writes(struct ask *a, void *arg)
{
	unsigned *n = arg;

	*n += a->function == 5 || a->function == 6;
}

static void
guards(void **state)
{
	struct drv_ask too_long = on_off(PULSED, true),
		       no_pulse = on_off(RELAY, true);
	struct heard_answer a;
	unsigned writes = 0;
	struct rig r;

	(void)state;
	begin(&r, counts_writes, &writes, BUS_MODBUS_TCP);
	a = write_it(&r, number(SETPOINT, 61));
	assert_int_equal(a.result, ERR_RANGE);
	assert_non_null(strstr(a.why, "60"));
	too_long.pulse_ms = 5000;
	assert_int_equal(write_it(&r, too_long).result, ERR_RANGE);
	too_long.pulse_ms = 50;
	assert_int_equal(write_it(&r, too_long).result, ERR_RANGE);
	no_pulse.pulse_ms = 500;
	assert_int_equal(write_it(&r, no_pulse).result, ERR_RANGE);
	assert_int_equal(write_it(&r, number(99, 1)).result, ERR_NOTFOUND);
	rig_stop(&r);
	assert_int_equal(writes, 0);
}

/* A counter that is set is where it was set to, also when that is less. */
static void
counter_set_back(void **state)
{
	struct rig r = { 0 };

	(void)state;
	plant(&r.dev);
	r.any_value = true;
	r.dev.fields[0].kind = KIND_COUNTER;
	r.slave = slave_tcp(answers_all, NULL);
	slave_store(r.slave, 0, 40);
	rig_start(&r, BUS_MODBUS_TCP, r.slave, 1);
	listen_for(&r, 150);
	assert_int_equal(write_it(&r, number(SETPOINT, 20)).result, OK);
	listen_for(&r, 150);
	assert_int_equal(r.heard[0].value[0], 20);
	assert_int_equal(r.heard[0].bad, 0);
	rig_stop(&r);
}

static void
hides_scale(struct ask *a, void *arg)
{
	(void)arg;
	a->exception = a->addr == 60 ? 6 : 0;
}

static void
not_without_its_scale(void **state)
{
	struct heard_answer a;
	struct rig r = { 0 };

	(void)state;
	plant(&r.dev);
	r.dev.fields[0].sf = r.dev.fields[3].name;
	r.dev.fields[0].sf_field = 3;
	r.dev.controls[SETPOINT].f.sf = r.dev.fields[3].name;
	r.dev.controls[SETPOINT].f.sf_field = 3;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(hides_scale, NULL), 1);
	listen_for(&r, 150);
	a = write_it(&r, number(SETPOINT, 0));
	assert_int_equal(a.result, ERR_RANGE);
	assert_non_null(strstr(a.why, "scale factor"));
	rig_stop(&r);
}

/* It answers, and does nothing; the register stays what it was. */
static void
pretends(struct ask *a, void *arg)
{
	*(unsigned *)arg += a->function == 6;
	a->ignore = true;
}

static void
not_done(void **state)
{
	struct heard_answer a;
	unsigned writes = 0;
	struct rig r;

	(void)state;
	begin(&r, pretends, &writes, BUS_MODBUS_TCP);
	a = write_it(&r, number(SETPOINT, 21));
	assert_int_equal(a.result, ERR_BUSY);
	assert_true(a.has_reading);
	assert_int_equal(a.reading.value.num.mant, slave_value(1, 0));
	assert_int_equal(r.heard[0].value[0], slave_value(1, 0));
	/* what cannot be read is believed */
	assert_int_equal(write_it(&r, number(BLIND, 21)).result, OK);
	rig_stop(&r);
	assert_int_equal(writes, 2); /* one each */
}

/* What is written takes effect at another address, 300 ms later. */
struct slow {
	struct slave *slave;
	int64_t at_us;
};

static void
takes_time(struct ask *a, void *arg)
{
	struct slow *s = arg;

	if (a->function == 6)
		s->at_us = a->at_us;
	if (s->at_us && a->at_us - s->at_us > 300000)
		slave_store(s->slave, 91, 21);
}

static void
done_later_elsewhere(void **state)
{
	struct slow s = { NULL, 0 };
	struct heard_answer a;
	struct rig r;

	(void)state;
	begin(&r, takes_time, &s, BUS_MODBUS_TCP);
	s.slave = r.slave;
	slave_store(r.slave, 91, 5);
	a = write_it(&r, number(ELSEWHERE, 21));
	assert_int_equal(a.result, OK);
	assert_in_range(a.took_us, 250000, 900000);
	assert_true(r.heard[0].gap_max < 150); /* the polls went on */
	rig_stop(&r);
}

/* A write that waits behind the polls is checked in time, whenever they are. */
static void
behind(void **state)
{
	struct drv_ask ask = number(ELSEWHERE, 21);
	struct slow s = { NULL, 0 };
	struct rig r = { 0 };

	(void)state;
	plant(&r.dev);
	r.any_value = true;
	r.dev.polls[0].ms = 3600000;
	s.slave = slave_tcp(takes_time, &s);
	slave_store(s.slave, 91, 5);
	rig_start(&r, BUS_MODBUS_TCP, s.slave, 1);
	listen_for(&r, 200);
	ask.behind = true;
	assert_int_equal(write_it(&r, ask).result, OK);
	rig_stop(&r);
}

/* The first answer to a write is lost; lost: the write too. */
struct loses {
	unsigned writes, to_lose;
	bool done;
};

static void
loses_answer(struct ask *a, void *arg)
{
	struct loses *l = arg;

	if (a->function != 6 || l->writes++ >= l->to_lose)
		return;
	a->delay_ms = -1;
	a->ignore = !l->done;
}

static void
answer_lost(int type)
{
	struct loses done = { .to_lose = 1, .done = true },
		     lost = { .to_lose = 1 }, never = { .to_lose = 99 };
	struct rig r;

	begin(&r, loses_answer, &done, type);
	assert_int_equal(write_it(&r, number(SETPOINT, 21)).result, OK);
	rig_stop(&r);
	assert_int_equal(done.writes, 1); /* it was never repeated */

	begin(&r, loses_answer, &lost, type);
	assert_int_equal(write_it(&r, number(SETPOINT, 21)).result, OK);
	rig_stop(&r);
	assert_int_equal(lost.writes, 2);

	begin(&r, loses_answer, &never, type);
	assert_true(write_it(&r, number(SETPOINT, 21)).result != OK);
	rig_stop(&r);
	assert_int_equal(never.writes, 2);
}

static void
answer_lost_tcp(void **state)
{
	(void)state;
	answer_lost(BUS_MODBUS_TCP);
}

static void
answer_lost_rtu(void **state)
{
	(void)state;
	answer_lost(BUS_MODBUS_RTU);
}

static void
ends_at_40(struct ask *a, void *arg)
{
	a->hang_up =
	    a->addr == 40 && atomic_fetch_sub((atomic_int *)arg, 1) == 1;
}

/* The connection ends when the register is read whose bits are to be set. */
static void
connection_lost(void **state)
{
	atomic_int to_40 = 0; /* requests until then */
	struct rig r;

	(void)state;
	memset(&r, 0, sizeof(r));
	plant(&r.dev);
	r.any_value = true;
	r.dev.fields[2].poll = rig_once;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(ends_at_40, &to_40), 1);
	listen_up(&r);
	listen_for(&r, 150);
	assert_int_equal(r.heard[0].by_field[2], 1);
	atomic_store(&to_40, 1);
	assert_int_equal(write_it(&r, number(BITS, 9)).result, OK);
	assert_true(atomic_load(&to_40) < 1);
	rig_stop(&r);
}

static void
refuses(struct ask *a, void *arg)
{
	unsigned *busy = arg;

	if (a->function == 6 && a->addr == 80)
		a->exception = 3;
	if (a->function == 6 && a->addr == 0 && *busy) {
		(*busy)--;
		a->exception = 6;
	}
}

static void
exceptions(void **state)
{
	struct heard_answer a;
	unsigned busy = 2;
	struct rig r;

	(void)state;
	begin(&r, refuses, &busy, BUS_MODBUS_TCP);
	a = write_it(&r, number(BLIND, 21));
	assert_int_equal(a.result, ERR_REFUSED);
	assert_int_equal(a.exception, 3);
	assert_true(a.why[0]);
	assert_int_equal(write_it(&r, number(SETPOINT, 21)).result, OK);
	rig_stop(&r);
}

/* It needs time to say what it has. */
static void
reads_later(struct ask *a, void *arg)
{
	int64_t *at_us = arg;

	if (a->function == 6)
		*at_us = a->at_us;
	else if (*at_us && a->at_us - *at_us < 200000)
		a->exception = 5;
}

static void
read_later(void **state)
{
	int64_t at_us = 0;
	struct rig r;

	(void)state;
	begin(&r, reads_later, &at_us, BUS_MODBUS_TCP);
	assert_int_equal(write_it(&r, number(SETPOINT, 21)).result, OK);
	rig_stop(&r);
}

/* It says that it will, and does not. */
static void
promises(struct ask *a, void *arg)
{
	if (a->function != 6)
		return;
	a->exception = 5;
	++*(unsigned *)arg;
}

static void
promised(void **state)
{
	unsigned writes = 0;
	struct rig r;

	(void)state;
	begin(&r, promises, &writes, BUS_MODBUS_TCP);
	assert_int_equal(write_it(&r, number(SETPOINT, 21)).result, ERR_BUSY);
	rig_stop(&r);
	assert_int_equal(writes, 1);
}

/* A whole line of polls, each of which takes its time. */
static void
slow_reads(struct ask *a, void *arg)
{
	(void)arg;
	a->delay_ms = a->function == 6 ? 0 : 20;
}

static void
overtakes_polls(void **state)
{
	int waited = 0;
	struct rig r;

	(void)state;
	begin(&r, slow_reads, NULL, BUS_MODBUS_TCP);
	for (int i = 0; i < 20; i++) {
		int64_t start = clock_mono(&clock_system), took;

		write_it(&r, number(BLIND, i));
		took = r.answers[0].at_ms - start;
		/* More than the read under way, and its own. */
		waited += took > 30;
		listen_for(&r, 13);
	}
	print_message("  %d of 20 waited longer\n", waited);
	assert_true(waited <= 5); /* of a machine that does other things too */
	rig_stop(&r);
}

/* What was known before a write is not sure after it: all is read at once,
 * however long its next time is away. */
static void
all_is_read_again(void **state)
{
	struct rig r;

	(void)state;
	memset(&r, 0, sizeof(r));
	plant(&r.dev);
	r.dev.polls[0].ms = 3600000;
	r.any_value = true;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 1);
	listen_for(&r, 500);
	assert_int_equal(r.heard[0].by_field[3], 1);
	assert_int_equal(write_it(&r, on_off(RELAY, true)).result, OK);
	listen_for(&r, 500);
	assert_int_equal(r.heard[0].by_field[3], 2);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_lost_tcp),
		cmocka_unit_test(answer_lost_rtu),
		cmocka_unit_test(connection_lost),
		cmocka_unit_test(not_to_another_device),
		cmocka_unit_test(by_every_function),
		cmocka_unit_test(guards),
		cmocka_unit_test(counter_set_back),
		cmocka_unit_test(not_without_its_scale),
		cmocka_unit_test(not_done),
		cmocka_unit_test(done_later_elsewhere),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(promised),
		cmocka_unit_test(read_later),
		cmocka_unit_test(behind),
		cmocka_unit_test(overtakes_polls),
		cmocka_unit_test(all_is_read_again),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
