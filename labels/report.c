#include "labels/report.h"

#include "common/mem.h"
#include "labels/layout.h"
#include "labels/page.h"

#include <cairo-pdf.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_PER_MM (72 / 25.4)
#define PAD 1.3   /* of a cell, in mm */
#define GAP 9.0   /* between parts */
#define CODE 32.0 /* a QR code's side */

enum { COLUMNS_MAX = 12 };

static const struct type title = { FONT_BOLD, 7.5, INK_ACCENT };
static const struct type subtitle = { FONT_PLAIN, 4.0, INK_SOFT };
static const struct type heading = { FONT_BOLD, 4.2, INK_ACCENT };
static const struct type column_type = { FONT_BOLD, 2.5, INK_SOFT };
static const struct type body = { FONT_PLAIN, 3.0, INK_TEXT };
static const struct type strong = { FONT_BOLD, 3.0, INK_TEXT };
static const struct type soft = { FONT_PLAIN, 2.6, INK_SOFT };
static const struct type mono = { FONT_MONO, 3.0, INK_TEXT };

static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static const char *
text_at(const json_t *a, size_t i)
{
	const char *s = json_string_value(json_array_get(a, i));

	return s ? s : "";
}

/* paragraph writes text across the page. */
static void
paragraph(struct page *p, const struct type *t, double indent, const char *text)
{
	struct block b = { t, t, PAGE_LEFT + indent, PAGE_WIDTH - indent, false,
		text };

	page_need(p, page_block(p, &b, 0, false));
	p->y += page_block(p, &b, p->y, true);
}

static void
opening(struct page *p, const json_t *root)
{
	p->y += 4;
	page_put(p, &title, PAGE_LEFT, p->y, text_of(root, "title"));
	p->y += 2;
	paragraph(p, &subtitle, 0, text_of(root, "subtitle"));
	p->y += 3.5;
	page_fill(p, INK_ACCENT, PAGE_LEFT, p->y, PAGE_WIDTH, 0.7);
	p->y += 2;
}

/* The facts: names in a narrow column, values beside them. */
static void
facts(struct page *p, const json_t *a)
{
	static const double names = 38;
	const json_t *fact;
	size_t i;

	json_array_foreach(a, i, fact)
	{
		struct block b = { &body, &soft, PAGE_LEFT + names,
			PAGE_WIDTH - names, false, text_at(fact, 1) };
		double h = page_block(p, &b, 0, false);

		page_need(p, h);
		page_put(p, &soft, PAGE_LEFT, p->y + body.size * PAGE_LEAD,
		    text_at(fact, 0));
		p->y += page_block(p, &b, p->y, true) + 0.6;
	}
}

static void
steps(struct page *p, const json_t *a)
{
	static const double indent = 8;

	for (size_t i = 0; i < json_array_size(a); i++) {
		struct block b = { &body, &soft, PAGE_LEFT + indent,
			PAGE_WIDTH - indent, false, text_at(a, i) };
		char *number = mem_printf("%zu", i + 1);

		page_need(p, page_block(p, &b, 0, false));
		page_put(p, &heading, PAGE_LEFT, p->y + body.size * PAGE_LEAD,
		    number);
		p->y += page_block(p, &b, p->y, true) + 1.6;
		free(number);
	}
}

/* One column of a table. */
struct column {
	const char *title;
	double x, w;
	bool right;
};

static size_t
columns_of(const json_t *a, struct column *out)
{
	double x = PAGE_LEFT;
	size_t n =
	    json_array_size(a) < COLUMNS_MAX ? json_array_size(a) : COLUMNS_MAX;

	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(a, i);

		out[i].title = text_of(o, "title");
		out[i].x = x;
		out[i].w = json_number_value(json_object_get(o, "width"));
		out[i].right = json_is_true(json_object_get(o, "right"));
		x += out[i].w;
	}
	return n;
}

static void
column_titles(struct page *p, const struct column *c, size_t n)
{
	p->y += column_type.size * PAGE_LEAD;
	for (size_t i = 0; i < n; i++) {
		if (c[i].right)
			page_put_right(p, &column_type, c[i].x + c[i].w - PAD,
			    p->y, c[i].title);
		else
			page_put(
			    p, &column_type, c[i].x + PAD, p->y, c[i].title);
	}
	p->y += PAD;
	page_fill(p, INK_ACCENT, PAGE_LEFT, p->y, PAGE_WIDTH, 0.3);
	p->y += 0.3;
}

/* cells writes a row from y on, or measures it; the first column is strong. */
static double
cells(struct page *p, const struct column *c, size_t n, const json_t *row,
    bool draw)
{
	double high = 0;

	for (size_t i = 0; i < n; i++) {
		struct block b = { i ? &body : &strong, &soft, c[i].x + PAD,
			c[i].w - 2 * PAD, c[i].right, text_at(row, i) };
		double h = page_block(p, &b, p->y + PAD - 0.6, draw);

		if (h > high)
			high = h;
	}
	return high + 2 * PAD;
}

static void
table(struct page *p, const json_t *part)
{
	const json_t *rows = json_object_get(part, "rows"), *row;
	struct column c[COLUMNS_MAX];
	size_t n = columns_of(json_object_get(part, "columns"), c), i;

	if (n == 0)
		return;
	column_titles(p, c, n);
	json_array_foreach(rows, i, row)
	{
		double h = cells(p, c, n, row, false);

		if (page_need(p, h))
			column_titles(p, c, n);
		if (i % 2)
			page_fill(
			    p, INK_STRIPE, PAGE_LEFT, p->y, PAGE_WIDTH, h);
		cells(p, c, n, row, true);
		p->y += h;
	}
	page_fill(p, INK_RULE, PAGE_LEFT, p->y, PAGE_WIDTH, 0.2);
}

/* What a QR code is of, as it stands beside it. */
struct caption {
	char *text, *key;
};

/* A KEY is divided between two lines, and between groups. */
static struct caption
caption_of(const json_t *o)
{
	static const size_t half = 4 * 5 - 1;
	const char *place = text_of(o, "place"), *sn = text_of(o, "sn");
	struct caption c = {
		.text = mem_printf("%s\n%s%s%s%s%s", text_of(o, "name"), place,
		    *place ? "\n" : "", text_of(o, "node"), *sn ? " · SN " : "",
		    sn),
		.key = layout_key(text_of(o, "key")),
	};

	if (strlen(c.key) > half)
		c.key[half] = '\n';
	return c;
}

/* caption writes it from x and the page's y on, or measures it. */
static double
caption(struct page *p, const json_t *o, double x, bool draw)
{
	struct caption c = caption_of(o);
	struct block b = { &strong, &soft, x, PAGE_WIDTH / 2 - CODE - 3, false,
		c.text };
	double h = 2;

	h += page_block(p, &b, p->y + h, draw) + 1;
	b = (struct block){ &mono, &mono, b.x, b.w, false, c.key };
	h += page_block(p, &b, p->y + h, draw);
	free(c.text);
	mem_free_secret(c.key);
	return h;
}

static enum err
one_code(struct page *p, const json_t *o, double x, struct errbuf *eb)
{
	struct code_square sq = { .mm = CODE, .dot = 0 };
	struct code c = { 0 };
	enum err e = code_choose(text_of(o, "text"), &sq, &c, eb);

	if (e == OK) {
		page_code(p, &c, x, p->y, CODE);
		caption(p, o, x + CODE + 1, true);
	}
	code_fini(&c);
	return e;
}

/* The QR codes, two in a row. */
static enum err
codes(struct page *p, const json_t *a, struct errbuf *eb)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < json_array_size(a); i += 2) {
		double high = CODE;

		for (size_t k = i; k < i + 2; k++) {
			double h = caption(p, json_array_get(a, k), 0, false);

			if (h > high)
				high = h;
		}
		page_need(p, high);
		for (size_t k = i; k < i + 2 && k < json_array_size(a); k++) {
			double x = PAGE_LEFT + (k == i ? 0 : PAGE_WIDTH / 2);

			if (e == OK)
				e = one_code(p, json_array_get(a, k), x, eb);
		}
		p->y += high + 3;
	}
	return e;
}

/* Lines to sign on, side by side. */
static void
signatures(struct page *p, const json_t *a)
{
	static const double room = 30;
	size_t n = json_array_size(a);
	double w = PAGE_WIDTH / (double)(n ? n : 1);

	if (n == 0)
		return;
	page_need(p, room);
	p->y += room - 6;
	for (size_t i = 0; i < n; i++) {
		double x = PAGE_LEFT + (double)i * w;

		page_fill(p, INK_SOFT, x, p->y, w - 8, 0.2);
		page_put(p, &soft, x, p->y + 4, text_at(a, i));
	}
	p->y += 6;
}

static enum err
one_part(struct page *p, const json_t *part, struct errbuf *eb)
{
	static const double least = 24; /* of what follows a heading */

	p->y += GAP;
	if (json_is_true(json_object_get(part, "page")) ||
	    p->y + heading.size + least > PAGE_BOTTOM) {
		page_next(p);
		p->y += heading.size;
	}
	page_put(p, &heading, PAGE_LEFT, p->y, text_of(part, "title"));
	p->y += 1.5;
	paragraph(p, &body, 0, text_of(part, "text"));
	p->y += 1;
	steps(p, json_object_get(part, "steps"));
	table(p, part);
	signatures(p, json_object_get(part, "sign"));
	return codes(p, json_object_get(part, "codes"), eb);
}

static enum err
document(struct page *p, const json_t *root, struct errbuf *eb)
{
	const json_t *part;
	enum err e = OK;
	size_t i;

	page_next(p);
	opening(p, root);
	facts(p, json_object_get(root, "facts"));
	json_array_foreach(json_object_get(root, "parts"), i, part)
	{
		if (e == OK)
			e = one_part(p, part, eb);
	}
	cairo_show_page(p->cr);
	return e;
}

static cairo_status_t
collect(void *arg, const unsigned char *data, unsigned len)
{
	buf_add(arg, data, len);
	return CAIRO_STATUS_SUCCESS;
}

/* draw writes the document; with of == 0, to count the pages. */
static enum err
draw(struct page *p, const json_t *root, struct buf *out, struct errbuf *eb)
{
	cairo_surface_t *sf = cairo_pdf_surface_create_for_stream(
	    collect, out, PAGE_W * POINTS_PER_MM, PAGE_H * POINTS_PER_MM);
	cairo_status_t st;
	enum err e;

	p->n = 0;
	p->cr = cairo_create(sf);
	cairo_scale(p->cr, POINTS_PER_MM, POINTS_PER_MM);
	cairo_pdf_surface_set_metadata(
	    sf, CAIRO_PDF_METADATA_TITLE, text_of(root, "title"));
	e = document(p, root, eb);
	st = cairo_status(p->cr);
	cairo_destroy(p->cr);
	cairo_surface_finish(sf);
	if (st == CAIRO_STATUS_SUCCESS)
		st = cairo_surface_status(sf);
	cairo_surface_destroy(sf);
	if (e == OK && st != CAIRO_STATUS_SUCCESS)
		e = errbuf_set(
		    eb, ERR_IO, "cannot draw: %s", cairo_status_to_string(st));
	return e;
}

static enum err
draw_twice(const json_t *root, struct buf *out, int *missing, struct errbuf *eb)
{
	char *head = mem_printf(
	    "%s · %s", text_of(root, "title"), text_of(root, "subtitle"));
	struct page p = {
		.font = font_open(),
		.frame = { text_of(root, "notice"), head,
		    text_of(root, "foot") },
		.missing = missing,
	};
	struct buf trial = { 0 };
	enum err e;

	*missing = 0;
	e = draw(&p, root, &trial, eb);
	mem_free_secret(buf_take(&trial));
	p.of = p.n;
	if (e == OK)
		e = draw(&p, root, out, eb);
	font_close(p.font);
	free(head);
	return e;
}

enum err
report_draw(const char *json, size_t len, struct buf *out, int *missing,
    struct errbuf *eb)
{
	json_t *root = json_loadb(json, len, 0, NULL);
	enum err e;

	if (json_is_object(root))
		e = draw_twice(root, out, missing, eb);
	else
		e = errbuf_set(
		    eb, ERR_PROTO, "the report is not a JSON object");
	json_decref(root);
	return e;
}
