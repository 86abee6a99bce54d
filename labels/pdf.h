/* PDF documents that printers leave at their size. */
#ifndef LABELS_PDF_H
#define LABELS_PDF_H

#include "common/buf.h"
#include "common/err.h"
#include "labels/stock.h"

struct pdf;

/* pdf_open begins a document of pages of that size in mm.  Returns owned:
 * pdf_close. */
struct pdf *pdf_open(struct pair paper, const char *title);

/* pdf_cairo is its cairo_t, in mm. */
void *pdf_cairo(struct pdf *p);

/* pdf_page ends a page. */
void pdf_page(struct pdf *p);

/* pdf_close ends and frees the document and appends it to out (NULL: away with
 * it).
 * Errors: ERR_IO, eb says what. */
enum err pdf_close(struct pdf *p, struct buf *out, struct errbuf *eb);

/* pdf_unscaled appends what makes printers not fit the pages to their paper
 * (/PrintScaling /None), as an incremental update (ISO 32000-1, 7.5.6).
 * Errors: ERR_PROTO not a PDF as cairo writes them. */
enum err pdf_unscaled(struct buf *pdf) MUST_USE;

#endif
