#include "tests/thingsim/text.h"

#include "tests/thingsim/chan.h"
#include "tests/thingsim/exchange.h"
#include "tests/thingsim/message.h"

#include <string.h>

/* Compares the start of what came in with the request of u: 1 it is there, 0
 * it may come, -1 it is not. */
static int
compare(const struct unit *u, const struct buf *in, size_t *len)
{
	struct buf want = { 0 };
	size_t n;
	int got = -1;

	message_address(&want, &u->tmpl->frame.request, u->address);
	n = want.len < in->len ? want.len : in->len;
	if (n && memcmp(want.data, in->data, n) == 0)
		got = want.len <= in->len;
	*len = want.len;
	buf_fini(&want);
	return got;
}

static void
speak(struct exchange *x)
{
	struct buf out = { 0 };
	size_t garble_at;

	message_write(x->unit, &out, &garble_at);
	exchange_answer(x, &out, garble_at);
	buf_fini(&out);
}

static void
hear(struct chan *c, struct unit *u, size_t len)
{
	struct exchange x = {
		.chan = c, .unit = u, .request = c->in.data, .len = len
	};

	if (exchange_begin(&x))
		speak(&x);
	buf_consume(&c->in, len);
}

/* take_request answers one request at the start of c->in, or drops a byte that
 * begins none; false when more must come. */
static bool
take_request(struct chan *c)
{
	bool wait = false;

	for (size_t i = 0; i < c->bus->n_units; i++) {
		struct unit *u = c->bus->units[i];
		size_t len;
		int got = compare(u, &c->in, &len);

		if (got > 0) {
			hear(c, u, len);
			return true;
		}
		wait = wait || got == 0;
	}
	if (!wait)
		buf_consume(&c->in, 1);
	return !wait;
}

void
text_input(struct chan *c)
{
	while (!c->dead && c->in.len && take_request(c))
		continue;
}

/* A message of a streaming unit counts as a request that nobody sent. */
static void
on_period(void *arg)
{
	struct unit *u = arg;

	for (struct chan *c = u->bus->chans; c; c = c->next) {
		struct exchange x = { .chan = c, .unit = u };

		if (!c->dead && exchange_begin(&x))
			speak(&x);
	}
	text_stream(u);
}

void
text_stream(struct unit *u)
{
	u->stream.fn = on_period;
	u->stream.arg = u;
	timer_at(u->bus->plant->loop, &u->stream, loop_ns() + u->period_ns);
}
