#include "tests/thingsim/action.h"

#include "tests/thingsim/chan.h"
#include "tests/thingsim/port.h"
#include "tests/thingsim/unit.h"

#include <stdio.h>

enum { STRAY_MAX = 3 };

static void
on_noise(void *arg)
{
	struct unit *u = arg;
	struct plant *p = u->bus->plant;
	uint64_t x = plant_random(p, u->name, ++u->noises);
	int64_t ms = u->noise_ms;
	char stray[STRAY_MAX];

	for (size_t i = 0; i < STRAY_MAX; i++)
		stray[i] = (char)(x >> 8 * i);
	for (struct chan *c = u->bus->chans; c; c = c->next)
		chan_disturb(c, stray, 1 + (size_t)(x >> 32) % STRAY_MAX);
	/* after half of it to one and a half */
	timer_at(p->loop, &u->noise,
	    loop_ns() + ms * 500000 + (int64_t)((x >> 40) % 1000) * ms * 1000);
}

static void
reboot(struct unit *u, int64_t ms)
{
	unit_restart(u);
	u->dead_until_ns = loop_ns() + ms * 1000000;
	u->busy_until_ns = 0;
}

static void
begin_unit(struct unit *u, const struct fault *f)
{
	struct loop *l = u->bus->plant->loop;

	switch ((int)f->kind) {
	case FAULT_NOISE:
		u->noise.fn = on_noise;
		u->noise.arg = u;
		u->noise_ms = f->arg;
		timer_at(l, &u->noise, loop_ns() + f->arg * 1000000);
		break;
	case FAULT_REBOOT:
		reboot(u, f->arg);
		break;
	case FAULT_COUNTER_RESET:
		unit_reset_counters(u);
		break;
	default:
		break;
	}
}

enum err
action_back(struct bus *b, struct errbuf *eb)
{
	return port_is_open(b) ? OK : port_open(b, eb);
}

static void
come_back(struct bus *b)
{
	struct errbuf eb = { "" };

	if (action_back(b, &eb) != OK)
		fprintf(stderr, "thingsim: %s\n", eb.text);
}

void
action_begin(struct bus *b, struct unit *u, const struct fault *f)
{
	if (f->kind == FAULT_VANISH)
		port_close(b);
	if (f->kind == FAULT_BACK)
		come_back(b);
	/* What was connected to a device that starts again hears no more of
	 * it, not even an end. */
	if (f->kind == FAULT_HALF_OPEN || (f->kind == FAULT_REBOOT && !u))
		chan_deafen_all(b);
	for (size_t i = 0; i < b->n_units; i++)
		if (!u || u == b->units[i])
			begin_unit(b->units[i], f);
}

void
action_quiet(struct unit *u)
{
	timer_stop(u->bus->plant->loop, &u->noise);
}

void
action_end(struct bus *b, struct unit *u, const struct fault *f)
{
	if (f->kind == FAULT_VANISH)
		come_back(b);
	if (f->kind != FAULT_NOISE)
		return;
	for (size_t i = 0; i < b->n_units; i++)
		if (!u || u == b->units[i])
			action_quiet(b->units[i]);
}
