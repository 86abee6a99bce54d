/* An A4 document of facts, steps, tables and QR codes: the hand-over sheet. */
#ifndef LABELS_REPORT_H
#define LABELS_REPORT_H

#include "common/buf.h"
#include "common/err.h"

/* report_draw appends the document that a JSON object describes as a PDF:
 *
 *   {"title", "subtitle", "notice" (stands on each page), "foot",
 *    "facts": [[NAME, VALUE]...],
 *    "parts": [{"title", "page": bool (begins one), "text",
 *               "steps": [TEXT...],
 *               "columns": [{"title", "width" (mm of 180), "right": bool}...],
 *               "rows": [[CELL...]...],
 *               "sign": [TEXT...],
 *               "codes": [{"name", "place", "node", "sn", "text", "key"}...]
 *              }...]}
 *
 * Every member may be absent.  What follows a line break is said small.  A
 * table that goes on on another page has its columns' titles there too; no text
 * is cut.  *missing counts the characters that no font here has. Errors:
 * ERR_PROTO not such an object, ERR_RANGE a text too long for a QR code, ERR_IO
 * cairo failed; eb says how, never with a text of it. */
enum err report_draw(const char *json, size_t len, struct buf *out,
    int *missing, struct errbuf *eb) MUST_USE;

#endif
