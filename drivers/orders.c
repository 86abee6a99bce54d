/* What the loop wants of a bus, on its way to the thread. */
#include "common/log.h"
#include "common/mem.h"
#include "drivers/bus_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct order {
	enum order_kind kind;
	uint32_t handle;     /* ORDER_READ_NOW */
	bool on;             /* ORDER_TRACE */
	struct drv_ask *ask; /* ORDER_ASK */
	/* ORDER_APPLY; what units points to is in names and learned */
	struct drv_unit *units;
	char **names;
	uint16_t **learned;
	uint32_t *changed;
	size_t n, n_changed;
};

static void
order_free(void *order)
{
	struct order *o = order;

	for (size_t i = 0; i < o->n; i++) {
		free(o->names[i]);
		free(o->learned[i]);
	}
	free(o->ask);
	free(o->units);
	free(o->names);
	free(o->learned);
	free(o->changed);
	free(o);
}

static struct order *
order_new(enum order_kind kind)
{
	struct order *o = mem_zalloc(sizeof(*o));

	o->kind = kind;
	return o;
}

/* Who wants the same twice wants it once. */
static bool
gives_way(const void *old, const void *msg)
{
	const struct order *a = old, *b = msg;

	return a->kind == ORDER_READ_NOW && b->kind == ORDER_READ_NOW &&
	    a->handle == b->handle;
}

static void
give(struct drv_bus *b, struct order *o)
{
	struct order *old = o;

	if (b->started)
		old = mailbox_push_newest(b->inbox, o, gives_way);
	if (old)
		order_free(old);
}

/* --- loop --- */

enum err
drv_bus_ask(struct drv_bus *b, const struct drv_ask *ask)
{
	struct order *o;

	if (atomic_fetch_add(&b->n_asks, 1) >= DRV_ASKS_MAX) {
		atomic_fetch_sub(&b->n_asks, 1);
		return ERR_BUSY;
	}
	if (!b->started) {
		asks_answer(b, &(struct job){ .ask = *ask },
		    &(struct outcome){
			.result = ERR_IO, .why = "the bus was not started" });
		return OK;
	}
	o = order_new(ORDER_ASK);
	o->ask = mem_zalloc(sizeof(*ask));
	*o->ask = *ask;
	give(b, o);
	return OK;
}

static void
add_unit(struct order *o, const struct drv_unit *u)
{
	struct drv_unit *out = &o->units[o->n];

	*out = *u;
	out->name = o->names[o->n] = mem_strdup(u->name);
	if (u->n_learned) {
		o->learned[o->n] = mem_array(u->n_learned, sizeof(*u->learned));
		memcpy(o->learned[o->n], u->learned,
		    u->n_learned * sizeof(*u->learned));
	}
	out->learned = o->learned[o->n++];
}

enum err
drv_bus_apply(struct drv_bus *b, const struct drv_unit *units, size_t n,
    const uint32_t *changed, size_t n_changed)
{
	struct order *o;

	if (!b->started) {
		roll_apply(
		    b, &(struct roll_change){ units, n, changed, n_changed });
		return OK;
	}
	if (atomic_exchange(&b->applying, true))
		return ERR_BUSY;
	o = order_new(ORDER_APPLY);
	o->units = mem_array(n, sizeof(*o->units));
	o->names = mem_array(n, sizeof(*o->names));
	o->learned = mem_array(n, sizeof(*o->learned));
	o->changed = mem_array(n_changed, sizeof(*changed));
	while (o->n < n)
		add_unit(o, &units[o->n]);
	if (n_changed)
		memcpy(o->changed, changed, n_changed * sizeof(*changed));
	o->n_changed = n_changed;
	give(b, o);
	return OK;
}

bool
drv_bus_applied(const struct drv_bus *b)
{
	return !atomic_load(&b->applying);
}

void
drv_bus_trace(struct drv_bus *b, bool on)
{
	struct order *o = order_new(ORDER_TRACE);

	o->on = on;
	give(b, o);
}

void
drv_bus_read_now(struct drv_bus *b, uint32_t handle)
{
	struct order *o = order_new(ORDER_READ_NOW);

	o->handle = handle;
	give(b, o);
}

void
orders_wake(void *bus)
{
	struct drv_bus *b = bus;
	const uint64_t one = 1;

	if (b->wake_fd >= 0 && write(b->wake_fd, &one, sizeof(one)) < 0 &&
	    errno != EAGAIN)
		log_err("bus", "%s: eventfd: errno=%d", b->cfg.name, errno);
}

void
orders_free(struct drv_bus *b)
{
	mailbox_free(b->inbox, order_free);
}

/* --- bus --- */

static void
read_now(struct drv_bus *b, uint32_t handle)
{
	struct unit *u = roll_find(b, handle);
	int64_t now = bus_now(b);

	if (!u)
		return;
	u->health.probe_at = now;
	b->sched.probe_after = now;
	unit_due(u, now, true);
}

static void
apply(struct drv_bus *b, const struct order *o)
{
	struct roll_change c = { o->units, o->n, o->changed, o->n_changed };

	roll_apply(b, &c);
	atomic_store(&b->applying, false);
}

static void
trace(struct drv_bus *b, bool on)
{
	if (on && !b->tracing)
		event_frames(b);
	b->tracing = on;
}

static void
obey(struct drv_bus *b, const struct order *o)
{
	switch (o->kind) {
	case ORDER_ASK:
		asks_add(b, o->ask);
		break;
	case ORDER_READ_NOW:
		read_now(b, o->handle);
		break;
	case ORDER_APPLY:
		apply(b, o);
		break;
	case ORDER_TRACE:
		trace(b, o->on);
		break;
	}
}

void
orders_take(struct drv_bus *b)
{
	struct order *o;

	while ((o = mailbox_pop(b->inbox))) {
		obey(b, o);
		order_free(o);
	}
}
