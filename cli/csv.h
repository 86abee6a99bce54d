/* Tables for mail merge: RFC 4180, and safe to open in a spreadsheet.  Pure. */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include "common/buf.h"

#include <jansson.h>

/* csv_cell appends one cell.  A text that a spreadsheet would reckon as a
 * formula gets an apostrophe before it: names are chosen by others. */
void csv_cell(struct buf *b, const char *text);

/* csv_table appends a line of the columns' names (the list ends with NULL) and
 * a line for each object of rows: their members of those names, null and absent
 * as nothing. */
void csv_table(struct buf *b, const char *const *columns, const json_t *rows);

#endif
