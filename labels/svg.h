/* A label as SVG, in mm: the code as one path, texts as text. */
#ifndef LABELS_SVG_H
#define LABELS_SVG_H

#include "common/buf.h"
#include "labels/code.h"
#include "labels/layout.h"

/* svg_draw appends the document.  c may be NULL. */
void svg_draw(const struct layout *lo, const struct code *c, struct buf *out);

#endif
