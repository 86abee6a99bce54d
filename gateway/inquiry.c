#include "gateway/inquiry.h"

#include "common/mem.h"
#include "common/utf8.h"
#include "drivers/plan.h"
#include "gateway/ask.h"
#include "gateway/gateway.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_MS = 300,
	TIMEOUT_TCP_MS = 1000,
	GARBLED_MAX = 3, /* garbled answers before it counts as two devices */
	SILENT_MAX = 4,  /* unanswered in a row: no more questions */
	CACHE_MAX = 128,
	NO_PATH = 10, /* exceptions of a gateway: nobody there */
	NO_ANSWER = 11,
	IDENTITY_ASKS = 3, /* fields of one template */
	ID_OBJECTS = 6,    /* where they begin in an answer of function 43 */
	ID_BASIC = 1,
	SUNSPEC_COMMON = 66, /* registers of model 1, and where its texts are */
	SUNSPEC_MAKER = 0,
	SUNSPEC_PRODUCT = 16,
	SUNSPEC_TEXT = 16,
	SUNSPEC_END = 0xffff,
};

/* Whom to ask what next.  Each step asks one thing, or goes on to the next. */
enum step {
	STEP_HELLO,
	STEP_NAME,
	STEP_SUNSPEC,
	STEP_MODEL,
	STEP_TEMPLATE,
	STEP_TEXT,
	STEP_DONE
};

/* What was read already: templates often ask the same. */
struct cached {
	enum mb_function function;
	uint16_t addr, count;
	bool good;
	uint16_t value[8];
};

struct inquiry {
	struct gateway *gw;
	struct inquiry_of of;
	void (*done)(void *arg, const struct findings *found);
	void *arg;
	struct findings found;
	enum step step;
	size_t i, k; /* which of the step */
	unsigned garbled, silent;
	bool values;   /* a request was answered with values */
	bool named[2]; /* by function 43, by 17 */
	uint16_t model_at;
	struct cached cache[CACHE_MAX];
	size_t n_cache;
	struct cached asked; /* the request on its way */
};

static const struct {
	enum mb_function function;
} hellos[] = {
	{ MB_READ_HOLDING },
	{ MB_READ_INPUT },
	{ MB_READ_COILS },
};

static const uint16_t sunspec_at[] = { 40000, 50000, 0 };

void
inquiry_free(struct inquiry *q)
{
	if (!q)
		return;
	ask_forget(q->gw->asks, q);
	free(q);
}

static void
end(struct inquiry *q)
{
	struct findings found = q->found;
	void (*done)(void *, const struct findings *) = q->done;
	void *arg = q->arg;

	inquiry_free(q);
	done(arg, &found);
}

static void go_on(struct inquiry *q);
static void answered(
    void *arg, const struct drv_answer *a, const struct reading *back);

static enum err
send_ask(struct inquiry *q, struct drv_ask *ask)
{
	bool tcp = q->of.type != BUS_MODBUS_RTU && q->of.type != BUS_SERIAL;

	ask->behind = q->of.behind;
	ask->serial = q->of.serial;
	ask->unit = q->of.address;
	ask->timeout_ms = q->of.timeout_ms > 0 ? q->of.timeout_ms
	    : tcp                              ? TIMEOUT_TCP_MS
					       : TIMEOUT_MS;
	return ask_bus(q->gw, q->of.bus, ask, answered, q);
}

static enum err
read_regs(struct inquiry *q, enum mb_function f, uint16_t addr, uint16_t count)
{
	struct drv_ask ask = { .kind = DRV_ASK_MODBUS,
		.function = f,
		.addr = addr,
		.count = count };

	q->asked =
	    (struct cached){ .function = f, .addr = addr, .count = count };
	return send_ask(q, &ask);
}

static enum err
read_name(struct inquiry *q, size_t which)
{
	struct drv_ask ask = { .kind = DRV_ASK_MODBUS, .count = 1 };

	memset(&q->asked, 0, sizeof(q->asked));
	ask.function = which == 0 ? MB_DEVICE_ID : MB_SERVER_ID;
	if (which == 0)
		ask.value[0] = ID_BASIC;
	return send_ask(q, &ask);
}

/* What devices say of themselves. */

static void
keep_text(char out[INQUIRY_NAME], const char *text, size_t len)
{
	if (out[0] == '\0')
		utf8_sanitize(text, len, out, INQUIRY_NAME);
}

/* Objects of function 43: 0 the maker, 1 the product, 2 its version. */
static void
take_objects(struct inquiry *q, const struct drv_answer *a)
{
	size_t at = ID_OBJECTS;

	while (at + 2 <= a->n) {
		uint16_t id = a->value[at], len = a->value[at + 1];
		char text[256];

		at += 2;
		if (len > 255 || at + len > a->n)
			return;
		for (size_t i = 0; i < len; i++)
			text[i] = (char)a->value[at + i];
		at += len;
		if (id == 0)
			keep_text(q->found.maker, text, len);
		else if (id == 1)
			keep_text(q->found.product, text, len);
	}
}

/* Function 17 has no form: the longest readable part of it. */
static void
take_server_id(struct inquiry *q, const struct drv_answer *a)
{
	char text[256], best[256] = "";
	size_t n = 0, best_n = 3; /* shorter ones are chance */

	for (size_t i = 0; i <= a->n && i < sizeof(text); i++) {
		if (i < a->n && isprint((int)a->value[i] & 0xff)) {
			text[n++] = (char)a->value[i];
			continue;
		}
		if (n >= best_n) {
			memcpy(best, text, n);
			best_n = n;
			best[n] = '\0';
		}
		n = 0;
	}
	keep_text(q->found.product, best, strlen(best));
}

static void
regs_text(const uint16_t *regs, size_t n, char out[INQUIRY_NAME])
{
	char text[SUNSPEC_TEXT * 2];

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = (char)(regs[i] >> 8);
		text[2 * i + 1] = (char)(regs[i] & 0xff);
	}
	keep_text(out, text, strnlen(text, 2 * n));
}

/* Templates. */

static const struct cached *
known(const struct inquiry *q, const struct field *f)
{
	enum mb_function fn = pdu_reads(f->table);

	for (size_t i = 0; i < q->n_cache; i++) {
		const struct cached *c = &q->cache[i];

		if (c->function == fn && c->addr == f->addr &&
		    c->count == plan_regs(f))
			return c;
	}
	return NULL;
}

/* The next question of template i that is not answered yet: those after the
 * first only when that one fits. */
static const struct field *
question(const struct inquiry *q, const struct tmpl *t)
{
	for (size_t k = 0; k <= IDENTITY_ASKS; k++) {
		const struct field *f = guess_field(t, k);
		const struct cached *c = f ? known(q, f) : NULL;
		struct reading r;

		if (!f || plan_regs(f) > sizeof(c->value) / sizeof(uint16_t))
			return NULL;
		if (!c)
			return f;
		if (!c->good || !guess_fits(t, f, c->value, &r))
			return NULL;
	}
	return NULL;
}

/* How well a template fits: 0 not; an identity that fits says more than a
 * range, and a device that names the model most. */
static int
score(struct inquiry *q, const struct tmpl *t, char *why, size_t size)
{
	int points = 0;

	for (size_t k = 0; k <= IDENTITY_ASKS; k++) {
		const struct field *f = guess_field(t, k);
		const struct cached *c = f ? known(q, f) : NULL;
		struct reading r;
		char text[VALUE_TEXT_SIZE];

		if (!c)
			break;
		if (!c->good || !guess_fits(t, f, c->value, &r))
			return 0;
		points += f->kind == KIND_IDENTITY ? 4 : 1;
		if (f->kind != KIND_IDENTITY)
			continue;
		value_text(&r.value, text);
		snprintf(why, size, "%s is %s", f->name, text);
	}
	if (guess_named(t, q->found.product, q->found.maker)) {
		points += 16;
		snprintf(why, size, "it says that it is %s",
		    q->found.product[0] ? q->found.product : q->found.maker);
	}
	return points;
}

static void
rank(struct inquiry *q)
{
	struct findings *out = &q->found;
	int points[INQUIRY_LOOKS] = { 0 };
	const struct guesses *g = q->of.guesses;

	for (size_t i = 0; g && i < g->n; i++) {
		char why[sizeof(out->certain)] = "";
		int p = g->v[i]->kind == TMPL_MODBUS
		    ? score(q, g->v[i], why, sizeof(why))
		    : 0;
		size_t at = out->n_looks;

		while (at > 0 && points[at - 1] < p)
			at--;
		if (p == 0 || at == INQUIRY_LOOKS)
			continue;
		out->n_looks += out->n_looks < INQUIRY_LOOKS;
		for (size_t k = out->n_looks - 1; k > at; k--) {
			points[k] = points[k - 1];
			out->looks[k] = out->looks[k - 1];
		}
		points[at] = p;
		out->looks[at] = g->v[i];
		if (at == 0)
			memcpy(out->certain, why, sizeof(why));
	}
	/* Two that fit as well: neither is sure. */
	if (out->n_looks > 1 && points[0] == points[1])
		out->certain[0] = '\0';
}

/* Steps: each either asks (returns true) or leaves it to the next. */

static void
to_step(struct inquiry *q, enum step step)
{
	q->step = step;
	q->i = q->k = 0;
}

static bool
step_hello(struct inquiry *q, enum err *e)
{
	if (q->i == sizeof(hellos) / sizeof(hellos[0])) {
		if (q->garbled)
			q->found.presence = INQUIRY_GARBLED;
		q->step = STEP_DONE;
		return false;
	}
	*e = read_regs(q, hellos[q->i].function, 0, 1);
	return true;
}

static bool
step_name(struct inquiry *q, enum err *e)
{
	if (q->i == 2) {
		to_step(q, STEP_SUNSPEC);
		return false;
	}
	*e = read_name(q, q->i);
	return true;
}

static bool
step_sunspec(struct inquiry *q, enum err *e)
{
	if (q->i == sizeof(sunspec_at) / sizeof(sunspec_at[0])) {
		to_step(q, STEP_TEMPLATE);
		return false;
	}
	*e = read_regs(q, MB_READ_HOLDING, sunspec_at[q->i], 2);
	return true;
}

/* A model's head: its number and length; model 1 is read whole. */
static bool
step_model(struct inquiry *q, enum err *e)
{
	if (q->found.n_sunspec == INQUIRY_MODELS) {
		to_step(q, STEP_TEMPLATE);
		return false;
	}
	*e = q->k
	    ? read_regs(q, MB_READ_HOLDING, (uint16_t)(q->model_at + 2), 32)
	    : read_regs(q, MB_READ_HOLDING, q->model_at, 2);
	return true;
}

static bool
step_template(struct inquiry *q, enum err *e)
{
	const struct guesses *g = q->of.guesses;

	for (; g && q->i < g->n; q->i++) {
		const struct tmpl *t = g->v[q->i];
		const struct field *f =
		    t->kind == TMPL_MODBUS ? question(q, t) : NULL;

		if (!f || q->n_cache == CACHE_MAX)
			continue;
		*e = read_regs(q, pdu_reads(f->table), f->addr, plan_regs(f));
		return true;
	}
	q->step = STEP_DONE;
	return false;
}

static bool
step_text(struct inquiry *q, enum err *e)
{
	const struct guesses *g = q->of.guesses;

	for (; g && q->i < g->n; q->i++) {
		struct drv_ask ask = { .kind = DRV_ASK_TEXT };

		if (!tmpl_has_address(g->v[q->i]) ||
		    (q->of.known && q->of.known != g->v[q->i]))
			continue;
		ask.n_text =
		    guess_text_request(g->v[q->i], q->of.address, ask.text);
		if (ask.n_text == 0)
			continue;
		*e = send_ask(q, &ask);
		return true;
	}
	q->step = STEP_DONE;
	return false;
}

static bool (*const steps[])(struct inquiry *, enum err *) = {
	[STEP_HELLO] = step_hello,
	[STEP_NAME] = step_name,
	[STEP_SUNSPEC] = step_sunspec,
	[STEP_MODEL] = step_model,
	[STEP_TEMPLATE] = step_template,
	[STEP_TEXT] = step_text,
};

/* Asks the next thing.  OK: it is on its way, or all is done. */
static enum err
advance(struct inquiry *q)
{
	enum err e = OK;

	if (q->silent >= SILENT_MAX && q->step != STEP_HELLO &&
	    q->step != STEP_TEXT)
		q->step = STEP_DONE;
	while (q->step != STEP_DONE) {
		if (steps[q->step](q, &e))
			return e;
	}
	return OK;
}

static void
go_on(struct inquiry *q)
{
	enum err e = advance(q);

	if (e != OK) {
		q->found.presence = INQUIRY_DOWN;
		q->found.why = "the bus cannot be asked";
	}
	if (e == OK && q->step != STEP_DONE)
		return;
	if (q->found.presence == INQUIRY_ANSWERS && q->of.type != BUS_SERIAL)
		rank(q);
	if (q->values)
		q->found.exception = 0;
	end(q);
}

/* What an answer means for the step that asked. */

static void
hello_answered(struct inquiry *q, const struct drv_answer *a)
{
	if (a->result == ERR_PROTO) {
		if (++q->garbled < GARBLED_MAX)
			return; /* the same again */
		q->found.presence = INQUIRY_TWO;
		q->step = STEP_DONE;
		return;
	}
	if (a->result == OK ||
	    (a->result == ERR_REFUSED && a->exception != NO_PATH &&
		a->exception != NO_ANSWER)) {
		q->found.presence = INQUIRY_ANSWERS;
		q->found.exception = a->exception;
		to_step(q, q->of.known ? STEP_DONE : STEP_NAME);
		return;
	}
	q->i++;
}

static void
name_answered(struct inquiry *q, const struct drv_answer *a)
{
	if (a->result == OK && q->i == 0)
		take_objects(q, a);
	else if (a->result == OK)
		take_server_id(q, a);
	q->i++;
}

static void
sunspec_answered(struct inquiry *q, const struct drv_answer *a)
{
	if (a->result == OK && a->n == 2 && a->value[0] == 0x5375 &&
	    a->value[1] == 0x6e53) { /* "SunS" */
		q->model_at = (uint16_t)(sunspec_at[q->i] + 2);
		to_step(q, STEP_MODEL);
		return;
	}
	q->i++;
}

static bool
is_last_model(const struct inquiry *q, const struct drv_answer *a)
{
	return a->value[0] == SUNSPEC_END || a->value[0] == 0 ||
	    (unsigned)q->model_at + 2 + a->value[1] > 0xffff - 2;
}

static void
model_answered(struct inquiry *q, const struct drv_answer *a)
{
	struct findings *out = &q->found;

	if (a->result != OK || (q->k == 0 && is_last_model(q, a))) {
		to_step(q, STEP_TEMPLATE);
	} else if (q->k) { /* the texts of model 1 */
		regs_text(&a->value[SUNSPEC_MAKER], SUNSPEC_TEXT, out->maker);
		regs_text(
		    &a->value[SUNSPEC_PRODUCT], SUNSPEC_TEXT, out->product);
		q->model_at = (uint16_t)(q->model_at + 2 + q->k);
		q->k = 0;
	} else {
		out->sunspec[out->n_sunspec++] = a->value[0];
		if (a->value[0] == 1 && a->value[1] >= SUNSPEC_COMMON - 1)
			q->k = a->value[1];
		else
			q->model_at = (uint16_t)(q->model_at + 2 + a->value[1]);
	}
}

static void
template_answered(struct inquiry *q, const struct drv_answer *a)
{
	struct cached *c = &q->cache[q->n_cache++];

	*c = q->asked;
	c->good = a->result == OK && a->n == c->count;
	if (c->good)
		memcpy(c->value, a->value, a->n * sizeof(c->value[0]));
	/* The same template again: it may have more to ask. */
}

static void
text_answered(struct inquiry *q, const struct drv_answer *a)
{
	const struct tmpl *t = q->of.guesses->v[q->i++];
	struct findings *out = &q->found;
	char msg[MB_BITS_MAX];
	size_t n = a->n < sizeof(msg) ? a->n : sizeof(msg);

	if (a->result != OK || n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		msg[i] = (char)a->value[i];
	if (guess_text_fits(t, q->of.address, msg, n)) {
		out->presence = INQUIRY_ANSWERS;
		if (out->n_looks < INQUIRY_LOOKS)
			out->looks[out->n_looks++] = t;
	} else if (out->presence == INQUIRY_NOBODY) {
		out->presence = INQUIRY_GARBLED;
	}
}

static void
answered(void *arg, const struct drv_answer *a, const struct reading *back)
{
	static void (*const take[])(
	    struct inquiry *, const struct drv_answer *) = {
		[STEP_HELLO] = hello_answered,
		[STEP_NAME] = name_answered,
		[STEP_SUNSPEC] = sunspec_answered,
		[STEP_MODEL] = model_answered,
		[STEP_TEMPLATE] = template_answered,
		[STEP_TEXT] = text_answered,
	};
	struct inquiry *q = arg;

	(void)back;
	if (a->result == ERR_IO) {
		q->found.presence = INQUIRY_DOWN;
		q->found.why = a->why;
		end(q);
		return;
	}
	q->silent = a->result == ERR_TIMEOUT ? q->silent + 1 : 0;
	q->values |= a->result == OK && q->step != STEP_NAME;
	take[q->step](q, a);
	go_on(q);
}

enum err
inquiry_begin(struct gateway *gw, const struct inquiry_of *of,
    void (*done)(void *arg, const struct findings *found), void *arg,
    struct inquiry **out)
{
	struct inquiry *q = mem_zalloc(sizeof(*q));
	enum err e;

	q->gw = gw;
	q->of = *of;
	q->done = done;
	q->arg = arg;
	q->step = of->type == BUS_SERIAL ? STEP_TEXT : STEP_HELLO;
	e = advance(q);
	if (e == OK && q->step == STEP_DONE)
		e = ERR_UNSUP; /* there is nothing that could be asked */
	if (e != OK) {
		inquiry_free(q);
		return e;
	}
	*out = q;
	return OK;
}
