#include "gateway/watch.h"

#include "common/mem.h"
#include "common/num.h"
#include "common/utf8.h"
#include "gateway/gateway.h"
#include "gateway/plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct watcher {
	watch_fn fn;
	void *arg;
	bool over; /* ended while it was told something */
	LIST_ENTRY(watcher) link;
};

/* A bus that is watched. */
struct watch {
	char *bus;
	struct frame_seen last[WATCH_LAST];
	size_t n, next;
	LIST_HEAD(, watcher) watchers;
	LIST_ENTRY(watch) link;
};

struct watches {
	struct gateway *gw;
	LIST_HEAD(, watch) list;
	unsigned telling;
};

struct watches *
watches_new(struct gateway *gw)
{
	struct watches *s = mem_zalloc(sizeof(*s));

	s->gw = gw;
	LIST_INIT(&s->list);
	return s;
}

/* hex is trace_text's: pairs of digits.  Returns owned. */
static json_t *
ascii_json(const char *hex)
{
	char text[WATCH_TEXT / 2];
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		int c = num_hex(hex[0]) * 16 + num_hex(hex[1]);

		text[n++] = (char)(c >= ' ' && c <= '~' ? c : '.');
	}
	return json_stringn(text, n);
}

json_t *
watch_frame_json(const struct frame_seen *f, bool text)
{
	bool remark = f->text[0] == '!';
	const char dir[2] = { f->text[0], '\0' };
	char rest[WATCH_TEXT];
	json_t *o;

	utf8_sanitize(f->text + 1, strlen(f->text + 1), rest, sizeof(rest));
	o = json_pack("{s:s, s:s}", "dir", dir, remark ? "text" : "hex", rest);
	if (text && !remark)
		json_object_set_new(o, "ascii", ascii_json(rest));
	return o;
}

static void
drop_watcher(struct watcher *w)
{
	LIST_REMOVE(w, link);
	free(w);
}

static void
drop(struct watch *h)
{
	struct watcher *w, *next;

	for (w = LIST_FIRST(&h->watchers); w; w = next) {
		next = LIST_NEXT(w, link);
		free(w);
	}
	LIST_REMOVE(h, link);
	free(h->bus);
	free(h);
}

void
watches_free(struct watches *s)
{
	struct watch *h, *next;

	if (!s)
		return;
	for (h = LIST_FIRST(&s->list); h; h = next) {
		next = LIST_NEXT(h, link);
		drop(h);
	}
	free(s);
}

static struct watch *
find(struct watches *s, const char *bus)
{
	struct watch *h;

	LIST_FOREACH(h, &s->list, link)
	{
		if (strcmp(h->bus, bus) == 0)
			return h;
	}
	return NULL;
}

/* Frees what ended while it was told something, and stops traces that nobody
 * watches any more. */
static void
tidy(struct watches *s)
{
	struct watch *h, *next;

	if (s->telling)
		return;
	for (h = LIST_FIRST(&s->list); h; h = next) {
		struct watcher *w, *after;
		struct drv_bus *b;

		next = LIST_NEXT(h, link);
		for (w = LIST_FIRST(&h->watchers); w; w = after) {
			after = LIST_NEXT(w, link);
			if (w->over)
				drop_watcher(w);
		}
		if (!LIST_EMPTY(&h->watchers))
			continue;
		b = plant_bus(s->gw->plant, h->bus);
		if (b)
			drv_bus_trace(b, false);
		drop(h);
	}
}

void
watch_begin(
    struct gateway *gw, const char *bus, bool fresh, watch_fn fn, void *arg)
{
	struct watches *s = gw->watches;
	struct watch *h = find(s, bus);
	struct watcher *w = mem_zalloc(sizeof(*w));
	struct drv_bus *b = plant_bus(gw->plant, bus);
	size_t first;

	if (!h) {
		h = mem_zalloc(sizeof(*h));
		h->bus = mem_strdup(bus);
		LIST_INIT(&h->watchers);
		LIST_INSERT_HEAD(&s->list, h, link);
		if (b)
			drv_bus_trace(b, true);
	}
	w->fn = fn;
	w->arg = arg;
	LIST_INSERT_HEAD(&h->watchers, w, link);
	first = h->next + WATCH_LAST - h->n;
	for (size_t i = 0; i < h->n && !fresh; i++)
		fn(arg, &h->last[(first + i) % WATCH_LAST]);
}

void
watch_end(struct gateway *gw, const void *arg)
{
	struct watch *h;

	LIST_FOREACH(h, &gw->watches->list, link)
	{
		struct watcher *w;

		LIST_FOREACH(w, &h->watchers, link)
		w->over |= w->arg == arg;
	}
	tidy(gw->watches);
}

static void
tell(struct watches *s, struct watch *h, const struct frame_seen *f)
{
	struct watcher *w;

	s->telling++;
	LIST_FOREACH(w, &h->watchers, link)
	{
		if (!w->over)
			w->fn(w->arg, f);
	}
	s->telling--;
}

void
watch_frame(struct watches *s, const char *bus, const struct drv_event *ev)
{
	struct watch *h = find(s, bus);
	struct frame_seen *f;

	if (!h)
		return;
	f = &h->last[h->next];
	h->next = (h->next + 1) % WATCH_LAST;
	h->n += h->n < WATCH_LAST;
	f->mono_ms = ev->mono_ms;
	f->utc_ms = ev->utc_ms;
	snprintf(f->text, sizeof(f->text), "%s", ev->text);
	tell(s, h, f);
	tidy(s);
}

void
watch_started(struct watches *s, const char *name, struct drv_bus *b)
{
	if (find(s, name))
		drv_bus_trace(b, true);
}

void
watch_check(struct watches *s)
{
	struct watch *h;

	s->telling++; /* nothing is freed */
	LIST_FOREACH(h, &s->list, link)
	{
		if (!plant_line(s->gw->plant, h->bus))
			tell(s, h, NULL);
	}
	s->telling--;
	tidy(s);
}
