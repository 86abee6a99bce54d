#include "labels/font.h"

#include "common/mem.h"

#include <pango/pangocairo.h>
#include <stdlib.h>

/* DejaVu tells 0 from O and 1 from I, and has Latin, Greek and Cyrillic.  Pango
 * takes other fonts for what it lacks, joins Arabic letters and turns what is
 * written from right to left. */
static const struct {
	const char *family;
	PangoWeight weight;
} faces[] = {
	[FONT_PLAIN] = { "DejaVu Sans", PANGO_WEIGHT_NORMAL },
	[FONT_BOLD] = { "DejaVu Sans", PANGO_WEIGHT_BOLD },
	[FONT_MONO] = { "DejaVu Sans Mono", PANGO_WEIGHT_BOLD },
};

/* Text is measured at this size and scaled: hinting would make a small size
 * another width. */
#define MEASURE 100.0

struct font {
	cairo_surface_t *surface;
	cairo_t *cr;
};

struct font *
font_open(void)
{
	struct font *f = mem_zalloc(sizeof(*f));

	f->surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
	f->cr = cairo_create(f->surface);
	return f;
}

void
font_close(struct font *f)
{
	if (!f)
		return;
	cairo_destroy(f->cr);
	cairo_surface_destroy(f->surface);
	free(f);
}

const char *
font_family(enum font_face face)
{
	return faces[face].family;
}

static void
plain_options(PangoContext *ctx)
{
	cairo_font_options_t *o = cairo_font_options_create();

	cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
	cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_antialias(o, CAIRO_ANTIALIAS_GRAY);
	pango_cairo_context_set_font_options(ctx, o);
	cairo_font_options_destroy(o);
	pango_context_set_round_glyph_positions(ctx, FALSE);
}

/* Returns owned: g_object_unref. */
static PangoLayout *
set(cairo_t *cr, enum font_face face, double size, const char *text)
{
	PangoLayout *l = pango_cairo_create_layout(cr);
	PangoFontDescription *d = pango_font_description_new();

	plain_options(pango_layout_get_context(l));
	pango_font_description_set_family_static(d, faces[face].family);
	pango_font_description_set_weight(d, faces[face].weight);
	pango_font_description_set_absolute_size(d, size * PANGO_SCALE);
	pango_layout_set_font_description(l, d);
	pango_font_description_free(d);
	pango_layout_set_single_paragraph_mode(l, TRUE);
	pango_layout_set_text(l, text, -1);
	return l;
}

void
font_show(void *cairo, enum font_face face, double size, const char *text)
{
	PangoLayout *l = set(cairo, face, size, text);

	pango_cairo_show_layout_line(
	    cairo, pango_layout_get_line_readonly(l, 0));
	g_object_unref(l);
}

double
font_measure(void *font, enum font_face face, double size, const char *text)
{
	struct font *f = font;
	PangoLayout *l = set(f->cr, face, MEASURE, text);
	PangoRectangle logical;

	pango_layout_get_extents(l, NULL, &logical);
	g_object_unref(l);
	return (double)logical.width / PANGO_SCALE * size / MEASURE;
}

int
font_missing(struct font *f, enum font_face face, const char *text)
{
	PangoLayout *l = set(f->cr, face, MEASURE, text);
	int n = pango_layout_get_unknown_glyphs_count(l);

	g_object_unref(l);
	return n;
}
