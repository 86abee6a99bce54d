#include "labels/furniture.h"

#include "labels/font.h"

#include <cairo.h>

#define RULER 100.0
#define HAIR 0.1
#define SMALL 2.4
#define EDGE 6.0 /* mm that printers leave white */

static void
line(cairo_t *cr, double x, double y, double dx, double dy)
{
	cairo_move_to(cr, x, y);
	cairo_rel_line_to(cr, dx, dy);
}

static void
stroke(cairo_t *cr)
{
	cairo_set_source_rgb(cr, 0, 0, 0);
	cairo_set_line_width(cr, HAIR);
	cairo_stroke(cr);
}

/* A line of 100 mm with a mark every 10, right or down. */
static void
ruler(cairo_t *cr, double x, double y, bool down)
{
	line(cr, x, y, down ? 0 : RULER, down ? RULER : 0);
	for (int i = 0; i <= 10; i++) {
		double at = i * RULER / 10, tick = i % 10 ? 0.8 : 1.8;

		if (down)
			line(cr, x - tick, y + at, 2 * tick, 0);
		else
			line(cr, x + at, y - tick, 0, 2 * tick);
	}
	stroke(cr);
}

static void
text(cairo_t *cr, double x, double y, double size, const char *s)
{
	cairo_set_source_rgb(cr, 0, 0, 0);
	cairo_move_to(cr, x, y);
	font_show(cr, FONT_PLAIN, size, s);
}

void
furniture_foot(void *cairo, const struct stock *s)
{
	struct pair paper = stock_paper(s);
	double last = s->margin.y + (s->rows - 1) * s->pitch.y + s->label.y;
	double y = paper.y - EDGE;

	if (y - 2 < last) {
		if (s->margin.y < EDGE + 2)
			return;
		y = EDGE;
	}
	ruler(cairo, EDGE + 4, y, false);
	text(cairo, EDGE + 4 + RULER + 4, y + SMALL / 3, SMALL,
	    "Print at 100 %: this line is 100 mm long.");
}

void
furniture_border(void *cairo, const struct stock *s, struct pair at)
{
	cairo_rectangle(cairo, at.x, at.y, s->label.x, s->label.y);
	stroke(cairo);
}

static void
crosses(cairo_t *cr, const struct sheet *s)
{
	const double arm = 2;
	const struct stock *k = s->stock;

	for (int i = 0; i < k->cols * 2 * k->rows * 2; i++) {
		int col = i % (k->cols * 2), row = i / (k->cols * 2);
		int cell_x = col / 2, cell_y = row / 2;
		double x = k->margin.x + cell_x * k->pitch.x +
		    (col % 2 ? k->label.x : 0);
		double y = k->margin.y + cell_y * k->pitch.y +
		    (row % 2 ? k->label.y : 0);

		line(cr, x - arm, y, 2 * arm, 0);
		line(cr, x, y - arm, 0, 2 * arm);
	}
	stroke(cr);
}

void
furniture_test(void *cairo, const struct sheet *s)
{
	static const char *const what[] = {
		"Test page: print it on plain paper, at 100 %",
		"(\"actual size\"), and hold it against the light",
		"with a sheet of labels behind it.",
		"",
		"The crosses are the corners of the labels.",
		"Are they 1.5 mm too far left and 0.8 mm too",
		"low?  Then give --offset 1.5,-0.8.",
		"",
		"Are the rulers 98.5 mm long and 99 mm high?",
		"Then give --scale 101.52,101.01, which is",
		"100 x 100 / what you measure.  Do it first.",
		"",
		"With --printer NAME both are remembered.",
	};
	struct pair paper = stock_paper(s->stock);
	const double x = paper.x / 2 - 50, y = paper.y / 2 - 50;

	crosses(cairo, s);
	ruler(cairo, x, y, false);
	ruler(cairo, x, y, true);
	cairo_set_source_rgb(cairo, 1, 1, 1);
	cairo_rectangle(cairo, x + 7, y + 7, 90, 70);
	cairo_fill(cairo);
	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		text(cairo, x + 10, y + 15 + (double)i * 4.6, 3.4, what[i]);
}
