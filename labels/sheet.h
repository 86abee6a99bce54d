/* Where the cells of a sheet of labels are. */
#ifndef LABELS_SHEET_H
#define LABELS_SHEET_H

#include "labels/stock.h"

/* Cells count from 0, row by row or column by column; those after the last of
 * a sheet are on the next one. */
struct sheet {
	const struct stock *stock;
	bool by_column;
	int first; /* free cell of the first sheet */
};

struct cell {
	int page; /* from 0 */
	struct pair at;
};

/* sheet_start reads "3" (the third cell) or "2:1" (row and column).
 * Errors: ERR_RANGE, eb says what there is. */
enum err sheet_start(
    struct sheet *s, const char *start, struct errbuf *eb) MUST_USE;

int sheet_cells(const struct sheet *s);

/* sheet_cell places the label number i, from 0. */
struct cell sheet_cell(const struct sheet *s, int i);

#endif
