/* A label for a terminal: two modules a character cell. */
#ifndef LABELS_TERM_H
#define LABELS_TERM_H

#include "common/buf.h"
#include "labels/label.h"

/* term_draw appends the code at level L, black on white whatever the
 * terminal's own colours are, and the lines below it.  *columns receives the
 * width in cells.
 * Errors:  ERR_RANGE the text is too long for a QR code. */
enum err term_draw(
    const struct label *l, struct buf *out, int *columns) MUST_USE;

#endif
