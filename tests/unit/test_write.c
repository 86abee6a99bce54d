/* Controls that are written: what is reported is what the device has. */
#include "common/mem.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SETPOINT, RELAY, MASKED, BITS, BLIND, ELSEWHERE, PULSED, WIDE };

static char empty[] = "";

static void
add(struct device *d, size_t i, enum modbus_table table, uint16_t addr,
    enum reg_type type, uint8_t fc)
{
	struct control *c = &d->controls[i];

	c->f = d->fields[0];
	c->f.table = table;
	c->f.addr = addr;
	c->f.type = type;
	c->f.unit = empty;
	c->field = -1;
	c->fc = fc;
	d->t.n_controls = i + 1;
}

/* Fields 0 to 3 are the holding registers 0, 20, 40 and 60. */
static void
plant(struct device *d)
{
	device_init(d, 4, 20, 200);
	for (size_t i = 0; i < 4; i++)
		d->fields[i].table = MB_HOLDING;
	add(d, SETPOINT, MB_HOLDING, 0, REG_U16, 6);
	d->controls[SETPOINT].field = 0;
	d->controls[SETPOINT].f.has_max = true;
	d->controls[SETPOINT].f.max = (struct num){ 60, 0 };
	add(d, RELAY, MB_COIL, 100, REG_BOOL, 5);
	add(d, MASKED, MB_HOLDING, 20, REG_U16, 22);
	d->controls[MASKED].f.bit_hi = 7;
	d->controls[MASKED].f.bit_lo = 4;
	add(d, BITS, MB_HOLDING, 40, REG_U16, 6);
	d->controls[BITS].f.bit_hi = 7;
	d->controls[BITS].f.bit_lo = 4;
	add(d, BLIND, MB_HOLDING, 80, REG_U16, 6);
	d->controls[BLIND].verify = VERIFY_NONE;
	d->controls[BLIND].write_only = true;
	add(d, ELSEWHERE, MB_HOLDING, 90, REG_U16, 6);
	d->controls[ELSEWHERE].verify = VERIFY_AT;
	d->controls[ELSEWHERE].verify_table = MB_INPUT;
	d->controls[ELSEWHERE].verify_addr = 91;
	add(d, PULSED, MB_COIL, 101, REG_BOOL, 5);
	d->controls[PULSED].has_pulse = true;
	d->controls[PULSED].pulse_min_ms = 100;
	d->controls[PULSED].pulse_max_ms = 2000;
	add(d, WIDE, MB_HOLDING, 60, REG_U32, 16);
}

static void
allow_pulse(struct rig *r, size_t control)
{
	struct control *c = &r->dev.controls[control];

	c->has_pulse = true;
	c->pulse_min_ms = 100;
	c->pulse_max_ms = 5000;
}

static void
begin_n(struct rig *r, slave_fn *fn, void *arg, int type, size_t n_units)
{
	memset(r, 0, sizeof(*r));
	plant(&r->dev);
	r->any_value = true;
	rig_start(r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(fn, arg) : slave_pty(fn, arg),
	    n_units);
	listen_for(r, 150);
}

static void
begin(struct rig *r, slave_fn *fn, void *arg, int type)
{
	begin_n(r, fn, arg, type, 1);
}

static struct drv_ask
number(uint16_t control, int64_t v)
{
	return (struct drv_ask){ .token = 7,
		.kind = DRV_ASK_WRITE,
		.control = control,
		.to = { .type = VALUE_NUM, .num = { v, 0 } } };
}

static struct drv_ask
on_off(uint16_t control, bool on)
{
	return (struct drv_ask){ .token = 7,
		.kind = DRV_ASK_WRITE,
		.control = control,
		.to = { .type = VALUE_BOOL, .on = on } };
}

static struct heard_answer
write_it(struct rig *r, struct drv_ask ask)
{
	r->n_answers = 0;
	assert_int_equal(drv_bus_ask(r->bus, &ask), OK);
	listen_until(r, 5000, &r->n_answers, 1);
	assert_int_equal(r->n_answers, 1);
	assert_int_equal(r->answers[0].token, ask.token);
	print_message("  %s %s %lld us\n", err_str(r->answers[0].result),
	    r->answers[0].why, (long long)r->answers[0].took_us);
	return r->answers[0];
}

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
	no_pulse.pulse_ms = 500;
	assert_int_equal(write_it(&r, no_pulse).result, ERR_RANGE);
	assert_int_equal(write_it(&r, number(99, 1)).result, ERR_NOTFOUND);
	rig_stop(&r);
	assert_int_equal(writes, 0);
}

/* It answers, and does nothing; the register stays what it was. */
static void
pretends(struct ask *a, void *arg)
{
	(void)arg;
	a->ignore = true;
}

static void
not_done(void **state)
{
	struct heard_answer a;
	struct rig r;

	(void)state;
	begin(&r, pretends, NULL, BUS_MODBUS_TCP);
	a = write_it(&r, number(SETPOINT, 21));
	assert_int_equal(a.result, ERR_BUSY);
	assert_true(a.has_reading);
	assert_int_equal(a.reading.value.num.mant, slave_value(1, 0));
	assert_int_equal(r.heard[0].value[0], slave_value(1, 0));
	/* what cannot be read is believed */
	assert_int_equal(write_it(&r, number(BLIND, 21)).result, OK);
	rig_stop(&r);
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
answer_lost(void **state)
{
	static const int types[] = { BUS_MODBUS_TCP, BUS_MODBUS_RTU };
	struct rig r;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct loses done = { .to_lose = 1, .done = true },
			     lost = { .to_lose = 1 }, never = { .to_lose = 99 };

		begin(&r, loses_answer, &done, types[i]);
		assert_int_equal(write_it(&r, number(SETPOINT, 21)).result, OK);
		rig_stop(&r);
		assert_int_equal(done.writes, 1); /* it was never repeated */

		begin(&r, loses_answer, &lost, types[i]);
		assert_int_equal(write_it(&r, number(SETPOINT, 21)).result, OK);
		rig_stop(&r);
		assert_int_equal(lost.writes, 2);

		begin(&r, loses_answer, &never, types[i]);
		assert_true(write_it(&r, number(SETPOINT, 21)).result != OK);
		rig_stop(&r);
		assert_int_equal(never.writes, 2);
	}
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

static void
may_be_silent(struct ask *a, void *arg)
{
	atomic_bool *silent = arg;

	if (a->unit == 1 && atomic_load(silent))
		a->delay_ms = -1;
}

static void
pulse(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	ask.pulse_ms = 400;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	assert_int_equal(write_it(&r, ask).result, OK);
	listen_for(&r, 200);
	assert_int_equal(slave_stored(r.slave, 1, 101), 1);
	listen_for(&r, 300);
	assert_int_equal(slave_stored(r.slave, 1, 101), 0);
	assert_int_equal(r.n_answers, 1);

	rig_stop(&r);
}

/* It ends early when the bus does. */
static void
pulse_stopped(void **state)
{
	static const int types[] = { BUS_MODBUS_TCP, BUS_MODBUS_RTU };
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	ask.pulse_ms = 2000;
	for (size_t i = 0; i < 2; i++) {
		begin(&r, answers_all, NULL, types[i]);
		assert_int_equal(write_it(&r, ask).result, OK);
		drv_bus_stop(r.bus);
		r.bus = NULL;
		usleep(20000);
		assert_int_equal(slave_stored(r.slave, 1, 101), 0);
		rig_stop(&r);
	}
}

/* A device that does not answer does not keep the bus from stopping. */
static void
pulses_stopped_in_vain(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	atomic_bool silent = false;
	struct rig r;
	int64_t start;

	(void)state;
	begin(&r, may_be_silent, &silent, BUS_MODBUS_RTU);
	allow_pulse(&r, RELAY);
	allow_pulse(&r, BITS);
	ask.pulse_ms = 2000;
	for (size_t i = 0; i < 3; i++) {
		static const uint16_t which[] = { PULSED, RELAY, BITS };

		ask.control = which[i];
		ask.to.type = i < 2 ? VALUE_BOOL : VALUE_NUM;
		ask.to.num.mant = 5;
		assert_int_equal(write_it(&r, ask).result, OK);
	}
	atomic_store(&silent, true);
	start = clock_mono(&clock_system);
	drv_bus_stop(r.bus);
	r.bus = NULL;
	assert_true(clock_mono(&clock_system) - start < 1500);
	rig_stop(&r);
}

/* A short pulse does not wait for a long one of the same device. */
static void
pulses_side_by_side(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	allow_pulse(&r, RELAY);
	ask.control = RELAY;
	ask.pulse_ms = 3000;
	assert_int_equal(write_it(&r, ask).result, OK);
	ask.control = PULSED;
	ask.pulse_ms = 200;
	assert_int_equal(write_it(&r, ask).result, OK);
	listen_for(&r, 400);
	assert_int_equal(slave_stored(r.slave, 1, 100), 1);
	assert_int_equal(slave_stored(r.slave, 1, 101), 0);
	rig_stop(&r);
}

/* A number goes back to what it was before the first of two. */
static void
pulse_prolonged(void **state)
{
	struct drv_ask ask = number(SETPOINT, 40);
	struct rig r;

	(void)state;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	allow_pulse(&r, SETPOINT);
	assert_int_equal(write_it(&r, number(SETPOINT, 20)).result, OK);
	ask.pulse_ms = 400;
	assert_int_equal(write_it(&r, ask).result, OK);
	ask.to.num.mant = 41;
	assert_int_equal(write_it(&r, ask).result, OK);
	assert_int_equal(slave_stored(r.slave, 1, 0), 41);
	listen_for(&r, 600);
	assert_int_equal(slave_stored(r.slave, 1, 0), 20);
	rig_stop(&r);
}

/* A command that does not reach the device leaves the pulse as it is. */
static void
pulse_outlives_failure(void **state)
{
	struct drv_ask ask = number(BITS, 5);
	atomic_bool silent = false;
	struct rig r;

	(void)state;
	begin(&r, may_be_silent, &silent, BUS_MODBUS_TCP);
	allow_pulse(&r, BITS);
	slave_store(r.slave, 40, 0);
	ask.pulse_ms = 800;
	assert_int_equal(write_it(&r, ask).result, OK);
	assert_int_equal(slave_stored(r.slave, 1, 40), 0x50);
	atomic_store(&silent, true);
	assert_int_equal(write_it(&r, number(BITS, 6)).result, ERR_TIMEOUT);
	atomic_store(&silent, false);
	listen_for(&r, 1200);
	assert_int_equal(slave_stored(r.slave, 1, 40), 0);
	rig_stop(&r);
}

/* A device that is gone, with a pulse to end, costs its neighbour no more than
 * any other that is gone; and when it is back it is ended. */
static void
pulse_of_the_dead(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	atomic_bool silent = false;
	struct drv_stats before, after;
	struct rig r;

	(void)state;
	begin_n(&r, may_be_silent, &silent, BUS_MODBUS_TCP, 2);
	ask.pulse_ms = 300;
	assert_int_equal(write_it(&r, ask).result, OK);
	atomic_store(&silent, true);
	while (r.heard[0].offline == 0)
		listen_for(&r, 100);
	drv_bus_stats(r.bus, &before);
	listen_for(&r, 7000);
	drv_bus_stats(r.bus, &after);
	print_message(
	    "  timeouts %u\n", (unsigned)(after.timeouts - before.timeouts));
	assert_true(after.timeouts - before.timeouts <= 3);
	atomic_store(&silent, false);
	for (int i = 0; i < 160 && slave_stored(r.slave, 1, 101); i++)
		listen_for(&r, 100);
	assert_int_equal(slave_stored(r.slave, 1, 101), 0);
	rig_stop(&r);
}

/* A later command counts, not the end of the pulse before it. */
/* A later command counts, not the end of the pulse before it. */
static void
pulse_superseded(void **state)
{
	struct drv_ask ask = on_off(PULSED, true);
	struct rig r;

	(void)state;
	ask.pulse_ms = 300;
	begin(&r, answers_all, NULL, BUS_MODBUS_TCP);
	assert_int_equal(write_it(&r, ask).result, OK);
	assert_int_equal(write_it(&r, on_off(PULSED, true)).result, OK);
	listen_for(&r, 500);
	assert_int_equal(slave_stored(r.slave, 1, 101), 1);
	rig_stop(&r);
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
		cmocka_unit_test(not_to_another_device),
		cmocka_unit_test(by_every_function),
		cmocka_unit_test(guards),
		cmocka_unit_test(not_done),
		cmocka_unit_test(done_later_elsewhere),
		cmocka_unit_test(answer_lost),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(pulse),
		cmocka_unit_test(pulse_superseded),
		cmocka_unit_test(pulse_stopped),
		cmocka_unit_test(pulses_stopped_in_vain),
		cmocka_unit_test(pulses_side_by_side),
		cmocka_unit_test(pulse_prolonged),
		cmocka_unit_test(pulse_outlives_failure),
		cmocka_unit_test(pulse_of_the_dead),
		cmocka_unit_test(behind),
		cmocka_unit_test(overtakes_polls),
		cmocka_unit_test(all_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
