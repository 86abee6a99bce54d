/* A label as a PNG picture for a printer of known dots. */
#ifndef LABELS_PNG_H
#define LABELS_PNG_H

#include "common/buf.h"
#include "labels/raster.h"

/* png_draw appends the picture, which says its dpi.
 * Errors:  ERR_IO cairo failed, eb says how. */
enum err png_draw(const struct sticker *s, const struct raster *r,
    struct buf *out, struct errbuf *eb) MUST_USE;

/* png_add_dpi writes a pHYs chunk behind the header of a PNG. */
void png_add_dpi(const struct buf *png, double dpi, struct buf *out);

#endif
