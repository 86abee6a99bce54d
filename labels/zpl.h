/* A label in ZPL, the language of Zebra's printers, as one bitmap: the same
 * dots as everywhere else, whatever fonts and codes the printer has. */
#ifndef LABELS_ZPL_H
#define LABELS_ZPL_H

#include "common/buf.h"
#include "labels/raster.h"

/* zpl_draw appends the label.
 * Errors: ERR_IO cairo failed, eb says how. */
enum err zpl_draw(const struct sticker *s, const struct raster *r,
    struct buf *out, struct errbuf *eb) MUST_USE;

/* zpl_bits appends a label of w by h dots: rows of (w + 7) / 8 bytes, the
 * highest bit first, 1 is black. */
void zpl_bits(const unsigned char *bits, int w, int h, struct buf *out);

#endif
