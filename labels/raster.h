/* A label as dots of a printer. */
#ifndef LABELS_RASTER_H
#define LABELS_RASTER_H

#include "common/buf.h"
#include "labels/sticker.h"

/* The picture as it leaves the printer. */
struct raster {
	double dpi;
	int w, h;    /* in dots */
	bool turned; /* the label lies on its side */
};

/* raster_draw draws on a new cairo_surface_t, which the caller destroys.
 * Errors: ERR_IO cairo failed, eb says how. */
enum err raster_draw(const struct sticker *s, const struct raster *r,
    void **surface, struct errbuf *eb) MUST_USE;

#endif
