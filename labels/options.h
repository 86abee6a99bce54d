/* The command line of thinglabels. */
#ifndef LABELS_OPTIONS_H
#define LABELS_OPTIONS_H

#include "labels/printer.h"
#include "labels/stock.h"

enum format {
	FORMAT_PDF,
	FORMAT_SVG,
	FORMAT_PNG,
	FORMAT_ZPL,
	FORMAT_TERM,
	FORMAT_REPORT,
	FORMATS,
};

struct options {
	enum format format;
	const char *file; /* NULL: standard output */
	const char *stock, *stocks, *start, *printer;
	struct aim aim;
	struct pair size; /* 0: not given */
	double dpi;       /* 0: not given */
	bool border, test, by_column, force, json, list;
};

/* options_parse fills *o; false: the program ends with *code. */
bool options_parse(int argc, char **argv, struct options *o, int *code);

/* options_stock makes the stock of this run: one of the table, or a label of
 * the size that is given.  *out borrows from table; only what is measured may
 * differ from it.
 * Returns: the exit code. */
int options_stock(
    const struct options *o, const struct stocks *table, struct stock *out);

/* say writes a line to standard error. */
void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
