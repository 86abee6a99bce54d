#include "labels/stock.h"

#include "common/buf.h"
#include "common/mem.h"
#include "config/keys.h"
#include "config/save.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHIPPED TB_DATADIR "/labels.ini"
#define OWN "/etc/thingbridge/labels.ini"

enum { LABEL_MIN = 5, LABEL_MAX = 500, CELLS_MAX = 100, DOTS_MAX = 8192 };

/* A section as it is written. */
struct raw {
	char *about, *same, *label, *cells, *margin, *pitch, *dots;
	int page;
	int64_t dpi;
	bool turned, code_only;
};

#define K(member) offsetof(struct raw, member)
static const struct key stock_keys[] = {
	{ .name = "page",
	    .type = KEY_ENUM,
	    .offset = K(page),
	    .words = "a4|letter|roll",
	    .required = true },
	{ .name = "label", .offset = K(label), .required = true },
	{ .name = "about", .offset = K(about) },
	{ .name = "same_as", .offset = K(same) },
	{ .name = "cells", .offset = K(cells) },
	{ .name = "margin", .offset = K(margin) },
	{ .name = "pitch", .offset = K(pitch) },
	{ .name = "dpi",
	    .type = KEY_INT,
	    .offset = K(dpi),
	    .def = "300",
	    .min = 72,
	    .max = 1200 },
	{ .name = "dots", .offset = K(dots) },
	{ .name = "turned", .type = KEY_BOOL, .offset = K(turned) },
	{ .name = "code_only", .type = KEY_BOOL, .offset = K(code_only) },
	{ 0 },
};

static const struct section stock_section = {
	.name = "stock",
	.named = true,
	.keys = stock_keys,
	.size = sizeof(struct raw),
};

static const struct schema schema = { &stock_section, 1 };

/* strtod alone would take the 0x of "0x5" for the start of a hexadecimal. */
static const char *
plain_number(const char *s, double *out)
{
	char copy[24], *end;
	size_t n = strspn(s, "+-.0123456789");

	if (n == 0 || n >= sizeof(copy))
		return NULL;
	memcpy(copy, s, n);
	copy[n] = '\0';
	*out = strtod(copy, &end);
	return *end ? NULL : s + n;
}

bool
pair_parse(const char *s, char between, struct pair *out)
{
	s = plain_number(s, &out->x);
	if (!s || *s != between)
		return false;
	s = plain_number(s + 1, &out->y);
	return s && *s == '\0';
}

/* One pair of a section: where it stands and what it may be. */
struct slot {
	const char *key, *text;
	double min, max;
	struct pair *to;
	bool whole;
};

static bool
whole(double v)
{
	return floor(v) >= v;
}

static bool
within(const struct slot *s, double v)
{
	return v >= s->min && v <= s->max && (!s->whole || whole(v));
}

static void
read_pair(
    const struct slot *s, const struct ini_section *in, struct notes *notes)
{
	if (s->text && pair_parse(s->text, 'x', s->to) && within(s, s->to->x) &&
	    within(s, s->to->y))
		return;
	note_error(notes, ini_place(in, ini_find(in, s->key)),
	    "%s is two %s from %g to %g with an x between them, as %s", s->key,
	    s->whole ? "whole numbers" : "numbers in mm", s->min, s->max,
	    s->whole ? "3x7" : "63.5x38.1");
}

/* A label beyond the paper's edge is a slip in one of the numbers. */
static void
check_paper(
    const struct stock *s, const struct ini_section *in, struct notes *notes)
{
	const double slack = 1; /* mm: full-bleed sheets round up */
	struct pair paper = stock_paper(s);

	if (s->pitch.x < s->label.x || s->pitch.y < s->label.y)
		note_error(notes, ini_place(in, ini_find(in, "pitch")),
		    "the pitch is less than the label: labels would overlap");
	if (s->margin.x + (s->cols - 1) * s->pitch.x + s->label.x >
		paper.x + slack ||
	    s->margin.y + (s->rows - 1) * s->pitch.y + s->label.y >
		paper.y + slack)
		note_error(notes, ini_place(in, NULL),
		    "%dx%d such labels do not fit on %gx%g mm", s->cols,
		    s->rows, paper.x, paper.y);
}

static void
fill_sheet(const struct raw *r, const struct ini_section *in, struct stock *s,
    struct notes *notes)
{
	struct pair cells = { 0, 0 };
	const struct slot slots[] = {
		{ "cells", r->cells, 1, CELLS_MAX, &cells, true },
		{ "margin", r->margin, 0, LABEL_MAX, &s->margin, false },
		{ "pitch", r->pitch, LABEL_MIN, LABEL_MAX, &s->pitch, false },
	};
	size_t before = notes->errors;

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		read_pair(&slots[i], in, notes);
	s->cols = (int)cells.x;
	s->rows = (int)cells.y;
	if (notes->errors == before)
		check_paper(s, in, notes);
}

static void
fill_roll(const struct raw *r, const struct ini_section *in, struct stock *s,
    struct notes *notes)
{
	struct pair dots = { 0, 0 };
	const struct slot slot = { "dots", r->dots, 8, DOTS_MAX, &dots, true };

	if (r->dots)
		read_pair(&slot, in, notes);
	s->dots_x = (int)dots.x;
	s->dots_y = (int)dots.y;
}

static void
fill(const struct raw *r, const struct ini_section *in, struct stock *s,
    struct notes *notes)
{
	const struct slot label = { "label", r->label, LABEL_MIN, LABEL_MAX,
		&s->label, false };
	size_t before = notes->errors;

	*s = (struct stock){
		.id = mem_strdup(in->id),
		.about = mem_strdup(r->about ? r->about : ""),
		.same = mem_strdup(r->same ? r->same : ""),
		.page = (enum stock_page)r->page,
		.dpi = (double)r->dpi,
		.turned = r->turned,
		.code_only = r->code_only,
	};
	read_pair(&label, in, notes);
	if (notes->errors > before)
		return;
	if (s->page == STOCK_ROLL)
		fill_roll(r, in, s, notes);
	else
		fill_sheet(r, in, s, notes);
}

static void
read_section(const struct section *sec, struct ini_section *in,
    struct stocks *out, struct notes *notes)
{
	struct raw r = { 0 };

	keys_init(sec, &r);
	keys_fill(&schema, sec, in, &r, SECRETS_FORM, notes);
	/* What is required and missing has been noted already. */
	if (ini_find(in, "label") && ini_find(in, "page")) {
		out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
		fill(&r, in, &out->v[out->n++], notes);
	}
	keys_fini(sec, &r);
}

enum err
stocks_read(const char *file, const char *data, size_t len, struct stocks *out,
    struct notes *notes)
{
	struct ini ini = { 0 };
	const struct section **which;

	ini_read(&ini, file, data, len, notes);
	ini_repeats(&ini, notes);
	which = mem_array(ini.n + 1, sizeof(struct section *));
	keys_match(&schema, &ini, which, notes);
	for (size_t i = 0; i < ini.n; i++)
		if (which[i] && !ini.sections[i].repeated)
			read_section(which[i], &ini.sections[i], out, notes);
	free(which);
	ini_fini(&ini);
	return notes->errors ? ERR_CONFIG : OK;
}

static enum err
load_file(const char *path, bool must, struct stocks *out, struct notes *notes)
{
	struct buf text = { 0 };
	struct errbuf eb = { "" };
	bool there = false;
	enum err e = save_read(path, &text, &there, &eb);

	if (e != OK)
		fprintf(stderr, "thinglabels: %s\n", eb.text);
	else if (there)
		e = stocks_read(
		    path, text.data ? text.data : "", text.len, out, notes);
	else if (must) {
		e = ERR_IO;
		fprintf(stderr, "thinglabels: there is no table of labels %s\n",
		    path);
	}
	buf_fini(&text);
	return e;
}

enum err
stocks_load(const char *own, struct stocks *out)
{
	const char *shipped =
	    getenv("THINGBRIDGE_LABELS"); /* NOLINT(concurrency-mt-unsafe) */
	struct buf text = { 0 };
	struct notes notes = { .out = &text };
	enum err e;

	memset(out, 0, sizeof(*out));
	e = load_file(shipped ? shipped : SHIPPED, true, out, &notes);
	if (e == OK)
		e = load_file(own ? own : OWN, own != NULL, out, &notes);
	if (text.len)
		fwrite(text.data, 1, text.len, stderr);
	buf_fini(&text);
	return e;
}

void
stocks_fini(struct stocks *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].id);
		free(s->v[i].about);
		free(s->v[i].same);
	}
	free(s->v);
	memset(s, 0, sizeof(*s));
}

static bool
is_called(const struct stock *s, const char *id)
{
	size_t len = strlen(id);

	if (strcmp(s->id, id) == 0)
		return true;
	for (const char *p = s->same; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		if (n == len && memcmp(p, id, n) == 0)
			return true;
		p += n;
	}
	return false;
}

const struct stock *
stocks_find(const struct stocks *s, const char *id)
{
	for (size_t i = s->n; i-- > 0;)
		if (is_called(&s->v[i], id))
			return &s->v[i];
	return NULL;
}

void
stocks_list(const struct stocks *s, FILE *out)
{
	static const char *const papers[] = { "A4", "Letter", "roll" };

	for (size_t i = 0; i < s->n; i++) {
		const struct stock *k = &s->v[i];
		char *size = mem_printf("%gx%g", k->label.x, k->label.y);
		char *cells = k->page == STOCK_ROLL
		    ? mem_printf("%g dpi", k->dpi)
		    : mem_printf("%dx%d", k->cols, k->rows);

		if (stocks_find(s, k->id) == k)
			fprintf(out, "%-14s %-6s %-10s %-7s  %s%s%s%s\n", k->id,
			    papers[k->page], size, cells, k->about,
			    *k->same ? " (" : "", k->same, *k->same ? ")" : "");
		free(size);
		free(cells);
	}
}

struct pair
stock_paper(const struct stock *s)
{
	static const struct pair papers[] = {
		[STOCK_A4] = { 210, 297 },
		[STOCK_LETTER] = { 215.9, 279.4 },
	};

	return s->page == STOCK_ROLL ? s->label : papers[s->page];
}
