#include "field_controls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

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

void
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

void
allow_pulse(struct rig *r, size_t control)
{
	struct control *c = &r->dev.controls[control];

	c->has_pulse = true;
	c->pulse_min_ms = 100;
	c->pulse_max_ms = 5000;
}

void
begin_n(struct rig *r, slave_fn *fn, void *arg, int type, size_t n_units)
{
	memset(r, 0, sizeof(*r));
	plant(&r->dev);
	r->any_value = true;
	rig_start(r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(fn, arg) : slave_pty(fn, arg),
	    n_units);
	listen_up(r);
	listen_for(r, 150);
}

void
begin(struct rig *r, slave_fn *fn, void *arg, int type)
{
	begin_n(r, fn, arg, type, 1);
}

struct drv_ask
number(uint16_t control, int64_t v)
{
	return (struct drv_ask){ .token = 7,
		.kind = DRV_ASK_WRITE,
		.control = control,
		.to = { .type = VALUE_NUM, .num = { v, 0 } } };
}

struct drv_ask
on_off(uint16_t control, bool on)
{
	return (struct drv_ask){ .token = 7,
		.kind = DRV_ASK_WRITE,
		.control = control,
		.to = { .type = VALUE_BOOL, .on = on } };
}

struct heard_answer
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
