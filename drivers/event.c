/* What a bus tells the loop.  The events of a box that is full give way to
 * newer ones, but never what is said once. */
#include "common/mem.h"
#include "drivers/bus_impl.h"

#include <stdlib.h>
#include <string.h>

struct drv_event *
event_new(
    struct drv_bus *b, enum drv_event_kind kind, size_t max, const char *text)
{
	size_t readings = max * sizeof(struct drv_reading),
	       len = strlen(text) + 1;
	struct drv_event *ev = mem_zalloc(sizeof(*ev) + readings + len);
	char *behind = (char *)ev->r + readings;

	memcpy(behind, text, len);
	ev->kind = kind;
	ev->bus = b;
	ev->text = behind;
	ev->mono_ms = clock_mono(b->clock);
	ev->utc_ms = clock_utc(b->clock);
	return ev;
}

static bool
is_of_line(const struct drv_event *ev)
{
	return ev->kind == DRV_LINE_UP || ev->kind == DRV_LINE_DOWN;
}

/* Whether ev says all that old said. */
static bool
replaces(const struct drv_event *ev, const struct drv_event *old)
{
	if (ev->bus != old->bus || ev->kind == DRV_ANSWER)
		return false;
	if (is_of_line(ev))
		return is_of_line(old);
	if (ev->kind != old->kind || ev->unit != old->unit)
		return false;
	return ev->kind != DRV_READINGS ||
	    (ev->keep && ev->n == old->n && ev->r[0].field == old->r[0].field);
}

/* When the loop does not keep up: a field that is polled will be read again,
 * but a state is said once, and a lost one would stand wrong for ever. */
static bool
gives_way(const void *old, const void *msg)
{
	const struct drv_event *was = old;

	if (was->kind == DRV_TRACE)
		return true;
	return (was->kind == DRV_READINGS && !was->keep) || replaces(msg, was);
}

void
event_post(struct drv_bus *b, struct drv_event *ev)
{
	drv_event_free(mailbox_push_newest(b->box, ev, gives_way));
}

void
event_unit(struct drv_bus *b, const struct unit *u, enum drv_event_kind kind,
    const char *text)
{
	struct drv_event *ev = event_new(b, kind, 0, text);

	ev->unit = u->handle;
	ev->state = u->health.state;
	ev->counters = u->tally.c;
	event_post(b, ev);
}

struct drv_event *
bus_batch(struct drv_bus *b, struct unit *u, size_t max)
{
	struct drv_event *ev = event_new(b, DRV_READINGS, max, "");

	ev->unit = u->handle;
	return ev;
}

void
bus_add(struct drv_event *ev, const struct reading *r)
{
	struct drv_reading *to = &ev->r[ev->n++];

	to->field = r->field;
	to->quality = (uint8_t)r->quality;
	to->why = r->why;
	to->impossible = r->impossible;
	if (r->quality == QUALITY_OK)
		kept_set(&to->value, &r->value);
}

void
bus_add_bad(struct drv_event *ev, size_t field, enum quality q, const char *why)
{
	ev->r[ev->n++] = (struct drv_reading){
		.why = why, .field = (uint16_t)field, .quality = (uint8_t)q
	};
}

void
bus_check_once(struct drv_bus *b, struct unit *u)
{
	if (u->once_done || u->n_once > 0 || u->health.state != UNIT_ONLINE)
		return;
	u->once_done = true;
	event_unit(b, u, DRV_ONCE_DONE, "");
}

void
bus_send(struct drv_bus *b, struct unit *u, struct drv_event *ev, bool answered)
{
	for (size_t i = 0; answered && i < ev->n; i++) {
		bool *once = &u->once[ev->r[i].field];

		if (ev->r[i].field == u->proof && !u->proven)
			continue; /* asked for again */
		ev->keep = ev->keep || *once;
		u->n_once -= *once;
		*once = false;
	}
	if (ev->n == 0) {
		drv_event_free(ev);
		return;
	}
	ev->state = u->health.state;
	ev->counters = u->tally.c;
	event_post(b, ev);
	bus_check_once(b, u);
}

/* --- frames --- */

static void
post_frame(struct drv_bus *b, const struct trace_frame *f, const uint8_t *bytes)
{
	char text[TRACE_TEXT];
	struct drv_event *ev =
	    event_new(b, DRV_TRACE, 0, trace_text(f, bytes, text));

	ev->mono_ms = f->mono_ms;
	ev->utc_ms = f->utc_ms;
	event_post(b, ev);
}

void
event_frame(void *bus, char dir, const void *data, size_t len)
{
	struct drv_bus *b = bus;
	struct trace_frame f = { clock_mono(b->clock), clock_utc(b->clock),
		(uint16_t)(len < TRACE_FRAME_MAX ? len : TRACE_FRAME_MAX),
		dir };

	trace_add(&b->trace, &f, data);
	if (b->tracing)
		post_frame(b, &f, data);
}

void
event_frames(struct drv_bus *b)
{
	struct trace_frame f;
	const uint8_t *bytes;
	size_t pos = 0;

	while ((bytes = trace_next(&b->trace, &pos, &f)))
		post_frame(b, &f, bytes);
}
