#include "labels/raster.h"

#include <cairo.h>

enum err
raster_draw(const struct sticker *s, const struct raster *r, void **surface,
    struct errbuf *eb)
{
	cairo_surface_t *sf =
	    cairo_image_surface_create(CAIRO_FORMAT_RGB24, r->w, r->h);
	cairo_t *cr = cairo_create(sf);
	const cairo_matrix_t turn = { 0, 1, -1, 0, r->w, 0 };
	cairo_status_t st;

	cairo_set_source_rgb(cr, 1, 1, 1);
	cairo_paint(cr);
	if (r->turned)
		cairo_transform(cr, &turn);
	sticker_paint(s, cr, MM_PER_INCH / r->dpi);
	st = cairo_status(cr);
	cairo_destroy(cr);
	*surface = sf;
	if (st == CAIRO_STATUS_SUCCESS)
		return OK;
	cairo_surface_destroy(sf);
	return errbuf_set(
	    eb, ERR_IO, "cannot draw: %s", cairo_status_to_string(st));
}
