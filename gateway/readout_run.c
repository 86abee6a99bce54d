#include "gateway/readout_impl.h"

#include "common/mem.h"
#include "drivers/bus.h"
#include "gateway/plant.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

enum {
	QUEUE_FULL = 64, /* stanzas that the server has not taken yet */
	QUEUE_PAUSE_MS = 10,
	QUEUED_LOOK_MS = 1000, /* the wall clock may be set */
};

/* How a visit goes on. */
enum going { GO_ENDED, GO_ON, GO_PAUSED, GO_WAITS };

/* Out. */

/* Values are for who asked now, not for who logs in later (XEP-0334). */
static void
send_message(struct visit *v, xmpp_stanza_t *payload)
{
	xmpp_stanza_t *m = xmpp_message_new(v->out.ctx, NULL, v->from, NULL);

	stanza_add(m, payload);
	stanza_add(m, stanza_el(v->out.ctx, "no-store", "urn:xmpp:hints"));
	(void)!session_send(v->of->gw->session, m);
	if (session_queued(v->of->gw->session) >= QUEUE_FULL)
		v->work = 0;
}

bool
visit_full(const struct visit *v)
{
	return v->work <= 0;
}

void
visit_value(struct visit *v, const struct item *it, int64_t utc_ms,
    struct sd_value *value)
{
	if (!clock_is_set(utc_ms))
		value->qualities |= SD_TIME_OFFSET;
	v->left--;
	v->work -= WORK_VALUE;
	if (sd_put(&v->out, &it->ref, utc_ms, value))
		send_message(v, sd_take(&v->out, false));
}

void
visit_number(struct visit *v, const struct item *it, const struct derived *d)
{
	const struct value value = { .type = VALUE_NUM, .num = d->num };
	char text[VISIT_TEXT];
	char *name = mem_printf("%s, %s", d->f->name, d->of);
	struct sd_value out;

	sd_of(d->f, &value, text, &out);
	out.name = name;
	out.types = d->types;
	visit_value(v, it, d->at, &out);
	free(name);
}

/* names are sorted, as a peer may send a thousand. */
static int
by_name(const void *name, const void *of)
{
	return strcmp(name, *(const char *const *)of);
}

static bool
is_asked(const struct visit *v, const char *field)
{
	return v->fields.n == 0 ||
	    bsearch(
		field, v->fields.v, v->fields.n, sizeof(*v->fields.v), by_name);
}

bool
visit_wants(const struct visit *v, const struct item *it, const char *field,
    unsigned type)
{
	return v->types & type && is_asked(v, field) &&
	    access_allows(&it->grant, field, type);
}

/* A node. */

static void
fail(struct item *it, const char *text)
{
	if (!it->failure)
		it->failure = mem_strdup(text);
	it->part = PART_DONE;
}

static const char left_out[] =
    "the rest is left out, for there are more values than one request may "
    "have; ask for fewer fields or a shorter time";

/* The node of an item that may still be told; NULL: it failed. */
static struct node *
node_of(const struct visit *v, struct item *it)
{
	struct node *n = nodes_by_handle(&v->of->gw->nodes, it->grant.handle);

	if (!n || !n->cfg)
		fail(it, "the node is no longer there");
	else if (strcmp(n->thing.owner, it->owner) != 0)
		fail(it, "the node has another owner now");
	else if (v->left == 0)
		fail(it, left_out);
	else if (it->part == PART_PAST && v->past.unit != n->unit)
		fail(it, "the node was configured anew meanwhile");
	else
		return n;
	return NULL;
}

/* Reads the device anew, once. */
static void
ask_device(struct visit *v, struct item *it, const struct node *n)
{
	struct gateway *gw = v->of->gw;
	struct drv_bus *bus = plant_bus(gw->plant, n->cfg->bus);

	if (it->until)
		return;
	it->until = clock_mono(gw->clock) + VISIT_WAIT_MS;
	if (bus)
		drv_bus_read_now(bus, n->unit);
}

/* Goes on with an item; false: it is waited for. */
static bool
go_item(struct visit *v, struct item *it)
{
	struct node *n = node_of(v, it);

	v->work -= WORK_VALUE;
	if (n && it->part == PART_NOW) {
		if (!now_known(v, it, n)) {
			ask_device(v, it, n);
			return false;
		}
		now_tell(v, it, n);
		it->part = PART_PAST;
		v->past = (struct past){ .unit = n->unit };
	}
	if (n && it->part == PART_PAST && !visit_full(v) && past_tell(v, it, n))
		it->part = PART_DONE;
	if (v->left == 0)
		fail(it, left_out);
	return true;
}

static void
wait_for(struct visit *v, const struct item *it)
{
	if (!v->waits || it->until < v->wait_mono)
		v->wait_mono = it->until;
	v->waits = true;
}

/* Items that wait are passed over until the others are done. */
static bool
go_items(struct visit *v)
{
	if (v->at == 0)
		v->waits = false;
	for (; v->at < v->n; v->at++) {
		struct item *it = &v->items[v->at];

		if (it->part == PART_DONE)
			continue;
		if (visit_full(v))
			return false;
		if (!go_item(v, it))
			wait_for(v, it);
		else if (it->part != PART_DONE)
			return false;
	}
	v->at = 0;
	return !v->waits;
}

/* The end: what failed. */

static size_t
next_failure(const struct visit *v, size_t from)
{
	while (from < v->n && !v->items[from].failure)
		from++;
	return from;
}

static enum going
go_failures(struct visit *v)
{
	int64_t now = clock_utc(v->of->gw->clock);

	while (v->at < v->n) {
		struct item *it = &v->items[v->at];
		size_t next = next_failure(v, v->at + 1);

		if (visit_full(v))
			return GO_ON;
		v->work -= WORK_VALUE;
		send_message(v,
		    sd_failure(v->out.ctx, v->seqnr, &it->ref, now, it->failure,
			next == v->n));
		v->at = next;
	}
	visit_end(v);
	return GO_ENDED;
}

static enum going
go_end(struct visit *v)
{
	xmpp_stanza_t *rest;

	v->ending = true;
	v->at = next_failure(v, 0);
	rest = sd_take(&v->out, v->at == v->n);
	if (rest)
		send_message(v, rest);
	return go_failures(v);
}

/* A visit. */

/* Asks for access to what is left. */
static void
ask_again(struct visit *v)
{
	struct nodes *t = &v->of->gw->nodes;
	struct node **nodes = mem_array(v->n, sizeof(*nodes));
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->items[i].part == PART_DONE)
			continue;
		nodes[n] = nodes_by_handle(t, v->items[i].grant.handle);
		n += nodes[n] && nodes[n]->cfg;
	}
	if (n)
		visit_ask(v, nodes, n);
	free(nodes);
}

static void
start(struct visit *v)
{
	v->queued = false;
	send_message(v, sd_simple(v->out.ctx, "started", v->seqnr));
	ask_again(v);
}

static enum going
go(struct visit *v)
{
	struct gateway *gw = v->of->gw;

	v->work = WORK_VISIT;
	if (v->queued && v->when <= clock_utc(gw->clock))
		start(v);
	else if (!v->asking && !v->queued && !v->ending &&
	    v->taken != access_taken(gw->access))
		ask_again(v);
	if (v->asking || v->queued)
		return GO_WAITS;
	if (session_queued(gw->session) >= QUEUE_FULL)
		return GO_PAUSED;
	if (v->ending)
		return go_failures(v);
	if (go_items(v))
		return go_end(v);
	return v->at || visit_full(v) ? GO_ON : GO_WAITS;
}

/* What it may tell now is told now: it may be taken away before the rest. */
static void
flush(struct visit *v)
{
	xmpp_stanza_t *part = sd_take(&v->out, false);

	if (part)
		send_message(v, part);
}

/* When a visit that waits is looked at again. */
static int64_t
wake_of(const struct visit *v)
{
	int64_t mono = clock_mono(v->of->gw->clock), left;

	if (v->asking)
		return INT64_MAX;
	if (!v->queued)
		return v->wait_mono;
	left = v->when - clock_utc(v->of->gw->clock);
	return mono + (left < QUEUED_LOOK_MS ? left : QUEUED_LOOK_MS);
}

static void
run(uv_timer_t *h)
{
	struct readout *r = h->data;
	int64_t now = clock_mono(r->gw->clock), wake = INT64_MAX;
	size_t n = r->n;
	int work = WORK_TURN;

	/* Each has its turn; who had it goes behind the others. */
	for (; n && work > 0; n--) {
		struct visit *v = TAILQ_FIRST(&r->visits);
		int64_t at = now;
		enum going g;

		TAILQ_REMOVE(&r->visits, v, next);
		TAILQ_INSERT_TAIL(&r->visits, v, next);
		g = go(v);
		if (g == GO_ENDED) {
			work -= WORK_ENDED;
			continue;
		}
		flush(v);
		work -= WORK_VISIT - v->work;
		if (g == GO_PAUSED)
			at = now + QUEUE_PAUSE_MS;
		else if (g == GO_WAITS)
			at = wake_of(v);
		if (at < wake)
			wake = at;
	}
	if (n)
		wake = now;
	if (wake == INT64_MAX)
		return;
	uv_update_time(&r->gw->loop);
	uv_timer_start(h, run, wake > now ? (uint64_t)(wake - now) : 0, 0);
}

void
readout_wake(struct readout *r)
{
	uv_update_time(&r->gw->loop);
	uv_timer_start(&r->runner, run, 0, 0);
}

void
readout_news(struct readout *r)
{
	const struct visit *v;

	TAILQ_FOREACH(v, &r->visits, next)
	{
		if (!v->waits)
			continue;
		readout_wake(r);
		return;
	}
}
