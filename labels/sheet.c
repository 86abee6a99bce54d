#include "labels/sheet.h"

#include <stdlib.h>
#include <string.h>

int
sheet_cells(const struct sheet *s)
{
	return s->stock->cols * s->stock->rows;
}

static bool
count(const char *s, char **end, int *out)
{
	long v;

	if (*s < '0' || *s > '9')
		return false;
	v = strtol(s, end, 10);
	*out = v > 9999 ? 9999 : (int)v;
	return true;
}

enum err
sheet_start(struct sheet *s, const char *start, struct errbuf *eb)
{
	const struct stock *k = s->stock;
	int row, col = 0;
	char *end;
	bool good = count(start, &end, &row);

	if (good && *end == '\0' && row >= 1 && row <= sheet_cells(s)) {
		s->first = row - 1;
		return OK;
	}
	if (good && *end == ':' && count(end + 1, &end, &col) && !*end &&
	    row >= 1 && row <= k->rows && col >= 1 && col <= k->cols) {
		s->first = s->by_column ? (col - 1) * k->rows + row - 1
					: (row - 1) * k->cols + col - 1;
		return OK;
	}
	return errbuf_set(eb, ERR_RANGE,
	    "--start is ROW:COLUMN or the number of a cell, and %s has %d "
	    "rows and %d columns: 1:1 to %d:%d, or 1 to %d",
	    k->id, k->rows, k->cols, k->rows, k->cols, sheet_cells(s));
}

struct cell
sheet_cell(const struct sheet *s, int i)
{
	const struct stock *k = s->stock;
	int n = (s->first + i) % sheet_cells(s);
	int col = s->by_column ? n / k->rows : n % k->cols;
	int row = s->by_column ? n % k->rows : n / k->cols;

	return (struct cell){
		.page = (s->first + i) / sheet_cells(s),
		.at = { k->margin.x + col * k->pitch.x,
		    k->margin.y + row * k->pitch.y },
	};
}
