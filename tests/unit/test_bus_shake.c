/* A bus whose units, asks, pulses and trace come and go at random, while its
 * devices misbehave: each ask is answered once, no value is wrong, and nobody
 * touches a template that was given back. */
#include "aside.h"
#include "common/mem.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 500, STEP_MS = 8, UNITS = 3, ROUNDS = 3 };

struct shake {
	struct rig r;
	struct device *now, *before; /* whose templates the bus has, and had */
	unsigned seed;
	unsigned asked;
};

static unsigned
random_of(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

/* One answer in four is late, missing, refused, or the end. */
static void
moody(struct ask *a, void *arg)
{
	switch (random_of(arg, 16)) {
	case 0:
		a->delay_ms = -1;
		break;
	case 1:
		a->delay_ms = 50;
		break;
	case 2:
		a->exception = 6;
		break;
	case 3:
		a->hang_up = random_of(arg, 4) == 0;
		break;
	default:
		break;
	}
}

static struct device *
device_new(void)
{
	struct device *d = mem_zalloc(sizeof(*d));
	struct control *c = &d->controls[0];

	device_init(d, 3, 10, 40);
	c->f = d->fields[0];
	c->f.table = MB_HOLDING;
	c->f.addr = 100;
	c->field = -1;
	c->fc = 6;
	c->has_pulse = true;
	c->pulse_min_ms = 1;
	c->pulse_max_ms = 1000;
	d->t.n_controls = 1;
	return d;
}

static void
ask_something(struct shake *s)
{
	struct drv_ask ask = { .token = s->asked,
		.kind = random_of(&s->seed, 2) ? DRV_ASK_MODBUS : DRV_ASK_WRITE,
		.behind = random_of(&s->seed, 3) == 0,
		.timeout_ms = 40,
		.unit = (uint8_t)(1 + random_of(&s->seed, UNITS)),
		.function = MB_READ_INPUT,
		.addr = (uint16_t)random_of(&s->seed, 30),
		.count = 1,
		.handle = random_of(&s->seed, UNITS),
		.to = { .type = VALUE_NUM, .num = { 7, 0 } },
		.pulse_ms = random_of(&s->seed, 2) ? 30 : 0 };

	s->asked += drv_bus_ask(s->r.bus, &ask) == OK;
}

/* Some of the units, some of them anew, all by another template. */
static void
apply(struct shake *s)
{
	struct device *next;
	struct drv_unit units[UNITS];
	uint32_t changed = random_of(&s->seed, UNITS);
	size_t n = 0;

	if (!drv_bus_applied(s->r.bus))
		return;
	free(s->before);
	s->before = s->now;
	next = device_new();
	for (size_t i = 0; i < UNITS; i++) {
		if (random_of(&s->seed, 4) == 0)
			continue;
		units[n] = s->r.units[i];
		units[n++].tmpl = &next->t;
	}
	assert_int_equal(
	    drv_bus_apply(s->r.bus, units, n, &changed, n > 1), OK);
	s->now = next;
}

static void
start(struct shake *s)
{
	free(s->before);
	free(s->now);
	s->before = NULL;
	s->now = device_new();
	for (size_t i = 0; i < UNITS; i++)
		s->r.units[i].tmpl = &s->now->t;
	s->r.bus = drv_bus_start(
	    &s->r.cfg, s->r.units, UNITS, s->r.box, &clock_system);
}

static void
step(struct shake *s)
{
	unsigned what = random_of(&s->seed, 20);

	if (what < 10)
		ask_something(s);
	else if (what < 14)
		apply(s);
	else if (what < 16)
		drv_bus_trace(s->r.bus, what == 14);
	else if (what < 19)
		drv_bus_read_now(s->r.bus, random_of(&s->seed, UNITS));
	listen_for(&s->r, random_of(&s->seed, STEP_MS));
}

static void
shaken(int type, unsigned seed)
{
	struct shake *s = mem_zalloc(sizeof(*s));
	struct rig *r = &s->r;
	unsigned moods = seed;

	s->seed = seed;
	device_init(&r->dev, 3, 10, 40);
	rig_start(r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(moody, &moods)
				   : slave_pty(moody, &moods),
	    UNITS);
	for (int i = 0; i < ROUNDS; i++) {
		drv_bus_stop(r->bus); /* whatever it is at */
		listen_for(r, 1);
		r->n_answers = 0;
		s->asked = 0;
		start(s);
		for (int k = 0; k < STEPS / ROUNDS; k++)
			step(s);
	}
	listen_until(r, 30000, &r->n_answers, s->asked);
	print_message("  seed %u: %u asks, %u good, %u bad\n", seed, s->asked,
	    r->heard[0].good, r->heard[0].bad);
	assert_int_equal(r->n_answers, s->asked);
	for (size_t i = 0; i < UNITS; i++)
		assert_int_equal(r->heard[i].wrong, 0);
	rig_stop(r);
	free(s->before);
	free(s->now);
	free(s);
}

static void
shaken_tcp(void **state)
{
	(void)state;
	shaken(BUS_MODBUS_TCP, 1);
	shaken(BUS_MODBUS_TCP, 2);
}

static void
shaken_rtu(void **state)
{
	(void)state;
	shaken(BUS_MODBUS_RTU, 3);
	shaken(BUS_MODBUS_RTU, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shaken_tcp),
		cmocka_unit_test(shaken_rtu),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
