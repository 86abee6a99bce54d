/* Text devices: asked and answering, or speaking by themselves. */
#include "common/mem.h"
#include "drivers/frame.h"
#include "drivers/parse_text.h"
#include "drivers/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_TIMEOUT_MS = 60000 };

struct talker {
	struct text_parser *parser;
	struct framer framer;
	char *request, *match; /* with {address} filled in */
	size_t request_len, match_len;
	int64_t idle_at;  /* stream: when silence ends a message */
	int64_t deadline; /* stream: when it counts as silent */
};

struct talker *
talker_new(const struct unit *u, struct errbuf *why)
{
	const struct frame *spec = &u->t->frame;
	struct text_parser *parser = text_parser_new(u->t, why);
	struct talker *t;

	if (!parser)
		return NULL;
	t = mem_zalloc(sizeof(*t));
	t->parser = parser;
	framer_init(&t->framer, spec);
	t->request = frame_fill(&spec->request, u->address, &t->request_len);
	t->match = frame_fill(&spec->match, u->address, &t->match_len);
	t->idle_at = TASK_NEVER;
	t->deadline = TASK_NEVER;
	return t;
}

void
talker_adopt(struct unit *u)
{
	struct errbuf why;
	struct text_parser *parser = text_parser_new(u->t, &why);

	u->talk->framer.spec = &u->t->frame;
	if (!parser)
		return; /* an equal template had one */
	text_parser_free(u->talk->parser);
	u->talk->parser = parser;
}

void
talker_free(struct talker *t)
{
	if (!t)
		return;
	text_parser_free(t->parser);
	framer_fini(&t->framer);
	free(t->request);
	free(t->match);
	free(t);
}

static bool
is_mine(const struct talker *t, const struct message *m)
{
	return m->len >= t->match_len &&
	    memcmp(m->data, t->match, t->match_len) == 0;
}

/* An asked device must answer with every field. */
static void
add_missing(const struct unit *u, struct drv_event *ev)
{
	size_t there = ev->n;

	for (size_t i = 0; i < u->t->n_fields; i++) {
		bool found = false;

		for (size_t j = 0; j < there && !found; j++)
			found = ev->r[j].field == i;
		if (found)
			continue;
		bus_add_bad(ev, i,
		    u->t->fields[i].optional ? QUALITY_MISSING : QUALITY_ERROR,
		    "it is not in the device's message");
	}
}

/* A message of u's: checks, reads and reports it.  Behind the begin of one that
 * does not hold may stand the true one. */
static enum err
take_message(struct drv_bus *b, struct unit *u, struct message *m)
{
	struct drv_event *ev;
	struct reading *r;
	size_t n = 0;
	enum err e = frame_check(&u->t->frame, m);

	if (e != OK) {
		framer_reject(&u->talk->framer);
		return e;
	}
	r = mem_array(u->t->n_fields, sizeof(*r));
	e = text_parse(u->talk->parser, m->data, m->len, r, &n);
	if (e != OK) {
		free(r);
		return e;
	}
	ev = bus_batch(b, u, u->t->n_fields);
	for (size_t i = 0; i < n; i++) {
		unit_truth(u, ev->mono_ms, &r[i]);
		bus_add(ev, &r[i]);
	}
	free(r);
	if (!unit_is_stream(u))
		add_missing(u, ev);
	bus_alive(b, u);
	bus_send(b, u, ev, true);
	return OK;
}

/* Takes the answer out of what has come.  ERR_NOTFOUND: it is not whole yet. */
static enum err
find_answer(struct drv_bus *b, struct unit *u, bool idle)
{
	struct message m;
	enum err e = ERR_NOTFOUND;

	while (e != OK && framer_next(&u->talk->framer, idle, &m)) {
		if (is_mine(u->talk, &m))
			e = take_message(b, u, &m);
		else
			bus_line(b)->late++;
	}
	return e;
}

/* Reads until the answer is whole, or its time is over: the timeout until it
 * begins, and what the longest takes until it ends. */
static enum err
await_answer(struct drv_bus *b, struct unit *u, int64_t timeout_ms)
{
	const struct frame *spec = &u->t->frame;
	struct line *l = bus_line(b);
	int64_t most = line_char_us(l, (size_t)(spec->max > 0 ? spec->max : 0));
	int64_t end = l->last_us + timeout_ms * 1000;
	char chunk[FRAMER_CHUNK];
	bool any = false;

	for (;;) {
		int64_t left = (end - line_now_us() + 999) / 1000;
		int64_t wait = left > 0 ? left : 0;
		bool idle = any && spec->idle_ms > 0 && spec->idle_ms < wait;
		size_t n = 0;
		enum err e = line_recv(
		    l, chunk, sizeof(chunk), idle ? spec->idle_ms : wait, &n);

		if (e == ERR_IO)
			return e;
		if (e == ERR_TIMEOUT && (!idle || bus_stopping(b)))
			return any ? ERR_PROTO : ERR_TIMEOUT;
		if (!any && n > 0)
			end += most;
		any = any || n > 0;
		framer_feed(&u->talk->framer, chunk, n);
		e = find_answer(b, u, e == ERR_TIMEOUT);
		if (e != ERR_NOTFOUND)
			return e;
		if (line_now_us() > end || bus_stopping(b))
			return any ? ERR_PROTO : ERR_TIMEOUT;
	}
}

static enum err
exchange(struct drv_bus *b, struct unit *u, int64_t timeout_ms)
{
	const struct frame *spec = &u->t->frame;
	struct line *l = bus_line(b);
	enum err e;

	l->gap_ms = spec->settle_ms;
	line_gap(l, u->address);
	line_flush(l);
	framer_reset(&u->talk->framer);
	e = line_write(
	    l, u->talk->request, u->talk->request_len, spec->char_delay_ms);
	return e == OK ? await_answer(b, u, timeout_ms) : e;
}

/* On a line of Modbus devices a text device may have its own speed. */
static enum err
ask_once(struct drv_bus *b, struct unit *u, int64_t timeout_ms)
{
	bool shared =
	    !u->t->serial.baud || bus_line(b)->cfg->type == BUS_SERIAL;
	int64_t start = line_now_us();
	enum err e = shared ? OK : bus_mode(b, u->t->serial);

	if (e != OK)
		return e;
	e = exchange(b, u, timeout_ms);
	e = bus_tried(b, u, e, start, timeout_ms);
	if (!shared)
		bus_usual_mode(b);
	return e;
}

enum verdict
talk_ask(struct drv_bus *b, struct task *k, int64_t timeout_ms)
{
	struct unit *u = k->unit;
	int64_t tries =
	    u->health.state == UNIT_ONLINE ? u->t->frame.retries : 0;
	enum err e = ask_once(b, u, timeout_ms);

	if (e == OK)
		return ANSWERED;
	if (e == ERR_IO || bus_stopping(b))
		return LOST;
	if (e != ERR_UNSUP && k->tries < tries) {
		k->tries++;
		u->tally.c.retries++;
		return LATER;
	}
	u->why = e == ERR_TIMEOUT ? "the device does not answer"
	    : e == ERR_UNSUP      ? "the line does not take the device's speed"
				  : "the device's answer is garbled";
	return SILENT;
}

void
talk_hear(struct drv_bus *b, struct unit *u, const char *data, size_t n)
{
	struct talker *t = u->talk;
	struct message m;
	bool garbled = false;

	framer_feed(&t->framer, data, n);
	while (framer_next(&t->framer, n == 0, &m)) {
		if (!is_mine(t, &m))
			continue;
		if (take_message(b, u, &m) == OK) {
			u->tally.c.ok++;
			u->tally.c.ok_utc_ms = bus_utc(b);
			talk_expect(u, bus_now(b));
		} else {
			garbled = true;
		}
	}
	if (garbled) /* once, at however many places one was looked for */
		bus_garbled(b, u);
	t->idle_at = u->t->frame.idle_ms > 0 && n > 0
	    ? bus_now(b) + u->t->frame.idle_ms
	    : TASK_NEVER;
}

enum err
talk_start(struct drv_bus *b, struct unit *u)
{
	framer_reset(&u->talk->framer);
	if (u->t->frame.mode != FRAME_STREAM || u->talk->request_len == 0)
		return OK;
	return line_write(bus_line(b), u->talk->request, u->talk->request_len,
	    u->t->frame.char_delay_ms);
}

int64_t
talk_idle_at(const struct unit *u)
{
	return u->talk->idle_at;
}

int64_t
talk_deadline(const struct unit *u)
{
	return u->talk->deadline;
}

void
talk_expect(struct unit *u, int64_t now)
{
	int64_t wait = u->t->frame.timeout_ms;

	u->talk->deadline = now + (wait > 0 ? wait : STREAM_TIMEOUT_MS);
}
