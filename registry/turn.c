#include "registry/turn.h"

#include "common/mem.h"

#include <stdlib.h>

enum { HELD_MAX = 128 };

/* An answer that waits. */
struct held {
	struct iq_in *rq;
	xmpp_stanza_t *payload;
	const char *condition; /* NULL: a result */
	char *text;
};

struct turn {
	struct db *db;
	void (*after)(void *arg, bool kept);
	void *arg;
	uv_prepare_t before_poll; /* timers have run */
	uv_check_t after_poll;
	struct held *held;
	size_t n, cap;
	int open_handles;
	bool ending;
};

static void
give(struct held *h, bool kept)
{
	if (kept && !h->condition) {
		iq_reply(h->rq, h->payload);
		return;
	}
	if (h->payload)
		xmpp_stanza_release(h->payload);
	if (kept)
		iq_reply_error(h->rq, h->condition, h->text);
	else
		iq_reply_error(h->rq, "internal-server-error",
		    "the registry could not store this: try again later");
}

static void
end_once(struct turn *t)
{
	bool kept = db_commit(t->db) == OK;

	for (size_t i = 0; i < t->n; i++) {
		give(&t->held[i], kept);
		free(t->held[i].text);
	}
	t->n = 0;
	t->after(t->arg, kept);
}

/* What follows a turn may have answers of its own, which must not wait for the
 * next thing to happen. */
static void
end(struct turn *t)
{
	t->ending = true;
	do
		end_once(t);
	while (t->n > 0);
	t->ending = false;
}

void
turn_relieve(struct turn *t)
{
	if (t->n >= HELD_MAX && !t->ending)
		end(t);
}

static void
on_prepare(uv_prepare_t *handle)
{
	end(handle->data);
}

static void
on_check(uv_check_t *handle)
{
	end(handle->data);
}

struct turn *
turn_new(uv_loop_t *loop, struct db *db, void (*after)(void *arg, bool kept),
    void *arg)
{
	struct turn *t = mem_zalloc(sizeof(*t));

	t->db = db;
	t->after = after;
	t->arg = arg;
	uv_prepare_init(loop, &t->before_poll);
	uv_check_init(loop, &t->after_poll);
	t->before_poll.data = t;
	t->after_poll.data = t;
	t->open_handles = 2;
	uv_prepare_start(&t->before_poll, on_prepare);
	uv_check_start(&t->after_poll, on_check);
	return t;
}

static void
on_close(uv_handle_t *handle)
{
	struct turn *t = handle->data;

	if (--t->open_handles > 0)
		return;
	free(t->held);
	free(t);
}

void
turn_free(struct turn *t)
{
	if (!t)
		return;
	end(t);
	uv_close((uv_handle_t *)&t->before_poll, on_close);
	uv_close((uv_handle_t *)&t->after_poll, on_close);
}

static void
hold(struct turn *t, struct held h)
{
	t->held = mem_grow(t->held, t->n, &t->cap, sizeof(*t->held));
	t->held[t->n++] = h;
}

void
turn_reply(struct turn *t, struct iq_in *rq, xmpp_stanza_t *payload)
{
	hold(t, (struct held){ .rq = rq, .payload = payload });
}

void
turn_reply_error(
    struct turn *t, struct iq_in *rq, const char *condition, const char *text)
{
	hold(t,
	    (struct held){
		.rq = rq, .condition = condition, .text = mem_strdup(text) });
}
