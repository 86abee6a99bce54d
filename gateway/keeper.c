#include "gateway/keeper.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/gateway.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN_AGAIN_MS = 60000, MEGABYTE = 1000000 };

struct keeper {
	struct gateway *gw;
	char *path;
	struct history *history; /* NULL: it cannot be opened */
	struct errbuf why;       /* and why not */
	int64_t open_mono;       /* when it is tried again */
	bool look;               /* at the next turn, whether owners changed */
	bool sweep;              /* something is to be deleted */
	/* Of the table when it was last looked at. */
	size_t nodes;
	uint32_t last_handle;
};

static void
open_history(struct keeper *k)
{
	const struct cfg_history *c = &k->gw->cfg->history;
	const struct history_config hc = { k->path, c->flush_ms,
		c->max_mb * MEGABYTE };
	bool said = k->why.text[0] != '\0';

	k->open_mono = clock_mono(k->gw->clock) + OPEN_AGAIN_MS;
	if (history_open(&hc, k->gw->clock, &k->history, &k->why) == OK) {
		k->why.text[0] = '\0';
		k->sweep = true;
	} else if (!said) {
		log_warn("history",
		    "%s: no readings are kept until it can be opened, which is "
		    "tried once a minute",
		    k->why.text);
	}
}

struct keeper *
keeper_new(struct gateway *gw)
{
	struct keeper *k = mem_zalloc(sizeof(*k));
	const char *state = gw->cfg->gateway.state;
	const char *slash = strrchr(state, '/');

	k->gw = gw;
	k->path = mem_printf(
	    "%.*shistory.db", slash ? (int)(slash + 1 - state) : 0, state);
	open_history(k);
	return k;
}

void
keeper_free(struct keeper *k)
{
	if (!k)
		return;
	history_close(k->history);
	free(k->path);
	free(k);
}

/* Where the readings of each field go. */

void
keeper_unbind(struct node *n)
{
	free(n->series);
	free(n->series_of);
	n->series = NULL;
	n->series_of = NULL;
}

static bool
is_bound(const struct node *n)
{
	return n->series_of && strcmp(n->series_of, n->thing.owner) == 0;
}

static void
bind_node(struct keeper *k, struct node *n)
{
	const struct history_of of = { node_ref_of(n), n->thing.owner };
	const struct tmpl *t = n->cfg->tmpl;

	keeper_unbind(n);
	n->series_of = mem_strdup(n->thing.owner);
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (!f->keep_ms)
			continue;
		if (!n->series)
			n->series = mem_array(t->n_fields, sizeof(*n->series));
		n->series[i] = history_series(k->history, &of,
		    &(struct history_field){
			f->name, f->unit, f->keep_ms, f->keep_every_ms });
	}
}

struct series *
keeper_series(struct keeper *k, struct node *n, size_t field)
{
	if (!k->history || !n->cfg)
		return NULL;
	if (!is_bound(n))
		bind_node(k, n);
	return n->series ? n->series[field] : NULL;
}

struct history *
keeper_history(const struct keeper *k)
{
	return k->history;
}

void
keeper_readings(struct keeper *k, struct node *n, const struct drv_event *ev)
{
	for (size_t i = 0; i < ev->n; i++) {
		struct series *s;
		struct reading r;

		if (ev->r[i].quality != QUALITY_OK ||
		    ev->r[i].field >= n->n_points)
			continue;
		s = keeper_series(k, n, ev->r[i].field);
		if (!s)
			continue;
		drv_event_reading(ev, i, &r);
		history_note(k->history, s, ev->utc_ms, &r.value);
	}
}

/* Other owners. */

static bool
is_wanted(void *arg, const struct history_of *of)
{
	const struct keeper *k = arg;
	const struct node *n = nodes_by_ref(&k->gw->nodes, &of->node);

	return n && strcmp(n->thing.owner, of->owner) == 0;
}

void
keeper_turn(struct keeper *k)
{
	const struct nodes *t = &k->gw->nodes;

	if (!k->look || !k->history)
		return;
	k->look = false;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->v[i]->series_of || is_bound(t->v[i]))
			continue;
		keeper_unbind(t->v[i]);
		k->sweep = true;
	}
	if (t->n != k->nodes || t->next_handle != k->last_handle)
		k->sweep = true;
	k->nodes = t->n;
	k->last_handle = t->next_handle;
	if (k->sweep)
		k->sweep = !history_sweep(k->history, is_wanted, k);
}

void
keeper_tick(struct keeper *k)
{
	k->look = true;
	if (k->history)
		history_tick(k->history);
	else if (clock_mono(k->gw->clock) >= k->open_mono)
		open_history(k);
}

void
keeper_state(const struct keeper *k, struct history_state *out)
{
	*out = (struct history_state){ .trouble = k->why.text };
	if (k->history)
		history_state(k->history, out);
}
