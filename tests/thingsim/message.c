#include "tests/thingsim/message.h"

#include "common/num.h"
#include "tests/thingsim/check.h"
#include "tests/thingsim/sample.h"
#include "tests/thingsim/unit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { COLUMN_MAX = 256 };

/* A value as the device writes it: "22.6" and its unit letter "C". */
struct said {
	char number[IMAGE_TEXT];
	const char *mark;
	bool valid;
};

void
message_address(struct buf *out, const struct bytes *text, int address)
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
	return u->address + (u->now.kind == FAULT_WRONG_UNIT);
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
		if (f->words[i].code)
			return f->words[i].code;
		num_format((struct num){ f->words[i].value, 0 }, buf);
		return buf;
	}
	return text;
}

static const char *
text_now(const struct unit *u, size_t i, char buf[NUM_TEXT])
{
	if (u->now.kind == FAULT_SENTINEL)
		return "nan";
	if (u->now.kind == FAULT_ZEROS)
		return "0";
	return word_number(&u->tmpl->fields[i], u->texts[i], buf);
}

/* -47.5 as 4730.0 and S. */
static void
say_position(const struct field *f, struct num v, struct said *out)
{
	bool latitude = f->form == FORM_LATITUDE, below = v.mant < 0;
	struct num degrees, minutes;
	char text[NUM_TEXT];

	if (below)
		v.mant = -v.mant;
	for (degrees = v; degrees.dec; degrees.dec--)
		degrees.mant /= 10;
	if (num_add(v, (struct num){ -degrees.mant, 0 }, &minutes) != OK ||
	    num_mul(minutes, (struct num){ 60, 0 }, &minutes) != OK)
		return;
	num_format(minutes, text);
	snprintf(out->number, sizeof(out->number), "%0*d%s%s", latitude ? 2 : 3,
	    (int)degrees.mant,
	    num_cmp(minutes, (struct num){ 10, 0 }) < 0 ? "0" : "", text);
	out->mark = latitude ? below ? "S" : "N" : below ? "W" : "E";
}

/* What is not a number goes out as it was set: a test may say anything. */
static void
say(const struct unit *u, size_t i, struct said *out)
{
	const struct field *f = &u->tmpl->fields[i];
	const struct suffix *s = best_suffix(f);
	char word[NUM_TEXT];
	const char *text = text_now(u, i, word);
	struct num v;
	double factor;

	*out = (struct said){ .mark = "", .valid = true };
	snprintf(out->number, sizeof(out->number), "%s", text);
	if (strcasecmp(text, "nan") == 0) {
		out->valid = false;
		snprintf(out->number, sizeof(out->number), "0.0");
		return;
	}
	if (num_parse(text, &v) != OK)
		return;
	if (f->form != FORM_DECIMAL)
		say_position(f, v, out);
	if (!s)
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

/* fit makes the message as long as its frame wants it, or has it say how long
 * it is; check_end and the end mark follow. */
static void
fit(struct draft *d)
{
	const struct frame *f = &d->u->tmpl->frame;
	size_t tail = f->end.len + check_length(f->check);
	size_t len = d->out->len - d->from;

	for (; (int64_t)(len + tail) < f->length; len++)
		buf_putc(d->out, ' ');
	if (f->has_length_at && (size_t)f->length_at < len)
		d->out->data[d->from + (size_t)f->length_at] =
		    (char)((int64_t)(len + tail) - f->length_add);
}

static void
finish(struct draft *d)
{
	const struct frame *f = &d->u->tmpl->frame;
	size_t body_end;

	fit(d);
	body_end = d->out->len;
	check_end(f, d->out, d->from);
	d->garble_at = body_end - 1;
	if (f->check == CHECK_BCC || f->check == CHECK_CRC16_DSMR)
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
	message_address(d->out, &t->frame.match, spoken_address(d->u));
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

		if ((f->from != col && (!sentence || f->unit_at != col)) ||
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
		if (sentence && f->unit_at > last && f->unit_at <= COLUMN_MAX)
			last = f->unit_at;
	}
	return last;
}

/* The mark that begins every line of the device, as its first column. */
static void
add_line_mark(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;
	struct buf mark = { 0 };

	message_address(&mark, &t->frame.match, spoken_address(d->u));
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
	message_address(&text, &t->frame.match, spoken_address(d->u));
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

/* The number of field i where it stands, or its unit. */
static void
add_part(struct draft *d, size_t i, int col)
{
	const struct field *f = &d->u->tmpl->fields[i];
	struct said v;

	if (!f->unit_at) {
		add_said(d->u, i, d->out);
		return;
	}
	say(d->u, i, &v);
	if (v.valid)
		buf_puts(d->out,
		    col == f->from  ? v.number
			: v.mark[0] ? v.mark
				    : f->unit);
}

static void
add_numbered(struct draft *d, const char *sentence)
{
	const struct tmpl *t = d->u->tmpl;
	size_t i;

	for (int col = 1; col <= last_column(t, sentence); col++) {
		buf_putc(d->out, ',');
		if (find_column(t, sentence, col, &i))
			add_part(d, i, col);
	}
}

/* Whether field i is the first of its sentence, or of its code. */
static bool
is_first(const struct tmpl *t, size_t i)
{
	size_t first = 0;

	while (strcmp(t->fields[first].key, t->fields[i].key) != 0)
		first++;
	return first == i;
}

static void
write_nmea(struct draft *d)
{
	const struct tmpl *t = d->u->tmpl;

	for (size_t i = 0; i < t->n_fields; i++) {
		const char *sentence = t->fields[i].key;
		bool any = strncmp(sentence, "--", 2) == 0;

		if (!is_first(t, i))
			continue; /* said already */
		message(d);
		buf_puts(d->out, any ? "GN" : "");
		buf_puts(d->out, any ? sentence + 2 : sentence);
		add_transducers(d, sentence);
		add_numbered(d, sentence);
		finish(d);
	}
}

/* (000123.4*kWh), and what stands before it: (161107190000)(m3) */
static void
add_brackets(struct draft *d, const char *code)
{
	const struct tmpl *t = d->u->tmpl;
	size_t i;

	for (int at = 1; at <= last_column(t, code); at++) {
		buf_putc(d->out, '(');
		if (find_column(t, code, at, &i) && t->fields[i].unit_at) {
			add_part(d, i, at);
		} else if (find_column(t, code, at, &i)) {
			const struct field *f = &t->fields[i];
			struct said v;

			say(d->u, i, &v);
			buf_printf(d->out, "%s%s%s", v.valid ? v.number : "",
			    f->unit[0] ? "*" : "",
			    v.mark[0] ? v.mark : f->unit);
		}
		buf_putc(d->out, ')');
	}
	buf_puts(d->out, "\r\n");
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
		if (!is_first(t, i))
			continue;
		buf_puts(d->out, t->fields[i].key);
		add_brackets(d, t->fields[i].key);
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

static bool
group_value(void *arg, int n, struct buf *out)
{
	const struct draft *d = arg;
	const struct tmpl *t = d->u->tmpl;

	for (size_t i = 0; i < t->n_fields; i++) {
		if (t->fields[i].from != n)
			continue;
		add_said(d->u, i, out);
		return true;
	}
	return false;
}

static void
write_regex(struct draft *d)
{
	message(d);
	sample_write(d->u->tmpl->parse.regex, group_value, d, d->out);
	finish(d);
}

void
message_write(struct unit *u, struct buf *out, size_t *garble_at)
{
	static void (*const writers[])(struct draft *) = {
		[PARSE_KEYED] = write_keyed,
		[PARSE_CSV] = write_csv,
		[PARSE_REGEX] = write_regex,
		[PARSE_FIXED] = write_fixed,
		[PARSE_NMEA] = write_nmea,
		[PARSE_OBIS] = write_obis,
	};
	struct draft d = { .u = u, .out = out };

	unit_refresh(u, true);
	if (u->answer)
		write_answer(&d);
	else
		writers[u->tmpl->parse.format](&d);
	*garble_at = d.garble_at;
}
