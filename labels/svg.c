#include "labels/svg.h"

#include "common/utf8.h"
#include "labels/font.h"

#include <string.h>

/* Control characters were taken out when the label was read; noncharacters
 * that XML forbids are left out here. */
static void
escape(struct buf *out, const char *s)
{
	size_t left = strlen(s), n;
	uint32_t cp;

	for (; left && (n = utf8_next(s, left, &cp)) > 0; s += n, left -= n) {
		if (cp == '<')
			buf_puts(out, "&lt;");
		else if (cp == '>')
			buf_puts(out, "&gt;");
		else if (cp == '&')
			buf_puts(out, "&amp;");
		else if (cp == '"')
			buf_puts(out, "&quot;");
		else if (utf8_xml(cp))
			buf_add(out, s, n);
	}
}

/* One sub-path a run of dark modules: neighbours drawn apart would leave
 * hairlines. */
static void
path(struct buf *out, const struct code *c)
{
	for (int y = 0; y < c->width; y++) {
		for (int x = 0; x < c->width; x++) {
			int from = x;

			while (x < c->width && code_dark(c, x, y))
				x++;
			if (x > from)
				buf_printf(out, "M%d %dh%dv1h-%dz", from, y,
				    x - from, x - from);
		}
	}
}

static void
draw_code(struct buf *out, const struct layout *lo, const struct code *c)
{
	struct code_square sq = { .mm = lo->code_side };
	double m = code_module(c, &sq);

	buf_printf(out,
	    "<path transform=\"translate(%.4f %.4f) scale(%.6f)\" "
	    "shape-rendering=\"crispEdges\" fill=\"#000\" d=\"",
	    lo->code_x + m * CODE_QUIET, lo->code_y + m * CODE_QUIET, m);
	path(out, c);
	buf_puts(out, "\"/>\n");
}

static void
draw_line(struct buf *out, const struct line *ln)
{
	buf_printf(out,
	    "<text x=\"%.3f\" y=\"%.3f\" font-family=\"%s, %s\" "
	    "font-size=\"%.3f\"%s textLength=\"%.3f\" "
	    "lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">",
	    ln->x, ln->y, font_family(ln->face),
	    ln->face == FONT_MONO ? "monospace" : "sans-serif", ln->size,
	    ln->face == FONT_PLAIN ? "" : " font-weight=\"bold\"", ln->width);
	escape(out, ln->text);
	buf_puts(out, "</text>\n");
}

void
svg_draw(const struct layout *lo, const struct code *c, struct buf *out)
{
	buf_printf(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%gmm\" "
	    "height=\"%gmm\" viewBox=\"0 0 %g %g\">\n"
	    "<rect width=\"%g\" height=\"%g\" fill=\"#fff\"/>\n",
	    lo->w, lo->h, lo->w, lo->h, lo->w, lo->h);
	if (c)
		draw_code(out, lo, c);
	for (size_t i = 0; i < lo->n; i++)
		draw_line(out, &lo->line[i]);
	buf_puts(out, "</svg>\n");
}
