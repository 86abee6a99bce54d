#include "labels/sticker.h"

#include <cairo.h>
#include <math.h>
#include <string.h>

enum err
sticker_make(const struct label *l, const struct room *room, struct font *font,
    struct sticker *out, struct errbuf *eb)
{
	struct code_square sq = { 0, room->dot, room->force };
	struct meter meter = { font_measure, font };
	enum err e;

	memset(out, 0, sizeof(*out));
	out->dot = room->dot;
	sq.mm = room->code_only ? fmin(room->w, room->h)
				: layout_code_side(l, room->w, room->h);
	if (*l->text && sq.mm > 0) {
		e = code_choose(l->text, &sq, &out->code, eb);
		if (e != OK)
			return e;
		out->module = code_module(&out->code, &sq);
		/* Whole modules leave a rest: the text gets it. */
		sq.mm = out->module * (out->code.width + 2 * CODE_QUIET);
	}
	if (room->code_only)
		layout_code(room->w, room->h, sq.mm, &out->lo);
	else
		layout_make(l, room->w, room->h, sq.mm, &meter, &out->lo);
	return OK;
}

void
sticker_fini(struct sticker *s)
{
	layout_fini(&s->lo);
	code_fini(&s->code);
}

/* snap takes a place to the dot before it. */
static double
snap(const struct sticker *s, double mm)
{
	return s->dot > 0 ? floor(mm / s->dot + 1e-6) * s->dot : mm;
}

/* One path of the runs of dark modules: neighbours that are drawn apart would
 * leave hairlines. */
static void
paint_code(const struct sticker *s, cairo_t *cr, double unit)
{
	const struct code *c = &s->code;
	double m = s->module / unit;
	double left = snap(s, s->lo.code_x) / unit + m * CODE_QUIET;
	double top = snap(s, s->lo.code_y) / unit + m * CODE_QUIET;

	for (int y = 0; y < c->width; y++) {
		for (int x = 0; x < c->width; x++) {
			int from = x;

			while (x < c->width && code_dark(c, x, y))
				x++;
			if (x > from)
				cairo_rectangle(cr, left + m * from,
				    top + m * y, m * (x - from), m);
		}
	}
	cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
	cairo_fill(cr);
	cairo_set_antialias(cr, CAIRO_ANTIALIAS_DEFAULT);
}

void
sticker_paint(const struct sticker *s, void *cairo, double unit)
{
	cairo_t *cr = cairo;

	cairo_set_source_rgb(cr, 0, 0, 0);
	if (s->code.dark)
		paint_code(s, cr, unit);
	for (size_t i = 0; i < s->lo.n; i++) {
		const struct line *ln = &s->lo.line[i];

		cairo_move_to(cr, ln->x / unit, snap(s, ln->y) / unit);
		font_show(cr, ln->face, ln->size / unit, ln->text);
	}
}
