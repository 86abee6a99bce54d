#include "tests/thingsim/text.h"

#include "common/mem.h"
#include "common/num.h"
#include "tests/thingsim/chan.h"
#include "tests/thingsim/check.h"
#include "tests/thingsim/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COLUMN_MAX = 256 };

/* A value as the device writes it: "22.6" and its unit letter "C". */
struct said {
	char number[IMAGE_TEXT];
	const char *mark;
	bool valid;
};

const char *
text_answer_default(const struct tmpl *t)
{
	static const struct {
		const char *id, *answer;
	} known[] = {
		{ "generic.xy-md02-ascii", "%temperature%C,%humidity%%%" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].id, t->id) == 0)
			return known[i].answer;
	return NULL;
}

static void
add_addressed(struct buf *out, const struct bytes *text, int address)
{
	static const char hole[] = "{address}";
	const size_t hole_len = sizeof(hole) - 1;

	for (size_t i = 0; i < text->len; i++) {
		if (text->len - i < hole_len ||
		    memcmp(text->data + i, hole, hole_len) != 0) {
			buf_putc(out, text->data[i]);
			continue;
		}
		buf_printf(out, "%d", address);
		i += hole_len - 1;
	}
}

static int
spoken_address(const struct unit *u)
{
	return u->address + (u->fault.kind == FAULT_WRONG_UNIT);
}

/* The unit letter that leaves the number alone, or else the first. */
static const struct suffix *
best_suffix(const struct field *f)
{
	for (size_t i = 0; i < f->n_suffix; i++) {
		struct num one = { 1, 0 };

		if (num_cmp(f->suffix[i].factor, one) == 0 &&
		    f->suffix[i].offset.mant == 0)
			return &f->suffix[i];
	}
	return f->n_suffix ? &f->suffix[0] : NULL;
}

static const char *
word_number(const struct field *f, const char *text, char buf[NUM_TEXT])
{
	for (size_t i = 0; i < f->n_words; i++) {
		if (strcmp(f->words[i].word, text) != 0)
			continue;
		num_format((struct num){ f->words[i].value, 0 }, buf);
		return buf;
	}
	return text;
}

/* What is not a number goes out as it was set: a test may say anything. */
static void
say(const struct unit *u, size_t i, struct said *out)
{
	const struct field *f = &u->tmpl->fields[i];
	const struct suffix *s = best_suffix(f);
	char word[NUM_TEXT];
	const char *text = word_number(f, u->texts[i], word);
	struct num v;
	double factor;

	*out = (struct said){ .mark = "", .valid = true };
	snprintf(out->number, sizeof(out->number), "%s", text);
	if (strcasecmp(text, "nan") == 0) {
		out->valid = false;
		snprintf(out->number, sizeof(out->number), "0.0");
		return;
	}
	if (!s || num_parse(text, &v) != OK)
		return;
	out->mark = s->mark;
	factor = s->factor.mant ? num_to_double(s->factor) : 1;
	if (factor < 1 || factor > 1 || s->offset.mant != 0)
		snprintf(out->number, sizeof(out->number), "%.6g",
		    (num_to_double(v) - num_to_double(s->offset)) / factor);
}

static void
add_said(const struct unit *u, size_t i, struct buf *out)
{
	struct said v;

	say(u, i, &v);
	buf_puts(out, v.number);
	if (v.valid)
		buf_puts(out, v.mark);
	else if (u->tmpl->parse.invalid)
		buf_putc(out, u->tmpl->parse.invalid);
}

/* Messages under construction: `message` begins one, `finish` checks it. */
struct draft {
	struct unit *u;
	struct buf *out;
	size_t from;
	size_t garble_at;
};

static void
message(struct draft *d)
{
	d->from = d->out->len;
	buf_add(
	    d->out, d->u->tmpl->frame.start.data, d->u->tmpl->frame.start.len);
}

static void
finish(struct draft *d)
{
	const struct frame *f = &d->u->tmpl->frame;
	size_t body_end = d->out->len;

	check_end(f, d->out, d->from);
	d->garble_at = body_end - 1;
	if (f->check == CHECK_BCC)
		d->garble_at = d->out->len - 1;
	else if (f->check != CHECK_NONE)
		d->garble_at = d->out->len - f->end.len - 1;
}

static void
add_char(struct draft *d, char c, char otherwise)
{
	buf_add(d->out, c ? &c : &otherwise, 1);
}

/* 0r0,Dm=057D,Ta=22.6C */
static void
write_keyed(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;

	message(d);
	add_addressed(d->out, &t->frame.match, spoken_address(d->u));
	for (size_t i = 0; i < t->n_fields; i++) {
		if (i)
			add_char(d, d->u->tmpl->parse.separator, ',');
		buf_puts(d->out, t->fields[i].key);
		add_char(d, t->parse.assign, '=');
		add_said(d->u, i, d->out);
	}
	finish(d);
}

static bool
find_column(const struct tmpl *t, const char *sentence, int col, size_t *at)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (f->from != col ||
		    (sentence && strcmp(f->key, sentence) != 0))
			continue;
		*at = i;
		return true;
	}
	return false;
}

static int
last_column(const struct tmpl *t, const char *sentence)
{
	int last = 0;

	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (sentence && strcmp(f->key, sentence) != 0)
			continue;
		if (f->from > last && f->from <= COLUMN_MAX)
			last = f->from;
	}
	return last;
}

/* The mark that begins every line of the device, as its first column. */
static void
add_line_mark(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;
	struct buf mark = { 0 };

	add_addressed(&mark, &t->frame.match, spoken_address(d->u));
	if (mark.len && mark.data[mark.len - 1] == t->parse.separator)
		mark.len--;
	if (mark.len)
		buf_add(d->out, mark.data, mark.len);
	buf_fini(&mark);
}

static void
write_csv(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;
	size_t i;

	message(d);
	for (int col = 1; col <= last_column(t, NULL); col++) {
		if (col > 1)
			add_char(d, t->parse.separator, ',');
		if (find_column(t, NULL, col, &i))
			add_said(d->u, i, d->out);
		else if (col == 1)
			add_line_mark(d);
	}
	finish(d);
}

/* Every value at the right of its columns. */
static void
write_fixed(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;
	struct buf text = { 0 };
	char line[COLUMN_MAX];
	size_t len;

	memset(line, ' ', sizeof(line));
	add_addressed(&text, &t->frame.match, spoken_address(d->u));
	len = text.len < COLUMN_MAX ? text.len : COLUMN_MAX;
	if (len)
		memcpy(line, text.data, len);
	for (size_t i = 0; i < t->n_fields; i++) {
		size_t from = (size_t)t->fields[i].from;
		size_t to = (size_t)t->fields[i].to, n;

		if (from < 1 || to < from || to > COLUMN_MAX)
			continue;
		text.len = 0;
		add_said(d->u, i, &text);
		n = text.len < to - from + 1 ? text.len : to - from + 1;
		memcpy(line + to - n, text.data, n);
		len = to > len ? to : len;
	}
	buf_fini(&text);
	message(d);
	buf_add(d->out, line, len);
	finish(d);
}

/* WIXDR,C,22.6,C,0,H,27.1,P,0 */
static void
add_transducers(struct draft *d, const char *sentence)
{
	const struct tmpl *t = d->u->tmpl;

	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		struct said v;

		if (!f->key2 || strcmp(f->key, sentence) != 0)
			continue;
		say(d->u, i, &v);
		buf_printf(d->out, ",%s,%s,%s,%s", f->key2,
		    v.valid ? v.number : "", v.mark, f->key3 ? f->key3 : "");
	}
}

static void
add_numbered(struct draft *d, const char *sentence)
{
	const struct tmpl *t = d->u->tmpl;
	size_t i;

	for (int col = 1; col <= last_column(t, sentence); col++) {
		buf_putc(d->out, ',');
		if (find_column(t, sentence, col, &i))
			add_said(d->u, i, d->out);
	}
}

static void
write_nmea(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;

	for (size_t i = 0; i < t->n_fields; i++) {
		const char *sentence = t->fields[i].key;
		size_t first = 0;

		while (strcmp(t->fields[first].key, sentence) != 0)
			first++;
		if (first < i)
			continue; /* said already */
		message(d);
		buf_puts(d->out, sentence);
		add_transducers(d, sentence);
		add_numbered(d, sentence);
		finish(d);
	}
}

/* A telegram of IEC 62056-21: 1-0:1.8.0(000123.4*kWh) */
static void
write_obis(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;

	message(d);
	if (t->frame.start.len == 1 && t->frame.start.data[0] == '/')
		buf_puts(d->out, "SIM5thingsim\r\n\r\n");
	for (size_t i = 0; i < t->n_fields; i++) {
		struct said v;

		say(d->u, i, &v);
		buf_printf(d->out, "%s(%s%s%s)\r\n", t->fields[i].key,
		    v.valid ? v.number : "", t->fields[i].unit[0] ? "*" : "",
		    t->fields[i].unit);
	}
	finish(d);
}

static void
add_named(struct draft *d, const char *name, size_t len)
{
	const struct tmpl *t = d->u->tmpl;
	struct said v;

	for (size_t i = 0; i < t->n_fields; i++) {
		if (strlen(t->fields[i].name) != len ||
		    memcmp(t->fields[i].name, name, len) != 0)
			continue;
		say(d->u, i, &v);
		buf_puts(d->out, v.number);
		return;
	}
}

/* %temperature%C,%humidity%%% */
static void
write_answer(struct draft *d)
{
	message(d);
	for (const char *p = d->u->answer; *p; p++) {
		size_t len = *p == '%' ? strcspn(p + 1, "%") : 0;

		if (*p != '%' || p[1 + len] != '%') {
			buf_putc(d->out, *p);
			continue;
		}
		if (len == 0)
			buf_putc(d->out, '%');
		else
			add_named(d, p + 1, len);
		p += len + 1;
	}
	finish(d);
}

void
text_message(struct unit *u, struct buf *out, size_t *garble_at)
{
	static void (*const writers[])(struct draft *) = {
		[PARSE_KEYED] = write_keyed,
		[PARSE_CSV] = write_csv,
		[PARSE_FIXED] = write_fixed,
		[PARSE_NMEA] = write_nmea,
		[PARSE_OBIS] = write_obis,
	};
	struct draft d = { .u = u, .out = out };

	unit_refresh(u);
	if (u->answer)
		write_answer(&d);
	else if (writers[u->tmpl->parse.format])
		writers[u->tmpl->parse.format](&d);
	*garble_at = d.garble_at;
}

static void
speak(struct chan *c, struct unit *u, const void *request, size_t len)
{
	struct buf out = { 0 };
	size_t garble_at;

	text_message(u, &out, &garble_at);
	chan_answer(c, u, &out, request, len, garble_at);
	buf_fini(&out);
}

/* Compares the start of what came in with the request of u: 1 it is there, 0
 * it may come, -1 it is not. */
static int
compare(const struct unit *u, const struct buf *in, size_t *len)
{
	struct buf want = { 0 };
	size_t n;
	int got = -1;

	add_addressed(&want, &u->tmpl->frame.request, u->address);
	n = want.len < in->len ? want.len : in->len;
	if (n && memcmp(want.data, in->data, n) == 0)
		got = want.len <= in->len;
	*len = want.len;
	buf_fini(&want);
	return got;
}

static void
hear(struct chan *c, struct unit *u, size_t len)
{
	u->requests++;
	if (u->fault.kind != FAULT_SILENT)
		speak(c, u, c->in.data, len);
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

static void
on_period(void *arg)
{
	struct unit *u = arg;

	if (u->fault.kind != FAULT_SILENT)
		for (struct chan *c = u->bus->chans; c; c = c->next)
			speak(c, u, "", 0);
	text_stream(u);
}

void
text_stream(struct unit *u)
{
	loop_at(u->bus->plant->loop, loop_us() + u->period_us, on_period, u);
}
