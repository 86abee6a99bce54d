#include "labels/font.h"

#include "common/mem.h"

#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <stdlib.h>

/* DejaVu tells 0 from O and 1 from I, and has Latin, Greek and Cyrillic. */
static const struct {
	const char *family;
	cairo_font_weight_t weight;
} faces[] = {
	[FONT_PLAIN] = { "DejaVu Sans", CAIRO_FONT_WEIGHT_NORMAL },
	[FONT_BOLD] = { "DejaVu Sans", CAIRO_FONT_WEIGHT_BOLD },
	[FONT_MONO] = { "DejaVu Sans Mono", CAIRO_FONT_WEIGHT_BOLD },
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
	/* Their caches, so that a leak checker sees only real leaks. */
	cairo_debug_reset_static_data();
	FcFini();
	free(f);
}

const char *
font_family(enum font_face face)
{
	return faces[face].family;
}

void
font_set(void *cairo, enum font_face face, double size)
{
	cairo_font_options_t *o = cairo_font_options_create();

	cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
	cairo_set_font_options(cairo, o);
	cairo_font_options_destroy(o);
	cairo_select_font_face(cairo, faces[face].family,
	    CAIRO_FONT_SLANT_NORMAL, faces[face].weight);
	cairo_set_font_size(cairo, size);
}

double
font_measure(void *font, enum font_face face, double size, const char *text)
{
	struct font *f = font;
	cairo_text_extents_t te;

	font_set(f->cr, face, MEASURE);
	cairo_text_extents(f->cr, text, &te);
	return te.x_advance * size / MEASURE;
}

int
font_missing(struct font *f, enum font_face face, const char *text)
{
	cairo_glyph_t *glyphs = NULL;
	int n = 0, missing = 0;

	font_set(f->cr, face, MEASURE);
	if (cairo_scaled_font_text_to_glyphs(cairo_get_scaled_font(f->cr), 0, 0,
		text, -1, &glyphs, &n, NULL, NULL,
		NULL) != CAIRO_STATUS_SUCCESS)
		return 0;
	for (int i = 0; i < n; i++)
		missing += glyphs[i].index == 0;
	cairo_glyph_free(glyphs);
	return missing;
}
