/* [frame]: where a message of a text device starts and ends. */
#include "common/mem.h"
#include "config/tmpl_draft.h"
#include "config/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MAX_MS = 10000, LENGTH_MAX = 4096, ENDS_MAX = 8 };

static void
bad_end(struct draft *d, const char *what)
{
	note_error(d->notes, draft_place(d, "frame", "end"), "%s", what);
	ini_find(draft_section(d, "frame"), "end")->bad = true;
}

static void
add_end(struct frame *f, struct bytes end)
{
	if (!f->end.data) {
		f->end = end;
		return;
	}
	f->ends = mem_resize(f->ends, f->n_ends + 1, sizeof(end));
	f->ends[f->n_ends++] = end;
}

/* One of `\r\n|\x03|idle:20ms`.  The last is another way to write
 * `idle = 20ms`. */
static bool
take_end(struct draft *d, const char *text)
{
	struct frame *f = &d->t.frame;
	struct bytes end = { 0 };

	if (strncmp(text, "idle:", 5) == 0) {
		if (value_duration(text + 5, &f->idle_ms) == OK &&
		    f->idle_ms >= 1 && f->idle_ms <= IDLE_MAX_MS)
			return true;
		bad_end(d,
		    "end must be bytes, or idle: and a time from 1ms to 10s");
		return false;
	}
	if (value_bytes(text, &end.data, &end.len) == OK && end.len > 0 &&
	    f->n_ends < ENDS_MAX) {
		add_end(f, end);
		return true;
	}
	free(end.data);
	if (f->n_ends == ENDS_MAX)
		bad_end(d, "end has too many alternatives");
	else if (text[0])
		bad_end(d,
		    "end has an unknown escape (known: \\r \\n \\t \\0 \\\\ "
		    "\\\" \\xHH)");
	else
		bad_end(d,
		    "end has an empty alternative (a '|' that belongs to it is "
		    "written \\x7c)");
	return false;
}

static void
take_ends(struct draft *d)
{
	char *bar, *text = d->end;

	while (text) {
		bar = strchr(text, '|');
		if (bar)
			*bar++ = '\0';
		if (!take_end(d, text))
			return;
		text = bar;
	}
}

/* `2`, `2+5` or `2-1`. */
static bool
length_at(struct frame *f, const char *text)
{
	size_t n = strspn(text, "0123456789");
	char *at = mem_strndup(text, n);
	bool good = n > 0 && value_int(at, &f->length_at) == OK &&
	    f->length_at < LENGTH_MAX;

	free(at);
	text += n;
	if (!good ||
	    (text[0] &&
		(!strchr("+-", text[0]) || !isdigit((unsigned char)text[1]))))
		return false;
	f->has_length_at = true;
	return !text[0] ||
	    (value_int(text, &f->length_add) == OK &&
		f->length_add <= LENGTH_MAX && f->length_add >= -LENGTH_MAX);
}

static void
take_length(struct draft *d)
{
	struct frame *f = &d->t.frame;
	bool good;

	if (!d->length)
		return;
	if (strncmp(d->length, "byte@", 5) == 0)
		good = length_at(f, d->length + 5);
	else
		good = value_int(d->length, &f->length) == OK &&
		    f->length >= 0 && f->length <= LENGTH_MAX;
	if (good)
		return;
	note_error(d->notes, draft_place(d, "frame", "length"),
	    "length must be a number from 0 to 4096, or as byte@2+5, not "
	    "\"%s\"",
	    d->length);
	ini_find(draft_section(d, "frame"), "length")->bad = true;
}

static void
check_mode(struct draft *d)
{
	const struct frame *f = &d->t.frame;
	struct ini_section *s = draft_section(d, "frame");

	if (f->mode == FRAME_POLL && !ini_find(s, "request"))
		note_error(
		    d->notes, ini_place(s, NULL), "mode = poll needs request");
	if (f->mode != FRAME_POLL && ini_find(s, "request"))
		note_error(d->notes, draft_place(d, "frame", "request"),
		    "request belongs to mode = poll");
}

void
tmpl_take_frame(struct draft *d)
{
	const struct frame *f = &d->t.frame;
	struct ini_section *s = draft_section(d, "frame");
	const struct ini_item *length = ini_find(s, "length");
	bool ends;

	if (d->end)
		take_ends(d);
	take_length(d);
	ends = d->end || f->idle_ms || f->length || f->has_length_at ||
	    (length && length->bad);
	if (s->bad || !draft_given(d, "frame", "mode"))
		return;
	check_mode(d);
	if (!ends)
		note_error(d->notes, ini_place(s, NULL),
		    "nothing says where a message ends (end, length or idle)");
	if (f->length > f->max || (f->has_length_at && f->length_at >= f->max))
		note_error(d->notes, draft_place(d, "frame", "length"),
		    "length is more than max");
}
