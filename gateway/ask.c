#include "gateway/ask.h"

#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/plant.h"

#include <stdlib.h>
#include <string.h>

struct waiting {
	uint64_t token;
	const struct drv_bus *bus;
	ask_done done;
	void *arg;
	struct waiting *next;
};

struct ask_table {
	uint64_t last;
	struct waiting *first;
};

struct ask_table *
ask_new(void)
{
	return mem_zalloc(sizeof(struct ask_table));
}

void
ask_free(struct ask_table *s)
{
	if (!s)
		return;
	while (s->first) {
		struct waiting *w = s->first;

		s->first = w->next;
		free(w);
	}
	free(s);
}

enum err
ask_bus(struct gateway *gw, const char *bus, struct drv_ask *q, ask_done done,
    void *arg)
{
	struct ask_table *s = gw->asks;
	struct drv_bus *b = plant_bus(gw->plant, bus);
	struct waiting *w;
	enum err e;

	if (!b)
		return ERR_NOTFOUND;
	q->token = s->last + 1;
	e = drv_bus_ask(b, q);
	if (e != OK)
		return e;
	w = mem_zalloc(sizeof(*w));
	w->token = ++s->last;
	w->bus = b;
	w->done = done;
	w->arg = arg;
	w->next = s->first;
	s->first = w;
	return OK;
}

/* What a line says of itself begins with its name. */
static const char *
without_name(const char *trouble, const char *bus)
{
	size_t n = strlen(bus);

	if (strncmp(trouble, "bus ", 4) == 0 &&
	    strncmp(trouble + 4, bus, n) == 0 &&
	    strncmp(trouble + 4 + n, ": ", 2) == 0)
		return trouble + 4 + n + 2;
	return trouble;
}

enum err
ask_line_down(
    struct gateway *gw, const char *bus, const char *why, struct errbuf *eb)
{
	const struct cfg_bus *line = plant_line(gw->plant, bus);
	const char *trouble = line ? plant_down(gw->plant, line) : "";

	if (*trouble)
		why = without_name(trouble, bus);
	return errbuf_set(eb, ERR_IO, "bus %s: its line is not up%s%s", bus,
	    why ? ": " : "", why ? why : "");
}

void
ask_forget(struct ask_table *s, const void *arg)
{
	struct waiting **at = &s->first;

	while (*at) {
		struct waiting *w = *at;

		if (w->arg != arg) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w);
	}
}

void
ask_answer(struct ask_table *s, const struct drv_event *ev)
{
	struct waiting **at = &s->first, it;
	struct reading back;

	while (*at && (*at)->token != ev->answer->token)
		at = &(*at)->next;
	if (!*at)
		return;
	it = **at;
	free(*at);
	*at = it.next;
	if (ev->n)
		drv_event_reading(ev, 0, &back);
	/* It may ask again, and forget others. */
	it.done(it.arg, ev->answer, ev->n ? &back : NULL);
}

/* The first that waits for this bus; 0: none. */
static uint64_t
first_of(const struct ask_table *s, const struct drv_bus *bus)
{
	for (const struct waiting *w = s->first; w; w = w->next) {
		if (w->bus == bus)
			return w->token;
	}
	return 0;
}

void
ask_stopped(struct ask_table *s, const struct drv_bus *bus)
{
	struct drv_answer gone = { .result = ERR_IO,
		.why = "the bus was stopped" };
	const struct drv_event ev = { .kind = DRV_ANSWER, .answer = &gone };

	while ((gone.token = first_of(s, bus)))
		ask_answer(s, &ev);
}
