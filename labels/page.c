#include "labels/page.h"

#include "common/mem.h"

#include <cairo.h>
#include <stdlib.h>
#include <string.h>

static const double inks[][3] = {
	[INK_TEXT] = { 0.08, 0.10, 0.12 },
	[INK_SOFT] = { 0.36, 0.40, 0.44 },
	[INK_ACCENT] = { 0.05, 0.32, 0.42 },
	[INK_ALARM] = { 0.70, 0.09, 0.07 },
	[INK_RULE] = { 0.75, 0.79, 0.82 },
	[INK_STRIPE] = { 0.95, 0.965, 0.975 },
};

static const struct type small = { FONT_PLAIN, 2.6, INK_SOFT };
static const struct type alarm = { FONT_BOLD, 3.0, INK_ALARM };

static void
set_ink(struct page *p, enum ink ink)
{
	cairo_set_source_rgb(p->cr, inks[ink][0], inks[ink][1], inks[ink][2]);
}

double
page_width(struct page *p, const struct type *t, const char *text)
{
	return font_measure(p->font, t->face, t->size, text);
}

void
page_put(
    struct page *p, const struct type *t, double x, double y, const char *text)
{
	if (p->of == 0)
		*p->missing += font_missing(p->font, t->face, text);
	set_ink(p, t->ink);
	cairo_move_to(p->cr, x, y);
	font_show(p->cr, t->face, t->size, text);
}

void
page_put_right(
    struct page *p, const struct type *t, double x, double y, const char *text)
{
	page_put(p, t, x - page_width(p, t, text), y, text);
}

void
page_fill(struct page *p, enum ink ink, double x, double y, double w, double h)
{
	set_ink(p, ink);
	cairo_rectangle(p->cr, x, y, w, h);
	cairo_fill(p->cr);
}

static void
frame(struct page *p)
{
	const struct page_frame *f = &p->frame;
	char *number = mem_printf("page %d of %d", p->n, p->of);
	double foot = PAGE_BOTTOM + 8;

	page_fill(p, INK_RULE, PAGE_LEFT, foot - 4, PAGE_WIDTH, 0.2);
	page_put(p, &small, PAGE_LEFT, foot, f->foot);
	page_put_right(p, &small, PAGE_LEFT + PAGE_WIDTH, foot, number);
	free(number);
	if (p->n > 1) {
		page_put(p, &small, PAGE_LEFT, p->y, f->head);
		p->y += 6;
	}
	if (*f->notice) {
		const struct block b = { &alarm, &alarm, PAGE_LEFT, PAGE_WIDTH,
			false, f->notice };

		p->y += page_block(p, &b, p->y - alarm.size, true) + 4;
	}
}

void
page_next(struct page *p)
{
	if (p->n)
		cairo_show_page(p->cr);
	p->n++;
	p->y = PAGE_TOP;
	frame(p);
}

bool
page_need(struct page *p, double mm)
{
	if (p->y + mm <= PAGE_BOTTOM)
		return false;
	page_next(p);
	return true;
}

static size_t
char_len(const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static bool
fits(struct page *p, const struct type *t, const char *s, size_t len, double w)
{
	char *part = mem_printf("%.*s", (int)len, s);
	bool yes = page_width(p, t, part) <= w;

	free(part);
	return yes;
}

/* How much of s, which is not empty, goes on a line: whole words, or of a word
 * that is wider the characters that there is room for. */
static size_t
line_len(struct page *p, const struct type *t, const char *s, double w)
{
	size_t len = 0, good = 0;

	while (s[len] && s[len] != '\n') {
		len += strcspn(s + len, " \n");
		if (!fits(p, t, s, len, w))
			break;
		good = len;
		len += strspn(s + len, " ");
	}
	if (good)
		return good;
	good = char_len(s);
	while (s[good] && s[good] != '\n' &&
	    fits(p, t, s, good + char_len(s + good), w))
		good += char_len(s + good);
	return good;
}

double
page_block(struct page *p, const struct block *b, double y, bool draw)
{
	const struct type *t = b->first;
	const char *s = b->text;
	double top = y;

	if (*s == '\n') {
		t = b->rest;
		s++;
	}
	while (*s) {
		size_t len = *s == '\n' ? 0 : line_len(p, t, s, b->w);
		char *line = mem_printf("%.*s", (int)len, s);

		y += (y > top ? t : b->first)->size * PAGE_LEAD;
		if (draw && b->right)
			page_put_right(p, t, b->x + b->w, y, line);
		else if (draw)
			page_put(p, t, b->x, y, line);
		free(line);
		s += len;
		if (*s == '\n') {
			t = b->rest;
			s++;
		} else {
			s += strspn(s, " ");
		}
	}
	return y - top;
}

void
page_code(struct page *p, const struct code *c, double x, double y, double side)
{
	double m = side / (c->width + 2 * CODE_QUIET);

	set_ink(p, INK_TEXT);
	for (int row = 0; row < c->width; row++)
		for (int col = 0; col < c->width; col++)
			if (code_dark(c, col, row))
				cairo_rectangle(p->cr,
				    x + m * (col + CODE_QUIET),
				    y + m * (row + CODE_QUIET), m, m);
	cairo_fill(p->cr);
}
