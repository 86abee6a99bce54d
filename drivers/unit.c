#include "drivers/unit.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 500, TIMEOUT_TEXT_MS = 1000 };

bool
unit_is_stream(const struct unit *u)
{
	return u->t->kind == TMPL_TEXT && u->t->frame.mode != FRAME_POLL;
}

static int64_t
interval(const struct unit *u, size_t field)
{
	return tmpl_poll_ms(u->t, &u->t->fields[field], u->poll_ms);
}

/* Adds a task for each interval that the fields have. */
static void
plan_modbus(struct unit *u)
{
	u->tasks = mem_array(u->t->n_fields, sizeof(*u->tasks));
	for (size_t i = 0; i < u->t->n_fields; i++) {
		int64_t ms = interval(u, i);
		struct task *k;
		size_t at = 0;

		while (at < u->n_tasks && u->tasks[at].interval_ms != ms)
			at++;
		if (at < u->n_tasks)
			continue;
		k = &u->tasks[u->n_tasks++];
		k->unit = u;
		k->interval_ms = ms;
		plan_build(u->t, ms, u->poll_ms, &k->plan);
	}
}

/* One message brings all fields: it is asked for as often as the fastest needs
 * it. */
static void
plan_text(struct unit *u)
{
	u->tasks = mem_array(1, sizeof(*u->tasks));
	u->n_tasks = 1;
	u->tasks[0].unit = u;
	for (size_t i = 0; i < u->t->n_fields; i++) {
		int64_t ms = interval(u, i), *min = &u->tasks[0].interval_ms;

		if (ms > 0 && (*min == 0 || ms < *min))
			*min = ms;
	}
}

static int64_t
first_timeout(const struct tmpl *t, const struct cfg_bus *line)
{
	if (line->timeout_ms > 0)
		return line->timeout_ms;
	if (t->kind == TMPL_TEXT)
		return t->frame.timeout_ms > 0 ? t->frame.timeout_ms
					       : TIMEOUT_TEXT_MS;
	return t->timeout_ms > 0 ? t->timeout_ms : TIMEOUT_MS;
}

void
unit_init(
    struct unit *out, const struct drv_unit *u, const struct cfg_bus *line)
{
	bool text = u->tmpl->kind == TMPL_TEXT;

	memset(out, 0, sizeof(*out));
	out->handle = u->handle;
	out->name = mem_strdup(u->name);
	out->address = u->address;
	out->t = u->tmpl;
	out->poll_ms = u->poll_ms;
	out->base_timeout_ms = first_timeout(u->tmpl, line);
	out->timeout_ms = out->base_timeout_ms;
	out->counters = mem_array(u->tmpl->n_fields, sizeof(*out->counters));
	out->once = mem_array(u->tmpl->n_fields, sizeof(*out->once));
	atomic_init(&out->read_now, false);
	if (text != (line->type == BUS_SERIAL)) {
		out->why = "its template does not speak this bus's protocol";
		return;
	}
	if (text) {
		struct errbuf why;

		out->talk = talker_new(out, &why);
		if (!out->talk)
			out->why = "its template's regex is wrong";
		else if (!unit_is_stream(out))
			plan_text(out);
		return;
	}
	plan_modbus(out);
}

void
unit_fini(struct unit *u)
{
	for (size_t i = 0; i < u->n_tasks; i++)
		plan_fini(&u->tasks[i].plan);
	talker_free(u->talk);
	free(u->tasks);
	free(u->counters);
	free(u->once);
	free(u->name);
	memset(u, 0, sizeof(*u));
}

void
unit_rearm(struct unit *u, int64_t now)
{
	u->n_once = 0;
	for (size_t i = 0; i < u->t->n_fields; i++) {
		u->once[i] = interval(u, i) == 0;
		u->n_once += u->once[i];
	}
	u->once_done = false;
	for (size_t i = 0; i < u->n_tasks; i++) {
		u->tasks[i].due = now;
		u->tasks[i].cursor = 0;
		u->tasks[i].answers = 0;
		u->tasks[i].failures = 0;
	}
}
