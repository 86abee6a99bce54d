/* Poll classes: how often the fields of a template are read. */
#include "common/mem.h"
#include "config/tmpl_draft.h"
#include "config/value.h"

#include <string.h>

static void
add_poll(struct tmpl *t, const char *name, int64_t ms)
{
	t->polls = mem_resize(t->polls, t->n_polls + 1, sizeof(*t->polls));
	t->polls[t->n_polls++] = (struct poll_class){ mem_strdup(name), ms };
}

static void
take_poll(struct draft *d, struct ini_item *i, struct place at)
{
	int64_t ms = 0;

	if (strcmp(i->value, "connect") != 0 &&
	    (value_duration(i->value, &ms) != OK || ms < POLL_MIN_MS ||
		ms > POLL_MAX_MS))
		note_error(d->notes, at,
		    "%s must be connect, or a time from 50ms to 1d with its "
		    "unit, not \"%s\"",
		    i->key, i->value);
	/* Known in any case, or its fields would be blamed too. */
	if (strcmp(i->value, "connect") != 0 && ms < POLL_MIN_MS)
		ms = POLL_DEFAULT_MS;
	add_poll(&d->t, i->key, ms);
}

void
tmpl_take_polls(struct draft *d)
{
	draft_each(d, "poll", take_poll);
	if (d->t.n_polls == 0)
		add_poll(&d->t, "normal", POLL_DEFAULT_MS);
}

static const struct poll_class *
class_of(const struct tmpl *t, const char *name)
{
	for (size_t i = 0; i < t->n_polls; i++)
		if (strcmp(t->polls[i].name, name) == 0)
			return &t->polls[i];
	return NULL;
}

bool
tmpl_poll_add(struct tmpl *t, const char *text)
{
	int64_t ms = 0;

	if (class_of(t, text))
		return true;
	if (strcmp(text, "connect") != 0 &&
	    (value_duration(text, &ms) != OK || ms < POLL_MIN_MS ||
		ms > POLL_MAX_MS))
		return false;
	add_poll(t, text, ms);
	return true;
}

const struct poll_class *
tmpl_poll_default(const struct tmpl *t)
{
	const struct poll_class *p = class_of(t, "normal");

	for (size_t i = 0; i < t->n_polls && !p; i++)
		if (t->polls[i].ms > 0)
			p = &t->polls[i];
	return p;
}

int64_t
tmpl_poll_ms(const struct tmpl *t, const struct field *f, int64_t override_ms)
{
	const struct poll_class *def = tmpl_poll_default(t);
	const struct poll_class *p = f->poll ? class_of(t, f->poll) : def;

	if (p && p == def && p->ms > 0 && override_ms)
		return override_ms;
	return p ? p->ms : 0;
}
